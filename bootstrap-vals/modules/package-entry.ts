/** Which file of a package a name means, as Node.js resolves it: `exports`, `imports`, `main`, and files by their stem. */

import { Fault } from "./fault.ts";

export interface Manifest {
  name: string;
  version: string;
  type?: string;
  main?: unknown;
  module?: unknown;
  exports?: unknown;
  imports?: unknown;
  dependencies?: Record<string, string>;
  peerDependencies?: Record<string, string>;
  optionalDependencies?: Record<string, string>;
  /** Of the package.json files in folders of it, by folder. */
  folders?: Record<string, Pick<Manifest, "type" | "main" | "module">>;
}

export interface Package {
  manifest: Manifest;
  /** Sizes of its files, by path. */
  files: Record<string, number>;
}

export type Kind = "import" | "require";

// What a program here is most like.
const CONDITIONS = new Set(["worker", "workerd", "edge-light", "node", "module-sync", "default"]);
// What it can do with where nothing else is offered.
const LAST_CONDITIONS = new Set([...CONDITIONS, "deno", "browser"]);
const EXTENSIONS = [".js", ".mjs", ".cjs", ".json", ".ts", ".mts", ".tsx", ".jsx"];

/** The file that `name` or `name/path` means to others. */
export function entryFile(found: Package, subpath: string, kind: Kind): string {
  const { manifest } = found;
  const label = `${manifest.name}@${manifest.version}`;
  if (manifest.exports !== undefined && manifest.exports !== null) {
    const target = exported(manifest.exports, subpath, kind, CONDITIONS) ?? exported(manifest.exports, subpath, kind, LAST_CONDITIONS);
    const path = target === undefined ? undefined : fileAt(found, target.replace(/^\.\//, ""), false);
    if (path !== undefined) return path;
    throw new Fault(`${label} exports no ${subpath}`, offered(manifest.exports, subpath));
  }
  if (subpath !== ".") {
    const path = fileAt(found, subpath.replace(/^\.\//, ""), true);
    if (path !== undefined) return path;
    throw new Fault(`${label} has no file ${subpath.replace(/^\.\//, "")}`);
  }
  const path = mainOf(found, "", manifest, kind);
  if (path === undefined) throw new Fault(`${label} has nothing to import: no exports, no main, no index.js`);
  return path;
}

/** What `#name` means within a package: a path in it, or the name of something else. */
export function internalTarget(found: Package, name: string, kind: Kind): string {
  const target = exported(found.manifest.imports, name, kind, CONDITIONS);
  if (target === undefined) throw new Fault(`${found.manifest.name}@${found.manifest.version} has no import ${name}`);
  return target;
}

/** The file at a path of a package, by its whole name or its stem; a folder is its main file. */
export function fileAt(found: Package, path: string, guess: boolean): string | undefined {
  const clean = path.replace(/\/+$/, "");
  if (hasFile(found, clean) && clean === path) return clean;
  if (!guess) return hasFile(found, clean) ? clean : undefined;
  for (const extension of EXTENSIONS) if (hasFile(found, clean + extension)) return clean + extension;
  const { folders = {} } = found.manifest;
  return mainOf(found, clean === "" ? "" : `${clean}/`, (Object.hasOwn(folders, clean) && folders[clean]) || {}, "require");
}

/** A file may be called what every object has, as lodash's `toString`. */
export function hasFile(found: Package, path: string): boolean {
  return Object.hasOwn(found.files, path);
}

/** Whether a file is CommonJS by its name and the package.json nearest to it; undefined: its text must tell. */
export function isCommonJs(found: Package, path: string): boolean | undefined {
  if (path.endsWith(".cjs") || path.endsWith(".cts")) return true;
  if (path.endsWith(".mjs") || path.endsWith(".mts")) return false;
  let type = found.manifest.type;
  let longest = "";
  for (const [folder, own] of Object.entries(found.manifest.folders ?? {})) {
    if (path.startsWith(`${folder}/`) && folder.length > longest.length) {
      longest = folder;
      type = own.type;
    }
  }
  return type === "module" ? false : type === "commonjs" ? true : undefined;
}

function mainOf(found: Package, folder: string, manifest: Pick<Manifest, "main" | "module">, kind: Kind): string | undefined {
  const mains = kind === "import" ? [manifest.module, manifest.main] : [manifest.main];
  for (const main of mains) {
    if (typeof main !== "string") continue;
    const path = normalize(folder + main);
    const file = path === "" || `${path}/` === folder ? undefined : fileAt(found, path, true);
    if (file !== undefined) return file;
  }
  for (const extension of EXTENSIONS) if (hasFile(found, `${folder}index${extension}`)) return `${folder}index${extension}`;
  return undefined;
}

export function normalize(path: string): string {
  const segments: string[] = [];
  for (const segment of path.split("/")) {
    if (segment === "..") segments.pop();
    else if (segment !== "." && segment !== "") segments.push(segment);
  }
  return segments.join("/");
}

/** The target of a name in `exports` or `imports`: the exact one, else the pattern with the longest part before its star. */
function exported(map: unknown, name: string, kind: Kind, conditions: Set<string>): string | undefined {
  const isSugar = typeof map !== "object" || map === null || Array.isArray(map) || Object.keys(map).every((key) => !/^[.#]/.test(key));
  if (isSugar) return name === "." ? conditional(map, kind, conditions, "") : undefined;
  const names = map as Record<string, unknown>;
  if (Object.hasOwn(names, name) && !name.includes("*")) return conditional(names[name], kind, conditions, "");
  let best: { key: string; star: string; length: number } | undefined;
  for (const key of Object.keys(names)) {
    const [before, after] = key.endsWith("/") ? [key, ""] : key.split("*", 2);
    if (before === undefined || after === undefined || before === key && !key.endsWith("/")) continue;
    if (!name.startsWith(before) || !name.endsWith(after) || name.length < before.length + after.length) continue;
    const star = name.slice(before.length, name.length - after.length);
    if (best === undefined || before.length > best.length) best = { key, star, length: before.length };
  }
  if (best === undefined) return undefined;
  const target = conditional(names[best.key], kind, conditions, best.star);
  return target !== undefined && best.key.endsWith("/") ? target + best.star : target;
}

function conditional(target: unknown, kind: Kind, conditions: Set<string>, star: string): string | undefined {
  if (typeof target === "string") return target.replaceAll("*", star);
  if (Array.isArray(target)) {
    for (const option of target) {
      const found = conditional(option, kind, conditions, star);
      if (found !== undefined) return found;
    }
    return undefined;
  }
  if (typeof target !== "object" || target === null) return undefined;
  for (const [condition, value] of Object.entries(target)) {
    if (condition !== kind && !conditions.has(condition)) continue;
    const found = conditional(value, kind, conditions, star);
    if (found !== undefined) return found;
  }
  return undefined;
}

function offered(map: unknown, subpath: string): string | undefined {
  if (typeof map !== "object" || map === null || Array.isArray(map)) return undefined;
  const names = Object.keys(map).filter((key) => key.startsWith(".") && key !== subpath).slice(0, 8);
  return names.length === 0 ? undefined : `It exports ${names.join(", ")}`;
}
