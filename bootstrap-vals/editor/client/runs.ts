/** Runs with their lines, the newest on top: a box for each, drawn as the news of it comes. */

import { make } from "./elements.ts";
import { exchange } from "./exchange.ts";
import type { Line, Run } from "./stream.ts";

const RUNS_KEPT_MAX = 100;
// What one run may print here; the page of its run has all.
const LINES_KEPT_MAX = 1_000;

export interface RunList {
  run(run: Run): void;
  line(line: Line): void;
  clear(): void;
}

interface Box {
  box: HTMLDetailsElement;
  head: HTMLElement;
  lines: HTMLElement;
  error: HTMLElement;
  more: HTMLElement;
}

export interface ListWish {
  /** The id is as the editor's routes know it. */
  val: { id: string; username: string; name: string };
  /** A place in a file of the val, as a link leads there. */
  link(path: string, line: string, text: string): HTMLElement;
  /** The first run is to come. */
  begun?(): void;
  /** When a run began, as it is written there. */
  time?(iso: string): string;
}

export function runList(list: HTMLElement, wish: ListWish): RunList {
  const { val, time = clock } = wish;
  const boxes = new Map<string, Box>();
  const boxOf = (id: string, at: string): Box => {
    const known = boxes.get(id) ?? drawn(list, id);
    if (known !== undefined) {
      boxes.set(id, known);
      return known;
    }
    wish.begun?.();
    const head = make("summary", {}, make("time", { datetime: at }, time(at)), " running");
    const lines = make("ol", { class: "lines" });
    const error = make("div", {});
    const more = make("div", { class: "small" });
    const box = make("details", { class: "run", open: true, "data-run": id }, head, make("div", {}, error, lines, more));
    for (const other of list.querySelectorAll<HTMLDetailsElement>("details.run[open]")) if (other.dataset.kept === undefined) other.open = false;
    // What somebody has touched stays as they left it when the next run comes.
    box.addEventListener("click", () => (box.dataset.kept = ""));
    list.prepend(box);
    const made = { box, head, lines, error, more };
    boxes.set(id, made);
    for (const [old, { box: oldBox }] of boxes) {
      if (boxes.size <= RUNS_KEPT_MAX) break;
      oldBox.remove();
      boxes.delete(old);
    }
    return made;
  };
  return {
    clear: () => (list.replaceChildren(), boxes.clear()),
    line(line) {
      const { lines } = boxOf(line.run, line.at);
      if (lines.childElementCount >= LINES_KEPT_MAX) lines.firstElementChild?.remove();
      lines.append(make("li", { class: line.level }, make("time", { datetime: line.at }, clock(line.at)), make("span", {}, line.text)));
    },
    run(run) {
      const { head, error, box, more } = boxOf(run.id, run.startedAt);
      const failed = hasFailed(run);
      box.classList.toggle("failed", failed);
      head.replaceChildren(
        make("time", { datetime: run.startedAt }, time(run.startedAt)),
        make("span", { class: `badge ${failed ? "failed" : "http"}` }, outcomeOf(run)), make("span", { class: "mono" }, titleOf(run)),
        make("span", { class: "soft" }, `${run.durationMs} ms · v${run.version}`));
      more.replaceChildren(exchange(val, run));
      if (run.error !== null) error.replaceChildren(make("pre", { tabindex: 0 }, ...linked(wish, run.error.stack || run.error.message)));
    },
  };
}

export function hasFailed(run: Run): boolean {
  return run.outcome !== "ok" || (run.status ?? 0) >= 500;
}

export function outcomeOf(run: Run): string {
  return run.outcome === "ok" ? String(run.status ?? "ok") : run.outcome;
}

export function titleOf(run: Run): string {
  if (run.url === null || run.type !== "http") return run.path;
  return `${run.method} ${URL.canParse(run.url) ? new URL(run.url).pathname + new URL(run.url).search : run.url}`;
}

/** One that the page came with. */
function drawn(list: HTMLElement, id: string): Box | undefined {
  const box = list.querySelector<HTMLDetailsElement>(`details[data-run="${CSS.escape(id)}"]`);
  const body = box?.querySelector<HTMLElement>("div");
  if (!box || !body) return undefined;
  let lines = body.querySelector<HTMLElement>("ol.lines");
  if (lines === null) body.prepend((lines = make("ol", { class: "lines" })));
  return { box, head: box.querySelector("summary") as HTMLElement, lines, error: body.insertBefore(make("div", {}), lines), more: body.appendChild(make("div", { class: "small" })) };
}

function clock(iso: string): string {
  return iso.slice(11, 23);
}

/** A stack whose places in this val's files lead there. */
function linked({ val, link }: ListWish, stack: string): (string | Node)[] {
  const place = new RegExp(`(\\(?)\\S*/v/${val.username}/${val.name}@\\d+-[^/]+/([^\\s:?()]+):(\\d+)(:\\d+)?`, "gi");
  const parts: (string | Node)[] = [];
  let end = 0;
  for (const match of stack.matchAll(place)) {
    const [whole, bracket = "", path = "", line = "", column = ""] = match;
    parts.push(stack.slice(end, match.index), bracket, link(path, line, `${path}:${line}${column}`));
    end = match.index + whole.length;
  }
  return [...parts, stack.slice(end)];
}
