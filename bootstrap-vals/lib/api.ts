/** The API of the town a val runs in, as the val's own libraries reach it: with the pass that its program was given. */

import { env } from "town:kernel";

/** Names of what every val's program finds in its environment. */
export const API_URL = "VALTOWN_API_URL";
export const ENTRYPOINT = "VALTOWN_ENTRYPOINT";
export const PASS = "valtown";
/** The pass and the address again, by the names under which Val Town's SDK looks for them. */
export const SDK_KEY = "VAL_TOWN_API_KEY";
export const SDK_URL = "VAL_TOWN_BASE_URL";

export function apiUrl(): string {
  return setting(API_URL);
}

/** A request to a path of the API. Rejects with what the API says where it does not succeed. */
export async function callApi(path: string, init: RequestInit = {}): Promise<Response> {
  const headers = new Headers(init.headers);
  if (!headers.has("authorization")) headers.set("authorization", `Bearer ${setting(PASS)}`);
  const response = await fetch(apiUrl() + path, { ...init, headers });
  if (response.ok) return response;
  const text = await response.text();
  throw new Error(messageOf(text) ?? `The town answered ${response.status} to ${path}`);
}

export function setting(name: string): string {
  const value = env[name];
  if (typeof value !== "string") {
    throw new TypeError(`${name} is not set here: the module that imports this library was not given authority`);
  }
  return value;
}

function messageOf(text: string): string | undefined {
  try {
    const { message } = JSON.parse(text) as { message?: unknown };
    return typeof message === "string" ? message : undefined;
  } catch {
    return undefined;
  }
}
