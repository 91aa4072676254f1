/** The branches of a val: which there are, beginning one, what it changes beside the one it was begun from, merging the two. */

import { html, type HtmlValue } from "../lib/html.ts";
import { HttpError, notFound, readForm, redirect } from "../lib/http.ts";
import { href } from "../lib/mount.ts";
import type { Route } from "../lib/router.ts";
import type { Town } from "../lib/town.ts";
import { mayChange } from "../model/access.ts";
import type { Asker } from "../model/accounts.ts";
import { createBranch, deleteBranch, findBranch, listBranches, type Branch } from "../model/branches.ts";
import { mergeBranch, planMerge, type Plan } from "../model/merging.ts";
import { findValOnBranchNamed, type Val } from "../model/vals.ts";
import { fault, formAsker, orFault, time } from "./layout.ts";
import { plural } from "./pieces.ts";
import { branchPath, valPage, visibleOnBranch, type ValParams } from "./val.ts";

const LISTED_MAX = 100;

export const branchRoutes: Route[] = [
  ["GET", "/@:username/:name/branches", async (request, params, town) => {
    const { val, asker } = await visibleOnBranch(request, params, town);
    return page(request, town, val, asker);
  }],
  ["POST", "/@:username/:name/branches", change],
];

async function page(request: Request, town: Town, val: Val, asker: Asker | undefined, error?: HttpError): Promise<Response> {
  const branches = await listBranches(town, val, { offset: 0, limit: LISTED_MAX });
  const mine = mayChange(asker, val);
  const names = new Map(branches.map((branch) => [branch.id, branch.name]));
  const current = branches.find((branch) => branch.id === val.branch_id);
  return valPage(request, town, val, asker, "branches", {
    title: `Branches · @${val.username}/${val.name}`,
    status: error?.status ?? 200,
    made: ["pages/branches.ts"],
    body: html`${fault(error)}<h2 class="hidden-visually">Branches</h2>
      <ul class="list">${branches.map((branch) => item(town, val, branch, names))}</ul>
      ${current?.forked_branch_id && names.has(current.forked_branch_id) ? await merging(town, val, current, names.get(current.forked_branch_id) as string, mine) : null}
      ${mine ? html`<form class="line card" method="post"><div><label for="name">New branch of ${val.branch}</label>
        <input id="name" name="name" required maxlength="48" autocomplete="off" spellcheck="false" autocapitalize="none"></div>
        <button class="first" name="act" value="create">Begin</button></form>` : null}`,
  });
}

function item(town: Town, val: Val, branch: Branch, names: Map<string, string>): HtmlValue {
  const on = { ...val, branch: branch.name };
  const parent = names.get(branch.forked_branch_id ?? "");
  return html`<li><a class="title" href="${href(town.arrival, branchPath(on, "branches"))}"${branch.id === val.branch_id ? html` aria-current="page"` : null}>${branch.name}</a>
    ${parent === undefined ? null : html`<span class="soft small">of ${parent}</span>`}
    <span class="aside">v${branch.version} · ${time(branch.updated_at)} · <a href="${href(town.arrival, branchPath(on, "code"))}">Code</a></span></li>`;
}

async function merging(town: Town, val: Val, branch: Branch, parent: string, mine: boolean): Promise<HtmlValue> {
  const [up, down] = await Promise.all([planMerge(town, val, branch.id, "parent"), planMerge(town, val, branch.id, "branch")]);
  const clean = up.conflicts.length === 0;
  return html`<h2>${branch.name} and ${parent}</h2>
    <div class="columns"><div class="card"><h3>${plural(up.changes.length, "file")} to bring to ${parent}</h3>${changes(up)}
      ${!mine ? null : clean ? html`<form method="post"><p class="actions"><button class="first" name="act" value="parent"${
        up.changes.length === 0 ? html` disabled` : null}>Merge into ${parent}</button></p></form>`
        : html`<p class="hint">Both have changed the same: bring ${parent} here first, choose between the marks, and merge then.</p>`}</div>
    <div class="card"><h3>${plural(down.changes.length, "file")} to bring here</h3>${changes(down)}
      ${mine ? html`<form method="post"><p class="actions"><button name="act" value="branch"${
        down.changes.length === 0 ? html` disabled` : null}>Bring ${parent} into ${branch.name}</button></p></form>` : null}</div></div>
    ${mine ? html`<form method="post" data-confirm="Delete ${branch.name}?"><p class="actions"><button class="danger small" name="act" value="delete">Delete ${branch.name}</button></p></form>` : null}`;
}

function changes({ changes, conflicts }: Plan): HtmlValue {
  const places = new Map(conflicts.map((conflict) => [conflict.path, conflict.places]));
  const paths = [...new Set([...changes.map(({ path }) => path), ...places.keys()])];
  if (paths.length === 0) return html`<p class="soft small">Nothing.</p>`;
  return html`<ul class="files">${paths.map((path) => html`<li><span class="mono">${path}</span>
    <span class="badge">${changes.find((change) => change.path === path)?.change ?? "kept"}</span>
    ${places.has(path) ? html`<span class="badge failed">${places.get(path) === 0 ? "changed on both" : plural(places.get(path) as number, "conflict")}</span>` : null}</li>`)}</ul>`;
}

async function change(request: Request, params: ValParams, town: Town): Promise<Response> {
  await formAsker(town, request);
  const { val, asker } = await visibleOnBranch(request, params, town);
  if (asker === undefined || !mayChange(asker, val)) throw new HttpError(403, "forbidden", "Only the author of this val may do that");
  const form = await readForm(request);
  const act = form.get("act");
  return orFault(async () => {
    let shown = val;
    if (act === "create") shown = await createBranch(town, val, asker.id, form.get("name") ?? "");
    if (act === "parent" || act === "branch") await mergeBranch(town, val, val.branch_id, asker.id, act);
    if (act === "delete") {
      const branch = await findBranch(town, val, val.branch_id);
      if (branch === undefined) throw notFound("Branch");
      await deleteBranch(town, branch);
      shown = (await findValOnBranchNamed(town, val.id, "main")) as Val;
    }
    return redirect(href(town.arrival, branchPath(shown, "branches")));
  }, (error) => page(request, town, val, asker, error));
}
