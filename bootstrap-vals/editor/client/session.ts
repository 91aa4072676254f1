/** The val that is being edited: its files as they are saved and as they are typed, and the way to the town and back. */

import type { EditorFile, EditorState } from "../state.ts";
import { base } from "./page.ts";

export interface Doc {
  /** Null while it is not saved. */
  id: string | null;
  path: string;
  type: string;
  text: string;
  /** As in the version the session is at; null while there is none. */
  saved: { text: string; type: string } | null;
  endpoint: string | null;
  email: string | null;
  schedule: EditorFile["schedule"];
}

/** `text`: whether it is saved has changed; `typed`: anything was. */
export type Event = "files" | "text" | "typed" | "open" | "saved" | "conflict";

export interface Session {
  val: Omit<EditorState, "files">;
  docs: Map<string, Doc>;
  /** Paths of the open tabs, and of the one in front. */
  tabs: string[];
  open: string;
  on(event: Event, listener: () => void): void;
  tell(event: Event): void;
}

export interface Conflict {
  path: string;
  theirs: string;
  mine: string;
}

export function createSession(state: EditorState, open: string): Session {
  const listeners = new Map<Event, (() => void)[]>();
  const { files, ...val } = state;
  const session: Session = {
    val, docs: new Map(), tabs: [], open,
    on: (event, listener) => void listeners.set(event, [...(listeners.get(event) ?? []), listener]),
    tell: (event) => listeners.get(event)?.forEach((listener) => listener()),
  };
  for (const file of files) if (file.content !== null) session.docs.set(file.path, docOf(file, file.content));
  return session;
}

function docOf(file: EditorFile, content: string): Doc {
  return { path: file.path, type: file.type, text: content, saved: { text: content, type: file.type }, ...placesOf(file) };
}

/** Where a file is reached, which saves may change. */
function placesOf({ id, endpoint, email, schedule }: EditorFile): Pick<Doc, "id" | "endpoint" | "email" | "schedule"> {
  return { id, endpoint, email, schedule };
}

export function isDirty(doc: Doc): boolean {
  return doc.saved === null || doc.saved.text !== doc.text || doc.saved.type !== doc.type;
}

export function dirtyDocs(session: Session): Doc[] {
  return [...session.docs.values()].filter(isDirty);
}

export function openDoc(session: Session, path: string): void {
  if (!session.docs.has(path)) return;
  if (!session.tabs.includes(path)) session.tabs.push(path);
  session.open = path;
  session.tell("open");
}

export function closeTab(session: Session, path: string): void {
  const index = session.tabs.indexOf(path);
  if (index < 0 || session.tabs.length === 1) return;
  session.tabs.splice(index, 1);
  if (session.open === path) session.open = session.tabs[Math.max(0, index - 1)] as string;
  session.tell("open");
}

export function addDoc(session: Session, path: string, type: string, text: string): void {
  session.docs.set(path, { id: null, path, type, text, saved: null, endpoint: null, email: null, schedule: null });
  session.tell("files");
  openDoc(session, path);
}

// ---- Saving ---------------------------------------------------------------------------------------

export type Change =
  | { act: "write"; path: string; type: string; content: string }
  | { act: "move"; path: string; to: string }
  | { act: "delete"; path: string };

/** The session with the town has ended. */
export class SignedOut extends Error {}

/** Saves what was typed, and other changes with it. Conflicts are returned and nothing is saved. */
export async function saveSession(session: Session, others: Change[] = []): Promise<Conflict[]> {
  const gone = new Set(others.map(({ path }) => path));
  const written = dirtyDocs(session).filter((doc) => !gone.has(doc.path) || others.some((change) => change.act === "move" && change.path === doc.path));
  const changes: Change[] = [...written.map((doc): Change => ({ act: "write", path: doc.path, type: doc.type, content: doc.text })), ...others];
  if (changes.length === 0) return [];
  const response = await post(`/-/editor/${session.val.id}/save`, { expected: session.val.version, changes }).catch(() => {
    throw new Error("the town does not answer. What you typed is kept in this browser");
  });
  const body = await response.json();
  if (response.status === 412) {
    const conflicts = merge(session, body.state as EditorState);
    // What others changed elsewhere is taken over; then there is nothing in the way.
    return conflicts.length > 0 ? conflicts : saveSession(session, others);
  }
  if (response.status === 401) throw new SignedOut("you are signed out. What you typed is still here");
  if (!response.ok) throw new Error(String(body.message));
  settle(session, body as EditorState, changes);
  return [];
}

