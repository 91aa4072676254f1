// crypto: the interfaces SubtleCrypto and Crypto. Each operation converts its arguments, then names
// its algorithm, then copies its data, then looks at its keys: the standard's order.
(_, web) => {
  "use strict";
  const { crypto } = web;
  const { native, fail, has, token, normalize, stateOf, use, usageList, algorithms, checkUseful } = crypto;
  const { stringify, parse } = JSON;
  const Bytes = Uint8Array;
  const encode = TextEncoder.prototype.encode.bind(new TextEncoder());
  const decode = TextDecoder.prototype.decode;
  const Decoder = TextDecoder;

  const formats = ["raw", "raw-public", "raw-secret", "spki", "pkcs8", "jwk"];
  const formatOf = (value) => {
    const format = `${value}`;
    if (!has(formats, format)) throw new TypeError(`${format} is no key format`);
    return format;
  };
  const needBytes = (value, what) => {
    if (!native.isBytes(value)) throw new TypeError(`${what} is not an ArrayBuffer or a view of one`);
  };
  const bitsOf = (value) => value === null || value === undefined ? null : web.enforceRange(value, 4294967295, "The length");
  const isKeyPair = (made) => made.privateKey !== undefined;
  const exported = (format, key) => {
    const state = stateOf(key);
    const { exportKey } = algorithms[state.algorithm.name];
    if (exportKey === undefined) fail("NotSupportedError", `${state.algorithm.name} keys cannot be exported`);
    if (!state.extractable) fail("InvalidAccessError", "The key is not extractable");
    return exportKey(format, state);
  };
  const imported = (format, data, normal, extractable, usages) =>
    checkUseful(algorithms[normal.name].importKey(format, data, normal, extractable, usages));
  // Wrapping has an operation of its own or is encryption.
  const normalizeWrap = (own, other, value) => {
    const name = typeof value === "object" && value !== null ? value.name : value;
    return crypto.can(own, `${name}`) ? normalize(own, value) : normalize(other, value);
  };
  const derived = (normal, key, length, usage) =>
    algorithms[normal.name].deriveBits(normal, use(key, normal.name, usage), length);

  class SubtleCrypto {
    #brand;
    constructor() {
      if (arguments[0] !== token) throw web.illegal();
    }
    async encrypt(algorithm, key, data) {
      this.#brand;
      web.need(arguments.length, 3, "encrypt");
      stateOf(key);
      needBytes(data, "The data");
      const normal = normalize("encrypt", algorithm);
      const input = native.copy(data);
      return algorithms[normal.name].encrypt(normal, use(key, normal.name, "encrypt"), input);
    }
    async decrypt(algorithm, key, data) {
      this.#brand;
      web.need(arguments.length, 3, "decrypt");
      stateOf(key);
      needBytes(data, "The data");
      const normal = normalize("decrypt", algorithm);
      const input = native.copy(data);
      return algorithms[normal.name].decrypt(normal, use(key, normal.name, "decrypt"), input);
    }
    async sign(algorithm, key, data) {
      this.#brand;
      web.need(arguments.length, 3, "sign");
      stateOf(key);
      needBytes(data, "The data");
      const normal = normalize("sign", algorithm);
      const input = native.copy(data);
      return algorithms[normal.name].sign(normal, use(key, normal.name, "sign"), input);
    }
    async verify(algorithm, key, signature, data) {
      this.#brand;
      web.need(arguments.length, 4, "verify");
      stateOf(key);
      needBytes(signature, "The signature");
      needBytes(data, "The data");
      const normal = normalize("verify", algorithm);
      const given = native.copy(signature);
      const input = native.copy(data);
      return algorithms[normal.name].verify(normal, use(key, normal.name, "verify"), given, input);
    }
    async digest(algorithm, data) {
      this.#brand;
      web.need(arguments.length, 2, "digest");
      needBytes(data, "The data");
      return native.digest(normalize("digest", algorithm).name, data);
    }
    async generateKey(algorithm, extractable, keyUsages) {
      this.#brand;
      web.need(arguments.length, 3, "generateKey");
      const usages = usageList(keyUsages);
      const normal = normalize("generateKey", algorithm);
      const made = await algorithms[normal.name].generateKey(normal, !!extractable, usages);
      checkUseful(isKeyPair(made) ? made.privateKey : made);
      return made;
    }
    async deriveKey(algorithm, baseKey, derivedKeyType, extractable, keyUsages) {
      this.#brand;
      web.need(arguments.length, 5, "deriveKey");
      stateOf(baseKey);
      const usages = usageList(keyUsages);
      const normal = normalize("deriveBits", algorithm);
      const type = normalize("importKey", derivedKeyType);
      const sized = normalize("keyLength", derivedKeyType);
      use(baseKey, normal.name, "deriveKey");
      const length = algorithms[sized.name].keyLength(sized);
      const secret = new Bytes(await derived(normal, baseKey, length, "deriveKey"));
      return imported("raw", secret, type, !!extractable, usages);
    }
    async deriveBits(algorithm, baseKey, length = null) {
      this.#brand;
      web.need(arguments.length, 2, "deriveBits");
      stateOf(baseKey);
      const bits = bitsOf(length);
      return derived(normalize("deriveBits", algorithm), baseKey, bits, "deriveBits");
    }
    async importKey(format, keyData, algorithm, extractable, keyUsages) {
      this.#brand;
      web.need(arguments.length, 5, "importKey");
      const kind = formatOf(format);
      const isBytes = native.isBytes(keyData);
      const jwk = isBytes ? undefined : crypto.jsonWebKey(keyData);
      const usages = usageList(keyUsages);
      const normal = normalize("importKey", algorithm);
      if (isBytes !== (kind !== "jwk")) throw new TypeError(`The key is not of the format ${kind}`);
      return imported(kind, isBytes ? native.copy(keyData) : jwk, normal, !!extractable, usages);
    }
    async exportKey(format, key) {
      this.#brand;
      web.need(arguments.length, 2, "exportKey");
      return exported(formatOf(format), key);
    }
    async wrapKey(format, key, wrappingKey, wrapAlgorithm) {
      this.#brand;
      web.need(arguments.length, 4, "wrapKey");
      const kind = formatOf(format);
      stateOf(key);
      stateOf(wrappingKey);
      const normal = normalizeWrap("wrapKey", "encrypt", wrapAlgorithm);
      const state = use(wrappingKey, normal.name, "wrapKey");
      const plain = exported(kind, key);
      const { wrapKey, encrypt } = algorithms[normal.name];
      return (wrapKey ?? encrypt)(normal, state, kind === "jwk" ? encode(stringify(plain)) : new Bytes(plain));
    }
    async unwrapKey(format, wrappedKey, unwrappingKey, unwrapAlgorithm, unwrappedKeyAlgorithm, extractable, keyUsages) {
      this.#brand;
      web.need(arguments.length, 7, "unwrapKey");
      const kind = formatOf(format);
      needBytes(wrappedKey, "The wrapped key");
      stateOf(unwrappingKey);
      const usages = usageList(keyUsages);
      const normal = normalizeWrap("unwrapKey", "decrypt", unwrapAlgorithm);
      const type = normalize("importKey", unwrappedKeyAlgorithm);
      const input = native.copy(wrappedKey);
      const state = use(unwrappingKey, normal.name, "unwrapKey");
      const { unwrapKey, decrypt } = algorithms[normal.name];
      const plain = new Bytes((unwrapKey ?? decrypt)(normal, state, input));
      return imported(kind, kind === "jwk" ? unwrappedJwk(plain) : plain, type, !!extractable, usages);
    }
    async getPublicKey(key, keyUsages) {
      this.#brand;
      web.need(arguments.length, 2, "getPublicKey");
      const { type, algorithm, data } = stateOf(key);
      const usages = usageList(keyUsages);
      const { publicOf, ofPublic } = algorithms[algorithm.name];
      if (type !== "private") fail(type === "secret" ? "NotSupportedError" : "InvalidAccessError", `A ${type} key has no public key`);
      crypto.checkUsages(usages, ofPublic);
      return crypto.makeKey("public", algorithm, publicOf({ algorithm, data }), true, usages);
    }
    /** Not of the standard; as Cloudflare Workers have it. */
    timingSafeEqual(a, b) {
      this.#brand;
      web.need(arguments.length, 2, "timingSafeEqual");
      const left = native.copy(a), right = native.copy(b);
      if (left.length !== right.length) throw new TypeError("The two must have the same length");
      return native.equal(left, right);
    }
  }
  const unwrappedJwk = (plain) => {
    let data;
    try {
      data = parse(decode.call(new Decoder(), plain));
    } catch {
      fail("DataError", "What was wrapped is no JSON Web Key");
    }
    if (typeof data !== "object" || data === null) fail("DataError", "What was wrapped is no JSON Web Key");
    return crypto.jsonWebKey(data);
  };

  class Crypto {
    #subtle;
    constructor() {
      if (arguments[0] !== token) throw web.illegal();
      this.#subtle = new SubtleCrypto(token);
    }
    get subtle() { return this.#subtle; }
    getRandomValues(array) {
      this.#subtle;
      web.need(arguments.length, 1, "getRandomValues");
      return native.getRandomValues(array);
    }
    randomUUID() {
      this.#subtle;
      return native.randomUUID();
    }
  }

  web.defineGlobal("SubtleCrypto", SubtleCrypto);
  web.defineGlobal("Crypto", Crypto);
  web.defineGlobal("crypto", new Crypto(token));
};
