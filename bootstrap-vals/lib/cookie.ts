/** Cookies: read one, write one, and keep vals that share our host by path away from ours. */

import { sitePrefix, type Arrival } from "./mount.ts";

/** A name for this mount alone: a town reached by path lives on the host of the town around it. */
export function sessionCookieName(arrival: Arrival): string {
  const prefix = sitePrefix(arrival);
  if (prefix !== "") return `town${prefix.replace(/[^a-zA-Z0-9]+/g, "-")}`;
  // The prefix makes browsers refuse a cookie of that name set from a subdomain, where vals live.
  return arrival.protocol === "https" ? "__Host-town" : "town";
}

export function readCookie(request: Request, name: string): string | undefined {
  for (const pair of (request.headers.get("cookie") ?? "").split("; ")) {
    if (pair.startsWith(`${name}=`)) return pair.slice(name.length + 1);
  }
  return undefined;
}

export function sessionCookie(arrival: Arrival, value: string, maxAgeSeconds: number): string {
  // The image's own program is the same town: who signs in there is signed in.
  const path = sitePrefix(arrival) || "/";
  const secure = arrival.protocol === "https" ? "; Secure" : "";
  return `${sessionCookieName(arrival)}=${value}; Path=${path}; Max-Age=${maxAgeSeconds}; HttpOnly; SameSite=Lax${secure}`;
}

/** The Cookie header without the cookie of that name. */
export function withoutCookie(header: string, name: string): string {
  return header.split("; ").filter((pair) => !pair.startsWith(`${name}=`)).join("; ");
}
