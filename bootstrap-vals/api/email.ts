/** Mail over the API: sending, the outbox, the relay, and mail that comes in, raw or in the shapes of providers. */

import { badRequest, HttpError, json, noContent, notFound, readJson } from "../lib/http.ts";
import type { Letter, LetterAttachment } from "../lib/letter.ts";
import { addressesIn, bareAddress, splitAddresses } from "../lib/mime.ts";
import { RELAY_KINDS, type Relay } from "../lib/relay.ts";
import type { Route } from "../lib/router.ts";
import { anything, arrayOf, boolean, integer, mapOf, nullable, object, oneOf, pageOf, ref, text, time, uri, uuid } from "../lib/schema.ts";
import type { Town } from "../lib/town.ts";
import { requireAsker, requireOwner } from "../model/access.ts";
import type { Asker } from "../model/accounts.ts";
import {
  listMail, readRelay, readSent, removeRelay, send, writeRelay, type InboxRow, type OutboxRow,
} from "../model/mail.ts";
import { fileOfAddress, receive, type Receipt } from "../run/email.ts";
import { integerOf, iso, linkWith, readQuery } from "./shapes.ts";

// Val Town's own bound of a mail, attachments included.
const MAIL_BYTES_MAX = 30 * 1024 * 1024;
const RECIPIENTS_MAX = 50;
// Where the addresses of a raw mail are looked for when nobody says whom it is for.
const HEAD_BYTES_MAX = 64 * 1024;

const reading = { access: "account", scope: "email:read" } as const;
const owner = { access: "owner", scope: "town:write" } as const;
const pages = { "limit?": integer, "before?": integer };
const message = object({
  "to?": anything, "cc?": anything, "bcc?": anything, "from?": anything, "replyTo?": anything, "replyToList?": anything, "subject?": text,
  "text?": text, "html?": text, "headers?": mapOf(text),
  "attachments?": arrayOf(object({ content: text, filename: text, "type?": text, "disposition?": text, "contentId?": text })),
});

const receipts = arrayOf(object({ address: text, outcome: text }));
const returned = object({ message: text, code: text, "data?": receipts });
const received = { 200: object({ data: receipts }), 404: returned, 503: returned };

export const emailRoutes: Route[] = [
  ["POST", "/api/v1/email", async (request, _params, town) => {
    const asker = await requireAsker(town, request, "email:write");
    const { id } = await send(town, { account: asker, valId: asker.val_id }, await readJson(request));
    return json({ message: "Email queued", id }, 202);
  }, {
    summary: "Sends a mail, to oneself when it names nobody", access: "account", scope: "email:write", body: message,
    answers: { 202: object({ message: text, id: uuid }) },
  }],
  ["GET", "/api/town/email/outbox", async (request, _params, town) => list<OutboxRow>(town, request, "outbox", sentShape), {
    ...reading, summary: "What one has sent, newest first", query: pages, answers: { 200: pageOf(ref("SentMail")) },
  }],
  ["GET", "/api/town/email/outbox/:id", async (request, params, town) => {
    const asker = await requireAsker(town, request, "email:read");
    const row = await readSent(town, asker.id, params.id as string);
    if (row === undefined) throw notFound("Message");
    return json({ ...sentShape(row), letter: JSON.parse(row.letter) });
  }, { ...reading, summary: "A mail that one has sent, whole", answers: { 200: object({ ...sentMembers(), letter: anything }) } }],
  ["GET", "/api/town/email/inbox", async (request, _params, town) => list<InboxRow>(town, request, "inbox", (row) => ({
    valId: row.val_id, fileId: row.file_id, to: row.recipient, from: row.sender, subject: row.subject, size: row.size,
    outcome: row.outcome, at: iso(row.at),
  })), {
    ...reading, summary: "What came for one's vals, newest first", query: pages,
    answers: {
      200: pageOf(object({
        valId: uuid, fileId: uuid, to: text, from: text, subject: nullable(text), size: nullable(integer), outcome: text, at: time,
      })),
    },
  }],
  ["GET", "/api/town/email/relay", async (request, _params, town) => {
    await requireOwner(town, request);
    const relay = await readRelay(town);
    if (relay === undefined) throw notFound("Relay");
    return json(relayShape(relay));
  }, { ...owner, summary: "Who sends mail on to the world", answers: { 200: ref("Relay") } }],
  ["PUT", "/api/town/email/relay", async (request, _params, town) => {
    await requireOwner(town, request);
    return json(relayShape(await writeRelay(town, await readJson(request))));
  }, {
    ...owner, summary: "Sets who sends mail on to the world",
    body: object({ kind: oneOf(...RELAY_KINDS), "url?": uri, token: text, "from?": nullable(text), "strangers?": boolean }),
    answers: { 200: ref("Relay") },
  }],
  ["DELETE", "/api/town/email/relay", async (request, _params, town) => {
    await requireOwner(town, request);
    await removeRelay(town);
    return noContent();
  }, { ...owner, summary: "Keeps mail in the town", answers: { 204: null } }],
  // Without a scope, which the table would look for: webhooks sign in with a password.
  ["POST", "/api/town/email", receiveRaw, {
    summary: "Takes a mail as it travels, for whom `to` names or else its header. The token may be the password of any name",
    access: "account", query: { "to?": text, "from?": text }, body: "bytes", answers: received,
  }],
  ["POST", "/api/town/email/:provider", receiveFrom, {
    summary: "Takes a mail as the webhook of a provider has it: postmark, sendgrid or mailgun", access: "account", body: "bytes", answers: received,
  }],
];

