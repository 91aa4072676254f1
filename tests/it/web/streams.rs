//! ReadableStream, its readers, controllers and strategies.

use super::check;

#[test]
fn chunks_come_out_in_order_and_the_stream_ends() {
    check(
        r#"
        const seen = [];
        const stream = new ReadableStream({
            start(c) { seen.push("start", c.desiredSize); c.enqueue("a"); c.enqueue("b"); },
            pull(c) { seen.push("pull"); c.close(); },
        }, { highWaterMark: 3 });
        equal(await all(stream), ["a", "b"]);
        equal(seen, ["start", 3, "pull"]);
        ok(!stream.locked);
        "#,
    );
}

#[test]
fn pull_waits_for_demand_and_for_the_last_pull() {
    check(
        r#"
        let pulls = 0, running = 0;
        const stream = new ReadableStream({
            async pull(c) {
                equal(running++, 0);
                await sleep(1);
                running--;
                c.enqueue(++pulls);
            },
        }, { highWaterMark: 0 });
        await sleep(3);
        equal(pulls, 0);
        const reader = stream.getReader();
        equal(await Promise.all([reader.read(), reader.read()]), [{ value: 1, done: false }, { value: 2, done: false }]);
        await sleep(3);
        equal(pulls, 2);
        "#,
    );
}

#[test]
fn errors_reach_readers() {
    check(
        r#"
        const failing = new ReadableStream({ pull() { throw new RangeError("x"); } });
        const reader = failing.getReader();
        await rejects("RangeError", reader.read());
        await rejects("RangeError", reader.closed);
        throws("RangeError", () => new ReadableStream({ start() { throw new RangeError(); } }));
        await rejects("RangeError", new ReadableStream({ start: () => Promise.reject(new RangeError()) }).getReader().read());
        let controller;
        const stream = new ReadableStream({ start(c) { controller = c; c.enqueue(1); } });
        controller.error("bad");
        await rejects("bad", stream.getReader().read());
        throws("TypeError", () => controller.enqueue(1));
        throws("TypeError", () => controller.close());
        equal(controller.desiredSize, null);
        await rejects("bad", stream.cancel.call(new ReadableStream({ start(c) { c.error("bad"); } })));
        "#,
    );
}

#[test]
fn cancel_reaches_the_source() {
    check(
        r#"
        let reason;
        const stream = new ReadableStream({ cancel(why) { reason = why; } });
        const reader = stream.getReader();
        await rejects("TypeError", stream.cancel());
        const pending = reader.read();
        equal(await reader.cancel("why"), undefined);
        equal([reason, await pending], ["why", { value: undefined, done: true }]);
        await reader.closed;
        reader.releaseLock();
        await rejects("TypeError", reader.closed);
        await rejects("TypeError", reader.read());
        await rejects("TypeError", reader.cancel());
        "#,
    );
}

#[test]
fn releasing_rejects_what_waits_and_keeps_the_stream() {
    check(
        r#"
        let controller;
        const stream = new ReadableStream({ start(c) { controller = c; } });
        const first = stream.getReader();
        throws("TypeError", () => stream.getReader());
        const pending = first.read();
        first.releaseLock();
        await rejects("TypeError", pending);
        controller.enqueue("a");
        equal((await stream.getReader().read()).value, "a");
        "#,
    );
}

#[test]
fn arguments_are_converted_as_web_idl_says() {
    check(
        r#"
        throws("TypeError", () => new ReadableStream(null));
        throws("TypeError", () => new ReadableStream({ pull: 1 }));
        throws("TypeError", () => new ReadableStream({ type: "x" }));
        throws("RangeError", () => new ReadableStream({}, { highWaterMark: -1 }));
        throws("RangeError", () => new ReadableStream({}, { highWaterMark: NaN }));
        throws("TypeError", () => new ReadableStream({}, { size: 1 }));
        throws("RangeError", () => new ReadableStream({ type: "bytes" }, { size() {} }));
        throws("TypeError", () => new ReadableStream({ type: "bytes", autoAllocateChunkSize: 0 }));
        throws("TypeError", () => new ReadableStream({}).getReader({ mode: "x" }));
        throws("TypeError", () => new ReadableStream({}).getReader({ mode: "byob" }));
        throws("TypeError", () => new ReadableStreamDefaultController());
        throws("TypeError", () => new ReadableStreamDefaultReader({}));
        await rejects("TypeError", ReadableStreamDefaultReader.prototype.read.call({}));
        equal(ReadableStream.length, 0);
        equal(Object.keys(ReadableStreamDefaultReader.prototype).sort(), ["cancel", "closed", "read", "releaseLock"]);
        "#,
    );
}

