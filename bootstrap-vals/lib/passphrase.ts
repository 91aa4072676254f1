/**
 * A town's secret sealed by words, as it travels in the note of an archive: PBKDF2 and AES-GCM. The command line of the
 * kernel writes and reads the same.
 */

import { HttpError } from "./http.ts";

const ROUNDS = 600_000;
// What is still done for an archive from elsewhere.
const ROUNDS_MAX = 5_000_000;
const PASSPHRASE_LENGTH_MIN = 12;
const CONTEXT = new TextEncoder().encode("town secret");

interface Sealed {
  rounds: number;
  salt: string;
  nonce: string;
  sealed: string;
}

/** The note for an archive of a town with that secret. */
export async function sealSecret(secret: string, passphrase: string): Promise<string> {
  if (passphrase.length < PASSPHRASE_LENGTH_MIN) {
    throw new HttpError(400, "bad_request", `The passphrase must have at least ${PASSPHRASE_LENGTH_MIN} characters`);
  }
  const salt = crypto.getRandomValues(new Uint8Array(16));
  const nonce = crypto.getRandomValues(new Uint8Array(12));
  const how = { name: "AES-GCM", iv: nonce, additionalData: CONTEXT };
  const key = await keyOf(passphrase, salt, ROUNDS);
  const sealed = new Uint8Array(await crypto.subtle.encrypt(how, key, new TextEncoder().encode(secret)));
  return JSON.stringify({ secret: { rounds: ROUNDS, salt: base64(salt), nonce: base64(nonce), sealed: base64(sealed) } });
}

/** The secret in a note; undefined where it has none, or no words are given. Wrong words are an error. */
export async function openSecret(note: string | null, passphrase: string | undefined): Promise<string | undefined> {
  const sealed = sealedIn(note);
  if (sealed === undefined || passphrase === undefined) return undefined;
  try {
    const key = await keyOf(passphrase, bytesOf(sealed.salt), Math.min(sealed.rounds, ROUNDS_MAX));
    const how = { name: "AES-GCM", iv: bytesOf(sealed.nonce), additionalData: CONTEXT };
    return new TextDecoder().decode(await crypto.subtle.decrypt(how, key, bytesOf(sealed.sealed)));
  } catch {
    throw new HttpError(422, "passphrase", "The passphrase is not the one that the secret was sealed with");
  }
}

function sealedIn(note: string | null): Sealed | undefined {
  try {
    const { secret } = JSON.parse(note ?? "{}") as { secret?: Sealed };
    return typeof secret === "object" && secret !== null ? secret : undefined;
  } catch {
    return undefined;
  }
}

async function keyOf(passphrase: string, salt: Uint8Array<ArrayBuffer>, iterations: number): Promise<CryptoKey> {
  const words = await crypto.subtle.importKey("raw", new TextEncoder().encode(passphrase), "PBKDF2", false, ["deriveKey"]);
  const how = { name: "PBKDF2", hash: "SHA-256", salt, iterations };
  return crypto.subtle.deriveKey(how, words, { name: "AES-GCM", length: 256 }, false, ["encrypt", "decrypt"]);
}

function base64(bytes: Uint8Array): string {
  return btoa(String.fromCharCode(...bytes));
}

function bytesOf(text: string): Uint8Array<ArrayBuffer> {
  return Uint8Array.from(atob(text), (character) => character.charCodeAt(0));
}
