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
  /** Bytes that one file may have. */
  fileBytes: number;
  /** Bytes that the files of a version may have together, and how many they may be. */
  valBytes: number;
  valFiles: number;
}

type Numbers = Pick<Settings, "logDays" | "fileBytes" | "valBytes" | "valFiles">;
export type SettingsChange = { [Key in keyof Settings]?: (Settings[Key] extends number ? number : string) | undefined };

const MIB = 1024 * 1024;
const DEFAULTS: Settings = {
  title: "Val Town Town", signUp: "closed", logDays: 10, fileBytes: 8 * MIB, valBytes: 64 * MIB, valFiles: 10_000,
};
/**
 * The most that each may be set to. A file is one value of the database, which the kernel bounds; a tree of files is in the
 * memory of the platform while it is saved.
 */
export const MOST: Numbers = { logDays: 365, fileBytes: 8 * MIB, valBytes: 1024 * MIB, valFiles: 100_000 };
export const NUMBERS = Object.keys(MOST) as (keyof Numbers)[];
const SIGN_UPS: readonly string[] = ["open", "invitation", "closed"];
const TITLE_LENGTH_MAX = 64;
// Other settings, such as the one-time token of the set-up page, are nobody's to list.
const PREFIX = "settings.";

export async function readSettings(town: Town): Promise<Settings> {
  const rows = await all<{ key: string; value: string }>(
    town.storage, "SELECT key, value FROM setting WHERE key >= 'settings.' AND key < 'settings/'",
  );
  const settings: Record<string, string | number> = { ...DEFAULTS };
  for (const { key, value } of rows) {
    const name = key.slice(PREFIX.length);
    settings[name] = typeof settings[name] === "number" ? Number(value) : value;
  }
  return settings as unknown as Settings;
}

export async function changeSettings(town: Town, change: SettingsChange): Promise<Settings> {
  const { title, signUp } = change;
  if (title !== undefined && (title === "" || title.length > TITLE_LENGTH_MAX)) {
    throw badRequest(`"title" has 1 to ${TITLE_LENGTH_MAX} characters`);
  }
  if (signUp !== undefined && !SIGN_UPS.includes(signUp)) throw badRequest(`"signUp" must be one of ${SIGN_UPS.join(", ")}`);
  for (const name of NUMBERS) {
    const value = change[name];
    if (value !== undefined && !(Number.isInteger(value) && value >= 1 && value <= MOST[name])) {
      throw badRequest(`"${name}" must be a whole number from 1 to ${MOST[name]}`);
    }
  }
  const rows = Object.entries(change).filter(([, value]) => value !== undefined);
  await town.storage.execute({
    sql: `INSERT INTO setting (key, value) SELECT '${PREFIX}' || (value ->> 0), value ->> 1 FROM json_each(:rows) WHERE true
          ON CONFLICT (key) DO UPDATE SET value = excluded.value`,
    args: { rows: JSON.stringify(rows) },
  });
  return readSettings(town);
}