#[test]
fn size_decides_the_desired_size_and_may_fail() {
    check(
        r#"
        let controller;
        new ReadableStream({ start(c) { controller = c; } }, new ByteLengthQueuingStrategy({ highWaterMark: 10 }));
        controller.enqueue(new Uint8Array(4));
        equal(controller.desiredSize, 6);
        const bad = new ReadableStream({ start(c) { controller = c; } }, { size: () => -1 });
        throws("RangeError", () => controller.enqueue(1));
        await rejects("RangeError", bad.getReader().closed);
        const strategy = new CountQueuingStrategy({ highWaterMark: "2" });
        equal([strategy.highWaterMark, strategy.size({}), strategy.size.name, strategy.size.length], [2, 1, "size", 0]);
        ok(strategy.size === new CountQueuingStrategy({ highWaterMark: 0 }).size);
        throws("TypeError", () => new CountQueuingStrategy({}));
        throws("TypeError", () => new ByteLengthQueuingStrategy());
        "#,
    );
}

#[test]
fn async_iteration_cancels_unless_told_not_to() {
    check(
        r#"
        let canceled = 0;
        const make = () => new ReadableStream({ start(c) { c.enqueue(1); c.enqueue(2); }, cancel() { canceled++; } });
        for await (const chunk of make()) { equal(chunk, 1); break; }
        equal(canceled, 1);
        const kept = make();
        for await (const chunk of kept.values({ preventCancel: true })) break;
        equal(canceled, 1);
        equal((await kept.getReader().read()).value, 2);
        const iterator = make().values();
        const steps = await Promise.all([iterator.next(), iterator.return("x"), iterator.next()]);
        equal(steps, [{ value: 1, done: false }, { value: "x", done: true }, { value: undefined, done: true }]);
        ok(ReadableStream.prototype.values === ReadableStream.prototype[Symbol.asyncIterator]);
        const prototype = Object.getPrototypeOf(iterator);
        ok(Object.getPrototypeOf(prototype) === Object.getPrototypeOf(Object.getPrototypeOf(async function* () {}).prototype));
        await rejects("TypeError", prototype.next.call({}));
        "#,
    );
}

#[test]
fn from_takes_iterables_of_both_kinds() {
    check(
        r#"
        equal(await all(ReadableStream.from(["a", Promise.resolve("b")])), ["a", "b"]);
        equal(await all(ReadableStream.from((async function* () { yield 1; yield 2; })())), [1, 2]);
        equal(await all(ReadableStream.from(ReadableStream.from([3]))), [3]);
        let finished = false;
        const stream = ReadableStream.from((function* () { try { yield 1; yield 2; } finally { finished = true; } })());
        for await (const _ of stream) break;
        ok(finished);
        throws("TypeError", () => ReadableStream.from({}));
        throws("TypeError", () => ReadableStream.from(null));
        "#,
    );
}

#[test]
fn tee_gives_both_branches_everything() {
    check(
        r#"
        let reason;
        const make = () => new ReadableStream({ start(c) { c.enqueue("a"); c.enqueue("b"); c.close(); }, cancel(why) { reason = why; } });
        const [one, two] = make().tee();
        equal([await all(one), await all(two)], [["a", "b"], ["a", "b"]]);
        const open = new ReadableStream({ cancel(why) { reason = why; } });
        const [left, right] = open.tee();
        ok(open.locked);
        const first = left.cancel(1), second = right.cancel(2);
        await Promise.all([first, second]);
        equal(reason, [1, 2]);
        const failing = new ReadableStream({ pull(c) { c.error("bad"); } });
        const [x, y] = failing.tee();
        await rejects("bad", x.getReader().read());
        await rejects("bad", y.getReader().read());
        "#,
    );
}

