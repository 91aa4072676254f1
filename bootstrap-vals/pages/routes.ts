/** All pages, and beside them what they load, the module host and the sign of life. */

import { assetRoutes } from "../editor/assets.ts";
import { editorRoutes } from "../editor/routes.ts";
import { json } from "../lib/http.ts";
import type { Route } from "../lib/router.ts";
import { moduleRoutes } from "../modules/host.ts";
import { accountRoutes } from "./account.ts";
import { adminRoutes } from "./admin.ts";
import { blobPageRoutes } from "./blobs.ts";
import { callSitePages } from "./callsites.ts";
import { branchRoutes } from "./branches.ts";
import { codeRoutes } from "./code.ts";
import { databaseRoutes } from "./database.ts";
import { evaluationPages } from "./evaluations.ts";
import { formerRoutes } from "./former.ts";
import { homeRoutes } from "./home.ts";
import { instancePageRoutes } from "./instances.ts";
import { introductionRoutes } from "./introduction.ts";
import { likeRoutes } from "./likes.ts";
import { logRoutes } from "./logs.ts";
import { mailRoutes } from "./mail.ts";
import { newRoutes } from "./new.ts";
import { remixRoutes } from "./remix.ts";
import { scheduleRoutes } from "./schedules.ts";
import { searchRoutes } from "./search.ts";
import { settingsRoutes } from "./settings.ts";
import { changesRoutes } from "./changes.ts";
import { systemRoutes } from "./system.ts";
import { themeRoutes } from "./theme.ts";
import { valSettingsRoutes } from "./val-settings.ts";
import { valPageRoutes } from "./val.ts";
import { versionRoutes } from "./versions.ts";

const healthRoutes: Route[] = [
  ["GET", "/healthz", async (_request, _params, town) => {
    const health = await town.system?.health();
    return json({ ok: true, sandboxMissing: health?.sandboxMissing ?? [] });
  }],
];

export const pageRoutes: Route[] = [
  ...moduleRoutes, ...systemRoutes, ...changesRoutes, ...homeRoutes, ...newRoutes, ...accountRoutes, ...themeRoutes, ...valPageRoutes, ...codeRoutes,
  ...versionRoutes, ...branchRoutes, ...logRoutes, ...likeRoutes, ...remixRoutes, ...valSettingsRoutes, ...databaseRoutes, ...blobPageRoutes, ...scheduleRoutes, ...searchRoutes, ...settingsRoutes, ...callSitePages, ...evaluationPages, ...mailRoutes, ...adminRoutes,
  ...instancePageRoutes, ...formerRoutes, ...introductionRoutes, ...editorRoutes, ...assetRoutes, ...healthRoutes,
];
