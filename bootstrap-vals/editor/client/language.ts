/** The page's end of the TypeScript worker, and what CodeMirror does with its answers. */

import {
  autocompletion, EditorView, forEachDiagnostic, hoverTooltip, keymap, setDiagnostics, showTooltip, StateEffect, StateField,
  type Completion, type CompletionContext, type CompletionResult, type Diagnostic, type EditorState, type Extension, type Tooltip,
} from "codemirror";
import type { Elsewhere, Fault, Glance, News, Place, Question, Questions, Reply, Signature } from "./typescript.ts";

// A check begins with the letter that is typed, and what is typed meanwhile has the next one. Where checks take longer than
// this, they wait for a pause in typing as long as the last one took, so that answers to questions do not stand behind them.
const QUICK_MS = 100;
const PAUSE_MS_MAX = 400;
// An argument may be that far from the bracket that it is in.
const CALL_LENGTH_MAX = 500;
// A file of so many lines is looked at as a whole before anybody could see a part of it.
const SHORT_LINES_MAX = 300;
// What is no mistake is looked for in a pause.
const HINTS_MS = 250;

type Answer<Name extends keyof Questions> = ReturnType<Questions[Name]>;

export interface Language {
  ask<Name extends keyof Questions>(method: Name, ...given: Parameters<Questions[Name]>): Promise<Answer<Name>>;
  /** Called when types have arrived that change what was said before. */
  onNews(listener: () => void): void;
}

export function startLanguage(worker: string): Language {
  const thread = new Worker(worker, { type: "module" });
  const waiting = new Map<number, { done(value: unknown): void; failed(error: Error): void }>();
  const listeners: (() => void)[] = [];
  let last = 0;
  thread.addEventListener("message", ({ data }: MessageEvent<Reply | News>) => {
    if ("news" in data) {
      for (const listener of listeners) listener();
      return;
    }
    const question = waiting.get(data.id);
    waiting.delete(data.id);
    if (data.error === undefined) question?.done(data.value);
    else question?.failed(new Error(data.error));
  });
  return {
    ask(method, ...given) {
      const question: Question = { id: ++last, method, arguments: given };
      thread.postMessage(question);
      return new Promise((done, failed) => waiting.set(question.id, { done: done as (value: unknown) => void, failed }));
    },
    onNews: (listener) => void listeners.push(listener),
  };
}

export interface LanguageWish {
  language: Language;
  path: string;
  /** Environment variables of the val, offered where one is read. */
  variables(): string[];
  /** Opens the place of a definition, if there is any. */
  go(place: Place | Elsewhere | null): void;
  /** What is known of the file beside what TypeScript says. */
  known(view: EditorView): Diagnostic[];
  rename(path: string, position: number): void;
}

/** Diagnostics, hover, completion, signatures and definitions of one file. */
export function languageExtensions(wish: LanguageWish): Extension[] {
  const { language, path } = wish;
  return [
    autocompletion({ override: [(context) => completions(wish, context)], maxRenderedOptions: 60 }),
    hoverTooltip((_view, position) => language.ask("hover", path, position).then((found) =>
      found && { pos: found.from, end: found.to, above: true, create: () => ({ dom: card(found.text, found.documentation) }) })),
    diagnosing(wish),
    signatures(wish),
    keymap.of([
      { key: "F12", run: (view) => definition(wish, view, view.state.selection.main.head) },
      { key: "F2", run: (view) => (wish.rename(path, view.state.selection.main.head), true) },
    ]),
    EditorView.domEventHandlers({
      mousedown: (event: MouseEvent, view: EditorView) => {
        if (!event.ctrlKey && !event.metaKey) return false;
        const position = view.posAtCoords({ x: event.clientX, y: event.clientY });
        return position === null ? false : definition(wish, view, position);
      },
    }),
  ];
}

function definition(wish: LanguageWish, view: EditorView, position: number): boolean {
  // Questions are answered in order, so this one is about what is on the screen.
  void wish.language.ask("write", wish.path, view.state.doc.toString());
  void wish.language.ask("define", wish.path, position).then(wish.go);
  return true;
}

// ---- Diagnostics ----------------------------------------------------------------------------------

