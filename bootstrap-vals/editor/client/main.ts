/** The editor: puts the code, the files, the preview and the logs of a val together in place of the form for one file. */

import { EditorState, EditorView, gotoLine, openLintPanel, openSearchPanel, setDiagnostics, type Diagnostic, type Extension } from "codemirror";
import type { EditorState as ValState } from "../state.ts";
import { basics, commands, isScript, keysCompartment, languageCompartment, keysExtension, marks, readKeys, type Keys } from "./code.ts";
import { resolve } from "./conflict.ts";
import { keepDrafts } from "./drafting.ts";
import { ask, make, say } from "./elements.ts";
import { savedFaults } from "./faults.ts";
import { drawFiles, drawTabs } from "./files.ts";
import { diagnose, languageExtensions, startLanguage, type Language } from "./language.ts";
import { drawLogs } from "./logs.ts";
import { base, copy } from "./page.ts";
import { addCommands, openPalette } from "./palette.ts";
import { separator } from "./panes.ts";
import { drawPreview } from "./preview.ts";
import { drawRunner } from "./runner.ts";
import { shared } from "./share.ts";
import { drawSide } from "./side.ts";
import type { Elsewhere, Place } from "./typescript.ts";
import { addDoc, createSession, dirtyDocs, isDirty, openDoc, saveSession, SignedOut, upgradeCalls, type Change, type Conflict } from "./session.ts";

// What the town said of a save is underlined once the preview has had its turn.
const LOOK_MS = 300;

const state = JSON.parse(document.querySelector("#state")?.textContent ?? "{}") as ValState & {
  open: string; assets: Record<string, string>; types: string; variables: string[];
};
const place = document.querySelector<HTMLElement>("#editor") as HTMLElement;
const session = createSession(state, state.open);
const page = `${base}/@${state.username}/${state.name}`;
const title = document.title.replace(/^.* · /, "");

if (!session.docs.has(state.open)) {
  if (session.docs.size === 0 || location.pathname.includes("/code/")) addDoc(session, state.open, isScript(state.open) ? "http" : "file", "");
}
if (!session.docs.has(session.open)) session.open = session.docs.keys().next().value ?? "";
session.tabs = [session.open];

/** What one may take from here to somewhere else. */
const SHARED = shared(session, page, () => view.state);

// ---- The frame ------------------------------------------------------------------------------------

const tree = make("nav", { class: "ed-files", "aria-label": "Files" });
const tabs = make("div", { class: "ed-tabs" });
const code = make("div", { class: "ed-code", id: "ed-code", role: "tabpanel", "aria-label": "Code" });
const side = make("section", { class: "ed-side", "aria-label": "Preview" });
const logs = make("section", { class: "ed-logs", "aria-label": "Logs" });
const notice = make("div", { class: "ed-notice", hidden: true, role: "alert" });
const status = make("div", { class: "ed-status" });
const saveButton = make("button", { class: "small", type: "button", title: "Save (Ctrl+S)", on: { click: () => void save() } }, "Save");
const runButton = make("button", { class: "small first", type: "button", title: "Save and run (Ctrl+Enter)", on: { click: () => void run() } }, "Run");
const typeChoice = make("select", { "aria-label": "Type of this file", on: { change: changeType } },
  ...([["http", "HTTP"], ["interval", "Cron"], ["email", "Email"], ["script", "Script"], ["file", "File"]] as const).map(([value, text]) => make("option", { value }, text)));
const menu = make("details", { class: "menu" }, make("summary", { class: "button small quiet" }, "More"), make("div", {},
  item("Format", format), item("Rename symbol", () => rename(session.open, view.state.selection.main.head)), item("Find", () => openSearchPanel(view)),
  item("Go to line", () => gotoLine(view)), item("Problems", () => openLintPanel(view)),
  item("Keys: standard, vim or Emacs", nextKeys), item("Full screen", () => frame.classList.toggle("full")), item("All commands", openPalette)));
const share = make("details", { class: "menu" }, make("summary", { class: "button small quiet" }, "Share"), make("div", {},
  ...SHARED.map(([text, what]) => item(`Copy ${text}`, () => void copyShared(what)))));
