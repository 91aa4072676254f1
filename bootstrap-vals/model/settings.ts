/** Settings of an instance, changed by its owner. */

import { badRequest } from "../lib/http.ts";
import { all } from "../lib/rows.ts";
import type { Town } from "../lib/town.ts";

export interface Settings {
  /** The name of the town, for its pages. */
  title: string;
  /** Who may make an account: anybody, whoever has an invitation, or nobody but the owner for others. */
  signUp: "open" | "invitation" | "closed";
  /** For how many days records of runs and console lines are kept. */
  logDays: number;
}

const DEFAULTS: Settings = { title: "Val Town Town", signUp: "closed", logDays: 10 };
const SIGN_UPS: readonly string[] = ["open", "invitation", "closed"];
const TITLE_LENGTH_MAX = 64;
const LOG_DAYS_MAX = 365;
// Other settings, such as the one-time token of the set-up page, are nobody's to list.
const PREFIX = "settings.";

export async function readSettings(town: Town): Promise<Settings> {
  const rows = await all<{ key: string; value: string }>(
    town.storage, "SELECT key, value FROM setting WHERE key >= 'settings.' AND key < 'settings/'",
  );
  const stored = Object.fromEntries(rows.map((row) => [row.key.slice(PREFIX.length), row.value]));
  return { ...DEFAULTS, ...stored, logDays: Number(stored.logDays ?? DEFAULTS.logDays) } as Settings;
}

export async function changeSettings(town: Town, change: { title?: string | undefined; signUp?: string | undefined; logDays?: number | undefined }): Promise<Settings> {
  const { title, signUp, logDays } = change;
  if (title !== undefined && (title === "" || title.length > TITLE_LENGTH_MAX)) {
    throw badRequest(`"title" has 1 to ${TITLE_LENGTH_MAX} characters`);
  }
  if (signUp !== undefined && !SIGN_UPS.includes(signUp)) throw badRequest(`"signUp" must be one of ${SIGN_UPS.join(", ")}`);
  if (logDays !== undefined && !(Number.isInteger(logDays) && logDays >= 1 && logDays <= LOG_DAYS_MAX)) {
    throw badRequest(`"logDays" must be a whole number from 1 to ${LOG_DAYS_MAX}`);
  }
  const rows = Object.entries({ title, signUp, logDays }).filter(([, value]) => value !== undefined);
  await town.storage.execute({
    sql: `INSERT INTO setting (key, value) SELECT '${PREFIX}' || (value ->> 0), value ->> 1 FROM json_each(:rows) WHERE true
          ON CONFLICT (key) DO UPDATE SET value = excluded.value`,
    args: { rows: JSON.stringify(rows) },
  });
  return readSettings(town);
}
