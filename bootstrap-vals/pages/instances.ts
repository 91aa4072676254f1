/** Towns inside this one: made, watched, limited, suspended, copied and carried by whoever hosts them. */

import { endpointUrl } from "../api/shapes.ts";
import { randomSecret } from "../lib/crypto.ts";
import { html, type Html, type HtmlValue } from "../lib/html.ts";
import { HttpError, notFound, readForm, redirect } from "../lib/http.ts";
import { href } from "../lib/mount.ts";
import type { Route } from "../lib/router.ts";
import type { Town } from "../lib/town.ts";
import type { Asker } from "../model/accounts.ts";
import { copyTree } from "../model/branches.ts";
import { exportInstance, exportTown, settle } from "../model/carrying.ts";
import { deleteVal, KEPT_DAYS } from "../model/deletion.ts";
import { readTree, type Entry } from "../model/files.ts";
import { listForks } from "../model/forks.ts";
import {
  checkLimits, createInstance, findInstance, fromArchive, fromInstance, LIMIT_NAMES, limitInstance, listInstances, resume, suspend,
  usageOf, type Instance, type InstanceUsage,
} from "../model/instances.ts";
import { checkValName, entryOf } from "../model/names.ts";
import { fromFork } from "../model/seeding.ts";
import { findVal } from "../model/vals.ts";
import { endpointOfVal } from "../run/endpoint.ts";
import { askerBySession, fault, formAsker, orFault, pageOf, requireSession, time } from "./layout.ts";
import { newTown } from "./new.ts";
import { bytes, empty, plural, valPath } from "./pieces.ts";

const LISTED_MAX = 50;
// A form is read into memory; what is larger goes over the API, which reads it as a stream.
const UPLOAD_BYTES_MAX = 64 * 1024 * 1024;
const LIMIT_WORDS: Record<string, string> = {
  storageBytes: "Bytes of storage", memoryMb: "MiB of memory of an isolate", cpuMs: "ms of CPU of a run", deadlineMs: "ms until an answer",
  isolates: "Isolates of its program", requestsOpen: "Requests at a time", depth: "Levels of programs below it",
};

export const instancePageRoutes: Route[] = [
  ["GET", "/instances", async (request, _params, town) => {
    if ((await askerBySession(town, request)) === undefined) return redirect(href(town.arrival, "/signin?next=%2Finstances"));
    return list(request, town, await requireSession(town, request));
  }],
  ["POST", "/instances", importForm],
  ["POST", "/instances/of-fork", forkForm],
  ["POST", "/instances/export", async (request, _params, town) => {
    const asker = await formAsker(town, request);
    if (asker.role !== "owner") throw new HttpError(403, "forbidden", "Only the owner of this town may do that");
    return exportTown(town, (await readForm(request)).get("passphrase") || undefined);
  }],
  ["GET", "/instances/:instance", async (request, params, town) => {
    const asker = await requireSession(town, request);
    return show(request, town, asker, await hosted(town, asker, params.instance as string));
  }],
  ["POST", "/instances/:instance", change],
];

async function hosted(town: Town, asker: Asker, id: string): Promise<Instance> {
  const instance = await findInstance(town, id);
  if (instance === undefined || (instance.val.owner_id !== asker.id && asker.role !== "owner")) throw notFound("Town");
  return instance;
}

async function used(town: Town, instance: Instance): Promise<InstanceUsage> {
  return usageOf(town, instance, (await endpointOfVal(town, instance.val.id))?.programId);
}

