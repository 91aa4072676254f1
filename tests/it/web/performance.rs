//! `performance` and `navigator`.

use super::{Page, check};
use town::isolate::web::performance::restart_clock;

#[test]
fn the_clock_goes_forward_in_coarse_steps() {
    check(
        r##"
        const first = performance.now();
        const second = performance.now();
        same(second >= first && first >= 0, true);
        same(Math.abs(first * 10 - Math.round(first * 10)) < 1e-6, true);
        same(Math.abs(performance.timeOrigin + performance.now() - Date.now()) < 1000, true);
        same(performance.toJSON(), { timeOrigin: performance.timeOrigin });
        same(String(performance), "[object Performance]");
        throws("TypeError", () => new Performance());
        throws("TypeError", () => Performance.prototype.now.call({}));
        "##,
    );
}

#[test]
fn a_restarted_clock_begins_at_zero() {
    let mut page = Page::new();
    page.check(
        "globalThis.before = performance.timeOrigin;
        const end = performance.now() + 5;
        while (performance.now() < end);
        same(performance.timeOrigin, before);",
    );
    restart_clock();
    page.check("same(performance.timeOrigin >= before + 4.9, true);");
}

#[test]
fn the_user_agent_is_one_token() {
    check(
        r##"
        same(navigator.userAgent, "ValTownTown");
        throws("TypeError", () => new Navigator());
        "##,
    );
}
