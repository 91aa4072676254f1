/** The past of a val: what changed between two versions, how a file came to be, and bringing a version back. */

import { diffLines, type Hunk } from "../lib/diff.ts";
import { notFound } from "../lib/http.ts";
import { all, first } from "../lib/rows.ts";
import type { Town } from "../lib/town.ts";
import { addParents, readData, readTree, type Entry } from "./files.ts";
import type { Val } from "./vals.ts";
import { save, type Saved } from "./versions.ts";

export interface FileChange {
  change: "added" | "removed" | "modified" | "moved";
  /** Where it is in the newer version, or was in the older one. */
  path: string;
  /** Where it was, when it moved. */
  oldPath: string | null;
  type: string;
  /** Lines that changed; null where one side is no text, or is too large to compare. */
  hunks: Hunk[] | null;
}

// More than anyone reads; the rest of the files are named without their lines.
const CHARACTERS_MAX = 500_000;
const CHANGES_MAX = 300;

/** What is different in version `to` of a val on its branch, seen from version `from`. */
export async function diffVersions(town: Town, val: Val, from: number, to: number): Promise<FileChange[]> {
  const older = new Map([...(await readTree(town, val, from)).values()].map((entry) => [entry.file_id, entry]));
  const newer = await readTree(town, val, to);
  return diffTrees(town, older, [...newer.values()]);
}

/** What is different in `to`, a val on one of its branches, seen from `from`, another branch or the val it is a copy of. */
export async function diffVals(town: Town, from: Val, to: Val): Promise<FileChange[]> {
  const newer = [...(await readTree(town, to)).values()];
  // Files of another branch have ids of their own: there a path is what makes two the same.
  const ids = new Map(newer.map((entry) => [entry.path, entry.file_id]));
  const older = new Map([...(await readTree(town, from)).values()].map((entry) => [ids.get(entry.path) ?? entry.file_id, entry]));
  return diffTrees(town, older, newer);
}

async function diffTrees(town: Town, older: Map<string, Entry>, newer: Entry[]): Promise<FileChange[]> {
  const present = new Set(newer.map((entry) => entry.file_id));
  const pairs: [Entry | undefined, Entry | undefined][] = [
    ...newer.map((entry): [Entry | undefined, Entry] => [older.get(entry.file_id), entry]),
    ...[...older].filter(([id]) => !present.has(id)).map(([, entry]): [Entry, undefined] => [entry, undefined]),
  ];
  const changes: FileChange[] = [];
  let characters = 0;
  for (const [before, after] of pairs) {
    const entry = (after ?? before) as Entry;
    if (entry.type === "directory") continue;
    if (before?.hash === after?.hash && before?.path === after?.path && before?.type === after?.type) continue;
    characters += (before?.size ?? 0) + (after?.size ?? 0);
    const compare = characters <= CHARACTERS_MAX && changes.length < CHANGES_MAX;
    changes.push({
      change: before === undefined ? "added" : after === undefined ? "removed" : before.path === after.path ? "modified" : "moved",
      path: entry.path,
      oldPath: before !== undefined && before.path !== entry.path ? before.path : null,
      type: entry.type,
      hunks: compare ? await hunksOf(town, before, after) : null,
    });
  }
  return changes.sort((a, b) => (a.path < b.path ? -1 : 1));
}

async function hunksOf(town: Town, before: Entry | undefined, after: Entry | undefined): Promise<Hunk[] | null> {
  if (before?.hash === after?.hash) return [];
  const older = before?.hash ? await readData(town, before.hash) : "";
  const newer = after?.hash ? await readData(town, after.hash) : "";
  return typeof older === "string" && typeof newer === "string" ? diffLines(older, newer) : null;
}

export interface FileVersion {
  /** The version that wrote it so, or removed it. */
  version: number;
  path: string;
  type: string;
  size: number;
  removed: boolean;
  author: string | null;
  message: string | null;
  created_at: number;
}

/** The versions that changed a file, newest first, its former paths included. The file may be gone by now. */
export async function listFileVersions(
  town: Town,
  val: Val,
  path: string,
  wish: { offset: number; limit: number },
): Promise<FileVersion[]> {
  const at = { branch_id: val.branch_id, path };
  const file = await first<{ file_id: string }>(
    town.storage, "SELECT file_id FROM version_file WHERE branch_id = :branch_id AND path = :path ORDER BY since DESC LIMIT 1", at,
  );
  if (file === undefined) throw notFound("File");
  const rows = await all<Omit<FileVersion, "removed"> & { removed: number }>(
    town.storage,
    `SELECT h.version, h.path, h.type, h.size, h.removed, a.username AS author, w.message, w.created_at FROM (
       SELECT f.since AS version, f.path, f.type, f.size, 0 AS removed FROM version_file f
         WHERE f.file_id = :file_id AND f.branch_id = :branch_id
       UNION ALL
       SELECT f.until, f.path, f.type, 0, 1 FROM version_file f
         WHERE f.file_id = :file_id AND f.branch_id = :branch_id AND f.until IS NOT NULL AND NOT EXISTS (
           SELECT 1 FROM version_file n WHERE n.file_id = f.file_id AND n.since = f.until)
     ) h JOIN version w ON w.branch_id = :branch_id AND w.number = h.version LEFT JOIN account a ON a.id = w.author_id
     ORDER BY h.version DESC LIMIT :limit OFFSET :offset`,
    { branch_id: val.branch_id, file_id: file.file_id, ...wish },
  );
  return rows.map((row) => ({ ...row, removed: row.removed === 1 }));
}

/** Makes the files of an old version, or one of them, the newest again. What came after stays in the history. */
export async function restoreVersion(
  town: Town,
  val: Val,
  authorId: string,
  wish: { version: number; path?: string | undefined; expected?: number | undefined },
): Promise<Saved> {
  const { version, path, expected } = wish;
  if (version > val.version) throw notFound("Version");
  const old = await readTree(town, val, version);
  const wanted = path === undefined ? undefined : old.get(path);
  if (path !== undefined && (wanted === undefined || wanted.hash === null)) throw notFound("File");
  const message = path === undefined ? `Restored version ${version}` : `Restored ${path} of version ${version}`;
  return save(town, val, authorId, (tree) => {
    if (wanted === undefined) tree.clear();
    for (const entry of wanted === undefined ? old.values() : [wanted]) {
      const same = [...tree.values()].find((other) => other.file_id === entry.file_id);
      // One file is not in two places: what was moved since comes back to where it was.
      if (same !== undefined) tree.delete(same.path);
      addParents(tree, entry.path);
      tree.set(entry.path, { ...entry });
    }
  }, { expected, message });
}
