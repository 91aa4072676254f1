/** Relays: services that take a mail over HTTP and send it on. One request for each, in the shape that each wants. */

import { bareAddress } from "./mime.ts";
import type { Letter } from "./letter.ts";

export const RELAY_KINDS = ["json", "resend", "postmark", "sendgrid", "mailgun"] as const;

export interface Relay {
  kind: (typeof RELAY_KINDS)[number];
  url: string;
  token: string;
  /** Whom mail is from when its author does not say, as most relays only send for addresses they have verified. */
  from: string | null;
  /** Members may write to anybody, not to themselves only. */
  strangers: boolean;
}

/** Where relays take mail when the owner names no address. */
export const RELAY_URLS: Record<Relay["kind"], string | undefined> = {
  json: undefined,
  resend: "https://api.resend.com/emails",
  postmark: "https://api.postmarkapp.com/email",
  sendgrid: "https://api.sendgrid.com/v3/mail/send",
  mailgun: undefined,
};

export interface Outgoing extends Letter {
  replyTo: string[];
}

/** The request that sends a mail. `id` is the same for each attempt, for relays that know repetitions by it. */
export function relayRequest(relay: Relay, id: string, letter: Outgoing): Request {
  const shape = SHAPES[relay.kind];
  const { body, headers } = shape(relay, letter);
  const init: RequestInit = { method: "POST", headers: { ...headers, "idempotency-key": id } };
  return body instanceof FormData
    ? new Request(relay.url, { ...init, body })
    : new Request(relay.url, { ...init, body: JSON.stringify(body), headers: { ...init.headers, "content-type": "application/json" } });
}

type Shape = (relay: Relay, letter: Outgoing) => { body: unknown; headers: Record<string, string> };

const bearer = (relay: Relay) => ({ authorization: `Bearer ${relay.token}` });
const some = <T>(list: T[]) => (list.length === 0 ? undefined : list);

const SHAPES: Record<Relay["kind"], Shape> = {
  json: (relay, letter) => ({ headers: bearer(relay), body: letter }),
  resend: (relay, letter) => ({
    headers: bearer(relay),
    body: {
      from: letter.from, to: letter.to, cc: some(letter.cc), bcc: some(letter.bcc), reply_to: some(letter.replyTo),
      subject: letter.subject ?? "", text: letter.text ?? undefined, html: letter.html ?? undefined, headers: letter.headers,
      attachments: some(letter.attachments.map((one) => ({
        filename: one.filename, content: one.content, content_type: one.type, content_id: one.contentId ?? undefined,
      }))),
    },
  }),
  postmark: (relay, letter) => ({
    headers: { "x-postmark-server-token": relay.token, accept: "application/json" },
    body: {
      From: letter.from, To: letter.to.join(", "), Cc: letter.cc.join(", ") || undefined, Bcc: letter.bcc.join(", ") || undefined,
      ReplyTo: letter.replyTo.join(", ") || undefined, Subject: letter.subject ?? "", TextBody: letter.text ?? undefined,
      HtmlBody: letter.html ?? undefined, Headers: Object.entries(letter.headers).map(([Name, Value]) => ({ Name, Value })),
      Attachments: letter.attachments.map((one) => ({
        Name: one.filename, Content: one.content, ContentType: one.type, ContentID: one.contentId ?? undefined,
      })),
    },
  }),
  sendgrid: (relay, letter) => {
    const content: { type: string; value: string }[] = [];
    if (letter.text !== null) content.push({ type: "text/plain", value: letter.text });
    if (letter.html !== null) content.push({ type: "text/html", value: letter.html });
    return {
      headers: bearer(relay),
      body: {
        personalizations: [{ to: letter.to.map(person), cc: some(letter.cc.map(person)), bcc: some(letter.bcc.map(person)) }],
        from: person(letter.from), reply_to_list: some(letter.replyTo.map(person)), subject: letter.subject ?? "", content,
        headers: letter.headers,
        attachments: some(letter.attachments.map((one) => ({
          content: one.content, filename: one.filename, type: one.type, disposition: one.disposition ?? "attachment",
          content_id: one.contentId ?? undefined,
        }))),
      },
    };
  },
  mailgun: (relay, letter) => {
    const body = new FormData();
    body.append("from", letter.from);
    for (const [key, list] of [["to", letter.to], ["cc", letter.cc], ["bcc", letter.bcc]] as const) {
      if (list.length > 0) body.append(key, list.join(", "));
    }
    if (letter.replyTo.length > 0) body.append("h:Reply-To", letter.replyTo.join(", "));
    body.append("subject", letter.subject ?? "");
    if (letter.text !== null) body.append("text", letter.text);
    if (letter.html !== null) body.append("html", letter.html);
    for (const [name, value] of Object.entries(letter.headers)) body.append(`h:${name}`, value);
    for (const one of letter.attachments) {
      const bytes = (Uint8Array as unknown as { fromBase64(text: string): Uint8Array<ArrayBuffer> }).fromBase64(one.content);
      body.append("attachment", new File([bytes], one.filename, { type: one.type }));
    }
    return { body, headers: { authorization: `Basic ${btoa(`api:${relay.token}`)}` } };
  },
};

function person(address: string): { email: string; name?: string } {
  const email = bareAddress(address);
  const name = address.includes("<") ? address.slice(0, address.lastIndexOf("<")).trim().replace(/^"(.*)"$/, "$1") : "";
  return name === "" ? { email } : { email, name };
}
