/** The module host: `/v/{user}/{val}[@{version}[-{branch}]][/{path}]`, TypeScript or JavaScript as the asker needs it. */

import { sha256 } from "../lib/crypto.ts";
import { HttpError, notFound } from "../lib/http.ts";
import { href } from "../lib/mount.ts";
import type { Route } from "../lib/router.ts";
import type { Town } from "../lib/town.ts";
import { askerOf, maySee } from "../model/access.ts";
import { readData, readEntry, readTree, type Entry } from "../model/files.ts";
import { dialectOf, entryOf, extensionOf, type Dialect } from "../model/names.ts";
import type { Val } from "../model/vals.ts";
import { analyseSources } from "./analysis.ts";
import { findReferred } from "./foreign.ts";
import { readGraph } from "./lock.ts";
import { parseReference, parseSpecifier, pinnedPath } from "./reference.ts";
import { standardPath } from "./standard.ts";

// Whatever a val's file says, a browser that opens it here runs none of it on the pages' origin.
const HARMLESS = {
  "access-control-allow-origin": "*",
  "access-control-expose-headers": "etag, location, repr-digest, sourcemap",
  "x-content-type-options": "nosniff",
  "content-security-policy": "sandbox; default-src 'none'",
};
const TYPES = new Map([
  ["json", "application/json"], ["css", "text/css; charset=utf-8"], ["wasm", "application/wasm"], ["png", "image/png"],
  ["jpg", "image/jpeg"], ["jpeg", "image/jpeg"], ["gif", "image/gif"], ["webp", "image/webp"], ["woff2", "font/woff2"],
]);

export const moduleRoutes: Route[] = [["GET", "/v/:user/*", serveModule], ["OPTIONS", "/v/:user/*", preflight]];

async function serveModule(request: Request, _params: unknown, town: Town): Promise<Response> {
  const { arrival } = town;
  const reference = parseReference(arrival.path, arrival.search);
  if (reference === undefined) throw notFound("Module");
  const standard = await standardPath(town, reference);
  if (standard !== undefined) return serveStandard(request, town, standard);
  const val = await findReferred(town, reference.username, reference.name, reference.branch);
  const asker = await askerOf(town, request, "val:read");
  if (val === undefined || !maySee(asker, val)) throw notFound("Module");
  const version = reference.version ?? val.version;
  if (version > val.version) throw notFound("Module");
  const path = reference.path ?? entryOf((await readTree(town, val, version)).values())?.path;
  const entry = path === undefined ? undefined : await readEntry(town, val, path, version);
  if (entry === undefined || entry.hash === null) throw notFound("Module");
  const pinned = pinnedPath(val, version, entry.path);
  if (pinned !== arrival.path) {
    const location = href(arrival, pinned);
    return new Response(null, { status: 302, headers: { ...HARMLESS, location, "cache-control": "no-cache", vary: "authorization" } });
  }
  return serveEntry(request, town, val, version, entry);
}

async function serveEntry(request: Request, town: Town, val: Val, version: number, entry: Entry): Promise<Response> {
  const { dialect } = entry;
  const form = formOf(request, town, dialect);
  const etag = `"${entry.hash?.slice(0, 32)}-${form}"`;
  const headers: Record<string, string> = {
    ...HARMLESS,
    etag,
    vary: "accept, authorization, user-agent",
    "cache-control": `${val.privacy === "private" ? "private" : "public"}, max-age=31536000, immutable`,
    "content-type": contentType(entry.path, dialect, form),
  };
  if (request.headers.get("if-none-match")?.includes(etag)) return new Response(null, { status: 304, headers });
  const data = await readData(town, entry.hash as string);
  if (dialect === null || typeof data !== "string") return answer(data, headers);
  const places = await placesOf(town, val, version, entry, data);
  return serveCode(town, data, { path: entry.path, dialect, form, places }, headers);
}

/** A file of the image: it changes with the town, so it is asked for anew each time. */
async function serveStandard(request: Request, town: Town, path: string): Promise<Response> {
  const file = await town.system?.read(path);
  if (typeof file?.source !== "string") throw notFound("Module");
  const dialect = dialectOf(path);
  const form = formOf(request, town, dialect);
  const etag = `"${(await sha256(file.source)).slice(0, 32)}-${form}"`;
  const headers = {
    ...HARMLESS, etag, vary: "accept, user-agent", "cache-control": "no-cache", "content-type": contentType(path, dialect, form),
  };
  if (request.headers.get("if-none-match")?.includes(etag)) return new Response(null, { status: 304, headers });
  if (dialect === null) return answer(file.source, headers);
  return serveCode(town, file.source, { path, dialect, form, places: [] }, headers);
}

type Form = "source" | "js" | "map";

