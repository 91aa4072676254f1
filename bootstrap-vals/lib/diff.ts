/** The difference of two texts by lines: the shortest edit, by Myers' algorithm, as hunks with context. */

export interface Hunk {
  /** First line and number of lines in the older text; lines count from 1. */
  oldStart: number;
  oldLines: number;
  newStart: number;
  newLines: number;
  /** Each begins with a space where both have it, `-` where the older, `+` where the newer. */
  lines: string[];
}

const CONTEXT_LINES = 3;
// The work grows with the square of it; texts that differ more are shown as replaced whole.
const EDITS_MAX = 1_000;

/** A line that both have, that only the older has, or only the newer. */
export type Edit = [mark: " " | "-" | "+", line: string];

export function diffLines(older: string, newer: string): Hunk[] {
  if (older === newer) return [];
  return hunksOf(editsOf(linesOf(older), linesOf(newer)));
}

/** The way from the older lines to the newer ones. */
export function editsOf(a: string[], b: string[]): Edit[] {
  let start = 0;
  while (start < a.length && start < b.length && a[start] === b[start]) start++;
  let tail = 0;
  while (tail < a.length - start && tail < b.length - start && a[a.length - 1 - tail] === b[b.length - 1 - tail]) tail++;
  return [
    ...a.slice(0, start).map((line): Edit => [" ", line]),
    ...shortest(a.slice(start, a.length - tail), b.slice(start, b.length - tail)),
    ...a.slice(a.length - tail).map((line): Edit => [" ", line]),
  ];
}

// A last line without an end is another line than the same one with it.
function linesOf(text: string): string[] {
  const lines = text.split("\n");
  if (lines[lines.length - 1] === "") lines.pop();
  else lines[lines.length - 1] += "\n\\ No newline at end of file";
  return lines;
}

function shortest(a: string[], b: string[]): Edit[] {
  const most = Math.min(a.length + b.length, EDITS_MAX);
  const trace: Map<number, number>[] = [];
  let reach = new Map([[1, 0]]);
  for (let edits = 0; edits <= most; edits++) {
    trace.push(reach);
    const next = new Map(reach);
    for (let k = -edits; k <= edits; k += 2) {
      const down = k === -edits || (k !== edits && (next.get(k - 1) ?? -1) < (next.get(k + 1) ?? -1));
      let x = down ? next.get(k + 1) ?? 0 : (next.get(k - 1) ?? 0) + 1;
      while (x < a.length && x - k < b.length && a[x] === b[x - k]) x++;
      next.set(k, x);
      if (x >= a.length && x - k >= b.length) return back(a, b, trace, edits);
    }
    reach = next;
  }
  return [...a.map((line): Edit => ["-", line]), ...b.map((line): Edit => ["+", line])];
}

/** The way back through what each number of edits reached. */
function back(a: string[], b: string[], trace: Map<number, number>[], edits: number): Edit[] {
  const found: Edit[] = [];
  let x = a.length;
  let y = b.length;
  for (let left = edits; left > 0; left--) {
    const reach = trace[left] as Map<number, number>;
    const k = x - y;
    const down = k === -left || (k !== left && (reach.get(k - 1) ?? -1) < (reach.get(k + 1) ?? -1));
    const before = down ? k + 1 : k - 1;
    const fromX = reach.get(before) ?? 0;
    const fromY = fromX - before;
    while (x > (down ? fromX : fromX + 1) && y > (down ? fromY + 1 : fromY)) {
      found.push([" ", a[--x] as string]);
      y--;
    }
    if (down) found.push(["+", b[--y] as string]);
    else found.push(["-", a[--x] as string]);
  }
  while (x > 0) found.push([" ", a[--x] as string]);
  return found.reverse();
}

function hunksOf(edits: Edit[]): Hunk[] {
  const hunks: Hunk[] = [];
  const changed = edits.flatMap(([mark], index) => (mark === " " ? [] : [index]));
  let oldLine = 1;
  let newLine = 1;
  let at = 0;
  for (let index = 0; index < changed.length;) {
    const from = Math.max(0, (changed[index] as number) - CONTEXT_LINES);
    let last = changed[index++] as number;
    while (index < changed.length && (changed[index] as number) - last <= 2 * CONTEXT_LINES) last = changed[index++] as number;
    const to = Math.min(edits.length, last + CONTEXT_LINES + 1);
    for (; at < from; at++) {
      oldLine++;
      newLine++;
    }
    const hunk: Hunk = { oldStart: oldLine, oldLines: 0, newStart: newLine, newLines: 0, lines: [] };
    for (; at < to; at++) {
      const [mark, line] = edits[at] as Edit;
      hunk.lines.push(mark + line);
      if (mark !== "+") hunk.oldLines++;
      if (mark !== "-") hunk.newLines++;
    }
    oldLine += hunk.oldLines;
    newLine += hunk.newLines;
    hunks.push(hunk);
  }
  return hunks;
}
