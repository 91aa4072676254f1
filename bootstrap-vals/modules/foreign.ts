/** Modules of other vals in a graph, and what somebody meant who names one that there is not. */

import { all, first } from "../lib/rows.ts";
import type { Town } from "../lib/town.ts";
import { maySee } from "../model/access.ts";
import { readEntry, readTree, type Entry, type Tree } from "../model/files.ts";
import { entryOf, extensionOf } from "../model/names.ts";
import { findValByName, findValOnBranchNamed, type Val } from "../model/vals.ts";
import type { Import } from "./analysis.ts";
import { Fault } from "./fault.ts";
import type { Graph, ModuleType } from "./graph.ts";
import { nearest } from "./nearest.ts";
import { pinnedPath, type Reference } from "./reference.ts";

// More names than that are not compared.
const NAMES_MAX = 500;

/** Adds a module of another val with all it reaches, as pinned when that was saved; its key. */
export async function addForeign(
  town: Town,
  asker: { id: string } | undefined,
  importer: Val | undefined,
  graph: Graph,
  reference: Reference,
  use: Pick<Import, "attributes">,
): Promise<string> {
  const { username, name } = reference;
  const other = await findReferred(town, username, name, reference.branch);
  if (other === undefined || !maySee(asker, other)) throw await missingVal(town, asker, reference);
  const version = reference.version ?? other.version;
  const entry = version > other.version ? undefined : reference.path === undefined
    ? entryOf((await readTree(town, other, version)).values())
    : await readEntry(town, other, reference.path, version);
  if (entry === undefined || entry.hash === null) throw await missingModule(town, other, version, reference);
  const row = await first<{ graph: string }>(
    town.storage, "SELECT graph FROM version WHERE branch_id = :branch_id AND number = :version",
    { branch_id: other.branch_id, version },
  );
  const theirs = JSON.parse(row?.graph ?? '{"modules":{}}') as Graph;
  const own = importer !== undefined && other.owner_id === importer.owner_id;
  const keyed = (key: string) => (key.startsWith("./") ? pinnedPath(other, version, key.slice(2)) : key);
  const start = `./${entry.path}`;
  if (theirs.modules[start] === undefined) {
    graph.modules[keyed(start)] ??= [dataType(entry, use), entry.hash, own ? 1 : 0, [], entry.size];
    return keyed(start);
  }
  const waiting = [start];
  const seen = new Set<string>();
  for (let key = waiting.pop(); key !== undefined; key = waiting.pop()) {
    if (seen.has(key)) continue;
    seen.add(key);
    const found = theirs.modules[key];
    if (found === undefined) continue;
    const [type, hash, trusted, edges, size, imports = {}] = found;
    const theirNames = Object.fromEntries(Object.entries(imports).map(([specifier, target]) => [specifier, keyed(target)]));
    graph.modules[keyed(key)] ??= [type, hash, own ? trusted : 0, edges.map(keyed), size, theirNames];
    waiting.push(...edges);
  }
  return keyed(start);
}

/** The val that a reference names, on its branch. */
export async function findReferred(town: Town, username: string, name: string, branch: string): Promise<Val | undefined> {
  const val = await findValByName(town, username, name);
  return val === undefined || val.branch === branch ? val : findValOnBranchNamed(town, val.id, branch);
}

export function dataType(entry: Entry, use: Pick<Import, "attributes">): ModuleType {
  const asked = use.attributes.type;
  if (asked === "json" || asked === "text" || asked === "bytes") return asked;
  return entry.dialect ?? (extensionOf(entry.path) === "json" ? "json" : "text");
}

/** What is wrong with a relative import, and which file was likely meant. */
export function missingFile(tree: Tree, from: Entry, specifier: string, path: string | undefined): Fault {
  if (path === undefined) return new Fault(`${specifier} leads out of the val`);
  const message = `There is no file ${path}, which ${from.path} imports as ${specifier}`;
  const files = [...tree.values()].filter((entry) => entry.hash !== null).map((entry) => entry.path);
  const stem = (text: string) => text.replace(/\.[^./]*$/, "").toLowerCase();
  const near = files.find((file) => stem(file) === stem(path) || file.replace(/\.[^./]*$/, "") === path || file === `${path}/index.ts`)
    ?? nearest(path, files);
  if (near === undefined) return new Fault(message);
  const folder = from.path.split("/").slice(0, -1);
  const below = folder.concat("").join("/");
  const relative = near.startsWith(below) ? `./${near.slice(below.length)}` : `${"../".repeat(folder.length)}${near}`;
  return new Fault(message, `Write ${relative}`);
}

async function missingVal(town: Town, asker: { id: string } | undefined, reference: Reference): Promise<Fault> {
  const { username, name } = reference;
  const rows = await all<{ name: string }>(
    town.storage,
    `SELECT v.name FROM val v JOIN account a ON a.id = v.owner_id
     WHERE a.username = :username AND (v.privacy = 'public' OR v.owner_id = :asker) LIMIT ${NAMES_MAX}`,
    { username, asker: asker?.id ?? null },
  );
  const near = nearest(name, rows.map((row) => row.name).filter((other) => other !== name));
  const message = `There is no val ${username}/${name} that this val may import`;
  return near === undefined ? new Fault(message) : new Fault(message, `Did you mean ${username}/${near}?`);
}

async function missingModule(town: Town, other: Val, version: number, reference: Reference): Promise<Fault> {
  const message = `${other.username}/${other.name}@${version} has no file ${reference.path ?? "main.ts"}`;
  if (version > other.version) return new Fault(message, `Its newest version is ${other.version}`);
  const tree = await readTree(town, other, version);
  const near = nearest(reference.path ?? "main.ts", [...tree.values()].filter((entry) => entry.hash !== null).map((entry) => entry.path));
  return near === undefined ? new Fault(message) : new Fault(message, `Did you mean ${near}?`);
}
