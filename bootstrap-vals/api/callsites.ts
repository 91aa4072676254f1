/** Calls of other people's vals that mean them as APIs: found over all vals of an account, and changed. */

import { json } from "../lib/http.ts";
import type { Route } from "../lib/router.ts";
import { arrayOf, boolean, integer, object, text } from "../lib/schema.ts";
import { changeableVal, requireAsker } from "../model/access.ts";
import { listBrokenCalls, upgradeCalls, upgradesOf } from "../model/callsites.ts";
import { expectedVersion } from "./shapes.ts";

const site = object({
  valId: text, val: text, version: integer, path: text, line: integer, column: integer, calls: text, message: text, suggestion: text,
  upgradable: boolean,
});

export const callSiteRoutes: Route[] = [
  ["GET", "/api/town/callsites", async (request, _params, town) => {
    const asker = await requireAsker(town, request, "val:read");
    const data = [];
    for (const broken of await listBrokenCalls(town, asker.id)) {
      const upgrades = await upgradesOf(town, broken);
      const { val, sites } = broken;
      for (const { path, line, column, calls, message, suggestion } of sites) {
        data.push({
          valId: val.id, val: `${val.username}/${val.name}`, version: val.version, path, line, column, calls, message, suggestion,
          upgradable: upgrades.has(path),
        });
      }
    }
    return json({ data });
  }, {
    summary: "Calls in one's own vals of other people's, that use what those have only when they are called as APIs",
    access: "account", scope: "val:read", answers: { 200: object({ data: arrayOf(site) }) },
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
        diagnostics: arrayOf(object({ path: text, line: integer, column: integer, message: text, "suggestion?": text })),
      }),
    },
  }],
];
