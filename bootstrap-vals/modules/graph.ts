/**
 * The closed module graph of a version, computed when it is saved: which modules its files reach, other vals pinned to
 * the version they had then. Running a val asks nobody for a name.
 */

import { first } from "../lib/rows.ts";
import type { Town } from "../lib/town.ts";
import { maySee } from "../model/access.ts";
import { readEntry, readTree, type Entry, type Tree } from "../model/files.ts";
import { entryOf, extensionOf } from "../model/names.ts";
import { findValByName, type Val } from "../model/vals.ts";
import { exportFault, keyOf, type Analysis, type Diagnostic, type Import } from "./analysis.ts";
import { parseSpecifier, pinnedPath, resolveRelative, type Reference } from "./reference.ts";

export type ModuleType = "ts" | "tsx" | "js" | "jsx" | "json" | "text";
/** Trusted modules are those of the val's own author. Edges are keys of modules, or of redirects. Size in bytes. */
export type GraphModule = [type: ModuleType, hash: string, trusted: 0 | 1, edges: string[], size: number];

export interface Graph {
  /** By `./path` for the val's own files, by pinned path (`/v/...`) for those of others. */
  modules: Record<string, GraphModule>;
  /** From a specifier as somebody wrote it to the key of the module it was when saved. */
  redirects: Record<string, string>;
}

/** Computes the graph of a tree, and what is wrong with it. */
export async function closeOver(
  town: Town,
  val: Val,
  tree: Tree,
  analyses: Map<string, Analysis>,
): Promise<{ graph: Graph; diagnostics: Diagnostic[] }> {
  const graph: Graph = { modules: {}, redirects: {} };
  const diagnostics: Diagnostic[] = [];
  const resolved = new Map<string, string | Fault>();
  for (const entry of tree.values()) {
    const analysis = analyses.get(keyOf(entry));
    if (analysis === undefined || entry.dialect === null) continue;
    const edges: string[] = [];
    graph.modules[`./${entry.path}`] = [entry.dialect, analysis.hash, 1, edges, entry.size];
    const { error } = analysis;
    if (error !== null) diagnostics.push({ path: entry.path, line: error.line, column: error.column, message: error.message });
    const fault = error === null && entry.type !== "file" && entry.type !== "script" ? exportFault(analysis.exports) : null;
    if (fault !== null) diagnostics.push({ path: entry.path, line: 1, column: 1, message: fault });
    for (const use of analysis.imports) {
      const target = await resolveImport(town, val, tree, graph, resolved, entry, use);
      if (typeof target === "string") edges.push(target);
      else if (target !== undefined) {
        diagnostics.push({ path: entry.path, line: use.line, column: use.column, ...target });
      }
    }
  }
  return { graph, diagnostics };
}

interface Fault {
  message: string;
  suggestion?: string;
}

/** The key of what an import names, added to the graph; undefined when that is the kernel's business. */
async function resolveImport(
  town: Town,
  val: Val,
  tree: Tree,
  graph: Graph,
  resolved: Map<string, string | Fault>,
  from: Entry,
  use: Import,
): Promise<string | Fault | undefined> {
  const { specifier } = use;
  if (specifier.startsWith("town:")) return undefined;
  if (specifier.startsWith("./") || specifier.startsWith("../")) {
    const path = resolveRelative(from.path, specifier);
    const target = path === undefined ? undefined : tree.get(path);
    if (target === undefined || target.hash === null) return missingFile(tree, from, specifier, path);
    if (target.dialect === null) {
      graph.modules[`./${target.path}`] = [dataType(target, use), target.hash, 1, [], target.size];
    }
    return `./${target.path}`;
  }
  const known = resolved.get(specifier);
  if (known !== undefined) return known;
  const reference = parseSpecifier(town.arrival, specifier);
  const target = reference === undefined ? unknownSpecifier(specifier) : await addForeign(town, val, graph, reference, use);
  if (typeof target === "string" && target !== specifier) {
    graph.redirects[specifier] = target;
    resolved.set(specifier, specifier);
    return specifier;
  }
  resolved.set(specifier, target);
  return target;
}