export const emailSchemas = {
  SentMail: object(sentMembers()),
  Relay: object({ kind: oneOf(...RELAY_KINDS), url: uri, from: nullable(text), strangers: boolean }),
};

function sentMembers() {
  return {
    id: uuid, valId: nullable(uuid), from: text, to: arrayOf(text), pending: arrayOf(text), subject: text, size: integer,
    status: oneOf("queued", "sent", "kept", "failed"), attempts: integer, error: nullable(text), nextAttemptAt: nullable(time),
    createdAt: time, settledAt: nullable(time),
  };
}

async function list<T extends { position: number }>(
  town: Town,
  request: Request,
  table: "outbox" | "inbox",
  shape: (row: T) => unknown,
): Promise<Response> {
  const asker = await requireAsker(town, request, "email:read");
  const query = readQuery(town.arrival);
  const before = integerOf(query.params, "before", 0, Number.MAX_SAFE_INTEGER) ?? Number.MAX_SAFE_INTEGER;
  const rows = await listMail<T>(town, table, asker.id, { limit: query.limit + 1, before });
  const links: Record<string, string> = { self: linkWith(town.arrival, query, {}) };
  const last = rows[query.limit - 1];
  if (rows.length > query.limit && last !== undefined) links.next = linkWith(town.arrival, query, { before: last.position });
  return json({ data: rows.slice(0, query.limit).map(shape), links });
}

function sentShape(row: OutboxRow) {
  const time = (value: number | null) => (value === null ? null : iso(value));
  return {
    id: row.id, valId: row.val_id, from: row.sender, to: JSON.parse(row.recipients), pending: JSON.parse(row.pending),
    subject: row.subject, size: row.size, status: row.status, attempts: row.attempts, error: row.error,
    nextAttemptAt: time(row.due_at), createdAt: iso(row.created_at), settledAt: time(row.settled_at),
  };
}

/** Without the token, which is written only. */
function relayShape(relay: Relay) {
  return { kind: relay.kind, url: relay.url, from: relay.from, strangers: relay.strangers };
}

// ---- Mail that comes in ---------------------------------------------------------------------------

