/**
 * The files this town is made of. Everybody may read and fork them; its owner may override one, which is checked by
 * loading the whole town anew, and restore what the image has.
 */

import type { System, SystemFile } from "town:kernel";
import { html, type Html, type HtmlValue } from "../lib/html.ts";
import { HttpError, notFound, readForm, redirect } from "../lib/http.ts";
import { href, SAFE_PREFIX, sitePrefix } from "../lib/mount.ts";
import type { Route } from "../lib/router.ts";
import { systemOf, type Town } from "../lib/town.ts";
import type { Asker } from "../model/accounts.ts";
import { maySee } from "../model/access.ts";
import { readContent, readEntry } from "../model/files.ts";
import { fork } from "../model/forks.ts";
import { causeOf, imageText, install, movedOverrides, noteOf, refusal, type Cause } from "../model/system.ts";
import { searchSystem } from "../model/system-search.ts";
import { findValByName } from "../model/vals.ts";
import { countChanges, difference, drawDifference } from "./diff.ts";
import { askerBySession, fault, formAsker, pageOf, time } from "./layout.ts";
import { bytes, empty, plural, source, valPath } from "./pieces.ts";

export const SYSTEM_PATH = "/@town/system";
export const CHANGES_PATH = "/@town/changes";
const MATCHES_SHOWN_MAX = 100;
const HISTORY_SHOWN_MAX = 20;

export const systemRoutes: Route[] = [
  ["GET", "/@town", (_request, _params, town) => redirect(href(town.arrival, SYSTEM_PATH))],
  ["GET", "/@town/system", (request, params, town) => list(request, params, town)],
  ["POST", "/@town/system", changeAll],
  ["GET", "/@town/system/*", show],
  ["POST", "/@town/system/*", change],
];

async function list(request: Request, _params: unknown, town: Town, error?: HttpError): Promise<Response> {
  const asker = await askerBySession(town, request);
  const files = await systemOf(town).list();
  const folders = Map.groupBy(files, ({ path }) => (path.includes("/") ? path.slice(0, path.lastIndexOf("/")) : ""));
  const changed = files.filter((file) => file.from !== "image");
  const wanted = (new URLSearchParams(town.arrival.search).get("q") ?? "").trim();
  return pageOf(request, town, {
    title: "System files",
    asker,
    status: error?.status ?? 200,
    made: ["pages/system.ts"],
    body: html`<div class="row between"><h1>What this town is made of</h1>${isOwner(asker)
      ? html`<form class="row" method="post"><a class="button" href="${href(town.arrival, CHANGES_PATH)}">Changes</a><button name="act" value="reload">Reload</button>${
        changed.length === 0 ? null : html`<button class="danger" name="act" value="restore">Restore all</button>`}</form>` : null}</div>
      ${fault(error)}
      <p>${plural(files.length, "file")}, compiled into the binary as the image. An override takes the place of one in this
      town alone; restoring is deleting the override. Each is imported as <code>town:system/…</code>, by vals too.</p>
      <form class="line" method="get" role="search"><div><label for="q">Search these files</label><input id="q" name="q" type="search" value="${wanted}"></div><button>Search</button></form>
      ${wanted === "" ? null : await matches(town, wanted)}
      ${changed.length === 0 ? null : html`<h2>Overridden</h2>${fileItems(town, changed)}`}
      ${[...folders].sort(([a], [b]) => (a < b ? -1 : 1)).map(([folder, inside]) => html`<h2>${folder === "" ? "Root" : html`<span class="mono">${folder}/</span>`}</h2>${fileItems(town, inside)}`)}`,
  });
}

async function matches(town: Town, wanted: string): Promise<Html> {
  const found = await searchSystem(systemOf(town), wanted, MATCHES_SHOWN_MAX + 1);
  const byPath = Map.groupBy(found.slice(0, MATCHES_SHOWN_MAX), ({ path }) => path);
  return html`<h2>Lines with <q>${wanted}</q></h2>${found.length === 0 ? empty("No line of the platform has that.") : html`<ul class="list">${[...byPath].map(([path, lines]) =>
    html`<li><a class="title" href="${href(town.arrival, `${SYSTEM_PATH}/${path}`)}">${path}</a>${lines.map(({ line, text }) =>
      html`<span class="about"><a href="${href(town.arrival, `${SYSTEM_PATH}/${path}`)}#L${line}" aria-label="Line ${line} of ${path}">${line}</a> <code>${text}</code></span>`)}</li>`)}</ul>`}
    ${found.length > MATCHES_SHOWN_MAX ? html`<p class="hint">There are more than these ${MATCHES_SHOWN_MAX}.</p>` : null}`;
}

