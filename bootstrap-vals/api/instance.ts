/** What the owner of a town decides: its settings, its accounts, who is invited. */

import { json, noContent, notFound, optionalInteger, optionalString, readJson, stringOf } from "../lib/http.ts";
import type { Route } from "../lib/router.ts";
import { integer, object, oneOf, pageOf, ref, text, uri, uuid } from "../lib/schema.ts";
import { requireOwner } from "../model/access.ts";
import { createAccount, deleteAccount, findAccountById, listAccounts } from "../model/accounts.ts";
import { invite, listInvitations, revokeInvitation, type Invitation } from "../model/invitations.ts";
import { changeSettings, NUMBERS, readSettings } from "../model/settings.ts";
import { addToken } from "../model/tokens.ts";
import { pageQuery } from "./schemas.ts";
import { iso, meShape, page, readQuery } from "./shapes.ts";

const owner = { access: "owner", scope: "town:write" } as const;

export const instanceRoutes: Route[] = [
  ["GET", "/api/town/settings", async (_request, _params, town) => json(await readSettings(town)), {
    summary: "The settings of this town", access: "anybody", answers: { 200: ref("Settings") },
  }],
  ["PATCH", "/api/town/settings", async (request, _params, town) => {
    await requireOwner(town, request);
    const body = await readJson(request);
    const numbers = Object.fromEntries(NUMBERS.map((name) => [name, optionalInteger(body, name)]));
    return json(await changeSettings(town, { title: optionalString(body, "title"), signUp: optionalString(body, "signUp"), ...numbers }));
  }, {
    ...owner, summary: "Changes the settings of this town",
    body: object({
      "title?": text, "signUp?": oneOf("open", "invitation", "closed"), "logDays?": integer, "fileBytes?": integer, "valBytes?": integer,
      "valFiles?": integer,
    }),
    answers: { 200: ref("Settings") },
  }],
  ["GET", "/api/town/users", async (request, _params, town) => {
    await requireOwner(town, request);
    const query = readQuery(town.arrival);
    const accounts = await listAccounts(town, { limit: query.limit + 1, offset: query.offset });
    return page(town.arrival, query, accounts.map((account) => meShape(town.arrival, account)));
  }, { ...owner, summary: "The accounts of this town", query: pageQuery, answers: { 200: pageOf(ref("Me")) } }],
  ["POST", "/api/town/users", async (request, _params, town) => {
    await requireOwner(town, request);
    const body = await readJson(request);
    const wish = { username: stringOf(body, "username"), password: optionalString(body, "password"), role: "member" as const };
    const account = await createAccount(town, wish);
    const token = await addToken(town, account, { name: "First token", scopes: ["*"] });
    return json({ user: { id: account.id, username: account.username }, token }, 201);
  }, {
    ...owner, summary: "Makes an account for somebody, with an API token", body: object({ username: text, "password?": text }),
    answers: { 201: object({ user: object({ id: uuid, username: text }), token: text }) },
  }],
  ["DELETE", "/api/town/users/:user", async (request, params, town) => {
    await requireOwner(town, request);
    const account = await findAccountById(town, params.user as string);
    if (account === undefined) throw notFound("User");
    await deleteAccount(town, account);
    return noContent();
  }, { ...owner, summary: "Deletes an account with its vals and all data, at once and for good", answers: { 204: null } }],
  ["GET", "/api/town/invitations", async (request, _params, town) => {
    await requireOwner(town, request);
    const query = readQuery(town.arrival);
    const invitations = await listInvitations(town, { limit: query.limit + 1, offset: query.offset });
    return page(town.arrival, query, invitations.map(invitationShape));
  }, { ...owner, summary: "Invitations that are not used yet", query: pageQuery, answers: { 200: pageOf(ref("Invitation")) } }],
  ["POST", "/api/town/invitations", async (request, _params, town) => {
    const asker = await requireOwner(town, request);
    const { invitation, code } = await invite(town, asker);
    return json({ invitation: invitationShape(invitation), code, url: `${town.arrival.base}/signup?invitation=${code}` }, 201);
  }, {
    ...owner, summary: "Makes an invitation, which works once; its code is shown this once",
    answers: { 201: object({ invitation: ref("Invitation"), code: text, url: uri }) },
  }],
  ["DELETE", "/api/town/invitations/:invitation", async (request, params, town) => {
    await requireOwner(town, request);
    await revokeInvitation(town, params.invitation as string);
    return noContent();
  }, { ...owner, summary: "Takes an invitation back", answers: { 204: null } }],
];

function invitationShape(invitation: Invitation) {
  return { id: invitation.id, createdAt: iso(invitation.created_at), expiresAt: iso(invitation.expires_at) };
}
