/**
 * What an HTTP val answers: its page in a frame of the val's own origin, with an address bar, or the answer to a request of
 * any method with its headers. What a stranger wrote is loaded only when asked for.
 */

import { make, say } from "./elements.ts";
import { post, type Session } from "./session.ts";

const METHODS = ["GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS"];
// Forms, scripts and dialogs, nothing that reaches the window around it.
const SANDBOX = "allow-scripts allow-forms allow-modals allow-popups allow-downloads";

interface Answer {
  status: number;
  headers: [string, string][];
  body: string;
  truncated: boolean;
  ms: number;
}

export interface Preview {
  /** Loads or sends again, as after a save. */
  reload(): void;
  send(): void;
}

export function drawPreview(session: Session, place: HTMLElement): Preview {
  const endpoint = () => {
    const open = session.docs.get(session.open);
    return open?.endpoint != null ? open : [...session.docs.values()].find((doc) => doc.endpoint !== null);
  };
  const method = make("select", { "aria-label": "Method", class: "ed-method" }, ...METHODS.map((name) => make("option", {}, name)));
  const address = make("input", { "aria-label": "Path of the request", ".value": "/", spellcheck: "false", autocapitalize: "off" });
  const send = make("button", { class: "small", type: "submit" }, "Send");
  const outside = make("a", { class: "button small quiet", target: "_blank", rel: "noopener", title: "Open in a new tab" }, "Open");
  const headers = make("textarea", { "aria-label": "Request headers", placeholder: "content-type: application/json", rows: 2, spellcheck: "false", class: "mono" });
  const body = make("textarea", { "aria-label": "Request body", placeholder: "Body", rows: 4, spellcheck: "false", class: "mono" });
  const more = make("div", { class: "ed-request", hidden: true }, headers, body);
  const bar = make("form", { class: "ed-address" }, method, address, send, outside);
  const stage = make("div", { class: "ed-stage" });
  place.append(bar, more, stage);

  const url = () => {
    const base = endpoint()?.endpoint;
    return base == null ? undefined : base + (address.value.startsWith("/") ? address.value : `/${address.value}`);
  };
  const none = () => stage.replaceChildren(make("p", { class: "soft small ed-none" }, "No file of this val answers HTTP. Give one the type HTTP and save."));
  // Out of sight it asks for nothing; what it would have asked for it asks when it is seen.
  let isDue = false;
  const load = () => {
    isDue = place.hidden;
    if (isDue) return;
    const target = url();
    if (target === undefined) return none();
    outside.href = target;
    if (method.value !== "GET" || headers.value.trim() !== "") return void answer();
    const own = new URL(target).origin !== location.origin;
    // On an origin of its own a val may keep cookies and storage; on ours its answer is fenced off whatever this says.
    const frame = make("iframe", { title: "Preview", sandbox: own ? `${SANDBOX} allow-same-origin` : SANDBOX, src: target, referrerpolicy: "no-referrer" });
    stage.replaceChildren(frame);
  };
  const answer = async () => {
    const doc = endpoint();
    if (doc === undefined) return none();
    if (!session.val.mine) return say("Only its author sends requests from here. Open its address instead.", "bad");
    stage.replaceChildren(make("p", { class: "soft small ed-none" }, "Waiting for the answer"));
    const target = address.value.startsWith("/") ? address.value : `/${address.value}`;
    const response = await post(`/-/editor/${session.val.id}/request`, { file: doc.path, method: method.value, target, headers: headers.value, body: body.value });
    const got = await response.json();
    if (!response.ok) stage.replaceChildren(make("p", { class: "bad ed-none" }, String(got.message)));
    else drawAnswer(stage, got as Answer);
  };
  method.addEventListener("change", () => (more.hidden = method.value === "GET"));
  bar.addEventListener("submit", (event) => {
    event.preventDefault();
    load();
  });
  session.on("files", () => (outside.href = url() ?? ""));
  session.on("open", () => isDue && load());
  session.on("files", () => isDue && load());
  if (session.val.mine) load();
  else {
    stage.replaceChildren(make("div", { class: "ed-none" }, make("p", {}, `This runs what ${session.val.username} wrote, on an origin of its own.`),
      make("button", { type: "button", on: { click: load } }, "Show the preview")));
    outside.href = url() ?? "";
  }
  return { reload: load, send: load };
}

function drawAnswer(stage: HTMLElement, { status, headers, body, truncated, ms }: Answer): void {
  stage.replaceChildren(make("div", { class: "ed-answer", tabindex: 0, role: "region", "aria-label": "Answer" },
    make("p", {}, make("span", { class: `badge ${status >= 400 ? "failed" : "http"}` }, String(status)), " ", make("span", { class: "soft small" }, `${ms} ms`)),
    make("details", { class: "more" }, make("summary", {}, "Headers"), make("pre", {}, headers.map(([name, value]) => `${name}: ${value}`).join("\n"))),
    make("pre", {}, pretty(body)), truncated ? make("p", { class: "soft small" }, "Cut here; the address gives all of it.") : null));
}

function pretty(body: string): string {
  try {
    return JSON.stringify(JSON.parse(body), null, 2);
  } catch {
    return body;
  }
}
