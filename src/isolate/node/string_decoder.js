// node:string_decoder. Keeps the bytes of a character that is not whole yet.
(native, web, require) => {
  "use strict";
  const { Buffer } = require("buffer");
  const { fail } = require("internal/errors");
  const names = { "utf-8": "utf8", "ucs-2": "utf16le", ucs2: "utf16le", "utf-16le": "utf16le", binary: "latin1" };
  // How many bytes at the end belong to a character that goes on.
  function openUtf8(bytes) {
    for (let back = 1; back <= 3 && back <= bytes.length; back++) {
      const byte = bytes[bytes.length - back];
      if (byte < 0x80) return 0;
      if (byte >= 0xc0) {
        const length = byte >= 0xf0 ? 4 : byte >= 0xe0 ? 3 : 2;
        return length > back ? back : 0;
      }
    }
    return 0;
  }
  function openUtf16(bytes) {
    if (bytes.length % 2 === 1) return bytes.length > 2 && isHigh(bytes[bytes.length - 2]) ? 3 : 1;
    return bytes.length >= 2 && isHigh(bytes[bytes.length - 1]) ? 2 : 0;
  }
  const isHigh = (byte) => (byte & 0xfc) === 0xd8;
  function StringDecoder(encoding) {
    const name = String(encoding ?? "utf8").toLowerCase();
    if (!Buffer.isEncoding(name)) throw fail(TypeError, "ERR_UNKNOWN_ENCODING", `Unknown encoding: ${encoding}`);
    this.encoding = names[name] ?? name;
    this.kept = Buffer.alloc(0);
  }
  StringDecoder.prototype.write = function (chunk) {
    if (typeof chunk === "string") return chunk;
    const given = Buffer.from(chunk.buffer, chunk.byteOffset, chunk.byteLength);
    const bytes = this.kept.length > 0 ? Buffer.concat([this.kept, given]) : given;
    let open = 0;
    if (this.encoding === "utf8") open = openUtf8(bytes);
    else if (this.encoding === "utf16le") open = openUtf16(bytes);
    else if (this.encoding.startsWith("base64")) open = bytes.length % 3;
    this.kept = Buffer.from(bytes.subarray(bytes.length - open));
    return bytes.toString(this.encoding, 0, bytes.length - open);
  };
  StringDecoder.prototype.end = function (chunk) {
    const text = chunk === undefined ? "" : this.write(chunk);
    const { kept } = this;
    this.kept = Buffer.alloc(0);
    // A character that never was whole is one replacement character.
    return text + (kept.length > 0 ? kept.toString(this.encoding) : "");
  };
  StringDecoder.prototype.text = function (chunk, offset) {
    this.kept = Buffer.alloc(0);
    return this.write(chunk.slice(offset));
  };
  return { StringDecoder };
}
