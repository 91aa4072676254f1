// `Intl.DateTimeFormat`, and the `toLocaleString` of dates. Time zones are those of the engine's Temporal.
(native, intl, shared, formats) => {
  "use strict";
  const { fill, text } = formats;
  const { add, choose, method, optionsOf, resolve, whole } = shared;
  const { Temporal } = globalThis;
  const { fromEpochMilliseconds } = Temporal.Instant;
  const { toZonedDateTimeISO } = Temporal.Instant.prototype;
  const MINUTE = 60_000;
  const DATE_FIELDS = ["weekday", "year", "month", "day"];
  const TIME_FIELDS = ["dayPeriod", "hour", "minute", "second", "fractionalSecondDigits"];
  const TEXTS = ["narrow", "short", "long"];
  const NUMBERS = ["2-digit", "numeric"];
  const STYLES = ["full", "long", "medium", "short"];
  const ZONE_NAMES = ["short", "long", "shortOffset", "longOffset", "shortGeneric", "longGeneric"];

  // The name of a zone in its usual case; an offset is one too.
  const zoneOf = (value) => {
    const name = String(value);
    if (/^utc$/i.test(name)) return "UTC";
    try {
      const zoned = Reflect.apply(toZonedDateTimeISO, fromEpochMilliseconds(0), [name]);
      if (!/^[+-]/.test(name)) return zoned.timeZoneId;
      if (!/^[+-]\d\d(:?\d\d)?$/.test(name)) throw new RangeError();
      return zoned.timeZoneId;
    } catch {
      throw new RangeError(`Invalid time zone specified: ${name}`);
    }
  };
  const zonedOf = (time, zone) => Reflect.apply(toZonedDateTimeISO, fromEpochMilliseconds(time), [zone]);
  const offsetOf = (time, zone) => (zone === "UTC" ? 0 : Math.round(zonedOf(time, zone).offsetNanoseconds / 1e6));

  const two = (number) => String(number).padStart(2, "0");
  const gmt = (offset, [sample, none], long) => {
    const prefix = sample.replace(/\+.*$/, "");
    if (offset === 0) return long || !/\d/.test(none) ? prefix : none;
    const minutes = Math.abs(Math.trunc(offset / MINUTE));
    const [hours, rest] = [Math.floor(minutes / 60), minutes % 60];
    const sign = offset < 0 ? "-" : "+";
    if (long) return `${prefix}${sign}${two(hours)}:${two(rest)}`;
    return `${prefix}${sign}${hours}${rest === 0 ? "" : `:${two(rest)}`}`;
  };
  // Names of English by zone: of winter and summer, short and long.
  let names;
  const namesOf = (zone) => {
    if (names === undefined) {
      names = new Map();
      for (const [short, long, zones] of shared.dataOf("en").zones) for (const zone of zones.split(" ")) names.set(zone, { short, long });
    }
    return names.get(zone);
  };
  const zoneName = (time, zone, offset, style, { tag, language, data }) => {
    const sample = data.times.gmt;
    if (style === "shortOffset" || style === "longOffset") return gmt(offset, sample, style === "longOffset");
    const long = style.startsWith("long");
    const generic = style.endsWith("Generic");
    // Short names are known in the United States and Canada alone.
    if ((language === "en" && (long || tag === "en" || tag === "en-CA")) || zone === "UTC") {
      const known = namesOf(zone)?.[long ? "long" : "short"];
      if (known !== undefined && language === "en") {
        // Summer is when the clock is ahead of what it is in either of January and July.
        const year = new Date(time).getUTCFullYear();
        const usual = Math.min(...[0, 6].map((month) => offsetOf(Date.UTC(year, month, 1), zone)));
        const january = offsetOf(Date.UTC(year, 0, 1), zone);
        const name = offset > usual ? known[january > usual ? 0 : 1] : known[january > usual ? 1 : 0];
        if (generic && name !== "") return long ? name.replace(/ (Standard|Daylight|Summer) Time$/, " Time") : name.replace(/^([A-Z]{1,3})[SD]T$/, "$1T");
        if (name !== "") return name;
      } else if (zone === "UTC" && !long) return "UTC";
    }
    return gmt(offset, sample, long);
  };

  class DateTimeFormat {
    #resolved;
    #settings;
    #pattern;
    #bound;
    constructor(locales, options, required = "any", defaults = "date") {
      const given = optionsOf(options);
      const resolved = (this.#resolved = resolve(locales));
      const settings = { timeZone: given.timeZone === undefined ? "UTC" : zoneOf(given.timeZone) };
      const cycle = choose(given, "hourCycle", ["h11", "h12", "h23", "h24"], undefined);
      for (const name of ["weekday", "era"]) settings[name] = choose(given, name, TEXTS, undefined);
      settings.year = choose(given, "year", NUMBERS, undefined);
      settings.month = choose(given, "month", [...NUMBERS, ...TEXTS], undefined);
      settings.day = choose(given, "day", NUMBERS, undefined);
      settings.dayPeriod = choose(given, "dayPeriod", TEXTS, undefined);
      for (const name of ["hour", "minute", "second"]) settings[name] = choose(given, name, NUMBERS, undefined);
      settings.fractionalSecondDigits = whole(given, "fractionalSecondDigits", 1, 3, undefined);
      settings.timeZoneName = choose(given, "timeZoneName", ZONE_NAMES, undefined);
      settings.dateStyle = choose(given, "dateStyle", STYLES, undefined);
      settings.timeStyle = choose(given, "timeStyle", STYLES, undefined);
      const has = (fields) => fields.some((field) => settings[field] !== undefined);
      const styled = settings.dateStyle !== undefined || settings.timeStyle !== undefined;
      if (styled) {
        const other = [...DATE_FIELDS, ...TIME_FIELDS, "era", "timeZoneName"].find((field) => settings[field] !== undefined);
        if (other !== undefined) throw new TypeError(`Can't set option ${other} when ${settings.dateStyle === undefined ? "timeStyle" : "dateStyle"} is used`);
        if (required === "date" && settings.timeStyle !== undefined) throw new TypeError("Invalid option : timeStyle");
        if (required === "time" && settings.dateStyle !== undefined) throw new TypeError("Invalid option : dateStyle");
      } else if (!((required !== "time" && has(DATE_FIELDS)) || (required !== "date" && has(TIME_FIELDS)))) {
        if (defaults !== "time") settings.year = settings.month = settings.day = "numeric";
        if (defaults !== "date") settings.hour = settings.minute = settings.second = "numeric";
      }
      const usual = resolved.data.times.cycle;
      const extension = resolved.extensions.get("hc");
      const wanted = given.hour12 === undefined ? (cycle ?? (["h11", "h12", "h23", "h24"].includes(extension) ? extension : usual)) : given.hour12 ? (usual === "h11" ? "h11" : "h12") : "h23";
      if (settings.hour !== undefined || settings.timeStyle !== undefined) settings.hourCycle = wanted;
      this.#settings = settings;
      this.#pattern = this.#make();
    }

    get format() {
      return (this.#bound ??= (date) => text(this.#parts(timeOf(date))));
    }
    formatToParts(date) {
      return this.#parts(timeOf(date));
    }
    formatRange(start, end) {
      return text(this.formatRangeToParts(start, end));
    }
    formatRangeToParts(start, end) {
      if (start === undefined || end === undefined) throw new TypeError("startDate or endDate cannot be undefined");
      const [from, to] = [this.#parts(timeOf(start)), this.#parts(timeOf(end))];
      const mark = (parts, source) => parts.map((part) => ({ ...part, source }));
      if (text(from) === text(to)) return mark(from, "shared");
      return [...mark(from, "startRange"), { type: "literal", value: " – ", source: "shared" }, ...mark(to, "endRange")];
    }
    resolvedOptions() {
      const { timeZone, hourCycle, ...fields } = this.#settings;
      return {
        locale: this.#resolved.locale, calendar: "gregory", numberingSystem: "latn", timeZone,
        ...(hourCycle !== undefined && { hourCycle, hour12: hourCycle === "h11" || hourCycle === "h12" }),
        ...Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined).map(([name, value]) => [name, (name === "minute" || name === "second") && fields.hour !== undefined ? "2-digit" : value])),
      };
    }

    // The pattern, with the letters of Unicode in braces.
    #make() {
      const { dates, times } = this.#resolved.data;
      const s = this.#settings;
      const clock = s.hourCycle === "h11" || s.hourCycle === "h12" ? 12 : 24;
      const withZone = (time) => {
        const [plain, zoned] = [times[clock][1], times[clock][3]];
        if (zoned.startsWith(plain)) return time + zoned.slice(plain.length);
        return zoned.endsWith(plain) ? zoned.slice(0, -plain.length) + time : `${time} {z}`;
      };
      if (s.dateStyle !== undefined || s.timeStyle !== undefined) {
        const date = s.dateStyle && times.styles[s.dateStyle][0];
        let time = s.timeStyle && (clock === (times.cycle === "h23" ? 24 : 12) ? times.styles[s.timeStyle][1] : times[clock][s.timeStyle === "short" ? 1 : 2]);
        if (s.timeStyle === "full" || s.timeStyle === "long") time = withZone(time);
        if (date === undefined || time === undefined) return date ?? time;
        return times.styles[s.dateStyle][2].replace("{1}", () => date).replace("{0}", () => time);
      }
      const width = (value) => (value === "2-digit" || value === "numeric" ? "n" : value === "narrow" ? "s" : (value?.[0] ?? "-"));
      const key = `${s.weekday === undefined ? "-" : width(s.weekday)}${s.year === undefined ? "-" : "y"}${width(s.month)}${s.day === undefined ? "-" : "d"}`;
      let date = key === "----" ? undefined : dates[key];
      if (date !== undefined) {
        if (s.year === "2-digit") date = date.replace("{y}", "{yy}");
        if (s.month === "2-digit") date = date.replace(/\{M\}/, "{MM}");
        if (s.day === "2-digit") date = date.replace("{d}", "{dd}");
        if (s.month === "narrow") date = date.replace(/\{(MMM|LLL|lll)\}/, "{MMMMM}");
        if (s.weekday === "narrow") date = date.replace(/\{(EEE|ccc)\}/, "{EEEEE}");
      }
      if (s.era !== undefined) date = date === undefined ? "{G}" : `${date} {G}`;
      let time;
      if (s.hour !== undefined) {
        time = times[clock][s.second !== undefined || s.fractionalSecondDigits !== undefined ? 2 : s.minute !== undefined ? 1 : 0];
        if (s.hour === "2-digit") time = time.replace("{h}", "{hh}").replace("{H}", "{HH}");
      } else if (s.minute !== undefined && s.second !== undefined) time = times.ms;
      else if (s.minute !== undefined) time = "{m}";
      else if (s.second !== undefined) time = "{s}";
      else if (s.fractionalSecondDigits !== undefined) time = "{S}";
      else if (s.dayPeriod !== undefined) time = "{a}";
      if (s.fractionalSecondDigits !== undefined && time !== "{S}") time = time.replace(/\{(ss?)\}/, `{$1}${this.#resolved.data.numbers.d}{S}`);
      if (s.timeZoneName !== undefined && time !== undefined) time = withZone(time);
      else if (s.timeZoneName !== undefined) date = `${date ?? ""}${date === undefined ? "" : ", "}{z}`;
      if (date === undefined || time === undefined) return date ?? time;
      const join = times.join[s.month === "long" ? (s.weekday === undefined ? 2 : 3) : s.month === "short" || s.month === "narrow" ? 1 : 0];
      return join.replace("{1}", () => date).replace("{0}", () => time);
    }

    #parts(time) {
      const { timeZone, hourCycle, era, timeZoneName, timeStyle, fractionalSecondDigits } = this.#settings;
      const { names } = this.#resolved.data;
      const offset = offsetOf(time, timeZone);
      const local = new Date(time + offset);
      const year = local.getUTCFullYear();
      const hour = local.getUTCHours();
      // Before the year 1 there is none 0, and an era says so.
      const shown = era !== undefined && year <= 0 ? 1 - year : year;
      const valueOf = (letter) => {
        switch (letter) {
          case "y": return ["year", String(shown)];
          case "yy": return ["year", two(Math.abs(shown) % 100)];
          case "M": return ["month", String(local.getUTCMonth() + 1)];
          case "MM": return ["month", two(local.getUTCMonth() + 1)];
          case "d": return ["day", String(local.getUTCDate())];
          case "dd": return ["day", two(local.getUTCDate())];
          case "h": case "hh": case "H": case "HH": {
            const value = hourCycle === "h11" ? hour % 12 : hourCycle === "h12" ? hour % 12 || 12 : hourCycle === "h24" ? hour || 24 : hour;
            return ["hour", letter.length === 2 ? two(value) : String(value)];
          }
          case "m": return ["minute", String(local.getUTCMinutes())];
          case "mm": return ["minute", two(local.getUTCMinutes())];
          case "s": return ["second", String(local.getUTCSeconds())];
          case "ss": return ["second", two(local.getUTCSeconds())];
          case "S": return ["fractionalSecond", String(local.getUTCMilliseconds()).padStart(3, "0").slice(0, fractionalSecondDigits)];
          case "a": return ["dayPeriod", names.a[hour < 12 ? 0 : 1]];
          case "G": return ["era", names.G[["short", "long", "narrow"].indexOf(era)][year <= 0 ? 0 : 1]];
          case "z": return ["timeZoneName", zoneName(time, timeZone, offset, timeZoneName ?? (timeStyle === "full" ? "long" : "short"), this.#resolved)];
          case "EEEE": case "EEE": case "EEEEE": case "cccc": case "ccc": return ["weekday", names[letter][local.getUTCDay()]];
          default: return ["month", names[letter][local.getUTCMonth()]];
        }
      };
      return this.#pattern.split(/(\{\w+\})/).filter((piece) => piece !== "").map((piece) => {
        if (piece[0] !== "{") return { type: "literal", value: piece };
        const [type, value] = valueOf(piece.slice(1, -1));
        return { type, value };
      });
    }
  }

  // What Temporal has of a day or a time of day, as if it were in UTC.
  const plain = (day, clock) => Date.UTC(2000, (day.month ?? 1) - 1, day.day ?? 1, clock.hour ?? 0, clock.minute ?? 0, clock.second ?? 0, clock.millisecond ?? 0) + yearsFrom(day);
  const yearsFrom = (day) => (day.year === undefined ? 0 : new Date(0).setUTCFullYear(day.year, day.month - 1, day.day ?? 1) - Date.UTC(2000, day.month - 1, day.day ?? 1));
  const KINDS = [
    ["PlainDate", "date", "date", (value) => plain(value, {})], ["PlainDateTime", "any", "all", (value) => plain(value, value)],
    ["PlainTime", "time", "time", (value) => plain({}, value)], ["PlainYearMonth", "date", "date", (value) => plain({ year: value.year, month: value.month, day: 1 }, {})],
    ["PlainMonthDay", "date", "date", (value) => plain({ month: Number(value.monthCode.slice(1, 3)), day: value.day }, {})],
    ["Instant", "any", "all", (value) => value.epochMilliseconds], ["ZonedDateTime", "any", "all", (value) => value.epochMilliseconds],
  ];
  const timeOf = (date) => {
    if (typeof date === "object" && date !== null) {
      for (const [name, , , read] of KINDS) if (name !== "ZonedDateTime" && date instanceof Temporal[name]) return read(date);
    }
    const time = date === undefined ? Date.now() : Number(date);
    if (!(Math.abs(time) <= 8.64e15)) throw new RangeError("Invalid time value");
    return Math.trunc(time);
  };

  const made = add("DateTimeFormat", DateTimeFormat, { callable: true });
  const { getTime } = Date.prototype;
  // Made once for each locale without options, which is what is asked for in loops.
  const kept = new Map();
  const show = (time, locales, options, required, defaults) => {
    const key = options === undefined && (locales === undefined || typeof locales === "string") ? `${defaults} ${locales}` : undefined;
    let format = key === undefined ? undefined : kept.get(key);
    if (format === undefined) {
      format = new DateTimeFormat(locales, options, required, defaults);
      if (key !== undefined && kept.size < 64) kept.set(key, format);
    }
    return format.format(time);
  };
  for (const [name, required, defaults] of [["toLocaleString", "any", "all"], ["toLocaleDateString", "date", "date"], ["toLocaleTimeString", "time", "time"]]) {
    method(Date.prototype, name, { [name](locales, options) {
      const time = Reflect.apply(getTime, this, []);
      return Number.isNaN(time) ? "Invalid Date" : show(time, locales, options, required, defaults);
    } }[name]);
  }
  for (const [name, required, defaults, read] of KINDS) {
    method(Temporal[name].prototype, "toLocaleString", { toLocaleString(locales, options) {
      const zone = name === "ZonedDateTime" ? { timeZone: this.timeZoneId, ...(options?.timeZoneName === undefined && options?.timeStyle === undefined && options?.dateStyle === undefined && { timeZoneName: "short" }) } : name === "Instant" ? {} : { timeZone: "UTC" };
      const fields = name === "PlainYearMonth" ? { year: "numeric", month: "numeric" } : name === "PlainMonthDay" ? { month: "numeric", day: "numeric" } : {};
      return new DateTimeFormat(locales, { ...(options === undefined ? fields : {}), ...zone, ...options }, required, defaults).format(read(this));
    } }.toLocaleString);
  }
  return { DateTimeFormat: made };
}
