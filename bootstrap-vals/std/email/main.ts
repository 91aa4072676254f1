/** `std/email`: sends an email; without `to`, to the val's author. */

import { callApi } from "../../lib/api.ts";

export type EmailAddress = string | { name?: string; email: string };
export type EmailAddresses = EmailAddress | EmailAddress[];

export interface Attachment {
  /** Base64. */
  content: string;
  filename: string;
  type?: string;
  disposition?: "attachment" | "inline";
  contentId?: string;
}

export interface EmailOptions {
  from?: EmailAddress;
  to?: EmailAddresses;
  cc?: EmailAddresses;
  bcc?: EmailAddresses;
  replyTo?: EmailAddresses;
  subject?: string;
  text?: string;
  html?: string;
  attachments?: Attachment[];
  headers?: Record<string, string>;
}

export async function email(options: EmailOptions = {}): Promise<{ message: string }> {
  const { replyTo, ...message } = options;
  const body = JSON.stringify(replyTo === undefined ? message : { ...message, replyToList: replyTo });
  const response = await callApi("/v1/email", { method: "POST", headers: { "content-type": "application/json" }, body });
  return response.json();
}
export default email;
