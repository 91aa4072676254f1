/**
 * Mail: what accounts send, kept in an outbox until it is delivered and readable there afterwards, and what came in for
 * their vals. In a database of its own, whose alarm is due when the next delivery is. Who delivers is run/email.ts.
 */

import type { SqlArgument, Storage } from "town:kernel";
import { uuid } from "../lib/crypto.ts";
import { badRequest, HttpError } from "../lib/http.ts";
import type { LetterAttachment } from "../lib/letter.ts";
import { bareAddress, splitAddresses } from "../lib/mime.ts";
import { RELAY_KINDS, RELAY_URLS, type Outgoing, type Relay } from "../lib/relay.ts";
import { all, first } from "../lib/rows.ts";
import { seal, unseal } from "../lib/seal.ts";
import type { Arrival } from "../lib/mount.ts";
import type { Town } from "../lib/town.ts";
import type { Account } from "./accounts.ts";

// Val Town's own bounds.
const RECIPIENTS_MAX = 50;
const REPLY_TO_MAX = 10;
const ATTACHMENTS_MAX = 5;
const PER_MINUTE_MAX = 100;
// What the kernel lets one value have is 8 MiB.
const LETTER_CHARACTERS_MAX = 7 * 1024 * 1024;
const HEADERS_MAX = 100;
// An account's mail beyond this goes, the oldest first.
const KEPT_MAX = 1_000;
const KEPT_BYTES_MAX = 128 * 1024 * 1024;
// 30 s, 2 min, 8 min, ... six hours at most; about a day and a half in all.
const BACK_OFF_FIRST_MS = 30_000;
const BACK_OFF_FACTOR = 4;
const BACK_OFF_LONGEST_MS = 6 * 3_600_000;
const ATTEMPTS_MAX = 10;
// Delivered at a time, and when such an attempt counts as lost because the town stopped during it.
const BATCH_MAX = 10;
const ATTEMPT_MS_MAX = 120_000;

const TABLES = [
  // `pending` are the recipients it has not reached; `due_at` is null once nothing more will be tried.
  `CREATE TABLE IF NOT EXISTS outbox (
    position INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE, account_id TEXT NOT NULL, val_id TEXT, sender TEXT NOT NULL,
    recipients TEXT NOT NULL, pending TEXT NOT NULL, subject TEXT NOT NULL, letter TEXT NOT NULL, size INTEGER NOT NULL,
    status TEXT NOT NULL, attempts INTEGER NOT NULL DEFAULT 0, error TEXT, due_at INTEGER, created_at INTEGER NOT NULL, settled_at INTEGER)`,
  `CREATE INDEX IF NOT EXISTS outbox_account ON outbox (account_id)`,
  `CREATE INDEX IF NOT EXISTS outbox_rate ON outbox (account_id, created_at)`,
  `CREATE INDEX IF NOT EXISTS outbox_due ON outbox (due_at) WHERE due_at IS NOT NULL`,
  `CREATE TABLE IF NOT EXISTS inbox (
    position INTEGER PRIMARY KEY, account_id TEXT NOT NULL, val_id TEXT NOT NULL, file_id TEXT NOT NULL, recipient TEXT NOT NULL,
    sender TEXT NOT NULL, subject TEXT, size INTEGER, outcome TEXT NOT NULL, at INTEGER NOT NULL)`,
  `CREATE INDEX IF NOT EXISTS inbox_account ON inbox (account_id, position)`,
];

// A fact about the database that stays true while this isolate lives.
let tablesMade = false;

async function mailOf(town: Town): Promise<Storage> {
  const storage = town.storage.sub("mail");
  if (!tablesMade) {
    await storage.batch(TABLES);
    tablesMade = true;
  }
  return storage;
}

/** The part of this town's addresses behind the `@`. */
export function mailDomain(arrival: Arrival): string {
  return arrival.host.replace(/:\d+$/, "");
}

