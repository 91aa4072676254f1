/** Copying vals: with a link back, and without the secrets of the original. */

import type { Account } from "./accounts.ts";
import type { Town } from "../lib/town.ts";
import { copyTree } from "./branches.ts";
import { readTree } from "./files.ts";
import { checkDescription, checkValName } from "./names.ts";
import { checkPrivacy, createVal, findVal, type Val } from "./vals.ts";
import type { Diagnostic } from "../modules/analysis.ts";

export interface RemixWish {
  /** The original's name, unless told. */
  name?: string | undefined;
  privacy?: string | undefined;
  description?: string | undefined;
}

/** Copies the files of a val, as they are on its branch main, to a new val of `owner`. */
export async function remixVal(
  town: Town,
  original: Val,
  owner: Account,
  wish: RemixWish,
): Promise<{ val: Val; diagnostics: Diagnostic[] }> {
  return createVal(town, owner, {
    name: checkValName(wish.name ?? original.name),
    privacy: checkPrivacy(wish.privacy ?? original.privacy),
    description: checkDescription(wish.description ?? original.description ?? undefined),
    tree: copyTree(await readTree(town, original)),
    remixedFrom: original.id,
  });
}

/** The val that another one is a copy of, while it exists. */
export async function originalOf(town: Town, val: Val): Promise<Val | undefined> {
  return val.remixed_from === null ? undefined : findVal(town, val.remixed_from);
}
