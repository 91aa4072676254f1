/** Files of a val over the API. Every write is a new version; If-Match makes it depend on the present one. */

import { badRequest, expectedVersion, json, noContent, notFound, optionalString, readJson, stringOf } from "../lib/http.ts";
import type { Route } from "../lib/router.ts";
import { boolean, nullable, object, oneOf, pageOf, ref, text, uuid } from "../lib/schema.ts";
import type { Town } from "../lib/town.ts";
import { askerOf, changeableVal, mayChange, maySee, visibleVal } from "../model/access.ts";
import { readSchedule, scheduleShape } from "../model/cron.ts";
import { addDirectory, addFile, changeFile, findFile, readData, readEntry, readTree, removeFile, type Entry } from "../model/files.ts";
import { FILE_TYPES } from "../model/names.ts";
import { isStandard } from "../model/standard.ts";
import { findValOnBranch } from "../model/vals.ts";
import { save, type Saved } from "../model/versions.ts";
import { onBranch, pathOf, versionOf } from "./parameters.ts";
import { fileType, pageQuery } from "./schemas.ts";
import { booleanOf, fileShape, page, readQuery } from "./shapes.ts";

const at = { path: text, "branch_id?": uuid };
const version = { type: "integer", minimum: 0 };
const write = { access: "author", scope: "val:write" } as const;

export const fileRoutes: Route[] = [
  ["GET", "/api/v2/vals/:id/files", list, {
    summary: "The files of a folder, or one file", access: "reader", scope: "val:read",
    query: { ...at, "version?": version, "recursive?": boolean, ...pageQuery }, answers: { 200: pageOf(ref("File")) },
  }],
  ["POST", "/api/v2/vals/:id/files", create, {
    ...write, summary: "Makes a file or folder", query: at,
    body: object({ type: oneOf("directory", ...FILE_TYPES), "content?": nullable(text) }), answers: { 201: ref("SavedFile") },
  }],
  ["PUT", "/api/v2/vals/:id/files", update, {
    ...write, summary: "Changes content, type, name or folder of a file", query: at,
    body: object({ "content?": text, "type?": fileType, "name?": text, "parent_path?": nullable(text) }),
    answers: { 200: ref("SavedFile") },
  }],
  ["DELETE", "/api/v2/vals/:id/files", remove, {
    ...write, summary: "Removes a file or folder", query: { ...at, "recursive?": boolean }, answers: { 204: null },
  }],
  ["GET", "/api/v2/vals/:id/files/content", content, {
    summary: "The content of a file; its entity tag is the version", access: "reader", scope: "val:read",
    query: { ...at, "version?": version }, answers: { 200: "bytes", 304: null },
  }],
  ["GET", "/api/v2/files/:file", async (request, params, town) => {
    const asker = await askerOf(town, request, "val:read");
    const found = await findFile(town, params.file as string);
    const val = found && await findValOnBranch(town, found.val_id, found.branch_id);
    if (found === undefined || val === undefined || !maySee(asker, val)) throw notFound("File");
    const tree = await readTree(town, val);
    const shape = fileShape(town.arrival, val, tree, tree.get(found.path) as Entry);
    const schedule = shape.type === "interval" && mayChange(asker, val) ? await readSchedule(town, shape.id) : undefined;
    return json(schedule === undefined ? shape : { ...shape, schedule: scheduleShape(schedule) });
  }, { summary: "A file by its id", access: "anybody", scope: "val:read", answers: { 200: ref("FileWithSchedule") } }],
];

async function list(request: Request, params: { id?: string }, town: Town): Promise<Response> {
  const query = readQuery(town.arrival);
  const val = await onBranch(town, await visibleVal(town, request, params.id as string), query.params);
  const version = versionOf(val, query.params);
  const path = pathOf(query.params);
  const recursive = booleanOf(query.params, "recursive");
  const tree = await readTree(town, val, version);
  const present = tree.get(path);
  if (path !== "" && present === undefined) throw notFound("File");
  const prefix = path === "" ? "" : `${path}/`;
  const entries = present !== undefined && present.type !== "directory"
    ? [present]
    : [...tree.values()].filter((entry) => {
      return entry.path.startsWith(prefix) && (recursive || !entry.path.includes("/", prefix.length));
    });
  const wanted = entries.slice(query.offset, query.offset + query.limit + 1);
  return page(town.arrival, query, wanted.map((entry) => fileShape(town.arrival, val, tree, entry, version)));
}

