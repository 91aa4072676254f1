/**
 * What a val does, from the town to the page: first what it did last, then each run and line as it comes. A page that nobody
 * looks at lets go of its connection, of which a browser has few for one host.
 */

import { get } from "./session.ts";

export interface Run {
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

export interface Line {
  run: string;
  at: string;
  level: string;
  text: string;
  position: string;
}

export interface Listener {
  run(run: Run): void;
  line(line: Line): void;
  /** Whether what is shown is what is. */
  live(is: boolean): void;
  /** The first answer is there: what follows is news. */
  begun(): void;
}

const RETRY_MS = 2_000;
const RETRY_MS_MAX = 60_000;

/** Follows a val until it is gone, or no longer ours to look at. */
export async function followVal(id: string, base: string, listener: Listener): Promise<void> {
  let last: string | undefined;
  let wait = RETRY_MS;
  for (;;) {
    await seen();
    try {
      // Also after a stream that the town refused: a stream does not say why, this does.
      const response = await get(`/-/editor/${id}/logs`);
      if (response.status === 401 || response.status === 404) return listener.live(false);
      if (!response.ok) throw new Error(String(response.status));
      const found = (await response.json()) as { runs: Run[]; lines: Line[]; last: string };
      if (last === undefined) {
        for (const one of merged(found.runs, found.lines)) "level" in one ? listener.line(one) : listener.run(one);
        last = found.last;
        listener.begun();
      }
      const { until, opened } = await listen(`${base}/-/editor/${id}/stream?last=${last}`, last, listener);
      last = until;
      if (opened) wait = RETRY_MS;
    } catch {
      // The town is away, or has no room; the reason does not matter for what comes next.
    }
    listener.live(false);
    if (document.visibilityState === "hidden") continue;
    await new Promise((done) => setTimeout(done, wait));
    wait = Math.min(wait * 2, RETRY_MS_MAX);
  }
}

/** Until the town refuses, or the page is out of sight. The browser itself comes back after a break. */
function listen(address: string, from: string, listener: Listener): Promise<{ until: string; opened: boolean }> {
  return new Promise((done) => {
    const source = new EventSource(address);
    let until = from;
    let opened = false;
    const end = () => {
      source.close();
      document.removeEventListener("visibilitychange", look);
      done({ until, opened });
    };
    const look = () => document.visibilityState === "hidden" && end();
    const told = (tell: (data: string) => void) => (event: MessageEvent<string>) => {
      until = event.lastEventId || until;
      tell(event.data);
    };
    document.addEventListener("visibilitychange", look);
    source.addEventListener("open", () => {
      opened = true;
      listener.live(true);
    });
    source.addEventListener("run", told((data) => listener.run(JSON.parse(data) as Run)));
    source.addEventListener("log", told((data) => listener.line(JSON.parse(data) as Line)));
    source.addEventListener("error", () => {
      listener.live(false);
      if (source.readyState === EventSource.CLOSED) end();
    });
  });
}

/** By time, so that runs stand in the order in which they began. */
function merged(runs: Run[], lines: Line[]): (Run | Line)[] {
  const timeOf = (one: Run | Line) => ("level" in one ? one.at : one.startedAt);
  return [...runs, ...lines].sort((a, b) => (timeOf(a) < timeOf(b) ? -1 : timeOf(a) > timeOf(b) ? 1 : 0));
}

function seen(): Promise<void> {
  if (document.visibilityState === "visible") return Promise.resolve();
  return new Promise((done) => document.addEventListener("visibilitychange", () => done(), { once: true }));
}
