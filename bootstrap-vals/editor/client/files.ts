/** The tree of files and the tabs above the code. */

import { ask, make, say } from "./elements.ts";
import { addDoc, closeTab, isDirty, openDoc, type Change, type Session } from "./session.ts";
import { isScript } from "./code.ts";

/** Draws the tree anew whenever files come, go or change. `change` saves a move or a deletion. */
export function drawFiles(session: Session, place: HTMLElement, change: (change: Change) => Promise<void>): void {
  const list = make("ul", { class: "ed-tree", role: "tree", "aria-label": "Files" });
  const actions = make("div", { class: "ed-tree-actions" });
  if (session.val.mine) {
    actions.append(
      make("button", { class: "small", type: "button", on: { click: () => void newFile(session) } }, "New file"),
      make("button", { class: "small quiet", type: "button", on: { click: () => void renameFile(session, change) } }, "Rename"),
      make("button", { class: "small quiet", type: "button", on: { click: () => void deleteFile(session, change) } }, "Delete"),
    );
  }
  place.append(list, actions);
  const draw = () => {
    const focused = list.contains(document.activeElement);
    const docs = [...session.docs.values()].sort((a, b) => (a.path < b.path ? -1 : 1));
    list.replaceChildren(...docs.map((doc) => {
      const isOpen = doc.path === session.open;
      const depth = doc.path.split("/").length;
      const item = make("li", {
        role: "treeitem", "aria-level": depth, "aria-selected": isOpen, tabindex: isOpen ? 0 : -1, "data-path": doc.path,
        class: `depth-${Math.min(depth, 5)}`, on: { click: () => openDoc(session, doc.path) },
      }, make("span", { class: "name" }, depth === 1 ? doc.path : make("span", { class: "soft" }, doc.path.slice(0, doc.path.lastIndexOf("/") + 1)), depth === 1 ? "" : doc.path.slice(doc.path.lastIndexOf("/") + 1)));
      if (isDirty(doc)) item.append(make("span", { class: "dot", title: "Not saved", role: "img", "aria-label": "not saved" }));
      if (doc.type !== "file" && doc.type !== "script") item.append(make("span", { class: `badge ${doc.type}` }, doc.type === "interval" ? "Cron" : doc.type === "http" ? "HTTP" : "Email"));
      return item;
    }));
    if (focused) list.querySelector<HTMLElement>('[tabindex="0"]')?.focus();
  };
  list.addEventListener("keydown", (event) => {
    const items = [...list.children] as HTMLElement[];
    const at = items.indexOf(document.activeElement as HTMLElement);
    const to = { ArrowDown: at + 1, ArrowUp: at - 1, Home: 0, End: items.length - 1 }[event.key];
    if (to !== undefined) {
      event.preventDefault();
      items[Math.max(0, Math.min(items.length - 1, to))]?.focus();
    } else if (event.key === "Enter" || event.key === " ") {
      event.preventDefault();
      openDoc(session, items[at]?.dataset.path ?? session.open);
    } else if (event.key === "Delete" && session.val.mine) void deleteFile(session, change);
    else if (event.key === "F2" && session.val.mine) void renameFile(session, change);
  });
  for (const event of ["files", "open", "text", "saved"] as const) session.on(event, draw);
  draw();
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

async function newFile(session: Session): Promise<void> {
  const path = await ask("New file", "Path, with / for folders", "", "Create");
  if (path === undefined || !isFree(session, path)) return;
  addDoc(session, path, isScript(path) ? typeOf(path) : "file", "");
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
