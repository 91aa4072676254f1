/**
 * Which file answers for a host or path. On the way of every HTTP request of a val, so what was looked up is kept for
 * as long as the database has not changed at all: the one state a module here holds, checked against the revision.
 */

import type { Isolate } from "town:kernel";
import type { State } from "../lib/at.ts";
import { first } from "../lib/rows.ts";
import type { Town } from "../lib/town.ts";
import { boot } from "../model/boot.ts";
import { ENTRY_ORDER, type FileType } from "../model/names.ts";
import { FORMER } from "../model/vals.ts";
import { MARK } from "../modules/at.ts";
import { programIdOf, programIdWith } from "./triggers.ts";

export interface Endpoint {
  val_id: string;
  username: string;
  name: string;
  owner_id: string;
  branch_id: string;
  branch: string;
  version: number;
  env_revision: number;
  file_id: string;
  path: string;
  type: FileType;
  exports: string[];
  isolation: "shared" | "request";
  /** It is called as an API: lib/called.ts stands before it. */
  isCalled?: boolean;
  /** What data vals are that its program is to begin with. */
  state?: State;
  /** Its main file is the platform's own, or it was made to be a town. */
  is_town: 0 | 1;
  /** Its host has suspended it. */
  suspended_at?: number | null;
  /** What its host grants it at most, as JSON. */
  limits?: string | null;
  /** What the loader knows its program by: everything that could make it another program. */
  programId: string;
  /** The storage revision that all of this was read by, or an older one. */
  revision: number;
  /** First part of its host. */
  label: string;
  /** Its isolates, once they were asked for. */
  isolate?: Isolate;
}

// A visitor may ask for any number of names that do not exist.
const ENDPOINTS_KEPT_MAX = 5_000;
// What DNS allows a label.
const LABEL_LENGTH_MAX = 63;

const kept = { revision: -1, endpoints: new Map<string, Endpoint | null>() };

const COLUMNS = `v.id AS val_id, a.username, v.name, v.owner_id, b.id AS branch_id, b.name AS branch, b.version, v.env_revision,
  f.file_id, f.path, f.type, n.exports, n.isolation, i.val_id IS NOT NULL OR coalesce(instr(n.imports, '"town:system/main.ts"') > 0, 0) AS is_town,
  i.suspended_at, i.limits`;
const ANALYSIS = "LEFT JOIN analysis n ON n.hash = f.hash AND n.dialect = f.dialect LEFT JOIN instance i ON i.val_id = v.id";
const ENDPOINT = `SELECT ${COLUMNS} FROM val v JOIN account a ON a.id = v.owner_id JOIN branch b ON b.id = v.branch_id
  JOIN version_file f ON f.branch_id = b.id AND f.until IS NULL AND f.type = 'http' ${ANALYSIS}`;
// Also on another branch than main: there every file has an id of its own.
const FILE = `SELECT ${COLUMNS} FROM version_file f JOIN branch b ON b.id = f.branch_id JOIN val v ON v.id = b.val_id
  JOIN account a ON a.id = v.owner_id ${ANALYSIS} WHERE f.file_id = :file_id AND f.until IS NULL AND f.type = :type`;

/** The endpoint of a host's label. */
export async function endpointOfLabel(town: Town, label: string): Promise<Endpoint | undefined> {
  const parting = label.indexOf("--");
  if (parting <= 0) return undefined;
  return endpointOf(town, label.slice(0, parting), label.slice(parting + 2));
}

/** The endpoint of a host's label, if that is known without asking. */
export function keptEndpointOfLabel(town: Town, label: string): Endpoint | undefined {
  const parting = label.indexOf("--");
  return parting <= 0 ? undefined : keptEndpoint(town, label.slice(0, parting), label.slice(parting + 2));
}

/** The endpoint of a val by its author and name, if that is known without asking. */
export function keptEndpoint(town: Town, username: string, name: string): Endpoint | undefined {
  if (town.storage.revision !== kept.revision) return undefined;
  return kept.endpoints.get(`${username}/${name}`) ?? undefined;
}

