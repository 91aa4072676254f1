/**
 * Schedules of interval files: when each is due, and what came of it. In a database of their own, so that a run disturbs
 * no cache, with an alarm for each schedule on a database below that one: the kernel keeps the alarms through restarts
 * and delivers one of a name at a time.
 */

import type { Outcome, Storage } from "town:kernel";
import { parseSchedule, timeWords, type Schedule } from "../lib/cron.ts";
import { badRequest } from "../lib/http.ts";
import { all, first } from "../lib/rows.ts";
import { zoneOf, type Zone } from "../lib/time-zone.ts";
import type { Town } from "../lib/town.ts";

const TEXT_LENGTH_MAX = 200;
const RETRIES_MAX = 10;
const RETRIES_DEFAULT = 3;
// 10 s, 40 s, 160 s, ... up to an hour.
const BACK_OFF_FIRST_MS = 10_000;
const BACK_OFF_FACTOR = 4;
const BACK_OFF_LONGEST_MS = 3_600_000;
// A town that was busy is late; one that is later than this was away.
const LATE_MS = 120_000;
// No run is longer unless the operator has moved the limits of time; a mark older than this is of one that died.
const RUN_MS_MAX = 600_000;
const NEXT_SHOWN = 5;
const SCHEDULES_OF_ACCOUNT_MAX = 1_000;
const ERROR_LENGTH_MAX = 2_000;

/** A schedule as it is stored. */
export interface ScheduleRow {
  file_id: string;
  val_id: string;
  owner_id: string;
  text: string;
  time_zone: string;
  /** What becomes of runs that were due while the town was away: one is made up for, or none. */
  missed: "once" | "skip";
  /** How often a failed run is repeated before the next one is due. */
  retries: number;
  paused: number;
  /** From where `every N` counts. */
  anchor_at: number;
  /** Null while paused. */
  due_at: number | null;
  /** Start of the last run that ended well or was given up: what the handler is told. */
  last_run_at: number | null;
  last_attempt_at: number | null;
  last_outcome: Outcome | null;
  last_error: string | null;
  /** Attempts at the run now due that have failed. */
  failures: number;
  running_since: number | null;
  running_by: "alarm" | "hand" | null;
}

const TABLES = [
  `CREATE TABLE IF NOT EXISTS schedule (
    file_id TEXT PRIMARY KEY, val_id TEXT NOT NULL, owner_id TEXT NOT NULL, text TEXT NOT NULL, time_zone TEXT NOT NULL,
    missed TEXT NOT NULL, retries INTEGER NOT NULL, paused INTEGER NOT NULL, anchor_at INTEGER NOT NULL, due_at INTEGER,
    last_run_at INTEGER, last_attempt_at INTEGER, last_outcome TEXT, last_error TEXT, failures INTEGER NOT NULL DEFAULT 0,
    running_since INTEGER, running_by TEXT) WITHOUT ROWID`,
  `CREATE INDEX IF NOT EXISTS schedule_val ON schedule (val_id)`,
  `CREATE INDEX IF NOT EXISTS schedule_owner ON schedule (owner_id)`,
];

// A fact about the database that stays true while this isolate lives.
let tablesMade = false;

async function schedules(town: Town): Promise<Storage> {
  const storage = town.storage.sub("cron");
  if (!tablesMade) {
    await storage.batch(TABLES);
    tablesMade = true;
  }
  return storage;
}

export interface ScheduleWish {
  text?: string | undefined;
  timeZone?: string | undefined;
  missed?: string | undefined;
  retries?: number | undefined;
  paused?: boolean | undefined;
}

