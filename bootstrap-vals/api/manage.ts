/** Vals beyond what Val Town's API does: whole vals in one request, changing, copying, and who uses what. */

import { badRequest, expectedVersion, json, notFound, nullableString, optionalString, readJson, stringOf } from "../lib/http.ts";
import type { Route } from "../lib/router.ts";
import { anything, arrayOf, nullable, object, oneOf, pageOf, ref, text, uri, uuid } from "../lib/schema.ts";
import type { Town } from "../lib/town.ts";
import { askerOf, changeableVal, requireAsker, visibleVal } from "../model/access.ts";
import { addFile, changeFile, readData, readEntry, readTree, removeFile, type Data, type Tree } from "../model/files.ts";
import { checkDescription, checkValName, dialectOf } from "../model/names.ts";
import { listRemixes, listUsers } from "../model/references.ts";
import { originalOf, remixVal } from "../model/remix.ts";
import { listTemplates, treeOfTemplate } from "../model/templates.ts";
import { changeVal, checkPrivacy, createVal, type Val } from "../model/vals.ts";
import { readDiagnostics, save } from "../model/versions.ts";
import { onBranch, savedVal, valWithFiles, versionOf } from "./parameters.ts";
import { pageQuery, privacy } from "./schemas.ts";
import { fileShape, page, readQuery, valShape } from "./shapes.ts";

const read = { access: "reader", scope: "val:read" } as const;
const write = { access: "author", scope: "val:write" } as const;
const branch = { "branch_id?": uuid };
const fileEdit = object({
  path: text, "type?": text, "content?": nullable(text), "encoding?": oneOf("utf-8", "base64"), "newPath?": text, "delete?": anything,
});
const described = { "privacy?": privacy, "description?": nullable(text) };

export const manageRoutes: Route[] = [
  ["POST", "/api/town/vals", createWithFiles, {
    access: "account", scope: "val:write", summary: "Makes a val with its files at once, or from a template",
    body: object({ name: text, ...described, "files?": arrayOf(fileEdit), "template?": text }), answers: { 201: ref("ValWithFiles") },
  }],
  ["GET", "/api/town/vals/:id", async (request, params, town) => {
    const val = await onBranch(town, await visibleVal(town, request, params.id as string), readQuery(town.arrival).params);
    return json(valWithFiles(town, val, await readTree(town, val), await readDiagnostics(town, val)));
  }, { ...read, summary: "A val with all its files", query: branch, answers: { 200: ref("ValWithFiles") } }],
  ["PATCH", "/api/town/vals/:id", async (request, params, town) => {
    const { val } = await changeableVal(town, request, params.id as string);
    const body = await readJson(request);
    const change = {
      name: optionalString(body, "name"), privacy: optionalString(body, "privacy"),
      description: nullableString(body, "description"), imageUrl: nullableString(body, "imageUrl"),
    };
    return json(valShape(town.arrival, await changeVal(town, val, change)));
  }, {
    ...write, summary: "Changes name, privacy, description or image; a former name keeps leading to the val",
    body: object({ "name?": text, ...described, "imageUrl?": nullable(uri) }), answers: { 200: ref("Val") },
  }],
  ["POST", "/api/town/vals/:id/versions", saveVersion, {
    ...write, summary: "Saves any number of changes to files as one version", query: branch,
    body: object({ files: arrayOf(fileEdit), "message?": nullable(text) }), answers: { 200: ref("ValWithFiles") },
  }],
  ["GET", "/api/town/vals/:id/raw/*", readRaw, {
    ...read, summary: "The bytes of a file", query: { "version?": { type: "integer", minimum: 0 }, ...branch }, answers: { 200: "bytes" },
  }],
  ["PUT", "/api/town/vals/:id/raw/*", writeRaw, {
    ...write, summary: "Writes the bytes of a file, which is made if there is none", query: { "type?": text, ...branch }, body: "bytes",
    answers: { 200: ref("SavedFile"), 201: ref("SavedFile") },
  }],
  ["POST", "/api/town/vals/:id/remix", async (request, params, town) => {
    const asker = await requireAsker(town, request, "val:write");
    const original = await visibleVal(town, request, params.id as string);
    const body = await readJson(request);
    const wish = {
      name: optionalString(body, "name"), privacy: optionalString(body, "privacy"), description: optionalString(body, "description"),
    };
    const { val, diagnostics } = await remixVal(town, original, asker, wish);
    return json(valWithFiles(town, val, await readTree(town, val), diagnostics), 201);
  }, {
    access: "account", scope: "val:write", summary: "Copies a val to one of yours, without its environment variables",
    body: object({ "name?": text, ...described }), answers: { 201: ref("ValWithFiles") },
  }],
  ["GET", "/api/town/vals/:id/original", async (request, params, town) => {
    const original = await originalOf(town, await visibleVal(town, request, params.id as string));
    if (original === undefined) throw notFound("Original");
    return json(valShape(town.arrival, await visibleVal(town, request, original.id)));
  }, { ...read, summary: "The val that this one is a copy of", answers: { 200: ref("Val") } }],
  ["GET", "/api/town/vals/:id/remixes", (request, params, town) => listOf(request, params, town, listRemixes), {
    ...read, summary: "Copies of this val", query: pageQuery, answers: { 200: pageOf(ref("Val")) },
  }],
  ["GET", "/api/town/vals/:id/references", (request, params, town) => listOf(request, params, town, listUsers), {
    ...read, summary: "Vals that import this one", query: pageQuery, answers: { 200: pageOf(ref("Val")) },
  }],
  ["GET", "/api/town/templates", async (_request, _params, town) => json({ data: await listTemplates(town) }), {
    access: "anybody", summary: "What a val may begin as", answers: { 200: object({ data: arrayOf(ref("Template")) }) },
  }],
];

