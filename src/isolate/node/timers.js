// node:timers and node:timers/promises. Timers are numbers, as on the web; what Node's have as methods, numbers have not.
(native, web, require) => {
  "use strict";
  const { aborted } = require("internal/errors");
  const cancelled = new Set();
  let immediates = 0;
  function setImmediate(callback, ...args) {
    const id = -++immediates;
    web.queueTask(() => {
      if (!cancelled.delete(id)) callback(...args);
    });
    return id;
  }
  const clearImmediate = (id) => {
    if (typeof id === "number" && id < 0) cancelled.add(id);
  };
  const waiting = (start, stop) => (value, options) => {
    const signal = options?.signal;
    if (signal?.aborted) return Promise.reject(aborted(signal.reason));
    return new Promise((resolve, reject) => {
      const stopped = () => {
        stop(id);
        reject(aborted(signal.reason));
      };
      const id = start(() => {
        signal?.removeEventListener("abort", stopped);
        resolve(value);
      });
      signal?.addEventListener("abort", stopped, { once: true });
    });
  };
  const wait = (delay, value, options) => waiting((done) => setTimeout(done, delay), clearTimeout)(value, options);
  const immediately = (value, options) => waiting(setImmediate, clearImmediate)(value, options);
  const promises = {
    setTimeout: wait,
    setImmediate: immediately,
    async *setInterval(delay, value, options) {
      for (;;) yield await wait(delay, value, options);
    },
    scheduler: { wait: (delay, options) => wait(delay, undefined, options), yield: () => immediately() },
  };
  const promisify = Symbol.for("nodejs.util.promisify.custom");
  Object.defineProperty(setTimeout, promisify, { value: wait, configurable: true });
  Object.defineProperty(setImmediate, promisify, { value: immediately, configurable: true });
  return { setTimeout, clearTimeout, setInterval, clearInterval, setImmediate, clearImmediate, promises };
}
