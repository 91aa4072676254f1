/** Accounts: the asker's own, and others by name or id. */

import { json, notFound } from "../lib/http.ts";
import type { Route } from "../lib/router.ts";
import { askerOf, requireAsker } from "../model/access.ts";
import { findAccount, findAccountById } from "../model/accounts.ts";
import { listVals } from "../model/vals.ts";
import { accountShape, page, readQuery, valShape } from "./shapes.ts";

export const meRoutes: Route[] = [
  ["GET", "/api/v1/me", async (request, _params, town) => {
    const asker = await requireAsker(town, request, "user:read");
    return json({ ...accountShape(town.arrival, asker), tier: "pro", email: asker.email });
  }],
  ["GET", "/api/v1/alias/:username", async (request, params, town) => {
    await askerOf(town, request, "user:read");
    const account = await findAccount(town, params.username as string);
    if (account === undefined) throw notFound("User");
    return json(accountShape(town.arrival, account));
  }],
  ["GET", "/api/v1/users/:id", async (request, params, town) => {
    await askerOf(town, request, "user:read");
    const account = await findAccountById(town, params.id as string);
    if (account === undefined) throw notFound("User");
    return json(accountShape(town.arrival, account));
  }],
  ["GET", "/api/v2/me/vals", async (request, _params, town) => {
    const asker = await requireAsker(town, request, "val:read");
    const query = readQuery(town.arrival);
    const vals = await listVals(town, { asker: asker.id, owner: asker.id, limit: query.limit + 1, offset: query.offset });
    return page(town.arrival, query, vals.map((val) => valShape(town.arrival, val)));
  }],
];
