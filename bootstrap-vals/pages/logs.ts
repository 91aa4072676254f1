/** What a val did: its runs with their console lines, newest first. With scripts, what runs now comes on top. */

import type { Refusal } from "town:kernel";
import { html, type Html, type HtmlValue } from "../lib/html.ts";
import { HttpError, notFound, redirect } from "../lib/http.ts";
import { href } from "../lib/mount.ts";
import type { Route } from "../lib/router.ts";
import type { Town } from "../lib/town.ts";
import { mayChange } from "../model/access.ts";
import { listLogs, listRuns, readRun, type Line, type Run, type WholeRun } from "../model/runs.ts";
import { findVal, type Val } from "../model/vals.ts";
import { resend } from "../run/again.ts";
import { formAsker } from "./layout.ts";
import { bytes, empty, valPath } from "./pieces.ts";
import { valPage, visible, type ValParams } from "./val.ts";

const RUNS_SHOWN = 50;
const LINES_SHOWN = 1_000;

export const logRoutes: Route[] = [
  ["GET", "/@:username/:name/logs", list],
  ["GET", "/@:username/:name/logs/:run", show],
  ["POST", "/@:username/:name/logs/:run", again],
];

async function list(request: Request, params: ValParams, town: Town): Promise<Response> {
  const { val, asker } = await visible(request, params, town);
  if (!mayChange(asker, val)) throw notFound("Page");
  const query = new URLSearchParams(town.arrival.search);
  const before = query.get("before") ?? undefined;
  const search = query.get("search") || undefined;
  const outcome = query.get("outcome") === "failed" ? "failed" : undefined;
  const found = await listRuns(town, val.id, { limit: RUNS_SHOWN + 1, before, search, outcome });
  const runs = found.slice(0, RUNS_SHOWN);
  const lines = Map.groupBy(await listLogs(town, val.id, { limit: LINES_SHOWN }), (line) => line.run);
  const last = runs[runs.length - 1];
  // What is sought or older is what it is.
  const isLive = query.size === 0;
  return valPage(request, town, val, asker, "logs", {
    made: ["pages/logs.ts", ...(isLive ? ["editor/client/live.ts"] : [])],
    ...(isLive && { script: { name: "live.ts" } }),
    body: html`<h2 class="hidden-visually">Logs</h2><p id="news" class="hidden-visually" role="status" aria-live="polite"></p>
      <form class="line" method="get"><div><label for="search">Text in the address or error</label><input id="search" name="search" type="search" value="${search ?? ""}"></div>
        <div><label for="outcome">Outcome</label><select id="outcome" name="outcome"><option value="">any</option><option value="failed"${outcome === undefined ? null : html` selected`}>failed</option></select></div><button>Show</button><span class="ed-live soft small" hidden>connecting</span></form>
      ${runs.length === 0
        ? search !== undefined || outcome !== undefined ? empty("No run fits.") : empty("Nothing ran yet. Open the val's address, or run it from the editor.", { href: href(town.arrival, valPath(val, "code")), text: "Open the editor" })
        : null}
      <div class="runs"${isLive ? html` data-live="${val.id}" data-username="${val.username}" data-name="${val.name}" data-newest="${runs[0]?.startedAt ?? ""}"` : null}>${
        runs.map((run, index) => drawRun(town, val, run, (lines.get(run.id) ?? []).toReversed(), index === 0))}</div>
      ${found.length > RUNS_SHOWN && last ? html`<p><a class="button" href="?${new URLSearchParams({ before: last.position, search: search ?? "", outcome: outcome ?? "" }).toString()}">Older</a></p>` : null}`,
  });
}

async function show(request: Request, params: ValParams, town: Town): Promise<Response> {
  const { val, asker } = await visible(request, params, town);
  if (!mayChange(asker, val)) throw notFound("Page");
  const run = await readRun(town, val.id, params.run as string);
  if (run === undefined) throw notFound("Run");
  return valPage(request, town, val, asker, "logs", {
    title: `Run ${run.id} · @${val.username}/${val.name}`,
    made: ["pages/logs.ts"],
    body: html`<div class="row between"><h2>Run ${run.id}</h2>${run.type === "http" ? html`<form method="post"><button>Send again</button></form>` : null}</div>
      <div class="runs">${drawRun(town, val, run, run.logs, true)}</div>
      ${run.requestHeaders === null ? null : html`<h3>Request</h3>${drawHeaders(run.requestHeaders, "Request headers")}`}
      ${run.requestBody === null ? null : drawBody(run.requestBody)}
      ${run.responseHeaders === null ? null : html`<h3>Response</h3>${drawHeaders(run.responseHeaders, "Response headers")}`}
      ${run.responseBody === null ? null : drawBody(run.responseBody)}
      ${await drawRelations(town, run)}
      ${run.children.length === 0 ? null : html`<h3>What it caused</h3><div class="runs">${run.children.map((child) => drawRun(town, val, child, [], false))}</div>`}`,
  });
}

