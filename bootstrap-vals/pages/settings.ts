/** An account's own settings: profile, password, tokens, shared variables, what was deleted, and its end. */

import { sessionCookie } from "../lib/cookie.ts";
import { html, type HtmlValue } from "../lib/html.ts";
import { badRequest, HttpError, readForm, redirect } from "../lib/http.ts";
import { href } from "../lib/mount.ts";
import type { Route } from "../lib/router.ts";
import type { Town } from "../lib/town.ts";
import { changePassword, changeProfile, deleteAccount, type Asker } from "../model/accounts.ts";
import { listDeletedVals, undeleteVal } from "../model/deletion.ts";
import { listVariables, removeVariable, setVariables } from "../model/environment.ts";
import { createGroup, deleteGroup, findGroup, listGroups } from "../model/groups.ts";
import { SCOPES } from "../model/scopes.ts";
import { openSession, signOutEverywhere } from "../model/sessions.ts";
import { createToken, listTokens, revokeToken } from "../model/tokens.ts";
import { fault, formAsker, orFault, pageOf, requireSession, time } from "./layout.ts";
import { empty, tabs, valPath } from "./pieces.ts";

const LISTED_MAX = 200;
const DAY_MS = 24 * 60 * 60 * 1000;
const EXPIRIES: [days: string, text: string][] = [["7", "in a week"], ["30", "in 30 days"], ["90", "in 90 days"], ["365", "in a year"], ["", "never"]];

export const settingsRoutes: Route[] = [
  ["GET", "/settings", async (request, _params, town) => profile(request, town, await requireSession(town, request))],
  ["POST", "/settings", changeAccount],
  ["GET", "/settings/tokens", async (request, _params, town) => tokens(request, town, await requireSession(town, request), {})],
  ["POST", "/settings/tokens", changeTokens],
  ["GET", "/settings/groups", async (request, _params, town) => groups(request, town, await requireSession(town, request))],
  ["POST", "/settings/groups", changeGroups],
  ["GET", "/settings/deleted", async (request, _params, town) => deleted(request, town, await requireSession(town, request))],
  ["POST", "/settings/deleted", async (request, _params, town) => {
    const asker = await formAsker(town, request);
    const form = await readForm(request);
    return orFault(async () => {
      const val = await undeleteVal(town, asker.id, form.get("id") ?? "", form.get("name") || undefined);
      return redirect(href(town.arrival, valPath(val)));
    }, (error) => deleted(request, town, asker, error));
  }],
];

// Pages among these that have a file of their own, by the same name.
const ELSEWHERE = ["blobs", "mail", "evaluations", "callsites"];

/** A page among the settings of an account. */
export function settingsPage(request: Request, town: Town, asker: Asker, tab: string, title: string, body: HtmlValue, error?: HttpError): Promise<Response> {
  const to = (path: string) => href(town.arrival, path);
  return pageOf(request, town, {
    title: `${title} · Settings`,
    asker,
    status: error?.status ?? 200,
    width: "medium",
    made: [...(ELSEWHERE.includes(tab) ? [`pages/${tab}.ts`] : []), "pages/settings.ts"],
    body: html`<h1>Settings</h1>${tabs("Settings", tab, [
      ["profile", "Account", to("/settings")], ["tokens", "API tokens", to("/settings/tokens")], ["groups", "Variable groups", to("/settings/groups")],
      ["blobs", "Blobs", to("/settings/blobs")], ["mail", "Mail", to("/settings/mail")], ["evaluations", "Evaluations", to("/settings/evaluations")], ["callsites", "Broken calls", to("/settings/callsites")], ["deleted", "Deleted vals", to("/settings/deleted")],
    ])}${fault(error)}${body}`,
  });
}