async function list(request: Request, town: Town, asker: Asker, error?: HttpError): Promise<Response> {
  const { arrival } = town;
  const range = { limit: LISTED_MAX, offset: 0 };
  const instances = await listInstances(town, asker.role === "owner" ? range : { ...range, owner: asker.id });
  const forks = await listForks(town, asker.id);
  const usages = await Promise.all(instances.map((instance) => used(town, instance)));
  const row = (instance: Instance, index: number): Html => {
    const { val } = instance;
    const usage = usages[index] as InstanceUsage;
    return html`<tr><td class="wide"><a href="${href(arrival, `/instances/${val.id}`)}">${val.owner_id === asker.id ? null : `@${val.username}/`}${val.name}</a></td>
      <td>${state(instance)}</td><td>${bytes(usage.storageBytes)}</td><td>${usage.isolates}</td><td>${usage.runs}</td>
      <td>${usage.lastActivityAt === null ? "never" : time(usage.lastActivityAt)}</td></tr>`;
  };
  return pageOf(request, town, {
    title: "Towns inside",
    asker,
    status: error?.status ?? 200,
    width: "medium",
    made: ["pages/instances.ts"],
    body: html`<h1>Towns inside</h1>${fault(error)}
      ${instances.length === 0 ? empty("A town is a val with accounts, vals and data of its own.") : html`<div class="table"><table>
        <thead><tr><th scope="col">Town</th><th scope="col">State</th><th scope="col">Data</th><th scope="col">Isolates</th><th scope="col">Runs</th><th scope="col">Last active</th></tr></thead>
        <tbody>${instances.map(row)}</tbody></table></div>`}
      <p class="actions"><a class="button first" href="${href(arrival, "/new?template=town")}">New town</a></p>
      ${forks.length === 0 ? null : html`<form class="card" method="post" action="${href(arrival, "/instances/of-fork")}"><h2>Of a fork</h2>
        <p>A town that runs the platform as one of your forks changes it.</p>
        <label for="forked-name">Name</label><input id="forked-name" name="name" required maxlength="48" spellcheck="false" autocapitalize="none" autocomplete="off">
        <label for="fork">Fork</label><select id="fork" name="fork">${forks.map(({ id, name, version }) => html`<option value="${id}">${name}, version ${version}</option>`)}</select>
        <p class="actions"><button>Make it</button></p></form>`}
      <form class="card" method="post" enctype="multipart/form-data" action="${href(arrival, "/instances")}"><h2>From an archive</h2>
        <label for="name">Name</label><input id="name" name="name" required maxlength="48" spellcheck="false" autocapitalize="none" autocomplete="off">
        <label for="archive">Archive</label><input id="archive" name="archive" type="file" accept=".tar" required>
        <p class="hint">Up to ${bytes(UPLOAD_BYTES_MAX)} here; larger ones over the API, at /api/town/instances/import.</p>
        <label for="opens">Passphrase</label><input id="opens" name="passphrase" type="password" autocomplete="off">
        <p class="hint">Opens the secret in the archive. Without it environment variables stay sealed.</p>
        <label class="inline"><input type="checkbox" name="suspended" value="true"> <span>Suspended, so that its schedules do not run yet</span></label>
        <p class="actions"><button class="first">Import</button></p></form>
      ${asker.role === "owner" ? exportCard(href(arrival, "/instances/export"), "This town as an archive") : null}`,
  });
}

function state(instance: Instance): HtmlValue {
  return instance.suspended_at === null ? "serves" : html`<span class="bad">suspended</span> since ${time(instance.suspended_at)}`;
}

function exportCard(action: string, title: string): Html {
  return html`<form class="card" method="post" action="${action}"><h2>${title}</h2>
    <p>One file, as all of it is at one moment; everybody goes on meanwhile.</p>
    <label for="seals">Passphrase</label><input id="seals" name="passphrase" type="password" minlength="12" autocomplete="new-password">
    <p class="hint">Seals the secret that opens environment variables, and puts it into the archive. Without one it stays out of it.</p>
    <p class="actions"><button name="act" value="export">Export</button></p></form>`;
}

async function show(request: Request, town: Town, asker: Asker, instance: Instance, error?: HttpError): Promise<Response> {
  const { val, limits } = instance;
  const { arrival } = town;
  const usage = await used(town, instance);
  const isAuthor = val.owner_id === asker.id;
  const mayLimit = !instance.limited_by_owner || asker.role === "owner";
  const suspended = instance.suspended_at !== null;
  return pageOf(request, town, {
    title: `Town ${val.name}`,
    asker,
    status: error?.status ?? 200,
    width: "medium",
    made: ["pages/instances.ts"],
    body: html`<h1>${val.name}</h1>${fault(error)}
      <p><a href="${href(arrival, valPath(val))}">Its val</a> · <a href="${href(arrival, valPath(val, "logs"))}">Its requests and lines</a> · <a href="${href(arrival, "/instances")}">All towns inside</a></p>
      <dl class="facts"><div><dt>State</dt><dd>${state(instance)}</dd></div>
        <div><dt>Data</dt><dd>${bytes(usage.storageBytes)} of ${bytes(usage.storageBytesMax)}</dd></div>
        <div><dt>Now</dt><dd>${plural(usage.isolates, "isolate")}</dd></div>
        <div><dt>Since it started</dt><dd>${plural(usage.runs, "run")}, ${(usage.cpuMs / 1000).toFixed(1)} s of CPU, with all in it</dd></div>
        <div><dt>Last active</dt><dd>${usage.lastActivityAt === null ? "never" : time(usage.lastActivityAt)}</dd></div></dl>
      <form class="card" method="post"><h2>${suspended ? "Resume" : "Suspend"}</h2>
        <p>${suspended ? "Serves again, and gets the alarms that came meanwhile." : "Answers 503, and no schedule runs. Nothing is lost."}</p>
        <p class="actions"><button name="act" value="${suspended ? "resume" : "suspend"}">${suspended ? "Resume" : "Suspend"}</button></p></form>
      <form class="card" method="post"><h2>Limits</h2><p class="hint">What it may have at most, itself and all in it. Empty: as much as this town. It is told.</p>
        <div class="grid">${Object.entries(LIMIT_WORDS).map(([name, words]) => html`<div><label for="${name}">${words}</label>
          <input id="${name}" name="${name}" inputmode="numeric" pattern="[0-9]*" value="${String(limits[name as keyof typeof limits] ?? "")}"${mayLimit ? null : html` disabled`}></div>`)}</div>
        ${mayLimit ? html`<p class="actions"><button name="act" value="limit">Save</button></p>` : html`<p class="hint">The owner of this town has set them.</p>`}</form>
      ${isAuthor ? html`<form class="card" method="post"><h2>Clone</h2><p>A copy as it is now. The original goes on.</p>
        <label for="name">Name</label><input id="name" name="name" required maxlength="48" spellcheck="false" autocapitalize="none" autocomplete="off">
        <label class="inline"><input type="checkbox" name="suspended" value="true"> <span>Suspended, so that its schedules do not run twice</span></label>
        <p class="actions"><button name="act" value="clone">Clone</button></p></form>
        ${exportCard(href(arrival, `/instances/${val.id}`), "Export")}` : null}
      <form class="card" method="post" data-confirm="Delete ${val.name}?"><h2>Delete</h2><p>It stops answering. Its author may bring it back for ${KEPT_DAYS} days.</p>
        <p class="actions"><button class="danger" name="act" value="delete">Delete ${val.name}</button></p></form>`,
  });
}

