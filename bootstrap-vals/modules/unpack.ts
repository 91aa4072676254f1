/**
 * Unpacking a package, as a program of its own: it takes memory and time in proportion to somebody else's archive. What
 * comes is checked against the registry's hash and kept in the town's database. Nothing of a package is ever run here.
 */

import { storage } from "town:kernel";
import type { Statement, Storage } from "town:kernel";
import type { Manifest } from "./package-entry.ts";
import { fetchBytes, readBounded } from "./remote.ts";
import { readTar } from "./tar.ts";

const ARCHIVE_BYTES_MAX = 32 * 1024 * 1024;
const UNPACKED_BYTES_MAX = 96 * 1024 * 1024;
// As the kernel's bound for one source: what is longer could not run.
const FILE_BYTES_MAX = 4 * 1024 * 1024;
// Declarations too: they never run, and the editor checks types by them.
const CODE = /\.(m|c)?[jt]sx?$|\.json$/;
// A batch stays far below the kernel's bounds, and the event loop has turns in between.
const BATCH_FILES = 200;
const BATCH_BYTES = 4 * 1024 * 1024;

export interface Archive {
  name: string;
  version: string;
  tarball: string;
  /** SHA-512 in base64. */
  integrity: string;
}

export async function unpack({ name, version, tarball, integrity }: Archive): Promise<void> {
  const archive = await fetchBytes(tarball, { bytesMax: ARCHIVE_BYTES_MAX });
  const digest = new Uint8Array(await crypto.subtle.digest("SHA-512", archive));
  if (btoa(String.fromCharCode(...digest)) !== integrity) throw new Error("What came is not what the registry promised");
  const body = new Response(archive).body as ReadableStream<Uint8Array<ArrayBuffer>>;
  const tar = await readBounded(new Response(body.pipeThrough(new DecompressionStream("gzip"))), UNPACKED_BYTES_MAX, "The archive");
  await keep(storage as Storage, { name, version, integrity }, tar);
}

async function keep(town: Storage, { name, version, integrity }: Omit<Archive, "tarball">, tar: Uint8Array<ArrayBuffer>): Promise<void> {
  const decoder = new TextDecoder();
  const files: Record<string, number> = {};
  const folders: NonNullable<Manifest["folders"]> = {};
  let manifest: Manifest | undefined;
  let batch: Statement[] = [];
  let bytesWaiting = 0;
  for (const { path, bytes } of readTar(tar)) {
    if (!CODE.test(path) || bytes.length > FILE_BYTES_MAX) continue;
    if (path === "package.json") manifest = JSON.parse(decoder.decode(bytes));
    else if (path.endsWith("/package.json")) folders[path.slice(0, -"/package.json".length)] = partsOf(decoder.decode(bytes));
    files[path] = bytes.length;
    batch.push({
      // As bytes to the database, which takes them for the text that they are: none of it passes through here as text.
      sql: "INSERT OR IGNORE INTO remote_content (hash, text) VALUES (:hash, CAST(:bytes AS TEXT))",
      args: { hash: `npm:/${name}@${version}/${path}`, bytes },
    });
    bytesWaiting += bytes.length;
    if (batch.length < BATCH_FILES && bytesWaiting < BATCH_BYTES) continue;
    await town.batch(batch);
    batch = [];
    bytesWaiting = 0;
  }
  if (batch.length > 0) await town.batch(batch);
  if (manifest === undefined) throw new Error("It has no package.json");
  const { type, main, module, exports, imports, dependencies, peerDependencies, optionalDependencies } = manifest;
  const kept = { name, version, type, main, module, exports, imports, dependencies, peerDependencies, optionalDependencies, folders };
  // The contents came first: the package is there once all of it is.
  await town.execute({
    sql: `INSERT OR IGNORE INTO package (name, version, integrity, manifest, files, fetched_at)
      VALUES (:name, :version, :integrity, :manifest, :files, :now)`,
    args: { name, version, integrity, manifest: JSON.stringify(kept), files: JSON.stringify(files), now: Date.now() },
  });
}

function partsOf(text: string): Pick<Manifest, "type" | "main" | "module"> {
  try {
    const { type, main, module } = JSON.parse(text) as Manifest;
    return JSON.parse(JSON.stringify({ type, main, module }));
  } catch {
    return {};
  }
}
