// `Intl.NumberFormat`, and the `toLocaleString` of numbers.
(native, intl, shared, numbers) => {
  "use strict";
  const { among, categoryOf, decimal, digitsOf, rounded, split } = numbers;
  const { add, choose, method, optionsOf, resolve } = shared;
  /** Digits behind the point of the currencies that have not two. */
  const CURRENCY_DIGITS = { BHD: 3, BIF: 0, CLF: 4, CLP: 0, DJF: 0, GNF: 0, IQD: 3, ISK: 0, JOD: 3, JPY: 0, KMF: 0, KRW: 0, KWD: 3, LYD: 3, OMR: 3, PYG: 0, RWF: 0, TND: 3, UGX: 0, UYI: 0, VND: 0, VUV: 0, XAF: 0, XOF: 0, XPF: 0 };
  const STYLES = ["decimal", "percent", "currency", "unit"];
  const WIDTHS = ["long", "short", "narrow"];

  class NumberFormat {
    #resolved;
    #numbers;
    #settings;
    #bound;
    constructor(locales, options) {
      const given = optionsOf(options);
      this.#resolved = resolve(locales);
      this.#numbers = this.#resolved.data.numbers;
      const style = choose(given, "style", STYLES, "decimal");
      const currency = given.currency === undefined ? undefined : String(given.currency).toUpperCase();
      if (currency !== undefined && !/^[A-Z]{3}$/.test(currency)) throw new RangeError(`Invalid currency code : ${given.currency}`);
      if (style === "currency" && currency === undefined) throw new TypeError("Currency code is required with currency style.");
      const unit = given.unit === undefined ? undefined : String(given.unit);
      if (style === "unit" && unit === undefined) throw new TypeError("Unit is required with unit style.");
      const en = shared.dataOf("en").numbers.units;
      if (unit !== undefined && !unit.split("-per-").every((part) => Object.hasOwn(en, part))) throw new RangeError(`Invalid unit argument for Intl.NumberFormat() '${unit}'`);
      const notation = choose(given, "notation", ["standard", "scientific", "engineering", "compact"], "standard");
      const places = style === "currency" && notation === "standard" ? (CURRENCY_DIGITS[currency] ?? 2) : 0;
      const compact = notation === "compact";
      const most = style === "currency" && notation === "standard" ? places : style === "percent" ? 0 : 3;
      const grouping = given.useGrouping;
      this.#settings = {
        style, notation,
        ...(style === "currency" && { currency, currencyDisplay: choose(given, "currencyDisplay", ["code", "symbol", "narrowSymbol", "name"], "symbol"), currencySign: choose(given, "currencySign", ["standard", "accounting"], "standard") }),
        ...(style === "unit" && { unit, unitDisplay: choose(given, "unitDisplay", WIDTHS, "short") }),
        ...(compact && { compactDisplay: choose(given, "compactDisplay", ["short", "long"], "short") }),
        useGrouping: grouping === false || grouping === "false" ? false : grouping === undefined || grouping === "true" || grouping === "false" ? (compact ? "min2" : "auto") : grouping === true ? "always" : grouping === "min2" || grouping === "auto" || grouping === "always" ? grouping : grouping ? "always" : false,
        signDisplay: choose(given, "signDisplay", ["auto", "never", "always", "exceptZero", "negative"], "auto"),
        trailingZeroDisplay: choose(given, "trailingZeroDisplay", ["auto", "stripIfInteger"], "auto"),
        digits: digitsOf(given, places, most, compact),
      };
    }
    get format() {
      return (this.#bound ??= (value) => text(this.#parts(value)));
    }
    formatToParts(value) {
      return this.#parts(value);
    }
    formatRange(start, end) {
      return text(this.formatRangeToParts(start, end));
    }
    formatRangeToParts(start, end) {
      if (start === undefined || end === undefined) throw new TypeError("start and end are required");
      if (Number.isNaN(Number(start)) || Number.isNaN(Number(end))) throw new RangeError("Invalid number");
      const [from, to] = [this.#parts(start), this.#parts(end)];
      const mark = (parts, source) => parts.map((part) => ({ ...part, source }));
      if (text(from) === text(to)) return [{ type: "approximatelySign", value: "~", source: "shared" }, ...mark(from, "shared")];
      const simple = from.every((part) => NUMERIC.has(part.type));
      return [...mark(from, "startRange"), { type: "literal", value: simple ? "–" : " – ", source: "shared" }, ...mark(to, "endRange")];
    }
    resolvedOptions() {
      const { digits, style, notation, compactDisplay, ...more } = this.#settings;
      const { rounding, roundingMode, roundingIncrement, ...counts } = digits;
      return {
        locale: this.#resolved.locale, numberingSystem: "latn", style, ...more, ...counts, notation, ...(compactDisplay !== undefined && { compactDisplay }),
        signDisplay: more.signDisplay, roundingIncrement, roundingMode, roundingPriority: rounding === "more" ? "morePrecision" : rounding === "less" ? "lessPrecision" : "auto", trailingZeroDisplay: more.trailingZeroDisplay,
      };
    }

    #parts(value) {
      const { style, notation, signDisplay, digits } = this.#settings;
      const numbers = this.#numbers;
      const number = decimal(typeof value === "object" && value !== null ? toPrimitive(value) : value);
      if (style === "percent" && number.digits !== "") number.point += 2;
      let body = [];
      let category = "other";
      let pattern = "{n}";
      let zero = false;
      if (number.nan) body = [{ type: "nan", value: numbers.nan }];
      else if (number.infinite) body = [{ type: "infinity", value: "∞" }];
      else {
        let exponent = 0;
        let shown, minimum, compact;
        if (notation === "compact") {
          // What rounds up to the next name is shown with that: 999,999 is 1M.
          for (let pass = 0, size = number.point; pass < 2; pass++) {
            [compact, exponent] = this.#compact(size);
            [shown, minimum] = rounded({ ...number, point: number.digits === "" ? 0 : number.point - exponent }, digits);
            if (shown.digits === "" || shown.point + exponent <= size) break;
            size = shown.point + exponent;
          }
        } else if (notation !== "standard") {
          exponent = number.digits === "" ? 0 : number.point - 1;
          if (notation === "engineering") exponent = Math.floor(exponent / 3) * 3;
          [shown, minimum] = rounded({ ...number, point: number.digits === "" ? 0 : number.point - exponent }, digits);
          // What rounds up to the next power is shown with that: 99.995 is 1E2.
          const step = notation === "engineering" ? 3 : 1;
          if (shown.point > step) {
            exponent += step;
            shown = { ...shown, point: shown.point - step };
          }
        } else [shown, minimum] = rounded(number, digits);
        zero = shown.digits === "";
        let [int, fraction] = split(shown, digits, minimum);
        if (this.#settings.trailingZeroDisplay === "stripIfInteger" && /^0*$/.test(fraction)) fraction = "";
        category = categoryOf(this.#resolved, "cardinal", [int, fraction]);
        body = this.#grouped(int);
        if (fraction !== "") body.push({ type: "decimal", value: style === "currency" ? numbers.moneyDecimal : numbers.d }, { type: "fraction", value: fraction });
        if (notation === "compact" && compact !== undefined) {
          // Few names, and a different one for each category.
          const [, before, after] = /^(.*?)\{n\}(.*)$/s.exec(among(compact, category).slice(1)) ?? [undefined, "", ""];
          body = [...words(before, "compact"), ...body, ...words(after, "compact")];
        } else if (notation === "scientific" || notation === "engineering") {
          body.push({ type: "exponentSeparator", value: numbers.exponent }, ...(exponent < 0 ? [{ type: "exponentMinusSign", value: numbers.minus }] : []), { type: "exponentInteger", value: String(Math.abs(exponent)) });
        }
      }
      const sign = this.#sign(number, zero, signDisplay);
      if (style === "percent") pattern = numbers.percent;
      if (style === "unit") return this.#unit(body, sign, category);
      if (style === "currency") return this.#money(body, sign, category);
      // A sign goes before all, as in -50 %.
      return [...sign, ...fill(pattern, body, (literal) => (style === "percent" ? percent(literal) : [{ type: "literal", value: literal }]))];
    }

    #sign(number, zero, display) {
      const minus = [{ type: "minusSign", value: this.#numbers.minus }];
      const plus = [{ type: "plusSign", value: this.#numbers.plus }];
      switch (display) {
        case "never": return [];
        case "always": return number.negative ? minus : plus;
        case "exceptZero": return zero || number.nan ? [] : number.negative ? minus : plus;
        case "negative": return number.negative && !zero ? minus : [];
        default: return number.negative ? minus : [];
      }
    }

    #grouped(int) {
      const { useGrouping, style } = this.#settings;
      const { sizes: [first, other], min, g, moneyGroup } = this.#numbers;
      const least = useGrouping === "min2" ? 2 : useGrouping === "always" ? 1 : min;
      if (useGrouping === false || int.length < first + least) return [{ type: "integer", value: int }];
      const groups = [int.slice(-first)];
      for (let end = int.length - first; end > 0; end -= other) groups.unshift(int.slice(Math.max(0, end - other), end));
      const group = { type: "group", value: style === "currency" ? moneyGroup : g };
      return groups.flatMap((value, index) => (index === 0 ? [{ type: "integer", value }] : [{ ...group }, { type: "integer", value }]));
    }

    // The name for a power of ten, and by how many digits the point goes.
    #compact(point) {
      const size = Math.min(point - 1, 15);
      const names = this.#numbers.compact[this.#settings.compactDisplay];
      const texts = size < 3 ? undefined : names[size - 3];
      if (texts === undefined) return [undefined, 0];
      const any = among(texts, "other");
      if (!any.includes("{n}") && typeof texts === "string") return [any, size];
      const shift = size + 1 - Number(any[0]);
      return [any.slice(1) === "{n}" ? undefined : texts, any.slice(1) === "{n}" ? 0 : shift];
    }

    #money(body, sign, category) {
      const { currency, currencyDisplay, currencySign } = this.#settings;
      const known = this.#numbers.currencies[currency];
      if (currencyDisplay === "name") {
        const name = known === undefined ? currency : among(known[2], category);
        return [...sign, ...fill(among(this.#numbers.moneyName, category), body, (literal) => money(literal, name))];
      }
      const symbol = currencyDisplay === "code" || known === undefined ? currency : known[currencyDisplay === "narrowSymbol" ? 1 : 0];
      const [plain, negative, accounting] = this.#numbers.money;
      const isMinus = sign[0]?.type === "minusSign";
      const pattern = isMinus ? (currencySign === "accounting" ? accounting : negative) : sign.length > 0 ? (negative.includes("-") ? negative : `-${plain}`) : plain;
      // Letters keep a distance from the number.
      const at = pattern.indexOf("¤");
      const digits = body.at(-1).type !== "nan" && body.at(-1).type !== "infinity";
      const spaced = !digits ? pattern : pattern.startsWith("¤{n}", at) && /\p{L}$/u.test(symbol) ? pattern.replace("¤{n}", "¤\u00a0{n}") : /\{n\}¤/.test(pattern) && /^\p{L}/u.test(symbol) ? pattern.replace("{n}¤", "{n}\u00a0¤") : pattern;
      return fill(spaced, body, (literal) => money(literal, symbol, sign));
    }

    #unit(body, sign, category) {
      const { unit, unitDisplay } = this.#settings;
      const width = WIDTHS.indexOf(unitDisplay);
      const { units } = this.#numbers;
      if (Object.hasOwn(units, unit)) return [...sign, ...fill(among(units[unit][width], category), body, (literal) => words(literal, "unit"))];
      const [above, below] = unit.split("-per-");
      const name = among(units[below][width], "one").replace("{n}", "").trim();
      return [...sign, ...fill(among(units[above][width], category), body, (literal) => words(literal, "unit")), { type: "literal", value: "/" }, { type: "unit", value: name }];
    }
  }

  const NUMERIC = new Set(["integer", "group", "decimal", "fraction", "minusSign", "plusSign"]);
  const text = (parts) => parts.map((part) => part.value).join("");
  const toPrimitive = (value) => {
    const primitive = value[Symbol.toPrimitive]?.("number") ?? value.valueOf();
    return typeof primitive === "object" ? String(value) : primitive;
  };
  const fill = (pattern, body, literals) => {
    const at = pattern.indexOf("{n}");
    if (at === -1) return literals(pattern);
    return [...(at > 0 ? literals(pattern.slice(0, at)) : []), ...body, ...(at + 3 < pattern.length ? literals(pattern.slice(at + 3)) : [])];
  };
  // Spaces are no part of a name.
  const words = (literal, type) => {
    if (literal === "") return [];
    const [, before, name, after] = /^(\s*)(.*?)(\s*)$/s.exec(literal);
    return [[before, "literal"], [name, type], [after, "literal"]].filter(([value]) => value !== "").map(([value, type]) => ({ type, value }));
  };
  const percent = (literal) => words(literal, "percentSign");
  const money = (literal, symbol, sign = []) => literal.split(/(¤|-)/).filter((piece) => piece !== "").flatMap((piece) => (piece === "¤" ? [{ type: "currency", value: symbol }] : piece === "-" ? sign : [{ type: "literal", value: piece }]));

  add("NumberFormat", NumberFormat, { callable: true });
  // Made once for each locale without options, which is what is asked for in loops.
  const plain = new Map();
  const formatOf = (locales, options) => {
    if (options !== undefined || (locales !== undefined && typeof locales !== "string")) return new NumberFormat(locales, options);
    let made = plain.get(locales);
    if (made === undefined) {
      made = new NumberFormat(locales);
      if (plain.size < 64) plain.set(locales, made);
    }
    return made;
  };
  const { valueOf: numberOf } = Number.prototype;
  const { valueOf: bigOf } = BigInt.prototype;
  method(Number.prototype, "toLocaleString", { toLocaleString(locales, options) { return formatOf(locales, options).format(Reflect.apply(numberOf, this, [])); } }.toLocaleString);
  method(BigInt.prototype, "toLocaleString", { toLocaleString(locales, options) { return formatOf(locales, options).format(Reflect.apply(bigOf, this, [])); } }.toLocaleString);
  for (const list of [Array, Object.getPrototypeOf(Uint8Array)]) {
    method(list.prototype, "toLocaleString", { toLocaleString(...args) {
      return Array.from(this, (item) => (item === undefined || item === null ? "" : String(item.toLocaleString(...args)))).join(",");
    } }.toLocaleString);
  }
  return { NumberFormat, fill, text };
}
