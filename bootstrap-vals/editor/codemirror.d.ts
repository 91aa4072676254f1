/** What the editor uses of CodeMirror (`editor/vendor/codemirror.js.gz`), which the page's import map names. */
declare module "codemirror" {
  // Opaque: made by one function of the library and handed to another.
  export interface Extension { readonly extension?: unknown }
  export interface TransactionSpec {
    changes?: ChangeSpec | ChangeSpec[];
    selection?: { anchor: number; head?: number };
    effects?: unknown;
    annotations?: unknown;
    scrollIntoView?: boolean;
    userEvent?: string;
  }
  export interface ChangeSpec { from: number; to?: number; insert?: string }
  export interface Line { from: number; to: number; number: number; text: string }
  export interface Text {
    readonly length: number;
    readonly lines: number;
    line(number: number): Line;
    lineAt(position: number): Line;
    sliceString(from: number, to?: number): string;
    toString(): string;
  }
  export interface ChangeSet { mapPos(position: number, side?: number): number }
  export interface Selection { main: { anchor: number; head: number; from: number; to: number; empty: boolean } }
  export class EditorState {
    static create(config: { doc?: string; selection?: { anchor: number; head?: number }; extensions?: unknown }): EditorState;
    static readonly readOnly: { of(value: boolean): Extension };
    static readonly tabSize: { of(value: number): Extension };
    static readonly allowMultipleSelections: { of(value: boolean): Extension };
    readonly doc: Text;
    readonly selection: Selection;
    sliceDoc(from?: number, to?: number): string;
    facet<T>(facet: { readonly facet: T }): T;
    replaceSelection(text: string): TransactionSpec;
    wordAt(position: number): { from: number; to: number } | null;
  }
  export class Compartment {
    of(extension: unknown): Extension;
    reconfigure(extension: unknown): unknown;
  }
  export interface ViewUpdate { docChanged: boolean; selectionSet: boolean; state: EditorState; view: EditorView; changes: ChangeSet }
  export class EditorView {
    constructor(config: { state?: EditorState; parent?: Element; doc?: string; extensions?: unknown });
    readonly state: EditorState;
    readonly dom: HTMLElement;
    readonly contentDOM: HTMLElement;
    readonly hasFocus: boolean;
    readonly viewport: { from: number; to: number };
    dispatch(...specs: TransactionSpec[]): void;
    setState(state: EditorState): void;
    focus(): void;
    destroy(): void;
    coordsAtPos(position: number): { left: number; top: number; bottom: number } | null;
    posAtCoords(at: { x: number; y: number }): number | null;
    static theme(spec: Record<string, Record<string, string>>, options?: { dark?: boolean }): Extension;
    static readonly lineWrapping: Extension;
    static readonly inputHandler: { readonly facet: ((view: EditorView, from: number, to: number, text: string, insert: () => unknown) => boolean)[] };
    static readonly cspNonce: { of(value: string): Extension };
    static readonly contentAttributes: { of(value: Record<string, string>): Extension };
    static readonly updateListener: { of(listener: (update: ViewUpdate) => void): Extension };
    static domEventHandlers(handlers: Record<string, (event: never, view: EditorView) => boolean | void>): Extension;
    static scrollIntoView(position: number, options?: { y?: "center" | "start" | "nearest" }): unknown;
  }
  export interface KeyBinding { key?: string; mac?: string; run?(view: EditorView): boolean; shift?(view: EditorView): boolean; preventDefault?: boolean }
  export const keymap: { of(bindings: readonly KeyBinding[]): Extension };
  export const Prec: { highest(extension: unknown): Extension; high(extension: unknown): Extension; low(extension: unknown): Extension };
  export function lineNumbers(): Extension;
  export function highlightActiveLine(): Extension;
  export function highlightActiveLineGutter(): Extension;
  export function highlightSpecialChars(): Extension;
  export function drawSelection(): Extension;
  export function dropCursor(): Extension;
  export function rectangularSelection(): Extension;
  export function crosshairCursor(): Extension;
  export interface Tooltip { pos: number; end?: number; above?: boolean; create(view: EditorView): { dom: HTMLElement } }
  export function hoverTooltip(source: (view: EditorView, position: number, side: -1 | 1) => Promise<Tooltip | null> | Tooltip | null): Extension;
  export const showTooltip: { of(tooltip: Tooltip | null): Extension; from(field: unknown, get?: unknown): Extension };
  export class StateEffect { static define<T>(): { of(value: T): unknown; is(effect: unknown): boolean } }
  export class StateField<T> {
    static define<T>(config: {
      create(state: EditorState): T;
      update(value: T, transaction: { effects: { is(kind: unknown): boolean; value: T }[]; docChanged: boolean; selection?: unknown; state: EditorState }): T;
      provide?(field: StateField<T>): unknown;
    }): StateField<T> & Extension;
  }
  export function history(): Extension;
  export const defaultKeymap: KeyBinding[];
  export const historyKeymap: KeyBinding[];
  export const indentWithTab: KeyBinding;
  export function toggleComment(view: EditorView): boolean;
  export function foldGutter(): Extension;
  export const foldKeymap: KeyBinding[];
  export function indentOnInput(): Extension;
  export function bracketMatching(): Extension;
  export const indentUnit: { of(value: string): Extension };
  export function syntaxHighlighting(style: unknown, options?: { fallback: boolean }): Extension;
  export const HighlightStyle: { define(specs: { tag: unknown; class?: string }[]): unknown };
  export const tags: Record<string, unknown> & Record<"function" | "definition" | "special", (tag: unknown) => unknown>;
  export const classHighlighter: unknown;
  export const searchKeymap: KeyBinding[];
  export function search(config?: { top?: boolean }): Extension;
  export function openSearchPanel(view: EditorView): boolean;
  export function gotoLine(view: EditorView): boolean;
  export function highlightSelectionMatches(): Extension;
  export interface Completion {
    label: string; detail?: string; type?: string; boost?: number; apply?: string;
    info?(completion: Completion): Promise<HTMLElement | null> | HTMLElement | null;
  }
  export interface CompletionContext {
    state: EditorState; pos: number; explicit: boolean; aborted: boolean;
    matchBefore(pattern: RegExp): { from: number; to: number; text: string } | null;
  }
  export interface CompletionResult { from: number; options: Completion[]; validFor?: RegExp }
  export function autocompletion(config?: {
    override?: ((context: CompletionContext) => Promise<CompletionResult | null> | CompletionResult | null)[]; maxRenderedOptions?: number;
  }): Extension;
  export function closeBrackets(): Extension;
  export const closeBracketsKeymap: KeyBinding[];
  export const completionKeymap: KeyBinding[];
  export interface Diagnostic { from: number; to: number; severity: "error" | "warning" | "info" | "hint"; message: string; source?: string; actions?: { name: string; apply(view: EditorView, from: number, to: number): void }[] }
  export function forEachDiagnostic(state: EditorState, visit: (diagnostic: Diagnostic, from: number, to: number) => void): void;
  export function setDiagnostics(state: EditorState, diagnostics: Diagnostic[]): TransactionSpec;
  export function lintGutter(): Extension;
  export const lintKeymap: KeyBinding[];
  export function openLintPanel(view: EditorView): boolean;
  export function nextDiagnostic(view: EditorView): boolean;
  export function forceLinting(view: EditorView): void;
  export class MergeView {
    constructor(config: {
      a: { doc: string; extensions?: unknown }; b: { doc: string; extensions?: unknown }; parent?: Element;
      revertControls?: "a-to-b" | "b-to-a"; gutter?: boolean; collapseUnchanged?: { margin?: number; minSize?: number };
    });
    readonly a: EditorView;
    readonly b: EditorView;
    destroy(): void;
  }
  export function highlightTree(tree: unknown, highlighter: unknown, put: (from: number, to: number, classes: string) => void): void;
  export const javascriptLanguage: { configure(options: { dialect: string }): { parser: { parse(text: string): unknown } } };
  export function javascript(config?: { typescript?: boolean; jsx?: boolean }): Extension;
  export function json(): Extension;
  export function css(): Extension;
  export function html(): Extension;
  export function markdown(): Extension;
  export function sql(config?: { dialect?: unknown }): Extension;
  export const SQLite: unknown;
  export function yaml(): Extension;
}
