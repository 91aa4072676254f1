/**
 * Environment variables of vals, and of groups that vals of one author share. Values are sealed and never come out but
 * into a program. A change makes the programs it concerns new ones at the next request.
 */

import type { ResultSet, Statement } from "town:kernel";
import { badRequest, HttpError, notFound } from "../lib/http.ts";
import { all, first, isTaken, objects } from "../lib/rows.ts";
import { seal, secretBelow, unseal } from "../lib/seal.ts";
import type { Town } from "../lib/town.ts";

const KEY = /^[A-Za-z_][A-Za-z0-9_]{0,255}$/;
const VALUE_LENGTH_MAX = 8192;
const DESCRIPTION_LENGTH_MAX = 1024;
const VARIABLES_MAX = 500;

/** Whose variables: a val's, or a group's. */
export interface Scope {
  id: string;
}

export interface Variable {
  key: string;
  description: string | null;
  created_at: number;
  updated_at: number;
}

export interface VariableWish {
  key: string;
  value: string;
  description?: string | undefined;
}

const VARIABLE = "SELECT key, description, created_at, updated_at FROM env WHERE scope_id = :scope_id";
// Of the val itself, or of the vals that use the group.
const REVISE = `UPDATE val SET env_revision = env_revision + 1
  WHERE id = :scope_id OR id IN (SELECT val_id FROM env_use WHERE group_id = :scope_id)`;

export async function listVariables(town: Town, scope: Scope, wish: { limit: number; offset: number }): Promise<Variable[]> {
  return all<Variable>(town.storage, `${VARIABLE} ORDER BY key LIMIT :limit OFFSET :offset`, { scope_id: scope.id, ...wish });
}

export async function addVariable(town: Town, scope: Scope, wish: VariableWish): Promise<Variable> {
  try {
    await town.storage.batch([await insert(town, scope.id, wish, Date.now()), revise(scope.id)]);
  } catch (error) {
    if (isTaken(error)) throw new HttpError(409, "name_taken", `There already is a variable ${wish.key}`);
    throw error;
  }
  return find(town, scope, wish.key);
}

export async function changeVariable(town: Town, scope: Scope, wish: VariableWish): Promise<Variable> {
  checkTexts(wish);
  await find(town, scope, wish.key);
  const value = await seal(town, wish.value, contextOf(scope.id, wish.key));
  await town.storage.batch([
    {
      sql: `UPDATE env SET value = :value, description = coalesce(:description, description), updated_at = :now
            WHERE scope_id = :scope_id AND key = :key`,
      args: { scope_id: scope.id, key: wish.key, value, description: wish.description ?? null, now: Date.now() },
    },
    revise(scope.id),
  ]);
  return find(town, scope, wish.key);
}

/** Sets several at once, whether they were there or not; a description that is not given stays as it was. */
export async function setVariables(town: Town, scope: Scope, wishes: VariableWish[]): Promise<void> {
  if (wishes.length > VARIABLES_MAX) throw badRequest(`At most ${VARIABLES_MAX} variables can be set at once`);
  const now = Date.now();
  const statements: Statement[] = [];
  for (const wish of wishes) {
    const { sql, args } = await insert(town, scope.id, wish, now);
    const again = `ON CONFLICT (scope_id, key) DO UPDATE SET value = excluded.value, updated_at = excluded.updated_at,
      description = coalesce(excluded.description, description)`;
    statements.push({ sql: `${sql} ${again}`, args: args! });
  }
  await town.storage.batch([...statements, revise(scope.id)]);
}

export async function removeVariable(town: Town, scope: Scope, key: string): Promise<void> {
  await find(town, scope, key);
  await town.storage.batch([
    { sql: "DELETE FROM env WHERE scope_id = :scope_id AND key = :key", args: { scope_id: scope.id, key } },
    revise(scope.id),
  ]);
}

/** The statements that give a new val its variables. */
export async function variableStatements(town: Town, valId: string, variables: Record<string, string>, now: number): Promise<Statement[]> {
  const statements: Statement[] = [];
  for (const [key, value] of Object.entries(variables)) statements.push(await insert(town, valId, { key, value }, now));
  return statements;
}

