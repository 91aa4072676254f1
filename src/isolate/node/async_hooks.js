// node:async_hooks. What is stored travels with promises, timers and microtasks: the event loop keeps the frame that
// was current when a callback was registered. A frame is a list of storages and their values that never changes.
(native, web, require) => {
  "use strict";
  const { frame, setFrame } = native;
  const { needFunction, needString } = require("internal/errors");
  const empty = Object.freeze([]);
  const current = () => frame() ?? empty;
  function inside(other, callback, self, args) {
    const before = frame();
    setFrame(other);
    try {
      return Reflect.apply(callback, self, args);
    } finally {
      setFrame(before);
    }
  }
  const without = (storage) => {
    const items = current();
    const at = items.indexOf(storage);
    return at < 0 ? items : items.toSpliced(at, 2);
  };
  class AsyncLocalStorage {
    #default;
    constructor(options) {
      this.#default = options?.defaultValue;
      this.name = options?.name ?? "";
    }
    static bind(callback) {
      return AsyncResource.bind(callback);
    }
    static snapshot() {
      const kept = frame();
      return (callback, ...args) => inside(kept, callback, undefined, args);
    }
    run(store, callback, ...args) {
      return inside([...without(this), this, store], callback, undefined, args);
    }
    exit(callback, ...args) {
      return inside(without(this), callback, undefined, args);
    }
    enterWith(store) {
      setFrame([...without(this), this, store]);
    }
    disable() {
      setFrame(without(this));
    }
    getStore() {
      const items = frame();
      if (items === undefined) return this.#default;
      const at = items.indexOf(this);
      return at < 0 ? this.#default : items[at + 1];
    }
  }
  let resources = 1;
  class AsyncResource {
    #frame = frame();
    #id = ++resources;
    constructor(type) {
      needString(type, "type");
      this.type = type;
    }
    runInAsyncScope(callback, self, ...args) {
      return inside(this.#frame, callback, self, args);
    }
    emitDestroy() {
      return this;
    }
    asyncId() {
      return this.#id;
    }
    triggerAsyncId() {
      return 1;
    }
    bind(callback, self) {
      needFunction(callback, "fn");
      const resource = this;
      return function (...args) {
        return resource.runInAsyncScope(callback, self ?? this, ...args);
      };
    }
    static bind(callback, type, self) {
      return new AsyncResource(type || callback.name || "bound-anonymous-fn").bind(callback, self);
    }
  }
  const hook = Object.freeze({ enable: () => hook, disable: () => hook });
  return {
    AsyncLocalStorage, AsyncResource, createHook: () => hook, executionAsyncId: () => 1, triggerAsyncId: () => 0,
    executionAsyncResource: () => ({}), asyncWrapProviders: Object.freeze({ __proto__: null, NONE: 0 }),
  };
}