const frame = make("div", { class: "ed" },
  make("div", { class: "ed-switch", role: "group", "aria-label": "Pane" }, ...(["code", "files", "side", "logs"] as const).map((name) =>
    make("button", { class: "small quiet", type: "button", "aria-pressed": name === "code", "data-pane": name, on: { click: () => show(name) } },
      { code: "Code", files: "Files", side: "Preview", logs: "Logs" }[name]))),
  make("div", { class: "ed-bar" }, tabs, make("div", { class: "ed-tools" }, state.mine ? typeChoice : null, menu, share, state.mine ? saveButton : null, runButton)),
  notice, tree, code, side, logs, status);
frame.dataset.pane = "code";
frame.append(
  separator(frame, { name: "files", label: "Width of the files", orientation: "vertical", direction: 1, size: 210, min: 120, max: 480 }),
  separator(frame, { name: "side", label: "Width of the preview", orientation: "vertical", direction: -1, size: 430, min: 200, max: 1100 }),
  separator(frame, { name: "logs", label: "Height of the logs", orientation: "horizontal", direction: -1, size: 210, min: 60, max: 800 }),
);
document.querySelector("main")?.classList.add("whole");
place.replaceChildren(frame);

function item(text: string, act: () => void): HTMLElement {
  return make("button", { type: "button", on: { click: () => (menu.removeAttribute("open"), share.removeAttribute("open"), act()) } }, text);
}

function show(pane: string): void {
  frame.dataset.pane = pane;
  for (const button of frame.querySelectorAll<HTMLElement>("[data-pane]")) button.setAttribute("aria-pressed", String(button.dataset.pane === pane));
}

// ---- The code -------------------------------------------------------------------------------------

let language: Language | undefined;
const states = new Map<string, EditorState>();
// The first view writes the styles of all later ones, so it must have the nonce.
const view = new EditorView({ parent: code, extensions: basics("", "Code") });
view.dom.id = "view";
let keys: unknown = [];

function extensionsOf(path: string): unknown[] {
  return [
    commands([
      { key: "Mod-s", run: () => (void save(), true), preventDefault: true },
      { key: "Mod-Enter", run: () => (void run(), true) },
      { key: "Shift-Enter", run: () => (void run(), true) },
      { key: "Mod-Shift-f", run: () => (format(), true), preventDefault: true },
      { key: "Shift-Alt-f", run: () => (format(), true), preventDefault: true },
    ]),
    keysCompartment.of(keys), ...basics(path, `Code of ${path}`), ...marks(path),
    EditorView.updateListener.of(({ docChanged, state: now }) => docChanged && typed(path, now.doc.toString())),
    state.mine ? [] : EditorState.readOnly.of(true),
    languageCompartment.of(languageOf(path)),
  ] as Extension[];
}

/** What TypeScript knows of a file, once it is there. */
function languageOf(path: string): unknown {
  if (language === undefined || !isScript(path)) return [];
  return languageExtensions({ language, path, variables: () => state.variables, known: (here) => known(path, here), go: goDefinition, rename: (from, position) => void rename(from, position) });
}

let shown = "";
function showDoc(): void {
  const doc = session.docs.get(session.open);
  if (doc === undefined) return;
  if (shown !== "" && shown !== doc.path && session.docs.has(shown)) states.set(shown, view.state);
  if (shown !== doc.path || view.state.doc.toString() !== doc.text) {
    const kept = states.get(doc.path);
    view.setState(kept?.doc.toString() === doc.text ? kept : EditorState.create({ doc: doc.text, extensions: extensionsOf(doc.path) }));
    look(doc.path);
  }
  shown = doc.path;
  typeChoice.value = doc.type;
  for (const option of typeChoice.options) option.disabled = !isScript(doc.path) && option.value !== "file";
  history.replaceState(null, "", `${page}/code/${doc.path}${state.branch === "main" ? "" : `?branch=${encodeURIComponent(state.branch)}`}${location.hash}`);
  drawTitle();
}

