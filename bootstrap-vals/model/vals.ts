/** Vals: making, finding, listing and deleting them. What is in them is files.ts; who may is access.ts. */

import type { Statement } from "town:kernel";
import { uuid } from "../lib/crypto.ts";
import { badRequest, HttpError } from "../lib/http.ts";
import { all, first, isTaken, type Arguments } from "../lib/rows.ts";
import type { Town } from "../lib/town.ts";
import type { Privacy } from "./access.ts";
import type { Account } from "./accounts.ts";
import type { Diagnostic } from "../modules/analysis.ts";
import type { Tree } from "./files.ts";
import { stage } from "./versions.ts";

/** A val with its author's name and the version of its branch `main`. */
export interface Val {
  id: string;
  name: string;
  privacy: Privacy;
  description: string | null;
  image_url: string | null;
  owner_id: string;
  username: string;
  branch_id: string;
  version: number;
  env_revision: number;
  created_at: number;
  updated_at: number;
}

/** Where to go on in a list: after the val made then, with that id. */
export interface Position {
  createdAt: number;
  id: string;
}

const VAL = `SELECT v.id, v.name, v.privacy, v.description, v.image_url, v.owner_id, a.username, v.branch_id, b.version,
  v.env_revision, v.created_at, b.updated_at FROM val v JOIN account a ON a.id = v.owner_id JOIN branch b ON b.id = v.branch_id`;

export async function findVal(town: Town, id: string): Promise<Val | undefined> {
  return first<Val>(town.storage, `${VAL} WHERE v.id = :id`, { id });
}

export async function findValByName(town: Town, username: string, name: string): Promise<Val | undefined> {
  return first<Val>(town.storage, `${VAL} WHERE a.username = :username AND v.name = :name`, { username, name });
}

export interface ListWish {
  /** Whose private and unlisted vals are listed too. */
  asker?: string | undefined;
  owner?: string | undefined;
  privacy?: Privacy | undefined;
  after?: Position | undefined;
  offset?: number;
  limit: number;
}

/** Public vals, and those of `asker` whatever their privacy; newest first. */
export async function listVals(town: Town, wish: ListWish): Promise<Val[]> {
  const args: Arguments = { limit: wish.limit, offset: wish.offset ?? 0 };
  const conditions: string[] = [];
  if (wish.asker === undefined) conditions.push("v.privacy = 'public'");
  else if (wish.asker !== wish.owner) {
    // The signs keep SQLite from collecting both sets: it walks the newest first and stops at the limit.
    conditions.push("(+v.privacy = 'public' OR +v.owner_id = :asker)");
    args.asker = wish.asker;
  }
  if (wish.owner !== undefined) {
    conditions.push("v.owner_id = :owner");
    args.owner = wish.owner;
  }
  if (wish.privacy !== undefined) {
    conditions.push("v.privacy = :privacy");
    args.privacy = wish.privacy;
  }
  if (wish.after !== undefined) {
    conditions.push("(v.created_at, v.id) < (:after_at, :after_id)");
    args.after_at = wish.after.createdAt;
    args.after_id = wish.after.id;
  }
  const where = conditions.join(" AND ");
  const sql = `${VAL} WHERE ${where === "" ? "true" : where} ORDER BY v.created_at DESC, v.id DESC LIMIT :limit OFFSET :offset`;
  return all<Val>(town.storage, sql, args);
}

/** Makes a val whose version 0 has the files given. All or nothing. */
export async function createVal(
  town: Town,
  owner: Account,
  wish: { name: string; privacy: Privacy; description: string | null; tree: Tree; env?: Record<string, string> },
): Promise<{ val: Val; diagnostics: Diagnostic[] }> {
  const now = Date.now();
  const val: Val = {
    id: uuid(), name: wish.name, privacy: wish.privacy, description: wish.description, image_url: null,
    owner_id: owner.id, username: owner.username, branch_id: uuid(), version: 0, env_revision: 0, created_at: now, updated_at: now,
  };
  const staged = await stage(town, val, new Map(), wish.tree, { number: 0, authorId: owner.id, message: null, now });
  const statements: Statement[] = [
    {
      sql: `INSERT INTO val (id, owner_id, name, privacy, description, branch_id, created_at)
            VALUES (:id, :owner_id, :name, :privacy, :description, :branch_id, :now)`,
      args: {
        id: val.id, owner_id: owner.id, name: val.name, privacy: val.privacy, description: val.description,
        branch_id: val.branch_id, now,
      },
    },
    {
      sql: `INSERT INTO branch (id, val_id, name, version, created_at, updated_at) VALUES (:id, :val_id, 'main', 0, :now, :now)`,
      args: { id: val.branch_id, val_id: val.id, now },
    },
    ...staged.statements,
    ...Object.entries(wish.env ?? {}).map(([key, value]) => ({
      sql: `INSERT INTO env (val_id, key, value, created_at, updated_at) VALUES (:val_id, :key, :value, :now, :now)`,
      args: { val_id: val.id, key, value, now },
    })),
  ];
  try {
    await town.storage.batch(statements);
  } catch (error) {
    if (isTaken(error)) throw new HttpError(409, "name_taken", `You already have a val named ${val.name}`);
    throw error;
  }
  return { val, diagnostics: staged.diagnostics };
}

/** Deletes a val with its history and its storage. Contents that other vals also have stay. */
export async function deleteVal(town: Town, val: Val): Promise<void> {
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
    { sql: "DELETE FROM env WHERE val_id = :id", args },
    { sql: "DELETE FROM val WHERE id = :id", args },
    { sql: `DELETE FROM content WHERE hash IN (${orphans})`, args: gone },
    { sql: `DELETE FROM analysis WHERE hash IN (${orphans})`, args: gone },
  ]);
  await town.storage.drop(`val-${val.id}`);
}

export function checkPrivacy(privacy: string): Privacy {
  if (privacy === "public" || privacy === "unlisted" || privacy === "private") return privacy;
  throw badRequest('"privacy" must be public, unlisted or private');
}
