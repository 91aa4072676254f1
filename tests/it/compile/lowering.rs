use town::eval::compile::{Options, SourceKind, compile};

use super::engine::{compiled, options, value};

#[track_caller]
fn evaluates(source: &str, expected: &str) {
    assert_eq!(value(SourceKind::Js, source), expected, "{source}");
    assert_eq!(
        value(SourceKind::Ts, source),
        expected,
        "as TypeScript: {source}"
    );
}

#[test]
fn async_default_exports_parse_and_keep_their_name() {
    for default in [
        "async (x) => x",
        "async x => x",
        "async function () {}",
        "async function* () {}",
        "function () {}",
        "function* () {}",
        "class {}",
        "() => {}",
        "(async () => {})",
    ] {
        let source =
            format!("export default {default};\nimport f from 'main'; export const r = f.name");
        evaluates(&source, r#""default""#);
    }
    evaluates(
        "export default async function named() {} export const r = named.name",
        r#""named""#,
    );
    evaluates("export default (async () => 1)(); export const r = 1", "1");
    evaluates("export default async (x) => x\nexport const r = 1", "1");
}

#[test]
fn an_export_list_may_end_the_file() {
    evaluates("const r = 1; export { r }", "1");
    evaluates("const r = 1; export { r }; export * from 'library'", "1");
}

#[test]
fn names_the_engine_takes_for_keywords_can_be_imported() {
    evaluates(
        "import { of, async, using } from 'library'; export const r = [of, async, using]",
        r#"["of","async","using"]"#,
    );
    evaluates(
        "import { of as a, async as b } from 'library'; export const r = a + b",
        r#""ofasync""#,
    );
    evaluates(
        "import of from 'library'; export const r = of",
        r#""default""#,
    );
    evaluates(
        "import async, { using } from 'library'; export const r = async + using",
        r#""defaultusing""#,
    );
    evaluates(
        "import of, * as using from 'library'; export const r = of + using.of",
        r#""defaultof""#,
    );
    evaluates(
        "import { null as a, true as b, await as c, let as d, 'x y' as e } from 'library'; export const r = a + b + c + d + e",
        "5",
    );
    evaluates(
        "export { of as async, using, null as x } from 'library'; import { async, x } from 'main'; export const r = async + x",
        r#""of1""#,
    );
}

#[test]
fn names_the_engine_takes_for_keywords_can_be_bound() {
    evaluates(
        "let using = 3; using += 1; const o = { using }; export const r = [using, o]",
        r#"[4,{"using":4}]"#,
    );
    evaluates(
        "const { using, async = 2, ...of } = { using: 1, z: 3 }; export const r = [using, async, of]",
        r#"[1,2,{"z":3}]"#,
    );
    evaluates(
        "let using, async; ({ using, async = 5 } = { using: 1 }); [using] = [2]; export const r = [using, async]",
        "[2,5]",
    );
    evaluates(
        "const async = (x) => x; export const r = async(1) + async (2)",
        "3",
    );
    evaluates(
        "async function f(using) { return await using } export const r = await f(1)",
        "1",
    );
    evaluates(
        "export const async = 1; export function using() { return async } import * as m from 'main'; export const r = m.async + m.using()",
        "2",
    );
    evaluates(
        "var _async = 1, async = 2; { let _async = 3, async = 4; var s = _async + async } export const r = [_async, async, s]",
        "[1,2,7]",
    );
    evaluates(
        "let n = 0; async: for (;;) { using: for (;;) { if (n++) break async; continue using } } export const r = n",
        "2",
    );
    evaluates(
        "const o = { async: 1, using() { return 2 }, of: 3 }; class A { async = 4; using = 5 } export const r = o.async + o.using() + new A().async",
        "7",
    );
    evaluates(
        "export default async; var async = 1; import d from 'main'; export const r = String(d)",
        r#""undefined""#,
    );
}

#[test]
fn computed_method_keys_may_use_any_variable() {
    evaluates(
        "class A { [(() => { var a = 1; return 'm' + a })()]() { return 1 } } export const r = new A().m1()",
        "1",
    );
    evaluates(
        "function f(k) { return () => class { [k]() { return 1 } } } export const r = new (f('m')())().m()",
        "1",
    );
    evaluates(
        "const k = 'm'; class A { static [(() => k)()]() { return 1 } } export const r = A.m()",
        "1",
    );
    evaluates(
        "const f = (k) => [1].map(() => class { get [k]() { return 1 } })[0]; export const r = new (f('m'))().m",
        "1",
    );
    evaluates(
        "const f = (k, C = class { async *[k]() { yield 1 } }) => C; export const r = Object.getOwnPropertyNames(f('m').prototype)",
        r#"["constructor","m"]"#,
    );
    evaluates(
        "export default class { static [(() => 'm')()]() { return this.name } } import D from 'main'; export const r = D.m()",
        r#""default""#,
    );
    evaluates(
        "export class A { static [(() => 'm')()]() { return this.name } } export const r = A.m()",
        r#""A""#,
    );
    evaluates(
        "const s = []; for (const k of ['a', 'b']) s.push(class { [k]() { return k } }); export const r = s.map((C, i) => new C()['ab'[i]]())",
        r#"["a","b"]"#,
    );
    evaluates(
        "function f() { 'use strict'; class A { [f.k]() { return this === undefined } } return A } f.k = 'm'; export const r = (0, new (f())().m)()",
        "true",
    );
    evaluates(
        "switch (1) { default: var C = class { [(() => 'm')()]() { return 1 } } } export const r = new C().m()",
        "1",
    );
}

#[test]
fn computed_keys_are_evaluated_in_order() {
    evaluates(
        "const log = []; const at = (x) => (log.push(x), x);
        class A extends (at('base'), Object) { [at('a')]() {} static [at('b')] = at('value'); get [at('c')]() { return 1 } [at('d')] = 1 }
        export const r = log",
        r#"["base","a","b","c","d","value"]"#,
    );
}

#[test]
fn classes_whose_keys_move_keep_their_names() {
    evaluates(
        "const k = 'm'; const A = class { [k]() {} }; let B; B = class { [k]() {} }; const o = { C: class { [k]() {} } };
        const D = class E { [k]() {} }; export const r = [A.name, B.name, o.C.name, D.name]",
        r#"["A","B","C","E"]"#,
    );
}

#[test]
fn super_works_in_field_initializers() {
    evaluates(
        "class B { m() { return 1 } get g() { return 2 } } class A extends B { x = super.m(); f = () => super.g; #p = super.m() + 1;
        o = { __proto__: { z: 7 }, m() { return super.z } }; static s = super.toString.name; p() { return this.#p } m() { return 9 } }
        const a = new A(); export const r = [a.x, a.f(), a.p(), a.o.m(), A.s]",
        r#"[1,2,2,7,"toString"]"#,
    );
}

#[test]
fn a_variable_of_a_parameters_name_starts_as_the_parameter() {
    evaluates(
        "export const r = (function (a, b = a) { var a; return a + b })(1)",
        "2",
    );
    evaluates(
        "export const r = ((a, b = () => a) => { var a = 5; return [a, b()] })(1)",
        "[5,1]",
    );
    evaluates(
        "export const r = (function (a, { b = 2 }) { for (var a = 0, n = a; a < 3; a++); return { a, b, n } })(9, {})",
        r#"{"a":3,"b":2,"n":0}"#,
    );
    evaluates(
        "class A { constructor(a, b = 1) { var a = a || 2; this.x = a + b } m(c = 1) { if (0) { var c } return c } } export const r = new A().x + new A().m()",
        "4",
    );
    evaluates(
        "export const r = (function (a, b = 1) { function a() { return 3 } var a; return a() })(1)",
        "3",
    );
    evaluates(
        "export const r = ((a, b = 1) => { var a; const f = () => ({ a }); a = 2; return f() })(1)",
        r#"{"a":2}"#,
    );
}

#[test]
fn using_disposes_in_reverse_at_the_end_of_its_block() {
    evaluates(
        "const log = []; const d = (n) => ({ n, [Symbol.dispose]() { log.push('-' + n) } });
        { log.push('a'); using x = d('x'); log.push('b'); using y = d('y'), z = null; log.push(x.n + y.n + z) } log.push('c'); export const r = log.join()",
        r#""a,b,xynull,-y,-x,c""#,
    );
    evaluates(
        "const log = []; function f() { 'use strict'; using x = { [Symbol.dispose]() { log.push('d') } }; return log.length } export const r = [f(), log]",
        r#"[0,["d"]]"#,
    );
}

#[test]
fn await_using_awaits() {
    evaluates(
        "const log = []; async function f() { await using x = { async [Symbol.asyncDispose]() { await 0; log.push('x') } };
        await using y = { [Symbol.dispose]() { log.push('y') } }; log.push('body'); return 1 } log.push(await f()); export const r = log.join()",
        r#""body,y,x,1""#,
    );
}

#[test]
fn using_in_a_loop_disposes_each_time() {
    evaluates(
        "const log = []; const all = [1, 2, 3].map((n) => ({ n, [Symbol.dispose]() { log.push(-n) } }));
        for (using x of all) { if (x.n === 2) continue; log.push(x.n) } for await (await using x of all) { log.push(x.n); break } export const r = log.join()",
        r#""1,-1,-2,3,-3,1,-1""#,
    );
}

#[test]
fn errors_of_disposal_suppress_those_before() {
    evaluates(
        "let e; try { using x = { [Symbol.dispose]() { throw new Error('x') } }; using y = { [Symbol.dispose]() { throw new Error('y') } }; throw new Error('body') } catch (error) { e = error }
        export const r = [e.name, e.error.message, e.suppressed.error.message, e.suppressed.suppressed.message]",
        r#"["SuppressedError","x","y","body"]"#,
    );
    evaluates(
        "let e; try { using x = {} } catch (error) { e = error.name } export const r = e",
        r#""TypeError""#,
    );
}

#[test]
fn using_at_the_top_level_leaves_exports_alone() {
    evaluates(
        "export let r = []; using x = { n: 1, [Symbol.dispose]() { r.push('disposed', a, C.x, f(), q, E.name) } };
        import def from 'library'; export const a = x.n; export class C { static x = a + 1 } class E {} export function f() { return a + 2 }
        export const { q, ...z } = { q: 4 }; export default class { static d = def } import D from 'main'; r.push(D.d, z);",
        r#"["default",{},"disposed",1,2,3,4,"E"]"#,
    );
}

#[test]
fn decorators_run_as_the_standard_says() {
    evaluates(
        "const log = []; const d = (value, context) => { log.push(context.kind + ' ' + String(context.name)) };
        @d class A { @d m() {} @d x = 1; @d accessor y = 2; @d get z() { return 1 } @d static s() {} @d #p = 1 } export const r = log",
        r##"["method s","method m","accessor y","getter z","field x","field #p","class A"]"##,
    );
    evaluates(
        "const twice = () => () => (x) => x * 2; class A { @twice() x = 2; @twice() @twice() y = 2 } export const r = [new A().x, new A().y]",
        "[4,8]",
    );
    evaluates(
        "const plus = (f) => function (...a) { return f.apply(this, a) + 1 }; class A { k = 5; @plus m(a) { return a + this.k } } export const r = new A().m(1)",
        "7",
    );
    evaluates(
        "const sub = (C) => class extends C { extra = 1 }; @sub class A { static self = A } export const r = [new A().extra, A.self === A]",
        "[1,true]",
    );
    evaluates(
        "const d = (C, { addInitializer }) => { addInitializer(function () { this.z = 1 }) }; @d class A {} export const r = A.z",
        "1",
    );
    evaluates(
        "const d = (v) => ({ get() { return v.get.call(this) * 2 }, init: (x) => x + 1 }); class A { @d accessor n = 4 } export const r = new A().n",
        "10",
    );
    evaluates(
        "const d = (C) => C; export default @d class {} export @d class B {} @d export class C {} export const r = [B.name, C.name]",
        r#"["B","C"]"#,
    );
}

#[test]
fn accessor_needs_no_decorator() {
    evaluates(
        "class A { accessor x = 1; static accessor y = 2; accessor #z = 3; z() { return this.#z++ + this.#z } } const a = new A(); a.x++;
        export const r = [a.x, A.y, a.z(), Object.keys(a)]",
        "[2,2,7,[]]",
    );
}

#[test]
fn what_the_engine_understands_is_left_alone() {
    let source = "class A {\n    #x = 1;\n    static *[Symbol.iterator]() {}\n    m(a, b = a) {\n        var c = a ?? b;\n        return c ** 2;\n    }\n}\nexport default A;\n";
    assert_eq!(compiled(SourceKind::Js, source).code, source);
}

#[test]
fn a_hashbang_and_a_byte_order_mark_are_tolerated() {
    evaluates("#!/usr/bin/env -S deno run\nexport const r = 1", "1");
    evaluates("\u{feff}export const r = 1", "1");
    evaluates("\u{feff}#!/bin/sh\nexport const r = 1", "1");
}

#[test]
fn what_belongs_to_modules_stays() {
    evaluates(
        "const m = await import('library'); export const r = [m.a, typeof import.meta]",
        r#"[1,"object"]"#,
    );
}

#[test]
fn globals_go_by_authority_only_in_code_that_runs_here() {
    let source = "addEventListener('x', () => {}); console.log(process.env.A, Deno.args);";
    let here = compiled(SourceKind::Js, source);
    assert!(here.code.contains("town:globals"), "{}", here.code);
    let elsewhere = Options {
        runs_here: false,
        ..options(SourceKind::Js)
    };
    let elsewhere = compile(source, &elsewhere).unwrap();
    assert!(!elsewhere.code.contains("town:"), "{}", elsewhere.code);
}
