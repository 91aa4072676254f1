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
  /** Vals that this request has saved: what is served of them is made ready once it is answered. */
  saved?: SavedVal[];
}

/** A val as it is on one of its branches. */
export interface SavedVal {
  username: string;
  name: string;
  branch: string;
}

/** Notes that a val was saved. */
export function noteSaved(town: Town, val: SavedVal): void {
  (town.saved ??= []).push(val);
}

/** What overrides the image in this instance. */
export function systemOf(town: Town): System {
  if (town.system === undefined) throw notFound("System");
  return town.system;
}
