/** What a val learns of a visitor who let it know: the other end of pages/introduction.ts. */

import { badRequest, json, readJson, stringOf } from "../lib/http.ts";
import type { Route } from "../lib/router.ts";
import { object, ref, text } from "../lib/schema.ts";
import { requireAsker } from "../model/access.ts";
import { introduced } from "../model/introductions.ts";
import { accountShape } from "./shapes.ts";

export const introductionApiRoutes: Route[] = [
  ["POST", "/api/town/introduction", async (request, _params, town) => {
    const asker = await requireAsker(town, request, "user:read");
    if (asker.val_id === undefined) throw badRequest("This is for a running val to ask, with its own pass");
    const body = await readJson(request);
    const account = await introduced(town, stringOf(body, "code"), asker.val_id, stringOf(body, "redirect_uri"));
    if (account === undefined) throw badRequest("The code is not for this val, or too old");
    return json(accountShape(town.arrival, account));
  }, {
    summary: "Who a visitor is, for a val that they let know", access: "account", scope: "user:read",
    body: object({ code: text, redirect_uri: text }), answers: { 200: ref("User") },
  }],
];
