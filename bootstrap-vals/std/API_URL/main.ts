/** `std/API_URL`: the address of this town's API. */

import { apiUrl } from "../../lib/api.ts";

export const API_URL = apiUrl();
export default API_URL;
