//! `console`.

use super::{Page, check};
use boa_engine::Context;
use std::time::Instant;

const PRINTED: &str = r##"
    const printed = (...values) => { lines.length = 0; console.log(...values); return lines.map((line) => line[1]).join("|"); };
"##;

#[track_caller]
fn check_console(script: &str) {
    check(&format!("{PRINTED}\n{script}"));
}

#[test]
fn primitives_print_as_they_are_written() {
    check_console(
        r##"
        same(printed("a", 1, -0, 1.5, 10n, true, null, undefined, Symbol("s"), NaN), "a 1 -0 1.5 10n true null undefined Symbol(s) NaN");
        same(printed(), "");
        same(printed(["a", 'it"s', "it's \"", "\n\t\u0001\\"]), `[ "a", 'it"s', \`it's "\`, "\\n\\t\\x01\\\\" ]`);
        same(printed(["\ud800"]), '[ "\\uD800" ]');
        "##,
    );
}

#[test]
fn directives_are_replaced_and_the_rest_appended() {
    check_console(
        r##"
        same(printed("%s is %d years and %i", "Ann", 42.5, 42.9, "extra"), "Ann is 42.5 years and 42 extra");
        same(printed("%f|%c|%%|%x|%s", "1.5", "color: red"), "1.5||%|%x|%s");
        same(printed("%o %O", { a: 1 }, ["b"]), '{ a: 1 } [ "b" ]');
        same(printed("%j", { a: 1 }), "{ a: 1 }");
        same(printed("%d %d %i", 5n, {}, "x"), "5n NaN NaN");
        same(printed("100%"), "100%");
        same(printed("%s", { a: 1, toString() { throw 1; } }).startsWith("{ a: 1"), true);
        same(printed("%s %s", Symbol("q"), -0), "Symbol(q) -0");
        same(printed(5, "%s"), "5 %s");
        "##,
    );
}

#[test]
fn objects_are_shown_to_a_depth() {
    check_console(
        r##"
        same(printed({}), "{}");
        same(printed({ a: 1, "b c": "x", [Symbol("k")]: null, 3: 4 }), '{ "3": 4, a: 1, "b c": "x", [Symbol(k)]: null }');
        same(printed({ a: { b: { c: { d: { e: 1 } } } } }), "{\n  a: { b: { c: { d: [Object] } } }\n}".replace(/\n */g, " ").replace("{ a", "{ a").replace("d: [Object]", "d: { e: 1 }"));
        same(printed({ a: { b: { c: { d: { e: { f: 1 } } } } } }), "{ a: { b: { c: { d: { e: [Object] } } } } }");
        class Point { constructor() { this.x = 1; } get y() { throw 1; } }
        same(printed(new Point()), "Point { x: 1 }");
        same(printed(Object.create(null)), "[Object: null prototype] {}");
        same(printed({ get g() { throw 1; }, set s(v) {}, get b() { throw 1; }, set b(v) {} }), "{ g: [Getter], s: [Setter], b: [Getter/Setter] }");
        class Tagged { get [Symbol.toStringTag]() { throw 1; } }
        same(printed(new Tagged()), "Tagged {}");
        same(printed({ [Symbol.toStringTag]: "Tag" }), "Object [Tag] { [Symbol(Symbol.toStringTag)]: \"Tag\" }");
        same(printed(new Proxy({ a: 1 }, { get() { throw 1; }, ownKeys() { throw 1; }, getPrototypeOf() { throw 1; } })), "[Proxy]");
        same(printed(Object.create(new Proxy({}, { getPrototypeOf() { throw 1; } }))), "Object {}".replace("Object ", ""));
        "##,
    );
}

