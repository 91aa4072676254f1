/**
 * Types of packages for the worker. Declarations come from the town, package by package, and lie in folders as an installer
 * would put them, so that TypeScript's own rules say which of them a name means.
 */

import type { ModuleHost, ResolvedModule, TypeScript } from "./typescript.ts";

interface Manifest {
  dependencies?: Record<string, string>;
  peerDependencies?: Record<string, string>;
  optionalDependencies?: Record<string, string>;
}

export interface Packages {
  /** The declarations that an import means; undefined while, or where, there are none. */
  resolve(specifier: string, containing: string, settled?: () => Promise<boolean>): ResolvedModule | undefined;
}

type RangeOf = (name: string) => string | undefined;

export interface PackagesWish {
  ts: TypeScript;
  options: object;
  host: ModuleHost;
  /** Puts a file among those of the program. */
  put(name: string, text: string): void;
  /** A package, or undefined. */
  fetch(name: string, range: string): Promise<{ version: string; files: Record<string, string> } | undefined>;
  /** Types have come. */
  news(): void;
  /** What the val calls a package by, in its deno.json: `npm:...` for a name. */
  alias(name: string): string | undefined;
}

const ROOT = "npm:///";
// An import reaches its dependencies; this is more than the largest frameworks do.
const PACKAGES_MAX = 150;
const SPECIFIER = /^(npm|jsr):\/?((?:@[\w.~-]+\/)?[\w.~-]+)(?:@([^/]+))?(\/.*)?$/;
const BARE = /^((?:@[^/@]+\/)?[^/@.][^/]*)(\/.*)?$/;
const OWNER = /^npm:\/\/\/((?:@[^/@]+\/)?[^/@]+@[^/]+)\/node_modules\//;

export function isPackage(specifier: string): boolean {
  return SPECIFIER.test(specifier);
}

export function isWithin(file: string): boolean {
  return file.startsWith(ROOT);
}

export function startPackages(wish: PackagesWish): Packages {
  const { ts, options, host, put } = wish;
  /** Folder of a package by name and range; null while or after it could not be had. */
  const folders = new Map<string, string | null>();
  const manifests = new Map<string, Manifest>();

  const folderOf = (name: string, range: string, settled: (() => Promise<boolean>) | undefined): string | undefined => {
    const asked = `${name}@${range}`;
    const known = folders.get(asked);
    if (known !== undefined || folders.size >= PACKAGES_MAX) return known ?? undefined;
    folders.set(asked, null);
    void load(asked, name, range, settled);
    return undefined;
  };
  const load = async (asked: string, name: string, range: string, settled: (() => Promise<boolean>) | undefined): Promise<void> => {
    // A name that was still being typed may be meant another time.
    if (settled !== undefined && !(await settled())) return void folders.delete(asked);
    const found = await wish.fetch(name, range);
    if (found === undefined) return;
    const folder = `${name}@${found.version}`;
    if (!manifests.has(folder)) {
      for (const [path, text] of Object.entries(found.files)) put(`${ROOT}${folder}/node_modules/${name}/${path}`, text);
      manifests.set(folder, manifestOf(found.files["package.json"]));
    }
    folders.set(asked, folder);
    wish.news();
  };
  const from = (folder: string, name: string): ResolvedModule | undefined => {
    const found = ts.resolveModuleName(name, `${ROOT}${folder}/index.ts`, options, host).resolvedModule;
    return found !== undefined && /\.d\.[mc]?ts$/.test(found.resolvedFileName) ? found : undefined;
  };
  /** The package's own declarations, or those that others wrote for it, where the importer names a range of them. */
  const find = (name: string, range: string, path: string, rangeOf: RangeOf, settled?: () => Promise<boolean>): ResolvedModule | undefined => {
    const folder = folderOf(name, range, settled);
    const own = folder && from(folder, name + path);
    if (own) return own;
    const others = `@types/${name.replace(/^@(.+)\/(.+)$/, "$1__$2")}`;
    const othersRange = rangeOf(others);
    const othersFolder = othersRange === undefined ? undefined : folderOf(others, othersRange, undefined);
    return othersFolder === undefined ? undefined : from(othersFolder, name + path);
  };

  return {
    resolve(specifier, containing, settled) {
      const owner = OWNER.exec(containing)?.[1];
      if (owner === undefined) {
        const [, registry, given = "", range = "*", path = ""] = SPECIFIER.exec(specifier) ?? [];
        if (registry === undefined) return undefined;
        // As JSR's registry for npm calls its packages.
        const name = registry === "npm" ? given : `@jsr/${given.slice(1).replace("/", "__")}`;
        return find(name, range, path, (other) => {
          const target = SPECIFIER.exec(wish.alias(other) ?? "");
          return target?.[2] === other ? target[3] ?? "*" : undefined;
        }, settled);
      }
      const near = ts.resolveModuleName(specifier, containing, options, host).resolvedModule;
      if (near !== undefined) return near;
      const [, name, path = ""] = BARE.exec(specifier) ?? [];
      const { dependencies, peerDependencies, optionalDependencies } = manifests.get(owner) ?? {};
      const rangeOf = (other: string) => dependencies?.[other] ?? peerDependencies?.[other] ?? optionalDependencies?.[other];
      const range = name === undefined ? undefined : rangeOf(name);
      return name === undefined || range === undefined ? undefined : aliased(name, range, path, rangeOf);
    },
  };

  /** A dependency may be another package under a name of its own: `npm:other@range`. */
  function aliased(name: string, range: string, path: string, rangeOf: RangeOf): ResolvedModule | undefined {
    const target = SPECIFIER.exec(range);
    return target === null ? find(name, range, path, rangeOf) : find(target[2] as string, target[3] ?? "*", path, rangeOf);
  }
}

function manifestOf(text: string | undefined): Manifest {
  try {
    return JSON.parse(text ?? "{}") as Manifest;
  } catch {
    return {};
  }
}
