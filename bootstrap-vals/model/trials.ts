/**
 * Trials: towns inside this one that run the platform with a val's files in the place of the image's, and are thrown
 * away again: by a call, or when their time is over.
 */

import type { FileChange } from "town:kernel";
import { randomSecret } from "../lib/crypto.ts";
import { all, first } from "../lib/rows.ts";
import type { Town } from "../lib/town.ts";
import { endpointOfVal } from "../run/endpoint.ts";
import { isolateOf } from "../run/program.ts";
import type { Account } from "./accounts.ts";
import { storageName } from "./alarms.ts";
import { deleteVal, destroyVal, findDeletedVal } from "./deletion.ts";
import { addFile, type Entry, type Tree } from "./files.ts";
import { seed } from "./seeding.ts";
import { fillFromHere } from "./snapshots.ts";
import { checksOf, Refusal, refusal, type Cause } from "./system.ts";
import { createVal, findVal, findValByName, type Val } from "./vals.ts";

const HOURS = 24;
// Leaves room for a number.
const NAME_LENGTH_MAX = 42;
// A host's label has 63 characters, the author's name before it included.
const HIDDEN_LENGTH = 20;
const HIDDEN_STEM_LENGTH_MAX = 16;
/** The whole program of a town: the platform's own, on the val's storage. */
const TOWN_SOURCE = 'export { default } from "town:system/main.ts";\n';

export interface Trial {
  val: Val;
  tree: Tree;
  main: Entry;
  token: string;
  expiresAt: number;
}

export interface TrialRow {
  val_id: string;
  of_id: string;
  version: number;
  expires_at: number;
  snapshot: 0 | 1;
}

/** What is tried. */
export interface Attempt {
  of: Val;
  version: number;
  changes: FileChange[];
  cause: Cause;
  /** On a copy of this town's data, for its owner. */
  snapshot: boolean;
}

/** Makes a town with these changes, if with them its sign of life and its sign-in page answer. */
export async function tryOut(town: Town, owner: Account, attempt: Attempt): Promise<Trial> {
  const { of, version, changes, cause, snapshot } = attempt;
  await sweepTrials(town);
  const tree: Tree = new Map();
  const main = await addFile(tree, "main.ts", "http", TOWN_SOURCE);
  const token = `town_${randomSecret()}`;
  const { val } = await createVal(town, owner, {
    name: await freeName(town, owner, of, snapshot), privacy: "unlisted", description: `Tries version ${version} of ${of.name}`.slice(0, 64), tree,
    env: snapshot ? {} : { TOWN_OWNER: owner.username, TOWN_TOKEN: token },
  });
  const expiresAt = Date.now() + HOURS * 3_600_000;
  await town.storage.execute({
    sql: "INSERT INTO trial (val_id, of_id, version, expires_at, snapshot) VALUES (:val_id, :of_id, :version, :expires_at, :snapshot)",
    args: { val_id: val.id, of_id: of.id, version, expires_at: expiresAt, snapshot },
  });
  await setNextSweep(town);
  try {
    if (snapshot) await fillFromHere(town, val.id, owner, token);
    await seed(town, storageName(val.id), changes, cause);
    await look(town, val);
  } catch (error) {
    await throwAway(town, val);
    throw refusal(error);
  }
  return { val, tree, main, token, expiresAt };
}

/** Trials of an account, the latest first. */
export async function listTrials(town: Town, ownerId: string): Promise<(TrialRow & { name: string; username: string; of_name: string | null })[]> {
  return all(
    town.storage,
    `SELECT t.val_id, t.of_id, t.version, t.expires_at, t.snapshot, v.name, a.username, o.name AS of_name FROM trial t
     JOIN val v ON v.id = t.val_id JOIN account a ON a.id = v.owner_id LEFT JOIN val o ON o.id = t.of_id
     WHERE v.owner_id = :owner_id ORDER BY t.expires_at DESC LIMIT 50`,
    { owner_id: ownerId },
  );
}

export async function findTrial(town: Town, valId: string): Promise<TrialRow | undefined> {
  return first<TrialRow>(town.storage, "SELECT val_id, of_id, version, expires_at, snapshot FROM trial WHERE val_id = :id", { id: valId });
}

/** Destroys a trial with all its data, now. */
export async function throwAway(town: Town, val: Val): Promise<void> {
  const endpoint = await endpointOfVal(town, val.id);
  if (endpoint !== undefined) await isolateOf(town, endpoint).cancel("The trial is over");
  await deleteVal(town, val);
  await destroyVal(town, await findDeletedVal(town, val.owner_id, val.id));
}

/** Destroys the trials whose time is over, and asks to be called for the next. */
export async function sweepTrials(town: Town): Promise<void> {
  const over = await all<{ val_id: string }>(
    town.storage, "SELECT val_id FROM trial WHERE expires_at <= :now ORDER BY expires_at LIMIT 20", { now: Date.now() },
  );
  for (const { val_id } of over) {
    const val = await findVal(town, val_id);
    if (val !== undefined) await throwAway(town, val);
    // Somebody has deleted it as a val.
    else await town.storage.execute({ sql: "DELETE FROM trial WHERE val_id = :val_id", args: { val_id } });
  }
  if (over.length > 0) await setNextSweep(town);
}

async function setNextSweep(town: Town): Promise<void> {
  const next = await first<{ at: number | null }>(town.storage, "SELECT min(expires_at) AS at FROM trial");
  await town.storage.sub("trials").setAlarm(next?.at == null ? null : new Date(next.at));
}

async function look(town: Town, val: Val): Promise<void> {
  const endpoint = await endpointOfVal(town, val.id);
  if (endpoint === undefined) throw new Refusal("load", "The trial has no address", null);
  const isolate = isolateOf(town, endpoint);
  const { arrival } = town;
  const host = `${endpoint.label}.${arrival.host}`;
  for (const { url } of checksOf({ ...town, arrival: { ...arrival, host, nested: false } })) {
    const response = await isolate.fetch(new Request(url));
    await response.body?.cancel();
    if (response.status >= 400) throw new Refusal("check", `GET ${new URL(url).pathname}: answered ${response.status}`, null);
  }
}

// What may show everybody's data, where the fork has a fault, has an address that nobody guesses.
async function freeName(town: Town, owner: Account, of: Val, hidden: boolean): Promise<string> {
  if (hidden) return `try-${of.name}`.slice(0, HIDDEN_STEM_LENGTH_MAX) + `-${randomSecret().slice(0, HIDDEN_LENGTH)}`;
  const stem = `try-${of.name}`.slice(0, NAME_LENGTH_MAX);
  for (let attempt = 1; ; attempt++) {
    const name = attempt === 1 ? stem : `${stem}-${attempt}`;
    if ((await findValByName(town, owner.username, name)) === undefined) return name;
  }
}
