/** What somebody may have meant: the nearest of some names, by the letters that would have to change. */

// Two letters of a short name, a third of a long one: more is another word.
const FAR = 3;

/** The nearest name, if one is near enough to be a slip. */
export function nearest(name: string, names: Iterable<string>): string | undefined {
  let best: string | undefined;
  let bestDistance = Math.max(FAR, Math.ceil(name.length / 3));
  for (const other of names) {
    if (Math.abs(other.length - name.length) >= bestDistance) continue;
    const distance = distanceOf(name.toLowerCase(), other.toLowerCase());
    if (distance < bestDistance) {
      best = other;
      bestDistance = distance;
    }
  }
  return best;
}

/** Levenshtein's distance. */
function distanceOf(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, index) => index);
  for (let i = 1; i <= a.length; i++) {
    const next = [i];
    for (let j = 1; j <= b.length; j++) {
      const change = (row[j - 1] as number) + (a[i - 1] === b[j - 1] ? 0 : 1);
      next.push(Math.min(change, (row[j] as number) + 1, (next[j - 1] as number) + 1));
    }
    row = next;
  }
  return row[b.length] as number;
}
