/**
 * Calls of other people's vals that mean them as APIs: as libraries they have none of what their authors' own code uses.
 * Found by what the called code reaches, and changed into calls as APIs.
 */

import { all } from "../lib/rows.ts";
import type { Town } from "../lib/town.ts";
import { readContent, type Entry, type Tree } from "../model/files.ts";
import { keyOf, type Analysis, type Diagnostic } from "./analysis.ts";
import { replaced, specifierOf, spotsIn, translate } from "./at.ts";
import type { Graph } from "./graph.ts";
import { hiddenKeys } from "./hidden.ts";
import { mask } from "./mask.ts";
import { parseSpecifier } from "./reference.ts";

export interface CallSite extends Diagnostic {
  /** `user.val`. */
  calls: string;
  /** Where the callee is and where its arguments begin. */
  start: number;
  open: number;
  /** Its call goes on behind the closing parenthesis: `f().x`. */
  close: number;
  /** The import that names it; undefined in the language of `@user.val`. */
  imported?: { start: number; end: number; isOnlyCalled: boolean };
}

type Change = [start: number, end: number, text: string];

// More in one file is no program that a person wrote.
const SITES_MAX = 200;
const STATE = /\b(?:Deno\s*\.\s*env|process\s*\.\s*env|import\s*\.\s*meta\s*\.\s*env)\b/;
const STORES = /^town:system\/std\/(sqlite|blob|set|email)\//;
const ASSIGNED = /^\s*(?:[-+*/%&|^]|\*\*|<<|>>>?|&&|\|\||\?\?)?=(?![=>])|^\s*(?:\+\+|--)/;
const INCREMENTED = /(?:\+\+|--)\s*$/;
const RUN = 'import { run } from "https://esm.town/v/std/run";';

/** The calls in a val's files that lack what their callees use. With `only`, in files of that kind of module. */
export async function brokenCalls(
  town: Town,
  val: { username: string; owner_id: string },
  tree: Tree,
  analyses: Map<string, Analysis>,
  graph: Graph,
  only?: "at",
): Promise<CallSite[]> {
  const sites: CallSite[] = [];
  const found: { site: CallSite; target: string }[] = [];
  for (const entry of tree.values()) {
    const module = graph.modules[`./${entry.path}`];
    if (module === undefined || entry.hash === null || (only !== undefined && module[0] !== only)) continue;
    const names = module[5] ?? {};
    if (!Object.values(names).some((key) => isForeign(key, val.username))) continue;
    const source = await textOf(town, entry);
    for (const { site, specifier } of callsIn(town, entry, source, module[0] === "at", analyses.get(keyOf(entry)))) {
      const target = names[specifier];
      if (target !== undefined && isForeign(target, val.username)) found.push({ site, target });
    }
  }
  if (found.length === 0) return sites;
  const texts = await textsOf(town, graph, val.username);
  const hidden = new Set(await hiddenKeys(town, val, graph));
  for (const { site, target } of found.slice(0, SITES_MAX)) {
    const why = stateOf(graph, texts, hidden, val.username, target);
    if (why !== undefined) sites.push({ ...site, message: `${site.message} ${why}, and has nothing of that as a library` });
  }
  return sites;
}

/** A source in which those calls are calls as APIs, or undefined where that takes a person. */
export async function upgraded(town: Town, source: string, entry: Entry, sites: CallSite[]): Promise<string | undefined> {
  const isAt = sites.every((site) => site.imported === undefined);
  if (sites.length === 0 || sites.some(({ imported }) => imported?.isOnlyCalled === false)) return undefined;
  const imports = new Map(sites.flatMap(({ imported }) => (imported === undefined ? [] : [[imported.start, imported] as const])));
  const has = source.includes("esm.town/v/std/run\"");
  const changes: Change[] = [...imports.values()].map(({ start, end }, index) => [start, end, index === 0 && !has ? RUN : ""]);
  for (const site of sites) {
    // Where nothing may be awaited, the promise is what there is.
    for (const wait of ["await ", ""]) {
      const tried = [...changes, ...changesOf(source, site, wait)];
      if (!(await compiles(town, replaced(source, tried), entry, isAt))) continue;
      changes.splice(0, changes.length, ...tried);
      break;
    }
  }
  const text = replaced(source, changes);
  return await compiles(town, text, entry, isAt) && changes.length > imports.size ? text : undefined;
}

export function textOf(town: Town, entry: Entry): Promise<string> {
  return entry.text === undefined ? readContent(town, entry.hash as string) : Promise.resolve(entry.text);
}

