/** The source of a module for type checks: of this town's vals, of the platform, of what a val has fetched from elsewhere. */

import { json, notFound } from "../lib/http.ts";
import { checkOrigin } from "../lib/origin.ts";
import type { Town } from "../lib/town.ts";
import { mayChange, maySee } from "../model/access.ts";
import { readContent, readEntry, readTree } from "../model/files.ts";
import { entryOf } from "../model/names.ts";
import { findVal, findValByName } from "../model/vals.ts";
import { Fault } from "../modules/fault.ts";
import type { GraphModule } from "../modules/graph.ts";
import { readGraph } from "../modules/lock.ts";
import { parseSpecifier, type Reference } from "../modules/reference.ts";
import { keptModule, readRemote, remoteModule, typesAddress, type Remote } from "../modules/remote.ts";
import { standardPath } from "../modules/standard.ts";
import { askerBySession } from "../pages/layout.ts";

const DECLARATIONS = /\.d\.[mc]?ts(\?|$)/;

/** What a module is called, from where its relative imports start, and its text. */
interface Typed {
  specifier: string;
  source: string;
}

export async function serveTypes(request: Request, town: Town): Promise<Response> {
  // It may fetch, so it is for our pages alone.
  checkOrigin(town.arrival, request);
  const query = new URLSearchParams(town.arrival.search);
  const found = await find(request, town, query.get("specifier") ?? "", query.get("val") ?? "");
  if (found === undefined) throw notFound("Module");
  return json(found, 200, { "cache-control": "private, max-age=60" });
}

async function find(request: Request, town: Town, specifier: string, valId: string): Promise<Typed | undefined> {
  if (specifier === "town:kernel" || specifier === "town:runtime") return ofImage(town, specifier, "kernel.d.ts");
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

/**
 * What the val's newest version was closed over, and what that declares its types to be. For the author also what is only
 * typed yet: it is fetched, as saving would. JavaScript itself has no types to tell.
 */
async function ofElsewhere(request: Request, town: Town, specifier: string, valId: string): Promise<Typed | undefined> {
  const val = await findVal(town, valId);
  const asker = await askerBySession(town, request);
  if (val === undefined || !maySee(asker, val)) return undefined;
  const { modules } = await readGraph(town, val);
  const key = specifier in modules ? specifier : keyOf(Object.values(modules), specifier) ?? specifier;
  if (!key.startsWith("https://")) return undefined;
  const find = mayChange(asker, val) ? fetched : keptModule;
  const known = modules[key];
  const module = known === undefined
    ? DECLARATIONS.test(key) || find === fetched ? await find(town, key) : undefined
    : { key, type: known[0], hash: known[1] };
  if (module === undefined) return undefined;
  if (module.type === "ts" || module.type === "tsx") return typed(town, module);
  const address = await typesAddress(town, module.key);
  const types = address === undefined ? undefined : await find(town, address);
  return types && typed(town, types);
}

async function typed(town: Town, { key, hash }: Pick<Remote, "key" | "hash">): Promise<Typed> {
  return { specifier: key, source: await readRemote(town, hash) };
}

/** A module that nobody has is one whose types nobody knows; saving says what is wrong with it. */
async function fetched(town: Town, address: string): Promise<Remote | undefined> {
  try {
    return await remoteModule(town, address);
  } catch (error) {
    if (error instanceof Fault) return undefined;
    throw error;
  }
}

/** Where some module's import of that specifier leads. */
function keyOf(modules: GraphModule[], specifier: string): string | undefined {
  for (const module of modules) {
    const key = module[5]?.[specifier];
    if (key !== undefined) return key;
  }
  return undefined;
}
