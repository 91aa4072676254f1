/**
 * The language of vals before October 2023, where `@user.val` is an expression: turned into a module of today.
 *
 * Every `@` of a reference becomes a `$` and nothing else moves, so lines are the author's, and columns but on the first
 * line. What `$user` is comes from a module of its own, `prelude`, which lib/at.ts is the other half of.
 */

import type { Town } from "../lib/town.ts";
import { mask } from "./mask.ts";

/** What a translated module exports beside its value: that it was translated. */
export const MARK = "$at";
/** The import by which it has its references; answered for each program by `prelude`. */
export const PRELUDE = "town:at";

export interface At {
  code: string;
  /** `me.foo`, `user.bar`, each once. Secrets are not among them. */
  references: string[];
}

/** A reference where it stands in a source, with what kind of thing is done to it left to whoever reads on. */
export interface Spot {
  start: number;
  end: number;
  user: string;
  name: string;
  /** It is the first argument of `api(...)`. */
  isApi: boolean;
}

const REFERENCE = /(?<![\w$])@([A-Za-z_]\w*)\s*\.\s*([A-Za-z_$][\w$]*)/g;
const EMAIL = /(?<![\w$.])console\s*\.\s*email\b/g;
const API = /\bapi\s*\(\s*$/;
// A module that waits for others and throws is only known to have failed where it waits itself.
const WAITS = "\nawait null;";
// What is before a reference that has to be known, at most.
const LOOK_BACK = 40;
// As Val Town had it.
const SOURCE_CHARACTERS_MAX = 256_000;
const DECLARATION = /^(?:export\s+)?(?:async\s+)?(?:let|const|var|function\s*\*?|class)\s+([A-Za-z_$][\w$]*)/;

/** The references of a source in order. `code` is what `mask` makes of it. */
export function spotsIn(code: string): Spot[] {
  return [...code.matchAll(REFERENCE)].map((match) => ({
    start: match.index, end: match.index + match[0].length, user: match[1] as string, name: match[2] as string,
    isApi: API.test(code.slice(Math.max(0, match.index - LOOK_BACK), match.index)),
  }));
}

/** The references of a source, and the source with them as names; undefined where it has none outside of strings. */
export function readReferences(source: string): { text: string; references: string[]; users: string[] } | undefined {
  if (source.length > SOURCE_CHARACTERS_MAX || !(source.includes("@") || source.includes("email"))) return undefined;
  const code = mask(source);
  const names = new Set<string>();
  const users = new Set<string>();
  const changes: [start: number, end: number, text: string][] = [];
  for (const { start, end, user, name, isApi } of spotsIn(code)) {
    if (isApi) {
      changes.push([start, end, JSON.stringify(`${user}.${name}`)]);
      continue;
    }
    users.add(user);
    if (name !== "secrets") names.add(`${user}.${name}`);
    changes.push([start, start + 1, "$"]);
  }
  for (const { index } of code.matchAll(EMAIL)) {
    users.add("at");
    changes.push([index, index + "console".length, "$at    "]);
  }
  return changes.length === 0 ? undefined : { text: replaced(source, changes), references: [...names], users: [...users] };
}

/** A source with some of its places changed, which do not overlap. */
export function replaced(source: string, changes: [start: number, end: number, text: string][]): string {
  const pieces: string[] = [];
  let at = 0;
  for (const [start, end, text] of changes.toSorted((a, b) => a[0] - b[0])) {
    pieces.push(source.slice(at, start), text);
    at = end;
  }
  pieces.push(source.slice(at));
  return pieces.join("");
}

/** The module of a source in this language; undefined where it is none. With `always`, also of one without references. */
export async function translate(town: Pick<Town, "loader">, source: string, always = false): Promise<At | undefined> {
  const read = readReferences(source) ?? (always ? { text: source, references: [], users: [] } : undefined);
  if (read === undefined) return undefined;
  const { text, references, users } = read;
  const imported = [...new Set(["at", ...users])].map((user) => `$${user}`).join(", ");
  const tail = `\nimport { ${imported}, api } from ${JSON.stringify(PRELUDE)};\nexport { $at as ${MARK} };${WAITS}`;
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

/**
 * Where `references` lead, for code of `owner` in a program of `runner`. The specifiers are those of `specifierOf`. `values`
 * has what is known of data vals, as JSON by `user.name`.
 */
export function prelude(at: At, owner: string, runner: string, values: Record<string, string>): string {
  const { references } = at;
  const users = new Set(["me", ...references.map((reference) => reference.split(".")[0] as string), ...(readUsers(at.code))]);
  users.delete("at");
  const loads = references.map((reference) => `[${JSON.stringify(reference)}, () => import(${JSON.stringify(specifierOf(reference))})]`);
  const known: Record<string, string> = {};
  for (const reference of references) {
    const key = reference.replace(/^me\./, `${owner}.`);
    if (values[key] !== undefined) known[key] = values[key];
  }
  const names = [...users].map((user) => `export const $${user} = space.of(${JSON.stringify(user)});`);
  return `import { open } from "town:system/lib/at.ts";
const space = await open(${JSON.stringify({ owner, runner })}, [${loads.join(", ")}], ${JSON.stringify(known)});
export const $at = space;
export const api = space.api;
${names.join("\n")}
`;
}

function readUsers(code: string): string[] {
  const list = /\nimport \{ ([^}]*), api \} from "town:at";/.exec(code)?.[1] ?? "";
  return list.split(", ").map((name) => name.slice(1));
}
