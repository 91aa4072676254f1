//! What goes wrong, as the visitor is told and as the author is told: the error table.

use reqwest::Method;
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::serving::{endpoint, header, id, run_of, save};
use crate::town::{OWNER, PATIENCE, Town};
use crate::watching::logged;

/// What no visitor may see of a val that fails: a word in its source, one in its message, places.
fn assert_tells_nothing(text: &str) {
    for secret in [
        "SOURCE_WORD",
        "MESSAGE_WORD",
        ".ts",
        "main:",
        "    at ",
        "/tmp/",
        "/proc/",
    ] {
        assert!(!text.contains(secret), "{secret} is in {text}");
    }
}

/// The error in the record of the newest run that failed.
async fn error_of(town: &Town, made: &Value) -> Value {
    let run = run_of(town, id(made), |run| !run["error"].is_null()).await;
    let mut error = run["error"].clone();
    error["outcome"] = run["outcome"].clone();
    error
}

/// Line and column, from 1, of a text in a source; the text must be there once.
fn place(source: &str, text: &str) -> (usize, usize) {
    assert_eq!(source.matches(text).count(), 1, "{text}");
    let before = &source[..source.find(text).expect("it is there")];
    let line = before.matches('\n').count() + 1;
    let column = before.rsplit('\n').next().expect("a line").chars().count() + 1;
    (line, column)
}

/// Whether a stack names a file at a line, at a column within the text that failed.
fn names_place(stack: &str, file: &str, source: &str, text: &str) -> bool {
    let (line, first) = place(source, text);
    let last = first + text.chars().count();
    (first..=last).any(|column| {
        let place = format!("{file}:{line}:{column}");
        stack.match_indices(&place).any(|(at, _)| {
            let next = stack[at + place.len()..].chars().next();
            !next.is_some_and(|next| next.is_ascii_digit())
        })
    })
}

#[tokio::test]
async fn a_visitor_is_told_that_a_val_failed_and_nothing_else() {
    let town = Town::start().await;
    let handlers = [
        ("threw", "throw new Error('MESSAGE_WORD')"),
        (
            "rejected",
            "return Promise.reject(new TypeError('MESSAGE_WORD'))",
        ),
        ("threwText", "throw 'MESSAGE_WORD'"),
        ("threwNull", "throw null"),
        (
            "threwHostile",
            "throw { get message() { throw 1 }, get stack() { throw 2 }, toString() { throw 3 } }",
        ),
        ("nothing", "return undefined"),
        ("text", "return 'MESSAGE_WORD'"),
        (
            "object",
            "return { status: 200, headers: {}, MESSAGE_WORD: 1 }",
        ),
        ("deep", "const again = () => again() + 1; return again()"),
        ("missing", "return SOURCE_WORD.nothing"),
    ];
    for (name, body) in handlers {
        let code =
            format!("const hidden = 'SOURCE_WORD';\nexport default async () => {{ {body} }}");
        let made = town.val(name, &code).await;
        for (address, accept) in [
            (endpoint(&made).to_string(), "text/html"),
            (endpoint(&made).to_string(), "*/*"),
            (format!("/run/alice/{name}/"), "text/html"),
        ] {
            let request = town.bare(Method::GET, &address).header("accept", accept);
            let answer = request.send().await.expect("an answer");
            assert_eq!(answer.status(), 500, "{name}");
            let html = header(&answer, "content-type").starts_with("text/html");
            assert_eq!(html, accept == "text/html", "{name}");
            let text = answer.text().await.expect("a body");
            assert!(text.contains("This val "), "{name}: {text}");
            assert_tells_nothing(&text);
        }
        let error = error_of(&town, &made).await;
        assert!(
            error["message"]
                .as_str()
                .is_some_and(|text| !text.is_empty()),
            "{name}: {error}"
        );
        assert_eq!(town.get("/").await.status(), 200, "{name}");
    }
}

