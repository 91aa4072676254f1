/**
 * How long records of runs and console lines stay: so many days, and of one val as of all together no more than so much.
 * Sweeps go along with what comes in, and each one is bounded, so that no statement is long whatever has gathered.
 */

import type { Statement, Storage } from "town:kernel";
import { badRequest } from "../lib/http.ts";
import { first } from "../lib/rows.ts";
import type { Town } from "../lib/town.ts";
import { readSettings } from "./settings.ts";

const DAY_MS = 24 * 60 * 60 * 1000;
// Some fifty megabytes of rows each: what a thousand busy vals write in the ten days.
const RUNS_KEPT_MAX = 5_000_000;
const LINES_KEPT_MAX = 20_000_000;
// Of the whole disk there is another bound, which records must never reach on their own.
const BYTES_KEPT_MAX = 16 * 1024 * 1024 * 1024;
const STORAGE_SHARE = 4;
// Val Town takes 100,000 lines a day of anybody. A val that never stops must not push out what others have.
const RUNS_OF_VAL_MAX = 200_000;
const LINES_OF_VAL_MAX = 1_000_000;
// Old records go in this share of the batches: no state is needed to remember when it was done last. A sweep takes more
// than so many of the largest batches bring.
const SWEEPS_ONE_IN = 16;
const SWEPT_MAX = 10_000;
// What a val has is counted by a walk over its index.
const COUNTS_ONE_IN = 4;

/** The statements that go along with a batch of records: most times none. */
export async function sweepsOfBatch(town: Town, logs: Storage): Promise<Statement[]> {
  return Math.random() < 1 / SWEEPS_ONE_IN ? sweeps(town, logs, Math.random() < 1 / COUNTS_ONE_IN) : [];
}

/** The statements of one sweep. With `counting`, the val that wrote last is held to what a val may have. */
export async function sweeps(town: Town, logs: Storage, counting: boolean): Promise<Statement[]> {
  const now = Date.now();
  const [{ logDays }, { bytesMax }] = await Promise.all([readSettings(town), logs.usage()]);
  const args = { before: now - logDays * DAY_MS, bytes: Math.min(BYTES_KEPT_MAX, bytesMax / STORAGE_SHARE), swept: SWEPT_MAX };
  const statements = [oldest("run", "ended_at", RUNS_KEPT_MAX, args), oldest("log", "at", LINES_KEPT_MAX, args), oldest("library", "at", RUNS_KEPT_MAX, args)];
  if (counting) statements.push(excess("run", RUNS_OF_VAL_MAX), excess("log", LINES_OF_VAL_MAX), excess("library", RUNS_OF_VAL_MAX));
  for (const [table, time] of [["run", "ended_at"], ["log", "at"], ["library", "at"]] as const) statements.push(outdated(table, time, now));
  statements.push({ sql: `UPDATE kept SET swept_at = :now WHERE val_id = (${TURN})`, args: { now } });
  return statements;
}

/** Positions grow with time, so what goes are the first ones: up to one that may stay, and not more than one sweep takes. */
function oldest(table: string, time: string, max: number, args: { before: number; bytes: number; swept: number }): Statement {
  const stays = `SELECT position FROM (SELECT position, written, ${time} AS time FROM ${table} ORDER BY position LIMIT :swept)
    WHERE time >= :before AND written >= (SELECT written FROM amount WHERE id = 1) - :bytes LIMIT 1`;
  return {
    sql: `DELETE FROM ${table} WHERE position < min((SELECT min(position) FROM ${table}) + :swept,
      max(coalesce((${stays}), :later), (SELECT max(position) FROM ${table}) - :max + 1))`,
    args: { ...args, max, later: Number.MAX_SAFE_INTEGER },
  };
}

/** What the val that wrote last has beyond its share: who writes much is looked at often. */
function excess(table: string, max: number): Statement {
  const val = `SELECT val_id FROM ${table} ORDER BY position DESC LIMIT 1`;
  return {
    sql: `DELETE FROM ${table} WHERE position IN (SELECT position FROM ${table} WHERE val_id = (${val})
      AND position <= (SELECT position FROM ${table} WHERE val_id = (${val}) ORDER BY position DESC LIMIT 1 OFFSET :max)
      ORDER BY position LIMIT :swept)`,
    args: { max, swept: SWEPT_MAX },
  };
}

/** Whose turn it is of the vals that keep less than the town does. */
const TURN = "SELECT val_id FROM kept ORDER BY swept_at LIMIT 1";

function outdated(table: string, time: string, now: number): Statement {
  return {
    sql: `DELETE FROM ${table} WHERE position IN (
      SELECT position FROM (SELECT position, ${time} AS time FROM ${table} WHERE val_id = (${TURN}) ORDER BY position LIMIT :swept)
      WHERE time < :now - (SELECT days FROM kept ORDER BY swept_at LIMIT 1) * :day)`,
    args: { now, day: DAY_MS, swept: SWEPT_MAX },
  };
}

/** For how many days a val's records are kept: as its author wants it, null where that is as long as the town does. */
export async function readRetention(town: Town, logs: Storage, valId: string): Promise<{ days: number | null; townDays: number }> {
  const kept = await first<{ days: number }>(logs, "SELECT days FROM kept WHERE val_id = :id", { id: valId });
  return { days: kept?.days ?? null, townDays: (await readSettings(town)).logDays };
}

export async function setRetention(town: Town, logs: Storage, valId: string, days: number | null): Promise<void> {
  const { logDays } = await readSettings(town);
  if (days !== null && !(Number.isInteger(days) && days >= 1 && days <= logDays)) {
    throw badRequest(`"days" must be a whole number from 1 to ${logDays}, as long as this town keeps records, or null`);
  }
  if (days === null) await logs.execute({ sql: "DELETE FROM kept WHERE val_id = :id", args: { id: valId } });
  else await logs.execute({ sql: "INSERT OR REPLACE INTO kept (val_id, days, swept_at) VALUES (:id, :days, 0)", args: { id: valId, days } });
}
