/**
 * What browsers load beside pages: the stylesheet, the modules of `editor/client/` compiled by the town's own loader, and
 * the bundles of `editor/vendor/`. Each address has a digest of its content in it and is cached for ever.
 */

import type { System } from "town:kernel";
import { sha256 } from "../lib/crypto.ts";
import { notFound } from "../lib/http.ts";
import { href, type Arrival } from "../lib/mount.ts";
import type { Route } from "../lib/router.ts";
import type { Town } from "../lib/town.ts";

const STYLE = "pages/style.css";
const CLIENT = "editor/client/";
const VENDOR = "editor/vendor/";
const TAG_LENGTH = 16;

const IMMUTABLE = { "cache-control": "public, max-age=31536000, immutable", "x-content-type-options": "nosniff" };
// A worker takes its policy from its own response.
const WORKER_POLICY = "default-src 'none'; script-src 'self'; connect-src 'self'";

/** Addresses of everything a page may load. */
export interface Assets {
  style: string;
  /** A module of `editor/client/`, by its name there. */
  client(name: string): string;
  /** A bundle of `editor/vendor/`. */
  vendor(name: string): string;
}

interface Digests {
  tag: string;
  vendor: Record<string, string>;
}

// Files change by a reload, which starts other isolates than this one.
let digests: Promise<Digests> | undefined;

export async function assetsOf(town: Town): Promise<Assets> {
  const { tag, vendor } = await (digests ??= readDigests(systemOf(town)));
  return addresses(town.arrival, tag, vendor);
}

function addresses(arrival: Arrival, tag: string, vendor: Record<string, string>): Assets {
  return {
    style: href(arrival, `/-/${tag}/${STYLE}`),
    client: (name) => href(arrival, `/-/${tag}/${CLIENT}${name}`),
    vendor: (name) => href(arrival, `/-/vendor/${vendor[name]}/${name}`),
  };
}

export const assetRoutes: Route[] = [
  ["GET", "/-/vendor/:digest/:name", async (_request, params, town) => {
    const { vendor } = await (digests ??= readDigests(systemOf(town)));
    const name = params.name as string;
    const file = vendor[name] === params.digest ? await systemOf(town).read(`${VENDOR}${name}.gz`) : undefined;
    if (file === undefined) throw notFound("File");
    const type = name.endsWith(".json") ? "application/json" : "text/javascript; charset=utf-8";
    return new Response(file.source as Uint8Array<ArrayBuffer>, {
      // Every browser reads gzip, also from a plain http address where brotli is not offered.
      headers: { ...IMMUTABLE, "content-type": type, "content-encoding": "gzip" },
    });
  }],
  ["GET", "/-/:tag/*", async (_request, params, town) => {
    const path = params.rest as string;
    if (path !== STYLE && !path.startsWith(CLIENT)) throw notFound("File");
    const file = await systemOf(town).read(path);
    if (file === undefined || typeof file.source !== "string") throw notFound("File");
    const { tag } = await (digests ??= readDigests(systemOf(town)));
    const caching = params.tag === tag ? IMMUTABLE : { ...IMMUTABLE, "cache-control": "no-cache" };
    if (path === STYLE) return new Response(file.source, { headers: { ...caching, "content-type": "text/css; charset=utf-8" } });
    const compiled = await town.loader.compile(file.source, { type: "ts", specifier: path });
    return new Response(compiled.code, {
      headers: { ...caching, "content-type": "text/javascript; charset=utf-8", "content-security-policy": WORKER_POLICY },
    });
  }],
];

async function readDigests(system: System): Promise<Digests> {
  const paths = (await system.list()).map((file) => file.path).filter((path) => path === STYLE || path.startsWith(CLIENT)).sort();
  const files = await Promise.all(paths.map((path) => system.read(path)));
  const manifest = await system.read(`${VENDOR}manifest.json`);
  const tag = await sha256(JSON.stringify(files.map((file, index) => [paths[index], file?.source])));
  return { tag: tag.slice(0, TAG_LENGTH), vendor: JSON.parse(String(manifest?.source ?? "{}")) };
}

function systemOf(town: Town): System {
  if (town.system === undefined) throw notFound("System");
  return town.system;
}
