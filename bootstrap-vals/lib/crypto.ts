/** Digests, random names and passwords, over WebCrypto. */

import type { Loader } from "town:kernel";

// What OWASP asks of PBKDF2 with SHA-256 since 2023.
const PASSWORD_ITERATIONS = 600_000;

/** Of a text, its UTF-8. */
export async function sha256(value: string | Uint8Array<ArrayBuffer>): Promise<string> {
  const bytes = typeof value === "string" ? new TextEncoder().encode(value) : value;
  return hex(new Uint8Array(await crypto.subtle.digest("SHA-256", bytes)));
}

/** 32 random bytes as 64 hexadecimal digits: more than anyone can guess, so a plain hash of it may be stored. */
export function randomSecret(): string {
  return hex(crypto.getRandomValues(new Uint8Array(32)));
}

export function uuid(): string {
  return crypto.randomUUID();
}

/** `pbkdf2-sha256$iterations$salt$key`, so that parameters may grow without breaking old passwords. */
export async function hashPassword(loader: Loader, password: string): Promise<string> {
  const salt = hex(crypto.getRandomValues(new Uint8Array(16)));
  return `pbkdf2-sha256$${PASSWORD_ITERATIONS}$${salt}$${await derive(loader, password, salt, PASSWORD_ITERATIONS)}`;
}

export async function checkPassword(loader: Loader, password: string, stored: string): Promise<boolean> {
  const [, iterations, salt, key] = stored.split("$");
  if (iterations === undefined || salt === undefined || key === undefined) return false;
  return sameText(await derive(loader, password, salt, Number(iterations)), key);
}

/** Does the work of checking a password and throws it away: an answer must not tell by its time whether a name exists. */
export async function spendAsOnPassword(loader: Loader, password: string): Promise<void> {
  await derive(loader, password, "nobody", PASSWORD_ITERATIONS);
}

async function derive(loader: Loader, password: string, salt: string, iterations: number): Promise<string> {
  const isolate = loader.get("passwords", () => ({ main: "town:system/lib/password.ts", modules: {} }));
  return (await isolate.call("derive", [password, salt, iterations])) as string;
}

/** Takes as long for a near miss as for a far one. */
function sameText(a: string, b: string): boolean {
  if (a.length !== b.length) return false;
  let difference = 0;
  for (let index = 0; index < a.length; index++) difference |= a.charCodeAt(index) ^ b.charCodeAt(index);
  return difference === 0;
}

function hex(bytes: Uint8Array): string {
  let text = "";
  for (const byte of bytes) text += (byte < 16 ? "0" : "") + byte.toString(16);
  return text;
}
