/** Browser sessions: a random secret in a cookie, of which the hash is stored. */

import { readCookie, sessionCookieName } from "../lib/cookie.ts";
import { checkPassword, randomSecret, sha256, spendAsOnPassword } from "../lib/crypto.ts";
import { first } from "../lib/rows.ts";
import type { Town } from "../lib/town.ts";
import { ACCOUNT, findAccount, type Account, type Asker } from "./accounts.ts";
import { forgive, GUESSES_MAX, GUESSES_SECONDS, limitAttempts } from "./attempts.ts";
import { findByToken } from "./tokens.ts";

const SESSION_SECONDS = 30 * 24 * 60 * 60;
// Checking a password costs this town a good part of a second of CPU, whoever asks.
const CHECKS_MAX = 120;
const CHECKS_SECONDS = 60;

/** The account a browser is signed in to. */
export async function askerBySession(town: Town, request: Request): Promise<Asker | undefined> {
  const secret = readCookie(request, sessionCookieName(town.arrival));
  if (secret === undefined || secret === "") return undefined;
  const account = await first<Account>(
    town.storage,
    `SELECT ${ACCOUNT} FROM session s JOIN account a ON a.id = s.account_id WHERE s.hash = :hash AND s.expires_at > :now`,
    { hash: await sha256(secret), now: Date.now() },
  );
  return account && { ...account, scopes: ["*"], via: "session" };
}

/** Opens a session for a password, or for an API token with every scope given in its place. Too many guesses are a 429. */
export async function signIn(
  town: Town,
  username: string,
  password: string,
): Promise<{ secret: string; seconds: number } | undefined> {
  const guesses = `sign-in of ${username.toLowerCase().slice(0, 64)}`;
  await limitAttempts(town, "sign-in", { count: CHECKS_MAX, seconds: CHECKS_SECONDS });
  await limitAttempts(town, guesses, { count: GUESSES_MAX, seconds: GUESSES_SECONDS });
  const account = await findAccount(town, username);
  if (!(await fits(town, account, password)) || account === undefined) return undefined;
  await forgive(town, guesses);
  return openSession(town, account);
}

export async function openSession(town: Town, account: Account): Promise<{ secret: string; seconds: number }> {
  const secret = randomSecret();
  const now = Date.now();
  await town.storage.batch([
    { sql: "DELETE FROM session WHERE expires_at < :now", args: { now } },
    {
      sql: "INSERT INTO session (hash, account_id, created_at, expires_at) VALUES (:hash, :account_id, :now, :expires_at)",
      args: { hash: await sha256(secret), account_id: account.id, now, expires_at: now + SESSION_SECONDS * 1000 },
    },
  ]);
  return { secret, seconds: SESSION_SECONDS };
}

export async function signOut(town: Town, request: Request): Promise<void> {
  const secret = readCookie(request, sessionCookieName(town.arrival));
  if (secret === undefined) return;
  await town.storage.execute({ sql: "DELETE FROM session WHERE hash = :hash", args: { hash: await sha256(secret) } });
}

/** Ends every session of an account; its tokens stay. */
export async function signOutEverywhere(town: Town, account: { id: string }): Promise<number> {
  const sql = "DELETE FROM session WHERE account_id = :account_id";
  return (await town.storage.execute({ sql, args: { account_id: account.id } })).rowsAffected;
}

/** Takes as long for a name that nobody has as for one that somebody has. */
async function fits(town: Town, account: Account | undefined, password: string): Promise<boolean> {
  const asker = await findByToken(town, password);
  if (account === undefined) {
    await spendAsOnPassword(town.loader, password);
    return false;
  }
  if (asker?.id === account.id && asker.scopes.includes("*")) return true;
  const row = await first<{ password: string | null }>(
    town.storage, "SELECT password FROM account WHERE id = :id", { id: account.id },
  );
  if (row?.password) return checkPassword(town.loader, password, row.password);
  await spendAsOnPassword(town.loader, password);
  return false;
}
