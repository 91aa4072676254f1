/** Vals: making, finding, listing and changing them. What is in them is files.ts; who may is access.ts. */

import type { Statement } from "town:kernel";
import { uuid } from "../lib/crypto.ts";
import { badRequest, HttpError } from "../lib/http.ts";
import { all, first, isTaken, type Arguments } from "../lib/rows.ts";
import { noteSaved, type Town } from "../lib/town.ts";
import type { Privacy } from "./access.ts";
import { checkImageUrl, type Account } from "./accounts.ts";
import type { Diagnostic } from "../modules/analysis.ts";
import { variableStatements } from "./environment.ts";
import type { Tree } from "./files.ts";
import { checkDescription, checkValName } from "./names.ts";
import { indexVal } from "./search.ts";
import { described, isStandard, standardVal, standardValById, standardVals } from "./standard.ts";
import { stage } from "./versions.ts";

/** A val as it is on one of its branches, which is `main` unless told, with its author's name. */
export interface Val {
  id: string;
  name: string;
  privacy: Privacy;
  description: string | null;
  image_url: string | null;
  owner_id: string;
  username: string;
  branch_id: string;
  /** The name of that branch. */
  branch: string;
  version: number;
  env_revision: number;
  created_at: number;
  updated_at: number;
  /** The id of the val it was copied from. */
  remixed_from: string | null;
}

/** Where to go on in a list: after the val made then, with that id. */
export interface Position {
  createdAt: number;
  id: string;
}

const COLUMNS = `v.id, v.name, v.privacy, v.description, v.image_url, v.owner_id, a.username, b.id AS branch_id, b.name AS branch,
  b.version, v.env_revision, v.created_at, b.updated_at, v.remixed_from`;
/** Vals `v` on their branch `main`. */
export const VAL = `SELECT ${COLUMNS} FROM val v JOIN account a ON a.id = v.owner_id JOIN branch b ON b.id = v.branch_id`;
const VAL_ON_BRANCH = `SELECT ${COLUMNS} FROM branch b JOIN val v ON v.id = b.val_id JOIN account a ON a.id = v.owner_id`;

export async function findVal(town: Town, id: string): Promise<Val | undefined> {
  return (await first<Val>(town.storage, `${VAL} WHERE v.id = :id`, { id })) ?? standardValById(town, id);
}

/** A val as it is on a branch of it, by the branch's id. */
export async function findValOnBranch(town: Town, id: string, branchId: string): Promise<Val | undefined> {
  const found = await first<Val>(town.storage, `${VAL_ON_BRANCH} WHERE b.id = :branch_id AND b.val_id = :id`, { id, branch_id: branchId });
  if (found !== undefined) return found;
  const standard = await standardValById(town, id);
  return standard?.branch_id === branchId ? standard : undefined;
}

/** A val as it is on a branch of it, by the branch's name. */
export async function findValOnBranchNamed(town: Town, id: string, branch: string): Promise<Val | undefined> {
  return first<Val>(town.storage, `${VAL_ON_BRANCH} WHERE b.val_id = :id AND b.name = :branch`, { id, branch });
}

/** A val by its author and name, or by a name that it had: then its `name` is another than the one asked for. */
export async function findValByName(town: Town, username: string, name: string): Promise<Val | undefined> {
  const args = { username, name };
  const found = await first<Val>(town.storage, `${VAL} WHERE a.username = :username AND v.name = :name`, args);
  return found ?? (await first<Val>(town.storage, `${VAL} WHERE v.id = (${FORMER})`, args)) ?? standardVal(town, username, name);
}

/** The id of the val that had a name, in SQL. */
export const FORMER = `SELECT n.val_id FROM account o JOIN former_name n ON n.owner_id = o.id
  WHERE o.username = :username AND n.name = :name`;

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
  if (wish.owner !== undefined && isStandard({ owner_id: wish.owner })) return listStandard(town, wish);
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

async function listStandard(town: Town, { limit, offset = 0, privacy = "public", after }: ListWish): Promise<Val[]> {
  const vals = privacy === "public" ? await standardVals(town) : [];
  const start = after === undefined ? offset : vals.findIndex((val) => val.id === after.id) + 1;
  return Promise.all(vals.slice(start, start + limit).map((val) => described(town, val)));
}