/** The address of an email file: by the val's name for its first one, by the file's id for others. */
export function mailAddress(arrival: Arrival, val: { username: string; name: string }, fileId: string, isFirst: boolean): string {
  const local = isFirst ? `${val.username}.${val.name}` : `${val.username}-${fileId.replaceAll("-", "")}`;
  return `${local.toLowerCase()}@${mailDomain(arrival)}`;
}

// ---- Sending --------------------------------------------------------------------------------------

export type OutboxStatus = "queued" | "sent" | "kept" | "failed";

export interface OutboxRow {
  position: number;
  id: string;
  account_id: string;
  val_id: string | null;
  sender: string;
  recipients: string;
  pending: string;
  subject: string;
  letter: string;
  size: number;
  status: OutboxStatus;
  attempts: number;
  error: string | null;
  due_at: number | null;
  created_at: number;
  settled_at: number | null;
}

/** A message as vals give it, unchecked: as the argument of std/email. */
export type MessageWish = Record<string, unknown>;

/**
 * Takes a message of an account, or of one of its vals, for delivery. Without recipients it is for the account itself.
 * It is stored when this resolves; delivery follows at once, and again until it succeeds or there is no hope.
 */
export async function send(
  town: Town,
  sender: { account: Account; valId?: string | undefined },
  message: MessageWish,
): Promise<{ id: string }> {
  const { account } = sender;
  const relay = await readRelay(town);
  const letter = letterOf(town, account, relay, message);
  const recipients = [...new Set([...letter.to, ...letter.cc, ...letter.bcc].map((one) => bareAddress(one).toLowerCase()))];
  checkRecipients(town, account, relay, recipients);
  const text = JSON.stringify(letter);
  if (text.length > LETTER_CHARACTERS_MAX) throw new HttpError(413, "too_large", `A message may have ${LETTER_CHARACTERS_MAX} characters, attachments included`);
  const mail = await mailOf(town);
  const now = Date.now();
  const recent = await first<{ count: number }>(
    mail, "SELECT count(*) AS count FROM outbox WHERE account_id = :account_id AND created_at > :since",
    { account_id: account.id, since: now - 60_000 },
  );
  if ((recent?.count ?? 0) >= PER_MINUTE_MAX) {
    throw new HttpError(429, "too_many", `An account may send ${PER_MINUTE_MAX} messages a minute`, { "retry-after": "60" });
  }
  const id = uuid();
  await mail.batch([
    {
      sql: `INSERT INTO outbox (id, account_id, val_id, sender, recipients, pending, subject, letter, size, status, due_at, created_at)
            VALUES (:id, :account_id, :val_id, :sender, :recipients, :recipients, :subject, :letter, :size, 'queued', :now, :now)`,
      args: {
        id, account_id: account.id, val_id: sender.valId ?? null, sender: letter.from, recipients: JSON.stringify(recipients),
        subject: letter.subject ?? "", letter: text, size: text.length, now,
      },
    },
    {
      sql: `DELETE FROM outbox WHERE due_at IS NULL AND position IN (
              SELECT position FROM (
                SELECT position, row_number() OVER newest AS number, sum(size) OVER newest AS total FROM outbox
                WHERE account_id = :account_id WINDOW newest AS (ORDER BY created_at DESC, position DESC))
              WHERE number > :kept OR total > :bytes)`,
      args: { account_id: account.id, kept: KEPT_MAX, bytes: KEPT_BYTES_MAX },
    },
  ]);
  await mail.setAlarm(new Date(now));
  return { id };
}

