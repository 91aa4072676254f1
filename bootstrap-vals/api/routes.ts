/** All routes of the API. */

import type { Route } from "../lib/router.ts";
import { cronRoutes } from "./cron.ts";
import { deletedRoutes } from "./deleted.ts";
import { emailRoutes } from "./email.ts";
import { environmentRoutes } from "./environment.ts";
import { fileRoutes } from "./files.ts";
import { meRoutes } from "./me.ts";
import { telemetryRoutes } from "./telemetry.ts";
import { townRoutes } from "./town.ts";
import { valRoutes } from "./vals.ts";

export const apiRoutes: Route[] = [
  ...meRoutes, ...valRoutes, ...fileRoutes, ...environmentRoutes, ...cronRoutes, ...emailRoutes, ...telemetryRoutes, ...townRoutes,
  ...deletedRoutes,
];
