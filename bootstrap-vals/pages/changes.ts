/**
 * What the owner has changed of the platform, in one place: how it fares since, what differs from the image, what a newer
 * image has changed underneath, forks to try and to install, and the history with the way back.
 */

import { html, type Html } from "../lib/html.ts";
import { HttpError, notFound, readForm, redirect } from "../lib/http.ts";
import { href, SAFE_PREFIX, sitePrefix } from "../lib/mount.ts";
import type { Route } from "../lib/router.ts";
import { systemOf, type Town } from "../lib/town.ts";
import type { Asker } from "../model/accounts.ts";
import { fork, listForks } from "../model/forks.ts";
import {
  causeOf, changesBack, changesOf, imageText, install, lastInstall, movedOverrides, takeMerges, type Moved,
} from "../model/system.ts";
import { findTrial, listTrials, throwAway, tryOut, type Trial } from "../model/trials.ts";
import { findVal, type Val } from "../model/vals.ts";
import { fileShape } from "../api/shapes.ts";
import { countChanges, difference, drawDifference } from "./diff.ts";
import { fault, formAsker, pageOf, requireSession, time } from "./layout.ts";
import { plural, valPath } from "./pieces.ts";
import { CHANGES_PATH, fromWhere, isOwner, refusalOf, requireOwner, SYSTEM_PATH } from "./system.ts";

const HISTORY_LISTED_MAX = 50;

export const changesRoutes: Route[] = [
  ["GET", CHANGES_PATH, async (request, _params, town) => page(request, town, await requireSession(town, request), {})],
  ["POST", CHANGES_PATH, change],
];

interface Outcome {
  error?: HttpError | undefined;
  trial?: Trial | undefined;
}

async function page(request: Request, town: Town, asker: Asker, outcome: Outcome): Promise<Response> {
  const owns = isOwner(asker);
  const [forks, trials] = await Promise.all([listForks(town, asker.id), listTrials(town, asker.id)]);
  const to = (path: string) => href(town.arrival, path);
  return pageOf(request, town, {
    title: "Changes of the platform",
    asker,
    status: outcome.error?.status ?? 200,
    made: ["pages/changes.ts", "model/system.ts"],
    body: html`<div class="row between"><h1>Changes of the platform</h1><a class="button" href="${to(SYSTEM_PATH)}">System files</a></div>
      ${fault(outcome.error)}${outcome.trial === undefined ? null : announce(town, outcome.trial)}
      ${owns ? await ownersPart(town) : null}
      <h2>Forks</h2><p>A fork is a val of yours with files of the platform. Try it in a town that is thrown away after a day; the owner installs a version of it.${
        owns ? " Or try it on a copy of this town: accounts, vals and their data are in it, and neither passwords, tokens and variables nor records and mail. Its schedules and towns sleep, and it reaches nobody but itself." : null}</p>
      ${forks.length === 0 ? null : html`<ul class="list">${forks.map((val) => html`<li><a class="title" href="${to(valPath(val))}">${val.name}</a> <span class="soft">v${val.version}, ${plural(val.files, "file")}</span>
        <form class="aside row" method="post"><input type="hidden" name="val" value="${val.id}"><input type="hidden" name="version" value="${val.version}">
        <button class="small" name="act" value="try" aria-label="Try ${val.name}">Try it</button>${
          owns ? html`<button class="small" name="act" value="try-here" aria-label="Try ${val.name} on a copy of this town's data">Try on a copy</button><button class="small first" name="act" value="install" aria-label="Install ${val.name}">Install</button>` : null}</form></li>`)}</ul>`}
      <form method="post"><button name="act" value="fork">Fork everything</button></form>
      ${trials.length === 0 ? null : html`<h2>Trials</h2><ul class="list">${trials.map((trial) => html`<li><a class="title" href="${to(valPath(trial))}">${trial.name}</a>
        <span class="soft">version ${trial.version} of ${trial.of_name ?? "a deleted val"}${trial.snapshot === 1 ? ", on a copy of this town" : null}, until ${time(trial.expires_at)}</span>
        <form class="aside" method="post"><input type="hidden" name="trial" value="${trial.val_id}"><button class="small danger" name="act" value="discard" aria-label="Throw ${trial.name} away">Throw away</button></form></li>`)}</ul>`}`,
  });
}

function announce(town: Town, { val, tree, main, token }: Trial): Html {
  const url = fileShape(town.arrival, val, tree, main).links.endpoint as string;
  return html`<div class="notice" role="status"><p>The trial runs at <a href="${url}">${url}</a>. Sign in there by your name, with this token in place of a password; it is shown this once:</p>
    <code class="secret" tabindex="0">${token}</code></div>`;
}

