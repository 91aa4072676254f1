/** What is added to a val's response on its way out: default CORS headers, and the fence around vals reached by path. */

import { confineCookie, sessionCookieName } from "../lib/cookie.ts";
import type { Arrival } from "../lib/mount.ts";

/** Vals reached by path share the host of the pages; without `allow-same-origin` they do not share their origin. */
const FENCE = "sandbox allow-forms allow-scripts allow-popups allow-modals allow-downloads";

const METHODS = "GET,HEAD,PUT,PATCH,POST,DELETE";
const CORS = [
  "access-control-allow-origin", "access-control-allow-methods", "access-control-allow-headers",
  "access-control-allow-credentials", "access-control-expose-headers", "access-control-max-age",
];

/** The response as the visitor gets it. `prefix` is the val's path on the pages' host, empty where it has its own host. */
export function dress(response: Response, arrival: Arrival, prefix: string): Response {
  const { headers } = response;
  // Any CORS header of the val's own turns all defaults off.
  if (!hasCors(headers)) {
    headers.set("access-control-allow-origin", "*");
    headers.set("access-control-allow-methods", METHODS);
  }
  if (prefix !== "") headers.append("content-security-policy", FENCE);
  if (headers.has("set-cookie")) {
    const lines = headers.getSetCookie();
    headers.delete("set-cookie");
    for (const line of lines) {
      const confined = confineCookie(line, prefix, sessionCookieName(arrival));
      if (confined !== undefined) headers.append("set-cookie", confined);
    }
  }
  return response;
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
