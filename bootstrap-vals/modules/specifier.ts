/** Specifiers of packages: `npm:name@range/subpath` and `jsr:@scope/name@range/subpath`; and names that Node.js has. */

export interface PackageSpecifier {
  /** As npm registries know it; a package of JSR is `@jsr/scope__name` to JSR's registry for npm. */
  name: string;
  range: string;
  /** `.` or `./path`. */
  subpath: string;
}

const PACKAGE = /^(npm|jsr):\/?((?:@[\w.~-]+\/)?[\w.~-]+)(?:@([^/]+))?(\/.*)?$/;

const BUILTINS = new Set([
  "assert", "async_hooks", "buffer", "child_process", "cluster", "console", "constants", "crypto", "dgram",
  "diagnostics_channel", "dns", "domain", "events", "fs", "http", "http2", "https", "inspector", "module", "net", "os",
  "path", "perf_hooks", "process", "punycode", "querystring", "readline", "repl", "stream", "string_decoder", "sys",
  "timers", "tls", "trace_events", "tty", "url", "util", "v8", "vm", "wasi", "worker_threads", "zlib",
]);

export function isPackageSpecifier(specifier: string): boolean {
  return /^(npm|jsr):/.test(specifier);
}

export function parsePackage(specifier: string): PackageSpecifier | undefined {
  const parts = PACKAGE.exec(specifier);
  if (parts === null) return undefined;
  const [, registry, name, range = "*", path = ""] = parts;
  const subpath = path === "" || path === "/" ? "." : `.${path}`;
  if (registry === "npm") return { name: name as string, range, subpath };
  if (!name?.startsWith("@")) return undefined;
  return { name: `@jsr/${name.slice(1).replace("/", "__")}`, range, subpath };
}

/** The package and the path in it of a bare specifier, as packages import each other. */
export function parseBare(specifier: string): { name: string; subpath: string } | undefined {
  const parts = /^((?:@[^/@]+\/)?[^/@][^/]*)(\/.*)?$/.exec(specifier);
  if (parts === null) return undefined;
  return { name: parts[1] as string, subpath: parts[2] === undefined ? "." : `.${parts[2]}` };
}

/** Whether Node.js has a module of that name, with or without `node:` before it. */
export function isBuiltin(specifier: string): boolean {
  const name = specifier.startsWith("node:") ? specifier.slice("node:".length) : specifier;
  return specifier.startsWith("node:") || BUILTINS.has(name.split("/", 1)[0] as string);
}
