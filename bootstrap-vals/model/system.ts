/**
 * Changing the platform: which of a val's files take the place of the image's, with which text, and how they get there.
 * A change is tried by the kernel as a whole before anything of it is in force.
 */

import type { Check, FileChange, PastChange, System } from "town:kernel";
import { asInImage } from "../lib/imports.ts";
import { HttpError, notFound } from "../lib/http.ts";
import { hasMarks, merge } from "../lib/merge.ts";
import { MOUNT_HEADERS } from "../lib/mount.ts";
import { systemOf, type Town } from "../lib/town.ts";
import { readBases } from "./forks.ts";
import { readTree, readContent } from "./files.ts";
import type { Val } from "./vals.ts";

/** Files by which a val is a val; no part of the platform. */
const OF_THE_VAL = new Set(["README.md", "deno.json", "deno.lock"]);
export const SIDES: [ours: string, theirs: string] = ["this town", "the image of now"];

/** Who made a change, and from what. Kept as the kernel's note. */
export interface Cause {
  by: string;
  /** `author/name` of the val, its id, and the version. */
  val?: string;
  valId?: string;
  version?: number;
  /** What was done, where it was no install. */
  act?: "override" | "restore" | "merge" | "rollback";
}

export function noteOf(cause: Cause): string {
  return JSON.stringify(cause);
}

/** What a note says; one that somebody else wrote is a name without more. */
export function causeOf(note: string | null | undefined): Cause | null {
  if (note === null || note === undefined) return null;
  try {
    const cause = JSON.parse(note) as Cause;
    if (typeof cause === "object" && cause !== null && typeof cause.by === "string") return cause;
  } catch {
    // Words.
  }
  return { by: note };
}

/** The image's own text of a path, whatever is in force; null where it has none. */
export async function imageText(system: System, path: string): Promise<string | null> {
  const file = await system.read(path);
  if (file === undefined || typeof file.source !== "string" || file.from === "added") return null;
  return file.image ?? file.source;
}

export interface Choice {
  version?: number | undefined;
  /** Only these files, also where they are as they were forked. */
  paths?: string[] | undefined;
  /** As they are, even where the image has changed the same lines since. */
  force?: boolean | undefined;
}

/**
 * What installing a version of a val comes to: the files that were changed since they were forked, and those that are
 * new. Where the image is another by now, what it changed is taken along; where both changed the same lines, it is
 * refused with their names.
 */
export async function changesOf(town: Town, val: Val, choice: Choice): Promise<FileChange[]> {
  const system = systemOf(town);
  const version = choice.version ?? val.version;
  if (version > val.version) throw notFound("Version");
  const tree = await readTree(town, val, version);
  const bases = await readBases(town, val);
  const changes: FileChange[] = [];
  const conflicts: string[] = [];
  for (const path of choice.paths ?? tree.keys()) {
    const entry = tree.get(path);
    if (entry === undefined) throw notFound(path);
    if (entry.hash === null || OF_THE_VAL.has(path)) continue;
    const base = bases.get(path);
    if (choice.paths === undefined && base?.hash === entry.hash) continue;
    const text = asInImage(path, await readContent(town, entry.hash));
    const image = await imageText(system, path);
    if (choice.paths === undefined && text === image) continue;
    const change = upon(path, text, base?.image ?? image, image, choice.force === true);
    if (change === undefined) conflicts.push(path);
    else changes.push(change);
  }
  if (conflicts.length > 0) {
    throw new HttpError(409, "conflict", `The image has changed the same lines since these were forked: ${conflicts.join(", ")}`);
  }
  if (changes.length === 0) throw new HttpError(409, "nothing", "No file of the val differs from what it was forked from");
  return changes;
}

/** A text that was made from one image, upon another. Undefined where both changed the same lines. */
function upon(path: string, text: string, base: string | null, image: string | null, force: boolean): FileChange | undefined {
  if (base === image || base === null || image === null) return { path, source: text === image ? null : text, image };
  const merged = merge(base, text, image, SIDES);
  if (merged.conflicts === 0) return { path, source: merged.text === image ? null : merged.text, image };
  return force ? { path, source: text, image: base } : undefined;
}

