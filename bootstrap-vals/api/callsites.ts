/** Calls of other people's vals that mean them as APIs: found over all vals of an account, and changed. */

import { expectedVersion, json } from "../lib/http.ts";
import type { Route } from "../lib/router.ts";
import { arrayOf, boolean, integer, object, pageOf, ref, text } from "../lib/schema.ts";
import { changeableVal, requireAsker } from "../model/access.ts";
import { listBrokenCalls, upgradeCalls } from "../model/callsites.ts";
import { linkWith, readQuery } from "./shapes.ts";

const site = object({
  valId: text, val: text, version: integer, path: text, line: integer, column: integer, calls: text, message: text, suggestion: text,
  upgradable: boolean,
});

export const callSiteRoutes: Route[] = [
  ["GET", "/api/town/callsites", async (request, _params, town) => {
    const asker = await requireAsker(town, request, "val:read");
    const data = [];
    const query = readQuery(town.arrival);
    const { broken, next } = await listBrokenCalls(town, asker.id, query.params.get("after") ?? undefined);
    for (const { val, sites } of broken) {
      for (const { path, line, column, use, message, suggestion, upgradable } of sites) {
        data.push({
          valId: val.id, val: `${val.username}/${val.name}`, version: val.version, path, line, column, calls: use.calls, message, suggestion, upgradable,
        });
      }
    }
    const links = { self: linkWith(town.arrival, query, {}), ...(next !== undefined && { next: linkWith(town.arrival, query, { after: next }) }) };
    return json({ data, links });
  }, {
    summary: "Calls in one's own vals of other people's, that use what those have only when they are called as APIs",
    access: "account", scope: "val:read", query: { "after?": text }, answers: { 200: pageOf(site) },
  }],
  ["POST", "/api/town/vals/:id/callsites", async (request, params, town) => {
    const { val, asker } = await changeableVal(town, request, params.id as string);
    const { val: saved, changed, diagnostics } = await upgradeCalls(town, val, asker.id, expectedVersion(request));
    return json({ version: saved.version, changed, diagnostics });
  }, {
    summary: "Changes such calls of a val into calls as APIs, in a version of its own", access: "author", scope: "val:write",
    answers: {
      200: object({
        version: integer, changed: integer,
        diagnostics: arrayOf(ref("Diagnostic")),
      }),
    },
  }],
];
