/** Which accounts like which vals, and the vals that are liked most. */

import type { Statement } from "town:kernel";
import { all, first } from "../lib/rows.ts";
import type { Town } from "../lib/town.ts";
import { VAL, type Val } from "./vals.ts";

export interface Likes {
  count: number;
  /** Whether the one who asks is among them. */
  mine: boolean;
}

export async function likesOf(town: Town, val: { id: string }, askerId: string | undefined): Promise<Likes> {
  const row = await first<{ count: number; mine: number }>(
    town.storage, "SELECT count(*) AS count, coalesce(max(account_id = :asker), 0) AS mine FROM val_like WHERE val_id = :id", { id: val.id, asker: askerId ?? null },
  );
  return { count: row?.count ?? 0, mine: row?.mine === 1 };
}

export async function setLike(town: Town, val: { id: string }, accountId: string, likes: boolean): Promise<void> {
  const args = { val_id: val.id, account_id: accountId };
  await town.storage.execute(likes
    ? { sql: "INSERT OR IGNORE INTO val_like (val_id, account_id, at) VALUES (:val_id, :account_id, :at)", args: { ...args, at: Date.now() } }
    : { sql: "DELETE FROM val_like WHERE val_id = :val_id AND account_id = :account_id", args });
}

export type LikedVal = Val & { likes: number };

// More likes than that are read for nobody: a list of the most liked needs the newest of them.
const LIKES_READ_MAX = 5_000;

/** Public vals by how many have come to like them of late. */
export function listMostLiked(town: Town, limit: number): Promise<LikedVal[]> {
  return all<LikedVal>(
    town.storage,
    `SELECT * FROM (SELECT val_id, count(*) AS likes FROM (SELECT val_id FROM val_like ORDER BY at DESC LIMIT ${LIKES_READ_MAX}) GROUP BY val_id) l
     JOIN (${VAL} WHERE v.privacy = 'public') p ON p.id = l.val_id ORDER BY l.likes DESC, p.created_at DESC LIMIT :limit`,
    { limit },
  );
}

/** What an account likes and may see, newest like first. */
export function listLiked(town: Town, accountId: string, wish: { offset: number; limit: number }): Promise<Val[]> {
  return all<Val>(
    town.storage,
    `${VAL} JOIN val_like l ON l.val_id = v.id WHERE l.account_id = :id AND (v.privacy <> 'private' OR v.owner_id = :id)
     ORDER BY l.at DESC, v.id LIMIT :limit OFFSET :offset`,
    { id: accountId, ...wish },
  );
}

/** The statement by which nobody likes a val any more. */
export function forgetLikes(valId: string): Statement {
  return { sql: "DELETE FROM val_like WHERE val_id = :id", args: { id: valId } };
}