#[test]
fn arrays_show_holes_and_names() {
    check_console(
        r##"
        same(printed([]), "[]");
        same(printed([1, , 3, , ,]), "[ 1, <1 empty item>, 3, <2 empty items> ]");
        same(printed(Object.assign([1], { extra: true })), "[ 1, extra: true ]");
        same(printed(new Array(3)), "[ <3 empty items> ]");
        same(printed(new (class List extends Array {})(2)), "List(2) [ <2 empty items> ]");
        same(printed(Array.from({ length: 101 }, () => 0)).endsWith("... 1 more item\n]"), true);
        same(printed(new Uint8Array([1, 2])), "Uint8Array(2) [ 1, 2 ]");
        same(printed(new Float32Array([1.5, -0])), "Float32Array(2) [ 1.5, -0 ]");
        same(printed(new BigInt64Array([-1n])), "BigInt64Array(1) [ -1n ]");
        same(printed(new Uint8Array([1, 255]).buffer), "ArrayBuffer { [Uint8Contents]: <01 ff>, byteLength: 2 }");
        same(printed(new DataView(new ArrayBuffer(4), 1)), "DataView { byteLength: 3, byteOffset: 1 }");
        "##,
    );
}

#[test]
fn built_in_objects_have_their_own_forms() {
    check_console(
        r##"
        same(printed(new Map([["a", { b: 1 }], [1, 2]])), 'Map(2) { "a" => { b: 1 }, 1 => 2 }');
        same(printed(new Set([1, "x"])), 'Set(2) { 1, "x" }');
        same(printed(new WeakMap()), "WeakMap {}");
        same(printed(new Date(0)), "1970-01-01T00:00:00.000Z");
        same(printed(new Date(NaN)), "Invalid Date");
        same(printed(/a\d/gi), "/a\\d/gi");
        same(printed([Object(1), Object("s"), Object(true), Object(1n)]), '[ [Number: 1], [String: "s"], [Boolean: true], [BigInt: 1n] ]');
        same(printed(Promise.resolve(5)), "Promise { 5 }");
        same(printed(new Promise(() => {})), "Promise { <pending> }");
        const rejected = Promise.reject("why");
        rejected.catch(() => {});
        same(printed(rejected), 'Promise { <rejected> "why" }');
        same(printed(function named() {}, () => {}, class A {}, class extends Map {}), "[Function: named] [Function (anonymous)] [class A] [class (anonymous)]");
        class B {}
        same(printed(class C extends B {}), "[class C extends B]");
        same(printed(async function af() {}), "[AsyncFunction: af]");
        same(printed(function* g() {}), "[GeneratorFunction: g]");
        same(printed(Object.assign(function f() {}, { a: 1 })), "[Function: f] { a: 1 }");
        same(printed(new URL("http://a/b")), 'URL { href: "http://a/b" }');
        same(printed(new URLSearchParams("a=1")), 'URLSearchParams { query: "a=1" }');
        "##,
    );
}

#[test]
fn messages_and_events_show_what_they_say() {
    check_console(
        r##"
        const headers = new Headers({ accept: "x", "X-A": "1" });
        same(printed(headers), 'Headers { accept: "x", "x-a": "1" }');
        headers.append("Set-Cookie", "a=1");
        headers.append("Set-Cookie", "b=2");
        headers.append("__proto__", "p");
        same(printed(headers), 'Headers {\n  __proto__: "p",\n  accept: "x",\n  "x-a": "1",\n  "set-cookie": [ "a=1", "b=2" ]\n}');
        const response = new Response("x", { status: 201, headers: { a: "1" } });
        const flat = (...values) => printed(...values).replace(/\n */g, " ");
        same(flat(response), 'Response { status: 201, statusText: "", headers: Headers { a: "1", "content-type": "text/plain;charset=UTF-8" }, url: "", redirected: false, bodyUsed: false }');
        const request = new Request("http://a/b", { method: "post", redirect: "manual" });
        same(flat(request), 'Request { method: "POST", url: "http://a/b", headers: Headers {}, redirect: "manual", bodyUsed: false }');
        await response.text();
        same(flat(response).includes("bodyUsed: true"), true);
        same(printed(new Event("x")), 'Event { type: "x", defaultPrevented: false }');
        same(printed(new CustomEvent("x", { detail: { a: 1 } })), 'CustomEvent { type: "x", defaultPrevented: false, detail: { a: 1 } }');
        same(flat(new ErrorEvent("error", { message: "m", error: 1 })), 'ErrorEvent { type: "error", defaultPrevented: false, message: "m", error: 1 }');
        same(printed(new MessageEvent("m", { data: [1] })), 'MessageEvent { type: "m", defaultPrevented: false, data: [ 1 ] }');
        same(printed(AbortSignal.abort("why")), 'AbortSignal { aborted: true, reason: "why" }');
        same(flat(new AbortController()), "AbortController { signal: AbortSignal { aborted: false, reason: undefined } }");
        same(printed(new ReadableStream(), new WritableStream()), "ReadableStream { locked: false } WritableStream { locked: false }");
        // What a program has put in the place of a getter is not asked.
        Object.defineProperty(Request.prototype, "url", { get() { throw new Error("asked"); } });
        same(flat(request).includes('url: "http://a/b"'), true);
        // An object that only inherits from a class is none of it.
        same(printed(Object.create(Response.prototype)), "Response {}");
        "##,
    );
}

