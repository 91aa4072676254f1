/**
 * Towns inside this one, as their host has them: made, watched, limited, suspended and copied. A town is a val whose
 * program is a town; what is in it is its own, and nothing here looks into it.
 */

import type { Limits, Statement } from "town:kernel";
import { badRequest, HttpError } from "../lib/http.ts";
import { all, first } from "../lib/rows.ts";
import { openSecret } from "../lib/passphrase.ts";
import type { Town } from "../lib/town.ts";
import type { Account } from "./accounts.ts";
import { releaseAlarms, storageName } from "./alarms.ts";
import { worded } from "./copying.ts";
import { revise, secretOfInstance, setVariables } from "./environment.ts";
import { addFile, type Tree } from "./files.ts";
import { deleteVal, destroyVal, findDeletedVal } from "./deletion.ts";
import { logsOf } from "./runs.ts";
import { createVal, VAL, type Val, type ValWish } from "./vals.ts";

/** What a host grants a town at most; what is not said is as this town has it. */
export type InstanceLimits = Limits & { depth?: number };

export interface Instance {
  val: Val;
  suspended_at: number | null;
  limits: InstanceLimits;
  /** The owner of this town has set them, so the town's author cannot. */
  limited_by_owner: boolean;
}

export interface InstanceUsage {
  storageBytes: number;
  storageBytesMax: number;
  isolates: number;
  /** Since its program was started last, with all below it. */
  runs: number;
  cpuMs: number;
  /** Requests and alarms in the records that are kept, and the last of them. */
  runsKept: number;
  lastActivityAt: number | null;
}

export const LIMIT_NAMES: (keyof InstanceLimits)[] = [
  "deadlineMs", "cpuMs", "stallMs", "memoryMb", "bodyBytes", "logBytes", "requestsOpen", "isolates", "storageBytes", "depth",
];
const DEPTH_MAX = 32;
// What is in the index for a val: enough to tell, without a look at every record there is.
const RUNS_COUNTED_MAX = 10_000;
/** The whole program of a town: the platform's own, on the val's storage. */
export const TOWN_SOURCE = 'export { default } from "town:system/main.ts";\n';

/** Of a val `v` and what is known of it as a town, `i`. */
export const IS_TOWN = `(i.val_id IS NOT NULL OR EXISTS (
  SELECT 1 FROM version_file f JOIN analysis n ON n.hash = f.hash AND n.dialect = f.dialect
  WHERE f.branch_id = v.branch_id AND f.until IS NULL AND f.type = 'http' AND instr(n.imports, '"town:system/main.ts"') > 0))`;
/** The ids of all of them, by the few contents that a town begins with and not by a look at every val. */
const TOWN_IDS = `SELECT val_id FROM instance UNION SELECT b.val_id FROM analysis n INDEXED BY analysis_town
  CROSS JOIN version_file f ON f.hash = n.hash AND f.dialect = n.dialect AND f.until IS NULL AND f.type = 'http'
  JOIN branch b ON b.id = f.branch_id JOIN val v ON v.id = b.val_id AND +v.branch_id = b.id
  WHERE instr(n.imports, '"town:system/main.ts"') > 0`;
const INSTANCE = VAL.replace(" FROM val v ", ", i.suspended_at, i.limits, i.limited_by_owner FROM val v LEFT JOIN instance i ON i.val_id = v.id ");

type Row = Val & { suspended_at: number | null; limits: string | null; limited_by_owner: 0 | 1 | null };

/** The towns of an account, or all there are; newest first. */
export async function listInstances(town: Town, wish: { owner?: string; offset: number; limit: number }): Promise<Instance[]> {
  const { owner, ...range } = wish;
  const whose = owner === undefined ? "" : "AND v.owner_id = :owner";
  const sql = `${INSTANCE} WHERE v.id IN (${TOWN_IDS}) ${whose} ORDER BY v.created_at DESC, v.id LIMIT :limit OFFSET :offset`;
  const rows = await all<Row>(town.storage, sql, owner === undefined ? range : { owner, ...range });
  return rows.map(instanceOf);
}

/** A town by its val's id. */
export async function findInstance(town: Town, valId: string): Promise<Instance | undefined> {
  const row = await first<Row>(town.storage, `${INSTANCE} WHERE v.id = :id AND ${IS_TOWN}`, { id: valId });
  return row && instanceOf(row);
}

function instanceOf({ suspended_at, limits, limited_by_owner, ...val }: Row): Instance {
  return { val, suspended_at, limits: JSON.parse(limits ?? "{}") as InstanceLimits, limited_by_owner: limited_by_owner === 1 };
}

// ---- Making -----------------------------------------------------------------------------------------

export interface InstanceWish extends Omit<ValWish, "tree"> {
  /** Its files; the platform's own program unless told. */
  tree?: Tree;
  suspended?: boolean;
  limits?: InstanceLimits;
}

/** Makes a val that is a town. Its data is empty, or made by `fill` before anybody can see it. */
export async function createInstance(town: Town, owner: Account, wish: InstanceWish, fill?: (name: string) => Promise<Record<string, string>>) {
  const { suspended = false, limits = {}, tree: given, ...rest } = wish;
  const tree: Tree = given ?? new Map();
  if (given === undefined) await addFile(tree, "main.ts", "http", TOWN_SOURCE);
  const made = await createVal(town, owner, { ...rest, tree });
  const { val } = made;
  try {
    // Held until it is whole: alarms that come with the data are not for a half of it.
    await keep(town, val.id, { suspended: true, limits });
    const env = (await fill?.(storageName(val.id))) ?? {};
    await setVariables(town, val, Object.entries(env).map(([key, value]) => ({ key, value })));
    if (!suspended) await resume(town, val.id);
  } catch (error) {
    // It never was there.
    await deleteVal(town, val);
    await destroyVal(town, await findDeletedVal(town, owner.id, val.id));
    throw error;
  }
  return { ...made, tree };
}

