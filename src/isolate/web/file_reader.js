// FileReader and ProgressEvent: blobs are in memory, so a reading is three tasks.
(native, web) => {
  "use strict";
  const { need, constants, defineGlobal } = web;
  const { Event, EventTarget, TextDecoder, atob } = globalThis;
  const { toBase64 } = Uint8Array.prototype;
  const { apply } = Reflect;
  const { exec } = RegExp.prototype;
  const charset = /;\s*charset="?([^;"\s]+)/i;
  const EMPTY = 0, LOADING = 1, DONE = 2;

  class ProgressEvent extends Event {
    #p;
    constructor(type, eventInitDict = undefined) {
      need(arguments.length, 1, "ProgressEvent");
      super(type, eventInitDict);
      const init = eventInitDict ?? {};
      this.#p = { known: !!init.lengthComputable, loaded: +(init.loaded ?? 0), total: +(init.total ?? 0) };
    }
    get lengthComputable() { return this.#p.known; }
    get loaded() { return this.#p.loaded; }
    get total() { return this.#p.total; }
  }
  defineGlobal("ProgressEvent", ProgressEvent);

  // A byte order mark says more than who asks, who asks more than the blob's type, and UTF-8 is the rest.
  const decoderFor = (bytes, label, type) => {
    if (bytes[0] === 0xef && bytes[1] === 0xbb && bytes[2] === 0xbf) return new TextDecoder();
    if (bytes[0] === 0xfe && bytes[1] === 0xff) return new TextDecoder("utf-16be");
    if (bytes[0] === 0xff && bytes[1] === 0xfe) return new TextDecoder("utf-16le");
    const labels = [label, apply(exec, charset, [type])?.[1]];
    for (let i = 0; i < labels.length; i++) {
      try {
        if (labels[i] !== undefined) return new TextDecoder(labels[i]);
      } catch {}
    }
    return new TextDecoder();
  };
  const packages = {
    text: (bytes, type, label) => apply(decode, decoderFor(bytes, label, type), [bytes]),
    buffer: (bytes) => bytes.buffer,
    binary: (bytes) => atob(apply(toBase64, bytes, [])),
    url: (bytes, type) => `data:${type === "" ? "application/octet-stream" : type};base64,${apply(toBase64, bytes, [])}`,
  };
  const { decode } = TextDecoder.prototype;

  class FileReader extends EventTarget {
    #r = { state: EMPTY, result: null, error: null, reading: null };
    get readyState() { return this.#r.state; }
    get result() { return this.#r.result; }
    get error() { return this.#r.error; }
    readAsArrayBuffer(blob) { start(this, this.#r, arguments, blob, packages.buffer); }
    readAsBinaryString(blob) { start(this, this.#r, arguments, blob, packages.binary); }
    readAsDataURL(blob) { start(this, this.#r, arguments, blob, packages.url); }
    readAsText(blob, encoding = undefined) {
      start(this, this.#r, arguments, blob, packages.text, encoding === undefined ? undefined : `${encoding}`);
    }
    abort() {
      const r = this.#r;
      r.result = null;
      if (r.state !== LOADING) return;
      r.state = DONE;
      r.reading = null;
      fire(this, "abort", 0, 0);
      if (r.state !== LOADING) fire(this, "loadend", 0, 0);
    }
  }
  const fire = (reader, type, loaded, total) => {
    web.fire(reader, new ProgressEvent(type, { lengthComputable: true, loaded, total }));
  };
  const start = (reader, r, given, blob, pack, label) => {
    need(given.length, 1, "FileReader");
    if (!web.isBlob(blob)) throw new TypeError("FileReader: not a Blob");
    if (r.state === LOADING) throw new web.DOMException("The reader is reading already", "InvalidStateError");
    r.state = LOADING;
    r.result = r.error = null;
    const reading = r.reading = {};
    const { bytes, type } = web.blobParts(blob);
    const total = bytes.length;
    const later = (step) => web.queueTask(() => {
      if (r.reading === reading) step();
    });
    later(() => {
      fire(reader, "loadstart", 0, total);
      later(() => {
        if (total > 0) fire(reader, "progress", total, total);
        later(() => {
          r.state = DONE;
          let outcome = "load";
          try {
            r.result = pack(bytes, type, label);
          } catch (error) {
            r.error = error;
            outcome = "error";
          }
          fire(reader, outcome, total, total);
          later(() => {
            r.reading = null;
            fire(reader, "loadend", total, total);
          });
        });
      });
    });
  };
  constants(FileReader, { EMPTY, LOADING, DONE });
  web.eventHandlers(FileReader.prototype, ["loadstart", "progress", "load", "abort", "error", "loadend"]);
  defineGlobal("FileReader", FileReader);
}
