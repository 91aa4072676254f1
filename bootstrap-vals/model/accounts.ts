/** Accounts, their API tokens and sessions. Secrets are stored as hashes only. */

import type { Statement } from "town:kernel";
import { readCookie, sessionCookieName } from "../lib/cookie.ts";
import { checkPassword, hashPassword, randomSecret, sha256, uuid } from "../lib/crypto.ts";
import { badRequest, HttpError } from "../lib/http.ts";
import { first, isTaken } from "../lib/rows.ts";
import type { Town } from "../lib/town.ts";

export interface Account {
  id: string;
  username: string;
  role: "owner" | "member";
  email: string | null;
  bio: string | null;
  created_at: number;
}

/** Who asks: an account and what it may do in this request. A browser session has every scope. */
export interface Asker extends Account {
  scopes: string[];
}

// No `--`, which parts the username from the val in a host name, and short enough to leave room for the val there.
const USERNAME = /^[a-zA-Z](?:[a-zA-Z0-9_]|-(?!-)){0,28}(?<!-)$/;
const PASSWORD_LENGTH_MIN = 8;
const SESSION_SECONDS = 30 * 24 * 60 * 60;
const ACCOUNT = "a.id, a.username, a.role, a.email, a.bio, a.created_at";

export async function createAccount(
  town: Town,
  wish: { username: string; role: Account["role"]; password?: string | undefined },
): Promise<Account> {
  if (!USERNAME.test(wish.username)) {
    throw badRequest("A username is 1 to 29 letters, digits, _ and single - and begins with a letter");
  }
  if (wish.password !== undefined && wish.password.length < PASSWORD_LENGTH_MIN) {
    throw badRequest(`A password has at least ${PASSWORD_LENGTH_MIN} characters`);
  }
  const account: Account = {
    id: uuid(), username: wish.username, role: wish.role, email: null, bio: null, created_at: Date.now(),
  };
  const password = wish.password === undefined ? null : await hashPassword(wish.password);
  const statements: Statement[] = [{
    sql: `INSERT INTO account (id, username, role, password, created_at) VALUES (:id, :username, :role, :password, :created_at)`,
    args: { id: account.id, username: account.username, role: account.role, password, created_at: account.created_at },
  }];
  if (wish.role === "owner") statements.push({ sql: "DELETE FROM setting WHERE key = 'setup_token'" });
  try {
    await town.storage.batch(statements);
  } catch (error) {
    if (isTaken(error)) throw new HttpError(409, "name_taken", `The username ${wish.username} is taken`);
    throw error;
  }
  return account;
}

export async function findAccount(town: Town, username: string): Promise<Account | undefined> {
  return first<Account>(town.storage, `SELECT ${ACCOUNT} FROM account a WHERE a.username = :username`, { username });
}

export async function findAccountById(town: Town, id: string): Promise<Account | undefined> {
  return first<Account>(town.storage, `SELECT ${ACCOUNT} FROM account a WHERE a.id = :id`, { id });
}

/** Makes an API token. Its secret is returned once and kept nowhere. */
export async function addToken(
  town: Town,
  account: Account,
  wish: { name: string; scopes: string[]; secret?: string; expiresAt?: number },
): Promise<string> {
  const secret = wish.secret ?? `town_${randomSecret()}`;
  await town.storage.execute({
    sql: `INSERT INTO token (hash, account_id, name, scopes, created_at, expires_at)
          VALUES (:hash, :account_id, :name, :scopes, :created_at, :expires_at)`,
    args: {
      hash: await sha256(secret), account_id: account.id, name: wish.name, scopes: wish.scopes.join(" "),
      created_at: Date.now(), expires_at: wish.expiresAt ?? null,
    },
  });
  return secret;
}

/** The account behind a bearer token; a token that is unknown or expired is an error rather than nobody. */
export async function askerByToken(town: Town, request: Request): Promise<Asker | undefined> {
  const authorization = request.headers.get("authorization");
  if (authorization === null) return undefined;
  const secret = authorization.slice(0, 7).toLowerCase() === "bearer " ? authorization.slice(7).trim() : "";
  const asker = await findByToken(town, secret);
  if (asker === undefined) throw unauthorized("The token is unknown or has expired");
  return asker;
}

/** The account a browser is signed in to. */
export async function askerBySession(town: Town, request: Request): Promise<Asker | undefined> {
  const secret = readCookie(request, sessionCookieName(town.arrival));
  if (secret === undefined) return undefined;
  const account = await first<Account>(
    town.storage,
    `SELECT ${ACCOUNT} FROM session s JOIN account a ON a.id = s.account_id WHERE s.hash = :hash AND s.expires_at > :now`,
    { hash: await sha256(secret), now: Date.now() },
  );
  return account && { ...account, scopes: ["*"] };
}

/** Opens a session for a password, or for an API token with every scope given in its place. */
export async function signIn(
  town: Town,
  username: string,
  password: string,
): Promise<{ secret: string; seconds: number } | undefined> {
  const account = await findAccount(town, username);
  if (account === undefined) return undefined;
  const row = await first<{ password: string | null }>(
    town.storage, "SELECT password FROM account WHERE id = :id", { id: account.id },
  );
  const byPassword = row?.password ? await checkPassword(password, row.password) : false;
  if (!byPassword) {
    const asker = await findByToken(town, password);
    if (asker?.id !== account.id || !asker.scopes.includes("*")) return undefined;
  }
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

export function unauthorized(message: string): HttpError {
  return new HttpError(401, "unauthorized", message, { "www-authenticate": "Bearer" });
}

async function findByToken(town: Town, secret: string): Promise<Asker | undefined> {
  const row = await first<Account & { scopes: string }>(
    town.storage,
    `SELECT ${ACCOUNT}, t.scopes FROM token t JOIN account a ON a.id = t.account_id
     WHERE t.hash = :hash AND (t.expires_at IS NULL OR t.expires_at > :now)`,
    { hash: await sha256(secret), now: Date.now() },
  );
  return row && { ...row, scopes: row.scopes.split(" ") };
}
