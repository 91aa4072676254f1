/** All routes of the API: one table, which answers, says who may, and describes itself. */

import type { Handler, Route } from "../lib/router.ts";
import type { About } from "../lib/schema.ts";
import type { Town } from "../lib/town.ts";
import { askerOf, requireAsker, requireOwner } from "../model/access.ts";
import { accountRoutes } from "./account.ts";
import { blobRoutes } from "./blob.ts";
import { authorityRoutes } from "./authority.ts";
import { browserErrorRoutes } from "./browser-errors.ts";
import { callRoutes } from "./call.ts";
import { callSiteRoutes } from "./callsites.ts";
import { cronRoutes } from "./cron.ts";
import { deletedRoutes } from "./deleted.ts";
import { evaluationRoutes } from "./evaluations.ts";
import { emailRoutes } from "./email.ts";
import { environmentRoutes } from "./environment.ts";
import { fileRoutes } from "./files.ts";
import { groupRoutes } from "./groups.ts";
import { historyRoutes } from "./history.ts";
import { instanceRoutes } from "./instance.ts";
import { instancesRoutes } from "./instances.ts";
import { introductionApiRoutes } from "./introduction.ts";
import { manageRoutes } from "./manage.ts";
import { meRoutes } from "./me.ts";
import { metricsRoutes } from "./metrics.ts";
import { moduleListRoutes } from "./modules.ts";
import { openaiRoutes } from "./openai.ts";
import { openapi } from "./openapi.ts";
import { runRoutes } from "./runs.ts";
import { searchRoutes } from "./search.ts";
import { sqliteRoutes } from "./sqlite.ts";
import { systemFileRoutes } from "./system-files.ts";
import { systemRoutes } from "./system.ts";
import { telemetryRoutes } from "./telemetry.ts";
import { tokenRoutes } from "./tokens.ts";
import { valRoutes } from "./vals.ts";

const described: Route[] = [
  ["GET", "/api/openapi.json", (_request, _params, town) => openapi(town.arrival, apiRoutes), {
    summary: "This description", access: "anybody", answers: { 200: {} },
  }],
];

export const apiRoutes: Route[] = [
  ...meRoutes,
  ...valRoutes,
  ...fileRoutes,
  ...environmentRoutes,
  ...searchRoutes,
  ...callRoutes,
  ...authorityRoutes,
  ...callSiteRoutes,
  ...cronRoutes,
  ...emailRoutes,
  ...runRoutes,
  ...browserErrorRoutes,
  ...evaluationRoutes,
  ...telemetryRoutes,
  ...accountRoutes,
  ...tokenRoutes,
  ...groupRoutes,
  ...deletedRoutes,
  ...manageRoutes,
  ...historyRoutes,
  ...instanceRoutes,
  ...instancesRoutes,
  ...systemFileRoutes,
  ...systemRoutes,
  ...metricsRoutes,
  ...blobRoutes,
  ...sqliteRoutes,
  ...openaiRoutes,
  ...moduleListRoutes,
  ...introductionApiRoutes,
  ...described,
].map(guarded);

/** What the table says about who may is asked before a handler is, which still asks for the val that it is about. */
function guarded(route: Route): Route {
  const [method, pattern, handler, about] = route;
  if (about === undefined) return route;
  const guard: Handler = (request, params, town) => authorise(request, town, about).then(() => handler(request, params, town));
  return [method, pattern, guard, about];
}

async function authorise(request: Request, town: Town, about: About): Promise<void> {
  const { access, scope } = about;
  if (scope === undefined) return;
  if (access === "owner") await requireOwner(town, request);
  if (access === "anybody" || access === "reader") await askerOf(town, request, scope);
  else await requireAsker(town, request, scope);
}
