/** What the compiler says of one file: imports, exports, and what is wrong with it. */

import type { Compiled, Statement } from "town:kernel";
import { all, inGroups } from "../lib/rows.ts";
import type { Town } from "../lib/town.ts";
import { readContent, type Entry } from "../model/files.ts";
import type { Dialect } from "../model/names.ts";
import { PRELUDE, readReferences, specifierOf, translate, type At } from "./at.ts";

export type Import = Compiled["imports"][number];

export interface Analysis {
  hash: string;
  dialect: Dialect;
  imports: Import[];
  exports: string[];
  isolation: "shared" | "request";
  error: { message: string; line: number; column: number } | null;
  /** Not stored yet. */
  fresh?: boolean;
}

/** A fault of a save that does not hinder it, with its place in the author's file. */
export interface Diagnostic {
  path: string;
  line: number;
  column: number;
  message: string;
  suggestion?: string;
  /** It is a call of somebody else's val that should be one as an API, and whether a program can make it one. */
  upgradable?: boolean;
}

// `// town: isolation=request` among the first lines: every request in a pristine process of its own.
const ISOLATION = /^\s*\/\/\s*town:\s*isolation=(request|shared)\s*$/m;
const ISOLATION_CHARACTERS = 500;
const SERVES = /\bDeno\s*\.\s*serve\s*\(/;
// Enough to keep the compiler busy, few enough not to crowd out others.
const COMPILES_OPEN = 4;

// The kernel bounds a result to 16 MiB; an analysis of 8 KiB has some forty imports.
const HASHES_ASKED_MAX = 2_000;

const KNOWN = `SELECT n.hash, n.dialect, n.imports, n.exports, n.isolation, n.error
  FROM json_each(:hashes) j JOIN analysis n ON n.hash = j.value`;

interface AnalysisRow {
  hash: string;
  dialect: Dialect;
  imports: string;
  exports: string;
  isolation: Analysis["isolation"];
  error: string | null;
}

/** Code to be analysed. Its text is read only where it is not known yet. */
export interface Source {
  hash: string;
  dialect: Dialect;
  read(): Promise<string>;
}

/** The analysis of each code file given, by `keyOf`; what is not known yet is compiled. */
export async function analyse(town: Town, entries: Entry[]): Promise<Map<string, Analysis>> {
  const code = entries.filter((entry) => entry.dialect !== null && entry.hash !== null);
  return analyseSources(town, code.map((entry) => ({
    hash: entry.hash as string, dialect: entry.dialect as Dialect,
    read: async () => entry.text ?? readContent(town, entry.hash as string),
  })));
}

/** The same for code from anywhere, by `{hash}.{dialect}`. With `keep`, what was compiled is stored at once. */
export async function analyseSources(town: Town, code: Source[], keep = false): Promise<Map<string, Analysis>> {
  const hashes = [...new Set(code.map((source) => source.hash))];
  const known = new Map<string, Analysis>();
  for (let start = 0; start < hashes.length; start += HASHES_ASKED_MAX) {
    const asked = JSON.stringify(hashes.slice(start, start + HASHES_ASKED_MAX));
    for (const row of await all<AnalysisRow>(town.storage, KNOWN, { hashes: asked })) {
      const error = row.error === null ? null : JSON.parse(row.error);
      known.set(`${row.hash}.${row.dialect}`, { ...row, imports: JSON.parse(row.imports), exports: JSON.parse(row.exports), error });
    }
  }
  const keyed = new Map(code.map((source) => [`${source.hash}.${source.dialect}`, source]));
  const missing = new Map([...keyed].filter(([key]) => !known.has(key)));
  const queue = [...missing];
  const work = async () => {
    for (let next = queue.pop(); next !== undefined; next = queue.pop()) known.set(next[0], await compile(town, next[1]));
  };
  await Promise.all(Array.from({ length: Math.min(COMPILES_OPEN, queue.length) }, work));
  if (keep && missing.size > 0) {
    const statements = analysisStatements([...missing.keys()].map((key) => known.get(key) as Analysis));
    await town.storage.batch(statements);
  }
  return known;
}

export function keyOf(entry: Entry): string {
  return `${entry.hash}.${entry.dialect}`;
}

async function compile(town: Town, { hash, dialect, read }: Source): Promise<Analysis> {
  const source = await read();
  const isolation = ISOLATION.exec(source.slice(0, ISOLATION_CHARACTERS))?.[1] === "request" ? "request" : "shared";
  const analysis: Analysis = { hash, dialect, imports: [], exports: [], isolation, error: null, fresh: true };
  try {
    const compiled = await town.loader.compile(source, { type: dialect, forProgram: true });
    // Some of the language of old is a decorator without anything to decorate, or a console that mails.
    const at = compiled.exports.length > 0 || readReferences(source) === undefined ? undefined : await translate(town, source);
    if (at !== undefined) return { ...analysis, ...(await outlineOf(town, at)) };
    // A handler that is given to `Deno.serve` stands in for the default export.
    const served = compiled.exports.length === 0 && SERVES.test(source);
    return { ...analysis, imports: compiled.imports, exports: served ? ["default"] : compiled.exports };
  } catch (error) {
    // Anything else than the author's mistake must not be remembered as if it were one.
    if (!(error instanceof SyntaxError)) throw error;
    const at = await translate(town, source);
    if (at !== undefined) return { ...analysis, ...(await outlineOf(town, at)) };
    const { message, line, column } = error as SyntaxError & { line?: number; column?: number };
    return { ...analysis, error: { message, line: line ?? 1, column: column ?? 1 } };
  }
}

/** What a val in the language of `@user.val` imports and exports; its references are imports that need not be there. */
async function outlineOf(town: Town, at: At): Promise<Pick<Analysis, "imports" | "exports">> {
  const { imports, exports } = await town.loader.compile(at.code, { type: "tsx" });
  const references = at.references.map((reference) => ({
    specifier: specifierOf(reference), line: 1, column: 1, dynamic: true, attributes: {},
  }));
  return { imports: [...imports.filter((use) => use.specifier !== PRELUDE), ...references], exports };
}

/** The statements that store analyses. */
export function analysisStatements(analyses: Analysis[]): Statement[] {
  return inGroups(
    `INSERT OR IGNORE INTO analysis (hash, dialect, imports, exports, isolation, error)
     SELECT value ->> 0, value ->> 1, value ->> 2, value ->> 3, value ->> 4, value ->> 5 FROM json_each(:rows)`,
    analyses.map(({ hash, dialect, imports, exports, isolation, error }) => [
      hash, dialect, JSON.stringify(imports), JSON.stringify(exports), isolation, error === null ? null : JSON.stringify(error),
    ]),
  );
}

/** What keeps a triggered file from being run, or null. */
export function exportFault(exports: string[]): string | null {
  if (exports.includes("default") || exports.includes("*") || exports.length === 1) return null;
  const found = exports.length === 0 ? "This val has none." : `This val exports: ${exports.join(", ")}`;
  return `Vals require a default export, or exactly one named export. ${found}`;
}
