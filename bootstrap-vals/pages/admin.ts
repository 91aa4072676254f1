/** What the owner of a town decides: its name, who may come in, who is here. */

import { html } from "../lib/html.ts";
import { HttpError, readForm, redirect } from "../lib/http.ts";
import { href } from "../lib/mount.ts";
import type { Route } from "../lib/router.ts";
import type { Town } from "../lib/town.ts";
import { createAccount, deleteAccount, findAccountById, listAccounts, type Asker } from "../model/accounts.ts";
import { invite, listInvitations, revokeInvitation } from "../model/invitations.ts";
import { changeSettings, MOST, NUMBERS, readSettings } from "../model/settings.ts";
import { fault, formAsker, orFault, pageOf, requireSession, time } from "./layout.ts";
import { bytes } from "./pieces.ts";
import { requireOwner, SYSTEM_PATH } from "./system.ts";

const LISTED_MAX = 200;
const NUMBER_LABELS = {
  logDays: "Days that logs and requests are kept", fileBytes: "Bytes of a file", valBytes: "Bytes of all files of a val", valFiles: "Files of a val",
};
const SIGN_UPS: [mode: string, text: string][] = [["closed", "nobody but those I add"], ["invitation", "who has an invitation"], ["open", "anybody"]];

export const adminRoutes: Route[] = [
  ["GET", "/admin", async (request, _params, town) => {
    const asker = await requireSession(town, request);
    requireOwner(asker);
    return page(request, town, asker, {});
  }],
  ["POST", "/admin", change],
];

async function page(request: Request, town: Town, asker: Asker, outcome: { link?: string; error?: HttpError }): Promise<Response> {
  const range = { offset: 0, limit: LISTED_MAX };
  const [settings, accounts, invitations, usage, health, files] = await Promise.all([
    readSettings(town), listAccounts(town, range), listInvitations(town, range), town.storage.usage(), town.system?.health(), town.system?.list(),
  ]);
  const overridden = files?.filter((file) => file.from !== "image").length ?? 0;
  return pageOf(request, town, {
    title: "This town",
    asker,
    status: outcome.error?.status ?? 200,
    width: "medium",
    made: ["pages/admin.ts"],
    body: html`<h1>This town</h1>${fault(outcome.error)}
      ${outcome.link === undefined ? null : html`<div class="notice" role="status"><p>Send this link; it works once, for two weeks:</p><code class="secret" tabindex="0">${outcome.link}</code>
        <p><button class="small" type="button" data-copy="${outcome.link}" hidden>Copy</button></p></div>`}
      <dl class="facts"><div><dt>Data</dt><dd>${bytes(usage.bytes + usage.bytesBelow)} of ${bytes(usage.bytesMax)}</dd></div>
        <div><dt>Sandbox</dt><dd>${health === undefined || health.sandboxMissing.length === 0 ? "complete" : html`<span class="bad">lacks ${health.sandboxMissing.join(", ")}</span>`}</dd></div>
        <div><dt>System files</dt><dd><a href="${href(town.arrival, SYSTEM_PATH)}">${overridden === 0 ? "as in the image" : `${overridden} overridden`}</a></dd></div></dl>
      <form class="card" method="post"><h2>Settings</h2><label for="title">Name of the town</label><input id="title" name="title" value="${settings.title}" maxlength="64" required>
        <label for="signUp">Who may make an account</label><select id="signUp" name="signUp">${SIGN_UPS.map(([mode, text]) =>
          html`<option value="${mode}"${mode === settings.signUp ? html` selected` : null}>${text}</option>`)}</select>
        ${NUMBERS.map((name) => html`<label for="${name}">${NUMBER_LABELS[name]}</label><input id="${name}" name="${name}" type="number" min="1" max="${MOST[name]}" value="${settings[name]}" required>`)}
        <p class="actions"><button class="first" name="act" value="settings">Save</button></p></form>
      <h2>Accounts</h2><div class="table"><table><thead><tr><th scope="col">Name</th><th scope="col">Role</th><th scope="col">Since</th><th><span class="hidden-visually">Acts</span></th></tr></thead>
        <tbody>${accounts.map((account) => html`<tr><td class="wide"><a href="${href(town.arrival, `/@${account.username}`)}">@${account.username}</a></td><td>${account.role}</td><td>${time(account.created_at)}</td>
          <td>${account.role === "owner" ? null : html`<form class="row" method="post" data-confirm="Delete ${account.username} with all vals?"><input type="hidden" name="id" value="${account.id}">
          <button class="small danger" name="act" value="delete" aria-label="Delete ${account.username}">Delete</button></form>`}</td></tr>`)}</tbody></table></div>
      <form class="line card" method="post"><div><label for="username">New account</label><input id="username" name="username" required autocomplete="off" spellcheck="false" autocapitalize="none"></div>
        <div><label for="password">Password</label><input id="password" name="password" type="password" minlength="8" required autocomplete="new-password"></div><button name="act" value="account">Add</button></form>
      <h2>Invitations</h2><form method="post"><button name="act" value="invite">New invitation</button></form>
      ${invitations.length === 0 ? null : html`<ul class="list">${invitations.map(({ id, created_at, expires_at }) => html`<li><span>made ${time(created_at)}, until ${time(expires_at)}</span>
        <form class="aside" method="post"><input type="hidden" name="id" value="${id}"><button class="small danger" name="act" value="revoke">Revoke</button></form></li>`)}</ul>`}`,
  });
}

async function change(request: Request, _params: unknown, town: Town): Promise<Response> {
  const asker = await formAsker(town, request);
  requireOwner(asker);
  const form = await readForm(request);
  return orFault(async () => {
    switch (form.get("act")) {
      case "settings":
        await changeSettings(town, {
          title: form.get("title") ?? undefined, signUp: form.get("signUp") ?? undefined,
          ...Object.fromEntries(NUMBERS.filter((name) => form.has(name)).map((name) => [name, Number(form.get(name))])),
        });
        break;
      case "account":
        await createAccount(town, { username: form.get("username") ?? "", password: form.get("password") ?? "", role: "member" });
        break;
      case "invite": {
        const { code } = await invite(town, asker);
        return page(request, town, asker, { link: `${town.arrival.base}/signup?invitation=${code}` });
      }
      case "revoke":
        await revokeInvitation(town, form.get("id") ?? "");
        break;
      case "delete": {
        const account = await findAccountById(town, form.get("id") ?? "");
        if (account !== undefined && account.role !== "owner") await deleteAccount(town, account);
        break;
      }
    }
    return redirect(href(town.arrival, "/admin"));
  }, (error) => page(request, town, asker, { error }));
}
