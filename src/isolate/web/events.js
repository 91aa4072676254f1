// Events: Event and its kinds, EventTarget, event handler attributes, and the global as an EventTarget.
(native, web) => {
  "use strict";
  const { apply } = Reflect;
  const { defineProperty, setPrototypeOf } = Object;
  const { now } = Date;
  const { need, dictionary, defineGlobal, constants } = web;
  const object = (value) => typeof value === "object" && value !== null || typeof value === "function";
  let state; // Of an Event.

  // [LegacyUnforgeable]: on every instance, with one getter for all.
  const trusted = { get isTrusted() { return state(this).trusted; } };
  const isTrusted = { get: Object.getOwnPropertyDescriptor(trusted, "isTrusted").get, enumerable: true, configurable: false };

  class Event {
    #s;
    constructor(type, eventInitDict = undefined) {
      need(arguments.length, 1, "Event");
      const init = dictionary(eventInitDict, "eventInitDict");
      this.#s = {
        type: `${type}`, bubbles: !!init?.bubbles, cancelable: !!init?.cancelable, composed: !!init?.composed,
        trusted: false, target: null, current: null, phase: 0, stop: false, stopNow: false, canceled: false,
        passive: false, dispatching: false, initialized: true, time: web.now ? web.now() : now(),
      };
      defineProperty(this, "isTrusted", isTrusted);
    }
    static {
      state = (event) => event.#s;
    }
    get type() { return this.#s.type; }
    get target() { return this.#s.target; }
    get srcElement() { return this.#s.target; }
    get currentTarget() { return this.#s.current; }
    composedPath() {
      const { current } = this.#s;
      return current === null ? [] : [current];
    }
    get eventPhase() { return this.#s.phase; }
    stopPropagation() { this.#s.stop = true; }
    get cancelBubble() { return this.#s.stop; }
    set cancelBubble(value) { if (value) this.#s.stop = true; else this.#s; }
    stopImmediatePropagation() { this.#s.stop = this.#s.stopNow = true; }
    get bubbles() { return this.#s.bubbles; }
    get cancelable() { return this.#s.cancelable; }
    get returnValue() { return !this.#s.canceled; }
    set returnValue(value) { if (!value) cancel(this.#s); else this.#s; }
    preventDefault() { cancel(this.#s); }
    get defaultPrevented() { return this.#s.canceled; }
    get composed() { return this.#s.composed; }
    get timeStamp() { return this.#s.time; }
    initEvent(type, bubbles = false, cancelable = false) {
      need(arguments.length, 1, "initEvent");
      const s = this.#s;
      if (s.dispatching) return;
      s.type = `${type}`;
      s.bubbles = !!bubbles;
      s.cancelable = !!cancelable;
      s.stop = s.stopNow = s.canceled = s.trusted = false;
      s.target = null;
    }
  }
  const cancel = (s) => {
    if (s.cancelable && !s.passive) s.canceled = true;
  };
  constants(Event, { NONE: 0, CAPTURING_PHASE: 1, AT_TARGET: 2, BUBBLING_PHASE: 3 });
  defineGlobal("Event", Event);

  class CustomEvent extends Event {
    #detail;
    constructor(type, eventInitDict = undefined) {
      need(arguments.length, 1, "CustomEvent");
      super(type, eventInitDict);
      this.#detail = eventInitDict?.detail ?? null;
    }
    get detail() { return this.#detail; }
    initCustomEvent(type, bubbles = false, cancelable = false, detail = null) {
      need(arguments.length, 1, "initCustomEvent");
      if (state(this).dispatching) return;
      this.initEvent(type, bubbles, cancelable);
      this.#detail = detail;
    }
  }
  defineGlobal("CustomEvent", CustomEvent);

  class ErrorEvent extends Event {
    #s;
    constructor(type, eventInitDict = undefined) {
      need(arguments.length, 1, "ErrorEvent");
      super(type, eventInitDict);
      const init = eventInitDict ?? {};
      const text = (value) => value === undefined ? "" : `${value}`;
      this.#s = {
        message: text(init.message), filename: text(init.filename),
        lineno: init.lineno >>> 0, colno: init.colno >>> 0, error: init.error,
      };
    }
    get message() { return this.#s.message; }
    get filename() { return this.#s.filename; }
    get lineno() { return this.#s.lineno; }
    get colno() { return this.#s.colno; }
    get error() { return this.#s.error; }
  }
  defineGlobal("ErrorEvent", ErrorEvent);

  class MessageEvent extends Event {
    #s;
    constructor(type, eventInitDict = undefined) {
      need(arguments.length, 1, "MessageEvent");
      super(type, eventInitDict);
      const init = eventInitDict ?? {};
      const { data = null, lastEventId = "", origin = "", ports, source = null } = init;
      const list = [];
      if (ports !== undefined) for (const port of ports) list[list.length] = port;
      for (let i = 0; i < list.length; i++) {
        if (!web.isMessagePort(list[i])) throw new TypeError("ports: not a MessagePort");
      }
      if (source !== null && !web.isMessagePort(source)) throw new TypeError("source is not a MessagePort");
      this.#s = { data, origin: `${origin}`, lastEventId: `${lastEventId}`, source, ports: Object.freeze(list) };
    }
    get data() { return this.#s.data; }
    get origin() { return this.#s.origin; }
    get lastEventId() { return this.#s.lastEventId; }
    get source() { return this.#s.source; }
    get ports() { return this.#s.ports; }
  }
  defineGlobal("MessageEvent", MessageEvent);

  class PromiseRejectionEvent extends Event {
    #s;
    constructor(type, eventInitDict) {
      need(arguments.length, 2, "PromiseRejectionEvent");
      super(type, eventInitDict);
      if (!object(eventInitDict) || eventInitDict.promise === undefined) throw new TypeError("promise is required");
      this.#s = { promise: eventInitDict.promise, reason: eventInitDict.reason };
    }
    get promise() { return this.#s.promise; }
    get reason() { return this.#s.reason; }
  }
  defineGlobal("PromiseRejectionEvent", PromiseRejectionEvent);

  // ---- Targets ------------------------------------------------------------------------------

  // `listeners` is null until the first one is added; `handlers` holds the event handler attributes.
  const fresh = () => ({ listeners: null, handlers: null, observed: null });
  const ofGlobal = fresh();
  let targetState;

  class EventTarget {
    #t = fresh();
    static {
      targetState = (target) => {
        if (target === undefined || target === null || target === globalThis) return ofGlobal;
        return target.#t;
      };
    }
    addEventListener(type, callback, options = undefined) {
      need(arguments.length, 2, "addEventListener");
      const t = targetState(this);
      type = `${type}`;
      if (callback === undefined || callback === null) callback = null;
      else if (!object(callback)) throw new TypeError("The listener is not an object");
      let capture = false, once = false, passive = false, signal;
      if (object(options)) {
        capture = !!options.capture;
        once = !!options.once;
        passive = !!options.passive;
        signal = options.signal;
        if (signal !== undefined && !web.isAbortSignal(signal)) throw new TypeError("signal is not an AbortSignal");
      } else capture = !!options;
      if (signal !== undefined && web.abort.aborted(signal) || callback === null) return;
      if (find(t, type, callback, capture) !== null) return;
      const listener = { type, callback, capture, once, passive, removed: false, full: false };
      add(t, listener);
      if (signal !== undefined) web.abort.add(signal, () => remove(t, listener));
    }
    removeEventListener(type, callback, options = undefined) {
      need(arguments.length, 2, "removeEventListener");
      const t = targetState(this);
      const capture = object(options) ? !!options.capture : !!options;
      if (callback !== undefined && callback !== null && !object(callback)) throw new TypeError("The listener is not an object");
      const listener = find(t, `${type}`, callback, capture);
      if (listener !== null) remove(t, listener);
    }
    dispatchEvent(event) {
      need(arguments.length, 1, "dispatchEvent");
      const t = targetState(this);
      let s;
      try {
        s = state(event);
      } catch {
        throw new TypeError("dispatchEvent: not an Event");
      }
      if (s.dispatching) throw new web.DOMException("The event is already being dispatched", "InvalidStateError");
      s.trusted = false;
      return dispatch(this ?? globalThis, t, event, s);
    }
  }
  const find = (t, type, callback, capture) => {
    const { listeners } = t;
    if (listeners !== null) {
      for (let i = 0; i < listeners.length; i++) {
        const l = listeners[i];
        if (l.callback === callback && l.capture === capture && l.type === type) return l;
      }
    }
    return null;
  };
  // Lists are replaced, never changed, so that a dispatch under way keeps the one it began with.
  const add = (t, listener) => {
    const list = [], old = t.listeners;
    if (old !== null) for (let i = 0; i < old.length; i++) list[i] = old[i];
    list[list.length] = listener;
    t.listeners = list;
    if (t.observed !== null) t.observed();
  };
  const remove = (t, listener) => {
    if (listener.removed) return;
    listener.removed = true;
    const list = [], old = t.listeners;
    for (let i = 0; i < old.length; i++) if (old[i] !== listener) list[list.length] = old[i];
    t.listeners = list.length > 0 ? list : null;
  };
  // `full`: only those that listen with authority, or only the others; undefined: all.
  const dispatch = (target, t, event, s, full = undefined) => {
    s.dispatching = true;
    s.target = s.current = target;
    s.phase = 2;
    const { listeners } = t;
    if (listeners !== null && !s.stop) {
      for (let pass = 0; pass < 2 && !s.stop; pass++) {
        for (let i = 0; i < listeners.length && !s.stopNow; i++) {
          const l = listeners[i];
          if (l.removed || l.type !== s.type || l.capture !== (pass === 0) || full !== undefined && l.full !== full) continue;
          if (l.once) remove(t, l);
          s.passive = l.passive;
          try {
            const { callback } = l;
            if (typeof callback === "function") apply(callback, target, [event]);
            else {
              const handle = callback.handleEvent;
              if (typeof handle !== "function") throw new TypeError("handleEvent is not a function");
              apply(handle, callback, [event]);
            }
          } catch (error) {
            web.reportException(error);
          }
          s.passive = false;
        }
      }
    }
    s.phase = 0;
    s.current = null;
    s.dispatching = s.stop = s.stopNow = false;
    return !s.canceled;
  };
  web.finishClass(EventTarget);
  web.defineGlobal("EventTarget", EventTarget);

  web.hasListeners = (target) => targetState(target).listeners !== null;
  // `callback` hears of every listener added.
  web.observeListeners = (target, callback) => {
    targetState(target).observed = callback;
  };
  // Dispatches a trusted event; answers false when its default was prevented.
  web.fire = (target, event) => {
    const s = state(event);
    s.trusted = true;
    return dispatch(target, targetState(target), event, s);
  };
  // What nobody has caught may hold anything: whoever listens without authority only hears that it was so.
  web.fireOnGlobal = (whole, blind) => {
    const heard = (event, full) => {
      const s = state(event);
      s.trusted = true;
      return dispatch(globalThis, ofGlobal, event, s, full);
    };
    heard(blind(), false);
    return heard(whole, true);
  };
  // `addEventListener` of modules with authority.
  web.listenWithAuthority = (type, callback, options) => {
    apply(web.addEventListener, undefined, [type, callback, options]);
    const { listeners } = ofGlobal;
    if (listeners === null) return;
    for (let i = 0; i < listeners.length; i++) {
      const l = listeners[i];
      if (l.callback === callback && l.type === `${type}`) l.full = true;
    }
  };
  web.addEventListener = EventTarget.prototype.addEventListener;
  // Defines event handler attributes (`onabort`) on a prototype or on the global.
  web.eventHandlers = (holder, types, onSet = undefined) => {
    for (let i = 0; i < types.length; i++) {
      const type = types[i], name = `on${type}`;
      const accessor = {
        get [name]() {
          return targetState(this).handlers?.[type]?.value ?? null;
        },
        set [name](value) {
          const t = targetState(this);
          if (!object(value)) value = null;
          const handlers = t.handlers ??= { __proto__: null };
          let handler = handlers[type];
          if (value === null) {
            if (handler) remove(t, handler.listener);
            handlers[type] = undefined;
          } else if (handler) handler.value = value;
          else {
            handler = handlers[type] = { value, listener: null };
            const target = this ?? globalThis;
            const callback = (event) => {
              if (typeof handler.value !== "function") return;
              const special = type === "error" && t === ofGlobal && event instanceof ErrorEvent;
              const result = apply(handler.value, target, special ? [event.message, event.filename, event.lineno, event.colno, event.error] : [event]);
              if (special ? result === true : result === false) cancel(state(event));
            };
            handler.listener = { type, callback, capture: false, once: false, passive: false, removed: false, full: false };
            add(t, handler.listener);
          }
          if (onSet) onSet(this);
        },
      };
      const descriptor = Object.getOwnPropertyDescriptor(accessor, name);
      descriptor.enumerable = descriptor.configurable = true;
      defineProperty(holder, name, descriptor);
    }
  };

  // The global is an EventTarget: by its prototype chain and, in the functions above, by identity.
  // What Val Town's and Deno's own workers are: a program has no page.
  class WorkerGlobalScope extends EventTarget {
    constructor() {
      throw web.illegal();
    }
  }
  class DedicatedWorkerGlobalScope extends WorkerGlobalScope {}
  web.defineGlobal("WorkerGlobalScope", WorkerGlobalScope);
  web.defineGlobal("DedicatedWorkerGlobalScope", DedicatedWorkerGlobalScope);
  setPrototypeOf(globalThis, DedicatedWorkerGlobalScope.prototype);
  web.eventHandlers(globalThis, ["error", "unhandledrejection", "rejectionhandled"]);
  defineProperty(globalThis, "self", { value: globalThis, writable: true, enumerable: true, configurable: true });
}
