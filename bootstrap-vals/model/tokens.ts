/** API tokens: secrets that stand for an account within scopes and until a date. Only their hashes are stored. */

import { randomSecret, sha256, uuid } from "../lib/crypto.ts";
import { badRequest, HttpError, notFound } from "../lib/http.ts";
import { all, first } from "../lib/rows.ts";
import type { Town } from "../lib/town.ts";
import { ACCOUNT, type Account, type Asker } from "./accounts.ts";
import { isPass, PASS_SCOPES, valOfPass } from "./passes.ts";
import { SCOPES } from "./scopes.ts";

export interface Token {
  id: string;
  name: string;
  scopes: string;
  created_at: number;
  expires_at: number | null;
}

const TOKEN = "SELECT id, name, scopes, created_at, expires_at FROM token WHERE account_id = :account_id";
const NAME_LENGTH_MAX = 64;
const TOKENS_MAX = 200;

export interface TokenWish {
  name: string;
  /** `*` is every scope. */
  scopes: string[];
  expiresAt?: number | undefined;
  /** Chosen by whoever starts the town; otherwise it is made up. */
  secret?: string | undefined;
}

/** Makes an API token. Its secret is returned once and kept nowhere. */
export async function addToken(town: Town, account: Account, wish: TokenWish): Promise<string> {
  return (await createToken(town, account, wish)).secret;
}

export async function createToken(town: Town, account: Account, wish: TokenWish): Promise<{ token: Token; secret: string }> {
  if (wish.name === "" || wish.name.length > NAME_LENGTH_MAX) throw badRequest(`A token's name has 1 to ${NAME_LENGTH_MAX} characters`);
  for (const scope of wish.scopes) {
    if (scope !== "*" && !(SCOPES as readonly string[]).includes(scope)) {
      throw badRequest(`There is no scope ${JSON.stringify(scope)}: there are *, ${SCOPES.join(", ")}`);
    }
  }
  if (wish.scopes.length === 0) throw badRequest("A token has at least one scope");
  const now = Date.now();
  if (wish.expiresAt !== undefined && wish.expiresAt <= now) throw badRequest("A token must expire in the future");
  const count = await first<{ count: number }>(
    town.storage, "SELECT count(*) AS count FROM token WHERE account_id = :account_id", { account_id: account.id },
  );
  if ((count?.count ?? 0) >= TOKENS_MAX) throw new HttpError(409, "too_many", `An account has at most ${TOKENS_MAX} tokens`);
  const secret = wish.secret ?? `town_${randomSecret()}`;
  const token: Token = {
    id: uuid(), name: wish.name, scopes: [...new Set(wish.scopes)].join(" "), created_at: now, expires_at: wish.expiresAt ?? null,
  };
  await town.storage.execute({
    sql: `INSERT INTO token (hash, id, account_id, name, scopes, created_at, expires_at)
          VALUES (:hash, :id, :account_id, :name, :scopes, :created_at, :expires_at)`,
    args: { ...token, hash: await sha256(secret), account_id: account.id },
  });
  return { token, secret };
}

export async function listTokens(town: Town, account: Account, wish: { offset: number; limit: number }): Promise<Token[]> {
  const sql = `${TOKEN} ORDER BY created_at DESC, id LIMIT :limit OFFSET :offset`;
  return all<Token>(town.storage, sql, { account_id: account.id, ...wish });
}

export async function revokeToken(town: Town, account: Account, id: string): Promise<void> {
  const { rowsAffected } = await town.storage.execute({
    sql: "DELETE FROM token WHERE id = :id AND account_id = :account_id", args: { id, account_id: account.id },
  });
  if (rowsAffected === 0) throw notFound("Token");
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

export async function findByToken(town: Town, secret: string): Promise<Asker | undefined> {
  const byPass = isPass(secret) ? await findByPass(town, secret) : undefined;
  if (byPass !== undefined) return byPass;
  const row = await first<Account & { scopes: string }>(
    town.storage,
    `SELECT ${ACCOUNT}, t.scopes FROM token t JOIN account a ON a.id = t.account_id
     WHERE t.hash = :hash AND (t.expires_at IS NULL OR t.expires_at > :now)`,
    { hash: await sha256(secret), now: Date.now() },
  );
  return row && { ...row, scopes: row.scopes.split(" "), via: "token" };
}

async function findByPass(town: Town, pass: string): Promise<Asker | undefined> {
  const valId = await valOfPass(town, pass);
  if (valId === undefined) return undefined;
  const sql = `SELECT ${ACCOUNT} FROM val v JOIN account a ON a.id = v.owner_id WHERE v.id = :val_id`;
  const account = await first<Account>(town.storage, sql, { val_id: valId });
  return account && { ...account, scopes: PASS_SCOPES, via: "token", val_id: valId };
}

export function unauthorized(message: string): HttpError {
  return new HttpError(401, "unauthorized", message, { "www-authenticate": "Bearer" });
}
