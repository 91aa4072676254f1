/**
 * Modules from elsewhere, by their `https:` address: fetched once, and kept for ever with the hash of what came. What
 * runs is what is here, so a program needs nobody when it starts.
 */

import type { Statement } from "town:kernel";
import { sha256 } from "../lib/crypto.ts";
import { all, first } from "../lib/rows.ts";
import type { Town } from "../lib/town.ts";
import { dialectOf, extensionOf } from "../model/names.ts";
import { Fault } from "./fault.ts";
import type { ModuleType } from "./graph.ts";

/** A module as it is kept. */
export interface Remote {
  /** Its address, after all redirects. */
  key: string;
  type: ModuleType;
  hash: string;
  size: number;
  /** Where it was just fetched. */
  text?: string;
}

const REDIRECTS_MAX = 10;
// As the kernel's bound for one source.
const MODULE_BYTES_MAX = 4 * 1024 * 1024;
const ACCEPT = "application/typescript, text/typescript, text/tsx, text/javascript, application/javascript, application/json;q=0.9, */*;q=0.1";
// CDNs that compile for whoever asks go by this: nothing a CDN knows, so the newest common language.
const USER_AGENT = "ValTownTown/1.0";
const TYPES: [RegExp, ModuleType][] = [
  [/^(application|text)\/(x-)?typescript\b|^video\/mp2t\b/, "ts"],
  [/^text\/tsx\b/, "tsx"],
  [/^text\/jsx\b/, "jsx"],
  [/^(application|text)\/(x-)?(javascript|ecmascript)\b/, "js"],
  [/^(application|text)\/([\w.-]+\+)?json\b/, "json"],
];

/** The module at an address. */
export async function remoteModule(town: Town, address: string): Promise<Remote> {
  let url = address;
  for (let hops = 0; hops <= REDIRECTS_MAX; hops++) {
    const row = await first<{ target: string | null; type: ModuleType; hash: string; size: number }>(
      town.storage, "SELECT target, type, hash, size FROM remote_module WHERE url = :url", { url },
    );
    if (row === undefined) {
      const found = await fetchModule(town, url);
      if (typeof found !== "string") return found;
      url = found;
    } else if (row.target !== null) url = row.target;
    else return { key: url, type: row.type, hash: row.hash, size: row.size };
  }
  throw new Fault(`${address} redirects more than ${REDIRECTS_MAX} times`);
}

/** Where a module that is kept says that its types are. */
export async function typesAddress(town: Town, key: string): Promise<string | undefined> {
  const row = await first<{ types: string | null }>(town.storage, "SELECT types FROM remote_module WHERE url = :key", { key });
  return row?.types ?? undefined;
}

/** A module as it is kept already, asking nobody. */
export async function keptModule(town: Town, address: string): Promise<Remote | undefined> {
  const row = await first<{ url: string; type: ModuleType; hash: string; size: number }>(
    town.storage, `SELECT m.url, m.type, m.hash, m.size FROM remote_module a
      JOIN remote_module m ON m.url = coalesce(a.target, a.url) WHERE a.url = :address AND m.hash IS NOT NULL`, { address },
  );
  return row && { key: row.url, type: row.type, hash: row.hash, size: row.size };
}

/** The texts of what is kept, by hash. */
export async function readRemote(town: Town, hash: string): Promise<string> {
  const [row] = await all<{ text: string }>(town.storage, "SELECT text FROM remote_content WHERE hash = :hash", { hash });
  if (row === undefined) throw new Fault(`The content ${hash} is not here`);
  return row.text;
}

/** Forgets what the addresses said, so that the next save asks again. What older versions run stays. */
export async function forgetRemote(town: Town, urls: string[]): Promise<void> {
  await town.storage.execute({
    sql: "DELETE FROM remote_module WHERE url IN (SELECT value FROM json_each(:urls))", args: { urls: JSON.stringify(urls) },
  });
}

function contentStatement(hash: string, text: string): Statement {
  return { sql: "INSERT OR IGNORE INTO remote_content (hash, text) VALUES (:hash, :text)", args: { hash, text } };
}

