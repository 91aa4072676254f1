/** HTTP requests of vals: by host or by path to the endpoint's program and back. */

import type { Outcome } from "town:kernel";
import { sessionCookieName, withoutCookie } from "../lib/cookie.ts";
import { HttpError, notFound } from "../lib/http.ts";
import { forward, type Arrival } from "../lib/mount.ts";
import { decode } from "../lib/router.ts";
import type { Town } from "../lib/town.ts";
import { endpointOf, endpointOfLabel, type Endpoint } from "./endpoint.ts";
import { dress, hasCors, isPreflight, preflight } from "./headers.ts";
import { isolateOf } from "./program.ts";

/** Serves the val that the request's host names. */
export async function serveHost(request: Request, town: Town): Promise<Response> {
  const { arrival } = town;
  const endpoint = await endpointOfLabel(town, arrival.label);
  if (endpoint === undefined) throw notFound("HTTP val");
  return serve(request, town, endpoint, forward(request, arrival, arrival.label, arrival.path, ""), "");
}

/** Serves `/run/{user}/{val}[/{path}]`. */
export async function serveRun(request: Request, town: Town): Promise<Response> {
  const { arrival } = town;
  const [, , username = "", name = ""] = arrival.path.split("/", 4);
  const endpoint = username === "" || name === "" ? undefined : await endpointOf(town, decode(username), decode(name));
  if (endpoint === undefined) throw notFound("HTTP val");
  const local = `/run/${username}/${name}`;
  const rest = arrival.path.slice(local.length);
  const forwarded = forward(request, arrival, endpoint.label, rest === "" ? "/" : rest, arrival.prefix + local);
  hideSession(forwarded.headers, arrival);
  return serve(request, town, endpoint, forwarded, arrival.prefix + local);
}

async function serve(request: Request, town: Town, endpoint: Endpoint, forwarded: Request, prefix: string): Promise<Response> {
  let response: Response;
  try {
    response = await isolateOf(town, endpoint).fetch(forwarded);
  } catch (error) {
    // A handler that chokes on OPTIONS has no wish about CORS.
    if (isPreflight(request)) return preflight(request);
    throw visitorError(error);
  }
  if (isPreflight(request) && !hasCors(response.headers)) return preflight(request);
  return dress(response, town.arrival, prefix);
}

/** The pages' session is sent along to every path of their host; a val there must not see it. */
function hideSession(headers: Headers, arrival: Arrival): void {
  const cookies = headers.get("cookie");
  if (cookies === null) return;
  const left = withoutCookie(cookies, sessionCookieName(arrival));
  if (left === "") headers.delete("cookie");
  else headers.set("cookie", left);
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

function visitorError(error: unknown): unknown {
  const outcome = (error as { outcome?: Outcome }).outcome;
  if (outcome === undefined) return error;
  const [status, message] = FAILURES[outcome] ?? FAILURES.exception;
  const headers: Record<string, string> = status === 503 ? { "retry-after": "1" } : {};
  return new HttpError(status, outcome, message, headers);
}
