// EventSource: server-sent events, read from a response; comes back after a break until it is closed.
(native, web) => {
  "use strict";
  const { need, constants, defineGlobal, eventHandlers } = web;
  const { then, handled } = web.promises;
  const { AbortController, Event, EventTarget, MessageEvent, TextDecoder, fetch } = globalThis;
  const { apply } = Reflect;
  const { exec, test } = RegExp.prototype;
  const { slice } = String.prototype;
  const CONNECTING = 0, OPEN = 1, CLOSED = 2;
  const RETRY_MS = 3000;
  // One line and the data of one event: the largest file of a program.
  const EVENT_CHARS_MAX = 8 * 1024 * 1024;
  const eventStream = /^text\/event-stream(;|$)/i;
  const lineEnd = /\r\n|\n|\r/g;
  const digits = /^[0-9]+$/;

  class EventSource extends EventTarget {
    #s;
    constructor(url, eventSourceInitDict = undefined) {
      need(arguments.length, 1, "EventSource");
      super();
      let parsed;
      try {
        parsed = new web.URL(`${url}`);
      } catch {
        throw new web.DOMException(`Invalid URL: ${url}`, "SyntaxError");
      }
      this.#s = {
        self: this, url: parsed.href, origin: parsed.origin, state: CONNECTING, credentials: !!eventSourceInitDict?.withCredentials,
        retry: RETRY_MS, lastId: "", controller: null, timer: undefined,
      };
      connect(this.#s);
    }
    get url() { return this.#s.url; }
    get readyState() { return this.#s.state; }
    get withCredentials() { return this.#s.credentials; }
    close() {
      const s = this.#s;
      s.state = CLOSED;
      s.controller.abort();
      if (s.timer !== undefined) web.stopTimer(s.timer);
    }
  }
  constants(EventSource, { CONNECTING, OPEN, CLOSED });
  eventHandlers(EventSource.prototype, ["open", "message", "error"]);
  defineGlobal("EventSource", EventSource);

  const connect = (s) => {
    s.controller = new AbortController();
    const headers = { accept: "text/event-stream", "cache-control": "no-store" };
    if (s.lastId !== "") headers["last-event-id"] = s.lastId;
    handled(then(fetch(s.url, { headers, signal: s.controller.signal }), (response) => {
      if (s.state === CLOSED) return;
      const type = response.headers.get("content-type") ?? "";
      if (response.status !== 200 || !apply(test, eventStream, [type])) {
        s.controller.abort();
        s.state = CLOSED;
        web.fire(s.self, new Event("error"));
        return;
      }
      s.state = OPEN;
      s.origin = new web.URL(response.url).origin;
      web.fire(s.self, new Event("open"));
      read(s, response.body.getReader());
    }, () => again(s)));
  };
  const again = (s) => {
    if (s.state === CLOSED) return;
    s.state = CONNECTING;
    web.fire(s.self, new Event("error"));
    if (s.state !== CLOSED) s.timer = web.startTimer(() => connect(s), s.retry);
  };
  const read = (s, reader) => {
    const decoder = new TextDecoder();
    const event = { type: "", data: null, id: s.lastId };
    let text = "";
    const next = () => then(reader.read(), ({ done, value }) => {
      if (s.state === CLOSED) return;
      if (done) {
        again(s);
        return;
      }
      text += decoder.decode(value, { stream: true });
      let from = 0, found;
      lineEnd.lastIndex = 0;
      while ((found = apply(exec, lineEnd, [text])) !== null) {
        const end = found.index, after = end + found[0].length;
        // What may be half of a line end waits for the rest.
        if (found[0] === "\r" && after === text.length) break;
        take(s, event, apply(slice, text, [from, end]));
        if (s.state === CLOSED) return;
        from = lineEnd.lastIndex = after;
      }
      text = apply(slice, text, [from]);
      if (text.length > EVENT_CHARS_MAX || event.data !== null && event.data.length > EVENT_CHARS_MAX) {
        s.controller.abort();
        again(s);
        return;
      }
      next();
    }, () => again(s));
    next();
  };
  const field = /^([^:]*):? ?([^]*)$/;
  const take = (s, event, line) => {
    if (line === "") {
      s.lastId = event.id;
      const { data, type } = event;
      event.data = null;
      event.type = "";
      if (data !== null) web.fire(s.self, new MessageEvent(type === "" ? "message" : type, { data, origin: s.origin, lastEventId: s.lastId }));
      return;
    }
    const [, name, value] = apply(exec, field, [line]);
    if (name === "data") event.data = event.data === null ? value : `${event.data}\n${value}`;
    else if (name === "event") event.type = value;
    else if (name === "id" && !apply(test, /\0/, [value])) event.id = value;
    else if (name === "retry" && apply(test, digits, [value])) s.retry = +value;
  };
}
