/** Versions of packages and ranges of them, as npm has them. */

export interface Semver {
  numbers: [major: number, minor: number, patch: number];
  /** Empty for a release. */
  pre: (string | number)[];
}

interface Comparator {
  operator: "<" | "<=" | ">" | ">=" | "=";
  version: Semver;
}

const VERSION = /^[v=\s]*(\d+)\.(\d+)\.(\d+)(?:-([0-9A-Za-z.-]+))?(?:\+[0-9A-Za-z.-]+)?$/;
const PARTIAL = /^(<=|>=|<|>|=|\^|~>?)?\s*[v=]*(\d+|[xX*])?(?:\.(\d+|[xX*]))?(?:\.(\d+|[xX*]))?(?:-([0-9A-Za-z.-]+))?(?:\+[0-9A-Za-z.-]+)?$/;

export function parseVersion(text: string): Semver | undefined {
  const parts = VERSION.exec(text);
  if (parts === null) return undefined;
  return { numbers: [Number(parts[1]), Number(parts[2]), Number(parts[3])], pre: parsePre(parts[4]) };
}

/** Whether a version is in a range. One before a release only where the range names one of the same release. */
export function satisfies(version: Semver, range: string): boolean {
  return range.split("||").some((alternative) => {
    const comparators = parseComparators(alternative.trim());
    if (comparators === undefined || !comparators.every((comparator) => meets(version, comparator))) return false;
    return version.pre.length === 0 || comparators.some(({ version: named }) => {
      return named.pre.length > 0 && named.numbers.every((number, index) => number === version.numbers[index]);
    });
  });
}

/** The greatest of some versions in a range; `preferred` before all others. */
export function choose(versions: string[], range: string, preferred?: string): string | undefined {
  const fits = (text: string) => {
    const version = parseVersion(text);
    return version !== undefined && satisfies(version, range);
  };
  if (preferred !== undefined && fits(preferred)) return preferred;
  let best: { text: string; version: Semver } | undefined;
  for (const text of versions) {
    const version = parseVersion(text);
    if (version === undefined || !satisfies(version, range)) continue;
    if (best === undefined || compare(version, best.version) > 0) best = { text, version };
  }
  return best?.text;
}

export function compare(a: Semver, b: Semver): number {
  for (let index = 0; index < 3; index++) {
    const difference = (a.numbers[index] as number) - (b.numbers[index] as number);
    if (difference !== 0) return difference;
  }
  if (a.pre.length === 0 || b.pre.length === 0) return b.pre.length - a.pre.length;
  for (let index = 0; index < Math.max(a.pre.length, b.pre.length); index++) {
    const [left, right] = [a.pre[index], b.pre[index]];
    if (left === right) continue;
    if (left === undefined) return -1;
    if (right === undefined) return 1;
    if (typeof left !== typeof right) return typeof left === "number" ? -1 : 1;
    return left < right ? -1 : 1;
  }
  return 0;
}

function meets(version: Semver, { operator, version: bound }: Comparator): boolean {
  const order = compare(version, bound);
  switch (operator) {
    case "<": return order < 0;
    case "<=": return order <= 0;
    case ">": return order > 0;
    case ">=": return order >= 0;
    case "=": return order === 0;
  }
}

/** What all must hold; undefined where the text is no range. */
function parseComparators(text: string): Comparator[] | undefined {
  const hyphen = /^(\S+)\s+-\s+(\S+)$/.exec(text);
  if (hyphen !== null) {
    const from = expand(`>=${hyphen[1]}`);
    const to = expand(`<=${hyphen[2]}`);
    return from && to && [...from, ...to];
  }
  const comparators: Comparator[] = [];
  for (const part of text.replace(/(<=|>=|<|>|=|\^|~>?)\s+/g, "$1").split(/\s+/)) {
    const found = expand(part);
    if (found === undefined) return undefined;
    comparators.push(...found);
  }
  return comparators;
}

function expand(part: string): Comparator[] | undefined {
  const parts = PARTIAL.exec(part);
  if (parts === null) return undefined;
  const [, operator = "", ...rest] = parts;
  const numbers = rest.slice(0, 3).map((text) => (text === undefined || /^[xX*]$/.test(text) ? undefined : Number(text)));
  const [major, minor, patch] = numbers as (number | undefined)[];
  const low: Semver = { numbers: [major ?? 0, minor ?? 0, patch ?? 0], pre: parsePre(rest[3]) };
  const from = (version: Semver): Comparator => ({ operator: ">=", version });
  // Nothing before the release that is the bound, either.
  const below = (...bound: [number, number, number]): Comparator => ({ operator: "<", version: { numbers: bound, pre: [0] } });
  if (major === undefined) return operator === "<" || operator === ">" ? [below(0, 0, 0)] : [from({ numbers: [0, 0, 0], pre: [] })];
  const next = minor === undefined ? below(major + 1, 0, 0) : below(major, minor + 1, 0);
  switch (operator) {
    case "^":
      if (major > 0 || minor === undefined) return [from(low), below(major + 1, 0, 0)];
      if (minor > 0 || patch === undefined) return [from(low), below(0, minor + 1, 0)];
      return [from(low), below(0, 0, patch + 1)];
    case "~": case "~>":
      return [from(low), next];
    case ">":
      return patch === undefined ? [from(next.version.pre.length > 0 ? { ...next.version, pre: [] } : low)] : [{ operator: ">", version: low }];
    case "<=":
      return patch === undefined ? [next] : [{ operator: "<=", version: low }];
    case "<": case ">=":
      return [{ operator, version: operator === "<" && patch === undefined ? { ...low, pre: [0] } : low }];
    default:
      return patch === undefined ? [from(low), next] : [{ operator: "=", version: low }];
  }
}

function parsePre(text: string | undefined): (string | number)[] {
  if (text === undefined) return [];
  return text.split(".").map((part) => (/^\d+$/.test(part) ? Number(part) : part));
}