/** Changes files, if with them the platform loads and its sign of life and its sign-in page answer. */
export async function install(town: Town, changes: FileChange[], cause: Cause): Promise<void> {
  const marked = changes.find(({ source }) => source !== null && hasMarks(source));
  if (marked !== undefined) throw new HttpError(422, "conflict", `${marked.path} still has the marks of a merge`);
  try {
    await systemOf(town).change(changes, { note: noteOf(cause), reload: { checks: checksOf(town) } });
  } catch (error) {
    throw refusal(error);
  }
}

/** What the program has to answer before it serves, addressed as visitors reach it. */
export function checksOf({ arrival }: Town): Check[] {
  const [host, protocol, prefix] = MOUNT_HEADERS;
  const headers: Record<string, string> = arrival.nested
    ? { [host]: arrival.outsideHost, [protocol]: arrival.protocol, [prefix]: arrival.prefix } : {};
  return ["/healthz", "/signin"].map((path) => ({ url: `${arrival.protocol}://${arrival.host}${path}`, headers }));
}

/** Why the platform stays as it is, in words for its owner. */
export class Refusal extends HttpError {
  readonly trace: string | null;

  constructor(code: "load" | "check", message: string, trace: string | null) {
    super(422, code, message);
    this.name = "Refusal";
    this.trace = trace;
  }
}

export function refusal(error: unknown): unknown {
  if (!(error instanceof Error) || error.name !== "IsolateError") return error;
  return new Refusal(error.message.startsWith("GET ") ? "check" : "load", error.message, error.stack ?? null);
}

// ---- The image has moved on ------------------------------------------------------------------------

export interface Moved {
  path: string;
  source: string;
  /** The image's text that it was made from; null where nobody kept it. */
  base: string | null;
  image: string | null;
  merged: string;
  conflicts: number;
}

/** Overrides that were made from another image than that of now, each merged with it. */
export async function movedOverrides(town: Town): Promise<Moved[]> {
  const system = systemOf(town);
  const moved = (await system.list()).filter((file) => file.moved === true);
  return Promise.all(moved.map(async ({ path }) => {
    const file = await system.read(path);
    const source = String(file?.source ?? "");
    const base = file?.base ?? null;
    const image = await imageText(system, path);
    // Without what it was made from nobody knows who changed what: then it is for the owner to say, line by line.
    const { text, conflicts } = image === null ? { text: source, conflicts: 0 } : merge(base ?? "", source, image, SIDES);
    return { path, source, base, image, merged: text, conflicts };
  }));
}

/** Takes what the image has changed into overrides, where that needs no choice. */
export async function takeMerges(town: Town, by: string, paths?: string[]): Promise<{ merged: string[]; conflicts: string[] }> {
  const moved = (await movedOverrides(town)).filter(({ path }) => paths === undefined || paths.includes(path));
  const clean = moved.filter(({ conflicts }) => conflicts === 0);
  const changes = clean.map(({ path, merged, image }) => ({ path, source: merged === image ? null : merged, image }));
  if (changes.length > 0) await install(town, changes, { by, act: "merge" });
  return { merged: clean.map(({ path }) => path), conflicts: moved.filter(({ conflicts }) => conflicts > 0).map(({ path }) => path) };
}

// ---- History ---------------------------------------------------------------------------------------

/** What brings back the files, or one of them, as they were just before a change. */
export async function changesBack(town: Town, before: number, path?: string): Promise<FileChange[]> {
  const system = systemOf(town);
  const past = await system.history(path === undefined ? {} : { path });
  if (!past.some(({ number }) => number === before)) throw notFound("Change");
  const then = new Map<string, PastChange | undefined>();
  for (const change of past) {
    if (change.number >= before) then.set(change.path, undefined);
    else if (then.has(change.path) && then.get(change.path) === undefined) then.set(change.path, change);
  }
  return Promise.all([...then].map(async ([changed, state]) => {
    const text = async (digest: string | null | undefined) => (digest == null ? null : (await system.text(digest)) ?? null);
    return { path: changed, source: await text(state?.source), image: await text(state?.image) };
  }));
}

/** The first of the changes that were made together last: going back to before it undoes them. */
export async function lastInstall(town: Town): Promise<number | undefined> {
  const [last, ...others] = await systemOf(town).history({ limit: 300 });
  if (last === undefined) return undefined;
  const together = others.findIndex((change) => change.at !== last.at || change.note !== last.note);
  return (together === 0 ? last : others[(together < 0 ? others.length : together) - 1] ?? last).number;
}
