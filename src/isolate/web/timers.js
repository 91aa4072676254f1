// Timers and microtasks, over the engine's job queue.
(native, web) => {
  "use strict";
  const { start, clear, microtask, task } = native;
  const functions = {
    setTimeout(handler, timeout = 0, ...args) {
      web.need(arguments.length, 1, "setTimeout");
      return start(handler, timeout, args, false);
    },
    setInterval(handler, timeout = 0, ...args) {
      web.need(arguments.length, 1, "setInterval");
      return start(handler, timeout, args, true);
    },
    clearTimeout(id = 0) {
      clear(id);
    },
    clearInterval(id = 0) {
      clear(id);
    },
    queueMicrotask(callback) {
      web.need(arguments.length, 1, "queueMicrotask");
      microtask(callback);
    },
  };
  for (const name in functions) web.defineGlobal(name, functions[name]);
  // Runs a function after `milliseconds`; answers an id for `stopTimer`.
  web.startTimer = (callback, milliseconds) => start(callback, milliseconds, [], false);
  web.stopTimer = clear;
  web.queueTask = task;
  native.reportWith((error) => web.reportException(error));
}
