// Words: lists, times from now, names of regions and languages, the order of texts, and where they may be parted.
(native, intl, shared, formats) => {
  "use strict";
  const { among, categoryOf, NumberFormat, text } = formats;
  const { add, choose, method, optionsOf, parse, resolve } = shared;
  const WIDTHS = ["long", "short", "narrow"];

  class ListFormat {
    #resolved;
    #settings;
    constructor(locales, options) {
      const given = optionsOf(options);
      this.#resolved = resolve(locales);
      this.#settings = { type: choose(given, "type", ["conjunction", "disjunction", "unit"], "conjunction"), style: choose(given, "style", WIDTHS, "long") };
    }
    format(list) {
      return text(this.formatToParts(list));
    }
    formatToParts(list) {
      const items = list === undefined ? [] : Array.from(list);
      for (const item of items) if (typeof item !== "string") throw new TypeError("Iterable yielded a non-String value");
      const { type, style } = this.#settings;
      const [pair, start, middle, end] = this.#resolved.data.lists[type][WIDTHS.indexOf(style)];
      const last = items.length - 1;
      const before = (index) => {
        const joint = items.length === 2 ? pair : index === last ? end : index === 1 ? start : middle;
        // In Spanish and Italian, and differs by how the next word begins.
        const item = items[index];
        if (this.#resolved.language === "es" && type === "conjunction") return /^(h?i(?![ae])|hi$)/i.test(item) ? joint.replace(" y ", " e ") : joint;
        if (this.#resolved.language === "es" && type === "disjunction") return /^(h?o|8|11(\D|$))/i.test(item) ? joint.replace(" o ", " u ") : joint;
        return joint;
      };
      return items.flatMap((value, index) => (index === 0 ? [{ type: "element", value }] : [{ type: "literal", value: before(index) }, { type: "element", value }]));
    }
    resolvedOptions() {
      return { locale: this.#resolved.locale, ...this.#settings };
    }
  }
  add("ListFormat", ListFormat);

  const UNITS = ["second", "minute", "hour", "day", "week", "month", "quarter", "year"];
  class RelativeTimeFormat {
    #resolved;
    #settings;
    #numbers;
    constructor(locales, options) {
      const given = optionsOf(options);
      this.#resolved = resolve(locales);
      this.#settings = { style: choose(given, "style", WIDTHS, "long"), numeric: choose(given, "numeric", ["always", "auto"], "always") };
      this.#numbers = new NumberFormat(locales);
    }
    format(value, unit) {
      return text(this.formatToParts(value, unit));
    }
    formatToParts(value, unit) {
      const number = Number(value);
      const name = String(unit).replace(/s$/, "");
      if (!UNITS.includes(name)) throw new RangeError(`Invalid unit argument for format() '${unit}'`);
      if (!Number.isFinite(number)) throw new RangeError("Invalid value");
      const [past, future, words] = this.#resolved.data.relative[name][WIDTHS.indexOf(this.#settings.style)];
      const isPast = number < 0 || Object.is(number, -0);
      if (this.#settings.numeric === "auto" && words[number] !== undefined) return [{ type: "literal", value: words[number] }];
      const shown = this.#numbers.formatToParts(Math.abs(number));
      const of = (type) => shown.filter((part) => part.type === type).map((part) => part.value).join("");
      const pattern = among(isPast ? past : future, categoryOf(this.#resolved, "cardinal", [of("integer"), of("fraction")]));
      return pattern.split(/(\{n\})/).filter((piece) => piece !== "").flatMap((piece) => (piece === "{n}" ? shown.map((part) => ({ ...part, unit: name })) : [{ type: "literal", value: piece }]));
    }
    resolvedOptions() {
      return { locale: this.#resolved.locale, ...this.#settings, numberingSystem: "latn" };
    }
  }
  add("RelativeTimeFormat", RelativeTimeFormat);

  const CODES = {
    region: /^([A-Z]{2}|\d{3})$/i, language: /^[a-z]{2,3}([-_]\w+)*$/i, script: /^[a-z]{4}$/i, currency: /^[a-z]{3}$/i,
    calendar: /^[a-z0-9]{3,8}(-[a-z0-9]{3,8})*$/i, dateTimeField: /^[a-z]+$/i,
  };
  class DisplayNames {
    #resolved;
    #settings;
    constructor(locales, options) {
      if (options === undefined) throw new TypeError("Required option \"type\" must not be undefined");
      const given = optionsOf(options);
      this.#resolved = resolve(locales);
      const type = choose(given, "type", Object.keys(CODES), undefined);
      if (type === undefined) throw new TypeError("Required option \"type\" must not be undefined");
      this.#settings = { style: choose(given, "style", WIDTHS, "long"), type, fallback: choose(given, "fallback", ["code", "none"], "code"), ...(type === "language" && { languageDisplay: choose(given, "languageDisplay", ["dialect", "standard"], "dialect") }) };
    }
    of(code) {
      const { type, fallback, style } = this.#settings;
      const text = String(code);
      if (!CODES[type].test(text)) throw new RangeError("Invalid argument to Intl.DisplayNames.prototype.of");
      const named = (kind, key) => {
        const index = shared.dataOf("en").codes[kind].split("|").indexOf(key);
        return index === -1 ? undefined : this.#resolved.data[kind].split("|")[index];
      };
      let name;
      if (type === "region") name = named("region", text.toUpperCase());
      else if (type === "currency") {
        const known = this.#resolved.data.numbers.currencies[text.toUpperCase()];
        name = known?.[style === "long" ? 3 : style === "short" ? 0 : 1];
      } else if (type === "language") {
        const { language, region } = parse(text);
        const base = named("language", language);
        const place = region === undefined ? undefined : (named("region", region) ?? region);
        name = base === undefined ? undefined : place === undefined ? base : `${base} (${place})`;
      }
      return name ?? (fallback === "code" ? (type === "language" ? text : text.toUpperCase()) : undefined);
    }
    resolvedOptions() {
      return { locale: this.#resolved.locale, ...this.#settings };
    }
  }
  add("DisplayNames", DisplayNames);

  const SENSITIVITIES = ["base", "accent", "case", "variant"];
  class Collator {
    #resolved;
    #settings;
    #key;
    #bound;
    constructor(locales, options) {
      const given = optionsOf(options);
      this.#resolved = resolve(locales);
      const { extensions } = this.#resolved;
      this.#settings = {
        usage: choose(given, "usage", ["sort", "search"], "sort"), sensitivity: choose(given, "sensitivity", SENSITIVITIES, "variant"),
        ignorePunctuation: given.ignorePunctuation === undefined ? this.#resolved.language === "th" : Boolean(given.ignorePunctuation), collation: "default",
        numeric: given.numeric === undefined ? ["", "true"].includes(extensions.get("kn")) : Boolean(given.numeric),
        caseFirst: choose(given, "caseFirst", ["upper", "lower", "false"], ["upper", "lower"].includes(extensions.get("kf")) ? extensions.get("kf") : "false"),
      };
      const { sensitivity, ignorePunctuation, numeric, caseFirst } = this.#settings;
      // What tells one order from another, as the native side reads it.
      this.#key = `${this.#resolved.locale} ${sensitivity} ${ignorePunctuation} ${numeric} ${caseFirst}`;
    }
    get compare() {
      return (this.#bound ??= (a, b) => native.compare(this.#key, String(a), String(b)));
    }
    resolvedOptions() {
      return { locale: this.#resolved.locale, ...this.#settings };
    }
  }
  add("Collator", Collator, { callable: true });
  const usual = new Map();
  method(String.prototype, "localeCompare", { localeCompare(other, locales, options) {
    if (this === undefined || this === null) throw new TypeError("String.prototype.localeCompare called on null or undefined");
    const isPlain = options === undefined && (locales === undefined || typeof locales === "string");
    let compare = isPlain ? usual.get(locales) : undefined;
    if (compare === undefined) {
      ({ compare } = new Collator(locales, options));
      if (isPlain && usual.size < 64) usual.set(locales, compare);
    }
    return compare(this, other);
  } }.localeCompare);

  const GRANULARITIES = ["grapheme", "word", "sentence"];
  class Segmenter {
    #resolved;
    #granularity;
    constructor(locales, options) {
      const given = optionsOf(options);
      this.#resolved = resolve(locales);
      this.#granularity = choose(given, "granularity", GRANULARITIES, "grapheme");
    }
    segment(input) {
      return new Segments(String(input), this.#granularity);
    }
    resolvedOptions() {
      return { locale: this.#resolved.locale, granularity: this.#granularity };
    }
  }
  class Segments {
    #input;
    #granularity;
    #ends;
    constructor(input, granularity) {
      this.#input = input;
      this.#granularity = granularity;
    }
    // Where segments end, with a minus before those that are no words.
    #all() {
      return (this.#ends ??= native.segments(this.#input, this.#granularity));
    }
    #at(number) {
      const ends = this.#all();
      const start = number === 0 ? 0 : Math.abs(ends[number - 1]);
      const segment = this.#input.slice(start, Math.abs(ends[number]));
      return { segment, index: start, input: this.#input, ...(this.#granularity === "word" && { isWordLike: ends[number] > 0 }) };
    }
    containing(index) {
      const at = Math.trunc(Number(index) || 0);
      if (at < 0 || at >= this.#input.length) return undefined;
      const ends = this.#all();
      let [low, high] = [0, ends.length - 1];
      while (low < high) {
        const middle = (low + high) >> 1;
        if (Math.abs(ends[middle]) > at) high = middle;
        else low = middle + 1;
      }
      return this.#at(low);
    }
    *[Symbol.iterator]() {
      const count = this.#all().length;
      for (let number = 0; number < count; number++) yield this.#at(number);
    }
  }
  add("Segmenter", Segmenter);

  const VALUES = {
    calendar: () => ["gregory"], collation: () => ["default"], numberingSystem: () => ["latn"],
    currency: () => Object.keys(shared.dataOf("en").numbers.currencies).sort(), unit: () => Object.keys(shared.dataOf("en").numbers.units).sort(),
    timeZone: () => shared.dataOf("en").zones.flatMap(([, , zones]) => zones.split(" ")).sort(),
  };
  method(intl, "supportedValuesOf", { supportedValuesOf(key) {
    if (!Object.hasOwn(VALUES, key)) throw new RangeError(`Invalid key : ${key}`);
    return VALUES[key]();
  } }.supportedValuesOf);
  Object.defineProperty(intl, Symbol.toStringTag, { value: "Intl", configurable: true });
}
