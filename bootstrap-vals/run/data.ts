/**
 * Data vals of the language of `@user.val`: those that are a value and no function. Theirs is the one of their last run,
 * until they are run or saved again, whatever process refers to them.
 */

import { all, first } from "../lib/rows.ts";
import type { Town } from "../lib/town.ts";
import { specifierOf } from "../modules/at.ts";
import type { Graph } from "../modules/graph.ts";
import type { Endpoint } from "./endpoint.ts";

// They travel with every run that may refer to them.
const VALUE_CHARACTERS_MAX = 16 * 1024;
const VALUES_MAX = 1_000;
const PINNED = /^\/v\/[^/]+\/[^/@]+@(\d+)-main\//;

const KEPT = `SELECT v.name, d.json FROM val v JOIN data_value d ON d.val_id = v.id JOIN branch b ON b.id = v.branch_id
  WHERE v.owner_id = :owner_id AND d.version = b.version AND d.json <> '' ORDER BY v.name LIMIT :limit`;
// The value of another version than the newest is nobody's to be told.
const KEEP = `INSERT INTO data_value (val_id, version, json)
  SELECT v.id, b.version, j.value ->> 2 FROM json_each(:values) j JOIN val v ON v.owner_id = :owner_id AND v.name = j.value ->> 0
  JOIN branch b ON b.id = v.branch_id AND b.version = j.value ->> 1
  WHERE NOT EXISTS (SELECT 1 FROM data_value d WHERE d.val_id = v.id AND d.version = b.version AND d.json = j.value ->> 2)
  ON CONFLICT (val_id) DO UPDATE SET version = excluded.version, json = excluded.json`;

/** What an account's data vals are, as JSON by name. */
export async function keptValues(town: Town, ownerId: string): Promise<Record<string, string>> {
  const rows = await all<{ name: string; json: string }>(town.storage, KEPT, { owner_id: ownerId, limit: VALUES_MAX });
  return Object.fromEntries(rows.map(({ name, json }) => [name, json]));
}

/** Keeps what a program has found the data vals to be that it refers to, which are those of the version it was closed with. */
export async function keepReferred(town: Town, endpoint: Endpoint, values: Record<string, string>): Promise<void> {
  if (Object.keys(values).length === 0) return;
  const row = await first<{ graph: string }>(
    town.storage, "SELECT graph FROM version WHERE branch_id = :branch_id AND number = :version",
    { branch_id: endpoint.branch_id, version: endpoint.version },
  );
  const { modules } = JSON.parse(row?.graph ?? '{"modules":{}}') as Graph;
  const found: [name: string, version: number, json: string][] = [];
  for (const name in values) {
    const specifiers = [specifierOf(`me.${name}`), specifierOf(`${endpoint.username}.${name}`)];
    for (const key in modules) {
      if (!key.startsWith("./") && !key.startsWith(`/v/${endpoint.username}/`)) continue;
      const target = specifiers.map((specifier) => modules[key]?.[5]?.[specifier]).find((one) => one !== undefined);
      const version = PINNED.exec(target ?? "")?.[1];
      if (version === undefined) continue;
      found.push([name, Number(version), values[name] as string]);
      break;
    }
  }
  await keep(town, endpoint.owner_id, found);
}

/** Whether a val's newest version is known to be a value. */
export async function isKept(town: Town, { val_id, version }: Endpoint): Promise<boolean> {
  const args = { val_id, version };
  return (await first(town.storage, "SELECT 1 FROM data_value WHERE val_id = :val_id AND version = :version AND json <> ''", args)) !== undefined;
}

/** Keeps the value of a val that was itself run: "" of one that has none. */
export async function keepRun(town: Town, endpoint: Endpoint, json: string): Promise<void> {
  if (endpoint.branch === "main") await keep(town, endpoint.owner_id, [[endpoint.name, endpoint.version, json]]);
}

async function keep(town: Town, ownerId: string, values: [name: string, version: number, json: string][]): Promise<void> {
  const small = values.filter(([, , json]) => json.length <= VALUE_CHARACTERS_MAX);
  if (small.length > 0) await town.storage.execute({ sql: KEEP, args: { values: JSON.stringify(small), owner_id: ownerId } });
}
