/** The first page: what this is, for visitors; one's own vals, for who is signed in. And an author's page. */

import { html, type HtmlValue } from "../lib/html.ts";
import { notFound, redirect } from "../lib/http.ts";
import { href, type Arrival } from "../lib/mount.ts";
import type { Route } from "../lib/router.ts";
import type { Town } from "../lib/town.ts";
import { maySee } from "../model/access.ts";
import { findAccount, type Asker } from "../model/accounts.ts";
import { listMostLiked, type LikedVal } from "../model/likes.ts";
import { readSettings } from "../model/settings.ts";
import { standardAccount } from "../model/standard.ts";
import { listVals } from "../model/vals.ts";
import { askerBySession, pageOf, time } from "./layout.ts";
import { avatar, empty, plural, valList } from "./pieces.ts";

const LISTED_MAX = 50;
const RECENT_MAX = 12;
const LIKED_MAX = 6;
const DEFAULT_TITLE = "Val Town Town";

export const homeRoutes: Route[] = [
  ["GET", "/", async (request, _params, town) => {
    const asker = await askerBySession(town, request);
    return asker === undefined ? welcome(request, town) : dashboard(request, town, asker);
  }],
  ["GET", "/@:username", profile],
];

async function welcome(request: Request, town: Town): Promise<Response> {
  const { arrival } = town;
  const [recent, liked, { title, signUp }] = await Promise.all([
    listVals(town, { privacy: "public", limit: RECENT_MAX }), listMostLiked(town, LIKED_MAX), readSettings(town),
  ]);
  return pageOf(request, town, {
    title,
    asker: undefined,
    made: ["pages/home.ts", "pages/layout.ts", "pages/style.css"],
    body: html`<div class="hero">${title === DEFAULT_TITLE ? html`<h1>Val Town Town</h1>` : html`<h1>${title}</h1>`}
      <p>Small TypeScript modules with an address, each in a sandboxed process of its own. The platform that serves them is
      made of such modules too: look at any page's source, fork it, or run a whole town inside the town.</p>
      <p class="row"><a class="button first" href="${href(arrival, "/signin")}">Sign in</a>
      ${signUp === "open" ? html`<a class="button" href="${href(arrival, "/signup")}">Make an account</a>` : null}
      <a class="button" href="${href(arrival, "/@town/system")}">See what it is made of</a></p></div>
      ${anatomy()}${mostLiked(arrival, liked)}
      <h2>Recent vals</h2>
      ${recent.length === 0 ? empty("Nobody has published a val here yet.") : valList(arrival, recent, { author: true })}`,
  });
}

function anatomy(): HtmlValue {
  return html`<pre class="tree" tabindex="0" role="region" aria-label="What a town is made of"><code>town ─ kernel: storage, HTTP, eval, and nothing else
 └─ main.ts             the platform, a program like any other
     ├─ alice/hello     a val
     └─ alice/inner     a val that is a town
         └─ bob/hello   and so on</code></pre>`;
}

function mostLiked(arrival: Arrival, vals: LikedVal[]): HtmlValue {
  if (vals.length === 0) return null;
  return html`<h2>Liked most</h2>${valList(arrival, vals, { author: true, about: (val) => html`<span class="about">${plural((val as LikedVal).likes, "like")}${
    val.description === null ? null : `. ${val.description}`}</span>` })}`;
}

async function dashboard(request: Request, town: Town, asker: Asker): Promise<Response> {
  const { arrival } = town;
  const own = await listVals(town, { asker: asker.id, owner: asker.id, limit: LISTED_MAX });
  const liked = await listMostLiked(town, LIKED_MAX);
  const recent = (await listVals(town, { privacy: "public", limit: RECENT_MAX })).filter((val) => val.owner_id !== asker.id);
  return pageOf(request, town, {
    title: "Your vals",
    asker,
    made: ["pages/home.ts", "pages/layout.ts", "pages/style.css"],
    body: html`<div class="row between"><h1>Your vals</h1>
      <p class="row"><a class="button" href="${href(arrival, "/new?template=town")}">New town</a></p></div>
      ${own.length === 0
        ? empty("A val is a folder of TypeScript that answers at an address. You have none yet.", { href: href(arrival, "/new"), text: "Make the first one" })
        : valList(arrival, own, { author: false })}
      ${mostLiked(arrival, liked)}${recent.length === 0 ? null : html`<h2>Recent vals of others</h2>${valList(arrival, recent, { author: true })}`}`,
  });
}

async function profile(request: Request, params: { username?: string }, town: Town): Promise<Response> {
  const { arrival } = town;
  const asker = await askerBySession(town, request);
  // `@user.val` is how a val was named once, and a username has no dot.
  const [username, name] = (params.username as string).split(".");
  if (name !== undefined) return redirect(href(arrival, `/@${username}/${name}`));
  const account = (await findAccount(town, params.username as string)) ?? (await standardAccount(town, params.username as string));
  if (account === undefined) throw notFound("User");
  const offset = offsetOf(arrival);
  const found = await listVals(town, { asker: asker?.id, owner: account.id, limit: LISTED_MAX + 1, offset });
  const vals = found.slice(0, LISTED_MAX).filter((val) => maySee(asker, val));
  const isOwn = asker?.id === account.id;
  return pageOf(request, town, {
    title: `@${account.username}`,
    asker,
    made: ["pages/home.ts", "pages/layout.ts"],
    body: html`<div class="row">${avatar(account.username, "large")}<div><h1>@${account.username}</h1>
      <p class="soft small">${account.role === "owner" ? "Owner of this town. " : null}Here since ${time(account.created_at)}</p></div>
      ${isOwn ? html`<a class="button small" href="${href(arrival, "/settings")}">Edit profile</a>` : null}</div>
      ${account.bio === null ? null : html`<p>${account.bio}</p>`}
      <h2>${offset === 0 && found.length <= LISTED_MAX ? plural(vals.length, "val") : "Vals"}</h2>
      ${vals.length === 0
        ? empty(isOwn ? "You have no vals yet." : "No vals to show.", isOwn ? { href: href(arrival, "/new"), text: "New val" } : undefined)
        : valList(arrival, vals, { author: false })}
      ${found.length > LISTED_MAX ? html`<p><a class="button" href="?offset=${offset + LISTED_MAX}">Older</a></p>` : null}`,
  });
}

export function offsetOf(arrival: Arrival): number {
  const offset = Number(new URLSearchParams(arrival.search).get("offset") ?? "0");
  return Number.isSafeInteger(offset) && offset > 0 ? offset : 0;
}
