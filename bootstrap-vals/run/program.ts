/** The program of an endpoint: its modules, environment, storage and grants. Asked for only when no isolate of it lives. */

import type { Isolate, Module, Program, Redirect, ResultSet } from "town:kernel";
import { HttpError } from "../lib/http.ts";
import { objects } from "../lib/rows.ts";
import { ownOrigin } from "../lib/mount.ts";
import type { Town } from "../lib/town.ts";
import { environmentOf, variableQueries } from "../model/environment.ts";
import type { State } from "../lib/at.ts";
import { API_URL, ENTRYPOINT, PASS, SDK_KEY, SDK_URL } from "../lib/api.ts";
import { ACCOUNT_MOUNT } from "../lib/own.ts";
import { accountStorageName } from "../model/accounts.ts";
import type { InstanceLimits } from "../model/instances.ts";
import { makePass } from "../model/passes.ts";
import { outboundOf } from "../model/snapshots.ts";
import { exportFault } from "../modules/analysis.ts";
import { MARK, PRELUDE, prelude, translate } from "../modules/at.ts";
import type { Graph } from "../modules/graph.ts";
import { pinnedPath } from "../modules/reference.ts";
import { hide, trustIn } from "./authority.ts";
import type { Endpoint } from "./endpoint.ts";
import { mainOfScript, mainOfTrigger } from "./triggers.ts";

// Half of what the kernel lets one result have.
const CONTENT_BYTES_MAX = 8 * 1024 * 1024;

const STANDARD = "town:system/std/";
const GRAPH = "SELECT graph FROM version WHERE branch_id = :branch_id AND number = :version";
// Of small vals what is small: together far less than one result may have.
const SMALL_CONTENTS = `SELECT c.hash, c.text FROM version v, json_each(v.graph, '$.modules') m JOIN content c ON c.hash = m.value ->> 1
  WHERE v.branch_id = :branch_id AND v.number = :version AND length(v.graph) < 16384 AND m.value ->> 4 < 16384`;
const CONTENTS = `SELECT c.hash, c.text FROM json_each(:hashes) j JOIN content c ON c.hash = j.value
  UNION ALL SELECT r.hash, r.text FROM json_each(:hashes) j JOIN remote_content r ON r.hash = j.value`;

/** The isolates of an endpoint. */
export function isolateOf(town: Town, endpoint: Endpoint): Isolate {
  if (endpoint.suspended_at) throw new HttpError(503, "suspended", "This town is suspended by its host", { "retry-after": "3600" });
  return (endpoint.isolate ??= town.loader.get(endpoint.programId, () => programOf(town, endpoint)));
}

/**
 * The isolates of the same town, of the image's own program, on the same data: what its owner goes back to. What it loads
 * anew is the program that serves.
 */
export function safeIsolateOf(town: Town, endpoint: Endpoint): Isolate {
  if (endpoint.suspended_at) return isolateOf(town, endpoint);
  const { programId } = endpoint;
  return town.loader.get(`${programId}&safe=1`, async () => ({ ...(await programOf(town, endpoint)), repairs: programId }));
}

// A visitor of a val that sleeps waits for this, so the database is asked once where the val is small.
async function programOf(town: Town, endpoint: Endpoint): Promise<Program> {
  const { branch_id, version, val_id } = endpoint;
  const args = { branch_id, version };
  const [graphs, contents, ...variables] = (await town.storage.batch(
    [{ sql: GRAPH, args }, { sql: SMALL_CONTENTS, args }, ...variableQueries(val_id)], "read",
  )) as [ResultSet, ResultSet, ...ResultSet[]];
  const graph = JSON.parse(String(graphs.rows[0]?.[0] ?? '{"modules":{}}')) as Graph;
  const env = await environmentOf(town, val_id, variables, endpoint.is_town === 1);
  await hide(town, endpoint, graph);
  const texts: Record<string, string> = {};
  for (const [hash, text] of contents.rows) if (typeof text === "string") texts[String(hash)] = text;
  const { main, modules, entrypoint } = await modulesOf(town, endpoint, graph, texts);
  const { depth, ...limits } = JSON.parse(endpoint.limits ?? "{}") as InstanceLimits;
  if (endpoint.limits && endpoint.limits !== "{}") env.TOWN_LIMITS ??= endpoint.limits;
  env[PASS] ??= await makePass(town, val_id);
  env[API_URL] ??= `${ownOrigin(town.arrival)}/api`;
  env[SDK_KEY] ??= env[PASS] as string;
  env[SDK_URL] ??= env[API_URL] as string;
  env[ENTRYPOINT] ??= entrypoint;
  return {
    main, modules, env, storage: town.storage.sub(`val-${val_id}`), loader: { depth }, limits, isolation: endpoint.isolation,
    mounts: { [ACCOUNT_MOUNT]: town.storage.sub(accountStorageName(endpoint.owner_id)) },
    outbound: endpoint.is_town === 1 ? await outboundOf(town, val_id, `${endpoint.label}.${town.arrival.host}`) : { private: true },
  };
}

// What is read as bytes may be kept as a text.
const sourceOf = (type: string, text: string | Uint8Array) => (type === "bytes" && typeof text === "string" ? new TextEncoder().encode(text) : text);