/** Fills a new town from an archive. The words open the secret that came with it. */
export function fromArchive(town: Town, archive: Request, passphrase: string | undefined) {
  return async (name: string): Promise<Record<string, string>> => {
    let note: string | null;
    try {
      ({ note } = await town.storage.import(name, archive));
    } catch (error) {
      throw worded(error);
    }
    const secret = await openSecret(note, passphrase);
    return secret === undefined ? {} : { TOWN_SECRET: secret };
  };
}

/** Fills a new town with a copy of another, which goes on meanwhile. */
export function fromInstance(town: Town, original: Val) {
  return async (name: string): Promise<Record<string, string>> => {
    await town.storage.copy(name, town.storage.sub(storageName(original.id))).catch((error) => {
      throw worded(error);
    });
    return { TOWN_SECRET: await secretOfInstance(town, original.id) };
  };
}

// ---- Watching ---------------------------------------------------------------------------------------

/** What a town uses, as its host may know it. `programId`: what its program is known by. */
export async function usageOf(town: Town, instance: Instance, programId: string | undefined): Promise<InstanceUsage> {
  const { id } = instance.val;
  const noProgram = () => Promise.reject(new Error("It is only asked what it uses"));
  const [storage, spent, kept] = await Promise.all([
    town.storage.sub(storageName(id)).usage(),
    programId === undefined ? undefined : town.loader.get(programId, noProgram).usage(),
    first<{ runs: number; last: number | null }>(
      await logsOf(town),
      `SELECT count(*) AS runs, max(ended_at) AS last FROM (
        SELECT ended_at FROM run WHERE val_id = :id ORDER BY position DESC LIMIT :limit)`,
      { id, limit: RUNS_COUNTED_MAX },
    ),
  ]);
  return {
    storageBytes: storage.bytes + storage.bytesBelow,
    storageBytesMax: Math.min(storage.bytesMax, instance.limits.storageBytes ?? Infinity),
    isolates: spent?.isolates ?? 0, runs: spent?.runs ?? 0, cpuMs: spent?.cpuMs ?? 0,
    runsKept: kept?.runs ?? 0, lastActivityAt: kept?.last ?? null,
  };
}

// ---- Changing ---------------------------------------------------------------------------------------

/** Sets what a town may use. Its program is another one from the next request on. */
export async function limitInstance(town: Town, instance: Instance, limits: unknown, byOwner: boolean): Promise<void> {
  if (instance.limited_by_owner && !byOwner) throw new HttpError(403, "forbidden", "The owner of this town has set the limits");
  await keep(town, instance.val.id, { limits: checkLimits(limits), byOwner });
}

/** Nobody is served and no alarm comes until `resume`; everything is kept. */
export async function suspend(town: Town, instance: Instance, programId: string | undefined): Promise<void> {
  await keep(town, instance.val.id, { suspended: true });
  if (programId !== undefined) await town.loader.get(programId, () => Promise.reject(new Error("It is suspended"))).cancel("Suspended by its host");
}

/** Serves again, and delivers the alarms that came meanwhile. */
export async function resume(town: Town, valId: string): Promise<void> {
  await keep(town, valId, { suspended: false });
  await releaseAlarms(town, valId);
}

async function keep(town: Town, valId: string, change: { suspended?: boolean; limits?: InstanceLimits; byOwner?: boolean }): Promise<void> {
  const now = Date.now();
  const statements: Statement[] = [{ sql: "INSERT OR IGNORE INTO instance (val_id) VALUES (:id)", args: { id: valId } }];
  if (change.suspended !== undefined) {
    const suspended_at = change.suspended ? now : null;
    statements.push({ sql: "UPDATE instance SET suspended_at = :suspended_at WHERE val_id = :id", args: { id: valId, suspended_at } });
  }
  if (change.limits !== undefined) {
    statements.push({
      sql: "UPDATE instance SET limits = :limits, limited_by_owner = :by WHERE val_id = :id",
      args: { id: valId, limits: JSON.stringify(change.limits), by: change.byOwner ?? false },
    }, revise(valId));
  }
  await town.storage.batch(statements);
}

export function checkLimits(limits: unknown): InstanceLimits {
  if (limits === null || limits === undefined) return {};
  if (typeof limits !== "object" || Array.isArray(limits)) throw badRequest('"limits" must be an object');
  const checked: InstanceLimits = {};
  for (const [name, value] of Object.entries(limits)) {
    if (!LIMIT_NAMES.includes(name as keyof InstanceLimits)) throw badRequest(`There is no limit "${name}": there are ${LIMIT_NAMES.join(", ")}`);
    if (value === null) continue;
    const least = name === "depth" ? 0 : 1;
    if (!Number.isSafeInteger(value) || (value as number) < least) throw badRequest(`The limit "${name}" must be a whole number from ${least}`);
    checked[name as keyof InstanceLimits] = name === "depth" ? Math.min(value as number, DEPTH_MAX) : (value as number);
  }
  return checked;
}
