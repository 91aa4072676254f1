// node:zlib, over the codecs of the compression streams: whole buffers at once, and streams that give all at their end.
(native, web, require) => {
  "use strict";
  const { Buffer } = require("buffer");
  const { fail, wrongType, needFunction } = require("internal/errors");
  const { nextTick } = require("internal/process");
  const bytesOf = (data) => {
    if (typeof data === "string") return Buffer.from(data);
    if (ArrayBuffer.isView(data)) return new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
    if (data instanceof ArrayBuffer) return new Uint8Array(data);
    throw wrongType("buffer", "of type string or an instance of Buffer, TypedArray, DataView, or ArrayBuffer", data);
  };
  const coded = (format, compresses) => (data) => {
    const input = bytesOf(data);
    const wanted = format !== "" ? format : input[0] === 0x1f && input[1] === 0x8b ? "gzip" : "deflate";
    const output = native.code(wanted, compresses, input);
    if (output === undefined) throw Object.assign(fail(Error, "Z_DATA_ERROR", "incorrect data"), { errno: -3 });
    return Buffer.from(output.buffer, output.byteOffset, output.byteLength);
  };
  const exports = {
    constants: {
      Z_NO_FLUSH: 0, Z_PARTIAL_FLUSH: 1, Z_SYNC_FLUSH: 2, Z_FULL_FLUSH: 3, Z_FINISH: 4, Z_BLOCK: 5, Z_OK: 0, Z_STREAM_END: 1, Z_DATA_ERROR: -3, Z_BUF_ERROR: -5,
      Z_NO_COMPRESSION: 0, Z_BEST_SPEED: 1, Z_BEST_COMPRESSION: 9, Z_DEFAULT_COMPRESSION: -1, Z_DEFAULT_STRATEGY: 0, Z_DEFAULT_WINDOWBITS: 15,
      BROTLI_OPERATION_PROCESS: 0, BROTLI_OPERATION_FLUSH: 1, BROTLI_OPERATION_FINISH: 2, BROTLI_PARAM_MODE: 0, BROTLI_PARAM_QUALITY: 1, BROTLI_PARAM_SIZE_HINT: 5,
      BROTLI_MODE_TEXT: 1, BROTLI_MIN_QUALITY: 0, BROTLI_MAX_QUALITY: 11, BROTLI_DEFAULT_QUALITY: 11,
    },
  };
  for (const [name, format, compresses] of [
    ["Gzip", "gzip", true], ["Gunzip", "gzip", false], ["Deflate", "deflate", true], ["Inflate", "deflate", false], ["DeflateRaw", "deflate-raw", true],
    ["InflateRaw", "deflate-raw", false], ["Unzip", "", false], ["BrotliCompress", "brotli", true], ["BrotliDecompress", "brotli", false],
  ]) {
    const sync = coded(format, compresses);
    const base = name[0].toLowerCase() + name.slice(1);
    exports[`${base}Sync`] = sync;
    exports[base] = (data, ...rest) => {
      const done = rest.pop();
      needFunction(done, "callback");
      const input = bytesOf(data);
      nextTick(() => {
        let output;
        try {
          output = sync(input);
        } catch (error) {
          return done(error);
        }
        return done(null, output);
      });
    };
    exports[`create${name}`] = () => {
      const { Transform } = require("stream");
      const parts = [];
      return new Transform({
        transform(chunk, _, done) {
          parts.push(chunk);
          done();
        },
        flush(done) {
          try {
            done(null, sync(Buffer.concat(parts)));
          } catch (error) {
            done(error);
          }
        },
      });
    };
  }
  const table = new Int32Array(256).map((_, byte) => {
    for (let bit = 0; bit < 8; bit++) byte = byte & 1 ? (byte >>> 1) ^ 0xedb88320 : byte >>> 1;
    return byte;
  });
  exports.crc32 = (data, value = 0) => {
    let sum = ~value;
    for (const byte of bytesOf(data)) sum = table[(sum ^ byte) & 255] ^ (sum >>> 8);
    return ~sum >>> 0;
  };
  exports.codes = Object.freeze({ Z_OK: 0, Z_DATA_ERROR: -3, Z_BUF_ERROR: -5 });
  return exports;
}
