// Bodies: what a Request and a Response hold, how a value becomes one, and the methods that read it.
//
// A body is `{ bytes, source, stream, used, ... }`: bytes that are there, or a source the kernel pulls from, or a stream
// (a record of streams.js). A stream over bytes or a source comes into being when somebody asks for it.
(native, web) => {
  "use strict";
  const { resolve, reject, then, deferred } = web.promises;
  const { concat, mimeType, copyBytes, kindOf } = native;
  const { parse } = JSON;
  const { streamOf, publicStream, newReader, read, cancelStream, streamFromOrigin, fromIterable, tee } = web.streams;
  const { READABLE } = web.streams;
  const nothing = () => {};
  const empty = () => new Uint8Array(0);

  const make = (bytes, source, stream) => ({ bytes, source, stream, used: false, shared: false, failed: null, pending: null });
  const used = (body) => body.stream === null ? body.used : body.stream.disturbed;
  const unusable = (body) => body.used || body.stream !== null && (body.stream.disturbed || body.stream.reader !== null);

  // A BodyInit becomes a body; `type` of the result is the content type it brings along.
  let type = null;
  const extract = (value) => {
    type = null;
    if (typeof value === "string") {
      type = "text/plain;charset=UTF-8";
      return make(web.encodeUtf8(value), null, null);
    }
    if (typeof value === "object" && value !== null) {
      if (web.isReadableStream(value)) {
        const stream = streamOf(value);
        if (stream.disturbed) throw new TypeError("The stream was read already");
        if (stream.reader !== null) throw new TypeError("The stream is locked");
        return make(null, null, stream);
      }
      const bytes = copyBytes(value);
      if (bytes !== null) return make(bytes, null, null);
      if (web.isBlob?.(value)) {
        const blob = web.blobParts(value);
        if (blob.type !== "") type = blob.type;
        const body = make(blob.bytes, null, null);
        body.shared = true;
        return body;
      }
      if (web.isURLSearchParams?.(value)) {
        type = "application/x-www-form-urlencoded;charset=UTF-8";
        return make(web.encodeUtf8(`${value}`), null, null);
      }
      if (web.isFormData?.(value)) {
        const form = web.encodeFormData(value);
        type = form.contentType;
        return make(form.bytes, null, null);
      }
      // Not in the standard; Deno and Node take them too.
      if (typeof value[Symbol.asyncIterator] === "function") return make(null, null, fromIterable(value));
    }
    type = "text/plain;charset=UTF-8";
    return make(web.encodeUtf8(`${value}`), null, null);
  };
  const fromHost = (body) => {
    if (body === null || body === undefined) return null;
    return typeof body.pull === "function" ? make(null, body, null) : make(body, null, null);
  };

  const streamFor = (body) => {
    if (body.stream === null) {
      const stream = body.stream = streamFromOrigin(body);
      if (body.used) {
        // It was read without a stream: what is seen now is a stream at its end.
        stream.disturbed = true;
        newReader(stream, false);
        web.streams.close(stream.c);
      } else if (body.failed) web.streams.error(stream.c, body.failed.reason);
    }
    return body.stream;
  };

  // ---- Reading --------------------------------------------------------------------------------

  const collectSource = async (source) => {
    const chunks = [];
    for (;;) {
      const chunk = await source.pull();
      if (chunk === undefined) break;
      chunks[chunks.length] = chunk;
    }
    return chunks.length === 1 ? chunks[0] : concat(chunks);
  };
  const collectStream = (stream) => {
    const { promise, resolve, reject } = deferred();
    const reader = newReader(stream, false), chunks = [];
    const request = {
      chunk(value) {
        if (kindOf(value) !== "Uint8Array") {
          const error = new TypeError("A chunk of the body is not a Uint8Array");
          reject(error);
          then(cancelStream(stream, error), undefined, nothing);
          return;
        }
        chunks[chunks.length] = value;
        then(resolved, next);
      },
      close() {
        resolve(concat(chunks));
      },
      error: reject,
    };
    const resolved = web.streams.done();
    const next = () => read(reader, request);
    next();
    return promise;
  };
  // Everything the body has, as a promise of bytes that nobody else holds.
  const consume = (body) => {
    const stream = body.stream;
    body.used = true;
    if (stream === null) {
      if (body.failed) return reject(body.failed.reason);
      if (body.bytes !== null) return resolve(body.bytes);
      const pending = body.pending = deferred();
      then(collectSource(body.source), pending.resolve, pending.reject);
      return pending.promise;
    }
    return collectStream(stream);
  };
  // The body fails, for those who read it now and those who will.
  const fail = (body, reason) => {
    const { source, stream } = body;
    body.failed = { reason };
    if (body.pending !== null) body.pending.reject(reason);
    if (stream !== null) web.streams.error(stream.c, reason);
    if (source !== null) {
      try {
        source.cancel(reason);
      } catch {}
    }
  };

  const convert = {
    text: (bytes) => web.decodeUtf8(bytes),
    json: (bytes) => parse(web.decodeUtf8(bytes)),
    bytes: (bytes, shared) => shared ? copyBytes(bytes) : bytes,
    arrayBuffer: (bytes, shared) => (shared ? copyBytes(bytes) : bytes.byteLength === bytes.buffer.byteLength ? bytes : copyBytes(bytes)).buffer,
    blob(bytes, shared, contentType) {
      const mime = contentType === null ? null : mimeType(contentType);
      return web.makeBlob(bytes, mime === null ? "" : mime.text);
    },
    formData(bytes, shared, contentType) {
      const mime = contentType === null ? null : mimeType(contentType);
      if (mime !== null && mime.essence === "multipart/form-data" && mime.boundary !== null) return web.parseMultipart(bytes, mime.boundary);
      if (mime !== null && mime.essence === "application/x-www-form-urlencoded") return web.parseUrlencoded(web.decodeUtf8(bytes));
      throw new TypeError("The content type is neither multipart/form-data nor application/x-www-form-urlencoded");
    },
  };
  const contentType = (s) => web.headers.get(s.headers, "content-type");
  const readAs = (s, how) => {
    const { body } = s;
    if (body !== null && unusable(body)) return reject(new TypeError("The body was read already, or is locked"));
    try {
      const type = how === convert.blob || how === convert.formData ? contentType(s) : null;
      if (body === null) return resolve(how(empty(), false, type));
      // Bytes are converted at once; they may be shared with a clone.
      if (body.stream === null && body.bytes !== null) {
        body.used = true;
        if (body.failed) return reject(body.failed.reason);
        return resolve(how(body.bytes, body.shared, type));
      }
      return then(consume(body), (bytes) => how(bytes, false, type));
    } catch (error) {
      return reject(error);
    }
  };
  // Puts the members that read a body on a prototype.
  const mixin = (type, stateOf) => {
    const reader = (how) => (object) => {
      let s;
      try {
        s = stateOf(object);
      } catch (error) {
        return reject(error);
      }
      return readAs(s, how);
    };
    const text = reader(convert.text), json = reader(convert.json), bytes = reader(convert.bytes);
    const arrayBuffer = reader(convert.arrayBuffer), blob = reader(convert.blob), formData = reader(convert.formData);
    Object.defineProperties(type.prototype, Object.getOwnPropertyDescriptors({
      get body() {
        const { body } = stateOf(this);
        return body === null ? null : publicStream(streamFor(body));
      },
      get bodyUsed() {
        const { body } = stateOf(this);
        return body !== null && used(body);
      },
      arrayBuffer() { return arrayBuffer(this); },
      blob() { return blob(this); },
      bytes() { return bytes(this); },
      formData() { return formData(this); },
      json() { return json(this); },
      text() { return text(this); },
    }));
  };

  // Two bodies of one: bytes are shared, anything else becomes a tee.
  const clone = (body) => {
    if (body === null) return null;
    if (body.stream === null && body.bytes !== null) {
      body.shared = true;
      const copy = make(body.bytes, null, null);
      copy.shared = true;
      return copy;
    }
    const [first, second] = tee(streamFor(body), true);
    body.stream = first;
    return make(null, null, second);
  };

  // ---- The bridge to the kernel ---------------------------------------------------------------

  class Reader {
    constructor(stream) {
      this.stream = stream;
      this.reader = newReader(stream, false);
    }
    read() {
      const { promise, resolve, reject } = deferred();
      const { stream } = this;
      read(this.reader, {
        chunk(value) {
          if (kindOf(value) === "Uint8Array") resolve(value);
          else {
            const error = new TypeError("A chunk of the body is not a Uint8Array");
            reject(error);
            then(cancelStream(stream, error), undefined, nothing);
          }
        },
        close: resolve,
        error: reject,
      });
      return promise;
    }
    cancel(reason) {
      return cancelStream(this.stream, reason);
    }
  }
  // null, bytes, `{ source }` that nobody has touched, or `{ reader }`.
  const take = (body) => {
    if (body === null) return null;
    if (unusable(body)) throw new TypeError("The body was read already, or is locked");
    body.used = true;
    const { stream } = body;
    if (stream !== null) {
      const { origin } = stream;
      if (origin === null || stream.state !== READABLE) return { reader: new Reader(stream) };
      // The stream is ours and nothing came out of it: what it was made of goes on its way directly.
      stream.disturbed = true;
      newReader(stream, false);
      return origin.source === null ? origin.bytes : { source: origin.source };
    }
    if (body.failed) return { reader: { read: () => reject(body.failed.reason), cancel: () => resolve(undefined) } };
    return body.source === null ? body.bytes : { source: body.source };
  };

  web.bodies = {
    make, extract, fromHost, unusable, streamFor, mixin, clone, take, fail, mimeType, contentType,
    dataUrl: native.dataUrl, isBinary: native.isBinary, copyBytes, extractedType: () => type,
  };
}