/** Underlines what is wrong with the file in front: what the town said, and what TypeScript says once it is there. */
function look(path: string): void {
  if (language !== undefined && isScript(path)) void diagnose(language, path, view, (here) => known(path, here));
  else view.dispatch(setDiagnostics(view.state, known(path, view)));
}

function known(path: string, here: EditorView): Diagnostic[] {
  return savedFaults(session, path, here.state, { upgrade: () => void upgrade() });
}

/** Makes calls of other people's vals calls as APIs, in the files as they are saved. */
async function upgrade(): Promise<void> {
  if (dirtyDocs(session).length > 0 && !(await save())) return;
  try {
    const changed = await upgradeCalls(session);
    say(`${changed === 1 ? "One call is" : `${changed} calls are`} made as an API now, in version ${session.val.version}`);
    preview.reload();
  } catch (error) {
    say(`Not changed: ${(error as Error).message}`, "bad");
  }
}

function typed(path: string, text: string): void {
  const doc = session.docs.get(path);
  if (doc === undefined || doc.text === text) return;
  const before = isDirty(doc);
  doc.text = text;
  if (before !== isDirty(doc)) session.tell("text");
  session.tell("typed");
  drafts.keep();
  drawTitle();
}

function changeType(): void {
  const doc = session.docs.get(session.open);
  if (doc === undefined) return;
  doc.type = typeChoice.value;
  session.tell("text");
  drafts.keep();
  drawTitle();
}

function drawTitle(): void {
  const dirty = dirtyDocs(session);
  document.title = `${dirty.length > 0 ? "● " : ""}${session.open} · ${title}`;
  saveButton.disabled = dirty.length === 0;
  const doc = session.docs.get(session.open);
  runButton.textContent = { http: "Send", interval: "Run now", email: "Send test mail", script: "Run" }[doc?.type ?? ""] ?? "Run";
  runButton.hidden = doc?.type === "file" || (!state.mine && doc?.type !== "http");
  status.firstChild?.replaceWith(`Version ${session.val.version}${dirty.length > 0 ? `, ${dirty.length} not saved` : ""}`);
}

/** Opens a place: by characters, or the lines of a `#L20-29`. */
function go(path: string, from: number, to = from): void {
  openDoc(session, path);
  show("code");
  const length = view.state.doc.length;
  view.dispatch({ selection: { anchor: Math.min(from, length), head: Math.min(to, length) }, effects: EditorView.scrollIntoView(Math.min(from, length), { y: "center" }) });
  view.focus();
}

function goDefinition(place: Place | Elsewhere | null): void {
  if (place === null) return say("No definition was found there");
  if ("path" in place) return go(place.path, place.from, place.to);
  const address = pageOf(place.module);
  if (address === undefined) return say(`That is defined in ${place.module}`);
  window.open(`${address}#L${place.line}`, "_blank", "noopener");
}

/** The page of a module that this town has. */
function pageOf(module: string): string | undefined {
  if (module.startsWith("town:system/")) return `${base}/@town/system/${module.slice("town:system/".length)}`;
  const [, username, name, path] = /^https:\/\/esm\.town\/v\/([^/]+)\/([^/@]+)(?:@[^/]*)?\/(.+)$/.exec(module) ?? [];
  return username === undefined ? undefined : `${base}/@${username}/${name}/code/${path}`;
}

function goLine(path: string, line: number, last = line): void {
  const doc = session.docs.get(path);
  if (doc === undefined) return;
  openDoc(session, path);
  const document = view.state.doc;
  const at = (number: number) => document.line(Math.min(Math.max(1, number), document.lines));
  go(path, at(line).from, last === line ? at(line).from : at(last).to);
}

function goHash(): void {
  const lines = /^#L(\d+)(?:-L?(\d+))?$/.exec(location.hash);
  if (lines !== null) goLine(session.open, Number(lines[1]), Number(lines[2] ?? lines[1]));
}

const drafts = keepDrafts(session, notice, showDoc);

// ---- Acts -----------------------------------------------------------------------------------------

let saving = false;
// What somebody has put off: it comes up again with the next save, and nothing is overwritten meanwhile.
let unresolved: Conflict[] = [];

