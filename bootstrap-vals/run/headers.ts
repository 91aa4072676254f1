/** What is added to a val's response on its way out: default CORS headers, and the fence around vals reached by path. */

import type { Forward } from "town:kernel";
import { sessionCookieName } from "../lib/cookie.ts";
import { pageOrigin, type Arrival } from "../lib/mount.ts";

/** Vals reached by path share the host of the pages; without `allow-same-origin` they do not share their origin. */
const FENCE = "sandbox allow-forms allow-scripts allow-popups allow-modals allow-downloads";

const METHODS = "GET,HEAD,PUT,PATCH,POST,DELETE";
const CORS = [
  "access-control-allow-origin", "access-control-allow-methods", "access-control-allow-headers",
  "access-control-allow-credentials", "access-control-expose-headers", "access-control-max-age",
];

const DEFAULTS = {
  headers: { "access-control-allow-origin": "*", "access-control-allow-methods": METHODS },
  // Any CORS header of the val's own turns all defaults off.
  unless: CORS,
};

/**
 * What a visitor's response has of ours. `prefix` is the val's path on the pages' host, empty where it has its own host;
 * `own` is how the val itself knows its address.
 */
export function dressing(arrival: Arrival, prefix: string, own: string): Forward["response"] {
  if (prefix === "") return { defaults: DEFAULTS, cookies: {} };
  return {
    defaults: DEFAULTS,
    append: { "content-security-policy": FENCE },
    cookies: { path: prefix, reserved: sessionCookieName(arrival) },
    // Who came by path may know no names below this host's.
    location: { from: own, to: pageOrigin(arrival) + prefix },
  };
}

export function isPreflight(request: Request): boolean {
  return request.method === "OPTIONS" && request.headers.has("access-control-request-method");
}

/** The answer to a preflight that a val leaves to us: it mirrors what was asked for. */
export function preflight(request: Request): Response {
  const headers: Record<string, string> = {
    "access-control-allow-origin": "*", "access-control-allow-methods": METHODS, vary: "access-control-request-headers",
  };
  const asked = request.headers.get("access-control-request-headers");
  if (asked !== null) headers["access-control-allow-headers"] = asked;
  return new Response(null, { status: 204, headers });
}

export function hasCors(headers: Headers): boolean {
  for (const name of CORS) if (headers.has(name)) return true;
  return false;
}
