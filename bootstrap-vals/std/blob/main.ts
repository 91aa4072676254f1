/** `std/blob/main.ts`: blobs of the val itself. */

import { valStorage } from "../../lib/own.ts";
import { clientOf } from "./client.ts";

export { ValTownBlobError, ValTownBlobNotFoundError } from "./client.ts";

export const blob = clientOf(valStorage);
export default blob;
