//! Responses and the bodies of both.

use super::check;

#[test]
fn a_response_of_a_string_reads_back() {
    check(
        r#"
        const response = new Response("hello");
        equal(response.status, 200);
        equal(response.headers.get("content-type"), "text/plain;charset=UTF-8");
        equal(response.bodyUsed, false);
        equal(await response.text(), "hello");
        ok(response.bodyUsed);
        await rejects("TypeError", response.text());
        "#,
    );
}

#[test]
fn response_json_sets_type_and_text() {
    check(
        r#"
        const response = Response.json({ a: [1] }, { status: 201, headers: { "X-A": "1" } });
        equal([...response.headers], [["content-type", "application/json"], ["x-a", "1"]]);
        equal(response.status, 201);
        equal(await response.json(), { a: [1] });
        equal(Response.json(1, { headers: { "Content-Type": "text/x" } }).headers.get("content-type"), "text/x");
        throws("TypeError", () => Response.json(undefined));
        throws("TypeError", () => Response.json());
        "#,
    );
}

#[test]
fn response_init_is_checked() {
    check(
        r#"
        throws("RangeError", () => new Response("", { status: 199 }));
        throws("RangeError", () => new Response("", { status: 600 }));
        throws("TypeError", () => new Response("x", { status: 204 }));
        equal(new Response(null, { status: 204 }).status, 204);
        throws("TypeError", () => new Response("", { statusText: "a\nb" }));
        throws("TypeError", () => new Response("", 1));
        equal(new Response("", { statusText: "Fine" }).statusText, "Fine");
        ok(new Response("", { status: 299 }).ok && !new Response("", { status: 300 }).ok);
        equal(new Response().body, null);
        equal(new Response(undefined).body, null);
        throws("TypeError", () => Response("x"));
        "#,
    );
}

#[test]
fn response_error_and_redirect() {
    check(
        r#"
        const error = Response.error();
        equal([error.type, error.status, error.ok, error.body], ["error", 0, false, null]);
        throws("TypeError", () => error.headers.set("a", "b"));
        const redirect = Response.redirect("https://example.com/a", 301);
        equal([redirect.status, redirect.headers.get("location")], [301, "https://example.com/a"]);
        throws("TypeError", () => redirect.headers.append("a", "b"));
        throws("RangeError", () => Response.redirect("https://example.com", 200));
        throws("TypeError", () => Response.redirect("/relative"));
        "#,
    );
}

#[test]
fn every_kind_of_body_is_extracted() {
    check(
        r#"
        const type = (response) => response.headers.get("content-type");
        const view = new Uint16Array([0x6161, 0x6262]).subarray(1);
        equal(await new Response(view).text(), "bb");
        equal(type(new Response(view)), null);
        equal(await new Response(bytes("xyz").buffer).text(), "xyz");
        equal(await new Response(new DataView(bytes("xyz").buffer, 1)).text(), "yz");
        const blob = new Response(new Blob(["b"], { type: "text/x" }));
        equal([type(blob), await blob.text()], ["text/x", "b"]);
        const form = new Response(new URLSearchParams("a=1"));
        equal([type(form), await form.text()], ["application/x-www-form-urlencoded;charset=UTF-8", "a=1"]);
        const fields = new FormData();
        fields.append("a", "1");
        const multi = new Response(fields);
        const boundary = /^multipart\/form-data; boundary=(\S+)$/.exec(type(multi))[1];
        equal(await multi.text(), `--${boundary}\r\nContent-Disposition: form-data; name="a"\r\n\r\n1\r\n--${boundary}--\r\n`);
        equal(await new Response(12).text(), "12");
        equal(await new Response({}).text(), "[object Object]");
        equal(await new Response((async function* () { yield bytes("a"); yield bytes("b"); })()).text(), "ab");
        const stream = new ReadableStream({ start(c) { c.enqueue(bytes("s")); c.close(); } });
        equal(await new Response(stream).text(), "s");
        throws("TypeError", () => new Response(stream));
        "#,
    );
}

#[test]
fn bytes_given_as_body_are_copied() {
    check(
        r#"
        const mine = bytes("abc");
        const response = new Response(mine);
        mine[0] = 0;
        equal(await response.text(), "abc");
        "#,
    );
}

#[test]
fn every_reader_gives_its_kind() {
    check(
        r#"
        const make = () => new Response("{\"a\":1}", { headers: { "content-type": "text/html; charset=x" } });
        ok((await make().arrayBuffer()) instanceof ArrayBuffer);
        equal((await make().arrayBuffer()).byteLength, 7);
        equal(await make().bytes(), bytes("{\"a\":1}"));
        equal((await make().blob()).type, "text/html;charset=x");
        equal(await (await make().blob()).text(), "{\"a\":1}");
        equal((await make().json()).a, 1);
        await rejects("SyntaxError", new Response("{").json());
        await rejects("SyntaxError", new Response().json());
        equal(await new Response().text(), "");
        equal((await new Response().arrayBuffer()).byteLength, 0);
        const empty = new Response();
        await empty.text();
        equal(empty.bodyUsed, false);
        equal(await new Response(new Uint8Array([0xef, 0xbb, 0xbf, 0x61])).text(), "a");
        "#,
    );
}

