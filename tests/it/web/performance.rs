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

#[test]
fn marks_and_measures_are_kept_in_order_of_time_and_observed() {
    check(
        r#"
        const told = [];
        const observer = new PerformanceObserver((list, self) => {
          same(self, observer);
          told.push(...list.getEntries().map((entry) => entry.name));
        });
        observer.observe({ entryTypes: ["mark", "measure", "unknown"] });
        const late = performance.mark("late", { startTime: 20, detail: { a: 1 } });
        performance.mark("early", { startTime: 5 });
        const span = performance.measure("span", "early", "late");
        equal([span.startTime, span.duration, span.entryType], [5, 15, "measure"]);
        equal(late.detail, { a: 1 });
        equal(performance.getEntries().map((entry) => entry.name), ["early", "span", "late"]);
        equal(performance.getEntriesByName("late", "mark").length, 1);
        equal(told, []);
        await sleep(5);
        equal(told, ["early", "span", "late"]);
        performance.clearMarks("late");
        equal(performance.getEntriesByType("mark").map((entry) => entry.name), ["early"]);
        throws("SyntaxError", () => performance.measure("x", "missing"));
        throws("TypeError", () => performance.mark("x", { startTime: -1 }));
        throws("InvalidModificationError", () => observer.observe({ type: "mark" }));
        equal(PerformanceObserver.supportedEntryTypes, ["mark", "measure"]);
        ok(performance instanceof EventTarget);
        "#,
    );
}

#[test]
fn a_program_that_never_clears_its_marks_keeps_a_bounded_number() {
    check(
        r#"
        for (let i = 0; i < 10050; i++) performance.mark("m");
        equal(performance.getEntries().length, 10000);
        "#,
    );
}