interface Served {
  path: string;
  dialect: Dialect;
  form: Form;
  places: Place[];
}

async function serveCode(town: Town, source: string, { path, dialect, form, places }: Served, headers: Record<string, string>): Promise<Response> {
  const text = renamed(source, places);
  if (form === "source") return answer(text, headers);
  try {
    const compiled = await town.loader.compile(text, { type: dialect, specifier: path });
    if (form === "map") return answer(mapWith(compiled.map, path, source), headers);
    const map = `${path.slice(path.lastIndexOf("/") + 1)}?map`;
    return answer(`${compiled.code}\n//# sourceMappingURL=${map}\n`, { ...headers, sourcemap: map });
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error;
    const { message, line, column } = error as SyntaxError & { line?: number; column?: number };
    throw new HttpError(500, "syntax", `${path}:${line}:${column}: ${message}`);
  }
}

/** With the hash of what is sent, so that whoever keeps a lock can check it. */
async function answer(body: string | Uint8Array<ArrayBuffer>, headers: Record<string, string>): Promise<Response> {
  const bytes = typeof body === "string" ? new TextEncoder().encode(body) : body;
  const digest = new Uint8Array(await crypto.subtle.digest("SHA-256", bytes));
  return new Response(bytes, { headers: { ...headers, "repr-digest": `sha-256=:${btoa(String.fromCharCode(...digest))}:` } });
}

function mapWith(map: string, path: string, source: string): string {
  const value = JSON.parse(map) as Record<string, unknown>;
  const name = path.slice(path.lastIndexOf("/") + 1);
  return JSON.stringify({ ...value, file: name, sources: [name], sourcesContent: [source] });
}

// ---- Names of vals, for whoever imports from outside -------------------------------------------------

/** Where a specifier is in a source, and what it is to be. */
interface Place {
  line: number;
  column: number;
  specifier: string;
  target: string;
}

/** Imports of other vals lead to this town, and to the version that they led to when this one was saved. */
async function placesOf(town: Town, val: Val, version: number, entry: Entry, source: string): Promise<Place[]> {
  const dialect = entry.dialect as Dialect;
  const code = { hash: entry.hash as string, dialect, path: entry.path, read: async () => source };
  const imports = (await analyseSources(town, [code])).get(`${code.hash}.${dialect}`)?.imports ?? [];
  const named = imports.filter((use) => parseSpecifier(town.arrival, use.specifier) !== undefined);
  if (named.length === 0) return [];
  const names = (await readGraph(town, val, version)).modules[`./${entry.path}`]?.[5] ?? {};
  return named.map(({ specifier, line, column }) => {
    const pinned = names[specifier];
    const local = pinned?.startsWith("/v/") ? pinned : specifier.slice(specifier.indexOf("/v/"));
    return { line, column, specifier, target: town.arrival.base + local };
  });
}

/** The source with other specifiers at some places; nothing else moves to another line. */
function renamed(source: string, places: Place[]): string {
  if (places.length === 0) return source;
  const lines = source.split("\n");
  // From the right, so that columns further left stay true.
  for (const { line, column, specifier, target } of [...places].sort((a, b) => b.column - a.column)) {
    const text = lines[line - 1];
    if (text === undefined || text.slice(column, column + specifier.length) !== specifier) continue;
    lines[line - 1] = text.slice(0, column) + target + text.slice(column + specifier.length);
  }
  return lines.join("\n");
}

// ---- What the asker needs ------------------------------------------------------------------------

function formOf(request: Request, town: Town, dialect: Dialect | null): Form {
  if (dialect === null || wantsTypeScript(request)) return "source";
  if (/[?&]map(&|=|$)/.test(town.arrival.search)) return "map";
  return dialect === "js" ? "source" : "js";
}

/** Deno reads TypeScript; so does whoever says so. */
function wantsTypeScript(request: Request): boolean {
  if (request.headers.get("user-agent")?.startsWith("Deno/")) return true;
  return /\b(text\/tsx|(text|application)\/typescript)\b/.test(request.headers.get("accept") ?? "");
}

function contentType(path: string, dialect: Dialect | null, form: Form): string {
  if (form === "map") return "application/json";
  if (dialect === null) return TYPES.get(extensionOf(path)) ?? "text/plain; charset=utf-8";
  if (form === "js" || dialect === "js") return "text/javascript; charset=utf-8";
  return dialect === "ts" ? "application/typescript; charset=utf-8" : `text/${dialect}; charset=utf-8`;
}

function preflight(): Response {
  const headers = {
    ...HARMLESS, "access-control-allow-methods": "GET, HEAD", "access-control-allow-headers": "authorization, if-none-match",
    "access-control-max-age": "86400",
  };
  return new Response(null, { status: 204, headers });
}
