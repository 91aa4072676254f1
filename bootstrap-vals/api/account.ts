/** The asker's own account: profile, password, sessions, deletion; and making one. */

import { badRequest, HttpError, json, noContent, nullableString, optionalString, readJson, stringOf } from "../lib/http.ts";
import type { Route } from "../lib/router.ts";
import { integer, nullable, object, ref, text, uri } from "../lib/schema.ts";
import { requireAsker } from "../model/access.ts";
import { changePassword, changeProfile, deleteAccount, type Asker } from "../model/accounts.ts";
import { signUp } from "../model/invitations.ts";
import { signOutEverywhere } from "../model/sessions.ts";
import { addToken } from "../model/tokens.ts";
import { meShape } from "./shapes.ts";

export const accountRoutes: Route[] = [
  ["PATCH", "/api/town/me", async (request, _params, town) => {
    const asker = await requireAsker(town, request, "user:write");
    const body = await readJson(request);
    const change = { bio: nullableString(body, "bio"), email: nullableString(body, "email"), imageUrl: nullableString(body, "imageUrl") };
    return json(meShape(town.arrival, await changeProfile(town, asker, change)));
  }, {
    summary: "Changes your profile", access: "account", scope: "user:write",
    body: object({ "bio?": nullable(text), "email?": nullable(text), "imageUrl?": nullable(uri) }), answers: { 200: ref("Me") },
  }],
  ["PUT", "/api/town/me/password", async (request, _params, town) => {
    const asker = await requireAsker(town, request, "user:write");
    requireAll(asker);
    const body = await readJson(request);
    await changePassword(town, asker, { current: optionalString(body, "current") ?? "", password: stringOf(body, "password") });
    return noContent();
  }, {
    summary: "Sets your password and ends your browser sessions; `current` is asked for where you have one", access: "account",
    scope: "user:write", body: object({ "current?": text, password: text }), answers: { 204: null },
  }],
  ["DELETE", "/api/town/me/sessions", async (request, _params, town) => {
    const asker = await requireAsker(town, request, "user:write");
    return json({ ended: await signOutEverywhere(town, asker) });
  }, {
    summary: "Signs you out in every browser", access: "account", scope: "user:write", answers: { 200: object({ ended: integer }) },
  }],
  ["DELETE", "/api/town/me", async (request, _params, town) => {
    const asker = await requireAsker(town, request, "user:write");
    requireAll(asker);
    if (stringOf(await readJson(request), "username") !== asker.username) throw badRequest('"username" must be yours, to make sure');
    await deleteAccount(town, asker);
    return noContent();
  }, {
    summary: "Deletes your account with your vals and all data, at once and for good", access: "account", scope: "user:write",
    body: object({ username: text }), answers: { 204: null },
  }],
  ["POST", "/api/town/sign-up", async (request, _params, town) => {
    const body = await readJson(request);
    const account = await signUp(town, {
      username: stringOf(body, "username"), password: stringOf(body, "password"), email: optionalString(body, "email"),
      invitation: optionalString(body, "invitation"),
    });
    const token = await addToken(town, account, { name: "First token", scopes: ["*"] });
    return json({ user: meShape(town.arrival, account), token }, 201);
  }, {
    summary: "Makes an account, where the town takes new ones", access: "anybody",
    body: object({ username: text, password: text, "email?": text, "invitation?": text }),
    answers: { 201: object({ user: ref("Me"), token: text }) },
  }],
];

/** A password, and the end of an account, reach further than any scope. */
function requireAll(asker: Asker): void {
  if (!asker.scopes.includes("*")) throw new HttpError(403, "forbidden", "The token lacks the scope *");
}
