/** What Val Town has no API for: vals with their files at once, instances, accounts, runs, overrides of the image. */

import { randomSecret } from "../lib/crypto.ts";
import { badRequest, json, noContent, notFound, optionalString, readJson, stringOf } from "../lib/http.ts";
import type { Route } from "../lib/router.ts";
import type { Town } from "../lib/town.ts";
import { changeableVal, requireAsker, requireOwner } from "../model/access.ts";
import { createAccount } from "../model/accounts.ts";
import { addFile, type Tree } from "../model/files.ts";
import { listLogs, listRuns, readRun } from "../model/runs.ts";
import { checkDescription, checkValName } from "../model/names.ts";
import { checkPrivacy, createVal, type Val } from "../model/vals.ts";
import { addToken } from "../model/tokens.ts";
import type { Diagnostic } from "../modules/analysis.ts";
import { fileShape, linkWith, readQuery, valShape } from "./shapes.ts";

/** The whole program of a town: the platform's own, on the val's storage. */
const TOWN_SOURCE = 'export { default } from "town:system/main.ts";\n';

export const townRoutes: Route[] = [
  ["POST", "/api/town/vals", createWithFiles],
  ["POST", "/api/town/instances", createInstance],
  ["POST", "/api/town/users", createUser],
  ["GET", "/api/town/vals/:id/runs", runs],
  ["GET", "/api/town/vals/:id/runs/:run", run],
  ["GET", "/api/town/vals/:id/logs", logs],
  ["GET", "/api/town/system", listSystem],
  ["DELETE", "/api/town/system", restoreAll],
  ["POST", "/api/town/system/reload", reload],
  ["GET", "/api/town/system/files/*", readSystem],
  ["PUT", "/api/town/system/files/*", writeSystem],
  ["DELETE", "/api/town/system/files/*", restoreOne],
];

async function createWithFiles(request: Request, _params: unknown, town: Town): Promise<Response> {
  const asker = await requireAsker(town, request, "val:write");
  const body = await readJson(request);
  const files = body.files ?? [];
  if (!Array.isArray(files)) throw badRequest('"files" must be an array');
  const name = checkValName(stringOf(body, "name"));
  const tree: Tree = new Map();
  for (const file of files as unknown[]) {
    if (typeof file !== "object" || file === null) throw badRequest('Each of "files" must be an object');
    const { path, type, content } = file as Record<string, unknown>;
    if (typeof path !== "string" || typeof type !== "string" || typeof content !== "string") {
      throw badRequest('Each of "files" must have the strings path, type and content');
    }
    await addFile(tree, path, type, content);
  }
  const privacy = checkPrivacy(optionalString(body, "privacy") ?? "public");
  const description = checkDescription(optionalString(body, "description"));
  const { val, diagnostics } = await createVal(town, asker, { name, privacy, description, tree });
  return json(valWithFiles(town, val, tree, diagnostics), 201);
}

async function createInstance(request: Request, _params: unknown, town: Town): Promise<Response> {
  const asker = await requireAsker(town, request, "val:write");
  const body = await readJson(request);
  const tree: Tree = new Map();
  const main = await addFile(tree, "main.ts", "http", optionalString(body, "main") ?? TOWN_SOURCE);
  const token = `town_${randomSecret()}`;
  const { val, diagnostics } = await createVal(town, asker, {
    name: checkValName(stringOf(body, "name")),
    privacy: checkPrivacy(optionalString(body, "privacy") ?? "public"),
    description: checkDescription(optionalString(body, "description")),
    tree,
    env: { TOWN_OWNER: asker.username, TOWN_TOKEN: token },
  });
  const shape = valWithFiles(town, val, tree, diagnostics);
  return json({ val: shape, url: fileShape(town.arrival, val, tree, main).links.endpoint, token }, 201);
}

async function createUser(request: Request, _params: unknown, town: Town): Promise<Response> {
  await requireOwner(town, request);
  const body = await readJson(request);
  const wish = { username: stringOf(body, "username"), password: optionalString(body, "password"), role: "member" as const };
  const account = await createAccount(town, wish);
  const token = await addToken(town, account, { name: "First token", scopes: ["*"] });
  return json({ user: { id: account.id, username: account.username }, token }, 201);
}