/** A message as it travels, with its recipients in `to`, or else as its header has them. */
async function receiveRaw(request: Request, _params: unknown, town: Town): Promise<Response> {
  const asker = await postman(town, request);
  const params = new URLSearchParams(town.arrival.search);
  const from = params.get("from") ?? "";
  const named = params.getAll("to").flatMap(splitAddresses).map(bareAddress);
  const length = lengthOf(request);
  const [only] = named;
  if (named.length === 1 && only !== undefined && length !== undefined && request.body !== null) {
    // Nothing of it is read here: it goes straight to the process that parses it.
    return answer([await give(town, asker, only, { from, size: length, body: request.body })]);
  }
  const bytes = new Uint8Array(await request.arrayBuffer());
  if (bytes.length > MAIL_BYTES_MAX) throw tooLarge();
  const head = new TextDecoder("x-user-defined").decode(bytes.subarray(0, HEAD_BYTES_MAX));
  const to = named.length > 0 ? named : addressesIn(head, ["delivered-to", "x-original-to", "to"]);
  if (to.length === 0) throw badRequest('Nobody is named: say "to" in the address, as ?to=user.val@example.com');
  return giveAll(town, asker, to, { from, size: bytes.length, body: bytes });
}

/** What webhooks of providers post. */
async function receiveFrom(request: Request, params: { provider?: string }, town: Town): Promise<Response> {
  const asker = await postman(town, request);
  const read = PROVIDERS.get(params.provider as string);
  if (read === undefined) throw notFound("Provider");
  lengthOf(request);
  const { to, from, letter } = await read(request);
  if (to.length === 0) throw badRequest("The message is for nobody");
  const size = letter instanceof Uint8Array ? letter.length : null;
  return giveAll(town, asker, to, { from, size, body: letter });
}

interface Arrived {
  to: string[];
  from: string;
  letter: Letter | Uint8Array<ArrayBuffer>;
}

const PROVIDERS = new Map<string, (request: Request) => Promise<Arrived>>([
  ["postmark", fromPostmark], ["sendgrid", fromSendgrid], ["mailgun", fromMailgun],
]);

async function fromPostmark(request: Request): Promise<Arrived> {
  const body = await readJson(request);
  const text = (key: string) => (typeof body[key] === "string" && body[key] !== "" ? (body[key] as string) : null);
  const items = (key: string) => (Array.isArray(body[key]) ? (body[key] as Record<string, unknown>[]) : []);
  const to = splitAddresses(text("To") ?? "");
  const letter: Letter = {
    from: text("From") ?? "", to, cc: splitAddresses(text("Cc") ?? ""), bcc: splitAddresses(text("Bcc") ?? ""),
    subject: text("Subject"), text: text("TextBody"), html: text("HtmlBody"),
    headers: Object.fromEntries(items("Headers").map((one) => [String(one.Name), String(one.Value)])),
    attachments: items("Attachments").map((one) => attachment(String(one.Content), one.Name, one.ContentType)),
  };
  const original = text("OriginalRecipient");
  return { to: (original === null ? to : [original]).map(bareAddress), from: bareAddress(letter.from), letter };
}

async function fromSendgrid(request: Request): Promise<Arrived> {
  const form = await formOf(request);
  const envelope = parsed<{ to?: string[]; from?: string }>(fieldOf(form, "envelope") ?? "{}");
  const to = (envelope.to ?? splitAddresses(fieldOf(form, "to") ?? "")).map(bareAddress);
  const from = envelope.from ?? bareAddress(fieldOf(form, "from") ?? "");
  // The whole message, when the webhook is set to send it as it came.
  const raw = fieldOf(form, "email");
  if (raw !== null) return { to, from, letter: new TextEncoder().encode(raw) };
  return { to, from, letter: await letterOfForm(form, { text: "text", html: "html", headers: fieldOf(form, "headers") ?? "" }) };
}

async function fromMailgun(request: Request): Promise<Arrived> {
  const form = await formOf(request);
  const to = splitAddresses(fieldOf(form, "recipient") ?? "").map(bareAddress);
  const from = fieldOf(form, "sender") ?? "";
  const raw = fieldOf(form, "body-mime");
  if (raw !== null) return { to, from, letter: new TextEncoder().encode(raw) };
  const pairs = parsed<[string, string][]>(fieldOf(form, "message-headers") ?? "[]");
  const headers = pairs.map(([name, value]) => `${name}: ${value}`).join("\n");
  return { to, from, letter: await letterOfForm(form, { text: "body-plain", html: "body-html", headers }) };
}

