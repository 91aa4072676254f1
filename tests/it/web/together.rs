//! What one API makes of the objects of another.

use super::check;

#[test]
fn a_stream_of_bytes_is_decoded_across_its_chunks() {
    check(
        r##"
        const stream = (...chunks) => new ReadableStream({ start(c) { for (const chunk of chunks) c.enqueue(new Uint8Array(chunk)); c.close(); } });
        same(await all(stream([0xc3], [0xa9, 0x61]).pipeThrough(new TextDecoderStream())), ["éa"]);
        same(await all(stream([0xe9]).pipeThrough(new TextDecoderStream("latin1"))), ["é"]);
        await rejects("TypeError", all(stream([0xff]).pipeThrough(new TextDecoderStream("utf-8", { fatal: true }))));
        throws("RangeError", () => new TextDecoderStream("nothing"));
        "##,
    );
}

#[test]
fn a_form_with_a_file_survives_a_request() {
    check(
        r##"
        const form = new FormData();
        form.append("text", "é\n");
        form.append("file", new File([new Uint8Array([0, 255])], "a b.bin", { type: "x/y" }));
        const request = new Request("http://a/", { method: "POST", body: form });
        const read = await request.clone().formData();
        same(read instanceof FormData, true);
        same(read.get("text"), "é\r\n");
        const file = read.get("file");
        same(file instanceof File, true);
        same([file.name, file.type], ["a b.bin", "x/y"]);
        same(await file.bytes(), [0, 255]);
        const query = new Request("http://a/", { method: "POST", body: new URLSearchParams({ a: "é", b: "1 2" }) });
        same([...(await query.formData())].map((pair) => pair.join("=")), ["a=é", "b=1 2"]);
        "##,
    );
}

#[test]
fn blobs_go_in_and_out_of_bodies_and_streams() {
    check(
        r##"
        const blob = await new Response("ab", { headers: { "content-type": "Text/X" } }).blob();
        same(blob instanceof Blob, true);
        same([blob.type, blob.size], ["text/x", 2]);
        same(await new Response(blob.stream()).text(), "ab");
        const reader = blob.stream().getReader({ mode: "byob" });
        same((await reader.read(new Uint8Array(1))).value, [97]);
        same((await reader.read(new Uint8Array(5))).value, [98]);
        "##,
    );
}

#[test]
fn messages_carry_what_can_be_cloned() {
    check(
        r##"
        const { port1, port2 } = new MessageChannel();
        const next = () => new Promise((resolve) => { port2.onmessage = (event) => resolve(event.data); });
        const buffer = new ArrayBuffer(3);
        port1.postMessage(buffer, [buffer]);
        same(buffer.byteLength, 0);
        same((await next()).byteLength, 3);
        port1.postMessage({ file: new File(["q"], "n"), map: new Map([[1, new Set([2])]]) });
        const { file, map } = await next();
        same(file instanceof File, true);
        same([file.name, await file.text()], ["n", "q"]);
        same(map.get(1).has(2), true);
        throws("DataCloneError", () => port1.postMessage(new Response()));
        "##,
    );
}

#[test]
fn objects_of_the_platform_are_not_cloned() {
    check(
        r##"
        const platform = [
          new Request("http://a/"), new Response(), new Headers(), new AbortController(), new AbortController().signal,
          new Event("x"), new EventTarget(), new ReadableStream(), new WritableStream(), new TransformStream(), new TextDecoder(),
          new URL("http://a/"), new URLSearchParams(), new FormData(), new MessageChannel().port1, crypto, performance,
          new Headers().entries(), new URLSearchParams().entries(), new FormData().entries(), new ReadableStream().values(), globalThis,
        ];
        for (const object of platform) throws("DataCloneError", () => structuredClone({ object }));
        const copied = structuredClone(new DOMException("m", "AbortError"));
        same([copied instanceof DOMException, copied.name, copied.message, copied.code], [true, "AbortError", "m", 20]);
        "##,
    );
}

#[test]
fn the_apis_keep_working_when_a_program_takes_their_globals_away() {
    check(
        r##"
        const { Response: R, Request: Q, MessageChannel: M, TextDecoderStream: D } = globalThis;
        for (const name of ["Blob", "File", "FormData", "URL", "URLSearchParams", "TextDecoder", "TextEncoder", "structuredClone", "ReadableStream", "Headers", "AbortSignal"]) {
          delete globalThis[name];
        }
        same((await new R("a").blob()).size, 1);
        same(await new R("é").text(), "é");
        same(new Q("http://a/../b").url, "http://a/b");
        same(new Q("http://a/", { headers: { x: "1" } }).headers.get("x"), "1");
        same(new Q("http://a/").signal.aborted, false);
        same([...(await new R("a=1", { headers: { "content-type": "application/x-www-form-urlencoded" } }).formData())].length, 1);
        same(await all(new R("é").body.pipeThrough(new D())), ["é"]);
        const { port1, port2 } = new M();
        const got = new Promise((resolve) => { port2.onmessage = (event) => resolve(event.data); });
        port1.postMessage([1]);
        same(await got, [1]);
        "##,
    );
}

#[test]
fn an_error_nobody_caught_reaches_the_host_once() {
    check(
        r##"
        setTimeout(() => { throw new RangeError("late"); }, 0);
        new EventTarget().dispatchEvent(new Event("x"));
        await sleep(5);
        same(uncaught.map(String), ["RangeError: late"]);
        same(lines.length, 0);
        "##,
    );
}
