/** Names of vals and files, and what a file is by its name. */

import { badRequest } from "../lib/http.ts";

export const FILE_TYPES = ["http", "script", "interval", "email", "file"] as const;
export type FileType = (typeof FILE_TYPES)[number];
export type Dialect = "ts" | "tsx" | "js" | "jsx";

const VAL_NAME = /^[a-zA-Z][a-zA-Z0-9\-_]{0,47}$/;
// Val Town's own limit is 48; its command line tool allows 80.
const SEGMENT = /^[a-zA-Z0-9$[\]()\-_.]{1,80}$/;
const PATH_LENGTH_MAX = 512;
const DESCRIPTION_LENGTH_MAX = 64;
const DIALECTS = new Map<string, Dialect>([
  ["ts", "ts"], ["mts", "ts"], ["tsx", "tsx"], ["js", "js"], ["mjs", "js"], ["jsx", "jsx"],
]);

export function checkValName(name: string): string {
  if (!VAL_NAME.test(name)) {
    throw badRequest("A val's name is 1 to 48 letters, digits, - and _ and begins with a letter");
  }
  return name;
}

export function checkDescription(description: string | undefined): string | null {
  if (description !== undefined && description.length > DESCRIPTION_LENGTH_MAX) {
    throw badRequest(`A description has at most ${DESCRIPTION_LENGTH_MAX} characters`);
  }
  return description ?? null;
}

export function checkPath(path: string): string {
  const segments = path.split("/");
  const fits = segments.every((segment) => SEGMENT.test(segment) && segment !== "." && segment !== "..");
  if (!fits || path.length > PATH_LENGTH_MAX) {
    throw badRequest(
      `${JSON.stringify(path)} is no path: names of 1 to 80 letters, digits and $ [ ] ( ) - _ . with / between them`,
    );
  }
  return path;
}

/** The type of a file, which must be code to have a trigger. */
export function checkType(type: string, path: string): FileType {
  if (!(FILE_TYPES as readonly string[]).includes(type)) throw badRequest(`"type" must be one of ${FILE_TYPES.join(", ")}`);
  if (type !== "file" && dialectOf(path) === null) {
    throw badRequest(`A file of type ${type} must end in .ts, .tsx, .js or .jsx, unlike ${path}`);
  }
  return type as FileType;
}

/** The language of a file by its extension; null when it is no code. */
export function dialectOf(path: string): Dialect | null {
  return DIALECTS.get(extensionOf(path)) ?? null;
}

export function extensionOf(path: string): string {
  return path.slice(path.lastIndexOf(".") + 1).toLowerCase();
}

/** The file that stands for a folder: main.*, then index.*, then the first triggered one, then the first. */
export function entryOf<T extends { path: string; type: string }>(files: Iterable<T>): T | undefined {
  let best: T | undefined;
  let bestRank = Infinity;
  for (const file of files) {
    const rank = entryRank(file);
    if (rank < bestRank || (rank === bestRank && best !== undefined && file.path < best.path)) {
      best = file;
      bestRank = rank;
    }
  }
  return best;
}

/** The same order in SQL, for rows called `f`. */
export const ENTRY_ORDER =
  "CASE WHEN f.path GLOB 'main.*' THEN 0 WHEN f.path GLOB 'index.*' THEN 1 WHEN f.type = 'file' THEN 3 ELSE 2 END, f.path";

function entryRank(file: { path: string; type: string }): number {
  if (file.type === "directory" || dialectOf(file.path) === null) return Infinity;
  if (file.path.startsWith("main.")) return 0;
  if (file.path.startsWith("index.")) return 1;
  return file.type === "file" ? 3 : 2;
}