/** Saves everything as one version; conflicts are resolved one after the other, and what is resolved is saved. */
async function save(others: Change[] = []): Promise<boolean> {
  if (saving || !state.mine) return false;
  saving = true;
  try {
    for (;;) {
      const conflicts = unresolved.length > 0 ? unresolved : await saveSession(session, others);
      unresolved = [];
      if (conflicts.length === 0) break;
      for (const [index, conflict] of conflicts.entries()) {
        const kept = await resolve({ ...conflict, mine: session.docs.get(conflict.path)?.text ?? conflict.mine });
        if (kept === undefined) {
          unresolved = conflicts.slice(index);
          return false;
        }
        const doc = session.docs.get(conflict.path);
        if (doc !== undefined) doc.text = kept;
      }
      showDoc();
    }
    drafts.drop();
    notice.hidden = true;
    const faults = session.val.diagnostics.length;
    const trusted = [...new Set(session.val.handovers.map(({ specifier }) => specifier))].join(", ");
    say(`Saved as version ${session.val.version}${faults > 0 ? `, with ${faults === 1 ? "a problem" : `${faults} problems`}` : ""}${
      trusted === "" ? "" : `. It hands its authority to ${trusted}`}`, faults > 0 ? "bad" : "");
    preview.reload();
    return true;
  } catch (error) {
    say(`Not saved: ${(error as Error).message}`, "bad");
    if (error instanceof SignedOut) {
      notice.replaceChildren("You are signed out. Sign in in another tab, and save again here. ",
        make("a", { class: "button small", href: `${base}/signin`, target: "_blank", rel: "noopener" }, "Sign in"));
      notice.hidden = false;
    }
    return false;
  } finally {
    saving = false;
    drawTitle();
  }
}

async function run(): Promise<void> {
  const doc = session.docs.get(session.open);
  if (doc === undefined || runButton.hidden) return;
  if (state.mine && dirtyDocs(session).length > 0 && !(await save())) return;
  if (doc.type === "http" || !state.mine) {
    show(window.matchMedia("(max-width: 50rem)").matches ? "side" : "code");
    preview.send();
  } else await runner.run(doc.path, doc.type);
}

function format(): void {
  if (!state.mine) return;
  if (!isScript(session.open)) return say("Only TypeScript and JavaScript are formatted");
  if (language === undefined) return say("The formatter is still loading");
  const path = session.open;
  const text = view.state.doc.toString();
  void language.ask("write", path, text).then(() => language?.ask("format", path)).then((edits) => {
    // Only what differs is touched, so the cursor stays where it is.
    if (edits !== undefined && view.state.doc.toString() === text) view.dispatch({ changes: edits.map(({ from, to, text: insert }) => ({ from, to, insert })), userEvent: "format" });
  });
}

async function rename(path: string, position: number): Promise<void> {
  const word = view.state.wordAt(position);
  if (language === undefined || word === null || !state.mine) return;
  const before = view.state.sliceDoc(word.from, word.to);
  const name = await ask("Rename symbol", "New name", before, "Rename");
  if (name === undefined || name === before) return;
  await language.ask("write", path, view.state.doc.toString());
  const edits = await language.ask("rename", path, position, name);
  for (const file of new Set(edits.map((edit) => edit.path))) {
    const doc = session.docs.get(file);
    if (doc === undefined) continue;
    const own = edits.filter((edit) => edit.path === file).sort((a, b) => b.from - a.from);
    if (file === session.open) view.dispatch({ changes: own.map(({ from, to, text }) => ({ from, to, insert: text })) });
    else {
      for (const { from, to, text } of own) doc.text = doc.text.slice(0, from) + text + doc.text.slice(to);
      void language.ask("write", file, doc.text);
    }
  }
  session.tell("text");
  say(edits.length === 0 ? "Nothing to rename there" : `Renamed in ${edits.length} places`);
}

async function copyShared(what: () => string | undefined): Promise<void> {
  const text = what();
  if (text === undefined) return say("No file of this val answers HTTP. Give one the type HTTP and save.", "bad");
  await copy(text, share.querySelector("summary") as HTMLElement);
}

