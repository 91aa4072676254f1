//! `crypto`.

use super::{Page, check};
use town::isolate::web::crypto::reseed;

const HEX: &str = "const hex = (buffer) => new Uint8Array(buffer).toHex();
    const bytes = (text) => new TextEncoder().encode(text);
    const subtle = crypto.subtle;";

#[track_caller]
fn check_crypto(script: &str) {
    check(&format!("{HEX}\n{script}"));
}

#[test]
fn random_values_fill_integer_arrays_up_to_the_quota() {
    check(
        r##"
        const array = new Uint32Array(8);
        same(crypto.getRandomValues(array) === array, true);
        same(array.some((value) => value !== 0), true);
        const part = new Uint8Array(64);
        crypto.getRandomValues(part.subarray(0, 32));
        same(part.subarray(32).every((value) => value === 0), true);
        same(crypto.getRandomValues(new BigUint64Array(2)).length, 2);
        same(crypto.getRandomValues(new Uint8Array(65536)).length, 65536);
        const over = throws("QuotaExceededError", () => crypto.getRandomValues(new Uint8Array(65537)));
        same(over instanceof QuotaExceededError && over instanceof DOMException, true);
        same([over.code, over.quota, over.requested], [22, null, null]);
        same(new QuotaExceededError("m", { quota: 1, requested: 2 }).requested, 2);
        same([structuredClone(over).name, structuredClone(over).code], ["QuotaExceededError", 22]);
        throws("RangeError", () => new QuotaExceededError("m", { quota: -1 }));
        throws("RangeError", () => new QuotaExceededError("m", { quota: 2, requested: 1 }));
        throws("TypeMismatchError", () => crypto.getRandomValues(new Float64Array(1)));
        throws("TypeMismatchError", () => crypto.getRandomValues(new DataView(new ArrayBuffer(1))));
        throws("TypeError", () => crypto.getRandomValues([1]));
        throws("TypeError", () => crypto.getRandomValues());
        throws("TypeError", () => Crypto.prototype.getRandomValues.call({}, array));
        throws("TypeError", () => new Crypto());
        "##,
    );
}

#[test]
fn uuids_are_of_the_fourth_kind_and_differ() {
    check(
        r##"
        const uuids = new Set();
        for (let i = 0; i < 100; i++) {
          const uuid = crypto.randomUUID();
          same(/^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/.test(uuid), true);
          uuids.add(uuid);
        }
        same(uuids.size, 100);
        "##,
    );
}

#[test]
fn reseeding_works_before_and_after_the_first_number() {
    let mut page = Page::new();
    reseed().expect("the system gives randomness");
    let draw = |context: &mut boa_engine::Context| {
        let uuid = context
            .eval_text("crypto.randomUUID()", None)
            .expect("a UUID");
        uuid.as_string().expect("a string").to_std_string_escaped()
    };
    let first = draw(&mut page.context);
    reseed().expect("the system gives randomness");
    assert_ne!(first, draw(&mut page.context));
    page.check("same(Math.random() === Math.random(), false);");
}