/** What the endpoint's file reaches, under the addresses at which the module host has it. `texts` are known by their hashes. */
export async function modulesOf(
  town: Town,
  endpoint: Endpoint,
  graph: Graph,
  texts: Record<string, string> = {},
): Promise<{ main: string; modules: Program["modules"]; entrypoint: string }> {
  const origin = ownOrigin(town.arrival);
  const own = pinnedPath(endpoint, endpoint.version, "");
  const address = (key: string) => {
    if (key.startsWith("./")) return origin + own + key.slice(2);
    return key.startsWith("/") ? origin + key : key;
  };
  const trust = trustIn(endpoint, graph);
  const modules: Record<string, Module | Redirect> = {};
  const wanted = new Map<string, { specifiers: string[]; size: number }>();
  const seen = new Set<string>();
  const main = `./${endpoint.path}`;
  const waiting = [main];
  const old: string[] = [];
  let usesStandard = false;
  for (let key = waiting.pop(); key !== undefined; key = waiting.pop()) {
    if (seen.has(key)) continue;
    seen.add(key);
    const module = graph.modules[key];
    if (module === undefined) {
      usesStandard ||= key.startsWith(STANDARD);
      continue;
    }
    const [type, hash, , edges, size, names = {}] = module;
    const imports: Record<string, string> = {};
    for (const specifier in names) imports[specifier] = address(names[specifier] as string);
    modules[address(key)] = { type: type === "at" ? "tsx" : type, source: sourceOf(type, texts[hash] ?? ""), ...trust(key), imports };
    if (type === "at") old.push(key);
    waiting.push(...edges);
    if (texts[hash] !== undefined) continue;
    const want = wanted.get(hash) ?? { specifiers: [], size };
    want.specifiers.push(address(key));
    wanted.set(hash, want);
  }
  if (usesStandard) Object.assign(modules, await overrides(town));
  for (const hashes of bounded(wanted)) {
    const contents = await town.storage.execute({ sql: CONTENTS, args: { hashes: JSON.stringify(hashes) } });
    for (const { hash, text } of objects<{ hash: string; text: string }>(contents)) {
      for (const specifier of wanted.get(hash)?.specifiers ?? []) {
        const module = modules[specifier] as Module;
        module.source = sourceOf(module.type, text);
        if (typeof text !== "string") module.type = "bytes";
      }
    }
  }
  for (const key of old) {
    const owner = key.startsWith("./") ? endpoint.username : (key.split("/")[2] as string);
    // A script that is run by hand is run as it is.
    const isValue = key !== main || endpoint.isCalled === true;
    await modernize(town, modules, address(key), { owner, runner: endpoint.username, isValue, state: endpoint.state });
  }
  const entry = entryModule(endpoint, address(main));
  const entrypoint = address(main);
  if (entry === undefined) return { main: entrypoint, modules, entrypoint };
  const specifier = `${address(main)}?entry`;
  modules[specifier] = { type: "js", source: entry, trusted: true };
  return { main: specifier, modules, entrypoint };
}

/** Makes a module of today of one in the language of `@user.val`, and beside it the one that it has its references from. */
async function modernize(
  town: Town,
  modules: Program["modules"],
  specifier: string,
  setting: { owner: string; runner: string; isValue: boolean; state: State | undefined },
): Promise<void> {
  const module = modules[specifier] as Module;
  const at = await translate(town, String(module.source), setting.isValue);
  if (at === undefined) return;
  const before = `${specifier}?references`;
  const { owner, runner, state } = setting;
  const values = { ...state?.others, ...(owner === runner ? state?.own : {}) };
  modules[before] = { ...module, type: "js", source: prelude(at, owner, runner, values) };
  module.source = at.code;
  module.imports = { ...module.imports, [PRELUDE]: before };
}

/** The image as this town has changed it: the kernel knows a val's program only with the image's own text. */
async function overrides(town: Town): Promise<Program["modules"]> {
  const modules: Program["modules"] = {};
  for (const { path, from } of (await town.system?.list()) ?? []) {
    if (from === "image" || !/^(std|lib)\/.*\.ts$/.test(path)) continue;
    const file = await town.system?.read(path);
    if (typeof file?.source === "string") modules[`town:system/${path}`] = { type: "ts", source: file.source, trusted: true };
  }
  return modules;
}

/** The hashes in groups whose texts fit into one result each. */
function bounded(wanted: Map<string, { size: number }>): string[][] {
  const groups: string[][] = [];
  let left = 0;
  for (const [hash, { size }] of wanted) {
    if (size > left || groups.length === 0) {
      groups.push([]);
      left = CONTENT_BYTES_MAX;
    }
    (groups[groups.length - 1] as string[]).push(hash);
    left -= size;
  }
  return groups;
}

/** The export rule: a default export is used as it is; a single other one by this module; anything else is an error. */
function entryModule(endpoint: Endpoint, specifier: string): string | undefined {
  const { exports, type } = endpoint;
  if (endpoint.isCalled) {
    const isAt = exports.includes(MARK);
    return `import { callable } from "town:system/lib/called.ts";
${isAt ? 'import * as at from "town:system/lib/at.ts";' : ""}
import * as exports from ${JSON.stringify(specifier)};
export default callable(exports${isAt ? ", at" : ""});
`;
  }
  if (type === "script") return mainOfScript(specifier);
  if (exports.includes("default") || exports.includes("*")) return mainOfTrigger(type, "default", specifier);
  if (exports.length === 1) return mainOfTrigger(type, exports[0] as string, specifier) ?? `export { ${exports[0]} as default } from ${JSON.stringify(specifier)};\n`;
  // No exports at all may also mean that it does not compile: then the compiler's own words are better than ours.
  const fault = exportFault(exports);
  return `import ${JSON.stringify(specifier)};\nthrow new SyntaxError(${JSON.stringify(fault)});\n`;
}
