//! Request.

use super::check;

#[test]
fn a_request_has_the_members_of_the_standard() {
    check(
        r#"
        const request = new Request("https://example.com/a#b");
        equal(
            [request.method, request.url, request.redirect, request.mode, request.credentials, request.cache, request.referrer, request.referrerPolicy,
             request.integrity, request.keepalive, request.destination, request.duplex, request.bodyUsed, request.body],
            ["GET", "https://example.com/a#b", "follow", "cors", "same-origin", "default", "about:client", "", "", false, "", "half", false, null],
        );
        throws("TypeError", () => new Request());
        throws("TypeError", () => new Request("/relative"));
        throws("TypeError", () => new Request("https://me:secret@example.com/"));
        "#,
    );
}

#[test]
fn methods_are_normalised_and_some_forbidden() {
    check(
        r#"
        const method = (method) => new Request("http://a/", { method }).method;
        equal(["get", "post", "patch", "Chicken", "delete"].map(method), ["GET", "POST", "patch", "Chicken", "DELETE"]);
        for (const bad of ["TRACE", "connect", "Track", "a b", ""]) throws("TypeError", () => method(bad));
        "#,
    );
}

#[test]
fn enumerations_and_bodies_are_checked() {
    check(
        r#"
        const make = (init) => new Request("http://a/", init);
        for (const init of [{ redirect: "x" }, { cache: "x" }, { mode: "navigate" }, { credentials: "x" }, { window: 1 }, { signal: {} }, { cache: "only-if-cached" },
            { body: "x" }, { method: "HEAD", body: "x" }, { referrerPolicy: "x" }, { duplex: "full" }, 1]) {
            throws("TypeError", () => make(init));
        }
        equal(make({ redirect: "manual", cache: "no-store" }).redirect, "manual");
        const posted = make({ method: "POST", body: "x" });
        equal([posted.headers.get("content-type"), await posted.text()], ["text/plain;charset=UTF-8", "x"]);
        "#,
    );
}

#[test]
fn a_request_of_a_request_takes_its_body() {
    check(
        r#"
        const first = new Request("http://a/", { method: "POST", body: "x", headers: { a: "1" }, redirect: "error" });
        const second = new Request(first, { headers: { b: "2" } });
        equal([second.method, second.headers.get("a"), second.headers.get("b"), second.redirect], ["POST", null, "2", "error"]);
        ok(first.bodyUsed);
        throws("TypeError", () => new Request(first));
        equal(await second.text(), "x");
        const touched = new Request("http://a/", { method: "POST", body: "y" });
        touched.body;
        const third = new Request(touched);
        ok(touched.body.locked);
        equal(await third.text(), "y");
        const other = new Request("http://a/", { method: "POST", body: "z" });
        equal(await new Request(other, { body: "new" }).text(), "new");
        ok(!other.bodyUsed);
        "#,
    );
}

#[test]
fn clone_and_signals_follow() {
    check(
        r#"
        const controller = new AbortController();
        const request = new Request("http://a/", { method: "POST", body: "x", signal: controller.signal });
        const clone = request.clone();
        ok(request.signal !== controller.signal);
        controller.abort("why");
        equal([request.signal.aborted, clone.signal.reason, new Request(request, { body: "" }).signal.aborted], [true, "why", true]);
        equal([await request.text(), await clone.text()], ["x", "x"]);
        throws("TypeError", () => request.clone());
        ok(!new Request(clone.url, { signal: null }).signal.aborted);
        "#,
    );
}

#[test]
fn an_outgoing_request_is_read_as_plain_data() {
    check(
        r#"
        const read = web.readRequest(new Request("http://a/", { method: "POST", body: "x", redirect: "manual" }));
        equal(read, { method: "POST", url: "http://a/", headers: ["content-type", "text/plain;charset=UTF-8"], body: bytes("x"), redirect: "manual", signal: null });
        "#,
    );
}
