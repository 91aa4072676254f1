/**
 * Schedules as people write them: `0 9 * * 1-5`, `@daily`, `every 15 minutes`. Pure: no clock, no storage.
 *
 * Where clocks go forward, a time that is skipped comes as much later as they went; where they go back, a time that
 * comes twice is used the first time. Schedules of every hour or every few minutes follow the clock instead: they leave
 * out what is skipped and come in both hours.
 */

import { instantOfSkipped, instantsOf, localAt, type Zone } from "./time-zone.ts";

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;
// The 29th of February on a given weekday comes every 28 years, or 40 around a century without a leap year.
const HORIZON = 41 * 366 * DAY;
const EVERY_DAYS_MAX = 366;

export interface Schedule {
  /** The first time after that one; undefined where there is none. */
  next(after: number): number | undefined;
  /** What it means, for people. */
  words: string;
}

/** Reads a schedule; a RangeError says what is wrong with it. `every N` counts from `anchor`. */
export function parseSchedule(text: string, zone: Zone, anchor: number): Schedule {
  const trimmed = text.trim().replace(/\s+/g, " ");
  if (/^every\b/i.test(trimmed)) return every(trimmed, anchor);
  const expression = trimmed.startsWith("@") ? MACROS.get(trimmed.toLowerCase()) : trimmed;
  if (expression === undefined) throw new RangeError(`${trimmed} is none of ${[...MACROS.keys()].join(", ")}`);
  const cron = parseCron(expression);
  return { next: (after) => next(cron, zone, after), words: `${wordsOf(cron)}, ${zone.name} time` };
}

// ---- Every N ------------------------------------------------------------------------------------

const UNITS = new Map([["minute", MINUTE], ["hour", HOUR], ["day", DAY], ["week", 7 * DAY]]);

function every(text: string, anchor: number): Schedule {
  const parts = /^every (?:(\d{1,6}) )?(minute|hour|day|week)s?$/i.exec(text);
  if (parts === null) throw new RangeError(`${JSON.stringify(text)} is not as "every 15 minutes", "every hour" or "every 2 days"`);
  const count = Number(parts[1] ?? 1);
  const unit = (parts[2] as string).toLowerCase();
  const period = count * (UNITS.get(unit) as number);
  if (period < MINUTE || period > EVERY_DAYS_MAX * DAY) {
    throw new RangeError(`The time between two runs is from a minute to ${EVERY_DAYS_MAX} days`);
  }
  return {
    next: (after) => anchor + (Math.floor((after - anchor) / period) + 1) * period,
    words: count === 1 ? `every ${unit}` : `every ${count} ${unit}s`,
  };
}

// ---- Cron expressions ---------------------------------------------------------------------------

const MACROS = new Map([
  ["@hourly", "0 * * * *"], ["@daily", "0 0 * * *"], ["@midnight", "0 0 * * *"], ["@weekly", "0 0 * * 0"],
  ["@monthly", "0 0 1 * *"], ["@yearly", "0 0 1 1 *"], ["@annually", "0 0 1 1 *"],
]);
const MONTHS = ["january", "february", "march", "april", "may", "june", "july", "august", "september", "october", "november", "december"];
const WEEKDAYS = ["sunday", "monday", "tuesday", "wednesday", "thursday", "friday", "saturday"];

interface Field {
  /** As it was written. */
  text: string;
  /** In ascending order. */
  values: number[];
  /** Begins with a star: says nothing of its own about which. */
  open: boolean;
}

interface Cron {
  minute: Field;
  hour: Field;
  day: Field;
  month: Field;
  weekday: Field;
  /** `L` as a day of the month. */
  lastDay: boolean;
  /** `5#2` is the second Friday, `5L` the last: weekday and which, 0 for the last. */
  nth: [weekday: number, which: number][];
}

