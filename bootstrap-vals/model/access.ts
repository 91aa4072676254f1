/**
 * Who may see and change what: the only place that decides it.
 *
 * Public vals are listed and open. Unlisted ones are open to whoever has their address, and never listed for others.
 * Private ones exist for their author alone: the owner of the town runs it and may read its disk, but its pages and API
 * show the owner no more of other people's private vals than anyone else. HTTP endpoints answer whatever the privacy.
 */

import { expectedVersion, HttpError, notFound, staleVersion } from "../lib/http.ts";
import { checkOrigin } from "../lib/origin.ts";
import type { Town } from "../lib/town.ts";
import type { Asker } from "./accounts.ts";
import { hasScope, type Scope } from "./scopes.ts";
import { askerBySession } from "./sessions.ts";
import { askerByToken, unauthorized } from "./tokens.ts";
import { findVal, type Val } from "./vals.ts";

export type Privacy = "public" | "unlisted" | "private";
export type { Scope };

export function maySee(asker: { id: string } | undefined, val: { privacy: Privacy; owner_id: string }): boolean {
  return val.privacy !== "private" || asker?.id === val.owner_id;
}

export function mayChange(asker: { id: string } | undefined, val: { owner_id: string }): boolean {
  return asker?.id === val.owner_id;
}

// Several layers ask the same question about one request.
const known = new WeakMap<Request, Promise<Asker | undefined>>();

/**
 * Whoever sends an API request, or nobody: by a token, else by the session of a browser that is on a page of ours; a
 * token without the scope is refused.
 */
export async function askerOf(town: Town, request: Request, scope: Scope): Promise<Asker | undefined> {
  let asking = known.get(request);
  if (asking === undefined) {
    asking = identify(town, request);
    known.set(request, asking);
  }
  const asker = await asking;
  if (asker !== undefined && !hasScope(asker, scope)) {
    throw new HttpError(403, "forbidden", `The token lacks the scope ${scope}`);
  }
  return asker;
}

async function identify(town: Town, request: Request): Promise<Asker | undefined> {
  const byToken = await askerByToken(town, request);
  if (byToken !== undefined) return byToken;
  const bySession = await askerBySession(town, request);
  const { method } = request;
  if (bySession !== undefined && method !== "GET" && method !== "HEAD") checkOrigin(town.arrival, request);
  return bySession;
}

/** Whoever sends an API request that needs an account. */
export async function requireAsker(town: Town, request: Request, scope: Scope): Promise<Asker> {
  const asker = await askerOf(town, request, scope);
  if (asker === undefined) throw unauthorized("Sign in with an API token: Authorization: Bearer ...");
  return asker;
}

/** The owner of this instance. */
export async function requireOwner(town: Town, request: Request): Promise<Asker> {
  const asker = await requireAsker(town, request, "town:write");
  if (asker.role !== "owner") throw new HttpError(403, "forbidden", "Only the owner of this town may do that");
  return asker;
}

/** A val that this request may read. One that it may not see does not exist for it. */
export async function visibleVal(town: Town, request: Request, id: string): Promise<Val> {
  const asker = await askerOf(town, request, "val:read");
  const val = await findVal(town, id);
  if (val === undefined || !maySee(asker, val)) throw notFound("Val");
  return val;
}

/** A val that this request may change. */
export async function changeableVal(
  town: Town,
  request: Request,
  id: string,
  scope: Scope = "val:write",
): Promise<{ val: Val; asker: Asker }> {
  const asker = await requireAsker(town, request, scope);
  const val = await findVal(town, id);
  if (val === undefined || !maySee(asker, val)) throw notFound("Val");
  if (!mayChange(asker, val)) throw new HttpError(403, "forbidden", "Only the author of this val may do that");
  checkVersion(town, request, val);
  return { val, asker };
}

/** A write that is meant for another version changes nothing. One of files is held against its branch where it is saved. */
function checkVersion(town: Town, request: Request, val: Val): void {
  if (request.method === "GET" || request.method === "HEAD" || /[?&]branch_id=/.test(town.arrival.search)) return;
  const expected = expectedVersion(request);
  if (expected !== undefined && expected !== val.version) throw staleVersion(val.version, expected);
}