const OF_GROUPS = `SELECT e.scope_id, e.key, e.value FROM env_use u JOIN env_group g ON g.id = u.group_id
  JOIN env e ON e.scope_id = g.id WHERE u.val_id = :val_id ORDER BY g.name`;
const OF_VAL = "SELECT scope_id, key, value FROM env WHERE scope_id = :val_id";

/** What reads a val's variables: those of its groups, by their names, and then its own, which stand over them. */
export function variableQueries(valId: string): Statement[] {
  return [OF_GROUPS, OF_VAL].map((sql) => ({ sql, args: { val_id: valId } }));
}

/**
 * What a val's program gets, from what the queries found. A val that is a town gets a secret to seal its own values with,
 * unless its author has set one.
 */
export async function environmentOf(town: Town, valId: string, found: ResultSet[], isTown: boolean): Promise<Record<string, string>> {
  const rows = found.flatMap((result) => objects<{ scope_id: string; key: string; value: string }>(result));
  const environment: Record<string, string> = {};
  for (const { scope_id, key, value } of rows) environment[key] = await unseal(town, value, contextOf(scope_id, key));
  if (isTown) environment.TOWN_SECRET ??= await secretBelow(town, valId);
  return environment;
}

/** The secret of a val that is a town. */
export async function secretOfInstance(town: Town, valId: string): Promise<string> {
  const found = await town.storage.batch(variableQueries(valId), "read");
  return (await environmentOf(town, valId, found, true)).TOWN_SECRET as string;
}

/** The variables in the text of a `.env` file: `KEY=value` lines, with quotes, `export` and comments as one writes them. */
export function parseEnvFile(text: string): Record<string, string> {
  const variables: Record<string, string> = {};
  const line = /^[ \t]*(?:export[ \t]+)?([A-Za-z_]\w*)[ \t]*=[ \t]*(?:"((?:[^"\\]|\\[^])*)"|'([^']*)'|([^\r\n]*?))[ \t]*(?:[ \t]#[^\r\n]*)?$/gm;
  for (const [, key, double, single, bare] of text.matchAll(line)) {
    const unescaped = double?.replace(/\\([^])/g, (_, character: string) => ESCAPES[character] ?? character);
    variables[key as string] = unescaped ?? single ?? (bare as string).replace(/(?:^|[ \t]+)#.*$/, "");
  }
  return variables;
}

const ESCAPES: Record<string, string> = { n: "\n", r: "\r", t: "\t" };

export function revise(scopeId: string): Statement {
  return { sql: REVISE, args: { scope_id: scopeId } };
}

async function insert(town: Town, scopeId: string, wish: VariableWish, now: number): Promise<Statement> {
  if (!KEY.test(wish.key)) throw badRequest("A key is letters, digits and _ and does not begin with a digit");
  checkTexts(wish);
  return {
    sql: `INSERT INTO env (scope_id, key, value, description, created_at, updated_at)
          VALUES (:scope_id, :key, :value, :description, :now, :now)`,
    args: {
      scope_id: scopeId, key: wish.key, value: await seal(town, wish.value, contextOf(scopeId, wish.key)),
      description: wish.description ?? null, now,
    },
  };
}

// A value that is moved to another place in the database does not open there.
function contextOf(scopeId: string, key: string): string {
  return `env ${scopeId} ${key}`;
}

async function find(town: Town, scope: Scope, key: string): Promise<Variable> {
  const variable = await first<Variable>(town.storage, `${VARIABLE} AND key = :key`, { scope_id: scope.id, key });
  if (variable === undefined) throw notFound("Environment variable");
  return variable;
}

function checkTexts(wish: { value: string; description?: string | undefined }): void {
  if (wish.value.length > VALUE_LENGTH_MAX) throw badRequest(`A value has at most ${VALUE_LENGTH_MAX} characters`);
  if ((wish.description ?? "").length > DESCRIPTION_LENGTH_MAX) {
    throw badRequest(`A description has at most ${DESCRIPTION_LENGTH_MAX} characters`);
  }
}
