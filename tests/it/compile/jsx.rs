use town::eval::compile::{Options, SourceKind, compile};

use super::engine::{compiled, options, value};

#[test]
fn elements_call_the_runtime_of_the_options() {
    let source = "export const r = <p>{[1, 2].map((n: number) => <b key={n}>{n}</b>)}</p>";
    assert_eq!(
        value(SourceKind::Tsx, source),
        r#""<p><b>1</b><b>2</b></p>""#
    );
    let preact = Options {
        jsx_import_source: Some("https://esm.sh/preact".to_owned()),
        ..options(SourceKind::Tsx)
    };
    let compiled = compile(source, &preact).unwrap();
    assert_eq!(
        compiled.imports[0].specifier,
        "https://esm.sh/preact/jsx-runtime"
    );
}

#[test]
fn a_pragma_names_another_runtime() {
    let source = "/** @jsxImportSource https://esm.sh/preact */\nexport const r = <><i>don't</i> &amp; {1}</>;";
    let compiled = compiled(SourceKind::Tsx, source);
    assert_eq!(
        compiled.imports[0].specifier,
        "https://esm.sh/preact/jsx-runtime"
    );
    assert_eq!(value(SourceKind::Tsx, source), r#""<i>don't</i> & 1""#);
}

#[test]
fn the_older_pragmas_name_functions() {
    let source = "/** @jsx h */\n/** @jsxFrag F */\nimport { h } from 'library'; const F = 'f';
        export const r = <p a='1' {...{ b: 2 }}><>x</></p>";
    let expected = r#""p{\"a\":\"1\",\"b\":2}fnullx""#;
    assert_eq!(value(SourceKind::Tsx, source), expected);
    assert_eq!(value(SourceKind::Jsx, source), expected);
    assert_eq!(compiled(SourceKind::Tsx, source).imports.len(), 1);
}

#[test]
fn spread_attributes_and_namespaced_names_work() {
    let source = "const p = { title: 'a' }; const C = ({ title, kids }) => `${title}${kids}`;
        export const r = [<C {...p} kids={1} />, <a.B {...p} kids='2' />];
        var a; a = { B: C };";
    let late = source
        .replace("var a; a = { B: C };", "")
        .replace("export", "const a = { B: C }; export");
    assert_eq!(value(SourceKind::Jsx, &late), r#"["a1","a2"]"#);
}

#[test]
fn a_generic_arrow_is_not_an_element() {
    let source = "const f = <T,>(x: T) => x, g = <T extends number>(x: T): T => x; export const r = f(1) + g(2)";
    assert_eq!(value(SourceKind::Tsx, source), "3");
}

#[test]
fn without_jsx_in_its_name_a_file_has_none() {
    assert!(compile("const a = <b></b>;", &options(SourceKind::Ts)).is_err());
    assert!(compile("const a = <b></b>;", &options(SourceKind::Js)).is_err());
}
