/**
 * What a graph reaches elsewhere: modules by `https:` address and packages, followed wave by wave from where the val's
 * files import them. They get no authority.
 */

import type { Town } from "../lib/town.ts";
import { analyseSources, type Source } from "./analysis.ts";
import { Fault } from "./fault.ts";
import { addForeign } from "./foreign.ts";
import { connect, type Graph, type GraphModule, type ModuleType } from "./graph.ts";
import { entryFile, fileAt, hasFile, internalTarget, isCommonJs, normalize, type Kind, type Package } from "./package-entry.ts";
import { fileKey, findPackage, nothingMet, once, parseFileKey, type Met } from "./packages.ts";
import { parseSpecifier } from "./reference.ts";
import { readRemote, remoteModule, type Remote } from "./remote.ts";
import { isBuiltin, parseBare, parsePackage } from "./specifier.ts";
import { standardModule } from "./standard.ts";

/** Where in the val's files it begins that something is needed. */
export interface Origin {
  path: string;
  line: number;
  column: number;
}

export interface Wanted {
  from: GraphModule;
  /** The key of the module that imports, where it is one from elsewhere. */
  referrer: string | undefined;
  /** As it is written there. */
  specifier: string;
  /** What it stands for. */
  target: string;
  kind: Kind;
  /** The type that the import asks for. */
  as: string | undefined;
  /** Whether the program cannot be linked without it. */
  isRequired: boolean;
  origin: Origin;
}

// As many files as the largest library in use has, three times over.
const MODULES_MAX = 2_000;
const BYTES_MAX = 48 * 1024 * 1024;
const FETCHES_OPEN = 8;

/** Adds all that is wanted and what that wants; what could not be had, by where it begins in the val. */
export async function closeRemote(town: Town, graph: Graph, wanted: Wanted[]): Promise<{ origin: Origin; fault: unknown }[]> {
  const faults: { origin: Origin; fault: unknown }[] = [];
  const met = nothingMet();
  let modules = 0;
  let bytes = 0;
  for (let wave = wanted; wave.length > 0;) {
    const found = new Map<string, { remote: Remote; origin: Origin }>();
    await inParallel(wave, async (want) => {
      try {
        const target = await locate(town, graph, met, want);
        if (target === undefined) return;
        if (typeof target === "string") {
          if (target.startsWith("node:")) (want.from[5] ??= {})[want.specifier] = target;
          else connect(want.from, want.specifier, target);
          return;
        }
        connectTo(want, target.key);
        if (graph.modules[target.key] === undefined && !found.has(target.key)) found.set(target.key, { remote: target, origin: want.origin });
      } catch (fault) {
        if (want.isRequired || !(fault instanceof Fault)) faults.push({ origin: want.origin, fault: viaReferrer(want, fault) });
      }
    });
    const next: Wanted[] = [];
    const uses = await usesOf(town, [...found.values()].map(({ remote }) => remote));
    for (const [key, { remote, origin }] of found) {
      modules++;
      bytes += remote.size;
      if (modules > MODULES_MAX || bytes > BYTES_MAX) {
        const what = modules > MODULES_MAX ? `${MODULES_MAX} modules` : `${BYTES_MAX} bytes`;
        return [...faults, { origin, fault: new Fault(`What this imports from elsewhere is more than ${what}`) }];
      }
      const module: GraphModule = [remote.type, remote.hash, 0, [], remote.size, {}];
      graph.modules[key] = module;
      for (const use of uses.get(key) ?? []) next.push({ ...use, from: module, referrer: key, origin });
    }
    wave = next;
  }
  return faults;
}

/** Most names in modules from elsewhere lead there by themselves, and then need no entry. */
function connectTo(want: Wanted, key: string): void {
  const { from, referrer, specifier } = want;
  const isRelative = /^(\.\.?)?\//.test(specifier);
  const leads = referrer !== undefined && isRelative ? new URL(specifier, referrer).href : specifier;
  if (leads !== key || referrer === undefined) connect(from, specifier, key);
  else if (!from[3].includes(key)) from[3].push(key);
}

