/** The standard library: the vals of the user `std`, which are files of the image, `std/{val}/{file}`. */

import type { Town } from "../lib/town.ts";
import type { Reference } from "./reference.ts";

const FOLDER = "std/";
/** Where a val of the standard library begins, when only its name is given. */
const ENTRIES = ["global.ts", "index.ts", "main.ts"];

/** The address in a program of what a reference to `std/...` names; undefined when it is none of these. */
export async function standardModule(town: Town, reference: Reference): Promise<string | undefined> {
  const path = await standardPath(town, reference);
  return path && `town:system/${path}`;
}

/** The same as a path of the image. Versions are the image's own, so those that somebody wrote do not matter. */
export async function standardPath(town: Town, reference: Reference): Promise<string | undefined> {
  if (reference.username !== "std" || town.system === undefined) return undefined;
  const folder = `${FOLDER}${reference.name}/`;
  const paths = (await town.system.list()).map((file) => file.path).filter((path) => path.startsWith(folder));
  const wanted = reference.path === undefined ? undefined : folder + reference.path;
  if (wanted !== undefined && paths.includes(wanted)) return wanted;
  // A val of one file may have had another name for it elsewhere.
  if (wanted !== undefined && paths.length !== 1) return undefined;
  for (const entry of ENTRIES) if (paths.includes(folder + entry)) return folder + entry;
  return paths[0];
}
