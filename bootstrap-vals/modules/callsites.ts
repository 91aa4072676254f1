/**
 * Calls of other people's vals that mean them as APIs: as libraries they have none of what their authors' own code uses.
 * Found by what the called code reaches.
 */

import type { Town } from "../lib/town.ts";
import { all } from "../lib/rows.ts";
import { readContent, type Entry, type Tree } from "../model/files.ts";
import { endpointToCall } from "../run/endpoint.ts";
import { keyOf, type Analysis, type Diagnostic } from "./analysis.ts";
import { MARK, spotsIn } from "./at.ts";
import { usesOfImports, usesOfOld, type Use } from "./calling.ts";
import type { Graph, GraphModule } from "./graph.ts";
import { hiddenKeys } from "./hidden.ts";
import { mask } from "./mask.ts";
import { reachedBy } from "./reach.ts";

export interface CallSite extends Diagnostic {
  use: Use;
  upgradable: boolean;
}

// More in one file is no program that a person wrote.
const SITES_MAX = 200;
const STATE = /\b(?:Deno\s*\.\s*env|process\s*\.\s*env|import\s*\.\s*meta\s*\.\s*env)\b/;
const STORES = /^town:system\/std\/(sqlite|blob|set|email)\//;
const KERNEL = /^(?:storage|loader|env|system|\*)$/;
const ASSIGNED = /^\s*(?:[-+*/%&|^]|\*\*|<<|>>>?|&&|\|\||\?\?)?=(?![=>])|^\s*(?:\+\+|--)/;
const INCREMENTED = /(?:\+\+|--)\s*$/;

/** The calls in a val's files that lack what their callees use. */
export async function brokenCalls(
  town: Town,
  val: { username: string; owner_id: string },
  tree: Tree,
  analyses: Map<string, Analysis>,
  graph: Graph,
): Promise<CallSite[]> {
  const importers = [...tree.values()].filter((entry) => entry.hash !== null &&
    Object.values(graph.modules[`./${entry.path}`]?.[5] ?? {}).some((key) => isForeign(key, val.username)) && analyses.has(keyOf(entry)));
  if (importers.length === 0) return [];
  const texts = await textsOf(town, graph, val.username);
  const hidden = new Set(await hiddenKeys(town, val, graph));
  const world: World = { graph, texts, hidden, caller: val.username };
  // Most libraries use nothing of their authors', and then nobody need know who calls them.
  if (hidden.size === 0 && !Object.entries(graph.modules).some(([key, module]) => isForeign(key, val.username) && mayUse(module, texts))) return [];
  const sites: CallSite[] = [];
  for (const entry of importers) {
    const [type, , , , , names = {}] = graph.modules[`./${entry.path}`] as GraphModule;
    const source = await textOf(town, entry);
    const calls = (specifier: string) => {
      const target = names[specifier];
      return target === undefined || !isForeign(target, val.username) ? undefined : target.split("/").slice(2, 4).join(".").replace(/@.*/, "");
    };
    for (const use of type === "at" ? usesOfOld(source) : usesOfImports(source, calls)) {
      const target = names[use.specifier];
      if (target === undefined || !isForeign(target, val.username)) continue;
      const why = stateOf(world, target, use.imported);
      if (why !== undefined) sites.push(await siteOf(town, entry, source, use, target, why));
      if (sites.length >= SITES_MAX) return sites;
    }
  }
  return sites;
}

export function textOf(town: Town, entry: Entry): Promise<string> {
  return entry.text === undefined ? readContent(town, entry.hash as string) : Promise.resolve(entry.text);
}

async function siteOf(town: Town, entry: Entry, source: string, use: Use, target: string, why: string): Promise<CallSite> {
  const byHand = use.byHand ?? (use.local === undefined ? undefined : await missingApi(town, use, target));
  const before = source.slice(0, use.start).split("\n");
  const call = use.local === undefined ? `await api(@${use.calls}, ...)` : `await run("${use.calls}", ...) of https://esm.town/v/std/run`;
  return {
    path: entry.path, line: before.length, column: (before[before.length - 1] as string).length + 1,
    message: `${use.written} ${why}, and has nothing of that as a library`,
    suggestion: byHand?.startsWith("As an API") ? byHand : `Call it as an API: ${call}${byHand === undefined ? "" : `, by hand: ${byHand}`}`,
    use, upgradable: byHand === undefined,
  };
}

