/** What a run in the language of `@user.val` leaves behind: values assigned to its owner's vals, and mails to its owner. */

import type { Effects, State } from "../lib/at.ts";
import { HttpError } from "../lib/http.ts";
import { all } from "../lib/rows.ts";
import type { Town } from "../lib/town.ts";
import { findAccountById } from "../model/accounts.ts";
import { addFile, changeFile } from "../model/files.ts";
import { send } from "../model/mail.ts";
import { entryOf } from "../model/names.ts";
import { createVal, findValByName } from "../model/vals.ts";
import { save } from "../model/versions.ts";
import { MARK } from "../modules/at.ts";
import { keepReferred, keptValues } from "./data.ts";
import type { Endpoint } from "./endpoint.ts";
import { valuesOfOthers, type Evaluate } from "./others.ts";

const NAME = /^[a-zA-Z][a-zA-Z0-9\-_]{0,47}$/;
// A run that assigns to more is a mistake.
const WRITES_MAX = 100;
const EMAILS_MAX = 10;

// A val that was assigned to is its value, and nothing else.
export const VALUE = /^export default (.*);\n$/s;
const valueOf = (json: string) => `export default ${json};\n`;

const STATE = `SELECT v.name, c.text FROM val v JOIN version_file f ON f.branch_id = v.branch_id AND f.until IS NULL AND f.path = 'main.ts'
  JOIN content c ON c.hash = f.hash WHERE v.owner_id = :owner_id AND c.text LIKE 'export default %' ORDER BY v.name LIMIT 1000`;

/**
 * What data vals are, of the owner and of others that the program refers to, and the values of those that were assigned to:
 * newer than those the program was closed with. `evaluate` finds out what those of others are that never ran.
 */
export async function stateOf(town: Town, endpoint: Endpoint, evaluate: Evaluate): Promise<State> {
  if (!endpoint.exports.includes(MARK)) return { own: {}, others: {} };
  const state = await keptValues(town, endpoint.owner_id);
  for (const { name, text } of await all<{ name: string; text: string }>(town.storage, STATE, { owner_id: endpoint.owner_id })) {
    const json = VALUE.exec(text)?.[1];
    if (json !== undefined && isJson(json)) state[name] = json;
  }
  const own = Object.fromEntries(Object.entries(state).map(([name, json]) => [`${endpoint.username}.${name}`, json]));
  return { own, others: await valuesOfOthers(town, endpoint, evaluate) };
}

/** Writes and sends. A val that is not there is made, private. */
export async function carryOut(town: Town, endpoint: Endpoint, effects: Effects): Promise<void> {
  const writes = Object.entries(effects.writes);
  if (writes.length > WRITES_MAX) throw new HttpError(502, "exception", `A run may assign to ${WRITES_MAX} vals`);
  const owner = await findAccountById(town, endpoint.owner_id);
  if (owner === undefined) return;
  for (const [name, json] of writes) {
    if (!NAME.test(name) || !isJson(json)) throw new HttpError(502, "exception", `${name} cannot be the name of a val`);
    const val = await findValByName(town, owner.username, name);
    if (val === undefined) {
      const tree = new Map();
      await addFile(tree, "main.ts", "script", valueOf(json));
      await createVal(town, owner, { name, privacy: "private", description: null, tree });
      continue;
    }
    await save(town, val, owner.id, async (tree) => {
      const entry = entryOf(tree.values());
      if (entry === undefined) await addFile(tree, "main.ts", "script", valueOf(json));
      else await changeFile(tree, entry.path, { content: valueOf(json) });
    });
  }
  await keepReferred(town, endpoint, effects.values);
  for (const message of effects.emails.slice(0, EMAILS_MAX)) {
    const { html, text, subject, replyTo } = message;
    await send(town, { account: owner, valId: endpoint.val_id }, { html, text, subject: subject ?? `Message from ${endpoint.username}.${endpoint.name}`, replyTo });
  }
}

export function isJson(text: string): boolean {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}