/** The endpoint of a val by its author and name, or of one of its further HTTP files by that file's id without dashes. */
export async function endpointOf(town: Town, username: string, name: string): Promise<Endpoint | undefined> {
  const { revision } = town.storage;
  const key = `${username}/${name}`;
  if (revision === kept.revision && kept.endpoints.has(key)) return kept.endpoints.get(key) ?? undefined;
  await boot(town);
  const endpoint = await find(town, username, name);
  if (kept.revision !== revision || kept.endpoints.size >= ENDPOINTS_KEPT_MAX) kept.endpoints.clear();
  // The revision of before the query: a commit in between makes this entry too old, never too young.
  kept.revision = revision;
  kept.endpoints.set(key, endpoint ?? null);
  return endpoint;
}

/** The endpoint of a val, for what reaches it by other ways than HTTP. */
export async function endpointOfVal(town: Town, valId: string): Promise<Endpoint | undefined> {
  return read(town, `${ENDPOINT} WHERE v.id = :val_id ORDER BY ${ENTRY_ORDER} LIMIT 1`, { val_id: valId });
}

/** A file by its id, where it is of that type. */
export async function endpointOfFile(town: Town, fileId: string, type: FileType): Promise<Endpoint | undefined> {
  return read(town, FILE, { file_id: fileId, type }, false);
}

/** The first file of that type of a val by its author and name. */
export async function endpointOfNamed(town: Town, username: string, name: string, type: FileType): Promise<Endpoint | undefined> {
  const found = ENDPOINT.replace("'http'", ":type");
  const args = { username, name, type };
  return (await read(town, `${found} WHERE a.username = :username AND v.name = :name ORDER BY ${ENTRY_ORDER} LIMIT 1`, args)) ??
    read(town, `${found} WHERE v.id = (${FORMER}) ORDER BY ${ENTRY_ORDER} LIMIT 1`, args);
}

/** The main file of a val, to be called as an API. */
export async function endpointToCall(town: Town, username: string, name: string): Promise<Endpoint | undefined> {
  const code = ENDPOINT.replace("AND f.type = 'http'", "").replace("LEFT JOIN analysis", "JOIN analysis");
  const found = (await read(town, `${code} WHERE a.username = :username AND v.name = :name ORDER BY ${ENTRY_ORDER} LIMIT 1`, { username, name })) ??
    (await read(town, `${code} WHERE v.id = (${FORMER}) ORDER BY ${ENTRY_ORDER} LIMIT 1`, { username, name }));
  if (found === undefined) return undefined;
  // What such a val assigns to is noted in its process, so no other run may be there.
  const isolation = found.exports.includes(MARK) ? "request" : found.isolation;
  return { ...found, isCalled: true, isolation, programId: programIdWith(found.programId, "called=1") };
}

/** The host label of an HTTP file: the val's name for its first one, the file's id for others and where names are long. */
export function labelOf(val: { username: string; name: string }, fileId: string, isFirst: boolean): string {
  const named = `${val.username}--${val.name}`.toLowerCase();
  if (isFirst && named.length <= LABEL_LENGTH_MAX) return named;
  return `${val.username.toLowerCase()}--${fileId.replaceAll("-", "")}`;
}

async function find(town: Town, username: string, name: string): Promise<Endpoint | undefined> {
  const byName = `${ENDPOINT} WHERE a.username = :username AND v.name = :name ORDER BY ${ENTRY_ORDER} LIMIT 1`;
  const found = await read(town, byName, { username, name });
  if (found !== undefined) return found;
  if (/^[0-9a-f]{32}$/.test(name)) {
    const fileId = name.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, "$1-$2-$3-$4-$5");
    const file = await endpointOfFile(town, fileId, "http");
    if (file?.username.toLowerCase() === username.toLowerCase()) return file;
  }
  // Who knows a val by the name that it had, a webhook perhaps, reaches it as before.
  return read(town, `${ENDPOINT} WHERE v.id = (${FORMER}) ORDER BY ${ENTRY_ORDER} LIMIT 1`, { username, name });
}

async function read(town: Town, sql: string, args: Record<string, string>, isFirst = true): Promise<Endpoint | undefined> {
  const { revision } = town.storage;
  const row = await first<Omit<Endpoint, "exports"> & { exports: string | null }>(town.storage, sql, args);
  if (row === undefined) return undefined;
  return {
    ...row,
    exports: row.exports === null ? [] : JSON.parse(row.exports),
    isolation: row.isolation ?? "shared",
    programId: programIdOf(row),
    revision,
    label: labelOf(row, row.file_id, isFirst),
  };
}