async function change(request: Request, params: { instance?: string }, town: Town): Promise<Response> {
  const asker = await formAsker(town, request);
  const instance = await hosted(town, asker, params.instance as string);
  const { val } = instance;
  const form = await readForm(request);
  const act = form.get("act");
  return orFault(async () => {
    if ((act === "clone" || act === "export") && val.owner_id !== asker.id) throw new HttpError(403, "forbidden", "Only its author may do that");
    switch (act) {
      case "export":
        return exportInstance(town, val, form.get("passphrase") || undefined);
      case "suspend":
        await suspend(town, instance, (await endpointOfVal(town, val.id))?.programId);
        break;
      case "resume":
        await resume(town, val.id);
        break;
      case "limit":
        await limitInstance(town, instance, { ...instance.limits, ...limitsOf(form) }, asker.role === "owner" && val.owner_id !== asker.id);
        break;
      case "delete":
        await deleteVal(town, val);
        return redirect(href(town.arrival, "/instances"));
      case "clone": {
        const made = await createInstance(town, asker, {
          name: checkValName(form.get("name") ?? ""), privacy: val.privacy, description: val.description, remixedFrom: val.id,
          tree: copyTree(await readTree(town, val)), suspended: form.get("suspended") === "true",
          limits: instance.limited_by_owner ? instance.limits : {},
        }, fromInstance(town, val));
        await settle(town, made.val);
        return redirect(href(town.arrival, `/instances/${made.val.id}`));
      }
    }
    return redirect(href(town.arrival, `/instances/${val.id}`));
  }, (error) => show(request, town, asker, instance, error));
}

function limitsOf(form: URLSearchParams): Record<string, number | null> {
  const given = LIMIT_NAMES.filter((name) => form.has(name));
  return Object.fromEntries(given.map((name) => [name, form.get(name) === "" ? null : Number(form.get(name))]));
}

async function forkForm(request: Request, _params: unknown, town: Town): Promise<Response> {
  const asker = await formAsker(town, request);
  const form = await readForm(request);
  return orFault(async () => {
    const fork = await findVal(town, form.get("fork") ?? "");
    if (fork === undefined || fork.owner_id !== asker.id) throw notFound("Fork");
    const token = `town_${randomSecret()}`;
    const { val, tree } = await createInstance(town, asker, {
      name: checkValName(form.get("name") ?? ""), privacy: "public", description: null, env: { TOWN_OWNER: asker.username, TOWN_TOKEN: token },
    }, fromFork(town, fork, asker.username));
    return newTown(request, town, asker, valPath(val), endpointUrl(town.arrival, val, tree, entryOf(tree.values()) as Entry), token);
  }, (error) => list(request, town, asker, error));
}

async function importForm(request: Request, _params: unknown, town: Town): Promise<Response> {
  const asker = await formAsker(town, request);
  return orFault(async () => {
    if (Number(request.headers.get("content-length")) > UPLOAD_BYTES_MAX) {
      throw new HttpError(413, "too_large", "The archive is too large for a form: send it to /api/town/instances/import");
    }
    const form = await request.formData();
    const archive = form.get("archive");
    if (typeof archive === "string" || archive === null) throw new HttpError(400, "bad_request", "There is no archive");
    const carried = new Request(request.url, { method: "POST", body: archive });
    const passphrase = String(form.get("passphrase") ?? "") || undefined;
    const { val } = await createInstance(town, asker, {
      name: checkValName(String(form.get("name") ?? "")), privacy: "public", description: null, limits: checkLimits(null),
      suspended: form.get("suspended") === "true",
    }, fromArchive(town, carried, passphrase));
    await settle(town, val);
    return redirect(href(town.arrival, `/instances/${val.id}`));
  }, (error) => list(request, town, asker, error));
}
