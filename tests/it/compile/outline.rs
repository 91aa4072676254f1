use town::eval::compile::{Import, SourceKind};

use super::engine::compiled;

fn import(specifier: &str, line: u32, column: u32, dynamic: bool) -> Import {
    Import {
        specifier: specifier.to_owned(),
        line,
        column,
        dynamic,
        attributes: Vec::new(),
        names: Vec::new(),
    }
}

#[test]
fn every_way_of_importing_is_listed() {
    let source = "import a from 'a';
import * as b from \"b\";
import 'c';
export * from 'd'; export * as e2 from 'e'; export { x } from 'f';
const g = await import('g'), h = () => import(`h`);
import(a + b);
type T = typeof import('types'); import type { U } from 'types'; import { V } from 'unused';";
    let mut imports = compiled(SourceKind::Ts, source).imports;
    let names: Vec<String> = imports.iter_mut().flat_map(|i| i.names.drain(..)).collect();
    assert_eq!(names, ["default", "x"]);
    assert_eq!(
        imports,
        [
            import("a", 1, 15, false),
            import("b", 2, 20, false),
            import("c", 3, 8, false),
            import("d", 4, 15, false),
            import("e", 4, 40, false),
            import("f", 4, 63, false),
            import("g", 5, 24, true),
            import("h", 5, 47, true),
        ]
    );
}

#[test]
fn attributes_are_kept_and_listed() {
    let source = "import a from 'a' with { type: 'json' }; export { b } from 'b' with { 'type': 'text', x: 'y' };
export * from 'c' with { type: 'bytes' }; await import('d', { with: { type: 'json' } }); a;";
    let compiled = compiled(SourceKind::Ts, source);
    let attributes: Vec<Vec<(&str, &str)>> = compiled
        .imports
        .iter()
        .map(|one| {
            one.attributes
                .iter()
                .map(|(key, value)| (&**key, &**value))
                .collect()
        })
        .collect();
    let expected: [&[(&str, &str)]; 4] = [
        &[("type", "json")],
        &[("type", "text"), ("x", "y")],
        &[("type", "bytes")],
        &[("type", "json")],
    ];
    assert_eq!(attributes, expected);
    assert!(compiled.code.contains("with"), "{}", compiled.code);
}

#[test]
fn what_jsx_imports_is_listed() {
    let compiled = compiled(SourceKind::Tsx, "\n\nexport default () => <a></a>;");
    let mut jsx = import("react/jsx-runtime", 1, 1, false);
    jsx.names = vec!["jsx".to_owned()];
    assert_eq!(compiled.imports, [jsx]);
}

#[test]
fn every_way_of_exporting_is_listed() {
    let source = "export const a = 1, { b, c: [d = 1, ...e], ...f } = { b: 1, c: [] };
export let g: number; export function h() {} export async function* i() {} export class J {}
const k = 1; export { k, k as l, k as 'm n', k as default };
export * from 'x'; export * from 'y'; export * as n from 'x'; export { o, default as p } from 'x';
export enum Q { A } export namespace R { export const s = 1 }
export type T = 1; export interface U {} export type { T as V }; export declare const w: number;";
    assert_eq!(
        compiled(SourceKind::Ts, source).exports,
        [
            "a", "b", "d", "e", "f", "g", "h", "i", "J", "k", "l", "m n", "default", "*", "n", "o",
            "p", "Q", "R"
        ]
    );
}

#[test]
fn default_exports_of_every_kind_are_listed() {
    for source in [
        "export default 1",
        "export default function () {}",
        "export default function f() {}",
        "export default class {}",
        "export default async (x) => x",
        "export default { fetch() {} }",
        "using a = null; export default 1",
        "const d = (c) => c; export default @d class {}",
    ] {
        assert_eq!(
            compiled(SourceKind::Js, source).exports,
            ["default"],
            "{source}"
        );
    }
}

#[test]
fn renamed_bindings_are_exported_as_they_are_called() {
    let source =
        "export const async = 1; export function using() {} import { of } from 'x'; export { of };";
    assert_eq!(
        compiled(SourceKind::Ts, source).exports,
        ["async", "using", "of"]
    );
}
