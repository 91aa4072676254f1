/** The first moments of an instance: its tables, and its owner or the way for one to set up an account. */

import type { Storage } from "town:kernel";
import { randomSecret } from "../lib/crypto.ts";
import { first } from "../lib/rows.ts";
import { isSafe, ownOrigin } from "../lib/mount.ts";
import type { Town } from "../lib/town.ts";
import { createAccount } from "./accounts.ts";
import { migrate } from "./schema.ts";
import { addToken } from "./tokens.ts";

// As in schema.ts: once there is an account there is one for as long as this isolate lives.
let settled = false;
let announced = false;

/** Makes the instance ready for requests; free from the second time on. */
export async function boot(town: Town): Promise<void> {
  if (settled) return;
  await migrate(town.storage);
  await rememberOrigin(town);
  if (await hasAccount(town)) {
    settled = true;
    return;
  }
  const { TOWN_OWNER: owner, TOWN_TOKEN: token } = town.env;
  if (typeof owner === "string" && owner !== "" && typeof token === "string" && token !== "") {
    const account = await createAccount(town, { username: owner, role: "owner" });
    await addToken(town, account, { name: "TOWN_TOKEN", scopes: ["*"], secret: token });
    settled = true;
  } else if (!announced) {
    announced = true;
    const setup = await setupToken(town);
    console.log(`town: create the owner account at ${town.arrival.base}/setup?token=${setup}`);
  }
}

/** The origin of this instance in its own eyes, as a URL, for what no request brings about. */
export async function rememberedOrigin(storage: Storage): Promise<string | undefined> {
  return (await first<{ value: string }>(storage, "SELECT value FROM setting WHERE key = 'origin'"))?.value;
}

async function rememberOrigin(town: Town): Promise<void> {
  if (isSafe(town.arrival)) return;
  const origin = `${ownOrigin(town.arrival)}/`;
  if ((await rememberedOrigin(town.storage)) === origin) return;
  const sql = "INSERT INTO setting (key, value) VALUES ('origin', :origin) ON CONFLICT (key) DO UPDATE SET value = :origin";
  await town.storage.execute({ sql, args: { origin } });
}

/** The one-time token of the set-up page; undefined once it was used. */
export async function currentSetupToken(town: Town): Promise<string | undefined> {
  return (await first<{ value: string }>(town.storage, "SELECT value FROM setting WHERE key = 'setup_token'"))?.value;
}

export async function hasAccount(town: Town): Promise<boolean> {
  return (await first(town.storage, "SELECT 1 AS found FROM account LIMIT 1")) !== undefined;
}

/** Kept readable until it is used, so that every start prints the same one. */
async function setupToken(town: Town): Promise<string> {
  const sql = "INSERT OR IGNORE INTO setting (key, value) VALUES ('setup_token', :value)";
  await town.storage.execute({ sql, args: { value: randomSecret() } });
  return (await currentSetupToken(town)) as string;
}
