/** The module host: `/v/{user}/{val}[@{version}[-{branch}]][/{path}]`, TypeScript or JavaScript as the asker needs it. */

import { HttpError, notFound } from "../lib/http.ts";
import { href } from "../lib/mount.ts";
import type { Route } from "../lib/router.ts";
import type { Town } from "../lib/town.ts";
import { askerOf, maySee } from "../model/access.ts";
import { readContent, readEntry, readTree, type Entry } from "../model/files.ts";
import { entryOf, extensionOf } from "../model/names.ts";
import { findValByName, type Val } from "../model/vals.ts";
import { parseReference, pinnedPath } from "./reference.ts";

// Whatever a val's file says, a browser that opens it here runs none of it on the pages' origin.
const HARMLESS = {
  "access-control-allow-origin": "*",
  "x-content-type-options": "nosniff",
  "content-security-policy": "sandbox; default-src 'none'",
};
const TYPES = new Map([["json", "application/json"], ["css", "text/css; charset=utf-8"]]);

export const moduleRoutes: Route[] = [["GET", "/v/:user/*", serveModule]];

async function serveModule(request: Request, _params: unknown, town: Town): Promise<Response> {
  const { arrival } = town;
  const reference = parseReference(arrival.path, arrival.search);
  const val = reference && await findValByName(town, reference.username, reference.name);
  const asker = await askerOf(town, request, "val:read");
  if (reference === undefined || val === undefined || !maySee(asker, val) || reference.branch !== "main") throw notFound("Module");
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
  return serveEntry(request, town, val, entry);
}

async function serveEntry(request: Request, town: Town, val: Val, entry: Entry): Promise<Response> {
  const { dialect } = entry;
  const asIs = dialect === null || dialect === "js" || wantsTypeScript(request);
  const etag = `"${entry.hash?.slice(0, 32)}-${asIs ? "source" : "js"}"`;
  const headers: Record<string, string> = {
    ...HARMLESS,
    etag,
    vary: "accept, user-agent",
    "cache-control": `${val.privacy === "private" ? "private" : "public"}, max-age=31536000, immutable`,
    "content-type": contentType(entry, asIs),
  };
  if (request.headers.get("if-none-match")?.includes(etag)) return new Response(null, { status: 304, headers });
  const source = await readContent(town, entry.hash as string);
  if (asIs || dialect === null) return new Response(source, { headers });
  try {
    const compiled = await town.loader.compile(source, { type: dialect, specifier: entry.path });
    return new Response(compiled.code, { headers });
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error;
    const { message, line, column } = error as SyntaxError & { line?: number; column?: number };
    throw new HttpError(500, "syntax", `${entry.path}:${line}:${column}: ${message}`);
  }
}

/** Deno reads TypeScript; so does whoever says so. */
function wantsTypeScript(request: Request): boolean {
  if (request.headers.get("user-agent")?.startsWith("Deno/")) return true;
  return /\b(text\/tsx|(text|application)\/typescript)\b/.test(request.headers.get("accept") ?? "");
}

function contentType(entry: Entry, asIs: boolean): string {
  if (entry.dialect === null) return TYPES.get(extensionOf(entry.path)) ?? "text/plain; charset=utf-8";
  if (!asIs || entry.dialect === "js") return "text/javascript; charset=utf-8";
  return entry.dialect === "ts" ? "application/typescript; charset=utf-8" : `text/${entry.dialect}; charset=utf-8`;
}
