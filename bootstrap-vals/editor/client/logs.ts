/** What the val did, as it happens: a run with its lines, the newest on top. */

import { make } from "./elements.ts";
import { base } from "./page.ts";
import { get, type Session } from "./session.ts";

interface Run {
  id: string;
  position: string;
  startedAt: string;
  durationMs: number;
  cpuMs: number;
  outcome: string;
  type: string;
  method: string | null;
  url: string | null;
  status: number | null;
  version: number;
  path: string;
  error: { message: string; stack: string } | null;
}
interface Line {
  run: string;
  at: string;
  level: string;
  text: string;
  position: string;
}

const RUNS_KEPT_MAX = 100;
const RETRY_MS = 3_000;
const LEVELS = ["all", "warn", "error"];

/** Draws the panel and keeps it up to date while the page is looked at. */
export function drawLogs(session: Session, place: HTMLElement, go: (path: string, line: number) => void): void {
  const list = make("div", { class: "ed-runs", role: "log", "aria-live": "polite", "aria-label": "Runs", tabindex: 0 });
  const none = make("p", { class: "soft small ed-none" }, "Nothing ran yet. Run it, or open its address.");
  const level = make("select", { "aria-label": "Level", on: { change: () => (list.dataset.level = level.value) } }, ...LEVELS.map((name) => make("option", { value: name }, name)));
  const clear = make("button", { class: "small quiet", type: "button", on: { click: () => (list.replaceChildren(), runs.clear()) } }, "Clear");
  place.append(make("div", { class: "ed-panel-head" }, make("h2", {}, "Logs"), level, clear), list);
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
  const addLine = (line: Line) => boxOf(line.run, line.at).lines.append(
    make("li", { class: line.level }, make("time", { datetime: line.at }, clock(line.at)), make("span", {}, line.text)));
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
    if (run.error !== null) error.replaceChildren(make("pre", {}, ...linked(session, run.error.stack || run.error.message, go)));
  };
  void follow(session, addLine, addRun);
}

async function follow(session: Session, addLine: (line: Line) => void, addRun: (run: Run) => void): Promise<void> {
  let run: string | undefined;
  let line: string | undefined;
  for (;;) {
    await visible();
    try {
      const after = new URLSearchParams({ ...(run === undefined ? {} : { run }), ...(line === undefined ? {} : { line }) });
      const response = await get(`/-/editor/${session.val.id}/logs?${after}`);
      if (response.status === 401 || response.status === 404) return;
      if (!response.ok) throw new Error(String(response.status));
      const found = (await response.json()) as { runs: Run[]; lines: Line[] };
      // Lines come while a run is under way, its record when it has ended.
      for (const one of merged(found.runs, found.lines)) "level" in one ? addLine(one) : addRun(one);
      run = found.runs.at(-1)?.position ?? run ?? "0";
      line = found.lines.at(-1)?.position ?? line ?? "0";
    } catch {
      await new Promise((done) => setTimeout(done, RETRY_MS));
    }
  }
}

/** By time, so that runs stand in the order in which they began. */
function merged(runs: Run[], lines: Line[]): (Run | Line)[] {
  const timeOf = (one: Run | Line) => ("level" in one ? one.at : one.startedAt);
  return [...runs, ...lines].sort((a, b) => (timeOf(a) < timeOf(b) ? -1 : timeOf(a) > timeOf(b) ? 1 : 0));
}

function visible(): Promise<void> {
  if (document.visibilityState === "visible") return Promise.resolve();
  return new Promise((done) => document.addEventListener("visibilitychange", () => done(), { once: true }));
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
