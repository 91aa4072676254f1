/** HTTP requests of vals: by host or by path to the endpoint's program and back. */

import type { Forward, Outcome, Route } from "town:kernel";
import { sessionCookieName, withoutCookie } from "../lib/cookie.ts";
import { HttpError, notFound } from "../lib/http.ts";
import { belowSafe, MOUNT_HEADERS, SAFE_PREFIX, type Arrival } from "../lib/mount.ts";
import { decode } from "../lib/router.ts";
import type { Town } from "../lib/town.ts";
import { endpointOf, endpointOfLabel, keptEndpoint, keptEndpointOfLabel, type Endpoint } from "./endpoint.ts";
import { dressing, hasCors, isPreflight, preflight } from "./headers.ts";
import { isolateOf, safeIsolateOf } from "./program.ts";

/** Serves the val that the request's host names. */
export function serveHost(request: Request, town: Town): Promise<Response> {
  const { label, path } = town.arrival;
  return serve(request, town, keptEndpointOfLabel(town, label) ?? endpointOfLabel(town, label), path, "");
}

/** Serves `/run/{user}/{val}[/{path}]`. */
export function serveRun(request: Request, town: Town): Promise<Response> {
  const { path, prefix } = town.arrival;
  const asked = valOfPath(path);
  if (asked === undefined) return Promise.reject(notFound("HTTP val"));
  const { username, name, end } = asked;
  const endpoint = keptEndpoint(town, username, name) ?? endpointOf(town, username, name);
  return serve(request, town, endpoint, path.slice(end) || "/", prefix + path.slice(0, end));
}

/** The val that `/run/{user}/{val}[/{path}]` names, and where its name ends. */
function valOfPath(path: string): { username: string; name: string; end: number } | undefined {
  const userEnd = path.indexOf("/", 5);
  const nameStart = userEnd + 1;
  if (userEnd < 0 || nameStart === path.length) return undefined;
  let end = path.indexOf("/", nameStart);
  if (end < 0) end = path.length;
  return { username: decode(path.slice(5, userEnd)), name: decode(path.slice(nameStart, end)), end };
}

/** Where the image's own program answers for the town inside this one that was asked; undefined where that was a val. */
export function safeAddress(town: Town): string | undefined {
  const { label, path, prefix } = town.arrival;
  const asked = label === "" ? valOfPath(path) : undefined;
  const endpoint = asked === undefined ? keptEndpointOfLabel(town, label) : keptEndpoint(town, asked.username, asked.name);
  if (endpoint?.is_town !== 1) return undefined;
  const at = asked === undefined ? hostOf(town.arrival, endpoint) : prefix + path.slice(0, asked.end);
  return `${at}${SAFE_PREFIX}/`;
}

// Every request of every val comes this way, and in this engine each `await` costs more than all else it does: so one
// whose endpoint is known has none.
function serve(
  request: Request,
  town: Town,
  endpoint: Endpoint | Promise<Endpoint | undefined>,
  path: string,
  prefix: string,
): Promise<Response> {
  if (endpoint instanceof Promise) {
    return endpoint.then((found) => {
      if (found === undefined) throw notFound("HTTP val");
      return serve(request, town, found, path, prefix);
    });
  }
  refuseMethod(request.method);
  const { arrival } = town;
  const preflighted = isPreflight(request);
  const forward: Forward = {
    request: {
      "x-forwarded-host": arrival.outsideHost, "x-forwarded-proto": arrival.protocol, "x-forwarded-prefix": prefix,
    },
    // Whether a preflight is the val's business shows in what it answers.
    response: preflighted ? undefined : dressing(arrival, prefix, hostOf(arrival, endpoint)),
    route: route(request, town, endpoint, prefix),
  };
  if (prefix !== "") hideSession(request.headers, arrival, forward.request!);
  // Where the town inside has been asked itself, and not one of its vals by a host further down.
  const isAsked = prefix !== "" || arrival.outsideHost.length === arrival.label.length + 1 + arrival.host.length;
  const safePath = endpoint.is_town === 1 && isAsked ? belowSafe(path) : undefined;
  if (safePath !== undefined) {
    forward.request!["x-forwarded-prefix"] = prefix + SAFE_PREFIX;
    forward.route = undefined;
  }
  const isolate = safePath === undefined ? isolateOf(town, endpoint) : safeIsolateOf(town, endpoint);
  const url = `${hostOf(arrival, endpoint)}${safePath ?? path}${arrival.search}`;
  const answered = isolate.fetch(url, request, forward);
  if (!preflighted) return answered;
  return answered.then(
    (response) => hasCors(response.headers) ? response : preflight(request),
    // A handler that chokes on OPTIONS has no wish about CORS.
    () => preflight(request),
  );
}

function hostOf(arrival: Arrival, endpoint: Endpoint): string {
  return `${arrival.protocol}://${endpoint.label}.${arrival.host}`;
}

/**
 * What the kernel may do with later requests by itself. All that `serve` looks at is in it: the address, the headers that
 * tell where this instance is, and, where the val shares the host of the pages, that no session comes along.
 */
function route(request: Request, town: Town, endpoint: Endpoint, prefix: string): Route | undefined {
  const { arrival } = town;
  const when: Record<string, string | null> = {};
  if (prefix !== "") {
    if (request.headers.has("cookie")) return undefined;
    when.cookie = null;
  }
  if (arrival.nested) for (const name of MOUNT_HEADERS) when[name] = request.headers.get(name);
  const { url } = request;
  const origin = url.slice(0, url.indexOf("/", url.indexOf("://") + 3));
  const from = origin + prefix.slice(arrival.prefix.length);
  const except = endpoint.is_town === 1 ? SAFE_PREFIX : undefined;
  return { by: town.handler, from, to: hostOf(arrival, endpoint), except, when, revision: endpoint.revision };
}

/** What a visitor is told of a run that gave no answer: an error page's status and words. */
export function visitorError(error: unknown): unknown {
  const outcome = (error as { outcome?: Outcome }).outcome;
  if (outcome === undefined) return error;
  const [status, message] = FAILURES[outcome] ?? FAILURES.exception;
  const headers: Record<string, string> = status === 503 ? { "retry-after": "1" } : {};
  return new HttpError(status, outcome, message, headers);
}

function refuseMethod(method: string): void {
  if (method === "TRACE" || method === "CONNECT" || method === "TRACK") {
    throw new HttpError(405, "method_not_allowed", `${method} is not possible here`);
  }
}

/** The pages' session is sent along to every path of their host; a val there must not see it. */
function hideSession(headers: Headers, arrival: Arrival, set: Record<string, string | null>): void {
  const cookies = headers.get("cookie");
  if (cookies === null) return;
  const left = withoutCookie(cookies, sessionCookieName(arrival));
  set.cookie = left === "" ? null : left;
}

/** What a visitor is told of a run that gave no answer; the author's part is in the run's log. */
const FAILURES: Record<Outcome, [status: number, message: string]> = {
  ok: [500, "This val gave no answer"],
  exception: [500, "This val threw an error"],
  load: [500, "This val could not be loaded"],
  crash: [500, "This val crashed"],
  canceled: [503, "This val was stopped; try again"],
  overload: [503, "This val is busy; try again"],
  deadline: [504, "This val took too long"],
  cpu: [504, "This val used too much processor time"],
  stall: [504, "This val stopped responding"],
  memory: [500, "This val used too much memory"],
  recursion: [500, "This val called itself too deeply"],
  body: [413, "The body is too large"],
  depth: [500, "This val is nested too deeply"],
};