#[tokio::test]
async fn the_author_is_told_what_was_thrown_and_that_nothing_was_answered() {
    let town = Town::start().await;
    let cases = [
        (
            "threw",
            "throw new RangeError('too far')",
            "RangeError: too far",
        ),
        (
            "rejected",
            "return Promise.reject(new Error('later'))",
            "later",
        ),
        ("threwText", "throw 'a text'", "a text"),
        ("nothing", "return undefined", "Response"),
        ("number", "return 5", "Response"),
        (
            "caused",
            "throw new Error('outer', { cause: new Error('inner') })",
            "outer",
        ),
    ];
    for (name, body, words) in cases {
        let made = town
            .val(name, &format!("export default async () => {{ {body} }}"))
            .await;
        assert_eq!(town.run(name).await.0, 500);
        let error = error_of(&town, &made).await;
        assert_eq!(error["outcome"], "exception", "{name}: {error}");
        let told = format!("{} {}", error["message"], error["stack"]);
        assert!(told.contains(words), "{name}: {words:?} is not in {told}");
    }
}

const TYPED: &str = r#"// A file whose places move when it is compiled.
interface Shape {
  readonly name: string;
  sides?: number;
}

enum Colour {
  Red = 1,
  Green,
}

type Pair<T> = [T, T];

abstract class Base<T extends Shape> {
  constructor(private readonly shape: T, protected colour: Colour = Colour.Green) {}
  abstract area(): number;
  describe(this: Base<T>): string {
    const pair: Pair<number> = [1, 2] as const satisfies readonly number[] as unknown as Pair<number>;
    return (this.shape.name as string) + pair.length + fail<Shape>(this.shape);
  }
}

class Square extends Base<Shape> {
  override area(): number { return 1; }
}

function fail<T>(value: T): string {
  const none = undefined as unknown as { deep: { er: string } };
  return none!.deep.er + value;
}

export default async function (req: Request): Promise<Response> {
  await Promise.resolve<void>(undefined);
  return new Response(new Square({ name: "q" }).describe());
}
"#;

#[tokio::test]
async fn an_error_names_line_and_column_of_the_typescript_the_author_wrote() {
    let town = Town::start().await;
    let made = town.val_of("typed", &[("main.ts", "http", TYPED)]).await;
    assert_eq!(made["diagnostics"], json!([]));
    assert_eq!(town.run("typed").await.0, 500);
    let error = error_of(&town, &made).await;
    let stack = error["stack"].as_str().expect("a stack");
    assert!(stack.contains("TypeError"), "{stack}");
    for text in [
        "none!.deep.er",
        "fail<Shape>(this.shape)",
        "new Square({ name: \"q\" }).describe()",
    ] {
        assert!(
            names_place(stack, "main.ts", TYPED, text),
            "{text} is not in {stack}"
        );
    }
    // By the innermost first.
    let at = |text: &str| stack.find(&format!("main.ts:{}:", place(TYPED, text).0));
    assert!(
        at("none!.deep.er") < at("fail<Shape>(this.shape)"),
        "{stack}"
    );
}

const PAGE: &str = r#"/** @jsx make */
/** @jsxFragment null */
import { price } from "./parts/price.ts";

type Child = string | number;

function make(tag: string | ((props: object) => string), props: object | null, ...children: Child[]): string {
  return typeof tag === "function" ? tag({ ...props, children }) : `<${tag}>${children.join("")}</${tag}>`;
}

const Item = ({ amount }: { amount?: number }): string => (
  <li>
    {price(amount as number)}
  </li>
);

export default (req: Request) =>
  new Response(<ul><Item amount={new URL(req.url).pathname.length - 2} /></ul>);
"#;

const PRICE: &str = r#"export type Amount = number;

export const enum Currency { Euro = "EUR" }

