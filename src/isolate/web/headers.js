// Headers: a live, guarded view of a flat list `[name, value, name, value, ...]` with lower-case names.
(native, web) => {
  "use strict";
  const { append, remove, set, get, has, cookies, sorted } = native;
  const { ownKeys } = Reflect;
  const { getOwnPropertyDescriptor } = Object;
  const { need } = web;
  const { apply } = Reflect;
  const { test } = RegExp.prototype;
  const latin1 = /^[\0-\xff]*$/;
  const key = {};
  let listOf, isHeaders;

  // Fills a list from a HeadersInit argument that is not undefined.
  const fill = (list, init) => {
    if (typeof init !== "object" && typeof init !== "function" || init === null) throw new TypeError("headers is neither a record nor a sequence");
    if (isHeaders(init) && init[Symbol.iterator] === entries) {
      const from = listOf(init);
      for (let i = 0; i < from.length; i++) list[list.length] = from[i];
      return;
    }
    const iterate = init[Symbol.iterator];
    if (iterate !== undefined && iterate !== null) {
      if (typeof iterate !== "function") throw new TypeError("headers is not iterable");
      for (const pair of { [Symbol.iterator]: () => Reflect.apply(iterate, init, []) }) {
        if (typeof pair !== "object" && typeof pair !== "function" || pair === null) throw new TypeError("A header is not a pair");
        const both = [];
        for (const part of pair) {
          if (both.length === 2) throw new TypeError("A header is not a pair");
          both[both.length] = part;
        }
        if (both.length !== 2) throw new TypeError("A header is not a pair");
        append(list, both[0], both[1]);
      }
      return;
    }
    const keys = ownKeys(init);
    for (let i = 0; i < keys.length; i++) {
      const name = keys[i];
      const descriptor = getOwnPropertyDescriptor(init, name);
      if (descriptor === undefined || !descriptor.enumerable) continue;
      if (typeof name === "symbol") throw new TypeError("A header's name is not a string");
      if (!apply(test, latin1, [name])) throw new TypeError("A header's name has a character that it must not have");
      append(list, name, init[name]);
    }
  };

  // What iteration shows of a list is kept until the list changes, or each step would sort all of it.
  const shownOf = (s) => {
    if (s.shown === undefined || s.length !== s.list.length) {
      s.shown = sorted(s.list);
      s.length = s.list.length;
    }
    return s.shown;
  };

  class Headers {
    #s;
    constructor(init = undefined) {
      if (init === key) {
        this.#s = arguments[1];
        return;
      }
      this.#s = { list: [], immutable: false, shown: undefined, length: 0 };
      if (init !== undefined) fill(this.#s.list, init);
    }
    static {
      listOf = (headers) => headers.#s.list;
      isHeaders = (value) => typeof value === "object" && value !== null && #s in value;
    }
    append(name, value) {
      const s = this.#s;
      need(arguments.length, 2, "Headers.append");
      append(s.immutable ? null : s.list, name, value);
      s.shown = undefined;
    }
    delete(name) {
      const s = this.#s;
      need(arguments.length, 1, "Headers.delete");
      remove(s.immutable ? null : s.list, name);
      s.shown = undefined;
    }
    get(name) {
      const { list } = this.#s;
      need(arguments.length, 1, "Headers.get");
      return get(list, name);
    }
    getSetCookie() {
      return cookies(this.#s.list);
    }
    has(name) {
      const { list } = this.#s;
      need(arguments.length, 1, "Headers.has");
      return has(list, name);
    }
    set(name, value) {
      const s = this.#s;
      need(arguments.length, 2, "Headers.set");
      set(s.immutable ? null : s.list, name, value);
      s.shown = undefined;
    }
    entries() {
      return new Iterator({ headers: this.#s, kind: 2, index: 0 });
    }
    keys() {
      return new Iterator({ headers: this.#s, kind: 0, index: 0 });
    }
    values() {
      return new Iterator({ headers: this.#s, kind: 1, index: 0 });
    }
    forEach(callback, thisArg = undefined) {
      const s = this.#s;
      need(arguments.length, 1, "Headers.forEach");
      if (typeof callback !== "function") throw new TypeError("callback is not a function");
      for (let i = 0; ; i += 2) {
        const all = shownOf(s);
        if (i >= all.length) break;
        Reflect.apply(callback, thisArg, [all[i + 1], all[i], this]);
      }
    }
  }
  const { entries } = Headers.prototype;
  Object.defineProperty(Headers.prototype, Symbol.iterator, { value: entries, writable: true, configurable: true });
  web.defineGlobal("Headers", Headers);

  // Live: each step looks at the list as it is then.
  class Iterator {
    #s;
    constructor(state) {
      this.#s = state;
    }
    next() {
      const s = this.#s;
      const all = shownOf(s.headers), i = s.index;
      if (i >= all.length) return { value: undefined, done: true };
      s.index = i + 2;
      return { value: s.kind === 2 ? [all[i], all[i + 1]] : all[i + s.kind], done: false };
    }
  }
  delete Iterator.prototype.constructor;
  web.finishClass(Iterator, "Headers Iterator");
  web.refuseClone(Iterator.prototype);
  Object.setPrototypeOf(Iterator.prototype, Object.getPrototypeOf(Object.getPrototypeOf([][Symbol.iterator]())));

  web.describe(Headers.prototype, (headers) => {
    const all = sorted(listOf(headers)), shown = { __proto__: null };
    for (let i = 0; i < all.length; i += 2) if (all[i] !== "set-cookie") shown[all[i]] = all[i + 1];
    const set = cookies(listOf(headers));
    if (set.length > 0) shown["set-cookie"] = set;
    return shown;
  });
  web.isHeaders = isHeaders;
  web.headers = {
    fill,
    make: (list, immutable) => new Headers(key, { list, immutable, shown: undefined, length: 0 }),
    listOf,
    copy(list) {
      const result = [];
      for (let i = 0; i < list.length; i++) result[i] = list[i];
      return result;
    },
    // Whether a list has the (lower-case) name, and its combined value or null.
    has,
    get,
  };
}
