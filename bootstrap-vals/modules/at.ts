/**
 * The language of vals before October 2023, where `@user.val` is an expression: turned into a module of today.
 *
 * Every `@` of a reference becomes a `$` and nothing else moves, so lines are the author's, and columns but on the first
 * line. What `$user` is comes from a module of its own, `prelude`, which lib/at.ts is the other half of.
 */

import type { Town } from "../lib/town.ts";

/** What a translated module exports beside its value: that it was translated. */
export const MARK = "$at";
/** The import by which it has its references; answered for each program by `prelude`. */
export const PRELUDE = "town:at";

export interface At {
  code: string;
  /** `me.foo`, `user.bar`, each once. Secrets are not among them. */
  references: string[];
}

const REFERENCE = /^@([A-Za-z_]\w*)\s*\.\s*([A-Za-z_$][\w$]*)/;
// As Val Town had it.
const SOURCE_CHARACTERS_MAX = 256_000;
// What is before a character that has to be known, at most.
const LOOK_BACK = 40;
const PLAIN = /["'`\/{}@c]/g;
const DECLARATION = /^(?:export\s+)?(?:async\s+)?(?:let|const|var|function\s*\*?|class)\s+([A-Za-z_$][\w$]*)/;
// After these a slash begins a regular expression.
const BEFORE_REGEX = /(?:^|[(,=:[!&|?{};+\-*%<>~^]|\breturn|\btypeof|\bawait)\s*$/;

/** The references of a source, and the source with them as names; undefined where it has none outside of strings. */
export function readReferences(source: string): { text: string; references: string[]; users: string[] } | undefined {
  if (source.length > SOURCE_CHARACTERS_MAX || !(source.includes("@") || source.includes("email"))) return undefined;
  const names = new Set<string>();
  const users = new Set<string>();
  // In pieces, and the last characters of them: appending to one text takes time with the square of its length.
  const pieces: string[] = [];
  let last = "";
  const put = (piece: string) => {
    pieces.push(piece);
    last = (last + piece.slice(-LOOK_BACK)).slice(-LOOK_BACK);
  };
  let at = 0;
  // Of each template that is open: how deep in braces its substitution is.
  const templates: number[] = [];
  let depth = 0;
  const take = (end: number) => {
    put(source.slice(at, end));
    at = end;
  };
  const template = () => {
    for (let i = at; i < source.length; i++) {
      if (source[i] === "\\") i++;
      else if (source[i] === "`") return take(i + 1);
      else if (source[i] === "$" && source[i + 1] === "{") {
        take(i + 2);
        templates.push(depth++);
        return;
      }
    }
    take(source.length);
  };
  while (at < source.length) {
    const character = source[at] as string;
    const next = source[at + 1];
    if (character === '"' || character === "'") take(closing(source, at, character));
    else if (character === "/" && next === "/") take(until(source, "\n", at));
    else if (character === "/" && next === "*") take(until(source, "*/", at) + 2);
    else if (character === "/" && BEFORE_REGEX.test(last)) take(closingRegex(source, at));
    else if (character === "`") {
      take(at + 1);
      template();
    } else if (character === "{") {
      depth++;
      take(at + 1);
    } else if (character === "}") {
      depth--;
      take(at + 1);
      if (templates[templates.length - 1] === depth) {
        templates.pop();
        template();
      }
    } else if (character === "@" && !/[\w$]$/.test(last)) {
      const parts = REFERENCE.exec(source.slice(at, at + 200));
      if (parts === null) {
        take(at + 1);
        continue;
      }
      const [whole, user, name] = parts as unknown as [string, string, string];
      if (/\bapi\s*\(\s*$/.test(last)) put(JSON.stringify(`${user}.${name}`));
      else {
        users.add(user);
        if (name !== "secrets") names.add(`${user}.${name}`);
        put(`$${whole.slice(1)}`);
      }
      at += whole.length;
    } else if (character === "c" && /^console\s*\.\s*email\b/.test(source.slice(at, at + 40)) && !/[\w$.]$/.test(last)) {
      put("$at    ");
      at += "console".length;
      users.add("at");
    } else take(plain(source, at));
  }
  const text = pieces.join("");
  return users.size === 0 && text === source ? undefined : { text, references: [...names], users: [...users] };
}

/** The module of a source in this language; undefined where it is none. With `always`, also of one without references. */
export async function translate(town: Pick<Town, "loader">, source: string, always = false): Promise<At | undefined> {
  const read = readReferences(source) ?? (always ? { text: source, references: [], users: [] } : undefined);
  if (read === undefined) return undefined;
  const { text, references, users } = read;
  const imported = [...new Set(["at", ...users])].map((user) => `$${user}`).join(", ");
  const tail = `\nimport { ${imported}, api } from ${JSON.stringify(PRELUDE)};\nexport { $at as ${MARK} };`;
  const declared = DECLARATION.exec(text.trimStart())?.[1];
  const forms = [
    ...(declared === undefined ? [] : [`${text.replace(/^(\s*)export\s+/, "$1")}\n;export default ${declared};${tail}`]),
    `export default (${text.replace(/;\s*$/, "")}\n);${tail}`,
    `export default await (async () => {${text}\n})();${tail}`,
  ];
  for (const code of forms) {
    try {
      await town.loader.compile(code, { type: "tsx" });
      return { code, references };
    } catch (error) {
      if (!(error instanceof SyntaxError)) throw error;
    }
  }
  return undefined;
}

/** The specifier of what a reference names, `me` being whoever owns the code. */
export function specifierOf(reference: string): string {
  return `https://esm.town/v/${reference.replace(/^me\./, "@me.").replace(".", "/")}`;
}

/** Where `references` lead, for code of `owner` in a program of `runner`. The specifiers are those of `specifierOf`. */
export function prelude(at: At, owner: string, runner: string): string {
  const { references } = at;
  const users = new Set(["me", ...references.map((reference) => reference.split(".")[0] as string), ...(readUsers(at.code))]);
  users.delete("at");
  const loads = references.map((reference) => `[${JSON.stringify(reference)}, () => import(${JSON.stringify(specifierOf(reference))})]`);
  const names = [...users].map((user) => `export const $${user} = space.of(${JSON.stringify(user)});`);
  return `import { open } from "town:system/lib/at.ts";
const space = await open(${JSON.stringify({ owner, runner })}, [${loads.join(", ")}]);
export const $at = space;
export const api = space.api;
${names.join("\n")}
`;
}

function readUsers(code: string): string[] {
  const list = /\nimport \{ ([^}]*), api \} from "town:at";/.exec(code)?.[1] ?? "";
  return list.split(", ").map((name) => name.slice(1));
}

// Where the next character is that means anything.
function plain(source: string, from: number): number {
  PLAIN.lastIndex = from + 1;
  return PLAIN.exec(source)?.index ?? source.length;
}

function closing(source: string, from: number, quote: string): number {
  for (let i = from + 1; i < source.length; i++) {
    if (source[i] === "\\") i++;
    else if (source[i] === quote || source[i] === "\n") return i + 1;
  }
  return source.length;
}

function closingRegex(source: string, from: number): number {
  let isInClass = false;
  for (let i = from + 1; i < source.length; i++) {
    const character = source[i];
    if (character === "\\") i++;
    else if (character === "\n") return from + 1;
    else if (character === "[") isInClass = true;
    else if (character === "]") isInClass = false;
    else if (character === "/" && !isInClass) return i + 1;
  }
  return from + 1;
}

function until(source: string, end: string, from: number): number {
  const found = source.indexOf(end, from);
  return found < 0 ? source.length : found;
}
