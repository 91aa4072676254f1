/** Forks of the platform's files: vals with their text, which remember what each was made from. */

import type { Statement } from "town:kernel";
import { asInVal } from "../lib/imports.ts";
import { badRequest, notFound } from "../lib/http.ts";
import { all, inGroups } from "../lib/rows.ts";
import { systemOf, type Town } from "../lib/town.ts";
import type { Diagnostic } from "../modules/analysis.ts";
import type { Account } from "./accounts.ts";
import { addFile, type Tree } from "./files.ts";
import { checkValName, dialectOf } from "./names.ts";
import { createVal, findValByName, type Val } from "./vals.ts";
import type { Privacy } from "./access.ts";

// Leaves room for a number.
const NAME_LENGTH_MAX = 42;
const DESCRIPTION_LENGTH_MAX = 64;

export interface Base {
  path: string;
  /** The hash of the file in the val when it was forked. */
  hash: string;
  /** The image's text of then; null where the image had none. */
  image: string | null;
}

export interface ForkWish {
  /** Undefined: every file that is text. */
  paths?: string[] | undefined;
  name?: string | undefined;
  privacy?: Privacy | undefined;
}

/** A val with the files as they are in force here, under the same names. */
export async function fork(
  town: Town,
  owner: Account,
  wish: ForkWish,
): Promise<{ val: Val; tree: Tree; diagnostics: Diagnostic[] }> {
  const system = systemOf(town);
  if (wish.paths?.length === 0) throw badRequest("Name at least one file");
  const present = new Set(wish.paths ?? (await system.list()).map(({ path }) => path));
  const tree: Tree = new Map();
  const bases: Base[] = [];
  for (const path of present) {
    const file = await system.read(path);
    if (file === undefined) throw notFound(path);
    if (typeof file.source !== "string") {
      if (wish.paths === undefined) continue;
      throw badRequest(`${path} is no text`);
    }
    const type = dialectOf(path) === null || path.endsWith(".d.ts") ? "file" : "script";
    const entry = await addFile(tree, path, type, asInVal(path, file.source, present));
    bases.push({ path, hash: entry.hash as string, image: file.from === "added" ? null : file.image ?? file.source });
  }
  const name = await freeName(town, owner, wish);
  const about = wish.paths === undefined ? "The platform" : wish.paths.join(", ");
  const { val, diagnostics } = await createVal(town, owner, {
    name, privacy: wish.privacy ?? "public", description: `Fork of ${about}`.slice(0, DESCRIPTION_LENGTH_MAX), tree,
  });
  await town.storage.batch(baseStatements(val.id, bases));
  return { val, tree, diagnostics };
}

/** What the files of a val were forked from, by path. */
export async function readBases(town: Town, val: { id: string }): Promise<Map<string, Base>> {
  const sql = "SELECT path, hash, image FROM fork_base WHERE val_id = :id";
  return new Map((await all<Base>(town.storage, sql, { id: val.id })).map((base) => [base.path, base]));
}

/** Vals of an account that are forks of the platform, the latest first. */
export async function listForks(town: Town, ownerId: string): Promise<{ id: string; username: string; name: string; version: number; files: number }[]> {
  return all(
    town.storage,
    `SELECT v.id, a.username, v.name, b.version, (SELECT count(*) FROM fork_base f WHERE f.val_id = v.id) AS files
     FROM val v JOIN account a ON a.id = v.owner_id JOIN branch b ON b.id = v.branch_id
     WHERE v.owner_id = :owner_id AND EXISTS (SELECT 1 FROM fork_base f WHERE f.val_id = v.id) ORDER BY v.created_at DESC LIMIT 50`,
    { owner_id: ownerId },
  );
}

function baseStatements(valId: string, bases: Base[]): Statement[] {
  return inGroups(
    `INSERT OR REPLACE INTO fork_base (val_id, path, hash, image)
     SELECT :val_id, value ->> 0, value ->> 1, value ->> 2 FROM json_each(:rows)`,
    bases.map(({ path, hash, image }) => [path, hash, image]),
    { val_id: valId },
  );
}

async function freeName(town: Town, owner: Account, wish: ForkWish): Promise<string> {
  if (wish.name !== undefined) return checkValName(wish.name);
  const [only] = wish.paths ?? [];
  const about = only === undefined ? "system" : `fork-${only.replace(/\.[a-z.]+$/, "").replace(/[^a-zA-Z0-9]+/g, "-")}`;
  const stem = checkValName(about.slice(0, NAME_LENGTH_MAX));
  for (let attempt = 1; ; attempt++) {
    const name = attempt === 1 ? stem : `${stem}-${attempt}`;
    if ((await findValByName(town, owner.username, name)) === undefined) return name;
  }
}
