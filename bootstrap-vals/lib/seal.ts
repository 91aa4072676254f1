/**
 * Sealing what is stored: AES-GCM with a key that the database does not hold, so that a copy of the database alone tells
 * nobody a secret. The key comes from the instance's TOWN_SECRET; see docs/decisions/0019.
 */

import { randomSecret } from "./crypto.ts";
import { first } from "./rows.ts";
import type { Town } from "./town.ts";

const NONCE_BYTES = 12;

// Derived once in the life of an isolate: the secret it comes from does not change meanwhile.
let derived: { secret: string; key: Promise<CryptoKey> } | undefined;

/** Seals a text. `context` says what it is, and it opens under the same context only. */
export async function seal(town: Town, text: string, context: string): Promise<string> {
  const iv = crypto.getRandomValues(new Uint8Array(NONCE_BYTES));
  const encoder = new TextEncoder();
  const how = { name: "AES-GCM", iv, additionalData: encoder.encode(context) };
  const sealed = new Uint8Array(await crypto.subtle.encrypt(how, await keyOf(town), encoder.encode(text)));
  return `${base64(iv)}.${base64(sealed)}`;
}

/** Opens what `seal` made. */
export async function unseal(town: Town, sealed: string, context: string): Promise<string> {
  const [iv = "", data = ""] = sealed.split(".");
  const how = { name: "AES-GCM", iv: bytesOf(iv), additionalData: new TextEncoder().encode(context) };
  try {
    return new TextDecoder().decode(await crypto.subtle.decrypt(how, await keyOf(town), bytesOf(data)));
  } catch {
    throw new Error("A secret cannot be opened: TOWN_SECRET is another one than when it was stored");
  }
}

/** The secret of a town inside this one: it follows from ours, and ours does not follow from it. */
export async function secretBelow(town: Town, name: string): Promise<string> {
  const bits = new Uint8Array(await derive(await secretOf(town), `town inside: ${name}`));
  let text = "";
  for (const byte of bits) text += byte.toString(16).padStart(2, "0");
  return text;
}

async function keyOf(town: Town): Promise<CryptoKey> {
  const secret = await secretOf(town);
  if (derived?.secret !== secret) {
    const key = derive(secret, "sealed values").then((bits) =>
      crypto.subtle.importKey("raw", bits, "AES-GCM", false, ["encrypt", "decrypt"]));
    derived = { secret, key };
  }
  return derived.key;
}

async function derive(secret: string, purpose: string): Promise<ArrayBuffer> {
  const encoder = new TextEncoder();
  const key = await crypto.subtle.importKey("raw", encoder.encode(secret), "HKDF", false, ["deriveBits"]);
  const how = { name: "HKDF", hash: "SHA-256", salt: new Uint8Array(0), info: encoder.encode(purpose) };
  return crypto.subtle.deriveBits(how, key, 256);
}

let ownSecret: string | undefined;

/** What the instance was given, or, where whoever runs it gave none, one that its database does hold. */
export async function secretOf(town: Town): Promise<string> {
  const { TOWN_SECRET: given } = town.env;
  if (typeof given === "string" && given !== "") return given;
  if (ownSecret !== undefined) return ownSecret;
  const read = "SELECT value FROM setting WHERE key = 'secret'";
  const stored = await first<{ value: string }>(town.storage, read);
  if (stored === undefined) {
    const sql = "INSERT OR IGNORE INTO setting (key, value) VALUES ('secret', :value)";
    await town.storage.execute({ sql, args: { value: randomSecret() } });
  }
  ownSecret = (stored ?? (await first<{ value: string }>(town.storage, read)))?.value as string;
  return ownSecret;
}

function base64(bytes: Uint8Array): string {
  return btoa(String.fromCharCode(...bytes));
}

function bytesOf(text: string): Uint8Array<ArrayBuffer> {
  return Uint8Array.from(atob(text), (character) => character.charCodeAt(0));
}