function diagnosing({ language, path, known }: LanguageWish): Extension {
  let timer = 0;
  let took = 0;
  let isBusy = false;
  let isDue = false;
  const check = async (view: EditorView) => {
    isBusy = true;
    isDue = false;
    const begun = performance.now();
    try {
      await diagnose(language, path, view, known);
    } finally {
      took = performance.now() - begun;
      isBusy = false;
      if (isDue) plan(view);
    }
  };
  const plan = (view: EditorView) => {
    isDue = true;
    if (isBusy) return;
    clearTimeout(timer);
    timer = setTimeout(() => void check(view), took > QUICK_MS ? Math.min(took, PAUSE_MS_MAX) : 0);
  };
  return EditorView.updateListener.of(({ docChanged, view }) => docChanged && plan(view));
}

// Only the newest check of all has something to say: types may have come since an older one of the same text.
let turns = 0;
/** What is known of a file beside what TypeScript says, as it is shown. */
const others = new WeakSet<Diagnostic>();

/**
 * Tells the worker the text of a view and underlines what is wrong with it: in a long file first with what is in sight.
 * Hints follow where nobody types on.
 */
export async function diagnose(language: Language, path: string, view: EditorView, known: LanguageWish["known"]): Promise<void> {
  const { doc } = view.state;
  const turn = ++turns;
  const isNewest = () => turn === turns && view.state.doc === doc;
  // Questions are answered in order.
  void language.ask("write", path, doc.toString());
  if (doc.lines > SHORT_LINES_MAX) {
    const { from, to } = view.viewport;
    void language.ask("glance", path, from, to).then((found) => found !== null && isNewest() && glanced(view, found));
  }
  const faults = await language.ask("diagnose", path);
  // What was typed meanwhile has its own turn.
  if (!isNewest()) return;
  underline(view, faults, shownOf(view.state).filter(({ severity }) => severity === "hint"), known);
  performance.mark("town-diagnosed");
  view.dom.dataset.diagnosed = String(faults.filter(({ severity }) => severity === "error").length);
  setTimeout(() => isNewest() && void language.ask("suggest", path).then((hints) => {
    if (isNewest()) underline(view, faults, hints.map((hint) => placed(hint, doc.length)), known);
  }), HINTS_MS);
}

/** What is wrong in sight; elsewhere what was wrong stays for as long as that is not known anew. */
function glanced(view: EditorView, { faults, from, to }: Glance): void {
  const kept = shownOf(view.state).filter((shown) => shown.severity === "hint" || others.has(shown) || shown.to < from || shown.from > to);
  put(view, [...faults.map((fault) => placed(fault, view.state.doc.length)), ...kept]);
  view.dom.dataset.glanced = String(faults.length);
}

function underline(view: EditorView, faults: Fault[], hints: Diagnostic[], known: LanguageWish["known"]): void {
  const { doc } = view.state;
  const typed = faults.map((fault) => placed(fault, doc.length));
  // Of one mistake both have something to say, and this is closer to what is typed.
  const lines = new Set(typed.filter(({ severity }) => severity === "error").map(({ from }) => doc.lineAt(from).number));
  const more = known(view).filter(({ from, severity }) => severity !== "error" || !lines.has(doc.lineAt(from).number));
  for (const one of more) others.add(one);
  put(view, [...typed, ...hints, ...more]);
}

/** Drawing anew what is there already would take away what somebody is reading of it. */
function put(view: EditorView, wanted: Diagnostic[]): void {
  const namesOf = (all: Diagnostic[]) => all.map(({ from, to, severity, message }) => `${from} ${to} ${severity} ${message}`).sort().join("\n");
  if (namesOf(wanted) !== namesOf(shownOf(view.state))) view.dispatch(setDiagnostics(view.state, wanted));
}

/** Those that are shown, where they are by now. */
function shownOf(state: EditorState): Diagnostic[] {
  const shown: Diagnostic[] = [];
  forEachDiagnostic(state, (diagnostic, from, to) => {
    const now = { ...diagnostic, from, to };
    if (others.has(diagnostic)) others.add(now);
    shown.push(now);
  });
  return shown;
}

function placed({ from, to, severity, message }: Fault, length: number): Diagnostic {
  return { from: Math.min(from, length), to: Math.min(Math.max(to, from), length), severity, message };
}

// ---- Completion -----------------------------------------------------------------------------------

