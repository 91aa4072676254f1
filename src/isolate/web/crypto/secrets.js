// crypto: algorithms with one secret: AES, HMAC, and derivation from a secret.
(_, web) => {
  "use strict";
  const { crypto } = web;
  const { native, fail, has, makeKey, checkUsages } = crypto;
  const { apply } = Reflect;
  const none = new Uint8Array(0);
  const algorithms = crypto.algorithms = { __proto__: null };

  const isRaw = (format) => format === "raw" || format === "raw-secret";
  const noFormat = (name, format) => fail("NotSupportedError", `${name} keys have no format ${format}`);
  const randomKey = (bits) => {
    const bytes = native.randomBytes((bits + 7 - (bits + 7) % 8) / 8);
    const spare = bytes.length * 8 - bits;
    if (spare > 0) bytes[bytes.length - 1] &= 256 - 2 ** spare;
    return bytes;
  };

  /** What all algorithms have whose key is so many bytes; `describe` gives `key.algorithm`. */
  const secret = (name, allowed, use, alg, length, describe) => ({
    generateKey: (normal, extractable, usages) => {
      checkUsages(usages, allowed);
      const bits = length(normal);
      return makeKey("secret", describe(normal, bits), randomKey(bits), extractable, usages);
    },
    importKey: (format, data, normal, extractable, usages) => {
      checkUsages(usages, allowed);
      let bytes = data;
      if (format === "jwk") {
        crypto.checkJwk(data, "oct", use, extractable, usages);
        bytes = crypto.jwkBytes(data, "k");
        crypto.checkAlg(data, alg(normal, bytes.length * 8));
      } else if (!isRaw(format)) noFormat(name, format);
      return makeKey("secret", describe(normal, bytes.length * 8, bytes), bytes, extractable, usages);
    },
    exportKey: (format, { algorithm, data, usages, extractable }) => {
      if (isRaw(format)) return native.copy(data).buffer;
      if (format !== "jwk") noFormat(name, format);
      return {
        kty: "oct",
        k: crypto.base64url(data),
        alg: alg(algorithm, data.length * 8),
        key_ops: [...usages],
        ext: extractable,
      };
    },
    keyLength: length,
  });

  const aesBits = ({ length }) => has([128, 192, 256], length) ? length : fail("OperationError", "AES keys have 128, 192 or 256 bits");
  const aes = (name, allowed, suffix) => secret(
    name, allowed, "enc",
    (_, bits) => `A${bits}${suffix}`,
    aesBits,
    (_, length) => has([128, 192, 256], length) ? { name, length } : fail("DataError", "AES keys have 128, 192 or 256 bits"),
  );
  const sealing = ["encrypt", "decrypt", "wrapKey", "unwrapKey"];

  const tagBits = [32, 64, 96, 104, 112, 120, 128];
  const gcm = (encrypts) => ({ iv, additionalData = none, tagLength = 128 }, { data }, input) => {
    if (!has(tagBits, tagLength)) fail("OperationError", "There are no such tags");
    return native.aes("AES-GCM", encrypts, data, input, iv, additionalData, tagLength);
  };
  algorithms["AES-GCM"] = { ...aes("AES-GCM", sealing, "GCM"), encrypt: gcm(true), decrypt: gcm(false) };

  const cbc = (encrypts) => ({ iv }, { data }, input) => native.aes("AES-CBC", encrypts, data, input, iv, none, 0);
  algorithms["AES-CBC"] = { ...aes("AES-CBC", sealing, "CBC"), encrypt: cbc(true), decrypt: cbc(false) };

  const ctr = ({ counter, length }, { data }, input) => {
    if (length === 0 || length > 128) fail("OperationError", "A counter has 1 to 128 bits");
    return native.aes("AES-CTR", true, data, input, counter, none, length);
  };
  algorithms["AES-CTR"] = { ...aes("AES-CTR", sealing, "CTR"), encrypt: ctr, decrypt: ctr };

  const wrap = (encrypts) => (_, { data }, input) => native.aes("AES-KW", encrypts, data, input, none, none, 0);
  algorithms["AES-KW"] = { ...aes("AES-KW", ["wrapKey", "unwrapKey"], "KW"), wrapKey: wrap(true), unwrapKey: wrap(false) };

  // Bits of a block, which is what a key has that is generated without a length.
  const blocks = { __proto__: null, "SHA-1": 512, "SHA-256": 512, "SHA-384": 1024, "SHA-512": 1024 };
  const { slice } = String.prototype;
  const jwkHash = crypto.jwkHash = (hash) => apply(slice, hash.name, [4]);
  // What the random numbers give at a time.
  const lengthMax = 8 * 65536;
  const hmac = secret(
    "HMAC", ["sign", "verify"], "sig",
    ({ hash }) => `HS${jwkHash(hash)}`,
    ({ hash, length }) => length === undefined ? blocks[hash.name] : length > 0 && length <= lengthMax ? length : fail("OperationError", "There can be no such key"),
    ({ hash, length }, bits) => {
      if (bits === 0) fail("DataError", "The key is empty");
      if (length !== undefined && (length > bits || length <= bits - 8)) fail("DataError", "The key does not have that length");
      return { name: "HMAC", hash, length: length ?? bits };
    },
  );
  const noKey = () => {
    throw new TypeError("The key would be empty");
  };
  const mac = ({ algorithm, data }, input) => native.hmac(algorithm.hash.name, data, input);
  algorithms.HMAC = {
    ...hmac,
    keyLength: (normal) => normal.length === 0 ? noKey() : hmac.keyLength(normal),
    sign: (_, key, input) => mac(key, input),
    verify: (_, key, signature, input) => native.equal(mac(key, input), signature),
  };

  /** What the two have in common that derive from a secret. */
  const deriving = (name, derive) => ({
    importKey: (format, data, _, extractable, usages) => {
      if (!isRaw(format)) noFormat(name, format);
      checkUsages(usages, ["deriveKey", "deriveBits"]);
      if (extractable) fail("SyntaxError", `${name} keys cannot be extractable`);
      return makeKey("secret", { name }, data, false, usages);
    },
    deriveBits: (normal, { data }, length) => {
      if (length === null || length % 8 !== 0) fail("OperationError", "The length must be a multiple of 8");
      return derive(normal, data, length / 8);
    },
    keyLength: () => null,
  });
  algorithms.HKDF = deriving("HKDF", ({ hash, salt, info }, data, bytes) => native.hkdf(hash.name, data, salt, info, bytes));
  // So many take about a millisecond: what takes longer begins as a task of its own.
  const iterationsAtOnce = 4096;
  algorithms.PBKDF2 = deriving("PBKDF2", ({ hash, salt, iterations }, data, bytes) => {
    if (iterations === 0) fail("OperationError", "There must be iterations");
    const derive = () => native.pbkdf2(hash.name, data, salt, iterations, bytes);
    return iterations < iterationsAtOnce ? derive() : web.promises.then(crypto.pause(), derive);
  });
};
