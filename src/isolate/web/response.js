// Response.
(native, web) => {
  "use strict";
  const { need, dictionary } = web;
  const { headers, bodies } = web;
  const { stringify } = JSON;
  const { apply } = Reflect;
  const { test } = RegExp.prototype;
  const reason = /^[\t\x20-\x7e\x80-\xff]*$/;
  const key = {};
  const nullBody = (status) => status === 204 || status === 205 || status === 304 || status === 101 || status === 103;
  let stateOf, isResponse;

  const state = (status, statusText, list, body) => ({ status, statusText, headers: list, body, view: null, immutable: false, type: "default", url: "", redirected: false, socket: null });

  // Fills a state from ResponseInit and an extracted body.
  const initialize = (value, body, type) => {
    const s = state(200, "", [], body);
    if (value !== undefined && value !== null) {
      const { headers: given, status, statusText, webSocket } = dictionary(value, "init");
      if (status !== undefined) {
        const number = status & 0xffff;
        if (number === 101 && webSocket !== undefined && webSocket !== null) s.socket = web.socketToSend(webSocket);
        else if (number < 200 || number > 599) throw new RangeError(`${number} is not a status of a response: 200 to 599`);
        s.status = number;
      }
      if (statusText !== undefined) {
        const text = `${statusText}`;
        if (!apply(test, reason, [text])) throw new TypeError("statusText has a character that it must not have");
        s.statusText = text;
      }
      if (given !== undefined) headers.fill(s.headers, given);
    }
    if (body !== null) {
      if (nullBody(s.status)) throw new TypeError(`A response with status ${s.status} must not have a body`);
      if (type !== null && (s.headers.length === 0 || !headers.has(s.headers, "content-type"))) {
        const list = s.headers, end = list.length;
        list[end] = "content-type";
        list[end + 1] = type;
      }
    }
    return s;
  };

  class Response {
    #s;
    constructor(body = null, init = undefined) {
      if (body === key) {
        this.#s = init;
        return;
      }
      if (body === null) this.#s = initialize(init, null, null);
      else {
        const extracted = bodies.extract(body);
        this.#s = initialize(init, extracted, bodies.extractedType());
      }
    }
    static {
      stateOf = (response) => response.#s;
      isResponse = (value) => typeof value === "object" && value !== null && #s in value;
    }
    static error() {
      const s = state(0, "", [], null);
      s.type = "error";
      s.immutable = true;
      return new Response(key, s);
    }
    static json(data, init = undefined) {
      need(arguments.length, 1, "Response.json");
      const text = stringify(data);
      if (text === undefined) throw new TypeError("The value cannot be written as JSON");
      return new Response(key, initialize(init, bodies.make(web.encodeUtf8(text), null, null), "application/json"));
    }
    static redirect(url, status = 302) {
      need(arguments.length, 1, "Response.redirect");
      const text = `${url}`, base = web.currentOrigin?.();
      let target;
      try {
        target = (base === undefined || base === null ? new web.URL(text) : new web.URL(text, base)).href;
      } catch {
        throw new TypeError(`Invalid URL: ${text}`);
      }
      const number = status & 0xffff;
      if (number !== 301 && number !== 302 && number !== 303 && number !== 307 && number !== 308) throw new RangeError(`${number} is not a status of a redirect`);
      const s = state(number, "", ["location", target], null);
      s.immutable = true;
      return new Response(key, s);
    }
    get type() {
      return this.#s.type;
    }
    get url() {
      return this.#s.url;
    }
    get redirected() {
      return this.#s.redirected;
    }
    get status() {
      return this.#s.status;
    }
    get ok() {
      const { status } = this.#s;
      return status >= 200 && status <= 299;
    }
    get statusText() {
      return this.#s.statusText;
    }
    get headers() {
      const s = this.#s;
      return s.view ??= headers.make(s.headers, s.immutable);
    }
    get webSocket() {
      const { socket } = this.#s;
      return socket === null ? null : socket.self;
    }
    clone() {
      const s = this.#s;
      if (s.status === 101) throw new TypeError("A WebSocket cannot be cloned");
      if (s.body !== null && bodies.unusable(s.body)) throw new TypeError("The body was read already, or is locked");
      const copy = state(s.status, s.statusText, headers.copy(s.headers), bodies.clone(s.body));
      copy.immutable = s.immutable;
      copy.type = s.type;
      copy.url = s.url;
      copy.redirected = s.redirected;
      return new Response(key, copy);
    }
  }
  bodies.mixin(Response, (object) => stateOf(object));
  web.defineGlobal("Response", Response);
  web.describeBy(Response, ["status", "statusText", "headers", "url", "redirected", "bodyUsed"]);

  web.isResponse = isResponse;
  web.makeResponse = ({ status, statusText, headers: list, url, redirected, body }, mutable = false, socket = null) => {
    // After 101 there is what comes on the connection.
    const s = state(status, statusText ?? "", list, nullBody(status) && status !== 101 ? null : bodies.fromHost(body));
    s.socket = socket;
    s.immutable = !mutable;
    s.type = "basic";
    s.redirected = !!redirected;
    // The URL of a response has no fragment.
    if (url) {
      const at = apply(indexOf, url, ["#"]);
      s.url = at < 0 ? url : apply(slice, url, [0, at]);
    }
    return new Response(key, s);
  };
  const { indexOf, slice } = String.prototype;
  web.makeUpgrade = (socket, list) => {
    const s = state(101, "", list, null);
    s.socket = socket;
    socket.out = true;
    return new Response(key, s);
  };
  web.failResponse = (response, why) => {
    const { body } = stateOf(response);
    if (body !== null) bodies.fail(body, why);
  };
  web.readResponse = (value) => {
    if (!isResponse(value)) return null;
    const s = stateOf(value);
    if (s.type === "error") throw new TypeError("The response is a network error");
    return { status: s.status, statusText: s.statusText, headers: s.headers, body: bodies.take(s.body), socket: s.socket };
  };
}
