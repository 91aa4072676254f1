/** Every run that is one's own to see, over all vals, and evaluations. */

import { json, notFound } from "../lib/http.ts";
import type { Route } from "../lib/router.ts";
import { integer, oneOf, pageOf, ref, text } from "../lib/schema.ts";
import { requireAsker } from "../model/access.ts";
import { listEvaluations, positionAfter, positionOf, readEvaluation } from "../model/evaluations.ts";
import { linkWith, readQuery } from "./shapes.ts";

export const evaluationRoutes: Route[] = [
  ["GET", "/api/town/runs", async (request, _params, town) => {
    const asker = await requireAsker(town, request, "telemetry:read");
    const query = readQuery(town.arrival);
    const { params, limit } = query;
    const found = await listEvaluations(town, asker.id, {
      limit: limit + 1, before: positionOf(params.get("before")), failed: params.get("outcome") === "failed", type: params.get("type") || undefined,
    });
    const last = found[limit - 1];
    const links: Record<string, string> = { self: linkWith(town.arrival, query, {}) };
    if (found.length > limit && last !== undefined) links.next = linkWith(town.arrival, query, { before: positionAfter(last) });
    return json({ data: found.slice(0, limit), links });
  }, {
    summary: "Runs of all of one's own vals, and evaluations (`type=eval`), newest first", access: "account", scope: "telemetry:read",
    query: { "limit?": integer, "before?": text, "outcome?": oneOf("failed"), "type?": text },
    answers: { 200: pageOf(ref("RunOfVal")) },
  }],
  ["GET", "/api/town/runs/:run", async (request, params, town) => {
    const asker = await requireAsker(town, request, "telemetry:read");
    const found = await readEvaluation(town, asker.id, params.run as string);
    if (found === undefined) throw notFound("Run");
    return json(found);
  }, { summary: "One of them", access: "account", scope: "telemetry:read", answers: { 200: ref("WholeRunOfVal") } }],
];
