/** SQL over the API, on the database of the asker's account: what the author's vals see as `std/sqlite`. */

import type { SqlArgument, Statement } from "town:kernel";
import { badRequest, HttpError, readJson } from "../lib/http.ts";
import type { Route } from "../lib/router.ts";
import { anything, arrayOf, integer, object, oneOf, text } from "../lib/schema.ts";
import type { Town } from "../lib/town.ts";
import { requireAsker } from "../model/access.ts";
import { accountStorageName } from "../model/accounts.ts";

// Those of Val Town's API.
const SQL_LENGTH_MAX = 100_000;
const ARGUMENTS_MAX = 500;
const STATEMENTS_MAX = 500;
const MODES = ["write", "read", "deferred"] as const;

const statementSchema = { anyOf: [text, object({ sql: text, "args?": { type: ["array", "object"] } })] };
const resultSet = object({
  columns: arrayOf(text), columnTypes: arrayOf(text), rows: arrayOf(arrayOf(anything)), rowsAffected: integer,
  lastInsertRowid: { type: ["integer", "string"] },
});
const about = { access: "account", scope: "sqlite:write" } as const;

export const sqliteRoutes: Route[] = [
  ["POST", "/api/v1/sqlite/execute", async (request, _params, town) => {
    const storage = await storageOf(request, town);
    const { statement } = await readJson(request);
    return told(storage.execute(statementOf(statement)));
  }, {
    ...about, summary: "Runs one statement on your database", body: object({ statement: statementSchema }), answers: { 200: resultSet },
  }],
  ["POST", "/api/v1/sqlite/batch", async (request, _params, town) => {
    const storage = await storageOf(request, town);
    const { statements, mode = "write" } = await readJson(request);
    if (!Array.isArray(statements) || statements.length > STATEMENTS_MAX) {
      throw badRequest(`"statements" must be a list of at most ${STATEMENTS_MAX}`);
    }
    const known = MODES.find((one) => one === mode);
    if (known === undefined) throw badRequest(`"mode" must be one of ${MODES.join(", ")}`);
    return told(storage.batch(statements.map(statementOf), known));
  }, {
    ...about, summary: "Runs statements on your database, all or none", answers: { 200: arrayOf(resultSet) },
    body: object({ statements: arrayOf(statementSchema), "mode?": oneOf(...MODES) }),
  }],
];

async function storageOf(request: Request, town: Town) {
  const asker = await requireAsker(town, request, "sqlite:write");
  return town.storage.sub(accountStorageName(asker.id));
}

function statementOf(given: unknown): Statement {
  const { sql, args = [] } = (typeof given === "string" ? { sql: given } : given ?? {}) as { sql?: unknown; args?: unknown };
  if (typeof sql !== "string" || sql.length > SQL_LENGTH_MAX) {
    throw badRequest(`A statement is SQL of at most ${SQL_LENGTH_MAX} characters, or an object with "sql" and "args"`);
  }
  if (typeof args !== "object" || args === null) throw badRequest('"args" must be a list, or an object by name');
  const values = Object.values(args);
  if (values.length > ARGUMENTS_MAX) throw badRequest(`A statement has at most ${ARGUMENTS_MAX} arguments`);
  if (values.some((value) => typeof value === "object" && value !== null)) {
    throw badRequest("An argument is a string, number, boolean or null");
  }
  return { sql, args: args as SqlArgument[] | Record<string, SqlArgument> };
}

/** JSON has no integers beyond 2^53 and no bytes: the first become strings, the second lists of numbers. */
async function told(work: Promise<unknown>): Promise<Response> {
  try {
    const text = JSON.stringify(await work, (_key, value: unknown) => {
      if (typeof value === "bigint") return String(value);
      return value instanceof Uint8Array ? Array.from(value) : value;
    });
    return new Response(text, { headers: { "content-type": "application/json", "cache-control": "no-store" } });
  } catch (error) {
    const { code, message } = error as { code?: unknown; message: string };
    if (typeof code !== "string" || !code.startsWith("SQLITE_")) throw error;
    throw new HttpError(400, code, message);
  }
}
