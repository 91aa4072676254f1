// The small modules: os, perf_hooks, module, constants, punycode, and parts of others that have a name of their own.
(native, web, require) => {
  "use strict";
  const { unavailable, needFunction } = require("internal/errors");
  const signals = { SIGHUP: 1, SIGINT: 2, SIGQUIT: 3, SIGKILL: 9, SIGUSR1: 10, SIGSEGV: 11, SIGUSR2: 12, SIGPIPE: 13, SIGALRM: 14, SIGTERM: 15 };
  const errno = { E2BIG: 7, EACCES: 13, EADDRINUSE: 98, EAGAIN: 11, ECONNREFUSED: 111, ECONNRESET: 104, EEXIST: 17, EINVAL: 22, EIO: 5, ENOENT: 2, ENOTDIR: 20, EPERM: 1, EPIPE: 32, ETIMEDOUT: 110 };
  const os = {
    EOL: "\n", devNull: "/dev/null", arch: () => "x64", platform: () => "linux", type: () => "Linux", release: () => "6.0.0", version: () => "", machine: () => "x86_64",
    hostname: () => "town", homedir: () => "/", tmpdir: () => "/tmp", endianness: () => "LE", cpus: () => [], availableParallelism: () => 1,
    totalmem: () => 0, freemem: () => 0, loadavg: () => [0, 0, 0], uptime: () => performance.now() / 1000, networkInterfaces: () => ({}),
    getPriority: () => 0, setPriority: unavailable("os.setPriority"), constants: { signals, errno, priority: {}, dlopen: {}, UV_UDP_REUSEADDR: 4 },
  };
  return {
    os: () => os,
    constants: () => ({ ...errno, ...signals, ...require("fs").constants }),
    perf_hooks: () => ({
      performance, PerformanceEntry: globalThis.PerformanceEntry, PerformanceMark: globalThis.PerformanceMark, PerformanceMeasure: globalThis.PerformanceMeasure,
      PerformanceObserver: globalThis.PerformanceObserver, constants: {},
      monitorEventLoopDelay: unavailable("perf_hooks.monitorEventLoopDelay"), createHistogram: unavailable("perf_hooks.createHistogram"),
    }),
    module: () => {
      const isBuiltin = (name) => native.builtin(String(name)) !== undefined;
      function Module() {}
      return Object.assign(Module, {
        Module, builtinModules: native.names(), isBuiltin, createRequire: (from) => native.createRequire(String(from)), register() {}, syncBuiltinESMExports() {},
        findSourceMap: () => undefined, enableCompileCache() {}, _load: unavailable("Module._load"), _resolveFilename: unavailable("Module._resolveFilename"),
        wrap: (text) => `(function (exports, require, module, __filename, __dirname) { ${text}\n});`,
      });
    },
    "stream/web": () => ({
      ReadableStream, ReadableStreamDefaultReader, ReadableStreamBYOBReader, ReadableStreamDefaultController, ReadableByteStreamController, WritableStream,
      WritableStreamDefaultWriter, WritableStreamDefaultController, TransformStream, TransformStreamDefaultController, ByteLengthQueuingStrategy,
      CountQueuingStrategy, TextEncoderStream, TextDecoderStream, CompressionStream: globalThis.CompressionStream, DecompressionStream: globalThis.DecompressionStream,
    }),
    "stream/consumers": () => {
      const { Buffer } = require("buffer");
      const buffer = async (stream) => {
        const parts = [];
        for await (const chunk of stream) parts.push(typeof chunk === "string" ? Buffer.from(chunk) : new Uint8Array(chunk.buffer ?? chunk, chunk.byteOffset, chunk.byteLength));
        return Buffer.concat(parts);
      };
      const text = async (stream) => new TextDecoder().decode(await buffer(stream));
      return { buffer, text, json: async (stream) => JSON.parse(await text(stream)), arrayBuffer: async (stream) => new Uint8Array(await buffer(stream)).buffer, blob: async (stream) => new Blob([await buffer(stream)]) };
    },
    punycode: () => {
      const ascii = (text) => new URL(`http://${text}`).hostname;
      return { toASCII: ascii, toUnicode: (text) => text, ucs2: { decode: (text) => [...text].map((c) => c.codePointAt(0)), encode: (points) => String.fromCodePoint(...points) } };
    },
    test: () => {
      const refuse = unavailable("node:test", "assertions are in node:assert");
      return Object.assign(refuse, { test: refuse, describe: refuse, it: refuse, before: refuse, after: refuse, beforeEach: refuse, afterEach: refuse, mock: {} });
    },
  };
}