/** Sets when a file of type interval runs. */
export async function setSchedule(session: Session, path: string, schedule: string, timeZone: string): Promise<string> {
  const doc = session.docs.get(path);
  if (doc?.id == null) throw new Error("It is not saved yet");
  const response = await fetch(`${base}/api/town/files/${doc.id}/schedule`, {
    method: "PUT", headers: { "content-type": "application/json" }, body: JSON.stringify({ schedule, timeZone }),
  });
  const body = await response.json();
  if (!response.ok) throw new Error(String(body.message));
  const { words, next, paused } = body as { words: string; next: { words: string }[]; paused: boolean };
  doc.schedule = { text: schedule, timeZone, words, paused, next: next.map((one) => one.words) };
  session.tell("text");
  return words;
}

/** Has the town make calls of other people's vals calls as APIs, in a version of its own. Everything must be saved. */
export async function upgradeCalls(session: Session): Promise<number> {
  const headers = { "if-match": `"${session.val.version}"` };
  const response = await fetch(`${base}/api/town/vals/${session.val.id}/callsites`, { method: "POST", headers });
  const body = await response.json();
  if (!response.ok) throw new Error(String(body.message));
  settle(session, (await (await get(`/-/editor/${session.val.id}/state`)).json()) as EditorState, []);
  return Number(body.changed);
}

/** The newest state is what was saved; what was typed meanwhile stays typed. */
function settle(session: Session, state: EditorState, changes: Change[]): void {
  const { files, ...val } = state;
  session.val = val;
  const sent = new Map(changes.map((change) => [change.path, change]));
  for (const change of changes) {
    if (change.act !== "move") continue;
    const doc = session.docs.get(change.path);
    session.docs.delete(change.path);
    if (doc !== undefined) session.docs.set(change.to, { ...doc, path: change.to });
    session.tabs = session.tabs.map((path) => (path === change.path ? change.to : path));
    if (session.open === change.path) session.open = change.to;
  }
  const present = new Set(files.map(({ path }) => path));
  for (const path of [...session.docs.keys()]) if (!present.has(path) && (session.docs.get(path)?.saved !== null || sent.has(path))) forgetDoc(session, path);
  for (const file of files) {
    if (file.content === null) continue;
    const doc = session.docs.get(file.path);
    if (doc === undefined) session.docs.set(file.path, docOf(file, file.content));
    // A text that the town changed itself is taken over where nothing else was typed.
    else if (!sent.has(file.path) && !isDirty(doc)) session.docs.set(file.path, docOf(file, file.content));
    else session.docs.set(file.path, { ...doc, ...placesOf(file), saved: { text: file.content, type: file.type } });
  }
  session.tell("files");
  session.tell("saved");
}

function forgetDoc(session: Session, path: string): void {
  session.docs.delete(path);
  session.tabs = session.tabs.filter((tab) => tab !== path);
  if (session.open !== path) return;
  const next = session.tabs[0] ?? session.docs.keys().next().value;
  if (next !== undefined) openDoc(session, next);
}

/** Takes over a version that somebody else saved. Files that both sides changed are returned. */
function merge(session: Session, state: EditorState): Conflict[] {
  const { files, ...val } = state;
  session.val = val;
  const conflicts: Conflict[] = [];
  const present = new Set(files.map(({ path }) => path));
  for (const doc of [...session.docs.values()]) {
    if (doc.saved === null || present.has(doc.path)) continue;
    if (isDirty(doc)) doc.saved = null;
    else forgetDoc(session, doc.path);
  }
  for (const file of files) {
    if (file.content === null) continue;
    const doc = session.docs.get(file.path);
    const saved = { text: file.content, type: file.type };
    if (doc === undefined) session.docs.set(file.path, docOf(file, file.content));
    else if (!isDirty(doc)) session.docs.set(file.path, { ...doc, ...saved, saved, ...placesOf(file) });
    else {
      if (doc.saved?.text !== file.content && doc.text !== file.content) conflicts.push({ path: doc.path, theirs: file.content, mine: doc.text });
      doc.saved = saved;
    }
  }
  session.tell("files");
  session.tell("conflict");
  return conflicts;
}

export function post(path: string, body: unknown): Promise<Response> {
  return fetch(base + path, { method: "POST", headers: { "content-type": "application/json" }, body: JSON.stringify(body) });
}

export function get(path: string, signal?: AbortSignal): Promise<Response> {
  return fetch(base + path, signal === undefined ? {} : { signal });
}
