/** Broken call sites: where one's own vals call those of others and mean them as APIs, with the change that makes them such. */

import { html, type HtmlValue } from "../lib/html.ts";
import { HttpError, notFound, readForm, redirect } from "../lib/http.ts";
import { href } from "../lib/mount.ts";
import type { Route } from "../lib/router.ts";
import type { Town } from "../lib/town.ts";
import { mayChange } from "../model/access.ts";
import type { Asker } from "../model/accounts.ts";
import { listBrokenCalls, upgradeCalls, upgradesOf, type BrokenVal } from "../model/callsites.ts";
import { findVal } from "../model/vals.ts";
import { difference, drawDifference } from "./diff.ts";
import { formAsker, orFault, requireSession } from "./layout.ts";
import { empty, valPath } from "./pieces.ts";
import { settingsPage } from "./settings.ts";

export const callSitePages: Route[] = [
  ["GET", "/settings/callsites", async (request, _params, town) => page(request, town, await requireSession(town, request))],
  ["POST", "/settings/callsites", change],
];

async function page(request: Request, town: Town, asker: Asker, error?: HttpError): Promise<Response> {
  const { broken, next } = await listBrokenCalls(town, asker.id, new URLSearchParams(town.arrival.search).get("after") ?? "");
  const cards = await Promise.all(broken.map((one) => card(town, one)));
  return settingsPage(request, town, asker, "callsites", "Broken calls", html`
    <p>A val of somebody else that you call as a function runs with nothing of theirs and nothing of yours. Where it needs what is its
      author's own, call it as an API: it runs as its author then, takes and returns JSON, and always has to be awaited.</p>
    ${cards.length > 0 ? cards : next === undefined ? empty("No call in your vals is broken.") : html`<p>None of these is broken.</p>`}
    ${next === undefined ? null : html`<p><a class="button" href="?after=${next}">Look through further vals</a></p>`}`, error);
}

async function card(town: Town, broken: BrokenVal): Promise<HtmlValue> {
  const { val, sites } = broken;
  const upgrades = await upgradesOf(town, broken);
  const to = (path: string, line: number) => href(town.arrival, valPath(val, `code/${path}#L${line}`));
  return html`<section class="card"><div class="row between"><h2><a href="${href(town.arrival, valPath(val))}">@${val.username}/${val.name}</a></h2>
    ${upgrades.size === 0 ? null : html`<form method="post"><input type="hidden" name="id" value="${val.id}"><input type="hidden" name="version" value="${val.version}">
      <button class="first small">Change and save</button></form>`}</div>
    <ul>${sites.map(({ path, line, message, suggestion }) => html`<li><a href="${to(path, line)}">${path}:${line}</a> ${message}.
      <span class="soft">${suggestion}.</span></li>`)}</ul>
    ${[...upgrades].map(([path, { before, text }]) => drawDifference(difference(before, text), `What changes in ${path}`))}</section>`;
}

async function change(request: Request, _params: unknown, town: Town): Promise<Response> {
  const asker = await formAsker(town, request);
  const form = await readForm(request);
  return orFault(async () => {
    const val = await findVal(town, form.get("id") ?? "");
    if (val === undefined || !mayChange(asker, val)) throw notFound("Val");
    await upgradeCalls(town, val, asker.id, Number(form.get("version")));
    const path = form.get("path");
    return redirect(href(town.arrival, path === null ? "/settings/callsites" : valPath(val, `code/${path}`)));
  }, (error) => page(request, town, asker, error));
}
