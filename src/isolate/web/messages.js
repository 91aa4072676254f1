// MessageChannel and MessagePort: structured clones, delivered as tasks of their own.
(native, web) => {
  "use strict";
  const { need } = web;
  const { EventTarget, MessageEvent } = globalThis;
  const key = {};
  let portOf, isPort;

  class MessagePort extends EventTarget {
    #s;
    constructor() {
      if (arguments[0] !== key) throw web.illegal();
      super();
      this.#s = { self: this, peer: null, queue: [], started: false, closed: false, detached: false, scheduled: false };
    }
    static {
      portOf = (port) => port.#s;
      isPort = (value) => typeof value === "object" && value !== null && #s in value;
    }
    postMessage(message, options = undefined) {
      const port = this.#s;
      need(arguments.length, 1, "postMessage");
      post(port, message, options);
    }
    start() {
      start(this.#s);
    }
    close() {
      const port = this.#s;
      if (port.closed) return;
      port.closed = true;
      const { peer } = port;
      if (peer !== null && !peer.closed) {
        peer.closed = true;
        web.queueTask(() => web.fire(peer.self, new globalThis.Event("close")));
      }
    }
  }
  web.eventHandlers(MessagePort.prototype, ["message"], (port) => start(portOf(port)));
  web.eventHandlers(MessagePort.prototype, ["messageerror", "close"]);
  web.defineGlobal("MessagePort", MessagePort);

  // `options` is a list of what is transferred, or `{ transfer }`.
  const transferOf = (options) => {
    if (options === undefined || options === null) return [];
    if (typeof options !== "object" && typeof options !== "function") throw new TypeError("options is not an object");
    const given = typeof options[Symbol.iterator] === "function" ? options : options.transfer;
    const list = [];
    if (given !== undefined) for (const item of given) list[list.length] = item;
    return list;
  };
  const cloneError = (text) => new web.DOMException(text, "DataCloneError");
  // Whether a port is to be transferred with a message; asked before anything is.
  web.isTransferredPort = (value) => {
    if (!isPort(value)) return false;
    if (portOf(value).detached) throw cloneError("The port was transferred already");
    return true;
  };
  web.movePort = (value) => move(portOf(value));
  const post = (port, message, options) => {
    const list = transferOf(options);
    for (let i = 0; i < list.length; i++) {
      if (list[i] === port.self) throw cloneError("A port cannot be transferred through itself");
    }
    const [data, ports] = list.length > 0 ? web.transfer(message, list) : [web.clone(message), []];
    const { peer } = port;
    if (port.detached || peer === null || peer.closed) return;
    peer.queue[peer.queue.length] = { data, ports };
    if (peer.started) schedule(peer);
  };
  // A transferred port is a new object in the place of the old one.
  const move = (old) => {
    const port = new MessagePort(key), s = portOf(port);
    s.peer = old.peer;
    s.queue = old.queue;
    s.closed = old.closed;
    if (s.peer !== null) s.peer.peer = s;
    old.detached = old.closed = true;
    old.peer = null;
    old.queue = [];
    return port;
  };
  const start = (port) => {
    if (port.started) return;
    port.started = true;
    if (port.queue.length > 0) schedule(port);
  };
  // One task a message.
  const schedule = (port) => {
    if (port.scheduled) return;
    port.scheduled = true;
    web.queueTask(() => {
      port.scheduled = false;
      const { queue } = port;
      if (queue.length === 0) return;
      const { data, ports } = queue[0];
      const rest = [];
      for (let i = 1; i < queue.length; i++) rest[i - 1] = queue[i];
      port.queue = rest;
      if (rest.length > 0) schedule(port);
      web.fire(port.self, new MessageEvent("message", { data, ports }));
    });
  };

  class MessageChannel {
    #first = new MessagePort(key);
    #second = new MessagePort(key);
    constructor() {
      const first = portOf(this.#first), second = portOf(this.#second);
      first.peer = second;
      second.peer = first;
    }
    get port1() {
      return this.#first;
    }
    get port2() {
      return this.#second;
    }
  }
  web.defineGlobal("MessageChannel", MessageChannel);
  web.isMessagePort = isPort;

  // BroadcastChannel: among those of one isolate, in the order in which they were made.
  const named = { __proto__: null };
  class BroadcastChannel extends EventTarget {
    #c;
    constructor(name) {
      need(arguments.length, 1, "BroadcastChannel");
      super();
      const c = this.#c = { self: this, name: `${name}`, closed: false };
      named[c.name] = [...named[c.name] ?? [], c];
    }
    get name() {
      return this.#c.name;
    }
    postMessage(message) {
      const c = this.#c;
      need(arguments.length, 1, "postMessage");
      if (c.closed) throw new web.DOMException("The channel is closed", "InvalidStateError");
      const all = named[c.name];
      // What cannot be cloned is an error even where nobody listens.
      if (all.length === 1) web.clone(message);
      for (let i = 0; i < all.length; i++) {
        const to = all[i];
        if (to === c) continue;
        const data = web.clone(message);
        web.queueTask(() => {
          if (!to.closed) web.fire(to.self, new MessageEvent("message", { data }));
        });
      }
    }
    close() {
      const c = this.#c, left = [];
      if (c.closed) return;
      c.closed = true;
      const all = named[c.name];
      for (let i = 0; i < all.length; i++) if (all[i] !== c) left[left.length] = all[i];
      if (left.length > 0) named[c.name] = left;
      else delete named[c.name];
    }
  }
  web.eventHandlers(BroadcastChannel.prototype, ["message", "messageerror"]);
  web.defineGlobal("BroadcastChannel", BroadcastChannel);
}
