// node:buffer. `Buffer` is a Uint8Array; what is done byte by byte is native.
(native, web, require) => {
  "use strict";
  const { fail, wrongType, outOfRange } = require("internal/errors");
  const { setPrototypeOf, defineProperty, defineProperties } = Object;
  const MAX = 0x20000000;
  const codes = {
    __proto__: null, utf8: 0, "utf-8": 0, hex: 1, base64: 2, base64url: 3, latin1: 4, binary: 4, ascii: 5,
    utf16le: 6, "utf-16le": 6, ucs2: 6, "ucs-2": 6,
  };
  const known = (name) => (typeof name === "string" ? codes[name] ?? codes[name.toLowerCase()] : undefined);
  function encodingOf(name) {
    if (name === undefined || name === null || name === "") return 0;
    const code = known(name);
    if (code === undefined) throw fail(TypeError, "ERR_UNKNOWN_ENCODING", `Unknown encoding: ${String(name)}`);
    return code;
  }
  const isBytes = (value) => value instanceof Uint8Array;
  const isBuffer = (value) => value instanceof Bytes;
  const sizeOf = (size) => {
    if (typeof size !== "number") throw wrongType("size", "of type number", size);
    if (!(size >= 0 && size <= MAX)) throw outOfRange("size", `>= 0 && <= ${MAX}`, size);
    return Math.trunc(size);
  };

  class Bytes extends Uint8Array {}
  const own = (array) => setPrototypeOf(array, Bytes.prototype);

  function Buffer(value, encodingOrOffset, length) {
    if (typeof value === "number") {
      if (typeof encodingOrOffset === "string") throw wrongType("string", "of type string", value);
      return alloc(value);
    }
    return from(value, encodingOrOffset, length);
  }

  function from(value, encodingOrOffset, length) {
    if (typeof value === "string") return own(native.encode(value, encodingOf(encodingOrOffset)));
    if (value !== null && typeof value === "object") {
      if (value instanceof ArrayBuffer || (typeof SharedArrayBuffer !== "undefined" && value instanceof SharedArrayBuffer)) {
        return fromMemory(value, encodingOrOffset, length);
      }
      if (isBytes(value) || Array.isArray(value)) return new Bytes(value);
      const primitive = typeof value.valueOf === "function" ? value.valueOf() : undefined;
      if (primitive !== undefined && primitive !== null && primitive !== value && (typeof primitive === "string" || typeof primitive === "object")) {
        return from(primitive, encodingOrOffset, length);
      }
      if (typeof value.length === "number" || value.length !== undefined) return new Bytes(Array.from(value, (item) => item & 255));
      if (value.type === "Buffer" && Array.isArray(value.data)) return new Bytes(value.data);
      if (value.buffer instanceof ArrayBuffer) return new Bytes(value);
      if (typeof value[Symbol.toPrimitive] === "function") {
        const text = value[Symbol.toPrimitive]("string");
        if (typeof text === "string") return from(text, encodingOrOffset);
      }
    }
    throw wrongType("first", "of type string or an instance of Buffer, ArrayBuffer, or Array or an Array-like Object", value);
  }
  function fromMemory(memory, offset, length) {
    const start = offset === undefined ? 0 : +offset || 0;
    const most = memory.byteLength - start;
    if (most < 0) throw fail(RangeError, "ERR_BUFFER_OUT_OF_BOUNDS", '"offset" is outside of buffer bounds');
    if (length === undefined) return new Bytes(memory, start);
    const count = +length > 0 ? +length : 0;
    if (count > most) throw fail(RangeError, "ERR_BUFFER_OUT_OF_BOUNDS", '"length" is outside of buffer bounds');
    return new Bytes(memory, start, count);
  }
  function alloc(size, fill, encoding) {
    const buffer = new Bytes(sizeOf(size));
    if (fill !== undefined && fill !== 0 && size > 0) buffer.fill(fill, encoding);
    return buffer;
  }
  const view = (value, name) => {
    if (!isBytes(value)) throw wrongType(name, "an instance of Buffer or Uint8Array", value);
    return value;
  };

  const statics = {
    from,
    of: (...items) => new Bytes(items),
    alloc,
    allocUnsafe: (size) => new Bytes(sizeOf(size)),
    allocUnsafeSlow: (size) => new Bytes(sizeOf(size)),
    isBuffer,
    isEncoding: (name) => known(name) !== undefined,
    byteLength(value, encoding) {
      if (typeof value === "string") return native.byteLength(value, known(encoding) ?? 0);
      if (ArrayBuffer.isView(value) || value instanceof ArrayBuffer) return value.byteLength;
      if (typeof SharedArrayBuffer !== "undefined" && value instanceof SharedArrayBuffer) return value.byteLength;
      throw wrongType("string", "of type string or an instance of Buffer or ArrayBuffer", value);
    },
    compare: (a, b) => native.compare(view(a, "buf1"), view(b, "buf2")),
    concat(list, length) {
      if (!Array.isArray(list)) throw wrongType("list", "an instance of Array", list);
      let total = 0;
      for (let i = 0; i < list.length; i++) total += view(list[i], `list[${i}]`).length;
      if (length === undefined) length = total;
      const all = new Bytes(sizeOf(length));
      let at = 0;
      for (let i = 0; i < list.length && at < length; i++) {
        const part = at + list[i].length > length ? list[i].subarray(0, length - at) : list[i];
        all.set(part, at);
        at += part.length;
      }
      return all;
    },
    copyBytesFrom(source, offset = 0, length = source.length - offset) {
      const part = source.subarray(offset, offset + length);
      return new Bytes(part.buffer.slice(part.byteOffset, part.byteOffset + part.byteLength));
    },
  };
  for (const name in statics) defineProperty(Buffer, name, { value: statics[name], writable: true, configurable: true, enumerable: true });
  Buffer.poolSize = 8192;
  setPrototypeOf(Buffer, Uint8Array);
  defineProperty(Buffer, Symbol.species, { get: () => Bytes, configurable: true });
  defineProperty(Buffer, "prototype", { value: Bytes.prototype });

  // A range as toString, fill and others take it: clamped, never thrown.
  const clamp = (value, otherwise, max) => {
    if (value === undefined || value === null) return otherwise;
    const number = Math.trunc(+value) || 0;
    return number < 0 ? 0 : number > max ? max : number;
  };
  const bounded = (value, otherwise, max, name) => {
    if (value === undefined) return otherwise;
    if (typeof value !== "number") throw wrongType(name, "of type number", value);
    if (!(value >= 0 && value <= max)) throw outOfRange(name, `>= 0 && <= ${max}`, value);
    return value;
  };
  function search(buffer, value, from, encoding, backwards) {
    if (typeof from === "string") {
      encoding = from;
      from = undefined;
    }
    let needle = value;
    if (typeof value === "string") needle = native.encode(value, encodingOf(encoding));
    else if (typeof value === "number") needle = new Uint8Array([value & 255]);
    else if (!isBytes(value)) throw wrongType("value", "one of type number or string or an instance of Buffer or Uint8Array", value);
    let start = from === undefined || Number.isNaN(+from) ? (backwards ? buffer.length : 0) : Math.trunc(+from);
    if (start < 0) start += buffer.length;
    if (start < 0) {
      if (backwards) return -1;
      start = 0;
    }
    return native.indexOf(buffer, needle, start, backwards);
  }
  const methods = {
    toString(encoding, start, end) {
      const { length } = this;
      const from = clamp(start, 0, length);
      return native.decode(this, encodingOf(encoding), from, clamp(end, length, length));
    },
    toJSON() {
      return { type: "Buffer", data: Array.from(this) };
    },
    equals(other) {
      return native.compare(this, view(other, "otherBuffer")) === 0;
    },
    compare(target, targetStart, targetEnd, sourceStart, sourceEnd) {
      view(target, "target");
      if (arguments.length < 2) return native.compare(this, target);
      const a = Uint8Array.prototype.subarray.call(this, bounded(sourceStart, 0, MAX, "sourceStart"), bounded(sourceEnd, this.length, this.length, "sourceEnd"));
      const b = target.subarray(bounded(targetStart, 0, MAX, "targetStart"), bounded(targetEnd, target.length, target.length, "targetEnd"));
      return native.compare(a, b);
    },
    indexOf(value, from, encoding) {
      return search(this, value, from, encoding, false);
    },
    lastIndexOf(value, from, encoding) {
      return search(this, value, from, encoding, true);
    },
    includes(value, from, encoding) {
      return search(this, value, from, encoding, false) !== -1;
    },
    fill(value, start, end, encoding) {
      if (typeof start === "string") {
        encoding = start;
        start = undefined;
      } else if (typeof end === "string") {
        encoding = end;
        end = undefined;
      }
      const from = bounded(start, 0, this.length, "offset");
      const to = bounded(end, this.length, this.length, "end");
      if (from >= to) return this;
      if (typeof value !== "string" && !isBytes(value)) {
        return Uint8Array.prototype.fill.call(this, typeof value === "boolean" ? +value : value & 255, from, to);
      }
      const pattern = typeof value === "string" ? native.encode(value, encodingOf(encoding)) : value;
      if (pattern.length === 0) {
        if (typeof value === "string" && value.length === 0) return Uint8Array.prototype.fill.call(this, 0, from, to);
        throw fail(TypeError, "ERR_INVALID_ARG_VALUE", `The argument 'value' is invalid. Received ${String(value)}`);
      }
      native.repeat(this, pattern, from, to);
      return this;
    },
    write(text, offset, length, encoding) {
      if (typeof text !== "string") throw wrongType("argument", "of type string", text);
      if (typeof offset === "string") {
        encoding = offset;
        offset = length = undefined;
      } else if (typeof length === "string") {
        encoding = length;
        length = undefined;
      }
      const from = bounded(offset, 0, this.length, "offset");
      const room = this.length - from;
      return native.write(this, text, encodingOf(encoding), from, length === undefined ? room : Math.min(bounded(length, room, MAX, "length"), room));
    },
    copy(target, targetStart, sourceStart, sourceEnd) {
      if (!isBytes(target)) throw wrongType("target", "an instance of Buffer or Uint8Array", target);
      const at = bounded(targetStart, 0, MAX, "targetStart");
      const from = bounded(sourceStart, 0, this.length, "sourceStart");
      const to = Math.min(bounded(sourceEnd, this.length, MAX, "sourceEnd"), this.length);
      const count = Math.min(to - from, target.length - at);
      if (count <= 0) return 0;
      target.set(new Uint8Array(this.buffer, this.byteOffset + from, count), at);
      return count;
    },
    slice(start, end) {
      return this.subarray(start, end);
    },
    subarray(start, end) {
      const { length } = this;
      const index = (value, otherwise) => {
        if (value === undefined) return otherwise;
        const number = Math.trunc(+value) || 0;
        return number < 0 ? Math.max(length + number, 0) : Math.min(number, length);
      };
      const from = index(start, 0);
      return new Bytes(this.buffer, this.byteOffset + from, Math.max(index(end, length) - from, 0));
    },
    swap16() {
      return swap(this, 2);
    },
    swap32() {
      return swap(this, 4);
    },
    swap64() {
      return swap(this, 8);
    },
    toLocaleString(encoding, start, end) {
      return this.toString(encoding, start, end);
    },
  };
  function swap(buffer, size) {
    if (buffer.length % size !== 0) throw fail(RangeError, "ERR_INVALID_BUFFER_SIZE", `Buffer size must be a multiple of ${size * 8}-bits`);
    native.swap(buffer, size);
    return buffer;
  }
  for (const [suffix, code] of [["Utf8", 0], ["Hex", 1], ["Base64", 2], ["Base64url", 3], ["Latin1", 4], ["Ascii", 5], ["Utf16le", 6]]) {
    const lower = suffix.toLowerCase();
    methods[`${lower}Slice`] = function (start, end) {
      return native.decode(this, code, clamp(start, 0, this.length), clamp(end, this.length, this.length));
    };
    methods[`${lower}Write`] = function (text, offset, length) {
      return this.write(text, offset, length, lower);
    };
  }

  // ---- Numbers: `native.read(view, offset, bytes, kind, big)`, undefined when out of bounds --------
  const [UNSIGNED, SIGNED, FLOAT, BIGINT, BIGUINT] = [0, 1, 2, 3, 4];
  const noRoom = (buffer, offset, bytes) => {
    if (typeof offset !== "number") return wrongType("offset", "of type number", offset);
    if (offset !== Math.floor(offset)) return outOfRange("offset", "an integer", offset);
    if (buffer.length < bytes) return fail(RangeError, "ERR_BUFFER_OUT_OF_BOUNDS", "Attempt to access memory outside buffer bounds");
    return outOfRange("offset", `>= 0 and <= ${buffer.length - bytes}`, offset);
  };
  const read = (buffer, offset, bytes, kind, big) => {
    const value = native.read(buffer, offset, bytes, kind, big);
    if (value === undefined) throw noRoom(buffer, offset, bytes);
    return value;
  };
  const write = (buffer, value, offset, bytes, kind, big) => {
    if (kind === UNSIGNED || kind === SIGNED) {
      value = +value;
      const max = kind === UNSIGNED ? 2 ** (8 * bytes) - 1 : 2 ** (8 * bytes - 1) - 1;
      const min = kind === UNSIGNED ? 0 : -max - 1;
      if (value > max || value < min) throw outOfRange("value", `>= ${min} and <= ${max}`, value);
    } else if (kind === BIGINT || kind === BIGUINT) {
      if (typeof value !== "bigint") throw wrongType("value", "of type bigint", value);
      const fits = kind === BIGINT ? BigInt.asIntN(64, value) : BigInt.asUintN(64, value);
      if (fits !== value) throw outOfRange("value", kind === BIGINT ? ">= -(2n ** 63n) and < 2n ** 63n" : ">= 0n and < 2n ** 64n", `${value}n`);
      value = BigInt.asUintN(64, value);
    } else value = +value;
    if (!native.put(buffer, value, offset, bytes, kind, big)) throw noRoom(buffer, offset, bytes);
    return offset + bytes;
  };
  const number = (name, bytes, kind, big) => {
    methods[`read${name}`] = function (offset = 0) {
      return read(this, offset, bytes, kind, big);
    };
    methods[`write${name}`] = function (value, offset = 0) {
      return write(this, value, offset, bytes, kind, big);
    };
    const other = name.replace("UInt", "Uint");
    methods[`read${other}`] = methods[`read${name}`];
    methods[`write${other}`] = methods[`write${name}`];
  };
  number("UInt8", 1, UNSIGNED, false);
  number("Int8", 1, SIGNED, false);
  const width = (bytes) => {
    if (typeof bytes !== "number") throw wrongType("byteLength", "of type number", bytes);
    if (!(bytes >= 1 && bytes <= 6)) throw outOfRange("byteLength", ">= 1 and <= 6", bytes);
    return bytes;
  };
  for (const [order, big] of [["LE", false], ["BE", true]]) {
    for (const bytes of [2, 4]) {
      number(`UInt${bytes * 8}${order}`, bytes, UNSIGNED, big);
      number(`Int${bytes * 8}${order}`, bytes, SIGNED, big);
    }
    number(`Float${order}`, 4, FLOAT, big);
    number(`Double${order}`, 8, FLOAT, big);
    number(`BigInt64${order}`, 8, BIGINT, big);
    number(`BigUInt64${order}`, 8, BIGUINT, big);
    for (const [name, kind] of [["UInt", UNSIGNED], ["Uint", UNSIGNED], ["Int", SIGNED]]) {
      methods[`read${name}${order}`] = function (offset, bytes) {
        return read(this, offset, width(bytes), kind, big);
      };
      methods[`write${name}${order}`] = function (value, offset, bytes) {
        return write(this, value, offset, width(bytes), kind, big);
      };
    }
  }
  for (const name in methods) defineProperty(Bytes.prototype, name, { value: methods[name], writable: true, configurable: true });
  defineProperties(Bytes.prototype, {
    constructor: { value: Buffer, writable: true, configurable: true },
    parent: { get() { return this instanceof Bytes ? this.buffer : undefined; }, configurable: true },
    offset: { get() { return this instanceof Bytes ? this.byteOffset : undefined; }, configurable: true },
  });

  const bytesOf = (value) => (ArrayBuffer.isView(value) ? new Uint8Array(value.buffer, value.byteOffset, value.byteLength) : new Uint8Array(value));
  return {
    Buffer, SlowBuffer: Buffer, kMaxLength: MAX, kStringMaxLength: 0x1fffffe8, INSPECT_MAX_BYTES: 50,
    constants: { MAX_LENGTH: MAX, MAX_STRING_LENGTH: 0x1fffffe8 },
    isAscii: (value) => bytesOf(value).every((byte) => byte < 128),
    isUtf8(value) {
      try {
        new TextDecoder("utf-8", { fatal: true }).decode(value);
        return true;
      } catch {
        return false;
      }
    },
    transcode: (source, from, to) => Buffer.from(Buffer.from(source).toString(from), to),
    atob, btoa, Blob, File,
  };
}
