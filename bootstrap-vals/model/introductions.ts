/**
 * Introductions: how somebody with an account here tells a val who they are. A code that is good for some minutes, for
 * one val and one address of it; it lets the val read a name, and nothing else.
 */

import type { Arrival } from "../lib/mount.ts";
import { decode } from "../lib/router.ts";
import type { Town } from "../lib/town.ts";
import { endpointOf, endpointOfLabel, type Endpoint } from "../run/endpoint.ts";
import { findAccountById, type Account } from "./accounts.ts";
import { isSigned, sign } from "./passes.ts";

const MINUTE_MS = 60 * 1000;
// The way back is a redirect or two.
const MINUTES = 5;

/** The val that answers at an address of this town; undefined where it is none of ours. */
export async function valAt(town: Town, address: string): Promise<Endpoint | undefined> {
  const { arrival } = town;
  const url = URL.canParse(address) ? new URL(address) : undefined;
  if (url === undefined || url.username !== "" || url.hash !== "" || url.protocol !== `${arrival.protocol}:`) return undefined;
  if (url.host.endsWith(`.${arrival.host}`)) return endpointOfLabel(town, url.host.slice(0, -arrival.host.length - 1));
  const path = pathBelow(arrival, url);
  const [, user, name] = /^\/run\/([^/]+)\/([^/]+)(?:\/|$)/.exec(path ?? "") ?? [];
  return user === undefined || name === undefined ? undefined : endpointOf(town, decode(user), decode(name));
}

export async function introduce(town: Town, account: Account, valId: string, address: string): Promise<string> {
  const body = `who_${account.id}_${Math.floor(Date.now() / MINUTE_MS) + MINUTES}`;
  return `${body}_${await sign(town, `${body} ${valId} ${address}`)}`;
}

/** Whom a code introduces to that val at that address; undefined where it is forged, another's or too old. */
export async function introduced(town: Town, code: string, valId: string, address: string): Promise<Account | undefined> {
  const parts = /^(who_([0-9a-f-]{36})_(\d{1,12}))_([0-9a-f]{64})$/.exec(code);
  if (parts === null) return undefined;
  const [, body, accountId, minute, signature] = parts as unknown as [string, string, string, string, string];
  if (Number(minute) * MINUTE_MS < Date.now()) return undefined;
  return (await isSigned(town, `${body} ${valId} ${address}`, signature)) ? findAccountById(town, accountId) : undefined;
}

function pathBelow(arrival: Arrival, url: URL): string | undefined {
  const whole = url.origin + url.pathname;
  const base = `${arrival.protocol}://${arrival.outsideHost}${arrival.prefix}`;
  return whole.startsWith(`${base}/`) ? whole.slice(base.length) : undefined;
}
