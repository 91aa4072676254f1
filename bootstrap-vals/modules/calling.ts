/** Uses of other people's vals in one's own code: where a file calls them, and whether an API could be called instead. */

import { specifierOf, spotsIn } from "./at.ts";
import { statementsIn } from "./importing.ts";
import { mask } from "./mask.ts";

/** A place at which something of another val is used. */
export interface Use {
  /** `user.val`, as a call as an API names it. */
  calls: string;
  /** What is used of the module: `default`, a name, or `*`. */
  imported: string;
  specifier: string;
  /** As it stands there. */
  written: string;
  /** The name that the file has for it, if any; undefined in the language of `@user.val`. */
  local?: string;
  /** Where the callee is, where its arguments begin, and where they end: the closing parenthesis. */
  start: number;
  open: number;
  close: number;
  /** Why no program can make a call as an API of it. */
  byHand?: string;
}

// What is before a place that has to be known, at most.
const LOOK_BACK = 60;
const CALLED = /^((?:\s*\??\.\s*[\w$]+)*)\s*(?:\?\.\s*)?\(/;

/** The calls in the language of `@user.val`. */
export function* usesOfOld(source: string): Generator<Use> {
  const code = mask(source);
  for (const { start, end, user, name, isApi } of spotsIn(code)) {
    const call = /^\s*\(/.exec(code.slice(end, end + LOOK_BACK));
    if (isApi || name === "secrets" || call === null) continue;
    const open = end + call[0].length - 1;
    yield {
      calls: `${user}.${name}`, imported: "default", specifier: specifierOf(`${user}.${name}`), written: `@${user}.${name}`,
      start, open, close: closingOf(code, open),
    };
  }
}

/** The same of what is imported, statically or not. `calls` names the val that a specifier leads to, where that is another's. */
export function* usesOfImports(source: string, calls: (specifier: string) => string | undefined): Generator<Use> {
  const code = mask(source);
  const statements = statementsIn(source, code);
  for (const { specifier, hasAuthority, bindings } of statements) {
    const called = hasAuthority ? undefined : calls(specifier);
    if (called === undefined) continue;
    for (const { imported, local, isType } of bindings) {
      if (isType || local === "") continue;
      const places = namedIn(code, local).filter((at) => !statements.some(({ start, end }) => at >= start && at < end) && !isKey(code, at, local));
      const common = { calls: called, specifier, local };
      const found = places.map((at) => ({ ...common, ...useAt(code, at, local, imported) }));
      // One that is handed on may be anything there, the name of something else among it.
      const handedOn = found.filter(({ isCall }) => !isCall);
      for (const { isCall, ...use } of found.some(({ isCall }) => isCall) ? found.filter((use) => use.isCall) : found.slice(0, 1)) {
        yield handedOn.length > 0 ? { ...use, byHand: use.byHand ?? (isCall ? "it is not only called" : "it is handed on") } : use;
      }
    }
  }
  for (const match of code.matchAll(/(?<![\w$.])import\s*\(\s*(?=\s)/g)) {
    const specifier = /^\s*(["'])([^"'\n]*)\1/.exec(source.slice(match.index + match[0].trimEnd().length))?.[2];
    const called = specifier === undefined ? undefined : calls(specifier);
    if (specifier === undefined || called === undefined) continue;
    const open = match.index + match[0].trimEnd().length - 1;
    yield {
      calls: called, imported: "*", specifier, written: called, local: "", start: match.index, open, close: closingOf(code, open),
      byHand: "it is imported as it runs",
    };
  }
}

/** Places of a name that is no property of something else. */
export function namedIn(code: string, name: string): number[] {
  const found = code.matchAll(new RegExp(`(?<![\\w$])${name.replaceAll("$", "\\$")}(?![\\w$])`, "g"));
  return [...found].map(({ index }) => index).filter((at) => !/(?<!\.\.)\.\s*$/.test(code.slice(Math.max(0, at - LOOK_BACK), at)));
}

/** Whether a name is there as a key: `{ name: value }`. */
export function isKey(code: string, at: number, name: string): boolean {
  if (!/^\s*:/.test(code.slice(at + name.length, at + name.length + LOOK_BACK)) || !/[{,]\s*$/.test(code.slice(Math.max(0, at - LOOK_BACK), at))) return false;
  let depth = 0;
  for (let i = at - 1; i >= 0; i--) {
    const character = code[i] as string;
    if (")]}".includes(character)) depth++;
    else if ("([{".includes(character) && depth-- === 0) return character === "{";
  }
  return false;
}

type Place = Pick<Use, "imported" | "written" | "start" | "open" | "close" | "byHand"> & { isCall: boolean };

function useAt(code: string, at: number, local: string, imported: string): Place {
  const end = at + local.length;
  const before = code.slice(Math.max(0, at - LOOK_BACK), at);
  const chain = CALLED.exec(code.slice(end, end + 500));
  const none = { imported, written: local, start: at, open: end, close: end, isCall: false };
  if (/(?<![\w$])(?:function\s*\*?|class|const|let|var)\s*$/.test(before)) return none;
  if (/(?<![\w$])new\s*$/.test(before)) return { ...none, isCall: true, byHand: "it makes an object" };
  const members = (chain?.[1] ?? "").split(".").slice(1).map((member) => member.replaceAll(/[\s?]/g, ""));
  if (chain === null) {
    // The members of a module may be used by themselves, and the module is none the less known by its name only.
    const member = imported === "*" ? /^\s*\.\s*([\w$]+)/.exec(code.slice(end, end + LOOK_BACK))?.[1] : undefined;
    return member === undefined ? none : { ...none, imported: member, written: `${local}.${member}`, isCall: true, byHand: "it is handed on" };
  }
  const open = end + chain[0].length - 1;
  const close = closingOf(code, open);
  // A method of that name, rather than a call.
  if (/^\s*\{/.test(code.slice(close + 1, close + LOOK_BACK)) && /[{,;}]\s*$|(?<![\w$])(?:async|get|set|static)\s*$/.test(before)) return none;
  const found = { written: [local, ...members].join("."), start: at, open, close, isCall: true };
  if (imported !== "*") return { ...found, imported, ...(members.length > 0 && { byHand: "it is more than a function" }) };
  if (members.length === 0) return { ...none };
  return { ...found, imported: members[0] as string, ...(members.length > 1 && { byHand: "it is more than a function" }) };
}

function closingOf(code: string, open: number): number {
  let depth = 0;
  for (let at = open; at < code.length; at++) {
    if (code[at] === "(") depth++;
    else if (code[at] === ")" && --depth === 0) return at;
  }
  return code.length;
}
