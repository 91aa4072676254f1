// `Deno` and `process` as programs use them: what they read is the program's env.
(native, web) => {
  const { freeze, keys } = Object;
  let env = { __proto__: null };
  const get = (name) => {
    const value = env[String(name)];
    return typeof value === "string" ? value : undefined;
  };
  const toObject = () => {
    const copy = {};
    for (const key of keys(env)) if (typeof env[key] === "string") copy[key] = env[key];
    return copy;
  };
  const ignore = () => {};
  // As on Val Town, writing is a no-op.
  const denoEnv = freeze({ get, has: (name) => get(name) !== undefined, toObject, set: ignore, delete: ignore });
  const refuse = (what) => () => {
    throw new Error(`Deno.${what} is not available here: a program has storage, fetch and the loader, and no files or processes`);
  };
  const Deno = { env: denoEnv, version: freeze({ deno: "2.7.5", v8: "boa", typescript: "5.9.3" }), args: freeze([]), build: freeze({ os: "linux", arch: "x86_64" }), errors: {} };
  for (const what of ["readFile", "readTextFile", "writeFile", "writeTextFile", "open", "remove", "readDir", "Command", "listen", "connect", "serve"]) {
    Deno[what] = refuse(what);
  }
  Deno.upgradeWebSocket = (request, options) => web.upgradeWebSocket(request, options);
  web.defineGlobal("Deno", freeze(Deno));
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
  web.defineGlobal("process", { env: processEnv, argv: [], platform: "linux", version: "v24.0.0", versions: freeze({ node: "24.0.0" }), cwd: () => "/", nextTick: (callback, ...args) => queueMicrotask(() => callback(...args)) });
  return {
    setEnv(given) {
      env = given;
    },
  };
}
