//! Base64 and hex.

use super::check;

#[test]
fn btoa_and_atob_are_inverse_on_bytes() {
    check(
        r##"
        const all = String.fromCharCode(...Array(256).keys());
        same(atob(btoa(all)), all);
        same(btoa("hello"), "aGVsbG8=");
        same(btoa(""), "");
        same(btoa(undefined), "dW5kZWZpbmVk");
        same(throws("InvalidCharacterError", () => btoa("€")).code, 5);
        throws("TypeError", () => btoa());
        "##,
    );
}

#[test]
fn atob_forgives_what_the_standard_forgives() {
    check(
        r##"
        same(atob(" aGVs\tbG8 \n"), "hello");
        same(atob("aGVsbG8"), "hello");
        same(atob("YR"), "a");
        for (const bad of ["a", "abcde", "ab=", "ab=c", "====", "a-b_", "é", "ab===", "aGVsbG8==", "\u00a0"]) {
          throws("InvalidCharacterError", () => atob(bad));
        }
        same(atob(12), "×");
        "##,
    );
}

#[test]
fn arrays_convert_to_and_from_base64() {
    check(
        r##"
        const bytes = new Uint8Array([251, 255, 191, 1]);
        same(bytes.toBase64(), "+/+/AQ==");
        same(bytes.toBase64({ alphabet: "base64url" }), "-_-_AQ==");
        same(bytes.toBase64({ omitPadding: true }), "+/+/AQ");
        same(Uint8Array.fromBase64("+/+/AQ=="), bytes);
        same(Uint8Array.fromBase64(" +/ +/A Q"), bytes);
        same(Uint8Array.fromBase64("-_-_AQ", { alphabet: "base64url" }), bytes);
        throws("SyntaxError", () => Uint8Array.fromBase64("-_-_"));
        throws("SyntaxError", () => Uint8Array.fromBase64("+/+/", { alphabet: "base64url" }));
        throws("SyntaxError", () => Uint8Array.fromBase64("AQ", { lastChunkHandling: "strict" }));
        throws("SyntaxError", () => Uint8Array.fromBase64("AR==", { lastChunkHandling: "strict" }));
        same(Uint8Array.fromBase64("AR=="), [1]);
        same(Uint8Array.fromBase64("AQIDBA", { lastChunkHandling: "stop-before-partial" }), [1, 2, 3]);
        throws("SyntaxError", () => Uint8Array.fromBase64("A"));
        throws("SyntaxError", () => Uint8Array.fromBase64("AQ=A"));
        throws("SyntaxError", () => Uint8Array.fromBase64("AQ=="  + "AQ=="));
        throws("TypeError", () => Uint8Array.fromBase64(12));
        throws("TypeError", () => Uint8Array.fromBase64("", { alphabet: "other" }));
        "##,
    );
}

#[test]
fn base64_is_written_into_arrays_as_far_as_it_fits() {
    check(
        r##"
        const target = new Uint8Array(4);
        same(target.setFromBase64("AQIDBAUG"), { read: 4, written: 3 });
        same(target, [1, 2, 3, 0]);
        same(target.setFromBase64("AQIDBA=="), { read: 8, written: 4 });
        same(target, [1, 2, 3, 4]);
        const partial = new Uint8Array(3);
        same(partial.setFromBase64("CQkJ!"), { read: 4, written: 3 });
        same(partial, [9, 9, 9]);
        const faulty = new Uint8Array(6);
        throws("SyntaxError", () => faulty.setFromBase64("CQkJ!"));
        same(faulty, [9, 9, 9, 0, 0, 0]);
        "##,
    );
}

#[test]
fn arrays_convert_to_and_from_hex() {
    check(
        r##"
        same(new Uint8Array([0, 171, 255]).toHex(), "00abff");
        same(Uint8Array.fromHex("00ABff"), [0, 171, 255]);
        throws("SyntaxError", () => Uint8Array.fromHex("0"));
        throws("SyntaxError", () => Uint8Array.fromHex("0g"));
        const target = new Uint8Array(2);
        same(target.setFromHex("aabbcc"), { read: 4, written: 2 });
        same(target, [170, 187]);
        throws("TypeError", () => Uint8Array.prototype.toHex.call(new Uint16Array(1)));
        "##,
    );
}
