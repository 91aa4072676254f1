/** What the modules of a val may do, for whoever may read it: which have its authority, and by which line of whose code. */

import { json } from "../lib/http.ts";
import type { Route } from "../lib/router.ts";
import { arrayOf, boolean, integer, nullable, object, text } from "../lib/schema.ts";
import { visibleVal } from "../model/access.ts";
import { readTree } from "../model/files.ts";
import { analyse } from "../modules/analysis.ts";
import { closeOver } from "../modules/graph.ts";
import { authorities } from "../run/authority.ts";

const line = object({ path: text, line: integer });

export const authorityRoutes: Route[] = [
  ["GET", "/api/town/vals/:id/authority", async (request, params, town) => {
    const val = await visibleVal(town, request, params.id as string);
    const tree = await readTree(town, val);
    const analyses = await analyse(town, [...tree.values()]);
    const { graph } = await closeOver(town, val, tree, analyses);
    return json({ data: authorities(val, graph, tree, analyses) });
  }, {
    summary: "Which modules that the val reaches have its authority", access: "reader", scope: "val:read",
    answers: { 200: object({ data: arrayOf(object({ module: text, authority: boolean, handedOverBy: nullable(line) })) }) },
  }],
];
