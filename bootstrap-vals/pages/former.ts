/** Addresses as Val Town has them, for links that somebody brings along: each leads to the page of this town that it means. */

import { redirect } from "../lib/http.ts";
import { href } from "../lib/mount.ts";
import type { Route } from "../lib/router.ts";
import type { Town } from "../lib/town.ts";

/** What the last part of an address is called here. */
const TABS: Record<string, string> = { history: "versions", "environment-variables": "environment" };
// `branch/{name}/version/{n}/...`, either of them alone too.
const PLACE = /^(?:branch\/([^/]+)\/?)?(?:version\/(\d+)\/?)?(.*)$/;

export const formerRoutes: Route[] = [
  ["GET", "/u/:username", (_request, { username }, town) => to(town, `/@${username}`)],
  ["GET", "/x/:username", (_request, { username }, town) => to(town, `/@${username}`)],
  ["GET", "/x/:username/:name", (_request, { username, name }, town) => to(town, `/@${username}/${name}`)],
  ["GET", "/x/:username/:name/*", (_request, { username, name, rest = "" }, town) => {
    const [, branch, version, place = ""] = PLACE.exec(rest) as RegExpExecArray;
    const query = new URLSearchParams();
    if (branch !== undefined && branch !== "main") query.set("branch", branch);
    if (version !== undefined) query.set("version", version);
    const search = query.size === 0 ? "" : `?${query}`;
    return to(town, `/@${username}/${name}/${TABS[place] ?? place}`.replace(/\/$/, "") + search);
  }],
];

function to(town: Town, path: string): Response {
  return redirect(href(town.arrival, encodeURI(path)));
}
