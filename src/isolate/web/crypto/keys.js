// crypto: CryptoKey, what a JSON Web Key says of itself, and which keys may do what.
(_, web) => {
  "use strict";
  const { crypto } = web;
  const { native, fail, has } = crypto;
  const { isArray } = Array;
  const Bytes = Uint8Array;
  const toBase64 = Function.prototype.call.bind(Uint8Array.prototype.toBase64);
  const fromBase64 = Uint8Array.fromBase64;

  // What takes long lets requests be answered and the process be seen to be alive.
  crypto.pause = () => {
    const { promise, resolve } = web.promises.deferred();
    web.startTimer(resolve, 0);
    return promise;
  };

  const token = crypto.token = {};
  const usages = ["encrypt", "decrypt", "sign", "verify", "deriveKey", "deriveBits", "wrapKey", "unwrapKey"];

  // `data` is the bytes of a secret, or those by which the natives know a private or public key.
  let stateOf;
  class CryptoKey {
    #state;
    constructor() {
      if (arguments[0] !== token) throw web.illegal();
      this.#state = arguments[1];
    }
    get type() { return this.#state.type; }
    get extractable() { return this.#state.extractable; }
    get algorithm() { return this.#state.shown ??= shown(this.#state.algorithm); }
    get usages() { return this.#state.shownUsages ??= [...this.#state.usages]; }
    static {
      stateOf = crypto.stateOf = (key) => {
        if (typeof key !== "object" || key === null || !(#state in key)) throw new TypeError("A CryptoKey is required");
        return key.#state;
      };
    }
  }
  web.defineGlobal("CryptoKey", CryptoKey);

  // What a program is shown it may change: the key keeps its own.
  const shown = (algorithm) => {
    const copy = {};
    for (const name in algorithm) {
      const part = algorithm[name];
      copy[name] = name === "hash" ? { name: part.name } : name === "publicExponent" ? native.copy(part) : part;
    }
    return copy;
  };

  crypto.makeKey = (type, algorithm, data, extractable, allowed) =>
    new CryptoKey(token, { type, extractable, algorithm, usages: allowed, data, shown: null, shownUsages: null });
  // What is not extractable stays so in a clone: programs see no bytes on the way.
  crypto.cloning = [CryptoKey.prototype, (key) => {
    const { type, algorithm, data, extractable, usages } = stateOf(key);
    return [type, shown(algorithm), data, extractable, usages];
  }, ([type, algorithm, data, extractable, usages]) => crypto.makeKey(type, algorithm, data, extractable, usages)];
  /** A new pair: its public key is always extractable, each has those of the usages that are for it. */
  crypto.makePair = (algorithm, publicData, privateData, extractable, wanted, ofPublic, ofPrivate) => ({
    publicKey: crypto.makeKey("public", algorithm, publicData, true, only(wanted, ofPublic)),
    privateKey: crypto.makeKey("private", algorithm, privateData, extractable, only(wanted, ofPrivate)),
  });
  const only = (wanted, allowed) => {
    const list = [];
    for (let i = 0; i < wanted.length; i++) if (has(allowed, wanted[i])) list[list.length] = wanted[i];
    return list;
  };
  crypto.checkUsages = (wanted, allowed) => {
    for (let i = 0; i < wanted.length; i++) {
      if (!has(allowed, wanted[i])) fail("SyntaxError", `The key cannot be used for ${wanted[i]}`);
    }
  };
  /** A key that can do nothing is a mistake, unless it is public. */
  crypto.checkUseful = (key) => {
    const { type, usages } = stateOf(key);
    if (type !== "public" && usages.length === 0) fail("SyntaxError", `A ${type} key needs a usage`);
    return key;
  };
  /** The state of a key that is fit for an operation. */
  crypto.use = (key, name, usage) => {
    const state = stateOf(key);
    if (state.algorithm.name !== name) fail("InvalidAccessError", `The key is for ${state.algorithm.name}, not for ${name}`);
    if (!has(state.usages, usage)) fail("InvalidAccessError", `The key's usages do not include ${usage}`);
    return state;
  };
  /** Web IDL's sequence<KeyUsage>, in the order of the standard, each once. */
  crypto.usageList = (value) => {
    const given = [];
    for (const usage of value) {
      const text = `${usage}`;
      if (!has(usages, text)) throw new TypeError(`${text} is no key usage`);
      given[given.length] = text;
    }
    return only(usages, given);
  };

  const texts = ["alg", "crv", "d", "dp", "dq", "e", "k", "kty", "n", "p", "q", "qi", "use", "x", "y"];
  /** Web IDL's JsonWebKey. */
  crypto.jsonWebKey = (given) => {
    const jwk = { __proto__: null };
    if (given === undefined || given === null) return jwk;
    if (typeof given !== "object" && typeof given !== "function") throw new TypeError("The key is no JSON Web Key");
    for (let i = 0; i < texts.length; i++) {
      const value = given[texts[i]];
      if (value !== undefined) jwk[texts[i]] = `${value}`;
    }
    const { ext, key_ops, oth } = given;
    if (ext !== undefined) jwk.ext = !!ext;
    if (oth !== undefined) jwk.oth = oth;
    if (key_ops !== undefined) {
      if (!isArray(key_ops)) throw new TypeError("The key_ops of the key are no list");
      jwk.key_ops = [];
      for (let i = 0; i < key_ops.length; i++) jwk.key_ops[i] = `${key_ops[i]}`;
    }
    return jwk;
  };
  /** Refuses a JSON Web Key that says it is for something else. */
  crypto.checkJwk = (jwk, kty, use, extractable, wanted) => {
    if (jwk.kty !== kty) fail("DataError", `The kty of the key is not ${kty}`);
    if (wanted.length > 0 && jwk.use !== undefined && jwk.use !== use) fail("DataError", `The use of the key is not ${use}`);
    const operations = jwk.key_ops;
    if (operations !== undefined) {
      for (let i = 0; i < operations.length; i++) {
        for (let j = 0; j < i; j++) if (operations[i] === operations[j]) fail("DataError", "The key_ops of the key name one twice");
      }
      for (let i = 0; i < wanted.length; i++) {
        if (!has(operations, wanted[i])) fail("DataError", `The key_ops of the key do not include ${wanted[i]}`);
      }
    }
    if (jwk.ext === false && extractable) fail("DataError", "The key is not extractable");
  };
  crypto.checkAlg = (jwk, ...names) => {
    if (jwk.alg !== undefined && !has(names, jwk.alg)) fail("DataError", `The alg of the key is not ${names[0]}`);
  };
  /** The bytes of a member of a JSON Web Key. */
  crypto.jwkBytes = (jwk, member) => {
    if (jwk[member] === undefined) fail("DataError", `The key has no ${member}`);
    try {
      return fromBase64.call(Bytes, jwk[member], { __proto__: null, alphabet: "base64url" });
    } catch {
      return fail("DataError", `The ${member} of the key is not base64url`);
    }
  };
  const base64url = { __proto__: null, alphabet: "base64url", omitPadding: true };
  crypto.base64url = (bytes) => toBase64(bytes, base64url);
};
