/** Saving: a tree of files becomes the next version, all or nothing, with its module graph. */

import type { Statement } from "town:kernel";
import { HttpError, staleVersion } from "../lib/http.ts";
import { all, first, inGroups, isTaken } from "../lib/rows.ts";
import { noteSaved, type Town } from "../lib/town.ts";
import { analyse, analysisStatements, type Diagnostic } from "../modules/analysis.ts";
import { brokenCalls } from "../modules/callsites.ts";
import { closeOver } from "../modules/graph.ts";
import { checkTree, readTree, type Entry, type Tree } from "./files.ts";
import { referenceStatements } from "./references.ts";
import { indexFiles } from "./search.ts";
import { readSettings } from "./settings.ts";
import { findValOnBranch, type Val } from "./vals.ts";

export interface Version {
  number: number;
  author: string | null;
  message: string | null;
  created_at: number;
}

export interface Saved {
  val: Val;
  tree: Tree;
  diagnostics: Diagnostic[];
}

// Two saves at the same moment: the second one is made again upon the first. More in a row means somebody is looping.
const ATTEMPTS_MAX = 5;

/**
 * Applies `edit` to the newest version and stores the outcome as the next one; when nothing changed there is none.
 * With `always` there is one all the same. With `expected`, a val that is at another version is left alone: 412.
 */
export async function save(
  town: Town,
  val: Val,
  authorId: string,
  edit: (tree: Tree) => unknown,
  options: { expected?: number | undefined; message?: string | null; always?: boolean } = {},
): Promise<Saved> {
  for (let attempt = 0; attempt < ATTEMPTS_MAX; attempt++) {
    const current = await findValOnBranch(town, val.id, val.branch_id);
    if (current === undefined) throw new HttpError(404, "not_found", "Val not found");
    if (options.expected !== undefined && options.expected !== current.version) throw staleVersion(current.version, options.expected);
    const before = await readTree(town, current);
    const tree: Tree = new Map(before);
    await edit(tree);
    const version = { number: current.version + 1, authorId, message: options.message ?? null, now: Date.now() };
    const { statements, diagnostics, changed } = await stage(town, current, before, tree, version);
    if (!changed && !options.always) return { val: current, tree, diagnostics };
    try {
      await town.storage.batch(statements);
      noteSaved(town, current);
      return { val: { ...current, version: version.number, updated_at: version.now }, tree, diagnostics };
    } catch (error) {
      if (!isTaken(error)) throw error;
    }
  }
  throw new HttpError(409, "busy", "Others keep saving this val at the same time; try again");
}

/** The statements that store a tree as a version. The version's own row comes first: a number can be taken once. */
export async function stage(
  town: Town,
  val: Val,
  before: Tree,
  tree: Tree,
  version: { number: number; authorId: string; message: string | null; now: number },
): Promise<{ statements: Statement[]; diagnostics: Diagnostic[]; changed: boolean }> {
  const kept = new Map([...before.values()].map((entry) => [entry.file_id, entry]));
  const written = [...tree.values()].filter((entry) => !same(kept.get(entry.file_id), entry));
  if (written.length > 0) checkTree(tree, await readSettings(town));
  const present = new Set([...tree.values()].map((entry) => entry.file_id));
  const gone = [...kept.keys()].filter((id) => !present.has(id));
  await reviveIds(town, val, written.filter((entry) => !kept.has(entry.file_id)));
  for (const entry of written) entry.updated_at = version.now;

  const analyses = await analyse(town, [...tree.values()]);
  const { graph, diagnostics } = await closeOver(town, val, tree, analyses);
  for (const { use, ...diagnostic } of await brokenCalls(town, val, tree, analyses, graph)) diagnostics.push(diagnostic);
  const at = { branch_id: val.branch_id, number: version.number };
  const statements: Statement[] = [
    {
      sql: `INSERT INTO version (branch_id, number, author_id, message, created_at, graph, diagnostics)
            VALUES (:branch_id, :number, :author_id, :message, :now, :graph, :diagnostics)`,
      args: {
        ...at, author_id: version.authorId, message: version.message, now: version.now, graph: JSON.stringify(graph),
        diagnostics: JSON.stringify(diagnostics),
      },
    },
    {
      sql: `UPDATE version_file SET until = :number WHERE branch_id = :branch_id AND until IS NULL
            AND file_id IN (SELECT value FROM json_each(:ids))`,
      args: { ...at, ids: JSON.stringify([...gone, ...written.map((entry) => entry.file_id)]) },
    },
    ...inGroups(
      `INSERT INTO version_file (branch_id, file_id, path, type, dialect, hash, size, since, until, updated_at)
       SELECT :branch_id, value ->> 0, value ->> 1, value ->> 2, value ->> 3, value ->> 4, value ->> 5, :number, NULL, :now
       FROM json_each(:rows)`,
      written.map((entry) => [entry.file_id, entry.path, entry.type, entry.dialect, entry.hash, entry.size]),
      { ...at, now: version.now },
    ),
    { sql: "UPDATE branch SET version = :number, updated_at = :now WHERE id = :branch_id", args: { ...at, now: version.now } },
    ...contentStatements(written),
    ...analysisStatements([...analyses.values()].filter((analysis) => analysis.fresh)),
  ];
  if (val.branch === "main") {
    statements.push(...indexFiles(val.id, [...gone, ...written.map((entry) => entry.file_id)]));
    statements.push(...referenceStatements(val.id, version.number, graph));
  }
  return { statements, diagnostics, changed: written.length > 0 || gone.length > 0 };
}