#[test]
fn form_data_follows_the_content_type() {
    check(
        r#"
        const read = async (type, body) => [...(await new Response(body, { headers: { "content-type": type } }).formData())];
        const multipart = "--a b\r\nContent-Disposition: form-data; name=\"n\"\r\n\r\nx\r\n--a b--\r\n";
        equal(await read("multipart/form-data; boundary=\"a b\"", multipart), [["n", "x"]]);
        equal(await read("application/x-www-form-urlencoded;charset=UTF-8", "form=x&n=1+2"), [["form", "x"], ["n", "1 2"]]);
        await rejects("TypeError", read("text/plain", multipart));
        await rejects("TypeError", read("multipart/form-data", multipart));
        await rejects("TypeError", read("multipart/form-data; boundary=other", multipart));
        "#,
    );
}

#[test]
fn a_body_stream_is_made_when_touched_and_is_a_byte_stream() {
    check(
        r#"
        const response = new Response("hello");
        const reader = response.body.getReader({ mode: "byob" });
        const first = await reader.read(new Uint8Array(3));
        equal([web.decodeUtf8(first.value), first.done], ["hel", false]);
        const second = await reader.read(new Uint8Array(3));
        equal(web.decodeUtf8(second.value), "lo");
        ok((await reader.read(new Uint8Array(3))).done);
        ok(response.body === response.body);
        ok(response.bodyUsed);
        "#,
    );
}

#[test]
fn a_read_body_shows_a_used_stream() {
    check(
        r#"
        const response = new Response("hello");
        await response.text();
        ok(response.body.locked);
        throws("TypeError", () => response.clone());
        const locked = new Response("x");
        locked.body.getReader();
        await rejects("TypeError", locked.text());
        equal(locked.bodyUsed, false);
        const canceled = new Response("x");
        await canceled.body.cancel();
        ok(canceled.bodyUsed);
        await rejects("TypeError", canceled.text());
        "#,
    );
}

#[test]
fn a_clone_reads_apart() {
    check(
        r#"
        const response = new Response("abc", { status: 201, headers: { a: "1" } });
        const clone = response.clone();
        clone.headers.set("a", "2");
        equal([clone.status, response.headers.get("a")], [201, "1"]);
        const buffer = new Uint8Array(await response.arrayBuffer());
        buffer[0] = 0;
        equal(await clone.text(), "abc");
        "#,
    );
}

#[test]
fn a_clone_of_a_streaming_response_gets_every_chunk() {
    check(
        r#"
        const kernel = source("a", "b", "c");
        const response = web.makeResponse({ status: 200, headers: [], url: "https://x/", body: kernel });
        const clone = response.clone();
        equal(await all(clone.body), ["a", "b", "c"]);
        equal(await response.text(), "abc");
        "#,
    );
}

#[test]
fn a_kernel_source_is_read_without_a_stream() {
    check(
        r#"
        const kernel = source("{\"a\"", ":1}");
        const response = web.makeResponse({ status: 200, headers: [], url: "https://x/#f", redirected: true, body: kernel });
        equal([response.type, response.url, response.redirected], ["basic", "https://x/", true]);
        throws("TypeError", () => response.headers.set("a", "b"));
        equal(kernel.pulls, 0);
        equal(await response.json(), { a: 1 });
        equal(kernel.pulls, 3);
        "#,
    );
}

#[test]
fn a_failing_source_fails_its_readers() {
    check(
        r#"
        const make = () => web.makeResponse({ status: 200, headers: [], body: source("a", new RangeError("lost")) });
        await rejects("RangeError", make().text());
        const reader = make().body.getReader();
        equal((await reader.read()).value, bytes("a"));
        await rejects("RangeError", reader.read());
        await rejects("RangeError", reader.closed);
        "#,
    );
}

#[test]
fn a_body_stream_with_a_chunk_of_another_kind_fails() {
    check(
        r#"
        let canceled = false;
        const response = new Response(new ReadableStream({
            start(c) { c.enqueue("text"); },
            cancel() { canceled = true; },
        }));
        await rejects("TypeError", response.text());
        ok(canceled);
        "#,
    );
}

#[test]
fn readers_called_on_another_object_reject() {
    check(
        r#"
        await rejects("TypeError", Response.prototype.text.call({}));
        await rejects("TypeError", Request.prototype.json.call(new Response("1")));
        throws("TypeError", () => Response.prototype.body);
        "#,
    );
}