function letterOf(town: Town, account: Account, relay: Relay | undefined, message: MessageWish): Outgoing {
  const own = `${account.username}@${mailDomain(town.arrival)}`;
  const list = (key: string, most: number) => addressList(message[key], key, most);
  const to = list("to", RECIPIENTS_MAX);
  const cc = list("cc", RECIPIENTS_MAX);
  const bcc = list("bcc", RECIPIENTS_MAX);
  const text = textOf(message, "text");
  const html = textOf(message, "html");
  const from = message.from === undefined || message.from === null ? undefined : list("from", 1)[0];
  if (from !== undefined) checkSender(town, account, relay, from);
  return {
    from: from ?? relay?.from ?? own,
    to: to.length + cc.length + bcc.length > 0 ? to : [account.email ?? own], cc, bcc,
    replyTo: [...list("replyTo", REPLY_TO_MAX), ...list("replyToList", REPLY_TO_MAX)],
    subject: singleLine(textOf(message, "subject") ?? `Message from @${account.username}`, "subject"),
    text: text ?? (html === null ? "" : null), html, headers: headersOf(message.headers), attachments: attachmentsOf(message.attachments),
  };
}

/** Strings, `{ email, name? }`, lists of either, or several in one string. */
function addressList(value: unknown, key: string, most: number): string[] {
  if (value === undefined || value === null) return [];
  const items = (Array.isArray(value) ? value : [value]).flatMap((item: unknown) => {
    if (typeof item === "string") return splitAddresses(item);
    const { email, name } = (item ?? {}) as { email?: unknown; name?: unknown };
    if (typeof email !== "string") throw badRequest(`"${key}" must be an address, { email, name }, or a list of those`);
    return typeof name === "string" && name !== "" ? [`"${name.replace(/["\\\r\n]/g, "")}" <${email}>`] : [email];
  });
  if (items.length > most) throw badRequest(`"${key}" has ${items.length} addresses; it may have ${most}`);
  for (const item of items) {
    if (!/^[^\s@<>"(),;:\\]+@[^\s@<>"(),;:\\]+$/.test(bareAddress(item))) throw badRequest(`${JSON.stringify(item)} is no address`);
    singleLine(item, key);
  }
  return items;
}

function textOf(message: MessageWish, key: string): string | null {
  const value = message[key];
  if (value === undefined || value === null) return null;
  if (typeof value !== "string") throw badRequest(`"${key}" must be a string`);
  return value;
}

/** A line break would let whoever wrote the value write headers too. */
function singleLine(value: string, key: string): string {
  if (/[\r\n\0]/.test(value)) throw badRequest(`"${key}" must be one line`);
  return value;
}

function headersOf(value: unknown): Record<string, string> {
  if (value === undefined || value === null) return {};
  if (typeof value !== "object" || Array.isArray(value)) throw badRequest('"headers" must be an object');
  const entries = Object.entries(value);
  if (entries.length > HEADERS_MAX) throw badRequest(`A message may have ${HEADERS_MAX} headers`);
  for (const [name, text] of entries) {
    if (!/^[!-9;-~]+$/.test(name) || typeof text !== "string") throw badRequest(`${JSON.stringify(name)} is no header`);
    singleLine(text, name);
  }
  return Object.fromEntries(entries) as Record<string, string>;
}

function attachmentsOf(value: unknown): LetterAttachment[] {
  if (value === undefined || value === null) return [];
  if (!Array.isArray(value)) throw badRequest('"attachments" must be an array');
  if (value.length > ATTACHMENTS_MAX) throw badRequest(`A message may have ${ATTACHMENTS_MAX} attachments`);
  return value.map((item: unknown) => {
    const { content, filename, type, disposition, contentId } = (item ?? {}) as Record<string, unknown>;
    const isText = (text: unknown) => text === undefined || text === null || typeof text === "string";
    if (typeof content !== "string" || typeof filename !== "string" || !isText(type) || !isText(disposition) || !isText(contentId)) {
      throw badRequest('Each of "attachments" has the strings content (in base64) and filename, and may have type, disposition, contentId');
    }
    if (!/^[A-Za-z0-9+/\s]*={0,2}\s*$/.test(content)) throw badRequest(`The content of ${JSON.stringify(filename)} is not base64`);
    return {
      content, filename: singleLine(filename, "filename"), type: singleLine((type as string | undefined) ?? "application/octet-stream", "type"),
      disposition: (disposition as string | undefined) ?? null, contentId: (contentId as string | undefined) ?? null,
    };
  });
}

