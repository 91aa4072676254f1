/** Looks at a page by a schedule, and sends you a mail when it has changed. */

import { blob } from "https://esm.town/v/std/blob/main.ts";
import { email } from "https://esm.town/v/std/email";

const KEY = "seen";

interface Seen {
  digest: string;
  at: string;
}

export default async function (interval: { lastRunAt: Date | undefined }): Promise<void> {
  const address = Deno.env.get("WATCHED");
  if (address === undefined) {
    console.log("Say which page to look at: an environment variable WATCHED with its address");
    return;
  }
  const response = await fetch(address);
  if (!response.ok) throw new Error(`${address} answered ${response.status}`);
  const digest = await digestOf(await response.arrayBuffer());
  const seen = await blob.getJSON<Seen>(KEY);
  if (seen?.digest === digest) return;
  await blob.setJSON(KEY, { digest, at: new Date().toISOString() } satisfies Seen);
  if (seen === undefined) return;
  await email({ subject: `${address} has changed`, text: `${address} is another page than ${seen.at}. I looked last: ${interval.lastRunAt ?? "never"}` });
}

async function digestOf(bytes: ArrayBuffer): Promise<string> {
  const digest = new Uint8Array(await crypto.subtle.digest("SHA-256", bytes));
  return Array.from(digest, (byte) => byte.toString(16).padStart(2, "0")).join("");
}
