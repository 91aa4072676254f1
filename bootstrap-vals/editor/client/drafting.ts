/** Keeps what is not saved in this browser as it is typed, and offers what an earlier visit left. */

import { dropDraft, readDraft, writeDraft } from "./drafts.ts";
import { make, say } from "./elements.ts";
import { addDoc, dirtyDocs, type Session } from "./session.ts";

// A pause in typing, after which what is not saved is kept.
const DRAFT_MS = 500;

export interface Drafting {
  /** Something was typed. */
  keep(): void;
  /** Everything is saved. */
  drop(): void;
  offer(): Promise<void>;
}

/** `show` draws the file in front again. */
export function keepDrafts(session: Session, notice: HTMLElement, show: () => void): Drafting {
  const { id } = session.val;
  let timer = 0;
  /** Keeps now what would be kept after the pause. */
  const flush = () => {
    if (timer === 0) return;
    clearTimeout(timer);
    timer = 0;
    const files = dirtyDocs(session).map(({ path, type, text }) => ({ path, type, text }));
    void (files.length === 0 ? dropDraft(id) : writeDraft(id, { version: session.val.version, at: Date.now(), files }));
  };
  // Whoever leaves does not wait for a pause in typing. Phones tell only that the page is no longer seen.
  window.addEventListener("pagehide", flush);
  document.addEventListener("visibilitychange", () => document.visibilityState === "hidden" && flush());
  window.addEventListener("beforeunload", (event) => {
    flush();
    if (dirtyDocs(session).length > 0) event.preventDefault();
  });
  window.addEventListener("offline", () => say("Offline. What you type is kept in this browser.", "bad"));
  return {
    keep() {
      clearTimeout(timer);
      timer = setTimeout(flush, DRAFT_MS);
    },
    drop: () => void dropDraft(id),
    async offer() {
      const draft = await readDraft(id);
      const files = draft?.files.filter(({ path, text }) => session.docs.get(path)?.text !== text) ?? [];
      if (draft === undefined || files.length === 0) return;
      const take = () => {
        for (const { path, type, text } of files) {
          const doc = session.docs.get(path);
          if (doc === undefined) addDoc(session, path, type, text);
          else Object.assign(doc, { text, type });
        }
        notice.hidden = true;
        session.tell("text");
        show();
      };
      notice.replaceChildren(`You left changes to ${files.map(({ path }) => path).join(", ")} unsaved on ${new Date(draft.at).toISOString().slice(0, 16).replace("T", " ")}. `,
        make("button", { class: "small", type: "button", on: { click: take } }, "Take them up"),
        make("button", { class: "small quiet", type: "button", on: { click: () => (void dropDraft(id), (notice.hidden = true)) } }, "Discard"));
      notice.hidden = false;
    },
  };
}
