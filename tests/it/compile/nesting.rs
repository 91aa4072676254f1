use town::eval::compile::{CompileError, SourceKind, compile};

use super::engine::{links, options};

/// Stack of the threads that compile and run, as the processes have it.
const STACK_BYTES: usize = 64 << 20;

/// How something is nested: what comes before, what is repeated, the middle, what is repeated after it.
type Shape = (
    SourceKind,
    &'static str,
    &'static str,
    &'static str,
    &'static str,
);

const SHAPES: &[Shape] = &[
    (SourceKind::Js, "x=", "(", "1", ")"),
    (SourceKind::Js, "x=", "[", "1", "]"),
    (SourceKind::Js, "x=", "{a:", "1", "}"),
    (SourceKind::Js, "x=", "f(", "1", ")"),
    (SourceKind::Js, "x=", "(a)=>(", "1", ")"),
    (SourceKind::Js, "x=", "(a)=>{return ", "1", "}"),
    (SourceKind::Js, "x=", "a=>", "1", ""),
    (SourceKind::Js, "x=", "async a=>", "1", ""),
    (SourceKind::Js, "", "{", "1", "}"),
    (SourceKind::Js, "", "function f(){", "1", "}"),
    (SourceKind::Js, "x=", "function(){return ", "1", "}"),
    (SourceKind::Js, "x=", "{m(){return ", "1", "}}"),
    (SourceKind::Js, "x=", "class{x=", "1", "}"),
    (SourceKind::Js, "x=", "class extends(", "a", "){}"),
    (SourceKind::Js, "x=", "!", "1", ""),
    (SourceKind::Js, "x=", "- ", "1", ""),
    (SourceKind::Js, "x=", "typeof ", "1", ""),
    (SourceKind::Js, "x=", "await ", "1", ""),
    (SourceKind::Js, "x=", "new ", "a", ""),
    (SourceKind::Js, "var x;", "x=", "1", ""),
    (SourceKind::Js, "var x;", "x+=", "1", ""),
    (SourceKind::Js, "x=", "2**", "1", ""),
    (SourceKind::Js, "x=", "a?1:", "1", ""),
    (SourceKind::Js, "x=", "a?", "1", ":1"),
    (SourceKind::Js, "", "if(a){}else ", "{}", ""),
    (SourceKind::Js, "", "if(a)b();else ", "{}", ""),
    (SourceKind::Js, "", "if(a)", "1", ""),
    (SourceKind::Js, "", "for(;;)", "1", ""),
    (SourceKind::Js, "", "do ", "1", ";while(0)"),
    (SourceKind::Js, "", "try{", "1", "}finally{}"),
    (SourceKind::Js, "", "switch(1){case 1:", "1", "}"),
    (SourceKind::Js, "x=", "`${", "1", "}`"),
    (SourceKind::Js, "x=", "([a=", "1", "])=>1"),
    (SourceKind::Js, "x=", "({a=", "1", "})=>1"),
    (SourceKind::Js, "x=a", "+a", "", ""),
    (SourceKind::Js, "x=a", "+\n'b'", "", ""),
    (SourceKind::Js, "x=a", "&&a", "", ""),
    (SourceKind::Js, "x=a", "??a", "", ""),
    (SourceKind::Js, "x=a", ".b", "", ""),
    (SourceKind::Js, "x=a", "?.b", "", ""),
    (SourceKind::Js, "x=a", "?.[0]", "", ""),
    (SourceKind::Js, "x=a", "()", "", ""),
    (SourceKind::Js, "x=a", "\n.b(1)", "", ""),
    (SourceKind::Js, "x=a", "[0]", "", ""),
    (SourceKind::Js, "x=a", "``", "", ""),
    (SourceKind::Js, "x=(a", ",a", ")", ""),
    (SourceKind::Js, "a", ",a", "", ""),
    (SourceKind::Js, "x=", "((1+1)+", "1", ")"),
    (SourceKind::Jsx, "x=", "<a>", "", "</a>"),
    (SourceKind::Jsx, "x=", "<a>don't {", "1", "}</a>"),
    (SourceKind::Jsx, "x=", "<a b={", "1", "}/>"),
    (SourceKind::Ts, "let x:", "A<", "a", ">"),
    (SourceKind::Ts, "let x:", "(", "a", ")"),
    (SourceKind::Ts, "let x:", "(a:", "a", ")=>a"),
    (SourceKind::Ts, "type x=", "a extends b?1:", "1", ""),
    (SourceKind::Ts, "type x=", "keyof ", "a", ""),
    (SourceKind::Ts, "type x=", "(a)=>", "a", ""),
    (SourceKind::Ts, "x=a", "<a", "", ""),
    (SourceKind::Ts, "x=", "<a>", "a", ""),
    (SourceKind::Ts, "x=", "<A>(", "a", ")"),
    (SourceKind::Ts, "x=a", " as a", "", ""),
    (SourceKind::Ts, "x=a", "!", "", ""),
    (SourceKind::Ts, "", "namespace a{", "x", "}"),
    (SourceKind::Ts, "type x=a", "|a", "", ""),
    (SourceKind::Js, "", "{using a=null;", "x", "}"),
    (SourceKind::Js, "x=", "class{[", "a", "](){}}"),
    (SourceKind::Js, "x=", "class{x=super.m(", "1", ")}"),
    (SourceKind::Js, "x=", "class{@d accessor x=", "1", "}"),
    (SourceKind::Js, "x=", "class{@d m(){return ", "1", "}}"),
    (SourceKind::Js, "x=", "class{accessor x=", "1", "}"),
    (SourceKind::Js, "x=", "(a,b=a)=>{var a=", "1", "}"),
    (SourceKind::Jsx, "x=", "<a {...b} c={", "1", "}/>"),
    (SourceKind::Jsx, "x=", "<>a{b}", "", "</>"),
];