async function ownersPart(town: Town): Promise<Html> {
  const system = systemOf(town);
  const [files, moved, past, { fares, stopped }] = await Promise.all([
    system.list(), movedOverrides(town), system.history({ limit: HISTORY_LISTED_MAX }), system.health(),
  ]);
  const changed = files.filter((file) => file.from !== "image");
  const differing = await Promise.all(changed.map(async ({ path, note }) => {
    const changes = difference((await imageText(system, path)) ?? "", String((await system.read(path))?.source ?? ""));
    const { added, removed } = countChanges(changes);
    return html`<details><summary><a href="${href(town.arrival, `${SYSTEM_PATH}/${path}`)}">${path}</a> <span class="soft small">+${added} −${removed}${fromWhere(town, causeOf(note))}</span></summary>
      ${drawDifference(changes, `Difference of ${path} to the image`)}</details>`;
  }));
  const safe = sitePrefix(town.arrival) + SAFE_PREFIX;
  return html`${stopped === null ? null : html`<div class="notice bad" role="alert"><p><b>The platform does not load with what overrides it.</b> You are in the image's own, which nothing overrides.</p><pre tabindex="0">${stopped.message}</pre>${undoForm}</div>`}
    ${fares?.failing ? html`<div class="notice bad" role="alert"><p><b>${fares.failures} of ${fares.requests} requests fail</b> since the platform was changed at ${time(fares.since)}.</p>${undoForm}</div>` : null}
    ${moved.length === 0 ? null : mergePart(town, moved)}
    <h2>Differences to the image</h2>${changed.length === 0 ? html`<p class="soft">None.</p>` : differing}
    <p class="hint">If a change ever breaks these pages, the image's own are at <a href="${safe}/@town/changes">${safe}/</a>.</p>
    ${past.length === 0 ? null : html`<h2>History</h2><ul class="list">${past.map(({ number, path, at, note, source }) => html`<li><a class="title" href="${href(town.arrival, `${SYSTEM_PATH}/${path}`)}">${path}</a>
      <span class="soft">${source === null ? "restored" : "overridden"} ${time(at)}${fromWhere(town, causeOf(note))}</span>
      <form class="aside row" method="post"><input type="hidden" name="before" value="${number}"><input type="hidden" name="path" value="${path}">
      <button class="small" name="act" value="back-one" aria-label="Bring back ${path} as it was before">This file as before</button>
      <button class="small" name="act" value="back" aria-label="Bring back all files as they were before ${path} was changed">All as before</button></form></li>`)}</ul>`}`;
}

const undoForm: Html = html`<form class="row" method="post"><button class="first" name="act" value="undo">Undo the last change</button><button class="danger" name="act" value="restore">Restore the whole image</button></form>`;

function mergePart(town: Town, moved: Moved[]): Html {
  return html`<h2>The image has moved on</h2><p>These were made from an older image than this binary's.</p>
    <ul class="list">${moved.map(({ path, conflicts, base }) => html`<li><a class="title" href="${href(town.arrival, `${SYSTEM_PATH}/${path}`)}?edit">${path}</a>
      <span class="soft">${base === null ? "what it was made from is not known" : conflicts === 0 ? "merges without a conflict" : `${plural(conflicts, "conflict")} to resolve`}</span></li>`)}</ul>
    ${moved.some(({ conflicts }) => conflicts === 0) ? html`<form method="post"><button class="first" name="act" value="merge">Take what merges</button></form>` : null}`;
}

async function change(request: Request, _params: unknown, town: Town): Promise<Response> {
  const asker = await formAsker(town, request);
  const form = await readForm(request);
  const act = form.get("act") ?? "";
  if (!["fork", "try", "discard"].includes(act)) requireOwner(asker);
  let trial: Trial | undefined;
  const error = await refusalOf(async () => {
    trial = await perform(town, asker, act, form);
  });
  if (error !== undefined || trial !== undefined) return page(request, town, asker, { error, trial });
  return redirect(href(town.arrival, CHANGES_PATH));
}

async function perform(town: Town, asker: Asker, act: string, form: URLSearchParams): Promise<Trial | undefined> {
  const by = asker.username;
  const before = Number(form.get("before"));
  if (act === "fork") await fork(town, asker, {});
  else if (act === "discard") await throwAway(town, await trialOf(town, asker, form.get("trial") ?? ""));
  else if (act === "merge") await takeMerges(town, by);
  else if (act === "back") await install(town, await changesBack(town, before), { by, act: "rollback" });
  else if (act === "back-one") await install(town, await changesBack(town, before, form.get("path") ?? ""), { by, act: "rollback" });
  else if (act === "undo") await install(town, await changesBack(town, (await lastInstall(town)) ?? 0), { by, act: "rollback" });
  else if (act === "restore") {
    const overridden = (await systemOf(town).list()).filter(({ from }) => from !== "image");
    await install(town, overridden.map(({ path }) => ({ path, source: null })), { by, act: "restore" });
  } else if (act === "try" || act === "try-here" || act === "install") {
    const val = await findVal(town, form.get("val") ?? "");
    if (val === undefined || val.owner_id !== asker.id) throw notFound("Val");
    const version = Number(form.get("version"));
    const changes = await changesOf(town, val, { version });
    const cause = { by, val: `${val.username}/${val.name}`, valId: val.id, version };
    if (act !== "install") return tryOut(town, asker, { of: val, version, changes, cause, snapshot: act === "try-here" });
    await install(town, changes, cause);
  }
  return undefined;
}

async function trialOf(town: Town, asker: Asker, id: string): Promise<Val> {
  const trial = await findTrial(town, id);
  const val = trial && (await findVal(town, trial.val_id));
  if (val === undefined || val.owner_id !== asker.id) throw notFound("Trial");
  return val;
}