#[test]
fn digests_have_the_published_values() {
    check_crypto(
        r##"
        const abc = bytes("abc");
        same(hex(await subtle.digest("SHA-1", abc)), "a9993e364706816aba3e25717850c26c9cd0d89d");
        same(hex(await subtle.digest("sha-256", abc)), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
        same(hex(await subtle.digest({ name: "SHA-384" }, abc)).slice(0, 32), "cb00753f45a35e8bb5a03d699ac65007");
        same(hex(await subtle.digest("SHA-512", abc.buffer)).slice(0, 32), "ddaf35a193617abacc417349ae204131");
        same(await subtle.digest("SHA-1", abc) instanceof ArrayBuffer, true);
        await rejects("NotSupportedError", subtle.digest("MD5", abc));
        await rejects("TypeError", subtle.digest("SHA-1", "abc"));
        await rejects("TypeError", subtle.digest("SHA-1"));
        "##,
    );
}

#[test]
fn hmac_signs_and_verifies() {
    check_crypto(
        r##"
        const key = await subtle.importKey("raw", bytes("Jefe"), { name: "hmac", hash: "SHA-256" }, true, ["verify", "sign", "sign"]);
        const data = bytes("what do ya want for nothing?");
        const signature = await subtle.sign("HMAC", key, data);
        same(hex(signature), "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843");
        same(await subtle.verify("HMAC", key, signature, data), true);
        new Uint8Array(signature)[0] ^= 1;
        same(await subtle.verify("HMAC", key, signature, data), false);
        same(await subtle.verify("HMAC", key, new Uint8Array(3), data), false);
        same(key.type, "secret");
        same(key.extractable, true);
        same(key.usages, ["sign", "verify"]);
        same(key.algorithm, { name: "HMAC", hash: { name: "SHA-256" }, length: 32 });
        same(String(key), "[object CryptoKey]");
        const verifier = await subtle.importKey("raw", bytes("k"), { name: "HMAC", hash: { name: "SHA-1" } }, false, ["verify"]);
        await rejects("InvalidAccessError", subtle.sign("HMAC", verifier, data));
        await rejects("InvalidAccessError", subtle.exportKey("raw", verifier));
        await rejects("TypeError", subtle.sign("HMAC", {}, data));
        throws("TypeError", () => new CryptoKey());
        throws("TypeError", () => CryptoKey.prototype.type);
        "##,
    );
}

#[test]
fn keys_are_imported_and_exported_as_raw_and_jwk() {
    check_crypto(
        r##"
        const algorithm = { name: "HMAC", hash: "SHA-512" };
        const key = await subtle.importKey("raw", new Uint8Array([251, 255, 1]), algorithm, true, ["sign"]);
        same(hex(await subtle.exportKey("raw", key)), "fbff01");
        const jwk = await subtle.exportKey("jwk", key);
        same(jwk, { kty: "oct", k: "-_8B", alg: "HS512", key_ops: ["sign"], ext: true });
        const again = await subtle.importKey("jwk", jwk, algorithm, false, ["sign"]);
        same(hex(await subtle.sign("HMAC", again, bytes("x"))), hex(await subtle.sign("HMAC", key, bytes("x"))));
        await rejects("DataError", subtle.importKey("jwk", { ...jwk, kty: "RSA" }, algorithm, true, ["sign"]));
        await rejects("DataError", subtle.importKey("jwk", { ...jwk, alg: "HS256" }, algorithm, true, ["sign"]));
        await rejects("DataError", subtle.importKey("jwk", { ...jwk, k: "%" }, algorithm, true, ["sign"]));
        await rejects("DataError", subtle.importKey("jwk", { ...jwk, ext: false }, algorithm, true, ["sign"]));
        await rejects("DataError", subtle.importKey("jwk", jwk, algorithm, true, ["verify"]));
        await rejects("SyntaxError", subtle.importKey("raw", bytes("k"), algorithm, true, []));
        await rejects("SyntaxError", subtle.importKey("raw", bytes("k"), algorithm, true, ["encrypt"]));
        await rejects("TypeError", subtle.importKey("raw", bytes("k"), algorithm, true, ["fly"]));
        await rejects("TypeError", subtle.importKey("raw", bytes("k"), { name: "HMAC" }, true, ["sign"]));
        await rejects("DataError", subtle.importKey("raw", bytes(""), algorithm, true, ["sign"]));
        await rejects("NotSupportedError", subtle.importKey("pkcs8", bytes("k"), algorithm, true, ["sign"]));
        await rejects("NotSupportedError", subtle.importKey("raw", bytes("k"), { name: "RSA-PSS", hash: "SHA-1" }, true, ["verify"]));
        const made = await subtle.generateKey({ name: "HMAC", hash: "SHA-256" }, true, ["sign", "verify"]);
        same((await subtle.exportKey("raw", made)).byteLength, 64);
        "##,
    );
}

#[test]
fn bits_and_keys_are_derived() {
    check_crypto(
        r##"
        const password = await subtle.importKey("raw", bytes("password"), "PBKDF2", false, ["deriveBits", "deriveKey"]);
        const pbkdf2 = { name: "PBKDF2", hash: "SHA-1", salt: bytes("salt"), iterations: 2 };
        same(hex(await subtle.deriveBits(pbkdf2, password, 160)), "ea6c014dc72d6f8ccd1ed92ace1d41f0d8de8957");
        const secret = await subtle.importKey("raw", new Uint8Array(22).fill(11), "HKDF", false, ["deriveBits"]);
        const hkdf = { name: "HKDF", hash: "SHA-256", salt: Uint8Array.fromHex("000102030405060708090a0b0c"), info: Uint8Array.fromHex("f0f1f2f3f4f5f6f7f8f9") };
        same(hex(await subtle.deriveBits(hkdf, secret, 336)), "3cb25f25faacd57a90434f64d0362f2a2d2d0a90cf1a5a4c5db02d56ecc4c5bf34007208d5b887185865");
        await rejects("OperationError", subtle.deriveBits(hkdf, secret, 255 * 256 + 8));
        await rejects("OperationError", subtle.deriveBits(hkdf, secret, null));
        await rejects("OperationError", subtle.deriveBits(hkdf, secret, 9));
        await rejects("OperationError", subtle.deriveBits({ ...pbkdf2, iterations: 0 }, password, 8));
        await rejects("InvalidAccessError", subtle.deriveKey(hkdf, secret, { name: "AES-GCM", length: 128 }, true, ["encrypt"]));
        const key = await subtle.deriveKey(pbkdf2, password, { name: "AES-GCM", length: 256 }, true, ["encrypt"]);
        same(key.algorithm, { name: "AES-GCM", length: 256 });
        await rejects("SyntaxError", subtle.importKey("raw", bytes("x"), "PBKDF2", true, ["deriveBits"]));
        "##,
    );
}

#[test]
fn aes_gcm_seals_and_opens() {
    check_crypto(
        r##"
        const key = await subtle.importKey("raw", new Uint8Array(16), "AES-GCM", true, ["encrypt", "decrypt", "wrapKey", "unwrapKey"]);
        const iv = new Uint8Array(12);
        const sealed = await subtle.encrypt({ name: "AES-GCM", iv }, key, new Uint8Array(16));
        same(hex(sealed), "0388dace60b6a392f328c2b971b2fe78ab6e47d42cec13bdf53a67b21257bddf");
        same(hex(await subtle.decrypt({ name: "AES-GCM", iv }, key, sealed)), "00".repeat(16));
        await rejects("OperationError", subtle.decrypt({ name: "AES-GCM", iv, additionalData: bytes("a") }, key, sealed));
        await rejects("OperationError", subtle.decrypt({ name: "AES-GCM", iv }, key, new Uint8Array(3)));
        await rejects("TypeError", subtle.encrypt({ name: "AES-GCM" }, key, iv));
        await rejects("DataError", subtle.importKey("raw", new Uint8Array(5), "AES-GCM", true, ["encrypt"]));
        const hmac = await subtle.generateKey({ name: "HMAC", hash: "SHA-1" }, true, ["sign"]);
        for (const format of ["raw", "jwk"]) {
          const wrapped = await subtle.wrapKey(format, hmac, key, { name: "AES-GCM", iv });
          const unwrapped = await subtle.unwrapKey(format, wrapped, key, { name: "AES-GCM", iv }, { name: "HMAC", hash: "SHA-1" }, true, ["sign"]);
          same(hex(await subtle.exportKey("raw", unwrapped)), hex(await subtle.exportKey("raw", hmac)));
        }
        const made = await subtle.generateKey({ name: "AES-GCM", length: 192 }, true, ["encrypt"]);
        same(made.algorithm.length, 192);
        await rejects("OperationError", subtle.generateKey({ name: "AES-GCM", length: 100 }, true, ["encrypt"]));
        "##,
    );
}

#[test]
fn buffers_are_compared_in_constant_time() {
    check_crypto(
        r##"
        same(subtle.timingSafeEqual(bytes("abc"), bytes("abc")), true);
        same(subtle.timingSafeEqual(bytes("abc"), bytes("abd")), false);
        throws("TypeError", () => subtle.timingSafeEqual(bytes("abc"), bytes("ab")));
        "##,
    );
}

#[test]
fn keys_are_cloned_and_stay_what_they_are() {
    check(
        r##"
        const data = new Uint8Array([1, 2, 3]);
        const hmac = await crypto.subtle.generateKey({ name: "HMAC", hash: "SHA-256" }, false, ["sign", "verify"]);
        const copy = structuredClone({ list: [hmac, hmac] }).list;
        same([copy[0] === copy[1], copy[0] !== hmac, copy[0] instanceof CryptoKey], [true, true, true]);
        same([copy[0].type, copy[0].extractable, copy[0].usages, copy[0].algorithm], [hmac.type, false, hmac.usages, hmac.algorithm]);
        same(await crypto.subtle.verify("HMAC", copy[0], await crypto.subtle.sign("HMAC", hmac, data), data), true);
        await rejects("InvalidAccessError", crypto.subtle.exportKey("raw", copy[0]));
        const pair = structuredClone(await crypto.subtle.generateKey({ name: "ECDSA", namedCurve: "P-256" }, true, ["sign", "verify"]));
        const algorithm = { name: "ECDSA", hash: "SHA-256" };
        same(await crypto.subtle.verify(algorithm, pair.publicKey, await crypto.subtle.sign(algorithm, pair.privateKey, data), data), true);
        same((await crypto.subtle.exportKey("jwk", pair.privateKey)).crv, "P-256");
        "##,
    );
}
