/** Vals and their branches over the API. */

import { badRequest, HttpError, json, noContent, notFound, optionalString, readJson, stringOf } from "../lib/http.ts";
import type { Route } from "../lib/router.ts";
import type { Town } from "../lib/town.ts";
import { askerFor, changeableVal, maySee, requireAsker, visibleVal } from "../model/access.ts";
import { forgetSchedules } from "../model/cron.ts";
import { checkDescription, checkValName } from "../model/names.ts";
import { forget } from "../model/runs.ts";
import { checkPrivacy, createVal, deleteVal, findValByName, listVals, type Position, type Val } from "../model/vals.ts";
import { expectedVersion, iso, linkWith, page, readQuery, valPage, valShape, type Query } from "./shapes.ts";

export const valRoutes: Route[] = [
  ["GET", "/api/v2/vals", list],
  ["POST", "/api/v2/vals", create],
  ["GET", "/api/v2/vals/:id", async (request, params, town) =>
    json(valShape(town.arrival, await visibleVal(town, request, params.id as string)))],
  ["DELETE", "/api/v2/vals/:id", async (request, params, town) => {
    const { val } = await changeableVal(town, request, params.id as string);
    const expected = expectedVersion(request);
    if (expected !== undefined && expected !== val.version) {
      throw new HttpError(412, "stale", `The val is at version ${val.version}, not ${expected}`);
    }
    await deleteVal(town, val);
    await forget(town, val.id);
    await forgetSchedules(town, val.id);
    return noContent();
  }],
  ["GET", "/api/v2/alias/vals/:username/:name", async (request, params, town) => {
    const asker = await askerFor(town, request, "val:read");
    const val = await findValByName(town, params.username as string, params.name as string);
    if (val === undefined || !maySee(asker, val)) throw notFound("Val");
    return json(valShape(town.arrival, val));
  }],
  ["GET", "/api/v2/vals/:id/branches", async (request, params, town) => {
    const val = await visibleVal(town, request, params.id as string);
    const query = readQuery(town.arrival);
    return page(town.arrival, query, [branchShape(town, val)].slice(query.offset));
  }],
  ["POST", "/api/v2/vals/:id/branches", async (request, params, town) => {
    await changeableVal(town, request, params.id as string);
    if (stringOf(await readJson(request), "name") === "main") throw new HttpError(409, "name_taken", "There already is a branch main");
    throw new HttpError(422, "unsupported", "This town has no branches but main");
  }],
  ["GET", "/api/v2/vals/:id/branches/:branch", async (request, params, town) => {
    const val = await visibleVal(town, request, params.id as string);
    if (params.branch !== val.branch_id) throw notFound("Branch");
    return json(branchShape(town, val));
  }],
  ["DELETE", "/api/v2/vals/:id/branches/:branch", async (request, params, town) => {
    const { val } = await changeableVal(town, request, params.id as string);
    if (params.branch !== val.branch_id) throw notFound("Branch");
    throw badRequest("The branch main cannot be deleted");
  }],
];

async function list(request: Request, _params: unknown, town: Town): Promise<Response> {
  const asker = await askerFor(town, request, "val:read");
  const query = readQuery(town.arrival);
  const { params, limit } = query;
  const privacy = params.get("privacy");
  const vals = await listVals(town, {
    asker: asker?.id, limit: limit + 1, after: cursorOf(query), owner: params.get("user_id") ?? undefined,
    privacy: privacy === null ? undefined : checkPrivacy(privacy),
  });
  const links: Record<string, string> = { self: linkWith(town.arrival, query, {}) };
  const last = vals[limit - 1];
  if (vals.length > limit && last !== undefined) links.next = linkWith(town.arrival, query, { cursor: `${last.created_at}.${last.id}` });
  return json({ data: vals.slice(0, limit).map((val) => valShape(town.arrival, val)), links });
}

/** The position behind a cursor; also when it is the whole `next` link, which is what Val Town's SDK sends back. */
function cursorOf(query: Query): Position | undefined {
  let cursor = query.params.get("cursor");
  if (cursor === null) return undefined;
  const mark = cursor.indexOf("?");
  if (mark >= 0) cursor = new URLSearchParams(cursor.slice(mark)).get("cursor") ?? "";
  const parts = /^(\d{1,15})\.([0-9a-f-]{36})$/.exec(cursor);
  if (parts === null) throw badRequest('"cursor" is none that this API gave out');
  return { createdAt: Number(parts[1]), id: parts[2] as string };
}

async function create(request: Request, _params: unknown, town: Town): Promise<Response> {
  const asker = await requireAsker(town, request, "val:write");
  const body = await readJson(request);
  const { val } = await createVal(town, asker, {
    name: checkValName(stringOf(body, "name")),
    privacy: checkPrivacy(optionalString(body, "privacy") ?? "public"),
    description: checkDescription(optionalString(body, "description")),
    tree: new Map(),
  });
  return json(valShape(town.arrival, val), 201);
}

function branchShape(town: Town, val: Val) {
  return {
    id: val.branch_id, name: "main", version: val.version, createdAt: iso(val.created_at), updatedAt: iso(val.updated_at),
    forkedBranchId: null,
    links: {
      self: `${town.arrival.base}/api/v2/vals/${val.id}/branches/${val.branch_id}`,
      html: `${valPage(town.arrival, val)}/code`,
    },
  };
}
