/**
 * How often something was tried lately, to bound guessing. Kept in a database of its own: a guess must not disturb the
 * caches that hold as long as the town's database stays the same.
 */

import type { Storage } from "town:kernel";
import { HttpError } from "../lib/http.ts";
import { objects } from "../lib/rows.ts";
import type { Town } from "../lib/town.ts";

// A password of eight letters stands a century of this; who mistypes waits a quarter of an hour at most.
export const GUESSES_MAX = 10;
export const GUESSES_SECONDS = 15 * 60;
// No window is longer.
const KEPT_MS = 24 * 60 * 60 * 1000;

const TABLE = "CREATE TABLE IF NOT EXISTS attempt (key TEXT PRIMARY KEY, since INTEGER NOT NULL, count INTEGER NOT NULL) WITHOUT ROWID";
const COUNT = `INSERT INTO attempt (key, since, count) VALUES (:key, :now, 1) ON CONFLICT (key) DO UPDATE SET
    count = CASE WHEN since <= :start THEN 1 ELSE count + 1 END, since = CASE WHEN since <= :start THEN :now ELSE since END
  RETURNING since, count`;

/** Counts an attempt; the one after `count` within `seconds` is refused with 429. */
export async function limitAttempts(town: Town, key: string, bound: { count: number; seconds: number }): Promise<void> {
  const now = Date.now();
  const [, , counted] = await storageOf(town).batch([
    TABLE,
    { sql: "DELETE FROM attempt WHERE since < :before", args: { before: now - KEPT_MS } },
    { sql: COUNT, args: { key, now, start: now - bound.seconds * 1000 } },
  ]);
  const row = objects<{ since: number; count: number }>(counted!)[0]!;
  if (row.count <= bound.count) return;
  const wait = Math.max(1, Math.ceil((row.since + bound.seconds * 1000 - now) / 1000));
  throw new HttpError(429, "too_many", `Too many attempts; try again in ${wait} seconds`, { "retry-after": String(wait) });
}

/** Forgets the attempts of a key: one of them succeeded. */
export async function forgive(town: Town, key: string): Promise<void> {
  await storageOf(town).execute({ sql: "DELETE FROM attempt WHERE key = :key", args: { key } });
}

function storageOf(town: Town): Storage {
  return town.storage.sub("attempts");
}