/** What a specifier in a module means: a module from elsewhere, the key of one of this town, or `node:...`. */
async function locate(town: Town, graph: Graph, met: Met, want: Wanted): Promise<Remote | string | undefined> {
  const { referrer, target, kind } = want;
  if (target.startsWith("town:") || target.startsWith("data:")) return undefined;
  if (target.startsWith("node:")) return target;
  const within = referrer === undefined ? undefined : parseFileKey(referrer);
  if (within !== undefined) {
    const found = await findPackage(town, met, within.name, within.version);
    return locateInPackage(town, met, found, within.path, target, kind);
  }
  if (/^(npm|jsr):/.test(target)) {
    const named = parsePackage(target);
    if (named === undefined) throw new Fault(`${target} names no package`, "Write npm:name@version/path, or jsr:@scope/name@version/path");
    const found = await findPackage(town, met, named.name, named.range);
    return fileOf(town, found, entryFile(found, named.subpath, kind));
  }
  const isRelative = /^(\.\.?)?\//.test(target);
  if (referrer !== undefined && isRelative) return withType(await located(town, graph, met, new URL(target, referrer).href), want.as);
  if (target.startsWith("https://")) return withType(await located(town, graph, met, new URL(target).href), want.as);
  if (isBuiltin(target)) return `node:${target}`;
  throw new Fault(`${target} is no address`);
}

/** A module by address; one of this town as anybody may have it. */
async function located(town: Town, graph: Graph, met: Met, url: string): Promise<Remote | string> {
  const reference = parseSpecifier(town.arrival, url);
  if (reference === undefined) return once(met.modules, url, () => remoteModule(town, url));
  return (await standardModule(town, reference)) ?? addForeign(town, undefined, undefined, graph, reference, { attributes: {} });
}

function withType(found: Remote | string, as: string | undefined): Remote | string {
  if (typeof found === "string" || (as !== "text" && as !== "json") || found.type === as) return found;
  return { ...found, key: `${found.key}#${as}`, type: as };
}

async function locateInPackage(town: Town, met: Met, found: Package, from: string, target: string, kind: Kind): Promise<Remote | string> {
  const { manifest } = found;
  if (/^\.\.?(\/|$)/.test(target)) {
    const folder = from.slice(0, from.lastIndexOf("/") + 1);
    const path = fileAt(found, normalize(folder + target) + (target.endsWith("/") ? "/" : ""), true);
    if (path === undefined) throw new Fault(`${manifest.name}@${manifest.version} has no file ${normalize(folder + target)}`);
    return fileOf(town, found, path);
  }
  if (target.startsWith("#")) {
    const internal = internalTarget(found, target, kind);
    if (!internal.startsWith("./")) return locateInPackage(town, met, found, from, internal, kind);
    return fileOf(town, found, fileAt(found, normalize(internal), true) ?? internal);
  }
  if (target.startsWith("https://")) return once(met.modules, target, () => remoteModule(town, new URL(target).href));
  const named: { name: string; range?: string; subpath: string } | undefined =
    /^(npm|jsr):/.test(target) ? parsePackage(target) : parseBare(target);
  if (named === undefined) throw new Fault(`${target} names no package`);
  if (named.name === manifest.name) return fileOf(town, found, entryFile(found, named.subpath, kind));
  const lists = [manifest.dependencies, manifest.peerDependencies, manifest.optionalDependencies];
  const declared = lists.find((list) => list !== undefined && Object.hasOwn(list, named.name))?.[named.name];
  if (isBuiltin(target) && !target.endsWith("/")) return target.startsWith("node:") ? target : `node:${target}`;
  const range = declared ?? named.range;
  if (range === undefined) throw new Fault(`${manifest.name}@${manifest.version} imports ${target}, which it does not depend on`);
  const other = await findDependency(town, met, named.name, range);
  return fileOf(town, other, entryFile(other, named.subpath, kind));
}

