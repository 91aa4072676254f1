/** Mail on its way: in to email files, and out of the outbox to them or to the relay. */

import type { Outcome } from "town:kernel";
import { ENVELOPE_FROM, ENVELOPE_TO, type Letter } from "../lib/letter.ts";
import { relayRequest, type Outgoing, type Relay } from "../lib/relay.ts";
import type { Town } from "../lib/town.ts";
import { mailDomain, noteReceived, readRelay, rearmMail, settle, takeDue, type OutboxRow, type OutboxStatus } from "../model/mail.ts";
import { endpointOfFile, endpointOfNamed, type Endpoint } from "./endpoint.ts";
import { isolateOf } from "./program.ts";

// A relay that says nothing for so long is asked again later.
const RELAY_MS_MAX = 20_000;
const HANDLER_MS_MAX = 20_000;
const ANSWER_CHARACTERS_MAX = 500;
// The sender tries again; everything else is the author's to read in the log.
const TEMPORARY = new Set<string>(["overload", "canceled"]);

/** `unknown`: no such address. `ok` and other outcomes: of the handler's run. */
export interface Receipt {
  address: string;
  outcome: Outcome | "unknown";
  temporary: boolean;
}

/** The email file of an address of this town, whatever its domain: `user.val@`, `user-{file id}@`, with `+anything` after. */
export async function fileOfAddress(town: Town, address: string): Promise<Endpoint | undefined> {
  const local = address.slice(0, address.lastIndexOf("@")).replace(/\+.*$/, "").toLowerCase();
  const byId = /^(.+)-(.{8})(.{4})(.{4})(.{4})(.{12})$/.exec(local);
  if (byId !== null && /^[0-9a-f]{32}$/.test(local.slice(-32))) {
    const file = await endpointOfFile(town, byId.slice(2).join("-"), "email");
    if (file !== undefined && file.username.toLowerCase() === byId[1]) return file;
  }
  const dot = local.indexOf(".");
  return dot <= 0 ? undefined : endpointOfNamed(town, local.slice(0, dot), local.slice(dot + 1), "email");
}

/** Hands a mail to an email file. `from` is what the envelope says. A raw body goes through unread. */
export async function receive(
  town: Town,
  file: Endpoint,
  address: string,
  mail: { from: string; size: number | null; body: Letter | Uint8Array<ArrayBuffer> | ReadableStream<Uint8Array<ArrayBuffer>> },
): Promise<Receipt> {
  const { body, from, size } = mail;
  const isRaw = body instanceof Uint8Array || body instanceof ReadableStream;
  const headers: Record<string, string> = { "content-type": isRaw ? "message/rfc822" : "application/json", [ENVELOPE_TO]: address };
  if (from !== "") headers[ENVELOPE_FROM] = from;
  const request = new Request(`http://${mailDomain(town.arrival)}/${encodeURIComponent(address)}`, {
    method: "POST", headers, body: isRaw ? body : JSON.stringify(body), ...(body instanceof ReadableStream ? { duplex: "half" } : {}),
  });
  let outcome: Outcome = "ok";
  let summary: { from: string; subject: string | null } = { from, subject: null };
  try {
    summary = (await (await isolateOf(town, file).fetch(request)).json()) as typeof summary;
  } catch (error) {
    outcome = (error as { outcome?: Outcome }).outcome ?? "exception";
  }
  await noteReceived(town, file.owner_id, {
    val_id: file.val_id, file_id: file.file_id, recipient: address, sender: summary.from, subject: summary.subject, size, outcome, at: Date.now(),
  });
  return { address, outcome, temporary: TEMPORARY.has(outcome) };
}

/** The alarm of the outbox. */
export async function deliverMail(town: Town): Promise<void> {
  const relay = await readRelay(town);
  await Promise.all((await takeDue(town)).map((row) => deliver(town, relay, row)));
  await rearmMail(town);
}

async function deliver(town: Town, relay: Relay | undefined, row: OutboxRow): Promise<void> {
  const letter = JSON.parse(row.letter) as Outgoing;
  const errors: string[] = [];
  let pending = JSON.parse(row.pending) as string[];
  let again = false;
  const within = pending.filter((address) => address.endsWith(`@${mailDomain(town.arrival)}`));
  const { replyTo: _, ...copy } = letter;
  const receipts = await Promise.all(within.map(async (address) => {
    const file = await fileOfAddress(town, address);
    return file && inTime(receive(town, file, address, { from: letter.from, size: row.size, body: { ...copy, bcc: [] } }));
  }));
  for (const [index, receipt] of receipts.entries()) {
    if (receipt === undefined) continue;
    const address = within[index] as string;
    if (receipt !== "slow" && receipt.temporary) {
      again = true;
      errors.push(`${address} is busy`);
    } else pending = pending.filter((other) => other !== address);
  }
  const outside = pending.filter((address) => !within.includes(address));
  if (relay !== undefined && outside.length > 0) {
    const answer = await ask(relay, row.id, onlyTo(letter, outside));
    if (answer.ok) pending = pending.filter((address) => !outside.includes(address));
    else {
      again ||= answer.temporary;
      errors.push(answer.error);
    }
  }
  let status: OutboxStatus = "sent";
  if (errors.length > 0) status = "failed";
  else if (pending.length > 0) status = "kept";
  const nobody = pending.filter((address) => within.includes(address));
  if (errors.length === 0 && nobody.length > 0) errors.push(`Kept here: ${nobody.join(", ")} is no email val`);
  if (relay === undefined && outside.length > 0) errors.push("Kept here: this town has no relay for mail");
  await settle(town, row, { status, pending, error: errors.join("; ") || null, again });
}

/** A handler has the mail once it runs; how long it thinks about it must not hold up the mail of others. */
function inTime(receipt: Promise<Receipt>): Promise<Receipt | "slow"> {
  const slow = new Promise<"slow">((resolve) => setTimeout(() => resolve("slow"), HANDLER_MS_MAX));
  return Promise.race([receipt, slow]);
}

/** Those it has reached at an earlier attempt do not get it twice. */
function onlyTo(letter: Outgoing, addresses: string[]): Outgoing {
  const wanted = (list: string[]) => list.filter((one) => addresses.some((address) => one.toLowerCase().includes(address)));
  const to = wanted(letter.to);
  const cc = wanted(letter.cc);
  const bcc = wanted(letter.bcc);
  // Relays want somebody in `to`.
  return to.length > 0 ? { ...letter, to, cc, bcc } : { ...letter, to: cc.length > 0 ? cc : bcc, cc: [], bcc: cc.length > 0 ? bcc : [] };
}

async function ask(relay: Relay, id: string, letter: Outgoing): Promise<{ ok: true } | { ok: false; temporary: boolean; error: string }> {
  try {
    const response = await fetch(relayRequest(relay, id, letter), { signal: AbortSignal.timeout(RELAY_MS_MAX) });
    if (response.ok) {
      await response.body?.cancel();
      return { ok: true };
    }
    const words = (await response.text()).slice(0, ANSWER_CHARACTERS_MAX);
    const temporary = response.status >= 500 || response.status === 408 || response.status === 429;
    return { ok: false, temporary, error: `The relay answered ${response.status}: ${words}` };
  } catch (error) {
    return { ok: false, temporary: true, error: `The relay was not reached: ${(error as Error).message}` };
  }
}
