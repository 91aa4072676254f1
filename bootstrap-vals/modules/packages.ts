/**
 * Packages of npm and JSR, from their registries: which version a range means is decided once, and its archive is
 * fetched once (unpack.ts).
 */

import { all, first } from "../lib/rows.ts";
import type { Town } from "../lib/town.ts";
import { Fault } from "./fault.ts";
import type { Manifest, Package } from "./package-entry.ts";
import { fetchBytes, type Remote } from "./remote.ts";
import { choose, parseVersion } from "./semver.ts";

// What registries leave out of this form is not needed, and is most of it.
const ABBREVIATED = "application/vnd.npm.install-v1+json, application/json;q=0.8";
// Of the packages with the most versions, some megabytes.
const PACKUMENT_BYTES_MAX = 32 * 1024 * 1024;

interface Packument {
  "dist-tags"?: Record<string, string>;
  versions?: Record<string, { dist?: { tarball?: string; integrity?: string } }>;
}

/**
 * What one save has met: packages by name and version, which are taken before anything newer, what registries said, and
 * modules by their address.
 */
export interface Met {
  packages: Map<string, Map<string, Promise<Package>>>;
  packuments: Map<string, Promise<Packument>>;
  modules: Map<string, Promise<Remote>>;
}

export function nothingMet(): Met {
  return { packages: new Map(), packuments: new Map(), modules: new Map() };
}

/** The package that a name and a range mean, as it is kept. */
export async function findPackage(town: Town, met: Met, name: string, range: string): Promise<Package> {
  const versions = met.packages.get(name) ?? new Map<string, Promise<Package>>();
  met.packages.set(name, versions);
  const known = choose([...versions.keys()], range);
  const version = known ?? (await decide(town, met, name, range));
  return once(versions, version, () => load(town, met, name, version));
}

/** The answer to a question that is asked once. */
export function once<T>(answers: Map<string, Promise<T>>, question: string, ask: () => Promise<T>): Promise<T> {
  let answer = answers.get(question);
  if (answer === undefined) {
    answer = ask();
    answers.set(question, answer);
  }
  return answer;
}

/** The key of a file of a package, which is its address in a program. */
export function fileKey(manifest: Manifest, path: string): string {
  return `npm:/${manifest.name}@${manifest.version}/${path}`;
}

/** Takes such a key apart. */
export function parseFileKey(key: string): { name: string; version: string; path: string } | undefined {
  const parts = /^npm:\/((?:@[^/]+\/)?[^/@]+)@([^/]+)\/(.*)$/.exec(key);
  return parts === null ? undefined : { name: parts[1] as string, version: parts[2] as string, path: parts[3] as string };
}

/** Forgets what ranges meant, so that the next save asks again. What older versions run stays. */
export async function forgetChoices(town: Town, names: string[]): Promise<void> {
  await town.storage.execute({
    sql: "DELETE FROM package_choice WHERE name IN (SELECT value FROM json_each(:names))", args: { names: JSON.stringify(names) },
  });
}

async function decide(town: Town, met: Met, name: string, range: string): Promise<string> {
  if (parseVersion(range) !== undefined) return range.replace(/^[v=\s]+/, "");
  const row = await first<{ version: string }>(
    town.storage, "SELECT version FROM package_choice WHERE name = :name AND range = :range", { name, range },
  );
  if (row !== undefined) return row.version;
  const { "dist-tags": tags = {}, versions = {} } = await packumentOf(town, met, name);
  const version = tags[range] ?? choose(Object.keys(versions), range, tags.latest);
  if (version === undefined) {
    const latest = tags.latest === undefined ? undefined : `The latest is ${tags.latest}`;
    throw new Fault(`No version of ${name} is ${range}`, latest);
  }
  await town.storage.execute({
    sql: "INSERT OR IGNORE INTO package_choice (name, range, version, chosen_at) VALUES (:name, :range, :version, :now)",
    args: { name, range, version, now: Date.now() },
  });
  return version;
}

async function load(town: Town, met: Met, name: string, version: string): Promise<Package> {
  const row = await first<{ manifest: string; files: string }>(
    town.storage, "SELECT manifest, files FROM package WHERE name = :name AND version = :version", { name, version },
  );
  if (row !== undefined) return { manifest: JSON.parse(row.manifest), files: JSON.parse(row.files) };
  const { versions = {} } = await packumentOf(town, met, name);
  const dist = versions[version]?.dist;
  if (typeof dist?.tarball !== "string") throw new Fault(`There is no ${name}@${version}`);
  const integrity = /^sha512-([A-Za-z0-9+/=]+)$/m.exec(dist.integrity ?? "")?.[1];
  if (integrity === undefined) throw new Fault(`The registry tells no sha512 of ${name}@${version}`);
  const isolate = town.loader.load({
    main: "town:system/modules/unpack.ts", modules: {}, storage: town.storage, outbound: { private: true },
  });
  try {
    await isolate.call("unpack", [{ name, version, tarball: dist.tarball, integrity }]);
  } catch (error) {
    throw new Fault(`${name}@${version} cannot be used: ${(error as Error).message}`);
  }
  return load(town, met, name, version);
}

function packumentOf(town: Town, met: Met, name: string): Promise<Packument> {
  return once(met.packuments, name, () => readPackument(town, name));
}

async function readPackument(town: Town, name: string): Promise<Packument> {
  const isJsr = name.startsWith("@jsr/");
  const key = isJsr ? "TOWN_JSR_REGISTRY" : "TOWN_NPM_REGISTRY";
  const set = town.env[key];
  if (typeof set !== "string" || set === "") {
    throw new Fault(`This town has no registry to take ${name} from`, `Its owner sets ${key} to the address of one`);
  }
  const registry = set.replace(/\/+$/, "");
  const url = `${registry}/${name.replace("/", "%2f")}`;
  const bytes = await fetchBytes(url, { accept: ABBREVIATED, bytesMax: PACKUMENT_BYTES_MAX, missing: `There is no package ${name}` });
  try {
    return JSON.parse(new TextDecoder().decode(bytes)) as Packument;
  } catch {
    throw new Fault(`${registry} answered no JSON for ${name}`);
  }
}

/** The packages of a list of keys, with the hashes by which their archives were checked. */
export async function integrities(town: Town, names: Set<string>): Promise<{ name: string; version: string; integrity: string }[]> {
  const pairs = [...names].map((key) => [key.slice(0, key.lastIndexOf("@")), key.slice(key.lastIndexOf("@") + 1)]);
  return all(
    town.storage, `SELECT p.name, p.version, p.integrity FROM json_each(:pairs) j
      JOIN package p ON p.name = j.value ->> 0 AND p.version = j.value ->> 1`,
    { pairs: JSON.stringify(pairs) },
  );
}
