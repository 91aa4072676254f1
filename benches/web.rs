//! What a request costs in the web APIs, apart from the program: the bridge's calls.

use boa_engine::{Context, JsValue, Source, js_string};
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
            .eval(Source::from_bytes(&source))
            .expect("the source is right");
        let function = function.as_callable().expect("the source is a function");
        criterion.bench_function(&format!("{name} (x{REPEATS})"), |bencher| {
            bencher.iter(|| function.call(&JsValue::undefined(), &[], &mut context));
        });
    }
    criterion.bench_function("install", |bencher| {
        bencher.iter(|| web::install(&mut Context::default()));
    });
}

criterion_group!(benches, measure);
criterion_main!(benches);