function fileItems(town: Town, files: SystemFile[]): Html {
  return html`<ul class="grid files">${files.map(({ path, from }) => html`<li><a href="${href(town.arrival, `${SYSTEM_PATH}/${path}`)}">${
    path.slice(path.lastIndexOf("/") + 1)}${from === "image" ? null : html`<span class="badge interval">${from === "added" ? "added" : "overridden"}</span>`}</a></li>`)}</ul>`;
}

async function changeAll(request: Request, _params: unknown, town: Town): Promise<Response> {
  const asker = await formAsker(town, request);
  requireOwner(asker);
  const act = (await readForm(request)).get("act");
  const system = systemOf(town);
  // What the image has needs no check: restoring everything is the way out of any trouble.
  if (act === "restore") await system.restore(undefined, noteOf({ by: asker.username, act: "restore" }));
  const error = await refusalOf(() => system.reload());
  if (error !== undefined) return list(request, {}, town, error);
  return redirect(href(town.arrival, SYSTEM_PATH));
}

type FileParams = { rest?: string };

async function show(request: Request, params: FileParams, town: Town): Promise<Response> {
  const asker = await askerBySession(town, request);
  const query = new URLSearchParams(town.arrival.search);
  const path = params.rest as string;
  if (query.has("edit") && isOwner(asker)) {
    const brought = query.get("from");
    return editPage(request, town, asker, path, brought === null ? undefined : await textOfVal(town, asker, brought));
  }
  const file = await systemOf(town).read(path);
  if (file === undefined) throw notFound("File");
  return filePage(request, town, asker, path, file);
}

async function filePage(
  request: Request,
  town: Town,
  asker: Asker | undefined,
  path: string,
  file: NonNullable<Awaited<ReturnType<System["read"]>>>,
): Promise<Response> {
  const here = href(town.arrival, `${SYSTEM_PATH}/${path}`);
  const text = typeof file.source === "string" ? file.source : undefined;
  const changes = text !== undefined && file.image !== null && file.from === "override" ? difference(file.image, text) : undefined;
  return pageOf(request, town, {
    title: `${path} · System files`,
    asker,
    made: [path, "pages/system.ts"],
    script: { name: "system.ts", imports: ["codemirror.js"] },
    body: html`<div class="valhead"><h1><a href="${href(town.arrival, SYSTEM_PATH)}">town:system/</a>${path}</h1>
      ${file.from === "image" ? null : html`<span class="badge interval">${file.from === "added" ? "added" : "overridden"}</span>`}
      <span class="push">${asker !== undefined && text !== undefined
        ? html`<form class="plain" method="post" action="${here}"><button class="small" name="act" value="fork">Fork into a val</button></form>` : null}
      ${isOwner(asker) && text !== undefined ? html`<a class="button small first" href="${here}?edit">${file.from === "image" ? "Override" : "Change override"}</a>` : null}
      ${isOwner(asker) && file.from !== "image"
        ? html`<form class="plain" method="post" action="${here}"><button class="small danger" name="act" value="restore">Restore</button></form>` : null}</span></div>
      ${changes === undefined ? null : html`<h2>Difference to the image <span class="soft small">+${countChanges(changes).added} −${countChanges(changes).removed}</span></h2>
        ${drawDifference(changes, "Difference to the image")}`}
      ${text === undefined ? html`<p>${bytes((file.source as Uint8Array).length)} that are no text.</p>` : source(text, path)}
      ${isOwner(asker) ? await historyOf(town, path) : null}`,
  });
}

/** What was done to a file in this town. The way back is on the page of all changes. */
async function historyOf(town: Town, path: string): Promise<HtmlValue> {
  const past = await systemOf(town).history({ path, limit: HISTORY_SHOWN_MAX });
  if (past.length === 0) return null;
  return html`<h2>History here</h2><ul class="list">${past.map(({ at, note, source: to }) =>
    html`<li><a class="title" href="${href(town.arrival, CHANGES_PATH)}">${to === null ? "Restored" : "Overridden"}</a> <span class="soft">${time(at)}${fromWhere(town, causeOf(note))}</span></li>`)}</ul>`;
}

/** Who made a change, and from what. */
export function fromWhere(town: Town, cause: Cause | null): HtmlValue {
  if (cause === null) return null;
  const from = cause.val === undefined ? null
    : html`, from <a href="${href(town.arrival, `/@${cause.val}/versions/${cause.version}`)}">${cause.val}@${cause.version}</a>`;
  return html` by ${cause.by}${from}${cause.act === undefined || cause.act === "override" ? null : ` (${cause.act})`}`;
}

