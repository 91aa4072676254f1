/**
 * `std/oauth`: visitors of a val sign in with their account of this town. The middleware answers `/auth/login`,
 * `/auth/callback` and `/auth/logout`; who is signed in is in a cookie that only the val can read, for 30 days.
 */

import { apiUrl, callApi } from "../../lib/api.ts";
import { valStorage } from "../../lib/own.ts";

export interface OAuthUserData {
  id: string;
  username: string;
  bio: string | null;
  url: string;
  links: Record<string, string>;
}

type Handler = (request: Request) => Response | Promise<Response>;

const SESSION = "oauth_session";
const STATE = "oauth_state";
const DAY_SECONDS = 24 * 60 * 60;
const SESSION_SECONDS = 30 * DAY_SECONDS;
const STATE_SECONDS = 10 * 60;

export function oauthMiddleware(handler: Handler): Handler {
  return async (request) => {
    const { pathname } = new URL(request.url);
    if (pathname === "/auth/login") return login(request);
    if (pathname === "/auth/callback") return callback(request);
    if (pathname === "/auth/logout") return away(`${placeOf(request).val}/`, [cookie(SESSION, "", 0)]);
    return handler(request);
  };
}

/** Who the visitor is; null for one who has not signed in. */
export async function getOAuthUserData(request: Request): Promise<OAuthUserData | null> {
  const opened = await open<{ user: OAuthUserData; until: number }>(readCookie(request, SESSION));
  return opened !== undefined && opened.until > Date.now() ? opened.user : null;
}

async function login(request: Request): Promise<Response> {
  const place = placeOf(request);
  const state = crypto.randomUUID();
  const query = new URLSearchParams({ redirect_uri: `${place.val}/auth/callback`, state });
  return away(`${place.town}/oauth/authorize?${query}`, [cookie(STATE, await seal(state), STATE_SECONDS)]);
}

async function callback(request: Request): Promise<Response> {
  const place = placeOf(request);
  const { searchParams } = new URL(request.url);
  const state = await open<string>(readCookie(request, STATE));
  if (state === undefined || state !== searchParams.get("state")) return new Response("This sign-in was not begun here", { status: 400 });
  const body = JSON.stringify({ code: searchParams.get("code") ?? "", redirect_uri: `${place.val}/auth/callback` });
  const headers = { "content-type": "application/json" };
  let user: OAuthUserData;
  try {
    user = await (await callApi("/town/introduction", { method: "POST", headers, body })).json();
  } catch (error) {
    return new Response((error as Error).message, { status: 400 });
  }
  const session = await seal({ user, until: Date.now() + SESSION_SECONDS * 1000 });
  return away(`${place.val}/`, [cookie(SESSION, session, SESSION_SECONDS), cookie(STATE, "", 0)]);
}

/** Where the visitor sees this val and its town: on hosts of their own, or below a path of another host. */
function placeOf(request: Request): { val: string; town: string } {
  const { origin } = new URL(request.url);
  const prefix = request.headers.get("x-forwarded-prefix") ?? "";
  if (prefix === "") return { val: origin, town: new URL(apiUrl()).origin };
  const outside = `${request.headers.get("x-forwarded-proto")}://${request.headers.get("x-forwarded-host")}`;
  return { val: outside + prefix, town: outside + prefix.replace(/\/run\/[^/]+\/[^/]+$/, "") };
}

function away(location: string, cookies: string[]): Response {
  const headers = new Headers({ location });
  for (const line of cookies) headers.append("set-cookie", line);
  return new Response(null, { status: 302, headers });
}

function cookie(name: string, value: string, seconds: number): string {
  return `${name}=${value}; Path=/; Max-Age=${seconds}; HttpOnly; SameSite=Lax`;
}

function readCookie(request: Request, name: string): string | undefined {
  const pairs = (request.headers.get("cookie") ?? "").split("; ");
  return pairs.find((pair) => pair.startsWith(`${name}=`))?.slice(name.length + 1);
}

// ---- Sealed values: AES-GCM with a key of the val's own ----------------------------------------------

const IV_BYTES = 12;

async function seal(value: unknown): Promise<string> {
  const iv = crypto.getRandomValues(new Uint8Array(IV_BYTES));
  const text = new TextEncoder().encode(JSON.stringify(value));
  const sealed = new Uint8Array(await crypto.subtle.encrypt({ name: "AES-GCM", iv }, await readKey(), text));
  const bytes = new Uint8Array([...iv, ...sealed]);
  return btoa(String.fromCharCode(...bytes)).replaceAll("+", "-").replaceAll("/", "_").replace(/=+$/, "");
}

async function open<T>(text: string | undefined): Promise<T | undefined> {
  if (text === undefined || text === "") return undefined;
  try {
    const bytes = Uint8Array.from(atob(text.replaceAll("-", "+").replaceAll("_", "/")), (character) => character.charCodeAt(0));
    const iv = bytes.slice(0, IV_BYTES);
    const opened = await crypto.subtle.decrypt({ name: "AES-GCM", iv }, await readKey(), bytes.slice(IV_BYTES));
    return JSON.parse(new TextDecoder().decode(opened)) as T;
  } catch {
    // Not of this val's making.
    return undefined;
  }
}

async function readKey(): Promise<CryptoKey> {
  const storage = valStorage().sub("town:oauth");
  const fresh = crypto.getRandomValues(new Uint8Array(32));
  const results = await storage.batch([
    "CREATE TABLE IF NOT EXISTS secret (id INTEGER PRIMARY KEY, bytes BLOB NOT NULL)",
    { sql: "INSERT OR IGNORE INTO secret (id, bytes) VALUES (1, :bytes)", args: { bytes: fresh } },
    "SELECT bytes FROM secret WHERE id = 1",
  ]);
  const bytes = results[2]?.rows[0]?.[0] as Uint8Array<ArrayBuffer>;
  return crypto.subtle.importKey("raw", bytes, "AES-GCM", false, ["encrypt", "decrypt"]);
}
