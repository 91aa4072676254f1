/** What a val's author decides about it: its name, who sees it, its environment variables, its end. */

import { html, type HtmlValue } from "../lib/html.ts";
import { badRequest, HttpError, notFound, readForm, redirect } from "../lib/http.ts";
import { href } from "../lib/mount.ts";
import type { Route } from "../lib/router.ts";
import type { Town } from "../lib/town.ts";
import { mayChange } from "../model/access.ts";
import type { Asker } from "../model/accounts.ts";
import { deleteVal, KEPT_DAYS } from "../model/deletion.ts";
import { listVariables, parseEnvFile, removeVariable, setVariables } from "../model/environment.ts";
import { findGroup, leaveGroup, listGroups, listGroupsOf, useGroup } from "../model/groups.ts";
import { readRetention, setRetention } from "../model/retention.ts";
import { logsOf } from "../model/runs.ts";
import { changeVal, type Val } from "../model/vals.ts";
import { fault, formAsker, orFault, requireSession, time } from "./layout.ts";
import { PRIVACIES } from "./new.ts";
import { empty, valPath } from "./pieces.ts";
import { valPage, visible, type ValParams } from "./val.ts";

const VARIABLES_MAX = 500;
const GROUPS_MAX = 100;

export const valSettingsRoutes: Route[] = [
  ["GET", "/@:username/:name/settings", async (request, params, town) => settings(request, town, await own(request, params, town))],
  ["POST", "/@:username/:name/settings", change],
  ["GET", "/@:username/:name/environment", async (request, params, town) => environment(request, town, await own(request, params, town))],
  ["POST", "/@:username/:name/environment", changeEnvironment],
];

interface Own {
  val: Val;
  asker: Asker;
}

/** The val, for its author; for anybody else there is no such page. */
export async function own(request: Request, params: ValParams, town: Town): Promise<Own> {
  const asker = await requireSession(town, request);
  const { val } = await visible(request, params, town);
  if (!mayChange(asker, val)) throw notFound("Page");
  return { val, asker };
}

async function settings(request: Request, town: Town, { val, asker }: Own, error?: HttpError): Promise<Response> {
  const { days, townDays } = await readRetention(town, await logsOf(town), val.id);
  return valPage(request, town, val, asker, "settings", {
    title: `Settings · @${val.username}/${val.name}`,
    status: error?.status ?? 200,
    made: ["pages/val-settings.ts"],
    body: html`${fault(error)}<h2 class="hidden-visually">Settings</h2>
      <form class="card" method="post">
        <label for="name">Name</label><input id="name" name="name" value="${val.name}" required maxlength="48" spellcheck="false" autocapitalize="none">
        <p class="hint">Links and imports by the old name lead here until another val takes it. The address of an HTTP file has the name in it and changes.</p>
        <label for="description">Description</label><input id="description" name="description" value="${val.description ?? ""}" maxlength="64">
        <fieldset><legend>Who sees it</legend>${PRIVACIES.map(([name, about]) => html`<label class="inline"><input type="radio" name="privacy" value="${name}"${
          name === val.privacy ? html` checked` : null}> <span><b>${name}</b>: ${about}</span></label><br>`)}</fieldset>
        <label for="days">Days that its logs and requests are kept</label><input id="days" name="days" type="number" min="1" max="${townDays}" value="${days ?? ""}" placeholder="${townDays}, as this town does">
        <p class="actions"><button class="first" name="act" value="change">Save</button></p>
      </form>
      <form class="card" method="post" data-confirm="Delete ${val.name}?"><h2>Delete</h2>
        <p>Nobody sees it any more, and its addresses stop answering. You may bring it back for ${KEPT_DAYS} days, in your settings.</p>
        <p class="actions"><button class="danger" name="act" value="delete">Delete ${val.name}</button></p></form>`,
  });
}

async function change(request: Request, params: ValParams, town: Town): Promise<Response> {
  await formAsker(town, request);
  const { val, asker } = await own(request, params, town);
  const form = await readForm(request);
  return orFault(async () => {
    if (form.get("act") === "delete") {
      await deleteVal(town, val);
      return redirect(href(town.arrival, "/"));
    }
    const changed = await changeVal(town, val, {
      name: form.get("name") ?? undefined, privacy: form.get("privacy") ?? undefined, description: form.get("description") || null,
    });
    await setRetention(town, await logsOf(town), val.id, form.get("days") ? Number(form.get("days")) : null);
    return redirect(href(town.arrival, valPath(changed, "settings")));
  }, (error) => settings(request, town, { val, asker }, error));
}

