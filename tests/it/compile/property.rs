use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::{Index, select};
use town::eval::compile::{CompileError, SourceKind, compile};

use super::engine::{links, options};

/// Pieces that exercise what is lowered, and what the scanner of nesting must not trip over.
const PIECES: &[&str] = &[
    "export default async (x) => x;",
    "import { of } from 'a';",
    "import async from 'b';",
    "class A { [k]() {} static { this.x = 1 } x = super.m(); #p = 1 }",
    "using x = null;",
    "await using y = f();",
    "for (using z of []) {}",
    "@d class B { @d accessor m = 1 }",
    "function f(a, b = a) { var a; return a }",
    "const o = { async, using, of, get x() { return 1 } };",
    "enum E { A = 1, B }",
    "namespace N { export const a = 1 }",
    "let v: Array<Map<string, number[]>> = [];",
    "type T = A extends B ? `x${C}` : never;",
    "<div a={1}>don't {x}</div>;",
    "<></>;",
    "`a${`b${c}`}`;",
    "/[/]\\/(/g;",
    "a?.b?.[0]?.(1);",
    "label: for (;;) { break label }",
    "if (a) b(); else if (c) d();",
    "async: for (;;) { continue async }",
    "export { f as default, o as 'x y' };",
    "export * as ns from 'c';",
    "'use strict';",
    "x = y => ({ ...y });",
    "try { } catch { } finally { }",
    "yield;",
    "await 1;",
    "(",
    ")",
    "{",
    "}",
    "[",
    "]",
    "<",
    ">",
    "/",
    "`",
    "${",
    "'",
    "\"",
    "//",
    "/*",
    "*/",
    ";",
    ",",
    "=>",
    "\\",
    "\n",
    "\u{2028}",
    "é",
    "👍",
    "\0",
    "#",
    "@",
    "...",
    "?.",
    "class",
    "function",
    "async",
    "using",
    "of",
    "new",
    "import",
    "export",
];

fn kind() -> impl Strategy<Value = SourceKind> {
    select(
        &[
            SourceKind::Ts,
            SourceKind::Tsx,
            SourceKind::Js,
            SourceKind::Jsx,
        ][..],
    )
}

/// Declarations of which any selection, in any order, is a module.
const DECLARATIONS: &[&str] = &[
    "export const a$ = 1, { b$, ...c$ } = { b$: 2 };",
    "export default async (x) => x;",
    "class A$ { [(() => { var q = 1; return q })()]() {} static m = class { ['x' + a0]() {} } }",
    "class B$ extends Object { x = () => super.toString(); y = super.z }",
    "function f$(a, b = a, { c = b } = {}) { var a = c, c; return { a, c } }",
    "{ using x = null; const y$ = x; }",
    "using u$ = null;",
    "for (using x of []) { x; }",
    "async function g$() { await using x = null; for await (using y of []) { } return x }",
    "const async$ = (using) => using, d$ = (v, c) => {};",
    "class C$ { accessor x = 1; @((v) => v) m() {} }",
    "export function* h$() { yield* [1, `${2}`, /[/]/g] }",
    "let k$ = a0?.b?.[0] ?? (a0 ||= 1);",
    "switch (a0) { case 1: { let x$ = 1 } default: }",
    "l$: for (const [i, j] of []) { if (i) continue l$; else break }",
    "import { of as of$ } from 'x$';",
    "import def$ from 'y$' with { type: 'json' };",
    "export { a0 as 'n$ x' };",
    "const o$ = { async *m() {}, get [a0]() { return new.target }, async: 1, of() {} };",
    "try { a0 } catch ({ message: m$ }) { } finally { }",
];

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, failure_persistence: None, ..Default::default() })]

    #[test]
    fn no_source_makes_the_compiler_panic(
        pieces in vec(select(PIECES), 0..12),
        cuts in vec(any::<Index>(), 0..4),
        kind in kind(),
    ) {
        let mut source: Vec<char> = pieces.join(" ").chars().collect();
        for cut in cuts {
            if !source.is_empty() {
                source.remove(cut.index(source.len()));
            }
        }
        let source: String = source.into_iter().collect();
        answers(&source, kind)?;
    }

    #[test]
    fn whatever_is_text_is_answered(source in "\\PC{0,80}", kind in kind()) {
        answers(&source, kind)?;
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 150, failure_persistence: None, ..Default::default() })]

    #[test]
    fn what_compiles_is_understood_by_the_engine(
        picks in vec(0..DECLARATIONS.len(), 1..8),
        typed in any::<bool>(),
    ) {
        let mut source = "let a0 = 1;\n".to_owned();
        let mut has_default = false;
        for (index, pick) in picks.into_iter().enumerate() {
            let declaration = DECLARATIONS[pick];
            if declaration.starts_with("export default") && std::mem::replace(&mut has_default, true) {
                continue;
            }
            source.push_str(&declaration.replace('$', &(index + 1).to_string()));
            source.push('\n');
        }
        let kind = if typed { SourceKind::Ts } else { SourceKind::Js };
        let compiled = compile(&source, &options(kind));
        prop_assert!(compiled.is_ok(), "{source}\n{compiled:?}");
        let code = compiled.unwrap().code;
        // What is imported does not exist; only the parsing is of interest then.
        let parsed = if code.contains("import ") { parses(&code) } else { links(&code) };
        prop_assert!(parsed.is_ok(), "{source}\n---\n{code}\n{parsed:?}");
    }
}

/// There is an answer, and it is not a fault of the compiler's.
fn answers(source: &str, kind: SourceKind) -> Result<(), TestCaseError> {
    if let Err(CompileError::Internal { message }) = compile(source, &options(kind)) {
        // The parser asserts this of itself in builds with assertions; without them it reports the end of the file.
        prop_assert!(
            message.contains("without knowing current token"),
            "{source}\n{message}"
        );
    }
    Ok(())
}

fn parses(code: &str) -> Result<(), String> {
    let mut context = boa_engine::Context::default();
    boa_engine::Module::parse_text(code, None, &mut context)
        .map(drop)
        .map_err(|error| error.to_string())
}
