// CompressionStream and DecompressionStream: a native codec in a transform stream.
(native, web) => {
  "use strict";
  const { open, feed, finish, take } = native;

  // What a chunk makes is taken a piece at a time: little may come of much, and much of little.
  const coder = (format, compresses) => {
    const codec = open(`${format}`, compresses);
    const drain = (put) => {
      let piece;
      while ((piece = take(codec)) !== undefined) put(piece);
    };
    return web.transform((chunk, put) => {
      feed(codec, chunk);
      drain(put);
    }, (put) => {
      finish(codec);
      drain(put);
    });
  };

  class CompressionStream {
    #ends;
    constructor(format) {
      web.need(arguments.length, 1, "CompressionStream");
      this.#ends = coder(format, true);
    }
    get readable() { return this.#ends.readable; }
    get writable() { return this.#ends.writable; }
  }
  class DecompressionStream {
    #ends;
    constructor(format) {
      web.need(arguments.length, 1, "DecompressionStream");
      this.#ends = coder(format, false);
    }
    get readable() { return this.#ends.readable; }
    get writable() { return this.#ends.writable; }
  }
  web.defineGlobal("CompressionStream", CompressionStream);
  web.defineGlobal("DecompressionStream", DecompressionStream);
};