// ---- Environment variables ------------------------------------------------------------------------

async function environment(request: Request, town: Town, { val, asker }: Own, error?: HttpError): Promise<Response> {
  const range = { limit: VARIABLES_MAX, offset: 0 };
  const [variables, groups, used] = await Promise.all([
    listVariables(town, val, range), listGroups(town, val.owner_id, { limit: GROUPS_MAX, offset: 0 }), listGroupsOf(town, val),
  ]);
  const inUse = new Set(used.map(({ id }) => id));
  return valPage(request, town, val, asker, "environment", {
    title: `Environment · @${val.username}/${val.name}`,
    status: error?.status ?? 200,
    made: ["pages/val-settings.ts"],
    body: html`${fault(error)}<h2 class="hidden-visually">Environment variables</h2>
      <p>Read by <code>Deno.env.get("NAME")</code> or <code>process.env.NAME</code>. Values go in and are shown to nobody again; a change holds from the next request on.</p>
      ${variables.length === 0 ? empty("No variables yet.") : html`<div class="table"><table><thead><tr><th scope="col">Name</th><th scope="col">Description</th><th scope="col">Changed</th><th><span class="hidden-visually">Acts</span></th></tr></thead>
        <tbody>${variables.map(({ key, description, updated_at }) => html`<tr><td class="mono">${key}</td><td class="wide">${description}</td><td>${time(updated_at)}</td>
          <td><form class="row" method="post" data-confirm="Delete ${key}?"><input type="hidden" name="key" value="${key}"><button class="small danger" name="act" value="remove" aria-label="Delete ${key}">Delete</button></form></td></tr>`)}</tbody></table></div>`}
      <form class="line card" method="post"><div><label for="key">Name</label><input id="key" name="key" required pattern="[A-Za-z_][A-Za-z0-9_]*" autocomplete="off" spellcheck="false" autocapitalize="none"></div>
        <div><label for="value">Value</label><input id="value" name="value" type="password" autocomplete="off"></div>
        <button class="first" name="act" value="set">Set</button></form>
      <details class="card more" id="several"><summary>Set several from a .env file</summary><form method="post"><label for="lines">Lines</label>
        <textarea class="mono" id="lines" name="lines" required rows="5" spellcheck="false" autocapitalize="none" autocomplete="off" placeholder="NAME=value" aria-describedby="lines-hint"></textarea>
        <p class="hint" id="lines-hint"><code>NAME=value</code> each; quotes, <code>export</code> and comments as such files have them. What is there under the same name is replaced.</p>
        <p class="actions"><button class="first" name="act" value="paste">Set all</button></p></form></details>
      ${groups.length === 0 ? null : html`<h2>Groups</h2><p>Variables that several of your vals share. The val's own win.</p>
        <ul class="list">${groups.map((group) => groupItem(group.id, group.name, inUse.has(group.id)))}</ul>`}
      <p class="hint">Groups are made in <a href="${href(town.arrival, "/settings/groups")}">your settings</a>.</p>`,
  });
}

function groupItem(id: string, name: string, used: boolean): HtmlValue {
  return html`<li><span class="title">${name}</span><form class="aside" method="post"><input type="hidden" name="group" value="${id}">
    <button class="small" name="act" value="${used ? "leave" : "use"}">${used ? "Stop using" : "Use"} ${name}</button></form></li>`;
}

async function changeEnvironment(request: Request, params: ValParams, town: Town): Promise<Response> {
  await formAsker(town, request);
  const { val, asker } = await own(request, params, town);
  const form = await readForm(request);
  const key = form.get("key") ?? "";
  return orFault(async () => {
    switch (form.get("act")) {
      case "set":
        await setVariables(town, val, [{ key, value: form.get("value") ?? "" }]);
        break;
      case "paste": {
        const found = Object.entries(parseEnvFile((form.get("lines") ?? "").replaceAll("\r\n", "\n")));
        if (found.length === 0) throw badRequest("There is no line of the form NAME=value");
        await setVariables(town, val, found.map(([name, value]) => ({ key: name, value })));
        break;
      }
      case "remove":
        await removeVariable(town, val, key);
        break;
      case "use":
        await useGroup(town, val, await findGroup(town, val.owner_id, form.get("group") ?? ""));
        break;
      case "leave":
        await leaveGroup(town, val, await findGroup(town, val.owner_id, form.get("group") ?? ""));
        break;
    }
    return redirect(href(town.arrival, valPath(val, "environment")));
  }, (error) => environment(request, town, { val, asker }, error));
}
