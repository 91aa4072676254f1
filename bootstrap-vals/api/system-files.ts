/** The files of the platform one by one: reading, overriding and restoring them, and loading what was written. */

import type { SystemFile } from "town:kernel";
import { json, noContent, notFound, readJson, stringOf } from "../lib/http.ts";
import type { Route } from "../lib/router.ts";
import { anything, arrayOf, boolean, integer, mapOf, nullable, object, oneOf, ref, text, time, uri, uuid, type Schema } from "../lib/schema.ts";
import { systemOf, type Town } from "../lib/town.ts";
import { requireOwner } from "../model/access.ts";
import { causeOf, noteOf, refusal, Refusal } from "../model/system.ts";
import { iso } from "./shapes.ts";

const owner = { access: "owner", scope: "town:write" } as const;

export const systemSchemas: Record<string, Schema> = {
  SystemFile: object({
    path: text, from: oneOf("image", "override", "added"), "source?": anything, "image?": nullable(text), "base?": nullable(text),
    "at?": time, "cause?": nullable({ anyOf: [ref("Cause")] }), "digest?": text, "moved?": boolean,
  }),
  Cause: object({
    by: text, "val?": text, "valId?": uuid, "version?": integer, "act?": oneOf("override", "restore", "merge", "rollback"),
  }),
  SystemChange: object({
    number: integer, path: text, at: time, cause: nullable({ anyOf: [ref("Cause")] }), digest: nullable(text), act: oneOf("write", "restore"),
  }),
  Trial: object({ id: uuid, name: text, of: object({ id: uuid, name: nullable(text), version: integer }), expiresAt: time, snapshot: boolean, url: uri }),
  Moved: object({ path: text, conflicts: integer, merged: text, source: text, base: nullable(text), image: nullable(text) }),
  Health: object({
    sandboxMissing: arrayOf(text),
    fares: nullable({ anyOf: [object({ since: time, requests: integer, failures: integer, failing: boolean })] }),
    stopped: nullable({ anyOf: [object({ message: text, stack: text })] }),
    counts: nullable({ anyOf: [object({ since: time, refused: integer, processes: integer, runs: mapOf(integer) })] }),
  }),
};

export const systemFileRoutes: Route[] = [
  ["GET", "/api/town/system", list, {
    ...owner, summary: "The files of the platform", answers: { 200: object({ data: arrayOf(ref("SystemFile")) }) },
  }],
  ["DELETE", "/api/town/system", async (request, _params, town) => {
    const asker = await requireOwner(town, request);
    await systemOf(town).restore(undefined, noteOf({ by: asker.username, act: "restore" }));
    return noContent();
  }, { ...owner, summary: "Restores every file of the platform, from the next reload on", answers: { 204: null } }],
  ["POST", "/api/town/system/reload", reload, {
    ...owner, summary: "Loads the platform anew, if it loads", answers: { 200: object({ reloaded: boolean }) },
  }],
  ["GET", "/api/town/system/files/*", read, {
    ...owner, summary: "A file of the platform; bytes where it is no text", answers: { 200: ref("SystemFile") },
  }],
  ["PUT", "/api/town/system/files/*", write, {
    ...owner, summary: "Overrides a file of the platform, from the next reload on", body: object({ source: text }),
    answers: { 200: ref("SystemFile") },
  }],
  ["DELETE", "/api/town/system/files/*", async (request, params, town) => {
    const asker = await requireOwner(town, request);
    await systemOf(town).restore(params.rest as string, noteOf({ by: asker.username, act: "restore" }));
    return noContent();
  }, { ...owner, summary: "Restores a file of the platform, from the next reload on", answers: { 204: null } }],
];

export function fileShape({ path, from, at, note, digest, moved }: SystemFile) {
  return at === undefined ? { path, from } : { path, from, at: iso(at), cause: causeOf(note), digest, moved };
}

async function list(request: Request, _params: unknown, town: Town): Promise<Response> {
  await requireOwner(town, request);
  return json({ data: (await systemOf(town).list()).map(fileShape) });
}

async function read(request: Request, params: { rest?: string }, town: Town): Promise<Response> {
  await requireOwner(town, request);
  return present(town, params.rest as string);
}

async function present(town: Town, path: string): Promise<Response> {
  const file = await systemOf(town).read(path);
  if (file === undefined) throw notFound("File");
  if (typeof file.source !== "string") return new Response(file.source as Uint8Array<ArrayBuffer>);
  const { source, from, image, base, note } = file;
  return json({ path, source, from, image, base, cause: causeOf(note) });
}

/** `{ "source": ... }` as JSON, or the source itself as any other content type. */
async function write(request: Request, params: { rest?: string }, town: Town): Promise<Response> {
  const asker = await requireOwner(town, request);
  const isJson = request.headers.get("content-type")?.includes("json") ?? false;
  const source = isJson ? stringOf(await readJson(request), "source") : await request.text();
  const path = params.rest as string;
  await systemOf(town).write(path, source, noteOf({ by: asker.username, act: "override" }));
  return present(town, path);
}

/** 422 with the reason when what is written does not load: then what was running runs on. */
async function reload(request: Request, _params: unknown, town: Town): Promise<Response> {
  await requireOwner(town, request);
  try {
    await systemOf(town).reload();
  } catch (error) {
    return refused(refusal(error));
  }
  return json({ reloaded: true });
}

/** Why the platform stays as it is: which check failed, or where it does not load. */
export function refused(error: unknown): Response {
  if (!(error instanceof Refusal)) throw error;
  return json({ message: error.message, code: error.code, stack: error.trace }, error.status);
}
