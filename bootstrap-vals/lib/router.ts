/** Routes as a list that is read from the top: `["GET", "/api/v2/vals/:id", handler]`. */

import { badRequest, HttpError } from "./http.ts";
import type { About } from "./schema.ts";
import type { Town } from "./town.ts";

export type Params = Record<string, string>;
export type Handler = (request: Request, params: Params, town: Town) => Response | Promise<Response>;
/** `:name` is one segment; a last `*` is the rest of the path, slashes included, as `params.rest`. */
export type Route = [method: string, pattern: string, handler: Handler, about?: About];

/** Answers by the first route that fits; undefined when the path is none of these. */
export function dispatch(routes: Route[], request: Request, town: Town): Response | Promise<Response> | undefined {
  const method = request.method === "HEAD" ? "GET" : request.method;
  const segments = town.arrival.path.split("/");
  let allowed = "";
  for (const [routeMethod, pattern, handler] of routes) {
    const params = fit(pattern, segments);
    if (params === undefined) continue;
    if (routeMethod === method) return handler(request, params, town);
    allowed += allowed === "" ? routeMethod : `, ${routeMethod}`;
  }
  if (allowed === "") return undefined;
  throw new HttpError(405, "method_not_allowed", `${request.method} is not possible here`, { allow: allowed });
}

function fit(pattern: string, segments: string[]): Params | undefined {
  const parts = pattern.split("/");
  const open = parts[parts.length - 1] === "*";
  if (open ? segments.length < parts.length : segments.length !== parts.length) return undefined;
  const params: Params = {};
  for (let index = 0; index < parts.length; index++) {
    const part = parts[index] as string;
    const segment = segments[index] as string;
    if (open && index === parts.length - 1) params.rest = decode(segments.slice(index).join("/"));
    else if (part.startsWith(":")) {
      if (segment === "") return undefined;
      params[part.slice(1)] = decode(segment);
    } else if (part.startsWith("@:")) {
      if (segment.length < 2 || !segment.startsWith("@")) return undefined;
      params[part.slice(2)] = decode(segment.slice(1));
    } else if (part !== segment) return undefined;
  }
  return params;
}

/** Percent-decodes; a malformed escape is the visitor's mistake. */
export function decode(text: string): string {
  if (!text.includes("%")) return text;
  try {
    return decodeURIComponent(text);
  } catch {
    throw badRequest("The address has a malformed escape");
  }
}
