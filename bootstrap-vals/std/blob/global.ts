/** `std/blob`: blobs of the val's author, shared by all vals of that author. */

import { accountStorage } from "../../lib/own.ts";
import { clientOf } from "./client.ts";

export { ValTownBlobError, ValTownBlobNotFoundError } from "./client.ts";

export const blob = clientOf(accountStorage);
export default blob;
