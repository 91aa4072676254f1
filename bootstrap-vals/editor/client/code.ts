/** The view of the file in front: CodeMirror with our colours, the language of the file and the keys somebody likes. */

import {
  autocompletion, bracketMatching, classHighlighter, closeBrackets, closeBracketsKeymap, Compartment, completionKeymap, css, defaultKeymap,
  drawSelection, dropCursor, EditorState, EditorView, foldGutter, foldKeymap, highlightActiveLine, highlightActiveLineGutter,
  highlightSelectionMatches, highlightSpecialChars, history, historyKeymap, html, indentOnInput, indentUnit, indentWithTab, javascript, json,
  keymap, lineNumbers, lintGutter, lintKeymap, markdown, Prec, rectangularSelection, search, searchKeymap, sql, SQLite, syntaxHighlighting, yaml,
  type Extension, type KeyBinding,
} from "codemirror";

export type Keys = "default" | "vim" | "emacs";

const THEME = EditorView.theme({
  "&": { color: "var(--ink)", backgroundColor: "var(--paper)", fontSize: ".86rem" },
  "&.cm-focused": { outline: "none" },
  ".cm-scroller": { fontFamily: "var(--mono)", lineHeight: "1.55" },
  ".cm-content": { caretColor: "var(--ink)", paddingBlock: ".6rem" },
  ".cm-cursor": { borderLeftColor: "var(--ink)", borderLeftWidth: "2px" },
  "&.cm-focused > .cm-scroller > .cm-selectionLayer .cm-selectionBackground, .cm-selectionBackground": { backgroundColor: "light-dark(#cfe6dc, #2c5145)" },
  ".cm-activeLine": { backgroundColor: "light-dark(#0a6b4d0d, #63d2a60d)" },
  ".cm-gutters": { backgroundColor: "var(--paper)", color: "var(--soft)", border: "none" },
  ".cm-activeLineGutter": { backgroundColor: "light-dark(#0a6b4d0d, #63d2a60d)", color: "var(--ink)" },
  ".cm-matchingBracket, &.cm-focused .cm-matchingBracket": { backgroundColor: "var(--accent-wash)", outline: "1px solid var(--accent)" },
  ".cm-selectionMatch": { backgroundColor: "var(--warn-wash)" },
  ".cm-searchMatch": { backgroundColor: "var(--warn-wash)", outline: "1px solid var(--warn)" },
  ".cm-searchMatch-selected": { backgroundColor: "light-dark(#f7d88a, #6b5210)" },
  ".cm-panels": { backgroundColor: "var(--sheet)", color: "var(--ink)", borderColor: "var(--line)" },
  ".cm-panels button": { backgroundImage: "none", minHeight: "1.8rem" },
  ".cm-panels input": { width: "auto", minHeight: "1.8rem" },
  ".cm-tooltip": { backgroundColor: "var(--raised)", color: "var(--ink)", border: "1px solid var(--edge)", borderRadius: ".4rem", boxShadow: "var(--shadow)" },
  ".cm-tooltip-autocomplete ul li[aria-selected]": { backgroundColor: "var(--accent)", color: "var(--accent-ink)" },
  ".cm-tooltip-lint": { maxWidth: "44rem" },
  ".cm-diagnostic": { fontFamily: "var(--mono)", whiteSpace: "pre-wrap" },
  ".cm-foldPlaceholder": { backgroundColor: "var(--sheet)", color: "var(--soft)", border: "1px solid var(--line)" },
});

/** Styles that CodeMirror writes into the page carry the page's nonce. */
function nonce(): string {
  return document.querySelector<HTMLScriptElement>("script[nonce]")?.nonce ?? "";
}

