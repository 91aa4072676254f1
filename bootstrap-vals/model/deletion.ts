/** Deleting vals: they can be brought back for thirty days, then they are destroyed with their history and storage. */

import type { Statement } from "town:kernel";
import { notFound } from "../lib/http.ts";
import { all, first, isTaken } from "../lib/rows.ts";
import type { Town } from "../lib/town.ts";
import { forgetHeld, releaseAlarms, storageName } from "./alarms.ts";
import { forgetSchedules } from "./cron.ts";
import { forgetLikes } from "./likes.ts";
import { checkValName } from "./names.ts";
import { forget } from "./runs.ts";
import { indexWhole, unindexVal } from "./search.ts";
import { findVal, forgetFormerName, valNameTaken, type Val } from "./vals.ts";

export interface DeletedVal {
  id: string;
  name: string;
  owner_id: string;
  branch_id: string;
  deleted_at: number;
}

export const KEPT_DAYS = 30;
const KEPT_MS = KEPT_DAYS * 24 * 60 * 60 * 1000;
// One deletion pays for the end of a few others; a request must not pay for all.
const DESTROYED_AT_ONCE = 5;

const COLUMNS = "id, owner_id, name, privacy, description, image_url, branch_id, env_revision, created_at, remixed_from";
const DELETED = "SELECT id, name, owner_id, branch_id, deleted_at FROM deleted_val";

/** Deletes a val: nobody sees it any more, and its author may bring it back. */
export async function deleteVal(town: Town, val: Val): Promise<void> {
  await town.storage.batch([...retire("id = :id", { id: val.id, now: Date.now() }), ...unindexVal(val.id)]);
  await destroyExpired(town);
}

/** Vals that their author may bring back, last deleted first. */
export async function listDeletedVals(town: Town, ownerId: string, wish: { offset: number; limit: number }): Promise<DeletedVal[]> {
  const sql = `${DELETED} WHERE owner_id = :owner_id AND deleted_at > :after ORDER BY deleted_at DESC, id LIMIT :limit OFFSET :offset`;
  return all<DeletedVal>(town.storage, sql, { owner_id: ownerId, after: Date.now() - KEPT_MS, ...wish });
}

/** A deleted val of that author. */
export async function findDeletedVal(town: Town, ownerId: string, id: string): Promise<DeletedVal> {
  const deleted = await first<DeletedVal>(
    town.storage, `${DELETED} WHERE id = :id AND owner_id = :owner_id AND deleted_at > :after`,
    { id, owner_id: ownerId, after: Date.now() - KEPT_MS },
  );
  if (deleted === undefined) throw notFound("Deleted val");
  return deleted;
}

/** Brings a val back as it was, under another name where that is given. */
export async function undeleteVal(town: Town, ownerId: string, id: string, name?: string): Promise<Val> {
  const deleted = await findDeletedVal(town, ownerId, id);
  const wanted = name === undefined ? deleted.name : checkValName(name);
  const values = COLUMNS.split(", ").map((column) => (column === "name" ? ":name" : column)).join(", ");
  try {
    await town.storage.batch([
      { sql: `INSERT INTO val (${COLUMNS}) SELECT ${values} FROM deleted_val WHERE id = :id`, args: { id, name: wanted } },
      { sql: "DELETE FROM deleted_val WHERE id = :id", args: { id } },
      forgetFormerName(ownerId, wanted),
      ...indexWhole(id, deleted.branch_id),
    ]);
  } catch (error) {
    if (isTaken(error)) throw valNameTaken(wanted);
    throw error;
  }
  await releaseAlarms(town, id);
  return (await findVal(town, id)) as Val;
}

/** Whether a val was deleted and can be brought back. */
export async function isDeleted(town: Town, id: string): Promise<boolean> {
  return (await first(town.storage, "SELECT 1 AS found FROM deleted_val WHERE id = :id", { id })) !== undefined;
}

/** Destroys every val of an account at once. */
export async function destroyVals(town: Town, ownerId: string): Promise<void> {
  const vals = await all<{ id: string }>(town.storage, "SELECT id FROM val WHERE owner_id = :owner_id", { owner_id: ownerId });
  await town.storage.batch([...retire("owner_id = :owner_id", { owner_id: ownerId, now: 0 }), ...vals.flatMap(({ id }) => unindexVal(id))]);
  const gone = await all<DeletedVal>(town.storage, `${DELETED} WHERE owner_id = :owner_id`, { owner_id: ownerId });
  for (const val of gone) await destroyVal(town, val);
}

/** Destroys vals whose time is over, a few at a time. */
export async function destroyExpired(town: Town): Promise<void> {
  const sql = `${DELETED} WHERE deleted_at < :before ORDER BY deleted_at LIMIT :limit`;
  const expired = await all<DeletedVal>(town.storage, sql, { before: Date.now() - KEPT_MS, limit: DESTROYED_AT_ONCE });
  for (const val of expired) await destroyVal(town, val);
}

/** Destroys a deleted val for good. Contents that other vals also have stay. Its row goes last: what a crash interrupts is done again. */
export async function destroyVal(town: Town, val: DeletedVal): Promise<void> {
  await town.storage.drop(storageName(val.id));
  await forget(town, val.id);
  await forgetSchedules(town, val.id);
  const branches = "SELECT id FROM branch WHERE val_id = :id";
  const args = { id: val.id };
  const hashes = await all<{ hash: string }>(
    town.storage, `SELECT DISTINCT hash FROM version_file WHERE hash IS NOT NULL AND branch_id IN (${branches})`, args,
  );
  const orphans = "SELECT value FROM json_each(:hashes) WHERE NOT EXISTS (SELECT 1 FROM version_file f WHERE f.hash = value)";
  const gone = { hashes: JSON.stringify(hashes.map((row) => row.hash)) };
  await town.storage.batch([
    { sql: `DELETE FROM version_file WHERE branch_id IN (${branches})`, args },
    { sql: `DELETE FROM version WHERE branch_id IN (${branches})`, args },
    { sql: "DELETE FROM branch WHERE val_id = :id", args },
    { sql: "DELETE FROM env WHERE scope_id = :id", args },
    { sql: "DELETE FROM env_use WHERE val_id = :id", args },
    { sql: "DELETE FROM fork_base WHERE val_id = :id", args },
    { sql: "DELETE FROM trial WHERE val_id = :id", args },
    { sql: "DELETE FROM former_name WHERE val_id = :id", args },
    { sql: "DELETE FROM data_value WHERE val_id = :id", args },
    forgetLikes(val.id),
    { sql: "DELETE FROM val_reference WHERE from_id = :id OR to_id = :id", args },
    { sql: `DELETE FROM content WHERE hash IN (${orphans})`, args: gone },
    { sql: `DELETE FROM analysis WHERE hash IN (${orphans})`, args: gone },
    ...forgetHeld(val.id),
    { sql: "DELETE FROM deleted_val WHERE id = :id", args },
  ]);
}

function retire(condition: string, args: { id?: string; owner_id?: string; now: number }): Statement[] {
  const { now, ...which } = args;
  return [
    { sql: `INSERT INTO deleted_val (${COLUMNS}, deleted_at) SELECT ${COLUMNS}, :now FROM val WHERE ${condition}`, args },
    { sql: `DELETE FROM val WHERE ${condition}`, args: which },
  ];
}
