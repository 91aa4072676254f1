/** Accounts: making, finding, changing and deleting them. How one signs in is sessions.ts and tokens.ts. */

import type { Statement } from "town:kernel";
import { checkPassword, hashPassword, uuid } from "../lib/crypto.ts";
import { badRequest, HttpError } from "../lib/http.ts";
import { all, first, isTaken } from "../lib/rows.ts";
import type { Town } from "../lib/town.ts";
import { forgive, GUESSES_MAX, GUESSES_SECONDS, limitAttempts } from "./attempts.ts";
import { destroyVals } from "./deletion.ts";
import { forgetMail } from "./mail.ts";

export interface Account {
  id: string;
  username: string;
  role: "owner" | "member";
  email: string | null;
  bio: string | null;
  image_url: string | null;
  created_at: number;
}

/** Who asks: an account and what it may do in this request. A browser session has every scope. */
export interface Asker extends Account {
  scopes: string[];
  via: "token" | "session";
  /** The val whose program asks, by the pass it was given. */
  val_id?: string;
}

// No `--`, which parts the username from the val in a host name, and short enough to leave room for the val there.
const USERNAME = /^[a-zA-Z](?:[a-zA-Z0-9_]|-(?!-)){0,28}(?<!-)$/;
// The standard library and the platform's own pages answer to these.
const USERNAMES_RESERVED = ["std", "town"];
const PASSWORD_LENGTH_MIN = 8;
// PBKDF2 hashes what it is given: more than this is no password but a load.
const PASSWORD_LENGTH_MAX = 1024;
const BIO_LENGTH_MAX = 256;
const EMAIL = /^[^\s@<>"]{1,64}@[^\s@<>"]{1,190}$/;
const URL_LENGTH_MAX = 2048;
/** The columns of an account `a`. */
export const ACCOUNT = "a.id, a.username, a.role, a.email, a.bio, a.image_url, a.created_at";

export interface AccountWish {
  username: string;
  role: Account["role"];
  password?: string | undefined;
  email?: string | undefined;
}