function profile(request: Request, town: Town, asker: Asker, error?: HttpError): Promise<Response> {
  return settingsPage(request, town, asker, "profile", "Account", html`
    <form class="card" method="post"><h2>Profile</h2>
      <label for="bio">About you</label><textarea id="bio" name="bio" maxlength="256">
${asker.bio ?? ""}</textarea><p class="hint">Shown at <a href="${href(town.arrival, `/@${asker.username}`)}">@${asker.username}</a>.</p>
      <label for="email">Email</label><input id="email" name="email" type="email" value="${asker.email ?? ""}" autocomplete="email">
      <p class="hint">Where your vals' mail to yourself goes. Nobody else sees it.</p>
      <p class="actions"><button class="first" name="act" value="profile">Save</button></p></form>
    <form class="card" method="post"><h2>Password</h2><input type="hidden" name="username" value="${asker.username}" autocomplete="username">
      <label for="current">Current password</label><input id="current" name="current" type="password" autocomplete="current-password">
      <p class="hint">Empty if you have none yet.</p>
      <label for="password">New password</label><input id="password" name="password" type="password" autocomplete="new-password" minlength="8" required>
      <p class="actions"><button name="act" value="password">Change password</button></p></form>
    <form class="card" method="post"><h2>Sessions</h2><p>Ends every session of yours in every browser, this one too.</p>
      <p class="actions"><button name="act" value="everywhere">Sign out everywhere</button></p></form>
    <form class="card" method="post" data-confirm="Delete your account with all its vals?"><h2>Delete account</h2>
      <p>Your vals, their data and your tokens go with it, at once and for good. Nobody can take your name afterwards.</p>
      <label for="confirm">Type ${asker.username} to confirm</label><input id="confirm" name="confirm" autocomplete="off" required>
      <p class="actions"><button class="danger" name="act" value="delete">Delete my account</button></p></form>`, error);
}

async function changeAccount(request: Request, _params: unknown, town: Town): Promise<Response> {
  const asker = await formAsker(town, request);
  const form = await readForm(request);
  const { arrival } = town;
  const signedOut = { "set-cookie": sessionCookie(arrival, "", 0) };
  return orFault(async () => {
    switch (form.get("act")) {
      case "profile":
        await changeProfile(town, asker, { bio: form.get("bio")?.replaceAll("\r\n", "\n") || null, email: form.get("email") || null });
        break;
      case "password": {
        await changePassword(town, asker, { current: form.get("current") ?? "", password: form.get("password") ?? "" });
        const session = await openSession(town, asker);
        return redirect(href(arrival, "/settings"), { "set-cookie": sessionCookie(arrival, session.secret, session.seconds) });
      }
      case "everywhere":
        await signOutEverywhere(town, asker);
        return redirect(href(arrival, "/"), signedOut);
      case "delete":
        if (form.get("confirm") !== asker.username) throw badRequest("What you typed is not your username");
        await deleteAccount(town, asker);
        return redirect(href(arrival, "/"), signedOut);
    }
    return redirect(href(arrival, "/settings"));
  }, (error) => profile(request, town, asker, error));
}

// ---- Tokens ---------------------------------------------------------------------------------------

async function tokens(request: Request, town: Town, asker: Asker, outcome: { secret?: string; error?: HttpError }): Promise<Response> {
  const list = await listTokens(town, asker, { offset: 0, limit: LISTED_MAX });
  return settingsPage(request, town, asker, "tokens", "API tokens", html`
    ${outcome.secret === undefined ? null : html`<div class="notice" role="status"><p>Copy it now: it is shown this once.</p><code class="secret" tabindex="0">${outcome.secret}</code>
      <p><button class="small" type="button" data-copy="${outcome.secret}" hidden>Copy</button></p></div>`}
    <p>For scripts: <code>Authorization: Bearer …</code> at <code>${town.arrival.base}/api</code>.</p>
    ${list.length === 0 ? empty("No tokens yet.") : html`<div class="table"><table><thead><tr><th scope="col">Name</th><th scope="col">May</th><th scope="col">Made</th><th scope="col">Expires</th><th><span class="hidden-visually">Acts</span></th></tr></thead>
      <tbody>${list.map((token) => html`<tr><td>${token.name}</td><td class="wide small">${token.scopes === "*" ? "everything" : token.scopes.replaceAll(" ", ", ")}</td><td>${time(token.created_at)}</td>
        <td>${token.expires_at === null ? "never" : time(token.expires_at)}</td><td><form class="row" method="post" data-confirm="Revoke ${token.name}?"><input type="hidden" name="id" value="${token.id}">
        <button class="small danger" name="act" value="revoke" aria-label="Revoke ${token.name}">Revoke</button></form></td></tr>`)}</tbody></table></div>`}
    <form class="card" method="post"><h2>New token</h2>
      <div class="row"><div class="grow"><label for="name">Name</label><input id="name" name="name" required maxlength="64" placeholder="What it is for"></div>
      <div><label for="expires">Expires</label><select id="expires" name="expires">${EXPIRIES.map(([days, text]) => html`<option value="${days}"${days === "90" ? html` selected` : null}>${text}</option>`)}</select></div></div>
      <fieldset><legend>It may</legend><label class="inline"><input type="checkbox" name="scope" value="*" checked> everything that you may</label>
        <details class="more"><summary>or only some of it</summary><div class="grid">${SCOPES.map((scope) => html`<label class="inline"><input type="checkbox" name="scope" value="${scope}"> ${scope}</label>`)}</div>
        <p class="hint">Leave “everything” unchecked for these to count.</p></details></fieldset>
      <p class="actions"><button class="first" name="act" value="create">Create token</button></p></form>`, outcome.error);
}

