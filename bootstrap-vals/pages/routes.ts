/** All pages, and beside them the module host and the sign of life. */

import { json } from "../lib/http.ts";
import type { Route } from "../lib/router.ts";
import { moduleRoutes } from "../modules/host.ts";
import { accountRoutes } from "./account.ts";
import { homeRoutes } from "./home.ts";
import { styleRoutes } from "./style.ts";
import { valPageRoutes } from "./val.ts";

const healthRoutes: Route[] = [
  ["GET", "/healthz", async (_request, _params, town) => {
    const health = await town.system?.health();
    return json({ ok: true, sandboxMissing: health?.sandboxMissing ?? [] });
  }],
];

export const pageRoutes: Route[] = [
  ...moduleRoutes, ...homeRoutes, ...valPageRoutes, ...accountRoutes, ...styleRoutes, ...healthRoutes,
];
