/** Beside the code, what belongs to the file in front: its page, its schedule, its mailbox, or its text as readers see it. */

import { make } from "./elements.ts";
import { base, copy } from "./page.ts";
import { post, type Doc, type Session } from "./session.ts";

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
    const own = doc === undefined || isReadme ? [] : aboutOf(session, doc, run);
    card.hidden = !isReadme && own.length === 0;
    preview.hidden = !card.hidden;
    if (!isReadme) {
      drawn = "";
      return card.replaceChildren(...own);
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
  const page = `${base}/@${session.val.username}/${session.val.name}`;
  const act = (text: string) => make("button", { class: "first small", type: "button", on: { click: run } }, text);
  if (doc.type === "interval") {
    const { schedule } = doc;
    return [make("h2", {}, schedule === null ? "No schedule yet" : schedule.words), schedule?.paused ? make("p", {}, make("span", { class: "badge failed" }, "paused")) : null,
      schedule === null ? make("p", { class: "soft" }, "It runs by hand alone.") : null,
      schedule === null || schedule.next.length === 0 ? null : make("h3", {}, "Next"),
      schedule === null || schedule.next.length === 0 ? null : make("ol", { class: "plain-list" }, ...schedule.next.map((words) => make("li", {}, words))),
      make("p", { class: "actions" }, act("Run now"), make("a", { class: "button small", href: `${page}/schedules` }, schedule === null ? "Set a schedule" : "Change the schedule")),
    ].filter((part) => part !== null);
  }
  if (doc.type === "email") {
    const address = doc.email;
    if (address === null) return [make("h2", {}, "No address yet"), make("p", { class: "soft" }, "It has one once it is saved.")];
    return [make("h2", {}, "Mail to this file"), make("p", {}, make("code", { class: "secret" }, address)),
      make("p", { class: "actions" }, act("Send test mail"), make("button", { class: "small", type: "button", on: { click: (event: MouseEvent) => void copy(address, event.currentTarget as HTMLElement) } }, "Copy address"))];
  }
  return [];
}
