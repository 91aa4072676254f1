/** The files of a version as a tree: reading one, and the edits that make the next one out of it. */

import { sha256, uuid } from "../lib/crypto.ts";
import { badRequest, HttpError, notFound } from "../lib/http.ts";
import { all, first, type Arguments } from "../lib/rows.ts";
import type { Town } from "../lib/town.ts";
import { checkPath, checkType, dialectOf, type Dialect, type FileType } from "./names.ts";
import { MOST, type Settings } from "./settings.ts";
import { isStandard, standardContent, standardFile, standardTree } from "./standard.ts";
import type { Val } from "./vals.ts";

/** One file or folder of a version. `hash` is null for a folder. */
export interface Entry {
  file_id: string;
  path: string;
  type: FileType | "directory";
  dialect: Dialect | null;
  hash: string | null;
  size: number;
  updated_at: number;
  /** Given while it is new and not yet stored; `bytes` in its place where it is no UTF-8. */
  text?: string | undefined;
  bytes?: Uint8Array<ArrayBuffer> | undefined;
}
export type Tree = Map<string, Entry>;

const ENTRY = "f.file_id, f.path, f.type, f.dialect, f.hash, f.size, f.updated_at";

/** Every file of a version, by path. */
export async function readTree(town: Town, val: Val, version = val.version): Promise<Tree> {
  if (isStandard(val)) return standardTree(town, val);
  const { condition, args } = during(val, version);
  const rows = await all<Entry>(town.storage, `SELECT ${ENTRY} FROM version_file f WHERE ${condition} ORDER BY f.path`, args);
  return new Map(rows.map((row) => [row.path, row]));
}

/** One file of a version. */
export async function readEntry(town: Town, val: Val, path: string, version = val.version): Promise<Entry | undefined> {
  if (isStandard(val)) return (await standardTree(town, val)).get(path);
  const { condition, args } = during(val, version);
  const sql = `SELECT ${ENTRY} FROM version_file f WHERE f.path = :path AND ${condition}`;
  return first<Entry>(town.storage, sql, { ...args, path });
}

/** The path of a file and the branch it is in now, by the id it keeps through renames. */
export async function findFile(
  town: Town,
  fileId: string,
): Promise<{ val_id: string; branch_id: string; path: string } | undefined> {
  const found = await first<{ val_id: string; branch_id: string; path: string }>(
    town.storage,
    `SELECT b.val_id, f.branch_id, f.path FROM version_file f JOIN branch b ON b.id = f.branch_id
     WHERE f.file_id = :file_id AND f.until IS NULL`,
    { file_id: fileId },
  );
  return found ?? standardFile(town, fileId);
}

/** The text of a content; bytes that are no UTF-8 come with replacement characters. */
export async function readContent(town: Town, hash: string): Promise<string> {
  const data = await readData(town, hash);
  return typeof data === "string" ? data : new TextDecoder().decode(data);
}

/** A content as it was stored: a text, or the bytes of what is no UTF-8. */
export async function readData(town: Town, hash: string): Promise<Data> {
  const row = await first<{ text: Data }>(
    town.storage, "SELECT text FROM content WHERE hash = :hash", { hash },
  );
  const data = row?.text ?? (await standardContent(town, hash));
  if (data === undefined) throw notFound("Content");
  return data;
}

/** The rows `f` of a version. Those of the newest have an index to themselves. */
function during(val: Val, version: number): { condition: string; args: Arguments } {
  const args = { branch_id: val.branch_id };
  if (version === val.version) return { condition: "f.branch_id = :branch_id AND f.until IS NULL", args };
  const condition = "f.branch_id = :branch_id AND f.since <= :version AND (f.until IS NULL OR f.until > :version)";
  return { condition, args: { ...args, version } };
}

// ---- Edits: each changes the tree it is given, or throws ------------------------------------------

/** What a file may hold: a text, or bytes, which are a text too where they are UTF-8. */
export type Data = string | Uint8Array<ArrayBuffer>;

export async function addFile(tree: Tree, path: string, type: string, content: Data): Promise<Entry> {
  checkPath(path);
  if (tree.has(path)) throw new HttpError(409, "name_taken", `There already is ${path}`);
  addParents(tree, path);
  const entry = newEntry(path, checkType(type, path));
  tree.set(path, entry);
  await setData(entry, content);
  return checkBounds(tree, entry);
}

export function addDirectory(tree: Tree, path: string): Entry {
  checkPath(path);
  if (tree.has(path)) throw new HttpError(409, "name_taken", `There already is ${path}`);
  addParents(tree, path);
  const entry = newEntry(path, "directory");
  tree.set(path, entry);
  return checkBounds(tree, entry);
}

