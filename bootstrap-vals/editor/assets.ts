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

// What a module of the client imports from its own folder, types left out.
const IMPORT = /^(?:import|export) (?!type )[^;]*?"\.\/([\w.-]+)"/gm;

const IMMUTABLE = { "cache-control": "public, max-age=31536000, immutable", "x-content-type-options": "nosniff" };
// A worker takes its policy from its own response.
const WORKER_POLICY = "default-src 'none'; script-src 'self'; connect-src 'self'";

/** Addresses of everything a page may load. */
export interface Assets {
  style: string;
  /** A module of `editor/client/`, by its name there. */
  client(name: string): string;
  /** All modules of `editor/client/` that one leads to, so that a browser asks for them at once rather than one by the other. */
  reached(name: string): string[];
  /** A bundle of `editor/vendor/`. */
  vendor(name: string): string;
}

interface Digests {
  tag: string;
  /** By name of a module, those that it imports. */
  imports: Map<string, string[]>;
  vendor: Record<string, string>;
}

// Files change by a reload, which starts other isolates than this one.
let digests: Promise<Digests> | undefined;

export async function assetsOf(town: Town): Promise<Assets> {
  return addresses(town.arrival, await (digests ??= readDigests(systemOf(town))));
}

function addresses(arrival: Arrival, { tag, imports, vendor }: Digests): Assets {
  const client = (name: string) => href(arrival, `/-/${tag}/${CLIENT}${name}`);
  return {
    style: href(arrival, `/-/${tag}/${STYLE}`),
    client,
    reached(name) {
      const found = new Set<string>([name]);
      for (const one of found) for (const other of imports.get(one) ?? []) found.add(other);
      return [...found].map(client);
    },
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
  const imports = new Map(files.map((file, index) => [(paths[index] as string).slice(CLIENT.length), importsOf(String(file?.source))]));
  return { tag: tag.slice(0, TAG_LENGTH), imports, vendor: JSON.parse(String(manifest?.source ?? "{}")) };
}

function importsOf(source: string): string[] {
  return [...source.matchAll(IMPORT)].map(([, name]) => name as string);
}

function systemOf(town: Town): System {
  if (town.system === undefined) throw notFound("System");
  return town.system;
}
