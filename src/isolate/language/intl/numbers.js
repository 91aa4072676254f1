// Numbers: `Intl.PluralRules` and `Intl.NumberFormat`, in decimal digits throughout, so that what is rounded is what is read.
(native, intl, shared) => {
  "use strict";
  const { add, choose, optionsOf, resolve, whole } = shared;

  // ---- Decimal digits ------------------------------------------------------------------------------
  // A number as its digits, and where the point is: 12.5 is "125" and 2.
  const decimal = (value) => {
    if (typeof value === "bigint") return read(String(value));
    if (typeof value === "string") {
      const text = value.trim();
      if (/^[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?$/i.test(text)) return read(text);
      return decimal(Number(text));
    }
    const number = Number(value);
    if (Number.isNaN(number)) return { nan: true, negative: false, digits: "", point: 0 };
    if (!Number.isFinite(number)) return { infinite: true, negative: number < 0, digits: "", point: 0 };
    return read(Object.is(number, -0) ? "-0" : String(number));
  };
  const read = (text) => {
    const [, sign, int, fraction = "", exponent = "0"] = /^([+-]?)(\d*)\.?(\d*)(?:e([+-]?\d+))?$/i.exec(text);
    let digits = int + fraction;
    let point = int.length + Number(exponent);
    const zeros = /^0*/.exec(digits)[0].length;
    digits = digits.slice(zeros);
    point -= zeros;
    digits = digits.replace(/0+$/, "");
    return { negative: sign === "-", digits, point: digits === "" ? 0 : point };
  };
  // Whether what is cut off after `kept` makes the last digit one more.
  const roundsUp = (digits, kept, mode, negative) => {
    const rest = digits.slice(Math.max(kept, 0));
    if (!/[1-9]/.test(rest)) return false;
    const half = kept < 0 ? -1 : rest[0] > "5" || (rest[0] === "5" && /[1-9]/.test(rest.slice(1))) ? 1 : rest[0] === "5" ? 0 : -1;
    const odd = kept > 0 && Number(digits[kept - 1]) % 2 === 1;
    switch (mode) {
      case "ceil": return !negative;
      case "floor": return negative;
      case "expand": return true;
      case "trunc": return false;
      case "halfCeil": return half > 0 || (half === 0 && !negative);
      case "halfFloor": return half > 0 || (half === 0 && negative);
      case "halfTrunc": return half > 0;
      case "halfEven": return half > 0 || (half === 0 && odd);
      default: return half >= 0;
    }
  };
  const cut = (number, kept, mode) => {
    if (kept >= number.digits.length) return number;
    let digits = number.digits.slice(0, Math.max(kept, 0));
    let { point } = number;
    if (roundsUp(number.digits, kept, mode, number.negative)) {
      // One more in the last place that is kept.
      const places = Math.max(kept, 0);
      const more = (BigInt(digits === "" ? "0" : digits) + 1n).toString();
      if (kept < 0) return { ...number, digits: "1", point: point - kept + 1 };
      point += more.length - places;
      digits = more;
    }
    digits = digits.replace(/0+$/, "");
    return { ...number, digits, point: digits === "" ? 0 : point };
  };
  // The whole part and the fraction as texts.
  const split = ({ digits, point }, { minimumIntegerDigits }, minimumFraction) => {
    const int = point <= 0 ? "0" : digits.slice(0, point).padEnd(point, "0");
    const fraction = point <= 0 ? (digits === "" ? "" : "0".repeat(-point) + digits) : digits.slice(point);
    return [int.padStart(minimumIntegerDigits, "0"), fraction.padEnd(minimumFraction, "0")];
  };
  const rounded = (number, settings) => {
    const mode = settings.roundingMode;
    const bySignificant = () => {
      const cutOff = cut(number, settings.maximumSignificantDigits, mode);
      // Significant digits count from the first that is not zero; of zero there is one.
      const count = cutOff.digits === "" ? 1 : cutOff.point;
      return [cutOff, Math.max(0, settings.minimumSignificantDigits - count)];
    };
    const byFraction = () => {
      const { roundingIncrement: step, maximumFractionDigits: places } = settings;
      if (step === 1) return [cut(number, number.point + places, mode), settings.minimumFractionDigits];
      const scaled = Number(`${number.digits || "0"}e${number.point - number.digits.length + places}`) / step;
      const steps = cut(read(String(scaled)), Math.max(0, read(String(scaled)).point), mode);
      const value = BigInt(split(steps, { minimumIntegerDigits: 1 }, 0)[0]) * BigInt(step);
      return [{ ...read(`${value}e-${places}`), negative: number.negative }, settings.minimumFractionDigits];
    };
    if (settings.rounding === "significant") return bySignificant();
    if (settings.rounding === "fraction") return byFraction();
    const significant = bySignificant();
    const fraction = byFraction();
    // Of both, the one that keeps more, or fewer, places.
    const finer = number.point - settings.maximumSignificantDigits <= -settings.maximumFractionDigits;
    return finer === (settings.rounding === "more") ? significant : fraction;
  };

  const PRIORITIES = { auto: "auto", morePrecision: "more", lessPrecision: "less" };
  const MODES = ["ceil", "floor", "expand", "trunc", "halfCeil", "halfFloor", "halfExpand", "halfTrunc", "halfEven"];
  const STEPS = [1, 2, 5, 10, 20, 25, 50, 100, 200, 250, 500, 1000, 2000, 2500, 5000];
  /** How many digits are shown, from the options that all of them share. */
  const digitsOf = (options, least, most, compact) => {
    const minimumIntegerDigits = whole(options, "minimumIntegerDigits", 1, 21, 1);
    const priority = PRIORITIES[choose(options, "roundingPriority", Object.keys(PRIORITIES), "auto")];
    const roundingMode = choose(options, "roundingMode", MODES, "halfExpand");
    const roundingIncrement = Number(options.roundingIncrement ?? 1);
    if (!STEPS.includes(roundingIncrement)) throw new RangeError("roundingIncrement value is out of range.");
    const settings = { minimumIntegerDigits, roundingMode, roundingIncrement };
    const hasSignificant = options.minimumSignificantDigits !== undefined || options.maximumSignificantDigits !== undefined;
    const hasFraction = options.minimumFractionDigits !== undefined || options.maximumFractionDigits !== undefined;
    const significant = hasSignificant || priority !== "auto";
    if (significant) {
      settings.minimumSignificantDigits = whole(options, "minimumSignificantDigits", 1, 21, 1);
      settings.maximumSignificantDigits = whole(options, "maximumSignificantDigits", settings.minimumSignificantDigits, 21, 21);
    }
    if (!hasSignificant && !hasFraction && compact) {
      return { ...settings, rounding: "more", minimumSignificantDigits: 1, maximumSignificantDigits: 2, minimumFractionDigits: 0, maximumFractionDigits: 0 };
    }
    if (!hasSignificant || priority !== "auto") {
      let minimum = whole(options, "minimumFractionDigits", 0, 100);
      let maximum = whole(options, "maximumFractionDigits", 0, 100);
      if (minimum === undefined) minimum = maximum === undefined ? least : Math.min(least, maximum);
      else if (maximum === undefined) maximum = Math.max(most, minimum);
      else if (minimum > maximum) throw new RangeError("maximumFractionDigits value is out of range.");
      settings.minimumFractionDigits = minimum;
      settings.maximumFractionDigits = maximum ?? Math.max(most, minimum);
    }
    settings.rounding = priority === "auto" ? (hasSignificant ? "significant" : "fraction") : priority;
    return settings;
  };

  // ---- Plurals -------------------------------------------------------------------------------------
  // By the operands of CLDR: n the number, i its whole part, v how many digits the fraction has, f the fraction.
  const millions = (i, v) => i !== 0 && i % 1e6 === 0 && v === 0;
  const slavic = (i, v) => (v !== 0 ? "other" : i % 10 === 1 && i % 100 !== 11 ? "one" : i % 10 >= 2 && i % 10 <= 4 && !(i % 100 >= 12 && i % 100 <= 14) ? "few" : "many");
  const ofOne = (n, i, v) => (i === 1 && v === 0 ? "one" : "other");
  const CARDINAL = {
    en: ofOne, de: ofOne, nl: ofOne, sv: ofOne, fi: ofOne,
    it: (n, i, v) => (i === 1 && v === 0 ? "one" : millions(i, v) ? "many" : "other"),
    es: (n, i, v) => (n === 1 ? "one" : millions(i, v) ? "many" : "other"),
    pt: (n, i, v) => (i === 0 || i === 1 ? "one" : millions(i, v) ? "many" : "other"),
    "pt-PT": (n, i, v) => (i === 1 && v === 0 ? "one" : millions(i, v) ? "many" : "other"),
    fr: (n, i, v) => (i === 0 || i === 1 ? "one" : millions(i, v) ? "many" : "other"),
    da: (n, i, v, f) => (n === 1 || (f !== 0 && (i === 0 || i === 1)) ? "one" : "other"),
    nb: (n) => (n === 1 ? "one" : "other"), hu: (n) => (n === 1 ? "one" : "other"), tr: (n) => (n === 1 ? "one" : "other"), el: (n) => (n === 1 ? "one" : "other"),
    ru: (n, i, v) => slavic(i, v), uk: (n, i, v) => slavic(i, v),
    pl: (n, i, v) => (i === 1 && v === 0 ? "one" : slavic(i, v) === "one" ? "many" : slavic(i, v)),
    cs: (n, i, v) => (v !== 0 ? "many" : i === 1 ? "one" : i >= 2 && i <= 4 ? "few" : "other"), sk: (...all) => CARDINAL.cs(...all),
    ro: (n, i, v) => (i === 1 && v === 0 ? "one" : v !== 0 || n === 0 || (n !== 1 && n % 100 >= 1 && n % 100 <= 19) ? "few" : "other"),
    hi: (n, i) => (i === 0 || n === 1 ? "one" : "other"),
  };
  const firstOf = (n) => (n === 1 ? "one" : "other");
  const ORDINAL = {
    en: (n) => (n % 10 === 1 && n % 100 !== 11 ? "one" : n % 10 === 2 && n % 100 !== 12 ? "two" : n % 10 === 3 && n % 100 !== 13 ? "few" : "other"),
    fr: firstOf, vi: firstOf, ro: firstOf, it: (n) => ([8, 11, 80, 800].includes(n) ? "many" : "other"),
    sv: (n) => ([1, 2].includes(n % 10) && ![11, 12].includes(n % 100) ? "one" : "other"), hu: (n) => ([1, 5].includes(n) ? "one" : "other"),
    uk: (n) => (n % 10 === 3 && n % 100 !== 13 ? "few" : "other"), hi: (n) => (n === 1 ? "one" : n === 2 || n === 3 ? "two" : n === 4 ? "few" : n === 6 ? "many" : "other"),
  };
  const ORDER = ["zero", "one", "two", "few", "many", "other"];
  const categoryOf = (resolved, type, [int, fraction]) => {
    const rules = type === "ordinal" ? ORDINAL : CARDINAL;
    const rule = rules[resolved.tag] ?? rules[resolved.language];
    if (rule === undefined) return "other";
    return rule(Number(fraction === "" ? int : `${int}.${fraction}`), Number(int), fraction.length, Number(fraction || "0"));
  };
  /** What a text is for a category, where it differs by category. */
  const among = (texts, category) => (typeof texts === "string" ? texts : (texts[category] ?? texts.other));

  class PluralRules {
    #resolved;
    #type;
    #settings;
    constructor(locales, options) {
      this.#resolved = resolve(locales);
      const given = optionsOf(options);
      this.#type = choose(given, "type", ["cardinal", "ordinal"], "cardinal");
      this.#settings = digitsOf(given, 0, 3, false);
    }
    select(value) {
      const number = decimal(Number(value));
      if (number.nan || number.infinite) return "other";
      const [shown, minimum] = rounded(number, this.#settings);
      return categoryOf(this.#resolved, this.#type, split(shown, this.#settings, minimum));
    }
    selectRange(start, end) {
      if (start === undefined || end === undefined) throw new TypeError("start and end are required");
      return this.select(end);
    }
    resolvedOptions() {
      const found = new Set(["other"]);
      for (const n of [0, 1, 2, 3, 4, 5, 6, 8, 11, 100, 1e6]) found.add(categoryOf(this.#resolved, this.#type, [String(n), ""]));
      if (this.#type === "cardinal") found.add(categoryOf(this.#resolved, this.#type, ["1", "5"]));
      const { rounding: _, ...digits } = this.#settings;
      return { locale: this.#resolved.locale, type: this.#type, notation: "standard", ...digits, pluralCategories: ORDER.filter((category) => found.has(category)), roundingPriority: "auto", trailingZeroDisplay: "auto" };
    }
  }
  add("PluralRules", PluralRules);
  return { among, categoryOf, decimal, digitsOf, rounded, split, cut };
}
