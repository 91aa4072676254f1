/**
 * TypeScript's language service over the files of one val, in a worker. Types of other modules come from the town as they
 * are imported; a module whose types nobody has is of any type rather than an error.
 */

import { hintsOf, importsOf, unalias, type Aliases } from "./names.ts";
import { isPackage, isWithin, startPackages, type Packages } from "./packages.ts";
import type {
  DisplayPart, Edit, Elsewhere, Fault, Glance, Hover, LanguageService, ModuleHost, Place, Question, Questions, Reply, ResolvedModule, Signature, Suggestions, TsDiagnostic, TypeScript,
} from "./typescript.ts";
import { snapshotOf } from "./snapshots.ts";

interface WorkerScope {
  postMessage(message: unknown): void;
  onmessage: ((event: MessageEvent<Question>) => void) | null;
}
const scope = globalThis as unknown as WorkerScope;

interface Held {
  text: string;
  revision: number;
}

const OWN = "file:///";
const LIBRARY = "lib:///";
// Importing files by their .ts names is how vals do it; what runs strips types, so those must be erasable.
const NOT_FOUND = 2307;
const QUIET = new Set([
  // An import whose types are not here.
  NOT_FOUND, 7016, 2792,
  // Top-level await and import.meta are as they are in the town.
  1378, 1375, 1343, 1470,
]);
const SEVERITIES: Fault["severity"][] = ["warning", "error", "hint", "info"];
const COMPLETIONS_MAX = 400;
// Types come in bursts, a module or package after the other: the program is looked at again once for all of them.
const NEWS_MS = 50;
// After so long a pause an import is one, and worth asking a registry for.
const SETTLED_MS = 700;
// Where what everybody has is declared.
const DECLARED_IN: Record<string, string> = { [`${LIBRARY}kernel.d.ts`]: "town:system/kernel.d.ts", [`${LIBRARY}deno.d.ts`]: "town:system/editor/deno.d.ts" };
const CONFIGURATION = /^file:\/\/\/(deno\.jsonc?|import_map\.json)$/;
let ts: TypeScript;
let service: LanguageService;
let typesAddress = "";
const files = new Map<string, Held>();
/** Specifier of a foreign module, resolved, to the name of its file here; null while or after it could not be had. */
const modules = new Map<string, string | null>();
/** Where the relative imports of a foreign module's file start. */
const bases = new Map<string, string>();
/** By file, what its imports are to be taken for. */
const hints = new Map<string, Map<string, string>>();
let packages: Packages;
let aliases: Aliases = {};
let clock = 0;

const answers: { [Name in keyof Questions]: (...given: Parameters<Questions[Name]>) => unknown } = {
  async start(setting) {
    typesAddress = setting.types;
    const [bundle, libraries, kernel, deno] = await Promise.all([
      import(setting.typescript) as Promise<{ default: TypeScript }>, fetch(setting.libraries).then((response) => response.json()),
      source("town:kernel"), source("town:system/editor/deno.d.ts"),
    ]);
    ts = bundle.default;
    for (const [name, text] of Object.entries(libraries as Record<string, string>)) files.set(LIBRARY + name, { text, revision: 0 });
    for (const [name, found] of [["kernel.d.ts", kernel], ["deno.d.ts", deno]] as const) {
      if (found !== undefined) files.set(LIBRARY + name, { text: found.source, revision: 0 });
    }
    const settings = host();
    // The configuration first: it says what the names in the others stand for.
    for (const { path, text } of setting.files.sort((a, b) => Number(CONFIGURATION.test(OWN + b.path)) - Number(CONFIGURATION.test(OWN + a.path)))) put(OWN + path, text);
    service = ts.createLanguageService(settings, ts.createDocumentRegistry(true));
  },
  write: (path, text) => put(OWN + path, text),
  remove: (path) => void files.delete(OWN + path),
  glance: (path, from, to) => glance(OWN + path, from, to),
  diagnose: (path) => faultsOf(OWN + path, (file) => [...service.getSyntacticDiagnostics(file), ...service.getSemanticDiagnostics(file)]),
  suggest: (path) => faultsOf(OWN + path, (file) => service.getSuggestionDiagnostics(file)),
  hover: (path, position) => hover(OWN + path, position),
  complete: (path, position) => complete(OWN + path, position),
  detail(path, position, name, from) {
    const found = service.getCompletionEntryDetails(OWN + path, position, name, undefined, from, undefined, undefined);
    return found && { text: textOf(found.displayParts), documentation: textOf(found.documentation) };
  },
  signature: (path, position) => signature(OWN + path, position),
  define: (path, position) => define(OWN + path, position),
  rename(path, position, name): Edit[] {
    // The name itself everywhere, rather than an alias where it is imported.
    const places = service.findRenameLocations(OWN + path, position, false, false, { providePrefixAndSuffixTextForRename: false }) ?? [];
    return places.filter(({ fileName }) => fileName.startsWith(OWN)).map(({ fileName, textSpan }) =>
      ({ path: fileName.slice(OWN.length), from: textSpan.start, to: textSpan.start + textSpan.length, text: name }));
  },
  format(path): Edit[] {
    const settings = { ...ts.getDefaultFormatCodeSettings("\n"), indentSize: 2, tabSize: 2, convertTabsToSpaces: true, semicolons: "insert", trimTrailingWhitespace: true };
    return service.getFormattingEditsForDocument(OWN + path, settings)
      .map(({ span, newText }) => ({ path, from: span.start, to: span.start + span.length, text: newText }));
  },
};

