/** What a val does as it does it: server-sent events over the database of runs, which wakes whoever waits for a change. */

import { HttpError } from "../lib/http.ts";
import type { Town } from "../lib/town.ts";
import { latestPositions, listLogs, listRuns } from "../model/runs.ts";

// Each holds a request of the platform open, and each of its few isolates has so many for everybody.
const STREAMS_OF_ACCOUNT_MAX = 8;
const STREAMS_MAX = 64;
// A browser comes back by itself and says where it was; so tokens that were revoked end too.
const STREAM_MS_MAX = 10 * 60_000;
// Well below what the kernel allows between two chunks.
const PING_MS = 15_000;
// Changes of the database are those of every val; a look costs two queries.
const PAUSE_MS = 200;
const EVENTS_AT_ONCE = 200;

// Open streams of this isolate by account: nothing that outlives it.
const open = new Map<string, number>();

/** The events of a val from `last` on, the id of the last one that was seen, or from now on. */
export async function follow(town: Town, valId: string, accountId: string, last: string | undefined): Promise<Response> {
  const seen = /^(\d{1,16})\.(\d{1,16})$/.exec(last ?? "");
  let [runs, lines] = seen === null ? await latestPositions(town) : [seen[1] as string, seen[2] as string];
  take(accountId);
  const logs = town.storage.sub("logs");
  const endsAt = Date.now() + STREAM_MS_MAX;
  const encoder = new TextEncoder();
  let isOpen = true;
  let change: Promise<unknown> | undefined;
  const close = () => {
    if (isOpen) give(accountId);
    isOpen = false;
  };
  const look = async () => {
    const wish = { limit: EVENTS_AT_ONCE };
    const newLines = await listLogs(town, valId, { ...wish, after: lines });
    const newRuns = await listRuns(town, valId, { ...wish, after: runs });
    let text = "";
    const event = (name: string, data: unknown) => (text += `event: ${name}\nid: ${runs}.${lines}\ndata: ${JSON.stringify(data)}\n\n`);
    for (const line of newLines) {
      lines = line.position;
      event("log", line);
    }
    for (const run of newRuns) {
      runs = run.position;
      event("run", run);
    }
    return text;
  };
  const body = new ReadableStream<Uint8Array>({
    start(controller) {
      controller.enqueue(encoder.encode("retry: 2000\n\n"));
    },
    async pull(controller) {
      try {
        for (let pinged = Date.now(); isOpen;) {
          const { revision } = logs;
          const text = await look();
          if (text !== "") return controller.enqueue(encoder.encode(text));
          if (Date.now() > endsAt) {
            close();
            return controller.close();
          }
          change ??= logs.changed(revision).then(() => (change = undefined));
          await Promise.race([change, pause(PING_MS)]);
          if (Date.now() - pinged >= PING_MS) return controller.enqueue(encoder.encode(": still here\n\n"));
          await pause(PAUSE_MS);
        }
      } catch (error) {
        close();
        throw error;
      }
    },
    cancel: close,
  }, { highWaterMark: 1 });
  return new Response(body, { headers: { "content-type": "text/event-stream", "cache-control": "no-store", "x-accel-buffering": "no" } });
}

function take(accountId: string): void {
  const own = open.get(accountId) ?? 0;
  let all = 0;
  for (const count of open.values()) all += count;
  if (own >= STREAMS_OF_ACCOUNT_MAX || all >= STREAMS_MAX) {
    throw new HttpError(429, "too_many", "Too many streams are open", { "retry-after": "10" });
  }
  open.set(accountId, own + 1);
}

function give(accountId: string): void {
  const left = (open.get(accountId) ?? 1) - 1;
  if (left > 0) open.set(accountId, left);
  else open.delete(accountId);
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
