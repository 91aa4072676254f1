// Locales: which there are, what each has of its own, which one a program gets, and `Intl.Locale`.
(native, intl) => {
  "use strict";
  const DEFAULT = "en-US";
  const TAGS = new Set(native.tags());
  // Facts of this binary, so a cache of them stays true.
  const known = new Map();
  const merged = (base, own) => {
    if (typeof own !== "object" || own === null || Array.isArray(own) || typeof base !== "object" || base === null || Array.isArray(base)) return own;
    const all = { ...base };
    for (const key of Object.keys(own)) all[key] = merged(base[key], own[key]);
    return all;
  };
  const dataOf = (tag) => {
    let data = known.get(tag);
    if (data === undefined) {
      data = JSON.parse(native.data(tag));
      const base = tag.split("-", 1)[0];
      if (base !== tag) data = merged(dataOf(base), data);
      known.set(tag, data);
    }
    return data;
  };

  // The parts of a language tag, in the case that is usual for each.
  const parse = (tag) => {
    const text = String(tag);
    if (!/^[A-Za-z]{2,8}(?:-[A-Za-z0-9]{1,8})*$/.test(text)) throw new RangeError(`Incorrect locale information provided: ${text}`);
    const words = text.toLowerCase().split("-");
    const found = { language: words.shift(), script: undefined, region: undefined, variants: [], extensions: new Map(), others: [] };
    if (/^[a-z]{4}$/.test(words[0] ?? "")) found.script = words[0][0].toUpperCase() + words.shift().slice(1);
    if (/^([a-z]{2}|[0-9]{3})$/.test(words[0] ?? "")) found.region = words.shift().toUpperCase();
    while (words.length > 0 && words[0].length > 1) {
      if (!/^([a-z0-9]{5,8}|[0-9][a-z0-9]{3})$/.test(words[0])) throw new RangeError(`Incorrect locale information provided: ${text}`);
      found.variants.push(words.shift());
    }
    while (words.length > 0) {
      const single = words.shift();
      const rest = [];
      while (words.length > 0 && (words[0].length > 1 || single === "x")) rest.push(words.shift());
      if (rest.length === 0) throw new RangeError(`Incorrect locale information provided: ${text}`);
      if (single !== "u") {
        found.others.push([single, ...rest].join("-"));
        continue;
      }
      let key;
      for (const word of rest) {
        if (word.length === 2) found.extensions.set((key = word), "");
        else if (key !== undefined) found.extensions.set(key, [found.extensions.get(key), word].filter((part) => part !== "").join("-"));
      }
    }
    return found;
  };
  const baseName = ({ language, script, region, variants }) => [language, script, region, ...variants].filter((part) => part !== undefined).join("-");
  const write = (parts) => {
    const keys = [...parts.extensions].sort(([a], [b]) => (a < b ? -1 : 1)).flatMap(([key, value]) => (value === "" || value === "true" ? [key] : [key, value]));
    return [baseName(parts), ...(keys.length > 0 ? ["u", ...keys] : []), ...parts.others].join("-");
  };

  const listOf = (locales) => {
    if (locales === undefined) return [];
    if (locales === null) throw new TypeError("Cannot convert undefined or null to object");
    const items = typeof locales === "string" || (typeof locales === "object" && brand in locales) ? [locales] : Array.from(locales);
    const tags = items.map((item) => {
      if (typeof item !== "string" && typeof item !== "object") throw new TypeError("Language ID should be string or object.");
      return write(parse(item));
    });
    return [...new Set(tags)];
  };

  // Chinese of elsewhere is written as in Taiwan.
  const TRADITIONAL = new Set(["TW", "HK", "MO"]);
  const lookup = ({ language, script, region }) => {
    if (language === "no") language = "nb";
    if (language === "zh" && (script === "Hant" || (script === undefined && TRADITIONAL.has(region)))) return region === "HK" || region === "MO" ? "zh-HK" : "zh-TW";
    if (language === "es" && region !== undefined && region !== "ES" && !TAGS.has(`es-${region}`)) return "es-MX";
    if (region !== undefined && TAGS.has(`${language}-${region}`)) return `${language}-${region}`;
    return TAGS.has(language) ? language : undefined;
  };
  /** The first locale of a list that there is: its tag, its data, and the extensions that were asked for. */
  const resolve = (locales) => {
    for (const tag of [...listOf(locales), DEFAULT]) {
      const parts = parse(tag);
      const found = lookup(parts);
      if (found !== undefined) return { locale: baseName({ ...parts, variants: [] }), tag: found, language: found.split("-", 1)[0], data: dataOf(found), extensions: parts.extensions };
    }
    throw new RangeError("There is no locale");
  };
  const supported = (locales) => listOf(locales).filter((tag) => lookup(parse(tag)) !== undefined);

  /** An option among those that there are. */
  const choose = (options, name, values, otherwise) => {
    const value = options[name];
    if (value === undefined) return otherwise;
    const text = String(value);
    if (!values.includes(text)) throw new RangeError(`Value ${text} out of range for Intl options property ${name}`);
    return text;
  };
  const whole = (options, name, least, most, otherwise) => {
    const value = options[name];
    if (value === undefined) return otherwise;
    const number = Math.floor(Number(value));
    if (!(number >= least && number <= most)) throw new RangeError(`${name} value is out of range.`);
    return number;
  };
  const optionsOf = (options) => {
    if (options === undefined) return {};
    if (options === null) throw new TypeError("Cannot convert undefined or null to object");
    return Object(options);
  };
  const method = (target, name, value) => Object.defineProperty(target, name, { value, writable: true, enumerable: false, configurable: true });
  /** Puts a class on `Intl`, callable without `new` where the standard has it so. */
  const add = (name, Type, { callable = false, locales = true } = {}) => {
    let made = Type;
    if (callable) {
      made = function (...args) {
        return Reflect.construct(Type, args, new.target ?? made);
      };
      Object.defineProperty(made, "length", { value: 0, configurable: true });
      Object.defineProperty(made, "prototype", { value: Type.prototype, writable: false, enumerable: false, configurable: false });
      method(Type.prototype, "constructor", made);
    }
    Object.defineProperty(made, "name", { value: name, configurable: true });
    Object.defineProperty(Type.prototype, Symbol.toStringTag, { value: `Intl.${name}`, configurable: true });
    if (locales) method(made, "supportedLocalesOf", { supportedLocalesOf(tags) { return supported(tags); } }.supportedLocalesOf);
    method(intl, name, made);
    return made;
  };

  const brand = Symbol("Locale");
  class Locale {
    #parts;
    constructor(tag, options) {
      if (typeof tag !== "string" && typeof tag !== "object") throw new TypeError("First argument to Intl.Locale constructor can't be empty or missing");
      const given = optionsOf(options);
      const parts = parse(tag);
      for (const key of ["language", "script", "region"]) if (given[key] !== undefined) parts[key] = String(given[key]);
      for (const [name, key] of KEYS) if (given[name] !== undefined) parts.extensions.set(key, name === "numeric" ? String(Boolean(given[name])) : String(given[name]));
      this.#parts = parse(write(parts));
    }
    get baseName() { return baseName(this.#parts); }
    get language() { return this.#parts.language; }
    get script() { return this.#parts.script; }
    get region() { return this.#parts.region; }
    get calendar() { return this.#parts.extensions.get("ca"); }
    get collation() { return this.#parts.extensions.get("co"); }
    get hourCycle() { return this.#parts.extensions.get("hc"); }
    get numberingSystem() { return this.#parts.extensions.get("nu"); }
    get caseFirst() { return this.#parts.extensions.get("kf"); }
    get numeric() { return ["", "true"].includes(this.#parts.extensions.get("kn")); }
    get [brand]() { return true; }
    toString() { return write(this.#parts); }
  }
  const KEYS = [["calendar", "ca"], ["collation", "co"], ["hourCycle", "hc"], ["caseFirst", "kf"], ["numeric", "kn"], ["numberingSystem", "nu"]];
  add("Locale", Locale, { locales: false });
  method(intl, "getCanonicalLocales", { getCanonicalLocales(locales) { return listOf(locales); } }.getCanonicalLocales);

  return { DEFAULT, add, choose, dataOf, lookup, method, optionsOf, parse, resolve, whole, write };
}
