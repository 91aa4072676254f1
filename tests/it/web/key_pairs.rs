//! `crypto.subtle` with private and public keys, and what other implementations made with them.

use super::check;

// Keys, signatures and ciphertexts that another implementation of the standard made.
const VECTORS: &str = include_str!("crypto_vectors.json");

#[track_caller]
fn check_pairs(script: &str) {
    check(&format!(
        "const vectors = {VECTORS};
        const hex = (buffer) => new Uint8Array(buffer).toHex();
        const bytes = (text) => Uint8Array.fromHex(text);
        const subtle = crypto.subtle;
        const data = new TextEncoder().encode(\"sample\");
        const other = new TextEncoder().encode(\"other\");
        {script}"
    ));
}

#[test]
fn elliptic_keys_of_others_verify_sign_and_agree() {
    check_pairs(
        r##"
        for (const namedCurve of ["P-256", "P-384", "P-521"]) {
          const { pkcs8, spki, signature, other: peer, shared } = vectors.ec[namedCurve];
          const ecdsa = { name: "ECDSA", namedCurve };
          const hash = { name: "ecdsa", hash: namedCurve === "P-256" ? "SHA-512" : "SHA-1" };
          const verifier = await subtle.importKey("spki", bytes(spki), ecdsa, true, ["verify"]);
          const signer = await subtle.importKey("pkcs8", bytes(pkcs8), ecdsa, true, ["sign"]);
          same(await subtle.verify(hash, verifier, bytes(signature), data), true);
          same(await subtle.verify(hash, verifier, bytes(signature), other), false);
          same(await subtle.verify(hash, verifier, bytes(signature).subarray(1), data), false);
          same(await subtle.verify(hash, verifier, await subtle.sign(hash, signer, other), other), true);
          same(hex(await subtle.exportKey("pkcs8", signer)), pkcs8);
          same(hex(await subtle.exportKey("spki", verifier)), spki);
          const jwk = await subtle.exportKey("jwk", signer);
          same([jwk.kty, jwk.crv, jwk.key_ops, jwk.ext], ["EC", namedCurve, ["sign"], true]);
          const again = await subtle.importKey("jwk", jwk, ecdsa, true, ["sign"]);
          same(hex(await subtle.exportKey("pkcs8", again)), pkcs8);
          const raw = await subtle.exportKey("raw", verifier);
          same(hex(await subtle.exportKey("spki", await subtle.importKey("raw", raw, ecdsa, true, []))), spki);

          const ecdh = { name: "ECDH", namedCurve };
          const own = await subtle.importKey("pkcs8", bytes(pkcs8), ecdh, false, ["deriveBits"]);
          const key = await subtle.importKey("raw", bytes(peer), ecdh, true, []);
          same(hex(await subtle.deriveBits({ name: "ECDH", public: key }, own, null)), shared);
          same(hex(await subtle.deriveBits({ name: "ECDH", public: key }, own, 12)), hex([parseInt(shared.slice(0, 2), 16), parseInt(shared.slice(2, 4), 16) & 0xf0]));
          await rejects("OperationError", subtle.deriveBits({ name: "ECDH", public: key }, own, 4096));
          await rejects("InvalidAccessError", subtle.deriveBits({ name: "ECDH", public: own }, own, null));
          await rejects("DataError", subtle.importKey("jwk", { ...jwk, x: jwk.y }, ecdsa, true, ["sign"]));
          await rejects("DataError", subtle.importKey("raw", raw.slice(1), ecdsa, true, ["verify"]));
          await rejects("InvalidAccessError", subtle.exportKey("spki", signer));
        }
        await rejects("DataError", subtle.importKey("spki", bytes(vectors.ec["P-256"].spki), { name: "ECDSA", namedCurve: "P-384" }, true, ["verify"]));
        await rejects("NotSupportedError", subtle.generateKey({ name: "ECDSA", namedCurve: "P-1" }, true, ["sign"]));
        const made = await subtle.generateKey({ name: "ECDSA", namedCurve: "P-256" }, false, ["sign", "verify"]);
        same([made.publicKey.usages, made.privateKey.usages], [["verify"], ["sign"]]);
        same([made.publicKey.extractable, made.privateKey.extractable], [true, false]);
        const signature = await subtle.sign({ name: "ECDSA", hash: "SHA-384" }, made.privateKey, data);
        same(await subtle.verify({ name: "ECDSA", hash: "SHA-384" }, made.publicKey, signature, data), true);
        await rejects("SyntaxError", subtle.generateKey({ name: "ECDSA", namedCurve: "P-256" }, true, ["verify"]));
        "##,
    );
}

#[test]
fn ed25519_and_x25519_give_the_published_values() {
    check_pairs(
        r##"
        // RFC 8032, 7.1, test 2.
        const seed = "4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb";
        const point = "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c";
        const expected = "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00";
        const signer = await subtle.importKey("pkcs8", bytes("302e020100300506032b657004220420" + seed), "Ed25519", true, ["sign"]);
        const verifier = await subtle.importKey("raw", bytes(point), "Ed25519", true, ["verify"]);
        same(hex(await subtle.sign("Ed25519", signer, bytes("72"))), expected);
        same(await subtle.verify("Ed25519", verifier, bytes(expected), bytes("72")), true);
        same(await subtle.verify("Ed25519", verifier, bytes(expected), bytes("73")), false);
        same(await subtle.verify("Ed25519", verifier, bytes("00"), bytes("72")), false);
        const jwk = await subtle.exportKey("jwk", signer);
        same([jwk.kty, jwk.crv, jwk.alg], ["OKP", "Ed25519", "Ed25519"]);
        same(Uint8Array.fromBase64(jwk.x, { alphabet: "base64url" }).toHex(), point);
        await rejects("DataError", subtle.importKey("jwk", { ...jwk, crv: "X25519" }, "Ed25519", true, ["sign"]));
        await rejects("DataError", subtle.importKey("raw", bytes("00"), "Ed25519", true, ["verify"]));

        const { pkcs8, other: peer, shared } = vectors.x;
        const own = await subtle.importKey("pkcs8", bytes(pkcs8), "X25519", true, ["deriveBits", "deriveKey"]);
        const key = await subtle.importKey("raw", bytes(peer), "X25519", true, []);
        same(hex(await subtle.deriveBits({ name: "X25519", public: key }, own, 256)), shared);
        same(hex(await subtle.exportKey("pkcs8", own)), pkcs8);
        const aes = await subtle.deriveKey({ name: "X25519", public: key }, own, { name: "AES-CBC", length: 128 }, true, ["encrypt"]);
        same(hex(await subtle.exportKey("raw", aes)), shared.slice(0, 32));
        const zero = await subtle.importKey("raw", new Uint8Array(32), "X25519", true, []);
        await rejects("OperationError", subtle.deriveBits({ name: "X25519", public: zero }, own, 256));
        await rejects("DataError", subtle.importKey("pkcs8", bytes(pkcs8), "Ed25519", true, ["sign"]));
        "##,
    );
}

#[test]
fn rsa_keys_of_others_verify_sign_and_decrypt() {
    check_pairs(
        r##"
        const { jwk, pkcs8, spki, pss, pkcs1, oaep } = vectors.rsa;
        const rsa = (name, hash) => ({ name, hash });
        const verifier = await subtle.importKey("spki", bytes(spki), rsa("RSA-PSS", "SHA-256"), true, ["verify"]);
        same(verifier.algorithm.modulusLength, 1024);
        same(hex(verifier.algorithm.publicExponent), "010001");
        const salted = { name: "RSA-PSS", saltLength: 20 };
        same(await subtle.verify(salted, verifier, bytes(pss), data), true);
        same(await subtle.verify(salted, verifier, bytes(pss), other), false);
        same(await subtle.verify({ name: "RSA-PSS", saltLength: 21 }, verifier, bytes(pss), data), false);
        const signer = await subtle.importKey("jwk", jwk, rsa("RSA-PSS", "SHA-256"), true, ["sign"]);
        same(await subtle.verify(salted, verifier, await subtle.sign(salted, signer, other), other), true);
        await rejects("OperationError", subtle.sign({ name: "RSA-PSS", saltLength: 1000 }, signer, data));
        same(hex(await subtle.exportKey("pkcs8", signer)), pkcs8);
        const exported = await subtle.exportKey("jwk", signer);
        for (const name in jwk) same(exported[name], jwk[name]);
        same(hex(await subtle.exportKey("spki", verifier)), spki);

        const old = await subtle.importKey("pkcs8", bytes(pkcs8), rsa("RSASSA-PKCS1-v1_5", "SHA-256"), true, ["sign"]);
        same(hex(await subtle.sign("RSASSA-PKCS1-v1_5", old, data)), pkcs1);

        const label = new Uint8Array([1, 2]);
        const opener = await subtle.importKey("pkcs8", bytes(pkcs8), rsa("RSA-OAEP", "SHA-1"), true, ["decrypt", "unwrapKey"]);
        same(hex(await subtle.decrypt({ name: "RSA-OAEP", label }, opener, bytes(oaep))), hex(data));
        await rejects("OperationError", subtle.decrypt({ name: "RSA-OAEP" }, opener, bytes(oaep)));
        const sealer = await subtle.getPublicKey(opener, ["encrypt", "wrapKey"]);
        await rejects("OperationError", subtle.encrypt("RSA-OAEP", sealer, new Uint8Array(100)));
        await rejects("InvalidAccessError", subtle.encrypt("RSA-OAEP", opener, data));
        const aes = await subtle.generateKey({ name: "AES-GCM", length: 128 }, true, ["encrypt"]);
        const wrapped = await subtle.wrapKey("raw", aes, sealer, "RSA-OAEP");
        const unwrapped = await subtle.unwrapKey("raw", wrapped, opener, "RSA-OAEP", "AES-GCM", true, ["encrypt"]);
        same(hex(await subtle.exportKey("raw", unwrapped)), hex(await subtle.exportKey("raw", aes)));

        await rejects("DataError", subtle.importKey("jwk", { ...jwk, alg: "PS384" }, rsa("RSA-PSS", "SHA-256"), true, ["sign"]));
        await rejects("DataError", subtle.importKey("jwk", { ...jwk, p: jwk.q }, rsa("RSA-PSS", "SHA-256"), true, ["sign"]));
        await rejects("DataError", subtle.importKey("spki", bytes(pkcs8), rsa("RSA-PSS", "SHA-256"), true, ["verify"]));
        await rejects("SyntaxError", subtle.importKey("spki", bytes(spki), rsa("RSA-PSS", "SHA-256"), true, ["sign"]));
        "##,
    );
}

#[test]
fn an_rsa_key_is_generated_while_the_event_loop_goes_on() {
    check_pairs(
        r##"
        let turns = 0;
        const timer = setInterval(() => turns++, 0);
        const algorithm = { name: "RSASSA-PKCS1-v1_5", hash: "SHA-256", modulusLength: 2048, publicExponent: new Uint8Array([1, 0, 1]) };
        const { publicKey, privateKey } = await subtle.generateKey(algorithm, true, ["sign", "verify"]);
        clearInterval(timer);
        same(turns > 0, true);
        same(publicKey.algorithm.modulusLength, 2048);
        const signature = await subtle.sign("RSASSA-PKCS1-v1_5", privateKey, data);
        same(signature.byteLength, 256);
        same(await subtle.verify("RSASSA-PKCS1-v1_5", publicKey, signature, data), true);
        for (const wrong of [{ publicExponent: new Uint8Array([2]) }, { publicExponent: new Uint8Array(0) }, { modulusLength: 100_000 }, { modulusLength: 0 }]) {
          await rejects("OperationError", subtle.generateKey({ ...algorithm, ...wrong }, true, ["sign"]));
        }
        await rejects("NotSupportedError", subtle.generateKey({ ...algorithm, hash: "MD5" }, true, ["sign"]));
        "##,
    );
}

#[test]
fn aes_in_every_mode_opens_what_others_sealed() {
    check_pairs(
        r##"
        const raw = Uint8Array.from({ length: 32 }, (_, i) => i);
        const parameters = {
          "AES-CBC": { iv: Uint8Array.from({ length: 16 }, (_, i) => 255 - i) },
          "AES-CTR": { counter: new Uint8Array(16).fill(255), length: 3 },
          "AES-GCM": { iv: new Uint8Array(20).fill(7), tagLength: 96, additionalData: data },
        };
        for (const name in parameters) {
          const key = await subtle.importKey("raw", raw, name, true, ["encrypt", "decrypt"]);
          const algorithm = { name, ...parameters[name] };
          const sealed = bytes(vectors.aes[name]);
          same(hex(await subtle.decrypt(algorithm, key, sealed)), "09".repeat(50));
          same(hex(await subtle.encrypt(algorithm, key, new Uint8Array(50).fill(9))), hex(sealed));
          same((await subtle.exportKey("jwk", key)).alg, "A256" + name.slice(4));
        }
        const cbc = await subtle.importKey("raw", raw, "AES-CBC", true, ["decrypt"]);
        await rejects("OperationError", subtle.decrypt({ name: "AES-CBC", iv: new Uint8Array(15) }, cbc, new Uint8Array(16)));
        await rejects("OperationError", subtle.decrypt({ name: "AES-CBC", iv: new Uint8Array(16) }, cbc, new Uint8Array(15)));
        const ctr = await subtle.importKey("raw", raw, "AES-CTR", true, ["encrypt"]);
        await rejects("OperationError", subtle.encrypt({ name: "AES-CTR", counter: new Uint8Array(16), length: 1 }, ctr, new Uint8Array(33)));
        await rejects("OperationError", subtle.encrypt({ name: "AES-CTR", counter: new Uint8Array(16), length: 0 }, ctr, data));

        const wrapper = await subtle.importKey("raw", raw, "AES-KW", true, ["wrapKey", "unwrapKey"]);
        const hmac = { name: "HMAC", hash: "SHA-1" };
        const unwrapped = await subtle.unwrapKey("raw", bytes(vectors.aes["AES-KW"]), wrapper, "AES-KW", hmac, true, ["sign"]);
        same(hex(await subtle.exportKey("raw", unwrapped)), hex(raw.slice(0, 24)));
        same(hex(await subtle.wrapKey("raw", unwrapped, wrapper, "AES-KW")), vectors.aes["AES-KW"]);
        const odd = await subtle.importKey("raw", raw.slice(0, 17), hmac, true, ["sign"]);
        await rejects("OperationError", subtle.wrapKey("raw", odd, wrapper, "AES-KW"));
        await rejects("OperationError", subtle.unwrapKey("raw", new Uint8Array(24), wrapper, "AES-KW", hmac, true, ["sign"]));
        "##,
    );
}

#[test]
fn data_is_copied_when_the_call_is_made_and_keys_keep_what_they_are() {
    check_pairs(
        r##"
        const key = await subtle.generateKey({ name: "HMAC", hash: "SHA-256" }, true, ["sign", "verify"]);
        const input = new Uint8Array([1, 2, 3]);
        const early = subtle.sign("HMAC", key, input);
        input[0] = 9;
        same(await subtle.verify("HMAC", key, await early, new Uint8Array([1, 2, 3])), true);
        const late = subtle.sign({ get name() { input[1] = 9; return "HMAC"; } }, key, input);
        same(await subtle.verify("HMAC", key, await late, new Uint8Array([9, 9, 3])), true);
        same(key.algorithm === key.algorithm && key.usages === key.usages, true);
        key.algorithm.name = "AES-GCM";
        key.usages.length = 0;
        same((await subtle.sign("HMAC", key, input)).byteLength, 32);
        await rejects("NotSupportedError", subtle.digest("\u017fHA-1", data));
        await rejects("TypeError", subtle.importKey("pem", data, "HMAC", true, ["sign"]));
        await rejects("TypeError", subtle.importKey("jwk", data, { name: "HMAC", hash: "SHA-1" }, true, ["sign"]));
        await rejects("TypeError", SubtleCrypto.prototype.digest.call({}, "SHA-1", data));
        "##,
    );
}

#[test]
fn damaged_keys_are_refused_and_never_end_the_process() {
    check_pairs(
        r##"
        const refusals = ["DataError", "OperationError", "NotSupportedError"];
        let refused = 0;
        // A key that is still one may also be used.
        const attempt = async (format, key, algorithm, usages) => {
          try {
            const imported = await subtle.importKey(format, key, algorithm, true, usages);
            await subtle.exportKey("jwk", imported);
            if (usages[0] === "sign") await subtle.sign({ hash: "SHA-256", saltLength: 8, ...algorithm }, imported, data);
            if (usages[0] === "verify") await subtle.verify({ hash: "SHA-256", saltLength: 8, ...algorithm }, imported, data, data);
          } catch (error) {
            if (!refusals.includes(error.name)) throw error;
            refused++;
          }
        };
        const pss = { name: "RSA-PSS", hash: "SHA-256" };
        const keys = [
          ["pkcs8", vectors.rsa.pkcs8, pss, ["sign"]],
          ["spki", vectors.rsa.spki, pss, ["verify"]],
          ["pkcs8", vectors.ec["P-256"].pkcs8, { name: "ECDSA", namedCurve: "P-256" }, ["sign"]],
          ["spki", vectors.ec["P-521"].spki, { name: "ECDSA", namedCurve: "P-521" }, ["verify"]],
          ["pkcs8", vectors.x.pkcs8, { name: "X25519" }, ["deriveBits"]],
        ];
        for (const [format, key, algorithm, usages] of keys) {
          const good = bytes(key);
          // Every byte of the structure around the numbers, and some of the numbers.
          for (let i = 0; i < good.length; i += i < 48 ? 1 : 9) {
            const damaged = good.slice();
            damaged[i] ^= 1 << (i % 8);
            await attempt(format, damaged, algorithm, usages);
            await attempt(format, good.subarray(0, i), algorithm, usages);
          }
        }
        for (const name of ["n", "e", "d", "p", "q"]) {
          for (const value of ["", "AA", "AQ", "Ag", "Aw", vectors.rsa.jwk.p, vectors.rsa.jwk.n, vectors.rsa.jwk.n + "AAAA"]) {
            await attempt("jwk", { ...vectors.rsa.jwk, [name]: value }, pss, ["sign"]);
          }
        }
        same(refused > 300, true);
        "##,
    );
}
