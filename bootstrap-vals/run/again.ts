/** Runs that an author repeats, and those that they stop. */

import type { RunEvent } from "town:kernel";
import type { Town } from "../lib/town.ts";
import { readEntry, readTree } from "../model/files.ts";
import type { WholeRun } from "../model/runs.ts";
import type { Val } from "../model/vals.ts";
import { endpointOfFile } from "./endpoint.ts";
import { isolateOf } from "./program.ts";

// What a page shows of an answer.
const SHOWN_BYTES_MAX = 256 * 1024;
// Set by whoever sends the request.
const SENDERS_OWN = new Set(["host", "content-length", "connection", "transfer-encoding"]);
const NOT_KEPT = "(not kept)";

export interface Answer {
  status: number;
  headers: [name: string, value: string][];
  body: NonNullable<RunEvent["requestBody"]>;
}

/** Sends a recorded request to the present version of its file; undefined where the record is not whole. */
export async function resend(town: Town, val: Val, run: WholeRun): Promise<Answer | undefined> {
  const { method, url, requestHeaders, requestBody } = run;
  if (run.type !== "http" || method === null || url === null || requestHeaders === null || requestBody?.whole === false) return undefined;
  const entry = await readEntry(town, val, run.path);
  const endpoint = entry && await endpointOfFile(town, entry.file_id, "http");
  if (endpoint === undefined) return undefined;
  const headers = new Headers();
  for (const [name, value] of requestHeaders) {
    if (!SENDERS_OWN.has(name) && value !== NOT_KEPT) headers.append(name, value);
  }
  const body = method === "GET" || method === "HEAD" || requestBody === null ? null : bytesOf(requestBody);
  const response = await isolateOf(town, endpoint).fetch(new Request(url, { method, headers, body }));
  return { status: response.status, headers: [...response.headers], body: await shown(response) };
}

/** Ends the processes of a val's files, and with them whatever is running. The paths of those files. */
export async function cancelRuns(town: Town, val: Val): Promise<string[]> {
  const paths: string[] = [];
  for (const entry of (await readTree(town, val)).values()) {
    if (entry.type !== "http" && entry.type !== "interval" && entry.type !== "email") continue;
    const endpoint = await endpointOfFile(town, entry.file_id, entry.type);
    if (endpoint === undefined) continue;
    await isolateOf(town, endpoint).cancel("Stopped by its author");
    paths.push(entry.path);
  }
  return paths;
}

function bytesOf(body: NonNullable<RunEvent["requestBody"]>): Uint8Array<ArrayBuffer> {
  if (body.text !== undefined) return new TextEncoder().encode(body.text);
  return (Uint8Array as unknown as { fromBase64(text: string): Uint8Array<ArrayBuffer> }).fromBase64(body.base64 ?? "");
}

async function shown(response: Response): Promise<Answer["body"]> {
  const chunks: Uint8Array<ArrayBuffer>[] = [];
  let length = 0;
  let whole = true;
  const reader = response.body?.getReader();
  for (let next = await reader?.read(); next !== undefined && !next.done; next = await reader?.read()) {
    chunks.push(next.value as Uint8Array<ArrayBuffer>);
    length += next.value.length;
    if (length <= SHOWN_BYTES_MAX) continue;
    whole = false;
    await reader?.cancel();
    break;
  }
  const bytes = new Uint8Array(await new Blob(chunks).arrayBuffer()).subarray(0, SHOWN_BYTES_MAX);
  try {
    return { text: new TextDecoder("utf-8", { fatal: true }).decode(bytes, { stream: !whole }), length, whole };
  } catch {
    return { base64: (bytes as unknown as { toBase64(): string }).toBase64(), length, whole };
  }
}
