/** What failed in the browsers of those who look at a val's page: `std/catch` tells, and it is a run in the val's log. */

import { noContent, notFound, optionalString, readJson, stringOf } from "../lib/http.ts";
import type { Route } from "../lib/router.ts";
import { object, text } from "../lib/schema.ts";
import type { Town } from "../lib/town.ts";
import { limitAttempts } from "../model/attempts.ts";
import { keep } from "../model/runs.ts";
import { endpointOf, endpointOfLabel, type Endpoint } from "../run/endpoint.ts";

// Whoever reaches a val can fill its log as well by asking it; this asks for less of their time.
const TOLD_MAX = 60;
const TOLD_SECONDS = 60;
// As the kernel bounds a line.
const TEXT_LENGTH_MAX = 8 * 1024;
const URL_LENGTH_MAX = 2 * 1024;
const BY_PATH = /^\/run\/([^/]+)\/([^/?#]+)/;

export const browserErrorRoutes: Route[] = [
  ["POST", "/api/town/browser-errors", async (request, _params, town) => {
    const body = await readJson(request);
    const page = stringOf(body, "page").slice(0, URL_LENGTH_MAX);
    const message = stringOf(body, "message").slice(0, TEXT_LENGTH_MAX);
    const stack = (optionalString(body, "stack") ?? "").slice(0, TEXT_LENGTH_MAX);
    const endpoint = await endpointOfPage(town, page);
    if (endpoint === undefined) throw notFound("Val");
    await limitAttempts(town, `errors in browsers of ${endpoint.val_id}`, { count: TOLD_MAX, seconds: TOLD_SECONDS });
    const at = Date.now();
    const run = crypto.randomUUID().replaceAll("-", "").slice(0, 16);
    const events = [
      {
        type: "run", run, parent: null, id: endpoint.programId, kind: "browser", startedAt: at, endedAt: at, cpuMs: 0, memoryPeak: 0,
        outcome: "exception", error: JSON.stringify({ message, stack }), method: null, url: page, status: null, linesDropped: 0,
      },
      { type: "log", run, id: endpoint.programId, at, level: "error", text: stack.includes(message) ? stack : `${message}\n${stack}`.trim() },
    ];
    await keep(town, { json: JSON.stringify(events), events: [] });
    return noContent();
  }, {
    summary: "Tells of an error in a browser that shows a page of a val: std/catch does", access: "anybody",
    body: object({ page: text, message: text, "stack?": text }), answers: { 204: null },
  }],
];

/** The val whose page it is: on a host of its own, or below a path of the town's. */
async function endpointOfPage(town: Town, page: string): Promise<Endpoint | undefined> {
  const { base, host } = town.arrival;
  if (page.startsWith(`${base}/`)) {
    const [, username, name] = BY_PATH.exec(page.slice(base.length)) ?? [];
    return username === undefined || name === undefined ? undefined : endpointOf(town, username, name);
  }
  if (!URL.canParse(page)) return undefined;
  const asked = new URL(page).host;
  const label = asked.endsWith(`.${host}`) ? asked.slice(0, -host.length - 1) : "";
  return label === "" || label.includes(".") ? undefined : endpointOfLabel(town, label);
}