/** Of a run: who caused it, whom it called, and what it was to code of others. */
export async function drawRelations(town: Town, run: WholeRun): Promise<HtmlValue> {
  const { caller, called, libraries, refused } = run;
  const ids = [...called.map(({ valId }) => valId), ...(caller === null ? [] : [caller.valId])];
  const vals = new Map((await Promise.all(ids.map((id) => findVal(town, id)))).map((val) => [val?.id, val]));
  const nameOf = (id: string) => {
    const val = vals.get(id);
    return val === undefined ? html`a val that is gone` : html`<a href="${href(town.arrival, valPath(val))}">@${val.username}/${val.name}</a>`;
  };
  return html`${caller === null ? null : html`<p>Caused by <a href="${href(town.arrival, `/settings/evaluations/${caller.id}`)}">a run</a> of ${nameOf(caller.valId)}.</p>`}
    ${called.length === 0 ? null : html`<h3>Called as APIs</h3><ul>${called.map(({ valId, startedAt, durationMs }) =>
      html`<li>${nameOf(valId)} at <time datetime="${startedAt}">${startedAt.slice(11, 23)}</time>, ${durationMs} ms. Its run is its author's to see.</li>`)}</ul>`}
    ${libraries.length === 0 ? null : html`<h3>Ran without authority</h3><ul>${libraries.map((name) => html`<li class="mono">${name}</li>`)}</ul>`}
    ${refused.length === 0 ? null : html`<h3>Was refused</h3><ul>${refused.map(({ what, name, module }) => html`<li>${wordsOf(what, name)}${
      module === "" ? null : html` <span class="soft small">asked for by ${module}</span>`}</li>`)}</ul>`}`;
}

function wordsOf(what: Refusal["what"], name: string): string {
  switch (what) {
    case "env": return name === "*" ? "all environment variables" : `the environment variable ${name}`;
    case "file": return `the file ${name}`;
    case "kernel": return "storage and the loader";
    case "private": return `the private module ${name}`;
    case "trusted": return `authority for ${name}`;
    case "authority": return `to hand authority to ${name}`;
  }
}

/** Sends the recorded request to the newest version, and shows its run. */
async function again(request: Request, params: ValParams, town: Town): Promise<Response> {
  await formAsker(town, request);
  const { val, asker } = await visible(request, params, town);
  if (!mayChange(asker, val)) throw notFound("Page");
  const run = await readRun(town, val.id, params.run as string);
  if (run === undefined) throw notFound("Run");
  const answer = await resend(town, val, run).catch((error: Error & { outcome?: string }) => {
    // A run that fails is one of those the list shows.
    if (error.outcome === undefined) throw error;
    return null;
  });
  if (answer === undefined) throw new HttpError(422, "not_recorded", "Only requests that were recorded whole can be sent again");
  return redirect(href(town.arrival, valPath(val, "logs")));
}

function drawHeaders(headers: [name: string, value: string][], label: string): Html {
  return html`<div class="table"><table aria-label="${label}"><tbody>${headers.map(([name, value]) => html`<tr><th scope="row">${name}</th><td class="wide mono">${value}</td></tr>`)}</tbody></table></div>`;
}

function drawBody(body: NonNullable<WholeRun["requestBody"]>): Html {
  return html`<h4>Body <span class="soft small">${bytes(body.length)}${body.whole ? null : ", the beginning of it"}</span></h4>
    <pre tabindex="0">${body.text ?? "no text"}</pre>`;
}

function drawRun(town: Town, val: Val, run: Run, lines: Line[], open: boolean): Html {
  const failed = run.outcome !== "ok" || (run.status ?? 0) >= 500;
  return html`<details class="run${failed ? " failed" : ""}" data-run="${run.id}"${open ? html` open` : null}><summary>
    <time datetime="${run.startedAt}">${run.startedAt.slice(0, 19).replace("T", " ")}</time>
    <span class="badge ${failed ? "failed" : "http"}">${run.outcome === "ok" ? run.status ?? "ok" : run.outcome}</span>
    <span class="mono">${run.method ?? run.type} ${pathOf(run)}</span><span class="soft small">${run.durationMs} ms</span></summary>
    <div>${run.error === null ? null : html`<pre tabindex="0" role="region" aria-label="Error">${withLinks(town, val, run)}</pre>`}
    ${drawLines(lines)}${run.linesDropped > 0 ? html`<p class="soft small">${run.linesDropped} further lines were dropped.</p>` : null}
    <p class="soft small">Version ${run.version}, ${run.path}. CPU ${run.cpuMs.toFixed(1)} ms${
      run.memoryPeak > 0 ? `, memory ${bytes(run.memoryPeak)}` : null}. <a href="${href(town.arrival, valPath(val, `logs/${run.id}`))}">Details</a></p></div></details>`;
}

export function drawLines(lines: Line[]): HtmlValue {
  if (lines.length === 0) return html`<p class="soft small">Nothing was printed.</p>`;
  return html`<ol class="lines">${lines.map((line) => html`<li class="${line.level}"><time datetime="${line.at}">${line.at.slice(11, 23)}</time><span>${line.text}</span></li>`)}</ol>`;
}

function pathOf(run: Run): string {
  if (run.url === null || run.type !== "http") return run.path;
  const start = run.url.indexOf("/", run.url.indexOf("://") + 3);
  return start < 0 ? "/" : run.url.slice(start);
}

/** A stack whose places in the val's own files lead there. */
function withLinks(town: Town, val: Val, run: Run): HtmlValue {
  const text = run.error === null ? "" : run.error.stack || run.error.message;
  const place = new RegExp(`\\S*/v/${val.username}/${val.name}@\\d+-[^/]+/([^\\s:?()]+):(\\d+)(:\\d+)?`, "gi");
  const parts: HtmlValue[] = [];
  let end = 0;
  for (const match of text.matchAll(place)) {
    const [whole, path = "", line = ""] = match;
    const lead = whole.startsWith("(") ? "(" : "";
    parts.push(text.slice(end, match.index), lead, html`<a href="${href(town.arrival, valPath(val, `code/${path}#L${line}`))}">${path}:${line}${match[3]}</a>`);
    end = match.index + whole.length;
  }
  parts.push(text.slice(end));
  return parts;
}