function parseCron(text: string): Cron {
  const fields = text.split(" ");
  if (fields.length !== 5) {
    const hint = fields.length === 6 ? "; seconds are not possible" : "";
    throw new RangeError(`A cron expression has five fields, minute hour day month weekday, and not ${fields.length}${hint}`);
  }
  const [minute, hour, day, month, weekday] = fields as [string, string, string, string, string];
  const lastDay = day.split(",").some((item) => item.toUpperCase() === "L");
  const days = day.split(",").filter((item) => item.toUpperCase() !== "L").join(",");
  const nth: Cron["nth"] = [];
  const weekdays = weekday.split(",").filter((item) => {
    const parts = /^(\w+?)(?:#([1-5])|L)$/i.exec(item);
    if (parts === null) return true;
    nth.push([valueOf(parts[1] as string, WEEKDAY) % 7, Number(parts[2] ?? 0)]);
    return false;
  }).join(",");
  const cron = {
    minute: parseField(minute, { name: "minute", min: 0, max: 59 }),
    hour: parseField(hour, { name: "hour", min: 0, max: 23 }),
    day: lastDay && days === "" ? { text: day, values: [], open: false } : parseField(days, { name: "day", min: 1, max: 31 }),
    month: parseField(month, { name: "month", min: 1, max: 12, words: MONTHS }),
    weekday: nth.length > 0 && weekdays === "" ? { text: weekday, values: [], open: false } : parseField(weekdays, WEEKDAY),
    lastDay,
    nth,
  };
  cron.weekday.values = [...new Set(cron.weekday.values.map((value) => value % 7))].sort((a, b) => a - b);
  return cron;
}

interface Range {
  name: string;
  min: number;
  max: number;
  words?: string[];
}

const WEEKDAY: Range = { name: "weekday", min: 0, max: 7, words: WEEKDAYS };

function parseField(text: string, range: Range): Field {
  const values = new Set<number>();
  for (const item of text.split(",")) {
    const parts = /^(\*|\?|(\w+)(?:-(\w+))?)(?:\/(\d{1,3}))?$/.exec(item);
    if (parts === null) throw new RangeError(`${JSON.stringify(item)} is no ${range.name}`);
    const step = parts[4] === undefined ? 1 : Number(parts[4]);
    if (step === 0) throw new RangeError(`${item} has a step of 0`);
    // Every weekday is 0 to 6; 7 is only another name of 0.
    const whole = range.words === WEEKDAYS ? 6 : range.max;
    const from = parts[2] === undefined ? range.min : valueOf(parts[2], range);
    const alone = parts[3] === undefined ? (parts[4] === undefined && parts[2] !== undefined ? from : whole) : valueOf(parts[3], range);
    if (alone < from) throw new RangeError(`The ${range.name}s ${item} run backwards`);
    for (let value = from; value <= alone; value += step) values.add(value);
  }
  return { text, values: [...values].sort((a, b) => a - b), open: /^[*?]/.test(text) };
}

function valueOf(text: string, range: Range): number {
  const word = text.length < 3 ? -1 : (range.words ?? []).findIndex((other) => other.startsWith(text.toLowerCase()));
  const value = word >= 0 ? word + (range.words === MONTHS ? 1 : 0) : /^\d+$/.test(text) ? Number(text) : NaN;
  if (!(value >= range.min && value <= range.max)) {
    throw new RangeError(`${JSON.stringify(text)} is no ${range.name} from ${range.min} to ${range.max}`);
  }
  return value;
}

function next(cron: Cron, zone: Zone, after: number): number | undefined {
  // The day before may reach into this one where clocks go forward at midnight.
  let day = Math.floor(localAt(zone, after) / DAY) * DAY - DAY;
  for (const end = day + HORIZON; day < end; day += DAY) {
    const date = new Date(day);
    if (!cron.month.values.includes(date.getUTCMonth() + 1)) {
      day = Date.UTC(date.getUTCFullYear(), date.getUTCMonth() + 1, 1) - DAY;
      continue;
    }
    if (!isOn(cron, date)) continue;
    const found = firstOn(cron, zone, day, after);
    if (found !== undefined) return found;
  }
  return undefined;
}

/** Where both day and weekday say something, either is enough: so it has been since cron was new. */
function isOn(cron: Cron, date: Date): boolean {
  const inMonth = () => cron.day.values.includes(date.getUTCDate()) || (cron.lastDay && isLast(date, 1));
  const inWeek = () => {
    const weekday = date.getUTCDay();
    const which = Math.floor((date.getUTCDate() - 1) / 7) + 1;
    return cron.weekday.values.includes(weekday) ||
      cron.nth.some(([wanted, nth]) => wanted === weekday && (nth === 0 ? isLast(date, 7) : nth === which));
  };
  if (cron.day.open || cron.weekday.open) return inMonth() && inWeek();
  return inMonth() || inWeek();
}

/** In so many days the month is another one. */
function isLast(date: Date, days: number): boolean {
  return new Date(date.getTime() + days * DAY).getUTCMonth() !== date.getUTCMonth();
}

function firstOn(cron: Cron, zone: Zone, day: number, after: number): number | undefined {
  const offset = zone.offsetAt(day - DAY);
  const changes = offset !== zone.offsetAt(day + 2 * DAY);
  const follows = cron.hour.open || cron.minute.open;
  let first: number | undefined;
  for (const hour of cron.hour.values) {
    if (!changes && day + (hour + 1) * HOUR - offset <= after) continue;
    for (const minute of cron.minute.values) {
      const local = day + hour * HOUR + minute * MINUTE;
      if (!changes) {
        if (local - offset > after) return local - offset;
        continue;
      }
      const shown = instantsOf(zone, local);
      const instants = shown.length === 0 && !follows ? [instantOfSkipped(zone, local)] : follows ? shown : shown.slice(0, 1);
      for (const instant of instants) if (instant > after && (first === undefined || instant < first)) first = instant;
    }
  }
  return first;
}

// ---- Words --------------------------------------------------------------------------------------

function wordsOf(cron: Cron): string {
  const { minute, hour } = cron;
  const step = (field: Field) => /^\*\/(\d+)$/.exec(field.text)?.[1];
  let time: string;
  if (hour.values.length * minute.values.length <= 4) {
    time = `at ${listed(hour.values.flatMap((h) => minute.values.map((m) => `${two(h)}:${two(m)}`)))}`;
  } else if (minute.values.length === 60) time = "every minute";
  else if (step(minute) !== undefined) time = `every ${step(minute)} minutes`;
  else if (minute.values.length === 1 && minute.values[0] === 0) time = "on the hour";
  else time = `at minute ${listed(minute.values.map(String))}`;
  if (!time.startsWith("at ") || !time.includes(":")) {
    if (step(hour) !== undefined) time += ` of every ${ordinal(Number(step(hour)))} hour`;
    else if (hour.values.length < 24) time += ` from ${listed(spans(hour.values, (value) => `${two(value)}:00`))}`;
    else if (time.startsWith("at minute")) time += " of every hour";
  }
  const days: string[] = [];
  if (!cron.day.open) {
    const list = cron.day.values.map((value) => `the ${ordinal(value)}`);
    if (cron.lastDay) list.push("the last day");
    days.push(`on ${listed(list)} of the month`);
  }
  if (!cron.weekday.open) {
    const list = spans(cron.weekday.values, (value) => title(WEEKDAYS[value] as string));
    for (const [weekday, which] of cron.nth) {
      list.push(`the ${which === 0 ? "last" : ordinal(which)} ${title(WEEKDAYS[weekday] as string)} of the month`);
    }
    days.push(`on ${listed(list)}`);
  }
  const when = days.length === 0 ? (time.includes(":") && !time.includes("from") ? " every day" : "") : ` ${days.join(" or ")}`;
  const months = cron.month.values.length === 12 ? "" : ` in ${listed(spans(cron.month.values, (value) => title(MONTHS[value - 1] as string)))}`;
  return time + when + months;
}

/** Three in a row or more as from and to. */
function spans(values: number[], word: (value: number) => string): string[] {
  const list: string[] = [];
  for (let index = 0; index < values.length;) {
    let end = index;
    while (end + 1 < values.length && values[end + 1] === (values[end] as number) + 1) end++;
    if (end - index >= 2) list.push(`${word(values[index] as number)} to ${word(values[end] as number)}`);
    else for (let at = index; at <= end; at++) list.push(word(values[at] as number));
    index = end + 1;
  }
  return list;
}

function listed(words: string[]): string {
  if (words.length < 2) return words.join("");
  return `${words.slice(0, -1).join(", ")} and ${words[words.length - 1]}`;
}

function ordinal(value: number): string {
  const teen = value % 100 >= 11 && value % 100 <= 13;
  return `${value}${teen ? "th" : ["th", "st", "nd", "rd"][value % 10] ?? "th"}`;
}

function title(word: string): string {
  return word.charAt(0).toUpperCase() + word.slice(1);
}

function two(value: number): string {
  return String(value).padStart(2, "0");
}

/** `Monday 24 November 2026, 09:00` on the zone's clocks. */
export function timeWords(zone: Zone, instant: number): string {
  const date = new Date(localAt(zone, instant));
  const month = title(MONTHS[date.getUTCMonth()] as string);
  const day = `${title(WEEKDAYS[date.getUTCDay()] as string)} ${date.getUTCDate()} ${month} ${date.getUTCFullYear()}`;
  return `${day}, ${two(date.getUTCHours())}:${two(date.getUTCMinutes())}`;
}
