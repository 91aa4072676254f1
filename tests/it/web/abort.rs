//! AbortController and AbortSignal.

use super::check;

#[test]
fn abort_is_synchronous_and_once() {
    check(
        r#"
        const controller = new AbortController();
        let heard = 0;
        controller.signal.addEventListener("abort", (event) => { ok(event.isTrusted); heard++; });
        controller.abort();
        controller.abort("second");
        equal(heard, 1);
        equal([controller.signal.reason.name, controller.signal.aborted], ["AbortError", true]);
        throws("AbortError", () => controller.signal.throwIfAborted());
        throws("TypeError", () => new AbortSignal());
        ok(controller.signal instanceof EventTarget);
        "#,
    );
}

#[test]
fn the_statics_make_signals() {
    check(
        r#"
        equal(AbortSignal.abort("x").reason, "x");
        equal(AbortSignal.abort().reason.name, "AbortError");
        const timeout = AbortSignal.timeout(1);
        ok(!timeout.aborted);
        await sleep(20);
        equal(timeout.reason.name, "TimeoutError");
        throws("TypeError", () => AbortSignal.timeout(-1));
        throws("TypeError", () => AbortSignal.timeout());
        "#,
    );
}

#[test]
fn any_follows_the_first() {
    check(
        r#"
        const a = new AbortController(), b = new AbortController();
        const inner = AbortSignal.any([a.signal, b.signal]);
        const outer = AbortSignal.any([inner]);
        const seen = [];
        a.signal.onabort = () => seen.push("a", inner.aborted && outer.aborted);
        inner.onabort = () => seen.push("inner");
        outer.onabort = () => seen.push("outer");
        a.abort(1);
        b.abort(2);
        equal(seen, ["a", true, "inner", "outer"]);
        equal([inner.reason, outer.reason], [1, 1]);
        equal(AbortSignal.any([AbortSignal.abort(3)]).reason, 3);
        ok(!AbortSignal.any([]).aborted);
        throws("TypeError", () => AbortSignal.any([1]));
        "#,
    );
}