export function price(amount: Amount): string {
  if (amount < 0) {
    throw new RangeError(`No price: ${amount}`);
  }
  return amount.toFixed(2) + Currency.Euro;
}
"#;

#[tokio::test]
async fn a_method_of_undefined_and_a_name_that_is_not_there_are_placed() {
    let town = Town::start().await;
    let wrap = |line: &str| {
        format!(
            "type T = 1;\nconst none: any = undefined;\nexport default () => {{\n  \
             const one = 1;\n  {line}\n  return new Response(String(one));\n}};\n"
        )
    };
    for (name, line) in [
        ("method", "none.method();"),
        ("name", "notDefined;"),
        ("called", "notCalled();"),
    ] {
        let source = wrap(line);
        let made = town.val_of(name, &[("main.ts", "http", &source)]).await;
        assert_eq!(town.run(name).await.0, 500);
        let error = error_of(&town, &made).await;
        let stack = error["stack"].as_str().expect("a stack");
        assert!(
            names_place(stack, "main.ts", &source, line),
            "{name}: {stack}"
        );
    }
}

#[tokio::test]
async fn an_error_in_an_imported_file_names_that_file_and_the_jsx_that_called_it() {
    let town = Town::start().await;
    let files = [
        ("main.tsx", "http", PAGE),
        ("parts/price.ts", "script", PRICE),
    ];
    let made = town.val_of("priced", &files).await;
    assert_eq!(made["diagnostics"], json!([]));
    let fine = town.text("/run/alice/priced/long").await;
    assert_eq!(fine, (200, "<ul><li>3.00EUR</li></ul>".into()));
    assert_eq!(town.run("priced").await.0, 500);
    let error = error_of(&town, &made).await;
    let stack = error["stack"].as_str().expect("a stack");
    assert!(stack.contains("RangeError: No price: -1"), "{stack}");
    let thrown = "throw new RangeError(`No price: ${amount}`)";
    assert!(
        names_place(stack, "parts/price.ts", PRICE, thrown),
        "{stack}"
    );
    assert!(
        names_place(stack, "main.tsx", PAGE, "price(amount as number)"),
        "{stack}"
    );
}

#[tokio::test]
async fn an_error_in_another_vals_module_names_that_val() {
    let town = Town::start().await;
    town.val_of("library", &[("main.ts", "script", PRICE)])
        .await;
    let code = "import { price } from \"https://esm.town/v/alice/library/main.ts\";\n\
        export default () => new Response(price(-1));\n";
    let made = town.val("uses", code).await;
    assert_eq!(town.run("uses").await.0, 500);
    let error = error_of(&town, &made).await;
    let stack = error["stack"].as_str().expect("a stack");
    let thrown = "throw new RangeError(`No price: ${amount}`)";
    assert!(
        names_place(stack, "alice/library@0-main/main.ts", PRICE, thrown),
        "{stack}"
    );
    assert!(names_place(stack, "main.tsx", code, "price(-1)"), "{stack}");
}

#[tokio::test]
async fn a_console_error_and_a_caught_stack_have_the_authors_places_too() {
    let town = Town::start().await;
    let code = "type T = number;\nenum E { A }\nexport default () => {\n  \
        try { JSON.parse('{'); } catch (error) { console.error(error); }\n  \
        return new Response((new Error('made') as Error).stack);\n};\n";
    let made = town.val_of("caught", &[("main.ts", "http", code)]).await;
    let (status, _) = town.run("caught").await;
    assert_eq!(status, 200);
    let line = crate::serving::line_of(&town, id(&made), "SyntaxError").await;
    let text = line["text"].as_str().expect("a text");
    assert!(
        names_place(text, "main.ts", code, "JSON.parse('{')"),
        "{text}"
    );
}

