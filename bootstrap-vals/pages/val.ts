/** Pages of a val: overview, code with the form that saves it, logs, versions. */

import { html, type HtmlValue } from "../lib/html.ts";
import { HttpError, notFound, readForm, redirect } from "../lib/http.ts";
import { href } from "../lib/mount.ts";
import type { Route } from "../lib/router.ts";
import type { Town } from "../lib/town.ts";
import { endpointUrl } from "../api/shapes.ts";
import { mayChange, maySee } from "../model/access.ts";
import { askerBySession, type Asker } from "../model/accounts.ts";
import { addFile, changeFile, readContent, readTree, type Entry, type Tree } from "../model/files.ts";
import { entryOf, FILE_TYPES } from "../model/names.ts";
import { listLogs, listRuns } from "../model/runs.ts";
import { findValByName, type Val } from "../model/vals.ts";
import { listVersions, readDiagnostics, save } from "../model/versions.ts";
import type { Diagnostic } from "../modules/analysis.ts";
import { formAsker, pageOf, time } from "./layout.ts";

type ValParams = { username?: string; name?: string; rest?: string };

const RUNS_SHOWN = 50;
const LINES_SHOWN = 200;
const VERSIONS_SHOWN = 100;

export const valPageRoutes: Route[] = [
  ["GET", "/@:username/:name", overview],
  ["GET", "/@:username/:name/code", code],
  ["GET", "/@:username/:name/code/*", code],
  ["POST", "/@:username/:name/code", saveFile],
  ["POST", "/@:username/:name/code/*", saveFile],
  ["GET", "/@:username/:name/logs", logs],
  ["GET", "/@:username/:name/versions", versions],
];

async function overview(request: Request, params: ValParams, town: Town): Promise<Response> {
  const asker = await askerBySession(town, request);
  const val = await visible(town, params, asker);
  const tree = await readTree(town, val);
  const endpoints = [...tree.values()].filter((entry) => entry.type === "http");
  return valPage(town, val, asker, "", html`
    <p>${val.description}</p>
    <p class="note">${val.privacy}, version ${val.version}, ${time(val.updated_at)}</p>
    ${endpoints.map((entry) => {
      const url = endpointUrl(town.arrival, val, tree, entry);
      return html`<p>${entry.path} answers at <a href="${url}">${url}</a></p>`;
    })}
    ${fileList(town, val, tree, "")}`);
}

async function code(request: Request, params: ValParams, town: Town): Promise<Response> {
  const asker = await askerBySession(town, request);
  const val = await visible(town, params, asker);
  return codePage(town, val, await readTree(town, val), asker, params.rest);
}

async function codePage(
  town: Town,
  val: Val,
  tree: Tree,
  asker: Asker | undefined,
  asked: string | undefined,
  outcome?: { error?: HttpError; text: string },
): Promise<Response> {
  const entry = asked === undefined ? entryOf(tree.values()) ?? [...tree.values()].find((file) => file.hash !== null) : tree.get(asked);
  const mine = mayChange(asker, val);
  if (entry === undefined || entry.hash === null) {
    if (asked !== undefined && !mine) throw notFound("File");
    return valPage(town, val, asker, "code", html`${fileList(town, val, tree, "")}
      ${mine ? editor(town, val, { path: asked ?? "main.ts", type: "http" }, outcome?.text ?? "", outcome?.error) : html`<p>No files.</p>`}`);
  }
  const text = outcome?.text ?? await readContent(town, entry.hash);
  const diagnostics = (await readDiagnostics(town, val)).filter((diagnostic) => diagnostic.path === entry.path);
  return valPage(town, val, asker, "code", html`
    ${fileList(town, val, tree, entry.path)}
    <h2>${entry.path}</h2>
    ${diagnosticList(diagnostics)}
    ${mine ? editor(town, val, entry, text, outcome?.error) : html`<pre tabindex="0" role="region" aria-label="${entry.path}"><code>${text}</code></pre>`}`,
  outcome?.error?.status);
}

/** Saves what the form has as the next version; a version that somebody else saved meanwhile is not overwritten. */
async function saveFile(request: Request, params: ValParams, town: Town): Promise<Response> {
  const asker = await formAsker(town, request);
  const val = await visible(town, params, asker);
  if (!mayChange(asker, val)) throw new HttpError(403, "forbidden", "Only the author of this val may do that");
  const form = await readForm(request);
  const path = form.get("path") ?? params.rest ?? "";
  const type = form.get("type") ?? "script";
  // Forms send every line end as two characters.
  const text = (form.get("content") ?? "").replaceAll("\r\n", "\n");
  const expected = /^\d+$/.test(form.get("version") ?? "") ? Number(form.get("version")) : undefined;
  try {
    await save(town, val, asker.id, (tree) =>
      tree.has(path) ? changeFile(tree, path, { content: text, type }) : addFile(tree, path, type, text), { expected });
    return redirect(href(town.arrival, `/@${val.username}/${val.name}/code/${path}`));
  } catch (error) {
    if (!(error instanceof HttpError)) throw error;
    // What was typed must not be lost to a refusal.
    return codePage(town, val, await readTree(town, val), asker, path, { error, text });
  }
}

