//! Input that nobody wrote: whatever a program or a visitor sends, what reads it answers or throws an error, and never
//! panics. `scripts/fuzz` goes on for longer, from another seed each time.

use std::time::{Duration, Instant};

use boa_engine::object::builtins::{JsFunction, JsUint8Array};
use boa_engine::{Context, JsString, JsValue};
use town::isolate::web::clone::{deserialize, serialize};
use town::isolate::web::{self, multipart};
use town::wire::{self, Down, Up};

/// Inputs of the run that is a test; the one of the script is bounded by time.
const ROUNDS: u64 = 1_500;
/// No input gets longer by what is done to it.
const UNITS_MAX: usize = 2_000;

/// What reads a text, and texts that it takes.
const READERS: [(&str, &[&str]); 8] = [
    (
        "const url = new URL(text, 'http://a.test/b?c#d'); for (const part of ['href', 'host', 'port', 'protocol', 'pathname', 'search', 'hash', 'username']) url[part] = text; url.searchParams.append(text, text); return String(url);",
        &[
            "http://user:pass@[::1]:80/a/../b?q=1#f",
            "//ünï.test:99999/%zz",
            "file:///C:/x",
            "blob:http://a/b",
            "data:,x",
            "javascript:alert(1)",
        ],
    ),
    (
        "const all = new URLSearchParams(text); all.sort(); all.set('a', text); return [...all].join() + all;",
        &["?a=1&b=2&a=%F0%9F%98%80", "a+b=c%2", "&&==&"],
    ),
    (
        "const pattern = new URLPattern(text, 'http://a.test'); return [pattern.test('http://a.test/b/c'), pattern.exec(text)];",
        &[
            "/books/:id(\\d+)?",
            "https://*.test/:a*/(b|c)",
            "/a{/:b}+\\:",
            "(?<x>a)",
        ],
    ),
    (
        "const headers = new Headers([['x-a', text]]); headers.append(text, 'b'); headers.set('set-cookie', text); return [...headers].join() + headers.getSetCookie();",
        &[
            "text/html; charset=\"utf-8\"",
            "a, b, c",
            "x\u{0}y",
            "\u{e9}",
        ],
    ),
    (
        "return [new Response(text, { headers: { 'content-type': text } }).headers.get('content-type'), new Blob([text], { type: text }).type, new Request('http://a.test/', { method: text })];",
        &[
            "multipart/form-data; boundary=x",
            "application/json;;;",
            "POST",
            "get",
        ],
    ),
    (
        "return [btoa(text), atob(text), new TextDecoder(text).encoding];",
        &["aGVsbG8=", " a b c d ", "windows-1252", "UTF-8"],
    ),
    (
        "return new TextDecoder('utf-8', { fatal: text.length % 2 > 0 }).decode(new TextEncoder().encode(text)) + structuredClone({ [text]: text })[text] + new DOMException(text, text).code;",
        &["\u{1f600}", "a\u{301}"],
    ),
    (
        "const form = new FormData(); form.append(text, new File([text], text)); form.append(text, text); return [...form.keys()].join() + console.log(text, form, { [text]: [text] }) + new Event(text).type;",
        &["name=\"a\"\r\n", "%s %d %o %c"],
    ),
];

/// Pieces that are put between: what means something to one reader or another.
const PIECES: [&str; 24] = [
    "\u{0}",
    "\r\n",
    "--",
    "%",
    "%25",
    ":",
    "//",
    "[",
    "]",
    "{",
    "}",
    "(",
    ")",
    "\\",
    "?",
    "#",
    "&",
    "=",
    ";",
    "\"",
    "\u{fffd}",
    "\u{1f600}",
    "xn--",
    "\u{d7ff}",
];

/// A generator of numbers, the same from the same seed.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0
    }

    fn below(&mut self, end: usize) -> usize {
        let end = u64::try_from(end.max(1)).expect("a length");
        usize::try_from(self.next() % end).expect("below a length")
    }

    /// Changes some of the units: removes, repeats, replaces, and puts pieces between.
    fn mutate<T: Copy>(&mut self, units: &mut Vec<T>, any: impl Fn(u64) -> T, pieces: &[Vec<T>]) {
        for _ in 0..=self.below(6) {
            let at = self.below(units.len() + 1);
            let end = (at + self.below(12)).min(units.len());
            match self.below(5) {
                0 => drop(units.drain(at.min(end)..end)),
                1 => {
                    let copy = units[at.min(end)..end].to_vec();
                    units.splice(at..at, copy);
                }
                2 if at < units.len() => units[at] = any(self.next()),
                3 => units.insert(at, any(self.next())),
                _ if !pieces.is_empty() => {
                    let piece = pieces[self.below(pieces.len())].clone();
                    units.splice(at..at, piece);
                }
                _ => {}
            }
        }
        units.truncate(UNITS_MAX);
    }
}

#[allow(clippy::cast_possible_truncation, reason = "any unit is as good")]
fn unit(number: u64) -> u16 {
    // Half of them of one byte, so that texts of both kinds come about.
    if number & 1 == 0 {
        (number >> 8) as u16 & 0xff
    } else {
        (number >> 8) as u16
    }
}

#[allow(clippy::cast_possible_truncation, reason = "any byte is as good")]
fn byte(number: u64) -> u8 {
    (number >> 8) as u8
}