function changesOf(source: string, site: CallSite, wait: string): Change[] {
  const code = mask(source);
  const isBare = code.slice(site.open + 1, site.close).trim() === "" && source.slice(site.open + 1, site.close).trim() === "";
  const goesOn = wait !== "" && /^\s*(?:\.|\[|\(|\?\.)/.test(code.slice(site.close + 1));
  // It is awaited already.
  const awaited = /\bawait\s*$/.test(code.slice(Math.max(0, site.start - 20), site.start));
  const callee = site.imported === undefined ? `api(@${site.calls}` : `run(${JSON.stringify(site.calls)}`;
  const begin = `${goesOn ? "(" : ""}${awaited ? "" : wait}${callee}${isBare ? "" : ", "}`;
  return [[site.start, site.open + 1, begin], ...(goesOn ? [[site.close + 1, site.close + 1, ")"] as Change] : [])];
}

async function compiles(town: Town, text: string, entry: Entry, isAt: boolean): Promise<boolean> {
  if (isAt) return (await translate(town, text)) !== undefined;
  try {
    await town.loader.compile(text, { type: entry.dialect ?? "tsx" });
    return true;
  } catch (error) {
    if (error instanceof SyntaxError) return false;
    throw error;
  }
}

// ---- Finding ----------------------------------------------------------------------------------------

function* callsIn(
  town: Town,
  entry: Entry,
  source: string,
  isAt: boolean,
  analysis: Analysis | undefined,
): Generator<{ site: CallSite; specifier: string }> {
  const code = mask(source);
  const siteAt = (start: number, end: number, calls: string, written: string, imported?: CallSite["imported"]): CallSite | undefined => {
    const open = end + (/^\s*\(/.exec(code.slice(end))?.[0].length ?? 0) - 1;
    if (open < end) return undefined;
    const before = source.slice(0, start).split("\n");
    const instead = imported === undefined ? `await api(@${calls}, ...)` : `await run("${calls}", ...) of https://esm.town/v/std/run`;
    return {
      path: entry.path, line: before.length, column: (before[before.length - 1] as string).length + 1, message: `${written}`,
      suggestion: `Call it as an API: ${instead}`, calls, start, open, close: closingOf(code, open), ...(imported && { imported }),
    };
  };
  if (isAt) {
    for (const { start, end, user, name, isApi } of spotsIn(code)) {
      const site = isApi || name === "secrets" ? undefined : siteAt(start, end, `${user}.${name}`, `@${user}.${name}`);
      if (site !== undefined) yield { site, specifier: specifierOf(`${user}.${name}`) };
    }
    return;
  }
  for (const use of analysis?.imports ?? []) {
    const reference = use.dynamic || use.attributes.authority !== undefined ? undefined : parseSpecifier(town.arrival, use.specifier);
    if (reference === undefined || reference.path !== undefined) continue;
    const escaped = use.specifier.replace(/[.*+?^${}()|[\]\\]/g, "\\$&");
    const statement = new RegExp(`^[ \\t]*import\\s+(?:([\\w$]+)|\\{\\s*([\\w$]+)(?:\\s+as\\s+([\\w$]+))?\\s*,?\\s*\\})\\s+from\\s*["']${escaped}["'];?`, "m").exec(source);
    const local = statement?.[1] ?? statement?.[3] ?? statement?.[2];
    if (statement === null || local === undefined) continue;
    const end = statement.index + statement[0].length;
    const named = [...code.matchAll(new RegExp(`(?<![\\w$.])${local.replaceAll("$", "\\$")}(?![\\w$])`, "g"))];
    const used = named.filter(({ index }) => index < statement.index || index >= end);
    const calls = used.map(({ index }) => siteAt(index, index + local.length, `${reference.username}.${reference.name}`, local, {
      start: statement.index, end, isOnlyCalled: used.every(({ index: at }) => /^\s*\(/.test(code.slice(at + local.length))),
    }));
    for (const site of calls) if (site !== undefined) yield { site, specifier: use.specifier };
  }
}

function closingOf(code: string, open: number): number {
  let depth = 0;
  for (let at = open; at < code.length; at++) {
    if (code[at] === "(") depth++;
    else if (code[at] === ")" && --depth === 0) return at;
  }
  return code.length;
}

/** What of their author's own the modules of others use that a call reaches, in words. */
function stateOf(graph: Graph, texts: Map<string, string>, hidden: Set<string>, caller: string, target: string): string | undefined {
  const waiting = [target];
  const seen = new Set<string>();
  for (let key = waiting.pop(); key !== undefined; key = waiting.pop()) {
    if (seen.has(key)) continue;
    seen.add(key);
    const user = key.split("/")[2] as string;
    if (hidden.has(key)) return `uses the private val ${key.split("/")[3]?.split("@")[0]} of ${user}`;
    const [type, hash, , edges] = graph.modules[key] ?? [];
    const store = edges?.find((edge) => STORES.test(edge));
    if (store !== undefined) return `uses the ${STORES.exec(store)?.[1]} of ${user}`;
    const used = usesOf(mask(texts.get(hash ?? "") ?? ""), type === "at", user);
    if (used !== undefined) return used;
    waiting.push(...(edges ?? []).filter((edge) => isForeign(edge, caller)));
  }
  return undefined;
}

function usesOf(code: string, isAt: boolean, user: string): string | undefined {
  if (!isAt) return STATE.test(code) ? `reads environment variables of ${user}` : undefined;
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
  for (const key in graph.modules) if (isForeign(key, caller)) hashes.add((graph.modules[key] as Graph["modules"][string])[1]);
  const rows = await all<{ hash: string; text: unknown }>(
    town.storage, "SELECT c.hash, c.text FROM json_each(:hashes) j JOIN content c ON c.hash = j.value WHERE length(c.text) < 262144 LIMIT 200",
    { hashes: JSON.stringify([...hashes]) },
  );
  return new Map(rows.map(({ hash, text }) => [hash, typeof text === "string" ? text : ""]));
}
