/** The form for a new val. A link to it may bring a name, a type and code, which fill the form and run nothing. */

import { html, type HtmlValue } from "../lib/html.ts";
import { readForm, redirect, type HttpError } from "../lib/http.ts";
import { href } from "../lib/mount.ts";
import { randomSecret } from "../lib/crypto.ts";
import type { Route } from "../lib/router.ts";
import type { Town } from "../lib/town.ts";
import type { Asker } from "../model/accounts.ts";
import { addFile, type Entry, type Tree } from "../model/files.ts";
import { checkDescription, checkValName, entryOf } from "../model/names.ts";
import { listTemplates, treeOfTemplate, type Template } from "../model/templates.ts";
import { checkPrivacy, createVal } from "../model/vals.ts";
import { endpointUrl } from "../api/shapes.ts";
import { askerBySession, fault, formAsker, orFault, pageOf } from "./layout.ts";
import { TYPE_NAMES, valPath } from "./pieces.ts";

// Where code goes that came with a link, by what the link says it is.
const PATHS: Record<string, string> = { http: "main.ts", script: "main.ts", interval: "cron.ts", email: "email.ts" };
const TOWN = "town";
const FIRST = "http";

export const newRoutes: Route[] = [
  ["GET", "/new", async (request, _params, town) => {
    const asker = await askerBySession(town, request);
    const here = `/new${town.arrival.search}`;
    if (asker === undefined) return redirect(href(town.arrival, `/signin?next=${encodeURIComponent(here)}`));
    return form(request, town, asker, new URLSearchParams(town.arrival.search));
  }],
  ["POST", "/new", create],
];

async function create(request: Request, _params: unknown, town: Town): Promise<Response> {
  const asker = await formAsker(town, request);
  const fields = await readForm(request);
  return orFault(async () => {
    const code = fields.get("code");
    const tree = code === null ? await treeOfTemplate(town, fields.get("template") ?? FIRST) : await treeOfCode(fields.get("type"), code);
    const file = entryOf(tree.values()) as Entry;
    const isTown = code === null && fields.get("template") === TOWN;
    const token = `town_${randomSecret()}`;
    const { val } = await createVal(town, asker, {
      name: checkValName(fields.get("name") ?? ""),
      privacy: checkPrivacy(fields.get("privacy") ?? "public"),
      description: checkDescription(fields.get("description") || undefined),
      tree,
      env: isTown ? { TOWN_OWNER: asker.username, TOWN_TOKEN: token } : {},
    });
    if (!isTown) return redirect(href(town.arrival, valPath(val, `code/${file.path}`)));
    return newTown(request, town, asker, valPath(val), endpointUrl(town.arrival, val, tree, file), token);
  }, (error) => form(request, town, asker, fields, error));
}

/** A town's token is shown once: it is what one signs in with there. */
export function newTown(request: Request, town: Town, asker: Asker, page: string, url: string, token: string): Promise<Response> {
  return pageOf(request, town, {
    title: "New town",
    asker,
    made: ["pages/new.ts"],
    width: "narrow",
    body: html`<h1>Your town is there</h1>
      <p>It is a val of one line, with accounts, vals and a database of its own. Sign in there as <b>${asker.username}</b>
      with this token as the password:</p>
      <code class="secret" tabindex="0">${token}</code>
      <p class="hint">It is shown this once. It also stands in the val's environment variables, unreadable.</p>
      <p class="actions"><a class="button first" href="${url}/signin">Open the town</a>
      <a class="button" href="${href(town.arrival, page)}">Its val</a></p>`,
  });
}

async function treeOfCode(type: string | null, code: string): Promise<Tree> {
  const tree: Tree = new Map();
  const known = type !== null && type in PATHS ? type : FIRST;
  await addFile(tree, PATHS[known] as string, known, code.replaceAll("\r\n", "\n"));
  return tree;
}

async function form(request: Request, town: Town, asker: Asker, fields: URLSearchParams, error?: HttpError): Promise<Response> {
  const templates = (await listTemplates(town)).sort((a, b) => Number(b.name === FIRST) - Number(a.name === FIRST));
  const wanted = fields.get("template");
  const chosen = templates.some(({ name }) => name === wanted) ? wanted : FIRST;
  const code = fields.get("code");
  const privacy = fields.get("privacy") ?? "public";
  return pageOf(request, town, {
    title: "New val",
    asker,
    status: error?.status ?? 200,
    width: "medium",
    made: ["pages/new.ts", "model/templates.ts"],
    body: html`<h1>New val</h1>${fault(error)}
      <form method="post" action="${href(town.arrival, "/new")}">
        <label for="name">Name</label>
        <input id="name" name="name" value="${fields.get("name") ?? ""}" required autofocus autocapitalize="none" autocomplete="off" spellcheck="false"
          pattern="[a-zA-Z][a-zA-Z0-9_\\-]*" maxlength="48" aria-describedby="name-hint">
        <p class="hint" id="name-hint">Letters, digits, - and _. Its address will have it: ${asker.username}--name</p>
        <label for="description">Description</label>
        <input id="description" name="description" value="${fields.get("description") ?? ""}" maxlength="64">
        ${code === null
          ? html`<fieldset><legend>Begin with</legend><div class="choices">${templates.map((template) => choice(template, chosen))}</div></fieldset>`
          : html`<input type="hidden" name="type" value="${fields.get("type") ?? FIRST}"><label for="code">Code</label><textarea class="code" id="code" name="code" spellcheck="false">
${code}</textarea><p class="hint">This came with the link that brought you here. Read it before you save it.</p>`}
        <fieldset><legend>Who sees it</legend>
          ${PRIVACIES.map(([name, about]) => html`<label class="inline"><input type="radio" name="privacy" value="${name}"${
            name === privacy ? html` checked` : null}> <span><b>${name}</b>: ${about}</span></label><br>`)}</fieldset>
        <p class="actions"><button class="first">Create</button></p>
      </form>`,
  });
}

export const PRIVACIES: [name: string, about: string][] = [
  ["public", "listed, and its code is open"],
  ["unlisted", "open to who has the link, and listed nowhere"],
  ["private", "its pages and code are for you alone; an HTTP address answers everybody all the same"],
];

function choice({ name, description }: Template, chosen: string | null): HtmlValue {
  const title = TYPE_NAMES[name] ?? (name.endsWith("Starter") ? `std/${name}` : `${name[0]?.toUpperCase()}${name.slice(1)}`);
  return html`<label><input type="radio" name="template" value="${name}"${name === chosen ? html` checked` : null}>${title}<span>${description.replace(/\.$/, "")}</span></label>`;
}
