// Globals that depend on authority. `Deno` and `process` as programs use them: what they read is the program's env, and the
// files of the program that are data. There are two of each: the globals, which know nothing, and those that modules with
// authority see by the same names.
(native, web) => {
  "use strict";
  const { freeze, keys } = Object;
  const ignore = () => {};

  // ---- What needs no env ----------------------------------------------------------------------------
  const errors = {};
  for (const name of [
    "NotFound", "PermissionDenied", "ConnectionRefused", "ConnectionReset", "ConnectionAborted", "NotConnected", "AddrInUse", "AddrNotAvailable",
    "BrokenPipe", "AlreadyExists", "InvalidData", "TimedOut", "Interrupted", "WriteZero", "UnexpectedEof", "BadResource", "Http", "Busy", "NotSupported",
    "FilesystemLoop", "IsADirectory", "NetworkUnreachable", "NotADirectory", "NotCapable", "WouldBlock",
  ]) {
    const type = class extends Error {
      constructor(message, options) {
        super(message, options);
        this.name = name;
      }
    };
    errors[name] = Object.defineProperty(type, "name", { value: name });
  }
  const INSTEAD = {
    files: "files are read with Deno.readTextFile where they are in the program's modules; what is written goes to storage",
    processes: "programs are started with the loader of town:kernel",
    sockets: "requests go out with fetch and come in by an exported handler",
    other: "a program has storage, fetch and the loader",
  };
  const ABSENT = {
    files:
      "writeFile writeFileSync writeTextFile writeTextFileSync open openSync create createSync remove removeSync rename renameSync copyFile copyFileSync mkdir mkdirSync " +
      "makeTempDir makeTempDirSync makeTempFile makeTempFileSync readDir readDirSync readLink readLinkSync symlink symlinkSync link linkSync truncate truncateSync chmod " +
      "chmodSync chown chownSync utime utimeSync watchFs realPath realPathSync stat statSync lstat lstatSync chdir umask",
    processes: "Command run kill addSignalListener removeSignalListener exit dlopen bench test",
    sockets: "listen listenTls listenDatagram connect connectTls startTls serveHttp resolveDns createHttpClient",
    other: "openKv cron consoleSize networkInterfaces systemMemoryInfo",
  };
  const refuse = (what, why) => function () {
    throw new errors.NotSupported(`Deno.${what} is not available here: ${INSTEAD[why]}`);
  };
  const readFileSync = (path) => {
    const name = String(path);
    const bytes = web.readFile(name);
    if (bytes === undefined) throw new errors.NotFound(`No such file among the program's modules: readfile '${name}'`);
    return bytes;
  };
  const readTextFileSync = (path) => new TextDecoder().decode(readFileSync(path));
  const writer = (write) => ({
    writeSync(bytes) {
      write("%s", new TextDecoder().decode(bytes).replace(/\n$/, ""));
      return bytes.length;
    },
    async write(bytes) {
      return this.writeSync(bytes);
    },
    get writable() {
      return new WritableStream({ write: (bytes) => void this.writeSync(bytes) });
    },
    isTerminal: () => false, rid: -1, close: ignore,
  });

  // `Deno.serve` at the top level is the program's handler, if it exports none. What modules without authority serve does
  // not take the place of what the program's own do.
  let served, isOwn = false;
  const hostOf = (url) => ({ transport: "tcp", hostname: url.hostname, port: Number(url.port) || (url.protocol === "https:" ? 443 : 80) });
  const serve = (authority) => function serve(...args) {
    const handler = args.find((arg) => typeof arg === "function") ?? args.find((arg) => typeof arg?.handler === "function")?.handler ??
      args.filter((arg) => typeof arg?.fetch === "function").map((arg) => (request, info) => arg.fetch(request, info))[0];
    if (handler === undefined) throw new TypeError("Deno.serve takes a function that answers requests");
    const options = args.find((arg) => typeof arg === "object" && arg !== null) ?? {};
    const handle = async (request) => {
      const { promise, resolve } = Promise.withResolvers();
      try {
        const info = { remoteAddr: hostOf(new URL(request.url)), completed: promise };
        return await handler(request, info);
      } catch (error) {
        if (typeof options.onError !== "function") throw error;
        return await options.onError(error);
      } finally {
        resolve();
      }
    };
    if (authority || !isOwn) {
      served = handle;
      isOwn = authority;
    }
    const addr = { transport: "tcp", hostname: "localhost", port: 0 };
    options.onListen?.(addr);
    return { finished: new Promise(ignore), addr, ref: ignore, unref: ignore, shutdown: async () => {}, async [Symbol.asyncDispose]() {} };
  };

  const inspect = (value, options) => {
    const shown = typeof value === "object" && value !== null ? value[Symbol.for("Deno.customInspect")] : undefined;
    return typeof shown === "function" ? String(shown.call(value, inspect, options ?? {})) : web.inspect(value, options?.depth);
  };
  const permission = freeze({ state: "denied", onchange: null, partial: false });
  const common = {
    version: freeze({ deno: "2.7.5", v8: "boa", typescript: "5.9.3" }),
    build: freeze({ os: "linux", arch: "x86_64", target: "x86_64-unknown-linux-gnu", vendor: "unknown", env: "gnu", standalone: false }),
    args: freeze([]), pid: 1, ppid: 0, noColor: true, errors, inspect, upgradeWebSocket: (request, options) => web.upgradeWebSocket(request, options), customInspect: Symbol.for("Deno.customInspect"),
    readFileSync, readTextFileSync, readFile: async (path) => readFileSync(path), readTextFile: async (path) => readTextFileSync(path),
    stdout: writer((...text) => console.log(...text)), stderr: writer((...text) => console.error(...text)), cwd: () => "/", execPath: () => "/town", hostname: () => "town",
    osRelease: () => "", osUptime: () => 0, loadavg: () => [0, 0, 0], uid: () => 65534, gid: () => 65534, isatty: () => false, refTimer: ignore, unrefTimer: ignore,
    memoryUsage: () => ({ rss: 0, heapTotal: 0, heapUsed: 0, external: 0 }),
    permissions: freeze({ query: async () => permission, querySync: () => permission, request: async () => permission, requestSync: () => permission }),
  };
  for (const why in ABSENT) for (const what of ABSENT[why].split(" ")) common[what] = refuse(what, why);

  // ---- What reads the env ----------------------------------------------------------------------------
  const make = (read, addEventListener, asked = ignore) => {
    const get = (name) => {
      const value = read()[String(name)];
      if (typeof value === "string") return value;
      asked(String(name));
      return undefined;
    };
    const toObject = () => {
      asked("*");
      const copy = {}, env = read();
      for (const key of keys(env)) if (typeof env[key] === "string") copy[key] = env[key];
      return copy;
    };
    // As on Val Town, writing is a no-op.
    const denoEnv = freeze({ get, has: (name) => get(name) !== undefined, toObject, set: ignore, delete: ignore });
    const processEnv = new Proxy({}, {
      get: (_, name) => (typeof name === "string" ? get(name) : undefined),
      has: (_, name) => typeof name === "string" && get(name) !== undefined,
      ownKeys: () => keys(toObject()),
      getOwnPropertyDescriptor: (_, name) => {
        const value = typeof name === "string" ? get(name) : undefined;
        return value === undefined ? undefined : { value, enumerable: true, configurable: true, writable: true };
      },
      set: () => true,
      deleteProperty: () => true,
    });
    return { __proto__: null, Deno: freeze({ ...common, serve: serve(asked === ignore), env: denoEnv }), process: web.makeProcess(processEnv), addEventListener };
  };
  const nothing = freeze({ __proto__: null });
  let env = nothing;
  // What a program has not, nobody was refused.
  const refused = (name) => {
    if (name === "*" ? keys(env).length > 0 : typeof env[name] === "string" && Object.hasOwn(env, name)) native.refuse("env", name);
  };
  const none = make(() => nothing, web.addEventListener, refused);
  // The files may be of a private program; and modules that are fetched by name have no authority to go by.
  const unknown = (path) => {
    native.refuse("file", String(path));
    throw new errors.NotFound(`No such file among the program's modules: readfile '${path}'`);
  };
  none.Deno = freeze({
    ...none.Deno, readFileSync: unknown, readTextFileSync: unknown, readFile: async (path) => unknown(path), readTextFile: async (path) => unknown(path),
  });
  // All but those that read the program's files, or import by authority.
  const builtin = none.process.getBuiltinModule;
  const withAuthority = freeze({ __proto__: null, fs: true, "node:fs": true, "fs/promises": true, "node:fs/promises": true, module: true, "node:module": true });
  none.process.getBuiltinModule = (name) => (withAuthority[name] === true ? undefined : builtin(name));
  web.defineGlobal("Deno", none.Deno);
  web.defineGlobal("process", none.process);
  return {
    none,
    // The env of those that have none.
    noEnv: new Proxy(nothing, {
      get(_, name) {
        if (typeof name === "string") refused(name);
        return undefined;
      },
    }),
    full: make(() => env, web.listenWithAuthority),
    setEnv(given) {
      env = given;
    },
    served: () => served,
  };
}
