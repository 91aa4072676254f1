/**
 * Blobs in a database: bytes of any length under a key. Long ones are kept in pieces under an id of their own, so a
 * reader sees the old blob or the new one, and never a mixture.
 */

import type { SqlValue, Statement, Storage } from "town:kernel";

export interface Blob {
  key: string;
  size: number;
  lastModified: string;
}

export interface BlobContent extends Blob {
  body: Uint8Array<ArrayBuffer> | ReadableStream<Uint8Array<ArrayBuffer>>;
}

export const KEY_LENGTH_MAX = 512;
// Half of what the kernel lets a value have.
const PIECE_BYTES = 4 * 1024 * 1024;
// Keys of the longest kind fit into one result.
const LISTED_AT_ONCE = 10_000;
// Pieces of a write that never ended are removed by a later one.
const ABANDONED_AFTER_MS = 24 * 60 * 60 * 1000;

const TABLES = [
  `CREATE TABLE IF NOT EXISTS blob (
    key TEXT PRIMARY KEY, id TEXT NOT NULL UNIQUE, size INTEGER NOT NULL, modified_at INTEGER NOT NULL) WITHOUT ROWID`,
  `CREATE TABLE IF NOT EXISTS blob_piece (
    id TEXT NOT NULL, number INTEGER NOT NULL, made_at INTEGER NOT NULL, bytes BLOB NOT NULL, PRIMARY KEY (id, number))`,
];

/** Blobs whose keys begin with `prefix`, in the order of their keys. */
export async function listBlobs(storage: Storage, prefix = ""): Promise<Blob[]> {
  const blobs: Blob[] = [];
  let after: string | null = null;
  for (;;) {
    const rows: SqlValue[][] = await readRows(storage, {
      sql: `SELECT key, size, modified_at FROM blob
        WHERE key >= :prefix AND key < :prefix || char(0x10FFFF) AND (:after IS NULL OR key > :after)
        ORDER BY key LIMIT ${LISTED_AT_ONCE}`,
      args: { prefix, after },
    });
    for (const [key, size, modifiedAt] of rows) {
      blobs.push({ key: key as string, size: size as number, lastModified: iso(modifiedAt) });
    }
    if (rows.length < LISTED_AT_ONCE) return blobs;
    after = blobs[blobs.length - 1]!.key;
  }
}

/** So many of them, after a key. */
export async function listSomeBlobs(storage: Storage, prefix: string, after: string, limit: number): Promise<Blob[]> {
  const rows = await readRows(storage, {
    sql: `SELECT key, size, modified_at FROM blob WHERE key >= :prefix AND key < :prefix || char(0x10FFFF) AND key > :after
      ORDER BY key LIMIT :limit`,
    args: { prefix, after, limit },
  });
  return rows.map(([key, size, modifiedAt]) => ({ key: key as string, size: size as number, lastModified: iso(modifiedAt) }));
}

/** A blob with its bytes: at once where they are few, else as a stream. */
export async function readBlob(storage: Storage, key: string): Promise<BlobContent | undefined> {
  const [row] = await readRows(storage, {
    sql: `SELECT b.id, b.size, b.modified_at, p.bytes FROM blob b LEFT JOIN blob_piece p ON p.id = b.id AND p.number = 0
      WHERE b.key = :key`,
    args: { key },
  });
  if (row === undefined) return undefined;
  const [id, size, modifiedAt, bytes] = row;
  const first = (bytes ?? new Uint8Array()) as Uint8Array<ArrayBuffer>;
  const body = first.length === size ? first : piecesFrom(storage, id as string, first, size as number);
  return { key, size: size as number, lastModified: iso(modifiedAt), body };
}