#[test]
fn errors_show_message_stack_and_cause() {
    check_console(
        r##"
        const text = printed(new TypeError("bad", { cause: "why" }));
        same(text.startsWith("TypeError: bad\n    at "), true);
        same(text.includes('[cause]: "why"'), true);
        const plain = new Error("x");
        plain.stack = "";
        same(printed(plain), "Error: x");
        plain.code = 5;
        same(printed(plain), "Error: x { code: 5 }");
        class Own extends Error { name = "Own"; }
        same(printed(new Own("m")).startsWith("Own: m\n"), true);
        same(printed(new DOMException("gone", "NotFoundError")).startsWith("NotFoundError: gone"), true);
        const sly = new Error("m");
        Object.defineProperty(sly, "name", { get() { throw 1; } });
        Object.defineProperty(sly, "stack", { get() { throw 1; } });
        same(printed(sly), "Error: m");
        "##,
    );
}

#[test]
fn cycles_are_marked() {
    check_console(
        r##"
        const a = { name: "a" };
        a.self = a;
        a.inner = { back: a };
        same(printed(a), '<ref *1> {\n  name: "a",\n  self: [Circular *1],\n  inner: { back: [Circular *1] }\n}'.replace(/\n */g, " "));
        const twice = { x: 1 };
        same(printed([twice, twice]), "[ { x: 1 }, { x: 1 } ]");
        "##,
    );
}

#[test]
fn great_listings_break_into_lines() {
    check_console(
        r##"
        const long = { first: "x".repeat(40), second: "y".repeat(40), inner: { a: "z".repeat(70) } };
        same(printed(long).split("\n").length, 7);
        same(printed(long).split("\n")[1], `  first: "${"x".repeat(40)}",`);
        const numbers = printed(Array.from({ length: 60 }, (_, i) => i));
        same(numbers.split("\n").length > 3, true);
        same(numbers.split("\n").every((line) => line.length <= 80), true);
        "##,
    );
}

#[test]
fn levels_counters_timers_and_groups() {
    check(
        r##"
        const calls = (action) => { lines.length = 0; action(); return lines; };
        same(calls(() => { console.debug(1); console.info(2); console.log(3); console.warn(4); console.error(5); }),
          [["debug", "1"], ["info", "2"], ["log", "3"], ["warn", "4"], ["error", "5"]]);
        same(calls(() => { console.count(); console.count("a"); console.count(); console.countReset(); console.count(); console.countReset("b"); }),
          [["log", "default: 1"], ["log", "a: 1"], ["log", "default: 2"], ["log", "default: 1"], ["warn", "Count for 'b' does not exist"]]);
        same(calls(() => { console.group("G"); console.log("a\nb"); console.group(); console.log("c"); console.groupEnd(); console.groupEnd(); console.groupEnd(); console.log("d"); }),
          [["log", "G"], ["log", "  a\n  b"], ["log", "    c"], ["log", "d"]]);
        const timed = calls(() => { console.time("t"); console.time("t"); console.timeLog("t", { a: 1 }); console.timeEnd("t"); console.timeEnd("t"); });
        same(timed[0], ["warn", "Timer 't' already exists"]);
        same(/^t: \d+\.\dms { a: 1 }$/.test(timed[1][1]), true);
        same(/^t: \d+\.\dms$/.test(timed[2][1]), true);
        same(timed[3], ["warn", "Timer 't' does not exist"]);
        same(calls(() => { console.assert(true, "no"); console.assert(false); console.assert(0, "%s!", "yes"); }),
          [["error", "Assertion failed"], ["error", "Assertion failed: yes!"]]);
        same(calls(() => console.dir({ a: { b: { c: 1 } } }, { depth: 0 })), [["log", "{ a: [Object] }"]]);
        const traced = calls(() => console.trace("here"));
        same(traced[0][1].startsWith("Trace: here\n    at "), true);
        same(Object.keys(console).length, 19);
        same(String(console), "[object console]");
        const { log } = console;
        same(calls(() => log("free")), [["log", "free"]]);
        "##,
    );
}

