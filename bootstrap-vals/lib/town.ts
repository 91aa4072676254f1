/** What every route is given: the capabilities of this instance and the way it was reached. Never a global. */

import type { Loader, Storage, System } from "town:kernel";
import { notFound } from "./http.ts";
import type { Arrival } from "./mount.ts";

export interface Town {
  storage: Storage;
  loader: Loader;
  system: System | undefined;
  env: Readonly<Record<string, unknown>>;
  /** The platform's own default export, by which it decides what the kernel may repeat. */
  handler: object;
  arrival: Arrival;
}

/** What overrides the image in this instance. */
export function systemOf(town: Town): System {
  if (town.system === undefined) throw notFound("System");
  return town.system;
}
