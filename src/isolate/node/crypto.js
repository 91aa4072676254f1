// node:crypto: hashes, keyed hashes, derivation of keys, ciphers, randomness; the rest is the standard's `subtle`.
(native, web, require) => {
  "use strict";
  const { Buffer } = require("buffer");
  const { fail, wrongType, outOfRange, needFunction, needString, unavailable } = require("internal/errors");
  const { nextTick } = require("internal/process");

  function bytesOf(data, encoding, name = "data") {
    if (typeof data === "string") return Buffer.from(data, encoding === "buffer" ? "utf8" : encoding);
    if (data instanceof KeyObject) return secretOf(data);
    if (ArrayBuffer.isView(data)) return new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
    if (data instanceof ArrayBuffer) return new Uint8Array(data);
    throw wrongType(name, "of type string or an instance of Buffer, TypedArray, or DataView", data);
  }
  const out = (bytes, encoding) => {
    const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    return encoding === undefined || encoding === null || encoding === "buffer" ? buffer : buffer.toString(encoding);
  };
  const algorithm = (name) => {
    needString(name, "algorithm");
    return name.toLowerCase().replace(/^rsa-/, "").replace(/^sha-/, "sha");
  };
  const start = (name, key) => {
    const state = native.hasher(algorithm(name), key);
    if (state === undefined) throw fail(Error, key === undefined ? "ERR_OSSL_EVP_UNSUPPORTED" : "ERR_CRYPTO_INVALID_DIGEST", key === undefined ? "Digest method not supported" : `Invalid digest: ${name}`);
    return state;
  };

  // Hashes are also streams; the class of those is only loaded when one is used as such.
  const asStream = (type) => {
    for (const name of ["pipe", "on", "once", "write", "end", "read", "emit", "removeListener", "setEncoding", "resume"]) {
      type.prototype[name] = function (...args) {
        const stream = streamOf(this);
        const result = stream[name](...args);
        return result === stream ? this : result;
      };
    }
    return type;
  };
  const streams = new WeakMap();
  function streamOf(hash) {
    let stream = streams.get(hash);
    if (stream === undefined) {
      const { Transform } = require("stream");
      stream = new Transform({
        transform: (chunk, encoding, done) => done(null, void hash.update(chunk)),
        flush: (done) => done(null, hash.digest()),
      });
      streams.set(hash, stream);
    }
    return stream;
  }
  class Hash {
    #state;
    #done = false;
    constructor(name, state) {
      this.#state = state ?? start(name);
    }
    update(data, encoding) {
      if (this.#done) throw fail(Error, "ERR_CRYPTO_HASH_FINALIZED", "Digest already called");
      native.update(this.#state, bytesOf(data, encoding));
      return this;
    }
    digest(encoding) {
      if (this.#done) throw fail(Error, "ERR_CRYPTO_HASH_FINALIZED", "Digest already called");
      this.#done = true;
      return out(native.finish(this.#state), encoding);
    }
    copy() {
      if (this.#done) throw fail(Error, "ERR_CRYPTO_HASH_FINALIZED", "Digest already called");
      return new Hash(undefined, native.copy(this.#state));
    }
  }
  class Hmac {
    #state;
    #done = false;
    constructor(name, key) {
      this.#state = start(name, bytesOf(key, "utf8", "key"));
    }
    update(data, encoding) {
      if (this.#done) throw fail(Error, "ERR_CRYPTO_HASH_FINALIZED", "Digest already called");
      native.update(this.#state, bytesOf(data, encoding));
      return this;
    }
    digest(encoding) {
      const bytes = this.#done ? new Uint8Array() : native.finish(this.#state);
      this.#done = true;
      return out(bytes, encoding);
    }
  }
  asStream(Hash);
  asStream(Hmac);

  let secretOf;
  class KeyObject {
    #bytes;
    constructor(type, bytes) {
      if (type !== "secret") throw fail(TypeError, "ERR_INVALID_ARG_VALUE", "Only secret keys are available here: use crypto.subtle for pairs of keys");
      this.#bytes = bytes;
    }
    static {
      secretOf = (key) => key.#bytes;
    }
    get type() {
      return "secret";
    }
    get symmetricKeySize() {
      return this.#bytes.length;
    }
    export(options) {
      return options?.format === "jwk" ? { kty: "oct", k: Buffer.from(this.#bytes).toString("base64url") } : Buffer.from(this.#bytes);
    }
    equals(other) {
      return native.compare(this.#bytes, secretOf(other)) === 0;
    }
  }
  const createSecretKey = (key, encoding) => new KeyObject("secret", new Uint8Array(bytesOf(key, encoding, "key")));

  // ---- Ciphers: native for whole messages, so everything comes with `final` ------------------------------
  const CIPHER = /^aes-?(128|192|256)-(gcm|cbc|ctr)$/;
  const BLOCK = 16;
  class Cipher {
    #mode;
    #key;
    #iv;
    #decrypt;
    #waiting = [];
    #additional = new Uint8Array();
    #tag;
    #done = false;
    constructor(name, key, iv, decrypt) {
      const found = CIPHER.exec(String(name).toLowerCase());
      if (found === null) throw fail(Error, "ERR_CRYPTO_UNKNOWN_CIPHER", `Unknown cipher: ${name}`);
      this.#mode = found[2];
      this.#key = new Uint8Array(bytesOf(key, "utf8", "key"));
      if (this.#key.length * 8 !== Number(found[1])) throw fail(RangeError, "ERR_CRYPTO_INVALID_KEYLEN", "Invalid key length");
      this.#iv = iv === null ? new Uint8Array() : new Uint8Array(bytesOf(iv, "utf8", "iv"));
      const fits = this.#mode === "gcm" ? this.#iv.length > 0 : this.#iv.length === BLOCK;
      if (!fits) throw fail(TypeError, "ERR_CRYPTO_INVALID_IV", "Invalid initialization vector");
      this.#decrypt = decrypt;
    }
    setAAD(data) {
      this.#additional = new Uint8Array(bytesOf(data));
      return this;
    }
    setAuthTag(tag, encoding) {
      this.#tag = new Uint8Array(bytesOf(tag, encoding));
      if (this.#tag.length !== BLOCK) throw fail(TypeError, "ERR_CRYPTO_INVALID_AUTH_TAG", `Invalid authentication tag length: ${this.#tag.length}`);
      return this;
    }
    getAuthTag() {
      if (this.#tag === undefined || this.#decrypt) throw fail(Error, "ERR_CRYPTO_INVALID_STATE", "Invalid state for operation getAuthTag");
      return Buffer.from(this.#tag);
    }
    setAutoPadding(on = true) {
      if (!on && this.#mode === "cbc") unavailable("setAutoPadding(false)")();
      return this;
    }
    // What `update` and `final` give together is what Node gives.
    update(data, inputEncoding, outputEncoding) {
      if (this.#done) throw fail(Error, "ERR_CRYPTO_INVALID_STATE", "Invalid state for operation update");
      this.#waiting.push(Buffer.from(bytesOf(data, inputEncoding)));
      return out(new Uint8Array(), outputEncoding);
    }
    final(encoding) {
      if (this.#done) throw fail(Error, "ERR_CRYPTO_INVALID_STATE", "Invalid state for operation final");
      this.#done = true;
      const data = Buffer.concat(this.#waiting);
      const gcm = this.#mode === "gcm";
      const input = gcm && this.#decrypt ? Buffer.concat([data, this.#tag ?? new Uint8Array()]) : data;
      let result;
      try {
        const name = `AES-${this.#mode.toUpperCase()}`;
        const bits = gcm ? BLOCK * 8 : 128;
        result = new Uint8Array(native.aes(name, !this.#decrypt, this.#key, input, this.#iv, this.#additional, bits));
      } catch {
        if (gcm) throw new Error("Unsupported state or unable to authenticate data");
        throw fail(Error, "ERR_OSSL_BAD_DECRYPT", "bad decrypt");
      }
      if (!gcm || this.#decrypt) return out(result, encoding);
      this.#tag = result.slice(result.length - BLOCK);
      return out(result.slice(0, result.length - BLOCK), encoding);
    }
  }
  class Cipheriv extends Cipher {
    constructor(name, key, iv) {
      super(name, key, iv, false);
    }
  }
  class Decipheriv extends Cipher {
    constructor(name, key, iv) {
      super(name, key, iv, true);
    }
  }

  // ---- Keys from secrets --------------------------------------------------------------------------------
  const lengthOf = (length) => {
    if (typeof length !== "number") throw wrongType("keylen", "of type number", length);
    if (!(Number.isInteger(length) && length >= 0 && length <= 0x7fffffff)) throw outOfRange("keylen", ">= 0 && <= 2147483647", length);
    return length;
  };
  function pbkdf2Sync(password, salt, iterations, keylen, digest) {
    const [secret, salted] = [bytesOf(password, "utf8", "password"), bytesOf(salt, "utf8", "salt")];
    if (typeof iterations !== "number") throw wrongType("iterations", "of type number", iterations);
    if (!(iterations >= 1)) throw outOfRange("iterations", ">= 1 && <= 2147483647", iterations);
    needString(digest, "digest");
    const key = native.pbkdf2(algorithm(digest), secret, salted, iterations, lengthOf(keylen));
    if (key === undefined) throw fail(TypeError, "ERR_CRYPTO_INVALID_DIGEST", `Invalid digest: ${digest}`);
    return out(key);
  }
  function scryptSync(password, salt, keylen, options = {}) {
    const N = options.N ?? options.cost ?? 16384;
    const r = options.r ?? options.blockSize ?? 8;
    const p = options.p ?? options.parallelization ?? 1;
    const maxmem = options.maxmem ?? 32 * 1024 * 1024;
    if (128 * N * r > maxmem) throw fail(RangeError, "ERR_CRYPTO_INVALID_SCRYPT_PARAMS", "Invalid scrypt params: memory limit exceeded");
    const key = native.scrypt(bytesOf(password, "utf8", "password"), bytesOf(salt, "utf8", "salt"), N, r, p, lengthOf(keylen));
    if (key === undefined) throw fail(RangeError, "ERR_CRYPTO_INVALID_SCRYPT_PARAMS", "Invalid scrypt params");
    return out(key);
  }
  function hkdfSync(digest, secret, salt, info, keylen) {
    const key = native.hkdf(algorithm(digest), bytesOf(secret), bytesOf(salt), bytesOf(info), lengthOf(keylen));
    if (key === undefined) throw fail(RangeError, "ERR_CRYPTO_INVALID_KEYLEN", "Invalid key length");
    return key.buffer;
  }
  // The forms with a callback do the same, and answer later.
  const later = (act, most) => (...args) => {
    const callback = args.pop();
    needFunction(callback, "callback");
    if (most !== undefined) args.length = Math.min(args.length, most);
    let result;
    try {
      result = act(...args);
    } catch (error) {
      if (error.code?.startsWith("ERR_INVALID_ARG") || error.code === "ERR_OUT_OF_RANGE" || error.code?.startsWith("ERR_CRYPTO_INVALID")) throw error;
      nextTick(callback, error);
      return;
    }
    nextTick(callback, null, result);
  };

  // ---- Randomness ----------------------------------------------------------------------------------------
  const QUOTA = 65536;
  function randomFillSync(target, offset = 0, size) {
    const bytes = target instanceof ArrayBuffer ? new Uint8Array(target) : new Uint8Array(target.buffer, target.byteOffset, target.byteLength);
    const scale = target.BYTES_PER_ELEMENT ?? 1;
    const from = offset * scale;
    const to = size === undefined ? bytes.length : from + size * scale;
    if (!(from >= 0 && from <= bytes.length)) throw outOfRange("offset", `>= 0 && <= ${bytes.length}`, offset);
    if (to > bytes.length) throw outOfRange("size + offset", `<= ${bytes.length}`, to);
    for (let at = from; at < to; at += QUOTA) crypto.getRandomValues(bytes.subarray(at, Math.min(at + QUOTA, to)));
    return target;
  }
  function randomBytes(size, callback) {
    if (typeof size !== "number") throw wrongType("size", "of type number", size);
    if (!(size >= 0 && size <= 0x7fffffff)) throw outOfRange("size", ">= 0 && <= 2147483647", size);
    const bytes = randomFillSync(Buffer.alloc(size));
    if (callback === undefined) return bytes;
    needFunction(callback, "callback");
    nextTick(callback, null, bytes);
    return undefined;
  }
  function randomInt(min, max, callback) {
    if (max === undefined || typeof max === "function") [min, max, callback] = [0, min, max];
    if (!Number.isSafeInteger(min)) throw wrongType("min", "a safe integer", min);
    if (!Number.isSafeInteger(max)) throw wrongType("max", "a safe integer", max);
    const range = max - min;
    if (!(range > 0 && range <= 2 ** 48 - 1)) throw outOfRange("max", `greater than the value of "min" (${min})`, max);
    // What is above the last whole multiple would favour the low numbers.
    const limit = 2 ** 48 - (2 ** 48 % range);
    let drawn;
    do drawn = randomFillSync(Buffer.alloc(6)).readUIntBE(0, 6);
    while (drawn >= limit);
    const number = min + (drawn % range);
    if (callback === undefined) return number;
    nextTick(callback, null, number);
    return undefined;
  }
  function timingSafeEqual(a, b) {
    const [left, right] = [bytesOf(a, undefined, "buf1"), bytesOf(b, undefined, "buf2")];
    if (typeof a === "string") throw wrongType("buf1", "an instance of ArrayBuffer, Buffer, TypedArray, or DataView", a);
    if (typeof b === "string") throw wrongType("buf2", "an instance of ArrayBuffer, Buffer, TypedArray, or DataView", b);
    if (left.length !== right.length) throw fail(RangeError, "ERR_CRYPTO_TIMING_SAFE_EQUAL_LENGTH", "Input buffers must have the same byte length");
    return native.equal(left, right);
  }
  const hashes = ["md5", "ripemd160", "sha1", "sha224", "sha256", "sha384", "sha512", "sha512-224", "sha512-256"];
  const exports = {
    Hash, Hmac, KeyObject, Cipheriv, Decipheriv,
    createHash: (name) => new Hash(name),
    createHmac: (name, key) => new Hmac(name, key),
    hash: (name, data, encoding = "hex") => new Hash(name).update(data).digest(encoding),
    createSecretKey,
    createCipheriv: (name, key, iv) => new Cipheriv(name, key, iv), createDecipheriv: (name, key, iv) => new Decipheriv(name, key, iv),
    pbkdf2Sync, pbkdf2: later(pbkdf2Sync), scryptSync,
    scrypt: (password, salt, keylen, options, callback) => (typeof options === "function" ? later(scryptSync)(password, salt, keylen, options) : later(scryptSync)(password, salt, keylen, options, callback)),
    hkdfSync, hkdf: later(hkdfSync), randomBytes, pseudoRandomBytes: randomBytes, prng: randomBytes, rng: randomBytes, randomFillSync,
    randomFill(target, ...rest) {
      const callback = rest.pop();
      nextTick(callback, null, randomFillSync(target, ...rest));
    },
    randomInt, randomUUID: () => crypto.randomUUID(), timingSafeEqual,
    getHashes: () => [...hashes], getCiphers: () => ["gcm", "cbc", "ctr"].flatMap((mode) => [128, 192, 256].map((bits) => `aes-${bits}-${mode}`)),
    getCurves: () => [], getCipherInfo: () => undefined, getFips: () => 0, constants: {}, webcrypto: crypto, subtle: crypto.subtle,
    getRandomValues: (array) => crypto.getRandomValues(array),
  };
  for (const name of [
    "createSign", "createVerify", "sign", "verify", "createPrivateKey", "createPublicKey", "generateKeyPair", "generateKeyPairSync", "generateKey",
    "generateKeySync", "createDiffieHellman", "createECDH", "diffieHellman", "publicEncrypt", "privateDecrypt", "privateEncrypt", "publicDecrypt",
    "checkPrime", "generatePrime", "generatePrimeSync", "X509Certificate", "Certificate",
  ]) exports[name] = unavailable(`crypto.${name}`, "use crypto.subtle");
  return exports;
}
