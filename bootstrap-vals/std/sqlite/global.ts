/** `std/sqlite`: the SQLite database of the val's author, shared by all vals of that author. Rows are arrays. */

import type { ResultSet } from "town:kernel";
import { accountStorage } from "../../lib/own.ts";
import { statementOf, type InArgs, type InBatch, type InStatement } from "./statement.ts";

export type { InArgs, InStatement, ResultSet };

export const sqlite = {
  /** One statement: text and its arguments, or `{ sql, args }`; they are by position or, without their colon, by name. */
  execute: (statement: InStatement, args?: InArgs): Promise<ResultSet> => accountStorage().execute(statementOf(statement, args)),
  /** All or nothing, in one transaction. */
  batch: (statements: InBatch[], mode?: "write" | "read" | "deferred"): Promise<ResultSet[]> =>
    accountStorage().batch(statements.map((one) => statementOf(one)), mode),
};
export default sqlite;