const KINDS: Record<string, string> = {
  method: "method", function: "function", "local function": "function", var: "variable", let: "variable", const: "constant", parameter: "variable",
  property: "property", getter: "property", setter: "property", class: "class", interface: "interface", type: "type", enum: "enum",
  keyword: "keyword", module: "namespace", alias: "variable", string: "text",
};
const VARIABLE = /(?:Deno\.env\.(?:get|has)\(\s*|process\.env\[\s*)["']([A-Za-z0-9_]*)$/;

async function completions(wish: LanguageWish, context: CompletionContext): Promise<CompletionResult | null> {
  const variable = context.matchBefore(VARIABLE);
  if (variable !== null) {
    const typed = VARIABLE.exec(variable.text)?.[1] ?? "";
    return { from: context.pos - typed.length, options: wish.variables().map((label) => ({ label, type: "constant" })), validFor: /^\w*$/ };
  }
  if (!context.explicit && context.matchBefore(/[\w$]+$|\.$|["'/]$/) === null) return null;
  const { language, path } = wish;
  await language.ask("write", path, context.state.doc.toString());
  const found = await language.ask("complete", path, context.pos);
  if (found === null || context.aborted) return null;
  return {
    from: found.from,
    options: found.entries.map((entry): Completion => ({
      label: entry.name, type: KINDS[entry.kind] ?? "variable", boost: entry.sort <= "11" ? 2 : entry.sort >= "15" ? -2 : 0,
      info: async () => {
        const detail = await language.ask("detail", path, context.pos, entry.name, entry.source);
        return detail && card(detail.text, detail.documentation);
      },
    })),
    validFor: /^[\w$]*$/,
  };
}

// ---- Signatures -----------------------------------------------------------------------------------

function signatures({ language, path }: LanguageWish): Extension {
  const effect = StateEffect.define<Tooltip | null>();
  const field = StateField.define<Tooltip | null>({
    create: () => null,
    update(value, transaction) {
      for (const one of transaction.effects) if (one.is(effect)) return one.value as Tooltip | null;
      return value;
    },
    provide: (self) => showTooltip.from(self),
  });
  let asked = 0;
  const listener = EditorView.updateListener.of(({ docChanged, selectionSet, view, state }) => {
    if (!docChanged && !selectionSet) return;
    const position = state.selection.main.head;
    const mine = ++asked;
    const inCall = view.hasFocus && isInCall(state.sliceDoc(Math.max(0, position - CALL_LENGTH_MAX), position));
    if (inCall && docChanged) void language.ask("write", path, state.doc.toString());
    void (inCall ? language.ask("signature", path, position) : Promise.resolve(null)).then((found) => {
      if (mine !== asked) return;
      const tooltip = found && { pos: Math.min(found.from, view.state.doc.length), above: true, create: () => ({ dom: signatureCard(found) }) };
      view.dispatch({ effects: effect.of(tooltip) });
    });
  });
  const close = keymap.of([{ key: "Escape", run: (view) => (view.dispatch({ effects: effect.of(null) }), false) }]);
  return [field, listener, close] as unknown as Extension;
}

/** Whether a bracket before the cursor is open. */
function isInCall(before: string): boolean {
  let closed = 0;
  for (let at = before.length - 1; at >= 0 && closed >= 0; at--) closed += before[at] === ")" ? 1 : before[at] === "(" ? -1 : 0;
  return closed < 0;
}

function signatureCard(found: Signature): HTMLElement {
  const box = element("div", "cm-card");
  const line = element("code", "");
  line.append(found.prefix);
  found.parameters.forEach((parameter, index) => {
    if (index > 0) line.append(found.separator);
    line.append(index === found.active ? Object.assign(element("b", ""), { textContent: parameter }) : parameter);
  });
  line.append(found.suffix);
  box.append(line);
  if (found.documentation !== "") box.append(Object.assign(element("p", ""), { textContent: found.documentation }));
  return box;
}

function card(text: string, documentation: string): HTMLElement {
  const box = element("div", "cm-card");
  box.append(Object.assign(element("code", ""), { textContent: text }));
  if (documentation !== "") box.append(Object.assign(element("p", ""), { textContent: documentation }));
  return box;
}

function element(name: string, className: string): HTMLElement {
  return Object.assign(document.createElement(name), { className });
}
