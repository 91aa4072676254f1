/** Result rows as objects by column name. */

import type { ResultSet, SqlArgument, Statement, Storage } from "town:kernel";

// The kernel bounds one value to 8 MiB of UTF-8, and a character of JSON takes at most three bytes of that.
const GROUP_CHARACTERS_MAX = 2 * 1024 * 1024;

export type Arguments = Record<string, SqlArgument>;

/** Rows of a query. `T` is a promise that the query's author makes about its columns. */
export async function all<T>(storage: Storage, sql: string, args: Arguments = {}): Promise<T[]> {
  return objects<T>(await storage.execute({ sql, args }));
}

export async function first<T>(storage: Storage, sql: string, args: Arguments = {}): Promise<T | undefined> {
  return (await all<T>(storage, sql, args))[0];
}

export function objects<T>(result: ResultSet): T[] {
  const { columns } = result;
  return result.rows.map((row) => {
    const object: Record<string, unknown> = {};
    for (let index = 0; index < columns.length; index++) object[columns[index] as string] = row[index];
    return object as T;
  });
}

/** Few statements for any number of rows: `sql` reads them as JSON arrays from `json_each(:rows)`. */
export function inGroups(sql: string, rows: unknown[], args: Arguments = {}): Statement[] {
  const statements: Statement[] = [];
  let group = "";
  for (const row of rows) {
    const text = JSON.stringify(row);
    if (group !== "" && group.length + text.length > GROUP_CHARACTERS_MAX) {
      statements.push({ sql, args: { ...args, rows: `[${group}]` } });
      group = "";
    }
    group += group === "" ? text : `,${text}`;
  }
  if (group !== "") statements.push({ sql, args: { ...args, rows: `[${group}]` } });
  return statements;
}

/** A statement that broke a UNIQUE or PRIMARY KEY constraint. */
export function isTaken(error: unknown): boolean {
  const code = (error as { code?: unknown }).code;
  return typeof code === "string" && (code === "SQLITE_CONSTRAINT_UNIQUE" || code === "SQLITE_CONSTRAINT_PRIMARYKEY");
}
