/** Runs and console lines in Val Town's shapes, which are OpenTelemetry's. */

import { badRequest, json } from "../lib/http.ts";
import { all } from "../lib/rows.ts";
import type { Route } from "../lib/router.ts";
import { arrayOf, integer, object, oneOf, pageOf, text, time, uuid } from "../lib/schema.ts";
import type { Town } from "../lib/town.ts";
import { requireAsker } from "../model/access.ts";
import type { Asker } from "../model/accounts.ts";
import { logsOf, type LineRow, type RunRow } from "../model/runs.ts";
import { linkWith, readQuery, type Query } from "./shapes.ts";

// OpenTelemetry's trace ids are twice as long as a run's.
const TRACE_ID_PADDING = "0000000000000000";
const OK = 1;
const ERROR = 2;

const window = {
  "limit?": integer, "offset?": integer, "start?": time, "end?": time, "direction?": oneOf("asc", "desc"), "file_id?": uuid,
  "branch_ids?": text, "trace_ids?": text,
};
const attributeList = arrayOf(object({ key: text, value: object({ "stringValue?": text, "intValue?": text, "doubleValue?": { type: "number" } }) }));

export const telemetryRoutes: Route[] = [
  ["GET", "/api/v1/telemetry/traces", async (request, _params, town) => {
    const asker = await requireAsker(town, request, "telemetry:read");
    const query = readQuery(town.arrival);
    const orderBy = query.params.get("order_by") ?? "start_time";
    if (orderBy !== "start_time" && orderBy !== "end_time") throw badRequest('"order_by" must be start_time or end_time');
    const column = orderBy === "end_time" ? "ended_at" : "started_at";
    const rows = await select<RunRow>(town, asker, query, "run", column, "id");
    const files = await filesOf(town, rows);
    return answer(town, query, rows, (row) => row[column], (row) => ({
      traceId: TRACE_ID_PADDING + row.id,
      name: row.method === null ? row.type : `${row.method} ${row.path}`,
      startTimeUnixNano: nanoseconds(row.started_at),
      endTimeUnixNano: nanoseconds(row.ended_at),
      attributes: attributes({
        ...files.get(keyOf(row)), "val.id": row.val_id, "val.path": row.path, "val.version": row.version,
        "http.request.method": row.method, "url.full": row.url, "http.response.status_code": row.status,
        ...headerAttributes("request", row.request_headers), ...headerAttributes("response", row.response_headers),
        "town.outcome": row.outcome, "town.cpu_ms": row.cpu_ms, "town.parent": row.parent === null ? null : TRACE_ID_PADDING + row.parent,
      }),
      status: { code: row.outcome === "ok" ? OK : ERROR, message: row.error === null ? "" : JSON.parse(row.error).message },
    }));
  }, {
    summary: "Runs of one's own vals, as traces", access: "account", scope: "telemetry:read",
    query: { ...window, "order_by?": oneOf("start_time", "end_time") },
    answers: {
      200: pageOf(object({
        traceId: text, name: text, startTimeUnixNano: text, endTimeUnixNano: text, attributes: attributeList,
        status: object({ code: integer, message: text }),
      })),
    },
  }],
  ["GET", "/api/v1/telemetry/logs", async (request, _params, town) => {
    const asker = await requireAsker(town, request, "telemetry:read");
    const query = readQuery(town.arrival);
    const rows = await select<LineRow>(town, asker, query, "log", "at", "run");
    const files = await filesOf(town, rows);
    return answer(town, query, rows, (row) => row.at, (row) => ({
      traceId: TRACE_ID_PADDING + row.run,
      timeUnixNano: nanoseconds(row.at),
      severityText: row.level === "error" || row.level === "warn" ? "stderr" : "stdout",
      body: { stringValue: row.text },
      attributes: attributes({
        ...files.get(keyOf(row)), "val.id": row.val_id, "val.path": row.path, "val.version": row.version,
        "log.level": row.level,
      }),
    }));
  }, {
    summary: "Console lines of one's own vals", access: "account", scope: "telemetry:read", query: window,
    answers: {
      200: pageOf(object({
        traceId: text, timeUnixNano: text, severityText: oneOf("stdout", "stderr"), body: object({ stringValue: text }), attributes: attributeList,
      })),
    },
  }],
];

