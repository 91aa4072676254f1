/** API tokens of the asker: made, shown once, listed without their secrets, revoked. */

import { badRequest, HttpError, json, noContent, readJson, stringOf } from "../lib/http.ts";
import type { Route } from "../lib/router.ts";
import { arrayOf, nullable, object, pageOf, ref, text, time } from "../lib/schema.ts";
import { requireAsker } from "../model/access.ts";
import { createToken, listTokens, revokeToken, type Token } from "../model/tokens.ts";
import { pageQuery } from "./schemas.ts";
import { iso, page, readQuery } from "./shapes.ts";

export const tokenRoutes: Route[] = [
  ["GET", "/api/town/tokens", async (request, _params, town) => {
    const asker = await requireAsker(town, request, "user:read");
    const query = readQuery(town.arrival);
    const tokens = await listTokens(town, asker, { limit: query.limit + 1, offset: query.offset });
    return page(town.arrival, query, tokens.map(tokenShape));
  }, {
    summary: "Your API tokens", access: "account", scope: "user:read", query: pageQuery, answers: { 200: pageOf(ref("Token")) },
  }],
  ["POST", "/api/town/tokens", async (request, _params, town) => {
    const asker = await requireAsker(town, request, "user:write");
    const body = await readJson(request);
    const { scopes } = body;
    if (!Array.isArray(scopes) || !scopes.every((scope) => typeof scope === "string")) throw badRequest('"scopes" must be an array of strings');
    const missing = (scopes as string[]).find((scope) => !asker.scopes.includes("*") && !asker.scopes.includes(scope));
    if (missing !== undefined) throw new HttpError(403, "forbidden", `A token cannot make one with more: it lacks the scope ${missing}`);
    const made = await createToken(town, asker, { name: stringOf(body, "name"), scopes, expiresAt: timeOf(body.expiresAt) });
    return json({ token: tokenShape(made.token), secret: made.secret }, 201);
  }, {
    summary: "Makes an API token; its secret is shown this once", access: "account", scope: "user:write",
    body: object({ name: text, scopes: arrayOf(text), "expiresAt?": nullable(time) }),
    answers: { 201: object({ token: ref("Token"), secret: text }) },
  }],
  ["DELETE", "/api/town/tokens/:token", async (request, params, town) => {
    await revokeToken(town, await requireAsker(town, request, "user:write"), params.token as string);
    return noContent();
  }, { summary: "Revokes one of your API tokens", access: "account", scope: "user:write", answers: { 204: null } }],
];

function tokenShape(token: Token) {
  return {
    id: token.id, name: token.name, scopes: token.scopes.split(" "), createdAt: iso(token.created_at),
    expiresAt: token.expires_at === null ? null : iso(token.expires_at),
  };
}

function timeOf(value: unknown): number | undefined {
  if (value === undefined || value === null) return undefined;
  const ms = typeof value === "string" ? Date.parse(value) : NaN;
  if (Number.isNaN(ms)) throw badRequest('"expiresAt" must be a time as 2026-01-31T12:00:00Z');
  return ms;
}