async function runs(request: Request, params: { id?: string }, town: Town): Promise<Response> {
  const { val } = await changeableVal(town, request, params.id as string, "telemetry:read");
  const query = readQuery(town.arrival);
  const before = query.params.get("before") ?? undefined;
  const found = await listRuns(town, val.id, { limit: query.limit + 1, before });
  const links: Record<string, string> = { self: linkWith(town.arrival, query, {}) };
  const last = found[query.limit - 1];
  if (found.length > query.limit && last) links.next = linkWith(town.arrival, query, { before: last.position });
  return json({ data: found.slice(0, query.limit), links });
}

async function run(request: Request, params: { id?: string; run?: string }, town: Town): Promise<Response> {
  const { val } = await changeableVal(town, request, params.id as string, "telemetry:read");
  const found = await readRun(town, val.id, params.run as string);
  if (found === undefined) throw notFound("Run");
  return json(found);
}

async function logs(request: Request, params: { id?: string }, town: Town): Promise<Response> {
  const { val } = await changeableVal(town, request, params.id as string, "telemetry:read");
  const query = readQuery(town.arrival);
  const wish = { limit: query.limit + 1, before: query.params.get("before") ?? undefined, run: query.params.get("run") ?? undefined };
  const found = await listLogs(town, val.id, wish);
  const links: Record<string, string> = { self: linkWith(town.arrival, query, {}) };
  const last = found[query.limit - 1];
  if (found.length > query.limit && last) links.next = linkWith(town.arrival, query, { before: last.position });
  return json({ data: found.slice(0, query.limit), links });
}

// ---- Overrides of the image -----------------------------------------------------------------------

async function listSystem(request: Request, _params: unknown, town: Town): Promise<Response> {
  await requireOwner(town, request);
  return json({ data: await systemOf(town).list() });
}

async function readSystem(request: Request, params: { rest?: string }, town: Town): Promise<Response> {
  await requireOwner(town, request);
  const file = await systemOf(town).read(params.rest as string);
  if (file === undefined) throw notFound("File");
  if (typeof file.source !== "string") return new Response(file.source as Uint8Array<ArrayBuffer>);
  return json({ path: params.rest, ...file });
}

/** `{ "source": ... }` as JSON, or the source itself as any other content type. */
async function writeSystem(request: Request, params: { rest?: string }, town: Town): Promise<Response> {
  await requireOwner(town, request);
  const isJson = request.headers.get("content-type")?.includes("json") ?? false;
  const source = isJson ? stringOf(await readJson(request), "source") : await request.text();
  const path = params.rest as string;
  await systemOf(town).write(path, source);
  return json({ path, ...(await systemOf(town).read(path)) });
}

async function restoreOne(request: Request, params: { rest?: string }, town: Town): Promise<Response> {
  await requireOwner(town, request);
  await systemOf(town).restore(params.rest as string);
  return noContent();
}

async function restoreAll(request: Request, _params: unknown, town: Town): Promise<Response> {
  await requireOwner(town, request);
  await systemOf(town).restore();
  return noContent();
}

/** 422 with the reason when what is written does not load: then what was running runs on. */
async function reload(request: Request, _params: unknown, town: Town): Promise<Response> {
  await requireOwner(town, request);
  try {
    await systemOf(town).reload();
  } catch (error) {
    const { message, stack } = error as Error;
    return json({ message, code: "load", stack: stack ?? null }, 422);
  }
  return json({ reloaded: true });
}

function systemOf(town: Town) {
  if (town.system === undefined) throw notFound("System");
  return town.system;
}

function valWithFiles(town: Town, val: Val, tree: Tree, diagnostics: Diagnostic[]) {
  const files = [...tree.values()].filter((entry) => entry.type !== "directory");
  return {
    ...valShape(town.arrival, val),
    files: files.map((entry) => fileShape(town.arrival, val, tree, entry)),
    diagnostics,
  };
}
