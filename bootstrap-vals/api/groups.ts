/** Groups of environment variables over the API, and which vals use them. */

import { json, noContent, readJson, stringOf } from "../lib/http.ts";
import type { Route } from "../lib/router.ts";
import { arrayOf, object, pageOf, ref, text } from "../lib/schema.ts";
import type { Town } from "../lib/town.ts";
import { changeableVal, requireAsker } from "../model/access.ts";
import { listVariables, removeVariable, setVariables } from "../model/environment.ts";
import { createGroup, deleteGroup, findGroup, leaveGroup, listGroups, listGroupsOf, useGroup, type Group } from "../model/groups.ts";
import { variableShape, variableWish } from "./environment.ts";
import { pageQuery } from "./schemas.ts";
import { iso, page, readQuery } from "./shapes.ts";

const read = { access: "account", scope: "val:read" } as const;
const write = { access: "account", scope: "val:write" } as const;

export const groupRoutes: Route[] = [
  ["GET", "/api/town/environment-groups", async (request, _params, town) => {
    const asker = await requireAsker(town, request, "val:read");
    const query = readQuery(town.arrival);
    const groups = await listGroups(town, asker.id, { limit: query.limit + 1, offset: query.offset });
    return page(town.arrival, query, groups.map((group) => groupShape(town, group)));
  }, { ...read, summary: "Your groups of environment variables", query: pageQuery, answers: { 200: pageOf(ref("Group")) } }],
  ["POST", "/api/town/environment-groups", async (request, _params, town) => {
    const asker = await requireAsker(town, request, "val:write");
    return json(groupShape(town, await createGroup(town, asker.id, stringOf(await readJson(request), "name"))), 201);
  }, { ...write, summary: "Makes a group", body: object({ name: text }), answers: { 201: ref("Group") } }],
  ["DELETE", "/api/town/environment-groups/:group", async (request, params, town) => {
    await deleteGroup(town, await own(town, request, params));
    return noContent();
  }, { ...write, summary: "Deletes a group; vals that use it lose its variables", answers: { 204: null } }],
  ["GET", "/api/town/environment-groups/:group/variables", async (request, params, town) => {
    const group = await own(town, request, params, "val:read");
    const query = readQuery(town.arrival);
    const variables = await listVariables(town, group, { limit: query.limit + 1, offset: query.offset });
    return page(town.arrival, query, variables.map(variableShape));
  }, { ...read, summary: "The names of a group's variables", query: pageQuery, answers: { 200: pageOf(ref("Variable")) } }],
  ["PUT", "/api/town/environment-groups/:group/variables/:key", async (request, params, town) => {
    const group = await own(town, request, params);
    await setVariables(town, group, [{ ...await variableWish(request, params.key as string) }]);
    return noContent();
  }, {
    ...write, summary: "Sets a variable of a group", body: object({ value: text, "description?": text }), answers: { 204: null },
  }],
  ["DELETE", "/api/town/environment-groups/:group/variables/:key", async (request, params, town) => {
    await removeVariable(town, await own(town, request, params), params.key as string);
    return noContent();
  }, { ...write, summary: "Removes a variable of a group", answers: { 204: null } }],
  ["GET", "/api/town/vals/:id/environment-groups", async (request, params, town) => {
    const { val } = await changeableVal(town, request, params.id as string, "val:read");
    return json({ data: (await listGroupsOf(town, val)).map((group) => groupShape(town, group)) });
  }, {
    access: "author", scope: "val:read", summary: "The groups whose variables a val has", answers: { 200: object({ data: arrayOf(ref("Group")) }) },
  }],
  ["PUT", "/api/town/vals/:id/environment-groups/:group", async (request, params, town) => {
    const { val, asker } = await changeableVal(town, request, params.id as string);
    await useGroup(town, val, await findGroup(town, asker.id, params.group as string));
    return noContent();
  }, { access: "author", scope: "val:write", summary: "Gives a val the variables of a group", answers: { 204: null } }],
  ["DELETE", "/api/town/vals/:id/environment-groups/:group", async (request, params, town) => {
    const { val, asker } = await changeableVal(town, request, params.id as string);
    await leaveGroup(town, val, await findGroup(town, asker.id, params.group as string));
    return noContent();
  }, { access: "author", scope: "val:write", summary: "Takes the variables of a group from a val", answers: { 204: null } }],
];

async function own(town: Town, request: Request, params: { group?: string }, scope: "val:read" | "val:write" = "val:write"): Promise<Group> {
  const asker = await requireAsker(town, request, scope);
  return findGroup(town, asker.id, params.group as string);
}

function groupShape(town: Town, group: Group) {
  return {
    id: group.id, name: group.name, createdAt: iso(group.created_at),
    links: { self: `${town.arrival.base}/api/town/environment-groups/${group.id}` },
  };
}
