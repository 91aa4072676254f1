/** Three texts into one, by lines: what either side changed of the base, and marks where both changed the same lines. */

import { editsOf } from "./diff.ts";

export interface Merged {
  text: string;
  /** Places where the sides differ and somebody has to choose. */
  conflicts: number;
}

/** Lines `from` up to `to` of the base, which a side has replaced. */
interface Region {
  from: number;
  to: number;
  lines: string[];
}

/** `names` are of the sides, for the marks. */
export function merge(base: string, ours: string, theirs: string, names: [ours: string, theirs: string]): Merged {
  if (ours === theirs || theirs === base) return { text: ours, conflicts: 0 };
  if (ours === base) return { text: theirs, conflicts: 0 };
  const lines = base.split("\n");
  const left = regionsOf(lines, ours.split("\n"));
  const right = regionsOf(lines, theirs.split("\n"));
  const out: string[] = [];
  let conflicts = 0;
  let at = 0;
  while (left.length > 0 || right.length > 0) {
    const [mine, others, from, to] = nextGroup(left, right);
    out.push(...lines.slice(at, from));
    const one = applied(lines, mine, from, to);
    const other = applied(lines, others, from, to);
    if (others.length === 0 || (mine.length > 0 && one.join("\n") === other.join("\n"))) out.push(...one);
    else if (mine.length === 0) out.push(...other);
    else {
      conflicts++;
      out.push(`<<<<<<< ${names[0]}`, ...one, "=======", ...other, `>>>>>>> ${names[1]}`);
    }
    at = to;
  }
  out.push(...lines.slice(at));
  return { text: out.join("\n"), conflicts };
}

/** Whether a text still has marks of a merge. */
export function hasMarks(text: string): boolean {
  return /^(<{7}|>{7}) /m.test(text) && /^={7}$/m.test(text);
}

/** The next regions of both sides that overlap or touch, taken off their lists. */
function nextGroup(left: Region[], right: Region[]): [mine: Region[], others: Region[], from: number, to: number] {
  const from = Math.min(left[0]?.from ?? Infinity, right[0]?.from ?? Infinity);
  let to = from;
  const mine: Region[] = [];
  const others: Region[] = [];
  for (;;) {
    if (left[0] !== undefined && left[0].from <= to) mine.push(left.shift() as Region);
    else if (right[0] !== undefined && right[0].from <= to) others.push(right.shift() as Region);
    else return [mine, others, from, to];
    to = Math.max(to, mine[mine.length - 1]?.to ?? 0, others[others.length - 1]?.to ?? 0);
  }
}

/** The lines `from` up to `to` of the base with one side's regions in them. */
function applied(base: string[], regions: Region[], from: number, to: number): string[] {
  const out: string[] = [];
  let at = from;
  for (const region of regions) {
    out.push(...base.slice(at, region.from), ...region.lines);
    at = region.to;
  }
  out.push(...base.slice(at, to));
  return out;
}

function regionsOf(base: string[], side: string[]): Region[] {
  const regions: Region[] = [];
  let at = 0;
  let open: Region | undefined;
  for (const [mark, line] of editsOf(base, side)) {
    if (mark === " ") {
      open = undefined;
      at++;
      continue;
    }
    if (open === undefined) {
      open = { from: at, to: at, lines: [] };
      regions.push(open);
    }
    if (mark === "+") open.lines.push(line);
    else open.to = ++at;
  }
  return regions;
}
