use town::eval::compile::{Positions, SourceKind, map_stack};

use super::engine::{Outcome, compiled, run, stack};

/// The places of a stack, innermost first, as `function line:column`.
#[track_caller]
fn places(kind: SourceKind, source: &str) -> Vec<String> {
    let stack = stack(kind, source);
    let frames = stack.lines().filter_map(|line| {
        let (function, place) = line.trim().strip_prefix("at ")?.split_once(" (main:")?;
        Some(format!("{function} {}", place.trim_end_matches(')')))
    });
    frames.collect()
}

#[test]
fn removed_types_and_lines_do_not_move_positions() {
    let source = "interface A { a: number }

type B = A;
function f(x: A): number {
  const y: number = x.a;

  throw new Error(`two
lines ${y}`);
}
enum E { A = 1 }

class C { constructor(private a: number) {}
  m<T>(b?: T): void { f({ a: this.a as number } as B); }
}
new C(E.A).m<string>();
";
    assert_eq!(
        places(SourceKind::Ts, source),
        ["f 7:9", "<main> 13:23", "<main> 15:13"]
    );
}

#[test]
fn a_failed_read_is_where_it_is_written() {
    let source = "const o: any = undefined;\n\n  o.x.y(1);";
    assert_eq!(places(SourceKind::Ts, source), ["<main> 3:5"]);
    let source = "const o: any = {};\n\n  foo(1,\n   o.x(2), 3);\nfunction foo(...a: any[]) {}";
    assert_eq!(places(SourceKind::Ts, source), ["<main> 4:7"]);
}

#[test]
fn statements_on_one_line_are_told_apart() {
    let source = "const a: any = {}; a.b = 1; a.c.d = 2; a.e = 3;";
    assert_eq!(places(SourceKind::Ts, source), ["<main> 1:29"]);
}

#[test]
fn jsx_is_where_its_tag_is() {
    let source = "const C = (p: {}) => {
  throw new TypeError('x');
};
export const r = <div>
  <C />
</div>;";
    assert_eq!(places(SourceKind::Tsx, source), ["C 2:9", "<main> 5:3"]);
}

#[test]
fn columns_are_counted_in_utf16_whatever_the_line_holds() {
    let source = "const s = 'é€👍'; type X = 1; throw new Error(s);";
    assert_eq!(places(SourceKind::Ts, source), ["<main> 1:37"]);
    let source = "const s = `é\u{2028}€👍`; /* 👍 */ throw new Error(s);";
    assert_eq!(places(SourceKind::Ts, source), ["<main> 1:35"]);
    let source = "const s = `a\r\nb`;\r\n\r\n throw new Error('é' + s);\r\n";
    assert_eq!(places(SourceKind::Ts, source), ["<main> 4:8"]);
}

#[test]
fn lowered_code_keeps_its_positions() {
    let source = "{\n  using x = {\n    [Symbol.dispose]() { throw new Error('d') } };\n  x;\n}";
    assert_eq!(places(SourceKind::Ts, source)[0], "<main> 3:32");
    let source = "class A { [(() => 'm')()]() {\n return missing; }\n}\n\n new A().m();";
    assert_eq!(
        places(SourceKind::Ts, source).last().unwrap(),
        "<main> 5:11"
    );
    let source = "function f(a: any, b = a) {\n  var a = a;\n\n  return b.c.d;\n}\nf(1);";
    assert_eq!(places(SourceKind::Ts, source), ["f 4:14", "<main> 6:1"]);
    let source = "const d: any = (f: any) => f;\nclass A {\n  @d m() {\n    throw new Error('x');\n  }\n}\nnew A().m();";
    assert_eq!(
        places(SourceKind::Ts, source),
        ["<main> 4:11", "<main> 7:10"]
    );
}

#[test]
fn async_functions_have_positions() {
    let source = "await (async () => {\n  await 1;\n  throw new Error('x');\n})();";
    assert_eq!(places(SourceKind::Ts, source)[0], "<main> 3:9");
}

#[test]
fn the_compact_form_says_the_same() {
    let source =
        "type A = 1;\nconst é = '👍';\nfunction f(): A { return 1 }\n\nclass B { x = f() }\nf();\n";
    let compiled = compiled(SourceKind::Ts, source);
    let positions = Positions::parse(&compiled.map, &compiled.code).unwrap();
    let bytes = positions.to_bytes();
    assert_eq!(Positions::from_bytes(&bytes).unwrap(), positions);
    assert!(bytes.len() < compiled.map.len());
    assert!(positions.original(1, 1).is_some());
    assert_eq!(positions.original(0, 0), None);
    assert_eq!(positions.original(1_000, 1), None);
    assert!(Positions::from_bytes(&bytes[..bytes.len() - 1]).is_err());
    assert!(Positions::from_bytes(&[0xff; 40]).is_err());
}

#[test]
fn a_map_that_is_none_is_an_error() {
    for map in [
        "",
        "{}",
        "[]",
        r#"{"mappings":"!"}"#,
        r#"{"mappings":"AAAAAAAA"}"#,
    ] {
        assert!(Positions::parse(map, "").is_err(), "{map}");
    }
    assert!(
        Positions::parse(r#"{"mappings":"AAAA;;A,CADA"}"#, "").is_err(),
        "a negative line"
    );
}

#[test]
fn frames_of_unknown_modules_stay_as_they_are() {
    let compiled = compiled(SourceKind::Ts, "type A = 1;\nthrow new Error('x')");
    let positions = Positions::parse(&compiled.map, &compiled.code).unwrap();
    let lookup = |specifier: &str| (specifier == "https://a.b/c.ts").then_some(&positions);
    let stack = "    at f (https://a.b/c.ts:1:7)\n    at <main> (other:1:7)\n    at g (native)\n    at  (1 (https://a.b/c.ts:1:1)\nError: (https://a.b/c.ts:9:9)";
    let mapped = "    at f (https://a.b/c.ts:2:7)\n    at <main> (other:1:7)\n    at g (native)\n    at  (1 (https://a.b/c.ts:2:1)\nError: (https://a.b/c.ts:9:9)";
    assert_eq!(map_stack(stack, lookup), mapped);
}

#[test]
fn the_map_names_its_source_and_leaves_it_out() {
    let compiled = compiled(SourceKind::Ts, "const secret: number = 1;");
    let map = compiled.map_of("\"main\".ts");
    let named: serde_json::Value = serde_json::from_str(&map).expect("JSON");
    assert_eq!(named["sources"], serde_json::json!(["\"main\".ts"]));
    assert!(!map.contains("secret"), "{map}");
    assert_eq!(run(&compiled.code), Outcome::Value("undefined".to_owned()));
}