async function letterOfForm(form: FormData, names: { text: string; html: string; headers: string }): Promise<Letter> {
  const files = [...form.values()].filter((value): value is File => typeof value !== "string");
  const headers: Record<string, string> = {};
  for (const line of names.headers.split(/\r?\n/)) {
    const colon = line.indexOf(":");
    if (colon > 0) headers[line.slice(0, colon)] = line.slice(colon + 1).trim();
  }
  return {
    from: fieldOf(form, "from") ?? "", to: splitAddresses(fieldOf(form, "to") ?? fieldOf(form, "To") ?? ""),
    cc: splitAddresses(fieldOf(form, "cc") ?? fieldOf(form, "Cc") ?? ""), bcc: [],
    subject: fieldOf(form, "subject"), text: fieldOf(form, names.text), html: fieldOf(form, names.html), headers,
    attachments: await Promise.all(files.map(async (file) => {
      const bytes = new Uint8Array(await file.arrayBuffer()) as unknown as { toBase64(): string };
      return attachment(bytes.toBase64(), file.name, file.type);
    })),
  };
}

function attachment(content: string, name: unknown, type: unknown): LetterAttachment {
  return {
    content, filename: String(name || "attachment"), type: String(type || "application/octet-stream"), disposition: null, contentId: null,
  };
}

async function formOf(request: Request): Promise<FormData> {
  try {
    return await request.formData();
  } catch {
    throw badRequest("The body is no form");
  }
}

function fieldOf(form: FormData, key: string): string | null {
  const value = form.get(key);
  return typeof value === "string" && value !== "" ? value : null;
}

function parsed<T>(text: string): T {
  try {
    return JSON.parse(text) as T;
  } catch {
    throw badRequest("A field of the form is not JSON");
  }
}

/** Who brings mail: the owner's token for any address, an author's for their own vals. Webhooks know a password only. */
async function postman(town: Town, request: Request): Promise<Asker> {
  const basic = /^basic\s+(\S+)$/i.exec(request.headers.get("authorization") ?? "")?.[1];
  if (basic === undefined) return requireAsker(town, request, "email:write");
  let secret = "";
  try {
    secret = atob(basic).replace(/^[^:]*:/, "");
  } catch {
    // No base64: no token either.
  }
  const headers = new Headers(request.headers);
  headers.set("authorization", `Bearer ${secret}`);
  return requireAsker(town, new Request(request.url, { method: "POST", headers }), "email:write");
}

type Mail = Parameters<typeof receive>[3];

async function giveAll(town: Town, asker: Asker, to: string[], mail: Mail): Promise<Response> {
  if (to.length > RECIPIENTS_MAX) throw badRequest(`A message may have ${RECIPIENTS_MAX} recipients`);
  const addresses = [...new Set(to.map((one) => one.toLowerCase()))];
  return answer(await Promise.all(addresses.map((address) => give(town, asker, address, mail))));
}

async function give(town: Town, asker: Asker, address: string, mail: Mail): Promise<Receipt> {
  const file = await fileOfAddress(town, address);
  const may = file !== undefined && (asker.role === "owner" || asker.id === file.owner_id);
  return may ? receive(town, file, address, mail) : { address, outcome: "unknown", temporary: false };
}

/** 404 makes a mail server return the message, 503 makes it try again; what a handler throws is not the sender's concern. */
function answer(receipts: Receipt[]): Response {
  const data = receipts.map(({ address, outcome }) => ({ address, outcome }));
  if (receipts.some((one) => one.temporary)) {
    return json({ message: "A val is busy; try again", code: "overload", data }, 503, { "retry-after": "30" });
  }
  if (receipts.every((one) => one.outcome === "unknown")) return json({ message: "Address not found", code: "not_found", data }, 404);
  return json({ data }, 200);
}

function lengthOf(request: Request): number | undefined {
  const length = request.headers.get("content-length");
  if (length === null) return undefined;
  if (Number(length) > MAIL_BYTES_MAX) throw tooLarge();
  return Number(length);
}

function tooLarge(): HttpError {
  return new HttpError(413, "too_large", `A mail may have ${MAIL_BYTES_MAX} bytes, attachments included`);
}
