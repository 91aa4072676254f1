/** The colours somebody has chosen: light, dark, or what their system says. Kept in a cookie, so that no page flickers. */

import { readForm, redirect } from "../lib/http.ts";
import { href } from "../lib/mount.ts";
import { checkOrigin } from "../lib/origin.ts";
import type { Route } from "../lib/router.ts";

export const THEME_COOKIE = "town-theme";
export const THEMES = ["system", "light", "dark"];
const YEAR_SECONDS = 365 * 24 * 60 * 60;

export function isTheme(name: string): boolean {
  return name === "light" || name === "dark";
}

export const themeRoutes: Route[] = [
  ["POST", "/theme", async (request, _params, town) => {
    checkOrigin(town.arrival, request);
    const wanted = (await readForm(request)).get("theme") ?? "";
    const value = isTheme(wanted) ? wanted : "system";
    const cookie = `${THEME_COOKIE}=${value}; Path=${town.arrival.prefix || "/"}; Max-Age=${YEAR_SECONDS}; SameSite=Lax; HttpOnly`;
    return redirect(backOf(request) ?? href(town.arrival, "/"), { "set-cookie": cookie });
  }],
];

/** The path of the page a form was on. */
function backOf(request: Request): string | undefined {
  const referrer = request.headers.get("referer");
  if (referrer === null || !URL.canParse(referrer)) return undefined;
  const { pathname, search } = new URL(referrer);
  return pathname.startsWith("//") ? undefined : pathname + search;
}
