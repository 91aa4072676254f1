/** The difference of two texts by lines, and how pages draw it. */

import { html, type Html } from "../lib/html.ts";

export interface Change {
  kind: "same" | "add" | "del";
  text: string;
}

// Myers' search keeps a row of this many numbers for each difference; texts that differ more are shown as replaced.
const DIFFERENCES_MAX = 1_500;
const CONTEXT_LINES = 3;

/** The lines of both, each marked with the side it is on. */
export function difference(before: string, after: string): Change[] {
  const old = linesOf(before);
  const now = linesOf(after);
  let start = 0;
  while (start < old.length && start < now.length && old[start] === now[start]) start++;
  let tail = 0;
  while (tail < old.length - start && tail < now.length - start && old[old.length - 1 - tail] === now[now.length - 1 - tail]) tail++;
  const same = (text: string): Change => ({ kind: "same", text });
  return [
    ...old.slice(0, start).map(same),
    ...middle(old.slice(start, old.length - tail), now.slice(start, now.length - tail)),
    ...old.slice(old.length - tail).map(same),
  ];
}

function linesOf(text: string): string[] {
  const lines = text.split("\n");
  if (lines[lines.length - 1] === "") lines.pop();
  return lines;
}

function middle(old: string[], now: string[]): Change[] {
  const trace: Map<number, number>[] = [];
  let furthest = new Map<number, number>([[1, 0]]);
  for (let edits = 0; edits <= Math.min(old.length + now.length, DIFFERENCES_MAX); edits++) {
    trace.push(new Map(furthest));
    for (let diagonal = -edits; diagonal <= edits; diagonal += 2) {
      const down = diagonal === -edits || (diagonal !== edits && at(furthest, diagonal - 1) < at(furthest, diagonal + 1));
      let x = down ? at(furthest, diagonal + 1) : at(furthest, diagonal - 1) + 1;
      while (x < old.length && x - diagonal < now.length && old[x] === now[x - diagonal]) x++;
      furthest.set(diagonal, x);
      if (x >= old.length && x - diagonal >= now.length) return walkBack(trace, old, now);
    }
    furthest = new Map(furthest);
  }
  return [...old.map((text): Change => ({ kind: "del", text })), ...now.map((text): Change => ({ kind: "add", text }))];
}

function at(furthest: Map<number, number>, diagonal: number): number {
  return furthest.get(diagonal) ?? -1;
}

function walkBack(trace: Map<number, number>[], old: string[], now: string[]): Change[] {
  const changes: Change[] = [];
  let x = old.length;
  let y = now.length;
  for (let edits = trace.length - 1; edits >= 0; edits--) {
    const furthest = trace[edits] as Map<number, number>;
    const diagonal = x - y;
    const down = diagonal === -edits || (diagonal !== edits && at(furthest, diagonal - 1) < at(furthest, diagonal + 1));
    const previousX = down ? at(furthest, diagonal + 1) : at(furthest, diagonal - 1);
    const previousY = previousX - (down ? diagonal + 1 : diagonal - 1);
    while (x > previousX && y > previousY && x > 0 && y > 0) {
      changes.push({ kind: "same", text: old[--x] as string });
      y--;
    }
    if (edits === 0) break;
    if (down) changes.push({ kind: "add", text: now[--y] as string });
    else changes.push({ kind: "del", text: old[--x] as string });
  }
  return changes.reverse();
}

/** Changed lines with a few around them; what is left out is said. */
export function drawDifference(changes: Change[], label: string): Html {
  const near = new Set<number>();
  changes.forEach((change, index) => {
    if (change.kind === "same") return;
    for (let other = index - CONTEXT_LINES; other <= index + CONTEXT_LINES; other++) near.add(other);
  });
  if (near.size === 0) return html`<p class="soft">No difference.</p>`;
  const rows: Html[] = [];
  let before = 0;
  let after = 0;
  let skipped = 0;
  const gap = () => {
    if (skipped > 0) rows.push(html`<tr class="gap"><td class="n"></td><td class="n"></td><td>${skipped} unchanged</td></tr>`);
    skipped = 0;
  };
  changes.forEach(({ kind, text }, index) => {
    if (kind !== "add") before++;
    if (kind !== "del") after++;
    if (!near.has(index)) {
      skipped++;
      return;
    }
    gap();
    const sign = kind === "add" ? "+" : kind === "del" ? "−" : " ";
    rows.push(html`<tr class="${kind}"><td class="n">${kind === "add" ? "" : before}</td><td class="n">${kind === "del" ? "" : after}</td><td>${sign} ${text}</td></tr>`);
  });
  gap();
  return html`<div class="diff" tabindex="0" role="region" aria-label="${label}"><table><tbody>${rows}</tbody></table></div>`;
}

export function countChanges(changes: Change[]): { added: number; removed: number } {
  let added = 0;
  let removed = 0;
  for (const { kind } of changes) {
    if (kind === "add") added++;
    if (kind === "del") removed++;
  }
  return { added, removed };
}
