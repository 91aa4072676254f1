// WritableStream, and pipes from readable to writable streams, as in the Streams Standard.
(native, web) => {
  "use strict";
  const { reject, deferred, then, handled } = web.promises;
  const { apply } = Reflect;
  const { need, defineGlobal } = web;
  const { Queue, Slot, newReader, releaseReader, read, cancelStream, sizeOf, strategyOf, markOf, stepsOf, method, none, done, adopt, nothing } = web.streams;
  const READABLE = web.streams.READABLE;
  const key = {};
  const WRITABLE = 0, CLOSED = 1, ERRORED = 2, ERRORING = 3;

  // ---- Streams --------------------------------------------------------------------------------

  const newStream = () => ({
    self: null, state: WRITABLE, error: undefined, writer: null, c: null, inFlight: null, closeRequest: null,
    inFlightClose: null, aborting: null, requests: new Queue(), backpressure: false,
  });
  const publicStream = (stream) => stream.self ??= new WritableStream(key, stream);
  const closing = (stream) => stream.closeRequest !== null || stream.inFlightClose !== null;

  const abort = (stream, reason) => {
    if (stream.state === CLOSED || stream.state === ERRORED) return done();
    signalAbort(stream.c, reason);
    const { state } = stream;
    if (state === CLOSED || state === ERRORED) return done();
    if (stream.aborting !== null) return stream.aborting.promise;
    const wasErroring = state === ERRORING;
    const pending = stream.aborting = deferred();
    pending.reason = wasErroring ? undefined : reason;
    pending.wasErroring = wasErroring;
    if (!wasErroring) startErroring(stream, reason);
    return pending.promise;
  };
  const close = (stream) => {
    const { state } = stream;
    if (state === CLOSED || state === ERRORED) return reject(new TypeError("The stream is not open"));
    const request = stream.closeRequest = deferred();
    const { writer, c } = stream;
    if (writer !== null && stream.backpressure && state === WRITABLE) writer.ready.resolve(undefined);
    c.queue.push({ value: key, size: 0 });
    advance(c);
    return request.promise;
  };
  const dealWithRejection = (stream, error) => {
    if (stream.state === WRITABLE) startErroring(stream, error);
    else finishErroring(stream);
  };
  const startErroring = (stream, reason) => {
    const { writer, c } = stream;
    stream.state = ERRORING;
    stream.error = reason;
    if (writer !== null) rejectReady(writer, reason);
    if (stream.inFlight === null && stream.inFlightClose === null && c.started) finishErroring(stream);
  };
  const finishErroring = (stream) => {
    stream.state = ERRORED;
    const { c } = stream;
    c.queue = new Queue();
    c.total = 0;
    const { error } = stream;
    while (stream.requests.size > 0) stream.requests.shift().reject(error);
    const pending = stream.aborting;
    if (pending === null) {
      rejectCloseAndClosed(stream);
      return;
    }
    stream.aborting = null;
    if (pending.wasErroring) {
      pending.reject(error);
      rejectCloseAndClosed(stream);
      return;
    }
    const result = c.abort(pending.reason);
    clearAlgorithms(c);
    then(result, () => {
      pending.resolve(undefined);
      rejectCloseAndClosed(stream);
    }, (failure) => {
      pending.reject(failure);
      rejectCloseAndClosed(stream);
    });
  };
  const rejectCloseAndClosed = (stream) => {
    if (stream.closeRequest !== null) {
      stream.closeRequest.reject(stream.error);
      stream.closeRequest = null;
    }
    if (stream.writer !== null) stream.writer.closed.reject(stream.error);
  };
  const finishInFlightClose = (stream) => {
    stream.inFlightClose.resolve(undefined);
    stream.inFlightClose = null;
    if (stream.state === ERRORING) {
      stream.error = undefined;
      if (stream.aborting !== null) {
        stream.aborting.resolve(undefined);
        stream.aborting = null;
      }
    }
    stream.state = CLOSED;
    if (stream.writer !== null) stream.writer.closed.resolve(undefined);
  };
  const finishInFlightCloseWithError = (stream, error) => {
    stream.inFlightClose.reject(error);
    stream.inFlightClose = null;
    if (stream.aborting !== null) {
      stream.aborting.reject(error);
      stream.aborting = null;
    }
    dealWithRejection(stream, error);
  };
  const updateBackpressure = (stream, backpressure) => {
    const { writer } = stream;
    if (writer !== null && backpressure !== stream.backpressure) {
      if (backpressure) writer.ready = new Slot();
      else writer.ready.resolve(undefined);
    }
    stream.backpressure = backpressure;
  };

  // ---- Controllers ----------------------------------------------------------------------------

  const make = (stream, begin, write, close, abort, mark, size) => {
    const c = {
      self: null, stream, queue: new Queue(), total: 0, started: false, mark, size, write, close, abort,
      signal: null, aborted: false, reason: undefined,
    };
    stream.c = c;
    updateBackpressure(stream, mark - c.total <= 0);
    then(adopt(begin(c)), () => {
      c.started = true;
      advance(c);
    }, (error) => {
      c.started = true;
      dealWithRejection(stream, error);
    });
    return stream;
  };
  const publicController = (c) => c.self ??= new WritableStreamDefaultController(key, c);
  // The controller's signal is made when it is first asked for.
  const signalAbort = (c, reason) => {
    if (c.signal !== null) web.abort.signal(c.signal, reason);
    else if (!c.aborted) {
      c.aborted = true;
      c.reason = reason;
    }
  };
  const clearAlgorithms = (c) => {
    c.write = c.close = c.abort = c.size = null;
  };
  const advance = (c) => {
    const { stream } = c;
    if (!c.started || stream.inFlight !== null) return;
    if (stream.state === ERRORING) {
      finishErroring(stream);
      return;
    }
    if (c.queue.size === 0) return;
    const { value } = c.queue.peek();
    if (value === key) processClose(c);
    else processWrite(c, value);
  };
  const dequeue = (c) => {
    c.total -= c.queue.shift().size;
    if (c.total < 0) c.total = 0;
  };
  const processClose = (c) => {
    const { stream } = c;
    stream.inFlightClose = stream.closeRequest;
    stream.closeRequest = null;
    dequeue(c);
    const result = c.close();
    clearAlgorithms(c);
    then(result, () => finishInFlightClose(stream), (error) => finishInFlightCloseWithError(stream, error));
  };
  const processWrite = (c, chunk) => {
    const { stream } = c;
    stream.inFlight = stream.requests.shift();
    then(c.write(chunk), () => {
      stream.inFlight.resolve(undefined);
      stream.inFlight = null;
      const { state } = stream;
      dequeue(c);
      if (!closing(stream) && state === WRITABLE) updateBackpressure(stream, c.mark - c.total <= 0);
      advance(c);
    }, (error) => {
      if (stream.state === WRITABLE) clearAlgorithms(c);
      stream.inFlight.reject(error);
      stream.inFlight = null;
      dealWithRejection(stream, error);
    });
  };
  const errorIfNeeded = (c, error) => {
    if (c.stream.state === WRITABLE) errorController(c, error);
  };
  const errorController = (c, error) => {
    clearAlgorithms(c);
    startErroring(c.stream, error);
  };

  // ---- Writers --------------------------------------------------------------------------------

  const newWriter = (stream) => {
    if (stream.writer !== null) throw new TypeError("The stream is locked to a writer");
    const writer = { stream, ready: null, closed: new Slot() };
    stream.writer = writer;
    const { state } = stream;
    if (state === WRITABLE) writer.ready = !closing(stream) && stream.backpressure ? new Slot() : Slot.resolved();
    else if (state === ERRORING) writer.ready = Slot.rejected(stream.error);
    else if (state === CLOSED) {
      writer.ready = Slot.resolved();
      writer.closed.resolve(undefined);
    } else {
      writer.ready = Slot.rejected(stream.error);
      writer.closed.reject(stream.error);
    }
    return writer;
  };
  const rejectReady = (writer, error) => {
    if (writer.ready.state === 0) writer.ready.reject(error);
    else writer.ready = Slot.rejected(error);
  };
  const rejectClosed = (writer, error) => {
    if (writer.closed.state === 0) writer.closed.reject(error);
    else writer.closed = Slot.rejected(error);
  };
  const releaseWriter = (writer) => {
    const { stream } = writer;
    const error = new TypeError("The writer was released");
    rejectReady(writer, error);
    rejectClosed(writer, error);
    stream.writer = null;
    writer.stream = null;
  };
  const write = (writer, chunk) => {
    const { stream } = writer;
    const { c } = stream;
    let size;
    try {
      size = c.size === null ? 1 : sizeOf(c, chunk);
    } catch (error) {
      errorIfNeeded(c, error);
      size = 1;
    }
    if (stream !== writer.stream) return reject(new TypeError("The writer was released"));
    const { state } = stream;
    if (state === ERRORED) return reject(stream.error);
    if (closing(stream) || state === CLOSED) return reject(new TypeError("The stream is closing or closed"));
    if (state === ERRORING) return reject(stream.error);
    const request = deferred();
    stream.requests.push(request);
    c.queue.push({ value: chunk, size });
    c.total += size;
    if (!closing(stream) && stream.state === WRITABLE) updateBackpressure(stream, c.mark - c.total <= 0);
    advance(c);
    return request.promise;
  };
  const closeWithPropagation = (writer) => {
    const { stream } = writer;
    if (closing(stream) || stream.state === CLOSED) return done();
    if (stream.state === ERRORED) return reject(stream.error);
    return close(stream);
  };

  // ---- Pipes ----------------------------------------------------------------------------------

  const pipe = (source, target, { preventAbort, preventCancel, preventClose, signal }) => {
    const reader = newReader(source, false), writer = newWriter(target);
    source.disturbed = true;
    const outcome = deferred();
    let shuttingDown = false, lastWrite = done(), algorithm = null;

    const finalize = (failed, error) => {
      releaseWriter(writer);
      releaseReader(reader);
      if (algorithm !== null) web.abort.remove(signal, algorithm);
      if (failed) outcome.reject(error);
      else outcome.resolve(undefined);
    };
    const written = () => {
      const last = lastWrite;
      return then(last, () => last === lastWrite ? undefined : written());
    };
    const shutdown = (action, failed, error) => {
      if (shuttingDown) return;
      shuttingDown = true;
      const act = () => {
        if (action === null) finalize(failed, error);
        else then(action(), () => finalize(failed, error), (failure) => finalize(true, failure));
      };
      if (target.state === WRITABLE && !closing(target)) then(written(), act);
      else act();
    };
    if (signal !== undefined) {
      algorithm = () => {
        const error = web.abort.reason(signal);
        shutdown(() => {
          const first = preventAbort || target.state !== WRITABLE ? done() : abort(target, error);
          const second = preventCancel || source.state !== READABLE ? done() : cancelStream(source, error);
          handled(second);
          return then(first, () => second);
        }, true, error);
      };
      if (web.abort.aborted(signal)) {
        algorithm();
        return outcome.promise;
      }
      web.abort.add(signal, algorithm);
    }

    const sourceErrored = (error) => shutdown(preventAbort ? null : () => abort(target, error), true, error);
    const targetErrored = (error) => shutdown(preventCancel ? null : () => cancelStream(source, error), true, error);
    const sourceClosed = () => shutdown(preventClose ? null : () => closeWithPropagation(writer), false);
    if (source.state === web.streams.ERRORED) sourceErrored(source.error);
    else then(reader.closed.promise, undefined, sourceErrored);
    if (target.state === ERRORED) targetErrored(target.error);
    else then(writer.closed.promise, undefined, targetErrored);
    if (source.state === web.streams.CLOSED) sourceClosed();
    else then(reader.closed.promise, sourceClosed, nothing);
    if (closing(target) || target.state === CLOSED) targetErrored(new TypeError("The destination closed before all the data could be piped to it"));

    const step = () => {
      if (shuttingDown) return;
      then(writer.ready.promise, () => {
        if (shuttingDown) return;
        read(reader, {
          // Not at once: an `enqueue` must not run the sink's `write`.
          chunk(value) {
            lastWrite = then(done(), () => {
              lastWrite = then(write(writer, value), undefined, nothing);
              step();
            });
          },
          close: nothing,
          error: nothing,
        });
      }, nothing);
    };
    step();
    return outcome.promise;
  };

  // ---- What programs see ----------------------------------------------------------------------

  let streamOf, isStream;
  class WritableStream {
    #s;
    constructor(underlyingSink = undefined, strategy = undefined) {
      if (underlyingSink === key) {
        this.#s = strategy;
        return;
      }
      const sink = underlyingSink;
      if (sink !== undefined && (typeof sink !== "object" || sink === null) && typeof sink !== "function") throw new TypeError("underlyingSink is not an object");
      const given = strategyOf(strategy, 1);
      const steps = sink === undefined ? none : stepsOf(sink, ["abort", "close", "start", "type", "write"]);
      if (steps.type !== undefined) throw new RangeError("type must be undefined");
      const mark = markOf(given);
      const stream = this.#s = newStream();
      stream.self = this;
      const writing = method(steps, "write", sink, 2);
      make(
        stream,
        (c) => steps.start ? apply(steps.start, sink, [publicController(c)]) : undefined,
        writing ? (chunk) => writing(chunk, publicController(stream.c)) : done,
        method(steps, "close", sink, 0) ?? done,
        method(steps, "abort", sink, 1) ?? done,
        mark,
        given.size ?? null,
      );
    }
    static {
      streamOf = (object) => object.#s;
      isStream = (object) => typeof object === "object" && object !== null && #s in object;
    }
    get locked() {
      return this.#s.writer !== null;
    }
    abort(reason = undefined) {
      try {
        const stream = this.#s;
        if (stream.writer !== null) throw new TypeError("The stream is locked");
        return abort(stream, reason);
      } catch (error) {
        return reject(error);
      }
    }
    close() {
      try {
        const stream = this.#s;
        if (stream.writer !== null) throw new TypeError("The stream is locked");
        if (closing(stream)) throw new TypeError("The stream is closing");
        return close(stream);
      } catch (error) {
        return reject(error);
      }
    }
    getWriter() {
      this.#s;
      return new WritableStreamDefaultWriter(this);
    }
  }
  defineGlobal("WritableStream", WritableStream);
  web.describeBy(WritableStream, ["locked"]);

  class WritableStreamDefaultWriter {
    #s;
    constructor(stream) {
      need(arguments.length, 1, "WritableStreamDefaultWriter");
      if (!isStream(stream)) throw new TypeError("stream is not a WritableStream");
      this.#s = newWriter(streamOf(stream));
    }
    get closed() {
      try {
        return this.#s.closed.promise;
      } catch (error) {
        return reject(error);
      }
    }
    get desiredSize() {
      const { stream } = this.#s;
      if (stream === null) throw new TypeError("The writer was released");
      const { state, c } = stream;
      return state === ERRORED || state === ERRORING ? null : state === CLOSED ? 0 : c.mark - c.total;
    }
    get ready() {
      try {
        return this.#s.ready.promise;
      } catch (error) {
        return reject(error);
      }
    }
    abort(reason = undefined) {
      try {
        const { stream } = this.#s;
        if (stream === null) throw new TypeError("The writer was released");
        return abort(stream, reason);
      } catch (error) {
        return reject(error);
      }
    }
    close() {
      try {
        const { stream } = this.#s;
        if (stream === null) throw new TypeError("The writer was released");
        if (closing(stream)) throw new TypeError("The stream is closing");
        return close(stream);
      } catch (error) {
        return reject(error);
      }
    }
    releaseLock() {
      if (this.#s.stream !== null) releaseWriter(this.#s);
    }
    write(chunk = undefined) {
      try {
        const writer = this.#s;
        if (writer.stream === null) throw new TypeError("The writer was released");
        return write(writer, chunk);
      } catch (error) {
        return reject(error);
      }
    }
  }
  defineGlobal("WritableStreamDefaultWriter", WritableStreamDefaultWriter);

  class WritableStreamDefaultController {
    #s;
    constructor() {
      if (arguments[0] !== key) throw web.illegal();
      this.#s = arguments[1];
    }
    get signal() {
      const c = this.#s;
      if (c.signal === null) {
        c.signal = web.abort.create();
        if (c.aborted) web.abort.signal(c.signal, c.reason);
      }
      return c.signal;
    }
    error(error = undefined) {
      errorIfNeeded(this.#s, error);
    }
  }
  defineGlobal("WritableStreamDefaultController", WritableStreamDefaultController);

  web.isWritableStream = isStream;
  web.writables = {
    WRITABLE, ERRORING, streamOf, publicStream, newStream, make, errorIfNeeded,
    locked: (object) => streamOf(object).writer !== null,
    pipe: (source, target, options) => pipe(source, streamOf(target), options),
  };
}
