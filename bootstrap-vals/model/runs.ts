/**
 * What vals did: one record a run and its console lines, in a database of their own so that they disturb no cache. The
 * platform reads none of it on the way in: SQLite takes the kernel's JSON apart, so a record costs no JavaScript.
 */

import type { Refusal, RunEvent, Storage, TailBatch } from "town:kernel";
import { all, first, type Arguments } from "../lib/rows.ts";
import type { Town } from "../lib/town.ts";
import type { FileType } from "./names.ts";
import { sweepsOfBatch } from "./retention.ts";

// `{val}@{version}/{path}?env={n}&owner={owner}[&type={type}][&branch={branch}]`, as run/triggers.ts makes it. What else
// runs under other names is nobody's to see.
const IS_PROGRAM = "program GLOB '????????-????-????-????-????????????@*/*[?]env=*&owner=*'";
const PROGRAM = `value, program, instr(program, '/') AS slash, instr(program, '?env=') AS query, instr(program, '&owner=') AS owner,
  instr(program, '&type=') AS type, instr(program, '&branch=') AS branch`;
const IDENTITY: Record<string, string> = {
  val_id: "substr(program, 1, 36)", owner_id: "substr(program, owner + 7, 36)",
  branch_id: "CASE branch WHEN 0 THEN NULL ELSE substr(program, branch + 8, 36) END",
  version: "CAST(substr(program, 38, slash - 38) AS INTEGER)", path: "substr(program, slash + 1, query - slash - 1)",
  written: "(SELECT written FROM amount WHERE id = 1)",
};
const TYPE = "CASE type WHEN 0 THEN 'http' ELSE substr(program, type + 6, CASE branch WHEN 0 THEN 100 ELSE branch - type - 6 END) END";

function insertRows(table: string, type: string, columns: Record<string, string>): string {
  // Each limit, which is none, keeps SQLite from taking the same thing out of the JSON again for every column.
  return `INSERT INTO ${table} (${Object.keys(columns).join(", ")}) SELECT ${Object.values(columns).join(", ")} FROM (
    SELECT ${PROGRAM} FROM (
      SELECT value, value ->> 'id' AS program FROM json_each(NEW.events) WHERE value ->> 'type' = '${type}' LIMIT -1)
    WHERE ${IS_PROGRAM} LIMIT -1)`;
}

const INSERT_RUNS = insertRows("run", "run", {
  id: "value ->> 'run'", ...IDENTITY, type: TYPE, parent: "value ->> 'parent'", kind: "value ->> 'kind'",
  started_at: "value ->> 'startedAt'", ended_at: "value ->> 'endedAt'", cpu_ms: "value ->> 'cpuMs'",
  memory_peak: "value ->> 'memoryPeak'", outcome: "value ->> 'outcome'", method: "value ->> 'method'", url: "value ->> 'url'",
  status: "value ->> 'status'", error: "value ->> 'error'", request_headers: "value ->> 'requestHeaders'",
  request_body: "value ->> 'requestBody'", response_headers: "value ->> 'responseHeaders'",
  response_body: "value ->> 'responseBody'", lines_dropped: "value ->> 'linesDropped'",
});
const INSERT_LIBRARIES = `${insertRows("library", "run", {
  run: "value ->> 'run'", val_id: IDENTITY.val_id as string, owner_id: IDENTITY.owner_id as string,
  at: "value ->> 'endedAt'", libraries: "value ->> 'libraries'", refused: "value ->> 'refused'", written: IDENTITY.written as string,
})} WHERE value ->> 'libraries' <> '[]' OR value ->> 'refused' <> '[]'`;
const INSERT_LINES = insertRows("log", "log", {
  run: "value ->> 'run'", ...IDENTITY, at: "value ->> 'at'", level: "value ->> 'level'", text: "value ->> 'text'",
});

