/**
 * Blobs, as files are looked at: those of a val, and those that all vals of an account share. Listed by prefix, shown,
 * taken, put and deleted, all by forms. What somebody stored is never a page of ours: it is shown as text, or downloaded.
 */

import type { Storage } from "town:kernel";
import { blobsOf, checkKey, deleteBlob, KEY_LENGTH_MAX, listSomeBlobs, readBlob, writeBlob, type Blob } from "../lib/blobs.ts";
import { html, type HtmlValue } from "../lib/html.ts";
import { badRequest, HttpError, notFound, redirect } from "../lib/http.ts";
import { href } from "../lib/mount.ts";
import type { Route } from "../lib/router.ts";
import type { Town } from "../lib/town.ts";
import { accountStorageName } from "../model/accounts.ts";
import { fault, formAsker, orFault, requireSession, time } from "./layout.ts";
import { bytes, empty, plural, valPath } from "./pieces.ts";
import { settingsPage } from "./settings.ts";
import { own } from "./val-settings.ts";
import { valPage, type ValParams } from "./val.ts";

const LISTED = 100;
// A longer one is a download; a text box of a megabyte helps nobody.
const SHOWN_BYTES_MAX = 256 * 1024;

/** Whose blobs a page is about, and the page around them. */
interface Shelf {
  storage: Storage;
  /** Address of the page. */
  here: string;
  frame(title: string, body: HtmlValue, error?: HttpError): Promise<Response>;
}
type Find = (request: Request, params: ValParams, town: Town) => Promise<Shelf>;

export const blobPageRoutes: Route[] = [...routesOf("/@:username/:name/blobs", ofVal), ...routesOf("/settings/blobs", ofAccount)];

function routesOf(path: string, find: Find): Route[] {
  return [
    ["GET", path, async (request, params, town) => show(town, await find(request, params, town))],
    ["POST", path, async (request, params, town) => {
      await formAsker(town, request);
      const shelf = await find(request, params, town);
      const form = await request.formData();
      return orFault(() => change(shelf, form), (error) => show(town, shelf, error));
    }],
  ];
}

async function ofVal(request: Request, params: ValParams, town: Town): Promise<Shelf> {
  const { val, asker } = await own(request, params, town);
  return {
    storage: blobsOf(town.storage.sub(`val-${val.id}`)),
    here: href(town.arrival, valPath(val, "blobs")),
    frame: (title, body, error) => valPage(request, town, val, asker, "blobs", {
      title: `${title} · @${val.username}/${val.name}`, status: error?.status ?? 200, made: ["pages/blobs.ts"], body: html`${fault(error)}${body}`,
    }),
  };
}

async function ofAccount(request: Request, _params: ValParams, town: Town): Promise<Shelf> {
  const asker = await requireSession(town, request);
  return {
    storage: blobsOf(town.storage.sub(accountStorageName(asker.id))),
    here: href(town.arrival, "/settings/blobs"),
    frame: (title, body, error) => settingsPage(request, town, asker, "blobs", title, body, error),
  };
}

async function show(town: Town, shelf: Shelf, error?: HttpError): Promise<Response> {
  const query = new URLSearchParams(town.arrival.search);
  const key = query.get("key");
  if (key === null) return list(shelf, query.get("prefix") ?? "", query.get("after") ?? "", error);
  const blob = await readBlob(shelf.storage, key);
  if (blob === undefined) throw notFound("Blob");
  if (query.has("download")) return download(blob);
  const isShown = blob.size <= SHOWN_BYTES_MAX;
  const text = isShown ? textOf(new Uint8Array(await new Response(blob.body).arrayBuffer())) : undefined;
  return shelf.frame(key, html`<p><a href="${at(shelf, { prefix: folderOf(key) })}">All blobs</a></p>
    <div class="row between"><h2 class="wide">${key}</h2><span class="row"><a class="button" href="${at(shelf, { key, download: "" })}">Download</a>
      <form class="plain" method="post" action="${shelf.here}" enctype="multipart/form-data" data-confirm="Delete ${key}?"><input type="hidden" name="key" value="${key}"><button class="danger" name="act" value="delete">Delete</button></form></span></div>
    <p class="hint">${bytes(blob.size)}, written ${time(Date.parse(blob.lastModified))}</p>
    ${text === undefined ? empty(isShown ? "This is no text." : "This is too long to be shown here.", { href: at(shelf, { key, download: "" }), text: "Download" }) : html`
      <form method="post" action="${shelf.here}" enctype="multipart/form-data"><input type="hidden" name="key" value="${key}">
        <label for="text">Content</label><textarea class="code" id="text" name="text" spellcheck="false">
${text}</textarea><p class="actions"><button class="first" name="act" value="write">Save</button></p></form>`}`, error);
}

