/**
 * The files this town is made of. Everybody may read and fork them; its owner may override one, which is checked by
 * loading the whole town anew, and restore what the image has.
 */

import type { System, SystemFile } from "town:kernel";
import { html, type Html } from "../lib/html.ts";
import { HttpError, notFound, readForm, redirect } from "../lib/http.ts";
import { href } from "../lib/mount.ts";
import type { Route } from "../lib/router.ts";
import type { Town } from "../lib/town.ts";
import type { Asker } from "../model/accounts.ts";
import { maySee } from "../model/access.ts";
import { addFile, readContent, readEntry, type Tree } from "../model/files.ts";
import { checkValName, dialectOf } from "../model/names.ts";
import { createVal, findValByName } from "../model/vals.ts";
import { countChanges, difference, drawDifference } from "./diff.ts";
import { askerBySession, fault, formAsker, pageOf } from "./layout.ts";
import { bytes, plural, source, valPath } from "./pieces.ts";

export const SYSTEM_PATH = "/@town/system";

export const systemRoutes: Route[] = [
  ["GET", "/@town", (_request, _params, town) => redirect(href(town.arrival, SYSTEM_PATH))],
  ["GET", "/@town/system", list],
  ["POST", "/@town/system", changeAll],
  ["GET", "/@town/system/*", show],
  ["POST", "/@town/system/*", change],
];

async function list(request: Request, _params: unknown, town: Town, error?: HttpError): Promise<Response> {
  const asker = await askerBySession(town, request);
  const files = await systemOf(town).list();
  const folders = Map.groupBy(files, ({ path }) => (path.includes("/") ? path.slice(0, path.lastIndexOf("/")) : ""));
  const changed = files.filter((file) => file.from !== "image");
  return pageOf(request, town, {
    title: "System files",
    asker,
    status: error?.status ?? 200,
    made: ["pages/system.ts"],
    body: html`<div class="row between"><h1>What this town is made of</h1>${isOwner(asker)
      ? html`<form class="row" method="post"><button name="act" value="reload">Reload</button>${
        changed.length === 0 ? null : html`<button class="danger" name="act" value="restore">Restore all</button>`}</form>` : null}</div>
      ${fault(error)}
      <p>${plural(files.length, "file")}, compiled into the binary as the image. An override takes the place of one in this
      town alone; restoring is deleting the override. Each is imported as <code>town:system/…</code>, by vals too.</p>
      ${changed.length === 0 ? null : html`<h2>Overridden</h2>${fileItems(town, changed)}`}
      ${[...folders].map(([folder, inside]) => html`<h2>${folder === "" ? "Root" : html`<span class="mono">${folder}/</span>`}</h2>${fileItems(town, inside)}`)}`,
  });
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
  if (act === "restore") await system.restore();
  const error = await reload(system);
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
      ${text === undefined ? html`<p>${bytes((file.source as Uint8Array).length)} that are no text.</p>` : source(text, path)}`,
  });
}

async function change(request: Request, params: FileParams, town: Town): Promise<Response> {
  const asker = await formAsker(town, request);
  const path = params.rest as string;
  const form = await readForm(request);
  const act = form.get("act");
  if (act === "fork") return fork(town, asker, path);
  requireOwner(asker);
  const system = systemOf(town);
  if (act === "restore") {
    await system.restore(path);
    const error = await reload(system);
    if (error !== undefined) return list(request, {}, town, error);
    return redirect(href(town.arrival, `${SYSTEM_PATH}/${path}`));
  }
  const text = (form.get("content") ?? "").replaceAll("\r\n", "\n");
  return override(request, town, asker, path, text, act !== "keep");
}

/** Writes an override and loads the town with it; when that fails, what was there before is put back. */
async function override(request: Request, town: Town, asker: Asker, path: string, text: string, reloads: boolean): Promise<Response> {
  const system = systemOf(town);
  const before = await system.read(path);
  if (before !== undefined && text === (before.image ?? before.source) && before.from !== "added") await system.restore(path);
  else await system.write(path, text);
  const error = reloads ? await reload(system) : undefined;
  if (error !== undefined) {
    if (before === undefined || before.from === "image") await system.restore(path);
    else await system.write(path, before.source as string);
    return editPage(request, town, asker, path, text, error);
  }
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
      ${error === undefined ? null : html`<div class="notice bad" role="alert"><p><b>Refused.</b> With this text the town does not load, so it keeps running as it was.</p><pre tabindex="0">${error.message}</pre></div>`}
      <form method="post" action="${here}">
        <label for="content">Text</label>
        <textarea class="code" id="content" name="content" spellcheck="false" data-path="${path}">
${brought ?? present}</textarea>
        <p class="actions"><button class="first" name="act" value="write">Save and reload</button>
        <button name="act" value="keep">Save without reloading</button><a class="button quiet" href="${here}">Cancel</a></p>
        <p class="hint">The town is loaded with this text before anything changes. If it ever fails to start, <code>town --safe-mode</code> ignores overrides.</p>
      </form>
      <form class="line" method="get" action="${here}"><input type="hidden" name="edit" value="">
        <div><label for="from">Take the text of a val's file</label><input id="from" name="from" placeholder="you/val/path.ts"></div><button>Take</button></form>`,
  });
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

/** A val with the file under the same name. Its imports name the platform's files, so it reads the same anywhere. */
async function fork(town: Town, asker: Asker, path: string): Promise<Response> {
  const file = await systemOf(town).read(path);
  if (file === undefined || typeof file.source !== "string") throw notFound("File");
  const folder = path.split("/").slice(0, -1);
  const text = file.source.replace(/(\bfrom\s*|\bimport\s*\(?\s*)"(\.{1,2}\/[^"]+)"/g, (_whole, lead: string, specifier: string) =>
    `${lead}"town:system/${absolute(folder, specifier)}"`);
  const tree: Tree = new Map();
  await addFile(tree, path, dialectOf(path) === null || path.endsWith(".d.ts") ? "file" : "script", text);
  const stem = checkValName(`fork-${path.replace(/\.[a-z.]+$/, "").replace(/[^a-zA-Z0-9]+/g, "-")}`.slice(0, FORK_NAME_LENGTH_MAX));
  for (let attempt = 1; ; attempt++) {
    const name = attempt === 1 ? stem : `${stem}-${attempt}`;
    if ((await findValByName(town, asker.username, name)) !== undefined) continue;
    const { val } = await createVal(town, asker, { name, privacy: "public", description: `Fork of ${path}`.slice(0, 64), tree });
    return redirect(href(town.arrival, valPath(val, `code/${path}`)));
  }
}

// Leaves room for a number.
const FORK_NAME_LENGTH_MAX = 42;

function absolute(folder: string[], specifier: string): string {
  const segments = [...folder];
  for (const part of specifier.split("/")) {
    if (part === "..") segments.pop();
    else if (part !== ".") segments.push(part);
  }
  return segments.join("/");
}

async function reload(system: System): Promise<HttpError | undefined> {
  try {
    await system.reload();
    return undefined;
  } catch (error) {
    return new HttpError(422, "load", (error as Error).message);
  }
}

export function isOwner(asker: Asker | undefined): boolean {
  return asker?.role === "owner";
}

export function requireOwner(asker: Asker): void {
  if (!isOwner(asker)) throw new HttpError(403, "forbidden", "Only the owner of this town may do that");
}

function systemOf(town: Town): System {
  if (town.system === undefined) throw notFound("System");
  return town.system;
}

