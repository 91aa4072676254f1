/**
 * The code of a val. Without scripts: one file at a time, and for its author a form that saves it. With them the editor
 * (`editor/client/`) takes the place of both.
 */

import { html, type HtmlValue } from "../lib/html.ts";
import { HttpError, notFound, readForm, redirect } from "../lib/http.ts";
import { href } from "../lib/mount.ts";
import type { Route } from "../lib/router.ts";
import type { Town } from "../lib/town.ts";
import { mayChange } from "../model/access.ts";
import type { Asker } from "../model/accounts.ts";
import { listVariables } from "../model/environment.ts";
import { addFile, changeFile, readContent, readTree, removeFile, type Entry, type Tree } from "../model/files.ts";
import { entryOf, FILE_TYPES } from "../model/names.ts";
import type { Val } from "../model/vals.ts";
import { readDiagnostics, save } from "../model/versions.ts";
import type { Diagnostic } from "../modules/analysis.ts";
import { editorState, type EditorState } from "../editor/state.ts";
import { assetsOf } from "../editor/assets.ts";
import { fault, formAsker, orFault } from "./layout.ts";
import { source, TYPE_NAMES } from "./pieces.ts";
import { branchPath, fileList, valPage, visibleOnBranch, type ValParams } from "./val.ts";

const VARIABLES_MAX = 200;

export const codeRoutes: Route[] = [
  ["GET", "/@:username/:name/code", code],
  ["GET", "/@:username/:name/code/*", code],
  ["POST", "/@:username/:name/code", saveFile],
];

async function code(request: Request, params: ValParams, town: Town): Promise<Response> {
  const { val, asker } = await visibleOnBranch(request, params, town);
  return codePage(request, town, val, await readTree(town, val), asker, params.rest);
}

interface Outcome {
  error: HttpError;
  text: string;
}

async function codePage(
  request: Request,
  town: Town,
  val: Val,
  tree: Tree,
  asker: Asker | undefined,
  asked: string | undefined,
  outcome?: Outcome,
): Promise<Response> {
  const entry = asked === undefined ? entryOf(tree.values()) ?? [...tree.values()].find((file) => file.hash !== null) : tree.get(asked);
  const mine = mayChange(asker, val);
  if (asked !== undefined && entry === undefined && !mine) throw notFound("File");
  const state = await editorState(town, val, tree, asker);
  const text = outcome?.text ?? (entry?.hash ? await readContent(town, entry.hash) : "");
  const path = entry?.path ?? asked ?? "main.ts";
  const diagnostics = (await readDiagnostics(town, val)).filter((diagnostic) => diagnostic.path === path);
  const assets = await assetsOf(town);
  const variables = mine ? (await listVariables(town, val, { limit: VARIABLES_MAX, offset: 0 })).map(({ key }) => key) : [];
  return valPage(request, town, val, asker, "code", {
    title: `${path} · @${val.username}/${val.name}`,
    status: outcome?.error.status ?? 200,
    made: ["pages/code.ts", "editor/client/main.ts"],
    script: { name: "main.ts", imports: ["codemirror.js"] },
    body: html`${stateElement({ ...state, open: path, types: href(town.arrival, `/-/types?val=${val.id}`), variables, assets: {
        worker: assets.client("worker.ts"), typescript: assets.vendor("typescript.js"), libraries: assets.vendor("libraries.json"),
        vim: assets.vendor("vim.js"), emacs: assets.vendor("emacs.js"),
      } })}<div id="editor"><div class="code-page">
      <nav aria-label="Files">${fileList(town, val, tree, path)}${
        mine ? html`<p><a class="button small" href="${href(town.arrival, branchPath(val, "code/new.ts"))}">New file</a></p>` : null}</nav>
      <div><h2 class="hidden-visually">${path}</h2>${diagnosticList(diagnostics)}${mine ? upgradeForm(town, val, path, diagnostics) : null}
      ${mine ? form(town, val, entry ?? { path, type: typeFor(path) }, text, outcome?.error) : source(text, path)}</div></div></div>`,
  });
}

