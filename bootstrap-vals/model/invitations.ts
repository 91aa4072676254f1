/** Signing up: openly, with an invitation that works once, or not at all, as the owner has set it. */

import { randomSecret, sha256, uuid } from "../lib/crypto.ts";
import { HttpError, notFound } from "../lib/http.ts";
import { all } from "../lib/rows.ts";
import type { Town } from "../lib/town.ts";
import { createAccount, type Account } from "./accounts.ts";
import { limitAttempts } from "./attempts.ts";
import { readSettings } from "./settings.ts";

export interface Invitation {
  id: string;
  created_at: number;
  expires_at: number;
}

const INVITATION_MS = 14 * 24 * 60 * 60 * 1000;
// A town of friends never meets it; a script that fills a town with accounts does.
const SIGN_UPS_MAX = 30;
const SIGN_UPS_SECONDS = 60 * 60;

/** Makes an invitation. Its code is returned once. */
export async function invite(town: Town, host: Account): Promise<{ invitation: Invitation; code: string }> {
  const code = randomSecret();
  const now = Date.now();
  const invitation: Invitation = { id: uuid(), created_at: now, expires_at: now + INVITATION_MS };
  await town.storage.batch([
    { sql: "DELETE FROM invitation WHERE expires_at < :now", args: { now } },
    {
      sql: `INSERT INTO invitation (hash, id, account_id, created_at, expires_at)
            VALUES (:hash, :id, :account_id, :created_at, :expires_at)`,
      args: { ...invitation, hash: await sha256(code), account_id: host.id },
    },
  ]);
  return { invitation, code };
}

/** Invitations that nobody has used yet. */
export async function listInvitations(town: Town, wish: { offset: number; limit: number }): Promise<Invitation[]> {
  const sql = `SELECT id, created_at, expires_at FROM invitation WHERE expires_at > :now
    ORDER BY created_at DESC, id LIMIT :limit OFFSET :offset`;
  return all<Invitation>(town.storage, sql, { now: Date.now(), ...wish });
}

export async function revokeInvitation(town: Town, id: string): Promise<void> {
  const { rowsAffected } = await town.storage.execute({ sql: "DELETE FROM invitation WHERE id = :id", args: { id } });
  if (rowsAffected === 0) throw notFound("Invitation");
}

export interface SignUpWish {
  username: string;
  password: string;
  email?: string | undefined;
  /** The code of an invitation. */
  invitation?: string | undefined;
}

/** Makes an account for whoever asks, where the town's settings let them. */
export async function signUp(town: Town, wish: SignUpWish): Promise<Account> {
  const { signUp: mode } = await readSettings(town);
  if (mode === "closed") throw new HttpError(403, "closed", "This town takes no new accounts");
  await limitAttempts(town, "sign-up", { count: SIGN_UPS_MAX, seconds: SIGN_UPS_SECONDS });
  const account = { username: wish.username, password: wish.password, email: wish.email, role: "member" as const };
  if (mode === "open") return createAccount(town, account);
  const hash = await sha256(wish.invitation ?? "");
  // A transaction that fails where there is no such invitation, so that one is used once however many try at a time.
  const use = {
    sql: `INSERT INTO setting (key, value)
      SELECT 'no_invitation', NULL WHERE NOT EXISTS (SELECT 1 FROM invitation WHERE hash = :hash AND expires_at > :now)`,
    args: { hash, now: Date.now() },
  };
  try {
    return await createAccount(town, account, [use, { sql: "DELETE FROM invitation WHERE hash = :hash", args: { hash } }]);
  } catch (error) {
    if ((error as { code?: unknown }).code !== "SQLITE_CONSTRAINT_NOTNULL") throw error;
    throw new HttpError(403, "forbidden", "This invitation is unknown, used or expired");
  }
}
