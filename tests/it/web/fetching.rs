//! fetch(), over a host that the test supplies.

use super::check;

#[test]
fn fetch_hands_the_request_to_the_host() {
    check(
        r#"
        let got;
        web.host.fetch = async (request) => {
            got = request;
            return { status: 201, statusText: "Created", headers: ["a", "1"], url: request.url, redirected: false, body: source("ok") };
        };
        const response = await fetch("https://a/b", { method: "post", body: "x", headers: { b: "2" } });
        equal(got, { method: "POST", url: "https://a/b", headers: ["b", "2", "content-type", "text/plain;charset=UTF-8"], body: bytes("x"), redirect: "follow", signal: null });
        equal([response.status, response.statusText, response.url, await response.text()], [201, "Created", "https://a/b", "ok"]);
        "#,
    );
}

#[test]
fn bad_requests_reject() {
    check(
        r#"
        await rejects("TypeError", fetch());
        await rejects("TypeError", fetch("/relative"));
        await rejects("TypeError", fetch("ftp://a/"));
        await rejects("TypeError", fetch("https://a/"));
        web.currentOrigin = () => "https://base/";
        web.host.fetch = async (request) => ({ status: 200, headers: [], url: request.url, body: null });
        equal((await fetch("/relative")).url, "https://base/relative");
        "#,
    );
}

#[test]
fn data_urls_need_no_host() {
    check(
        r#"
        const get = async (url) => {
            const response = await fetch(url);
            return [response.status, response.headers.get("content-type"), await response.text()];
        };
        equal(await get("data:,a%20b"), [200, "text/plain;charset=US-ASCII", "a b"]);
        equal(await get("data:text/html;charset=utf-8;base64,aGk="), [200, "text/html;charset=utf-8", "hi"]);
        equal(await get("data:;charset=x,y#z"), [200, "text/plain;charset=x", "y"]);
        await rejects("TypeError", fetch("data:nothing"));
        await rejects("TypeError", fetch("data:;base64,*"));
        "#,
    );
}

#[test]
fn an_aborted_signal_rejects_at_once_and_the_host_is_not_asked() {
    check(
        r#"
        let asked = false;
        web.host.fetch = () => { asked = true; };
        await rejects("AbortError", fetch("https://a/", { signal: AbortSignal.abort() }));
        equal(asked, false);
        "#,
    );
}

#[test]
fn abort_during_the_wait_rejects() {
    check(
        r#"
        web.host.fetch = () => new Promise(() => {});
        const controller = new AbortController();
        const pending = fetch("https://a/", { signal: controller.signal });
        setTimeout(() => controller.abort(), 1);
        await rejects("AbortError", pending);
        "#,
    );
}

#[test]
fn abort_during_the_body_fails_its_readers_and_cancels_the_source() {
    check(
        r#"
        const make = () => ({ pull: () => new Promise(() => {}), cancel(reason) { this.canceled = reason; } });
        let kernel;
        web.host.fetch = async (request) => ({ status: 200, headers: [], url: request.url, body: kernel = make() });
        let controller = new AbortController();
        let response = await fetch("https://a/", { signal: controller.signal });
        setTimeout(() => controller.abort("why"), 1);
        await rejects("why", response.text());
        equal(kernel.canceled, "why");
        controller = new AbortController();
        response = await fetch("https://a/", { signal: controller.signal });
        const reader = response.body.getReader();
        setTimeout(() => controller.abort("stop"), 1);
        await rejects("stop", reader.read());
        controller = new AbortController();
        response = await fetch("https://a/", { signal: controller.signal });
        controller.abort("early");
        await rejects("early", response.text());
        "#,
    );
}