scope.onmessage = async ({ data }) => {
  const reply: Reply = { id: data.id };
  try {
    const answer = answers[data.method] as (...given: unknown[]) => unknown;
    reply.value = await answer(...data.arguments);
  } catch (error) {
    reply.error = String(error);
  }
  scope.postMessage(reply);
};

function put(name: string, text: string): void {
  // Each question brings the text along; the program is the same for as long as that is.
  if (files.get(name)?.text === text) return;
  files.set(name, { text, revision: ++clock });
  if (CONFIGURATION.test(name)) aliases = importsOf(ts, text);
  if (isWithin(name)) return;
  hints.set(name, hintsOf(text));
  // A program asks by itself. What comes before there is one is asked for at once, and so is on its way.
  if (service !== undefined && name.startsWith(OWN)) return;
  for (const { fileName } of ts.preProcessFile(text, true, true).importedFiles) resolve(fileName, name);
}

/** Whether the program must ask anew what imports mean: something has come that they did not lead to before. */
let isStale = false;
let newsTimer: ReturnType<typeof setTimeout> | undefined;

function news(): void {
  newsTimer ??= setTimeout(() => {
    newsTimer = undefined;
    isStale = true;
    service.getProgram();
    isStale = false;
    scope.postMessage({ news: true });
  }, NEWS_MS);
}

function host(): object {
  const options = {
    target: ts.ScriptTarget.ESNext, module: ts.ModuleKind.ESNext, moduleResolution: ts.ModuleResolutionKind.Bundler,
    moduleDetection: ts.ModuleDetectionKind.Force, strict: true, noEmit: true, allowJs: true, checkJs: false, skipLibCheck: true,
    allowImportingTsExtensions: true, allowArbitraryExtensions: true, resolveJsonModule: true, esModuleInterop: true,
    jsx: ts.JsxEmit.ReactJSX, lib: ["lib.es2024.full.d.ts"], types: [],
  };
  const libraries = ["deno.d.ts", "kernel.d.ts", "lib.esnext.d.ts", "lib.dom.d.ts", "lib.dom.iterable.d.ts", "lib.dom.asynciterable.d.ts"];
  const reading: ModuleHost = {
    fileExists: (name) => files.has(name),
    readFile: (name) => files.get(name)?.text,
    directoryExists: () => true,
  };
  packages = startPackages({ ts, options, host: reading, put, fetch: declarations, news, alias: (name) => aliases[name] });
  return {
    ...reading,
    getCompilationSettings: () => options,
    getScriptFileNames: () => [...libraries.map((name) => LIBRARY + name), ...[...files.keys()].filter((name) => name.startsWith(OWN) && isCode(name))].filter((name) => files.has(name)),
    getScriptVersion: (name: string) => String(files.get(name)?.revision ?? 0),
    getScriptSnapshot: (name: string) => {
      const held = files.get(name);
      return held && snapshotOf(held.text);
    },
    getCurrentDirectory: () => OWN,
    getDefaultLibFileName: () => `${LIBRARY}lib.es2024.full.d.ts`,
    getDirectories: () => [],
    useCaseSensitiveFileNames: () => true,
    hasInvalidatedResolutions: () => isStale,
    resolveModuleNameLiterals: (literals: { text: string }[], containing: string) =>
      literals.map(({ text }) => ({ resolvedModule: resolve(text, containing) })),
  };
}

