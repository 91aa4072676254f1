// WebAssembly: the namespace, its errors and exceptions, and what comes as a promise or a response.
(native, web) => {
  "use strict";
  const { Module, Instance, Memory, Table, Global } = native;
  const { defineProperty, getOwnPropertyDescriptor, setPrototypeOf } = Object;
  const { apply, construct } = Reflect;
  const { asIntN } = BigInt, { fround } = Math, { toLowerCase } = String.prototype;
  const { need, dictionary, enforceRange } = web;
  const { iterator, toStringTag } = Symbol;

  const hidden = (object, name, value) => defineProperty(object, name, { value, writable: true, enumerable: false, configurable: true });
  const tagged = (object, name) => defineProperty(object, toStringTag, { value: name, configurable: true });
  const space = {};
  tagged(space, "WebAssembly");
  const add = (type, name = type.name) => {
    if (type.prototype && !(type.prototype instanceof Error)) {
      web.finishClass(type, `WebAssembly.${name}`);
      tagged(type.prototype, `WebAssembly.${name}`);
    }
    hidden(space, name, type);
  };
  add(Module);
  add(Instance);
  add(Memory);
  add(Table);
  add(Global);

  // As the engine's own errors: callable without `new`, and with the stack of where they are made.
  const addError = (name) => {
    const type = {
      [name]: function (message) {
        return construct(Error, arguments, new.target ?? type);
      },
    }[name];
    setPrototypeOf(type, Error);
    const prototype = { __proto__: Error.prototype };
    hidden(prototype, "constructor", type);
    hidden(prototype, "name", name);
    hidden(prototype, "message", "");
    defineProperty(type, "prototype", { value: prototype, writable: false, enumerable: false, configurable: false });
    add(type);
    web[`WebAssembly${name}`] = type;
  };
  addError("CompileError");
  addError("LinkError");
  addError("RuntimeError");

  // What a value is after it was WebAssembly's for a while.
  const convert = {
    __proto__: null,
    i32: (value) => value | 0,
    i64: (value) => asIntN(64, value),
    f32: (value) => fround(value),
    f64: (value) => +value,
    externref: (value) => value,
    anyfunc: (value) => {
      if (!native.isExported(value)) throw new TypeError("A function reference must be null or a function that WebAssembly exports");
      return value;
    },
    v128: () => {
      throw new TypeError("A v128 cannot be a value of JavaScript");
    },
  };
  convert.funcref = convert.anyfunc;
  const listOf = (value, what) => {
    if (typeof value !== "object" && typeof value !== "function" || value === null) throw new TypeError(`${what} is not iterable`);
    const method = value[iterator];
    if (typeof method !== "function") throw new TypeError(`${what} is not iterable`);
    const items = apply(method, value, []), { next } = items, list = [];
    for (let step; !(step = apply(next, items, [])).done;) list[list.length] = step.value;
    return list;
  };

  let parametersOf;
  class Tag {
    #parameters;
    constructor(type) {
      need(arguments.length, 1, "WebAssembly.Tag()");
      const given = dictionary(type, "The type of a tag")?.parameters;
      if (given === undefined) throw new TypeError("WebAssembly.Tag(): 'parameters' is required");
      const list = listOf(given, "'parameters'");
      for (let i = 0; i < list.length; i++) {
        list[i] = `${list[i]}`;
        if (!convert[list[i]]) throw new TypeError(`WebAssembly.Tag(): '${list[i]}' is no type`);
      }
      this.#parameters = list;
    }
    static {
      parametersOf = (tag) => {
        if (typeof tag !== "object" || tag === null || !(#parameters in tag)) throw new TypeError("A WebAssembly.Tag is required");
        return tag.#parameters;
      };
    }
  }
  add(Tag);
  const ofJavaScript = new Tag({ parameters: ["externref"] });

  class Exception {
    #tag;
    #payload;
    #stack;
    constructor(tag, payload, options = undefined) {
      const parameters = parametersOf(tag);
      if (tag === ofJavaScript) throw new TypeError("WebAssembly.Exception(): the tag is that of JavaScript's own");
      need(arguments.length, 2, "WebAssembly.Exception()");
      const values = listOf(payload, "The payload");
      const traceStack = dictionary(options, "options")?.traceStack;
      if (values.length !== parameters.length) throw new TypeError(`WebAssembly.Exception(): the tag has ${parameters.length} parameters`);
      for (let i = 0; i < values.length; i++) values[i] = convert[parameters[i]](values[i]);
      this.#tag = tag;
      this.#payload = values;
      if (traceStack) this.#stack = new Error().stack;
    }
    is(tag) {
      need(arguments.length, 1, "WebAssembly.Exception.is()");
      parametersOf(tag);
      return this.#tag === tag;
    }
    getArg(tag, index) {
      need(arguments.length, 2, "WebAssembly.Exception.getArg()");
      parametersOf(tag);
      const position = enforceRange(index, 0xffffffff, "The index");
      if (this.#tag !== tag) throw new TypeError("WebAssembly.Exception.getArg(): the exception is not of that tag");
      if (position >= this.#payload.length) throw new RangeError("WebAssembly.Exception.getArg(): the index is out of bounds");
      return this.#payload[position];
    }
    get stack() {
      return this.#stack;
    }
  }
  // A class of one argument, the others being optional by its standard.
  defineProperty(Exception, "length", { value: 1, writable: false, enumerable: false, configurable: true });
  add(Exception);
  defineProperty(space, "JSTag", { value: ofJavaScript, writable: false, enumerable: false, configurable: false });

  const getter = (type, name) => getOwnPropertyDescriptor(type.prototype, name).get;
  const headersOf = getter(Response, "headers"), isOk = getter(Response, "ok");
  const { arrayBuffer } = Response.prototype, { get } = Headers.prototype;
  const bytesOf = async (source) => {
    const response = await source;
    const type = apply(get, apply(headersOf, response, []), ["content-type"]);
    if (type === null || apply(toLowerCase, type, []) !== "application/wasm") {
      throw new TypeError("WebAssembly: the response's content type must be application/wasm");
    }
    if (!apply(isOk, response, [])) throw new TypeError("WebAssembly: the response's status is none of success");
    return apply(arrayBuffer, response, []);
  };
  const instantiated = (module, imports) => ({ module, instance: new Instance(module, imports) });

  const functions = {
    validate(bytes) {
      need(arguments.length, 1, "WebAssembly.validate()");
      return native.validate(bytes);
    },
    async compile(bytes) {
      need(arguments.length, 1, "WebAssembly.compile()");
      return native.compile(bytes);
    },
    async instantiate(source, imports = undefined) {
      need(arguments.length, 1, "WebAssembly.instantiate()");
      if (native.isModule(source)) return new Instance(source, imports);
      const module = native.compile(source);
      // Imports are looked at later, as in those that compile on another thread.
      await undefined;
      return instantiated(module, imports);
    },
    async compileStreaming(source) {
      need(arguments.length, 1, "WebAssembly.compileStreaming()");
      return native.compile(await bytesOf(source));
    },
    async instantiateStreaming(source, imports = undefined) {
      need(arguments.length, 1, "WebAssembly.instantiateStreaming()");
      return instantiated(native.compile(await bytesOf(source)), imports);
    },
  };
  for (const name in functions) defineProperty(space, name, { value: functions[name], writable: true, enumerable: true, configurable: true });
  hidden(globalThis, "WebAssembly", space);
};
