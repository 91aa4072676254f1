/** Looking for a text in the files of the platform, as they are in force. */

import type { System } from "town:kernel";

export interface Match {
  path: string;
  line: number;
  text: string;
}

// Bundles of others, in lines of a hundred thousand characters.
const UNREAD = /^editor\/vendor\//;
const LINE_LENGTH_MAX = 200;

/** Lines that have the text, whatever its case: at most so many, by path. */
export async function searchSystem(system: System, wanted: string, limit: number): Promise<Match[]> {
  const needle = wanted.toLowerCase();
  const paths = (await system.list()).map(({ path }) => path).filter((path) => !UNREAD.test(path));
  const files = await Promise.all(paths.map((path) => system.read(path)));
  const found: Match[] = [];
  for (const [index, path] of paths.entries()) {
    const text = files[index]?.source;
    if (typeof text !== "string" || !text.toLowerCase().includes(needle)) continue;
    for (const [at, line] of text.split("\n").entries()) {
      if (!line.toLowerCase().includes(needle)) continue;
      found.push({ path, line: at + 1, text: line.trim().slice(0, LINE_LENGTH_MAX) });
      if (found.length === limit) return found;
    }
  }
  return found;
}
