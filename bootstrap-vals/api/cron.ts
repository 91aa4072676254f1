/** Schedules of interval files over the API, for their authors. */

import { badRequest, json, noContent, notFound, optionalString, readJson } from "../lib/http.ts";
import type { Route } from "../lib/router.ts";
import { arrayOf, boolean, integer, nullable, object, oneOf, ref, text, time, uuid } from "../lib/schema.ts";
import type { Town } from "../lib/town.ts";
import { changeableVal, requireAsker, type Scope } from "../model/access.ts";
import { listSchedules, readSchedule, removeSchedule, scheduleShape, setSchedule, type ScheduleRow } from "../model/cron.ts";
import { findFile, readEntry, type Entry } from "../model/files.ts";
import { findValOnBranch, type Val } from "../model/vals.ts";
import { runNow } from "../run/cron.ts";

export const cronRoutes: Route[] = [
  ["GET", "/api/town/schedules", async (request, _params, town) => {
    const asker = await requireAsker(town, request, "val:read");
    return json({ data: (await listSchedules(town, { owner_id: asker.id })).map(scheduleShape) });
  }, {
    summary: "Every schedule of one's own vals", access: "account", scope: "val:read", answers: { 200: object({ data: arrayOf(ref("Schedule")) }) },
  }],
  ["GET", "/api/town/vals/:id/schedules", async (request, params, town) => {
    const { val } = await changeableVal(town, request, params.id as string, "val:read");
    return json({ data: (await listSchedules(town, { val_id: val.id })).map(scheduleShape) });
  }, {
    summary: "The schedules of a val", access: "author", scope: "val:read", answers: { 200: object({ data: arrayOf(ref("Schedule")) }) },
  }],
  ["GET", "/api/town/files/:id/schedule", async (request, params, town) => {
    const { entry } = await intervalFile(town, request, params.id as string, "val:read");
    return json(scheduleShape(await scheduleOf(town, entry.file_id)));
  }, { summary: "The schedule of a file", access: "account", scope: "val:read", answers: { 200: ref("Schedule") } }],
  ["PUT", "/api/town/files/:id/schedule", async (request, params, town) => {
    const { val, entry } = await intervalFile(town, request, params.id as string);
    const body = await readJson(request);
    const row = await setSchedule(town, { file_id: entry.file_id, val_id: val.id, owner_id: val.owner_id }, {
      text: optionalString(body, "schedule"), timeZone: optionalString(body, "timeZone"), missed: optionalString(body, "missed"),
      retries: typed(body, "retries", "number"), paused: typed(body, "paused", "boolean"),
    });
    return json(scheduleShape(row));
  }, {
    summary: "Sets the schedule of a file of type interval; what is absent stays as it is", access: "account", scope: "val:write",
    body: object({ "schedule?": text, "timeZone?": text, "missed?": oneOf("once", "skip"), "retries?": integer, "paused?": boolean }),
    answers: { 200: ref("Schedule") },
  }],
  ["DELETE", "/api/town/files/:id/schedule", async (request, params, town) => {
    const { entry } = await intervalFile(town, request, params.id as string);
    if (!(await removeSchedule(town, entry.file_id))) throw notFound("Schedule");
    return noContent();
  }, { summary: "Removes a schedule", access: "account", scope: "val:write", answers: { 204: null } }],
  ["POST", "/api/town/files/:id/run", async (request, params, town) => {
    const { entry } = await intervalFile(town, request, params.id as string);
    const made = await runNow(town, entry.file_id);
    return json({
      outcome: made.outcome, error: made.error, startedAt: new Date(made.startedAt).toISOString(),
      endedAt: new Date(made.endedAt).toISOString(), durationMs: made.endedAt - made.startedAt,
    });
  }, {
    summary: "Runs a file of type interval now", access: "account", scope: "val:write",
    answers: { 200: object({ outcome: text, error: nullable(text), startedAt: time, endedAt: time, durationMs: integer }) },
  }],
];

export const cronSchemas = {
  Schedule: object({
    fileId: uuid, valId: uuid, schedule: text, timeZone: text, words: text, paused: boolean, missed: oneOf("once", "skip"), retries: integer,
    dueAt: nullable(time), next: arrayOf(object({ at: time, words: text })), lastRunAt: nullable(time), lastAttemptAt: nullable(time),
    lastOutcome: nullable(text), lastError: nullable(text), failures: integer, running: boolean,
  }),
};

/** The file, in a val that this request may change. */
async function intervalFile(
  town: Town,
  request: Request,
  fileId: string,
  scope: Scope = "val:write",
): Promise<{ val: Val; entry: Entry }> {
  const found = await findFile(town, fileId);
  if (found === undefined) {
    await requireAsker(town, request, scope);
    throw notFound("File");
  }
  await changeableVal(town, request, found.val_id, scope);
  const val = await findValOnBranch(town, found.val_id, found.branch_id);
  const entry = val && await readEntry(town, val, found.path);
  if (val === undefined || entry === undefined) throw notFound("File");
  if (entry.type !== "interval") throw badRequest(`${entry.path} is of type ${entry.type}; only files of type interval have schedules`);
  return { val, entry };
}

async function scheduleOf(town: Town, fileId: string): Promise<ScheduleRow> {
  const row = await readSchedule(town, fileId);
  if (row === undefined) throw notFound("Schedule");
  return row;
}

function typed(body: Record<string, unknown>, key: string, type: "number"): number | undefined;
function typed(body: Record<string, unknown>, key: string, type: "boolean"): boolean | undefined;
function typed(body: Record<string, unknown>, key: string, type: string): unknown {
  const value = body[key];
  if (value === undefined || value === null) return undefined;
  if (typeof value !== type) throw badRequest(`"${key}" must be a ${type}`);
  return value;
}
