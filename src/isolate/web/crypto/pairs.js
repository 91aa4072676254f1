// crypto: algorithms with a private and a public key: RSA, the NIST curves, Curve25519.
(_, web) => {
  "use strict";
  const { crypto } = web;
  const { native, fail, algorithms, makeKey, makePair, checkUsages, jwkBytes, base64url } = crypto;
  const { apply } = Reflect;
  const { clz32 } = Math;
  const Bytes = Uint8Array;
  const { set: setBytes, subarray } = Bytes.prototype;
  const none = new Bytes(0);

  const noFormat = (name, format) => fail("NotSupportedError", `${name} keys have no format ${format}`);
  const needType = ({ type, algorithm }, wanted) => {
    if (type !== wanted) fail("InvalidAccessError", `A ${wanted} key of ${algorithm.name} is required`);
  };
  const needExported = (type, format) => {
    const wanted = format === "pkcs8" ? "private" : "public";
    if (format !== "jwk" && type !== wanted) fail("InvalidAccessError", `A ${type} key has no format ${format}`);
  };
  const uncompressed = (x, y) => {
    const point = new Bytes(1 + x.length + y.length);
    point[0] = 4;
    apply(setBytes, point, [x, 1]);
    apply(setBytes, point, [y, 1 + x.length]);
    return point;
  };
  const view = (buffer) => new Bytes(buffer);

  // ---- RSA

  const bitsMin = 1024;
  // A greater key takes more CPU than a run is given by default.
  const bitsMax = 4096;
  // The natives refuse greater ones; nobody uses them.
  const exponentMax = 2 ** 33 - 1;
  const integer = (list) => {
    let value = 0;
    for (let i = 0; i < list.length; i++) value = value * 256 + list[i];
    return value;
  };
  const rsaNumbers = ["n", "e", "d", "p", "q", "dp", "dq", "qi"];
  const rsaAlg = {
    __proto__: null,
    "RSASSA-PKCS1-v1_5": (hash) => `RS${crypto.jwkHash(hash)}`,
    "RSA-PSS": (hash) => `PS${crypto.jwkHash(hash)}`,
    "RSA-OAEP": (hash) => hash.name === "SHA-1" ? "RSA-OAEP" : `RSA-OAEP-${crypto.jwkHash(hash)}`,
  };
  const rsa = (name, use, ofPublic, ofPrivate) => {
    const described = (isPrivate, data, hash) => {
      const numbers = native.rsaParts(isPrivate, data);
      const n = numbers[0];
      return { name, modulusLength: n.length * 8 - leadingZeros(n[0]), publicExponent: numbers[1], hash };
    };
    const finish = (isPrivate, data, { hash }, extractable, usages) =>
      makeKey(isPrivate ? "private" : "public", described(isPrivate, data, hash), data, extractable, usages);
    return {
      generateKey: async ({ modulusLength, publicExponent, hash }, extractable, usages) => {
        checkUsages(usages, [...ofPublic, ...ofPrivate]);
        const exponent = integer(publicExponent);
        if (!(modulusLength >= bitsMin && modulusLength <= bitsMax && modulusLength % 2 === 0)) {
          fail("OperationError", `RSA keys have ${bitsMin} to ${bitsMax} bits`);
        }
        if (!(exponent >= 3 && exponent <= exponentMax && exponent % 2 === 1)) fail("OperationError", "There is no key with this publicExponent");
        const search = native.rsaSearch(modulusLength, exponent);
        let data;
        while ((data = native.rsaSearchStep(search)) === undefined) await crypto.pause();
        const algorithm = { name, modulusLength, publicExponent, hash };
        return makePair(algorithm, view(native.rsaExport("public", data)), view(data), extractable, usages, ofPublic, ofPrivate);
      },
      importKey: (format, data, normal, extractable, usages) => {
        if (format === "spki" || format === "pkcs8") {
          const isPrivate = format === "pkcs8";
          checkUsages(usages, isPrivate ? ofPrivate : ofPublic);
          return finish(isPrivate, view(native.rsaImport(format, data)), normal, extractable, usages);
        }
        if (format !== "jwk") noFormat(name, format);
        const isPrivate = data.d !== undefined;
        checkUsages(usages, isPrivate ? ofPrivate : ofPublic);
        crypto.checkJwk(data, "RSA", use, extractable, usages);
        crypto.checkAlg(data, rsaAlg[name](normal.hash));
        if (data.oth !== undefined) fail("NotSupportedError", "Keys of more than two primes are not supported");
        const numbers = [jwkBytes(data, "n"), jwkBytes(data, "e")];
        if (isPrivate) {
          for (let i = 2; i < rsaNumbers.length; i++) numbers[i] = jwkBytes(data, rsaNumbers[i]);
          numbers.length = 5;
        }
        return finish(isPrivate, view(apply(native.rsaJoin, undefined, numbers)), normal, extractable, usages);
      },
      exportKey: (format, { type, algorithm, data, usages, extractable }) => {
        if (format === "spki" || format === "pkcs8") {
          needExported(type, format);
          return native.rsaExport(format, data);
        }
        if (format !== "jwk") noFormat(name, format);
        const jwk = { kty: "RSA", alg: rsaAlg[name](algorithm.hash), key_ops: [...usages], ext: extractable };
        const numbers = native.rsaParts(type === "private", data);
        for (let i = 0; i < numbers.length; i++) jwk[rsaNumbers[i]] = base64url(numbers[i]);
        return jwk;
      },
      publicOf: ({ data }) => view(native.rsaExport("public", data)),
      ofPublic,
    };
  };
  const leadingZeros = (byte) => clz32(byte) - 24;
  const rsaSigning = (name) => ({
    ...rsa(name, "sig", ["verify"], ["sign"]),
    sign: ({ saltLength = 0 }, key, input) => {
      needType(key, "private");
      return native.rsaSign(name, key.algorithm.hash.name, saltLength, key.data, input);
    },
    verify: ({ saltLength = 0 }, key, signature, input) => {
      needType(key, "public");
      return native.rsaVerify(name, key.algorithm.hash.name, saltLength, key.data, signature, input);
    },
  });
  algorithms["RSASSA-PKCS1-v1_5"] = rsaSigning("RSASSA-PKCS1-v1_5");
  algorithms["RSA-PSS"] = rsaSigning("RSA-PSS");
  algorithms["RSA-OAEP"] = {
    ...rsa("RSA-OAEP", "enc", ["encrypt", "wrapKey"], ["decrypt", "unwrapKey"]),
    encrypt: ({ label = none }, key, input) => {
      needType(key, "public");
      return native.rsaEncrypt(key.algorithm.hash.name, label, key.data, input);
    },
    decrypt: ({ label = none }, key, input) => {
      needType(key, "private");
      return native.rsaDecrypt(key.algorithm.hash.name, label, key.data, input);
    },
  };

  // ---- Curves. `curve` knows the bytes, the rest is the same for all of them.

  const curvePair = (name, use, ofPublic, ofPrivate, curve) => ({
    generateKey: (normal, extractable, usages) => {
      checkUsages(usages, [...ofPublic, ...ofPrivate]);
      const data = curve.generate(normal);
      return makePair(curve.describe(normal), curve.publicOf(normal, data), data, extractable, usages, ofPublic, ofPrivate);
    },
    importKey: (format, data, normal, extractable, usages) => {
      const isPrivate = format === "pkcs8" || format === "jwk" && data.d !== undefined;
      checkUsages(usages, isPrivate ? ofPrivate : ofPublic);
      curve.check(normal);
      let key;
      if (format === "jwk") {
        crypto.checkJwk(data, curve.kty, use, extractable, usages);
        if (data.crv !== curve.crv(normal)) fail("DataError", `The crv of the key is not ${curve.crv(normal)}`);
        curve.checkAlg(normal, data);
        const point = curve.import("raw", normal, curve.pointOf(normal, data));
        key = point;
        if (isPrivate) {
          key = curve.import("scalar", normal, jwkBytes(data, "d"));
          if (!native.equal(curve.publicOf(normal, key), point)) fail("DataError", "The private and the public key are not of one pair");
        }
      } else if (format === "raw" || format === "raw-public" || format === "spki" || format === "pkcs8") {
        key = curve.import(format === "raw-public" ? "raw" : format, normal, data);
      } else noFormat(name, format);
      return makeKey(isPrivate ? "private" : "public", curve.describe(normal), key, extractable, usages);
    },
    exportKey: (format, { type, algorithm, data, usages, extractable }) => {
      if (format === "jwk") {
        const isPrivate = type === "private";
        const jwk = { kty: curve.kty, crv: curve.crv(algorithm), key_ops: [...usages], ext: extractable };
        curve.toJwk(jwk, isPrivate ? curve.publicOf(algorithm, data) : data);
        if (isPrivate) jwk.d = base64url(data);
        return jwk;
      }
      if (format !== "spki" && format !== "pkcs8" && format !== "raw" && format !== "raw-public") noFormat(name, format);
      needExported(type, format);
      return format === "spki" || format === "pkcs8" ? curve.export(format, algorithm, data) : native.copy(data).buffer;
    },
    publicOf: ({ algorithm, data }) => curve.publicOf(algorithm, data),
    ofPublic,
  });

  /** The first bits of what two keys agree on. */
  const agreement = (agree, isSameCurve) => (normal, key, length) => {
    needType(key, "private");
    const peer = crypto.stateOf(normal.public);
    needType(peer, "public");
    if (peer.algorithm.name !== key.algorithm.name || !isSameCurve(peer.algorithm, key.algorithm)) {
      fail("InvalidAccessError", "The two keys are not for the same algorithm");
    }
    const secret = agree(key, peer);
    if (length === null) return secret;
    if (length > secret.byteLength * 8) fail("OperationError", "The keys do not agree on that many bits");
    const part = native.copy(new Bytes(secret, 0, (length + 7 - (length + 7) % 8) / 8));
    const spare = part.length * 8 - length;
    if (spare > 0) part[part.length - 1] &= 256 - 2 ** spare;
    return part.buffer;
  };

  const coordinates = { __proto__: null, "P-256": 32, "P-384": 48, "P-521": 66 };
  const ecAlg = { __proto__: null, "P-256": "ES256", "P-384": "ES384", "P-521": "ES512" };
  const nist = (name) => ({
    kty: "EC",
    check: ({ namedCurve }) => {
      if (coordinates[namedCurve] === undefined) fail("NotSupportedError", `There is no curve ${namedCurve}`);
    },
    crv: ({ namedCurve }) => namedCurve,
    checkAlg: ({ namedCurve }, jwk) => {
      if (name === "ECDSA") crypto.checkAlg(jwk, ecAlg[namedCurve]);
    },
    describe: ({ namedCurve }) => ({ name, namedCurve }),
    generate: ({ namedCurve }) => view(native.ecGenerate(namedCurve)),
    publicOf: ({ namedCurve }, data) => view(native.ecExport(namedCurve, "point", data)),
    import: (format, { namedCurve }, data) => {
      if (format === "scalar" && data.length !== coordinates[namedCurve]) fail("DataError", "The d of the key has the wrong length");
      return view(native.ecImport(namedCurve, format, data));
    },
    export: (format, { namedCurve }, data) => native.ecExport(namedCurve, format, data),
    pointOf: ({ namedCurve }, jwk) => {
      const x = jwkBytes(jwk, "x"), y = jwkBytes(jwk, "y");
      if (x.length !== coordinates[namedCurve] || y.length !== x.length) fail("DataError", "The x and y of the key have the wrong length");
      return uncompressed(x, y);
    },
    toJwk: (jwk, point) => {
      const middle = (point.length + 1) / 2;
      jwk.x = base64url(native.copy(apply(subarray, point, [1, middle])));
      jwk.y = base64url(native.copy(apply(subarray, point, [middle])));
    },
  });
  algorithms.ECDSA = {
    ...curvePair("ECDSA", "sig", ["verify"], ["sign"], nist("ECDSA")),
    sign: ({ hash }, key, input) => {
      needType(key, "private");
      return native.ecdsaSign(key.algorithm.namedCurve, hash.name, key.data, input);
    },
    verify: ({ hash }, key, signature, input) => {
      needType(key, "public");
      return native.ecdsaVerify(key.algorithm.namedCurve, hash.name, key.data, signature, input);
    },
  };
  algorithms.ECDH = {
    ...curvePair("ECDH", "enc", [], ["deriveKey", "deriveBits"], nist("ECDH")),
    deriveBits: agreement(
      (key, peer) => native.ecdh(key.algorithm.namedCurve, key.data, peer.data),
      (a, b) => a.namedCurve === b.namedCurve,
    ),
  };

  const key25519 = (data) => data.length === 32 ? data : fail("DataError", "The key does not have 32 bytes");
  const curve25519 = (name) => ({
    kty: "OKP",
    check: () => {},
    crv: () => name,
    checkAlg: (_, jwk) => {
      if (name === "Ed25519") crypto.checkAlg(jwk, "Ed25519", "EdDSA");
    },
    describe: () => ({ name }),
    generate: () => native.randomBytes(32),
    publicOf: (_, data) => view(native.curvePublic(name, data)),
    import: (format, _, data) => format === "raw" || format === "scalar" ? key25519(data) : view(native.curveUnwrap(name, format, data)),
    export: (format, _, data) => native.curveWrap(name, format, data),
    pointOf: (_, jwk) => jwkBytes(jwk, "x"),
    toJwk: (jwk, point) => {
      jwk.x = base64url(point);
      if (name === "Ed25519") jwk.alg = name;
    },
  });
  algorithms.Ed25519 = {
    ...curvePair("Ed25519", "sig", ["verify"], ["sign"], curve25519("Ed25519")),
    sign: (_, key, input) => {
      needType(key, "private");
      return native.ed25519Sign(key.data, input);
    },
    verify: (_, key, signature, input) => {
      needType(key, "public");
      return native.ed25519Verify(key.data, signature, input);
    },
  };
  algorithms.X25519 = {
    ...curvePair("X25519", "enc", [], ["deriveKey", "deriveBits"], curve25519("X25519")),
    deriveBits: agreement((key, peer) => native.x25519(key.data, peer.data), () => true),
  };
};