function stateElement(state: EditorState & { open: string; types: string; variables: string[]; assets: Record<string, string> }): HtmlValue {
  return { html: `<script type="application/json" id="state">${JSON.stringify(state).replaceAll("<", "\\u003c")}</script>` };
}

function typeFor(path: string): Entry["type"] {
  return /\.(m?[tj]s|[tj]sx)$/.test(path) ? "script" : "file";
}

/** Saves what the form has as the next version; a version that somebody else saved meanwhile is not overwritten. */
async function saveFile(request: Request, params: ValParams, town: Town): Promise<Response> {
  const asker = await formAsker(town, request);
  const { val } = await visibleOnBranch(request, params, town);
  if (!mayChange(asker, val)) throw new HttpError(403, "forbidden", "Only the author of this val may do that");
  const form = await readForm(request);
  const path = form.get("path") ?? "";
  const type = form.get("type") ?? "script";
  // Forms send every line end as two characters.
  const text = (form.get("content") ?? "").replaceAll("\r\n", "\n");
  const expected = /^\d+$/.test(form.get("version") ?? "") ? Number(form.get("version")) : undefined;
  const deletes = form.get("act") === "delete";
  return orFault(async () => {
    await save(town, val, asker.id, (tree) => {
      if (deletes) return removeFile(tree, path, false);
      return tree.has(path) ? changeFile(tree, path, { content: text, type }) : addFile(tree, path, type, text);
    }, { expected });
    return redirect(href(town.arrival, branchPath(val, deletes ? "code" : `code/${path}`)));
    // What was typed must not be lost to a refusal.
  }, async (error) => codePage(request, town, val, await readTree(town, val), asker, path, { error, text }));
}

function form(town: Town, val: Val, file: Pick<Entry, "path" | "type">, text: string, error: HttpError | undefined): HtmlValue {
  return html`<form method="post" action="${href(town.arrival, branchPath(val, "code"))}">${fault(error)}
    <input type="hidden" name="version" value="${val.version}">
    <div class="row"><div class="grow"><label for="path">Path</label><input id="path" name="path" value="${file.path}" required></div>
    <div><label for="type">Type</label><select id="type" name="type">${FILE_TYPES.map((type) =>
      html`<option value="${type}"${type === file.type ? html` selected` : null}>${TYPE_NAMES[type]}</option>`)}</select></div></div>
    <label for="content">Code</label>
    <textarea class="code" id="content" name="content" spellcheck="false" autocapitalize="off">
${text}</textarea>
    <p class="actions"><button class="first">Save</button><button class="danger" name="act" value="delete">Delete file</button>
    <span class="hint">Makes version ${val.version + 1}. Another path makes another file.</span></p>
  </form>`;
}

/** The change that makes calls of other people's vals calls as APIs. */
function upgradeForm(town: Town, val: Val, path: string, diagnostics: Diagnostic[]): HtmlValue {
  if (!diagnostics.some(({ upgradable }) => upgradable)) return null;
  return html`<form class="actions" method="post" action="${href(town.arrival, "/settings/callsites")}"><input type="hidden" name="id" value="${val.id}">
    <input type="hidden" name="version" value="${val.version}"><input type="hidden" name="path" value="${path}"><button>Call them as APIs, and save</button></form>`;
}

function diagnosticList(diagnostics: Diagnostic[]): HtmlValue {
  if (diagnostics.length === 0) return null;
  return html`<div class="notice bad"><ul aria-label="Problems">${diagnostics.map((diagnostic) =>
    html`<li><a href="#L${diagnostic.line}">Line ${diagnostic.line}, column ${diagnostic.column}</a>: ${diagnostic.message}${
      diagnostic.suggestion === undefined ? null : `. ${diagnostic.suggestion}`}</li>`)}</ul></div>`;
}
