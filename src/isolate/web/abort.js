// AbortController and AbortSignal.
(native, web) => {
  "use strict";
  const { EventTarget, Event, DOMException, WeakRef } = globalThis;
  const { deref } = WeakRef.prototype;
  const { apply } = Reflect;
  const key = {};
  let stateOf, is;

  class AbortSignal extends EventTarget {
    #s;
    constructor() {
      if (arguments[0] !== key) throw web.illegal();
      super();
      // `algorithms`: functions to run on abort. `dependents`: weak references to signals made by `any`.
      // `kept`: those of them that somebody listens to, which must live as long as this does.
      this.#s = { aborted: false, reason: undefined, algorithms: null, dependents: null, kept: null, sources: null };
    }
    static {
      stateOf = (signal) => signal.#s;
      is = (value) => typeof value === "object" && value !== null && #s in value;
    }
    static abort(reason = undefined) {
      const signal = create();
      const s = signal.#s;
      s.aborted = true;
      s.reason = reason === undefined ? abortError() : reason;
      return signal;
    }
    static timeout(milliseconds) {
      web.need(arguments.length, 1, "AbortSignal.timeout");
      const delay = web.enforceRange(milliseconds, Number.MAX_SAFE_INTEGER, "milliseconds");
      const signal = create();
      web.startTimer(() => abort(signal, new DOMException("The operation timed out", "TimeoutError")), delay);
      return signal;
    }
    static any(signals) {
      web.need(arguments.length, 1, "AbortSignal.any");
      if (typeof signals !== "object" || signals === null) throw new TypeError("signals is not a sequence");
      const list = [];
      for (const signal of signals) {
        if (!is(signal)) throw new TypeError("signals: not an AbortSignal");
        list[list.length] = signal;
      }
      return any(list);
    }
    get aborted() {
      return this.#s.aborted;
    }
    get reason() {
      return this.#s.reason;
    }
    throwIfAborted() {
      const s = this.#s;
      if (s.aborted) throw s.reason;
    }
  }
  web.eventHandlers(AbortSignal.prototype, ["abort"]);
  web.defineGlobal("AbortSignal", AbortSignal);

  const create = () => new AbortSignal(key);
  const abortError = () => new DOMException("The operation was aborted", "AbortError");
  const keep = (signal, s) => {
    for (let i = 0; i < s.sources.length; i++) {
      const source = stateOf(s.sources[i]);
      source.kept ??= new Set();
      source.kept.add(signal);
    }
  };
  const any = (signals) => {
    const result = create(), r = stateOf(result);
    for (let i = 0; i < signals.length; i++) {
      const s = stateOf(signals[i]);
      if (s.aborted) {
        r.aborted = true;
        r.reason = s.reason;
        return result;
      }
    }
    r.sources = [];
    const reference = new WeakRef(result);
    const link = (source) => {
      const s = stateOf(source), { sources } = r;
      for (let i = 0; i < sources.length; i++) if (sources[i] === source) return;
      sources[sources.length] = source;
      const live = [];
      if (s.dependents !== null) {
        for (let i = 0; i < s.dependents.length; i++) {
          if (apply(deref, s.dependents[i], [])) live[live.length] = s.dependents[i];
        }
      }
      live[live.length] = reference;
      s.dependents = live;
    };
    for (let i = 0; i < signals.length; i++) {
      const { sources } = stateOf(signals[i]);
      if (sources === null) link(signals[i]);
      else for (let j = 0; j < sources.length; j++) link(sources[j]);
    }
    web.observeListeners(result, () => keep(result, r));
    return result;
  };
  const abort = (signal, reason) => {
    const s = stateOf(signal);
    if (s.aborted) return;
    s.aborted = true;
    s.reason = reason === undefined ? abortError() : reason;
    const { dependents } = s, affected = [];
    s.dependents = s.kept = null;
    if (dependents !== null) {
      for (let i = 0; i < dependents.length; i++) {
        const dependent = apply(deref, dependents[i], []);
        if (dependent === undefined) continue;
        const d = stateOf(dependent);
        if (d.aborted) continue;
        d.aborted = true;
        d.reason = s.reason;
        affected[affected.length] = dependent;
      }
    }
    run(signal, s);
    for (let i = 0; i < affected.length; i++) {
      const d = stateOf(affected[i]), { sources } = d;
      for (let j = 0; j < sources.length; j++) stateOf(sources[j]).kept?.delete(affected[i]);
      run(affected[i], d);
    }
  };
  const run = (signal, s) => {
    const { algorithms } = s;
    s.algorithms = null;
    if (algorithms !== null) for (let i = 0; i < algorithms.length; i++) algorithms[i]();
    if (web.hasListeners(signal)) web.fire(signal, new Event("abort"));
  };

  let signalOf;
  class AbortController {
    #signal = create();
    static {
      signalOf = (controller) => controller.#signal;
    }
    get signal() {
      return this.#signal;
    }
    abort(reason = undefined) {
      abort(signalOf(this), reason);
    }
  }
  web.defineGlobal("AbortController", AbortController);

  web.isAbortSignal = is;
  web.abort = {
    create,
    any,
    signal: abort,
    aborted: (signal) => stateOf(signal).aborted,
    reason: (signal) => stateOf(signal).reason,
    // Runs `algorithm` when the signal aborts; nothing when it has.
    add(signal, algorithm) {
      const s = stateOf(signal);
      if (s.aborted) return;
      if (s.sources !== null) keep(signal, s);
      s.algorithms ??= [];
      s.algorithms[s.algorithms.length] = algorithm;
    },
    remove(signal, algorithm) {
      const s = stateOf(signal), list = [];
      if (s.algorithms === null) return;
      for (let i = 0; i < s.algorithms.length; i++) if (s.algorithms[i] !== algorithm) list[list.length] = s.algorithms[i];
      s.algorithms = list;
    },
  };
}
