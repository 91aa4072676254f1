/** The tree of files and the tabs above the code. */

import { ask, make, say } from "./elements.ts";
import { addDoc, closeTab, isDirty, openDoc, type Change, type Doc, type Session } from "./session.ts";
import { isScript } from "./code.ts";

const BADGES: Record<string, string> = { http: "HTTP", interval: "Cron", email: "Email" };
// Deeper folders are drawn no further in.
const DEPTH_SHOWN_MAX = 6;

interface Row {
  /** Of a folder with / at the end. */
  path: string;
  name: string;
  depth: number;
  doc?: Doc;
}

/** Draws the tree anew whenever files come, go or change. `change` saves a move or a deletion, `type` goes to the code. */
export function drawFiles(session: Session, place: HTMLElement, change: (change: Change) => Promise<void>, type: () => void): void {
  const list = make("ul", { class: "ed-tree", role: "tree", "aria-label": "Files" });
  const actions = make("div", { class: "ed-tree-actions" });
  const closed = new Set<string>();
  if (session.val.mine) {
    const upload = make("input", { type: "file", multiple: true, hidden: true, on: { change: () => void takeFiles(session, upload) } });
    actions.append(
      make("button", { class: "small", type: "button", on: { click: () => void newFile(session).then((made) => made && type()) } }, "New file"), upload,
      make("button", { class: "small quiet", type: "button", on: { click: () => upload.click() } }, "Upload"),
      make("button", { class: "small quiet", type: "button", on: { click: () => void renameFile(session, change) } }, "Rename"),
      make("button", { class: "small quiet", type: "button", on: { click: () => void deleteFile(session, change) } }, "Delete"),
    );
  }
  place.append(list, actions);
  const act = (path: string) => {
    if (!path.endsWith("/")) return openDoc(session, path);
    if (!closed.delete(path)) closed.add(path);
    draw(path);
  };
  const draw = (focus = list.contains(document.activeElement) ? session.open : undefined) => {
    const rows = rowsOf([...session.docs.values()], closed);
    const reached = rows.find(({ path }) => path === (focus ?? session.open)) ?? rows[0];
    list.replaceChildren(...rows.map((row) => drawRow(session, row, row === reached, closed.has(row.path), () => act(row.path))));
    if (focus !== undefined) list.querySelector<HTMLElement>('[tabindex="0"]')?.focus();
  };
  list.addEventListener("keydown", (event) => {
    const items = [...list.children] as HTMLElement[];
    const at = items.indexOf(document.activeElement as HTMLElement);
    const path = items[at]?.dataset.path ?? session.open;
    const to = { ArrowDown: at + 1, ArrowUp: at - 1, Home: 0, End: items.length - 1 }[event.key];
    if (to !== undefined) {
      event.preventDefault();
      items[Math.max(0, Math.min(items.length - 1, to))]?.focus();
    } else if (event.key === "Enter" || event.key === " ") {
      event.preventDefault();
      act(path);
    } else if (event.key === "ArrowRight" && closed.has(path) || event.key === "ArrowLeft" && path.endsWith("/") && !closed.has(path)) act(path);
    else if (event.key === "ArrowLeft") items.find((item) => item.dataset.path === path.replace(/[^/]+\/?$/, ""))?.focus();
    else if (event.key === "Delete" && session.val.mine) void deleteFile(session, change);
    else if (event.key === "F2" && session.val.mine) void renameFile(session, change);
  });
  for (const event of ["files", "open", "text", "saved"] as const) session.on(event, () => draw());
  draw();
}

/** Folders before files, each by name; what is in a closed folder is left out. */
function rowsOf(docs: Doc[], closed: Set<string>, folder = "", depth = 1): Row[] {
  const inside = docs.filter(({ path }) => path.startsWith(folder)).sort((a, b) => (a.path < b.path ? -1 : 1));
  const restOf = ({ path }: Doc) => path.slice(folder.length);
  const folders = new Set(inside.filter((doc) => restOf(doc).includes("/")).map((doc) => restOf(doc).split("/")[0] as string));
  return [
    ...[...folders].flatMap((name): Row[] => {
      const path = `${folder}${name}/`;
      return [{ path, name, depth }, ...(closed.has(path) ? [] : rowsOf(inside, closed, path, depth + 1))];
    }),
    ...inside.filter((doc) => !restOf(doc).includes("/")).map((doc): Row => ({ path: doc.path, name: restOf(doc), depth, doc })),
  ];
}

function drawRow(session: Session, { path, name, depth, doc }: Row, isReached: boolean, isClosed: boolean, click: () => void): HTMLElement {
  const item = make("li", {
    role: "treeitem", "aria-level": depth, tabindex: isReached ? 0 : -1, "data-path": path, class: `depth-${Math.min(depth, DEPTH_SHOWN_MAX)}`, on: { click },
    ...(doc === undefined ? { "aria-expanded": !isClosed } : { "aria-selected": path === session.open }),
  }, make("span", { class: "name" }, name));
  if (doc !== undefined && isDirty(doc)) item.append(make("span", { class: "dot", title: "Not saved", role: "img", "aria-label": "not saved" }));
  const badge = BADGES[doc?.type ?? ""];
  if (doc !== undefined && badge !== undefined) item.append(make("span", { class: `badge ${doc.type}` }, badge));
  return item;
}

