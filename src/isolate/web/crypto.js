// crypto: keys, algorithm names and formats; the arithmetic is native.
(native, web) => {
  const { DOMException } = web;
  const { defineProperty, freeze } = Object;
  const { ownKeys } = Reflect;
  const { stringify, parse } = JSON;
  const { isArray } = Array;
  const Bytes = Uint8Array;
  const toUpper = Function.prototype.call.bind(String.prototype.toUpperCase);
  const toBase64 = Function.prototype.call.bind(Uint8Array.prototype.toBase64);
  const fromBase64 = Uint8Array.fromBase64;
  const encoder = new TextEncoder();
  const encode = TextEncoder.prototype.encode.bind(encoder);
  const decode = TextDecoder.prototype.decode;
  const Decoder = TextDecoder;

  const fail = (name, message) => {
    throw new DOMException(message, name);
  };
  const need = (count, given, operation) => {
    if (given < count) throw new TypeError(`${operation}: ${count} arguments required, but only ${given} given`);
  };
  const has = (list, item) => {
    for (let i = 0; i < list.length; i++) if (list[i] === item) return true;
    return false;
  };

  // Block bits are what a generated HMAC key has.
  const hashes = {
    __proto__: null,
    "SHA-1": { block: 512, jwk: "HS1" },
    "SHA-256": { block: 512, jwk: "HS256" },
    "SHA-384": { block: 1024, jwk: "HS384" },
    "SHA-512": { block: 1024, jwk: "HS512" },
  };
  const usagesOf = {
    __proto__: null,
    HMAC: ["sign", "verify"],
    "AES-GCM": ["encrypt", "decrypt", "wrapKey", "unwrapKey"],
    PBKDF2: ["deriveKey", "deriveBits"],
    HKDF: ["deriveKey", "deriveBits"],
  };
  const allUsages = ["encrypt", "decrypt", "sign", "verify", "deriveKey", "deriveBits", "wrapKey", "unwrapKey"];

  /** Finds the algorithm by its name, whatever its case; `given` has its parameters. */
  const normalize = (algorithm, ...supported) => {
    const given = typeof algorithm === "object" && algorithm !== null ? algorithm : { name: algorithm };
    if (given.name === undefined) throw new TypeError("The algorithm has no name");
    const wanted = toUpper(`${given.name}`);
    for (let i = 0; i < supported.length; i++) {
      if (supported[i] === wanted) return { name: wanted, given };
    }
    return fail("NotSupportedError", `${given.name} is not supported here`);
  };
  const hashOf = (given) => {
    if (given.hash === undefined) throw new TypeError("The algorithm has no hash");
    return normalize(given.hash, "SHA-1", "SHA-256", "SHA-384", "SHA-512").name;
  };
  const parameter = (given, name) => {
    if (given[name] === undefined) throw new TypeError(`The algorithm has no ${name}`);
    return native.copy(given[name]);
  };
  const unsigned = (value, name) => {
    const number = +value;
    if (!(number >= 0 && number < 4294967296)) throw new TypeError(`${name} is out of range`);
    return number - (number % 1);
  };
  const usageList = (usages) => {
    const given = [...usages];
    const list = [];
    for (let i = 0; i < given.length; i++) {
      if (!has(allUsages, `${given[i]}`)) throw new TypeError(`${given[i]} is no key usage`);
    }
    // In the order of the standard, each once.
    for (let i = 0; i < allUsages.length; i++) if (has(given, allUsages[i])) list.push(allUsages[i]);
    return list;
  };
  const checkUsages = (name, usages) => {
    for (let i = 0; i < usages.length; i++) {
      if (!has(usagesOf[name], usages[i])) fail("SyntaxError", `${name} keys cannot be used for ${usages[i]}`);
    }
  };

  const token = {};
  let stateOf;
  class CryptoKey {
    #state;
    constructor() {
      if (arguments[0] !== token) throw new TypeError("Illegal constructor");
      this.#state = arguments[1];
    }
    get type() { return this.#state.type; }
    get extractable() { return this.#state.extractable; }
    get algorithm() { return this.#state.algorithm; }
    get usages() { return this.#state.usages; }
    static {
      stateOf = (key) => {
        if (typeof key !== "object" || key === null || !(#state in key)) throw new TypeError("A CryptoKey is required");
        return key.#state;
      };
    }
  }
  const makeKey = (algorithm, bytes, extractable, usages) => {
    checkUsages(algorithm.name, usages);
    if (usages.length === 0) fail("SyntaxError", "A secret key needs a usage");
    return new CryptoKey(token, { type: "secret", extractable: !!extractable, algorithm, usages, bytes });
  };
  /** The state of a key fit for an operation. */
  const use = (key, name, usage) => {
    const state = stateOf(key);
    if (state.algorithm.name !== name) fail("InvalidAccessError", `The key is for ${state.algorithm.name}, not ${name}`);
    if (!has(state.usages, usage)) fail("InvalidAccessError", `The key's usages do not include ${usage}`);
    return state;
  };

  const fromJwk = (jwk, algorithm, extractable, usages) => {
    if (jwk.kty !== "oct") fail("DataError", 'The "kty" of the key is not "oct"');
    let bytes;
    try {
      bytes = fromBase64.call(Bytes, `${jwk.k}`, { alphabet: "base64url" });
    } catch {
      fail("DataError", 'The "k" of the key is not base64url');
    }
    const purpose = algorithm.name === "HMAC" ? "sig" : "enc";
    const alg = jwkName(algorithm, bytes.length * 8);
    if (jwk.alg !== undefined && jwk.alg !== alg) fail("DataError", `The "alg" of the key is not "${alg}"`);
    if (usages.length > 0 && jwk.use !== undefined && jwk.use !== purpose) fail("DataError", `The "use" of the key is not "${purpose}"`);
    if (jwk.key_ops !== undefined) {
      if (!isArray(jwk.key_ops)) throw new TypeError('The "key_ops" of the key are no list');
      for (let i = 0; i < usages.length; i++) {
        if (!has(jwk.key_ops, usages[i])) fail("DataError", `The "key_ops" of the key do not include "${usages[i]}"`);
      }
    }
    if (jwk.ext === false && extractable) fail("DataError", "The key is not extractable");
    return bytes;
  };
  const jwkName = (algorithm, bits) =>
    algorithm.name === "HMAC" ? hashes[algorithm.hash.name].jwk : `A${bits}GCM`;

  const importBytes = (format, data, algorithm, extractable, usages) => {
    const { name, given } = normalize(algorithm, "HMAC", "AES-GCM", "PBKDF2", "HKDF");
    const derives = name === "PBKDF2" || name === "HKDF";
    if (format !== "raw" && (format !== "jwk" || derives)) fail("NotSupportedError", `${name} keys have no format ${format}`);
    checkUsages(name, usages);
    if (derives) {
      if (extractable) fail("SyntaxError", `${name} keys cannot be extractable`);
      return makeKey(freeze({ name }), data, false, usages);
    }
    const hash = name === "HMAC" ? freeze({ name: hashOf(given) }) : undefined;
    const bytes = format === "raw" ? data : fromJwk(data, { name, hash }, extractable, usages);
    let length = bytes.length * 8;
    if (name === "AES-GCM") {
      if (!has([128, 192, 256], length)) fail("DataError", "AES keys have 128, 192 or 256 bits");
      return makeKey(freeze({ name, length }), bytes, extractable, usages);
    }
    if (length === 0) fail("DataError", "The key is empty");
    if (given.length !== undefined) {
      const wanted = unsigned(given.length, "length");
      if (wanted > length || wanted <= length - 8) fail("DataError", "The key does not have that length");
      length = wanted;
    }
    return makeKey(freeze({ name, hash, length }), bytes, extractable, usages);
  };
  const exportBytes = (format, key) => {
    const { algorithm, extractable, usages, bytes } = stateOf(key);
    if (algorithm.name === "PBKDF2" || algorithm.name === "HKDF") fail("NotSupportedError", `${algorithm.name} keys cannot be exported`);
    if (!extractable) fail("InvalidAccessError", "The key is not extractable");
    if (format === "raw") return native.copy(bytes).buffer;
    if (format !== "jwk") fail("NotSupportedError", `${algorithm.name} keys have no format ${format}`);
    const k = toBase64(bytes, { alphabet: "base64url", omitPadding: true });
    return { kty: "oct", k, alg: jwkName(algorithm, bytes.length * 8), key_ops: [...usages], ext: extractable };
  };
  /** Bits of a key that is to be generated or derived. */
  const keyBits = ({ name, given }) => {
    if (name === "HMAC") {
      if (given.length === undefined) return hashes[hashOf(given)].block;
      const length = unsigned(given.length, "length");
      if (length === 0) fail("OperationError", "The key would be empty");
      return length;
    }
    if (name !== "AES-GCM") return null;
    if (!has([128, 192, 256], given.length)) fail("OperationError", "AES keys have 128, 192 or 256 bits");
    return given.length;
  };
  const deriveBytes = (algorithm, key, length, usage) => {
    const { name, given } = normalize(algorithm, "PBKDF2", "HKDF");
    const { bytes } = use(key, name, usage);
    if (length === null || length === undefined || length % 8 !== 0) fail("OperationError", "The length must be a multiple of 8");
    const hash = hashOf(given);
    const salt = parameter(given, "salt");
    if (name === "HKDF") return native.hkdf(hash, bytes, salt, parameter(given, "info"), length / 8);
    if (given.iterations === undefined) throw new TypeError("The algorithm has no iterations");
    const iterations = unsigned(given.iterations, "iterations");
    if (iterations === 0) fail("OperationError", "There must be iterations");
    return native.pbkdf2(hash, bytes, salt, iterations, length / 8);
  };
  const gcm = (run, algorithm, key, data, usage) => {
    const { name, given } = normalize(algorithm, "AES-GCM");
    const input = native.copy(data);
    const { bytes } = use(key, name, usage);
    const iv = parameter(given, "iv");
    const additional = given.additionalData === undefined ? new Bytes(0) : native.copy(given.additionalData);
    const tagBits = given.tagLength ?? 128;
    if (tagBits !== 128) fail("NotSupportedError", "Only tags of 128 bits are supported");
    if (iv.length !== 12 && iv.length !== 16) fail("NotSupportedError", "Only an iv of 12 or 16 bytes is supported");
    return run(bytes, iv, additional, input);
  };

  class SubtleCrypto {
    constructor() {
      if (arguments[0] !== token) throw new TypeError("Illegal constructor");
    }
    async digest(algorithm, data) {
      need(2, arguments.length, "digest");
      return native.digest(normalize(algorithm, "SHA-1", "SHA-256", "SHA-384", "SHA-512").name, data);
    }
    async sign(algorithm, key, data) {
      need(3, arguments.length, "sign");
      const { name } = normalize(algorithm, "HMAC");
      const bytes = native.copy(data);
      const state = use(key, name, "sign");
      return native.hmac(state.algorithm.hash.name, state.bytes, bytes);
    }
    async verify(algorithm, key, signature, data) {
      need(4, arguments.length, "verify");
      const { name } = normalize(algorithm, "HMAC");
      const given = native.copy(signature);
      const bytes = native.copy(data);
      const state = use(key, name, "verify");
      return native.equal(native.hmac(state.algorithm.hash.name, state.bytes, bytes), given);
    }
    async encrypt(algorithm, key, data) {
      need(3, arguments.length, "encrypt");
      return gcm(native.seal, algorithm, key, data, "encrypt");
    }
    async decrypt(algorithm, key, data) {
      need(3, arguments.length, "decrypt");
      return gcm(native.open, algorithm, key, data, "decrypt");
    }
    async importKey(format, keyData, algorithm, extractable, keyUsages) {
      need(5, arguments.length, "importKey");
      const kind = `${format}`;
      if (kind === "jwk" && (typeof keyData !== "object" || keyData === null)) throw new TypeError("A JSON Web Key is required");
      const data = kind === "jwk" ? keyData : native.copy(keyData);
      return importBytes(kind, data, algorithm, !!extractable, usageList(keyUsages));
    }
    async exportKey(format, key) {
      need(2, arguments.length, "exportKey");
      return exportBytes(`${format}`, key);
    }
    async generateKey(algorithm, extractable, keyUsages) {
      need(3, arguments.length, "generateKey");
      const normal = normalize(algorithm, "HMAC", "AES-GCM");
      if (normal.name === "HMAC") hashOf(normal.given);
      const usages = usageList(keyUsages);
      checkUsages(normal.name, usages);
      const length = keyBits(normal);
      if (length > 8 * 65536) fail("OperationError", "The key would be too long");
      const bytes = native.randomBytes((length + 7 - ((length + 7) % 8)) / 8);
      const described = normal.name === "HMAC"
        ? { name: normal.name, hash: freeze({ name: hashOf(normal.given) }), length }
        : { name: normal.name, length };
      return makeKey(freeze(described), bytes, extractable, usages);
    }
    async deriveBits(algorithm, baseKey, length = null) {
      need(2, arguments.length, "deriveBits");
      return deriveBytes(algorithm, baseKey, length === null ? null : unsigned(length, "length"), "deriveBits");
    }
    async deriveKey(algorithm, baseKey, derivedKeyType, extractable, keyUsages) {
      need(5, arguments.length, "deriveKey");
      const usages = usageList(keyUsages);
      const length = keyBits(normalize(derivedKeyType, "HMAC", "AES-GCM", "PBKDF2", "HKDF"));
      const bytes = new Bytes(deriveBytes(algorithm, baseKey, length, "deriveKey"));
      return importBytes("raw", bytes, derivedKeyType, !!extractable, usages);
    }
    async wrapKey(format, key, wrappingKey, wrapAlgorithm) {
      need(4, arguments.length, "wrapKey");
      const exported = exportBytes(`${format}`, key);
      const bytes = `${format}` === "jwk" ? encode(stringify(exported)) : exported;
      return gcm(native.seal, wrapAlgorithm, wrappingKey, bytes, "wrapKey");
    }
    async unwrapKey(format, wrappedKey, unwrappingKey, unwrapAlgorithm, unwrappedKeyAlgorithm, extractable, keyUsages) {
      need(7, arguments.length, "unwrapKey");
      const usages = usageList(keyUsages);
      const opened = new Bytes(gcm(native.open, unwrapAlgorithm, unwrappingKey, wrappedKey, "unwrapKey"));
      let data = opened;
      if (`${format}` === "jwk") {
        try {
          data = parse(decode.call(new Decoder(), opened));
        } catch {
          fail("DataError", "What was wrapped is no JSON Web Key");
        }
        if (typeof data !== "object" || data === null) fail("DataError", "What was wrapped is no JSON Web Key");
      }
      return importBytes(`${format}`, data, unwrappedKeyAlgorithm, !!extractable, usages);
    }
    /** Not of the standard; as Cloudflare Workers have it. */
    timingSafeEqual(a, b) {
      need(2, arguments.length, "timingSafeEqual");
      const [left, right] = [native.copy(a), native.copy(b)];
      if (left.length !== right.length) throw new TypeError("The two must have the same length");
      return native.equal(left, right);
    }
  }

  class Crypto {
    #subtle;
    constructor() {
      if (arguments[0] !== token) throw new TypeError("Illegal constructor");
      this.#subtle = new SubtleCrypto(token);
    }
    get subtle() { return this.#subtle; }
    getRandomValues(array) {
      this.#subtle;
      need(1, arguments.length, "getRandomValues");
      return native.getRandomValues(array);
    }
    randomUUID() {
      this.#subtle;
      return native.randomUUID();
    }
  }

  for (const Class of [CryptoKey, SubtleCrypto, Crypto]) {
    for (const name of ownKeys(Class.prototype)) {
      if (name !== "constructor") defineProperty(Class.prototype, name, { enumerable: true });
    }
    defineProperty(Class.prototype, Symbol.toStringTag, { value: Class.name, configurable: true });
    web.defineGlobal(Class.name, Class);
  }
  web.defineGlobal("crypto", new Crypto(token));
};
