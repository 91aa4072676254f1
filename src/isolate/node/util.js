// node:util.
(native, web, require) => {
  "use strict";
  const { fail, wrongType, needFunction, aborted } = require("internal/errors");
  const { nextTick } = require("internal/process");
  const { defineProperty, getOwnPropertyDescriptors, setPrototypeOf, getPrototypeOf } = Object;
  const types = require("util/types");
  const customInspect = Symbol.for("nodejs.util.inspect.custom");
  const customPromisify = Symbol.for("nodejs.util.promisify.custom");
  const DEPTH = 2;

  function inspect(value, options, depth) {
    if (typeof options === "boolean") options = { depth };
    const given = { ...defaults, ...options };
    const stylize = (text) => String(text);
    const custom = value !== null && (typeof value === "object" || typeof value === "function") ? value[customInspect] : undefined;
    if (typeof custom === "function" && given.customInspect && custom !== inspect) {
      const shown = custom.call(value, given.depth ?? Infinity, { ...given, stylize }, inspect);
      if (typeof shown === "string") return shown;
      if (shown !== value) return inspect(shown, options);
    }
    const levels = given.depth === null || given.depth === Infinity ? 1000 : Math.max(+given.depth || 0, 0);
    return native.inspect(value, levels);
  }
  inspect.custom = customInspect;
  // Settings of all modules together, so each is a plain value: what is set to anything else stays as it was.
  const defaults = {
    showHidden: false, depth: DEPTH, colors: false, customInspect: true, showProxy: false, maxArrayLength: 100,
    maxStringLength: 10000, breakLength: 80, compact: 3, sorted: false, getters: false, numericSeparator: false,
  };
  const defaultOptions = {};
  for (const name in defaults) {
    const set = (value) => {
      if (value === null || typeof value === "number" || typeof value === "boolean") defaults[name] = value;
    };
    defineProperty(defaultOptions, name, { enumerable: true, get: () => defaults[name], set });
  }
  defineProperty(inspect, "defaultOptions", {
    enumerable: true,
    get: () => defaultOptions,
    set(options) {
      for (const name in defaults) if (Object.hasOwn(options, name)) defaultOptions[name] = options[name];
    },
  });
  inspect.colors = { __proto__: null };
  inspect.styles = { __proto__: null };

  // What has a way of its own to be shown is shown first: the native formatter runs no code.
  const shownBefore = (value) =>
    value !== null && typeof value === "object" && typeof value[customInspect] === "function"
      ? { __proto__: null, toString: undefined, shown: inspect(value) }
      : value;
  function format(...args) {
    const first = args[0];
    if (typeof first !== "string" && args.length > 0) {
      return args.map((arg) => (typeof arg === "string" ? arg : inspect(arg))).join(" ");
    }
    if (args.length < 2) return args.length === 0 ? "" : native.format(first);
    let next = 1;
    const text = first.replace(/%[sdifjoOc%]/g, (mark) => {
      if (mark === "%%") return "%";
      if (next >= args.length) return mark;
      const arg = args[next++];
      switch (mark) {
        case "%s":
          if (typeof arg === "bigint") return `${arg}n`;
          if (Object.is(arg, -0)) return "-0";
          return typeof arg === "object" && arg !== null && !hasOwnText(arg) ? inspect(arg, { depth: 0 }) : String(arg);
        case "%d":
          return typeof arg === "bigint" ? `${arg}n` : typeof arg === "symbol" ? "NaN" : `${Object.is(+arg, -0) ? "-0" : typeof arg === "object" ? Number(arg) : +arg}`;
        case "%i":
          return typeof arg === "bigint" ? `${arg}n` : typeof arg === "symbol" ? "NaN" : `${parseInt(arg)}`;
        case "%f":
          return typeof arg === "symbol" ? "NaN" : `${parseFloat(arg)}`;
        case "%j":
          try {
            return JSON.stringify(arg);
          } catch {
            return "[Circular]";
          }
        case "%o":
          return inspect(arg, { depth: 4, showHidden: true });
        case "%O":
          return inspect(arg);
        default:
          return "";
      }
    });
    return [text, ...args.slice(next).map((arg) => (typeof arg === "string" ? arg : inspect(arg)))].join(" ");
  }
  const hasOwnText = (value) => {
    if (Object.hasOwn(value, "toString")) return typeof value.toString === "function";
    for (let proto = getPrototypeOf(value); proto !== null; proto = getPrototypeOf(proto)) {
      if (Object.hasOwn(proto, "toString")) return proto !== Object.prototype && proto !== Array.prototype && !types.isNativeError(value) ? true : types.isNativeError(value);
    }
    return false;
  };

  function promisify(original) {
    needFunction(original, "original");
    const custom = original[customPromisify];
    if (custom !== undefined) {
      needFunction(custom, "util.promisify.custom");
      // What all modules share is frozen, and needs no mark.
      Reflect.defineProperty(custom, customPromisify, { value: custom, configurable: true });
      return custom;
    }
    function promised(...args) {
      return new Promise((resolve, reject) => {
        Reflect.apply(original, this, [...args, (error, ...values) => (error ? reject(error) : resolve(values[0]))]);
      });
    }
    setPrototypeOf(promised, getPrototypeOf(original));
    const { prototype, length, name, ...rest } = getOwnPropertyDescriptors(original);
    return Object.defineProperties(promised, rest);
  }
  promisify.custom = customPromisify;
  function callbackify(original) {
    needFunction(original, "original");
    return function (...args) {
      const callback = args.pop();
      needFunction(callback, "last argument");
      Reflect.apply(original, this, args).then(
        (value) => nextTick(callback, null, value),
        (error) => nextTick(callback, error || Object.assign(fail(Error, "ERR_FALSY_VALUE_REJECTION", "Promise was rejected with falsy value"), { reason: error })),
      );
    };
  }
  function deprecate(target, message, code) {
    let told = false;
    function deprecated(...args) {
      if (!told) {
        told = true;
        console.warn(`DeprecationWarning: ${code ? `[${code}] ` : ""}${message}`);
      }
      return new.target ? Reflect.construct(target, args, new.target) : Reflect.apply(target, this, args);
    }
    setPrototypeOf(deprecated, target);
    if (target.prototype) deprecated.prototype = target.prototype;
    return deprecated;
  }
  function inherits(type, above) {
    needFunction(type, "ctor");
    needFunction(above, "superCtor");
    defineProperty(type, "super_", { value: above, writable: true, configurable: true });
    setPrototypeOf(type.prototype, above.prototype);
  }
  function debuglog() {
    const log = () => {};
    log.enabled = false;
    return log;
  }
  function parseArgs({ args = [], options = {}, strict = true, allowPositionals = !strict } = {}) {
    const values = { __proto__: null };
    const positionals = [];
    for (const name in options) if (options[name].default !== undefined) values[name] = options[name].default;
    const store = (name, value) => {
      const option = options[name];
      if (option === undefined && strict) throw fail(TypeError, "ERR_PARSE_ARGS_UNKNOWN_OPTION", `Unknown option '--${name}'`);
      if (option?.multiple) (Array.isArray(values[name]) && values[name] !== option.default ? values[name] : (values[name] = [])).push(value);
      else values[name] = value;
    };
    for (let i = 0; i < args.length; i++) {
      const arg = args[i];
      if (arg === "--") {
        positionals.push(...args.slice(i + 1));
        break;
      }
      let names = [];
      let value;
      if (arg.startsWith("--")) {
        const at = arg.indexOf("=");
        names = [arg.slice(2, at < 0 ? undefined : at)];
        if (at >= 0) value = arg.slice(at + 1);
      } else if (arg.startsWith("-") && arg.length > 1) {
        names = [...arg.slice(1)].map((short) => Object.keys(options).find((name) => options[name].short === short) ?? short);
      } else {
        if (!allowPositionals) throw fail(TypeError, "ERR_PARSE_ARGS_UNEXPECTED_POSITIONAL", `Unexpected argument '${arg}'`);
        positionals.push(arg);
        continue;
      }
      for (const name of names) {
        if (options[name]?.type !== "string") store(name, value ?? true);
        else {
          const given = value ?? args[++i];
          if (given === undefined && strict) throw fail(TypeError, "ERR_PARSE_ARGS_INVALID_OPTION_VALUE", `Option '--${name} <value>' argument missing`);
          store(name, given);
        }
      }
    }
    return { values, positionals };
  }
  const { isDeepStrictEqual } = require("internal/equal");
  return {
    inspect, format, formatWithOptions: (_, ...args) => format(...args), promisify, callbackify, deprecate, inherits, isDeepStrictEqual,
    debuglog, debug: debuglog, parseArgs, types, TextEncoder, TextDecoder,
    stripVTControlCharacters: (text) => String(text).replace(/\u001b\[[0-9;?]*[ -/]*[@-~]|\u001b\][^\u0007]*\u0007/g, ""),
    styleText: (_, text) => String(text),
    toUSVString: (text) => String(text).toWellFormed(),
    aborted: (signal) => new Promise((resolve) => (signal.aborted ? resolve() : signal.addEventListener("abort", () => resolve(), { once: true }))),
    getSystemErrorName: (code) => `Unknown system error ${code}`,
    isArray: Array.isArray,
    _extend: (target, source) => (source !== null && typeof source === "object" ? Object.assign(target, source) : target),
    parseEnv(text) {
      const pairs = {};
      for (const [, key, quoted, plain] of String(text).matchAll(/^\s*(?:export\s+)?([\w.-]+)\s*=\s*(?:"([^"]*)"|([^#\n]*))/gm)) {
        pairs[key] = quoted ?? plain.trim().replace(/^(['`])(.*)\1$/, "$2");
      }
      return pairs;
    },
  };
}