export function drawTabs(session: Session, place: HTMLElement): void {
  place.setAttribute("role", "tablist");
  place.setAttribute("aria-label", "Open files");
  const draw = () => {
    const focused = place.contains(document.activeElement);
    place.replaceChildren(...session.tabs.map((path) => {
      const doc = session.docs.get(path);
      const isOpen = path === session.open;
      const tab = make("button", {
        type: "button", role: "tab", "aria-selected": isOpen, tabindex: isOpen ? 0 : -1, title: path, "aria-controls": "ed-code",
        on: { click: () => openDoc(session, path), auxclick: () => closeTab(session, path) },
      }, path.slice(path.lastIndexOf("/") + 1), doc !== undefined && isDirty(doc) ? make("span", { class: "dot", role: "img", "aria-label": "not saved" }) : null);
      // By keyboard it is the key Delete; whoever does not see it needs no second button.
      const close = session.tabs.length === 1 ? null : make("span", { class: "ed-close", "aria-hidden": true, title: `Close ${path}`, on: { click: () => closeTab(session, path) } }, "\u00d7");
      return make("span", { class: "ed-tab", role: "presentation", "data-selected": String(isOpen) }, tab, close);
    }));
    if (focused) place.querySelector<HTMLElement>('[tabindex="0"]')?.focus();
  };
  place.addEventListener("keydown", (event) => {
    const at = session.tabs.indexOf(session.open);
    const step = event.key === "ArrowRight" ? 1 : event.key === "ArrowLeft" ? -1 : 0;
    if (step !== 0) openDoc(session, session.tabs[(at + step + session.tabs.length) % session.tabs.length] as string);
    else if (event.key === "Delete") closeTab(session, session.open);
  });
  for (const event of ["files", "open", "text", "saved"] as const) session.on(event, draw);
  draw();
}

const PATH = /^[a-zA-Z0-9$[\]()\-_.]{1,80}(\/[a-zA-Z0-9$[\]()\-_.]{1,80})*$/;

async function newFile(session: Session): Promise<boolean> {
  const path = await ask("New file", "Path, with / for folders", "", "Create");
  if (path === undefined || !isFree(session, path)) return false;
  addDoc(session, path, isScript(path) ? typeOf(path) : "file", "");
  return true;
}

/** Files from this machine, as texts that are not saved yet: into the folder of the file in front. */
async function takeFiles(session: Session, input: HTMLInputElement): Promise<void> {
  const folder = session.open.slice(0, session.open.lastIndexOf("/") + 1);
  for (const file of input.files ?? []) {
    const path = folder + file.name;
    let text: string;
    try {
      text = new TextDecoder("utf-8", { fatal: true }).decode(await file.arrayBuffer());
    } catch {
      say(`${file.name} is no text. Files that are not belong into the val's blobs.`, "bad");
      continue;
    }
    if (isFree(session, path)) addDoc(session, path, isScript(path) ? typeOf(path) : "file", text);
  }
  input.value = "";
}

/** As the command line does: by the file's name, and a script where that says nothing. */
function typeOf(path: string): string {
  if (/cron/i.test(path)) return "interval";
  if (/http/i.test(path)) return "http";
  return /email/i.test(path) ? "email" : "script";
}

function isFree(session: Session, path: string): boolean {
  if (!PATH.test(path)) say(`${path} is no path: letters, digits and $ [ ] ( ) - _ . with / between them`, "bad");
  else if (session.docs.has(path)) say(`There already is ${path}`, "bad");
  else return true;
  return false;
}

async function renameFile(session: Session, change: (change: Change) => Promise<void>): Promise<void> {
  const from = session.open;
  const to = await ask(`Rename ${from}`, "New path", from, "Rename and save");
  if (to === undefined || to === from || !isFree(session, to)) return;
  if (session.docs.get(from)?.saved !== null) return change({ act: "move", path: from, to });
  const doc = session.docs.get(from);
  session.docs.delete(from);
  session.tabs = session.tabs.filter((path) => path !== from);
  if (doc !== undefined) addDoc(session, to, doc.type, doc.text);
}

async function deleteFile(session: Session, change: (change: Change) => Promise<void>): Promise<void> {
  const path = session.open;
  if (!confirm(`Delete ${path}? It stays in earlier versions.`)) return;
  if (session.docs.get(path)?.saved !== null) return change({ act: "delete", path });
  session.docs.delete(path);
  session.tabs = session.tabs.filter((tab) => tab !== path);
  const next = session.tabs[0] ?? session.docs.keys().next().value;
  if (next !== undefined) openDoc(session, next);
  session.tell("files");
}
