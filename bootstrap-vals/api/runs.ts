/** Runs and console lines of a val for its author: searched, followed live, sent again, and stopped. */

import { badRequest, HttpError, json, notFound, optionalInteger, readJson } from "../lib/http.ts";
import type { Route } from "../lib/router.ts";
import { arrayOf, boolean, integer, nullable, object, oneOf, pageOf, ref, text, time } from "../lib/schema.ts";
import type { Town } from "../lib/town.ts";
import { changeableVal } from "../model/access.ts";
import { readRetention, setRetention } from "../model/retention.ts";
import { listLogs, listRuns, logsOf, readRun, type Line, type LineWish, type Run, type RunWish, type Wish } from "../model/runs.ts";
import { cancelRuns, resend } from "../run/again.ts";
import { follow } from "../run/follow.ts";
import { integerOf, linkWith, readQuery, type Query } from "./shapes.ts";

const SEARCH_LENGTH_MAX = 512;
const wish = {
  "limit?": integer, "before?": text, "after?": text, "since?": time, "until?": time, "path?": text, "version?": integer, "search?": text,
};

const retentionShape = object({ days: nullable(integer), townDays: integer });
const bodyShape = object({ "text?": text, "base64?": text, length: integer, whole: boolean });

export const runRoutes: Route[] = [
  ["GET", "/api/town/vals/:id/runs", runs, {
    summary: "Runs of a val, newest first, or from `after` on", access: "author", scope: "telemetry:read",
    query: { ...wish, "outcome?": text, "type?": text, "method?": text, "status?": integer }, answers: { 200: pageOf(ref("Run")) },
  }],
  ["GET", "/api/town/vals/:id/runs/:run", run, {
    summary: "A run: what it was asked and answered, its lines, and the runs it has caused", access: "author", scope: "telemetry:read",
    answers: { 200: ref("WholeRun") },
  }],
  ["POST", "/api/town/vals/:id/runs/:run/resend", again, {
    summary: "Sends the request of a run again, to the present version", access: "author", scope: "val:write",
    answers: {
      200: object({
        status: integer, headers: arrayOf(arrayOf(text)),
        body: bodyShape,
      }),
    },
  }],
  ["GET", "/api/town/vals/:id/logs", logs, {
    summary: "Console lines of a val, newest first, or from `after` on", access: "author", scope: "telemetry:read",
    query: { ...wish, "run?": text, "level?": oneOf("debug", "info", "log", "warn", "error") }, answers: { 200: pageOf(ref("Line")) },
  }],
  ["GET", "/api/town/vals/:id/stream", async (request, params, town) => {
    const { val, asker } = await changeableVal(town, request, params.id as string, "telemetry:read");
    const last = request.headers.get("last-event-id") ?? readQuery(town.arrival).params.get("last") ?? undefined;
    return follow(town, val.id, asker.id, last);
  }, {
    summary: "Runs and console lines as they come, as server-sent events `run` and `log`", access: "author", scope: "telemetry:read",
    query: { "last?": text }, answers: { 200: "bytes" },
  }],
  ["GET", "/api/town/vals/:id/retention", async (request, params, town) => {
    const { val } = await changeableVal(town, request, params.id as string, "telemetry:read");
    return json(await readRetention(town, await logsOf(town), val.id));
  }, {
    summary: "For how many days the records of a val are kept: null is as long as those of the town", access: "author", scope: "telemetry:read",
    answers: { 200: retentionShape },
  }],
  ["PUT", "/api/town/vals/:id/retention", async (request, params, town) => {
    const { val } = await changeableVal(town, request, params.id as string);
    const logs = await logsOf(town);
    await setRetention(town, logs, val.id, optionalInteger(await readJson(request), "days") ?? null);
    return json(await readRetention(town, logs, val.id));
  }, {
    summary: "Sets for how many days the records of a val are kept", access: "author", scope: "val:write",
    body: object({ days: nullable(integer) }), answers: { 200: retentionShape },
  }],
  ["POST", "/api/town/vals/:id/cancel", async (request, params, town) => {
    const { val } = await changeableVal(town, request, params.id as string);
    return json({ cancelled: await cancelRuns(town, val) });
  }, {
    summary: "Stops whatever of a val is running", access: "author", scope: "val:write", answers: { 200: object({ cancelled: arrayOf(text) }) },
  }],
];

