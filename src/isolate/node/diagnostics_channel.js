// node:diagnostics_channel.
(native, web, require) => {
  "use strict";
  const { needFunction } = require("internal/errors");
  const channels = new Map();
  class Channel {
    #subscribers = [];
    constructor(name) {
      this.name = name;
    }
    get hasSubscribers() {
      return this.#subscribers.length > 0;
    }
    subscribe(listener) {
      needFunction(listener, "subscription");
      this.#subscribers = [...this.#subscribers, listener];
    }
    unsubscribe(listener) {
      const kept = this.#subscribers.filter((one) => one !== listener);
      const found = kept.length < this.#subscribers.length;
      this.#subscribers = kept;
      return found;
    }
    publish(message) {
      for (const listener of this.#subscribers) {
        try {
          listener(message, this.name);
        } catch (error) {
          web.reportException(error);
        }
      }
    }
    bindStore() {}
    unbindStore() {
      return false;
    }
    runStores(message, callback, self, ...args) {
      this.publish(message);
      return Reflect.apply(callback, self, args);
    }
  }
  const channel = (name) => {
    if (!channels.has(name)) channels.set(name, new Channel(name));
    return channels.get(name);
  };
  const EVENTS = ["start", "end", "asyncStart", "asyncEnd", "error"];
  const failed = (tracing, context, error) => {
    context.error = error;
    tracing.error.publish(context);
    return error;
  };
  class TracingChannel {
    constructor(name) {
      for (const event of EVENTS) this[event] = typeof name === "string" ? channel(`tracing:${name}:${event}`) : name[event];
    }
    get hasSubscribers() {
      return EVENTS.some((event) => this[event].hasSubscribers);
    }
    subscribe(handlers) {
      for (const event of EVENTS) if (handlers[event]) this[event].subscribe(handlers[event]);
    }
    unsubscribe(handlers) {
      return EVENTS.every((event) => !handlers[event] || this[event].unsubscribe(handlers[event]));
    }
    traceSync(callback, context = {}, self, ...args) {
      this.start.publish(context);
      try {
        context.result = Reflect.apply(callback, self, args);
        return context.result;
      } catch (error) {
        throw failed(this, context, error);
      } finally {
        this.end.publish(context);
      }
    }
    async tracePromise(callback, context = {}, self, ...args) {
      this.start.publish(context);
      try {
        const promise = Reflect.apply(callback, self, args);
        this.end.publish(context);
        context.result = await promise;
        return context.result;
      } catch (error) {
        throw failed(this, context, error);
      } finally {
        this.asyncStart.publish(context);
        this.asyncEnd.publish(context);
      }
    }
  }
  return {
    Channel, channel, tracingChannel: (name) => new TracingChannel(name), hasSubscribers: (name) => channels.get(name)?.hasSubscribers ?? false,
    subscribe: (name, listener) => channel(name).subscribe(listener), unsubscribe: (name, listener) => channel(name).unsubscribe(listener),
  };
}
