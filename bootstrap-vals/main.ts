/**
 * The platform: the program of an instance, root or nested alike. Requests for vals go to run/, everything else to the
 * routes of api/, modules/ and pages/.
 */

import { env, loader, storage, system } from "town:kernel";
import type { AlarmEvent, TailBatch } from "town:kernel";
import { waitUntil } from "town:runtime";
import { apiRoutes } from "./api/routes.ts";
import { errorJson, HttpError, notFound } from "./lib/http.ts";
import { arrive } from "./lib/mount.ts";
import { dispatch } from "./lib/router.ts";
import type { Town } from "./lib/town.ts";
import { boot, rememberedOrigin } from "./model/boot.ts";
import { isDeleted } from "./model/deletion.ts";
import { holdAlarm } from "./model/alarms.ts";
import { keep } from "./model/runs.ts";
import { sweepTrials } from "./model/trials.ts";
import { errorPage, valErrorPage } from "./pages/layout.ts";
import { pageRoutes } from "./pages/routes.ts";
import { stoppedPage } from "./pages/stopped.ts";
import { deliverCron } from "./run/cron.ts";
import { deliverMail } from "./run/email.ts";
import { endpointOfVal } from "./run/endpoint.ts";
import { isolateOf } from "./run/program.ts";
import { makeReady } from "./run/ready.ts";
import { safeAddress, serveHost, serveRun, visitorError } from "./run/serve.ts";

// Tails come from within: nobody reached us and no link is made.
const NOWHERE = "http://localhost/";

// For requests of vals that come again while nothing in the database changes, the kernel repeats by itself what
// run/serve.ts did the first time. Whoever adds something here that must see each of them takes the route out there.
function fetch(request: Request): Promise<Response> {
  const town = townAt(request.url, request.headers);
  const failed = (error: unknown) => failure(request, town, error);
  try {
    return serve(request, town).then(undefined, failed);
  } catch (error) {
    return Promise.resolve(failed(error));
  }
}

function serve(request: Request, town: Town): Promise<Response> {
  if (town.arrival.label !== "") return serveHost(request, town);
  if (town.arrival.path.startsWith("/run/")) return serveRun(request, town);
  return servePlatform(request, town);
}

async function servePlatform(request: Request, town: Town): Promise<Response> {
  await boot(town);
  const routes = town.arrival.path.startsWith("/api/") ? apiRoutes : pageRoutes;
  const response = await dispatch(routes, request, town);
  if (response === undefined) throw notFound("Page");
  if (town.saved !== undefined) waitUntil(makeReady(town, town.saved));
  return request.method === "HEAD" ? new Response(null, response) : response;
}

/** Alarms: those of schedules and mail are the platform's own; for the others the name of a val's database says whose they are. */
async function alarm(event: AlarmEvent): Promise<void> {
  const [name = "", ...names] = event.names;
  const origin = storage && (await rememberedOrigin(storage));
  const town = townAt(origin ?? NOWHERE, new Headers());
  await boot(town);
  if (name === "cron" && names[0] !== undefined) return deliverCron(town, names[0]);
  if (name === "mail") return deliverMail(town);
  if (name === "trials") return sweepTrials(town);
  if (!name.startsWith("val-")) return;
  const valId = name.slice("val-".length);
  const endpoint = await endpointOfVal(town, valId);
  // What is suspended, or deleted but not for good, gets it when it is back.
  if (endpoint?.suspended_at || (endpoint === undefined && (await isDeleted(town, valId)))) return holdAlarm(town, valId, event);
  if (endpoint !== undefined) await isolateOf(town, endpoint).alarm({ ...event, names });
}

async function tail(batch: TailBatch): Promise<void> {
  await keep(townAt(NOWHERE, new Headers()), batch);
}

/** The answer to a request that the kernel handed on by a route of ours, and that failed. */
function failed(request: Request, error: unknown): Response | Promise<Response> {
  return failure(request, townAt(request.url, request.headers), error);
}

function townAt(url: string, headers: Headers): Town {
  if (storage === undefined || loader === undefined) throw new TypeError("A town needs storage and a loader");
  return { storage, loader, system, env, handler, arrival: arrive(url, headers, env.TOWN_BASE_URL) };
}

function failure(request: Request, town: Town, error: unknown): Response | Promise<Response> {
  const worded = visitorError(error);
  // What fails because the visitor has left is nobody's fault.
  if (!(worded instanceof HttpError) && !request.signal.aborted) console.error(error);
  const known = worded instanceof HttpError ? worded : new HttpError(500, "internal", "Something went wrong");
  const { label, path } = town.arrival;
  if (label !== "" || path.startsWith("/run/")) {
    const safe = known.status === 500 ? safeAddress(town) : undefined;
    return safe === undefined ? valErrorPage(request, known) : stoppedPage(request, known, error, safe);
  }
  return /^\/(api|-\/editor)\//.test(path) ? errorJson(known) : errorPage(request, town, known);
}

const handler = Object.freeze({ fetch, failed, alarm, tail });
export default handler;
