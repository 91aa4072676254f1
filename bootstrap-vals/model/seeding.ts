/** Towns that begin with files of the platform changed: overrides written into a database that no program has run on yet. */

import type { FileChange } from "town:kernel";
import { HttpError } from "../lib/http.ts";
import type { Town } from "../lib/town.ts";
import { readBases } from "./forks.ts";
import { changesOf, noteOf, refusal, type Cause } from "./system.ts";
import type { Val } from "./vals.ts";

/** Runs once on the storage of a town that has not begun, and says which files are in force there. */
const SEED = `import { system } from "town:kernel";
export default { fetch: () => new Response(null, { status: 404 }) };
export const seed = (changes, note) => system.change(changes, { note });
`;

export async function seed(town: Town, storageName: string, changes: FileChange[], cause: Cause): Promise<void> {
  const seeder = town.loader.load({
    main: "seed.js", modules: { "seed.js": { type: "js", source: SEED } }, storage: town.storage.sub(storageName),
  });
  await seeder.call("seed", [changes, noteOf(cause)]);
}

/** Whether a val was made of files of the platform. */
export async function isFork(town: Town, val: Val): Promise<boolean> {
  return (await readBases(town, val)).size > 0;
}

/** Fills a new town with what a fork changes. One that changes nothing yet gives a town of the image. */
export function fromFork(town: Town, fork: Val, by: string) {
  return async (name: string): Promise<Record<string, string>> => {
    const cause = { by, val: `${fork.username}/${fork.name}`, valId: fork.id, version: fork.version };
    try {
      const changes = await changesOf(town, fork, { version: fork.version });
      await seed(town, name, changes, cause);
    } catch (error) {
      if (!(error instanceof HttpError) || error.code !== "nothing") throw refusal(error);
    }
    return {};
  };
}
