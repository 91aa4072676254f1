/** `std/sqlite`: the SQLite database of the val's author, shared by all vals of that author. Rows are arrays. */

import type { ResultSet, Statement } from "town:kernel";
import { accountStorage } from "../../lib/own.ts";

export type InStatement = string | Statement;
export type { ResultSet };

export const sqlite = {
  /** One statement: text, or `{ sql, args }` with arguments by position or, without their colon, by name. */
  execute: (statement: InStatement): Promise<ResultSet> => accountStorage().execute(statement),
  /** All or nothing, in one transaction. */
  batch: (statements: InStatement[], mode?: "write" | "read" | "deferred"): Promise<ResultSet[]> =>
    accountStorage().batch(statements, mode),
};
export default sqlite;