#[tokio::test]
async fn what_does_not_load_is_a_500_and_the_author_is_told_file_line_and_column() {
    let town = Town::start().await;
    let fine = "export default () => new Response('fine')";
    let syntax = "type A = 1;\nexport default () => new Response(SOURCE_WORD 1);\n";
    let throws = "enum E { A }\nconst hidden = 'SOURCE_WORD';\nthrow new Error('at load');\nexport default () => new Response('')\n";
    let export = "type A = 1;\nimport { nothing } from './other.ts';\nexport default () => new Response(nothing)\n";
    let module =
        "type A = 1;\nimport { a } from './missing.ts';\nexport default () => new Response(a)\n";
    let package = "import a from 'some-package';\nexport default () => new Response(a)\n";
    let cases = [
        ("syntax", syntax, "SOURCE_WORD 1", "", true),
        (
            "throws",
            throws,
            "throw new Error('at load')",
            "at load",
            false,
        ),
        ("export", export, "", "nothing", false),
        (
            "module",
            module,
            "import { a } from './missing.ts'",
            "missing.ts",
            true,
        ),
        (
            "package",
            package,
            "import a from 'some-package'",
            "some-package",
            true,
        ),
    ];
    for (name, source, text, words, diagnosed) in cases {
        let other = ("other.ts", "script", "export const something = 1");
        let made = town
            .val_of(name, &[("main.ts", "http", source), other])
            .await;
        assert_eq!(
            made["diagnostics"] != json!([]),
            diagnosed,
            "{name}: {}",
            made["diagnostics"]
        );
        if diagnosed {
            let diagnostic = &made["diagnostics"][0];
            assert_eq!(diagnostic["path"], "main.ts", "{name}");
            let (line, first) = place(source, text);
            assert_eq!(diagnostic["line"], line, "{name}: {diagnostic}");
            let column = diagnostic["column"].as_u64().expect("a column") as usize;
            assert!(
                (first..=first + text.len()).contains(&column),
                "{name}: {diagnostic}"
            );
        }
        let (status, told) = town.run(name).await;
        assert_eq!(
            (status, told.as_str()),
            (500, "This val could not be loaded\n"),
            "{name}"
        );
        let error = error_of(&town, &made).await;
        assert_eq!(error["outcome"], "load", "{name}: {error}");
        let told = format!("{} {}", error["message"], error["stack"]);
        assert!(told.contains(words), "{name}: {words:?} is not in {told}");
        if !text.is_empty() && !text.starts_with("import") {
            assert!(
                names_place(&told, "main.ts", source, text),
                "{name}: {told}"
            );
        }
        assert!(told.contains("main.ts"), "{name}: {told}");
        // Saving a good one is all it takes.
        save(&town, id(&made), "main.ts", fine).await;
        assert_eq!(town.run(name).await, (200, "fine".into()), "{name}");
    }
}

#[tokio::test]
async fn a_body_that_says_it_is_too_large_is_refused_before_it_is_sent() {
    let town = Town::start().await;
    let made = town
        .val(
            "upload",
            "export default async (req) => new Response(await req.text())",
        )
        .await;
    for path in ["/run/alice/upload/", "/api/town/vals"] {
        let head = format!(
            "POST {path} HTTP/1.1\r\nHost: localhost\r\nContent-Length: 99999999999\r\n\r\n"
        );
        let answer = raw(&town, head.as_bytes()).await;
        assert!(answer.starts_with("HTTP/1.1 413 "), "{answer}");
    }
    assert_eq!(town.get(endpoint(&made)).await.status(), 200);
}

