/** Copying a val to oneself: at once where the name is free, with a form where it is not. */

import { html } from "../lib/html.ts";
import { HttpError, readForm, redirect } from "../lib/http.ts";
import { href } from "../lib/mount.ts";
import type { Route } from "../lib/router.ts";
import type { Town } from "../lib/town.ts";
import type { Asker } from "../model/accounts.ts";
import { remixVal } from "../model/remix.ts";
import type { Val } from "../model/vals.ts";
import { askerBySession, fault, formAsker, orFault, pageOf } from "./layout.ts";
import { PRIVACIES } from "./new.ts";
import { valPath } from "./pieces.ts";
import { visible, type ValParams } from "./val.ts";

export const remixRoutes: Route[] = [
  ["GET", "/@:username/:name/remix", async (request, params, town) => {
    const { val, asker } = await visible(request, params, town);
    if (asker === undefined) return redirect(href(town.arrival, `/signin?next=${encodeURIComponent(valPath(val, "remix"))}`));
    return form(request, town, asker, val, val.name);
  }],
  ["POST", "/@:username/:name/remix", async (request, params, town) => {
    // Who is not signed in does that first, and finds the form then.
    if ((await askerBySession(town, request)) === undefined) return redirect(href(town.arrival, `${valPath({ username: params.username as string, name: params.name as string }, "remix")}`));
    const asker = await formAsker(town, request);
    const { val } = await visible(request, params as ValParams, town);
    const fields = await readForm(request);
    const name = fields.get("name") ?? (val.owner_id === asker.id ? `${val.name}-copy` : val.name);
    return orFault(async () => {
      const { val: made } = await remixVal(town, val, asker, { name, privacy: fields.get("privacy") ?? undefined });
      return redirect(href(town.arrival, valPath(made, "code")));
    }, (error) => form(request, town, asker, val, name, error));
  }],
];

function form(request: Request, town: Town, asker: Asker, val: Val, name: string, error?: HttpError): Promise<Response> {
  return pageOf(request, town, {
    title: `Remix @${val.username}/${val.name}`,
    asker,
    status: error?.status ?? 200,
    width: "narrow",
    made: ["pages/remix.ts"],
    body: html`<h1>Remix <span class="soft">@${val.username}/</span>${val.name}</h1>${fault(error)}
      <p>You get a copy of its files, with a link back. Environment variables and stored data stay behind.</p>
      <form method="post"><label for="name">Name</label><input id="name" name="name" value="${name}" required maxlength="48" spellcheck="false" autocapitalize="none">
      <label for="privacy">Who sees it</label><select id="privacy" name="privacy">${PRIVACIES.map(([value]) =>
        html`<option value="${value}"${value === val.privacy ? html` selected` : null}>${value}</option>`)}</select>
      <p class="actions"><button class="first">Remix</button></p></form>`,
  });
}
