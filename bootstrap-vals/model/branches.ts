/** Branches of a val: lines of versions beside `main`, each a copy of another one when it began. */

import { uuid } from "../lib/crypto.ts";
import { badRequest, HttpError } from "../lib/http.ts";
import { all, first, isTaken } from "../lib/rows.ts";
import type { Town } from "../lib/town.ts";
import { readTree, type Tree } from "./files.ts";
import { isStandard, standardBranch } from "./standard.ts";
import { findValOnBranch, type Val } from "./vals.ts";
import { stage } from "./versions.ts";

export interface Branch {
  id: string;
  val_id: string;
  name: string;
  version: number;
  forked_branch_id: string | null;
  created_at: number;
  updated_at: number;
}

const BRANCH = "SELECT id, val_id, name, version, forked_branch_id, created_at, updated_at FROM branch WHERE val_id = :val_id";
const BRANCH_NAME = /^[a-zA-Z0-9$[\]()\-_.]{1,48}$/;
const BRANCHES_MAX = 100;

/** The branches of a val, oldest first: `main` leads. */
export async function listBranches(town: Town, val: Val, wish: { offset: number; limit: number }): Promise<Branch[]> {
  if (isStandard(val)) return wish.offset === 0 ? [standardBranch(val)] : [];
  const sql = `${BRANCH} ORDER BY created_at, id LIMIT :limit OFFSET :offset`;
  return all<Branch>(town.storage, sql, { val_id: val.id, ...wish });
}

export async function findBranch(town: Town, val: Val, id: string): Promise<Branch | undefined> {
  if (isStandard(val)) return val.branch_id === id ? standardBranch(val) : undefined;
  return first<Branch>(town.storage, `${BRANCH} AND id = :id`, { val_id: val.id, id });
}

/** Begins a branch with the files that `from`, a val on one of its branches, has now. */
export async function createBranch(town: Town, from: Val, authorId: string, name: string): Promise<Val> {
  if (!BRANCH_NAME.test(name)) throw badRequest("A branch's name is 1 to 48 letters, digits and $ [ ] ( ) - _ .");
  const count = await first<{ count: number }>(
    town.storage, "SELECT count(*) AS count FROM branch WHERE val_id = :val_id", { val_id: from.id },
  );
  if ((count?.count ?? 0) >= BRANCHES_MAX) throw new HttpError(409, "too_many", `A val has at most ${BRANCHES_MAX} branches`);
  const now = Date.now();
  const val: Val = { ...from, branch_id: uuid(), branch: name, version: 0, updated_at: now };
  const staged = await stage(town, val, new Map(), copyTree(await readTree(town, from)), {
    number: 0, authorId, message: `Branch of ${from.branch} at version ${from.version}`, now,
  });
  const branch = {
    sql: `INSERT INTO branch (id, val_id, name, version, forked_branch_id, created_at, updated_at)
          VALUES (:id, :val_id, :name, 0, :forked_branch_id, :now, :now)`,
    args: { id: val.branch_id, val_id: val.id, name, forked_branch_id: from.branch_id, now },
  };
  try {
    await town.storage.batch([branch, ...staged.statements]);
  } catch (error) {
    if (isTaken(error)) throw new HttpError(409, "name_taken", `There already is a branch ${name}; that name is taken`);
    throw error;
  }
  return (await findValOnBranch(town, val.id, val.branch_id)) as Val;
}

/** Deletes a branch with its versions. `main` is what a val is, and stays. */
export async function deleteBranch(town: Town, branch: Branch): Promise<void> {
  if (branch.name === "main") throw badRequest("The branch main cannot be deleted");
  const args = { id: branch.id };
  const hashes = await all<{ hash: string }>(
    town.storage, "SELECT DISTINCT hash FROM version_file WHERE branch_id = :id AND hash IS NOT NULL", args,
  );
  const orphans = "SELECT value FROM json_each(:hashes) WHERE NOT EXISTS (SELECT 1 FROM version_file f WHERE f.hash = value)";
  const gone = { hashes: JSON.stringify(hashes.map((row) => row.hash)) };
  await town.storage.batch([
    { sql: "DELETE FROM version_file WHERE branch_id = :id", args },
    { sql: "DELETE FROM version WHERE branch_id = :id", args },
    { sql: "UPDATE branch SET forked_branch_id = NULL WHERE val_id = :val_id AND forked_branch_id = :id", args: { ...args, val_id: branch.val_id } },
    { sql: "DELETE FROM branch WHERE id = :id", args },
    { sql: `DELETE FROM content WHERE hash IN (${orphans})`, args: gone },
    { sql: `DELETE FROM analysis WHERE hash IN (${orphans})`, args: gone },
  ]);
}

/** The same files as new ones: with ids, and so addresses, of their own. */
export function copyTree(tree: Tree): Tree {
  return new Map([...tree].map(([path, entry]) => [path, { ...entry, file_id: uuid() }]));
}
