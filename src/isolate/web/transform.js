// TransformStream, and the two that transform text.
(native, web) => {
  "use strict";
  const { reject, deferred, then, attempt } = web.promises;
  const { apply } = Reflect;
  const { need, defineGlobal } = web;
  const { strategyOf, markOf, stepsOf, method, none, done } = web.streams;
  const readables = web.streams, writables = web.writables;
  const key = {};

  // `t` is the record of a transform stream and of its controller, which are one.
  const make = (writableMark, writableSize, readableMark, readableSize, transform, flush, cancel, begin) => {
    const t = {
      self: null, controller: null, readable: null, writable: null, backpressure: undefined, change: null,
      transform, flush, cancel, finished: null,
    };
    const begun = deferred();
    t.writable = writables.newStream();
    writables.make(t.writable, () => begun.promise, (chunk) => sinkWrite(t, chunk), () => sinkClose(t), (reason) => sinkAbort(t, reason), writableMark, writableSize);
    t.readable = readables.makeDefault(() => sourcePull(t), (reason) => sourceCancel(t, reason), readableMark, readableSize, begun.promise);
    setBackpressure(t, true);
    begun.resolve(begin ? begin(t) : undefined);
    return t;
  };
  const setBackpressure = (t, backpressure) => {
    if (t.change !== null) t.change.resolve(undefined);
    t.change = deferred();
    t.backpressure = backpressure;
  };
  const clearAlgorithms = (t) => {
    t.transform = t.flush = t.cancel = null;
  };
  const fail = (t, error) => {
    readables.error(t.readable.c, error);
    failWritable(t, error);
  };
  const failWritable = (t, error) => {
    clearAlgorithms(t);
    writables.errorIfNeeded(t.writable.c, error);
    unblock(t);
  };
  const unblock = (t) => {
    if (t.backpressure) setBackpressure(t, false);
  };
  const enqueue = (t, chunk) => {
    const { c } = t.readable;
    if (!readables.open(c)) throw new TypeError("The readable side is not open");
    try {
      readables.enqueue(c, chunk);
    } catch (error) {
      failWritable(t, error);
      throw t.readable.error;
    }
    const backpressure = !readables.wanted(c);
    if (backpressure !== t.backpressure) setBackpressure(t, true);
  };
  const terminate = (t) => {
    readables.close(t.readable.c);
    failWritable(t, new TypeError("The stream was terminated"));
  };
  const perform = (t, chunk) => then(t.transform(chunk), undefined, (error) => {
    fail(t, error);
    throw error;
  });
  const sinkWrite = (t, chunk) => {
    if (!t.backpressure) return perform(t, chunk);
    return then(t.change.promise, () => {
      const { state, error } = t.writable;
      if (state === writables.ERRORING) throw error;
      return perform(t, chunk);
    });
  };
  const sinkAbort = (t, reason) => {
    if (t.finished !== null) return t.finished.promise;
    const { readable } = t;
    const finished = t.finished = deferred();
    const result = t.cancel(reason);
    clearAlgorithms(t);
    then(result, () => {
      if (readable.state === readables.ERRORED) finished.reject(readable.error);
      else {
        readables.error(readable.c, reason);
        finished.resolve(undefined);
      }
    }, (error) => {
      readables.error(readable.c, error);
      finished.reject(error);
    });
    return finished.promise;
  };
  const sinkClose = (t) => {
    if (t.finished !== null) return t.finished.promise;
    const { readable } = t;
    const finished = t.finished = deferred();
    const result = t.flush();
    clearAlgorithms(t);
    then(result, () => {
      if (readable.state === readables.ERRORED) finished.reject(readable.error);
      else {
        readables.close(readable.c);
        finished.resolve(undefined);
      }
    }, (error) => {
      readables.error(readable.c, error);
      finished.reject(error);
    });
    return finished.promise;
  };
  const sourcePull = (t) => {
    setBackpressure(t, false);
    return t.change.promise;
  };
  const sourceCancel = (t, reason) => {
    if (t.finished !== null) return t.finished.promise;
    const { writable } = t;
    const finished = t.finished = deferred();
    const result = t.cancel(reason);
    clearAlgorithms(t);
    const settle = (failed, error) => {
      writables.errorIfNeeded(writable.c, failed ? error : reason);
      unblock(t);
      if (failed) finished.reject(error);
      else finished.resolve(undefined);
    };
    then(result, () => {
      if (writable.state === 2) finished.reject(writable.error);
      else settle(false);
    }, (error) => settle(true, error));
    return finished.promise;
  };

  const publicController = (t) => t.controller ??= new TransformStreamDefaultController(key, t);
  class TransformStream {
    #s;
    constructor(transformer = undefined, writableStrategy = undefined, readableStrategy = undefined) {
      if (transformer === key) {
        this.#s = writableStrategy;
        return;
      }
      if (transformer !== undefined && (typeof transformer !== "object" || transformer === null) && typeof transformer !== "function") throw new TypeError("transformer is not an object");
      const writable = strategyOf(writableStrategy, 1), readable = strategyOf(readableStrategy, 0);
      const steps = transformer === undefined ? none : stepsOf(transformer, ["cancel", "flush", "readableType", "start", "transform", "writableType"]);
      if (steps.readableType !== undefined) throw new RangeError("readableType must be undefined");
      if (steps.writableType !== undefined) throw new RangeError("writableType must be undefined");
      const readableMark = markOf(readable), writableMark = markOf(writable);
      const transform = method(steps, "transform", transformer, 2), flush = method(steps, "flush", transformer, 1);
      this.#s = make(
        writableMark, writable.size ?? null, readableMark, readable.size,
        (chunk) => {
          const t = this.#s;
          if (transform) return transform(chunk, publicController(t));
          try {
            enqueue(t, chunk);
            return done();
          } catch (error) {
            return reject(error);
          }
        },
        flush ? () => flush(publicController(this.#s)) : done,
        method(steps, "cancel", transformer, 1) ?? done,
        (t) => steps.start ? apply(steps.start, transformer, [publicController(t)]) : undefined,
      );
    }
    get readable() {
      return readables.publicStream(this.#s.readable);
    }
    get writable() {
      return writables.publicStream(this.#s.writable);
    }
  }
  defineGlobal("TransformStream", TransformStream);

  class TransformStreamDefaultController {
    #s;
    constructor() {
      if (arguments[0] !== key) throw web.illegal();
      this.#s = arguments[1];
    }
    get desiredSize() {
      return readables.desiredSize(this.#s.readable.c);
    }
    enqueue(chunk = undefined) {
      enqueue(this.#s, chunk);
    }
    error(reason = undefined) {
      fail(this.#s, reason);
    }
    terminate() {
      terminate(this.#s);
    }
  }
  defineGlobal("TransformStreamDefaultController", TransformStreamDefaultController);

  // `transform(chunk, put)` and `flush(put)` may throw; `put` enqueues.
  const ofFunctions = (transform, flush) => {
    const put = (chunk) => enqueue(t, chunk);
    const t = make(1, null, 0, undefined, (chunk) => attempt(transform, undefined, chunk, put), () => attempt(flush, undefined, put), done, null);
    return t;
  };
  web.transform = (transform, flush) => {
    const t = ofFunctions(transform, flush);
    return { readable: readables.publicStream(t.readable), writable: writables.publicStream(t.writable) };
  };

  class TextEncoderStream {
    #s;
    constructor() {
      let high = ""; // A leading surrogate that waits for its other half.
      this.#s = ofFunctions((chunk, put) => {
        let text = high + `${chunk}`;
        high = "";
        const { length } = text;
        if (length > 0) {
          const last = apply(charCodeAt, text, [length - 1]);
          if (last >= 0xd800 && last < 0xdc00) {
            high = text[length - 1];
            text = apply(slice, text, [0, length - 1]);
          }
        }
        if (text !== "") put(web.encodeUtf8(text));
      }, (put) => {
        if (high !== "") put(web.encodeUtf8("\ufffd"));
      });
    }
    get encoding() {
      this.#s;
      return "utf-8";
    }
    get readable() {
      return readables.publicStream(this.#s.readable);
    }
    get writable() {
      return writables.publicStream(this.#s.writable);
    }
  }
  const { charCodeAt, slice } = String.prototype;
  defineGlobal("TextEncoderStream", TextEncoderStream);

  const bufferSource = (value) => {
    if (!web.bodies.isBinary(value)) throw new TypeError("A chunk is not a BufferSource");
    return value;
  };
  class TextDecoderStream {
    #s;
    #decoder;
    constructor(label = "utf-8", options = undefined) {
      const decoder = this.#decoder = new web.TextDecoder(label, web.dictionary(options, "options"));
      const decode = decoder.decode, streaming = { stream: true };
      this.#s = ofFunctions((chunk, put) => {
        const text = apply(decode, decoder, [bufferSource(chunk), streaming]);
        if (text !== "") put(text);
      }, (put) => {
        const text = apply(decode, decoder, []);
        if (text !== "") put(text);
      });
    }
    get encoding() {
      return this.#decoder.encoding;
    }
    get fatal() {
      return this.#decoder.fatal;
    }
    get ignoreBOM() {
      return this.#decoder.ignoreBOM;
    }
    get readable() {
      return readables.publicStream(this.#s.readable);
    }
    get writable() {
      return writables.publicStream(this.#s.writable);
    }
  }
  defineGlobal("TextDecoderStream", TextDecoderStream);
}
