/** Alarms of vals that cannot have them now: kept, and set again when the val is back. */

import type { AlarmEvent, Statement } from "town:kernel";
import { all } from "../lib/rows.ts";
import type { Town } from "../lib/town.ts";

/** The name of a val's database below the town's. */
export function storageName(valId: string): string {
  return `val-${valId}`;
}

/** Keeps an alarm of a val that cannot get it now. */
export async function holdAlarm(town: Town, valId: string, event: AlarmEvent): Promise<void> {
  const sql = "INSERT OR REPLACE INTO held_alarm (val_id, names, due_at) VALUES (:val_id, :names, :due_at)";
  const args = { val_id: valId, names: JSON.stringify(event.names.slice(1)), due_at: event.scheduledAt.getTime() };
  await town.storage.execute({ sql, args });
}

/** Sets the alarms again that were held, for now. */
export async function releaseAlarms(town: Town, valId: string): Promise<void> {
  const held = await all<{ names: string; due_at: number }>(
    town.storage, "SELECT names, due_at FROM held_alarm WHERE val_id = :val_id", { val_id: valId },
  );
  for (const { names, due_at } of held) {
    let storage = town.storage.sub(storageName(valId));
    for (const name of JSON.parse(names) as string[]) storage = storage.sub(name);
    await storage.setAlarm(new Date(due_at));
  }
  await town.storage.execute({ sql: "DELETE FROM held_alarm WHERE val_id = :val_id", args: { val_id: valId } });
}

/** What is known beside its rows of a val that is no more. */
export function forgetHeld(valId: string): Statement[] {
  return ["instance", "held_alarm"].map((table) => ({ sql: `DELETE FROM ${table} WHERE val_id = :id`, args: { id: valId } }));
}
