use town::eval::compile::{CompileError, SourceKind, compile};

use super::engine::options;

fn error(kind: SourceKind, source: &str) -> CompileError {
    compile(source, &options(kind)).unwrap_err()
}

/// Line, column and excerpt of the first diagnostic.
fn place(kind: SourceKind, source: &str) -> (u32, u32, String) {
    let error = error(kind, source);
    let diagnostic = error.diagnostic().unwrap();
    assert!(!diagnostic.message.is_empty());
    (
        diagnostic.line,
        diagnostic.column,
        diagnostic.excerpt.clone(),
    )
}

#[test]
fn an_error_has_the_authors_place_and_a_caret() {
    let source = "const a: number = 1;\n\n  const b = = 2;\n";
    let (line, column, excerpt) = place(SourceKind::Ts, source);
    assert_eq!((line, column), (3, 13));
    assert_eq!(excerpt, "  const b = = 2;\n            ^");
}

#[test]
fn columns_are_counted_in_utf16() {
    let (line, column, excerpt) = place(SourceKind::Ts, "\u{feff}const é = '👍' = 2;");
    assert_eq!((line, column), (1, 11));
    assert_eq!(excerpt, "const é = '👍' = 2;\n          ^");
    let (_, column, excerpt) = place(SourceKind::Js, "f('👍'); \t= 2;");
    assert_eq!((column, &*excerpt), (11, "f('👍'); \t= 2;\n        \t^"));
}

#[test]
fn the_end_of_the_file_is_a_place() {
    let (line, column, _) = place(SourceKind::Ts, "function f() {\n  if (a) {\n");
    assert!((2..=3).contains(&line), "{line}:{column}");
    assert!(matches!(
        error(SourceKind::Ts, "("),
        CompileError::Syntax { .. }
    ));
}

#[test]
fn errors_the_parser_recovers_from_are_errors_all_the_same() {
    let source = "const a;\nlet b = 1;\nconst c;\nwith (b) {}\n";
    let CompileError::Syntax { diagnostics } = error(SourceKind::Js, source) else {
        panic!()
    };
    let lines: Vec<u32> = diagnostics.iter().map(|one| one.line).collect();
    assert!(lines.len() >= 2, "{diagnostics:?}");
    assert!(lines.is_sorted(), "{lines:?}");
}

#[test]
fn a_long_line_is_shown_around_the_column() {
    let source = format!(
        "const a = '{}'; const b = = 1; {}",
        "x".repeat(5_000),
        "y;".repeat(5_000)
    );
    let (_, column, excerpt) = place(SourceKind::Js, &source);
    assert_eq!(column, 5_025);
    let (line, caret) = excerpt.split_once('\n').unwrap();
    assert!(line.chars().count() <= 160);
    assert_eq!(
        line.chars().nth(caret.chars().count() - 1),
        Some('='),
        "{excerpt}"
    );
}

#[test]
fn too_much_source_is_refused_unread() {
    let source = " ".repeat((4 << 20) + 1);
    let error = error(SourceKind::Js, &source);
    assert_eq!(
        error,
        CompileError::TooLarge {
            bytes: (4 << 20) + 1,
            max: 4 << 20
        }
    );
    assert!(error.diagnostic().is_none());
}

#[test]
fn what_cannot_be_lowered_is_refused_where_it_is() {
    for (source, message, line, column) in [
        (
            "\nswitch (1) { case 1: using x = null; }",
            "needs a block",
            2,
            22,
        ),
        ("class A {\n m(@inject x) {} }", "parameters", 2, 4),
        ("@(\n @a class {}) class B {}", "within a decorator", 2, 2),
        ("\n import source x from 'x'; x;", "`import source`", 2, 2),
        (
            "\n import defer * as x from 'x'; x;",
            "`import defer`",
            2,
            2,
        ),
    ] {
        let error = error(SourceKind::Ts, source);
        assert!(error.to_string().contains(message), "{error}");
        let diagnostic = error.diagnostic().unwrap();
        assert_eq!(
            (diagnostic.line, diagnostic.column),
            (line, column),
            "{source}"
        );
    }
}

#[test]
fn an_error_survives_the_way_between_processes() {
    let error = error(SourceKind::Ts, "let = ;");
    let bytes = postcard::to_allocvec(&error).unwrap();
    assert_eq!(postcard::from_bytes::<CompileError>(&bytes).unwrap(), error);
}
