/** Why a copy or an archive of databases did not come about, in words for whoever asked. */

import { HttpError } from "../lib/http.ts";

/** What is wrong with an archive is its sender's to know. */
export function worded(error: unknown): unknown {
  const { code, message } = error as { code?: string; message: string };
  if (code === "SQLITE_CORRUPT") return new HttpError(422, "archive", message);
  if (code === "SQLITE_FULL") return new HttpError(413, "storage_full", message);
  if (code === "SQLITE_BUSY" || code === "SQLITE_INTERRUPT") return new HttpError(503, "busy", message, { "retry-after": "10" });
  return error;
}