// `written` is how many bytes had come in when a row did, so that "the newest two gigabytes" is a comparison.
const TABLES = [
  `CREATE TABLE IF NOT EXISTS amount (id INTEGER PRIMARY KEY, written INTEGER NOT NULL)`,
  `INSERT OR IGNORE INTO amount (id, written) VALUES (1, 0)`,
  `CREATE TABLE IF NOT EXISTS run (
    position INTEGER PRIMARY KEY, id TEXT NOT NULL, val_id TEXT NOT NULL, owner_id TEXT NOT NULL, branch_id TEXT, parent TEXT,
    kind TEXT NOT NULL, type TEXT NOT NULL, version INTEGER NOT NULL, path TEXT NOT NULL, started_at INTEGER NOT NULL,
    ended_at INTEGER NOT NULL, cpu_ms REAL NOT NULL, memory_peak INTEGER NOT NULL, outcome TEXT NOT NULL, method TEXT, url TEXT,
    status INTEGER, error TEXT, request_headers TEXT, request_body TEXT, response_headers TEXT, response_body TEXT, lines_dropped INTEGER NOT NULL,
    written INTEGER NOT NULL)`,
  `CREATE INDEX IF NOT EXISTS run_id ON run (id)`,
  `CREATE INDEX IF NOT EXISTS run_parent ON run (parent) WHERE parent IS NOT NULL`,
  `CREATE INDEX IF NOT EXISTS run_val ON run (val_id, position)`,
  `CREATE INDEX IF NOT EXISTS run_owner ON run (owner_id, started_at)`,
  `CREATE INDEX IF NOT EXISTS run_owner_end ON run (owner_id, ended_at)`,
  `CREATE TABLE IF NOT EXISTS log (
    position INTEGER PRIMARY KEY, run TEXT NOT NULL, val_id TEXT NOT NULL, owner_id TEXT NOT NULL, branch_id TEXT,
    version INTEGER NOT NULL, path TEXT NOT NULL, at INTEGER NOT NULL, level TEXT NOT NULL, text TEXT NOT NULL,
    written INTEGER NOT NULL)`,
  `CREATE INDEX IF NOT EXISTS log_run ON log (run)`,
  `CREATE INDEX IF NOT EXISTS log_val ON log (val_id, position)`,
  `CREATE INDEX IF NOT EXISTS log_owner ON log (owner_id, at)`,
  // Apart from the runs, most of which have none.
  `CREATE TABLE IF NOT EXISTS library (
    position INTEGER PRIMARY KEY, run TEXT NOT NULL, val_id TEXT NOT NULL, owner_id TEXT NOT NULL, at INTEGER NOT NULL,
    libraries TEXT NOT NULL, refused TEXT NOT NULL, written INTEGER NOT NULL)`,
  `CREATE INDEX IF NOT EXISTS library_run ON library (run)`,
  `CREATE INDEX IF NOT EXISTS library_val ON library (val_id)`,
  // Vals whose records are kept for fewer days than the town keeps them.
  `CREATE TABLE IF NOT EXISTS kept (val_id TEXT PRIMARY KEY, days INTEGER NOT NULL, swept_at INTEGER NOT NULL) WITHOUT ROWID`,
  `CREATE INDEX IF NOT EXISTS kept_turn ON kept (swept_at)`,
  // What comes in is given to SQLite once and in one statement.
  `CREATE VIEW IF NOT EXISTS incoming AS SELECT NULL AS events`,
  `CREATE TRIGGER IF NOT EXISTS take_apart INSTEAD OF INSERT ON incoming BEGIN
    UPDATE amount SET written = written + length(NEW.events) WHERE id = 1;
    ${INSERT_RUNS};
    ${INSERT_LINES};
  END`,
  `CREATE TRIGGER IF NOT EXISTS take_libraries INSTEAD OF INSERT ON incoming BEGIN ${INSERT_LIBRARIES}; END`,
];

// A fact about the database that stays true while this isolate lives.
let tablesMade = false;

export async function logsOf(town: Town): Promise<Storage> {
  const storage = town.storage.sub("logs");
  if (!tablesMade) {
    await storage.batch(TABLES);
    tablesMade = true;
  }
  return storage;
}

// ---- Writing ----------------------------------------------------------------------------------------

/** Stores what the programs that this instance started have done. */
export async function keep(town: Town, batch: TailBatch): Promise<void> {
  const logs = await logsOf(town);
  const incoming = { sql: "INSERT INTO incoming (events) VALUES (:events)", args: { events: batch.json } };
  await logs.batch([incoming, ...(await sweepsOfBatch(town, logs))]);
}

/** Forgets a val. */
export async function forget(town: Town, valId: string): Promise<void> {
  await (await logsOf(town)).batch([
    { sql: "DELETE FROM run WHERE val_id = :val_id", args: { val_id: valId } },
    { sql: "DELETE FROM log WHERE val_id = :val_id", args: { val_id: valId } },
    { sql: "DELETE FROM library WHERE val_id = :val_id", args: { val_id: valId } },
    { sql: "DELETE FROM kept WHERE val_id = :val_id", args: { val_id: valId } },
  ]);
}

// ---- Reading ----------------------------------------------------------------------------------------

/** The type of a run that is of no val. Its path is the beginning of its code. */
export const EVALUATION = "eval";

/** `browser`: no run of ours, but what failed in the browser of a visitor. */
type Kind = RunEvent["kind"] | "browser";

