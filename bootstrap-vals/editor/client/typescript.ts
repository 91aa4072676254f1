/** The part of TypeScript's language service that the worker uses, and what travels between page and worker. */

export interface Span { start: number; length: number }
export interface DisplayPart { text: string; kind: string }
interface MessageChain { messageText: string; next?: MessageChain[] }
export interface TsDiagnostic {
  code: number; category: number; start: number | undefined; length: number | undefined; messageText: string | MessageChain;
}
export interface LanguageService {
  getSyntacticDiagnostics(file: string): TsDiagnostic[];
  getSemanticDiagnostics(file: string): TsDiagnostic[];
  /** Of the statements in these places alone, and where they stand; nothing where all is known already. Not in its published types. */
  getRegionSemanticDiagnostics(file: string, places: { pos: number; end: number }[]): { diagnostics: TsDiagnostic[]; spans: Span[] } | undefined;
  getSuggestionDiagnostics(file: string): TsDiagnostic[];
  getQuickInfoAtPosition(file: string, position: number): { textSpan: Span; displayParts?: DisplayPart[]; documentation?: DisplayPart[]; tags?: { name: string; text?: DisplayPart[] }[] } | undefined;
  getCompletionsAtPosition(file: string, position: number, options: object): { entries: { name: string; kind: string; sortText: string; insertText?: string; replacementSpan?: Span; source?: string }[]; optionalReplacementSpan?: Span } | undefined;
  getCompletionEntryDetails(file: string, position: number, name: string, format: undefined, source: string | undefined, preferences: undefined, data: undefined): { displayParts: DisplayPart[]; documentation?: DisplayPart[] } | undefined;
  getSignatureHelpItems(file: string, position: number, options: object): { selectedItemIndex: number; argumentIndex: number; applicableSpan: Span; items: { prefixDisplayParts: DisplayPart[]; separatorDisplayParts: DisplayPart[]; suffixDisplayParts: DisplayPart[]; parameters: { displayParts: DisplayPart[]; documentation?: DisplayPart[] }[]; documentation?: DisplayPart[] }[] } | undefined;
  getDefinitionAtPosition(file: string, position: number): readonly { fileName: string; textSpan: Span }[] | undefined;
  findRenameLocations(file: string, position: number, inStrings: boolean, inComments: boolean, preferences: object): readonly { fileName: string; textSpan: Span }[] | undefined;
  getProgram(): unknown;
  getFormattingEditsForDocument(file: string, options: object): { span: Span; newText: string }[];
}
export interface Change { span: Span; newLength: number }
export interface Snapshot { getText(start: number, end: number): string; getLength(): number; getChangeRange(before: Snapshot): Change | undefined }
export interface ResolvedModule { resolvedFileName: string; extension: string; isExternalLibraryImport?: boolean }
export interface ModuleHost {
  fileExists(name: string): boolean;
  readFile(name: string): string | undefined;
  directoryExists(name: string): boolean;
}
export interface TypeScript {
  version: string;
  ScriptTarget: Record<string, number>;
  ModuleKind: Record<string, number>;
  ModuleDetectionKind: Record<string, number>;
  ModuleResolutionKind: Record<string, number>;
  JsxEmit: Record<string, number>;
  createLanguageService(host: object, registry?: object): LanguageService;
  createDocumentRegistry(useCaseSensitiveFileNames?: boolean): object;
  parseConfigFileTextToJson(name: string, text: string): { config?: object };
  flattenDiagnosticMessageText(message: string | MessageChain, newLine: string): string;
  displayPartsToString(parts: DisplayPart[] | undefined): string;
  resolveModuleName(name: string, containing: string, options: object, host: ModuleHost): { resolvedModule?: ResolvedModule };
  preProcessFile(text: string, readImports: boolean, detectJavaScript: boolean): { importedFiles: { fileName: string }[] };
  getDefaultFormatCodeSettings(newLine: string): Record<string, unknown>;
}

// ---- What the page asks and gets ------------------------------------------------------------------

export interface Fault { from: number; to: number; severity: "error" | "warning" | "info" | "hint"; message: string; code: number }
export interface Glance { faults: Fault[]; from: number; to: number }
export interface Hover { from: number; to: number; text: string; documentation: string }
export interface Suggestion { name: string; kind: string; sort: string; source?: string | undefined }
export interface Suggestions { from: number; entries: Suggestion[] }
export interface Signature { prefix: string; parameters: string[]; suffix: string; separator: string; active: number; documentation: string; from: number }
export interface Place { path: string; from: number; to: number }
/** In a module that is none of the val's files: what it is called, and the line. */
export interface Elsewhere { module: string; line: number }
export interface Edit { path: string; from: number; to: number; text: string }

export interface Questions {
  start(setting: { typescript: string; libraries: string; types: string; files: { path: string; text: string }[] }): void;
  write(path: string, text: string): void;
  remove(path: string): void;
  /** What is wrong from one place to another, and how far that was looked at; null where looking at all is no longer. */
  glance(path: string, from: number, to: number): Glance | null;
  /** What is wrong. */
  diagnose(path: string): Fault[];
  /** What could be better. */
  suggest(path: string): Fault[];
  hover(path: string, position: number): Hover | null;
  complete(path: string, position: number): Suggestions | null;
  detail(path: string, position: number, name: string, source: string | undefined): { text: string; documentation: string } | null;
  signature(path: string, position: number): Signature | null;
  define(path: string, position: number): Place | Elsewhere | null;
  rename(path: string, position: number, name: string): Edit[];
  format(path: string): Edit[];
}
export interface Question { id: number; method: keyof Questions; arguments: unknown[] }
export interface Reply { id: number; value?: unknown; error?: string }
/** Not asked for: types of a module have arrived, so what was said before may be wrong. */
export interface News { news: true }
