// crypto: which algorithms there are, for which operations, with which parameters.
(native, web) => {
  "use strict";
  const { DOMException } = web;
  const { freeze } = Object;
  const toUpper = Function.prototype.call.bind(String.prototype.toUpperCase);
  const toLower = Function.prototype.call.bind(String.prototype.toLowerCase);
  const split = Function.prototype.call.bind(String.prototype.split);
  const Integers = Uint8Array;

  const crypto = web.crypto = { native };
  crypto.fail = (name, message) => {
    throw new DOMException(message, name);
  };
  const has = crypto.has = (list, item) => {
    for (let i = 0; i < list.length; i++) if (list[i] === item) return true;
    return false;
  };

  // Members beyond `name`, as Web IDL orders them; those in brackets may be missing.
  const dictionaries = {
    __proto__: null,
    none: "",
    cbc: "iv:bytes",
    ctr: "counter:bytes length:octet",
    aead: "[additionalData]:bytes iv:bytes [tagLength]:octet",
    size: "length:short",
    curve: "namedCurve:text",
    hash: "hash:hash",
    hashAndLength: "hash:hash [length]:long",
    hkdf: "hash:hash info:bytes salt:bytes",
    label: "[label]:bytes",
    pbkdf2: "hash:hash iterations:long salt:bytes",
    peer: "public:key",
    rsaKey: "modulusLength:long publicExponent:integer hash:hash",
    salt: "saltLength:long",
  };
  const rsa = "generateKey:rsaKey importKey:hash exportKey:none";
  const signing = "sign:none verify:none";
  const sealing = (parameters) => `encrypt:${parameters} decrypt:${parameters}`;
  const aes = (parameters) => `${sealing(parameters)} generateKey:size importKey:none exportKey:none keyLength:size`;
  const pair = (parameters) => `generateKey:${parameters} importKey:${parameters} exportKey:none`;
  const table = {
    "RSASSA-PKCS1-v1_5": `${signing} ${rsa}`,
    "RSA-PSS": `sign:salt verify:salt ${rsa}`,
    "RSA-OAEP": `${sealing("label")} ${rsa}`,
    ECDSA: `sign:hash verify:hash ${pair("curve")}`,
    ECDH: `deriveBits:peer ${pair("curve")}`,
    Ed25519: `${signing} ${pair("none")}`,
    X25519: `deriveBits:peer ${pair("none")}`,
    "AES-CBC": aes("cbc"),
    "AES-CTR": aes("ctr"),
    "AES-GCM": aes("aead"),
    "AES-KW": "wrapKey:none unwrapKey:none generateKey:size importKey:none exportKey:none keyLength:size",
    HMAC: `${signing} generateKey:hashAndLength importKey:hashAndLength exportKey:none keyLength:hashAndLength`,
    HKDF: "deriveBits:hkdf importKey:none keyLength:none",
    PBKDF2: "deriveBits:pbkdf2 importKey:none keyLength:none",
    "SHA-1": "digest:none",
    "SHA-256": "digest:none",
    "SHA-384": "digest:none",
    "SHA-512": "digest:none",
  };
  // "a:b c:d" to [["a", "b"], ["c", "d"]].
  const entries = (text) => text === "" ? [] : text.split(" ").map((entry) => split(entry, ":"));
  for (const name in dictionaries) {
    dictionaries[name] = entries(dictionaries[name]).map(([member, kind]) =>
      member[0] === "[" ? { member: member.slice(1, -1), kind, required: false } : { member, kind, required: true });
  }
  const algorithms = { __proto__: null };
  for (const name in table) {
    const operations = { __proto__: null };
    for (const [operation, parameters] of entries(table[name])) operations[operation] = dictionaries[parameters];
    algorithms[toUpper(name)] = { name, lower: toLower(name), operations };
  }

  const whole = (max) => (value, what) => web.enforceRange(value, max, what);
  const kinds = {
    __proto__: null,
    octet: whole(255),
    short: whole(65535),
    long: whole(4294967295),
    text: (value) => `${value}`,
    hash: (value) => freeze({ name: normalize("digest", value).name }),
    key: (value) => (crypto.stateOf(value), value),
    integer: (value, what) => {
      if (!(value instanceof Integers)) throw new TypeError(`${what} is not a Uint8Array`);
      return native.copy(value);
    },
    bytes: (value, what) => {
      if (!native.isBytes(value)) throw new TypeError(`${what} is not an ArrayBuffer or a view of one`);
      return native.copy(value);
    },
  };

  const find = (operation, name) => {
    const found = algorithms[toUpper(name)];
    // Case is ignored among the letters of ASCII only.
    return found !== undefined && toLower(name) === found.lower && found.operations[operation] !== undefined ? found : undefined;
  };
  /** The algorithm that a program names for an operation, with its parameters converted and copied. */
  const normalize = crypto.normalize = (operation, value) => {
    const isObject = typeof value === "object" && value !== null || typeof value === "function";
    const given = isObject ? value : { __proto__: null, name: value };
    const { name } = given;
    if (isObject && name === undefined) throw new TypeError("The algorithm has no name");
    const text = `${name}`;
    const found = find(operation, text);
    if (found === undefined) crypto.fail("NotSupportedError", `${text} is not supported for ${operation}`);
    const normal = { __proto__: null, name: found.name };
    const members = found.operations[operation];
    for (let i = 0; i < members.length; i++) {
      const { member, kind, required } = members[i];
      const part = given[member];
      const what = `The ${member} of ${found.name}`;
      if (part !== undefined) normal[member] = kinds[kind](part, what);
      else if (required) throw new TypeError(`${what} is missing`);
    }
    return normal;
  };
  /** Whether the algorithm of that exact name has the operation. */
  crypto.can = (operation, name) => find(operation, name) !== undefined;
};
