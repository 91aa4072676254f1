/** What the val did, as it happens: a run with its lines, the newest on top. */

import { make } from "./elements.ts";
import { base } from "./page.ts";
import type { Session } from "./session.ts";
import { followVal, type Line, type Run } from "./stream.ts";

const RUNS_KEPT_MAX = 100;
// What one run may print here; the page of its run has all.
const LINES_KEPT_MAX = 1_000;
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
  const level = make("select", { "aria-label": "Level", on: { change: () => (list.dataset.level = level.value) } }, ...LEVELS.map((name) => make("option", { value: name }, name)));
  const clear = make("button", { class: "small quiet", type: "button", on: { click: () => (list.replaceChildren(), runs.clear()) } }, "Clear");
  place.append(make("div", { class: "ed-panel-head" }, make("h2", {}, "Logs"), live, level, clear), spoken, list);
  list.append(none);

  const runs = new Map<string, { box: HTMLDetailsElement; head: HTMLElement; lines: HTMLOListElement; error: HTMLElement; more: HTMLElement }>();
  const boxOf = (id: string, at: string) => {
    const known = runs.get(id);
    if (known !== undefined) return known;
    none.remove();
    const head = make("summary", {}, make("time", { datetime: at }, clock(at)), " running");
    const lines = make("ol", { class: "lines" });
    const error = make("div", {});
    const more = make("p", { class: "small" });
    const box = make("details", { class: "run", open: true }, head, make("div", {}, error, lines, more));
    for (const other of list.querySelectorAll<HTMLDetailsElement>("details[open]")) if (other.dataset.kept === undefined) other.open = false;
    head.addEventListener("click", () => (box.dataset.kept = ""));
    list.prepend(box);
    const made = { box, head, lines, error, more };
    runs.set(id, made);
    for (const [old, { box: oldBox }] of runs) {
      if (runs.size <= RUNS_KEPT_MAX) break;
      oldBox.remove();
      runs.delete(old);
    }
    return made;
  };
  const addLine = (line: Line) => {
    const { lines } = boxOf(line.run, line.at);
    if (lines.childElementCount >= LINES_KEPT_MAX) lines.firstElementChild?.remove();
    lines.append(make("li", { class: line.level }, make("time", { datetime: line.at }, clock(line.at)), make("span", {}, line.text)));
    if (isNews) announce(line.text);
  };
  const addRun = (run: Run) => {
    const { head, error, box, more } = boxOf(run.id, run.startedAt);
    const failed = run.outcome !== "ok" || (run.status ?? 0) >= 500;
    box.classList.toggle("failed", failed);
    head.replaceChildren(
      make("time", { datetime: run.startedAt }, clock(run.startedAt)),
      make("span", { class: `badge ${failed ? "failed" : "http"}` }, run.outcome === "ok" ? String(run.status ?? "ok") : run.outcome),
      make("span", { class: "mono" }, run.url === null || run.type !== "http" ? run.path : `${run.method} ${pathOf(run.url)}`),
      make("span", { class: "soft" }, `${run.durationMs} ms · v${run.version}`));
    more.replaceChildren(make("a", { href: `${base}/@${session.val.username}/${session.val.name}/logs/${run.id}` }, "Headers, body, send again"));
    if (isNews) announce(`${run.method ?? run.type} ${run.url === null ? run.path : pathOf(run.url)}: ${run.outcome === "ok" ? run.status ?? "ok" : run.outcome}`);
    if (run.error !== null) error.replaceChildren(make("pre", {}, ...linked(session, run.error.stack || run.error.message, go)));
  };
  void followVal(session.val.id, base, {
    run: addRun, line: addLine, begun: () => (isNews = true),
    live: (is) => {
      live.textContent = is ? "live" : "connecting";
      live.classList.toggle("on", is);
    },
  });
}

/** News for who cannot see the list: the newest of it, and how much else there is, in one short sentence at a time. */
function announcer(place: HTMLElement): (text: string) => void {
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

function clock(iso: string): string {
  return iso.slice(11, 23);
}

function pathOf(url: string): string {
  return URL.canParse(url) ? new URL(url).pathname + new URL(url).search : url;
}

/** A stack whose places in this val's files lead there. */
function linked(session: Session, stack: string, go: (path: string, line: number) => void): (string | Node)[] {
  const { username, name } = session.val;
  const place = new RegExp(`(\\(?)\\S*/v/${username}/${name}@\\d+-[^/]+/([^\\s:?()]+):(\\d+)(:\\d+)?`, "gi");
  const parts: (string | Node)[] = [];
  let end = 0;
  for (const match of stack.matchAll(place)) {
    const [whole, bracket = "", path = "", line = "", column = ""] = match;
    const link = make("a", { href: `#L${line}`, on: { click: (event: MouseEvent) => (event.preventDefault(), go(path, Number(line))) } }, `${path}:${line}${column}`);
    parts.push(stack.slice(end, match.index), bracket, link);
    end = match.index + whole.length;
  }
  return [...parts, stack.slice(end)];
}
