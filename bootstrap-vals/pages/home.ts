/** Lists of vals: the town's, and one author's; and the form for a new one. */

import { html, type HtmlValue } from "../lib/html.ts";
import { HttpError, notFound, readForm, redirect } from "../lib/http.ts";
import { href, type Arrival } from "../lib/mount.ts";
import type { Route } from "../lib/router.ts";
import type { Town } from "../lib/town.ts";
import { maySee } from "../model/access.ts";
import { askerBySession, findAccount, type Asker } from "../model/accounts.ts";
import { addFile, type Tree } from "../model/files.ts";
import { checkValName } from "../model/names.ts";
import { checkPrivacy, createVal, listVals, type Val } from "../model/vals.ts";
import { formAsker, pageOf, time } from "./layout.ts";

const LISTED_MAX = 50;
const STARTER = `export default async function (req: Request): Promise<Response> {
  return Response.json({ ok: true });
}
`;

export const homeRoutes: Route[] = [
  ["GET", "/", home],
  ["GET", "/new", async (request, _params, town) => newForm(town, await askerBySession(town, request), "")],
  ["POST", "/new", create],
  ["GET", "/@:username", profile],
];

async function home(request: Request, _params: unknown, town: Town): Promise<Response> {
  const asker = await askerBySession(town, request);
  const own = asker === undefined ? [] : await listVals(town, { asker: asker.id, owner: asker.id, limit: LISTED_MAX });
  const recent = await listVals(town, { privacy: "public", limit: LISTED_MAX });
  return pageOf(town.arrival, {
    title: "Val Town Town",
    asker,
    body: html`<h1>Val Town Town</h1>
      ${asker === undefined ? null : html`<h2>Your vals</h2>${listOf(town.arrival, own, "You have none yet.")}`}
      <h2>Recent vals</h2>${listOf(town.arrival, recent, "There are none yet.")}`,
  });
}

async function profile(request: Request, params: { username?: string }, town: Town): Promise<Response> {
  const asker = await askerBySession(town, request);
  const account = await findAccount(town, params.username as string);
  if (account === undefined) throw notFound("User");
  const vals = await listVals(town, { asker: asker?.id, owner: account.id, limit: LISTED_MAX });
  const seen = vals.filter((val) => maySee(asker, val));
  return pageOf(town.arrival, {
    title: `@${account.username}`,
    asker,
    body: html`<h1>@${account.username}</h1><p>${account.bio}</p>${listOf(town.arrival, seen, "No vals to show.")}`,
  });
}

async function create(request: Request, _params: unknown, town: Town): Promise<Response> {
  const asker = await formAsker(town, request);
  const form = await readForm(request);
  const name = form.get("name") ?? "";
  try {
    const tree: Tree = new Map();
    await addFile(tree, "main.ts", "http", STARTER);
    const wish = { name: checkValName(name), privacy: checkPrivacy(form.get("privacy") ?? "public"), description: null, tree };
    const { val } = await createVal(town, asker, wish);
    return redirect(href(town.arrival, `/@${val.username}/${val.name}/code/main.ts`));
  } catch (error) {
    if (error instanceof HttpError) return newForm(town, asker, name, error);
    throw error;
  }
}

function newForm(town: Town, asker: Asker | undefined, name: string, fault?: HttpError): Response {
  if (asker === undefined) return redirect(href(town.arrival, "/signin"));
  return pageOf(town.arrival, {
    title: "New val",
    asker,
    status: fault?.status ?? 200,
    body: html`<h1>New val</h1>
      <form method="post" action="${href(town.arrival, "/new")}">
        ${fault === undefined ? null : html`<p class="bad" role="alert">${fault.message}</p>`}
        <label for="name">Name</label>
        <input id="name" name="name" value="${name}" required pattern="[a-zA-Z][a-zA-Z0-9_\\-]*" maxlength="48">
        <label for="privacy">Privacy</label>
        <select id="privacy" name="privacy"><option>public</option><option>unlisted</option><option>private</option></select>
        <p><button>Create</button></p>
      </form>`,
  });
}

function listOf(arrival: Arrival, vals: Val[], none: string): HtmlValue {
  if (vals.length === 0) return html`<p>${none}</p>`;
  return html`<ul class="list">${vals.map((val) =>
    html`<li><a href="${href(arrival, `/@${val.username}/${val.name}`)}">@${val.username}/${val.name}</a>
      <span class="note">${val.privacy === "public" ? null : `${val.privacy}, `}version ${val.version}, ${time(val.updated_at)}
      ${val.description}</span></li>`)}</ul>`;
}
