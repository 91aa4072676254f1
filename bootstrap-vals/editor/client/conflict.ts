/** Two versions of a file that both changed, side by side: what is right is put together by hand, never overwritten. */

import { EditorState, EditorView, MergeView } from "codemirror";
import { basics } from "./code.ts";
import { make } from "./elements.ts";
import type { Conflict } from "./session.ts";

/** Shows one conflict. The text to keep, or undefined when it was left as it was. */
export function resolve(conflict: Conflict): Promise<string | undefined> {
  return new Promise((done) => {
    const place = make("div", { class: "ed-merge" });
    const dialog = make("dialog", { class: "wide", "aria-label": `Conflict in ${conflict.path}` },
      make("div", { class: "inner" },
        make("h2", {}, `${conflict.path} was changed elsewhere`),
        make("p", {}, "Left: the newest version. Right: yours. The arrows take over a change; the right side is what will be saved."),
        place,
        make("p", { class: "actions" },
          make("button", { class: "first", type: "button", on: { click: () => finish(view.b.state.doc.toString()) } }, "Save the right side"),
          make("button", { type: "button", on: { click: () => finish(conflict.theirs) } }, "Take the left side"),
          make("button", { class: "quiet", type: "button", on: { click: () => dialog.close() } }, "Not now"))));
    let kept: string | undefined;
    const finish = (text: string) => {
      kept = text;
      dialog.close();
    };
    const view = new MergeView({
      a: { doc: conflict.theirs, extensions: [...basics(conflict.path, "The newest version"), EditorState.readOnly.of(true), EditorView.lineWrapping] },
      b: { doc: conflict.mine, extensions: [...basics(conflict.path, "Your version"), EditorView.lineWrapping] },
      parent: place, revertControls: "a-to-b", gutter: true, collapseUnchanged: { margin: 3, minSize: 6 },
    });
    dialog.addEventListener("close", () => {
      view.destroy();
      dialog.remove();
      done(kept);
    });
    document.body.append(dialog);
    dialog.showModal();
  });
}
