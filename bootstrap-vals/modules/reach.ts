/**
 * What an export of a module reaches within it, by names and over its top-level statements. Where that cannot be told it is
 * everything, so that what is found to use nothing uses nothing.
 */

import { mask } from "./mask.ts";
import { statementsIn } from "./importing.ts";

export interface Reached {
  /** The masked text of the statements. */
  code: string;
  imports: { specifier: string; imported: string; hasAuthority: boolean }[];
}

interface Segment {
  names: string[];
  code: string;
}

const BRACKET_OR_START = /[()[\]{}]|(?<![\w$.])(?:import(?=[\s{*])|(?:export|const|let|var|function|async|class)(?![\w$]))/g;
// These are expressions too, where a value has to come.
const MAY_BE_VALUE = /^(?:function|async|class)$/;
const EXPECTS_VALUE = /[=(,:?&|+\-*/%<>!~^]\s*$|(?<![\w$])(?:default|export|async|return|await|new|extends)\s*$/;
const LOOK_BACK = 40;
const DECLARED = /^(?:export\s+)?(default\s+)?(?:async\s+)?(?:abstract\s+)?(?:function\s*\*?|class|const|let|var)\s*([\w$]+|[{[][^=]*)?/;
const REEXPORTED = /^export\s*(?:\{([^{}]*)\}|(\*)\s*(?:as\s+([\w$]+)\s*)?)/;
const SPECIFIER = /^\s*from\s*(["'])([^"'\n]*)\1/;
const WORD = /[A-Za-z_$][\w$]*/g;

export function reachedBy(source: string, name: string): Reached {
  const code = mask(source);
  const statements = statementsIn(source, code);
  const locals = new Map(statements.flatMap(({ specifier, hasAuthority, bindings }) => bindings
    .filter(({ isType }) => !isType).map(({ local, imported }) => [local, { specifier, imported, hasAuthority }] as const)));
  const segments: Segment[] = [];
  const aliases = new Map<string, string>();
  const elsewhere = new Map<string, Reached["imports"][number]>();
  const stars: string[] = [];
  for (const { start, end } of spansIn(code)) {
    const text = code.slice(start, end);
    const listed = REEXPORTED.exec(text);
    if (listed !== null) {
      const specifier = SPECIFIER.exec(source.slice(start + listed[0].length, end))?.[2];
      const [, list, star, as] = listed;
      if (star !== undefined && specifier !== undefined) {
        if (as === undefined) stars.push(specifier);
        else elsewhere.set(as, { specifier, imported: "*", hasAuthority: false });
      }
      for (const item of (list ?? "").split(",")) {
        const [local, , exported] = item.trim().split(/\s+/);
        if (local === undefined || local === "") continue;
        if (specifier === undefined) aliases.set(exported ?? local, local);
        else elsewhere.set(exported ?? local, { specifier, imported: local, hasAuthority: false });
      }
    } else if (!/^import[\s{*]/.test(text)) segments.push({ names: namesOf(text), code: text });
  }
  const named = Map.groupBy(segments.flatMap((segment) => segment.names.map((own) => ({ own, segment }))), ({ own }) => own);
  const isKnown = (wanted: string) => named.has(wanted) || locals.has(wanted);
  const there = elsewhere.get(name);
  if (there !== undefined) return { code: "", imports: [there] };
  const first = aliases.get(name) ?? name;
  if (name === "*" || !isKnown(first)) {
    if (name !== "*" && stars.length > 0) return { code: "", imports: stars.map((specifier) => ({ specifier, imported: name, hasAuthority: false })) };
    const all = [...locals.values(), ...elsewhere.values(), ...stars.map((specifier) => ({ specifier, imported: "*", hasAuthority: false }))];
    return { code, imports: all };
  }
  const reached = new Set<Segment>();
  const imports = new Set<Reached["imports"][number]>();
  const seen = new Set<string>();
  const waiting = [first];
  const enter = (segment: Segment) => {
    if (reached.has(segment)) return;
    reached.add(segment);
    for (const [word] of segment.code.matchAll(WORD)) waiting.push(word);
  };
  // What has no name runs when the module is loaded.
  for (const segment of segments) if (segment.names.length === 0) enter(segment);
  for (let next = waiting.pop(); next !== undefined; next = waiting.pop()) {
    if (seen.has(next)) continue;
    seen.add(next);
    const from = locals.get(next);
    if (from !== undefined) imports.add(from);
    for (const { segment } of named.get(next) ?? []) enter(segment);
  }
  return { code: [...reached].map((segment) => segment.code).join("\n"), imports: [...imports] };
}

/** The statements at the top of a module, as far as they begin with a word that says so. What is before the first is one. */
function* spansIn(code: string): Generator<{ start: number; end: number }> {
  let depth = 0;
  let start = 0;
  for (const { 0: found, index } of code.matchAll(BRACKET_OR_START)) {
    if ("([{".includes(found)) depth++;
    else if (")]}".includes(found)) depth--;
    else if (depth === 0) {
      const before = code.slice(Math.max(0, index - LOOK_BACK), index);
      if (MAY_BE_VALUE.test(found) ? EXPECTS_VALUE.test(before) : /(?<![\w$])export\s*$/.test(before)) continue;
      if (index > start && code.slice(start, index).trim() !== "") yield { start, end: index };
      start = index;
    }
  }
  if (code.slice(start).trim() !== "") yield { start, end: code.length };
}

function namesOf(text: string): string[] {
  const declared = DECLARED.exec(text);
  const isDefault = declared?.[1] !== undefined || /^export\s+default(?![\w$])/.test(text);
  const written = declared?.[2] === undefined ? [] : [...declared[2].matchAll(WORD)].map(([word]) => word);
  return isDefault ? ["default", ...written] : written;
}
