/** The `imports` of a val's `deno.json`: names of its own for what its files import. */

import { readContent, type Tree } from "../model/files.ts";
import type { Town } from "../lib/town.ts";

const FILES = ["deno.json", "deno.jsonc", "import_map.json"];

export type Aliases = Map<string, string>;

/** The aliases of a tree; none where it has no such file, or one that is no JSON. */
export async function readAliases(town: Town, tree: Tree): Promise<Aliases> {
  const entry = FILES.map((path) => tree.get(path)).find((found) => found !== undefined && found.hash !== null);
  if (entry === undefined) return new Map();
  const text = entry.text ?? (await readContent(town, entry.hash as string));
  let config: { imports?: unknown };
  try {
    config = JSON.parse(withoutComments(text));
  } catch {
    return new Map();
  }
  const imports = config?.imports;
  if (typeof imports !== "object" || imports === null) return new Map();
  return new Map(Object.entries(imports).filter((pair): pair is [string, string] => typeof pair[1] === "string"));
}

/**
 * What a specifier stands for: the alias of that name, or the longest that ends in a slash and begins it. An alias of a
 * package stands for what is in the package too, as in Deno.
 */
export function unalias(aliases: Aliases, specifier: string): string {
  const exact = aliases.get(specifier);
  if (exact !== undefined) return exact;
  let best = "";
  let target = "";
  for (const [name, value] of aliases) {
    const isPackage = /^(npm|jsr):/.test(value) && !name.endsWith("/");
    const prefix = isPackage ? `${name}/` : name;
    if (!prefix.endsWith("/") || !specifier.startsWith(prefix) || prefix.length <= best.length) continue;
    best = prefix;
    target = isPackage ? `${value}/` : value;
  }
  return best === "" ? specifier : target + specifier.slice(best.length);
}

function withoutComments(text: string): string {
  return text.replace(/("(?:[^"\\]|\\.)*")|\/\/[^\n]*|\/\*[^]*?\*\//g, (_, quoted: string | undefined) => quoted ?? "")
    .replace(/,(\s*[}\]])/g, "$1");
}