/** An account writes as itself or as one of its vals; the owner of the town as anybody. */
function checkSender(town: Town, account: Account, relay: Relay | undefined, from: string): void {
  const address = bareAddress(from).toLowerCase();
  const name = account.username.toLowerCase();
  const [local = "", domain] = address.split("@");
  const isOwn = domain === mailDomain(town.arrival) && (local === name || local.startsWith(`${name}.`) || /^-[0-9a-f]{32}$/.test(local.slice(name.length)));
  const isShared = relay?.from !== null && relay?.from !== undefined && bareAddress(relay.from).toLowerCase() === address;
  if (account.role !== "owner" && !isOwn && !isShared) throw new HttpError(403, "forbidden", `You may not send as ${address}`);
}

/** Without a relay nothing leaves the town, so there is nobody to protect. */
function checkRecipients(town: Town, account: Account, relay: Relay | undefined, recipients: string[]): void {
  if (relay === undefined || relay.strangers || account.role === "owner") return;
  const stranger = recipients.find((one) => one !== account.email?.toLowerCase() && !one.endsWith(`@${mailDomain(town.arrival)}`));
  if (stranger !== undefined) {
    throw new HttpError(403, "forbidden", `Members of this town may write to their own address and within it, not to ${stranger}`);
  }
}

// ---- Delivering -----------------------------------------------------------------------------------

/** Messages due now, each marked so that it comes again should the town stop before it is settled. */
export async function takeDue(town: Town): Promise<OutboxRow[]> {
  const now = Date.now();
  const mail = await mailOf(town);
  const rows = await all<OutboxRow>(
    mail, "SELECT * FROM outbox WHERE due_at IS NOT NULL AND due_at <= :now ORDER BY due_at LIMIT :limit", { now, limit: BATCH_MAX },
  );
  if (rows.length > 0) {
    await mail.execute({
      sql: "UPDATE outbox SET attempts = attempts + 1, due_at = :again WHERE position IN (SELECT value FROM json_each(:positions))",
      args: { again: now + ATTEMPT_MS_MAX, positions: JSON.stringify(rows.map((row) => row.position)) },
    });
  }
  return rows;
}

/** What came of an attempt: `pending` are those it has not reached; with `again` it is tried once more. */
export async function settle(
  town: Town,
  row: OutboxRow,
  result: { status: OutboxStatus; pending: string[]; error: string | null; again: boolean },
): Promise<void> {
  const now = Date.now();
  const again = result.again && row.attempts + 1 < ATTEMPTS_MAX;
  const wait = Math.min(BACK_OFF_FIRST_MS * BACK_OFF_FACTOR ** row.attempts, BACK_OFF_LONGEST_MS);
  await (await mailOf(town)).execute({
    sql: `UPDATE outbox SET status = :status, pending = :pending, error = :error, due_at = :due_at, settled_at = :settled_at
          WHERE position = :position`,
    args: {
      position: row.position, status: again ? "queued" : result.again ? "failed" : result.status,
      pending: JSON.stringify(result.pending), error: result.error?.slice(0, 1_000) ?? null,
      due_at: again ? now + wait : null, settled_at: again ? null : now,
    },
  });
}

/** Sets the alarm to when the next message is due. */
export async function rearmMail(town: Town): Promise<void> {
  const mail = await mailOf(town);
  const row = await first<{ due_at: number | null }>(mail, "SELECT min(due_at) AS due_at FROM outbox WHERE due_at IS NOT NULL");
  await mail.setAlarm(row?.due_at == null ? null : new Date(row.due_at));
}

// ---- Reading --------------------------------------------------------------------------------------

