/**
 * Time zones: the offset from UTC at an instant, and the instants of a time on the clock. Good for now and later, which
 * is what schedules need; how a zone was in the past is not known here.
 *
 * A local time is written as milliseconds since 1970 as if the clock on the wall showed UTC.
 */

import { EXCEPTIONS, RULES } from "./zone-rules.ts";

const SECOND = 1000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

export interface Zone {
  name: string;
  /** Milliseconds that the clock on the wall is ahead of UTC. */
  offsetAt(instant: number): number;
}

// Made once for each name that is asked for; a name is one of the table's, so there are not many.
const made = new Map<string, Zone>();

/** The zone of that name, in any case of letters, as `Europe/Berlin`; undefined where there is none. */
export function zoneOf(name: string): Zone | undefined {
  const key = name.toLowerCase();
  const known = made.get(key);
  if (known !== undefined) return known;
  for (const line of RULES.split("\n")) {
    const [rule = "", ...names] = line.split(" ");
    const found = names.find((other) => other.toLowerCase() === key);
    if (found === undefined) continue;
    const zone = { name: found, offsetAt: withExceptions(found, parseRule(rule)) };
    made.set(key, zone);
    return zone;
  }
  return undefined;
}

/** Every name there is. */
export function zoneNames(): string[] {
  return RULES.split("\n").flatMap((line) => line.split(" ").slice(1)).sort();
}

/** The time that clocks on the wall show. */
export function localAt(zone: Zone, instant: number): number {
  return instant + zone.offsetAt(instant);
}

/** When clocks show that time: once, twice where they go back, and not at all where they go forward. */
export function instantsOf(zone: Zone, local: number): number[] {
  // A day before and after is beyond every offset, and no zone changes twice in three days.
  const offsets = new Set([zone.offsetAt(local - DAY), zone.offsetAt(local + DAY)]);
  const instants = [...offsets].map((offset) => local - offset).filter((instant) => localAt(zone, instant) === local);
  return instants.sort((a, b) => a - b);
}

/** Where clocks skip that time: when they would show it had they not gone forward yet. */
export function instantOfSkipped(zone: Zone, local: number): number {
  return local - zone.offsetAt(local - DAY);
}

type Offset = (instant: number) => number;

const RULE = /^(?:<[^>]+>|[A-Za-z]+)([-+\d:]+)(?:(?:<[^>]+>|[A-Za-z]+)([-+\d:]*),(.+),(.+))?$/;
const CHANGE = /^M(\d+)\.(\d)\.(\d)(?:\/(.+))?$/;

/** A rule as in POSIX's TZ: `CET-1CEST,M3.5.0,M10.5.0/3`. */
function parseRule(rule: string): Offset {
  const parts = RULE.exec(rule);
  if (parts === null) throw new RangeError(`Not a rule: ${rule}`);
  // POSIX counts what is to be added to get UTC.
  const standard = -hours(parts[1] as string);
  if (parts[3] === undefined) return () => standard;
  const summer = parts[2] === "" ? standard + HOUR : -hours(parts[2] as string);
  const start = changeOf(parts[3]);
  const end = changeOf(parts[4] as string);
  return (instant) => {
    const year = new Date(instant + standard).getUTCFullYear();
    const from = start(year) - standard;
    const until = end(year) - summer;
    const isSummer = from < until ? instant >= from && instant < until : instant < until || instant >= from;
    return isSummer ? summer : standard;
  };
}

/** The local time of a change in a year: `M10.5.0/3` is the last Sunday of October at three. */
function changeOf(text: string): (year: number) => number {
  const parts = CHANGE.exec(text);
  if (parts === null) throw new RangeError(`Not a change: ${text}`);
  const [month, week, weekday] = [Number(parts[1]), Number(parts[2]), Number(parts[3])];
  const time = parts[4] === undefined ? 2 * HOUR : hours(parts[4]);
  return (year) => {
    const first = Date.UTC(year, month - 1, 1);
    const days = Math.round((Date.UTC(year, month, 1) - first) / DAY);
    let day = ((weekday - new Date(first).getUTCDay() + 7) % 7) + 7 * (week - 1);
    while (day >= days) day -= 7;
    return first + day * DAY + time;
  };
}

/** `-5:30`. */
function hours(text: string): number {
  const [whole = "", minutes = "0"] = text.replace(/^[-+]/, "").split(":");
  const size = Number(whole) * HOUR + Number(minutes) * MINUTE;
  return text.startsWith("-") ? -size : size;
}

function withExceptions(name: string, rule: Offset): Offset {
  const line = EXCEPTIONS.split("\n").find((other) => other.startsWith(`${name} `));
  if (line === undefined) return rule;
  const [, before, ...pairs] = line.split(" ");
  const changes = pairs.map((pair) => pair.split(":").map(Number) as [minute: number, offset: number]);
  const last = changes[changes.length - 1];
  return (instant) => {
    const minute = Math.floor(instant / MINUTE);
    if (last === undefined || minute >= last[0]) return rule(instant);
    let offset = Number(before);
    for (const [from, then] of changes) if (minute >= from) offset = then;
    return offset * MINUTE;
  };
}
