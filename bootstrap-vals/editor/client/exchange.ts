/** What a run was asked and what it answered, from the record of it: fetched when somebody opens it. */

import { make, say } from "./elements.ts";
import { base } from "./page.ts";
import { get, post } from "./session.ts";
import type { Run } from "./stream.ts";

type Headers = [name: string, value: string][];
interface Body {
  text?: string;
  length: number;
  whole: boolean;
}
interface Exchange {
  requestHeaders: Headers | null;
  requestBody: Body | null;
  responseHeaders: Headers | null;
  responseBody: Body | null;
}

/** A box that is filled when it is opened. */
export function exchange(val: { id: string; username: string; name: string }, run: Run): HTMLElement {
  const page = make("a", { href: `${base}/@${val.username}/${val.name}/logs/${run.id}` }, "Page of this run");
  if (run.type !== "http") return page;
  // The records are by val, whatever the branch.
  const address = `/api/town/vals/${val.id.replace(/@.*/, "")}/runs/${run.id}`;
  const place = make("div", { class: "ed-exchange" });
  const fill = async () => {
    const response = await get(address);
    const found = await response.json();
    if (!response.ok) return place.replaceChildren(make("p", { class: "bad" }, String(found.message)));
    place.replaceChildren(...drawn(found as Exchange), make("p", { class: "row" },
      make("button", { class: "small", type: "button", on: { click: () => void again(address) } }, "Send again"), page));
  };
  const box = make("details", { class: "more" }, make("summary", {}, "Request and answer"), place);
  box.addEventListener("toggle", () => box.open && place.childElementCount === 0 && void fill());
  return box;
}

async function again(address: string): Promise<void> {
  const response = await post(`${address}/resend`, {});
  const body = await response.json();
  if (response.ok) say(`Sent again: ${body.status}`);
  else say(String(body.message), "bad");
}

function drawn({ requestHeaders, requestBody, responseHeaders, responseBody }: Exchange): HTMLElement[] {
  return [...part("Request", requestHeaders, requestBody), ...part("Answer", responseHeaders, responseBody)];
}

function part(title: string, headers: Headers | null, body: Body | null): HTMLElement[] {
  if (headers === null && body === null) return [];
  const lines = (headers ?? []).map(([name, value]) => `${name}: ${value}`).join("\n");
  return [
    make("h4", {}, title), make("pre", { tabindex: 0, role: "region", "aria-label": `${title}, headers` }, lines === "" ? "no headers" : lines),
    ...(body === null ? [] : [make("pre", { tabindex: 0, role: "region", "aria-label": `${title}, body` }, `${body.text ?? "no text"}${body.whole ? "" : `\n… of ${body.length} bytes`}`)]),
  ];
}
