// Modules of Node for what a program has not: sockets, processes, threads. They can be imported, with the names that
// libraries import; what is used says what to use instead.
(native, web, require) => {
  "use strict";
  const { unavailable } = require("internal/errors");
  const EventEmitter = require("events");
  const SERVE = "export a handler, and use fetch for requests";
  const refusing = (module, instead, names, more = {}) => {
    const exports = {};
    for (const name of names.split(" ")) {
      const refuse = unavailable(`${module}.${name}`, instead);
      // Classes are extended when a library loads, and refuse when they are made.
      exports[name] = /^[A-Z]/.test(name)
        ? Object.defineProperty(class extends EventEmitter { constructor() { super(); refuse(); } }, "name", { value: name })
        : Object.defineProperty(refuse, "name", { value: name });
    }
    return Object.assign(exports, more);
  };
  class Agent extends EventEmitter {
    constructor(options) {
      super();
      Object.assign(this, { options: { ...options }, maxSockets: Infinity, keepAlive: false, requests: {}, sockets: {}, freeSockets: {} });
    }
    destroy() {}
  }
  // Libraries set its limits for everybody. It has no sockets, so nothing comes of it.
  const globalAgent = () => {
    const agent = new Agent();
    for (const name of Object.keys(agent)) {
      const value = Object.freeze(agent[name]);
      Object.defineProperty(agent, name, { enumerable: true, get: () => value, set() {} });
    }
    return agent;
  };
  const STATUS_CODES = {};
  for (const pair of (
    "100 Continue|101 Switching Protocols|102 Processing|103 Early Hints|200 OK|201 Created|202 Accepted|203 Non-Authoritative Information|204 No Content|" +
    "205 Reset Content|206 Partial Content|207 Multi-Status|208 Already Reported|226 IM Used|300 Multiple Choices|301 Moved Permanently|302 Found|303 See Other|" +
    "304 Not Modified|305 Use Proxy|307 Temporary Redirect|308 Permanent Redirect|400 Bad Request|401 Unauthorized|402 Payment Required|403 Forbidden|404 Not Found|" +
    "405 Method Not Allowed|406 Not Acceptable|407 Proxy Authentication Required|408 Request Timeout|409 Conflict|410 Gone|411 Length Required|412 Precondition Failed|" +
    "413 Payload Too Large|414 URI Too Long|415 Unsupported Media Type|416 Range Not Satisfiable|417 Expectation Failed|418 I'm a Teapot|421 Misdirected Request|" +
    "422 Unprocessable Entity|423 Locked|424 Failed Dependency|425 Too Early|426 Upgrade Required|428 Precondition Required|429 Too Many Requests|" +
    "431 Request Header Fields Too Large|451 Unavailable For Legal Reasons|500 Internal Server Error|501 Not Implemented|502 Bad Gateway|503 Service Unavailable|" +
    "504 Gateway Timeout|505 HTTP Version Not Supported|506 Variant Also Negotiates|507 Insufficient Storage|508 Loop Detected|509 Bandwidth Limit Exceeded|" +
    "510 Not Extended|511 Network Authentication Required"
  ).split("|")) STATUS_CODES[pair.slice(0, 3)] = pair.slice(4);
  const METHODS = "ACL BIND CHECKOUT CONNECT COPY DELETE GET HEAD LINK LOCK M-SEARCH MERGE MKACTIVITY MKCALENDAR MKCOL MOVE NOTIFY OPTIONS PATCH POST PROPFIND PROPPATCH PURGE PUT QUERY REBIND REPORT SEARCH SOURCE SUBSCRIBE TRACE UNBIND UNLINK UNLOCK UNSUBSCRIBE".split(" ");
  const httpNames = "createServer request get Server ServerResponse IncomingMessage ClientRequest OutgoingMessage";
  const make = {
    http: () => refusing("http", SERVE, `${httpNames} setMaxIdleHTTPParsers validateHeaderName validateHeaderValue`, {
      Agent, globalAgent: globalAgent(), STATUS_CODES, METHODS, maxHeaderSize: 16384,
    }),
    https: () => refusing("https", SERVE, "createServer request get Server", { Agent, globalAgent: globalAgent() }),
    http2: () => refusing("http2", SERVE, "createServer createSecureServer connect getDefaultSettings Http2ServerRequest Http2ServerResponse", { constants: {}, sensitiveHeaders: Symbol("sensitiveHeaders") }),
    net: () => {
      const four = (text) => /^(?:(?:25[0-5]|2[0-4]\d|1?\d?\d)(?:\.|$)){4}$/.test(text) && !text.endsWith(".");
      const six = (text) => {
        try {
          return text.includes(":") && new URL(`http://[${text.split("%")[0]}]`).hostname !== "";
        } catch {
          return false;
        }
      };
      return refusing("net", SERVE, "connect createConnection createServer Socket Stream Server BlockList SocketAddress", {
        isIP: (text) => (four(`${text}`) ? 4 : six(`${text}`) ? 6 : 0), isIPv4: (text) => four(`${text}`), isIPv6: (text) => six(`${text}`),
        getDefaultAutoSelectFamily: () => true, setDefaultAutoSelectFamily() {},
      });
    },
    tls: () => refusing("tls", SERVE, "connect createServer createSecureContext checkServerIdentity TLSSocket Server getCiphers", { rootCertificates: [] }),
    dns: () => {
      const names = "lookup resolve resolve4 resolve6 resolveAny resolveCname resolveMx resolveNs resolveSrv resolveTxt reverse lookupService setServers getServers Resolver";
      return refusing("dns", "names are resolved by fetch", names, { promises: refusing("dns.promises", "names are resolved by fetch", names), setDefaultResultOrder() {}, getDefaultResultOrder: () => "verbatim", ADDRCONFIG: 1024, V4MAPPED: 2048, ALL: 256 });
    },
    dgram: () => refusing("dgram", SERVE, "createSocket Socket"),
    child_process: () => refusing("child_process", "programs are started by the loader of town:kernel", "exec execFile execFileSync execSync fork spawn spawnSync ChildProcess"),
    cluster: () => refusing("cluster", SERVE, "fork setupPrimary setupMaster Worker", { isPrimary: true, isMaster: true, isWorker: false, workers: {}, settings: {} }),
    worker_threads: () => refusing("worker_threads", "programs are started by the loader of town:kernel", "Worker moveMessagePortToContext receiveMessageOnPort getEnvironmentData setEnvironmentData", {
      isMainThread: true, parentPort: null, workerData: null, threadId: 0, resourceLimits: {}, SHARE_ENV: Symbol.for("nodejs.worker_threads.SHARE_ENV"),
      MessageChannel, MessagePort, BroadcastChannel: globalThis.BroadcastChannel, markAsUntransferable() {},
    }),
    vm: () => refusing("vm", "programs are started by the loader of town:kernel", "runInThisContext runInNewContext runInContext createContext compileFunction Script SourceTextModule SyntheticModule", { isContext: () => false, constants: {} }),
    v8: () => refusing("v8", "", "getHeapSnapshot writeHeapSnapshot takeCoverage Serializer Deserializer", {
      getHeapStatistics: () => ({ total_heap_size: 0, used_heap_size: 0, heap_size_limit: 0 }), setFlagsFromString() {},
      serialize: unavailable("v8.serialize", "use structuredClone"), deserialize: unavailable("v8.deserialize", "use structuredClone"),
    }),
    readline: () => refusing("readline", "there is no terminal", "createInterface Interface clearLine clearScreenDown cursorTo moveCursor emitKeypressEvents", { promises: refusing("readline.promises", "there is no terminal", "createInterface Interface Readline") }),
    repl: () => refusing("repl", "there is no terminal", "start REPLServer"),
    inspector: () => refusing("inspector", "", "open close url waitForDebugger Session", { console }),
    sqlite: () => refusing("sqlite", "use the storage of town:kernel", "DatabaseSync StatementSync backup"),
    tty: () => refusing("tty", "there is no terminal", "ReadStream WriteStream", { isatty: () => false }),
  };
  return make;
}
