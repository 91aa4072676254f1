/** What was saved is made ready to run before anybody asks for it. */

import type { SavedVal, Town } from "../lib/town.ts";
import { endpointOf } from "./endpoint.ts";
import { isolateOf } from "./program.ts";

/** Has the programs of what was saved made and compiled, so that their first visitors wait for a start alone. */
export async function makeReady(town: Town, saved: SavedVal[]): Promise<void> {
  for (const { username, name, branch } of saved) {
    if (branch !== "main") continue;
    // What is wrong with it is told to whoever asks for it.
    await ready(town, username, name).catch(() => undefined);
  }
}

async function ready(town: Town, username: string, name: string): Promise<void> {
  const endpoint = await endpointOf(town, username, name);
  // A town's program is as large as the platform: the kernel need not hold it before somebody goes there.
  if (endpoint !== undefined && endpoint.is_town === 0) await isolateOf(town, endpoint).prepare();
}