/** Fetches and keeps a module, or a redirect, whose target it returns. */
async function fetchModule(town: Town, url: string): Promise<Remote | string> {
  const response = await request(mirrored(town, url));
  const location = response.headers.get("location");
  if (response.status >= 300 && response.status < 400 && location !== null) {
    const target = new URL(unmirrored(town, location), url).href;
    if (!target.startsWith("https://")) throw new Fault(`${url} redirects to ${target}, which is not https`);
    await keep(town, [remember(url, { target })]);
    return target;
  }
  if (!response.ok) {
    await response.body?.cancel();
    throw new Fault(`${url} answered ${response.status}`);
  }
  const bytes = await readBounded(response, MODULE_BYTES_MAX, url);
  const text = new TextDecoder().decode(bytes);
  const type = typeOf(url, response.headers.get("content-type") ?? "");
  const hash = await sha256(bytes);
  const declared = response.headers.get("x-typescript-types");
  const types = declared !== null && URL.canParse(declared, url) ? new URL(unmirrored(town, new URL(declared, url).href), url).href : undefined;
  await keep(town, [contentStatement(hash, text), remember(url, { type, hash, size: bytes.length, types })]);
  return { key: url, type, hash, size: bytes.length, text };
}

async function keep(town: Town, statements: Statement[]): Promise<void> {
  await town.storage.batch(statements);
}

function remember(url: string, what: { target?: string; type?: string; hash?: string; size?: number; types?: string | undefined }): Statement {
  const { target = null, type = null, hash = null, size = null, types = null } = what;
  return {
    sql: `INSERT INTO remote_module (url, target, type, hash, size, types, fetched_at)
      VALUES (:url, :target, :type, :hash, :size, :types, :now) ON CONFLICT (url) DO NOTHING`,
    args: { url, target, type, hash, size, types, now: Date.now() },
  };
}

/** A request whose failure is told to whoever saves. */
async function request(url: string, accept = ACCEPT): Promise<Response> {
  try {
    return await fetch(url, { headers: { accept, "user-agent": USER_AGENT }, redirect: "manual" });
  } catch (error) {
    throw new Fault(`${url} cannot be reached: ${(error as Error).message}`);
  }
}

/** The bytes of a body, of which there may be so many. */
export async function readBounded(response: Response, bytesMax: number, what: string): Promise<Uint8Array<ArrayBuffer>> {
  const chunks: Uint8Array[] = [];
  let length = 0;
  for await (const chunk of response.body ?? []) {
    length += chunk.length;
    // Leaving the loop cancels the rest.
    if (length > bytesMax) throw new Fault(`${what} has more than ${bytesMax} bytes`);
    chunks.push(chunk);
  }
  const bytes = new Uint8Array(length);
  let offset = 0;
  for (const chunk of chunks) {
    bytes.set(chunk, offset);
    offset += chunk.length;
  }
  return bytes;
}

/** The bytes at an address, after redirects. `missing` is what to say where there is nothing. */
export async function fetchBytes(
  address: string,
  { accept = "*/*", bytesMax, missing }: { accept?: string; bytesMax: number; missing?: string },
): Promise<Uint8Array<ArrayBuffer>> {
  let url = address;
  for (let hops = 0; hops <= REDIRECTS_MAX; hops++) {
    const response = await request(url, accept);
    const location = response.headers.get("location");
    if (response.status >= 300 && response.status < 400 && location !== null) {
      url = new URL(location, url).href;
      continue;
    }
    if (response.ok) return readBounded(response, bytesMax, url);
    await response.body?.cancel();
    throw new Fault(response.status === 404 && missing !== undefined ? missing : `${url} answered ${response.status}`);
  }
  throw new Fault(`${address} redirects more than ${REDIRECTS_MAX} times`);
}

function typeOf(url: string, contentType: string): ModuleType {
  const type = contentType.trim().toLowerCase();
  for (const [pattern, known] of TYPES) if (pattern.test(type)) return known;
  const { pathname } = new URL(url);
  return dialectOf(pathname) ?? (extensionOf(pathname) === "json" ? "json" : "text");
}

// ---- Mirrors ------------------------------------------------------------------------------------

/** With TOWN_MODULE_MIRROR set, `https://host/path` is fetched from `{mirror}/host/path`. */
function mirrored(town: Town, url: string): string {
  const mirror = mirrorOf(town);
  return mirror === undefined ? url : `${mirror}/${url.slice("https://".length)}`;
}

function unmirrored(town: Town, url: string): string {
  const mirror = mirrorOf(town);
  return mirror !== undefined && url.startsWith(`${mirror}/`) ? `https://${url.slice(mirror.length + 1)}` : url;
}

function mirrorOf(town: Town): string | undefined {
  const mirror = town.env.TOWN_MODULE_MIRROR;
  return typeof mirror === "string" && mirror !== "" ? mirror.replace(/\/+$/, "") : undefined;
}
