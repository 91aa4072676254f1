//! How the time of what programs do with texts, data and collections grows with their size: each in texts of 10 KB,
//! 100 KB and 1 MB, or that of as many bytes in small parts. Ten times the size is ten times the time, and no more.

use boa_engine::{Context, JsValue};
use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use town::isolate::{json, language, web};

const SIZES: [usize; 3] = [10_000, 100_000, 1_000_000];

/// The body of a function that makes what is measured of `bytes`, and that of the function that is measured, of what was
/// made. Parts have ten bytes.
const CASES: [(&str, &str, &str); 22] = [
    ("JSON.parse", DATA, "return JSON.parse(it);"),
    (
        "JSON.parse of one text",
        "return JSON.stringify('é\\n'.repeat(bytes / 4));",
        "return JSON.parse(it).length;",
    ),
    (
        "JSON.stringify",
        "return Array.from({ length: bytes / 40 }, (_, id) => ({ id, name: 'a name ' + id, on: true }));",
        "return JSON.stringify(it).length;",
    ),
    ("split by a text", TEXT, "return it.split(' ').length;"),
    (
        "split by an expression",
        TEXT,
        "return it.split(/\\s/).length;",
    ),
    (
        "replaceAll",
        TEXT,
        "return it.replaceAll('word', 'w').length;",
    ),
    ("replace", TEXT, "return it.replace(/word/g, 'w').length;"),
    (
        "replace by a function",
        TEXT,
        "return it.replace(/word/g, (w) => w + w).length;",
    ),
    ("match", TEXT, "return it.match(/word/g).length;"),
    (
        "matchAll",
        TEXT,
        "let n = 0; for (const m of it.matchAll(/w(or)d/g)) n += m[1].length; return n;",
    ),
    (
        "exec, sticky",
        TEXT,
        "const r = /\\w+ ?/y; let n = 0; while (r.test(it)) n++; return n;",
    ),
    (
        "indexOf",
        TEXT,
        "let n = 0; for (let at = 0; (at = it.indexOf(' ', at) + 1); ) n++; return n;",
    ),
    (
        "+=",
        "return bytes;",
        "let s = ''; for (let i = 0; i < it; i += 10) s += 'word word '; return s.length;",
    ),
    (
        "charCodeAt",
        TEXT,
        "let n = 0; for (let i = 0; i < it.length; i++) n += it.charCodeAt(i); return n;",
    ),
    (
        "bytes",
        "return new Uint8Array(bytes);",
        "let n = 0; for (let i = 0; i < it.length; i++) n += it[i]; return n;",
    ),
    (
        "Map, set and delete",
        PARTS,
        "const m = new Map(); for (let i = 0; i < it; i++) m.set(i, i); for (let i = 0; i < it; i++) m.delete(i); return m.size;",
    ),
    (
        "object, set and delete",
        PARTS,
        "const o = {}; for (let i = 0; i < it; i++) o['k' + i] = i; for (let i = 0; i < it; i++) delete o['k' + i]; return o;",
    ),
    (
        "push and shift",
        PARTS,
        "const a = []; for (let i = 0; i < it; i++) a.push(i); return a.splice(1, it / 2).length;",
    ),
    (
        "sort",
        "return Array.from({ length: bytes / 10 }, (_, i) => (i * 7919) % 10007);",
        "return it.toSorted((a, b) => a - b)[0];",
    ),
    (
        "objects",
        PARTS,
        "const a = []; for (let i = 0; i < it; i++) a.push({ i, next: a[i - 1] }); return a.length;",
    ),
    (
        "structuredClone",
        "return Array.from({ length: bytes / 40 }, (_, id) => ({ id, name: 'a name ' + id, on: true }));",
        "return structuredClone(it).length;",
    ),
    (
        "TextEncoder and back",
        TEXT,
        "return new TextDecoder().decode(new TextEncoder().encode(it)).length;",
    ),
];
const TEXT: &str = "return 'word word '.repeat(bytes / 10);";
const PARTS: &str = "return bytes / 10;";
const DATA: &str = "return JSON.stringify(Array.from({ length: bytes / 40 }, (_, id) => ({ id, name: 'a name ' + id, on: true })));";

fn growth(criterion: &mut Criterion) {
    let mut context = Context::default();
    json::install(&mut context).expect("JSON is installed");
    language::install(&mut context).expect("the language is installed");
    web::install(&mut context).expect("the scripts load");
    for (name, make, code) in CASES {
        let mut group = criterion.benchmark_group(name);
        for bytes in SIZES {
            let source = format!(
                "(() => {{ const it = ((bytes) => {{ {make} }})({bytes}); return () => {{ {code} }}; }})()"
            );
            let function = context.eval_text(&source, None);
            let function = function.expect("the source is right");
            let function = function.as_callable().expect("it gives a function");
            group.throughput(Throughput::Bytes(bytes as u64));
            group.bench_function(BenchmarkId::from_parameter(bytes), |bencher| {
                bencher.iter(|| {
                    let made = function.call(&JsValue::undefined(), &[], &mut context);
                    made.expect("it runs")
                });
            });
        }
        group.finish();
    }
}

criterion_group!(benches, growth);
criterion_main!(benches);