async function change(request: Request, params: FileParams, town: Town): Promise<Response> {
  const asker = await formAsker(town, request);
  const path = params.rest as string;
  const form = await readForm(request);
  const act = form.get("act");
  if (act === "fork") {
    const { val } = await fork(town, asker, { paths: [path] });
    return redirect(href(town.arrival, valPath(val, `code/${path}`)));
  }
  requireOwner(asker);
  if (act === "restore") {
    const cause = { by: asker.username, act: "restore" } as const;
    const error = await refusalOf(() => install(town, [{ path, source: null }], cause));
    if (error !== undefined) return list(request, {}, town, error);
    return redirect(href(town.arrival, `${SYSTEM_PATH}/${path}`));
  }
  const text = (form.get("content") ?? "").replaceAll("\r\n", "\n");
  return override(request, town, asker, path, text, act !== "keep");
}

/** Writes an override if the town loads and answers with it. `reloads` false: as it is, from the next reload on. */
async function override(request: Request, town: Town, asker: Asker, path: string, text: string, reloads: boolean): Promise<Response> {
  const system = systemOf(town);
  const image = await imageText(system, path);
  const cause = { by: asker.username, act: "override" } as const;
  const changes = [{ path, source: text === image ? null : text }];
  const error = await refusalOf(() => reloads ? install(town, changes, cause) : system.change(changes, { note: noteOf(cause) }));
  if (error !== undefined) return editPage(request, town, asker, path, text, error);
  return redirect(href(town.arrival, `${SYSTEM_PATH}/${path}`));
}

async function editPage(request: Request, town: Town, asker: Asker | undefined, path: string, brought?: string, error?: HttpError): Promise<Response> {
  const file = await systemOf(town).read(path);
  const present = typeof file?.source === "string" ? file.source : "";
  const here = href(town.arrival, `${SYSTEM_PATH}/${path}`);
  return pageOf(request, town, {
    title: `Override ${path}`,
    asker,
    status: error?.status ?? 200,
    made: [path, "pages/system.ts"],
    script: { name: "system.ts", imports: ["codemirror.js"] },
    body: html`<h1>Override <span class="mono">${path}</span></h1>
      ${error === undefined ? null : html`<div class="notice bad" role="alert"><p><b>Refused.</b> With this text the town does not load or answer, so it keeps running as it was.</p><pre tabindex="0">${error.message}</pre></div>`}
      <form method="post" action="${here}">
        <label for="content">Text</label>
        <textarea class="code" id="content" name="content" spellcheck="false" data-path="${path}">
${brought ?? (await proposed(town, path)) ?? present}</textarea>
        <p class="actions"><button class="first" name="act" value="write">Save and reload</button>
        <button name="act" value="keep">Save without reloading</button><a class="button quiet" href="${here}">Cancel</a></p>
        <p class="hint">The town is loaded with this text before anything changes. If it ever fails to start, it runs without them at <code>${sitePrefix(town.arrival)}${SAFE_PREFIX}/</code>.</p>
      </form>
      <form class="line" method="get" action="${here}"><input type="hidden" name="edit" value="">
        <div><label for="from">Take the text of a val's file</label><input id="from" name="from" placeholder="you/val/path.ts"></div><button>Take</button></form>`,
  });
}

/** For an override of another image than that of now: both merged, with marks where somebody has to choose. */
async function proposed(town: Town, path: string): Promise<string | undefined> {
  return (await movedOverrides(town)).find((moved) => moved.path === path)?.merged;
}

/** The text of `user/val/path`, as far as the asker may see it. */
async function textOfVal(town: Town, asker: Asker | undefined, name: string): Promise<string> {
  const [username = "", valName = "", ...path] = name.replace(/^@/, "").split("/");
  const val = await findValByName(town, username, valName);
  if (val === undefined || !maySee(asker, val)) throw notFound("Val");
  const entry = await readEntry(town, val, path.join("/"));
  if (entry === undefined || entry.hash === null) throw notFound("File");
  return readContent(town, entry.hash);
}

/** Why a change was refused; what is no refusal is thrown on. */
export async function refusalOf(work: () => Promise<unknown>): Promise<HttpError | undefined> {
  try {
    await work();
    return undefined;
  } catch (error) {
    const known = refusal(error);
    if (known instanceof HttpError && known.status < 500) return known;
    throw known;
  }
}

export function isOwner(asker: Asker | undefined): boolean {
  return asker?.role === "owner";
}

export function requireOwner(asker: Asker): void {
  if (!isOwner(asker)) throw new HttpError(403, "forbidden", "Only the owner of this town may do that");
}
