/** `std/sqlite/main.ts`: the SQLite database of the val itself. Rows are objects by column name. */

import type { ResultSet as Rows, SqlValue } from "town:kernel";
import { valStorage } from "../../lib/own.ts";
import { statementOf, type InArgs, type InBatch, type InStatement } from "./statement.ts";

export type { InArgs, InStatement };
export type Row = Record<string, SqlValue>;
export interface ResultSet extends Omit<Rows, "rows"> {
  rows: Row[];
}

export const sqlite = {
  /** One statement: text and its arguments, or `{ sql, args }`; they are by position or, without their colon, by name. */
  execute: async (statement: InStatement, args?: InArgs): Promise<ResultSet> => named(await valStorage().execute(statementOf(statement, args))),
  /** All or nothing, in one transaction. */
  batch: async (statements: InBatch[], mode?: "write" | "read" | "deferred"): Promise<ResultSet[]> =>
    (await valStorage().batch(statements.map((one) => statementOf(one)), mode)).map(named),
};
export default sqlite;

/** As libSQL's clients have rows: by name, and by place for query builders, where the places are not listed. */
function named(result: Rows): ResultSet {
  const { columns } = result;
  const places: PropertyDescriptorMap = { length: { value: columns.length } };
  columns.forEach((column, index) => {
    places[index] = { get(this: Row) { return this[column]; } };
  });
  const prototype = Object.create(Object.prototype, places);
  const rows = result.rows.map((values) => {
    const row = Object.create(prototype) as Row;
    for (let index = 0; index < columns.length; index++) row[columns[index] as string] = values[index] as SqlValue;
    return row;
  });
  return { ...result, rows };
}