/** Rows of the asker's own vals in a window of time; one more than the limit when there is a next page. */
async function select<T>(town: Town, asker: Asker, query: Query, table: string, time: string, run: string): Promise<T[]> {
  const { params } = query;
  const direction = params.get("direction") ?? "desc";
  if (direction !== "asc" && direction !== "desc") throw badRequest('"direction" must be asc or desc');
  const traces = listOf(params, "trace_ids");
  // With the sign, SQLite looks the traces up in place of going through all that is the asker's.
  const conditions = [traces.length > 0 ? "+owner_id = :owner" : "owner_id = :owner"];
  const args: Record<string, string | number> = { owner: asker.id, limit: query.limit + 1, offset: query.offset };
  for (const [key, comparison] of [["start", ">="], ["end", "<="]] as const) {
    const value = params.get(key);
    if (value === null) continue;
    args[key] = Date.parse(value);
    if (Number.isNaN(args[key])) throw badRequest(`"${key}" must be a time as 2026-01-31T12:00:00Z`);
    conditions.push(`${time} ${comparison} :${key}`);
  }
  const fileId = params.get("file_id");
  if (fileId !== null) {
    const files = await all<FileOfRun>(
      town.storage,
      `SELECT DISTINCT b.val_id, f.path, nullif(b.id, v.branch_id) AS branch_id FROM version_file f
       JOIN branch b ON b.id = f.branch_id JOIN val v ON v.id = b.val_id WHERE f.file_id = :file_id`,
      { file_id: fileId },
    );
    conditions.push("(val_id || '/' || coalesce(branch_id, '') || '/' || path) IN (SELECT value FROM json_each(:files))");
    args.files = JSON.stringify(files.map(keyOf));
  }
  const branches = listOf(params, "branch_ids");
  if (branches.length > 0) {
    const vals = await all<{ val_id: string }>(
      town.storage, `SELECT b.val_id FROM json_each(:branches) j JOIN branch b ON b.id = j.value JOIN val v ON v.id = b.val_id AND +v.branch_id = b.id`,
      { branches: JSON.stringify(branches) },
    );
    // Of a val's `main` the records name no branch.
    conditions.push(`(branch_id IN (SELECT value FROM json_each(:branches))
      OR (branch_id IS NULL AND val_id IN (SELECT value FROM json_each(:vals))))`);
    args.branches = JSON.stringify(branches);
    args.vals = JSON.stringify(vals.map((row) => row.val_id));
  }
  if (traces.length > 0) {
    conditions.push(`${run} IN (SELECT value FROM json_each(:traces))`);
    args.traces = JSON.stringify(traces.map((trace) => trace.slice(TRACE_ID_PADDING.length)));
  }
  const sql = `SELECT * FROM ${table} WHERE ${conditions.join(" AND ")}
    ORDER BY ${time} ${direction}, position ${direction} LIMIT :limit OFFSET :offset`;
  return all<T>(await logsOf(town), sql, args);
}

/** Ids of the files that ran, by `{val}/{path}`. */
async function filesOf(town: Town, rows: FileOfRun[]): Promise<Map<string, Record<string, string>>> {
  const wanted = [...new Set(rows.map((row) => JSON.stringify([row.val_id, row.path, row.branch_id])))];
  const found = await all<FileOfRun & { type: string; file_id: string; branch: string }>(
    town.storage,
    `SELECT v.id AS val_id, f.path, j.value ->> 2 AS branch_id, f.type, f.file_id, f.branch_id AS branch, max(f.since) AS since
     FROM json_each(:wanted) j JOIN val v ON v.id = j.value ->> 0
     JOIN version_file f ON f.branch_id = coalesce(j.value ->> 2, v.branch_id) AND f.path = j.value ->> 1
     GROUP BY v.id, j.value ->> 2, f.path`,
    { wanted: `[${wanted.join(",")}]` },
  );
  return new Map(found.map((row) => [keyOf(row), { "val.type": row.type, "val.file_id": row.file_id, "val.branch_id": row.branch }]));
}

/** Which file ran. Without a branch it is of `main`. */
interface FileOfRun {
  val_id: string;
  path: string;
  branch_id: string | null;
}

function keyOf(row: FileOfRun): string {
  return `${row.val_id}/${row.branch_id ?? ""}/${row.path}`;
}

function headerAttributes(side: "request" | "response", headers: string | null): Record<string, string> {
  const list = headers === null ? [] : (JSON.parse(headers) as [name: string, value: string][]);
  return Object.fromEntries(list.map(([name, value]) => [`http.${side}.header.${name}`, value]));
}

function answer<T>(town: Town, query: Query, rows: T[], timeOf: (row: T) => number, shape: (row: T) => unknown): Response {
  const links: Record<string, string> = { self: linkWith(town.arrival, query, {}) };
  if (rows.length > query.limit) {
    // What comes in meanwhile must not shift the pages: the window ends where this list began.
    const newest = query.params.get("end") ?? new Date(Math.max(...rows.map(timeOf))).toISOString();
    const changes: Record<string, string | number> = { offset: query.offset + query.limit };
    if (query.params.get("direction") !== "asc") changes.end = newest;
    links.next = linkWith(town.arrival, query, changes);
  }
  return json({ data: rows.slice(0, query.limit).map(shape), links });
}

function attributes(values: Record<string, string | number | null>) {
  const list: { key: string; value: Record<string, string | number> }[] = [];
  for (const [key, value] of Object.entries(values)) {
    if (typeof value === "string") list.push({ key, value: { stringValue: value } });
    else if (value !== null) list.push({ key, value: Number.isInteger(value) ? { intValue: String(value) } : { doubleValue: value } });
  }
  return list;
}

/** Repeated, or with commas. */
function listOf(params: URLSearchParams, key: string): string[] {
  return [...params.getAll(key), ...params.getAll(`${key}[]`)].flatMap((text) => text.split(",")).filter((text) => text !== "");
}

function nanoseconds(ms: number): string {
  return `${ms}000000`;
}
