// Request.
(native, web) => {
  "use strict";
  const { need, dictionary } = web;
  const { headers, bodies } = web;
  const { apply } = Reflect;
  const { startsWith, toUpperCase } = String.prototype;
  const { test } = RegExp.prototype;
  const token = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/;
  const key = {};
  let stateOf, isRequest;

  // Members that are kept as they were given, with their defaults and, for enumerations, what they may be.
  const referrerPolicies = ["", "no-referrer", "no-referrer-when-downgrade", "same-origin", "origin", "strict-origin", "origin-when-cross-origin", "strict-origin-when-cross-origin", "unsafe-url"];
  const enumerations = {
    __proto__: null,
    cache: ["default", "no-store", "reload", "no-cache", "force-cache", "only-if-cached"],
    credentials: ["omit", "same-origin", "include"],
    mode: ["navigate", "same-origin", "no-cors", "cors"],
    redirect: ["follow", "error", "manual"],
    referrerPolicy: referrerPolicies,
    duplex: ["half"],
    priority: ["high", "low", "auto"],
  };
  const defaults = {
    __proto__: null, cache: "default", credentials: "same-origin", destination: "", duplex: "half", integrity: "", keepalive: false,
    mode: "cors", redirect: "follow", referrer: "about:client", referrerPolicy: "",
  };
  const enumerated = (name, value) => {
    const text = `${value}`, allowed = enumerations[name];
    for (let i = 0; i < allowed.length; i++) if (allowed[i] === text) return text;
    throw new TypeError(`${name}: ${text} is not one of its values`);
  };
  const normalized = { __proto__: null, DELETE: true, GET: true, HEAD: true, OPTIONS: true, POST: true, PUT: true };
  const methodOf = (value) => {
    const text = `${value}`;
    if (normalized[text]) return text;
    if (!apply(test, token, [text])) throw new TypeError(`${text} is not a method`);
    const upper = apply(toUpperCase, text, []);
    if (upper === "CONNECT" || upper === "TRACE" || upper === "TRACK") throw new TypeError(`${text} is a forbidden method`);
    return normalized[upper] ? upper : text;
  };
  const urlOf = (input) => {
    const base = web.currentOrigin?.();
    let url;
    try {
      url = base === undefined || base === null ? new web.URL(input) : new web.URL(input, base);
    } catch {
      throw new TypeError(`Invalid URL: ${input}`);
    }
    if (url.username !== "" || url.password !== "") throw new TypeError("The URL of a request must not have credentials");
    return url.href;
  };

  class Request {
    #s;
    constructor(input, init = undefined) {
      if (input === key) {
        this.#s = init;
        return;
      }
      need(arguments.length, 1, "Request");
      const s = this.#s = fromInput(input);
      if (init !== undefined && init !== null) configure(s, dictionary(init, "init"));
      if (s.inputBody !== null && s.body === null) s.body = adopt(s.inputBody);
      s.inputBody = null;
    }
    static {
      stateOf = (request) => request.#s;
      isRequest = (value) => typeof value === "object" && value !== null && #s in value;
    }
    get method() {
      return this.#s.method;
    }
    get url() {
      return this.#s.url;
    }
    get headers() {
      const s = this.#s;
      return s.view ??= headers.make(s.headers, s.incoming === true);
    }
    get signal() {
      const s = this.#s;
      if (s.signal === null) {
        if (s.follow !== null) s.signal = web.abort.any([s.follow]);
        else s.signal = web.abort.create();
        if (s.aborted !== null) web.abort.signal(s.signal, s.aborted.reason);
      }
      return s.signal;
    }
    clone() {
      const s = this.#s;
      if (s.body !== null && bodies.unusable(s.body)) throw new TypeError("The body was read already, or is locked");
      const copy = state(s.method, s.url, headers.copy(s.headers), bodies.clone(s.body));
      copy.incoming = s.incoming;
      copy.options = s.options;
      copy.blob = s.blob;
      copy.upgrade = s.upgrade;
      copy.follow = this.signal;
      return new Request(key, copy);
    }
  }
  bodies.mixin(Request, (object) => stateOf(object));
  const members = {
    get cache() { return option(this, "cache"); },
    get credentials() { return option(this, "credentials"); },
    get destination() { return option(this, "destination"); },
    get duplex() { return option(this, "duplex"); },
    get integrity() { return option(this, "integrity"); },
    get isHistoryNavigation() { return stateOf(this) && false; },
    get isReloadNavigation() { return stateOf(this) && false; },
    get keepalive() { return option(this, "keepalive"); },
    get mode() { return option(this, "mode"); },
    get redirect() { return option(this, "redirect"); },
    get referrer() { return option(this, "referrer"); },
    get referrerPolicy() { return option(this, "referrerPolicy"); },
  };
  const option = (request, name) => stateOf(request).options?.[name] ?? defaults[name];
  Object.defineProperties(Request.prototype, Object.getOwnPropertyDescriptors(members));
  web.defineGlobal("Request", Request);
  web.describeBy(Request, ["method", "url", "headers", "redirect", "bodyUsed"]);

  const state = (method, url, list, body) => ({
    method, url, headers: list, body, view: null, signal: null, follow: null, aborted: null, incoming: false, options: null, inputBody: null, blob: undefined, upgrade: null,
  });
  const fromInput = (input) => {
    if (!isRequest(input)) {
      const s = state("GET", urlOf(`${input}`), [], null);
      // The URL of a blob may be revoked from here on.
      if (apply(startsWith, s.url, ["blob:"])) s.blob = web.blobFromUrl(s.url);
      return s;
    }
    const from = stateOf(input);
    const s = state(from.method, from.url, headers.copy(from.headers), null);
    s.options = from.options;
    s.blob = from.blob;
    s.upgrade = from.upgrade;
    s.follow = input.signal;
    s.inputBody = from.body;
    return s;
  };
  // The body of a request that another request was made of moves over to the new one.
  const adopt = (body) => {
    if (bodies.unusable(body)) throw new TypeError("The body was read already, or is locked");
    if (body.stream === null) {
      const moved = bodies.make(body.bytes, body.source, null);
      moved.shared = body.shared;
      moved.failed = body.failed;
      body.used = true;
      return moved;
    }
    const pair = new TransformStream();
    const moved = bodies.make(null, null, web.streams.streamOf(pair.readable));
    web.promises.handled(web.writables.pipe(body.stream, pair.writable, {}));
    return moved;
  };
  const { TransformStream } = globalThis;

  const configure = (s, init) => {
    // The order of a dictionary's members is theirs by name.
    const { body, cache, credentials, duplex, headers: given, integrity, keepalive, method, mode, priority, redirect, referrer, referrerPolicy, signal, window } = init;
    if (window !== undefined && window !== null) throw new TypeError("window must be null");
    let options = null;
    const set = (name, value) => {
      if (value === undefined) return;
      options ??= { ...s.options };
      options[name] = name in enumerations ? enumerated(name, value) : value;
    };
    set("cache", cache);
    set("credentials", credentials);
    set("duplex", duplex);
    if (integrity !== undefined) set("integrity", `${integrity}`);
    if (keepalive !== undefined) set("keepalive", !!keepalive);
    set("mode", mode);
    if (priority !== undefined) enumerated("priority", priority);
    set("redirect", redirect);
    set("referrerPolicy", referrerPolicy);
    if (options !== null) {
      if (options.mode === "navigate" && mode !== undefined) throw new TypeError("mode must not be navigate");
      if (options.cache === "only-if-cached" && options.mode !== "same-origin") throw new TypeError("only-if-cached needs the mode same-origin");
    }
    if (referrer !== undefined) {
      const text = `${referrer}`;
      set("referrer", text === "" ? "" : referrerOf(text));
    }
    if (options !== null) s.options = options;
    if (method !== undefined) s.method = methodOf(method);
    if (s.options?.mode === "no-cors" && s.method !== "GET" && s.method !== "HEAD" && s.method !== "POST") throw new TypeError(`${s.method} is not a method for the mode no-cors`);
    if (signal !== undefined) {
      if (signal !== null && !web.isAbortSignal(signal)) throw new TypeError("signal is not an AbortSignal");
      s.follow = signal;
    }
    if (given !== undefined) {
      s.headers = [];
      headers.fill(s.headers, given);
    }
    const has = body !== undefined && body !== null;
    if ((has || s.inputBody !== null) && (s.method === "GET" || s.method === "HEAD")) throw new TypeError(`A ${s.method} request must not have a body`);
    if (has) {
      s.body = bodies.extract(body);
      const type = bodies.extractedType();
      if (type !== null && !headers.has(s.headers, "content-type")) {
        const list = s.headers, end = list.length;
        list[end] = "content-type";
        list[end + 1] = type;
      }
      if (s.body.stream !== null && keepalive) throw new TypeError("A request with keepalive must not have a stream as its body");
    }
  };
  const referrerOf = (text) => {
    try {
      const base = web.currentOrigin?.();
      const { href } = base === undefined || base === null ? new web.URL(text) : new web.URL(text, base);
      return href === "about:client" ? "about:client" : href;
    } catch {
      throw new TypeError(`Invalid referrer: ${text}`);
    }
  };

  web.isRequest = isRequest;
  // What comes from whoever asked for a WebSocket, or null.
  web.upgradeOf = (request) => stateOf(request).upgrade;
  web.headersOf = (request) => stateOf(request).headers;
  web.blobOfRequest = (request) => stateOf(request).blob;
  web.makeRequest = ({ method, url, headers: list, body }) => {
    const s = state(method, url, list, null);
    // Who asks for a WebSocket sends what comes later; it is no body that a program could read.
    if (method === "GET" && body !== null && headers.has(list, "upgrade")) s.upgrade = body;
    else s.body = bodies.fromHost(body);
    s.incoming = true;
    return new Request(key, s);
  };
  web.abortRequest = (request, reason) => {
    const s = stateOf(request);
    if (s.aborted !== null) return;
    s.aborted = { reason };
    if (s.signal !== null) web.abort.signal(s.signal, reason);
  };
  // The signal that a fetch of the request must obey, or null when nothing can abort it.
  web.followed = (request) => {
    const s = stateOf(request);
    return s.signal ?? s.follow;
  };
  web.dropBody = (request, reason) => {
    const { body } = stateOf(request);
    if (body !== null) bodies.fail(body, reason);
  };
  web.readRequest = (request) => {
    const s = stateOf(request);
    const signal = s.signal ?? s.follow;
    return {
      method: s.method, url: s.url, headers: s.headers, body: s.upgrade === null ? bodies.take(s.body) : { source: s.upgrade },
      redirect: s.options?.redirect ?? "follow", signal,
    };
  };
}
