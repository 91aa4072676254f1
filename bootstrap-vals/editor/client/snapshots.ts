/** Texts as TypeScript reads them. It parses anew only what differs from the text before. */

import type { Change, Snapshot } from "./typescript.ts";

export function snapshotOf(text: string): Snapshot {
  return {
    getText: (start, end) => text.slice(start, end),
    getLength: () => text.length,
    getChangeRange: (before) => changeOf(before.getText(0, before.getLength()), text),
  };
}

/** The one part that differs. */
export function changeOf(before: string, now: string): Change {
  const shorter = Math.min(before.length, now.length);
  let start = 0;
  while (start < shorter && before.charCodeAt(start) === now.charCodeAt(start)) start++;
  let tail = 0;
  while (tail < shorter - start && before.charCodeAt(before.length - 1 - tail) === now.charCodeAt(now.length - 1 - tail)) tail++;
  return { span: { start, length: before.length - start - tail }, newLength: now.length - start - tail };
}