async function logs(request: Request, params: ValParams, town: Town): Promise<Response> {
  const asker = await askerBySession(town, request);
  const val = await visible(town, params, asker);
  if (!mayChange(asker, val)) throw notFound("Page");
  const runs = await listRuns(town, val.id, { limit: RUNS_SHOWN });
  const lines = await listLogs(town, val.id, { limit: LINES_SHOWN });
  return valPage(town, val, asker, "logs", html`
    <h2 id="runs">Runs</h2>
    ${runs.length === 0 ? html`<p>No runs yet: open its address.</p>` : html`<table aria-labelledby="runs">
      <thead><tr><th scope="col">Time</th><th scope="col">Request</th><th scope="col">Outcome</th><th scope="col">Took</th></tr></thead>
      <tbody>${runs.map((run) => html`<tr><td>${time(Date.parse(run.startedAt))}</td><td>${run.method} ${run.url ?? run.kind}</td>
        <td>${run.outcome === "ok" ? run.status : html`<span class="bad">${run.outcome}</span>`}
        ${run.error === null ? null : html`<pre tabindex="0">${run.error.stack || run.error.message}</pre>`}</td>
        <td>${run.durationMs} ms</td></tr>`)}</tbody></table>`}
    <h2 id="lines">Console</h2>
    ${lines.length === 0 ? html`<p>Nothing was printed.</p>` : html`<table aria-labelledby="lines">
      <thead><tr><th scope="col">Time</th><th scope="col">Level</th><th scope="col">Text</th></tr></thead>
      <tbody>${lines.map((line) => html`<tr><td>${time(Date.parse(line.at))}</td><td>${line.level}</td><td>${line.text}</td></tr>`)}</tbody>
      </table>`}`);
}

async function versions(request: Request, params: ValParams, town: Town): Promise<Response> {
  const asker = await askerBySession(town, request);
  const val = await visible(town, params, asker);
  const list = await listVersions(town, val, { offset: 0, limit: VERSIONS_SHOWN });
  return valPage(town, val, asker, "versions", html`<h2>Versions</h2><ul class="list">${list.map((version) =>
    html`<li>${version.number} <span class="note">${time(version.created_at)} by @${version.author} ${version.message}</span></li>`)}</ul>`);
}

async function visible(town: Town, params: ValParams, asker: Asker | undefined): Promise<Val> {
  const val = await findValByName(town, params.username as string, params.name as string);
  if (val === undefined || !maySee(asker, val)) throw notFound("Val");
  return val;
}

function valPage(town: Town, val: Val, asker: Asker | undefined, tab: string, body: HtmlValue, status = 200): Response {
  const page = `/@${val.username}/${val.name}`;
  const tabs = [["", "Overview"], ["code", "Code"], ["versions", "Versions"]];
  if (mayChange(asker, val)) tabs.push(["logs", "Logs"]);
  return pageOf(town.arrival, {
    title: `@${val.username}/${val.name}`,
    asker,
    status,
    body: html`<h1><a href="${href(town.arrival, `/@${val.username}`)}">@${val.username}</a>/${val.name}</h1>
      <nav class="tabs" aria-label="Val">${tabs.map(([name, title]) =>
        html`<a href="${href(town.arrival, name === "" ? page : `${page}/${name}`)}"${name === tab ? html` aria-current="page"` : null}>${title}</a>`)}</nav>
      ${body}`,
  });
}

function fileList(town: Town, val: Val, tree: Tree, current: string): HtmlValue {
  const files = [...tree.values()].filter((entry) => entry.type !== "directory");
  return html`<nav class="tabs" aria-label="Files">${files.map((entry) =>
    html`<a href="${href(town.arrival, `/@${val.username}/${val.name}/code/${entry.path}`)}"${
      entry.path === current ? html` aria-current="page"` : null}>${entry.path}</a>`)}</nav>`;
}

function editor(town: Town, val: Val, file: Pick<Entry, "path" | "type">, text: string, fault: HttpError | undefined): HtmlValue {
  return html`<form method="post" action="${href(town.arrival, `/@${val.username}/${val.name}/code`)}">
    ${fault === undefined ? null : html`<p class="bad" role="alert">${fault.message}</p>`}
    <input type="hidden" name="version" value="${val.version}">
    <label for="path">Path</label><input id="path" name="path" value="${file.path}" required>
    <label for="type">Type</label><select id="type" name="type">${FILE_TYPES.map((type) =>
      html`<option${type === file.type ? html` selected` : null}>${type}</option>`)}</select>
    <label for="content">Code</label>
    <textarea id="content" name="content" spellcheck="false" autocapitalize="off">
${text}</textarea>
    <p><button>Save</button> <span class="note">Makes version ${val.version + 1}. Another path makes another file.</span></p>
  </form>`;
}

function diagnosticList(diagnostics: Diagnostic[]): HtmlValue {
  if (diagnostics.length === 0) return null;
  return html`<ul class="bad" aria-label="Problems">${diagnostics.map((diagnostic) =>
    html`<li>Line ${diagnostic.line}, column ${diagnostic.column}: ${diagnostic.message}${
      diagnostic.suggestion === undefined ? null : `. ${diagnostic.suggestion}`}</li>`)}</ul>`;
}
