/** Every run that is an account's to see, of whatever val: those of its vals, whoever called them, and its evaluations. */

import { all, first } from "../lib/rows.ts";
import type { Town } from "../lib/town.ts";
import { logsOf, readRun, runOf, type Run, type RunRow, type WholeRun } from "./runs.ts";

export interface Wish {
  limit: number;
  /** A position of the list: after the run that began then, with that number. */
  before?: Position | undefined;
  failed?: boolean;
  type?: string | undefined;
}
type Position = [startedAt: number, position: number];

export type RunOfAccount = Run & { valId: string };

const POSITION = /^(\d{1,15})-(\d{1,15})$/;
const NEWEST: Position = [Number.MAX_SAFE_INTEGER, Number.MAX_SAFE_INTEGER];

/** The runs of an account by when they began, newest first. */
export async function listEvaluations(town: Town, ownerId: string, wish: Wish): Promise<RunOfAccount[]> {
  const { limit, before: [at, position] = NEWEST, failed, type } = wish;
  const rows = await all<RunRow>(
    await logsOf(town),
    `SELECT * FROM run WHERE owner_id = :owner_id AND (started_at, position) < (:at, :position)
     ${failed ? "AND (outcome <> 'ok' OR status >= 500)" : ""} ${type === undefined ? "" : "AND type = :type"}
     ORDER BY started_at DESC, position DESC LIMIT :limit`,
    { owner_id: ownerId, at, position, limit, ...(type !== undefined && { type }) },
  );
  return rows.map((row) => ({ ...runOf(row), valId: row.val_id }));
}

/** A run of an account by its id. */
export async function readEvaluation(town: Town, ownerId: string, id: string): Promise<(WholeRun & { valId: string }) | undefined> {
  const row = await first<{ val_id: string }>(
    await logsOf(town), "SELECT val_id FROM run WHERE id = :id AND +owner_id = :owner_id", { id, owner_id: ownerId },
  );
  const run = row && (await readRun(town, row.val_id, id));
  return row && run && { ...run, valId: row.val_id };
}

/** Where a list goes on after a run, and back. */
export function positionAfter(run: Run): string {
  return `${Date.parse(run.startedAt)}-${run.position}`;
}

export function positionOf(text: string | null): Position | undefined {
  const parts = POSITION.exec(text ?? "");
  return parts === null ? undefined : [Number(parts[1]), Number(parts[2])];
}
