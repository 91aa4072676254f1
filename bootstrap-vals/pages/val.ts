/** A val's first page and the frame around all of its pages. */

import { branchQuery, endpointUrl } from "../api/shapes.ts";
import { html, type HtmlValue } from "../lib/html.ts";
import { HttpError, notFound } from "../lib/http.ts";
import { href } from "../lib/mount.ts";
import type { Route } from "../lib/router.ts";
import type { Town } from "../lib/town.ts";
import { mayChange, maySee } from "../model/access.ts";
import type { Asker } from "../model/accounts.ts";
import { readContent, readTree, type Entry, type Tree } from "../model/files.ts";
import { likesOf } from "../model/likes.ts";
import { mailAddress } from "../model/mail.ts";
import { entryOf } from "../model/names.ts";
import { listRemixes, listUsers } from "../model/references.ts";
import { originalOf } from "../model/remix.ts";
import { findValByName, findValOnBranchNamed, type Val } from "../model/vals.ts";
import { readDiagnostics } from "../model/versions.ts";
import { handovers } from "../run/authority.ts";
import { pinnedPath } from "../modules/reference.ts";
import { askerBySession, pageOf, time, type PageWish } from "./layout.ts";
import { likeButton } from "./likes.ts";
import { markdown } from "./markdown.ts";
import { bytes, empty, plural, tabs, typeBadge, valPath } from "./pieces.ts";

export type ValParams = { username?: string; name?: string; rest?: string; number?: string; run?: string };

const RELATED_MAX = 10;
const README = /^readme\.md$/i;

export const valPageRoutes: Route[] = [["GET", "/@:username/:name", overview]];

/** The val a page is about. One that the visitor may not see does not exist for them. */
export async function visible(request: Request, params: ValParams, town: Town): Promise<{ val: Val; asker: Asker | undefined }> {
  const asker = await askerBySession(town, request);
  const val = await findValByName(town, params.username as string, params.name as string);
  if (val === undefined || !maySee(asker, val)) throw notFound("Val");
  if (val.name.toLowerCase() !== params.name?.toLowerCase()) throw movedTo(request, town, val);
  return { val, asker };
}

/** The same on the branch that the address names, as `?branch=name`. */
export async function visibleOnBranch(request: Request, params: ValParams, town: Town): Promise<{ val: Val; asker: Asker | undefined }> {
  const { val, asker } = await visible(request, params, town);
  const branch = new URLSearchParams(town.arrival.search).get("branch");
  if (branch === null || branch === "" || branch === val.branch) return { val, asker };
  const found = await findValOnBranchNamed(town, val.id, branch);
  if (found === undefined) throw notFound("Branch");
  return { val: found, asker };
}

