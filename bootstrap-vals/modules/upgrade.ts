/** The text of a file in which calls of other people's vals are calls as APIs, as far as that takes no person. */

import type { Town } from "../lib/town.ts";
import type { Entry } from "../model/files.ts";
import { replaced, translate } from "./at.ts";
import { isKey, namedIn, type Use } from "./calling.ts";
import type { CallSite } from "./callsites.ts";
import { statementsIn, written } from "./importing.ts";
import { mask } from "./mask.ts";

type Change = [start: number, end: number, text: string];

const RUN = "https://esm.town/v/std/run";
// What is before a place that has to be known, at most.
const LOOK_BACK = 20;

/** The text, and how many calls were changed; undefined where none could be. */
export async function upgraded(town: Town, source: string, entry: Entry, sites: CallSite[]): Promise<{ text: string; count: number } | undefined> {
  const uses = sites.filter((site) => site.upgradable).map((site) => site.use);
  if (uses.length === 0) return undefined;
  const isAt = uses.every((use) => use.local === undefined);
  const code = mask(source);
  const run = isAt ? undefined : runIn(source, code);
  const compiles = (changes: Change[]) => isCode(town, replaced(source, changes), entry, isAt);
  const waited = uses.flatMap((use) => changesOf(source, code, use, "await ", run?.name));
  let changes: Change[] = [];
  let count = 0;
  if (await compiles(waited)) [changes, count] = [waited, uses.length];
  else {
    for (const use of uses) {
      // Where nothing may be awaited, the promise is what there is.
      for (const wait of ["await ", ""]) {
        const tried = [...changes, ...changesOf(source, code, use, wait, run?.name)];
        if (!(await compiles(tried))) continue;
        changes = tried;
        count++;
        break;
      }
    }
  }
  if (count === 0) return undefined;
  const text = replaced(source, changes);
  return { text: run === undefined ? text : withImports(text, new Set(uses.map((use) => use.local as string)), run), count };
}

function changesOf(source: string, code: string, { start, open, close, calls }: Use, wait: string, run: string | undefined): Change[] {
  const isBare = code.slice(open + 1, close).trim() === "" && source.slice(open + 1, close).trim() === "";
  const goesOn = wait !== "" && /^\s*(?:\.|\[|\(|\?\.)/.test(code.slice(close + 1, close + 1 + LOOK_BACK));
  // It is awaited already.
  const awaited = /\bawait\s*$/.test(code.slice(Math.max(0, start - LOOK_BACK), start));
  const callee = run === undefined ? `api(@${calls}` : `${run}(${JSON.stringify(calls)}`;
  const begin = `${goesOn && !awaited ? "(" : ""}${awaited ? "" : wait}${callee}${isBare ? "" : ", "}`;
  return [[start, open + 1, begin], ...(goesOn && !awaited ? [[close + 1, close + 1, ")"] as Change] : [])];
}

/** What `run` of the standard library is called in a file, or can be. */
function runIn(source: string, code: string): { name: string; isThere: boolean } {
  for (const { specifier, bindings } of statementsIn(source, code)) {
    const found = specifier.startsWith(RUN) ? bindings.find(({ imported, isType }) => !isType && (imported === "run" || imported === "default")) : undefined;
    if (found !== undefined) return { name: found.local, isThere: true };
  }
  let name = "run";
  for (let number = 1; namedIn(code, name).length > 0; number++) name = `runVal${number === 1 ? "" : number}`;
  return { name, isThere: false };
}

/** Imports what is called now, and no longer what only the changed calls had named. */
function withImports(text: string, locals: Set<string>, run: { name: string; isThere: boolean }): string {
  const code = mask(text);
  const statements = statementsIn(text, code);
  const within = (at: number) => statements.some(({ start, end }) => at >= start && at < end);
  const isUsed = (local: string) => namedIn(code, local).some((at) => !within(at) && !isKey(code, at, local));
  const line = `import { ${run.name === "run" ? "run" : `run as ${run.name}`} } from ${JSON.stringify(RUN)};`;
  const changes: Change[] = [];
  let isThere = run.isThere;
  for (const statement of statements) {
    const { start, bindings } = statement;
    if (!bindings.some(({ local }) => locals.has(local))) continue;
    const kept = bindings.filter(({ local }) => !locals.has(local) || isUsed(local));
    const own = kept.length === bindings.length ? text.slice(start, statement.end) : written(statement, kept);
    const lines = [...(isThere ? [] : [line]), ...(own === "" ? [] : [own])];
    isThere = true;
    // A statement that is gone takes its line with it.
    const end = lines.length === 0 && text[statement.end] === "\n" && (start === 0 || text[start - 1] === "\n") ? statement.end + 1 : statement.end;
    changes.push([start, end, lines.join("\n")]);
  }
  return replaced(text, changes);
}

async function isCode(town: Town, text: string, entry: Entry, isAt: boolean): Promise<boolean> {
  if (isAt) return (await translate(town, text)) !== undefined;
  try {
    await town.loader.compile(text, { type: entry.dialect ?? "tsx" });
    return true;
  } catch (error) {
    if (error instanceof SyntaxError) return false;
    throw error;
  }
}