/** Sets what is given and keeps the rest; the first time there must be a text. */
export async function setSchedule(
  town: Town,
  file: { file_id: string; val_id: string; owner_id: string },
  wish: ScheduleWish,
): Promise<ScheduleRow> {
  const now = Date.now();
  const present = await readSchedule(town, file.file_id);
  const text = wish.text ?? present?.text;
  if (text === undefined) throw badRequest('"schedule" is missing, as "0 9 * * 1-5" or "every 15 minutes"');
  if (text.length > TEXT_LENGTH_MAX) throw badRequest(`A schedule has at most ${TEXT_LENGTH_MAX} characters`);
  const zone = zoneNamed(wish.timeZone ?? present?.time_zone ?? "UTC");
  const missed = wish.missed ?? present?.missed ?? "once";
  if (missed !== "once" && missed !== "skip") throw badRequest('"missed" must be once or skip');
  const retries = wish.retries ?? present?.retries ?? RETRIES_DEFAULT;
  if (!Number.isInteger(retries) || retries < 0 || retries > RETRIES_MAX) {
    throw badRequest(`"retries" must be an integer from 0 to ${RETRIES_MAX}`);
  }
  const paused = wish.paused ?? present?.paused === 1;
  const anchor = present === undefined || present.text !== text ? now : present.anchor_at;
  if (present === undefined) await checkRoom(town, file.owner_id);
  const due = parse(text, zone, anchor).next(now);
  if (due === undefined) throw badRequest(`${text} is never due`);
  const args = {
    file_id: file.file_id, val_id: file.val_id, owner_id: file.owner_id, text, time_zone: zone.name, missed, retries,
    paused: paused ? 1 : 0, anchor_at: anchor, due_at: paused ? null : due,
  };
  await (await schedules(town)).execute({
    sql: `INSERT INTO schedule (file_id, val_id, owner_id, text, time_zone, missed, retries, paused, anchor_at, due_at)
          VALUES (:file_id, :val_id, :owner_id, :text, :time_zone, :missed, :retries, :paused, :anchor_at, :due_at)
          ON CONFLICT (file_id) DO UPDATE SET val_id = :val_id, owner_id = :owner_id, text = :text, time_zone = :time_zone,
            missed = :missed, retries = :retries, paused = :paused, anchor_at = :anchor_at, due_at = :due_at, failures = 0`,
    args,
  });
  await setDue(town, file.file_id, args.due_at);
  return (await readSchedule(town, file.file_id)) as ScheduleRow;
}

async function checkRoom(town: Town, ownerId: string): Promise<void> {
  const row = await first<{ count: number }>(
    await schedules(town), "SELECT count(*) AS count FROM schedule WHERE owner_id = :owner_id", { owner_id: ownerId },
  );
  if ((row?.count ?? 0) >= SCHEDULES_OF_ACCOUNT_MAX) throw badRequest(`An account may have ${SCHEDULES_OF_ACCOUNT_MAX} schedules`);
}

export async function readSchedule(town: Town, fileId: string): Promise<ScheduleRow | undefined> {
  return first(await schedules(town), "SELECT * FROM schedule WHERE file_id = :file_id", { file_id: fileId });
}

export async function listSchedules(town: Town, of: { val_id: string } | { owner_id: string }): Promise<ScheduleRow[]> {
  const column = "val_id" in of ? "val_id" : "owner_id";
  return all(await schedules(town), `SELECT * FROM schedule WHERE ${column} = :${column} ORDER BY file_id LIMIT 10000`, { ...of });
}

export async function removeSchedule(town: Town, fileId: string): Promise<boolean> {
  const { rowsAffected } = await (await schedules(town)).execute({
    sql: "DELETE FROM schedule WHERE file_id = :file_id", args: { file_id: fileId },
  });
  if (rowsAffected > 0) await town.storage.sub("cron").drop(fileId);
  return rowsAffected > 0;
}

/** Forgets the schedules of a val that is no more. */
export async function forgetSchedules(town: Town, valId: string): Promise<void> {
  for (const row of await listSchedules(town, { val_id: valId })) await removeSchedule(town, row.file_id);
}

/** Stops every schedule of a copy, whose alarms are gone. */
export async function pauseAll(copied: Storage): Promise<void> {
  await copied.batch([...TABLES, "UPDATE schedule SET paused = 1, due_at = NULL, failures = 0, running_since = NULL, running_by = NULL"]);
}

/** Stops a schedule whose file cannot be run any more, and says why. */
export async function suspend(town: Town, row: ScheduleRow, reason: string): Promise<void> {
  await (await schedules(town)).execute({
    sql: "UPDATE schedule SET paused = 1, due_at = NULL, failures = 0, last_error = :reason WHERE file_id = :file_id",
    args: { file_id: row.file_id, reason },
  });
}

// ---- Runs -----------------------------------------------------------------------------------------

/**
 * Takes a schedule for a run; false while another one has it. What an earlier delivery of the same alarm has marked is
 * the mark of a run that was cut off, because there is one delivery at a time.
 */
export async function begin(town: Town, row: ScheduleRow, by: "alarm" | "hand"): Promise<boolean> {
  const now = Date.now();
  const { rowsAffected } = await (await schedules(town)).execute({
    sql: `UPDATE schedule SET running_since = :now, running_by = :by, last_attempt_at = :now
          WHERE file_id = :file_id AND (running_since IS NULL OR running_since < :stale OR (running_by = 'alarm' AND :by = 'alarm'))`,
    args: { file_id: row.file_id, now, by, stale: now - RUN_MS_MAX },
  });
  return rowsAffected > 0;
}

