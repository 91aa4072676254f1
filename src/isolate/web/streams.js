// ReadableStream, default and byte, as in the Streams Standard. The records the algorithms work on are plain
// objects (`stream`, `reader`, `c` for controller); a public object exists only where a program can see one.
(native, web) => {
  "use strict";
  const { resolve, reject, deferred, then, handled, attempt } = web.promises;
  const { view: viewOf, transfer, detached, copy, cloneView, slice } = native;
  const { apply } = Reflect;
  const { need, dictionary, callback, defineGlobal } = web;
  const types = { __proto__: null, Uint8Array, Int8Array, Uint8ClampedArray, Int16Array, Uint16Array, Int32Array, Uint32Array, BigInt64Array, BigUint64Array, Float16Array: globalThis.Float16Array, Float32Array, Float64Array, DataView };
  const nothing = () => {};
  const key = {};
  const READABLE = 0, CLOSED = 1, ERRORED = 2;

  // ---- Pieces shared with the other streams ---------------------------------------------------

  class Queue {
    constructor() {
      this.size = 0;
      this.head = this.tail = null;
    }
    push(value) {
      const node = { value, next: null };
      if (this.size++ === 0) this.head = node;
      else this.tail.next = node;
      this.tail = node;
    }
    shift() {
      const { value, next } = this.head;
      this.head = next;
      this.size--;
      return value;
    }
    peek() {
      return this.head.value;
    }
  }
  // A promise that comes into being when it is asked for; its rejection never counts as unhandled.
  class Slot {
    constructor() {
      this.state = 0;
      this.value = undefined;
      this.made = null;
    }
    get promise() {
      if (this.made === null) {
        this.made = deferred();
        handled(this.made.promise);
        if (this.state === 1) this.made.resolve(this.value);
        else if (this.state === 2) this.made.reject(this.value);
      }
      return this.made.promise;
    }
    resolve(value) {
      this.settle(1, value);
    }
    reject(error) {
      this.settle(2, error);
    }
    settle(state, value) {
      if (this.state !== 0) return;
      this.state = state;
      this.value = value;
      if (this.made !== null) {
        if (state === 1) this.made.resolve(value);
        else this.made.reject(value);
      }
    }
    static rejected(error) {
      const slot = new Slot();
      slot.settle(2, error);
      return slot;
    }
    static resolved() {
      const slot = new Slot();
      slot.settle(1, undefined);
      return slot;
    }
  }
  const sizeOf = (c, chunk) => {
    const { size } = c;
    if (!size) return 1;
    const result = +size(chunk);
    if (!(result >= 0) || result === Infinity) throw new RangeError("The size of a chunk must be a finite number that is not negative");
    return result;
  };
  // A queuing strategy argument: `{ highWaterMark, size }`, `size` as a function of the chunk.
  const strategyOf = (value, fallback) => {
    const strategy = dictionary(value, "strategy");
    let mark = strategy?.highWaterMark;
    if (mark !== undefined) mark = +mark;
    const size = callback(strategy?.size, "size");
    return { mark, size: size && ((chunk) => apply(size, undefined, [chunk])), fallback };
  };
  const markOf = ({ mark, fallback }) => {
    if (mark === undefined) return fallback;
    if (!(mark >= 0)) throw new RangeError("highWaterMark must be a number that is not negative");
    return mark;
  };
  const stepsOf = (source, names) => {
    const steps = { __proto__: null, type: undefined };
    for (let i = 0; i < names.length; i++) {
      const name = names[i];
      const value = source[name];
      if (name === "autoAllocateChunkSize") {
        if (value === undefined) continue;
        steps[name] = web.enforceRange(value, Number.MAX_SAFE_INTEGER, name);
      } else if (name === "type" || name === "readableType" || name === "writableType") steps[name] = value;
      else steps[name] = callback(value, name);
    }
    return steps;
  };
  // A step of a source, sink or transformer as a function of as many arguments as the standard passes.
  const method = (steps, name, source, count) => {
    const step = steps[name];
    if (step === undefined) return undefined;
    if (count === 0) return () => attempt(step, source);
    if (count === 1) return (a) => attempt(step, source, a);
    return (a, b) => attempt(step, source, a, b);
  };
  const done = () => resolve(undefined);
  // "A promise resolved with": a new one, even for a promise.
  const adopt = (value) => {
    const { promise, resolve } = deferred();
    resolve(value);
    return promise;
  };

  // No steps; and internal classes with nothing above them that a program could change.
  const none = { __proto__: null };
  Object.setPrototypeOf(Queue.prototype, null);
  Object.setPrototypeOf(Slot.prototype, null);

  // ---- Streams and readers --------------------------------------------------------------------

  const newStream = () => ({ self: null, state: READABLE, reader: null, error: undefined, disturbed: false, c: null, origin: null });
  const publicStream = (stream) => stream.self ??= new ReadableStream(key, stream);

  const closeStream = (stream) => {
    stream.state = CLOSED;
    const { reader } = stream;
    if (reader === null) return;
    reader.closed.resolve(undefined);
    if (!reader.byob) {
      const { requests } = reader;
      reader.requests = new Queue();
      while (requests.size > 0) requests.shift().close();
    }
  };
  const failRequests = (reader, error) => {
    const { requests } = reader;
    reader.requests = new Queue();
    while (requests.size > 0) requests.shift().error(error);
  };
  const errorStream = (stream, error) => {
    stream.state = ERRORED;
    stream.error = error;
    const { reader } = stream;
    if (reader === null) return;
    reader.closed.reject(error);
    failRequests(reader, error);
  };
  const cancelStream = (stream, reason) => {
    stream.disturbed = true;
    if (stream.state === CLOSED) return done();
    if (stream.state === ERRORED) return reject(stream.error);
    closeStream(stream);
    const { reader, c } = stream;
    if (reader !== null && reader.byob) {
      const { requests } = reader;
      reader.requests = new Queue();
      while (requests.size > 0) requests.shift().close(undefined);
    }
    if (c.byte) clearPending(c);
    resetQueue(c);
    const result = c.cancel(reason);
    clearAlgorithms(c);
    return then(result, nothing);
  };
  const newReader = (stream, byob) => {
    if (stream.reader !== null) throw new TypeError("The stream is locked to a reader");
    if (byob && !stream.c.byte) throw new TypeError("The stream is not a byte stream");
    const reader = { stream, byob, closed: new Slot(), requests: new Queue() };
    stream.reader = reader;
    if (stream.state === CLOSED) reader.closed.resolve(undefined);
    else if (stream.state === ERRORED) reader.closed.reject(stream.error);
    return reader;
  };
  const releaseReader = (reader) => {
    const { stream } = reader;
    const error = new TypeError("The reader was released");
    if (stream.state === READABLE) reader.closed.reject(error);
    else reader.closed = Slot.rejected(error);
    const { c } = stream;
    if (c.byte && c.pending.size > 0) {
      const first = c.pending.peek();
      first.kind = NONE;
      c.pending = new Queue();
      c.pending.push(first);
    }
    stream.reader = null;
    reader.stream = null;
    failRequests(reader, error);
  };
  // A request is `{ chunk(value), close(value), error(reason) }`.
  const read = (reader, request) => {
    const { stream } = reader;
    stream.disturbed = true;
    if (stream.state === CLOSED) request.close();
    else if (stream.state === ERRORED) request.error(stream.error);
    else pullSteps(stream.c, request);
  };
  const readInto = (reader, view, min, request) => {
    const { stream } = reader;
    stream.disturbed = true;
    if (stream.state === ERRORED) request.error(stream.error);
    else pullInto(stream.c, view, min, request);
  };
  class PromiseRequest {
    constructor() {
      const { promise, resolve, reject } = deferred();
      this.promise = promise;
      this.resolve = resolve;
      this.reject = reject;
    }
    chunk(value) {
      this.resolve({ value, done: false });
    }
    close(value) {
      this.resolve({ value, done: true });
    }
    error(reason) {
      this.reject(reason);
    }
  }

  Object.setPrototypeOf(PromiseRequest.prototype, null);

  // ---- Controllers ----------------------------------------------------------------------------

  const newController = (stream, byte, mark, size, pull, cancel) => ({
    self: null, stream, byte, queue: new Queue(), total: 0, mark, size, pull, cancel, closing: false, started: false,
    pulling: false, pullAgain: false, pulled: null, auto: undefined, request: null, pending: byte ? new Queue() : null,
  });
  const publicController = (c) => c.self ??= c.byte ? new ReadableByteStreamController(key, c) : new ReadableStreamDefaultController(key, c);
  const start = (stream, c, begun) => {
    stream.c = c;
    then(adopt(begun), () => {
      c.started = true;
      callPull(c);
    }, (error) => errorController(c, error));
  };
  const resetQueue = (c) => {
    if (c.queue.size > 0) c.queue = new Queue();
    c.total = 0;
  };
  const clearAlgorithms = (c) => {
    c.pull = c.cancel = c.size = c.pulled = null;
  };
  const wanted = (c) => {
    const { stream } = c;
    if (stream.state !== READABLE || c.closing || !c.started) return false;
    if (stream.reader !== null && stream.reader.requests.size > 0) return true;
    return c.mark - c.total > 0;
  };
  const callPull = (c) => {
    if (!wanted(c)) return;
    if (c.pulling) {
      c.pullAgain = true;
      return;
    }
    c.pulling = true;
    c.pulled ??= {
      ok: () => {
        c.pulling = false;
        if (c.pullAgain) {
          c.pullAgain = false;
          callPull(c);
        }
      },
      failed: (error) => errorController(c, error),
    };
    const { pulled } = c;
    then(c.pull(), pulled.ok, pulled.failed);
  };
  const errorController = (c, error) => {
    const { stream } = c;
    if (stream.state !== READABLE) return;
    if (c.byte) clearPending(c);
    resetQueue(c);
    clearAlgorithms(c);
    errorStream(stream, error);
  };
  const desiredSize = (c) => {
    const { state } = c.stream;
    return state === ERRORED ? null : state === CLOSED ? 0 : c.mark - c.total;
  };
  const open = (c) => !c.closing && c.stream.state === READABLE;
  const finish = (c) => {
    clearAlgorithms(c);
    closeStream(c.stream);
  };
  const pullSteps = (c, request) => {
    const { reader } = c.stream;
    if (c.byte) {
      if (c.total > 0) {
        fillRequest(c, request);
        return;
      }
      if (c.auto !== undefined) {
        let buffer;
        try {
          buffer = new ArrayBuffer(c.auto);
        } catch (error) {
          request.error(error);
          return;
        }
        c.pending.push(descriptor(buffer, c.auto, 0, c.auto, 1, 1, Uint8Array, DEFAULT));
      }
    } else if (c.queue.size > 0) {
      const { value, size } = c.queue.shift();
      c.total -= size;
      if (c.total < 0) c.total = 0; // Rounding errors.
      if (c.closing && c.queue.size === 0) finish(c);
      else callPull(c);
      request.chunk(value);
      return;
    }
    reader.requests.push(request);
    callPull(c);
  };

  // Default controllers.
  const close = (c) => {
    if (c.byte) {
      closeBytes(c);
      return;
    }
    if (!open(c)) return;
    c.closing = true;
    if (c.queue.size === 0) finish(c);
  };
  const enqueue = (c, chunk) => {
    if (c.byte) {
      enqueueBytes(c, chunk);
      return;
    }
    if (!open(c)) return;
    const { reader } = c.stream;
    if (reader !== null && reader.requests.size > 0) reader.requests.shift().chunk(chunk);
    else {
      let size;
      try {
        size = sizeOf(c, chunk);
      } catch (error) {
        errorController(c, error);
        throw error;
      }
      c.queue.push({ value: chunk, size });
      c.total += size;
    }
    callPull(c);
  };

  // ---- Byte controllers -----------------------------------------------------------------------

  const DEFAULT = 0, BYOB = 1, NONE = 2; // The kind of reader a pull-into descriptor is for.
  const descriptor = (buffer, bufferLength, offset, length, minimum, elementSize, type, kind) =>
    ({ buffer, bufferLength, offset, length, filled: 0, minimum, elementSize, type, kind });

  const invalidateRequest = (c) => {
    if (c.request === null) return;
    c.request.c = null;
    c.request.view = null;
    c.request = null;
  };
  const clearPending = (c) => {
    invalidateRequest(c);
    if (c.pending.size > 0) c.pending = new Queue();
  };
  const closeBytes = (c) => {
    if (!open(c)) return;
    if (c.total > 0) {
      c.closing = true;
      return;
    }
    if (c.pending.size > 0) {
      const first = c.pending.peek();
      if (first.filled % first.elementSize !== 0) {
        const error = new TypeError("Insufficient bytes to fill the elements of the given view");
        errorController(c, error);
        throw error;
      }
    }
    finish(c);
  };
  const convert = (d) => {
    const buffer = transfer(d.buffer);
    return new d.type(buffer, d.offset, d.filled / d.elementSize);
  };
  const commit = (stream, d) => {
    const closed = stream.state === CLOSED;
    const view = convert(d);
    const request = stream.reader.requests.shift();
    if (closed) request.close(view);
    else request.chunk(view);
  };
  const commitAll = (c) => {
    const filled = new Queue();
    while (c.pending.size > 0 && c.total > 0) {
      const first = c.pending.peek();
      if (fill(c, first)) {
        c.pending.shift();
        filled.push(first);
      }
    }
    return filled;
  };
  const commitEach = (stream, filled) => {
    while (filled.size > 0) commit(stream, filled.shift());
  };
  const queueBytes = (c, buffer, offset, length) => {
    c.queue.push({ buffer, offset, length });
    c.total += length;
  };
  const queueClone = (c, buffer, offset, length) => {
    let clone;
    try {
      clone = slice(buffer, offset, length);
    } catch (error) {
      errorController(c, error);
      throw error;
    }
    queueBytes(c, clone, 0, length);
  };
  const queueDetached = (c, d) => {
    if (d.filled > 0) queueClone(c, d.buffer, d.offset, d.filled);
    c.pending.shift();
  };
  const enqueueBytes = (c, chunk) => {
    const { stream } = c;
    if (!open(c)) return;
    const view = viewOf(chunk);
    if (detached(view.buffer)) throw new TypeError("The chunk's buffer is detached");
    const { offset, length } = view;
    const buffer = transfer(view.buffer);
    const { pending } = c;
    if (pending.size > 0) {
      const first = pending.peek();
      if (detached(first.buffer)) throw new TypeError("The buffer of the BYOB request is detached");
      invalidateRequest(c);
      first.buffer = transfer(first.buffer);
      if (first.kind === NONE) queueDetached(c, first);
    }
    const { reader } = stream;
    if (reader === null) queueBytes(c, buffer, offset, length);
    else if (reader.byob) {
      queueBytes(c, buffer, offset, length);
      commitEach(stream, commitAll(c));
    } else {
      while (reader.requests.size > 0 && c.total > 0) fillRequest(c, reader.requests.shift());
      if (reader.requests.size === 0) queueBytes(c, buffer, offset, length);
      else {
        if (c.pending.size > 0) c.pending.shift();
        reader.requests.shift().chunk(new Uint8Array(buffer, offset, length));
      }
    }
    callPull(c);
  };
  const fill = (c, d) => {
    const most = c.total < d.length - d.filled ? c.total : d.length - d.filled;
    const mostFilled = d.filled + most;
    const aligned = mostFilled - mostFilled % d.elementSize;
    let left = most, ready = false;
    if (aligned >= d.minimum) {
      left = aligned - d.filled;
      ready = true;
    }
    while (left > 0) {
      const head = c.queue.peek();
      const n = left < head.length ? left : head.length;
      copy(d.buffer, d.offset + d.filled, head.buffer, head.offset, n);
      if (head.length === n) c.queue.shift();
      else {
        head.offset += n;
        head.length -= n;
      }
      c.total -= n;
      d.filled += n;
      left -= n;
    }
    return ready;
  };
  const drained = (c) => {
    if (c.total === 0 && c.closing) finish(c);
    else callPull(c);
  };
  const fillRequest = (c, request) => {
    const { buffer, offset, length } = c.queue.shift();
    c.total -= length;
    drained(c);
    request.chunk(new Uint8Array(buffer, offset, length));
  };
  const byobRequest = (c) => {
    if (c.request === null && c.pending.size > 0) {
      const first = c.pending.peek();
      const view = new Uint8Array(first.buffer, first.offset + first.filled, first.length - first.filled);
      c.request = { self: null, c, view };
    }
    return c.request;
  };
  const pullInto = (c, view, min, request) => {
    const { stream } = c;
    const { offset, length, elementSize } = view;
    const type = types[view.name];
    let buffer;
    try {
      buffer = transfer(view.buffer);
    } catch (error) {
      request.error(error);
      return;
    }
    const d = descriptor(buffer, buffer.byteLength, offset, length, min * elementSize, elementSize, type, BYOB);
    if (c.pending.size > 0) {
      c.pending.push(d);
      stream.reader.requests.push(request);
      return;
    }
    if (stream.state === CLOSED) {
      request.close(new type(buffer, offset, 0));
      return;
    }
    if (c.total > 0) {
      if (fill(c, d)) {
        const filled = convert(d);
        drained(c);
        request.chunk(filled);
        return;
      }
      if (c.closing) {
        const error = new TypeError("Insufficient bytes to fill the elements of the given view");
        errorController(c, error);
        request.error(error);
        return;
      }
    }
    c.pending.push(d);
    stream.reader.requests.push(request);
    callPull(c);
  };
  const respond = (c, written) => {
    const first = c.pending.peek();
    if (c.stream.state === CLOSED) {
      if (written !== 0) throw new TypeError("bytesWritten must be 0 on a closed stream");
    } else {
      if (written === 0) throw new TypeError("bytesWritten must be greater than 0 on a readable stream");
      if (first.filled + written > first.length) throw new RangeError("bytesWritten is out of range");
    }
    first.buffer = transfer(first.buffer);
    respondInternal(c, written);
  };
  const respondView = (c, view) => {
    const first = c.pending.peek();
    if (c.stream.state === CLOSED) {
      if (view.length !== 0) throw new TypeError("The view must be empty on a closed stream");
    } else if (view.length === 0) throw new TypeError("The view must not be empty on a readable stream");
    if (first.offset + first.filled !== view.offset) throw new RangeError("The view's offset does not match the request");
    if (first.bufferLength !== view.buffer.byteLength) throw new RangeError("The view's buffer has another length than the request's");
    if (first.filled + view.length > first.length) throw new RangeError("The view is larger than the request");
    const { length } = view;
    first.buffer = transfer(view.buffer);
    respondInternal(c, length);
  };
  const respondInternal = (c, written) => {
    const { stream, pending } = c;
    const first = pending.peek();
    invalidateRequest(c);
    if (stream.state === CLOSED) {
      if (first.kind === NONE) pending.shift();
      const { reader } = stream;
      if (reader !== null && reader.byob) {
        const filled = new Queue();
        while (filled.size < reader.requests.size) filled.push(pending.shift());
        commitEach(stream, filled);
      }
    } else {
      first.filled += written;
      if (first.kind === NONE) {
        queueDetached(c, first);
        commitEach(stream, commitAll(c));
      } else if (first.filled >= first.minimum) {
        pending.shift();
        const rest = first.filled % first.elementSize;
        if (rest > 0) queueClone(c, first.buffer, first.offset + first.filled - rest, rest);
        first.filled -= rest;
        const filled = commitAll(c);
        commit(stream, first);
        commitEach(stream, filled);
      }
    }
    callPull(c);
  };

  // ---- Making streams -------------------------------------------------------------------------

  const makeDefault = (pull, cancel, mark = 1, size = undefined, begun = undefined) => {
    const stream = newStream();
    start(stream, newController(stream, false, mark, size, pull, cancel), begun);
    return stream;
  };
  const makeBytes = (pull, cancel, mark = 0) => {
    const stream = newStream();
    start(stream, newController(stream, true, mark, undefined, pull, cancel), undefined);
    return stream;
  };
  const finishBytes = (c) => {
    close(c);
    if (c.pending.size > 0) respond(c, 0);
  };
  // A body: `origin` is `{ bytes }`, which stay as they are, or `{ source }`.
  const streamFromOrigin = (origin) => {
    const { source } = origin;
    let c;
    const pull = source
      ? async () => {
        for (;;) {
          const chunk = await source.pull();
          if (c.stream.state !== READABLE) return;
          if (chunk === undefined) {
            finishBytes(c);
            return;
          }
          if (chunk.byteLength > 0) {
            enqueueBytes(c, chunk);
            return;
          }
        }
      }
      : () => {
        const bytes = cloneView(origin.bytes);
        if (bytes.byteLength > 0) enqueueBytes(c, bytes);
        finishBytes(c);
        return done();
      };
    const stream = makeBytes(pull, source ? (reason) => attempt(source.cancel, source, reason) : done);
    c = stream.c;
    stream.origin = origin;
    return stream;
  };
  const fromIterable = (iterable) => {
    if (iterable === undefined || iterable === null) throw new TypeError("ReadableStream.from: not iterable");
    let open = iterable[Symbol.asyncIterator], sync = false;
    if (open === undefined || open === null) {
      open = iterable[Symbol.iterator];
      sync = true;
    }
    if (typeof open !== "function") throw new TypeError("ReadableStream.from: not iterable");
    const iterator = apply(open, iterable, []);
    if (typeof iterator !== "object" && typeof iterator !== "function" || iterator === null) throw new TypeError("The iterator is not an object");
    const { next } = iterator;
    const result = (value) => {
      if (typeof value !== "object" && typeof value !== "function" || value === null) throw new TypeError("The iterator's result is not an object");
      return value;
    };
    const pull = () => then(attempt(next, iterator), (step) => {
      if (result(step).done) close(stream.c);
      else {
        const { value } = step;
        if (sync) return then(resolve(value), (value) => enqueue(stream.c, value));
        enqueue(stream.c, value);
      }
    });
    const cancel = (reason) => {
      let finish;
      try {
        finish = iterator.return;
      } catch (error) {
        return reject(error);
      }
      if (finish === undefined || finish === null) return done();
      if (sync) {
        try {
          result(apply(finish, iterator, [reason]));
          return done();
        } catch (error) {
          return reject(error);
        }
      }
      return then(attempt(finish, iterator, reason), (value) => {
        result(value);
      });
    };
    const stream = makeDefault(pull, cancel, 0);
    return stream;
  };

  // ---- Tee ------------------------------------------------------------------------------------

  const microtask = (callback) => {
    then(done(), callback);
  };
  // Both branches' shared part: `canceled`, `reasons`, and the promise of the two cancellations.
  const newTee = (stream) => {
    const tee = { stream, reader: newReader(stream, false), reading: false, again: [false, false], canceled: [false, false], reasons: [], branches: [], cancel: deferred() };
    tee.cancelBranch = (i) => (reason) => {
      tee.canceled[i] = true;
      tee.reasons[i] = reason;
      if (tee.canceled[1 - i]) tee.cancel.resolve(cancelStream(stream, tee.reasons));
      return tee.cancel.promise;
    };
    tee.each = (callback) => {
      for (let i = 0; i < 2; i++) if (!tee.canceled[i]) callback(tee.branches[i].c, i);
    };
    tee.settled = () => {
      if (!tee.canceled[0] || !tee.canceled[1]) tee.cancel.resolve(undefined);
    };
    tee.failed = (error) => {
      errorController(tee.branches[0].c, error);
      errorController(tee.branches[1].c, error);
      tee.cancel.resolve(cancelStream(stream, error));
    };
    tee.watch = () => {
      const { reader } = tee;
      then(reader.closed.promise, undefined, (error) => {
        if (tee.reader !== reader) return;
        errorController(tee.branches[0].c, error);
        errorController(tee.branches[1].c, error);
        tee.settled();
      });
    };
    return tee;
  };
  const teeDefault = (stream, clone) => {
    const tee = newTee(stream);
    const request = {
      chunk(value) {
        microtask(() => {
          tee.again[0] = false;
          let second = value;
          if (clone && !tee.canceled[1]) {
            try {
              second = web.clone(value);
            } catch (error) {
              tee.failed(error);
              return;
            }
          }
          tee.each((c, i) => enqueue(c, i === 0 ? value : second));
          tee.reading = false;
          if (tee.again[0]) pull();
        });
      },
      close() {
        tee.reading = false;
        tee.each(close);
        tee.settled();
      },
      error() {
        tee.reading = false;
      },
    };
    const pull = () => {
      if (tee.reading) tee.again[0] = true;
      else {
        tee.reading = true;
        read(tee.reader, request);
      }
      return done();
    };
    for (let i = 0; i < 2; i++) tee.branches[i] = makeDefault(pull, tee.cancelBranch(i));
    tee.watch();
    return tee.branches;
  };
  const teeBytes = (stream) => {
    const tee = newTee(stream);
    const { again, canceled, branches } = tee;
    const next = () => {
      tee.reading = false;
      if (again[0]) pull(0);
      else if (again[1]) pull(1);
    };
    const switchReader = (byob) => {
      if (tee.reader.byob === byob) return;
      releaseReader(tee.reader);
      tee.reader = newReader(stream, byob);
      tee.watch();
    };
    const request = {
      chunk(value) {
        microtask(() => {
          again[0] = again[1] = false;
          const chunks = [value, value];
          if (!canceled[0] && !canceled[1]) {
            try {
              chunks[1] = cloneView(value);
            } catch (error) {
              tee.failed(error);
              return;
            }
          }
          tee.each((c, i) => enqueue(c, chunks[i]));
          next();
        });
      },
      close() {
        tee.reading = false;
        tee.each(close);
        for (let i = 0; i < 2; i++) if (branches[i].c.pending.size > 0) respond(branches[i].c, 0);
        tee.settled();
      },
      error() {
        tee.reading = false;
      },
    };
    const requestInto = (mine) => {
      const other = 1 - mine;
      return {
        chunk(value) {
          microtask(() => {
            again[0] = again[1] = false;
            if (!canceled[other]) {
              let clone;
              try {
                clone = cloneView(value);
              } catch (error) {
                tee.failed(error);
                return;
              }
              if (!canceled[mine]) respondView(branches[mine].c, viewOf(value));
              enqueue(branches[other].c, clone);
            } else if (!canceled[mine]) respondView(branches[mine].c, viewOf(value));
            next();
          });
        },
        close(value) {
          tee.reading = false;
          tee.each(close);
          if (value !== undefined) {
            if (!canceled[mine]) respondView(branches[mine].c, viewOf(value));
            if (!canceled[other] && branches[other].c.pending.size > 0) respond(branches[other].c, 0);
          }
          tee.settled();
        },
        error() {
          tee.reading = false;
        },
      };
    };
    const pull = (i) => {
      if (tee.reading) again[i] = true;
      else {
        tee.reading = true;
        const into = byobRequest(branches[i].c);
        switchReader(into !== null);
        if (into === null) read(tee.reader, request);
        else readInto(tee.reader, viewOf(into.view), 1, requestInto(i));
      }
      return done();
    };
    for (let i = 0; i < 2; i++) branches[i] = makeBytes(() => pull(i), tee.cancelBranch(i));
    tee.watch();
    return branches;
  };
  const tee = (stream, clone) => stream.c.byte ? teeBytes(stream) : teeDefault(stream, clone);

  // ---- What programs see ----------------------------------------------------------------------

  let streamOf, isStream;
  class ReadableStream {
    #s;
    constructor(underlyingSource = undefined, strategy = undefined) {
      if (underlyingSource === key) {
        this.#s = strategy;
        return;
      }
      const source = underlyingSource;
      if (source !== undefined && (typeof source !== "object" || source === null) && typeof source !== "function") throw new TypeError("underlyingSource is not an object");
      const given = strategyOf(strategy, 1);
      const steps = source === undefined ? none : stepsOf(source, ["autoAllocateChunkSize", "cancel", "pull", "start", "type"]);
      const { type } = steps;
      const byte = type !== undefined;
      if (byte && `${type}` !== "bytes") throw new TypeError(`type: ${type} is not a type of stream`);
      const stream = this.#s = newStream();
      stream.self = this;
      if (byte) {
        if (given.size !== undefined) throw new RangeError("A byte stream has no size function");
        given.fallback = 0;
      }
      const c = newController(stream, byte, markOf(given), given.size, null, null);
      if (byte && steps.autoAllocateChunkSize !== undefined) {
        if (steps.autoAllocateChunkSize === 0) throw new TypeError("autoAllocateChunkSize must be greater than 0");
        c.auto = steps.autoAllocateChunkSize;
      }
      const pull = method(steps, "pull", source, 1);
      c.pull = pull ? () => pull(publicController(c)) : done;
      const cancel = method(steps, "cancel", source, 1);
      c.cancel = cancel ?? done;
      stream.c = c;
      start(stream, c, steps.start ? apply(steps.start, source, [publicController(c)]) : undefined);
    }
    static {
      streamOf = (object) => object.#s;
      isStream = (object) => typeof object === "object" && object !== null && #s in object;
    }
    static from(asyncIterable) {
      need(arguments.length, 1, "ReadableStream.from");
      return publicStream(fromIterable(asyncIterable));
    }
    get locked() {
      return this.#s.reader !== null;
    }
    cancel(reason = undefined) {
      try {
        const stream = this.#s;
        if (stream.reader !== null) throw new TypeError("The stream is locked");
        return cancelStream(stream, reason);
      } catch (error) {
        return reject(error);
      }
    }
    getReader(options = undefined) {
      this.#s;
      const mode = dictionary(options, "options")?.mode;
      if (mode === undefined) return new ReadableStreamDefaultReader(this);
      if (`${mode}` !== "byob") throw new TypeError(`mode: ${mode} is not a mode of reader`);
      return new ReadableStreamBYOBReader(this);
    }
    pipeThrough(transform, options = undefined) {
      const stream = this.#s;
      need(arguments.length, 1, "pipeThrough");
      const pair = dictionary(transform, "transform");
      const readable = pair?.readable;
      if (!isStream(readable)) throw new TypeError("transform.readable is not a ReadableStream");
      const writable = pair.writable;
      if (!web.isWritableStream(writable)) throw new TypeError("transform.writable is not a WritableStream");
      const given = pipeOptions(options);
      if (stream.reader !== null) throw new TypeError("The stream is locked");
      if (web.writables.locked(writable)) throw new TypeError("The writable side is locked");
      handled(web.writables.pipe(stream, writable, given));
      return readable;
    }
    pipeTo(destination, options = undefined) {
      try {
        const stream = this.#s;
        need(arguments.length, 1, "pipeTo");
        if (!web.isWritableStream(destination)) throw new TypeError("destination is not a WritableStream");
        const given = pipeOptions(options);
        if (stream.reader !== null) throw new TypeError("The stream is locked");
        if (web.writables.locked(destination)) throw new TypeError("The destination is locked");
        return web.writables.pipe(stream, destination, given);
      } catch (error) {
        return reject(error);
      }
    }
    tee() {
      const [first, second] = tee(this.#s, false);
      return [publicStream(first), publicStream(second)];
    }
    values(options = undefined) {
      const stream = this.#s;
      const preventCancel = !!dictionary(options, "options")?.preventCancel;
      return new Iterator({ reader: newReader(stream, false), preventCancel, ongoing: null, finished: false });
    }
  }
  const pipeOptions = (value) => {
    const options = dictionary(value, "options");
    const preventAbort = !!options?.preventAbort, preventCancel = !!options?.preventCancel, preventClose = !!options?.preventClose;
    const signal = options?.signal;
    if (signal !== undefined && !web.isAbortSignal(signal)) throw new TypeError("signal is not an AbortSignal");
    return { preventAbort, preventCancel, preventClose, signal };
  };
  Object.defineProperty(ReadableStream.prototype, Symbol.asyncIterator, { value: ReadableStream.prototype.values, writable: true, configurable: true });
  defineGlobal("ReadableStream", ReadableStream);
  web.describeBy(ReadableStream, ["locked"]);

  class Iterator {
    #s;
    constructor(state) {
      this.#s = state;
    }
    next() {
      try {
        return chain(this.#s, nextSteps);
      } catch (error) {
        return reject(error);
      }
    }
    return(value) {
      try {
        return then(chain(this.#s, (s) => returnSteps(s, value)), () => ({ value, done: true }));
      } catch (error) {
        return reject(error);
      }
    }
  }
  const chain = (s, steps) => {
    const run = () => steps(s);
    return s.ongoing = s.ongoing === null ? run() : then(s.ongoing, run, run);
  };
  const nextSteps = (s) => {
    if (s.finished) return resolve({ value: undefined, done: true });
    const { promise, resolve: give, reject: fail } = deferred();
    read(s.reader, {
      chunk(value) {
        give({ value, done: false });
      },
      close() {
        s.finished = true;
        releaseReader(s.reader);
        give({ value: undefined, done: true });
      },
      error(error) {
        s.finished = true;
        releaseReader(s.reader);
        fail(error);
      },
    });
    return then(promise); // One reaction later, as the standard counts.
  };
  const returnSteps = (s, reason) => {
    if (s.finished) return done();
    s.finished = true;
    const result = s.preventCancel ? done() : cancelStream(s.reader.stream, reason);
    releaseReader(s.reader);
    return result;
  };
  {
    const { prototype } = Iterator;
    delete prototype.constructor;
    web.finishClass(Iterator, "ReadableStream AsyncIterator");
    web.refuseClone(prototype);
    const generator = Object.getPrototypeOf(async function* () {}).prototype;
    Object.setPrototypeOf(prototype, Object.getPrototypeOf(generator));
  }

  // The part both readers have, over a function from the public object to its record.
  const readerMembers = (type, readerOf) => {
    const members = {
      get closed() {
        try {
          return readerOf(this).closed.promise;
        } catch (error) {
          return reject(error);
        }
      },
      cancel(reason = undefined) {
        try {
          const { stream } = readerOf(this);
          if (stream === null) throw new TypeError("The reader was released");
          return cancelStream(stream, reason);
        } catch (error) {
          return reject(error);
        }
      },
      releaseLock() {
        const reader = readerOf(this);
        if (reader.stream !== null) releaseReader(reader);
      },
    };
    Object.defineProperties(type.prototype, Object.getOwnPropertyDescriptors(members));
  };

  let defaultReaderOf;
  class ReadableStreamDefaultReader {
    #s;
    constructor(stream) {
      need(arguments.length, 1, "ReadableStreamDefaultReader");
      if (!isStream(stream)) throw new TypeError("stream is not a ReadableStream");
      this.#s = newReader(streamOf(stream), false);
    }
    static {
      defaultReaderOf = (object) => object.#s;
    }
    read() {
      try {
        const reader = this.#s;
        if (reader.stream === null) throw new TypeError("The reader was released");
        const request = new PromiseRequest();
        read(reader, request);
        return request.promise;
      } catch (error) {
        return reject(error);
      }
    }
  }
  readerMembers(ReadableStreamDefaultReader, defaultReaderOf);
  defineGlobal("ReadableStreamDefaultReader", ReadableStreamDefaultReader);

  let byobReaderOf;
  class ReadableStreamBYOBReader {
    #s;
    constructor(stream) {
      need(arguments.length, 1, "ReadableStreamBYOBReader");
      if (!isStream(stream)) throw new TypeError("stream is not a ReadableStream");
      this.#s = newReader(streamOf(stream), true);
    }
    static {
      byobReaderOf = (object) => object.#s;
    }
    read(view, options = undefined) {
      try {
        const reader = this.#s;
        need(arguments.length, 1, "read");
        const into = viewOf(view);
        const given = dictionary(options, "options")?.min;
        const min = given === undefined ? 1 : web.enforceRange(given, Number.MAX_SAFE_INTEGER, "min");
        if (into.length === 0) throw new TypeError("The view is empty");
        if (detached(into.buffer)) throw new TypeError("The view's buffer is detached");
        if (min === 0) throw new TypeError("min must be greater than 0");
        if (min > into.length / into.elementSize) throw new RangeError("min is greater than the view");
        if (reader.stream === null) throw new TypeError("The reader was released");
        const request = new PromiseRequest();
        readInto(reader, into, min, request);
        return request.promise;
      } catch (error) {
        return reject(error);
      }
    }
  }
  readerMembers(ReadableStreamBYOBReader, byobReaderOf);
  defineGlobal("ReadableStreamBYOBReader", ReadableStreamBYOBReader);

  class ReadableStreamDefaultController {
    #s;
    constructor() {
      if (arguments[0] !== key) throw web.illegal();
      this.#s = arguments[1];
    }
    get desiredSize() {
      return desiredSize(this.#s);
    }
    close() {
      if (!open(this.#s)) throw new TypeError("The stream is not open");
      close(this.#s);
    }
    enqueue(chunk = undefined) {
      if (!open(this.#s)) throw new TypeError("The stream is not open");
      enqueue(this.#s, chunk);
    }
    error(error = undefined) {
      errorController(this.#s, error);
    }
  }
  defineGlobal("ReadableStreamDefaultController", ReadableStreamDefaultController);

  class ReadableByteStreamController {
    #s;
    constructor() {
      if (arguments[0] !== key) throw web.illegal();
      this.#s = arguments[1];
    }
    get byobRequest() {
      const request = byobRequest(this.#s);
      return request === null ? null : request.self ??= new ReadableStreamBYOBRequest(key, request);
    }
    get desiredSize() {
      return desiredSize(this.#s);
    }
    close() {
      const c = this.#s;
      if (!open(c)) throw new TypeError("The stream is not open");
      closeBytes(c);
    }
    enqueue(chunk) {
      const c = this.#s;
      need(arguments.length, 1, "enqueue");
      const view = viewOf(chunk);
      if (view.length === 0 || view.buffer.byteLength === 0) throw new TypeError("The chunk is empty");
      if (!open(c)) throw new TypeError("The stream is not open");
      enqueueBytes(c, chunk);
    }
    error(error = undefined) {
      errorController(this.#s, error);
    }
  }
  defineGlobal("ReadableByteStreamController", ReadableByteStreamController);

  class ReadableStreamBYOBRequest {
    #s;
    constructor() {
      if (arguments[0] !== key) throw web.illegal();
      this.#s = arguments[1];
    }
    get view() {
      return this.#s.view;
    }
    respond(bytesWritten) {
      const s = this.#s;
      need(arguments.length, 1, "respond");
      const written = web.enforceRange(bytesWritten, Number.MAX_SAFE_INTEGER, "bytesWritten");
      if (s.c === null) throw new TypeError("The request is over");
      if (detached(viewOf(s.view).buffer)) throw new TypeError("The view's buffer is detached");
      respond(s.c, written);
    }
    respondWithNewView(view) {
      const s = this.#s;
      need(arguments.length, 1, "respondWithNewView");
      const given = viewOf(view);
      if (s.c === null) throw new TypeError("The request is over");
      if (detached(given.buffer)) throw new TypeError("The view's buffer is detached");
      respondView(s.c, given);
    }
  }
  defineGlobal("ReadableStreamBYOBRequest", ReadableStreamBYOBRequest);

  // Strategies. `size` is one function per realm.
  const sizes = {
    count: { size: () => 1 }.size,
    bytes: { size: (chunk) => chunk.byteLength }.size,
  };
  const strategyMark = (init, name) => {
    const given = dictionary(init, "init");
    if (given?.highWaterMark === undefined) throw new TypeError(`${name}: highWaterMark is required`);
    return +given.highWaterMark;
  };
  class CountQueuingStrategy {
    #mark;
    constructor(init) {
      need(arguments.length, 1, "CountQueuingStrategy");
      this.#mark = strategyMark(init, "CountQueuingStrategy");
    }
    get highWaterMark() {
      return this.#mark;
    }
    get size() {
      this.#mark;
      return sizes.count;
    }
  }
  defineGlobal("CountQueuingStrategy", CountQueuingStrategy);
  class ByteLengthQueuingStrategy {
    #mark;
    constructor(init) {
      need(arguments.length, 1, "ByteLengthQueuingStrategy");
      this.#mark = strategyMark(init, "ByteLengthQueuingStrategy");
    }
    get highWaterMark() {
      return this.#mark;
    }
    get size() {
      this.#mark;
      return sizes.bytes;
    }
  }
  defineGlobal("ByteLengthQueuingStrategy", ByteLengthQueuingStrategy);

  web.isReadableStream = isStream;
  web.streamFromBytes = (bytes) => publicStream(streamFromOrigin({ bytes, source: null }));
  web.streams = {
    READABLE, CLOSED, ERRORED, Queue, Slot, streamOf, publicStream, newReader, releaseReader, read, cancelStream, tee,
    makeDefault, makeBytes, streamFromOrigin, fromIterable, enqueue, close, error: errorController, sizeOf, strategyOf, markOf, stepsOf,
    method, none, done, adopt, nothing, wanted, desiredSize, open,
  };
}
