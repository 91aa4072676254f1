//! `TextEncoder` and `TextDecoder`.

use super::check;

#[test]
fn text_is_encoded_as_utf8_and_lone_surrogates_are_replaced() {
    check(
        r##"
        const encoder = new TextEncoder();
        same(encoder.encoding, "utf-8");
        same(encoder.encode(), []);
        same(encoder.encode(undefined), []);
        same(encoder.encode("abc"), [97, 98, 99]);
        same(encoder.encode("é"), [0xc3, 0xa9]);
        same(encoder.encode("€😀"), [0xe2, 0x82, 0xac, 0xf0, 0x9f, 0x98, 0x80]);
        same(encoder.encode("a\ud800b"), [97, 0xef, 0xbf, 0xbd, 98]);
        same(encoder.encode(12), [49, 50]);
        same(encoder.encode("x") instanceof Uint8Array, true);
        "##,
    );
}

#[test]
fn encode_into_writes_whole_characters_only_and_counts() {
    check(
        r##"
        const encoder = new TextEncoder();
        const into = (text, length) => encoder.encodeInto(text, new Uint8Array(length));
        same(into("abc", 2), { read: 2, written: 2 });
        same(into("aé", 2), { read: 1, written: 1 });
        same(into("a€", 3), { read: 1, written: 1 });
        same(into("😀x", 4), { read: 2, written: 4 });
        same(into("😀", 3), { read: 0, written: 0 });
        const bytes = new Uint8Array(8);
        encoder.encodeInto("hi", bytes.subarray(3));
        same(bytes, [0, 0, 0, 104, 105, 0, 0, 0]);
        throws("TypeError", () => encoder.encodeInto("a"));
        throws("TypeError", () => encoder.encodeInto("a", new Uint16Array(2)));
        "##,
    );
}

#[test]
fn labels_name_their_encodings() {
    check(
        r##"
        for (const [label, name] of [["utf8", "utf-8"], [" UTF-8\n", "utf-8"], ["latin1", "windows-1252"],
            ["ascii", "windows-1252"], ["utf-16", "utf-16le"], ["sjis", "shift_jis"], ["gb2312", "gbk"],
            ["x-user-defined", "x-user-defined"], ["koi8", "koi8-r"]]) {
          same(new TextDecoder(label).encoding, name);
        }
        throws("RangeError", () => new TextDecoder("nonsense"));
        throws("RangeError", () => new TextDecoder("replacement"));
        throws("RangeError", () => new TextDecoder("\u00a0utf-8"));
        same(new TextDecoder("windows-1252").decode(new Uint8Array([0x80, 0xe9])), "€é");
        same(new TextDecoder("shift_jis").decode(new Uint8Array([0x82, 0xa0])), "あ");
        same(new TextDecoder("utf-16be").decode(new Uint8Array([0, 65, 0xd8, 0])), "A\ufffd");
        "##,
    );
}

#[test]
fn malformed_text_is_replaced_or_refused() {
    check(
        r##"
        const bad = new Uint8Array([97, 0xff, 98, 0xe2, 0x82]);
        same(new TextDecoder().decode(bad), "a\ufffdb\ufffd");
        const fatal = new TextDecoder("utf-8", { fatal: true });
        same(fatal.fatal, true);
        throws("TypeError", () => fatal.decode(bad));
        same(fatal.decode(new Uint8Array([98])), "b");
        "##,
    );
}

#[test]
fn a_stream_carries_characters_across_chunks() {
    check(
        r##"
        const decoder = new TextDecoder();
        same(decoder.decode(new Uint8Array([0xe2, 0x82]), { stream: true }), "");
        same(decoder.decode(new Uint8Array([0xac, 97]), { stream: true }), "€a");
        same(decoder.decode(new Uint8Array([0xf0, 0x9f]), { stream: true }), "");
        same(decoder.decode(), "\ufffd");
        same(decoder.decode(new Uint8Array([97])), "a");
        "##,
    );
}

#[test]
fn a_byte_order_mark_is_dropped_unless_told() {
    check(
        r##"
        const marked = new Uint8Array([0xef, 0xbb, 0xbf, 97]);
        same(new TextDecoder().decode(marked), "a");
        same(new TextDecoder("utf-8", { ignoreBOM: true }).decode(marked), "\ufeffa");
        const decoder = new TextDecoder();
        same(decoder.decode(marked.subarray(0, 1), { stream: true }), "");
        same(decoder.decode(marked.subarray(1), { stream: true }), "a");
        same(decoder.decode(marked.subarray(0, 3)), "\ufeff");
        same(decoder.decode(marked.subarray(0, 3)), "");
        "##,
    );
}

#[test]
fn any_buffer_source_is_decoded() {
    check(
        r##"
        const decoder = new TextDecoder();
        const bytes = new TextEncoder().encode("hello");
        same(decoder.decode(bytes.buffer), "hello");
        same(decoder.decode(new DataView(bytes.buffer, 1, 3)), "ell");
        same(decoder.decode(bytes.subarray(2)), "llo");
        same(decoder.decode(new Uint16Array(1)), "\0\0");
        throws("TypeError", () => decoder.decode("text"));
        throws("TypeError", () => decoder.decode({}));
        "##,
    );
}

#[test]
fn the_classes_have_the_shape_of_web_interfaces() {
    check(
        r##"
        same(String(new TextEncoder()), "[object TextEncoder]");
        same(Object.keys(TextDecoder.prototype), ["encoding", "fatal", "ignoreBOM", "decode"]);
        same(TextEncoder.prototype.encodeInto.length, 2);
        same(TextDecoder.prototype.decode.name, "decode");
        const get = Object.getOwnPropertyDescriptor(TextDecoder.prototype, "fatal").get;
        same(get.name, "get fatal");
        throws("TypeError", () => TextEncoder());
        throws("TypeError", () => TextEncoder.prototype.encode.call({}));
        throws("TypeError", () => TextDecoder.prototype.encoding);
        same(Object.keys(globalThis).includes("TextEncoder"), false);
        class Own extends TextEncoder { twice(text) { return this.encode(text + text); } }
        same(new Own().twice("a"), [97, 97]);
        "##,
    );
}
