/** Asks whoever is signed in whether a val may know who they are, and sends them back to it. */

import { html } from "../lib/html.ts";
import { notFound, redirect } from "../lib/http.ts";
import { href } from "../lib/mount.ts";
import type { Route } from "../lib/router.ts";
import type { Town } from "../lib/town.ts";
import type { Account } from "../model/accounts.ts";
import { introduce, valAt } from "../model/introductions.ts";
import type { Endpoint } from "../run/endpoint.ts";
import { askerBySession, pageOf } from "./layout.ts";

export const introductionRoutes: Route[] = [
  ["GET", "/oauth/authorize", async (request, _params, town) => {
    const asked = await readAsked(town, new URLSearchParams(town.arrival.search));
    const asker = await askerBySession(town, request);
    if (asker === undefined) {
      const here = town.arrival.path + town.arrival.search;
      return redirect(href(town.arrival, `/signin?next=${encodeURIComponent(here)}`));
    }
    const { val } = asked;
    return pageOf(request, town, {
      title: "Tell a val who you are",
      asker,
      status: 200,
      width: "narrow",
      made: ["pages/introduction.ts"],
      body: html`<h1>Tell ${val.username}/${val.name} who you are?</h1>
        <p>It asks for your name here, ${asker.username}, and learns your profile. It can do nothing for you.</p>
        <p class="actions"><a class="button first" href="${await wayBack(town, asker, asked)}">Yes, go on</a>
          <a class="button" href="${href(town.arrival, "/")}">No</a></p>`,
    });
  }],
];

// A link rather than a form: a form may not lead to another origin, and this is what a link is for. Only whoever sees the
// page has it, and no other page may frame or read this one.
async function wayBack(town: Town, asker: Account, { val, address, state }: Asked): Promise<string> {
  const back = new URL(address);
  back.searchParams.set("code", await introduce(town, asker, val.val_id, address));
  back.searchParams.set("state", state);
  return back.href;
}

interface Asked {
  val: Endpoint;
  address: string;
  state: string;
}

async function readAsked(town: Town, params: URLSearchParams): Promise<Asked> {
  const address = params.get("redirect_uri") ?? "";
  const val = await valAt(town, address);
  if (val === undefined) throw notFound("Val");
  return { val, address, state: params.get("state") ?? "" };
}
