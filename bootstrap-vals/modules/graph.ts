/**
 * The closed module graph of a version, computed when it is saved: which modules its files reach, other vals pinned to
 * the version they had then, what comes from elsewhere kept as it was. Running a val asks nobody for a name.
 */

import type { Town } from "../lib/town.ts";
import type { Entry, Tree } from "../model/files.ts";
import type { Val } from "../model/vals.ts";
import { exportFault, keyOf, type Analysis, type Diagnostic, type Import } from "./analysis.ts";
import { readAliases, unalias, type Aliases } from "./aliases.ts";
import { closeRemote, type Origin, type Wanted } from "./closing.ts";
import { Fault } from "./fault.ts";
import { addForeign, dataType, missingFile } from "./foreign.ts";
import { nearest } from "./nearest.ts";
import { parseSpecifier, resolveRelative } from "./reference.ts";
import { isBuiltin, isPackageSpecifier } from "./specifier.ts";
import { standardModule } from "./standard.ts";
import { MARK } from "./at.ts";

/** `at`: in the language of `@user.val`. */
export type ModuleType = "at" | "ts" | "tsx" | "js" | "jsx" | "cjs" | "json" | "text" | "bytes";
/**
 * Trusted modules are those of the val's own author. Edges are keys of modules. Size in bytes. Imports: what it imports
 * by specifiers that do not lead there by themselves.
 */
export type GraphModule = [
  type: ModuleType, hash: string, trusted: 0 | 1, edges: string[], size: number, imports?: Record<string, string>,
];

export interface Graph {
  /**
   * By `./path` for the val's own files, by pinned path (`/v/...`) for those of other vals, by address for what comes
   * from elsewhere: `https://...`, or `npm:/name@version/path` for a file of a package.
   */
  modules: Record<string, GraphModule>;
}

/** Computes the graph of a tree, and what is wrong with it. */
export async function closeOver(
  town: Town,
  val: Val,
  tree: Tree,
  analyses: Map<string, Analysis>,
): Promise<{ graph: Graph; diagnostics: Diagnostic[] }> {
  const graph: Graph = { modules: {} };
  const diagnostics: Diagnostic[] = [];
  const wanted: Wanted[] = [];
  const aliases = await readAliases(town, tree);
  for (const entry of tree.values()) {
    const analysis = analyses.get(keyOf(entry));
    if (analysis === undefined || entry.dialect === null) continue;
    // A script that exports nothing is a value, as all vals were once.
    const isValue = entry.type === "script" && analysis.error === null && analysis.exports.length === 0 && analysis.imports.length === 0;
    const isAt = isValue || analysis.exports.includes(MARK);
    const module: GraphModule = [isAt ? "at" : entry.dialect, analysis.hash, 1, [], entry.size, {}];
    graph.modules[`./${entry.path}`] = module;
    const { error } = analysis;
    if (error !== null) diagnostics.push({ path: entry.path, line: error.line, column: error.column, message: error.message });
    const fault = error === null && entry.type !== "file" && entry.type !== "script" ? exportFault(analysis.exports) : null;
    if (fault !== null) diagnostics.push({ path: entry.path, line: 1, column: 1, message: fault });
    for (const use of analysis.imports) {
      const origin: Origin = { path: entry.path, line: use.line, column: use.column };
      try {
        const target = await resolveImport(town, val, tree, graph, aliases, entry, use);
        if (typeof target === "string") connect(module, use.specifier, target);
        else if (target !== undefined) wanted.push({ ...target, from: module, referrer: undefined, kind: "import", origin });
      } catch (error) {
        // What a reference leads to may be made by the val itself.
        if (!isAt || !(error instanceof Fault)) diagnostics.push({ ...origin, ...told(error) });
      }
    }
  }
  for (const { origin, fault } of await closeRemote(town, graph, wanted)) diagnostics.push({ ...origin, ...told(fault) });
  return { graph, diagnostics };
}

/** Notes that a module imports another, by a specifier that need not lead there by itself. */
export function connect(module: GraphModule, specifier: string, target: string): void {
  if (!module[3].includes(target)) module[3].push(target);
  (module[5] ??= {})[specifier] = target;
}

/** The key of what an import names, or what has to be fetched for it; undefined when that is the kernel's business. */
async function resolveImport(
  town: Town,
  val: Val,
  tree: Tree,
  graph: Graph,
  aliases: Aliases,
  from: Entry,
  use: Import,
): Promise<string | Pick<Wanted, "specifier" | "target" | "as" | "isRequired"> | undefined> {
  const specifier = unalias(aliases, use.specifier.replace("/v/@me/", `/v/${val.username}/`));
  if (specifier.startsWith("town:") || specifier.startsWith("node:")) return undefined;
  if (specifier.startsWith("./") || specifier.startsWith("../")) {
    // A path in deno.json is one from where that file is.
    const importer = specifier === use.specifier ? from.path : "deno.json";
    const path = resolveRelative(importer, specifier);
    const target = path === undefined ? undefined : tree.get(path);
    if (target === undefined || target.hash === null) throw missingFile(tree, from, specifier, path);
    const type = dataType(target, use);
    if (type === target.dialect) return `./${target.path}`;
    // The text of a module is another module than the one that runs.
    const key = target.dialect === null ? `./${target.path}` : `./${target.path}?${type}`;
    graph.modules[key] ??= [type, target.hash, 1, [], target.size];
    return key;
  }
  const reference = parseSpecifier(town.arrival, specifier);
  if (reference !== undefined) {
    return (await standardModule(town, reference)) ?? addForeign(town, { id: val.owner_id }, val, graph, reference, use);
  }
  if (isPackageSpecifier(specifier) || specifier.startsWith("https://")) {
    return { specifier: use.specifier, target: specifier, as: use.attributes.type, isRequired: true };
  }
  if (isBuiltin(specifier)) return undefined;
  throw unknownSpecifier(specifier, aliases);
}

function unknownSpecifier(specifier: string, aliases: Aliases): Fault {
  const message = `Nothing is known by the name ${specifier}`;
  if (specifier.startsWith("http://")) return new Fault(`${specifier} is not secure`, `Write https://${specifier.slice("http://".length)}`);
  const alias = nearest(specifier, aliases.keys());
  if (alias !== undefined) return new Fault(message, `Did you mean ${alias}?`);
  if (/^(@[\w.-]+\/)?[\w.-]+(\/|$)/.test(specifier) && !/\.[jt]sx?$/.test(specifier)) {
    return new Fault(message, `Write npm:${specifier} for a package, or ./${specifier} for a file of this val`);
  }
  return new Fault(message, `Write ./${specifier.replace(/^\/+/, "")} for a file of this val`);
}

function told(error: unknown): { message: string; suggestion?: string } {
  if (!(error instanceof Fault)) throw error;
  return error.suggestion === undefined ? { message: error.message } : { message: error.message, suggestion: error.suggestion };
}