export interface Run {
  id: string;
  parent: string | null;
  kind: Kind;
  /** What the file is run by. */
  type: FileType | typeof EVALUATION;
  version: number;
  branchId: string | null;
  path: string;
  startedAt: string;
  endedAt: string;
  durationMs: number;
  cpuMs: number;
  memoryPeak: number;
  outcome: string;
  method: string | null;
  url: string | null;
  status: number | null;
  error: { message: string; stack: string; limit?: string; value?: number } | null;
  linesDropped: number;
  position: string;
}

/** With what it was asked and what it answered, its lines, and the runs that it has caused in vals of the same author. */
export interface WholeRun extends Run {
  /** The run that has caused it, where that is the same author's. Nobody sees the runs of others. */
  caller: { id: string; valId: string } | null;
  /** Vals of others that it has called, which ran as their authors and are theirs to see. */
  called: { valId: string; startedAt: string; durationMs: number }[];
  /** Whose modules ran without authority, and what they were refused. */
  libraries: string[];
  refused: Refusal[];
  requestHeaders: [name: string, value: string][] | null;
  requestBody: RunEvent["requestBody"];
  responseHeaders: [name: string, value: string][] | null;
  responseBody: RunEvent["responseBody"];
  logs: Line[];
  children: (Run & { valId: string })[];
}

export interface Line {
  run: string;
  at: string;
  level: string;
  text: string;
  position: string;
}

export interface RunRow {
  position: number;
  id: string;
  val_id: string;
  branch_id: string | null;
  parent: string | null;
  kind: Kind;
  type: Run["type"];
  version: number;
  path: string;
  started_at: number;
  ended_at: number;
  cpu_ms: number;
  memory_peak: number;
  outcome: string;
  method: string | null;
  url: string | null;
  status: number | null;
  error: string | null;
  request_headers: string | null;
  request_body: string | null;
  response_headers: string | null;
  response_body: string | null;
  lines_dropped: number;
}

export interface LineRow {
  position: number;
  run: string;
  val_id: string;
  branch_id: string | null;
  version: number;
  path: string;
  at: number;
  level: string;
  text: string;
}

// Half of the platform's own modules work in libraries as well, and ask for what is not there.
const OF_PLATFORM = /^town:system\//;
const LINES_OF_RUN_MAX = 10_000;
const CHILDREN_MAX = 1_000;

/** Which runs or lines: all that is given must fit. Positions bound from above and from below. */
export interface Wish {
  limit: number;
  before?: string | undefined;
  after?: string | undefined;
  since?: number | undefined;
  until?: number | undefined;
  path?: string | undefined;
  version?: number | undefined;
  /** A text within url, error or line, in any case of letters. */
  search?: string | undefined;
}

export interface RunWish extends Wish {
  /** `failed` is every outcome but `ok`, and answers from 500 on. */
  outcome?: string | undefined;
  type?: string | undefined;
  method?: string | undefined;
  /** `404`, or `5` for every one from 500 to 599. */
  status?: number | undefined;
}

export interface LineWish extends Wish {
  run?: string | undefined;
  level?: string | undefined;
}

/** Runs of a val, newest first; with `after`, oldest first from there. */
export async function listRuns(town: Town, valId: string, wish: RunWish): Promise<Run[]> {
  const { conditions, args } = fitting(valId, wish, "started_at", "coalesce(url, '') || ' ' || coalesce(error, '')");
  if (wish.outcome === "failed") conditions.push("(outcome <> 'ok' OR status >= 500)");
  else if (wish.outcome !== undefined) equal("outcome", wish.outcome);
  if (wish.type !== undefined) equal("type", wish.type);
  if (wish.method !== undefined) equal("method", wish.method.toUpperCase());
  if (wish.status !== undefined && wish.status < 10) {
    conditions.push("status >= :status AND status < :status + 100");
    args.status = wish.status * 100;
  } else if (wish.status !== undefined) equal("status", wish.status);
  return (await select<RunRow>(town, "run", conditions, args, wish)).map(runOf);

  function equal(column: string, value: string | number): void {
    conditions.push(`${column} = :${column}`);
    args[column] = value;
  }
}

/** Console lines of a val, newest first; with `after`, oldest first from there. */
export async function listLogs(town: Town, valId: string, wish: LineWish): Promise<Line[]> {
  const { conditions, args } = fitting(valId, wish, "at", "text");
  for (const key of ["run", "level"] as const) {
    if (wish[key] === undefined) continue;
    conditions.push(`${key} = :${key}`);
    args[key] = wish[key];
  }
  return (await select<LineRow>(town, "log", conditions, args, wish)).map(lineOf);
}