#[tokio::test]
async fn a_head_that_is_too_large_is_a_431() {
    let town = Town::start().await;
    let long = format!(
        "GET / HTTP/1.1\r\nHost: localhost\r\nX-Long: {}\r\n\r\n",
        "x".repeat(128 << 10)
    );
    let many = (0..200)
        .map(|number| format!("X-{number}: 1\r\n"))
        .collect::<String>();
    let many = format!("GET / HTTP/1.1\r\nHost: localhost\r\n{many}\r\n");
    let path = format!(
        "GET /{} HTTP/1.1\r\nHost: localhost\r\n\r\n",
        "x".repeat(128 << 10)
    );
    for (head, status) in [(long, "431"), (many, "431"), (path, "4")] {
        let answer = raw(&town, head.as_bytes()).await;
        assert!(
            answer.starts_with(&format!("HTTP/1.1 {status}")),
            "{answer}"
        );
    }
    // What is within the limit passes, and reaches the val.
    town.val(
        "long",
        "export default (req) => new Response(req.headers.get('x-long').length)",
    )
    .await;
    let request = town
        .bare(Method::GET, "/run/alice/long/")
        .header("x-long", "x".repeat(16 << 10));
    let text = request
        .send()
        .await
        .expect("an answer")
        .text()
        .await
        .expect("a body");
    assert_eq!(text, (16 << 10).to_string());
}

#[tokio::test]
async fn what_is_no_http_is_a_400() {
    let town = Town::start().await;
    for head in [
        "nonsense\r\n\r\n",
        "GET / HTTP/9.9\r\nHost: localhost\r\n\r\n",
        "GET  / HTTP/1.1\r\nHost: localhost\r\n\r\n",
        "GET / HTTP/1.1\r\nbad header\r\nHost: localhost\r\n\r\n",
        "GET / HTTP/1.1\r\n\r\n",
        "GET / HTTP/1.1\r\nHost: a b\r\n\r\n",
        "GET / HTTP/1.1\r\nHost: localhost\r\nContent-Length: x\r\n\r\n",
        "\u{0}\u{1}\u{2}\u{3}\r\n\r\n",
    ] {
        let answer = raw(&town, head.as_bytes()).await;
        assert!(answer.starts_with("HTTP/1.1 400 "), "{head:?}: {answer}");
    }
    assert_eq!(town.get("/").await.status(), 200);
}

#[tokio::test]
async fn what_cannot_be_served_is_refused_without_asking_the_val() {
    let town = Town::start().await;
    let made = town
        .val("any", "export default (req) => new Response(req.method)")
        .await;
    for method in ["TRACE", "CONNECT"] {
        let head = format!("{method} /run/alice/any/ HTTP/1.1\r\nHost: localhost\r\n\r\n");
        let answer = raw(&town, head.as_bytes()).await;
        let status = answer.split(' ').nth(1).expect("a status");
        assert!(matches!(status, "400" | "405"), "{method}: {answer}");
    }
    let custom = Method::from_bytes(b"PURGE").expect("a method");
    let answer = town
        .bare(custom, endpoint(&made))
        .send()
        .await
        .expect("an answer");
    assert_eq!(
        (
            answer.status().as_u16(),
            answer.text().await.expect("a body")
        ),
        (200, "PURGE".into())
    );
}

#[tokio::test]
async fn an_unknown_val_is_a_404_that_says_the_same_to_everybody() {
    let town = Town::start().await;
    let files = json!([{ "path": "main.ts", "type": "script", "content": "export const a = 1" }]);
    let body = json!({ "name": "hidden", "privacy": "private", "files": files });
    assert_eq!(
        town.api(Method::POST, "/api/town/vals", Some(body)).await.0,
        201
    );
    // One that may not be seen is told from one that is not there by nothing.
    for path in [
        "/@alice/NAME",
        "/v/alice/NAME",
        "/api/v2/alias/vals/alice/NAME",
        "/run/alice/NAME/",
    ] {
        let (status, hidden) = town.text(&path.replace("NAME", "hidden")).await;
        let (_, absent) = town.text(&path.replace("NAME", "absent")).await;
        assert_eq!(status, 404, "{path}");
        assert_eq!(
            hidden.replace("hidden", "NAME"),
            absent.replace("absent", "NAME"),
            "{path}"
        );
    }
    let answer = town.get(&format!("/run/{OWNER}/absent/")).await;
    assert_eq!(answer.text().await.expect("a body"), "HTTP val not found\n");
}

