/** Blobs over the API: those of the asker's account (v1), and those of one val (v2). */

import type { Storage } from "town:kernel";
import { blobsOf, deleteBlob, KEY_LENGTH_MAX, listBlobs, readBlob, writeBlob } from "../lib/blobs.ts";
import { badRequest, json, noContent, notFound } from "../lib/http.ts";
import type { Route } from "../lib/router.ts";
import { arrayOf, integer, object, text, time, uuid, type Schema } from "../lib/schema.ts";
import type { Town } from "../lib/town.ts";
import { changeableVal, requireAsker, type Scope } from "../model/access.ts";
import { accountStorageName } from "../model/accounts.ts";

type Find = (town: Town, request: Request, scope: Scope) => Promise<Storage>;

export const blobRoutes: Route[] = [
  ...routesOf("/api/v1/blob", ofAccount, "the blobs of your account", {}),
  ...routesOf("/api/v2/blob", ofVal, "the blobs of a val", { "val_id?": uuid }),
];

function routesOf(base: string, find: Find, whose: string, query: Record<string, Schema>): Route[] {
  const about = (scope: Scope) => ({ access: "account", scope }) as const;
  return [
    ["GET", base, async (request, _params, town) => {
      const storage = await find(town, request, "blob:read");
      return json(await listBlobs(storage, new URLSearchParams(town.arrival.search).get("prefix") ?? ""));
    }, {
      ...about("blob:read"), summary: `Lists ${whose}`, query: { ...query, "prefix?": text },
      answers: { 200: arrayOf(object({ key: text, size: integer, lastModified: time })) },
    }],
    ["GET", `${base}/*`, async (request, params, town) => {
      const found = await readBlob(await find(town, request, "blob:read"), keyOf(params));
      if (found === undefined) throw notFound("Blob");
      return new Response(found.body, {
        headers: {
          "content-type": "application/octet-stream", "content-length": String(found.size), "cache-control": "no-store",
          "last-modified": new Date(found.lastModified).toUTCString(),
        },
      });
    }, { ...about("blob:read"), summary: `The bytes of one of ${whose}`, query, answers: { 200: "bytes" } }],
    ["POST", `${base}/*`, async (request, params, town) => {
      const storage = await find(town, request, "blob:write");
      await writeBlob(storage, keyOf(params), request.body ?? "");
      return new Response("ok", { status: 201 });
    }, { ...about("blob:write"), summary: `Keeps bytes as one of ${whose}`, query, body: "bytes", answers: { 201: "bytes" } }],
    ["DELETE", `${base}/*`, async (request, params, town) => {
      const storage = await find(town, request, "blob:write");
      if (!(await deleteBlob(storage, keyOf(params)))) throw notFound("Blob");
      return noContent();
    }, { ...about("blob:write"), summary: `Deletes one of ${whose}`, query, answers: { 204: null } }],
  ];
}

async function ofAccount(town: Town, request: Request, scope: Scope): Promise<Storage> {
  const asker = await requireAsker(town, request, scope);
  return blobsOf(town.storage.sub(accountStorageName(asker.id)));
}

/** The val that the pass is of, or that the query names. */
async function ofVal(town: Town, request: Request, scope: Scope): Promise<Storage> {
  const asker = await requireAsker(town, request, scope);
  const id = new URLSearchParams(town.arrival.search).get("val_id") ?? asker.val_id;
  if (id === undefined) throw badRequest('"val_id" says whose blobs are meant, where no val asks');
  const { val } = await changeableVal(town, request, id, scope);
  return blobsOf(town.storage.sub(`val-${val.id}`));
}

function keyOf(params: { rest?: string }): string {
  const key = params.rest as string;
  if (key === "" || key.length > KEY_LENGTH_MAX) throw badRequest(`A key has 1 to ${KEY_LENGTH_MAX} characters`);
  return key;
}
