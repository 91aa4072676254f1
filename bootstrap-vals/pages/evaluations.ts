/** Every run that is an account's to see, over all its vals: what failed, where, and what was evaluated. */

import { html, type HtmlValue } from "../lib/html.ts";
import { notFound } from "../lib/http.ts";
import { href } from "../lib/mount.ts";
import type { Route } from "../lib/router.ts";
import type { Town } from "../lib/town.ts";
import { listEvaluations, positionAfter, positionOf, readEvaluation, type RunOfAccount } from "../model/evaluations.ts";
import { EVALUATION, type Run } from "../model/runs.ts";
import { findVal, type Val } from "../model/vals.ts";
import { requireSession } from "./layout.ts";
import { drawLines, drawRelations } from "./logs.ts";
import { empty, valPath } from "./pieces.ts";
import { settingsPage } from "./settings.ts";

const SHOWN = 50;

export const evaluationPages: Route[] = [
  ["GET", "/settings/evaluations", list],
  ["GET", "/settings/evaluations/:run", show],
];

async function list(request: Request, _params: unknown, town: Town): Promise<Response> {
  const asker = await requireSession(town, request);
  const query = new URLSearchParams(town.arrival.search);
  const failed = query.get("outcome") === "failed";
  const found = await listEvaluations(town, asker.id, { limit: SHOWN + 1, before: positionOf(query.get("before")), failed });
  const runs = found.slice(0, SHOWN);
  const vals = await valsOf(town, runs);
  const last = runs[runs.length - 1];
  return settingsPage(request, town, asker, "evaluations", "Evaluations", html`
    <p>What ran as you: your vals, whoever called them, and what you evaluated. A val of yours that somebody imports runs as them.</p>
    <form class="line" method="get"><div><label for="outcome">Outcome</label><select id="outcome" name="outcome"><option value="">any</option><option value="failed"${
      failed ? html` selected` : null}>failed</option></select></div><button>Show</button></form>
    ${runs.length === 0 ? empty(failed ? "No run failed." : "Nothing ran yet.") : html`<div class="table"><table><thead><tr><th>When</th><th>What</th><th>Outcome</th><th>Took</th></tr></thead>
      <tbody>${runs.map((run) => html`<tr><td><a href="${href(town.arrival, `/settings/evaluations/${run.id}`)}"><time datetime="${run.startedAt}">${run.startedAt.slice(0, 19).replace("T", " ")}</time></a></td>
        <td class="wide">${nameOf(town, run, vals.get(run.valId))}</td><td>${outcomeOf(run)}</td><td>${run.durationMs} ms</td></tr>`)}</tbody></table></div>`}
    ${found.length > SHOWN && last ? html`<p><a class="button" href="?${new URLSearchParams({ before: positionAfter(last), outcome: failed ? "failed" : "" }).toString()}">Older</a></p>` : null}`);
}

async function show(request: Request, params: { run?: string }, town: Town): Promise<Response> {
  const asker = await requireSession(town, request);
  const run = await readEvaluation(town, asker.id, params.run as string);
  if (run === undefined) throw notFound("Run");
  const vals = await valsOf(town, [run, ...run.children]);
  const val = vals.get(run.valId);
  return settingsPage(request, town, asker, "evaluations", `Run ${run.id}`, html`<h2>Run ${run.id}</h2>
    <p>${nameOf(town, run, val)} ${outcomeOf(run)} <time datetime="${run.startedAt}">${run.startedAt.slice(0, 19).replace("T", " ")}</time>, ${run.durationMs} ms.
      ${val === undefined ? null : html`<a href="${href(town.arrival, valPath(val, `logs/${run.id}`))}">In the val's log</a>`}</p>
    ${run.error === null ? null : html`<pre tabindex="0">${run.error.stack || run.error.message}</pre>`}
    ${drawLines(run.logs)}${await drawRelations(town, run)}
    ${run.children.length === 0 ? null : html`<h3>What it caused</h3><ul>${run.children.map((child) =>
      html`<li><a href="${href(town.arrival, `/settings/evaluations/${child.id}`)}">${child.id}</a> ${nameOf(town, child, vals.get(child.valId))} ${outcomeOf(child)}</li>`)}</ul>`}`);
}

async function valsOf(town: Town, runs: RunOfAccount[]): Promise<Map<string, Val | undefined>> {
  const ids = [...new Set(runs.map(({ valId }) => valId))];
  return new Map(await Promise.all(ids.map(async (id) => [id, await findVal(town, id)] as const)));
}

function nameOf(town: Town, run: Run, val: Val | undefined): HtmlValue {
  if (run.type === EVALUATION) return html`<code>${run.path}</code>`;
  if (val === undefined) return html`${run.path} <span class="soft">of a val that is gone</span>`;
  return html`<a href="${href(town.arrival, valPath(val))}">${val.name}</a> <span class="soft">${run.kind === "call" ? "called" : run.method ?? run.type} ${run.path}</span>`;
}

function outcomeOf(run: Run): HtmlValue {
  const failed = run.outcome !== "ok" || (run.status ?? 0) >= 500;
  return html`<span class="badge ${failed ? "failed" : "http"}">${failed ? "\u274c " : ""}${run.outcome === "ok" ? run.status ?? "ok" : run.outcome}</span>`;
}
