/** What a version runs that comes from elsewhere, by hash: as a list, and as the file that Deno keeps of the same. */

import { first } from "../lib/rows.ts";
import type { Town } from "../lib/town.ts";
import type { Val } from "../model/vals.ts";
import type { Graph } from "./graph.ts";
import { forgetChoices, integrities, parseFileKey } from "./packages.ts";
import { forgetRemote } from "./remote.ts";

export interface Locked {
  specifier: string;
  type: string;
  /** SHA-256 of a module; of a package's file, the hash of its archive as its registry tells it. */
  hash: string;
  bytes: number;
}

export async function readGraph(town: Town, val: Val, version = val.version): Promise<Graph> {
  const row = await first<{ graph: string }>(
    town.storage, "SELECT graph FROM version WHERE branch_id = :branch_id AND number = :version",
    { branch_id: val.branch_id, version },
  );
  return JSON.parse(row?.graph ?? '{"modules":{}}') as Graph;
}

/** Modules from elsewhere, and of other vals, in the order of their addresses. */
export async function lockedModules(town: Town, graph: Graph): Promise<Locked[]> {
  const archives = new Map((await packagesOf(town, graph)).map(({ name, version, integrity }) => [`${name}@${version}`, integrity]));
  const modules: Locked[] = [];
  for (const [specifier, [type, hash, , , bytes]] of Object.entries(graph.modules)) {
    if (specifier.startsWith("./")) continue;
    const file = parseFileKey(specifier);
    const known = file === undefined ? `sha256-${hash}` : `sha512-${archives.get(`${file.name}@${file.version}`)}`;
    modules.push({ specifier, type, hash: known, bytes });
  }
  return modules.sort((a, b) => (a.specifier < b.specifier ? -1 : 1));
}

/** The same as a `deno.lock`, so that Deno runs what the town runs. */
export async function denoLock(town: Town, graph: Graph): Promise<Record<string, unknown>> {
  const remote: Record<string, string> = {};
  for (const [key, [, hash]] of Object.entries(graph.modules)) if (key.startsWith("https:")) remote[key.replace(/#\w+$/, "")] = hash;
  const npm: Record<string, { integrity: string }> = {};
  for (const { name, version, integrity } of await packagesOf(town, graph)) npm[`${name}@${version}`] = { integrity: `sha512-${integrity}` };
  const specifiers: Record<string, string> = {};
  for (const [key, [, , , , , names = {}]] of Object.entries(graph.modules)) {
    if (!key.startsWith("./") && !key.startsWith("/")) continue;
    for (const [specifier, target] of Object.entries(names)) {
      const file = parseFileKey(target);
      const named = /^npm:\/?((?:@[^/]+\/)?[^/@]+(?:@[^/]+)?)/.exec(specifier)?.[1];
      if (file !== undefined && named !== undefined) specifiers[`npm:${named}`] = file.version;
    }
  }
  return { version: "5", specifiers, npm, remote };
}

/** Forgets what a graph has from elsewhere, so that the next save asks for what is there now. */
export async function forget(town: Town, graph: Graph): Promise<void> {
  const urls = new Set<string>();
  const names = new Set<string>();
  for (const [key, [, , , , , imports = {}]] of Object.entries(graph.modules)) {
    for (const text of [key.replace(/#\w+$/, ""), ...Object.keys(imports)]) if (text.startsWith("https:")) urls.add(text);
    const file = parseFileKey(key);
    if (file !== undefined) names.add(file.name);
  }
  await forgetRemote(town, [...urls]);
  await forgetChoices(town, [...names]);
}

function packagesOf(town: Town, graph: Graph) {
  const names = new Set<string>();
  for (const key of Object.keys(graph.modules)) {
    const file = parseFileKey(key);
    if (file !== undefined) names.add(`${file.name}@${file.version}`);
  }
  return integrities(town, names);
}
