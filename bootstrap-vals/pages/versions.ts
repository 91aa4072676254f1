/** The versions of a val: the list, what changed between any two, and going back to one. */

import { html, type Html } from "../lib/html.ts";
import { HttpError, notFound, redirect } from "../lib/http.ts";
import { href } from "../lib/mount.ts";
import type { Route } from "../lib/router.ts";
import type { Town } from "../lib/town.ts";
import { mayChange } from "../model/access.ts";
import { readContent, readTree, type Entry } from "../model/files.ts";
import { restoreVersion } from "../model/history.ts";
import type { Val } from "../model/vals.ts";
import { listVersions } from "../model/versions.ts";
import { countChanges, difference, drawDifference } from "./diff.ts";
import { offsetOf } from "./home.ts";
import { formAsker, time } from "./layout.ts";
import { plural, typeBadge } from "./pieces.ts";
import { branchPath, valPage, visibleOnBranch, type ValParams } from "./val.ts";

const LISTED_MAX = 50;

export const versionRoutes: Route[] = [
  ["GET", "/@:username/:name/versions", list],
  ["GET", "/@:username/:name/versions/:number", show],
  ["POST", "/@:username/:name/versions/:number/restore", restore],
];

async function list(request: Request, params: ValParams, town: Town): Promise<Response> {
  const { val, asker } = await visibleOnBranch(request, params, town);
  const offset = offsetOf(town.arrival);
  const found = await listVersions(town, val, { offset, limit: LISTED_MAX + 1 });
  return valPage(request, town, val, asker, "versions", {
    made: ["pages/versions.ts"],
    body: html`<h2 class="hidden-visually">Versions</h2><ul class="list">${found.slice(0, LISTED_MAX).map((version) =>
      html`<li><a class="title" href="${href(town.arrival, branchPath(val, `versions/${version.number}`))}">Version ${version.number}</a>
        ${version.number === val.version ? html`<span class="badge http">newest</span>` : null}
        <span class="soft small">${version.author === null ? null : `@${version.author}`}</span><span class="aside">${time(version.created_at)}</span>
        ${version.message ? html`<span class="about">${version.message}</span>` : null}</li>`)}</ul>
      ${found.length > LISTED_MAX ? html`<p><a class="button" href="${href(town.arrival, branchPath(val, `versions?offset=${offset + LISTED_MAX}`))}">Older</a></p>` : null}`,
  });
}

async function show(request: Request, params: ValParams, town: Town): Promise<Response> {
  const { val, asker } = await visibleOnBranch(request, params, town);
  const number = numberOf(val, params.number);
  const query = new URLSearchParams(town.arrival.search);
  const against = query.get("against") ? numberOf(val, query.get("against") as string) : number - 1;
  const files = await changedFiles(town, val, against, number);
  return valPage(request, town, val, asker, "versions", {
    title: `Version ${number} · @${val.username}/${val.name}`,
    made: ["pages/versions.ts", "pages/diff.ts"],
    body: html`<div class="row between"><h2>Version ${number}${against < 0 ? null : html` <span class="soft">against ${against}</span>`}</h2>
      ${mayChange(asker, val) && number !== val.version ? html`<form method="post" action="${href(town.arrival, branchPath(val, `versions/${number}/restore`))}">
        <input type="hidden" name="version" value="${val.version}"><button>Restore this version</button></form>` : null}</div>
      <form class="line" method="get">${val.branch === "main" ? null : html`<input type="hidden" name="branch" value="${val.branch}">`}<div><label for="against">Compare with version</label>
        <input id="against" name="against" type="number" min="0" max="${val.version}" value="${against < 0 ? "" : against}"></div><button>Compare</button></form>
      <h3>${plural(files.length, "file")} changed</h3>${files}`,
  });
}

async function restore(request: Request, params: ValParams, town: Town): Promise<Response> {
  const asker = await formAsker(town, request);
  const { val } = await visibleOnBranch(request, params, town);
  if (!mayChange(asker, val)) throw new HttpError(403, "forbidden", "Only the author of this val may do that");
  const number = numberOf(val, params.number);
  await restoreVersion(town, val, asker.id, { version: number });
  return redirect(href(town.arrival, branchPath(val, "versions")));
}

function numberOf(val: Val, text: string | undefined): number {
  const number = /^\d{1,9}$/.test(text ?? "") ? Number(text) : NaN;
  if (!(number <= val.version)) throw notFound("Version");
  return number;
}

async function changedFiles(town: Town, val: Val, before: number, after: number): Promise<Html[]> {
  const old = before < 0 ? new Map<string, Entry>() : await readTree(town, val, before);
  const now = await readTree(town, val, after);
  const byId = new Map([...old.values()].map((entry) => [entry.file_id, entry]));
  const pairs: [Entry | undefined, Entry | undefined][] = [];
  for (const entry of now.values()) {
    const was = byId.get(entry.file_id) ?? old.get(entry.path);
    if (was !== undefined) byId.delete(was.file_id);
    if (was === undefined || was.hash !== entry.hash || was.path !== entry.path || was.type !== entry.type) pairs.push([was, entry]);
  }
  for (const gone of byId.values()) pairs.push([gone, undefined]);
  return Promise.all(pairs.filter(([was, is]) => (is ?? was)?.type !== "directory").map(([was, is]) => changedFile(town, was, is)));
}

async function changedFile(town: Town, was: Entry | undefined, is: Entry | undefined): Promise<Html> {
  const textOf = (entry: Entry | undefined) => (entry?.hash ? readContent(town, entry.hash) : Promise.resolve(""));
  const [before, after] = await Promise.all([textOf(was), textOf(is)]);
  const changes = difference(before, after);
  const { added, removed } = countChanges(changes);
  const path = (is ?? was)?.path as string;
  const state = was === undefined ? "added" : is === undefined ? "deleted" : was.path === is.path ? "" : `was ${was.path}`;
  return html`<h4 class="row"><span class="mono">${path}</span>${state === "" ? null : html`<span class="badge">${state}</span>`}
    ${was !== undefined && is !== undefined && was.type !== is.type ? html`${typeBadge(was.type)} → ${typeBadge(is.type)}` : null}
    <span class="soft small">+${added} −${removed}</span></h4>${drawDifference(changes, `Changes of ${path}`)}`;
}
