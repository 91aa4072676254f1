// WebSockets: the client, `Deno.upgradeWebSocket`, and `WebSocketPair`.
//
// A connection is two bodies of bytes, one each way, that the kernel joins to a request and a response; what they mean
// is read and written here (a line). The two ends of a pair talk to each other until one of them goes out with a response.
(native, web) => {
  "use strict";
  const { open, feed, sendText, sendBinary, ping, close, take } = native;
  const { need, constants, defineGlobal, eventHandlers } = web;
  const { then, resolve, deferred } = web.promises;
  const { Event, EventTarget, MessageEvent } = globalThis;
  const { apply } = Reflect;
  const { test } = RegExp.prototype;
  const { toLowerCase } = String.prototype;
  const CONNECTING = 0, OPEN = 1, CLOSING = 2, CLOSED = 3;
  const TEXT = 0, BINARY = 1, CLOSE = 2;
  // Somebody who is silent for so long is asked whether they are there; the next time they are taken for gone.
  const PING_MS = 30000;
  // How long the other end may take to answer a goodbye.
  const CLOSE_MS = 5000;
  // What one socket may have waiting for a slow reader: a message of the largest size, and room.
  const BUFFERED_BYTES_MAX = 32 * 1024 * 1024;
  const token = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/;
  const LOST = "The connection was lost";
  const key = {};
  let socketOf;

  class CloseEvent extends Event {
    #c;
    constructor(type, eventInitDict = undefined) {
      need(arguments.length, 1, "CloseEvent");
      super(type, eventInitDict);
      const { wasClean = false, code = 0, reason = "" } = eventInitDict ?? {};
      this.#c = { wasClean: !!wasClean, code: code & 0xffff, reason: `${reason}` };
    }
    get wasClean() { return this.#c.wasClean; }
    get code() { return this.#c.code; }
    get reason() { return this.#c.reason; }
  }
  defineGlobal("CloseEvent", CloseEvent);

  // ---- Sockets ------------------------------------------------------------------------------

  const fresh = (self, state, binaryType) => ({
    self, state, binaryType, url: "", protocol: "", origin: "", line: null, peer: null, held: [], accepted: true, out: false, opens: false,
  });
  const wrong = (message, name) => new web.DOMException(message, name);

  class WebSocket extends EventTarget {
    #s;
    constructor(url, protocols = undefined) {
      super();
      if (url === key) {
        this.#s = fresh(this, protocols, "arraybuffer");
        return;
      }
      need(arguments.length, 1, "WebSocket");
      const s = this.#s = fresh(this, CONNECTING, "blob");
      connect(s, `${url}`, protocols);
    }
    static {
      socketOf = (value) => typeof value === "object" && value !== null && #s in value ? value.#s : null;
    }
    get url() { return this.#s.url; }
    get readyState() { return this.#s.state; }
    get bufferedAmount() { return this.#s.line?.buffered ?? 0; }
    get extensions() { return this.#s, ""; }
    get protocol() { return this.#s.protocol; }
    get binaryType() { return this.#s.binaryType; }
    set binaryType(value) {
      const text = `${value}`;
      if (text === "blob" || text === "arraybuffer") this.#s.binaryType = text;
    }
    // Of a pair, or of a response to fetch: from now on it tells what comes.
    accept() {
      const s = this.#s;
      if (s.out) throw new TypeError("This socket went out with a response; the other one of the pair is yours");
      if (s.accepted) return;
      s.accepted = true;
      if (s.state === CONNECTING) s.state = OPEN;
      const { held } = s;
      s.held = [];
      for (let i = 0; i < held.length; i++) web.queueTask(() => held[i](false));
    }
    send(data) {
      const s = this.#s;
      need(arguments.length, 1, "send");
      let kind = BINARY, bytes = data;
      if (web.isBlob(data)) ({ bytes } = web.blobParts(data));
      else if (!web.bodies.isBinary(data)) {
        kind = TEXT;
        bytes = `${data}`;
      }
      if (s.state === CONNECTING) throw wrong("The socket is not open yet", "InvalidStateError");
      if (!s.accepted) throw new TypeError("Call accept() before send()");
      if (s.state === OPEN) out(s, kind, bytes);
    }
    close(code = undefined, reason = undefined) {
      const s = this.#s;
      if (code !== undefined) {
        code = +code & 0xffff;
        if (code !== 1000 && (code < 3000 || code > 4999) && !(s.peer !== null && code > 1000 && code < 1015 && code !== 1004 && code !== 1005 && code !== 1006)) {
          throw wrong("The code must be 1000, or 3000 to 4999", "InvalidAccessError");
        }
      }
      const text = reason === undefined ? "" : `${reason}`;
      if (web.encodeUtf8(text).length > 123) throw wrong("The reason is longer than 123 bytes", "SyntaxError");
      goodbye(s, code ?? (reason === undefined ? undefined : 1000), text);
    }
  }
  constants(WebSocket, { CONNECTING, OPEN, CLOSING, CLOSED });
  eventHandlers(WebSocket.prototype, ["open", "message", "error", "close"]);
  defineGlobal("WebSocket", WebSocket);

  const later = (s, task) => {
    if (s.accepted) web.queueTask(task);
    else s.held[s.held.length] = task;
  };
  const deliver = (s, kind, data) => {
    if (s.state !== OPEN) return;
    if (kind === BINARY) data = s.binaryType === "blob" ? new web.Blob([data]) : data.buffer;
    web.fire(s.self, new MessageEvent("message", { data, origin: s.origin }));
  };
  const tell = (s, kind, data) => later(s, () => deliver(s, kind, data));
  const opened = (s) => later(s, () => {
    if (s.state !== CONNECTING) return;
    s.state = OPEN;
    web.fire(s.self, new Event("open"));
  });
  const over = (s, code, reason, wasClean) => later(s, () => {
    if (s.state === CLOSED) return;
    s.state = CLOSED;
    if (!wasClean) web.fire(s.self, new web.ErrorEvent("error", { message: reason }));
    web.fire(s.self, new CloseEvent("close", { code, reason: wasClean ? reason : "", wasClean }));
  });
  const out = (s, kind, data) => {
    const { line, peer } = s;
    if (line !== null) write(line, kind, data);
    else if (peer !== null) {
      if (kind === BINARY) data = web.bodies.copyBytes(data);
      if (peer.accepted) tell(peer, kind, data);
      else peer.held[peer.held.length] = (away) => away ? out(s, kind, data) : deliver(peer, kind, data);
    }
  };
  const goodbye = (s, code, reason) => {
    if (s.state === CLOSING || s.state === CLOSED) return;
    const { line, peer } = s;
    const early = s.state === CONNECTING;
    s.state = CLOSING;
    if (line !== null && !early) {
      close(line.wire, code, reason);
      flush(line);
      line.closing = web.startTimer(() => lose(line, "The other end did not answer the goodbye"), CLOSE_MS);
    } else if (line !== null) lose(line, "The socket was closed before it was open");
    else if (peer !== null) {
      const part = () => {
        over(peer, code ?? 1005, reason, true);
        over(s, code ?? 1005, reason, true);
      };
      if (peer.accepted) part();
      else {
        s.state = OPEN;
        peer.held[peer.held.length] = (away) => away ? goodbye(s, code, reason) : part();
      }
    }
  };

  // ---- Lines --------------------------------------------------------------------------------

  // `serves`: this end was connected to. Messages that come are told to `socket`.
  const makeLine = (serves, socket) => {
    const line = {
      wire: open(serves), serves, socket, source: null, chunks: [], buffered: 0, waiting: null, ended: false, mute: false, heard: true,
      pinging: undefined, closing: undefined, reader: null,
    };
    line.reader = {
      read() {
        if (line.chunks.length > 0) {
          const { chunks } = line, rest = [];
          for (let i = 1; i < chunks.length; i++) rest[i - 1] = chunks[i];
          line.chunks = rest;
          line.buffered -= chunks[0].length;
          return resolve(chunks[0]);
        }
        if (line.ended) return resolve(undefined);
        line.waiting = deferred();
        return line.waiting.promise;
      },
      // Nobody takes what is sent; what has come before may still be on its way here, and has an end of its own.
      cancel() {
        line.mute = true;
        if (line.source === null) lose(line, LOST);
        return resolve(undefined);
      },
    };
    socket.line = line;
    return line;
  };
  const write = (line, kind, data) => {
    if (kind === TEXT) sendText(line.wire, data);
    else sendBinary(line.wire, data);
    flush(line);
    if (line.buffered > BUFFERED_BYTES_MAX) lose(line, `More than ${BUFFERED_BYTES_MAX} bytes wait for a reader that is too slow`);
  };
  const flush = (line) => {
    const chunk = take(line.wire);
    if (chunk === undefined || line.ended || line.mute) return;
    const { waiting } = line;
    if (waiting !== null) {
      line.waiting = null;
      waiting.resolve(chunk);
      return;
    }
    line.chunks[line.chunks.length] = chunk;
    line.buffered += chunk.length;
  };
  const end = (line) => {
    if (line.ended) return;
    line.ended = true;
    if (line.pinging !== undefined) web.stopTimer(line.pinging);
    if (line.closing !== undefined) web.stopTimer(line.closing);
    if (line.source !== null) line.source.cancel();
    if (line.waiting !== null) line.waiting.resolve(undefined);
  };
  const lose = (line, why) => {
    if (line.ended) return;
    line.chunks = [];
    line.buffered = 0;
    end(line);
    over(line.socket, 1006, why, false);
  };
  // The other end is there: listens to what it sends.
  const listen = (line, source) => {
    line.source = source;
    if (line.ended) {
      source.cancel();
      return;
    }
    watch(line);
    pull(line);
  };
  const watch = (line) => {
    line.pinging = web.startTimer(() => {
      if (line.ended) return;
      if (!line.heard) {
        lose(line, "The other end does not answer");
        return;
      }
      line.heard = false;
      ping(line.wire);
      flush(line);
      watch(line);
    }, PING_MS);
  };
  const pull = (line) => {
    then(line.source.pull(), (chunk) => {
      if (line.ended) return;
      if (chunk === undefined) {
        lose(line, LOST);
        return;
      }
      line.heard = true;
      // What a visitor sends is work anew; what this program asked for is part of its own.
      if (line.serves) web.host.renew();
      const events = feed(line.wire, chunk), { socket } = line;
      flush(line);
      for (let i = 0; i < events.length; i += 2) {
        const kind = events[i], data = events[i + 1];
        if (kind === TEXT || kind === BINARY) tell(socket, kind, data);
        else if (kind === CLOSE) {
          end(line);
          over(socket, data, events[i + 3], true);
          return;
        } else {
          end(line);
          over(socket, 1006, data, false);
          return;
        }
      }
      // After the tasks of what has come: a program is not sent more than it takes.
      later(socket, () => {
        if (!line.ended) pull(line);
      });
    }, () => lose(line, LOST));
  };

  // ---- The client ---------------------------------------------------------------------------

  const protocolsOf = (given) => {
    if (given === undefined) return [];
    const list = [], known = { __proto__: null };
    if (typeof given === "object" && given !== null && given[Symbol.iterator]) for (const item of given) list[list.length] = `${item}`;
    else list[0] = `${given}`;
    for (let i = 0; i < list.length; i++) {
      const name = list[i];
      if (!apply(test, token, [name]) || known[name]) throw wrong(`${name} is not a protocol, or is given twice`, "SyntaxError");
      known[name] = true;
    }
    return list;
  };
  const connect = (s, given, protocols) => {
    let url;
    try {
      url = new web.URL(given);
    } catch {
      throw wrong(`Invalid URL: ${given}`, "SyntaxError");
    }
    const { protocol } = url;
    if (protocol === "http:") url.protocol = "ws:";
    else if (protocol === "https:") url.protocol = "wss:";
    else if (protocol !== "ws:" && protocol !== "wss:") throw wrong(`${protocol} is not ws: or wss:`, "SyntaxError");
    if (url.hash !== "" || url.href[url.href.length - 1] === "#") throw wrong("The URL has a fragment", "SyntaxError");
    const wanted = protocolsOf(protocols);
    s.url = url.href;
    s.origin = url.origin;
    url.protocol = url.protocol === "ws:" ? "http:" : "https:";
    const headers = ["upgrade", "websocket", "connection", "Upgrade"];
    if (wanted.length > 0) {
      let text = wanted[0];
      for (let i = 1; i < wanted.length; i++) text += `, ${wanted[i]}`;
      headers[4] = "sec-websocket-protocol";
      headers[5] = text;
    }
    const line = makeLine(false, s);
    const answered = web.promises.attempt(web.host.fetch, web.host, { method: "GET", url: url.href, headers, body: { reader: line.reader }, redirect: "error" });
    then(answered, (head) => {
      if (head.status !== 101) {
        head.body?.cancel?.();
        lose(line, `The server answered ${head.status} and not with a WebSocket`);
        return;
      }
      s.protocol = web.headers.get(head.headers, "sec-websocket-protocol") ?? "";
      let known = s.protocol === "";
      for (let i = 0; i < wanted.length; i++) if (wanted[i] === s.protocol) known = true;
      if (!known) {
        lose(line, `The server speaks ${s.protocol}, which it was not asked for`);
        return;
      }
      opened(s);
      listen(line, head.body);
    }, (error) => lose(line, `${error?.message ?? error}`));
  };

  // Whether headers ask for a WebSocket.
  web.isUpgrade = (list) => {
    if (!web.headers.has(list, "upgrade")) return false;
    return apply(toLowerCase, web.headers.get(list, "upgrade"), []) === "websocket";
  };
  // fetch() of a request that asks for a WebSocket: the response has it, and it is told nothing before `accept()`.
  web.fetchSocket = (asked) => {
    const s = socketOf(new WebSocket(key, CONNECTING));
    s.accepted = false;
    const line = makeLine(false, s);
    asked.body = { reader: line.reader };
    return then(web.promises.attempt(web.host.fetch, web.host, asked), (head) => {
      if (head.status !== 101) {
        end(line);
        return web.makeResponse(head);
      }
      const { body } = head;
      head.body = null;
      s.state = OPEN;
      s.url = asked.url;
      s.protocol = web.headers.get(head.headers, "sec-websocket-protocol") ?? "";
      listen(line, body);
      return web.makeResponse(head, false, s);
    }, (error) => {
      end(line);
      throw error;
    });
  };

  // ---- Being connected to -------------------------------------------------------------------

  const pair = (state) => {
    const [near, far] = [new WebSocket(key, state), new WebSocket(key, state)];
    const a = socketOf(near), b = socketOf(far);
    a.peer = b;
    b.peer = a;
    a.accepted = b.accepted = false;
    return [a, b];
  };
  class WebSocketPair {
    constructor() {
      const [a, b] = pair(OPEN);
      this[0] = a.self;
      this[1] = b.self;
    }
  }
  defineGlobal("WebSocketPair", WebSocketPair);

  web.upgradeWebSocket = (request, options = undefined) => {
    if (!web.isRequest(request)) throw new TypeError("upgradeWebSocket: not a Request");
    if (!web.isUpgrade(web.headersOf(request))) throw new TypeError("The request does not ask for a WebSocket: its header `upgrade` is not `websocket`");
    const [a, b] = pair(CONNECTING);
    a.accepted = true;
    a.binaryType = "blob";
    b.opens = true;
    const headers = [], { protocol } = options ?? {};
    if (protocol !== undefined && protocol !== "") {
      headers[0] = "sec-websocket-protocol";
      headers[1] = a.protocol = `${protocol}`;
    }
    a.url = request.url;
    return { socket: a.self, response: web.makeUpgrade(b, headers) };
  };
  // A pair whose near end is in the hands of another socket: that of a response to fetch, which is returned as it is.
  const passed = (s) => {
    if (s.accepted) throw new TypeError("The socket was accepted, and cannot go out with a response");
    const [a, b] = pair(OPEN);
    b.out = true;
    const both = [a.self, s.self];
    for (let i = 0; i < 2; i++) {
      const from = both[i], to = socketOf(both[1 - i]);
      socketOf(from).binaryType = "arraybuffer";
      from.addEventListener("message", ({ data }) => {
        if (to.state === OPEN) to.self.send(data);
      });
      from.addEventListener("close", ({ code, reason }) => goodbye(to, code > 1000 && code < 1007 ? 1001 : code, reason));
      from.accept();
    }
    return b;
  };
  // The socket that `new Response(null, { status: 101, webSocket })` is given.
  web.socketToSend = (value) => {
    const s = socketOf(value);
    if (s === null || s.peer === null) throw new TypeError("webSocket is not one of a WebSocketPair");
    if (s.out || s.peer.line !== null) throw new TypeError("The socket went out with a response before");
    s.out = true;
    return s;
  };
  // A response with the socket is on its way: the other one of the pair speaks with the visitor. Gives the body to send.
  web.sendSocket = (s, source) => {
    if (s.peer === null) s = passed(s);
    const near = s.peer, { held } = s;
    s.held = [];
    const line = makeLine(true, near);
    if (s.opens) opened(near);
    for (let i = 0; i < held.length; i++) later(near, () => held[i](true));
    listen(line, source);
    return { reader: line.reader };
  };
}
