//! What the bridge to the kernel gets and gives.

use super::check;

#[test]
fn a_response_is_read_as_plain_data() {
    check(
        r#"
        equal(web.readResponse({}), null);
        equal(web.readResponse(null), null);
        const read = web.readResponse(new Response("x", { status: 404, headers: [["set-cookie", "a"], ["Set-Cookie", "b"]] }));
        equal(read, { status: 404, statusText: "", headers: ["set-cookie", "a", "set-cookie", "b", "content-type", "text/plain;charset=UTF-8"], body: bytes("x"), socket: null });
        equal(web.readResponse(new Response()).body, null);
        "#,
    );
}

#[test]
fn a_used_response_is_refused() {
    check(
        r#"
        const response = new Response("x");
        await response.text();
        throws("TypeError", () => web.readResponse(response));
        const twice = new Response("x");
        web.readResponse(twice);
        throws("TypeError", () => web.readResponse(twice));
        throws("TypeError", () => web.readResponse(Response.error()));
        "#,
    );
}

#[test]
fn an_untouched_source_goes_through() {
    check(
        r#"
        const kernel = source("a");
        const from = web.makeResponse({ status: 200, headers: [], body: kernel });
        ok(web.readResponse(from).body.source === kernel);
        equal(kernel.pulls, 0);
        "#,
    );
}

#[test]
fn a_response_around_an_untouched_stream_of_the_kernel_goes_through() {
    check(
        r#"
        const kernel = source("a");
        const from = web.makeResponse({ status: 200, headers: ["a", "1"], body: kernel });
        const wrapped = new Response(from.body, from);
        equal(wrapped.headers.get("a"), "1");
        ok(web.readResponse(wrapped).body.source === kernel);
        equal(kernel.pulls, 0);
        ok(from.bodyUsed);
        const text = new Response("abc");
        equal(web.readResponse(new Response(text.body)).body, bytes("abc"));
        "#,
    );
}

#[test]
fn a_stream_is_read_chunk_by_chunk_and_locked() {
    check(
        r#"
        let pulls = 0;
        const response = new Response(new ReadableStream({
            async pull(c) {
                await sleep(1);
                if (++pulls === 3) c.close();
                else c.enqueue(bytes(`data: ${pulls}\n\n`));
            },
        }, { highWaterMark: 0 }));
        const { reader } = web.readResponse(response).body;
        ok(response.body.locked);
        equal(pulls, 0);
        equal(await reader.read(), bytes("data: 1\n\n"));
        equal(await reader.read(), bytes("data: 2\n\n"));
        equal(await reader.read(), undefined);
        "#,
    );
}

#[test]
fn cancelling_the_reader_cancels_the_programs_stream() {
    check(
        r#"
        let reason = null;
        const response = new Response(new ReadableStream({ cancel(why) { reason = why; } }));
        const { reader } = web.readResponse(response).body;
        const pending = reader.read();
        await reader.cancel("left");
        equal(reason, "left");
        equal(await pending, undefined);
        "#,
    );
}

#[test]
fn a_chunk_that_is_not_bytes_rejects_and_cancels() {
    check(
        r#"
        let canceled = false;
        const { reader } = web.readResponse(new Response(new ReadableStream({
            start(c) { c.enqueue("text"); },
            cancel() { canceled = true; },
        }))).body;
        await rejects("TypeError", reader.read());
        ok(canceled);
        "#,
    );
}

#[test]
fn a_request_comes_in_lazily() {
    check(
        r#"
        const kernel = source("bo", "dy");
        const request = web.makeRequest({ method: "PATCH", url: "http://a/x?y", headers: ["host", "a", "x-a", "1", "x-a", "2"], body: kernel });
        ok(request instanceof Request);
        equal([request.method, request.url, request.headers.get("X-A"), request.redirect], ["PATCH", "http://a/x?y", "1, 2", "follow"]);
        throws("TypeError", () => request.headers.set("a", "b"));
        equal(await request.text(), "body");
        equal(web.makeRequest({ method: "GET", url: "http://a/", headers: [], body: null }).body, null);
        "#,
    );
}

#[test]
fn a_request_that_came_in_can_be_aborted_before_and_after_its_signal_is_touched() {
    check(
        r#"
        const make = () => web.makeRequest({ method: "GET", url: "http://a/", headers: [], body: null });
        const early = make();
        web.abortRequest(early, "gone");
        equal([early.signal.aborted, early.signal.reason], [true, "gone"]);
        const late = make();
        let heard = null;
        late.signal.onabort = (event) => { heard = event.type; };
        web.abortRequest(late, "gone");
        web.abortRequest(late, "again");
        equal([heard, late.signal.reason], ["abort", "gone"]);
        "#,
    );
}

#[test]
fn programs_cannot_reach_internals_through_patched_intrinsics() {
    check(
        r#"
        await null; // The harness itself calls then().
        const then = Promise.prototype.then;
        let seen = 0;
        Promise.prototype.then = function (...args) { seen++; return then.apply(this, args); };
        try {
            const reader = new Response("x").body.getReader();
            await reader.read();
            const stream = new ReadableStream({ pull(c) { c.enqueue(1); } });
            await stream.getReader().read();
        } finally {
            Promise.prototype.then = then;
        }
        equal(seen, 0);
        "#,
    );
}
