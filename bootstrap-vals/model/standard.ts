/**
 * The user `std`: the standard library as vals that one reads, links to and copies like anybody's. They are the folders of
 * `std/` in the image, with what this town overrides of it, so nothing of them is in the database.
 */

import { sha256 } from "../lib/crypto.ts";
import { first } from "../lib/rows.ts";
import type { Town } from "../lib/town.ts";
import type { Account } from "./accounts.ts";
import type { Branch } from "./branches.ts";
import type { Data, Entry, Tree } from "./files.ts";
import { readFolder } from "./templates.ts";
import type { Val } from "./vals.ts";

const USERNAME = "std";
const FOLDER = "std/";
// Ids are made of names, so that they stay: UUIDs of version 8, which leaves their digits to whoever makes them.
const ID = "57d00000-0000-8000-8000-";
const ID_DIGITS = 12;
const MAINS = ["global.ts", "index.ts", "main.ts", "cron.ts", "backend/index.ts"];
// As of any val, so that a copy can have the same.
const DESCRIPTION_LENGTH_MAX = 64;
const ACCOUNT_ID = `${ID}${"0".repeat(ID_DIGITS)}`;

export function isStandard(val: { owner_id: string }): boolean {
  return val.owner_id === ACCOUNT_ID;
}

/** The account that is nobody's, by its name. */
export async function standardAccount(town: Town, username: string): Promise<Account | undefined> {
  if (username.toLowerCase() !== USERNAME) return undefined;
  const bio = "The standard library, and vals to begin with. They are part of this town: its system files.";
  return { id: ACCOUNT_ID, username: USERNAME, role: "member", email: null, bio, image_url: null, created_at: await beginning(town) };
}

/** The same by its id. */
export async function standardAccountById(town: Town, id: string): Promise<Account | undefined> {
  return id === ACCOUNT_ID ? standardAccount(town, USERNAME) : undefined;
}

/** All vals of the user `std`. */
export async function standardVals(town: Town): Promise<Val[]> {
  const paths = (await town.system?.list()) ?? [];
  const names = paths.map(({ path }) => /^std\/([^/]+)\/./.exec(path)?.[1]);
  const since = await beginning(town);
  return Promise.all([...new Set(names)].filter((name) => name !== undefined).map((name) => valNamed(name, since)));
}

/** A val of the user `std` by its name; undefined for another user. */
export async function standardVal(town: Town, username: string, name: string): Promise<Val | undefined> {
  if (username.toLowerCase() !== USERNAME) return undefined;
  return described(town, (await standardVals(town)).find((val) => val.name.toLowerCase() === name.toLowerCase()));
}

/** A val of the user `std` by its id; undefined for any other id. */
export async function standardValById(town: Town, id: string): Promise<Val | undefined> {
  return id.startsWith(ID) ? described(town, (await standardVals(town)).find((val) => val.id === id)) : undefined;
}

/** With the first words of its main file as what it is. */
export async function described<T extends Val | undefined>(town: Town, val: T): Promise<T> {
  if (val === undefined) return val;
  const folder = `${FOLDER}${val.name}/`;
  const paths = ((await town.system?.list()) ?? []).map(({ path }) => path).filter((path) => path.startsWith(folder));
  const main = MAINS.map((name) => folder + name).find((path) => paths.includes(path));
  const source = main === undefined ? undefined : (await town.system?.read(main))?.source;
  const found = /^\/\*\*\s*(?:\*\s*)?(?:`[^`]*`: )?([^\n]*)/.exec(String(source))?.[1]?.replace(/\s*\*\/$/, "") ?? "";
  if (found === "") return val;
  const words = `${found[0]?.toUpperCase()}${found.slice(1)}`;
  const whole = words.length <= DESCRIPTION_LENGTH_MAX;
  return { ...val, description: whole ? words.replace(/\.$/, "") : `${words.slice(0, DESCRIPTION_LENGTH_MAX - 1).replace(/\s+\S*$/, "")}…` };
}

/** The one branch that such a val has. */
export function standardBranch(val: Val): Branch {
  const { id, branch_id, branch, version, created_at, updated_at } = val;
  return { id: branch_id, val_id: id, name: branch, version, forked_branch_id: null, created_at, updated_at };
}

export async function standardTree(town: Town, val: Val): Promise<Tree> {
  const tree = await readFolder(town, `${FOLDER}${val.name}/`);
  for (const entry of tree.values()) {
    entry.file_id = await idOf(`${val.name}/${entry.path}`);
    entry.updated_at = val.updated_at;
  }
  return tree;
}

/** A file of the standard library by its id, as `findFile` has others. */
export async function standardFile(town: Town, fileId: string): Promise<{ val_id: string; branch_id: string; path: string } | undefined> {
  const found = fileId.startsWith(ID) ? await search(town, (entry) => entry.file_id === fileId) : undefined;
  return found && { val_id: found.val.id, branch_id: found.val.branch_id, path: found.entry.path };
}

/** A content of the standard library by its hash. */
export async function standardContent(town: Town, hash: string): Promise<Data | undefined> {
  const found = await search(town, (entry) => entry.hash === hash);
  return found?.entry.text ?? found?.entry.bytes;
}

async function search(town: Town, fits: (entry: Entry) => boolean): Promise<{ val: Val; entry: Entry } | undefined> {
  for (const val of await standardVals(town)) {
    for (const entry of (await standardTree(town, val)).values()) if (fits(entry)) return { val, entry };
  }
  return undefined;
}

async function valNamed(name: string, since: number): Promise<Val> {
  return {
    id: await idOf(name), name, privacy: "public", description: null, image_url: null, owner_id: ACCOUNT_ID, username: USERNAME,
    branch_id: await idOf(`${name}@main`), branch: "main", version: 0, env_revision: 0, created_at: since, updated_at: since, remixed_from: null,
  };
}

async function idOf(name: string): Promise<string> {
  return ID + (await sha256(FOLDER + name)).slice(0, ID_DIGITS);
}

/** The library is as old as the town. */
async function beginning(town: Town): Promise<number> {
  return (await first<{ at: number | null }>(town.storage, "SELECT min(created_at) AS at FROM account"))?.at ?? 0;
}