function fitting(valId: string, wish: Wish, time: string, text: string): { conditions: string[]; args: Arguments } {
  const conditions = ["val_id = :val_id", "position < :before", "position > :after"];
  const args: Arguments = {
    val_id: valId, limit: wish.limit, before: positionOf(wish.before, Number.MAX_SAFE_INTEGER), after: positionOf(wish.after, -1),
  };
  const also = (key: keyof Wish, condition: string) => {
    if (wish[key] === undefined) return;
    conditions.push(condition);
    args[key] = wish[key];
  };
  also("since", `${time} >= :since`);
  also("until", `${time} <= :until`);
  also("path", "path = :path");
  also("version", "version = :version");
  also("search", `instr(lower(${text}), lower(:search)) > 0`);
  return { conditions, args };
}

async function select<T>(town: Town, table: string, conditions: string[], args: Arguments, wish: Wish): Promise<T[]> {
  const direction = wish.after === undefined ? "DESC" : "ASC";
  const sql = `SELECT * FROM ${table} WHERE ${conditions.join(" AND ")} ORDER BY position ${direction} LIMIT :limit`;
  return all<T>(await logsOf(town), sql, args);
}

/** A run with everything that is known of it. */
export async function readRun(town: Town, valId: string, id: string): Promise<WholeRun | undefined> {
  const logs = await logsOf(town);
  const row = await first<RunRow & { owner_id: string }>(
    // The signs keep SQLite from looking through all runs of a val for one.
    logs, "SELECT * FROM run WHERE id = :id AND +val_id = :val_id", { id, val_id: valId },
  );
  if (row === undefined) return undefined;
  const lines = await all<LineRow>(
    logs, "SELECT * FROM log WHERE run = :id AND +val_id = :val_id ORDER BY position LIMIT :limit", { id, val_id: valId, limit: LINES_OF_RUN_MAX },
  );
  const children = await all<RunRow & { owner_id: string }>(
    logs, "SELECT * FROM run WHERE parent = :id ORDER BY started_at, position LIMIT :limit", { id, limit: CHILDREN_MAX },
  );
  const isOwn = (child: { owner_id: string }) => child.owner_id === row.owner_id;
  const caller = row.parent === null ? undefined : await first<{ id: string; val_id: string }>(
    logs, "SELECT id, val_id FROM run WHERE id = :id AND +owner_id = :owner_id", { id: row.parent, owner_id: row.owner_id },
  );
  const library = await first<{ libraries: string; refused: string }>(logs, "SELECT libraries, refused FROM library WHERE run = :id", { id });
  const json = (text: string | null) => (text === null ? null : JSON.parse(text));
  return {
    ...runOf(row), requestHeaders: json(row.request_headers), requestBody: json(row.request_body),
    responseHeaders: json(row.response_headers), responseBody: json(row.response_body), logs: lines.map(lineOf),
    children: children.filter(isOwn).map((child) => ({ ...runOf(child), valId: child.val_id })),
    called: children.filter((child) => !isOwn(child)).map((child) => ({
      valId: child.val_id, startedAt: new Date(child.started_at).toISOString(), durationMs: child.ended_at - child.started_at,
    })),
    caller: caller === undefined ? null : { id: caller.id, valId: caller.val_id },
    libraries: json(library?.libraries ?? "[]"),
    refused: (json(library?.refused ?? "[]") as Refusal[]).filter(({ module }) => !OF_PLATFORM.test(module)),
  };
}

function positionOf(position: string | undefined, none: number): number {
  const value = Number(position ?? NaN);
  return Number.isSafeInteger(value) ? value : none;
}

export function runOf(row: RunRow): Run {
  return {
    id: row.id, parent: row.parent, kind: row.kind, type: row.type, version: row.version, branchId: row.branch_id,
    path: row.type === EVALUATION ? decodeURIComponent(row.path) : row.path,
    startedAt: new Date(row.started_at).toISOString(), endedAt: new Date(row.ended_at).toISOString(),
    durationMs: row.ended_at - row.started_at, cpuMs: row.cpu_ms, memoryPeak: row.memory_peak, outcome: row.outcome,
    method: row.method, url: row.url, status: row.status, error: row.error === null ? null : JSON.parse(row.error),
    linesDropped: row.lines_dropped, position: String(row.position),
  };
}

function lineOf(row: LineRow): Line {
  return { run: row.run, at: new Date(row.at).toISOString(), level: row.level, text: row.text, position: String(row.position) };
}

/** Where the newest run and the newest line are, as what comes after them is asked for. */
export async function latestPositions(town: Town): Promise<[run: string, line: string]> {
  const row = await first<{ run: number | null; line: number | null }>(
    await logsOf(town), "SELECT (SELECT max(position) FROM run) AS run, (SELECT max(position) FROM log) AS line",
  );
  return [String(row?.run ?? 0), String(row?.line ?? 0)];
}
