/** What the worker takes the names in imports for: those of the val's deno.json, and of comments that say whose types are meant. */

import type { TypeScript } from "./typescript.ts";

/** The `imports` of a deno.json. */
export type Aliases = Record<string, string>;

// As Deno has it: `// @ts-types="npm:@types/name"` above the import.
const HINT = /@(?:deno|ts)-types=["']([^"'\n]+)["'][^\n]*\n\s*(?:import|export)\b[^;"']*?["']([^"'\n]+)["']/g;

export function importsOf(ts: TypeScript, text: string): Aliases {
  const { imports } = (ts.parseConfigFileTextToJson("deno.json", text).config ?? {}) as { imports?: Aliases };
  return typeof imports === "object" && imports !== null ? imports : {};
}

/** What a name stands for: the alias of that name, or the longest that begins it. Paths are those of the val, below `root`. */
export function unalias(aliases: Aliases, specifier: string, root: string): string {
  const names = Object.keys(aliases).filter((name) => specifier === name || specifier.startsWith(name.endsWith("/") ? name : `${name}/`));
  const name = names.sort((a, b) => b.length - a.length)[0];
  const target = name === undefined ? specifier : (aliases[name] as string) + specifier.slice(name.length);
  return /^\.{1,2}\//.test(target) ? new URL(target, root).href : target;
}

/** By specifier, what its types are those of. */
export function hintsOf(text: string): Map<string, string> {
  const hints = new Map<string, string>();
  for (const [, types = "", specifier = ""] of text.matchAll(HINT)) hints.set(specifier, types);
  return hints;
}
