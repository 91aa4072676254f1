// node:querystring.
(native, web, require) => {
  "use strict";
  // As encodeURIComponent, and what is no character becomes U+FFFD.
  const escape = (text) => encodeURIComponent(String(text).toWellFormed());
  const unescapeBuffer = (text) => require("buffer").Buffer.from(String(text).replace(/%([0-9a-f]{2})/gi, (_, hex) => String.fromCharCode(parseInt(hex, 16))), "latin1");
  function unescape(text) {
    try {
      return decodeURIComponent(text);
    } catch {
      return unescapeBuffer(text).toString();
    }
  }
  const primitive = (value) => {
    if (typeof value === "string") return value;
    if (typeof value === "number" && Number.isFinite(value)) return `${value}`;
    return typeof value === "bigint" || typeof value === "boolean" ? `${value}` : "";
  };
  function stringify(object, separator, equals, options) {
    const [sep, eq] = [separator || "&", equals || "="];
    const encode = options?.encodeURIComponent ?? exports.escape;
    if (object === null || typeof object !== "object") return "";
    const pairs = [];
    for (const key of Object.keys(object)) {
      const name = encode(key) + eq;
      const value = object[key];
      if (Array.isArray(value)) for (const one of value) pairs.push(name + encode(primitive(one)));
      else pairs.push(name + encode(primitive(value)));
    }
    return pairs.join(sep);
  }
  const MAX_KEYS = 1000;
  function parse(text, separator, equals, options) {
    const result = { __proto__: null };
    if (typeof text !== "string" || text.length === 0) return result;
    const [sep, eq] = [separator || "&", equals || "="];
    const decode = options?.decodeURIComponent ?? exports.unescape;
    const max = options?.maxKeys ?? MAX_KEYS;
    let pairs = text.split(sep);
    if (max > 0) pairs = pairs.slice(0, max);
    const plain = (part) => {
      const spaced = part.replaceAll("+", " ");
      try {
        return decode(spaced);
      } catch {
        return unescape(spaced);
      }
    };
    for (const pair of pairs) {
      if (pair === "") continue;
      const at = pair.indexOf(eq);
      const key = plain(at < 0 ? pair : pair.slice(0, at));
      const value = at < 0 ? "" : plain(pair.slice(at + eq.length));
      if (!(key in result)) result[key] = value;
      else if (Array.isArray(result[key])) result[key].push(value);
      else result[key] = [result[key], value];
    }
    return result;
  }
  const exports = { stringify, encode: stringify, parse, decode: parse, escape, unescape, unescapeBuffer };
  return exports;
}
