/** Puts CodeMirror in place of each box for code on a page, and gives the box its text when the form is sent. */

import { autocompletion, EditorView } from "codemirror";
import { basics, commands } from "./code.ts";
import "./page.ts";

for (const box of document.querySelectorAll<HTMLTextAreaElement>("textarea.code")) {
  const label = box.labels[0]?.textContent ?? "Code";
  const view = new EditorView({
    doc: box.value,
    extensions: [
      commands([{ key: "Mod-Enter", run: () => (box.form?.requestSubmit(), true) }, { key: "Mod-s", run: () => (box.form?.requestSubmit(), true), preventDefault: true }]),
      ...basics(box.dataset.path ?? "", label), autocompletion(),
      EditorView.updateListener.of(({ docChanged, state }) => {
        if (docChanged) box.value = state.doc.toString();
      }),
    ],
  });
  view.dom.classList.add("boxed");
  if (box.classList.contains("short")) view.dom.classList.add("short");
  box.hidden = true;
  box.after(view.dom);
  box.labels[0]?.addEventListener("click", () => view.focus());
}