/** A dependency is a range, or another package under that name. */
function findDependency(town: Town, met: Met, name: string, range: string): Promise<Package> {
  const alias = /^npm:((?:@[^/@]+\/)?[^/@]+)(?:@(.+))?$/.exec(range);
  return alias === null ? findPackage(town, met, name, range) : findPackage(town, met, alias[1] as string, alias[2] ?? "*");
}

// Of code that does not say what it is: only modules begin a line with these.
const MODULE_SYNTAX = /(^|[\n;}])\s*(import(\s+[\w$]|\s*["'{*])|export\s*([*{]|default\b|const\b|let\b|var\b|function\b|class\b|async\b))|\bimport\.meta\b/;

const COMMENTS = /\/\*[^]*?\*\/|^\s*\/\/.*$/gm;

async function fileOf(town: Town, found: Package, path: string): Promise<Remote> {
  const key = fileKey(found.manifest, path);
  if (!hasFile(found, path)) throw new Fault(`${found.manifest.name}@${found.manifest.version} has no file ${path}`);
  const size = found.files[path] as number;
  const made = (type: ModuleType): Remote => ({ key, type, hash: key, size });
  if (path.endsWith(".json")) return made("json");
  if (/\.[mc]?tsx?$/.test(path)) return made(path.endsWith("x") ? "tsx" : "ts");
  if (path.endsWith(".jsx")) return made("jsx");
  const isCjs = isCommonJs(found, path) ?? !MODULE_SYNTAX.test((await readRemote(town, key)).replace(COMMENTS, ""));
  return made(isCjs ? "cjs" : "js");
}

const REQUIRE = /\brequire\s*\(\s*(["'`])([^"'`\n$]+)\1\s*\)/g;
const IMPORT = /\bimport\s*\(\s*(["'`])([^"'`\n$]+)\1\s*[,)]/g;

type Use = Pick<Wanted, "specifier" | "target" | "kind" | "as" | "isRequired">;

/** What modules import, by their keys. */
async function usesOf(town: Town, remotes: Remote[]): Promise<Map<string, Use[]>> {
  const uses = new Map<string, Use[]>();
  const sources: (Source & { key: string })[] = [];
  await inParallel(remotes, async (remote) => {
    const { key, type, hash } = remote;
    const read = async () => remote.text ?? readRemote(town, hash);
    if (type === "json" || type === "text" || type === "bytes" || type === "at") return;
    if (type !== "cjs") {
      sources.push({ key, hash, dialect: type, read });
      return;
    }
    const text = await read();
    const listed = (pattern: RegExp, kind: Kind) => [...text.matchAll(pattern)].map(([, , specifier]): Use => {
      // A call in a branch that is never taken is no fault, nor is one whose failure is caught.
      return { specifier: specifier as string, target: specifier as string, kind, as: undefined, isRequired: false };
    });
    uses.set(key, [...listed(REQUIRE, "require"), ...listed(IMPORT, "import")]);
  });
  const analyses = await analyseSources(town, sources, true);
  for (const { key, hash, dialect } of sources) {
    uses.set(key, (analyses.get(`${hash}.${dialect}`)?.imports ?? []).map((use) => {
      const { specifier, attributes, dynamic } = use;
      return { specifier, target: specifier, kind: "import", as: attributes.type, isRequired: !dynamic };
    }));
  }
  return uses;
}

function viaReferrer(want: Wanted, fault: unknown): unknown {
  if (want.referrer === undefined || !(fault instanceof Fault)) return fault;
  return new Fault(`${fault.message} (imported by ${want.referrer})`, fault.suggestion);
}

async function inParallel<T>(items: T[], work: (item: T) => Promise<void>): Promise<void> {
  const queue = [...items].reverse();
  const worker = async () => {
    for (let item = queue.pop(); item !== undefined; item = queue.pop()) await work(item);
  };
  await Promise.all(Array.from({ length: Math.min(FETCHES_OPEN, queue.length) }, worker));
}
