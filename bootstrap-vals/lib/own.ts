/** The databases of a running val: its own, and its author's, which all vals of that author share. */

import { storage } from "town:kernel";
import type { Storage } from "town:kernel";

/** The name by which a val's program has its author's database. Not one that a val would take for its own. */
export const ACCOUNT_MOUNT = "town:account";

/** The database of the val whose program this is. */
export function valStorage(): Storage {
  if (storage === undefined) {
    throw new TypeError("There is no storage here: the module that imports this library was not given authority");
  }
  return storage;
}

/** The database of its author. */
export function accountStorage(): Storage {
  return valStorage().sub(ACCOUNT_MOUNT);
}
