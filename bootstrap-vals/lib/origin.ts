/** Where a browser's request comes from: cookies are sent along by pages of others too, so a change needs more than one. */

import { HttpError } from "./http.ts";
import { pageOrigin, type Arrival } from "./mount.ts";

/** Refuses a change asked for by a page of another origin. Who sends neither header is no browser and has no cookie by accident. */
export function checkOrigin(arrival: Arrival, request: Request): void {
  const origin = request.headers.get("origin");
  const site = request.headers.get("sec-fetch-site");
  const foreign = origin === null ? site !== null && site !== "same-origin" && site !== "none" : origin !== pageOrigin(arrival);
  if (foreign) throw new HttpError(403, "forbidden", "This was sent from another site");
}
