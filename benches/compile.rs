//! How long the compiler takes for sources of the sizes that occur.

use std::hint::black_box;
use std::time::Duration;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use town::eval::compile::{Options, Positions, SourceKind, compile};

/// About 350 bytes, as a small page is.
const PAGE: &str = "/** @jsxImportSource https://esm.sh/react */
import { render } from \"https://esm.sh/react-dom/server\";

export default async function (request: Request): Promise<Response> {
  const name = new URL(request.url).searchParams.get(\"name\") ?? \"you\";
  const page = <main class=\"page\"><h1>Hello {name}</h1></main>;
  return new Response(render(page), { headers: { \"content-type\": \"text/html\" } });
}
";

/// About 550 bytes of a larger program.
const TYPES: &str = "export interface Item$ { readonly id: string; tags?: string[]; at: Date | null }
type Keys$ = keyof Item$ & string;
export async function find$<K extends Keys$>(items: Item$[], key: K, value: Item$[K]): Promise<Item$ | undefined> {
  for (const item of items) {
    if (item[key] === value && item.tags?.includes(\"a\") !== false) return item as Item$;
  }
  const names = items.map(({ id, at }: Item$) => `${id}: ${at?.toISOString() ?? \"never\"}`);
  console.log(names.join(\", \"), await Promise.resolve(key satisfies string));
  return undefined!;
}
";

/// About 300 bytes of a library.
const LIBRARY: &str = "function each$(list, callback, self) {
  if (list == null) return;
  for (var i = 0, n = list.length; i < n; i++) {
    if (callback.call(self, list[i], i, list) === false) break;
  }
  return { list: list, count: n, first: list[0] || null, /* and so on */ last: list[n - 1] };
}
exports$ = each$; var exports$;
";

fn repeated(piece: &str, bytes: usize) -> String {
    let pieces = (0..).map(|number| piece.replace('$', &number.to_string()));
    let mut source = String::with_capacity(bytes + piece.len());
    for piece in pieces {
        if source.len() >= bytes {
            break;
        }
        source.push_str(&piece);
    }
    source
}

fn compiling(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("compile");
    group
        .measurement_time(Duration::from_secs(3))
        .sample_size(20);
    for (name, kind, source) in [
        ("350 B of TSX", SourceKind::Tsx, PAGE.to_owned()),
        ("5 KB of TypeScript", SourceKind::Ts, repeated(TYPES, 5_000)),
        (
            "50 KB of TypeScript",
            SourceKind::Ts,
            repeated(TYPES, 50_000),
        ),
        (
            "200 KB of JavaScript",
            SourceKind::Js,
            repeated(LIBRARY, 200_000),
        ),
    ] {
        let options = Options {
            kind,
            jsx_import_source: None,
            runs_here: true,
        };
        group.throughput(Throughput::Bytes(source.len() as u64));
        group.bench_function(name, |bencher| {
            bencher.iter(|| compile(black_box(&source), &options));
        });
    }
    group.finish();
}

fn positions(criterion: &mut Criterion) {
    let source = repeated(TYPES, 50_000);
    let kind = SourceKind::Ts;
    let options = Options {
        kind,
        jsx_import_source: None,
        runs_here: true,
    };
    let Ok(compiled) = compile(&source, &options) else {
        return;
    };
    criterion.bench_function("positions of 50 KB", |bencher| {
        bencher.iter(|| Positions::parse(black_box(&compiled.map), &compiled.code));
    });
}

criterion_group!(benches, compiling, positions);
criterion_main!(benches);
