/** Environment variables of a val. A change makes its programs new ones at the next request. */

import { badRequest, HttpError, notFound } from "../lib/http.ts";
import { all, first, isTaken } from "../lib/rows.ts";
import type { Town } from "../lib/town.ts";
import type { Val } from "./vals.ts";

const KEY = /^[A-Za-z_][A-Za-z0-9_]{0,255}$/;
const VALUE_LENGTH_MAX = 8192;
const DESCRIPTION_LENGTH_MAX = 1024;

export interface Variable {
  key: string;
  description: string | null;
  created_at: number;
  updated_at: number;
}

const VARIABLE = "SELECT key, description, created_at, updated_at FROM env WHERE val_id = :val_id";
const REVISE = "UPDATE val SET env_revision = env_revision + 1 WHERE id = :val_id";

export async function listVariables(town: Town, val: Val, wish: { limit: number; offset: number }): Promise<Variable[]> {
  return all<Variable>(town.storage, `${VARIABLE} ORDER BY key LIMIT :limit OFFSET :offset`, { val_id: val.id, ...wish });
}

export async function addVariable(town: Town, val: Val, wish: { key: string; value: string; description?: string | undefined }): Promise<Variable> {
  if (!KEY.test(wish.key)) throw badRequest("A key is letters, digits and _ and does not begin with a digit");
  checkTexts(wish);
  try {
    await town.storage.batch([
      {
        sql: `INSERT INTO env (val_id, key, value, description, created_at, updated_at)
              VALUES (:val_id, :key, :value, :description, :now, :now)`,
        args: { val_id: val.id, key: wish.key, value: wish.value, description: wish.description ?? null, now: Date.now() },
      },
      { sql: REVISE, args: { val_id: val.id } },
    ]);
  } catch (error) {
    if (isTaken(error)) throw new HttpError(409, "name_taken", `There already is a variable ${wish.key}`);
    throw error;
  }
  return find(town, val, wish.key);
}

export async function changeVariable(town: Town, val: Val, wish: { key: string; value: string; description?: string | undefined }): Promise<Variable> {
  checkTexts(wish);
  await find(town, val, wish.key);
  await town.storage.batch([
    {
      sql: `UPDATE env SET value = :value, description = coalesce(:description, description), updated_at = :now
            WHERE val_id = :val_id AND key = :key`,
      args: { val_id: val.id, key: wish.key, value: wish.value, description: wish.description ?? null, now: Date.now() },
    },
    { sql: REVISE, args: { val_id: val.id } },
  ]);
  return find(town, val, wish.key);
}

export async function removeVariable(town: Town, val: Val, key: string): Promise<void> {
  await find(town, val, key);
  await town.storage.batch([
    { sql: "DELETE FROM env WHERE val_id = :val_id AND key = :key", args: { val_id: val.id, key } },
    { sql: REVISE, args: { val_id: val.id } },
  ]);
}

async function find(town: Town, val: Val, key: string): Promise<Variable> {
  const variable = await first<Variable>(town.storage, `${VARIABLE} AND key = :key`, { val_id: val.id, key });
  if (variable === undefined) throw notFound("Environment variable");
  return variable;
}

function checkTexts(wish: { value: string; description?: string | undefined }): void {
  if (wish.value.length > VALUE_LENGTH_MAX) throw badRequest(`A value has at most ${VALUE_LENGTH_MAX} characters`);
  if ((wish.description ?? "").length > DESCRIPTION_LENGTH_MAX) {
    throw badRequest(`A description has at most ${DESCRIPTION_LENGTH_MAX} characters`);
  }
}