/** A page of a val on its branch: what `visibleOnBranch` reads back. */
export function branchPath(val: Val, tab = ""): string {
  const [, path = "", query = "", hash = ""] = /^([^?#]*)(\?[^#]*)?(#.*)?$/.exec(tab) ?? [];
  const named = branchQuery(val.branch);
  return valPath(val, path) + (query === "" || named === "" ? named + query : `${query}&${named.slice(1)}`) + hash;
}

/** A val under a name that it had once. */
function movedTo(request: Request, town: Town, val: Val): HttpError {
  const [, , , ...rest] = town.arrival.path.split("/");
  const location = href(town.arrival, valPath(val, rest.join("/"))) + town.arrival.search;
  return new HttpError(request.method === "GET" ? 302 : 308, "moved", `It is called ${val.name} now`, { location });
}

async function overview(request: Request, params: ValParams, town: Town): Promise<Response> {
  const { arrival } = town;
  const { val, asker } = await visibleOnBranch(request, params, town);
  const related = { asker: asker?.id, offset: 0, limit: RELATED_MAX };
  const [tree, diagnostics, original, users, remixes] = await Promise.all([
    readTree(town, val), readDiagnostics(town, val), originalOf(town, val), listUsers(town, val, related), listRemixes(town, val, related),
  ]);
  const handed = await handovers(town, tree);
  const files = [...tree.values()].filter((entry) => entry.type !== "directory");
  const readme = files.find((entry) => README.test(entry.path) && entry.hash !== null);
  const text = readme === undefined ? undefined : await readContent(town, readme.hash as string);
  const mine = mayChange(asker, val);
  return valPage(request, town, val, asker, "", {
    made: ["pages/val.ts"],
    body: html`<div class="columns"><div>
      ${diagnostics.length === 0 ? null : html`<div class="notice bad"><p>${plural(diagnostics.length, "problem")} in the newest version:</p><ul>${
        diagnostics.map((fault) => html`<li><a href="${href(arrival, branchPath(val, `code/${fault.path}#L${fault.line}`))}">${fault.path}:${fault.line}</a> ${fault.message}${
          fault.suggestion === undefined ? null : html`. <span class="soft">${fault.suggestion}</span>`}</li>`)}</ul></div>`}
      ${endpoints(town, val, tree)}${mailboxes(town, val, tree)}
      ${text === undefined
        ? mine && files.length > 0
          ? empty("No readme. A file README.md is shown here.", { href: href(arrival, branchPath(val, "code/README.md?new")), text: "Write one" })
          : null
        : html`<article class="readme card">${markdown(text, href(arrival, valPath(val, "code/")))}</article>`}
      ${files.length === 0 ? empty("No files yet.", mine ? { href: href(arrival, branchPath(val, "code")), text: "Add one" } : undefined) : null}</div>
      <aside aria-label="About this val">
        <h2>Files</h2>${fileList(town, val, tree, undefined)}
        ${files.length === 0 ? null : imported(arrival.base + pinnedPath(val, val.version, entryOf(files)?.path ?? ""))}
        <p class="hint">Version ${val.version}, saved ${time(val.updated_at)}</p>
        ${handed.length === 0 ? null : html`<h2>Hands its authority to</h2><ul class="files">${handed.map(({ path, line, specifier }) =>
          html`<li><a href="${href(arrival, branchPath(val, `code/${path}#L${line}`))}" title="${path}:${line}">${specifier}</a></li>`)}</ul>`}
        ${original === undefined || !maySee(asker, original) ? null : html`<h2>Remixed from</h2>${links(town, [original])}`}
        ${users.length === 0 ? null : html`<h2>Used by</h2>${links(town, users)}`}
        ${remixes.length === 0 ? null : html`<h2>Remixes</h2>${links(town, remixes)}`}
      </aside></div>`,
  });
}

function imported(address: string): HtmlValue {
  return html`<div class="row between"><h2>Import</h2><button class="small quiet" type="button" data-copy="${address}" hidden>Copy</button></div><code class="secret">${address}</code>`;
}

function mailboxes(town: Town, val: Val, tree: Tree): HtmlValue {
  const emails = [...tree.values()].filter((entry) => entry.type === "email");
  return emails.map((entry) => {
    const address = mailAddress(town.arrival, val, entry.file_id, entryOf(emails)?.file_id === entry.file_id);
    return html`<div class="card row between"><div class="address">${typeBadge("email")}<a href="mailto:${address}">${address}</a></div>
      <span class="row"><span class="soft small">${entry.path}</span><button class="small" type="button" data-copy="${address}" hidden>Copy</button></span></div>`;
  });
}

function links(town: Town, vals: Val[]): HtmlValue {
  return html`<ul class="files">${vals.map((val) => html`<li><a href="${href(town.arrival, valPath(val))}">@${val.username}/${val.name}</a></li>`)}</ul>`;
}

function endpoints(town: Town, val: Val, tree: Tree): HtmlValue {
  const http = [...tree.values()].filter((entry) => entry.type === "http");
  return http.map((entry) => {
    const url = endpointUrl(town.arrival, val, tree, entry);
    return html`<div class="card row between"><div class="address">${typeBadge("http")}<a href="${url}">${url}</a></div>
      <span class="row"><span class="soft small">${entry.path}</span><button class="small" type="button" data-copy="${url}" hidden>Copy</button></span></div>`;
  });
}

export function fileList(town: Town, val: Val, tree: Tree, current: string | undefined): HtmlValue {
  const files = [...tree.values()].filter((entry) => entry.type !== "directory");
  if (files.length === 0) return html`<p class="soft small">None.</p>`;
  return html`<ul class="files">${files.map((entry: Entry) =>
    html`<li><a href="${href(town.arrival, branchPath(val, `code/${entry.path}`))}" title="${bytes(entry.size)}"${
      entry.path === current ? html` aria-current="page"` : null}>${entry.path}${entry.type === "file" || entry.type === "script" ? null : typeBadge(entry.type)}</a></li>`)}</ul>`;
}

/** A page of a val: its name, what can be done with it, and the way to its other pages. */
export async function valPage(
  request: Request,
  town: Town,
  val: Val,
  asker: Asker | undefined,
  tab: string,
  wish: Pick<PageWish, "made" | "body"> & Partial<PageWish>,
): Promise<Response> {
  const to = (name: string) => href(town.arrival, valPath(val, name));
  const likes = await likesOf(town, val, asker?.id);
  const on = (name: string) => href(town.arrival, branchPath(val, name));
  const items: [string, string, string][] = [
    ["", "Overview", on("")], ["code", "Code", on("code")], ["versions", "Versions", on("versions")], ["branches", "Branches", on("branches")],
  ];
  if (mayChange(asker, val)) {
    items.push(["logs", "Logs", to("logs")], ["schedules", "Schedules", to("schedules")], ["environment", "Environment", to("environment")],
      ["database", "Database", to("database")], ["blobs", "Blobs", to("blobs")], ["settings", "Settings", to("settings")]);
  }
  return pageOf(request, town, {
    title: `@${val.username}/${val.name}`,
    asker,
    ...wish,
    made: [...wish.made, "pages/layout.ts"],
    body: html`<div class="valhead"><h1><a href="${href(town.arrival, `/@${val.username}`)}">@${val.username}/</a>${val.name}</h1>
      ${val.privacy === "public" ? null : html`<span class="badge">${val.privacy}</span>`}
      ${val.branch === "main" ? null : html`<a class="badge" href="${on("branches")}">branch ${val.branch}</a>`}
      <span class="push">${likeButton(town, val, likes)}<form class="plain" method="post" action="${to("remix")}"><button class="small">Remix</button></form>
      <a class="button small" href="${on("code")}">${mayChange(asker, val) ? "Edit" : "Code"}</a></span></div>
      ${val.description === null ? null : html`<p class="soft">${val.description}</p>`}
      ${tabs("Val", tab, items)}
      ${wish.body}`,
  });
}
