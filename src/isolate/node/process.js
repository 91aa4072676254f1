// `process`, as far as a program without a machine has one: `web.makeProcess` makes one that has the env it is given.
(native, web, require) => {
  "use strict";
  const { fail, needFunction, unavailable } = require("internal/errors");
  const { freeze } = Object;
  const started = performance.now();
  const noStream = (write) => ({
    isTTY: false, columns: 80, fd: -1, writable: true,
    write(chunk, encoding, done) {
      write(String(chunk).replace(/\n$/, ""));
      const called = typeof encoding === "function" ? encoding : done;
      if (called !== undefined) queueMicrotask(called);
      return true;
    },
    end() {}, on() { return this; }, once() { return this; }, off() { return this; }, emit: () => false, removeListener() { return this; },
    getColorDepth: () => 1, hasColors: () => false,
  });
  const hrtime = (before) => {
    const now = performance.now() * 1e6;
    const [seconds, nanos] = [Math.floor(now / 1e9), Math.floor(now % 1e9)];
    if (before === undefined) return [seconds, nanos];
    const less = nanos < before[1];
    return [seconds - before[0] - (less ? 1 : 0), nanos - before[1] + (less ? 1e9 : 0)];
  };
  hrtime.bigint = () => BigInt(Math.floor(performance.now() * 1e6));
  const memoryUsage = () => ({ rss: 0, heapTotal: 0, heapUsed: 0, external: 0, arrayBuffers: 0 });
  memoryUsage.rss = () => 0;
  const nextTick = (callback, ...args) => {
    needFunction(callback, "callback");
    queueMicrotask(args.length === 0 ? callback : () => callback(...args));
  };

  web.makeProcess = (env) => {
    // Nothing happens to a process here that a program could listen to.
    const process = {};
    for (const name of ["on", "addListener", "once", "prependListener", "prependOnceListener", "off", "removeListener", "removeAllListeners", "setMaxListeners"]) {
      process[name] = () => process;
    }
    Object.defineProperty(process, Symbol.toStringTag, { value: "process", configurable: true });
    return Object.assign(process, {
      env, argv: ["town", "main"], argv0: "town", execArgv: [], execPath: "/town", title: "town",
      platform: "linux", arch: "x64", pid: 1, ppid: 0, exitCode: undefined, version: "v24.0.0",
      versions: freeze({ node: "24.0.0", v8: "13.6.0", uv: "1.0.0", modules: "137" }),
      release: freeze({ name: "node", lts: "Krypton" }), features: freeze({ inspector: false, tls: false, typescript: "transform" }),
      config: freeze({ target_defaults: {}, variables: {} }), allowedNodeEnvironmentFlags: new Set(), report: {},
      stdout: noStream((text) => console.log("%s", text)), stderr: noStream((text) => console.error("%s", text)),
      stdin: { isTTY: false, fd: -1, on() { return this; }, once() { return this; }, resume() { return this; }, setEncoding() {} },
      nextTick: (callback, ...args) => nextTick(callback, ...args),
      cwd: () => "/", chdir: unavailable("process.chdir", "there is no file system"),
      exit(code) {
        throw fail(Error, "ERR_PROCESS_EXIT", `process.exit(${code ?? ""}) was called: a program here ends when its request is answered`);
      },
      abort: unavailable("process.abort"), kill: unavailable("process.kill"), dlopen: unavailable("process.dlopen"), binding: unavailable("process.binding"),
      reallyExit: unavailable("process.reallyExit"),
      umask: () => 0o22, uptime: () => (performance.now() - started) / 1000, hrtime, memoryUsage,
      cpuUsage: () => ({ user: 0, system: 0 }), resourceUsage: () => ({}), constrainedMemory: () => 0, availableMemory: () => 0,
      getuid: () => 65534, geteuid: () => 65534, getgid: () => 65534, getegid: () => 65534, getgroups: () => [],
      emitWarning(warning, options) {
        const name = typeof options === "string" ? options : options?.type ?? "Warning";
        console.warn(warning instanceof Error ? String(warning) : `${name}: ${warning}`);
      },
      emit: () => false, listeners: () => [], rawListeners: () => [], listenerCount: () => 0, eventNames: () => [], getMaxListeners: () => 10,
      hasUncaughtExceptionCaptureCallback: () => false, setUncaughtExceptionCaptureCallback() {}, setSourceMapsEnabled() {},
      getBuiltinModule: (name) => (typeof name === "string" ? native.builtin(name) : undefined),
    });
  };
  // For the other modules: a program's `process` can be changed.
  return { nextTick };
}