function isCode(name: string): boolean {
  return /\.(ts|tsx|mts|js|jsx|mjs|json)$/.test(name);
}

function extensionOf(name: string): string {
  return name.endsWith(".d.ts") ? ".d.ts" : name.slice(name.lastIndexOf("."));
}

/** The file that an import means. One from elsewhere that nobody asked for yet is asked for. */
function resolve(specifier: string, containing: string): ResolvedModule | undefined {
  if (isWithin(containing)) return packages.resolve(specifier, containing);
  const address = absolute(hints.get(containing)?.get(specifier) ?? specifier, containing);
  if (isPackage(address)) return packages.resolve(address, containing, settled(specifier, containing));
  want(address, settled(specifier, containing));
  const found = address.startsWith(OWN) ? address : modules.get(address) ?? undefined;
  return found === undefined || !files.has(found) ? undefined : { resolvedFileName: found, extension: extensionOf(found), isExternalLibraryImport: false };
}

function absolute(specifier: string, containing: string): string {
  if (!/^\.{0,2}\//.test(specifier)) return containing.startsWith(OWN) ? unalias(aliases, specifier, OWN) : specifier;
  const foreign = bases.get(containing);
  if (specifier.startsWith("/v/")) return specifier;
  const base = foreign?.startsWith("town:system/") ? foreign.replace("town:system/", "town://system/") : foreign ?? containing;
  return new URL(specifier, base).href.replace("town://system/", "town:system/");
}

/** Fetches the types of a module that is imported for the first time. */
function want(address: string, settled: (() => Promise<boolean>) | undefined): void {
  if (modules.has(address) || address === "town:kernel" || !/^(https?:|node:|town:system\/|\/v\/)/.test(address)) return;
  modules.set(address, null);
  const load = async () => {
    if (settled !== undefined && !(await settled())) return void modules.delete(address);
    const found = await source(address);
    if (found === undefined) return;
    // Types may have an address of their own, from which their imports start.
    const path = found.specifier.replace(/[?#].*$/, "");
    const name = `module:///${encodeURIComponent(path)}${/\.(d\.[mc]?ts|tsx?|mts|jsx?|mjs|json)$/.test(path) ? "" : ".ts"}`;
    modules.set(address, name);
    bases.set(name, found.specifier);
    put(name, found.source);
    news();
  };
  void load();
}

/** Whether a val's file still imports that after a pause: a name that is being typed is many names. */
function settled(specifier: string, containing: string): (() => Promise<boolean>) | undefined {
  // What is there when the editor opens was typed before.
  if (service === undefined || !containing.startsWith(OWN)) return undefined;
  return () => {
    const written = specifier.replace(/\/jsx(-dev)?-runtime$/, "").replace(/[.*+?^${}()|[\]\\]/g, "\\$&");
    const use = new RegExp(`["'\\s]${written}(?=["'\\s*])`);
    return new Promise((done) => setTimeout(() => done([...files].some(([name, { text }]) => name.startsWith(OWN) && use.test(text))), SETTLED_MS));
  };
}

async function source(specifier: string): Promise<{ specifier: string; source: string } | undefined> {
  const response = await fetch(`${typesAddress}&specifier=${encodeURIComponent(specifier)}`);
  return response.ok ? response.json() : undefined;
}

async function declarations(name: string, range: string): Promise<{ version: string; files: Record<string, string> } | undefined> {
  const address = typesAddress.replace("/-/types?", "/-/types/package?");
  const response = await fetch(`${address}&name=${encodeURIComponent(name)}&range=${encodeURIComponent(range)}`);
  return response.ok ? response.json() : undefined;
}

function glance(file: string, from: number, to: number): Glance | null {
  const found = service.getRegionSemanticDiagnostics(file, [{ pos: from, end: to }]);
  if (found === undefined || found.spans.length === 0) return null;
  const ends = found.spans.map(({ start, length }) => start + length);
  const faults = faultsOf(file, () => [...service.getSyntacticDiagnostics(file), ...found.diagnostics]);
  return { faults, from: Math.min(...found.spans.map(({ start }) => start)), to: Math.max(...ends) };
}

function faultsOf(file: string, find: (file: string) => TsDiagnostic[]): Fault[] {
  const text = files.get(file)?.text;
  if (text === undefined) return [];
  // All files of the val are here.
  const isOwn = ({ code, start = 0 }: TsDiagnostic) => code === NOT_FOUND && /^["']\.{1,2}\//.test(text.slice(start, start + 4));
  return find(file).filter((fault) => !QUIET.has(fault.code) || isOwn(fault)).map(faultOf);
}

function faultOf({ start = 0, length = 0, category, code, messageText }: TsDiagnostic): Fault {
  return { from: start, to: start + length, severity: SEVERITIES[category] ?? "error", message: ts.flattenDiagnosticMessageText(messageText, "\n"), code };
}

function hover(file: string, position: number): Hover | null {
  const found = service.getQuickInfoAtPosition(file, position);
  if (found === undefined) return null;
  const tags = (found.tags ?? []).map(({ name, text }) => `@${name} ${textOf(text)}`).join("\n");
  const { start, length } = found.textSpan;
  return { from: start, to: start + length, text: textOf(found.displayParts), documentation: [textOf(found.documentation), tags].filter(Boolean).join("\n\n") };
}

function complete(file: string, position: number): Suggestions | null {
  const found = service.getCompletionsAtPosition(file, position, { includeCompletionsForModuleExports: false, includeCompletionsWithInsertText: true });
  if (found === undefined) return null;
  const text = files.get(file)?.text ?? "";
  let from = position;
  while (from > 0 && /[\w$]/.test(text[from - 1] as string)) from--;
  return {
    from: found.optionalReplacementSpan?.start ?? from,
    entries: found.entries.slice(0, COMPLETIONS_MAX).map(({ name, kind, sortText, source: module }) => ({ name, kind, sort: sortText, source: module })),
  };
}

function define(file: string, position: number): Place | Elsewhere | null {
  const found = service.getDefinitionAtPosition(file, position) ?? [];
  const place = found.find(({ fileName }) => fileName.startsWith(OWN)) ?? found[0];
  if (place === undefined) return null;
  const { fileName, textSpan: { start, length } } = place;
  if (fileName.startsWith(OWN)) return { path: fileName.slice(OWN.length), from: start, to: start + length };
  const line = (files.get(fileName)?.text ?? "").slice(0, start).split("\n").length;
  return { module: DECLARED_IN[fileName] ?? bases.get(fileName) ?? fileName.replace(/^(lib|npm|module):\/\/\//, ""), line };
}

function signature(file: string, position: number): Signature | null {
  const found = service.getSignatureHelpItems(file, position, {});
  const item = found?.items[found.selectedItemIndex];
  if (found === undefined || item === undefined) return null;
  return {
    prefix: textOf(item.prefixDisplayParts), suffix: textOf(item.suffixDisplayParts), separator: textOf(item.separatorDisplayParts),
    parameters: item.parameters.map(({ displayParts }) => textOf(displayParts)), active: found.argumentIndex,
    documentation: textOf(item.parameters[found.argumentIndex]?.documentation) || textOf(item.documentation), from: found.applicableSpan.start,
  };
}

function textOf(parts: DisplayPart[] | undefined): string {
  return ts.displayPartsToString(parts);
}