export interface InboxRow {
  position: number;
  val_id: string;
  file_id: string;
  recipient: string;
  sender: string;
  subject: string | null;
  size: number | null;
  outcome: string;
  at: number;
}

/** Writes down what came for a val and what became of it. */
export async function noteReceived(town: Town, accountId: string, mail: Omit<InboxRow, "position">): Promise<void> {
  const { val_id, file_id, recipient, sender, subject, size, outcome, at } = mail;
  await (await mailOf(town)).batch([
    {
      sql: `INSERT INTO inbox (account_id, val_id, file_id, recipient, sender, subject, size, outcome, at)
            VALUES (:account_id, :val_id, :file_id, :recipient, :sender, :subject, :size, :outcome, :at)`,
      args: { account_id: accountId, val_id, file_id, recipient, sender, subject, size, outcome, at },
    },
    {
      sql: `DELETE FROM inbox WHERE account_id = :account_id AND position <= (
              SELECT position FROM inbox WHERE account_id = :account_id ORDER BY position DESC LIMIT 1 OFFSET :kept)`,
      args: { account_id: accountId, kept: KEPT_MAX },
    },
  ]);
}

/** What an account has sent or received, newest first; `before` is the position to go on from. */
export async function listMail<T>(town: Town, table: "outbox" | "inbox", accountId: string, wish: { limit: number; before: number }): Promise<T[]> {
  return all<T>(
    await mailOf(town),
    `SELECT * FROM ${table} WHERE account_id = :account_id AND position < :before ORDER BY position DESC LIMIT :limit`,
    { account_id: accountId, ...wish },
  );
}

export async function readSent(town: Town, accountId: string, id: string): Promise<OutboxRow | undefined> {
  return first(await mailOf(town), "SELECT * FROM outbox WHERE id = :id AND account_id = :account_id", { id, account_id: accountId });
}

/** Forgets the mail of an account that is no more. */
export async function forgetMail(town: Town, accountId: string): Promise<void> {
  const args: Record<string, SqlArgument> = { account_id: accountId };
  await (await mailOf(town)).batch([
    { sql: "DELETE FROM outbox WHERE account_id = :account_id", args }, { sql: "DELETE FROM inbox WHERE account_id = :account_id", args },
  ]);
}

// ---- The relay ------------------------------------------------------------------------------------

/** Who sends mail on to the world; undefined where the owner has set nobody. */
export async function readRelay(town: Town): Promise<Relay | undefined> {
  const row = await first<{ value: string }>(town.storage, "SELECT value FROM setting WHERE key = 'mail_relay'");
  if (row === undefined) return undefined;
  const relay = JSON.parse(row.value) as Relay;
  return { ...relay, token: await unseal(town, relay.token, "mail relay") };
}

export async function writeRelay(town: Town, wish: Record<string, unknown>): Promise<Relay> {
  const kind = RELAY_KINDS.find((one) => one === wish.kind);
  if (kind === undefined) throw badRequest(`"kind" must be one of ${RELAY_KINDS.join(", ")}`);
  const url = textOf(wish, "url") ?? RELAY_URLS[kind];
  if (url === undefined || !/^https?:\/\/\S+$/.test(url)) throw badRequest('"url" must be the http address at which the relay takes mail');
  const token = textOf(wish, "token");
  if (token === null) throw badRequest('"token" must be a string');
  const relay: Relay = {
    kind, url, token: singleLine(token, "token"), from: addressList(wish.from, "from", 1)[0] ?? null, strangers: wish.strangers === true,
  };
  const stored = { ...relay, token: await seal(town, relay.token, "mail relay") };
  const sql = "INSERT INTO setting (key, value) VALUES ('mail_relay', :value) ON CONFLICT (key) DO UPDATE SET value = :value";
  await town.storage.execute({ sql, args: { value: JSON.stringify(stored) } });
  return relay;
}

export async function removeRelay(town: Town): Promise<void> {
  await town.storage.execute("DELETE FROM setting WHERE key = 'mail_relay'");
}