async function createWithFiles(request: Request, _params: unknown, town: Town): Promise<Response> {
  const asker = await requireAsker(town, request, "val:write");
  const body = await readJson(request);
  const name = checkValName(stringOf(body, "name"));
  const template = optionalString(body, "template");
  const tree: Tree = template === undefined ? new Map() : await treeOfTemplate(town, template);
  for (const file of editsOf(body.files ?? [])) {
    const { path, type, data } = file;
    if (type === undefined || data === undefined) throw badRequest('Each of "files" must have the strings path, type and content');
    await addFile(tree, path, type, data);
  }
  const { val, diagnostics } = await createVal(town, asker, {
    name, privacy: checkPrivacy(optionalString(body, "privacy") ?? "public"),
    description: checkDescription(optionalString(body, "description")), tree,
  });
  return json(valWithFiles(town, val, tree, diagnostics), 201);
}

async function saveVersion(request: Request, params: { id?: string }, town: Town): Promise<Response> {
  const { val: main, asker } = await changeableVal(town, request, params.id as string);
  const val = await onBranch(town, main, readQuery(town.arrival).params);
  const body = await readJson(request);
  const edits = editsOf(body.files);
  const options = { expected: expectedVersion(request), message: optionalString(body, "message")?.slice(0, MESSAGE_LENGTH_MAX) ?? null };
  const saved = await save(town, val, asker.id, async (tree) => {
    for (const { path, type, data, newPath, gone } of edits) {
      if (gone) removeFile(tree, path, true);
      else if (tree.has(path)) await changeFile(tree, path, { content: data, type, path: newPath });
      else await addFile(tree, path, type ?? defaultType(path), data ?? "");
    }
  }, options);
  return savedVal(town, saved, 200);
}

const MESSAGE_LENGTH_MAX = 1_000;

interface Edit {
  path: string;
  type: string | undefined;
  data: Data | undefined;
  newPath: string | undefined;
  gone: boolean;
}

function editsOf(files: unknown): Edit[] {
  if (!Array.isArray(files)) throw badRequest('"files" must be an array');
  return files.map((file: unknown) => {
    if (typeof file !== "object" || file === null) throw badRequest('Each of "files" must be an object');
    const edit = file as Record<string, unknown>;
    const content = optionalString(edit, "content");
    const data = content === undefined || edit.encoding !== "base64" ? content : bytesOf(content);
    return {
      path: stringOf(edit, "path"), type: optionalString(edit, "type"), data, newPath: optionalString(edit, "newPath"),
      gone: edit.delete === true,
    };
  });
}

function bytesOf(text: string): Uint8Array<ArrayBuffer> {
  try {
    return Uint8Array.from(atob(text), (character) => character.charCodeAt(0));
  } catch {
    throw badRequest('"content" is not Base64');
  }
}

async function readRaw(request: Request, params: { id?: string; rest?: string }, town: Town): Promise<Response> {
  const { params: query } = readQuery(town.arrival);
  const val = await onBranch(town, await visibleVal(town, request, params.id as string), query);
  const version = versionOf(val, query);
  const entry = await readEntry(town, val, params.rest as string, version);
  if (entry === undefined || entry.hash === null) throw notFound("File");
  const data = await readData(town, entry.hash);
  return new Response(data, {
    headers: {
      etag: `"${version}"`, "cache-control": "no-cache", "x-content-type-options": "nosniff",
      "content-type": typeof data === "string" ? "text/plain; charset=utf-8" : "application/octet-stream",
      // Whatever a browser takes it for, it runs none of it on the pages' origin.
      "content-security-policy": "sandbox; default-src 'none'",
    },
  });
}

async function writeRaw(request: Request, params: { id?: string; rest?: string }, town: Town): Promise<Response> {
  const { val: main, asker } = await changeableVal(town, request, params.id as string);
  const { params: query } = readQuery(town.arrival);
  const val = await onBranch(town, main, query);
  const path = params.rest as string;
  const type = query.get("type") ?? undefined;
  const data = new Uint8Array(await request.arrayBuffer());
  let status = 200;
  const saved = await save(town, val, asker.id, async (tree) => {
    if (tree.has(path)) await changeFile(tree, path, { content: data, type });
    else {
      status = 201;
      await addFile(tree, path, type ?? defaultType(path), data);
    }
  }, { expected: expectedVersion(request) });
  const entry = saved.tree.get(path)!;
  const diagnostics = saved.diagnostics.filter((diagnostic) => diagnostic.path === path);
  return json({ ...fileShape(town.arrival, saved.val, saved.tree, entry), diagnostics }, status, { etag: `"${saved.val.version}"` });
}

function defaultType(path: string): string {
  return dialectOf(path) === null ? "file" : "script";
}

type Lister = (town: Town, val: Val, wish: { asker?: string | undefined; offset: number; limit: number }) => Promise<Val[]>;

async function listOf(request: Request, params: { id?: string }, town: Town, list: Lister): Promise<Response> {
  const val = await visibleVal(town, request, params.id as string);
  const asker = await askerOf(town, request, "val:read");
  const query = readQuery(town.arrival);
  const vals = await list(town, val, { asker: asker?.id, limit: query.limit + 1, offset: query.offset });
  return page(town.arrival, query, vals.map((other) => valShape(town.arrival, other)));
}
