/** Mail of an account's vals: what they sent and what became of it, and what came for them. */

import { html } from "../lib/html.ts";
import type { Route } from "../lib/router.ts";
import { listMail, type InboxRow, type OutboxRow } from "../model/mail.ts";
import { requireSession, time } from "./layout.ts";
import { bytes, empty } from "./pieces.ts";
import { settingsPage } from "./settings.ts";

const LISTED_MAX = 50;

export const mailRoutes: Route[] = [
  ["GET", "/settings/mail", async (request, _params, town) => {
    const asker = await requireSession(town, request);
    const range = { limit: LISTED_MAX, before: Number.MAX_SAFE_INTEGER };
    const [sent, received] = await Promise.all([
      listMail<OutboxRow>(town, "outbox", asker.id, range), listMail<InboxRow>(town, "inbox", asker.id, range),
    ]);
    return settingsPage(request, town, asker, "mail", "Mail", html`<h2>Sent</h2>
      ${sent.length === 0 ? empty("Your vals have sent nothing.") : html`<div class="table"><table><thead><tr><th scope="col">Time</th><th scope="col">To</th><th scope="col">Subject</th><th scope="col">State</th></tr></thead>
        <tbody>${sent.map((mail) => html`<tr><td>${time(mail.created_at)}</td><td>${(JSON.parse(mail.recipients) as string[]).join(", ")}</td><td class="wide">${mail.subject}</td>
          <td><span class="badge ${mail.status === "failed" ? "failed" : "http"}">${mail.status}</span>${mail.error === null ? null : html` <span class="small">${mail.error}</span>`}</td></tr>`)}</tbody></table></div>`}
      <h2>Received</h2>
      ${received.length === 0 ? empty("No mail has come for your vals.") : html`<div class="table"><table><thead><tr><th scope="col">Time</th><th scope="col">From</th><th scope="col">To</th><th scope="col">Subject</th><th scope="col">Outcome</th></tr></thead>
        <tbody>${received.map((mail) => html`<tr><td>${time(mail.at)}</td><td>${mail.sender}</td><td>${mail.recipient}</td><td class="wide">${mail.subject}${mail.size === null ? null : html` <span class="soft small">${bytes(mail.size)}</span>`}</td>
          <td><span class="badge ${mail.outcome === "ok" ? "http" : "failed"}">${mail.outcome}</span></td></tr>`)}</tbody></table></div>`}`);
  }],
];
