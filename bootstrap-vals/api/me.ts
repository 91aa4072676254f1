/** Accounts in Val Town's form: the asker's own, and others by name or id. */

import { HttpError, json, noContent, notFound } from "../lib/http.ts";
import type { Route } from "../lib/router.ts";
import { object, pageOf, ref, text, uuid } from "../lib/schema.ts";
import type { Town } from "../lib/town.ts";
import { askerOf, maySee, requireAsker } from "../model/access.ts";
import { findAccount, findAccountById } from "../model/accounts.ts";
import { listLiked, setLike } from "../model/likes.ts";
import { standardAccount, standardAccountById } from "../model/standard.ts";
import { findVal, listVals } from "../model/vals.ts";
import { pageQuery } from "./schemas.ts";
import { accountShape, meShape, page, readQuery, valShape } from "./shapes.ts";

export const meRoutes: Route[] = [
  ["GET", "/api/v1/me", async (request, _params, town) =>
    json(meShape(town.arrival, await requireAsker(town, request, "user:read"))),
  { summary: "Your account", access: "account", scope: "user:read", answers: { 200: ref("Me") } }],
  ["GET", "/api/v1/alias/:username", async (request, params, town) => {
    await askerOf(town, request, "user:read");
    const account = (await findAccount(town, params.username as string)) ?? (await standardAccount(town, params.username as string));
    if (account === undefined) throw notFound("User");
    return json(accountShape(town.arrival, account));
  }, { summary: "An account by its name", access: "anybody", scope: "user:read", answers: { 200: ref("User") } }],
  ["GET", "/api/v1/users/:user", async (request, params, town) => {
    await askerOf(town, request, "user:read");
    const account = (await findAccountById(town, params.user as string)) ?? (await standardAccountById(town, params.user as string));
    if (account === undefined) throw notFound("User");
    return json(accountShape(town.arrival, account));
  }, { summary: "An account by its id", access: "anybody", scope: "user:read", answers: { 200: ref("User") } }],
  ["GET", "/api/v2/me/vals", async (request, _params, town) => {
    const asker = await requireAsker(town, request, "val:read");
    const query = readQuery(town.arrival);
    const vals = await listVals(town, { asker: asker.id, owner: asker.id, limit: query.limit + 1, offset: query.offset });
    return page(town.arrival, query, vals.map((val) => valShape(town.arrival, val)));
  }, { summary: "Your vals", access: "account", scope: "val:read", query: pageQuery, answers: { 200: pageOf(ref("Val")) } }],
  ["GET", "/api/v1/me/likes", async (request, _params, town) => {
    const asker = await requireAsker(town, request, "val:read");
    const query = readQuery(town.arrival);
    const vals = await listLiked(town, asker.id, { limit: query.limit + 1, offset: query.offset });
    return page(town.arrival, query, vals.map((val) => valShape(town.arrival, val)));
  }, { summary: "Vals that you like", access: "account", scope: "val:read", query: pageQuery, answers: { 200: pageOf(ref("Val")) } }],
  ["PUT", "/api/town/vals/:id/like", (request, params, town) => like(request, params.id as string, town, true), {
    summary: "Likes a val", access: "account", scope: "user:write", answers: { 204: null },
  }],
  ["DELETE", "/api/town/vals/:id/like", (request, params, town) => like(request, params.id as string, town, false), {
    summary: "Likes it no longer", access: "account", scope: "user:write", answers: { 204: null },
  }],
  // There are no organisations here: nobody is in one, and none has members.
  ["GET", "/api/v2/orgs", async (request, _params, town) => {
    await requireAsker(town, request, "user:read");
    return page(town.arrival, readQuery(town.arrival), []);
  }, {
    summary: "Your organisations, of which this town has none", access: "account", scope: "user:read", query: pageQuery,
    answers: { 200: pageOf(object({ id: uuid, username: text })) },
  }],
  ["GET", "/api/v2/orgs/:org/memberships", async (request, _params, town) => {
    await requireAsker(town, request, "user:read");
    throw notFound("Organisation");
  }, { summary: "Members of an organisation, of which this town has none", access: "account", scope: "user:read", answers: {} }],
  ["POST", "/api/v3/connections/:service/token", async (request, _params, town) => {
    await requireAsker(town, request, "user:read");
    throw new HttpError(404, "not_found", "Connection not found: this town is connected to no other services");
  }, { summary: "A token of a connected service, of which this town has none", access: "account", scope: "user:read", answers: {} }],
];

async function like(request: Request, id: string, town: Town, likes: boolean): Promise<Response> {
  const asker = await requireAsker(town, request, "user:write");
  const val = await findVal(town, id);
  if (val === undefined || !maySee(asker, val)) throw notFound("Val");
  await setLike(town, val, asker.id, likes);
  return noContent();
}
