/** What vals did: one record a run and its console lines, in a database of their own so that they disturb no cache. */

import type { RunEvent, Statement, Storage, TailEvent } from "town:kernel";
import { all, first, inGroups } from "../lib/rows.ts";
import type { Town } from "../lib/town.ts";

// Val Town keeps 3 days and 100,000 lines a day; here a count bounds the disk whatever a day brings.
const KEPT_MS = 10 * 24 * 60 * 60 * 1000;
const RUNS_KEPT_MAX = 200_000;
const LINES_KEPT_MAX = 1_000_000;
// Old records go in this share of the batches: no state is needed to remember when it was done last.
const SWEEPS_ONE_IN = 16;

export interface Run {
  id: string;
  parent: string | null;
  kind: RunEvent["kind"];
  version: number;
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

export interface Line {
  run: string;
  at: string;
  level: string;
  text: string;
  position: string;
}

const TABLES = [
  `CREATE TABLE IF NOT EXISTS run (
    position INTEGER PRIMARY KEY, id TEXT NOT NULL, val_id TEXT NOT NULL, owner_id TEXT NOT NULL, parent TEXT, kind TEXT NOT NULL,
    version INTEGER NOT NULL, path TEXT NOT NULL, started_at INTEGER NOT NULL, ended_at INTEGER NOT NULL, cpu_ms REAL NOT NULL,
    memory_peak INTEGER NOT NULL, outcome TEXT NOT NULL, method TEXT, url TEXT, status INTEGER, error TEXT,
    lines_dropped INTEGER NOT NULL)`,
  `CREATE INDEX IF NOT EXISTS run_id ON run (id)`,
  `CREATE INDEX IF NOT EXISTS run_val ON run (val_id, position)`,
  `CREATE INDEX IF NOT EXISTS run_owner ON run (owner_id, started_at)`,
  `CREATE INDEX IF NOT EXISTS run_owner_end ON run (owner_id, ended_at)`,
  `CREATE TABLE IF NOT EXISTS log (
    position INTEGER PRIMARY KEY, run TEXT NOT NULL, val_id TEXT NOT NULL, owner_id TEXT NOT NULL, version INTEGER NOT NULL,
    path TEXT NOT NULL, at INTEGER NOT NULL, level TEXT NOT NULL, text TEXT NOT NULL)`,
  `CREATE INDEX IF NOT EXISTS log_run ON log (run)`,
  `CREATE INDEX IF NOT EXISTS log_val ON log (val_id, position)`,
  `CREATE INDEX IF NOT EXISTS log_owner ON log (owner_id, at)`,
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

/** Stores a batch of events of the programs this instance started. */
export async function keep(town: Town, events: TailEvent[]): Promise<void> {
  const known = await ownersOf(town, events);
  const runs: unknown[] = [];
  const lines: unknown[] = [];
  for (const event of events) {
    const program = parseProgramId(event.id);
    const owner = program && known.get(program.val);
    if (program === undefined || owner === undefined) continue;
    const { val, version, path } = program;
    if (event.type === "log") {
      lines.push([event.run, val, owner, version, path, event.at, event.level, event.text]);
    } else {
      runs.push([
        event.run, val, owner, event.parent, event.kind, version, path, event.startedAt, event.endedAt, event.cpuMs,
        event.memoryPeak, event.outcome, event.method, event.url, event.status,
        event.error === null ? null : JSON.stringify(event.error), event.linesDropped,
      ]);
    }
  }
  if (runs.length === 0 && lines.length === 0) return;
  const statements = [...inGroups(INSERT_RUNS, runs), ...inGroups(INSERT_LINES, lines)];
  if (Math.random() < 1 / SWEEPS_ONE_IN) statements.push(...sweeps());
  await (await logsOf(town)).batch(statements);
}

const RUN_COLUMNS =
  "id, val_id, owner_id, parent, kind, version, path, started_at, ended_at, cpu_ms, memory_peak, outcome, method, url, status, error, lines_dropped";
const LINE_COLUMNS = "run, val_id, owner_id, version, path, at, level, text";
const INSERT_RUNS = insertRows("run", RUN_COLUMNS);
const INSERT_LINES = insertRows("log", LINE_COLUMNS);

function insertRows(table: string, columns: string): string {
  const values = columns.split(", ").map((_, index) => `value ->> ${index}`).join(", ");
  return `INSERT INTO ${table} (${columns}) SELECT ${values} FROM json_each(:rows)`;
}

function sweeps(): Statement[] {
  const before = Date.now() - KEPT_MS;
  // Positions grow with time, so the first ones are the oldest and a bounded look at them is enough.
  const sweep = (table: string, time: string, max: number): Statement[] => [
    { sql: `DELETE FROM ${table} WHERE position <= (SELECT max(position) FROM ${table}) - :max`, args: { max } },
    {
      sql: `DELETE FROM ${table} WHERE position IN (
        SELECT position FROM (SELECT position, ${time} AS time FROM ${table} ORDER BY position LIMIT 1000) WHERE time < :before)`,
      args: { before },
    },
  ];
  return [...sweep("run", "ended_at", RUNS_KEPT_MAX), ...sweep("log", "at", LINES_KEPT_MAX)];
}

/** `{val}@{version}/{path}?env={n}`, as run/endpoint.ts makes it. */
function parseProgramId(id: string | null): { val: string; version: number; path: string } | undefined {
  if (id === null) return undefined;
  const at = id.indexOf("@");
  const slash = id.indexOf("/", at);
  const query = id.lastIndexOf("?env=");
  if (at < 0 || slash < 0 || query < 0) return undefined;
  return { val: id.slice(0, at), version: Number(id.slice(at + 1, slash)), path: id.slice(slash + 1, query) };
}

async function ownersOf(town: Town, events: TailEvent[]): Promise<Map<string, string>> {
  const vals = new Set(events.map((event) => parseProgramId(event.id)?.val));
  const rows = await all<{ id: string; owner_id: string }>(
    town.storage, "SELECT v.id, v.owner_id FROM json_each(:vals) j JOIN val v ON v.id = j.value",
    { vals: JSON.stringify([...vals].filter((val) => val !== undefined)) },
  );
  return new Map(rows.map((row) => [row.id, row.owner_id]));
}

// ---- Reading --------------------------------------------------------------------------------------

export interface RunRow {
  position: number;
  id: string;
  val_id: string;
  parent: string | null;
  kind: RunEvent["kind"];
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
  lines_dropped: number;
}

export interface LineRow {
  position: number;
  run: string;
  val_id: string;
  version: number;
  path: string;
  at: number;
  level: string;
  text: string;
}

/** Runs of a val, newest first; `before` is the position to go on from. */
export async function listRuns(town: Town, valId: string, wish: { limit: number; before?: string | undefined }): Promise<Run[]> {
  const rows = await all<RunRow>(
    await logsOf(town),
    "SELECT * FROM run WHERE val_id = :val_id AND position < :before ORDER BY position DESC LIMIT :limit",
    { val_id: valId, before: beforeOf(wish.before), limit: wish.limit },
  );
  return rows.map(runOf);
}

/** A run with its lines. */
export async function readRun(town: Town, valId: string, id: string): Promise<(Run & { logs: Line[] }) | undefined> {
  const logs = await logsOf(town);
  const row = await first<RunRow>(logs, "SELECT * FROM run WHERE id = :id AND val_id = :val_id", { id, val_id: valId });
  if (row === undefined) return undefined;
  const lines = await all<LineRow>(
    logs, "SELECT * FROM log WHERE run = :id AND val_id = :val_id ORDER BY position LIMIT 10000", { id, val_id: valId },
  );
  return { ...runOf(row), logs: lines.map(lineOf) };
}

/** Console lines of a val, newest first. */
export async function listLogs(
  town: Town,
  valId: string,
  wish: { limit: number; before?: string | undefined; run?: string | undefined },
): Promise<Line[]> {
  const ofRun = wish.run === undefined ? "" : "AND run = :run";
  const rows = await all<LineRow>(
    await logsOf(town),
    `SELECT * FROM log WHERE val_id = :val_id ${ofRun} AND position < :before ORDER BY position DESC LIMIT :limit`,
    { val_id: valId, before: beforeOf(wish.before), limit: wish.limit, ...(wish.run === undefined ? {} : { run: wish.run }) },
  );
  return rows.map(lineOf);
}

/** Forgets a val. */
export async function forget(town: Town, valId: string): Promise<void> {
  await (await logsOf(town)).batch([
    { sql: "DELETE FROM run WHERE val_id = :val_id", args: { val_id: valId } },
    { sql: "DELETE FROM log WHERE val_id = :val_id", args: { val_id: valId } },
  ]);
}

function beforeOf(position: string | undefined): number {
  const before = Number(position ?? NaN);
  return Number.isSafeInteger(before) ? before : Number.MAX_SAFE_INTEGER;
}

function runOf(row: RunRow): Run {
  return {
    id: row.id, parent: row.parent, kind: row.kind, version: row.version, path: row.path,
    startedAt: new Date(row.started_at).toISOString(), endedAt: new Date(row.ended_at).toISOString(),
    durationMs: row.ended_at - row.started_at, cpuMs: row.cpu_ms, memoryPeak: row.memory_peak, outcome: row.outcome,
    method: row.method, url: row.url, status: row.status, error: row.error === null ? null : JSON.parse(row.error),
    linesDropped: row.lines_dropped, position: String(row.position),
  };
}

function lineOf(row: LineRow): Line {
  return { run: row.run, at: new Date(row.at).toISOString(), level: row.level, text: row.text, position: String(row.position) };
}