/** Why what is called is not what the val answers with as an API. */
async function missingApi(town: Town, use: Use, target: string): Promise<string | undefined> {
  const [username, name] = use.calls.split(".") as [string, string];
  const endpoint = await endpointToCall(town, username, name);
  if (endpoint === undefined) return "there is no such val any more";
  const { exports, path, branch } = endpoint;
  const isMain = target.endsWith(`-${branch}/${path}`);
  const called = exports.includes("default") ? "default" : exports.filter((one) => one !== MARK).length === 1 ? exports[0] : undefined;
  if (isMain && called === use.imported) return undefined;
  const what = called === undefined ? `${use.calls} has nothing to call` : `${use.calls} is ${called === "default" ? "its default export" : called} of ${path} only`;
  return `As an API ${what}: pass what this needs as an argument, or remix that val`;
}

// ---- What the called code uses ----------------------------------------------------------------------

interface World {
  graph: Graph;
  /** Of others' modules, by hash. */
  texts: Map<string, string>;
  /** Keys of modules that the caller may not see. */
  hidden: Set<string>;
  caller: string;
}

function mayUse([type, hash, , edges]: GraphModule, texts: Map<string, string>): boolean {
  const text = texts.get(hash) ?? "";
  return type === "at" || STATE.test(text) || text.includes("town:kernel") || text.includes("authority") || edges.some((edge) => STORES.test(edge));
}

/** What of their author's own the modules of others use that a call reaches, in words. */
function stateOf({ graph, texts, hidden, caller }: World, target: string, imported: string): string | undefined {
  const waiting: [key: string, name: string][] = [[target, imported]];
  const seen = new Set<string>();
  for (let next = waiting.pop(); next !== undefined; next = waiting.pop()) {
    const [key, name] = next;
    if (seen.has(next.join(" "))) continue;
    seen.add(next.join(" "));
    const user = key.split("/")[2] as string;
    if (hidden.has(key)) return `uses the private val ${key.split("/")[3]?.split("@")[0]} of ${user}`;
    const module = graph.modules[key];
    if (module === undefined) continue;
    const [type, hash, , edges, , names = {}] = module;
    const text = texts.get(hash) ?? "";
    if (type === "at") {
      const used = usesOfUser(mask(text), user);
      if (used !== undefined) return used;
      for (const edge of edges) if (isForeign(edge, caller)) waiting.push([edge, "default"]);
      continue;
    }
    const { code, imports } = reachedBy(text, name);
    if (STATE.test(code)) return `reads environment variables of ${user}`;
    for (const { specifier, imported: wanted, hasAuthority } of imports) {
      if (specifier === "town:kernel" && KERNEL.test(wanted)) return `uses the ${wanted === "*" ? "storage" : wanted} of ${user}`;
      const edge = names[specifier];
      if (edge === undefined) continue;
      const store = STORES.exec(edge)?.[1];
      if (store !== undefined) return `uses the ${store} of ${user}`;
      if (hasAuthority) return `hands authority of ${user} to ${specifier}`;
      if (isForeign(edge, caller)) waiting.push([edge, wanted]);
    }
  }
  return undefined;
}

function usesOfUser(code: string, user: string): string | undefined {
  for (const spot of spotsIn(code)) {
    if (spot.isApi || (spot.user !== "me" && spot.user !== user)) continue;
    if (spot.name === "secrets") return `reads secrets of ${user}`;
    if (ASSIGNED.test(code.slice(spot.end)) || INCREMENTED.test(code.slice(0, spot.start))) return `assigns to vals of ${user}`;
  }
  return undefined;
}

function isForeign(key: string, caller: string): boolean {
  return key.startsWith("/v/") && !key.startsWith(`/v/${caller}/`);
}

async function textsOf(town: Town, graph: Graph, caller: string): Promise<Map<string, string>> {
  const hashes = new Set<string>();
  for (const key in graph.modules) if (isForeign(key, caller)) hashes.add((graph.modules[key] as GraphModule)[1]);
  const rows = await all<{ hash: string; text: unknown }>(
    town.storage, "SELECT c.hash, c.text FROM json_each(:hashes) j JOIN content c ON c.hash = j.value WHERE length(c.text) < 262144 LIMIT 200",
    { hashes: JSON.stringify([...hashes]) },
  );
  return new Map(rows.map(({ hash, text }) => [hash, typeof text === "string" ? text : ""]));
}