/** What the routes above answer with, by name. */
export const runSchemas = {
  Run: object(runMembers()),
  WholeRun: object(wholeMembers()),
  RunOfVal: object({ ...runMembers(), valId: text }),
  WholeRunOfVal: object({ ...wholeMembers(), valId: text }),
  Line: object({ run: text, at: time, level: text, text, position: text }),
};

function wholeMembers() {
  return {
    ...runMembers(), requestHeaders: nullable(arrayOf(arrayOf(text))),
    requestBody: nullable(bodyShape), responseHeaders: nullable(arrayOf(arrayOf(text))), responseBody: nullable(bodyShape),
    logs: arrayOf(ref("Line")), children: arrayOf(ref("RunOfVal")), caller: nullable(object({ id: text, valId: text })),
    called: arrayOf(object({ valId: text, startedAt: time, durationMs: { type: "number" } })), libraries: arrayOf(text),
    refused: arrayOf(object({ what: oneOf("env", "file", "kernel", "private", "trusted", "authority"), name: text, module: text })),
  };
}

function runMembers() {
  return {
    id: text, parent: nullable(text), kind: text, type: text, version: integer, branchId: nullable(text), path: text, startedAt: time,
    endedAt: time, durationMs: { type: "number" }, cpuMs: { type: "number" }, memoryPeak: { type: "number" }, outcome: text,
    method: nullable(text), url: nullable(text), status: nullable(integer),
    error: nullable(object({ message: text, stack: text, "limit?": text, "value?": { type: "number" } })), linesDropped: integer, position: text,
  };
}

async function runs(request: Request, params: { id?: string }, town: Town): Promise<Response> {
  const { val } = await changeableVal(town, request, params.id as string, "telemetry:read");
  const query = readQuery(town.arrival);
  const text = textsOf(query);
  const more: RunWish = {
    ...wishOf(query), outcome: text("outcome"), type: text("type"), method: text("method"), status: integerOf(query.params, "status", 1, 599),
  };
  return listed(town, query, await listRuns(town, val.id, more));
}

async function logs(request: Request, params: { id?: string }, town: Town): Promise<Response> {
  const { val } = await changeableVal(town, request, params.id as string, "telemetry:read");
  const query = readQuery(town.arrival);
  const text = textsOf(query);
  const more: LineWish = { ...wishOf(query), run: text("run"), level: text("level") };
  return listed(town, query, await listLogs(town, val.id, more));
}

async function run(request: Request, params: { id?: string; run?: string }, town: Town): Promise<Response> {
  const { val } = await changeableVal(town, request, params.id as string, "telemetry:read");
  const found = await readRun(town, val.id, params.run as string);
  if (found === undefined) throw notFound("Run");
  return json(found);
}

async function again(request: Request, params: { id?: string; run?: string }, town: Town): Promise<Response> {
  const { val } = await changeableVal(town, request, params.id as string);
  const found = await readRun(town, val.id, params.run as string);
  if (found === undefined) throw notFound("Run");
  const answer = await resend(town, val, found);
  if (answer === undefined) throw new HttpError(422, "not_recorded", "Only requests that were recorded whole can be sent again");
  return json(answer);
}

function wishOf(query: Query): Wish {
  const text = textsOf(query);
  const search = text("search");
  if (search !== undefined && search.length > SEARCH_LENGTH_MAX) throw badRequest(`"search" has at most ${SEARCH_LENGTH_MAX} characters`);
  return {
    limit: query.limit + 1, before: text("before"), after: text("after"), since: timeOf(query, "since"), until: timeOf(query, "until"),
    path: text("path"), version: integerOf(query.params, "version", 0, Number.MAX_SAFE_INTEGER), search,
  };
}

function textsOf(query: Query): (key: string) => string | undefined {
  return (key) => query.params.get(key) || undefined;
}

function timeOf(query: Query, key: string): number | undefined {
  const text = query.params.get(key);
  if (text === null || text === "") return undefined;
  const time = Date.parse(text);
  if (Number.isNaN(time)) throw badRequest(`"${key}" must be a time as 2026-01-31T12:00:00Z`);
  return time;
}

function listed(town: Town, query: Query, found: (Run | Line)[]): Response {
  const links: Record<string, string> = { self: linkWith(town.arrival, query, {}) };
  const last = found[query.limit - 1];
  if (found.length > query.limit && last !== undefined) {
    links.next = linkWith(town.arrival, query, { [query.params.get("after") ? "after" : "before"]: last.position });
  }
  return json({ data: found.slice(0, query.limit), links });
}