export async function listVersions(town: Town, val: Val, wish: { offset: number; limit: number }): Promise<Version[]> {
  return all<Version>(
    town.storage,
    `SELECT w.number, a.username AS author, w.message, w.created_at FROM version w LEFT JOIN account a ON a.id = w.author_id
     WHERE w.branch_id = :branch_id ORDER BY w.number DESC LIMIT :limit OFFSET :offset`,
    { branch_id: val.branch_id, ...wish },
  );
}

/** What was wrong with a version when it was saved. */
export async function readDiagnostics(town: Town, val: Val, version = val.version): Promise<Diagnostic[]> {
  const row = await first<{ diagnostics: string }>(
    town.storage, "SELECT diagnostics FROM version WHERE branch_id = :branch_id AND number = :version",
    { branch_id: val.branch_id, version },
  );
  return row === undefined ? [] : JSON.parse(row.diagnostics);
}

function same(a: Entry | undefined, b: Entry): boolean {
  return a !== undefined && a.path === b.path && a.type === b.type && a.hash === b.hash;
}

/** A path that was deleted and comes back is the same file again: same id, same addresses. */
async function reviveIds(town: Town, val: Val, entries: Entry[]): Promise<void> {
  if (entries.length === 0) return;
  const rows = await all<{ path: string; file_id: string }>(
    town.storage,
    `SELECT f.path, f.file_id, max(f.since) AS since FROM json_each(:paths) j JOIN version_file f ON f.path = j.value
     WHERE f.branch_id = :branch_id AND NOT EXISTS (
       SELECT 1 FROM version_file n WHERE n.file_id = f.file_id AND n.until IS NULL)
     GROUP BY f.path`,
    { branch_id: val.branch_id, paths: JSON.stringify(entries.map((entry) => entry.path)) },
  );
  const old = new Map(rows.map((row) => [row.path, row.file_id]));
  const used = new Set<string>();
  for (const entry of entries) {
    const id = old.get(entry.path);
    // A file that was renamed before it was deleted is remembered by two paths; only one of them gets it back.
    if (id !== undefined && !used.has(id)) entry.file_id = id;
    used.add(entry.file_id);
  }
}

// A longer text is bound as it is, so that JSON's escapes cannot make it longer than a value may be.
const GROUPED_TEXT_LENGTH_MAX = 256 * 1024;

function contentStatements(entries: Entry[]): Statement[] {
  const texts = new Map<string, string | Uint8Array>();
  for (const { hash, text, bytes } of entries) {
    const data = text ?? bytes;
    if (hash !== null && data !== undefined) texts.set(hash, data);
  }
  const small = [...texts].filter(([, text]) =>
    typeof text === "string" && text.length <= GROUPED_TEXT_LENGTH_MAX && !text.includes("\0"));
  for (const [hash] of small) texts.delete(hash);
  return [
    ...inGroups("INSERT OR IGNORE INTO content (hash, text) SELECT value ->> 0, value ->> 1 FROM json_each(:rows)", small),
    ...[...texts].map(([hash, text]) => ({
      sql: "INSERT OR IGNORE INTO content (hash, text) VALUES (:hash, :text)", args: { hash, text },
    })),
  ];
}
