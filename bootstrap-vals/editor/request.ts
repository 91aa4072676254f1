/** A request that its author sends to a val from the editor, and the answer as the editor shows it. */

import { endpointUrl } from "../api/shapes.ts";
import { badRequest, notFound, optionalString, stringOf } from "../lib/http.ts";
import type { Town } from "../lib/town.ts";
import { readEntry, readTree } from "../model/files.ts";
import type { Val } from "../model/vals.ts";

// What one reads on a screen; the address itself gives all of it.
const BODY_CHARACTERS_MAX = 256 * 1024;

export interface Answer {
  status: number;
  headers: [string, string][];
  body: string;
  truncated: boolean;
  ms: number;
}

export async function sendRequest(town: Town, val: Val, wish: Record<string, unknown>): Promise<Answer> {
  const path = stringOf(wish, "file");
  const entry = await readEntry(town, val, path);
  if (entry === undefined || entry.type !== "http") throw notFound("HTTP file");
  const target = stringOf(wish, "target");
  if (!target.startsWith("/")) throw badRequest('"target" must begin with /');
  const method = stringOf(wish, "method").toUpperCase();
  const body = optionalString(wish, "body");
  const headers = new Headers();
  for (const line of (optionalString(wish, "headers") ?? "").split("\n")) {
    const colon = line.indexOf(":");
    if (colon > 0) headers.append(line.slice(0, colon).trim(), line.slice(colon + 1).trim());
  }
  const startedAt = Date.now();
  const url = endpointUrl(town.arrival, val, await readTree(town, val), entry) + target;
  const hasBody = method !== "GET" && method !== "HEAD" && body !== undefined;
  const response = await fetch(url, { method, headers, redirect: "manual", ...(hasBody ? { body } : {}) });
  const text = await response.text();
  return {
    status: response.status, headers: [...response.headers], body: text.slice(0, BODY_CHARACTERS_MAX),
    truncated: text.length > BODY_CHARACTERS_MAX, ms: Date.now() - startedAt,
  };
}
