/** Code on pages: CodeMirror in place of each box for it, which gives the box its text, and colours where it is only shown. */

import { autocompletion, classHighlighter, EditorView, highlightTree, javascriptLanguage } from "codemirror";
import { make } from "./elements.ts";
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

// A longer file is read without colours.
const COLOURED_LENGTH_MAX = 200_000;

for (const place of document.querySelectorAll<HTMLElement>("pre.source[aria-label]")) {
  const text = place.textContent ?? "";
  if (/\.(m?[jt]s|[jt]sx)$/.test(place.getAttribute("aria-label") ?? "") && text.length <= COLOURED_LENGTH_MAX) colour(place, text);
}

/** Gives each line of a source its colours. The lines stay the elements that they are, so links to them still lead there. */
function colour(place: HTMLElement, text: string): void {
  const lines = [...place.querySelectorAll<HTMLElement>(".l")];
  const parts: (string | Node)[][] = lines.map(() => []);
  let line = 0;
  const put = (piece: string, classes: string) => {
    // A comment or a template may go over several lines.
    for (const [index, part] of piece.split(/(?<=\n)/).entries()) {
      if (index > 0) line++;
      parts[line]?.push(classes === "" ? part : make("span", { class: classes }, part));
    }
    if (piece.endsWith("\n")) line++;
  };
  let at = 0;
  highlightTree(javascriptLanguage.configure({ dialect: "ts jsx" }).parser.parse(text), classHighlighter, (from, to, classes) => {
    if (from > at) put(text.slice(at, from), "");
    put(text.slice(from, to), classes);
    at = to;
  });
  if (at < text.length) put(text.slice(at), "");
  lines.forEach((element, index) => element.replaceChildren(...(parts[index] as (string | Node)[])));
}