export interface ValWish {
  name: string;
  privacy: Privacy;
  description: string | null;
  tree: Tree;
  env?: Record<string, string>;
  /** The val whose files these are a copy of. */
  remixedFrom?: string;
}

/** Makes a val whose version 0 has the files given. All or nothing. */
export async function createVal(
  town: Town,
  owner: Account,
  wish: ValWish,
): Promise<{ val: Val; diagnostics: Diagnostic[] }> {
  const now = Date.now();
  const val: Val = {
    id: uuid(), name: wish.name, privacy: wish.privacy, description: wish.description, image_url: null,
    owner_id: owner.id, username: owner.username, branch_id: uuid(), branch: "main", version: 0, env_revision: 0,
    created_at: now, updated_at: now, remixed_from: wish.remixedFrom ?? null,
  };
  const staged = await stage(town, val, new Map(), wish.tree, { number: 0, authorId: owner.id, message: null, now });
  const statements: Statement[] = [
    {
      sql: `INSERT INTO val (id, owner_id, name, privacy, description, branch_id, created_at, remixed_from)
            VALUES (:id, :owner_id, :name, :privacy, :description, :branch_id, :now, :remixed_from)`,
      args: {
        id: val.id, owner_id: owner.id, name: val.name, privacy: val.privacy, description: val.description,
        branch_id: val.branch_id, now, remixed_from: val.remixed_from,
      },
    },
    {
      sql: `INSERT INTO branch (id, val_id, name, version, created_at, updated_at) VALUES (:id, :val_id, 'main', 0, :now, :now)`,
      args: { id: val.branch_id, val_id: val.id, now },
    },
    forgetFormerName(owner.id, val.name),
    ...staged.statements,
    ...indexVal(val.id),
    ...await variableStatements(town, val.id, wish.env ?? {}, now),
  ];
  try {
    await town.storage.batch(statements);
  } catch (error) {
    if (isTaken(error)) throw valNameTaken(val.name);
    throw error;
  }
  noteSaved(town, val);
  return { val, diagnostics: staged.diagnostics };
}

export interface ValChange {
  name?: string | undefined;
  privacy?: string | undefined;
  /** Null removes what was there. */
  description?: string | null | undefined;
  imageUrl?: string | null | undefined;
}

/** Changes what is said about a val. Its former name leads to it until another val takes that. */
export async function changeVal(town: Town, val: Val, change: ValChange): Promise<Val> {
  const { name = val.name, privacy = val.privacy, description = val.description, imageUrl = val.image_url } = change;
  const changed: Val = {
    ...val, name: checkValName(name), privacy: checkPrivacy(privacy), description: checkDescription(description ?? undefined),
    image_url: checkImageUrl(imageUrl),
  };
  const args = { id: val.id, owner_id: val.owner_id };
  const statements: Statement[] = [{
    sql: "UPDATE val SET name = :name, privacy = :privacy, description = :description, image_url = :image_url WHERE id = :id",
    args: { id: val.id, name, privacy, description: changed.description, image_url: changed.image_url },
  }];
  if (name.toLowerCase() !== val.name.toLowerCase()) {
    statements.push(forgetFormerName(val.owner_id, name), {
      sql: "INSERT OR REPLACE INTO former_name (owner_id, name, val_id) VALUES (:owner_id, :name, :id)",
      args: { ...args, name: val.name },
    });
  }
  try {
    await town.storage.batch([...statements, ...indexVal(val.id)]);
  } catch (error) {
    if (isTaken(error)) throw valNameTaken(name);
    throw error;
  }
  return changed;
}

export function valNameTaken(name: string): HttpError {
  return new HttpError(409, "name_taken", `You already have a val named ${name}; that name is taken`);
}

export function forgetFormerName(ownerId: string, name: string): Statement {
  return { sql: "DELETE FROM former_name WHERE owner_id = :owner_id AND name = :name", args: { owner_id: ownerId, name } };
}

export function checkPrivacy(privacy: string): Privacy {
  if (privacy === "public" || privacy === "unlisted" || privacy === "private") return privacy;
  throw badRequest('"privacy" must be public, unlisted or private');
}
