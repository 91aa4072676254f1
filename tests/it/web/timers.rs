//! Timers and microtasks.

use super::check;

#[test]
fn timers_fire_in_order_with_their_arguments() {
    check(
        r#"
        const seen = [];
        setTimeout((x) => seen.push(x), 20, "late");
        setTimeout((x) => seen.push(x), 1, "soon");
        const canceled = setTimeout(() => seen.push("never"), 1);
        ok(Number.isInteger(canceled) && canceled > 0);
        clearTimeout(canceled);
        clearTimeout(undefined);
        clearTimeout(12345);
        await sleep(40);
        equal(seen, ["soon", "late"]);
        "#,
    );
}

#[test]
fn intervals_repeat_until_cleared_from_within() {
    check(
        r#"
        let count = 0;
        await new Promise((resolve) => {
            const id = setInterval(function () {
                ok(this === globalThis);
                if (++count === 3) {
                    clearInterval(id);
                    setTimeout(resolve, 10);
                }
            }, 0);
        });
        equal(count, 3);
        "#,
    );
}

#[test]
fn handlers_must_be_functions() {
    check(
        r#"
        throws("TypeError", () => setTimeout("code"));
        throws("TypeError", () => setInterval());
        throws("TypeError", () => queueMicrotask(1));
        "#,
    );
}

#[test]
fn errors_are_reported_and_the_loop_goes_on() {
    check(
        r#"
        let ran = 0;
        setTimeout(() => { throw new RangeError("timer"); }, 2);
        queueMicrotask(() => { throw new RangeError("microtask"); });
        queueMicrotask(() => ran++);
        setTimeout(() => ran++, 2);
        const id = setInterval(() => { if (++ran > 4) clearInterval(id); throw new RangeError("interval"); }, 5);
        await sleep(60);
        equal(uncaught.map((error) => error.message), ["microtask", "timer", "interval", "interval", "interval"]);
        equal(ran, 5);
        "#,
    );
}