export interface FileChange {
  content?: Data | undefined;
  type?: string | undefined;
  /** Where it goes; what is in a folder goes with it. */
  path?: string | undefined;
}

export async function changeFile(tree: Tree, path: string, change: FileChange): Promise<Entry> {
  const present = tree.get(path);
  if (present === undefined) throw notFound("File");
  if (present.type === "directory" && (change.content !== undefined || change.type !== undefined)) {
    throw badRequest("A directory has neither content nor type");
  }
  const entry = change.path === undefined || change.path === path ? { ...present } : move(tree, path, change.path);
  tree.set(entry.path, entry);
  if (change.type !== undefined) entry.type = checkType(change.type, entry.path);
  else if (entry.type !== "directory") checkType(entry.type, entry.path);
  if (change.content !== undefined) await setData(entry, change.content);
  return checkBounds(tree, entry);
}

/** Removes a file, or a folder with what is in it when `recursive`. An empty path is the folder of everything. */
export function removeFile(tree: Tree, path: string, recursive: boolean): void {
  const present = tree.get(path);
  if (path !== "" && present === undefined) throw notFound("File");
  const inside = [...tree.keys()].filter((other) => path === "" || other.startsWith(`${path}/`));
  if (inside.length > 0 && !recursive) throw badRequest("The directory is not empty: say recursive=true to delete it");
  for (const other of inside) tree.delete(other);
  tree.delete(path);
}

function move(tree: Tree, from: string, to: string): Entry {
  checkPath(to);
  if (tree.has(to)) throw new HttpError(409, "name_taken", `There already is ${to}`);
  if (to.startsWith(`${from}/`)) throw badRequest("A directory cannot be moved into itself");
  addParents(tree, to);
  const moving = [...tree.values()].filter((entry) => entry.path === from || entry.path.startsWith(`${from}/`));
  for (const entry of moving) {
    tree.delete(entry.path);
    const path = checkPath(to + entry.path.slice(from.length));
    tree.set(path, { ...entry, path, dialect: entry.type === "directory" ? null : dialectOf(path) });
  }
  return tree.get(to) as Entry;
}

/** Makes the folders that a path is in. */
export function addParents(tree: Tree, path: string): void {
  for (let slash = path.indexOf("/"); slash > 0; slash = path.indexOf("/", slash + 1)) {
    const parent = path.slice(0, slash);
    const present = tree.get(parent);
    if (present === undefined) tree.set(parent, newEntry(parent, "directory"));
    else if (present.type !== "directory") throw new HttpError(409, "name_taken", `${parent} is a file, not a directory`);
  }
}

function newEntry(path: string, type: Entry["type"]): Entry {
  const dialect = type === "directory" ? null : dialectOf(path);
  return { file_id: uuid(), path, type, dialect, hash: null, size: 0, updated_at: 0 };
}

async function setData(entry: Entry, data: Data): Promise<void> {
  // A character is a byte or more: what is far too long is not even encoded.
  const tooLong = data.length > MOST.fileBytes;
  const bytes = tooLong ? undefined : typeof data === "string" ? new TextEncoder().encode(data) : data;
  if (bytes === undefined || bytes.length > MOST.fileBytes) throw tooLarge(`${entry.path} is larger than ${MOST.fileBytes} bytes`);
  const text = typeof data === "string" ? data : textOf(data);
  if (text === undefined && entry.dialect !== null) throw badRequest(`${entry.path} must be UTF-8 text`);
  entry.size = bytes.length;
  entry.hash = await sha256(bytes);
  entry.text = text;
  entry.bytes = text === undefined ? bytes : undefined;
}

/** The text that bytes are; undefined where they are none, or would come back as others. */
function textOf(bytes: Uint8Array<ArrayBuffer>): string | undefined {
  try {
    return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    return undefined;
  }
}

/** What is edited is in memory: an edit is refused that no setting would allow. */
function checkBounds(tree: Tree, entry: Entry): Entry {
  checkTree(tree, MOST);
  return entry;
}

/** Refuses a tree that is larger than the town allows. */
export function checkTree(tree: Tree, { fileBytes, valBytes, valFiles }: Pick<Settings, "fileBytes" | "valBytes" | "valFiles">): void {
  if (tree.size > valFiles) throw tooLarge(`A val may have ${valFiles} files`);
  let bytes = 0;
  for (const { path, size } of tree.values()) {
    if (size > fileBytes) throw tooLarge(`${path} is larger than ${fileBytes} bytes`);
    bytes += size;
  }
  if (bytes > valBytes) throw tooLarge(`The files have ${bytes} bytes; a val may have ${valBytes}`);
}

function tooLarge(message: string): HttpError {
  return new HttpError(413, "too_large", message);
}
