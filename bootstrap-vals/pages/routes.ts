/** All pages, and beside them what they load, the module host and the sign of life. */

import { assetRoutes } from "../editor/assets.ts";
import { editorRoutes } from "../editor/routes.ts";
import { json } from "../lib/http.ts";
import type { Route } from "../lib/router.ts";
import { moduleRoutes } from "../modules/host.ts";
import { accountRoutes } from "./account.ts";
import { codeRoutes } from "./code.ts";
import { homeRoutes } from "./home.ts";
import { logRoutes } from "./logs.ts";
import { newRoutes } from "./new.ts";
import { systemRoutes } from "./system.ts";
import { themeRoutes } from "./theme.ts";
import { valPageRoutes } from "./val.ts";
import { versionRoutes } from "./versions.ts";

const healthRoutes: Route[] = [
  ["GET", "/healthz", async (_request, _params, town) => {
    const health = await town.system?.health();
    return json({ ok: true, sandboxMissing: health?.sandboxMissing ?? [] });
  }],
];

export const pageRoutes: Route[] = [
  ...moduleRoutes, ...systemRoutes, ...homeRoutes, ...newRoutes, ...accountRoutes, ...themeRoutes, ...valPageRoutes, ...codeRoutes,
  ...versionRoutes, ...logRoutes, ...editorRoutes, ...assetRoutes, ...healthRoutes,
];