#[tokio::test]
async fn more_requests_than_there_is_room_for_are_told_to_come_again() {
    let town = Town::start_with(&["--max-requests", "2"]).await;
    let code = "let open: () => void;\nconst gate = new Promise<void>((resolve) => { open = resolve; });\n\
        export default async (req: Request) => {\n  \
        if (new URL(req.url).pathname === '/open') { open(); return new Response('opened'); }\n  \
        return new Response(new ReadableStream({ async start(c) { c.enqueue(new Uint8Array([33])); await gate; c.close(); } }));\n};\n";
    let made = town.val("gate", code).await;
    let held = town.get(endpoint(&made)).await;
    let held_too = town.get(endpoint(&made)).await;
    let refused = town.get(endpoint(&made)).await;
    assert_eq!(refused.status(), 503);
    assert_ne!(header(&refused, "retry-after"), "");
    drop(held);
    // The place of one that left is free again.
    let at = format!("{}/open", endpoint(&made));
    crate::serving::eventually("room", async || {
        (town.get(&at).await.status() == 200).then_some(())
    })
    .await;
    let counted = town.request(Method::GET, "/api/town/metrics");
    let counted = counted.send().await.expect("an answer");
    let counted = counted.text().await.expect("a body");
    let refusals = counted
        .split("\ntown_requests_refused_total ")
        .nth(1)
        .and_then(|rest| rest.lines().next()?.parse().ok());
    assert!(refusals >= Some(1), "{counted}");
    assert!(
        counted.contains("\ntown_runs_total{outcome=\"ok\"} "),
        "{counted}"
    );
    assert_eq!(held_too.text().await.expect("a body"), "!");
}

/// Sends bytes and reads what comes back until the end, or the end of what was announced.
async fn raw(town: &Town, bytes: &[u8]) -> String {
    let (address, host) = town.door();
    let bytes = String::from_utf8_lossy(bytes).replace("localhost", &host);
    let exchange = async {
        let stream = TcpStream::connect(address).await.expect("a connection");
        let (mut read, mut write) = stream.into_split();
        // It may answer and close before it has read everything.
        let sending = tokio::spawn({
            let bytes = bytes.clone();
            async move {
                let _ = write.write_all(bytes.as_bytes()).await;
                write
            }
        });
        let mut text = String::new();
        let mut buffer = [0; 4096];
        while !text.contains("\r\n\r\n") {
            match read.read(&mut buffer).await {
                Ok(count @ 1..) => text.push_str(&String::from_utf8_lossy(&buffer[..count])),
                Ok(_) | Err(_) => break,
            }
        }
        drop(sending);
        text
    };
    tokio::time::timeout(PATIENCE, exchange)
        .await
        .expect("an answer in time")
}

#[tokio::test]
async fn a_program_hears_of_rejections_that_nobody_handles_and_of_those_handled_late() {
    let town = Town::start().await;
    let code = r#"
addEventListener("unhandledrejection", (event) => {
  event.preventDefault();
  console.log("unhandled", event.reason);
});
addEventListener("rejectionhandled", (event) => console.log("handled", event.reason));
addEventListener("error", (event) => {
  event.preventDefault();
  console.log("error", event.error.message);
});
export default async () => {
  const promise = Promise.reject("late");
  await new Promise((done) => setTimeout(done, 1));
  promise.catch(() => {});
  setTimeout(() => { throw new Error("thrown"); });
  await new Promise((done) => setTimeout(done, 5));
  reportError(new Error("reported"));
  return new Response("fine");
};"#;
    let val = town.val("rejections", code).await;
    assert_eq!(town.run("rejections").await, (200, "fine".into()));
    for line in [
        "unhandled late",
        "handled late",
        "error thrown",
        "error reported",
    ] {
        logged(&town, &val, line).await;
    }
}
