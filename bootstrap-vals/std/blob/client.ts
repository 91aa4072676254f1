/** The interface of `std/blob` over either database: `set`, `get`, `list` and the like. */

import type { Storage } from "town:kernel";
import { blobsOf, checkKey, deleteBlob, listBlobs, readBlob, writeBlob, type Blob } from "../../lib/blobs.ts";

export class ValTownBlobError extends Error {
  override name = "ValTownBlobError";
}

export class ValTownBlobNotFoundError extends ValTownBlobError {
  override name = "ValTownBlobNotFoundError";
}

export interface BlobClient {
  /** Keys that begin with `prefix`, with size and time. */
  list(prefix?: string): Promise<Blob[]>;
  /** The bytes as a Response; rejects with a ValTownBlobNotFoundError. */
  get(key: string): Promise<Response>;
  set(key: string, value: string | BodyInit): Promise<void>;
  /** The value of `setJSON`; undefined where there is none. */
  getJSON<T = any>(key: string): Promise<T | undefined>;
  setJSON(key: string, value: unknown): Promise<void>;
  delete(key: string): Promise<void>;
  copy(previous: string, next: string): Promise<void>;
  move(previous: string, next: string): Promise<void>;
}

export function clientOf(own: () => Storage): BlobClient {
  const blobs = () => blobsOf(own());
  const read = async (key: string): Promise<Response> => {
    const found = await told(readBlob(blobs(), key));
    if (found === undefined) throw new ValTownBlobNotFoundError(`There is no blob ${JSON.stringify(key)}`);
    const headers = { "content-length": String(found.size), "last-modified": new Date(found.lastModified).toUTCString() };
    return new Response(found.body, { headers });
  };
  const write = async (key: string, value: BodyInit): Promise<void> => {
    checkKey(key);
    await told(writeBlob(blobs(), key, value));
  };
  const client: BlobClient = {
    list: (prefix) => told(listBlobs(blobs(), prefix)),
    get: read,
    set: write,
    async getJSON(key) {
      const found = await told(readBlob(blobs(), key));
      return found === undefined ? undefined : new Response(found.body).json();
    },
    async setJSON(key, value) {
      const text = JSON.stringify(value);
      if (text === undefined) throw new TypeError("This value has no form in JSON");
      await write(key, text);
    },
    async delete(key) {
      await told(deleteBlob(blobs(), key));
    },
    async copy(previous, next) {
      await write(next, (await read(previous)).body as BodyInit);
    },
    async move(previous, next) {
      if (previous === next) return;
      await client.copy(previous, next);
      await client.delete(previous);
    },
  };
  return client;
}

async function told<T>(work: Promise<T>): Promise<T> {
  try {
    return await work;
  } catch (error) {
    throw new ValTownBlobError((error as Error).message, { cause: error });
  }
}