function nextKeys(): void {
  const order: Keys[] = ["default", "vim", "emacs"];
  const next = order[(order.indexOf(readKeys()) + 1) % order.length] as Keys;
  localStorage.setItem("town-keys", next);
  void applyKeys();
  say(next === "default" ? "Standard keys" : `Keys of ${next === "vim" ? "vim" : "Emacs"}`);
}

async function applyKeys(): Promise<void> {
  keys = await keysExtension(readKeys(), state.assets, { save: () => void save(), palette: openPalette });
  states.clear();
  view.dispatch({ effects: keysCompartment.reconfigure(keys) });
}

// ---- Begin ----------------------------------------------------------------------------------------

status.append("", make("span", { id: "editor-help" }, "Escape, then Tab leaves the code. Ctrl+K: all commands."),
  make("span", { class: "ed-made" }, "This page is a val:", ...[...document.querySelectorAll(".foot [data-made]")].map((link) => link.cloneNode(true))));
const change = async (one: Change) => void (await save([one]));
drawTabs(session, tabs);
drawFiles(session, tree, change, () => (show("code"), view.focus()));
const previewPane = make("div", { class: "ed-preview" });
side.append(previewPane);
// What is beside the code decides whether the preview is to be seen, before that asks the val for anything.
drawSide({ session, preview: previewPane, place: side, run: () => void run() });
const preview = drawPreview(session, previewPane);
const runner = drawRunner(session, side);
if (state.mine) drawLogs(session, logs, goLine);
else frame.classList.add("visitor");
session.on("open", showDoc);
session.on("files", () => (states.clear(), showDoc()));
session.on("saved", drawTitle);
session.on("saved", () => setTimeout(() => look(session.open), LOOK_MS));
showDoc();
goHash();
window.addEventListener("hashchange", goHash);
document.addEventListener("keydown", (event) => {
  if ((event.ctrlKey || event.metaKey) && event.key.toLowerCase() === "s" && !event.defaultPrevented) {
    event.preventDefault();
    void save();
  }
});
addCommands([
  { title: "Save", keys: "Ctrl+S", run: () => void save() }, { title: "Save and run", keys: "Ctrl+Enter", run: () => void run() },
  { title: "Format", keys: "Shift+Alt+F", run: format }, { title: "Rename symbol", keys: "F2", run: () => void rename(session.open, view.state.selection.main.head) },
  { title: "Find in file", keys: "Ctrl+F", run: () => openSearchPanel(view) }, { title: "Go to line", keys: "Ctrl+Alt+G", run: () => gotoLine(view) },
  { title: "Problems", keys: "Ctrl+Shift+M", run: () => openLintPanel(view) }, ...SHARED.map(([text, what]) => ({ title: `Copy ${text}`, run: () => void copyShared(what) })),
  { title: "Change keys: standard, vim, Emacs", run: nextKeys }, { title: "Full screen", run: () => frame.classList.toggle("full") },
  ...[...session.docs.keys()].map((path) => ({ title: `Open ${path}`, run: () => openDoc(session, path) })),
]);
if (readKeys() !== "default") void applyKeys();
void drafts.offer();
frame.dataset.ready = "";
performance.mark("town-ready");
// After the first paint, so that the code can be read and typed before the compiler is there.
requestAnimationFrame(() => setTimeout(() => void startTypes(), 0));

async function startTypes(): Promise<void> {
  if (![...session.docs.keys()].some(isScript)) return;
  const started = startLanguage(state.assets.worker as string);
  const absolute = (path: string) => new URL(path, location.href).href;
  await started.ask("start", {
    typescript: absolute(state.assets.typescript as string), libraries: absolute(state.assets.libraries as string), types: absolute(state.types),
    files: [...session.docs.values()].map(({ path, text }) => ({ path, text })),
  });
  language = started;
  const again = () => isScript(session.open) && look(session.open);
  started.onNews(again);
  session.on("files", () => {
    for (const doc of session.docs.values()) void started.ask("write", doc.path, doc.text);
  });
  states.clear();
  // What was typed meanwhile, and the way back from it, stays.
  view.dispatch({ effects: languageCompartment.reconfigure(languageOf(session.open)) });
  again();
  frame.dataset.types = "";
}
