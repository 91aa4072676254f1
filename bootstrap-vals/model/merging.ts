/**
 * Merging a branch with the one that it was begun from, both ways, file by file and line by line. What neither side has
 * changed since they were last the same stays, what one has changed is taken; what both have changed differently is a
 * conflict: into the parent it is refused, into the branch it is written with marks for its author to choose.
 */

import { HttpError, notFound } from "../lib/http.ts";
import { hasMarks, merge } from "../lib/merge.ts";
import { first } from "../lib/rows.ts";
import type { Town } from "../lib/town.ts";
import { addFile, addParents, changeFile, readData, readTree, removeFile, type Entry, type Tree } from "./files.ts";
import { findValOnBranch, type Val } from "./vals.ts";
import { save, type Saved } from "./versions.ts";

/** `parent`: the branch's changes go to where it was begun; `branch`: what happened there comes to the branch. */
export type Direction = "parent" | "branch";

export interface Conflict {
  path: string;
  /** Both sides have changed the same lines in so many places; 0 where there are no lines to compare. */
  places: number;
}

/** What a merge would do, or has done. */
export interface Plan {
  /** Where the changes go to, and where they come from. */
  target: Val;
  source: Val;
  changes: { path: string; change: "added" | "removed" | "modified" }[];
  conflicts: Conflict[];
}

type Result = { entry: Entry } | { text: string; type: string } | "removed";

interface Work extends Plan {
  results: Map<string, Result>;
}

/** What merging would change, and what hinders it. */
export async function planMerge(town: Town, val: Val, branchId: string, into: Direction): Promise<Plan> {
  const { results: _, ...plan } = await work(town, val, branchId, into);
  return plan;
}

/** Merges, as the next version of the side that is merged into. */
export async function mergeBranch(
  town: Town,
  val: Val,
  branchId: string,
  authorId: string,
  into: Direction,
): Promise<{ plan: Plan; saved: Saved }> {
  const { results, ...plan } = await work(town, val, branchId, into);
  const { target, source, conflicts } = plan;
  if (into === "parent" && conflicts.length > 0) {
    const where = conflicts.map(({ path }) => path).join(", ");
    throw new HttpError(409, "conflict", `Both branches have changed ${where}: merge ${target.branch} into ${source.branch} first, and choose there`);
  }
  const saved = await save(town, target, authorId, (tree) => apply(tree, results), {
    expected: target.version, message: `Merged ${source.branch} at version ${source.version}`,
  });
  // What both have had in common from here on. Should this not be written, the next merge finds the same changes on both sides.
  await town.storage.execute({
    sql: "UPDATE branch SET base_branch_id = :base_id, base_version = :version WHERE id = :id",
    args: { id: branchId, base_id: source.branch_id, version: source.version },
  });
  return { plan, saved };
}

async function work(town: Town, val: Val, branchId: string, into: Direction): Promise<Work> {
  const row = await first<{ forked_branch_id: string | null; base_branch_id: string | null; base_version: number | null }>(
    town.storage, "SELECT forked_branch_id, base_branch_id, base_version FROM branch WHERE id = :id AND val_id = :val_id",
    { id: branchId, val_id: val.id },
  );
  const branch = row && (await findValOnBranch(town, val.id, branchId));
  if (branch === undefined) throw notFound("Branch");
  const parent = row?.forked_branch_id ? await findValOnBranch(town, val.id, row.forked_branch_id) : undefined;
  if (parent === undefined) throw new HttpError(409, "no_parent", `${branch.branch} was begun from no branch that is still there`);
  const [target, source] = into === "parent" ? [parent, branch] : [branch, parent];
  // They were the same when the branch was begun, or when one last took in the other.
  const at = [parent, branch].find((side) => side.branch_id === row?.base_branch_id) ?? branch;
  const base = await readTree(town, at, row?.base_version ?? 0);
  const [ours, theirs] = await Promise.all([readTree(town, target), readTree(town, source)]);
  const done: Work = { target, source, changes: [], conflicts: [], results: new Map() };
  for (const path of new Set([...base.keys(), ...ours.keys(), ...theirs.keys()])) {
    await mergePath(town, done, path, fileAt(base, path), fileAt(ours, path), fileAt(theirs, path));
  }
  done.changes.sort((a, b) => (a.path < b.path ? -1 : 1));
  return done;
}

function fileAt(tree: Tree, path: string): Entry | undefined {
  const entry = tree.get(path);
  return entry?.type === "directory" ? undefined : entry;
}

async function mergePath(
  town: Town,
  done: Work,
  path: string,
  base: Entry | undefined,
  ours: Entry | undefined,
  theirs: Entry | undefined,
): Promise<void> {
  if (same(ours, theirs) || same(base, theirs)) return;
  const take = (result: Result) => {
    done.results.set(path, result);
    done.changes.push({ path, change: result === "removed" ? "removed" : ours === undefined ? "added" : "modified" });
  };
  if (same(base, ours)) {
    // Marks that nobody has chosen between must not travel on.
    if (theirs !== undefined && (await isMarked(town, theirs))) done.conflicts.push({ path, places: 1 });
    return take(theirs === undefined ? "removed" : { entry: theirs });
  }
  if (ours === undefined || theirs === undefined) {
    // One has removed what the other has changed: what was changed is kept, for somebody to remove again.
    done.conflicts.push({ path, places: 0 });
    if (theirs !== undefined) take({ entry: theirs });
    return;
  }
  const type = base !== undefined && ours.type === base.type ? theirs.type : ours.type;
  const [before, mine, other] = await Promise.all([base, ours, theirs].map((entry) => (entry?.hash ? readData(town, entry.hash) : "")));
  if (typeof before !== "string" || typeof mine !== "string" || typeof other !== "string") {
    if (ours.hash !== theirs.hash) done.conflicts.push({ path, places: 0 });
    return;
  }
  const { text, conflicts } = merge(before, mine, other, [done.target.branch, done.source.branch]);
  if (conflicts > 0) done.conflicts.push({ path, places: conflicts });
  take({ text, type });
}

async function isMarked(town: Town, entry: Entry): Promise<boolean> {
  const data = entry.hash === null ? "" : await readData(town, entry.hash);
  return typeof data === "string" && hasMarks(data);
}

function same(a: Entry | undefined, b: Entry | undefined): boolean {
  return a?.hash === b?.hash && a?.type === b?.type;
}

async function apply(tree: Tree, results: Map<string, Result>): Promise<void> {
  for (const [path, result] of results) if (result === "removed") removeFile(tree, path, false);
  for (const [path, result] of results) {
    if (result === "removed") continue;
    const present = tree.get(path);
    if ("text" in result) {
      if (present === undefined) await addFile(tree, path, result.type, result.text);
      else await changeFile(tree, path, { content: result.text, type: result.type });
      continue;
    }
    addParents(tree, path);
    // The file of the side that is merged into stays the same file, with its addresses.
    tree.set(path, { ...result.entry, file_id: present?.file_id ?? crypto.randomUUID() });
  }
}