/** Writes down how a run that was begun has ended, and when the next one is due. */
export async function end(
  town: Town,
  row: ScheduleRow,
  run: { startedAt: number; outcome: Outcome; error: string | null; by: "alarm" | "hand" },
): Promise<void> {
  const now = Date.now();
  const following = scheduleOf(row).next(now) ?? null;
  let due = row.due_at;
  let { failures } = row;
  let concluded = true;
  if (run.by === "alarm") {
    due = following;
    const again = now + Math.min(BACK_OFF_FIRST_MS * BACK_OFF_FACTOR ** failures, BACK_OFF_LONGEST_MS);
    if (run.outcome === "ok" || failures >= row.retries || (following !== null && again >= following)) failures = 0;
    else {
      failures += 1;
      due = again;
      concluded = false;
    }
  }
  // What the author has changed meanwhile stays: their change of the due time is of a row that is no longer this one.
  const { rowsAffected } = await (await schedules(town)).execute({
    sql: `UPDATE schedule SET running_since = NULL, running_by = NULL, last_outcome = :outcome, last_error = :error,
            last_run_at = CASE WHEN :concluded THEN :started_at ELSE last_run_at END,
            failures = CASE WHEN due_at IS :was THEN :failures ELSE failures END,
            due_at = CASE WHEN due_at IS :was THEN :due ELSE due_at END
          WHERE file_id = :file_id`,
    args: {
      file_id: row.file_id, outcome: run.outcome, error: run.error?.slice(0, ERROR_LENGTH_MAX) ?? null, concluded,
      started_at: run.startedAt, failures, due, was: row.due_at,
    },
  });
  if (rowsAffected > 0) await rearm(town, row.file_id);
}

/** Sets the alarm to what the schedule says now. */
export async function rearm(town: Town, fileId: string): Promise<void> {
  const row = await readSchedule(town, fileId);
  await setDue(town, fileId, row?.due_at ?? null);
}

/** Passes over a run that was due while the town was away, where the author wants that. True when it did. */
export async function passOver(town: Town, row: ScheduleRow, now: number): Promise<boolean> {
  if (row.missed !== "skip" || row.failures > 0 || row.running_since !== null || now - (row.due_at ?? now) <= LATE_MS) return false;
  await (await schedules(town)).execute({
    sql: "UPDATE schedule SET due_at = :due WHERE file_id = :file_id AND due_at IS :was",
    args: { file_id: row.file_id, due: scheduleOf(row).next(now) ?? null, was: row.due_at },
  });
  return true;
}

/** The delivery before this one was cut off, which counts as a failure. False when that was one too many. */
export async function cutOff(town: Town, row: ScheduleRow): Promise<boolean> {
  const last = row.failures >= row.retries;
  const due = last ? scheduleOf(row).next(Date.now()) ?? null : row.due_at;
  await (await schedules(town)).execute({
    sql: `UPDATE schedule SET running_since = NULL, running_by = NULL, last_outcome = 'canceled', failures = :failures, due_at = :due,
            last_error = 'The run was cut off: it took too long, or the town stopped'
          WHERE file_id = :file_id`,
    args: { file_id: row.file_id, failures: last ? 0 : row.failures + 1, due },
  });
  return !last;
}

export async function setDue(town: Town, fileId: string, due: number | null): Promise<void> {
  await town.storage.sub("cron").sub(fileId).setAlarm(due === null ? null : new Date(due));
}

// ---- Shape ----------------------------------------------------------------------------------------

/** As the API shows it. */
export function scheduleShape(row: ScheduleRow) {
  const zone = zoneNamed(row.time_zone);
  const schedule = scheduleOf(row);
  const next: { at: string; words: string }[] = [];
  let at = row.paused === 1 ? undefined : schedule.next(Date.now());
  while (at !== undefined && next.length < NEXT_SHOWN) {
    next.push({ at: new Date(at).toISOString(), words: timeWords(zone, at) });
    at = schedule.next(at);
  }
  const time = (value: number | null) => (value === null ? null : new Date(value).toISOString());
  return {
    fileId: row.file_id, valId: row.val_id, schedule: row.text, timeZone: row.time_zone, words: schedule.words,
    paused: row.paused === 1, missed: row.missed, retries: row.retries, dueAt: time(row.due_at), next,
    lastRunAt: time(row.last_run_at), lastAttemptAt: time(row.last_attempt_at), lastOutcome: row.last_outcome,
    lastError: row.last_error, failures: row.failures, running: row.running_since !== null,
  };
}

function scheduleOf(row: ScheduleRow): Schedule {
  return parse(row.text, zoneNamed(row.time_zone), row.anchor_at);
}

function parse(text: string, zone: Zone, anchor: number): Schedule {
  try {
    return parseSchedule(text, zone, anchor);
  } catch (error) {
    throw badRequest((error as Error).message);
  }
}

function zoneNamed(name: string): Zone {
  const zone = zoneOf(name);
  if (zone === undefined) throw badRequest(`${JSON.stringify(name)} is no time zone; one is Europe/Berlin`);
  return zone;
}
