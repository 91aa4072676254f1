// Built-ins that the engine lacks, as the standard has them. Runs before everything else in the realm.
(native) => {
  "use strict";
  const { defineProperty, getOwnPropertyDescriptor, setPrototypeOf } = Object;
  const method = (target, name, value) => defineProperty(target, name, { value, writable: true, enumerable: false, configurable: true });
  // Methods have no `prototype` and cannot be constructed, so they are written as such.
  const methods = (target, source) => {
    for (const name of Reflect.ownKeys(source)) {
      if (Object.hasOwn(target, name)) continue;
      defineProperty(target, name, { ...getOwnPropertyDescriptor(source, name), enumerable: false });
    }
  };

  // ---- Disposal ------------------------------------------------------------------------------------
  if (typeof globalThis.SuppressedError !== "function") {
    function SuppressedError(error, suppressed, message) {
      const made = Reflect.construct(Error, message === undefined ? [] : [message], new.target ?? SuppressedError);
      method(made, "error", error);
      method(made, "suppressed", suppressed);
      return made;
    }
    setPrototypeOf(SuppressedError, Error);
    SuppressedError.prototype = Object.create(Error.prototype);
    defineProperty(SuppressedError, "prototype", { writable: false, enumerable: false });
    for (const [name, value] of [["constructor", SuppressedError], ["name", "SuppressedError"], ["message", ""]]) method(SuppressedError.prototype, name, value);
    method(globalThis, "SuppressedError", SuppressedError);
  }
  const disposer = (value, key, otherwise) => {
    if (value === null || value === undefined) return undefined;
    if (typeof value !== "object" && typeof value !== "function") throw new TypeError("What is disposed of must be an object, null or undefined");
    let dispose = value[key];
    if ((dispose === undefined || dispose === null) && otherwise !== undefined) {
      const sync = value[otherwise];
      // What it returns is not waited for.
      if (typeof sync === "function") dispose = function () { Reflect.apply(sync, this, []); };
    }
    if (typeof dispose !== "function") throw new TypeError(`The value has no method ${String(key)}`);
    return () => Reflect.apply(dispose, value, []);
  };
  const suppressing = (failed, error) => (failed === undefined ? { error } : { error: new SuppressedError(error, failed.error) });
  const needFunction = (value) => {
    if (typeof value !== "function") throw new TypeError("onDispose is not a function");
  };
  const stack = (key, otherwise, name) => {
    const type = class {
      #steps = [];
      #disposed = false;
      #open() {
        if (this.#disposed) throw new ReferenceError(`The ${name} is disposed of already`);
      }
      get disposed() {
        return this.#disposed;
      }
      use(value) {
        this.#open();
        const step = disposer(value, key, otherwise);
        // Of nothing there is still a turn to be waited for.
        if (step !== undefined || otherwise !== undefined) this.#steps.push(step ?? (() => undefined));
        return value;
      }
      adopt(value, onDispose) {
        this.#open();
        needFunction(onDispose);
        this.#steps.push(() => Reflect.apply(onDispose, undefined, [value]));
        return value;
      }
      defer(onDispose) {
        this.#open();
        needFunction(onDispose);
        this.#steps.push(() => Reflect.apply(onDispose, undefined, []));
      }
      move() {
        this.#open();
        const other = new type();
        other.#steps = this.#steps;
        this.#steps = [];
        this.#disposed = true;
        return other;
      }
      static {
        if (otherwise === undefined) {
          method(this.prototype, "dispose", { dispose() {
            if (this.#disposed) return;
            this.#disposed = true;
            let failed;
            for (const step of this.#steps.splice(0).reverse()) {
              try {
                step();
              } catch (error) {
                failed = suppressing(failed, error);
              }
            }
            if (failed !== undefined) throw failed.error;
          } }.dispose);
          method(this.prototype, key, this.prototype.dispose);
        } else {
          method(this.prototype, "disposeAsync", { async disposeAsync() {
            if (this.#disposed) return;
            this.#disposed = true;
            let failed;
            for (const step of this.#steps.splice(0).reverse()) {
              try {
                await step();
              } catch (error) {
                failed = suppressing(failed, error);
              }
            }
            if (failed !== undefined) throw failed.error;
          } }.disposeAsync);
          method(this.prototype, key, this.prototype.disposeAsync);
        }
      }
    };
    defineProperty(type, "name", { value: name, configurable: true });
    defineProperty(type.prototype, Symbol.toStringTag, { value: name, configurable: true });
    if (typeof globalThis[name] !== "function") method(globalThis, name, type);
  };
  stack(Symbol.dispose, undefined, "DisposableStack");
  stack(Symbol.asyncDispose, Symbol.dispose, "AsyncDisposableStack");
  methods(Object.getPrototypeOf(Object.getPrototypeOf([][Symbol.iterator]())), {
    [Symbol.dispose]() {
      const end = this.return;
      if (end !== undefined && end !== null) Reflect.apply(end, this, []);
    },
  });
  methods(Object.getPrototypeOf(Object.getPrototypeOf((async function* () {}).prototype)), {
    async [Symbol.asyncDispose]() {
      const end = this.return;
      if (end !== undefined && end !== null) await Reflect.apply(end, this, []);
    },
  });

  // ---- Arrays, buffers -------------------------------------------------------------------------------
  const isConstructor = (value) => {
    try {
      Reflect.construct(Object, [], value);
      return true;
    } catch {
      return false;
    }
  };
  methods(Array, {
    async fromAsync(items, mapper, self) {
      if (mapper !== undefined && typeof mapper !== "function") throw new TypeError("Array.fromAsync: the mapper is not a function");
      const make = (...args) => (isConstructor(this) ? new this(...args) : Array(...args));
      const put = (list, index, value) => defineProperty(list, index, { value, writable: true, enumerable: true, configurable: true });
      let index = 0;
      if (items[Symbol.asyncIterator] != null || items[Symbol.iterator] != null) {
        const list = make();
        for await (const item of items) {
          put(list, index, mapper === undefined ? item : await Reflect.apply(mapper, self, [item, index]));
          index++;
        }
        list.length = index;
        return list;
      }
      const length = Math.min(Math.max(Math.trunc(Number(items.length)) || 0, 0), Number.MAX_SAFE_INTEGER);
      const list = make(length);
      for (; index < length; index++) {
        const item = await items[index];
        put(list, index, mapper === undefined ? item : await Reflect.apply(mapper, self, [item, index]));
      }
      list.length = length;
      return list;
    },
  });
  const byteLength = getOwnPropertyDescriptor(ArrayBuffer.prototype, "byteLength").get;
  const resizable = getOwnPropertyDescriptor(ArrayBuffer.prototype, "resizable")?.get;
  const moved = (buffer, length, fixed) => {
    const size = length === undefined ? Reflect.apply(byteLength, buffer, []) : length;
    if (fixed || resizable === undefined || !Reflect.apply(resizable, buffer, [])) return native.transfer(buffer, size);
    const { maxByteLength } = buffer;
    const bytes = new Uint8Array(native.transfer(buffer, size));
    const other = new ArrayBuffer(bytes.length, { maxByteLength });
    new Uint8Array(other).set(bytes);
    return other;
  };
  methods(ArrayBuffer.prototype, {
    get detached() {
      return native.detached(this);
    },
    transfer(length) {
      return moved(this, length, false);
    },
    transferToFixedLength(length) {
      return moved(this, length, true);
    },
  });

  // ---- Regular expressions -----------------------------------------------------------------------------
  // The standard looks at every index whether a separator is there; looking for the next one finds the same.
  const split = RegExp.prototype[Symbol.split];
  const { exec } = RegExp.prototype;
  defineProperty(RegExp.prototype, Symbol.split, { ...getOwnPropertyDescriptor({
    [Symbol.split](text, limit) {
      if (!native.isRegExp(this) || this.constructor !== RegExp || this.exec !== exec) return Reflect.apply(split, this, [text, limit]);
      const string = String(text);
      const most = limit === undefined ? 2 ** 32 - 1 : limit >>> 0;
      if (most === 0) return [];
      const flags = this.flags.replace("y", "");
      const finder = new RegExp(this.source, flags.includes("g") ? flags : `${flags}g`);
      if (string.length === 0) return Reflect.apply(exec, finder, [string]) === null ? [string] : [];
      const whole = finder.unicode || finder.unicodeSets;
      const step = (at) => (whole && string.codePointAt(at) > 0xffff ? at + 2 : at + 1);
      const parts = [];
      let from = 0;
      let at = 0;
      while (at < string.length) {
        finder.lastIndex = at;
        const found = Reflect.apply(exec, finder, [string]);
        if (found === null || found.index >= string.length) break;
        const end = found.index + found[0].length;
        if (end === from) {
          at = step(Math.max(found.index, at));
          continue;
        }
        parts[parts.length] = string.slice(from, found.index);
        if (parts.length === most) return parts;
        from = at = end;
        for (let i = 1; i < found.length; i++) {
          parts[parts.length] = found[i];
          if (parts.length === most) return parts;
        }
      }
      parts[parts.length] = string.slice(from);
      return parts;
    },
  }, Symbol.split), enumerable: false });

  // ---- Errors ------------------------------------------------------------------------------------------
  // Settings of V8. They are accessors, so that they can be set when `Error` itself can no longer be changed.
  const FRAMES = 10;
  let limit = FRAMES;
  let prepare;
  const setting = (name, get, set) => defineProperty(Error, name, { get, set, enumerable: false, configurable: true });
  setting("stackTraceLimit", () => limit, (value) => (limit = value));
  const FRAME = /^\s*at (?:(async )?(?:(new )?(.*?) \()?)((?:.*?)):(\d+):(\d+)\)?$/;
  class CallSite {
    #frame;
    #text;
    constructor(text) {
      this.#text = text.replace(/^\s*at /, "");
      this.#frame = FRAME.exec(text) ?? [];
    }
    getFileName() { return this.#frame[4] ?? null; }
    getScriptNameOrSourceURL() { return this.#frame[4] ?? null; }
    getLineNumber() { return this.#frame[5] === undefined ? null : Number(this.#frame[5]); }
    getColumnNumber() { return this.#frame[6] === undefined ? null : Number(this.#frame[6]); }
    getFunctionName() { return this.#frame[3] ?? (/^(.*?) \(native/.exec(this.#text)?.[1] ?? null); }
    getMethodName() { return null; }
    getTypeName() { return null; }
    getThis() { return undefined; }
    getFunction() { return undefined; }
    getEvalOrigin() { return undefined; }
    getScriptHash() { return ""; }
    getPromiseIndex() { return null; }
    getEnclosingLineNumber() { return null; }
    getEnclosingColumnNumber() { return null; }
    getPosition() { return 0; }
    isNative() { return this.#frame[4] === undefined; }
    isToplevel() { return true; }
    isEval() { return false; }
    isConstructor() { return this.#frame[2] !== undefined; }
    isAsync() { return this.#frame[1] !== undefined; }
    isPromiseAll() { return false; }
    toString() { return this.#text; }
  }
  const most = () => (typeof limit === "number" && limit >= 0 ? Math.min(Math.floor(limit), 200) : FRAMES);
  const prepared = (target, frames) => prepare(target, frames.slice(0, most()).map((line) => new CallSite(line)));
  const linesOf = (error) => (native.stackOf(error) ?? "").split("\n").filter((line) => line.trim() !== "");
  const { get: plain, set } = getOwnPropertyDescriptor(Error.prototype, "stack");
  methods(Error, {
    isError: (value) => native.isError(value),
    captureStackTrace(target, above) {
      if (target === null || (typeof target !== "object" && typeof target !== "function")) throw new TypeError("Error.captureStackTrace needs an object");
      // The first frame is this function.
      let frames = linesOf(new Error()).slice(1);
      if (typeof above === "function" && above.name !== "") {
        const name = above.name;
        const at = frames.findLastIndex((line) => {
          const found = FRAME.exec(line)?.[3] ?? "";
          return found === name || found.endsWith(`.${name}`);
        });
        frames = frames.slice(at + 1);
      }
      const value = typeof prepare === "function" ? prepared(target, frames) : [native.headline(target), ...frames.slice(0, most())].join("\n");
      defineProperty(target, "stack", { value, writable: true, enumerable: false, configurable: true });
    },
  });
  // A program that prepares stacks gets its own; everybody else the native accessor's text.
  const preparedStack = { get stack() {
    if (typeof prepare !== "function" || !native.isError(this)) return native.getStack(this);
    return prepared(this, linesOf(this));
  } };
  const { get: preparing } = getOwnPropertyDescriptor(preparedStack, "stack");
  setting("prepareStackTrace", () => prepare, (value) => {
    prepare = value;
    const descriptor = getOwnPropertyDescriptor(Error.prototype, "stack");
    if (descriptor?.configurable) defineProperty(Error.prototype, "stack", { get: typeof value === "function" ? preparing : plain, set, enumerable: false, configurable: true });
  });
}
