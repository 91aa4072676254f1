//! WritableStream, TransformStream and pipes.

use super::check;

#[test]
fn writes_run_one_after_another_with_backpressure() {
    check(
        r#"
        const seen = [];
        const stream = new WritableStream({
            start() { seen.push("start"); },
            async write(chunk) { seen.push(chunk); await sleep(1); seen.push(`${chunk}!`); },
            close() { seen.push("close"); },
        });
        const writer = stream.getWriter();
        equal(writer.desiredSize, 1);
        const first = writer.write("a");
        equal(writer.desiredSize, 0);
        let ready = false;
        writer.ready.then(() => { ready = true; });
        const second = writer.write("b");
        await first;
        equal(ready, false);
        await second;
        await writer.ready;
        await writer.close();
        await writer.closed;
        equal(seen, ["start", "a", "a!", "b", "b!", "close"]);
        await rejects("TypeError", writer.write("c"));
        await rejects("TypeError", writer.close());
        equal(writer.desiredSize, 0);
        "#,
    );
}

#[test]
fn a_failing_sink_errors_the_stream() {
    check(
        r#"
        const stream = new WritableStream({ write() { throw new RangeError("x"); } });
        const writer = stream.getWriter();
        await rejects("RangeError", writer.write(1));
        await rejects("RangeError", writer.closed);
        await rejects("RangeError", writer.ready);
        await rejects("RangeError", writer.write(2));
        equal(writer.desiredSize, null);
        writer.releaseLock();
        throws("TypeError", () => writer.desiredSize);
        await rejects("TypeError", writer.closed);
        throws("RangeError", () => new WritableStream({ type: "bytes" }));
        throws("TypeError", () => new WritableStream({ write: 1 }));
        "#,
    );
}

#[test]
fn abort_reaches_the_sink_and_the_signal() {
    check(
        r#"
        const seen = [];
        let controller;
        const stream = new WritableStream({
            start(c) { controller = c; c.signal.onabort = () => seen.push("signal", c.signal.reason); },
            abort(reason) { seen.push("abort", reason); },
        });
        await sleep(1);
        const writer = stream.getWriter();
        await rejects("TypeError", stream.abort());
        await writer.abort("why");
        equal(seen, ["signal", "why", "abort", "why"]);
        await rejects("why", writer.closed);
        ok(controller.signal.aborted);
        const late = new WritableStream({ start(c) { controller = c; } });
        await late.abort("x");
        equal([controller.signal.aborted, controller.signal.reason], [true, "x"]);
        "#,
    );
}

#[test]
fn pipe_to_carries_chunks_and_the_end() {
    check(
        r#"
        const seen = [];
        const make = (end) => new ReadableStream({ start(c) { c.enqueue(1); c.enqueue(2); end(c); } });
        const sink = () => new WritableStream({ write: (chunk) => { seen.push(chunk); }, close() { seen.push("close"); }, abort(e) { seen.push("abort", e); } });
        equal(await make((c) => c.close()).pipeTo(sink()), undefined);
        equal(seen, [1, 2, "close"]);
        seen.length = 0;
        await make((c) => c.close()).pipeTo(sink(), { preventClose: true });
        equal(seen, [1, 2]);
        seen.length = 0;
        let n = 0;
        const failing = new ReadableStream({ pull(c) { if (n++) c.error("bad"); else c.enqueue(1); } }, { highWaterMark: 0 });
        await rejects("bad", failing.pipeTo(sink()));
        equal(seen, [1, "abort", "bad"]);
        "#,
    );
}

#[test]
fn pipe_to_cancels_the_source_when_the_sink_fails() {
    check(
        r#"
        let canceled;
        const source = new ReadableStream({ pull(c) { c.enqueue(1); }, cancel(why) { canceled = why; } });
        await rejects("bad", source.pipeTo(new WritableStream({ write() { throw "bad"; } })));
        equal(canceled, "bad");
        ok(!source.locked);
        const open = new ReadableStream({ cancel(why) { canceled = why; } });
        const closed = new WritableStream();
        await closed.close();
        await rejects("TypeError", open.pipeTo(closed));
        ok(canceled instanceof TypeError);
        "#,
    );
}

#[test]
fn pipe_to_obeys_a_signal_and_checks_its_arguments() {
    check(
        r#"
        const seen = [];
        const controller = new AbortController();
        const source = new ReadableStream({ cancel(why) { seen.push("cancel", why); } });
        const sink = new WritableStream({ abort(why) { seen.push("abort", why); } });
        const pending = source.pipeTo(sink, { signal: controller.signal });
        ok(source.locked && sink.locked);
        setTimeout(() => controller.abort("why"), 1);
        await rejects("why", pending);
        equal(seen, ["abort", "why", "cancel", "why"]);
        await rejects("TypeError", new ReadableStream().pipeTo({}));
        await rejects("TypeError", new ReadableStream().pipeTo(new WritableStream(), { signal: {} }));
        const locked = new ReadableStream();
        locked.getReader();
        await rejects("TypeError", locked.pipeTo(new WritableStream()));
        throws("TypeError", () => locked.pipeThrough(new TransformStream()));
        throws("TypeError", () => new ReadableStream().pipeThrough({}));
        "#,
    );
}

#[test]
fn a_transform_changes_chunks_and_flushes() {
    check(
        r#"
        const upper = new TransformStream({
            transform(chunk, c) { c.enqueue(chunk.toUpperCase()); },
            flush(c) { c.enqueue("end"); },
        });
        equal(await all(ReadableStream.from(["a", "b"]).pipeThrough(upper)), ["A", "B", "end"]);
        equal(await all(ReadableStream.from([1, 2]).pipeThrough(new TransformStream())), [1, 2]);
        const ending = new TransformStream({ transform(chunk, c) { c.enqueue(chunk); c.terminate(); } });
        const writer = ending.writable.getWriter();
        writer.write(1).catch(() => {});
        equal(await all(ending.readable), [1]);
        await rejects("TypeError", writer.closed);
        const failing = new TransformStream({ transform() { throw new RangeError("x"); } });
        await rejects("RangeError", all(ReadableStream.from([1]).pipeThrough(failing)));
        throws("RangeError", () => new TransformStream({ readableType: "x" }));
        "#,
    );
}

#[test]
fn a_transform_hears_of_cancel_and_abort() {
    check(
        r#"
        const seen = [];
        const make = () => new TransformStream({ cancel(why) { seen.push(why); } });
        const one = make();
        await one.readable.cancel("cancel");
        await rejects("cancel", one.writable.getWriter().closed);
        const two = make();
        await two.writable.abort("abort");
        await rejects("abort", two.readable.getReader().read());
        equal(seen, ["cancel", "abort"]);
        "#,
    );
}

#[test]
fn text_streams_keep_characters_together() {
    check(
        r#"
        const encoded = await all(ReadableStream.from(["a\ud83d", "\ude00b", "\ud83d"]).pipeThrough(new TextEncoderStream()));
        equal(encoded.join(""), "a\u{1f600}b\ufffd");
        const euro = [0xe2, 0x82, 0xac];
        const chunks = euro.map((byte) => new Uint8Array([byte]));
        equal(await all(ReadableStream.from(chunks).pipeThrough(new TextDecoderStream())), ["€"]);
        const stream = new TextDecoderStream("utf-8", { fatal: true });
        equal([stream.encoding, stream.fatal, stream.ignoreBOM], ["utf-8", true, false]);
        await rejects("TypeError", all(ReadableStream.from(["text"]).pipeThrough(new TextDecoderStream())));
        equal(new TextEncoderStream().encoding, "utf-8");
        "#,
    );
}
