/** When a val's interval files run: as cron text, told back in words with the next times, and by hand. */

import { html, type Html } from "../lib/html.ts";
import { badRequest, HttpError, readForm, redirect } from "../lib/http.ts";
import { href } from "../lib/mount.ts";
import type { Route } from "../lib/router.ts";
import type { Town } from "../lib/town.ts";
import { listSchedules, removeSchedule, scheduleShape, setSchedule } from "../model/cron.ts";
import { readTree, type Entry } from "../model/files.ts";
import { runNow } from "../run/cron.ts";
import { fault, formAsker, orFault, time } from "./layout.ts";
import { empty, valPath } from "./pieces.ts";
import { own } from "./val-settings.ts";
import { valPage, type ValParams } from "./val.ts";

export const scheduleRoutes: Route[] = [
  ["GET", "/@:username/:name/schedules", (request, params, town) => page(request, params, town)],
  ["POST", "/@:username/:name/schedules", change],
];

async function page(request: Request, params: ValParams, town: Town, error?: HttpError): Promise<Response> {
  const { val, asker } = await own(request, params, town);
  const [tree, rows] = await Promise.all([readTree(town, val), listSchedules(town, { val_id: val.id })]);
  const schedules = new Map(rows.map((row) => [row.file_id, scheduleShape(row)]));
  const files = [...tree.values()].filter((entry) => entry.type === "interval");
  return valPage(request, town, val, asker, "schedules", {
    title: `Schedules · @${val.username}/${val.name}`,
    status: error?.status ?? 200,
    made: ["pages/schedules.ts"],
    body: html`${fault(error)}<h2 class="hidden-visually">Schedules</h2>${files.length === 0
      ? empty("No file of this val is of type Cron.", { href: href(town.arrival, valPath(val, "code")), text: "Open the code" })
      : files.map((entry) => card(town, valPath(val, `code/${entry.path}`), entry, schedules.get(entry.file_id)))}`,
  });
}

function card(town: Town, code: string, entry: Entry, schedule: ReturnType<typeof scheduleShape> | undefined): Html {
  const id = entry.file_id;
  return html`<section class="card" aria-labelledby="file-${id}"><div class="row between"><h2 id="file-${id}"><a href="${href(town.arrival, code)}">${entry.path}</a></h2>
      <form class="row" method="post"><input type="hidden" name="file" value="${id}"><button class="small" name="act" value="run">Run now</button>
      ${schedule === undefined ? null : html`<button class="small" name="act" value="${schedule.paused ? "resume" : "pause"}">${schedule.paused ? "Resume" : "Pause"}</button>
        <button class="small danger" name="act" value="remove">Remove</button>`}</form></div>
    ${schedule === undefined ? html`<p class="soft">No schedule: it runs by hand alone.</p>` : html`<p><b>${schedule.words}</b>${schedule.paused ? html` <span class="badge failed">paused</span>` : null}</p>
      ${schedule.lastError === null ? null : html`<pre tabindex="0">${schedule.lastError}</pre>`}
      <dl class="facts"><div><dt>Last run</dt><dd>${schedule.lastRunAt === null ? "never" : time(Date.parse(schedule.lastRunAt))}${
        schedule.lastOutcome === null ? null : html` <span class="badge ${schedule.lastOutcome === "ok" ? "http" : "failed"}">${schedule.lastOutcome}</span>`}</dd></div>
        <div><dt>Next</dt><dd>${schedule.next.length === 0 ? "none" : html`<ol class="plain-list">${schedule.next.map(({ at, words }) => html`<li><time datetime="${at}">${words}</time></li>`)}</ol>`}</dd></div></dl>`}
    <form class="line" method="post"><input type="hidden" name="file" value="${id}">
      <div><label for="text-${id}">Schedule</label><input id="text-${id}" name="text" required value="${schedule?.schedule ?? ""}" placeholder="every 15 minutes, or 0 9 * * 1-5" spellcheck="false" autocomplete="off"></div>
      <div><label for="zone-${id}">Time zone</label><input id="zone-${id}" name="zone" value="${schedule?.timeZone ?? "UTC"}" spellcheck="false" autocomplete="off"></div>
      <button class="first" name="act" value="set">Set</button></form></section>`;
}

async function change(request: Request, params: ValParams, town: Town): Promise<Response> {
  await formAsker(town, request);
  const { val } = await own(request, params, town);
  const form = await readForm(request);
  return orFault(async () => {
    const entry = [...(await readTree(town, val)).values()].find(({ file_id, type }) => file_id === form.get("file") && type === "interval");
    if (entry === undefined) throw badRequest("There is no such file of type Cron");
    const file = { file_id: entry.file_id, val_id: val.id, owner_id: val.owner_id };
    switch (form.get("act")) {
      case "set":
        await setSchedule(town, file, { text: form.get("text") ?? "", timeZone: form.get("zone") || "UTC" });
        break;
      case "pause":
      case "resume":
        await setSchedule(town, file, { paused: form.get("act") === "pause" });
        break;
      case "remove":
        await removeSchedule(town, entry.file_id);
        break;
      case "run":
        await runNow(town, entry.file_id);
        return redirect(href(town.arrival, valPath(val, "logs")));
    }
    return redirect(href(town.arrival, valPath(val, "schedules")));
  }, (error) => page(request, params, town, error));
}