async function changeTokens(request: Request, _params: unknown, town: Town): Promise<Response> {
  const asker = await formAsker(town, request);
  const form = await readForm(request);
  return orFault(async () => {
    if (form.get("act") === "revoke") {
      await revokeToken(town, asker, form.get("id") ?? "");
      return redirect(href(town.arrival, "/settings/tokens"));
    }
    const scopes = form.getAll("scope");
    const days = Number(form.get("expires") ?? "0");
    const expiresAt = days > 0 ? Date.now() + days * DAY_MS : undefined;
    const { secret } = await createToken(town, asker, { name: (form.get("name") ?? "").trim(), scopes: scopes.includes("*") ? ["*"] : scopes, expiresAt });
    return tokens(request, town, asker, { secret });
  }, (error) => tokens(request, town, asker, { error }));
}

// ---- Groups of variables --------------------------------------------------------------------------

async function groups(request: Request, town: Town, asker: Asker, error?: HttpError): Promise<Response> {
  const list = await listGroups(town, asker.id, { offset: 0, limit: LISTED_MAX });
  const variables = await Promise.all(list.map((group) => listVariables(town, group, { offset: 0, limit: LISTED_MAX })));
  return settingsPage(request, town, asker, "groups", "Variable groups", html`
    <p>Environment variables that several of your vals share. A val uses a group from its own environment page.</p>
    ${list.length === 0 ? empty("No groups yet.") : list.map((group, index) => html`<section class="card" aria-labelledby="group-${group.id}"><div class="row between"><h2 id="group-${group.id}">${group.name}</h2>
      <form method="post" data-confirm="Delete the group ${group.name}?"><input type="hidden" name="group" value="${group.id}"><button class="small danger" name="act" value="delete">Delete ${group.name}</button></form></div>
      ${variables[index]!.length === 0 ? html`<p class="soft">No variables.</p>` : html`<ul class="list">${variables[index]!.map(({ key, updated_at }) => html`<li><span class="title mono">${key}</span><span class="soft small">${time(updated_at)}</span>
        <form class="aside" method="post"><input type="hidden" name="group" value="${group.id}"><input type="hidden" name="key" value="${key}"><button class="small danger" name="act" value="remove" aria-label="Delete ${key}">Delete</button></form></li>`)}</ul>`}
      <form class="line" method="post"><input type="hidden" name="group" value="${group.id}"><div><label for="key-${group.id}">Name</label><input id="key-${group.id}" name="key" required autocomplete="off" spellcheck="false"></div>
      <div><label for="value-${group.id}">Value</label><input id="value-${group.id}" name="value" type="password" autocomplete="off"></div><button name="act" value="set">Set</button></form></section>`)}
    <form class="line card" method="post"><div><label for="name">New group</label><input id="name" name="name" required maxlength="48"></div><button class="first" name="act" value="create">Create</button></form>`, error);
}

async function changeGroups(request: Request, _params: unknown, town: Town): Promise<Response> {
  const asker = await formAsker(town, request);
  const form = await readForm(request);
  return orFault(async () => {
    const act = form.get("act");
    if (act === "create") await createGroup(town, asker.id, form.get("name") ?? "");
    else {
      const group = await findGroup(town, asker.id, form.get("group") ?? "");
      if (act === "delete") await deleteGroup(town, group);
      else if (act === "set") await setVariables(town, group, [{ key: form.get("key") ?? "", value: form.get("value") ?? "" }]);
      else if (act === "remove") await removeVariable(town, group, form.get("key") ?? "");
    }
    return redirect(href(town.arrival, "/settings/groups"));
  }, (error) => groups(request, town, asker, error));
}

// ---- Deleted vals ---------------------------------------------------------------------------------

async function deleted(request: Request, town: Town, asker: Asker, error?: HttpError): Promise<Response> {
  const list = await listDeletedVals(town, asker.id, { offset: 0, limit: LISTED_MAX });
  return settingsPage(request, town, asker, "deleted", "Deleted vals", list.length === 0
    ? empty("Nothing was deleted in the last 30 days.")
    : html`<ul class="list">${list.map((val) => html`<li><span class="title">${val.name}</span><span class="soft small">deleted ${time(val.deleted_at)}</span>
      <form class="aside row" method="post"><input type="hidden" name="id" value="${val.id}"><button class="small">Bring back ${val.name}</button></form></li>`)}</ul>`, error);
}
