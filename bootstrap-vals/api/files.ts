/** Files of a val over the API. Every write is a new version; If-Match makes it depend on the present one. */

import { badRequest, json, noContent, notFound, optionalString, readJson, stringOf } from "../lib/http.ts";
import type { Route } from "../lib/router.ts";
import type { Town } from "../lib/town.ts";
import { askerOf, changeableVal, maySee, visibleVal } from "../model/access.ts";
import { addDirectory, addFile, changeFile, findFile, readContent, readEntry, readTree, removeFile, type Entry } from "../model/files.ts";
import { findValOnBranch, type Val } from "../model/vals.ts";
import { save, type Saved } from "../model/versions.ts";
import { booleanOf, expectedVersion, fileShape, integerOf, page, readQuery } from "./shapes.ts";

export const fileRoutes: Route[] = [
  ["GET", "/api/v2/vals/:id/files", list],
  ["POST", "/api/v2/vals/:id/files", create],
  ["PUT", "/api/v2/vals/:id/files", update],
  ["DELETE", "/api/v2/vals/:id/files", remove],
  ["GET", "/api/v2/vals/:id/files/content", content],
  ["GET", "/api/v2/files/:id", async (request, params, town) => {
    const asker = await askerOf(town, request, "val:read");
    const found = await findFile(town, params.id as string);
    const val = found && await findValOnBranch(town, found.val_id, found.branch_id);
    if (found === undefined || val === undefined || !maySee(asker, val)) throw notFound("File");
    const tree = await readTree(town, val);
    return json(fileShape(town.arrival, val, tree, tree.get(found.path) as Entry));
  }],
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
  if (known !== null && known.split(",").some((tag) => tag.trim().replace(/^W\//, "") === etag || tag.trim() === "*")) {
    return new Response(null, { status: 304, headers });
  }
  return new Response(await readContent(town, entry.hash), {
    headers: { ...headers, "content-type": "text/plain; charset=utf-8", "x-content-type-options": "nosniff" },
  });
}

function savedFile(town: Town, saved: Saved, path: string, status: number): Response {
  const { val, tree, diagnostics } = saved;
  const shape = fileShape(town.arrival, val, tree, tree.get(path) as Entry);
  const own = diagnostics.filter((diagnostic) => diagnostic.path === path);
  return json({ ...shape, diagnostics: own }, status, { etag: `"${val.version}"` });
}

function pathOf(params: URLSearchParams): string {
  const path = params.get("path");
  if (path === null) throw badRequest('"path" is missing');
  return path;
}

function versionOf(val: Val, params: URLSearchParams): number {
  const version = integerOf(params, "version", 0, Number.MAX_SAFE_INTEGER) ?? val.version;
  if (version > val.version) throw notFound("Version");
  return version;
}

/** The val as it is on the branch that the request names, by id. */
async function onBranch(town: Town, val: Val, params: URLSearchParams): Promise<Val> {
  const id = params.get("branch_id");
  if (id === null || id === "" || id === val.branch_id) return val;
  const found = await findValOnBranch(town, val.id, id);
  if (found === undefined) throw notFound("Branch");
  return found;
}