#[test]
fn no_input_panics_what_reads_it() {
    let number = |name: &str| {
        std::env::var(name)
            .ok()
            .and_then(|text| text.parse::<u64>().ok())
    };
    let seed = number("TOWN_FUZZ_SEED").unwrap_or(0x7077_6e21).max(1);
    let until = number("TOWN_FUZZ_SECONDS").map(|s| Instant::now() + Duration::from_secs(s));
    let mut random = Random(seed);
    let mut context = Context::default();
    web::install(&mut context).expect("the web APIs install");
    let readers: Vec<JsFunction> = READERS
        .iter()
        .map(|(code, _)| reader(code, &mut context))
        .collect();
    let pieces: Vec<Vec<u16>> = PIECES
        .iter()
        .map(|piece| piece.encode_utf16().collect())
        .collect();
    let form = b"--x\r\nContent-Disposition: form-data; name=\"a\"; filename=\"b\"\r\nContent-Type: text/plain\r\n\r\nbody\r\n--x--\r\n";
    let marks: Vec<Vec<u8>> = ["--x", "\r\n", "\r\n\r\n", "name=", "\"", "--"]
        .iter()
        .map(|mark| mark.as_bytes().to_vec())
        .collect();
    let value = context
        .eval_text("({ a: [1, 'x', new Map([[1n, new Date(0)]]), /x/g, new Uint8Array(3), new Error('e')] })", None)
        .expect("a value");
    let clone = serialize(&value, &mut context).expect("a clone");
    let mut frame = Vec::new();
    let up = Up::Track {
        names: vec!["a".into(), "b".into()],
    };
    wire::encode(&up, &mut frame).expect("a frame");
    let mut modules = (0, 0);
    let compiler = compiler(&mut context);
    let sample = wat::parse_str(MODULE).expect("the module is well-formed");
    let mut round = 0;
    let mut failures = 0;
    while until.map_or(round < ROUNDS, |until| Instant::now() < until) {
        round += 1;
        let which = random.below(READERS.len());
        let samples = READERS[which].1;
        let mut units: Vec<u16> = samples[random.below(samples.len())]
            .encode_utf16()
            .collect();
        random.mutate(&mut units, unit, &pieces);
        let text = JsValue::from(JsString::from(units.as_slice()));
        let answer = readers[which].call(&JsValue::undefined(), &[text], &mut context);
        let answer =
            answer.unwrap_or_else(|error| panic!("seed {seed}, round {round}: {error}: {units:?}"));
        failures += u64::from(answer.as_boolean() == Some(false));

        let mut body = form.to_vec();
        random.mutate(&mut body, byte, &marks);
        let _ = multipart::parse(&body, b"x");
        let mut bytes = clone.clone();
        random.mutate(&mut bytes, byte, &[]);
        let _ = deserialize(&bytes, &mut context);
        let mut bytes = sample.clone();
        random.mutate(&mut bytes, byte, &[]);
        let bytes = JsUint8Array::from_iter(bytes, &mut context).expect("an array");
        let compiled = compiler.call(&JsValue::undefined(), &[bytes.into()], &mut context);
        let compiled =
            compiled.unwrap_or_else(|error| panic!("seed {seed}, round {round}: {error}"));
        modules.0 += u64::from(compiled.as_boolean() == Some(true));
        modules.1 += 1;
        let mut bytes = frame.clone();
        random.mutate(&mut bytes, byte, &[]);
        let _ = wire::frame_length(&bytes);
        let _ = (wire::decode::<Up>(&bytes), wire::decode::<Down>(&bytes));
    }
    assert!(
        failures > round / 20,
        "only {failures} of {round} inputs were bad: they are no test"
    );
    assert!(failures < round, "no input was good");
    assert!(
        (1..modules.1 / 2).contains(&modules.0),
        "{modules:?}: of the modules some must be good, and most not"
    );
}

/// A module with something of each kind, and no loop: what is made of it may be called.
const MODULE: &str = r#"(module
  (import "a" "f" (func $f (param i32) (result i64)))
  (import "a" "g" (global i32))
  (memory (export "m") 1 2)
  (table (export "t") 2 funcref)
  (global (export "h") (mut f64) (f64.const 1))
  (func $one (export "one") (param i32 i32) (result i32)
    local.get 0 i32.load8_u local.get 1 i32.add
    (if (result i32) (i32.eqz (local.get 0)) (then i32.const 7) (else i32.const 8)) i32.mul)
  (func (export "two") (param f64) (result f64 i64) local.get 0 f64.sqrt global.get 0 call $f)
  (func (export "three") (param externref) (result externref) local.get 0)
  (elem (i32.const 0) $one)
  (data (i32.const 8) "data"))"#;

/// A function that makes an instance of bytes, and says whether it could; what it throws must be an error.
fn compiler(context: &mut Context) -> JsFunction {
    let source = "(bytes) => {
        try {
            const module = new WebAssembly.Module(bytes);
            WebAssembly.Module.exports(module), WebAssembly.Module.imports(module);
            const { exports } = new WebAssembly.Instance(module, new Proxy({}, { get: () => ({ f: () => 1n, g: 2 }) }));
            for (const value of Object.values(exports)) if (typeof value === 'function') value(1, 2);
            return true;
        } catch (error) {
            if (!(error instanceof Error)) throw new Error('thrown: ' + error);
            return false;
        }
    }";
    let function = context.eval_text(source, None);
    let function = function.expect("the code is right").as_object();
    function
        .and_then(JsFunction::from_object)
        .expect("it is a function")
}

/// A function that says whether the code took the text; what it throws must be an error.
fn reader(code: &str, context: &mut Context) -> JsFunction {
    let source = format!(
        "(text) => {{ try {{ (() => {{ {code} }})(); return true; }} catch (error) {{ if (!(error instanceof Error)) throw new Error('thrown: ' + error); return false; }} }}"
    );
    let function = context.eval_text(&source, None).expect("the code is right");
    let function = function.as_object().and_then(JsFunction::from_object);
    function.expect("it is a function")
}
