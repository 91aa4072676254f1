/** Beside the code, what belongs to the file in front: its page, its schedule, its mailbox, or its text as readers see it. */

import { make, say } from "./elements.ts";
import { base, copy } from "./page.ts";
import { post, setSchedule, type Doc, type Session } from "./session.ts";

// A pause in typing, after which a readme is drawn anew.
const DRAW_MS = 250;

export interface SideWish {
  session: Session;
  /** What an HTTP val answers; it stays where no other file says more. */
  preview: HTMLElement;
  place: HTMLElement;
  run(): void;
}

export function drawSide({ session, preview, place, run }: SideWish): void {
  const card = make("div", { class: "ed-card", hidden: true, tabindex: 0, role: "region", "aria-label": "About this file" });
  place.prepend(card);
  let timer = 0;
  let drawn = "";
  const draw = () => {
    const doc = session.docs.get(session.open);
    const isReadme = doc !== undefined && session.val.mine && /\.(md|markdown)$/i.test(doc.path);
    const hasCard = session.val.mine && (doc?.type === "interval" || doc?.type === "email");
    card.hidden = !isReadme && !hasCard;
    preview.hidden = !card.hidden;
    if (!isReadme) {
      // Drawn anew only where it says something else, so that what is typed into it stays.
      const said = doc === undefined || !hasCard ? "" : JSON.stringify([doc.path, doc.type, doc.id, doc.schedule, doc.email]);
      if (said !== drawn) card.replaceChildren(...(doc === undefined ? [] : aboutOf(session, doc, run)));
      drawn = said;
      return;
    }
    clearTimeout(timer);
    timer = setTimeout(() => void drawReadme(doc), drawn === doc.path ? DRAW_MS : 0);
  };
  const drawReadme = async ({ path, text }: Doc) => {
    const response = await post(`/-/editor/${session.val.id}/readme`, { text });
    if (!response.ok || session.open !== path) return;
    const article = make("article", { class: "readme" });
    // The town's own markup of it: what is markup in the text stays text.
    article.innerHTML = String(((await response.json()) as { html: string }).html);
    card.replaceChildren(article);
    drawn = path;
  };
  for (const event of ["files", "open", "text", "saved", "typed"] as const) session.on(event, draw);
  draw();
}

function aboutOf(session: Session, doc: Doc, run: () => void): HTMLElement[] {
  if (!session.val.mine) return [];
  if (doc.type === "interval") return scheduleOf(session, doc, run);
  return doc.type === "email" ? mailboxOf(doc, run) : [];
}

function act(text: string, run: () => void): HTMLElement {
  return make("button", { class: "first small", type: "button", on: { click: run } }, text);
}

function scheduleOf(session: Session, doc: Doc, run: () => void): HTMLElement[] {
  const { schedule } = doc;
  const text = make("input", { id: "schedule", ".value": schedule?.text ?? "", placeholder: "every 15 minutes, or 0 9 * * 1-5", required: true, spellcheck: "false", autocomplete: "off" });
  const zone = make("input", { id: "zone", ".value": schedule?.timeZone ?? "UTC", required: true, spellcheck: "false", autocomplete: "off" });
  const set = async (event: SubmitEvent) => {
    event.preventDefault();
    try {
      say(`${doc.path}: ${await setSchedule(session, doc.path, text.value, zone.value)}`);
    } catch (error) {
      say((error as Error).message, "bad");
    }
  };
  const form = doc.id === null ? make("p", { class: "soft" }, "Once it is saved it can have a schedule.")
    : make("form", { on: { submit: set } }, make("label", { for: "schedule" }, "Schedule"), text, make("label", { for: "zone" }, "Time zone"), zone,
      make("p", { class: "actions" }, make("button", { class: "small" }, schedule === null ? "Set" : "Change"),
        make("a", { class: "small", href: `${base}/@${session.val.username}/${session.val.name}/schedules` }, "All schedules")));
  const next = schedule === null || schedule.next.length === 0 ? [] : [make("h3", {}, "Next"), make("ol", { class: "plain-list" }, ...schedule.next.map((words) => make("li", {}, words)))];
  return [
    make("h2", {}, schedule === null ? "No schedule yet" : schedule.words), ...(schedule?.paused ? [make("p", {}, make("span", { class: "badge failed" }, "paused"))] : []),
    ...(schedule === null ? [make("p", { class: "soft" }, "It runs by hand alone.")] : []), ...next, make("p", { class: "actions" }, act("Run now", run)), form,
  ];
}

function mailboxOf({ email }: Doc, run: () => void): HTMLElement[] {
  if (email === null) return [make("h2", {}, "No address yet"), make("p", { class: "soft" }, "It has one once it is saved.")];
  return [make("h2", {}, "Mail to this file"), make("p", {}, make("code", { class: "secret" }, email)),
    make("p", { class: "actions" }, act("Send test mail", run),
      make("button", { class: "small", type: "button", on: { click: (event: MouseEvent) => void copy(email, event.currentTarget as HTMLElement) } }, "Copy address"))];
}