/** Adds a module of another val with all it reaches, as pinned when that was saved. */
async function addForeign(town: Town, val: Val, graph: Graph, reference: Reference, use: Import): Promise<string | Fault> {
  const { username, name } = reference;
  const other = await findValByName(town, username, name);
  const asker = { id: val.owner_id };
  if (other === undefined || !maySee(asker, other) || reference.branch !== "main") {
    return { message: `There is no val ${username}/${name} that this val may import` };
  }
  const version = reference.version ?? other.version;
  const entry = reference.path === undefined
    ? entryOf((await readTree(town, other, version)).values())
    : await readEntry(town, other, reference.path, version);
  if (version > other.version || entry === undefined || entry.hash === null) {
    return { message: `${username}/${name}@${version} has no file ${reference.path ?? "main.ts"}` };
  }
  const row = await first<{ graph: string }>(
    town.storage, "SELECT graph FROM version WHERE branch_id = :branch_id AND number = :version",
    { branch_id: other.branch_id, version },
  );
  const theirs = JSON.parse(row?.graph ?? '{"modules":{},"redirects":{}}') as Graph;
  const own = other.owner_id === val.owner_id;
  const keyed = (key: string) => (key.startsWith("./") ? pinnedPath(other, version, key.slice(2)) : key);
  const start = `./${entry.path}`;
  if (theirs.modules[start] === undefined) {
    graph.modules[keyed(start)] = [dataType(entry, use), entry.hash, own ? 1 : 0, [], entry.size];
    return keyed(start);
  }
  const waiting = [start];
  const seen = new Set<string>();
  for (let key = waiting.pop(); key !== undefined; key = waiting.pop()) {
    if (seen.has(key)) continue;
    seen.add(key);
    const redirect = theirs.redirects[key];
    if (redirect !== undefined) {
      // One program has one meaning per specifier: what this val pinned itself comes first.
      graph.redirects[key] ??= redirect;
      waiting.push(redirect);
      continue;
    }
    const found = theirs.modules[key];
    if (found === undefined) continue;
    const [type, hash, trusted, edges, size] = found;
    graph.modules[keyed(key)] ??= [type, hash, own ? trusted : 0, edges.map(keyed), size];
    waiting.push(...edges);
  }
  return keyed(start);
}

function dataType(entry: Entry, use: Import): ModuleType {
  const asked = use.attributes.type;
  if (asked === "json" || asked === "text") return asked;
  return entry.dialect ?? (extensionOf(entry.path) === "json" ? "json" : "text");
}

function missingFile(tree: Tree, from: Entry, specifier: string, path: string | undefined): Fault {
  if (path === undefined) return { message: `${specifier} leads out of the val` };
  const message = `There is no file ${path}, which ${from.path} imports as ${specifier}`;
  const stem = (text: string) => text.replace(/\.[^./]*$/, "").toLowerCase();
  const near = [...tree.values()].find((entry) =>
    entry.hash !== null && (stem(entry.path) === stem(path) || entry.path.replace(/\.[^./]*$/, "") === path || entry.path === `${path}/index.ts`)
  );
  if (near === undefined) return { message };
  const folder = from.path.split("/").slice(0, -1);
  const relative = near.path.startsWith(folder.concat("").join("/"))
    ? `./${near.path.slice(folder.concat("").join("/").length)}`
    : `${"../".repeat(folder.length)}${near.path}`;
  return { message, suggestion: `Write ${relative}` };
}

function unknownSpecifier(specifier: string): Fault {
  const message = `Nothing is known by the name ${specifier}`;
  if (/^(npm|jsr|node):/.test(specifier)) {
    return { message, suggestion: "Packages are not available yet: copy the module into a file of this val and import it as ./file.ts" };
  }
  if (/^https?:/.test(specifier)) {
    return { message, suggestion: "Only vals can be imported by address yet: https://esm.town/v/{user}/{val}/{path}" };
  }
  return { message, suggestion: `Write ./${specifier.replace(/^\/+/, "")} for a file of this val` };
}
