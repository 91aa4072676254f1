// What the scripts of the web APIs share: definition of globals, Web IDL conversions, promises.
(native, web) => {
  "use strict";
  const { defineProperty, getOwnPropertyDescriptor } = Object;
  const { ownKeys } = Reflect;
  const tag = Symbol.toStringTag;

  web.promises = native;
  web.host = null;

  // Web IDL: members of an interface are enumerable, the class string is its name.
  const finish = (holder, skip) => {
    const keys = ownKeys(holder);
    for (let i = 0; i < keys.length; i++) {
      const key = keys[i];
      if (typeof key === "symbol" || skip[key]) continue;
      const descriptor = getOwnPropertyDescriptor(holder, key);
      if (descriptor.enumerable) continue;
      descriptor.enumerable = true;
      defineProperty(holder, key, descriptor);
    }
  };
  const ofPrototype = { __proto__: null, constructor: true };
  const ofClass = { __proto__: null, length: true, name: true, prototype: true };
  web.finishClass = (type, name = type.name) => {
    finish(type.prototype, ofPrototype);
    finish(type, ofClass);
    if (!getOwnPropertyDescriptor(type.prototype, tag)) {
      defineProperty(type.prototype, tag, { value: name, configurable: true });
    }
  };
  web.defineGlobal = (name, value) => {
    if (typeof value === "function" && value.prototype) web.finishClass(value, name);
    defineProperty(globalThis, name, { value, writable: true, enumerable: false, configurable: true });
  };
  web.constants = (type, names) => {
    for (const name in names) {
      const descriptor = { value: names[name], enumerable: true };
      defineProperty(type, name, descriptor);
      defineProperty(type.prototype, name, descriptor);
    }
  };

  web.need = (given, wanted, what) => {
    if (given < wanted) throw new TypeError(`${what}: ${wanted} argument${wanted > 1 ? "s" : ""} required, but only ${given} present`);
  };
  // A dictionary argument: undefined when it is missing.
  web.dictionary = (value, what) => {
    if (value === undefined || value === null) return undefined;
    if (typeof value !== "object" && typeof value !== "function") throw new TypeError(`${what} is not an object`);
    return value;
  };
  web.callback = (value, what) => {
    if (value === undefined) return undefined;
    if (typeof value !== "function") throw new TypeError(`${what} is not a function`);
    return value;
  };
  // [EnforceRange] unsigned integers up to 2^53 - 1.
  web.enforceRange = (value, max, what) => {
    const number = +value;
    if (!(number > -1 && number < max + 1)) throw new TypeError(`${what} is out of range`);
    return number - number % 1 + 0;
  };
  web.illegal = () => new TypeError("Illegal constructor");
}
