/** Deleted vals over the API: looking at them, bringing one back, ending one for good. */

import { json, noContent, optionalString, readJson } from "../lib/http.ts";
import type { Route } from "../lib/router.ts";
import { pageOf, ref } from "../lib/schema.ts";
import { requireAsker } from "../model/access.ts";
import { destroyVal, findDeletedVal, KEPT_DAYS, listDeletedVals, undeleteVal, type DeletedVal } from "../model/deletion.ts";
import { iso, page, readQuery, valShape } from "./shapes.ts";
import { pageQuery, renaming } from "./schemas.ts";

const DAY_MS = 24 * 60 * 60 * 1000;

export const deletedRoutes: Route[] = [
  ["GET", "/api/town/deleted-vals", async (request, _params, town) => {
    const asker = await requireAsker(town, request, "val:read");
    const query = readQuery(town.arrival);
    const vals = await listDeletedVals(town, asker.id, { limit: query.limit + 1, offset: query.offset });
    return page(town.arrival, query, vals.map(deletedShape));
  }, {
    summary: "Vals that were deleted in the last thirty days", access: "account", scope: "val:read", query: pageQuery,
    answers: { 200: pageOf(ref("DeletedVal")) },
  }],
  ["POST", "/api/town/deleted-vals/:id/restore", async (request, params, town) => {
    const asker = await requireAsker(town, request, "val:write");
    const name = optionalString(await readJson(request), "name");
    return json(valShape(town.arrival, await undeleteVal(town, asker.id, params.id as string, name)));
  }, {
    summary: "Brings a deleted val back, under another name where one is given", access: "account", scope: "val:write",
    body: renaming, answers: { 200: ref("Val") },
  }],
  ["DELETE", "/api/town/deleted-vals/:id", async (request, params, town) => {
    const asker = await requireAsker(town, request, "val:write");
    await destroyVal(town, await findDeletedVal(town, asker.id, params.id as string));
    return noContent();
  }, { summary: "Destroys a deleted val for good", access: "account", scope: "val:write", answers: { 204: null } }],
];

function deletedShape(val: DeletedVal) {
  return { id: val.id, name: val.name, deletedAt: iso(val.deleted_at), destroyedAt: iso(val.deleted_at + KEPT_DAYS * DAY_MS) };
}
