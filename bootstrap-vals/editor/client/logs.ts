/** What the val did, as it happens: a run with its lines, the newest on top. */

import { make } from "./elements.ts";
import { base } from "./page.ts";
import { outcomeOf, runList, titleOf } from "./runs.ts";
import type { Session } from "./session.ts";
import { followVal } from "./stream.ts";

// Who listens is told so often at most, and no more than so much of a line.
const ANNOUNCED_MS = 2_000;
const ANNOUNCED_LENGTH_MAX = 120;
const LEVELS = ["all", "warn", "error"];

/** Draws the panel and keeps it up to date while the page is looked at. */
export function drawLogs(session: Session, place: HTMLElement, go: (path: string, line: number) => void): void {
  // What scrolls by is announced in short beside it rather than read out in full.
  const list = make("div", { class: "ed-runs", role: "log", "aria-live": "off", "aria-label": "Runs", tabindex: 0 });
  const spoken = make("p", { class: "hidden-visually", role: "status", "aria-live": "polite" });
  const live = make("span", { class: "ed-live soft small" }, "connecting");
  const announce = announcer(spoken);
  let isNews = false;
  const none = make("p", { class: "soft small ed-none" }, "Nothing ran yet. Run it, or open its address.");
  const runs = runList(list, {
    val: session.val, begun: () => none.remove(),
    link: (path, line, text) => make("a", { href: `#L${line}`, on: { click: (event: MouseEvent) => (event.preventDefault(), go(path, Number(line))) } }, text),
  });
  const level = make("select", { "aria-label": "Level", on: { change: () => (list.dataset.level = level.value) } }, ...LEVELS.map((name) => make("option", { value: name }, name)));
  const clear = make("button", { class: "small quiet", type: "button", on: { click: runs.clear } }, "Clear");
  place.append(make("div", { class: "ed-panel-head" }, make("h2", {}, "Logs"), live, level, clear), spoken, list);
  list.append(none);
  void followVal(session.val.id, base, {
    run(run) {
      runs.run(run);
      if (isNews) announce(`${titleOf(run)}: ${outcomeOf(run)}`);
    },
    line(line) {
      runs.line(line);
      if (isNews) announce(line.text);
    },
    begun: () => (isNews = true),
    live: (is) => showLive(live, is),
  });
}

export function showLive(place: HTMLElement, is: boolean): void {
  place.textContent = is ? "live" : "connecting";
  place.classList.toggle("on", is);
}

/** News for who cannot see the list: the newest of it, and how much else there is, in one short sentence at a time. */
export function announcer(place: HTMLElement): (text: string) => void {
  let newest = "";
  let more = 0;
  let timer = 0;
  const tell = () => {
    timer = 0;
    place.textContent = newest.slice(0, ANNOUNCED_LENGTH_MAX) + (more > 0 ? `, and ${more} more` : "");
    newest = "";
    more = 0;
  };
  return (text) => {
    if (newest !== "") more++;
    newest = text;
    if (timer === 0) timer = setTimeout(tell, ANNOUNCED_MS);
  };
}
