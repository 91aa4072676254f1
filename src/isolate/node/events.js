// node:events.
(native, web, require) => {
  "use strict";
  const { fail, wrongType, outOfRange, needFunction, aborted } = require("internal/errors");
  const { apply } = Reflect;
  const errorMonitor = Symbol("events.errorMonitor");
  const captureRejectionSymbol = Symbol.for("nodejs.rejection");
  // Settings of all modules together.
  let defaultMax = 10;
  let capturesAll = false;

  // A constructor that may be called on an object, as old libraries do to inherit.
  function EventEmitter(options) {
    EventEmitter.init.call(this, options);
  }
  EventEmitter.init = function (options) {
    if (this._events === undefined || this._events === Object.getPrototypeOf(this)._events) {
      this._events = { __proto__: null };
      this._eventsCount = 0;
    }
    this._maxListeners = this._maxListeners || undefined;
    if (options?.captureRejections ?? capturesAll) this._captures = true;
  };
  EventEmitter.prototype._events = undefined;
  EventEmitter.prototype._eventsCount = 0;
  EventEmitter.prototype._maxListeners = undefined;

  const eventsOf = (emitter) => {
    if (emitter._events === undefined) {
      emitter._events = { __proto__: null };
      emitter._eventsCount = 0;
    }
    return emitter._events;
  };
  function add(emitter, type, listener, first) {
    needFunction(listener, "listener");
    let events = eventsOf(emitter);
    if (events.newListener !== undefined) {
      emitter.emit("newListener", type, listener.listener ?? listener);
      events = emitter._events;
    }
    const list = events[type];
    if (list === undefined) {
      events[type] = [listener];
      emitter._eventsCount++;
    } else {
      // Lists are never changed while one may be walking them.
      const longer = first ? [listener, ...list] : [...list, listener];
      events[type] = longer;
      const max = emitter.getMaxListeners();
      if (max > 0 && longer.length > max && !emitter._warned?.[type]) {
        (emitter._warned ??= { __proto__: null })[type] = true;
        console.warn(`MaxListenersExceededWarning: ${longer.length} ${String(type)} listeners added to ${emitter.constructor?.name}. Use emitter.setMaxListeners() to increase the limit`);
      }
    }
    return emitter;
  }
  function onceWrapper(emitter, type, listener) {
    needFunction(listener, "listener");
    let fired = false;
    const wrapped = function (...args) {
      if (fired) return undefined;
      fired = true;
      emitter.removeListener(type, wrapped);
      return apply(listener, emitter, args);
    };
    wrapped.listener = listener;
    return wrapped;
  }
  const methods = {
    setMaxListeners(count) {
      if (typeof count !== "number" || !(count >= 0)) throw outOfRange("setMaxListeners", "a non-negative number", count);
      this._maxListeners = count;
      return this;
    },
    getMaxListeners() {
      return this._maxListeners ?? defaultMax;
    },
    emit(type, ...args) {
      const events = this._events;
      if (type === "error") {
        if (events?.[errorMonitor] !== undefined) this.emit(errorMonitor, ...args);
        if (events?.error === undefined) {
          const error = args[0];
          if (error instanceof Error) throw error;
          const wrapped = fail(Error, "ERR_UNHANDLED_ERROR", `Unhandled error. (${typeof error === "string" ? `'${error}'` : web.inspect(error)})`);
          wrapped.context = error;
          throw wrapped;
        }
      }
      const list = events?.[type];
      if (list === undefined) return false;
      for (let i = 0; i < list.length; i++) {
        const result = apply(list[i], this, args);
        if (this._captures && result !== null && typeof result === "object" && typeof result.then === "function") {
          result.then(undefined, (error) => {
            if (typeof this[captureRejectionSymbol] === "function") this[captureRejectionSymbol](error, type, ...args);
            else this.emit("error", error);
          });
        }
      }
      return true;
    },
    addListener(type, listener) {
      return add(this, type, listener, false);
    },
    on(type, listener) {
      return add(this, type, listener, false);
    },
    prependListener(type, listener) {
      return add(this, type, listener, true);
    },
    once(type, listener) {
      return this.on(type, onceWrapper(this, type, listener));
    },
    prependOnceListener(type, listener) {
      return this.prependListener(type, onceWrapper(this, type, listener));
    },
    removeListener(type, listener) {
      needFunction(listener, "listener");
      const list = this._events?.[type];
      if (list === undefined) return this;
      let at = list.length - 1;
      while (at >= 0 && list[at] !== listener && list[at].listener !== listener) at--;
      if (at < 0) return this;
      if (list.length === 1) {
        delete this._events[type];
        this._eventsCount--;
      } else this._events[type] = list.toSpliced(at, 1);
      if (this._events.removeListener !== undefined) this.emit("removeListener", type, listener);
      return this;
    },
    off(type, listener) {
      return this.removeListener(type, listener);
    },
    removeAllListeners(type) {
      const events = this._events;
      if (events === undefined) return this;
      const types = type === undefined ? [...Reflect.ownKeys(events).filter((one) => one !== "removeListener"), "removeListener"] : [type];
      for (const one of types) {
        const list = events[one];
        if (list === undefined) continue;
        if (events.removeListener !== undefined && one !== "removeListener") {
          for (let i = list.length - 1; i >= 0; i--) this.removeListener(one, list[i]);
        } else {
          delete events[one];
          this._eventsCount--;
        }
      }
      return this;
    },
    listeners(type) {
      return (this._events?.[type] ?? []).map((listener) => listener.listener ?? listener);
    },
    rawListeners(type) {
      return [...(this._events?.[type] ?? [])];
    },
    listenerCount(type, listener) {
      const list = this._events?.[type] ?? [];
      return listener === undefined ? list.length : list.filter((one) => one === listener || one.listener === listener).length;
    },
    eventNames() {
      return this._events === undefined ? [] : Reflect.ownKeys(this._events);
    },
  };
  for (const name in methods) EventEmitter.prototype[name] = methods[name];
  Object.defineProperty(EventEmitter, "defaultMaxListeners", {
    enumerable: true,
    get: () => defaultMax,
    set(count) {
      if (typeof count !== "number" || !(count >= 0)) throw outOfRange("defaultMaxListeners", "a non-negative number", count);
      defaultMax = count;
    },
  });

  Object.defineProperty(EventEmitter, "captureRejections", {
    enumerable: true,
    get: () => capturesAll,
    set(captures) {
      capturesAll = captures === true;
    },
  });

  const isEmitter = (target) => typeof target?.on === "function" && typeof target.emit === "function";
  const subscribe = (target, type, listener, once) => {
    if (isEmitter(target)) once ? target.once(type, listener) : target.on(type, listener);
    else if (typeof target?.addEventListener === "function") target.addEventListener(type, listener, { once });
    else throw wrongType("emitter", "an instance of EventEmitter", target);
  };
  const unsubscribe = (target, type, listener) => {
    if (isEmitter(target)) target.removeListener(type, listener);
    else target.removeEventListener(type, listener);
  };
  async function once(target, type, options) {
    const signal = options?.signal;
    if (signal?.aborted) throw aborted(signal.reason);
    return new Promise((resolve, reject) => {
      const done = () => {
        unsubscribe(target, type, resolved);
        if (isEmitter(target) && type !== "error") target.removeListener("error", failed);
        signal?.removeEventListener("abort", stopped);
      };
      const resolved = (...args) => (done(), resolve(args));
      const failed = (error) => (done(), reject(error));
      const stopped = () => (done(), reject(aborted(signal.reason)));
      subscribe(target, type, resolved, true);
      if (isEmitter(target) && type !== "error") target.once("error", failed);
      signal?.addEventListener("abort", stopped, { once: true });
    });
  }
  function on(target, type, options) {
    const signal = options?.signal;
    if (signal?.aborted) throw aborted(signal.reason);
    const ready = [];
    const waiting = [];
    let error;
    let over = false;
    const push = (...args) => {
      if (waiting.length > 0) waiting.shift().resolve({ value: args, done: false });
      else ready.push(args);
    };
    const failed = (reason) => {
      if (waiting.length > 0) waiting.shift().reject(reason);
      else error = { reason };
      finish();
    };
    const stopped = () => failed(aborted(signal.reason));
    function finish() {
      over = true;
      unsubscribe(target, type, push);
      if (isEmitter(target) && type !== "error") target.removeListener("error", failed);
      signal?.removeEventListener("abort", stopped);
      for (const { resolve } of waiting.splice(0)) resolve({ value: undefined, done: true });
      return Promise.resolve({ value: undefined, done: true });
    }
    subscribe(target, type, push, false);
    if (isEmitter(target) && type !== "error") target.on("error", failed);
    for (const close of options?.close ?? []) subscribe(target, close, finish, true);
    signal?.addEventListener("abort", stopped, { once: true });
    return {
      next() {
        if (ready.length > 0) return Promise.resolve({ value: ready.shift(), done: false });
        if (error !== undefined) {
          const { reason } = error;
          error = undefined;
          return Promise.reject(reason);
        }
        if (over) return Promise.resolve({ value: undefined, done: true });
        return new Promise((resolve, reject) => waiting.push({ resolve, reject }));
      },
      return: finish,
      throw(reason) {
        failed(reason);
        return Promise.resolve({ value: undefined, done: true });
      },
      [Symbol.asyncIterator]() {
        return this;
      },
    };
  }
  class EventEmitterAsyncResource extends EventEmitter {
    constructor(options) {
      super(options);
      const { AsyncResource } = require("async_hooks");
      this.asyncResource = new AsyncResource(typeof options === "string" ? options : options?.name ?? "EventEmitter");
    }
    emit(type, ...args) {
      return this.asyncResource.runInAsyncScope(super.emit, this, type, ...args);
    }
  }
  return Object.assign(EventEmitter, {
    EventEmitter, EventEmitterAsyncResource, errorMonitor, captureRejectionSymbol, once, on,
    listenerCount: (emitter, type) => emitter.listenerCount(type),
    getEventListeners: (target, type) => (isEmitter(target) ? target.listeners(type) : []),
    getMaxListeners: (target) => target.getMaxListeners?.() ?? defaultMax,
    setMaxListeners(count, ...targets) {
      if (targets.length === 0) defaultMax = count;
      for (const target of targets) target.setMaxListeners?.(count);
    },
    addAbortListener(signal, listener) {
      if (signal.aborted) queueMicrotask(() => listener());
      else signal.addEventListener("abort", listener, { once: true });
      return { [Symbol.dispose]: () => signal.removeEventListener("abort", listener) };
    },
  });
}
