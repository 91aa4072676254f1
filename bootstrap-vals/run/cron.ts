/** Runs of interval files: when their alarm comes, and by hand. */

import type { Outcome } from "town:kernel";
import { HttpError } from "../lib/http.ts";
import type { Town } from "../lib/town.ts";
import { begin, cutOff, end, passOver, readSchedule, rearm, setDue, suspend, type ScheduleRow } from "../model/cron.ts";
import { endpointOfFile, type Endpoint } from "./endpoint.ts";
import { isolateOf } from "./program.ts";

// Where a run by hand is under way or too many are, the one that is due looks again then, or up to as much later.
const LOOK_AGAIN_MS = 5_000;
// Each run that is due holds a request of the platform open, whoever's it is; there must be some for visitors.
const RUNNING_MAX = 64;
const RUNNING_OF_ACCOUNT_MAX = 8;

// Runs that are under way in this isolate by account: nothing that outlives it.
const running = new Map<string, number>();

export interface Attempt {
  startedAt: number;
  endedAt: number;
  outcome: Outcome;
  error: string | null;
}

/** The alarm of a schedule. It may come again after one that was delivered, so it does what the schedule says. */
export async function deliverCron(town: Town, fileId: string): Promise<void> {
  let row = await readSchedule(town, fileId);
  const now = Date.now();
  if (row === undefined || row.due_at === null || row.due_at > now || (await passOver(town, row, now))) return rearm(town, fileId);
  if (isCrowded(row.owner_id)) return setDue(town, fileId, now + LOOK_AGAIN_MS * (1 + Math.random()));
  const endpoint = await endpointOfFile(town, fileId, "interval");
  if (endpoint === undefined) return suspend(town, row, "Paused: the val has no such file of type interval any more");
  if (row.running_by === "alarm") {
    if (!(await cutOff(town, row))) return rearm(town, fileId);
    row = { ...row, failures: row.failures + 1 };
  }
  if (!(await begin(town, row, "alarm"))) return setDue(town, fileId, now + LOOK_AGAIN_MS);
  running.set(row.owner_id, (running.get(row.owner_id) ?? 0) + 1);
  try {
    await end(town, row, { ...(await attempt(town, endpoint, row.last_run_at)), by: "alarm" });
  } finally {
    const left = (running.get(row.owner_id) ?? 1) - 1;
    if (left > 0) running.set(row.owner_id, left);
    else running.delete(row.owner_id);
  }
}

function isCrowded(ownerId: string): boolean {
  let all = 0;
  for (const count of running.values()) all += count;
  return all >= RUNNING_MAX || (running.get(ownerId) ?? 0) >= RUNNING_OF_ACCOUNT_MAX;
}

/** Runs an interval file now, whether or not it has a schedule, and tells how that went. */
export async function runNow(town: Town, fileId: string): Promise<Attempt> {
  const endpoint = await endpointOfFile(town, fileId, "interval");
  if (endpoint === undefined) throw new HttpError(422, "not_an_interval", "Only a file of type interval can be run this way");
  const row = await readSchedule(town, fileId);
  if (row === undefined) return attempt(town, endpoint, null);
  if (!(await begin(town, row, "hand"))) throw new HttpError(409, "busy", "It is running already");
  const made = await attempt(town, endpoint, row.last_run_at);
  const present = (await readSchedule(town, fileId)) as ScheduleRow | undefined;
  if (present !== undefined) await end(town, present, { ...made, by: "hand" });
  return made;
}

async function attempt(town: Town, endpoint: Endpoint, lastRunAt: number | null): Promise<Attempt> {
  const startedAt = Date.now();
  const interval = { lastRunAt: lastRunAt === null ? undefined : new Date(lastRunAt) };
  try {
    await isolateOf(town, endpoint).call("default", [interval]);
    return { startedAt, endedAt: Date.now(), outcome: "ok", error: null };
  } catch (error) {
    const { outcome, stack, message } = error as Error & { outcome?: Outcome };
    return { startedAt, endedAt: Date.now(), outcome: outcome ?? "exception", error: stack || message };
  }
}
