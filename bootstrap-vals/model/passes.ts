/**
 * Passes: what a running val shows to the API to act for its author. Each names its val and the day it ends, and is
 * signed, so none is stored; a pass of a val that is gone is good for nothing.
 */

import { randomSecret } from "../lib/crypto.ts";
import { first } from "../lib/rows.ts";
import type { Town } from "../lib/town.ts";
import type { Scope } from "./scopes.ts";

/** As Val Town gives its vals: all but writing vals and the account. */
export const PASS_SCOPES: Scope[] = [
  "val:read", "user:read", "blob:read", "blob:write", "sqlite:read", "sqlite:write", "email:read", "email:write", "telemetry:read",
];

const PREFIX = "val_";
const DAY_MS = 24 * 60 * 60 * 1000;
// A program gets its pass when it starts, and few run for so long.
const DAYS = 30;

export function isPass(secret: string): boolean {
  return secret.startsWith(PREFIX);
}

export async function makePass(town: Town, valId: string): Promise<string> {
  const body = `${PREFIX}${valId}_${Math.floor(Date.now() / DAY_MS) + DAYS}`;
  return `${body}_${await sign(town, body)}`;
}

/** The val that a pass is of; undefined where it is forged or has ended. */
export async function valOfPass(town: Town, pass: string): Promise<string | undefined> {
  const parts = /^(val_([0-9a-f-]{36})_(\d{1,9}))_([0-9a-f]{64})$/.exec(pass);
  if (parts === null) return undefined;
  const [, body, valId, day, signature] = parts as unknown as [string, string, string, string, string];
  if (Number(day) * DAY_MS < Date.now()) return undefined;
  return (await isSigned(town, body, signature)) ? valId : undefined;
}

/** Whether `sign` made that signature of a text, in this instance. */
export async function isSigned(town: Town, text: string, signature: string): Promise<boolean> {
  const bytes = new Uint8Array((signature.match(/../g) ?? []).map((pair) => Number.parseInt(pair, 16)));
  return crypto.subtle.verify("HMAC", await keyOf(town), bytes, new TextEncoder().encode(text));
}

/** 64 hexadecimal digits that nobody else can make of a text. */
export async function sign(town: Town, body: string): Promise<string> {
  const signed = await crypto.subtle.sign("HMAC", await keyOf(town), new TextEncoder().encode(body));
  // Newer than what TypeScript knows of.
  return (new Uint8Array(signed) as Uint8Array & { toHex(): string }).toHex();
}

// The key of an instance never changes, so it is read once.
let key: Promise<CryptoKey> | undefined;

function keyOf(town: Town): Promise<CryptoKey> {
  key ??= readKey(town).catch((error) => {
    key = undefined;
    throw error;
  });
  return key;
}

async function readKey(town: Town): Promise<CryptoKey> {
  const read = "SELECT value FROM setting WHERE key = 'pass_key'";
  let row = await first<{ value: string }>(town.storage, read);
  if (row === undefined) {
    const sql = "INSERT OR IGNORE INTO setting (key, value) VALUES ('pass_key', :value)";
    await town.storage.execute({ sql, args: { value: randomSecret() } });
    row = await first<{ value: string }>(town.storage, read);
  }
  const bytes = new TextEncoder().encode(row?.value);
  return crypto.subtle.importKey("raw", bytes, { name: "HMAC", hash: "SHA-256" }, false, ["sign", "verify"]);
}
