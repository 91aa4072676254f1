// node:stream: Readable, Writable, Duplex, Transform, pipeline, finished, and the bridges to the streams of the web.
(native, web, require) => {
  "use strict";
  const EventEmitter = require("events");
  const { Buffer } = require("buffer");
  const { nextTick } = require("internal/process");
  const { fail, wrongType, needFunction, aborted } = require("internal/errors");
  const { defineProperties, defineProperty } = Object;
  const BYTES_AHEAD = 65536;
  const OBJECTS_AHEAD = 16;
  let aheadBytes = BYTES_AHEAD;
  let aheadObjects = OBJECTS_AHEAD;

  // Old libraries call the constructors on objects of their own, so these are functions.
  function Stream(options) {
    EventEmitter.call(this, options);
  }
  const extend = (type, above, methods) => {
    Object.setPrototypeOf(type.prototype, above.prototype);
    Object.setPrototypeOf(type, above);
    for (const name of Reflect.ownKeys(methods)) {
      defineProperty(type.prototype, name, { ...Object.getOwnPropertyDescriptor(methods, name), enumerable: false });
    }
  };
  extend(Stream, EventEmitter, {
    // Of what is neither of the classes below.
    pipe(target) {
      this.on("data", (chunk) => {
        if (target.writable && target.write(chunk) === false) this.pause?.();
      });
      target.on("drain", () => this.resume?.());
      this.on("end", () => target.end());
      target.emit("pipe", this);
      return target;
    },
  });

  const highWaterMark = (options, prefix, objects) => {
    const given = options?.[`${prefix}HighWaterMark`] ?? options?.highWaterMark;
    if (given === undefined || given === null) return objects ? aheadObjects : aheadBytes;
    if (!(Number.isInteger(given) && given >= 0)) throw fail(TypeError, "ERR_INVALID_ARG_VALUE", `The property 'options.highWaterMark' is invalid. Received ${String(given)}`);
    return given;
  };
  const closed = (side) => side === undefined || side.ended || side.finished;
  // Ends a stream: an error is told, then `close`.
  const destruction = {
    destroy(error, done) {
      const [r, w] = [this._readableState, this._writableState];
      if (this.destroyed) {
        done?.(error);
        return this;
      }
      this._destroyed = true;
      if (error) {
        this._errored = error;
        if (r) r.errored = error;
        if (w) w.errored = error;
      }
      let called = false;
      const finish = (failure) => {
        if (called) return;
        called = true;
        const reason = failure || error || null;
        if (failure) this._errored ??= failure;
        if (w) failPending(this, w, reason);
        nextTick(() => {
          if (reason && !this._errorEmitted) {
            this._errorEmitted = true;
            this.emit("error", reason);
          }
          this._closed = true;
          if (this._emitClose !== false) this.emit("close");
        });
        done?.(reason);
      };
      try {
        const result = this._destroy(error || null, finish);
        if (typeof result?.then === "function") result.then(() => finish(), finish);
      } catch (failure) {
        finish(failure);
      }
      return this;
    },
    _destroy(error, done) {
      done(error);
    },
    [Symbol.asyncDispose]() {
      const over = new Promise((resolve, reject) => finished(this, (error) => (error && error.name !== "AbortError" ? reject(error) : resolve())));
      if (!this.destroyed) this.destroy(this._readableState?.endEmitted || this._writableState?.finished ? undefined : aborted());
      return over;
    },
  };
  const stateOf = {
    destroyed: { get() { return this._destroyed === true; }, set(value) { this._destroyed = value; }, configurable: true },
    closed: { get() { return this._closed === true; }, configurable: true },
    errored: { get() { return this._errored ?? null; }, configurable: true },
  };
  const take = (stream, options, names) => {
    if (options === undefined || options === null) return;
    for (const name of names) if (typeof options[name] === "function") stream[`_${name}`] = options[name];
    if (options.emitClose === false) stream._emitClose = false;
    if (options.signal) addAbortSignal(options.signal, stream);
  };

  // ---- Readable ----------------------------------------------------------------------------------
  function initReadable(stream, options, duplex) {
    const objectMode = !!(options?.objectMode || (duplex && options?.readableObjectMode));
    stream._readableState = {
      objectMode, highWaterMark: highWaterMark(options, "readable", objectMode), buffer: [], length: 0, flowing: null, ended: false,
      endEmitted: false, reading: false, sync: true, needReadable: false, emittedReadable: false, readableListening: false, resumeScheduled: false,
      pipes: [], encoding: null, decoder: null, errored: null, autoDestroy: options?.autoDestroy !== false, constructed: true, pausedByPipe: new Set(),
      defaultEncoding: options?.defaultEncoding ?? "utf8", dataEmitted: false,
    };
    if (options?.encoding) setEncoding(stream._readableState, options.encoding);
  }
  const setEncoding = (state, encoding) => {
    state.decoder = new (require("string_decoder").StringDecoder)(encoding);
    state.encoding = state.decoder.encoding;
  };
  function Readable(options) {
    if (!(this instanceof Readable)) return new Readable(options);
    Stream.call(this, options);
    initReadable(this, options, this instanceof Duplex);
    take(this, options, ["read", "destroy"]);
    construct(this, options);
  }
  function construct(stream, options) {
    const start = typeof options?.construct === "function" ? options.construct : stream._construct;
    if (typeof start !== "function") return;
    const sides = [stream._readableState, stream._writableState].filter(Boolean);
    for (const side of sides) side.constructed = false;
    nextTick(() => {
      start.call(stream, (error) => {
        for (const side of sides) side.constructed = true;
        if (error) return stream.destroy(error);
        if (stream._writableState) flushWrites(stream);
        if (stream._readableState) maybeRead(stream);
      });
    });
  }
  const size = (state, chunk) => (state.objectMode ? 1 : chunk.length);
  function chunkOf(state, chunk, encoding) {
    if (state.objectMode) return chunk;
    if (typeof chunk === "string") {
      encoding ||= state.defaultEncoding;
      return state.decoder && state.encoding === encoding ? chunk : Buffer.from(chunk, encoding);
    }
    if (chunk instanceof Uint8Array) return chunk instanceof Buffer ? chunk : Buffer.from(chunk.buffer, chunk.byteOffset, chunk.byteLength);
    if (ArrayBuffer.isView(chunk)) return Buffer.from(chunk.buffer, chunk.byteOffset, chunk.byteLength);
    throw wrongType("chunk", "of type string or an instance of Buffer, TypedArray, or DataView", chunk);
  }
  function addChunk(stream, state, chunk, first) {
    if (state.flowing && state.length === 0 && !state.sync && !first && stream.listenerCount("data") > 0) {
      state.dataEmitted = true;
      stream.emit("data", chunk);
    } else {
      state.length += size(state, chunk);
      if (first) state.buffer.unshift(chunk);
      else state.buffer.push(chunk);
      if (state.needReadable) emitReadable(stream);
      else if (state.flowing) scheduleFlow(stream);
    }
  }
  function emitReadable(stream) {
    const state = stream._readableState;
    state.needReadable = false;
    if (state.emittedReadable) return;
    state.emittedReadable = true;
    nextTick(() => {
      if (!stream.destroyed && !state.errored && (state.length > 0 || state.ended)) {
        stream.emit("readable");
        state.emittedReadable = false;
      }
      state.needReadable = !state.flowing && !state.ended && state.length <= state.highWaterMark;
      flow(stream);
    });
  }
  function scheduleFlow(stream) {
    const state = stream._readableState;
    if (state.resumeScheduled) return;
    state.resumeScheduled = true;
    nextTick(() => {
      if (!state.resumeScheduled) return;
      state.resumeScheduled = false;
      if (state.flowing && !state.reading) stream.read(0);
      flow(stream);
    });
  }
  function flow(stream) {
    const state = stream._readableState;
    while (state.flowing && stream.read() !== null);
  }
  function maybeRead(stream) {
    const state = stream._readableState;
    if (state.readingMore || !state.constructed) return;
    state.readingMore = true;
    nextTick(() => {
      state.readingMore = false;
      while (!state.reading && !state.ended && !stream.destroyed && (state.length < state.highWaterMark || (state.flowing && state.length === 0))) {
        const before = state.length;
        stream.read(0);
        if (before === state.length) break;
      }
    });
  }
  function endReadable(stream) {
    const state = stream._readableState;
    if (state.endEmitted || state.endScheduled) return;
    state.endScheduled = true;
    state.ended = true;
    nextTick(() => {
      if (state.errored || stream._closed || state.endEmitted || state.length > 0) return;
      state.endEmitted = true;
      stream.emit("end");
      const w = stream._writableState;
      if (stream.writable && stream.allowHalfOpen === false) nextTick(() => !stream.destroyed && stream.end());
      else if (state.autoDestroy && (w === undefined || (w.autoDestroy && (w.finished || stream._writableOff)))) stream.destroy();
    });
  }
  // `count` units off the buffer; all of it when nothing is said, a chunk at a time for objects.
  function shift(state, count) {
    let taken;
    if (state.objectMode) taken = state.buffer.shift();
    else if (count >= state.length) {
      taken = state.decoder ? state.buffer.join("") : state.buffer.length === 1 ? state.buffer[0] : Buffer.concat(state.buffer, state.length);
      state.buffer = [];
    } else {
      const parts = [];
      let left = count;
      while (left > 0) {
        const chunk = state.buffer[0];
        if (chunk.length <= left) {
          parts.push(state.buffer.shift());
          left -= chunk.length;
        } else {
          parts.push(chunk.slice(0, left));
          state.buffer[0] = chunk.slice(left);
          left = 0;
        }
      }
      taken = state.decoder ? parts.join("") : parts.length === 1 ? parts[0] : Buffer.concat(parts);
    }
    state.length -= state.objectMode ? 1 : taken.length;
    return taken;
  }
  extend(Readable, Stream, {
    ...destruction,
    _read() {
      throw fail(Error, "ERR_METHOD_NOT_IMPLEMENTED", "The _read() method is not implemented");
    },
    push(chunk, encoding) {
      return readableAdd(this, chunk, encoding, false);
    },
    unshift(chunk, encoding) {
      return readableAdd(this, chunk, encoding, true);
    },
    read(count) {
      const state = this._readableState;
      if (count !== undefined) count = Math.trunc(+count);
      if (count !== 0) state.emittedReadable = false;
      if (count === 0 && state.needReadable && (state.length >= Math.max(state.highWaterMark, 1) || state.ended)) {
        if (state.length === 0 && state.ended) endReadable(this);
        else emitReadable(this);
        return null;
      }
      if (count > state.highWaterMark && !state.objectMode) state.highWaterMark = Math.min(count, 0x40000000);
      const available = () => {
        if (state.length === 0 && state.ended) return 0;
        if (state.objectMode) return count === 0 ? 0 : 1;
        if (count === undefined || Number.isNaN(count)) return state.flowing && state.length > 0 ? state.buffer[0].length : state.length;
        return count <= state.length ? count : state.ended ? state.length : 0;
      };
      let wanted = available();
      if (wanted === 0 && state.ended) {
        if (state.length === 0) endReadable(this);
        return null;
      }
      const low = state.length === 0 || state.length - wanted < state.highWaterMark || state.needReadable;
      if (low && !state.ended && !state.reading && !this.destroyed && !state.errored && state.constructed) {
        state.reading = true;
        state.sync = true;
        if (state.length === 0) state.needReadable = true;
        try {
          this._read(state.highWaterMark);
        } catch (error) {
          this.destroy(error);
        }
        state.sync = false;
        if (!state.reading) wanted = available();
      }
      let chunk = null;
      if (wanted > 0 && state.length > 0 && (count === undefined || Number.isNaN(count) || state.objectMode || wanted === count || state.ended)) chunk = shift(state, wanted);
      if (chunk === null) {
        state.needReadable = state.length <= state.highWaterMark;
        wanted = 0;
      }
      if (state.length === 0) {
        if (!state.ended) state.needReadable = true;
        else if (count !== 0 && wanted > 0) endReadable(this);
      }
      if (chunk !== null && !state.errored && !this._errored) {
        state.dataEmitted = true;
        this.emit("data", chunk);
      }
      return chunk;
    },
    on(type, listener) {
      Stream.prototype.on.call(this, type, listener);
      const state = this._readableState;
      if (type === "data") {
        state.readableListening = this.listenerCount("readable") > 0;
        if (state.flowing !== false) this.resume();
      } else if (type === "readable" && !state.endEmitted && !state.readableListening) {
        state.readableListening = state.needReadable = true;
        state.flowing = false;
        state.emittedReadable = false;
        if (state.length > 0) emitReadable(this);
        else if (!state.reading) nextTick(() => this.read(0));
      }
      return this;
    },
    addListener(type, listener) {
      return this.on(type, listener);
    },
    removeListener(type, listener) {
      Stream.prototype.removeListener.call(this, type, listener);
      if (type === "readable") nextTick(() => readableGone(this));
      return this;
    },
    off(type, listener) {
      return this.removeListener(type, listener);
    },
    removeAllListeners(type) {
      Stream.prototype.removeAllListeners.call(this, type);
      if (type === "readable" || type === undefined) nextTick(() => readableGone(this));
      return this;
    },
    resume() {
      const state = this._readableState;
      if (!state.flowing) {
        state.flowing = !state.readableListening;
        nextTick(() => {
          if (state.flowing === false && !state.readableListening) return;
          if (!state.reading) this.read(0);
          this.emit("resume");
          flow(this);
          if (state.flowing && !state.reading) this.read(0);
        });
      }
      state.paused = false;
      return this;
    },
    pause() {
      const state = this._readableState;
      if (state.flowing !== false) {
        state.flowing = false;
        this.emit("pause");
      }
      state.paused = true;
      return this;
    },
    isPaused() {
      return this._readableState.paused === true || this._readableState.flowing === false;
    },
    setEncoding(encoding) {
      const state = this._readableState;
      setEncoding(state, encoding);
      const text = state.buffer.map((chunk) => state.decoder.write(chunk)).join("");
      state.buffer = text === "" ? [] : [text];
      state.length = text.length;
      return this;
    },
    pipe(target, options) {
      const state = this._readableState;
      const source = this;
      state.pipes.push(target);
      const ends = options?.end !== false && target !== globalThis.process.stdout && target !== globalThis.process.stderr;
      const stop = () => source.unpipe(target);
      const end = () => target.end();
      const data = (chunk) => {
        if (target.write(chunk) !== false) return;
        state.pausedByPipe.add(target);
        source.pause();
      };
      const drain = () => {
        if (state.pausedByPipe.delete(target) && state.pausedByPipe.size === 0 && source.listenerCount("data") > 0) source.resume();
      };
      const failed = (error) => {
        stop();
        if (target.listenerCount("error") === 0) {
          if (target._writableState) target.destroy(error);
          else target.emit("error", error);
        }
      };
      const gone = (from) => {
        if (from !== source) return;
        source.removeListener("data", data);
        source.removeListener("end", ends ? end : stop);
        for (const [type, listener] of [["drain", drain], ["error", failed], ["close", stop], ["finish", stop], ["unpipe", gone]]) target.removeListener(type, listener);
        drain();
      };
      if (state.endEmitted) nextTick(ends ? end : stop);
      else source.once("end", ends ? end : stop);
      target.on("unpipe", gone);
      target.on("drain", drain);
      target.prependListener("error", failed);
      target.once("close", stop);
      target.once("finish", stop);
      source.on("data", data);
      target.emit("pipe", source);
      if (target.writableNeedDrain) {
        state.pausedByPipe.add(target);
        source.pause();
      } else if (!state.flowing) source.resume();
      return target;
    },
    unpipe(target) {
      const { pipes } = this._readableState;
      const leaving = target === undefined ? pipes.splice(0) : pipes.includes(target) ? pipes.splice(pipes.indexOf(target), 1) : [];
      if (leaving.length > 0 && pipes.length === 0) this.pause();
      for (const one of leaving) one.emit("unpipe", this, { hasUnpiped: false });
      return this;
    },
    wrap(old) {
      old.on("data", (chunk) => {
        if (!this.push(chunk) && old.pause) old.pause();
      });
      old.on("end", () => this.push(null));
      old.on("error", (error) => this.destroy(error));
      old.on("close", () => !this.destroyed && this.destroy());
      this._read = () => old.resume?.();
      return this;
    },
    iterator(options) {
      return iterate(this, options);
    },
    [Symbol.asyncIterator]() {
      return iterate(this);
    },
    ...operators(),
  });
  function readableGone(stream) {
    const state = stream._readableState;
    state.readableListening = stream.listenerCount("readable") > 0;
    if (state.resumeScheduled && !state.paused) state.flowing = true;
    else if (stream.listenerCount("data") > 0) stream.resume();
    else if (!state.readableListening) state.flowing = null;
  }
  function readableAdd(stream, chunk, encoding, first) {
    const state = stream._readableState;
    if (!first) state.reading = false;
    if (chunk === null) {
      if (state.ended) return false;
      state.ended = true;
      const rest = state.decoder?.end();
      if (rest) {
        state.buffer.push(rest);
        state.length += rest.length;
      }
      if (state.sync) emitReadable(stream);
      else {
        state.needReadable = false;
        if (!stream.destroyed && !state.errored) stream.emit("readable");
        flow(stream);
      }
      return false;
    }
    try {
      chunk = chunkOf(state, chunk, encoding);
    } catch (error) {
      stream.destroy(error);
      return false;
    }
    if (!state.objectMode && chunk.length === 0) {
      maybeRead(stream);
    } else if (state.ended && !first) {
      stream.destroy(fail(Error, "ERR_STREAM_PUSH_AFTER_EOF", "stream.push() after EOF"));
      return false;
    } else if (first && state.endEmitted) {
      stream.destroy(fail(Error, "ERR_STREAM_UNSHIFT_AFTER_END_EVENT", "stream.unshift() after end event"));
      return false;
    } else if (stream.destroyed || state.errored) {
      return false;
    } else {
      if (state.decoder && typeof chunk !== "string") chunk = state.decoder.write(chunk);
      if (state.objectMode || chunk.length > 0) addChunk(stream, state, chunk, first);
      maybeRead(stream);
    }
    return !state.ended && (state.length < state.highWaterMark || state.length === 0);
  }
  async function* iterate(stream, options) {
    let wake;
    let failure;
    let over = false;
    const next = () => wake?.();
    stream.on("readable", next);
    const cleanup = finished(stream, { writable: false }, (error) => {
      failure = error;
      over = true;
      next();
    });
    let ended = false;
    try {
      for (;;) {
        const chunk = stream.destroyed ? null : stream.read();
        if (chunk !== null) yield chunk;
        else if (failure) throw failure;
        else if (over) {
          ended = true;
          return;
        } else {
          await new Promise((resolve) => {
            wake = resolve;
            if (over) resolve();
          });
          wake = undefined;
        }
      }
    } catch (error) {
      failure = error;
      throw error;
    } finally {
      stream.removeListener("readable", next);
      cleanup();
      if ((failure || options?.destroyOnReturn !== false) && (failure === undefined || stream._readableState.autoDestroy)) {
        if (!stream.destroyed && (!ended || stream._readableState.autoDestroy)) stream.destroy(failure);
      }
    }
  }
  // The helpers of Readable, over its iterator.
  function operators() {
    const from = (make) => function (callback, options) {
      if (callback !== undefined && typeof callback !== "number") needFunction(callback, "fn");
      return Readable.from(make(this, callback, options));
    };
    const asking = (make) => async function (callback, ...rest) {
      return make(this, callback, ...rest);
    };
    return {
      map: from(async function* (stream, callback) {
        for await (const item of stream) yield await callback(item, {});
      }),
      filter: from(async function* (stream, callback) {
        for await (const item of stream) if (await callback(item, {})) yield item;
      }),
      flatMap: from(async function* (stream, callback) {
        for await (const item of stream) yield* await callback(item, {});
      }),
      take: from(async function* (stream, count) {
        if (count > 0) for await (const item of stream) {
          yield item;
          if (--count <= 0) return;
        }
      }),
      drop: from(async function* (stream, count) {
        for await (const item of stream) if (count-- <= 0) yield item;
      }),
      toArray: asking(async (stream) => {
        const items = [];
        for await (const item of stream) items.push(item);
        return items;
      }),
      forEach: asking(async (stream, callback) => {
        for await (const item of stream) await callback(item, {});
      }),
      some: asking(async (stream, callback) => {
        for await (const item of stream) if (await callback(item, {})) return true;
        return false;
      }),
      every: asking(async (stream, callback) => {
        for await (const item of stream) if (!(await callback(item, {}))) return false;
        return true;
      }),
      find: asking(async (stream, callback) => {
        for await (const item of stream) if (await callback(item, {})) return item;
        return undefined;
      }),
      async reduce(callback, ...initial) {
        let result = initial[0];
        let started = initial.length > 0;
        for await (const item of this) {
          result = started ? await callback(result, item, {}) : item;
          started = true;
        }
        if (!started) throw new TypeError("Reduce of an empty stream requires an initial value");
        return result;
      },
    };
  }
  const readableGetters = {
    readable: { get() { const s = this._readableState; return !!s && this._readableOff !== true && !this.destroyed && !s.errored && !s.endEmitted; }, set(on) { this._readableOff = !on; }, configurable: true },
    readableFlowing: { get() { return this._readableState.flowing; }, set(value) { this._readableState.flowing = value; }, configurable: true },
    readableLength: { get() { return this._readableState.length; }, configurable: true },
    readableHighWaterMark: { get() { return this._readableState.highWaterMark; }, configurable: true },
    readableObjectMode: { get() { return this._readableState?.objectMode === true; }, configurable: true },
    readableEncoding: { get() { return this._readableState?.encoding ?? null; }, configurable: true },
    readableEnded: { get() { return this._readableState?.endEmitted === true; }, configurable: true },
    readableAborted: { get() { return (this.destroyed || this.errored !== null) && !this._readableState.endEmitted; }, configurable: true },
    readableDidRead: { get() { return this._readableState.dataEmitted; }, configurable: true },
    readableBuffer: { get() { return this._readableState.buffer; }, configurable: true },
  };
  defineProperties(Readable.prototype, { ...stateOf, ...readableGetters });

  Readable.from = (source, options) => {
    if (typeof source === "string" || source instanceof Uint8Array) {
      return new Readable({ objectMode: true, ...options, read() { this.push(source); this.push(null); } });
    }
    const items = source?.[Symbol.asyncIterator]?.() ?? source?.[Symbol.iterator]?.();
    if (items === undefined) throw wrongType("iterable", "an instance of Iterable", source);
    let busy = false;
    return new Readable({
      objectMode: true, highWaterMark: 1, ...options,
      async read() {
        if (busy) return;
        busy = true;
        try {
          for (;;) {
            const { value, done } = await items.next();
            if (done) {
              this.push(null);
              break;
            }
            const item = await value;
            if (item === null) throw fail(TypeError, "ERR_STREAM_NULL_VALUES", "May not write null values to stream");
            if (!this.push(item)) break;
          }
        } catch (error) {
          this.destroy(error);
        }
        busy = false;
      },
      destroy(error, done) {
        const ending = async () => {
          if (error && typeof items.throw === "function") await items.throw(error);
          if (typeof items.return === "function") await items.return();
        };
        ending().then(() => done(error), (failure) => done(error || failure));
      },
    });
  };

  // ---- Writable ----------------------------------------------------------------------------------
  function initWritable(stream, options, duplex) {
    const objectMode = !!(options?.objectMode || (duplex && options?.writableObjectMode));
    stream._writableState = {
      objectMode, highWaterMark: highWaterMark(options, "writable", objectMode), length: 0, writing: false, corked: 0, queue: [], ending: false,
      ended: false, finished: false, needDrain: false, decodeStrings: options?.decodeStrings !== false, defaultEncoding: options?.defaultEncoding ?? "utf8",
      errored: null, autoDestroy: options?.autoDestroy !== false, constructed: true, prefinished: false, finalCalled: false, endCallbacks: [], pendingCallbacks: 0,
    };
  }
  function Writable(options) {
    if (!(this instanceof Writable) && !(this instanceof Duplex)) return new Writable(options);
    Stream.call(this, options);
    initWritable(this, options, false);
    take(this, options, ["write", "writev", "destroy", "final"]);
    construct(this, options);
  }
  function failPending(stream, state, reason) {
    const error = reason ?? fail(Error, "ERR_STREAM_DESTROYED", "Cannot call write after a stream was destroyed");
    for (const { done } of state.queue.splice(0)) nextTick(done, error);
    if (!state.finished) for (const done of state.endCallbacks.splice(0)) nextTick(done, error);
  }
  function flushWrites(stream) {
    const state = stream._writableState;
    if (state.writing || state.corked > 0 || !state.constructed || stream.destroyed) return;
    if (state.queue.length === 0) return finishMaybe(stream);
    if (state.queue.length > 1 && typeof stream._writev === "function") {
      const items = state.queue.splice(0);
      const length = items.reduce((sum, item) => sum + item.size, 0);
      begin(stream, length, (error) => items.forEach(({ done }) => done(error)), (done) => stream._writev(items.map(({ chunk, encoding }) => ({ chunk, encoding })), done));
    } else {
      const { chunk, encoding, done, size } = state.queue.shift();
      if (typeof stream._write === "function") begin(stream, size, done, (finish) => stream._write(chunk, encoding, finish));
      else begin(stream, size, done, (finish) => stream._writev([{ chunk, encoding }], finish));
    }
  }
  function begin(stream, size, done, act) {
    const state = stream._writableState;
    state.writing = true;
    let sync = true;
    let called = false;
    const finish = (error) => {
      if (called) {
        stream.destroy(fail(Error, "ERR_MULTIPLE_CALLBACK", "Callback called multiple times"));
        return;
      }
      called = true;
      state.writing = false;
      state.length -= size;
      state.pendingCallbacks++;
      const after = () => {
        state.pendingCallbacks--;
        if (error) {
          done(error);
          stream.destroy(error);
          return;
        }
        if (state.needDrain && state.length === 0 && !stream.destroyed && !state.ending) {
          state.needDrain = false;
          stream.emit("drain");
        }
        done(null);
        finishMaybe(stream);
      };
      if (sync) nextTick(after);
      else after();
      if (!error) flushWrites(stream);
    };
    try {
      act(finish);
    } catch (error) {
      if (called) throw error;
      finish(error);
    }
    sync = false;
  }
  function finishMaybe(stream, sync = false) {
    const state = stream._writableState;
    const ready = state.ending && !state.writing && state.queue.length === 0 && state.pendingCallbacks === 0 && state.constructed;
    if (!ready || state.finished || stream.destroyed || state.finalCalled) return;
    state.finalCalled = true;
    const over = () => {
      if (state.finished || stream.destroyed || state.errored) return;
      state.finished = true;
      for (const done of state.endCallbacks.splice(0)) done();
      stream.emit("finish");
      const r = stream._readableState;
      if (state.autoDestroy && (r === undefined || (r.autoDestroy && (r.endEmitted || stream._readableOff)))) stream.destroy();
    };
    if (typeof stream._final !== "function") {
      stream.emit("prefinish");
      if (sync) nextTick(over);
      else over();
      return;
    }
    let called = false;
    const once = (error) => {
      if (called) return;
      called = true;
      if (error) {
        stream.destroy(error);
        return;
      }
      stream.emit("prefinish");
      nextTick(over);
    };
    try {
      const result = stream._final(once);
      if (typeof result?.then === "function") result.then(() => once(), once);
    } catch (error) {
      once(error);
    }
  }
  const nothing = () => {};
  const writableMethods = {
    write(chunk, encoding, done) {
      const state = this._writableState;
      if (typeof encoding === "function") {
        done = encoding;
        encoding = undefined;
      }
      done ??= nothing;
      if (chunk === null) throw fail(TypeError, "ERR_STREAM_NULL_VALUES", "May not write null values to stream");
      if (!state.objectMode) {
        if (typeof chunk === "string") {
          if (state.decodeStrings) {
            chunk = Buffer.from(chunk, encoding || state.defaultEncoding);
            encoding = "buffer";
          }
        } else {
          chunk = chunkOf(state, chunk);
          encoding = "buffer";
        }
      }
      let error;
      if (state.ending) error = fail(Error, "ERR_STREAM_WRITE_AFTER_END", "write after end");
      else if (this.destroyed) error = fail(Error, "ERR_STREAM_DESTROYED", "Cannot call write after a stream was destroyed");
      if (error !== undefined) {
        nextTick(done, error);
        if (!this.destroyed) this.destroy(error);
        return false;
      }
      const item = { chunk, encoding: encoding || state.defaultEncoding, done, size: size(state, chunk) };
      state.length += item.size;
      const room = state.length < state.highWaterMark;
      if (!room) state.needDrain = true;
      state.queue.push(item);
      flushWrites(this);
      return room && !state.errored && !this.destroyed;
    },
    end(chunk, encoding, done) {
      const state = this._writableState;
      if (typeof chunk === "function") [chunk, encoding, done] = [undefined, undefined, chunk];
      else if (typeof encoding === "function") [encoding, done] = [undefined, encoding];
      if (chunk !== undefined && chunk !== null) this.write(chunk, encoding);
      if (state.corked > 0) {
        state.corked = 1;
        this.uncork();
      }
      let error;
      if (this.destroyed && !state.finished) error = this._errored ?? fail(Error, "ERR_STREAM_DESTROYED", "Cannot call end after a stream was destroyed");
      else if (state.finished) error = fail(Error, "ERR_STREAM_ALREADY_FINISHED", "Cannot call end after a stream was finished");
      else if (!state.ending) {
        state.ending = true;
        state.ended = true;
        if (typeof done === "function") state.endCallbacks.push(done);
        finishMaybe(this, true);
        return this;
      }
      if (typeof done === "function") {
        if (error !== undefined) nextTick(done, error);
        else state.endCallbacks.push(done);
      }
      return this;
    },
    cork() {
      this._writableState.corked++;
    },
    uncork() {
      const state = this._writableState;
      if (state.corked > 0 && --state.corked === 0) flushWrites(this);
    },
    setDefaultEncoding(encoding) {
      if (!Buffer.isEncoding(encoding)) throw fail(TypeError, "ERR_UNKNOWN_ENCODING", `Unknown encoding: ${encoding}`);
      this._writableState.defaultEncoding = encoding;
      return this;
    },
  };
  extend(Writable, Stream, {
    ...destruction,
    ...writableMethods,
    pipe() {
      this.destroy(fail(Error, "ERR_STREAM_CANNOT_PIPE", "Cannot pipe, not readable"));
    },
    _write(chunk, encoding, done) {
      if (typeof this._writev !== "function") throw fail(Error, "ERR_METHOD_NOT_IMPLEMENTED", "The _write() method is not implemented");
      this._writev([{ chunk, encoding }], done);
    },
  });
  const writableGetters = {
    writable: { get() { const s = this._writableState; return !!s && this._writableOff !== true && !this.destroyed && !s.errored && !s.ending; }, set(on) { this._writableOff = !on; }, configurable: true },
    writableLength: { get() { return this._writableState.length; }, configurable: true },
    writableHighWaterMark: { get() { return this._writableState.highWaterMark; }, configurable: true },
    writableObjectMode: { get() { return this._writableState?.objectMode === true; }, configurable: true },
    writableEnded: { get() { return this._writableState?.ending === true; }, configurable: true },
    writableFinished: { get() { return this._writableState?.finished === true; }, configurable: true },
    writableCorked: { get() { return this._writableState?.corked ?? 0; }, configurable: true },
    writableNeedDrain: { get() { const s = this._writableState; return !!s && !this.destroyed && !s.ending && s.needDrain; }, configurable: true },
    writableAborted: { get() { return (this.destroyed || this.errored !== null) && !this._writableState.finished; }, configurable: true },
  };
  defineProperties(Writable.prototype, { ...stateOf, ...writableGetters });
  defineProperty(Writable, Symbol.hasInstance, {
    value(object) {
      if (Function.prototype[Symbol.hasInstance].call(this, object)) return true;
      return this === Writable && object?._writableState !== undefined;
    },
  });

  // ---- Duplex, Transform -------------------------------------------------------------------------
  function Duplex(options) {
    if (!(this instanceof Duplex)) return new Duplex(options);
    Stream.call(this, options);
    initReadable(this, options, true);
    initWritable(this, options, true);
    this.allowHalfOpen = options?.allowHalfOpen !== false;
    if (options?.readable === false) this._readableOff = this._readableState.ended = this._readableState.endEmitted = true;
    if (options?.writable === false) this._writableOff = this._writableState.ending = this._writableState.finished = true;
    take(this, options, ["read", "write", "writev", "destroy", "final"]);
    construct(this, options);
  }
  extend(Duplex, Readable, { ...writableMethods, _write: Writable.prototype._write });
  defineProperties(Duplex.prototype, writableGetters);
  function Transform(options) {
    if (!(this instanceof Transform)) return new Transform(options);
    Duplex.call(this, options);
    this._readableState.sync = false;
    this._waiting = null;
    take(this, options, ["transform", "flush"]);
  }
  extend(Transform, Duplex, {
    _transform() {
      throw fail(Error, "ERR_METHOD_NOT_IMPLEMENTED", "The _transform() method is not implemented");
    },
    _write(chunk, encoding, done) {
      const r = this._readableState;
      const before = r.length;
      this._transform(chunk, encoding, (error, result) => {
        if (error) return done(error);
        if (result !== undefined && result !== null) this.push(result);
        if (r.ended || before === r.length || r.length < r.highWaterMark || r.length === 0) done();
        else this._waiting = done;
      });
    },
    _read() {
      const done = this._waiting;
      if (done === null) return;
      this._waiting = null;
      done();
    },
    _final(done) {
      if (typeof this._flush !== "function" || this.destroyed) {
        this.push(null);
        return done();
      }
      this._flush((error, result) => {
        if (error) return done(error);
        if (result !== undefined && result !== null) this.push(result);
        this.push(null);
        done();
      });
      return undefined;
    },
  });
  function PassThrough(options) {
    if (!(this instanceof PassThrough)) return new PassThrough(options);
    Transform.call(this, options);
  }
  extend(PassThrough, Transform, {
    _transform(chunk, encoding, done) {
      done(null, chunk);
    },
  });
  Duplex.from = (body) => {
    if (isNode(body)) return body;
    if (body instanceof ReadableStream) return Readable.fromWeb(body);
    if (body?.readable !== undefined && body?.writable !== undefined) return joined(asWritable(body.writable), asReadable(body.readable));
    if (typeof body === "function") {
      const input = new PassThrough({ objectMode: true });
      return joined(input, Readable.from(body(input)));
    }
    return Readable.from(body);
  };
  const asReadable = (stream) => (stream instanceof ReadableStream ? Readable.fromWeb(stream) : stream);
  const asWritable = (stream) => (stream instanceof WritableStream ? Writable.fromWeb(stream) : stream);
  // What is written goes into the one, what is read comes from the other.
  function joined(input, output) {
    let resume = nothing;
    const duplex = new Duplex({
      objectMode: true,
      write: (chunk, encoding, done) => (input.write(chunk, encoding) === false ? input.once("drain", done) : done()),
      final: (done) => input.end(done),
      read: () => resume(),
      destroy(error, done) {
        input.destroy(error);
        output.destroy(error);
        done(error);
      },
    });
    output.on("data", (chunk) => {
      if (!duplex.push(chunk)) output.pause();
    });
    resume = () => output.resume();
    output.on("end", () => duplex.push(null));
    for (const part of [input, output]) part.on("error", (error) => duplex.destroy(error));
    return duplex;
  }

  // ---- Ends --------------------------------------------------------------------------------------
  const isNode = (value) => value?._readableState !== undefined || value?._writableState !== undefined || (typeof value?.pipe === "function" && typeof value.on === "function") || (typeof value?.write === "function" && typeof value.on === "function");
  const early = () => fail(Error, "ERR_STREAM_PREMATURE_CLOSE", "Premature close");
  function finished(stream, options, callback) {
    if (typeof options === "function") [options, callback] = [{}, options];
    needFunction(callback, "callback");
    const { AsyncResource } = require("async_hooks");
    let called = false;
    const bound = AsyncResource.bind(callback);
    const done = (error) => {
      if (called) return;
      called = true;
      bound.call(stream, error ?? undefined);
    };
    const signal = options?.signal;
    if (!isNode(stream)) throw wrongType("stream", "an instance of Stream", stream);
    const readable = options?.readable ?? (stream._readableState !== undefined && stream._readableOff !== true);
    const writable = options?.writable ?? (stream._writableState !== undefined && stream._writableOff !== true);
    let ended = stream._readableState?.endEmitted === true;
    let written = stream._writableState?.finished === true;
    const check = () => {
      if ((!readable || ended) && (!writable || written)) done();
    };
    const listeners = [
      ["end", () => ((ended = true), check())],
      ["finish", () => ((written = true), check())],
      ["error", done],
      ["close", () => {
        if (stream._errored) return done(stream._errored);
        if (readable && !ended && stream._readableState?.endEmitted !== true) return done(early());
        if (writable && !written && stream._writableState?.finished !== true) return done(early());
        return done();
      }],
    ];
    for (const [type, listener] of listeners) stream.on(type, listener);
    const stopped = () => done(aborted(signal.reason));
    const cleanup = () => {
      for (const [type, listener] of listeners) stream.removeListener(type, listener);
      signal?.removeEventListener("abort", stopped);
      if (stream.listenerCount("error") === 0) stream.once("error", nothing);
    };
    if (stream._closed || stream._errored) nextTick(listeners[3][1]);
    else if ((!readable || ended) && (!writable || written) && (stream._readableState ?? stream._writableState)) nextTick(check);
    if (signal?.aborted) nextTick(stopped);
    else signal?.addEventListener("abort", stopped, { once: true });
    return () => {
      called = true;
      cleanup();
    };
  }
  function pipeline(...streams) {
    const callback = streams.pop();
    needFunction(callback, "streams[stream.length - 1]");
    if (streams.length === 1 && Array.isArray(streams[0])) streams = streams[0];
    return run(streams, callback);
  }
  function run(streams, callback, options) {
    if (streams.length < 2) throw fail(TypeError, "ERR_MISSING_ARGS", 'The "streams" argument must be specified');
    const signal = options?.signal;
    const parts = [];
    let result;
    let value;
    // Functions make or take iterables; everything else is, or becomes, a stream.
    streams.forEach((stream, index) => {
      const last = index === streams.length - 1;
      if (typeof stream === "function") {
        const made = index === 0 ? stream({ signal }) : stream(result, { signal });
        if (last && typeof made?.then === "function" && made[Symbol.asyncIterator] === undefined) {
          const end = new PassThrough({ objectMode: true });
          made.then((given) => {
            value = given;
            end.end();
            end.resume();
          }, (error) => end.destroy(error));
          parts.push({ stream: end, joined: true });
          result = end;
        } else {
          result = Readable.from(made);
          parts.push({ stream: result, joined: true });
          if (last) result.resume();
        }
      } else {
        let node = stream;
        if (stream instanceof ReadableStream) node = Readable.fromWeb(stream);
        else if (stream instanceof WritableStream) node = Writable.fromWeb(stream);
        else if (stream instanceof TransformStream) node = Duplex.fromWeb(stream);
        else if (!isNode(stream)) node = Readable.from(stream);
        parts.push({ stream: node, joined: index === 0 });
        result = node;
      }
    });
    let failure;
    let left = parts.length;
    const over = (error) => {
      if (error && failure === undefined) {
        failure = error;
        for (const { stream } of parts) if (!stream.destroyed) stream.destroy?.(error);
      }
      if (--left === 0) {
        signal?.removeEventListener("abort", stopped);
        nextTick(callback, failure, value);
      }
    };
    const stopped = () => {
      failure ??= aborted(signal.reason);
      for (const { stream } of parts) stream.destroy?.(failure);
    };
    if (signal?.aborted) nextTick(stopped);
    else signal?.addEventListener("abort", stopped, { once: true });
    parts.forEach(({ stream }, index) => {
      const last = index === parts.length - 1;
      finished(stream, { readable: !last || (index > 0 && stream._writableState === undefined), writable: index > 0 && stream._writableState !== undefined }, (error) => {
        // A reader that has all it wants may close; the end of the last one is what counts.
        over(error?.code === "ERR_STREAM_PREMATURE_CLOSE" && failure !== undefined ? undefined : error);
      });
    });
    for (let i = 0; i + 1 < parts.length; i++) {
      if (!parts[i + 1].joined) parts[i].stream.pipe(parts[i + 1].stream, { end: options?.end !== false || i + 2 < parts.length });
    }
    return result;
  }
  function addAbortSignal(signal, stream) {
    const stop = () => stream.destroy(aborted(signal.reason));
    if (signal.aborted) nextTick(stop);
    else {
      signal.addEventListener("abort", stop, { once: true });
      nextTick(() => finished(stream, () => signal.removeEventListener("abort", stop)));
    }
    return stream;
  }
  function compose(...streams) {
    const parts = streams.map((stream) => (typeof stream === "function" || !isNode(stream) ? Duplex.from(stream) : stream));
    if (parts.length === 1) return parts[0];
    pipeline(...parts, nothing);
    return joined(parts[0], parts[parts.length - 1]);
  }
  Readable.prototype.compose = function (stream) {
    return compose(this, stream);
  };
  const promises = {
    pipeline(...streams) {
      const last = streams[streams.length - 1];
      const options = last !== null && typeof last === "object" && !isNode(last) && (last.signal !== undefined || last.end !== undefined) && last[Symbol.asyncIterator] === undefined ? streams.pop() : undefined;
      return new Promise((resolve, reject) => run(streams, (error, value) => (error ? reject(error) : resolve(value)), options));
    },
    finished: (stream, options) => new Promise((resolve, reject) => finished(stream, options ?? {}, (error) => (error ? reject(error) : resolve()))),
  };

  // ---- The streams of the web ----------------------------------------------------------------------
  Readable.fromWeb = (stream, options) => {
    const reader = stream.getReader();
    return new Readable({
      ...options,
      read() {
        reader.read().then(({ value, done }) => this.push(done ? null : value), (error) => this.destroy(error));
      },
      destroy(error, done) {
        reader.cancel(error ?? undefined).then(() => done(error), () => done(error));
      },
    });
  };
  Readable.toWeb = (stream, options) => {
    let controller;
    stream.pause();
    const source = {
      start(given) {
        controller = given;
        stream.on("data", (chunk) => {
          controller.enqueue(chunk instanceof Buffer ? new Uint8Array(chunk.buffer, chunk.byteOffset, chunk.byteLength) : chunk);
          if (controller.desiredSize <= 0) stream.pause();
        });
        stream.pause();
        finished(stream, { writable: false }, (error) => {
          if (error?.code === "ERR_STREAM_PREMATURE_CLOSE") error = aborted(error);
          try {
            if (error) controller.error(error);
            else controller.close();
          } catch {
            // It was cancelled.
          }
        });
      },
      pull: () => void stream.resume(),
      cancel: (reason) => void stream.destroy(reason),
    };
    const strategy = options?.strategy ?? (stream.readableObjectMode ? new CountQueuingStrategy({ highWaterMark: stream.readableHighWaterMark }) : { highWaterMark: stream.readableHighWaterMark, size: (chunk) => chunk?.byteLength ?? chunk?.length ?? 1 });
    return new ReadableStream(source, strategy);
  };
  Writable.fromWeb = (stream, options) => {
    const writer = stream.getWriter();
    return new Writable({
      ...options, decodeStrings: options?.decodeStrings ?? false,
      write: (chunk, _, done) => void writer.ready.then(() => writer.write(chunk)).then(() => done(), done),
      final: (done) => void writer.close().then(() => done(), done),
      destroy(error, done) {
        if (error) writer.abort(error).then(() => done(error), () => done(error));
        else if (this.writableFinished) done(null);
        else writer.close().then(() => done(null), () => done(null));
      },
    });
  };
  Writable.toWeb = (stream) =>
    new WritableStream({
      start(controller) {
        finished(stream, { readable: false }, (error) => error && controller.error(error));
      },
      write: (chunk) => (stream.writableNeedDrain || !stream.write(chunk) ? new Promise((resolve) => stream.once("drain", resolve)) : undefined),
      close: () => new Promise((resolve, reject) => stream.end((error) => (error ? reject(error) : resolve()))),
      abort: (reason) => void stream.destroy(reason),
    });
  Duplex.fromWeb = (pair) => joined(Writable.fromWeb(pair.writable), Readable.fromWeb(pair.readable));
  Duplex.toWeb = (duplex) => ({ readable: Readable.toWeb(duplex), writable: Writable.toWeb(duplex) });
  const isReadable = (stream) => (stream instanceof ReadableStream ? true : stream?._readableState === undefined ? null : stream.readable);
  return Object.assign(Stream, {
    Stream, Readable, Writable, Duplex, Transform, PassThrough, pipeline, finished, addAbortSignal, compose, promises,
    isReadable, isWritable: (stream) => (stream?._writableState === undefined ? null : stream.writable),
    isErrored: (stream) => !!stream?.errored, isDisturbed: (stream) => !!(stream?._readableState?.dataEmitted || stream?._destroyed),
    isDestroyed: (stream) => stream?.destroyed ?? null,
    getDefaultHighWaterMark: (objects) => (objects ? aheadObjects : aheadBytes),
    setDefaultHighWaterMark: (objects, value) => (objects ? (aheadObjects = value) : (aheadBytes = value)),
    _isUint8Array: (value) => value instanceof Uint8Array,
    _uint8ArrayToBuffer: (value) => Buffer.from(value.buffer, value.byteOffset, value.byteLength),
  });
}