/** Keeps bytes under a key, in place of what was there. */
export async function writeBlob(storage: Storage, key: string, value: BodyInit): Promise<void> {
  checkKey(key);
  const id = crypto.randomUUID();
  const now = Date.now();
  const insert = (number: number, bytes: Uint8Array): Statement => ({
    sql: "INSERT INTO blob_piece (id, number, made_at, bytes) VALUES (:id, :number, :now, :bytes)", args: { id, number, now, bytes },
  });
  const keep = (size: number): Statement[] => [
    { sql: "DELETE FROM blob_piece WHERE id = (SELECT id FROM blob WHERE key = :key)", args: { key } },
    {
      sql: `INSERT INTO blob (key, id, size, modified_at) VALUES (:key, :id, :size, :now)
        ON CONFLICT (key) DO UPDATE SET id = excluded.id, size = excluded.size, modified_at = excluded.modified_at`,
      args: { key, id, size, now },
    },
  ];
  const whole = wholeOf(value);
  if (whole !== undefined && whole.length <= PIECE_BYTES) {
    await storage.batch([...TABLES, ...keep(whole.length), insert(0, whole)]);
    return;
  }
  let number = 0;
  let size = 0;
  let last: Uint8Array = new Uint8Array();
  const pieces = whole === undefined ? inPieces(new Response(value).body) : slices(whole);
  for await (const piece of pieces) {
    if (number > 0) await storage.batch([...(number === 1 ? TABLES : []), insert(number - 1, last)]);
    last = piece;
    size += piece.length;
    number++;
  }
  await storage.batch([
    ...TABLES, ...keep(size), insert(Math.max(0, number - 1), last),
    {
      sql: "DELETE FROM blob_piece WHERE made_at < :before AND id NOT IN (SELECT id FROM blob)",
      args: { before: now - ABANDONED_AFTER_MS },
    },
  ]);
}

/** Whether there was such a blob. */
export async function deleteBlob(storage: Storage, key: string): Promise<boolean> {
  const results = await storage.batch([
    ...TABLES,
    { sql: "DELETE FROM blob_piece WHERE id = (SELECT id FROM blob WHERE key = :key)", args: { key } },
    { sql: "DELETE FROM blob WHERE key = :key", args: { key } },
  ]);
  return results[results.length - 1]!.rowsAffected > 0;
}

export function checkKey(key: string): void {
  if (typeof key !== "string" || key === "" || key.length > KEY_LENGTH_MAX) {
    throw new RangeError(`A key of a blob has 1 to ${KEY_LENGTH_MAX} characters`);
  }
}

/** The database of blobs of an account or a val, within its own. */
export function blobsOf(storage: Storage): Storage {
  return storage.sub("town:blob");
}

function iso(time: SqlValue | undefined): string {
  return new Date(Number(time)).toISOString();
}

// Nothing has been written where there is no table yet.
async function readRows(storage: Storage, statement: Statement): Promise<SqlValue[][]> {
  try {
    return (await storage.execute(statement)).rows;
  } catch (error) {
    if (String((error as Error).message).includes("no such table: blob")) return [];
    throw error;
  }
}

function wholeOf(value: BodyInit): Uint8Array | undefined {
  if (typeof value === "string") return new TextEncoder().encode(value);
  if (value instanceof ArrayBuffer) return new Uint8Array(value);
  if (ArrayBuffer.isView(value)) return new Uint8Array(value.buffer, value.byteOffset, value.byteLength);
  return undefined;
}

function* slices(bytes: Uint8Array): Generator<Uint8Array> {
  for (let from = 0; from < bytes.length; from += PIECE_BYTES) yield bytes.subarray(from, from + PIECE_BYTES);
}

/** The bytes of a stream in pieces of one length, but for the last. */
async function* inPieces(body: ReadableStream<Uint8Array> | null): AsyncGenerator<Uint8Array> {
  if (body === null) return;
  let waiting: Uint8Array[] = [];
  let length = 0;
  const take = () => {
    const piece = new Uint8Array(length);
    let offset = 0;
    for (const chunk of waiting) {
      piece.set(chunk, offset);
      offset += chunk.length;
    }
    waiting = [];
    length = 0;
    return piece;
  };
  for await (let chunk of body) {
    while (length + chunk.length >= PIECE_BYTES) {
      const room = PIECE_BYTES - length;
      waiting.push(chunk.subarray(0, room));
      length += room;
      chunk = chunk.subarray(room);
      yield take();
    }
    if (chunk.length > 0) {
      waiting.push(chunk);
      length += chunk.length;
    }
  }
  if (length > 0) yield take();
}

function piecesFrom(
  storage: Storage,
  id: string,
  first: Uint8Array<ArrayBuffer>,
  size: number,
): ReadableStream<Uint8Array<ArrayBuffer>> {
  let number = 0;
  let sent = 0;
  return new ReadableStream<Uint8Array<ArrayBuffer>>({
    async pull(controller) {
      let bytes = first;
      if (number > 0) {
        const sql = "SELECT bytes FROM blob_piece WHERE id = :id AND number = :number";
        const [row] = await readRows(storage, { sql, args: { id, number } });
        if (row === undefined) throw new Error("The blob was replaced while it was read");
        bytes = row[0] as Uint8Array<ArrayBuffer>;
      }
      number++;
      sent += bytes.length;
      controller.enqueue(bytes);
      if (sent >= size) controller.close();
    },
  });
}
