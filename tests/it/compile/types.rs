use town::eval::compile::{CompileError, SourceKind, compile};

use super::engine::{options, value};

#[track_caller]
fn evaluates(source: &str, expected: &str) {
    assert_eq!(value(SourceKind::Ts, source), expected, "{source}");
}

#[track_caller]
fn refused(source: &str, expected: &str) {
    let error = compile(source, &options(SourceKind::Ts)).unwrap_err();
    assert!(matches!(error, CompileError::Syntax { .. }));
    assert!(error.to_string().contains(expected), "{error}");
}

#[test]
fn types_are_erased() {
    evaluates(
        "interface A<T = string> { a: T; [key: string]: unknown }
        type B = A<number> & { readonly b?: `x${string}` } | keyof A | (new () => A);
        declare const q: number; declare function g(): void; declare module 'x' { } declare global { }
        abstract class P<T> { abstract m(): void; declare x: number; y!: string; protected z?: number = 1;
          static readonly s: number = 2; constructor(); constructor(a?: T) {} }
        class Q extends P<string> implements Object { override m(): void {} private n(this: Q): asserts this is Q {} }
        function f(a: string): string; function f(a: number): number; function f(a: any) { return a }
        const g1 = <T,>(x: T): T => x, g2 = async <const T extends object>(x: T) => x;
        let t: [a: string, b?: number] | undefined; let u: unique symbol; let v: typeof import('x');
        const o = { a: 1 } satisfies object, c = ['a'] as const;
        export const r = f<number>(o.a!) + (<any>1) + (c.length as unknown as number) + P.s + (new Q() as any).z;",
        "6",
    );
}

#[test]
fn enums_count_and_look_back() {
    evaluates(
        "enum E { A, B = 5, C, S = 's', D = C << 1 } export const r = [E.A, E.C, E.S, E[5], E.D]",
        r#"[0,6,"s","B",12]"#,
    );
    evaluates(
        "const enum C { X = 1, Y = X << 2 } export const r = C.Y",
        "4",
    );
    evaluates(
        "export const enum C { X = 1 } export enum D { Y = C.X } export const r = D.Y",
        "1",
    );
}

#[test]
fn namespaces_nest_and_merge() {
    evaluates(
        "namespace N { export const a = 1; export namespace M { export function f() { return a } } }
        namespace N { export const b = N.a + 1; } import B = N.b; function N2() {} namespace N2 { export let x = 3 }
        export const r = [N.M.f(), N.b, B, N2.x]",
        "[1,2,2,3]",
    );
}

#[test]
fn parameter_properties_are_assigned() {
    evaluates(
        "class A { constructor(private a: number, public readonly b = 2, protected c?: string) {}
          sum() { return this.a + this.b } }
        class B extends A { constructor(override readonly b: number) { super(1, b) } }
        export const r = [new A(1).sum(), new B(5).sum(), Object.keys(new A(1))]",
        r#"[3,6,["a","b","c"]]"#,
    );
}

#[test]
fn unused_imports_go_with_or_without_type() {
    evaluates(
        "import type { T } from 'nowhere'; import { type U, a } from 'library'; import { V } from 'nowhere2';
        import W from 'nowhere3'; import * as X from 'nowhere4'; export type { T }; export { type U as Y } from 'library';
        let v: V = 1 as W; let x: X.Z; export const r = a",
        "1",
    );
}

#[test]
fn an_import_for_its_effects_stays() {
    let compiled = super::engine::compiled(SourceKind::Ts, "import 'a'; import {} from 'b';");
    assert!(compiled.code.contains("'a'"), "{}", compiled.code);
}

#[test]
fn words_of_the_type_language_are_names() {
    evaluates(
        "let type = 1, declare = 2, namespace = 3, module = 4, abstract = 5, readonly = 6, is = 7, asserts = 8,
        infer = 9, keyof = 10, satisfies = 11, out = 12, accessor = 13, of = 14, as = 15, from = 16, get = 17, set = 18;
        type = declare; export const r = type + namespace + of + set",
        "37",
    );
}

#[test]
fn javascript_that_looks_like_types_stays_javascript() {
    assert_eq!(
        value(
            SourceKind::Js,
            "const a = 1, b = 2, c = 0; export const r = a < b > (c)"
        ),
        "true"
    );
}

#[test]
fn what_belongs_to_commonjs_is_refused() {
    refused(
        "const a = 1; export = a;",
        "Export assignment cannot be used",
    );
    refused(
        "import fs = require('fs'); fs.x;",
        "Import assignment cannot be used",
    );
}
