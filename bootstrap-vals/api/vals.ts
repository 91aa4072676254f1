/** Vals and their branches over the API. */

import { badRequest, json, noContent, notFound, optionalString, readJson, stringOf } from "../lib/http.ts";
import type { Route } from "../lib/router.ts";
import { arrayOf, integer, nullable, object, oneOf, pageOf, ref, text, uuid } from "../lib/schema.ts";
import type { Town } from "../lib/town.ts";
import { askerOf, changeableVal, maySee, requireAsker, visibleVal } from "../model/access.ts";
import { createBranch, deleteBranch, findBranch, listBranches, type Branch } from "../model/branches.ts";
import { deleteVal } from "../model/deletion.ts";
import { mergeBranch, planMerge, type Direction, type Plan } from "../model/merging.ts";
import { checkDescription, checkValName } from "../model/names.ts";
import { checkPrivacy, createVal, findValByName, findValOnBranch, listVals, type Position, type Val } from "../model/vals.ts";
import { pageQuery, privacy } from "./schemas.ts";
import { branchShape, linkWith, page, readQuery, valShape, type Query } from "./shapes.ts";

const read = { access: "reader", scope: "val:read" } as const;
const write = { access: "author", scope: "val:write" } as const;

const direction = oneOf("parent", "branch");
const planMembers = {
  into: text, from: text, changes: arrayOf(object({ path: text, change: oneOf("added", "removed", "modified") })),
  conflicts: arrayOf(object({ path: text, places: integer })),
};
const planSchema = object(planMembers);
const mergedSchema = object({ ...planMembers, version: integer });

export const valRoutes: Route[] = [
  ["GET", "/api/v2/vals", list, {
    summary: "Public vals and your own, newest first", access: "anybody", scope: "val:read",
    query: { "limit?": { type: "integer", minimum: 1, maximum: 100 }, "cursor?": text, "privacy?": privacy, "user_id?": uuid },
    answers: { 200: pageOf(ref("Val")) },
  }],
  ["POST", "/api/v2/vals", create, {
    summary: "Makes a val without files", access: "account", scope: "val:write",
    body: object({ name: text, "privacy?": privacy, "description?": nullable(text), "orgId?": uuid }), answers: { 201: ref("Val") },
  }],
  ["GET", "/api/v2/vals/:id", async (request, params, town) =>
    json(valShape(town.arrival, await visibleVal(town, request, params.id as string))),
  { ...read, summary: "A val", answers: { 200: ref("Val") } }],
  ["DELETE", "/api/v2/vals/:id", async (request, params, town) => {
    const { val } = await changeableVal(town, request, params.id as string);
    await deleteVal(town, val);
    return noContent();
  }, { ...write, summary: "Deletes a val; it can be brought back for thirty days", answers: { 204: null } }],
  ["GET", "/api/v2/alias/vals/:username/:name", async (request, params, town) => {
    const asker = await askerOf(town, request, "val:read");
    const val = await findValByName(town, params.username as string, params.name as string);
    if (val === undefined || !maySee(asker, val)) throw notFound("Val");
    return json(valShape(town.arrival, val));
  }, { summary: "A val by the names of its author and its own", access: "anybody", scope: "val:read", answers: { 200: ref("Val") } }],
  ["GET", "/api/v2/vals/:id/branches", async (request, params, town) => {
    const val = await visibleVal(town, request, params.id as string);
    const query = readQuery(town.arrival);
    const branches = await listBranches(town, val, { limit: query.limit + 1, offset: query.offset });
    return page(town.arrival, query, branches.map((branch) => branchShape(town.arrival, val, branch)));
  }, { ...read, summary: "The branches of a val", query: pageQuery, answers: { 200: pageOf(ref("Branch")) } }],
  ["POST", "/api/v2/vals/:id/branches", async (request, params, town) => {
    const { val, asker } = await changeableVal(town, request, params.id as string);
    const body = await readJson(request);
    const fromId = optionalString(body, "branchId") ?? val.branch_id;
    const from = await findValOnBranch(town, val.id, fromId);
    if (from === undefined) throw notFound("Branch");
    const made = await createBranch(town, from, asker.id, stringOf(body, "name"));
    return json(branchShape(town.arrival, val, await branchOf(town, val, made.branch_id)), 201);
  }, {
    ...write, summary: "Begins a branch of another one, of main unless told", body: object({ name: text, "branchId?": uuid }),
    answers: { 201: ref("Branch") },
  }],
  ["GET", "/api/v2/vals/:id/branches/:branch", async (request, params, town) => {
    const val = await visibleVal(town, request, params.id as string);
    return json(branchShape(town.arrival, val, await branchOf(town, val, params.branch as string)));
  }, { ...read, summary: "A branch of a val", answers: { 200: ref("Branch") } }],
  ["DELETE", "/api/v2/vals/:id/branches/:branch", async (request, params, town) => {
    const { val } = await changeableVal(town, request, params.id as string);
    await deleteBranch(town, await branchOf(town, val, params.branch as string));
    return noContent();
  }, { ...write, summary: "Deletes a branch, which main is not", answers: { 204: null } }],
  ["GET", "/api/town/vals/:id/branches/:branch/merge", async (request, params, town) => {
    const val = await visibleVal(town, request, params.id as string);
    const plan = await planMerge(town, val, params.branch as string, directionOf(readQuery(town.arrival).params.get("into")));
    return json(planShape(plan));
  }, {
    ...read, summary: "What merging a branch would change: `into` the one it was begun from, which is the `parent`, or from there into the `branch`",
    query: { "into?": direction }, answers: { 200: planSchema },
  }],
  ["POST", "/api/town/vals/:id/branches/:branch/merge", async (request, params, town) => {
    const { val, asker } = await changeableVal(town, request, params.id as string);
    const into = directionOf(optionalString(await readJson(request), "into") ?? null);
    const { plan, saved } = await mergeBranch(town, val, params.branch as string, asker.id, into);
    return json({ ...planShape(plan), version: saved.val.version });
  }, {
    ...write, summary: "Merges a branch. Into the parent it is refused while both have changed the same; into the branch that is marked",
    body: object({ "into?": direction }), answers: { 200: mergedSchema },
  }],
];

function directionOf(text: string | null): Direction {
  if (text === null || text === "parent") return "parent";
  if (text === "branch") return "branch";
  throw badRequest('"into" must be parent or branch');
}

function planShape({ target, source, changes, conflicts }: Plan) {
  return { into: target.branch, from: source.branch, changes, conflicts };
}

async function branchOf(town: Town, val: Val, id: string): Promise<Branch> {
  const branch = await findBranch(town, val, id);
  if (branch === undefined) throw notFound("Branch");
  return branch;
}

async function list(request: Request, _params: unknown, town: Town): Promise<Response> {
  const asker = await askerOf(town, request, "val:read");
  const query = readQuery(town.arrival);
  const { params, limit } = query;
  const wanted = params.get("privacy");
  const vals = await listVals(town, {
    asker: asker?.id, limit: limit + 1, after: cursorOf(query), owner: params.get("user_id") ?? undefined,
    privacy: wanted === null ? undefined : checkPrivacy(wanted),
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