export function languageOf(path: string): Extension {
  switch (path.slice(path.lastIndexOf(".") + 1).toLowerCase()) {
    case "ts":
    case "mts":
      return javascript({ typescript: true });
    case "tsx":
      return javascript({ typescript: true, jsx: true });
    case "js":
    case "mjs":
    case "jsx":
      return javascript({ jsx: true });
    case "json":
      return json();
    case "css":
      return css();
    case "html":
    case "svg":
      return html();
    case "md":
      return markdown();
    case "sql":
      return sql({ dialect: SQLite });
    case "yml":
    case "yaml":
      return yaml();
    default:
      return [] as unknown as Extension;
  }
}

export function isScript(path: string): boolean {
  return /\.(ts|tsx|mts|js|jsx|mjs)$/.test(path);
}

/** What every view has, whatever its file is. */
export function basics(path: string, label: string): Extension[] {
  return [
    EditorView.cspNonce.of(nonce()), THEME, lineNumbers(), highlightActiveLineGutter(), highlightSpecialChars(), history(), foldGutter(),
    drawSelection(), dropCursor(), EditorState.allowMultipleSelections.of(true), indentOnInput(), bracketMatching(), closeBrackets(),
    rectangularSelection(), highlightActiveLine(), highlightSelectionMatches(), search({ top: true }), indentUnit.of("  "), EditorState.tabSize.of(2),
    syntaxHighlighting(classHighlighter), languageOf(path), TYPED_OVER,
    EditorView.contentAttributes.of({ "aria-label": label, tabindex: "0", "aria-describedby": "editor-help", spellcheck: "false", autocapitalize: "off" }),
    keymap.of([...closeBracketsKeymap, ...defaultKeymap, ...searchKeymap, ...historyKeymap, ...foldKeymap, ...completionKeymap, ...lintKeymap, indentWithTab]),
    ...(window.matchMedia("(max-width: 50rem)").matches ? [EditorView.lineWrapping] : []),
  ];
}

/**
 * Text typed over a selection of several lines. Left to itself the browser joins those lines by writing style attributes,
 * which the page's policy refuses with a line in the console.
 */
const TYPED_OVER = EditorView.domEventHandlers({
  beforeinput: (event: InputEvent, view: EditorView) => {
    const { main } = view.state.selection;
    const text = event.data;
    if (event.inputType !== "insertText" || text === null || event.isComposing) return false;
    if (view.state.doc.lineAt(main.from).number === view.state.doc.lineAt(main.to).number) return false;
    event.preventDefault();
    const insert = { ...view.state.replaceSelection(text), userEvent: "input.type", scrollIntoView: true };
    const handled = view.state.facet(EditorView.inputHandler).some((handler) => handler(view, main.from, main.to, text, () => insert));
    if (!handled) view.dispatch(insert);
    return true;
  },
});

/** Marks beside lines that have faults, and completion by words where no language service helps. */
export function marks(path: string): Extension[] {
  return isScript(path) ? [lintGutter()] : [autocompletion()];
}

export const keysCompartment = new Compartment();
export const languageCompartment = new Compartment();

export function readKeys(): Keys {
  const keys = localStorage.getItem("town-keys");
  return keys === "vim" || keys === "emacs" ? keys : "default";
}

export interface KeyActs {
  save(): void;
  palette(): void;
}

/** The extension of a key map, whose bundle is loaded only by who uses it. What it cannot know of gets its usual keys. */
export async function keysExtension(keys: Keys, assets: Record<string, string>, acts: KeyActs): Promise<unknown> {
  if (keys === "default") return [];
  const bundle = await import(assets[keys] as string);
  if (keys === "vim") {
    bundle.Vim.defineEx("write", "w", acts.save);
    return bundle.vim();
  }
  bundle.EmacsHandler.addCommands({ save: acts.save, focusCommandLine: acts.palette });
  bundle.EmacsHandler.bindKey("C-x C-s", "save");
  // Before the keys of everybody, of which several are its own.
  return Prec.highest(bundle.emacs());
}

/** Keys that win over those of the key maps. */
export function commands(bindings: KeyBinding[]): Extension {
  return Prec.highest(keymap.of(bindings));
}