async function list(shelf: Shelf, prefix: string, after: string, error?: HttpError): Promise<Response> {
  const found = await listSomeBlobs(shelf.storage, prefix, after, LISTED + 1);
  const shown = found.slice(0, LISTED);
  const last = shown[shown.length - 1];
  const isAny = shown.length > 0 || prefix !== "" || after !== "";
  return shelf.frame("Blobs", html`<h2 class="hidden-visually">Blobs</h2>
    ${isAny ? html`<form class="line" method="get" action="${shelf.here}"><div><label for="prefix">Keys that begin with</label>
      <input id="prefix" name="prefix" type="search" value="${prefix}" spellcheck="false" autocapitalize="none"></div><button>Show</button></form>` : null}
    ${shown.length > 0 ? drawList(shelf, shown) : isAny ? empty(prefix === "" ? "There are no more." : `No key begins with ${prefix}.`)
      : empty("Nothing is stored yet. Code does it by std/blob, and the form below by hand.")}
    ${found.length > LISTED && last ? html`<p><a class="button" href="${at(shelf, { prefix, after: last.key })}">More</a></p>` : null}
    <form class="card" method="post" action="${shelf.here}" enctype="multipart/form-data"><h3>Put a blob</h3>
      <label for="key">Key</label><input id="key" name="key" maxlength="${KEY_LENGTH_MAX}" spellcheck="false" autocapitalize="none" aria-describedby="key-hint">
      <p class="hint" id="key-hint">Empty: the name of the file. What is there under the same key is replaced.</p>
      <label for="file">File</label><input id="file" name="file" type="file" required>
      <p class="actions"><button class="first" name="act" value="upload">Upload</button></p></form>`, error);
}

function drawList(shelf: Shelf, blobs: Blob[]): HtmlValue {
  return html`<div class="table" tabindex="0" role="region" aria-label="Blobs"><table><thead><tr><th scope="col">Key</th><th scope="col">Size</th><th scope="col">Written</th></tr></thead>
    <tbody>${blobs.map(({ key, size, lastModified }) => html`<tr><td class="wide mono"><a href="${at(shelf, { key })}">${key}</a></td>
      <td>${bytes(size)}</td><td>${time(Date.parse(lastModified))}</td></tr>`)}</tbody></table></div>
    <p class="soft small">${plural(blobs.length, "blob")} shown.</p>`;
}

/** Always a download, and never run: what is stored may be anybody's markup. */
function download(blob: { key: string; size: number; body: BodyInit }): Response {
  const name = blob.key.slice(blob.key.lastIndexOf("/") + 1) || "blob";
  return new Response(blob.body, {
    headers: {
      "content-type": "application/octet-stream", "content-length": String(blob.size), "cache-control": "no-store",
      "content-disposition": `attachment; filename*=UTF-8''${encodeURIComponent(name)}`,
      "content-security-policy": "sandbox; default-src 'none'", "x-content-type-options": "nosniff",
    },
  });
}

async function change(shelf: Shelf, form: FormData): Promise<Response> {
  const file = form.get("file");
  const given = form.get("key");
  const key = typeof given === "string" && given !== "" ? given : file instanceof File ? file.name : "";
  if (key === "" || key.length > KEY_LENGTH_MAX) throw badRequest(`A key has 1 to ${KEY_LENGTH_MAX} characters`);
  checkKey(key);
  switch (form.get("act")) {
    case "delete":
      if (!(await deleteBlob(shelf.storage, key))) throw notFound("Blob");
      return redirect(at(shelf, { prefix: folderOf(key) }));
    case "write":
      // Forms send every line end as two characters.
      await writeBlob(shelf.storage, key, String(form.get("text") ?? "").replaceAll("\r\n", "\n"));
      break;
    case "upload":
      if (!(file instanceof File)) throw badRequest("There is no file");
      await writeBlob(shelf.storage, key, await file.arrayBuffer());
      break;
    default:
      throw badRequest('"act" must be upload, write or delete');
  }
  return redirect(at(shelf, { key }));
}

function at(shelf: Shelf, query: Record<string, string>): string {
  return `${shelf.here}?${new URLSearchParams(query)}`;
}

/** What a key begins with up to its last slash, as if it were a path. */
function folderOf(key: string): string {
  return key.slice(0, key.lastIndexOf("/") + 1);
}

/** Bytes as text, where they are one. */
function textOf(content: Uint8Array): string | undefined {
  try {
    const text = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(content);
    return text.includes("\0") ? undefined : text;
  } catch {
    return undefined;
  }
}
