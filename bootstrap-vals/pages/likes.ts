/** The button by which one likes a val, and no longer. */

import { html, type Html } from "../lib/html.ts";
import { readForm, redirect } from "../lib/http.ts";
import { href } from "../lib/mount.ts";
import type { Route } from "../lib/router.ts";
import type { Town } from "../lib/town.ts";
import { setLike, type Likes } from "../model/likes.ts";
import type { Val } from "../model/vals.ts";
import { askerBySession, formAsker } from "./layout.ts";
import { plural, valPath } from "./pieces.ts";
import { visible, type ValParams } from "./val.ts";

export const likeRoutes: Route[] = [
  ["POST", "/@:username/:name/like", async (request, params, town) => {
    const back = valPath({ username: params.username as string, name: params.name as string });
    if ((await askerBySession(town, request)) === undefined) return redirect(href(town.arrival, `/signin?next=${encodeURIComponent(back)}`));
    const asker = await formAsker(town, request);
    const { val } = await visible(request, params as ValParams, town);
    await setLike(town, val, asker.id, (await readForm(request)).get("act") !== "unlike");
    return redirect(href(town.arrival, back));
  }],
];

export function likeButton(town: Town, val: Val, { count, mine }: Likes): Html {
  const label = `${mine ? "You like this" : "Like"}, ${plural(count, "like")}`;
  return html`<form class="plain" method="post" action="${href(town.arrival, valPath(val, "like"))}"><button class="small" name="act" value="${
    mine ? "unlike" : "like"}" aria-label="${label}" aria-pressed="${String(mine)}"><span aria-hidden="true">${mine ? "\u2665" : "\u2661"}</span> ${String(count)}</button></form>`;
}
