/**
 * What a val keeps: the tables of its SQLite database, their rows, and a box for any statement. Reads are the normal case;
 * a statement that writes has to be meant.
 */

import type { ResultSet, Storage } from "town:kernel";
import { html, type Html, type HtmlValue } from "../lib/html.ts";
import { badRequest, HttpError, readForm } from "../lib/http.ts";
import { href } from "../lib/mount.ts";
import type { Route } from "../lib/router.ts";
import { all } from "../lib/rows.ts";
import type { Town } from "../lib/town.ts";
import { offsetOf } from "./home.ts";
import { fault, formAsker, orFault } from "./layout.ts";
import { bytes, empty, valPath } from "./pieces.ts";
import { own } from "./val-settings.ts";
import { valPage, type ValParams } from "./val.ts";

const ROWS_SHOWN = 100;
const CELL_CHARACTERS_SHOWN = 200;

export const databaseRoutes: Route[] = [
  ["GET", "/@:username/:name/database", async (request, params, town) => page(request, params, town, {})],
  ["POST", "/@:username/:name/database", query],
];

interface Outcome {
  sql?: string;
  writes?: boolean;
  result?: ResultSet;
  error?: HttpError;
}

async function page(request: Request, params: ValParams, town: Town, outcome: Outcome): Promise<Response> {
  const { val, asker } = await own(request, params, town);
  const storage = town.storage.sub(`val-${val.id}`);
  const asked = new URLSearchParams(town.arrival.search);
  const [tables, usage, subs] = await Promise.all([tablesOf(storage), storage.usage(), storage.subs()]);
  const table = tables.find(({ name }) => name === asked.get("table"));
  const offset = offsetOf(town.arrival);
  const rows = table === undefined ? undefined
    : await storage.execute({ sql: `SELECT * FROM ${quoted(table.name)} LIMIT ? OFFSET ?`, args: [ROWS_SHOWN + 1, offset] });
  const here = href(town.arrival, valPath(val, "database"));
  return valPage(request, town, val, asker, "database", {
    title: `Database · @${val.username}/${val.name}`,
    status: outcome.error?.status ?? 200,
    made: ["pages/database.ts"],
    script: { name: "system.ts", imports: ["codemirror.js"] },
    body: html`<div class="code-page"><nav aria-label="Tables"><h2 class="hidden-visually">Tables</h2>
        ${tables.length === 0 ? html`<p class="soft small">No tables yet.</p>` : html`<ul class="files">${tables.map(({ name }) =>
          html`<li><a href="${here}?table=${encodeURIComponent(name)}"${name === table?.name ? html` aria-current="page"` : null}>${name}</a></li>`)}</ul>`}
        <p class="hint">${bytes(usage.bytes + usage.bytesBelow)} of ${bytes(usage.bytesMax)}${subs.length === 0 ? null : `, with ${subs.length} more below`}</p></nav>
      <div>${fault(outcome.error)}
        <form method="post" action="${here}"><label for="sql">Statement</label>
          <textarea class="code short" id="sql" name="sql" spellcheck="false" data-path="query.sql">
${outcome.sql ?? (table === undefined ? "" : `SELECT * FROM ${quoted(table.name)} LIMIT 100`)}</textarea>
          <p class="actions"><button class="first">Run</button><label class="inline"><input type="checkbox" name="writes" value="yes"${outcome.writes === true ? html` checked` : null}> it may write</label></p></form>
        ${outcome.result === undefined ? null : html`<h3>Result</h3>${drawRows(outcome.result, "Result")}`}
        ${table === undefined || rows === undefined ? tables.length === 0 && outcome.result === undefined ? empty("Nothing is stored yet.") : null : html`
          <h3>${table.name}</h3>${drawRows({ ...rows, rows: rows.rows.slice(0, ROWS_SHOWN) }, table.name)}
          ${rows.rows.length > ROWS_SHOWN ? html`<p><a class="button" href="${here}?table=${encodeURIComponent(table.name)}&amp;offset=${offset + ROWS_SHOWN}">More rows</a></p>` : null}
          <details class="more"><summary>Schema</summary><pre tabindex="0">${table.sql}</pre></details>`}</div></div>`,
  });
}

async function query(request: Request, params: ValParams, town: Town): Promise<Response> {
  await formAsker(town, request);
  const { val } = await own(request, params, town);
  const form = await readForm(request);
  const sql = (form.get("sql") ?? "").replaceAll("\r\n", "\n");
  const writes = form.get("writes") === "yes";
  return orFault(async () => {
    if (sql.trim() === "") throw badRequest("There is no statement");
    const storage = town.storage.sub(`val-${val.id}`);
    const result = await execute(storage, sql, writes);
    return page(request, params, town, { sql, writes, result });
  }, (error) => page(request, params, town, { sql, writes, error }));
}

async function execute(storage: Storage, sql: string, writes: boolean): Promise<ResultSet> {
  try {
    return (await storage.batch([sql], writes ? "write" : "read"))[0] as ResultSet;
  } catch (error) {
    // What SQLite says of the author's own statement is for them to read.
    throw new HttpError(422, "sqlite", (error as Error).message);
  }
}

interface Table {
  name: string;
  sql: string;
}

function tablesOf(storage: Storage): Promise<Table[]> {
  const sql = "SELECT name, sql FROM sqlite_schema WHERE type IN ('table', 'view') AND name NOT LIKE 'sqlite~_%' ESCAPE '~' ORDER BY name";
  return all<Table>(storage, sql);
}

function quoted(name: string): string {
  return `"${name.replaceAll('"', '""')}"`;
}

function drawRows(result: ResultSet, label: string): Html {
  if (result.columns.length === 0) return html`<p>${result.rowsAffected} rows changed.</p>`;
  if (result.rows.length === 0) return html`<p class="soft">No rows.</p>`;
  return html`<div class="table" tabindex="0" role="region" aria-label="${label}"><table><thead><tr>${result.columns.map((column) => html`<th scope="col">${column}</th>`)}</tr></thead>
    <tbody>${result.rows.slice(0, ROWS_SHOWN).map((row) => html`<tr>${row.map((value) => html`<td class="mono">${cell(value)}</td>`)}</tr>`)}</tbody></table></div>
    ${result.rows.length > ROWS_SHOWN ? html`<p class="soft small">The first ${ROWS_SHOWN} of ${result.rows.length} rows.</p>` : null}`;
}

function cell(value: unknown): HtmlValue {
  if (value === null) return html`<span class="soft">NULL</span>`;
  if (value instanceof Uint8Array) return html`<span class="soft">${bytes(value.length)}</span>`;
  const text = String(value);
  return text.length > CELL_CHARACTERS_SHOWN ? `${text.slice(0, CELL_CHARACTERS_SHOWN)}…` : text;
}
