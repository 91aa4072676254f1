//! `FormData` and the encodings of forms.

use super::check;
use proptest::prelude::*;
use town::isolate::web::multipart::{MultipartError, Part, end, parse};

#[test]
fn entries_are_read_and_changed() {
    check(
        r##"
        const form = new FormData();
        form.append("a", 1);
        form.append("b", "x\ud800");
        form.append("a", null);
        same(form.get("a"), "1");
        same(form.get("b"), "x\ufffd");
        same(form.get("none"), null);
        same(form.getAll("a"), ["1", "null"]);
        same(form.has("b"), true);
        same([...form.keys()], ["a", "b", "a"]);
        form.set("a", "9");
        same([...form].map((pair) => pair.join("=")), ["a=9", "b=x\ufffd"]);
        form.set("c", "new");
        form.delete("b");
        same([...form.values()], ["9", "new"]);
        same(String(form.entries()), "[object FormData Iterator]");
        throws("TypeError", () => form.append("a"));
        throws("TypeError", () => form.append("a", "text", "name"));
        throws("TypeError", () => new FormData({}));
        throws("TypeError", () => FormData.prototype.get.call({}, "a"));
        "##,
    );
}

#[test]
fn blobs_become_files() {
    check(
        r##"
        const form = new FormData();
        form.append("blob", new Blob(["x"], { type: "a/b" }));
        form.append("named", new Blob(["y"]), "n.bin");
        const file = new File(["z"], "z.txt");
        form.append("file", file);
        form.append("renamed", file, "other.txt");
        same(form.get("blob") instanceof File, true);
        same(form.get("blob").name, "blob");
        same(form.get("blob").type, "a/b");
        same(form.get("named").name, "n.bin");
        same(form.get("file") === file, true);
        same(form.get("renamed").name, "other.txt");
        same(await form.get("renamed").text(), "z");
        "##,
    );
}

#[test]
fn forms_survive_multipart() {
    check(
        r##"
        const form = new FormData();
        form.append('na"me\r\n', "line\nbreak é");
        form.append("file", new File([new Uint8Array([0, 13, 10, 255])], 'f"1.bin', { type: "x/y" }));
        form.append("empty", new File([], ""));
        const { contentType, bytes } = web.encodeFormData(form);
        const boundary = /^multipart\/form-data; boundary=(-{4}ValTownTownFormBoundary[0-9a-f]{32})$/.exec(contentType)[1];
        const parsed = web.parseMultipart(bytes, boundary);
        same(web.isFormData(parsed), true);
        same(web.isFormData({}), false);
        same([...parsed.keys()], ['na"me\r\n', "file", "empty"]);
        same(parsed.get('na"me\r\n'), "line\r\nbreak é");
        same(parsed.get("file").name, 'f"1.bin');
        same(parsed.get("file").type, "x/y");
        same(await parsed.get("file").bytes(), [0, 13, 10, 255]);
        same(parsed.get("empty").size, 0);
        const none = web.encodeFormData(new FormData());
        same([...web.parseMultipart(none.bytes, none.contentType.split("=")[1])].length, 0);
        same(web.encodeFormData(form).contentType === contentType, false);
        throws("TypeError", () => web.encodeFormData({}));
        throws("TypeError", () => web.parseMultipart(bytes, "other"));
        throws("TypeError", () => web.parseMultipart(new Uint8Array(), "b"));
        lines.length = 0;
        console.log(web.parseUrlencoded("a=1&a=2&b=3"));
        same(lines[0][1], 'FormData { a: [ "1", "2" ], b: "3" }');
        "##,
    );
}

#[test]
fn urlencoded_bodies_become_forms() {
    check(
        r##"
        const form = web.parseUrlencoded("a=1&b=%C3%A9+x&a=&=v");
        same([...form].map((pair) => pair.join("=")), ["a=1", "b=é x", "a=", "=v"]);
        same(web.isURLSearchParams(new URLSearchParams()), true);
        same(web.isURLSearchParams(form), false);
        same(web.isBlob(new File([], "f")), true);
        same(web.isBlob({}), false);
        const parts = web.blobParts(new Blob(["é"], { type: "t/u" }));
        same(parts.bytes, [0xc3, 0xa9]);
        same(parts.type, "t/u");
        throws("TypeError", () => web.blobParts({}));
        "##,
    );
}

#[test]
fn multipart_of_other_clients_is_read() {
    let body = b"preamble\r\n--B \r\ncontent-disposition: form-data; filename=\"C:\\a \\\"b\\\".txt\"; name=x\r\n\
        Content-Type: text/html; charset=utf-8\r\nX-Other: 1\r\n\r\nbody\r\n--B--\r\nepilogue";
    let parts = parse(body, b"B").expect("a form");
    let expected = Part {
        name: "x".to_owned(),
        file_name: Some("C:\\a \"b\".txt".to_owned()),
        kind: Some("text/html; charset=utf-8".to_owned()),
        body: b"body".to_vec(),
    };
    assert_eq!(parts, [expected]);
}

#[test]
fn broken_multipart_is_refused() {
    for (body, error) in [
        (&b""[..], MultipartError::Boundary),
        (b"--B", MultipartError::Boundary),
        (b"--B\r\n", MultipartError::Headers),
        (b"--B\r\n\r\nbody\r\n--B--", MultipartError::Headers),
        (
            b"--B\r\nContent-Disposition: form-data; name=a\r\n\r\nbody",
            MultipartError::Boundary,
        ),
        (b"--Bx\r\n", MultipartError::Boundary),
    ] {
        assert_eq!(
            parse(body, b"B"),
            Err(error),
            "{}",
            String::from_utf8_lossy(body)
        );
    }
    let one = b"--B\r\nContent-Disposition: form-data; name=a\r\n\r\n\r\n";
    let many = [one.repeat(10_001), b"--B--".to_vec()].concat();
    assert_eq!(parse(&many, b"B"), Err(MultipartError::TooMany));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn what_is_written_is_parsed(
        fields in prop::collection::vec((".{0,8}", prop::option::of("[^\r\n%]{0,8}"), prop::collection::vec(any::<u8>(), 0..40)), 0..5),
    ) {
        let parts: Vec<Part> = fields
            .into_iter()
            .map(|(name, file_name, body)| Part {
                name: name.replace(['\r', '\n', '%'], ""),
                file_name,
                kind: None,
                body,
            })
            .collect();
        let mut body = Vec::new();
        for part in &parts {
            part.write("boundary", &mut body);
        }
        end("boundary", &mut body);
        // A backslash before a quote is an escape to some and not to others.
        prop_assume!(parts.iter().all(|part| !part.name.contains('\\')
            && !part.file_name.as_deref().unwrap_or_default().contains('\\')));
        prop_assert_eq!(parse(&body, b"boundary"), Ok(parts));
    }

    #[test]
    fn arbitrary_bodies_never_panic(body in "(--B|\r\n|--|name=|\"|;|Content-Disposition:|\\\\|.){0,30}") {
        let _ = parse(body.as_bytes(), b"B");
    }
}
