/**
 * What a trial on a copy of this town's data has, and what not: all that people have made, and nothing by which it could
 * act for them or be taken for this town. It knows nobody's password or token, no variable and no relay; nothing in it is
 * due, its towns sleep, and it reaches nobody but itself.
 */

import type { Outbound } from "town:kernel";
import { all, first } from "../lib/rows.ts";
import type { Town } from "../lib/town.ts";
import type { Account } from "./accounts.ts";
import { storageName } from "./alarms.ts";
import { worded } from "./copying.ts";
import { pauseAll } from "./cron.ts";
import { IS_TOWN } from "./instances.ts";
import { createToken } from "./tokens.ts";

/** Records of runs, mail sent and received, and the clock of the trials: none of it is about the platform. */
const LEFT_OUT = ["logs", "mail", "trials"];

/** Who could sign in, for whom vals could act, what was about to happen. */
const FORGOTTEN = [
  "DELETE FROM session", "DELETE FROM token", "DELETE FROM invitation", "UPDATE account SET password = NULL", "DELETE FROM env",
  // Keys, the relay, the address of this town; what its owner has set stays.
  "DELETE FROM setting WHERE key < 'settings.' OR key >= 'settings/'",
  "DELETE FROM held_alarm", "DELETE FROM deleted_val", "DELETE FROM val WHERE id IN (SELECT val_id FROM trial)", "DELETE FROM trial",
];

/** Fills a trial that has no data yet with a copy of this town, in which the token is its owner's. */
export async function fillFromHere(town: Town, valId: string, owner: Account, token: string): Promise<void> {
  const name = storageName(valId);
  const towns = await all<{ id: string }>(
    town.storage, `SELECT v.id FROM val v LEFT JOIN instance i ON i.val_id = v.id WHERE ${IS_TOWN} UNION ALL SELECT id FROM deleted_val`,
  );
  const ids = towns.map(({ id }) => id);
  const selection = { without: [...LEFT_OUT, ...ids.map(storageName)], silent: true };
  await town.storage.copy(name, town.storage, selection).catch((error) => {
    throw worded(error);
  });
  const storage = town.storage.sub(name);
  await storage.batch([
    ...FORGOTTEN,
    {
      sql: `INSERT INTO instance (val_id, suspended_at) SELECT value, :now FROM json_each(:towns) WHERE value IN (SELECT id FROM val)
            ON CONFLICT (val_id) DO UPDATE SET suspended_at = :now`,
      args: { now: Date.now(), towns: JSON.stringify(ids) },
    },
  ]);
  await pauseAll(storage.sub("cron"));
  await createToken({ ...town, storage }, owner, { name: "TOWN_TOKEN", scopes: ["*"], secret: token });
}

/** What the program of a town inside this one may reach: a trial on a copy, nobody but itself and its vals. */
export async function outboundOf(town: Town, valId: string, host: string): Promise<Outbound> {
  const sql = "SELECT 1 AS found FROM trial WHERE val_id = :id AND snapshot = 1";
  const name = host.replace(/:\d+$/, "");
  // Private addresses only where the operator of the whole town allows them.
  if ((await first(town.storage, sql, { id: valId })) === undefined) return { private: true };
  return { private: true, hosts: [name, `*.${name}`] };
}
