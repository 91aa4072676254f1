/** The files of the platform over the API, and overrides of the image. */

import { json, noContent, notFound, readJson, stringOf } from "../lib/http.ts";
import type { Route } from "../lib/router.ts";
import { arrayOf, boolean, object, ref, text } from "../lib/schema.ts";
import type { Town } from "../lib/town.ts";
import { requireOwner } from "../model/access.ts";

const owner = { access: "owner", scope: "town:write" } as const;

export const townRoutes: Route[] = [
  ["GET", "/api/town/system", listSystem, {
    ...owner, summary: "The files of the platform", answers: { 200: object({ data: arrayOf(ref("SystemFile")) }) },
  }],
  ["DELETE", "/api/town/system", restoreAll, { ...owner, summary: "Restores every file of the platform", answers: { 204: null } }],
  ["POST", "/api/town/system/reload", reload, {
    ...owner, summary: "Loads the platform anew, if it loads", answers: { 200: object({ reloaded: boolean }) },
  }],
  ["GET", "/api/town/system/files/*", readSystem, {
    ...owner, summary: "A file of the platform; bytes where it is no text", answers: { 200: ref("SystemFile") },
  }],
  ["PUT", "/api/town/system/files/*", writeSystem, {
    ...owner, summary: "Overrides a file of the platform", body: object({ source: text }), answers: { 200: ref("SystemFile") },
  }],
  ["DELETE", "/api/town/system/files/*", restoreOne, { ...owner, summary: "Restores a file of the platform", answers: { 204: null } }],
];

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