/// What takes the parser or a pass twice as long with each level, so that it is refused early.
const DOUBLED: &[&str] = &["class extends(", "<A>("];

fn source((_, before, open, middle, close): Shape, times: usize) -> String {
    format!(
        "{before}{}{middle}{}",
        open.repeat(times),
        close.repeat(times)
    )
}

fn on_a_stack<T: Send + 'static>(task: impl FnOnce() -> T + Send + 'static) -> T {
    std::thread::Builder::new()
        .stack_size(STACK_BYTES)
        .spawn(task)
        .unwrap()
        .join()
        .unwrap()
}

#[test]
fn anything_nested_without_end_is_an_error_with_its_line() {
    for shape in SHAPES {
        let source = format!("\n\n{}", source(*shape, 100_000));
        match compile(&source, &options(shape.0)) {
            Err(CompileError::TooDeep { diagnostic }) => {
                assert!(diagnostic.line >= 3, "{shape:?}: {diagnostic}");
            }
            other => panic!("{shape:?}: {:?}", other.map(|compiled| compiled.code.len())),
        }
    }
}

/// The deepest that is accepted must survive the compiler and the engine on the stack they are given.
#[test]
fn the_deepest_accepted_survives_the_engine() {
    for shape in SHAPES {
        let accepted = |times: usize| {
            let shape = *shape;
            on_a_stack(
                move || match compile(&source(shape, times), &options(shape.0)) {
                    Err(CompileError::TooDeep { .. }) => None,
                    Ok(compiled) => Some(compiled.code),
                    Err(error) => panic!("{shape:?} times {times}: {error}"),
                },
            )
        };
        let (mut deep, mut too_deep) = (1, 20_000);
        while too_deep - deep > deep / 20 + 1 {
            let middle = (deep + too_deep) / 2;
            if accepted(middle).is_some() {
                deep = middle
            } else {
                too_deep = middle
            }
        }
        assert!(
            deep >= if DOUBLED.contains(&shape.2) { 10 } else { 40 },
            "{shape:?} only {deep}"
        );
        let code = accepted(deep).unwrap();
        if let Err(error) = on_a_stack(move || links(&code)) {
            panic!("{shape:?} times {deep}: {error}");
        }
    }
}

#[test]
fn chains_within_brackets_add_up() {
    // The first operand of each chain holds the next bracket: the syntax tree is as deep as all of them.
    let link = "+a".repeat(1_000);
    let source = format!("x={}1{}", "(".repeat(150), format!("){link}").repeat(150));
    let error = compile(&source, &options(SourceKind::Js)).unwrap_err();
    assert!(matches!(error, CompileError::TooDeep { .. }), "{error}");
}

#[test]
fn long_is_not_deep() {
    let many = 20_000;
    for source in [
        "a = 1;\n".repeat(many),
        "a = 1\n".repeat(many),
        "a()\n".repeat(many),
        "if (a) b()\nelse c()\n".repeat(many),
        "if (a) { b() }\n".repeat(many),
        "do { b() } while (a)\n".repeat(many),
        "const f = (a) => a + 1\nvar g = `x${f(1)}`\n"
            .replace("const", "var")
            .repeat(many),
        "x = a ? b : c, y = !d;\n".repeat(many),
        "x = /[(\\/]'\"`/g, y = a / b / c;\n".repeat(many),
        "function f() { return /}/ }\nclass A_ { m() {} get x() { return 1 } }\n"
            .replace("class A_", "x = class")
            .repeat(many / 4),
        format!(
            "x = [{}]",
            "{ a: 1, b: [-1, !0], c: 'it\\'s' },\n".repeat(many)
        ),
        format!(
            "x = {{{}}}",
            "'a': a ? 1 : 2, f(a, b) { return a },\n".repeat(many)
        ),
        format!("f({})", "a.b.c, ".repeat(many)),
        format!("var {}z", "a = 1, ".repeat(4_000)),
        format!("switch (a) {{ {} }}", "case 1: a(); break\n".repeat(many)),
        format!("switch (a) {{ {} }}", "case 1:\n".repeat(many)),
        format!("x = `{}`", "${a} 'it's {(\n".repeat(many)),
    ] {
        let start = &source[..source.len().min(60)];
        let result = compile(&source, &options(SourceKind::Js));
        assert!(result.is_ok(), "{start}: {}", result.unwrap_err());
    }
    let types = "interface A { a: string\n b?: (a: A<B>) => C | D\n c: { d: E[] } }\ntype F<T> = T extends G ? H : I;\n";
    compile(&types.repeat(many / 10), &options(SourceKind::Ts)).unwrap();
    let element = "<p class=\"it's\">Don't (or {a < b ? <b>do</b> : 'not'} <br/> [see]</p>\n";
    let page = format!(
        "x = <>{}</>; f = <T,>(a: T) => a; y = a < b",
        element.repeat(many / 4)
    );
    compile(&page, &options(SourceKind::Tsx)).unwrap();
}
