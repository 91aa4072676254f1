/** A statement as the clients of libSQL take it: with its arguments in it, or beside it. */

import type { Statement } from "town:kernel";

export type InArgs = Statement["args"];
export type InStatement = string | Statement;
/** In a batch a statement and its arguments may be a pair. */
export type InBatch = InStatement | [sql: string, args?: InArgs];

export function statementOf(statement: InBatch, args?: InArgs): InStatement {
  if (Array.isArray(statement)) return statementOf(statement[0], statement[1]);
  if (args === undefined) return statement;
  return { sql: typeof statement === "string" ? statement : statement.sql, args };
}
