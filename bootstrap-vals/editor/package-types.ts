/**
 * The declarations of a package for the editor's type checks: what its archive has of them, and of package.json. The author
 * of a val has a package fetched by naming it, as saving would; a visitor sees those that the val runs.
 */

import { json, notFound } from "../lib/http.ts";
import { checkOrigin } from "../lib/origin.ts";
import { all } from "../lib/rows.ts";
import type { Town } from "../lib/town.ts";
import { mayChange, maySee } from "../model/access.ts";
import { findVal, type Val } from "../model/vals.ts";
import { Fault } from "../modules/fault.ts";
import { readGraph } from "../modules/lock.ts";
import type { Package } from "../modules/package-entry.ts";
import { findPackage, fileKey, nothingMet, parseFileKey } from "../modules/packages.ts";
import { choose } from "../modules/semver.ts";
import { askerBySession } from "../pages/layout.ts";

// Twice the declarations of the largest package that people commonly import; half of what one result may have.
const TYPES_BYTES_MAX = 8 * 1024 * 1024;
const NAME = /^(?:@[\w.~-]{1,100}\/)?[\w.~-]{1,214}$/;
const RANGE_LENGTH_MAX = 100;
const DECLARATIONS = /\.d\.[mc]?ts$|(^|\/)package\.json$/;

export async function servePackageTypes(request: Request, town: Town): Promise<Response> {
  // It may fetch, so it is for our pages alone.
  checkOrigin(town.arrival, request);
  const query = new URLSearchParams(town.arrival.search);
  const name = query.get("name") ?? "";
  const range = query.get("range") || "*";
  const val = await findVal(town, query.get("val") ?? "");
  const asker = await askerBySession(town, request);
  if (val === undefined || !maySee(asker, val)) throw notFound("Val");
  if (!NAME.test(name) || range.length > RANGE_LENGTH_MAX) throw notFound("Package");
  const found = await find(town, val, name, range, mayChange(asker, val));
  if (found === undefined) throw notFound("Package");
  const { manifest } = found;
  return json({ name, version: manifest.version, files: await declarations(town, found) }, 200, { "cache-control": "private, max-age=600" });
}

async function find(town: Town, val: Val, name: string, range: string, fetches: boolean): Promise<Package | undefined> {
  const { modules } = await readGraph(town, val);
  const run = new Set<string>();
  for (const key of Object.keys(modules)) {
    const file = parseFileKey(key);
    if (file?.name === name) run.add(file.version);
  }
  // What the val runs, rather than what a range means today.
  const version = choose([...run], range);
  if (version === undefined && !fetches) return undefined;
  try {
    return await findPackage(town, nothingMet(), name, version ?? range);
  } catch (error) {
    // No such package, no registry, no network: its types are not known then, and the save will say why.
    if (error instanceof Fault) return undefined;
    throw error;
  }
}

/** Those nearest to the root first, as far as they may go. */
async function declarations(town: Town, found: Package): Promise<Record<string, string>> {
  const depth = (path: string) => path.split("/").length;
  const paths = Object.keys(found.files).filter((path) => DECLARATIONS.test(path)).sort((a, b) => depth(a) - depth(b));
  let left = TYPES_BYTES_MAX;
  const wanted = paths.filter((path) => (left -= found.files[path] as number) >= 0);
  const keys = new Map(wanted.map((path) => [fileKey(found.manifest, path), path]));
  const rows = await all<{ hash: string; text: string }>(
    town.storage, "SELECT c.hash, c.text FROM json_each(:keys) j JOIN remote_content c ON c.hash = j.value", { keys: JSON.stringify([...keys.keys()]) },
  );
  return Object.fromEntries(rows.map(({ hash, text }) => [keys.get(hash) as string, text]));
}