/** Makes an account. `with` is done in the same transaction, so that an invitation is used once. */
export async function createAccount(town: Town, wish: AccountWish, also: Statement[] = []): Promise<Account> {
  const { username, role } = wish;
  // Pages of the town itself are at @town.
  if (username.toLowerCase() === "town") throw usernameTaken(username);
  if (!USERNAME.test(username)) {
    throw badRequest("A username is 1 to 29 letters, digits, _ and single - and begins with a letter");
  }
  const account: Account = {
    id: uuid(), username, role, email: checkEmail(wish.email), bio: null, image_url: null, created_at: Date.now(),
  };
  const password = wish.password === undefined ? null : await hashPassword(town.loader, checkNewPassword(wish.password));
  const retired = await first(town.storage, "SELECT 1 AS found FROM retired_username WHERE username = :username", { username });
  if (retired !== undefined || USERNAMES_RESERVED.includes(username.toLowerCase())) throw usernameTaken(username);
  const statements: Statement[] = [...also, {
    sql: `INSERT INTO account (id, username, role, password, email, created_at)
          VALUES (:id, :username, :role, :password, :email, :created_at)`,
    args: { id: account.id, username, role, password, email: account.email, created_at: account.created_at },
  }];
  if (role === "owner") statements.push({ sql: "DELETE FROM setting WHERE key = 'setup_token'" });
  try {
    await town.storage.batch(statements);
  } catch (error) {
    if (isTaken(error)) throw usernameTaken(username);
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

/** Accounts by age. */
export async function listAccounts(town: Town, wish: { offset: number; limit: number }): Promise<Account[]> {
  const sql = `SELECT ${ACCOUNT} FROM account a ORDER BY a.created_at, a.id LIMIT :limit OFFSET :offset`;
  return all<Account>(town.storage, sql, { ...wish });
}

export interface ProfileChange {
  /** Null removes what was there. */
  bio?: string | null | undefined;
  email?: string | null | undefined;
  imageUrl?: string | null | undefined;
}

export async function changeProfile(town: Town, account: Account, change: ProfileChange): Promise<Account> {
  const { bio = account.bio, email = account.email, imageUrl = account.image_url } = change;
  if ((bio ?? "").length > BIO_LENGTH_MAX) throw badRequest(`A bio has at most ${BIO_LENGTH_MAX} characters`);
  const changed = { ...account, bio, email: checkEmail(email), image_url: checkImageUrl(imageUrl) };
  await town.storage.execute({
    sql: "UPDATE account SET bio = :bio, email = :email, image_url = :image_url WHERE id = :id",
    args: { id: account.id, bio, email: changed.email, image_url: changed.image_url },
  });
  return changed;
}

/** Sets a password and ends every session. The present password is asked for where there is one. */
export async function changePassword(town: Town, account: Account, wish: { current: string; password: string }): Promise<void> {
  const row = await first<{ password: string | null }>(
    town.storage, "SELECT password FROM account WHERE id = :id", { id: account.id },
  );
  if (row?.password) {
    // Who has somebody's session must not find out their password with it.
    const guesses = `password of ${account.id}`;
    await limitAttempts(town, guesses, { count: GUESSES_MAX, seconds: GUESSES_SECONDS });
    if (!(await checkPassword(town.loader, wish.current, row.password))) {
      throw new HttpError(403, "forbidden", "The current password is another one");
    }
    await forgive(town, guesses);
  }
  const password = await hashPassword(town.loader, checkNewPassword(wish.password));
  await town.storage.batch([
    { sql: "UPDATE account SET password = :password WHERE id = :id", args: { id: account.id, password } },
    { sql: "DELETE FROM session WHERE account_id = :id", args: { id: account.id } },
  ]);
}

/** Deletes an account with all its data at once. The last owner stays: a town without one cannot be run. */
export async function deleteAccount(town: Town, account: Account): Promise<void> {
  if (account.role === "owner") {
    const other = await first(
      town.storage, "SELECT 1 AS found FROM account WHERE role = 'owner' AND id != :id LIMIT 1", { id: account.id },
    );
    if (other === undefined) throw new HttpError(409, "last_owner", "The only owner of a town cannot be deleted");
  }
  const args = { id: account.id };
  // First of all nobody can act for it any more, so that nothing new is made meanwhile.
  await town.storage.batch([
    { sql: "DELETE FROM session WHERE account_id = :id", args },
    { sql: "DELETE FROM token WHERE account_id = :id", args },
    { sql: "DELETE FROM invitation WHERE account_id = :id", args },
  ]);
  await destroyVals(town, account.id);
  await forgetMail(town, account.id);
  await town.storage.batch([
    { sql: "DELETE FROM env WHERE scope_id IN (SELECT id FROM env_group WHERE owner_id = :id)", args },
    { sql: "DELETE FROM env_group WHERE owner_id = :id", args },
    { sql: "DELETE FROM former_name WHERE owner_id = :id", args },
    { sql: "DELETE FROM val_like WHERE account_id = :id", args },
    { sql: "INSERT OR IGNORE INTO retired_username (username) SELECT username FROM account WHERE id = :id", args },
    { sql: "DELETE FROM account WHERE id = :id", args },
  ]);
  await town.storage.drop(accountStorageName(account.id));
}

/** The database of what belongs to an account rather than to one val: blobs, tables. */
export function accountStorageName(accountId: string): string {
  return `account-${accountId}`;
}

export function checkImageUrl(url: string | null): string | null {
  if (url === null || url === "") return null;
  if (url.length > URL_LENGTH_MAX || !URL.canParse(url) || !/^https?:/i.test(url)) {
    throw badRequest("An image is given by its https: address");
  }
  return url;
}

function checkEmail(email: string | null | undefined): string | null {
  if (email === undefined || email === null || email === "") return null;
  if (!EMAIL.test(email)) throw badRequest(`${JSON.stringify(email)} is no email address`);
  return email;
}

function checkNewPassword(password: string): string {
  if (password.length < PASSWORD_LENGTH_MIN) throw badRequest(`A password has at least ${PASSWORD_LENGTH_MIN} characters`);
  if (password.length > PASSWORD_LENGTH_MAX) throw badRequest(`A password has at most ${PASSWORD_LENGTH_MAX} characters`);
  return password;
}

function usernameTaken(username: string): HttpError {
  return new HttpError(409, "name_taken", `The username ${username} is taken`);
}
