//! What a request costs in the web APIs, apart from the program: the bridge's calls.

use boa_engine::builtins::promise::PromiseState;
use boa_engine::object::builtins::JsPromise;
use boa_engine::{Context, JsValue, js_string};
use criterion::{Criterion, criterion_group, criterion_main};
use town::isolate::web;

/// Calls a measurement makes of its body, so that the call from Rust does not count.
const REPEATS: u32 = 100;

fn measure(criterion: &mut Criterion) {
    let mut context = Context::default();
    let shared = web::install(&mut context).expect("the scripts load");
    context
        .register_global_property(js_string!("web"), shared, Default::default())
        .expect("a plain property");
    let bodies = [
        ("nothing", ""),
        ("new Response", "new Response('x')"),
        ("response and back", "web.readResponse(new Response('x'))"),
        (
            "Response.json and back",
            "web.readResponse(Response.json({ a: 1 }))",
        ),
        (
            "response with headers and back",
            "web.readResponse(new Response('x', { status: 200, headers: { 'content-type': 'text/html' } }))",
        ),
        (
            "makeRequest",
            "web.makeRequest({ method: 'GET', url: 'http://a.localhost/', headers: ['host', 'a.localhost', 'accept', '*/*'], body: null })",
        ),
        (
            "makeRequest and its parts",
            "{ const r = web.makeRequest({ method: 'GET', url: 'http://a.localhost/', headers: ['host', 'a.localhost', 'accept', '*/*'], body: null }); r.method; r.url; r.headers.get('accept'); }",
        ),
        ("new Event", "new Event('x')"),
        ("new AbortController", "new AbortController()"),
        (
            "SHA-256 of 64 KiB",
            "crypto.subtle.digest('SHA-256', (globalThis.bytes ??= new Uint8Array(65536)))",
        ),
        (
            "URLPattern test",
            "(globalThis.pattern ??= new URLPattern({ pathname: '/a/:b' })).test('https://a.localhost/a/b')",
        ),
    ];
    for (name, body) in bodies {
        let source = format!("(() => {{ for (let i = 0; i < {REPEATS}; i++) {{ {body} }} }})");
        let function = context
            .eval_text(&source, None)
            .expect("the source is right");
        let function = function.as_callable().expect("the source is a function");
        criterion.bench_function(&format!("{name} (x{REPEATS})"), |bencher| {
            bencher.iter(|| function.call(&JsValue::undefined(), &[], &mut context));
        });
    }
    pairs(criterion, &mut context);
    criterion.bench_function("install", |bencher| {
        bencher.iter(|| web::install(&mut Context::default()));
    });
}

/// Each API that programs are busy with, and what they would write in its place: a pair by a name. The code is the body of
/// a function of no arguments that returns a promise or a value; jobs are run until it is settled.
const PAIRS: [(&str, &str, &str); 7] = [
    (
        "stream pass-through of 10 MB",
        "let n = 0; const bytes = new Uint8Array(65536); let left = 160;
         const from = new ReadableStream({ pull(c) { if (left-- > 0) c.enqueue(bytes); else c.close(); } });
         return (async () => { for await (const chunk of from.pipeThrough(new TransformStream())) n += chunk.length; return n; })();",
        "let n = 0; const bytes = new Uint8Array(65536);
         async function* from() { for (let left = 160; left > 0; left--) yield bytes; }
         async function* through(all) { for await (const chunk of all) yield chunk; }
         return (async () => { for await (const chunk of through(from())) n += chunk.length; return n; })();",
    ),
    (
        "text decoding of 64 KB",
        "return new TextDecoder().decode(globalThis.text ??= new TextEncoder().encode('Grüße '.repeat(9000))).length;",
        "const bytes = globalThis.text ??= new TextEncoder().encode('Grüße '.repeat(9000));
         let s = ''; for (const byte of bytes) s += '%' + byte.toString(16).padStart(2, '0'); return decodeURIComponent(s).length;",
    ),
    (
        "SHA-256 of 10 MB",
        "return crypto.subtle.digest('SHA-256', globalThis.ten ??= new Uint8Array(10 << 20));",
        "const bytes = globalThis.ten ??= new Uint8Array(10 << 20); let h = 0;
         // Not even a digest: a sum of one in a hundred bytes.
         for (let i = 0; i < bytes.length; i += 100) h = (h * 31 + bytes[i]) | 0; return h;",
    ),
    (
        "JSON body of 100 KB",
        "return new Response(globalThis.json ??= JSON.stringify(Array.from({ length: 2500 }, (_, i) => ({ id: i, name: 'name ' + i })))).json();",
        "return new Response(globalThis.json ??= JSON.stringify(Array.from({ length: 2500 }, (_, i) => ({ id: i, name: 'name ' + i })))).text().then(JSON.parse);",
    ),
    (
        "100 headers",
        "const h = new Headers(); for (let i = 0; i < 100; i++) h.append('X-' + i, 'v' + i); let n = 0; for (const [k] of h) n += k.length; return n;",
        "const h = {}; for (let i = 0; i < 100; i++) { const k = ('X-' + i).toLowerCase(); h[k] = k in h ? h[k] + ', v' + i : 'v' + i; }
         let n = 0; for (const k of Object.keys(h).sort()) n += k.length; return n;",
    ),
    (
        "100 URLs",
        "let n = 0; for (let i = 0; i < 100; i++) n += new URL('/a/' + i + '?q=1#f', 'https://alice.localhost:8787/x').pathname.length; return n;",
        "let n = 0; for (let i = 0; i < 100; i++) n += /^(?:([a-z]+):\\/\\/([^\\/?#]*))?([^?#]*)(\\?[^#]*)?(#.*)?$/.exec('https://alice.localhost:8787/a/' + i + '?q=1#f')[3].length; return n;",
    ),
    (
        "100 query strings",
        "let n = 0; for (let i = 0; i < 100; i++) n += new URLSearchParams('a=1&b=%20' + i).get('b').length; return n;",
        "let n = 0; for (let i = 0; i < 100; i++) n += Object.fromEntries(('a=1&b=%20' + i).split('&').map((p) => p.split('=').map(decodeURIComponent))).b.length; return n;",
    ),
];

fn pairs(criterion: &mut Criterion, context: &mut Context) {
    for (name, ours, naive) in PAIRS {
        for (kind, code) in [("", ours), (", by hand", naive)] {
            let function = context
                .eval_text(&format!("(() => {{ {code} }})"), None)
                .expect("the source is right");
            let function = function.as_callable().expect("the source is a function");
            criterion.bench_function(&format!("{name}{kind}"), |bencher| {
                bencher.iter(|| {
                    let made = function.call(&JsValue::undefined(), &[], context);
                    let made = made.expect("it runs");
                    context.run_jobs().expect("its jobs run");
                    if let Some(promise) = made
                        .as_object()
                        .and_then(|o| JsPromise::from_object(o).ok())
                    {
                        assert!(
                            matches!(promise.state(), PromiseState::Fulfilled(_)),
                            "{name}"
                        );
                    }
                });
            });
        }
    }
}

criterion_group!(benches, measure);
criterion_main!(benches);