#[test]
fn tee_of_bytes_serves_byob_readers() {
    check(
        r#"
        let pulls = 0;
        const stream = new ReadableStream({
            type: "bytes",
            pull(c) {
                if (++pulls > 2) { c.close(); c.byobRequest?.respond(0); return; }
                const request = c.byobRequest;
                if (request) { request.view[0] = pulls; request.respond(1); }
                else c.enqueue(new Uint8Array([pulls]));
            },
        });
        const [one, two] = stream.tee();
        const byob = one.getReader({ mode: "byob" }), plain = two.getReader();
        const first = await byob.read(new Uint8Array(4));
        equal(first.value, new Uint8Array([1]));
        equal((await plain.read()).value, new Uint8Array([1]));
        equal((await plain.read()).value, new Uint8Array([2]));
        equal((await byob.read(new Uint8Array(4))).value, new Uint8Array([2]));
        ok((await plain.read()).done);
        ok((await byob.read(new Uint8Array(4))).done);
        "#,
    );
}

#[test]
fn byte_streams_fill_the_readers_buffer() {
    check(
        r#"
        let controller;
        const stream = new ReadableStream({ type: "bytes", start(c) { controller = c; } });
        const reader = stream.getReader({ mode: "byob" });
        const mine = new Uint8Array(4);
        const pending = reader.read(mine);
        equal(mine.byteLength, 0);
        const { byobRequest } = controller;
        equal(byobRequest.view.byteLength, 4);
        byobRequest.view.set([1, 2]);
        byobRequest.respond(2);
        const { value } = await pending;
        equal([value.byteLength, value.buffer.byteLength], [2, 4]);
        equal(value, new Uint8Array([1, 2]));
        equal([byobRequest.view, controller.byobRequest], [null, null]);
        throws("TypeError", () => byobRequest.respond(1));
        const words = reader.read(new Uint16Array(2));
        controller.enqueue(new Uint8Array([1, 0, 2]));
        const first = await words;
        equal([first.value.constructor.name, first.value.length, first.value[0]], ["Uint16Array", 1, 1]);
        controller.enqueue(new Uint8Array([3]));
        equal((await reader.read(new Uint8Array(5))).value, new Uint8Array([2, 3]));
        "#,
    );
}

#[test]
fn byte_reads_honour_min() {
    check(
        r#"
        let controller;
        const stream = new ReadableStream({ type: "bytes", start(c) { controller = c; } });
        const reader = stream.getReader({ mode: "byob" });
        let settled = false;
        const pending = reader.read(new Uint8Array(4), { min: 3 });
        pending.then(() => { settled = true; });
        controller.enqueue(new Uint8Array([1, 2]));
        await sleep(1);
        equal(settled, false);
        controller.enqueue(new Uint8Array([3]));
        equal((await pending).value, new Uint8Array([1, 2, 3]));
        await rejects("TypeError", reader.read(new Uint8Array(1), { min: 0 }));
        await rejects("RangeError", reader.read(new Uint8Array(1), { min: 2 }));
        await rejects("TypeError", reader.read(new Uint8Array(0)));
        await rejects("TypeError", reader.read({}));
        await rejects("TypeError", reader.read(new Uint8Array(new SharedArrayBuffer(1))));
        "#,
    );
}

#[test]
fn byte_streams_allocate_when_told_and_end_with_the_buffer() {
    check(
        r#"
        let views = [];
        const stream = new ReadableStream({
            type: "bytes", autoAllocateChunkSize: 8,
            pull(c) { views.push(c.byobRequest.view.byteLength); c.byobRequest.view[0] = 7; c.byobRequest.respondWithNewView(c.byobRequest.view.subarray(0, 1)); },
        });
        const reader = stream.getReader();
        equal((await reader.read()).value, new Uint8Array([7]));
        equal(views, [8]);
        let controller;
        const ending = new ReadableStream({ type: "bytes", start(c) { controller = c; } });
        const byob = ending.getReader({ mode: "byob" });
        const pending = byob.read(new Uint8Array(3));
        controller.close();
        controller.byobRequest.respond(0);
        const { value, done } = await pending;
        equal([done, value.byteLength, value.buffer.byteLength], [true, 0, 3]);
        throws("TypeError", () => controller.enqueue(new Uint8Array(1)));
        "#,
    );
}

#[test]
fn stream_from_bytes_leaves_the_bytes() {
    check(
        r#"
        const mine = bytes("abc");
        equal(await all(web.streamFromBytes(mine)), ["abc"]);
        equal(mine, bytes("abc"));
        equal(await all(web.streamFromBytes(new Uint8Array(0))), []);
        "#,
    );
}
