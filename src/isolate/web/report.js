// Errors nobody caught: reportError, the `error` event, and the events of unhandled rejections.
(native, web) => {
  "use strict";
  const { apply } = Reflect;
  const { exec } = RegExp.prototype;
  const { ErrorEvent, PromiseRejectionEvent } = globalThis;
  const place = /\(?([^\s()]+):(\d+):(\d+)\)?/;
  let reporting = false; // An error in a listener of `error` goes straight to the host.

  const describe = (error) => {
    try {
      return `Uncaught ${error}`;
    } catch {
      return "Uncaught exception";
    }
  };
  const position = (error) => {
    try {
      const stack = error?.stack;
      if (typeof stack === "string") return apply(exec, place, [stack]);
    } catch {}
    return null;
  };

  web.reportException = (error) => {
    if (!reporting && web.hasListeners(globalThis)) {
      reporting = true;
      try {
        const at = position(error);
        const init = { cancelable: true, message: describe(error), error };
        if (at) {
          init.filename = at[1];
          init.lineno = at[2];
          init.colno = at[3];
        }
        const blind = () => new ErrorEvent("error", { message: "Uncaught exception" });
        if (!web.fireOnGlobal(new ErrorEvent("error", init), blind)) return;
      } finally {
        reporting = false;
      }
    }
    web.host?.uncaught(error);
  };
  const blind = (type) => new PromiseRejectionEvent(type, { promise: web.promises.resolve(undefined) });
  // True when a listener prevented the default, which is to report the reason.
  web.unhandledRejection = (promise, reason) => {
    if (!web.hasListeners(globalThis)) return false;
    const event = new PromiseRejectionEvent("unhandledrejection", { cancelable: true, promise, reason });
    return !web.fireOnGlobal(event, () => blind("unhandledrejection"));
  };
  web.rejectionHandled = (promise, reason) => {
    if (!web.hasListeners(globalThis)) return;
    web.fireOnGlobal(new PromiseRejectionEvent("rejectionhandled", { promise, reason }), () => blind("rejectionhandled"));
  };
  const functions = {
    reportError(error) {
      web.need(arguments.length, 1, "reportError");
      web.reportException(error);
    },
  };
  web.defineGlobal("reportError", functions.reportError);
}