#[test]
fn tables_are_drawn() {
    check(
        r##"
        const table = (...values) => { lines.length = 0; console.table(...values); return lines[0][1]; };
        same(table([{ a: 1, b: "x" }, { a: 2 }]), [
          "┌───────┬───┬─────┐",
          "│ (idx) │ a │ b   │",
          "├───────┼───┼─────┤",
          '│ 0     │ 1 │ "x" │',
          "│ 1     │ 2 │     │",
          "└───────┴───┴─────┘"].join("\n"));
        same(table(["p"]).includes("Values"), true);
        same(table([{ a: 1, b: 2 }], ["b"]).includes(" a "), false);
        same(table(5), "5");
        same(table(new Map([["k", { v: 1 }]])).includes(" v "), true);
        "##,
    );
}

#[test]
fn what_is_printed_is_bounded() {
    let mut page = Page::new();
    let bounded = |context: &mut Context, script: &str| {
        let started = Instant::now();
        let script = format!("lines.length = 0; console.log({script}); lines[0][1].length");
        let length = context.eval_text(&script, None).expect("it prints");
        let length = length.as_number().expect("a length");
        assert!(
            length > 0.0 && length <= 17_000.0,
            "{script}: {length} characters"
        );
        // The value is made in this time too; a formatter without bounds needs minutes for some of
        // these.
        assert!(
            started.elapsed().as_secs() < 20,
            "{script}: {:?}",
            started.elapsed()
        );
    };
    for script in [
        "'x'.repeat(1e7)",
        "['x'.repeat(1e7)]",
        "(() => { for (let i = 0; i < 40; i++) console.group(); lines.length = 0; return '\\n'.repeat(1e5); })()",
        "(() => { console.clear(); return '\\n'.repeat(1e5); })()",
        "'%s%s'.repeat(10000), ...Array(100).fill('y'.repeat(1e5))",
        "new Uint8Array(1e7)",
        "new Array(4294967295)",
        "(() => { const a = []; for (let i = 0; i < 3e5; i++) a.push({ i }); return a; })()",
        "(() => { const a = []; for (let i = 0; i < 1e5; i++) a[i * 3] = i; return a; })()",
        "(() => { const o = {}; for (let i = 0; i < 2e4; i++) o['k' + i] = i; const l = Array(100).fill(o); return [l, l, l]; })()",
        "(() => { let o = 1; for (let i = 0; i < 1e5; i++) o = [o, o]; return o; })()",
        "(() => { let o = 1; for (let i = 0; i < 6; i++) o = Array(100).fill(o); return o; })()",
        "new Map(Array.from({ length: 1e5 }, (_, i) => [i, i]))",
        "2n ** 1000000n",
        "(() => { let e = new Error('x'); for (let i = 0; i < 1e4; i++) e = new Error('y', { cause: e }); return e; })()",
        "(() => { class A {} let p = {}; for (let i = 0; i < 1e5; i++) p = Object.create(p); return p; })()",
        "{ ['k'.repeat(1e6)]: Symbol('s'.repeat(1e6)) }",
    ] {
        bounded(&mut page.context, script);
    }
}
