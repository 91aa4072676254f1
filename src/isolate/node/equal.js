// Deep equality as `assert.deepStrictEqual` and `util.isDeepStrictEqual` have it, and loosely.
(native, web, require) => {
  "use strict";
  const types = require("util/types");
  const { getPrototypeOf, keys, is } = Object;
  const symbolsOf = (value) =>
    Object.getOwnPropertySymbols(value).filter((symbol) => Object.prototype.propertyIsEnumerable.call(value, symbol));

  function equal(a, b, strict, seen) {
    if (strict ? is(a, b) : a == b || (a !== a && b !== b)) return true;
    if (a === null || b === null || typeof a !== "object" || typeof b !== "object") return false;
    if (strict && getPrototypeOf(a) !== getPrototypeOf(b)) return false;
    const [kindA, kindB] = [native.kind(a), native.kind(b)];
    if (kindA !== kindB || Array.isArray(a) !== Array.isArray(b)) return false;
    switch (kindA) {
      case "Date":
        if (!is(+a, +b)) return false;
        break;
      case "RegExp":
        if (String(a) !== String(b) || a.lastIndex !== b.lastIndex) return false;
        break;
      case "Error":
        if (a.message !== b.message || a.name !== b.name) return false;
        if (!equal(a.cause, b.cause, strict, seen) || !equal(a.errors, b.errors, strict, seen)) return false;
        break;
      case "Boxed":
        if (!is(a.valueOf(), b.valueOf())) return false;
        break;
      case "ArrayBuffer":
      case "SharedArrayBuffer":
        if (native.compare(new Uint8Array(a), new Uint8Array(b)) !== 0) return false;
        break;
      case "TypedArray":
      case "DataView":
        if (a.length !== b.length || a.byteLength !== b.byteLength) return false;
        if (strict || !/^Float/.test(a[Symbol.toStringTag])) {
          const bytes = (view) => new Uint8Array(view.buffer, view.byteOffset, view.byteLength);
          if (native.compare(bytes(a), bytes(b)) !== 0) return false;
        } else if (!a.every((item, i) => item === b[i])) return false;
        return true;
      case "WeakMap":
      case "WeakSet":
      case "Promise":
        return false;
    }
    // A pair that is being compared further out is taken for equal.
    seen ??= [];
    for (let i = 0; i < seen.length; i += 2) {
      if (seen[i] === a || seen[i + 1] === b) return seen[i] === a && seen[i + 1] === b;
    }
    seen.push(a, b);
    const same = members(a, b, kindA, strict, seen);
    seen.length -= 2;
    return same;
  }
  function members(a, b, kind, strict, seen) {
    if (Array.isArray(a) && a.length !== b.length) return false;
    if (kind === "Set" && !sets(a, b, strict, seen)) return false;
    if (kind === "Map" && !maps(a, b, strict, seen)) return false;
    const names = keys(a);
    if (names.length !== keys(b).length) return false;
    const own = Object.prototype.propertyIsEnumerable;
    for (const name of names) {
      if (!own.call(b, name) || !equal(a[name], b[name], strict, seen)) return false;
    }
    if (!strict) return true;
    const symbols = symbolsOf(a);
    if (symbols.length !== symbolsOf(b).length) return false;
    return symbols.every((symbol) => own.call(b, symbol) && equal(a[symbol], b[symbol], strict, seen));
  }
  function sets(a, b, strict, seen) {
    if (a.size !== b.size) return false;
    const left = [];
    for (const item of a) if (!b.has(item)) left.push(item);
    if (left.length === 0) return true;
    const candidates = [...b].filter((item) => !a.has(item));
    return left.every((item) => {
      const at = candidates.findIndex((candidate) => equal(item, candidate, strict, seen));
      if (at >= 0) candidates.splice(at, 1);
      return at >= 0;
    });
  }
  function maps(a, b, strict, seen) {
    if (a.size !== b.size) return false;
    const left = [];
    for (const [key, value] of a) {
      if (!b.has(key)) left.push([key, value]);
      else if (!equal(value, b.get(key), strict, seen)) return false;
    }
    const candidates = [...b].filter(([key]) => !a.has(key));
    return left.every(([key, value]) => {
      const at = candidates.findIndex(([k, v]) => equal(key, k, strict, seen) && equal(value, v, strict, seen));
      if (at >= 0) candidates.splice(at, 1);
      return at >= 0;
    });
  }
  return { isDeepEqual: (a, b) => equal(a, b, false), isDeepStrictEqual: (a, b) => equal(a, b, true) };
}
