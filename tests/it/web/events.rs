//! Events, their targets, the global as one, and errors nobody caught.

use super::check;

#[test]
fn listeners_run_in_order_with_their_options() {
    check(
        r#"
        const target = new EventTarget(), seen = [];
        const twice = () => seen.push("twice");
        target.addEventListener("x", twice);
        target.addEventListener("x", twice);
        target.addEventListener("x", () => seen.push("once"), { once: true });
        target.addEventListener("x", { handleEvent(event) { seen.push(this !== target && event.type); } });
        target.addEventListener("x", () => seen.push("capture"), true);
        ok(target.dispatchEvent(new Event("x")));
        target.removeEventListener("x", twice);
        target.dispatchEvent(new Event("x"));
        equal(seen, ["capture", "twice", "once", "x", "capture", "x"]);
        "#,
    );
}

#[test]
fn an_event_has_its_members() {
    check(
        r#"
        const event = new Event("x", { cancelable: true, bubbles: true });
        equal([event.type, event.bubbles, event.cancelable, event.composed, event.isTrusted, event.eventPhase, event.target], ["x", true, true, false, false, 0, null]);
        const target = new EventTarget();
        target.addEventListener("x", (e) => {
            e.preventDefault();
            equal([e.eventPhase, e.target === target, e.currentTarget === target, e.composedPath().length], [2, true, true, 1]);
            throws("InvalidStateError", () => target.dispatchEvent(e));
            e.stopImmediatePropagation();
        });
        target.addEventListener("x", () => { throw new Error("not reached"); });
        equal(target.dispatchEvent(event), false);
        equal([event.defaultPrevented, event.eventPhase, event.currentTarget, event.target === target], [true, 0, null, true]);
        equal([Event.AT_TARGET, event.BUBBLING_PHASE], [2, 3]);
        ok(typeof event.timeStamp === "number");
        throws("TypeError", () => new Event());
        throws("TypeError", () => target.dispatchEvent({}));
        equal(new CustomEvent("x", { detail: 1 }).detail, 1);
        equal(new ErrorEvent("error", { message: "m", lineno: 3 }).lineno, 3);
        equal(new MessageEvent("message", { data: 1 }).data, 1);
        throws("TypeError", () => new PromiseRejectionEvent("x"));
        passive(target);
        function passive(target) {
            const event = new Event("p", { cancelable: true });
            target.addEventListener("p", (e) => e.preventDefault(), { passive: true });
            ok(target.dispatchEvent(event));
        }
        "#,
    );
}

#[test]
fn classes_may_extend_event_target() {
    check(
        r#"
        class Mine extends EventTarget { constructor() { super(); this.heard = 0; } }
        const mine = new Mine();
        mine.addEventListener("x", function () { this.heard++; });
        mine.dispatchEvent(new Event("x"));
        equal(mine.heard, 1);
        const controller = new AbortController();
        mine.addEventListener("x", () => mine.heard++, { signal: controller.signal });
        controller.abort();
        mine.dispatchEvent(new Event("x"));
        equal(mine.heard, 2);
        "#,
    );
}

#[test]
fn the_global_is_a_target() {
    check(
        r#"
        let heard = 0;
        addEventListener("x", (event) => { ok(event.target === globalThis); heard++; });
        globalThis.addEventListener("x", () => heard++);
        dispatchEvent(new Event("x"));
        equal(heard, 2);
        ok(globalThis instanceof EventTarget && self === globalThis);
        "#,
    );
}

#[test]
fn an_error_in_a_listener_is_reported_and_the_others_run() {
    check(
        r#"
        const target = new EventTarget();
        let ran = false;
        target.addEventListener("x", () => { throw new RangeError("lost"); });
        target.addEventListener("x", () => { ran = true; });
        target.dispatchEvent(new Event("x"));
        ok(ran);
        equal(uncaught, [new RangeError("lost")]);
        equal(`${uncaught[0]}`, "RangeError: lost");
        "#,
    );
}

#[test]
fn reported_errors_become_events_and_may_be_prevented() {
    check(
        r#"
        const seen = [];
        onerror = (message, file, line, column, error) => { seen.push(message, error); return true; };
        web.listenWithAuthority("error", (event) => {
          seen.push(event instanceof ErrorEvent && event.isTrusted, event.message, event.error.name);
          if (event.error instanceof TypeError) event.preventDefault();
        });
        reportError(new TypeError("a"));
        reportError(new RangeError("b"));
        const blind = ["Uncaught exception", undefined];
        equal(seen, [...blind, true, "Uncaught TypeError: a", "TypeError", ...blind, true, "Uncaught RangeError: b", "RangeError"]);
        equal(uncaught.length, 1);
        onerror = null;
        addEventListener("error", () => { throw new Error("inner"); });
        reportError(1);
        equal(uncaught.length, 3);
        throws("TypeError", () => reportError());
        "#,
    );
}

#[test]
fn unhandled_rejections_become_events() {
    check(
        r#"
        const seen = [];
        web.listenWithAuthority("unhandledrejection", (event) => { seen.push(event.reason); event.preventDefault(); });
        const promise = Promise.reject("why");
        ok(web.unhandledRejection(promise, "why"));
        promise.catch(() => {});
        equal(seen, ["why"]);
        let blind = "";
        addEventListener("unhandledrejection", (event) => { blind = event.reason; event.preventDefault(); });
        const other = Promise.reject("why not");
        other.catch(() => {});
        web.unhandledRejection(other, "why not");
        equal(blind, undefined);
        let type;
        onrejectionhandled = (event) => { type = event.type; };
        web.rejectionHandled(promise, "why");
        equal(type, "rejectionhandled");
        "#,
    );
}

#[test]
fn event_handler_attributes_keep_their_place() {
    check(
        r#"
        const { signal } = new AbortController();
        equal(signal.onabort, null);
        signal.onabort = 1;
        equal(signal.onabort, null);
        const controller = new AbortController(), seen = [];
        controller.signal.onabort = () => seen.push("old");
        controller.signal.addEventListener("abort", () => seen.push("listener"));
        controller.signal.onabort = () => seen.push("new");
        controller.abort();
        equal(seen, ["new", "listener"]);
        "#,
    );
}

#[test]
fn a_dom_exception_is_an_error() {
    check(
        r#"
        const error = new DOMException("m", "AbortError");
        equal([error.name, error.message, error.code, `${error}`], ["AbortError", "m", 20, "AbortError: m"]);
        ok(error instanceof Error && error instanceof DOMException);
        ok(typeof error.stack === "string");
        equal([new DOMException().name, new DOMException().message, new DOMException().code], ["Error", "", 0]);
        equal([DOMException.ABORT_ERR, error.TIMEOUT_ERR], [20, 23]);
        equal(Object.prototype.toString.call(error), "[object DOMException]");
        equal(Object.keys(error), []);
        throws("TypeError", () => DOMException.prototype.name);
        "#,
    );
}
