/** The source of a module for type checks: of this town's vals, of the platform, of what a val has fetched from elsewhere. */

import { json, notFound } from "../lib/http.ts";
import type { Town } from "../lib/town.ts";
import { maySee } from "../model/access.ts";
import { readContent, readEntry, readTree } from "../model/files.ts";
import { entryOf } from "../model/names.ts";
import { findVal, findValByName } from "../model/vals.ts";
import type { GraphModule } from "../modules/graph.ts";
import { readGraph } from "../modules/lock.ts";
import { parseSpecifier, type Reference } from "../modules/reference.ts";
import { readRemote } from "../modules/remote.ts";
import { standardPath } from "../modules/standard.ts";
import { askerBySession } from "../pages/layout.ts";

/** What a module is called, from where its relative imports start, and its text. */
interface Typed {
  specifier: string;
  source: string;
}

export async function serveTypes(request: Request, town: Town): Promise<Response> {
  const query = new URLSearchParams(town.arrival.search);
  const found = await find(request, town, query.get("specifier") ?? "", query.get("val") ?? "");
  if (found === undefined) throw notFound("Module");
  return json(found, 200, { "cache-control": "private, max-age=60" });
}

async function find(request: Request, town: Town, specifier: string, valId: string): Promise<Typed | undefined> {
  if (specifier === "town:kernel") return ofImage(town, specifier, "kernel.d.ts");
  if (specifier.startsWith("town:system/")) return ofImage(town, specifier, specifier.slice("town:system/".length));
  const reference = parseSpecifier(town.arrival, specifier);
  if (reference === undefined) return ofElsewhere(request, town, specifier, valId);
  const standard = await standardPath(town, reference);
  return standard === undefined ? ofVal(request, town, reference) : ofImage(town, `town:system/${standard}`, standard);
}

async function ofImage(town: Town, specifier: string, path: string): Promise<Typed | undefined> {
  const file = await town.system?.read(path);
  return typeof file?.source === "string" ? { specifier, source: file.source } : undefined;
}

async function ofVal(request: Request, town: Town, reference: Reference): Promise<Typed | undefined> {
  const val = await findValByName(town, reference.username, reference.name);
  if (val === undefined || !maySee(await askerBySession(town, request), val)) return undefined;
  const version = Math.min(reference.version ?? val.version, val.version);
  const path = reference.path ?? entryOf((await readTree(town, val, version)).values())?.path;
  const entry = path === undefined ? undefined : await readEntry(town, val, path, version);
  if (entry === undefined || entry.hash === null) return undefined;
  return { specifier: `https://esm.town/v/${val.username}/${val.name}@${version}-main/${entry.path}`, source: await readContent(town, entry.hash) };
}

/** What the val's newest version was closed over. JavaScript has no types to tell. */
async function ofElsewhere(request: Request, town: Town, specifier: string, valId: string): Promise<Typed | undefined> {
  const val = await findVal(town, valId);
  if (val === undefined || !maySee(await askerBySession(town, request), val)) return undefined;
  const { modules } = await readGraph(town, val);
  const key = specifier in modules ? specifier : keyOf(Object.values(modules), specifier);
  const module = key === undefined ? undefined : modules[key];
  if (key === undefined || module === undefined || (module[0] !== "ts" && module[0] !== "tsx")) return undefined;
  return { specifier: key, source: await readRemote(town, module[1]) };
}

/** Where some module's import of that specifier leads. */
function keyOf(modules: GraphModule[], specifier: string): string | undefined {
  for (const module of modules) {
    const key = module[5]?.[specifier];
    if (key !== undefined) return key;
  }
  return undefined;
}
