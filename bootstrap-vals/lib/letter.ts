/** A mail on its way to its handler, as the request by which the platform hands it over: raw, or taken apart as JSON. */

import { bareAddress, parseEmail, type Email } from "./mime.ts";

/** A mail that came or goes taken apart; contents of attachments are in base64. */
export interface Letter {
  from: string;
  to: string[];
  cc: string[];
  bcc: string[];
  subject: string | null;
  text: string | null;
  html: string | null;
  headers: Record<string, string>;
  attachments: LetterAttachment[];
}

export interface LetterAttachment {
  content: string;
  filename: string;
  type: string;
  disposition: string | null;
  contentId: string | null;
}

// The postman's word for whom a raw mail is to and from, when its own header does not say.
export const ENVELOPE_FROM = "x-envelope-from";
export const ENVELOPE_TO = "x-envelope-to";

/** What the handler is called with. */
export async function emailOf(request: Request): Promise<Email> {
  const isLetter = request.headers.get("content-type") === "application/json";
  const email = isLetter ? emailOfLetter((await request.json()) as Letter) : parseEmail(new Uint8Array(await request.arrayBuffer()));
  const from = request.headers.get(ENVELOPE_FROM);
  if (email.from === "" && from !== null) email.from = from;
  const to = request.headers.get(ENVELOPE_TO);
  if (email.to.length === 0 && to !== null) email.to = [to];
  return email;
}

/** What the platform writes down about it. */
export function summaryOf(email: Email): { from: string; subject: string | null } {
  return { from: bareAddress(email.from).slice(0, 320), subject: email.subject?.slice(0, 998) ?? null };
}

function emailOfLetter(letter: Letter): Email {
  const some = (list: string[]) => (list.length === 0 ? undefined : list);
  return {
    from: letter.from, to: letter.to, cc: some(letter.cc), bcc: some(letter.bcc), subject: letter.subject ?? undefined,
    text: letter.text ?? undefined, html: letter.html ?? undefined, headers: letter.headers,
    attachments: letter.attachments.map((one) => new File([bytesOf(one.content)], one.filename, { type: one.type })),
  };
}

function bytesOf(base64: string): Uint8Array<ArrayBuffer> {
  return (Uint8Array as unknown as { fromBase64(text: string): Uint8Array<ArrayBuffer> }).fromBase64(base64);
}