async function create(request: Request, params: { id?: string }, town: Town): Promise<Response> {
  const { val: main, asker } = await changeableVal(town, request, params.id as string);
  const { params: query } = readQuery(town.arrival);
  const val = await onBranch(town, main, query);
  const path = pathOf(query);
  const body = await readJson(request);
  const type = stringOf(body, "type");
  const text = optionalString(body, "content");
  if (type === "directory" && text !== undefined) throw badRequest("A directory has no content");
  if (type !== "directory" && text === undefined) throw badRequest('"content" must be a string');
  const saved = await save(town, val, asker.id, async (tree) => {
    if (type === "directory") addDirectory(tree, path);
    else await addFile(tree, path, type, text as string);
  }, { expected: expectedVersion(request) });
  return savedFile(town, saved, path, 201);
}

async function update(request: Request, params: { id?: string }, town: Town): Promise<Response> {
  const { val: main, asker } = await changeableVal(town, request, params.id as string);
  const { params: query } = readQuery(town.arrival);
  const val = await onBranch(town, main, query);
  const path = pathOf(query);
  const body = await readJson(request);
  const slash = path.lastIndexOf("/");
  const name = optionalString(body, "name") ?? path.slice(slash + 1);
  const parent = body.parent_path === null ? "" : optionalString(body, "parent_path") ?? (slash < 0 ? "" : path.slice(0, slash));
  if (name.includes("/")) throw badRequest('"name" must have no /');
  const target = parent === "" ? name : `${parent}/${name}`;
  const change = { content: optionalString(body, "content"), type: optionalString(body, "type"), path: target };
  const saved = await save(town, val, asker.id, (tree) => changeFile(tree, path, change), { expected: expectedVersion(request) });
  return savedFile(town, saved, target, 200);
}

async function remove(request: Request, params: { id?: string }, town: Town): Promise<Response> {
  const { val: main, asker } = await changeableVal(town, request, params.id as string);
  const { params: query } = readQuery(town.arrival);
  const val = await onBranch(town, main, query);
  const path = pathOf(query);
  const recursive = booleanOf(query, "recursive");
  await save(town, val, asker.id, (tree) => removeFile(tree, path, recursive), { expected: expectedVersion(request) });
  return noContent();
}

/** The text of a file. Its entity tag is the version it is of, which a write may give back as If-Match. */
async function content(request: Request, params: { id?: string }, town: Town): Promise<Response> {
  const { params: query } = readQuery(town.arrival);
  const val = await onBranch(town, await visibleVal(town, request, params.id as string), query);
  const version = versionOf(val, query);
  const entry = await readEntry(town, val, pathOf(query), version);
  if (entry === undefined || entry.hash === null) throw notFound("File");
  const etag = `"${version}"`;
  const headers = { etag, "cache-control": "no-cache", "last-modified": new Date(entry.updated_at).toUTCString() };
  const expected = expectedVersion(request);
  if (expected !== undefined && expected !== version) {
    return json({ message: `The file is of version ${version}, not ${expected}`, code: "stale" }, 412, headers);
  }
  const known = request.headers.get("if-none-match");
  // The standard library changes with the town, and has no versions that would tell.
  if (known !== null && !isStandard(val) && known.split(",").some((tag) => tag.trim().replace(/^W\//, "") === etag || tag.trim() === "*")) {
    return new Response(null, { status: 304, headers });
  }
  const data = await readData(town, entry.hash);
  const type = typeof data === "string" ? "text/plain; charset=utf-8" : "application/octet-stream";
  return new Response(data, { headers: { ...headers, "content-type": type, "x-content-type-options": "nosniff" } });
}

function savedFile(town: Town, saved: Saved, path: string, status: number): Response {
  const { val, tree, diagnostics } = saved;
  const shape = fileShape(town.arrival, val, tree, tree.get(path) as Entry);
  const own = diagnostics.filter((diagnostic) => diagnostic.path === path);
  return json({ ...shape, diagnostics: own }, status, { etag: `"${val.version}"` });
}
