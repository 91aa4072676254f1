/** Runs of files by hand: a cron now, a script as it is, an email file with a mail that its author writes. */

import type { Outcome } from "town:kernel";
import { uuid } from "../lib/crypto.ts";
import { badRequest, notFound, optionalString, stringOf } from "../lib/http.ts";
import type { Town } from "../lib/town.ts";
import type { Asker } from "../model/accounts.ts";
import { readEntry, readTree } from "../model/files.ts";
import { mailAddress, mailDomain } from "../model/mail.ts";
import { entryOf } from "../model/names.ts";
import type { Val } from "../model/vals.ts";
import { runNow } from "../run/cron.ts";
import { receive } from "../run/email.ts";
import { endpointOfFile } from "../run/endpoint.ts";
import { isolateOf } from "../run/program.ts";

export interface Ran {
  outcome: string;
  error: string | null;
  durationMs: number;
  /** What a script's default function returned, as JSON. */
  value?: string;
}

export async function runFile(town: Town, val: Val, asker: Asker, wish: Record<string, unknown>): Promise<Ran> {
  const entry = await readEntry(town, val, stringOf(wish, "path"));
  if (entry === undefined) throw notFound("File");
  switch (entry.type) {
    case "interval": {
      const { outcome, error, startedAt, endedAt } = await runNow(town, entry.file_id);
      return { outcome, error, durationMs: endedAt - startedAt };
    }
    case "email":
      return sendMail(town, val, asker, entry.file_id, optionalString(wish, "text") ?? "");
    case "script":
      return runScript(town, entry.file_id);
    default:
      throw badRequest(`A file of type ${entry.type} is not run by hand`);
  }
}

/** A process of its own for each run: evaluating the module is part of what a script does. */
async function runScript(town: Town, fileId: string): Promise<Ran> {
  const endpoint = await endpointOfFile(town, fileId, "script");
  if (endpoint === undefined) throw notFound("File");
  const isolate = isolateOf(town, { ...endpoint, programId: `${endpoint.programId}&once=${uuid()}` });
  const startedAt = Date.now();
  try {
    const value = await isolate.call("default", []);
    return { outcome: "ok", error: null, durationMs: Date.now() - startedAt, ...(typeof value === "string" ? { value } : {}) };
  } catch (error) {
    const { outcome, stack, message } = error as Error & { outcome?: Outcome };
    return { outcome: outcome ?? "exception", error: stack || message, durationMs: Date.now() - startedAt };
  } finally {
    // It has run; nobody asks for that id again.
    await isolate.cancel().catch(() => undefined);
  }
}

async function sendMail(town: Town, val: Val, asker: Asker, fileId: string, text: string): Promise<Ran> {
  const endpoint = await endpointOfFile(town, fileId, "email");
  if (endpoint === undefined) throw notFound("File");
  const emails = [...(await readTree(town, val)).values()].filter((entry) => entry.type === "email");
  const address = mailAddress(town.arrival, val, fileId, entryOf(emails)?.file_id === fileId);
  const from = asker.email ?? `${asker.username}@${mailDomain(town.arrival)}`;
  const lines = [
    `From: ${from}`, `To: ${address}`, "Subject: Test", `Date: ${new Date().toUTCString()}`, "MIME-Version: 1.0",
    "Content-Type: text/plain; charset=utf-8", "Content-Transfer-Encoding: 8bit", "", ...text.split(/\r?\n/),
  ];
  const body = new TextEncoder().encode(lines.join("\r\n"));
  const startedAt = Date.now();
  const { outcome } = await receive(town, endpoint, address, { from, size: body.length, body });
  return { outcome, error: outcome === "ok" ? null : "The logs say why.", durationMs: Date.now() - startedAt };
}
