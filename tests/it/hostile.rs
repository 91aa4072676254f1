//! Hostile vals: each is stopped, everybody else is served meanwhile and afterwards, and its owner
//! learns which limit it was.

use std::sync::Arc;
use std::time::Duration;

use reqwest::Method;
use serde_json::Value;

use crate::town::{OWNER, Town};
use crate::watching::{Trace, children, failure, lines, logged, traces, until, within};

/// Limits that make a val that never answers a short test.
const SHORT: [&str; 2] = ["--time-limit", "2"];

/// Limits that make a val that never pauses a short test, however slow the machine is.
const STALLING: [&str; 4] = ["--stall-limit", "1000", "--time-limit", "30"];

/// Little memory, as much as the platform needs itself, and time enough to use it up.
const LITTLE_MEMORY: [&str; 6] = [
    "--memory-limit",
    "64",
    "--stall-limit",
    "20000",
    "--time-limit",
    "40",
];

/// The bytes of a module of WebAssembly, as an expression.
fn module(text: &str) -> String {
    let bytes = wat::parse_str(text).expect("the module is well-formed");
    format!("new WebAssembly.Module(new Uint8Array({bytes:?}))")
}

/// What came of a hostile val.
struct Attack {
    town: Arc<Town>,
    val: Value,
    status: u16,
    body: String,
}

impl Attack {
    /// Runs a val once in a town of its own, and looks at its neighbours while it runs and after.
    async fn with(arguments: &[&str], code: &str) -> Attack {
        let town = battlefield(arguments).await;
        let attack = Attack::on(&town, "hostile", code).await;
        others_are_served(&town, "after").await;
        attack
    }

    /// Runs a val once, and looks at its neighbours meanwhile.
    async fn on(town: &Arc<Town>, name: &str, code: &str) -> Attack {
        let val = town.val(name, code).await;
        let when = format!("while_{name}");
        let others = others_are_served(town, &when);
        let ((status, body), ()) = tokio::join!(town.run(name), others);
        Attack {
            town: town.clone(),
            val,
            status,
            body,
        }
    }

    /// What the owner is told.
    async fn told(&self) -> Trace {
        failure(&self.town, &self.val).await
    }
}

// A town with a val that has been run.
async fn battlefield(arguments: &[&str]) -> Arc<Town> {
    let town = Town::start_with(arguments).await;
    town.val("warm", r#"export default () => new Response("warm")"#)
        .await;
    others_are_served(&town, "before").await;
    Arc::new(town)
}

// A val that was there, a val that is new and the front page, all of them at once.
async fn others_are_served(town: &Town, when: &str) {
    let name = format!("new_{when}");
    let new = async {
        town.val(&name, r#"export default () => new Response("new")"#)
            .await;
        town.run(&name).await
    };
    let (warm, new, front) = tokio::join!(town.run("warm"), new, town.text("/"));
    assert_eq!(warm, (200, "warm".into()), "a warm val, {when}");
    assert_eq!(new, (200, "new".into()), "a new val, {when}");
    assert_eq!(front.0, 200, "the front page, {when}: {}", front.1);
}

// ---- Time

#[tokio::test]
async fn an_endless_loop_is_stopped_as_a_stall() {
    let attack = Attack::with(&STALLING, "export default () => { while (true) {} }").await;
    assert_eq!(attack.status, 504, "{}", attack.body);
    let told = attack.told().await;
    assert_eq!(told.outcome, "stall");
    assert!(told.message.contains("1000 ms"), "{told:?}");
}

#[tokio::test]
async fn endless_microtasks_are_stopped_as_a_stall() {
    let code = "export default async () => { for (;;) await null; }";
    let attack = Attack::with(&STALLING, code).await;
    assert_eq!(attack.status, 504, "{}", attack.body);
    assert_eq!(attack.told().await.outcome, "stall");
}

#[tokio::test]
async fn an_endless_loop_in_a_module_is_stopped_while_it_loads() {
    let attack = Attack::with(
        &STALLING,
        "while (true) {}\nexport default () => new Response()",
    )
    .await;
    assert_eq!(attack.status, 504, "{}", attack.body);
    let told = attack.told().await;
    assert_eq!(told.outcome, "stall");
    assert!(told.message.contains("1000 ms"), "{told:?}");
}

#[tokio::test]
async fn a_top_level_await_without_end_is_stopped_at_the_deadline() {
    let code = "await new Promise(() => {});\nexport default () => new Response()";
    let attack = Attack::with(&SHORT, code).await;
    assert_eq!(attack.status, 504, "{}", attack.body);
    let told = attack.told().await;
    assert_eq!(told.outcome, "deadline");
    assert!(told.message.contains("2000 ms"), "{told:?}");
}

#[tokio::test]
async fn a_catastrophic_regular_expression_is_stopped_as_a_stall() {
    let code = r#"export default () => new Response(String(/^(a+)+$/.test("a".repeat(60) + "!")))"#;
    let attack = Attack::with(&STALLING, code).await;
    assert_eq!(attack.status, 504, "{}", attack.body);
    assert_eq!(attack.told().await.outcome, "stall");
}

#[tokio::test]
async fn a_val_that_never_answers_is_stopped_at_the_deadline() {
    let attack = Attack::with(&SHORT, "export default () => new Promise(() => {})").await;
    assert_eq!(attack.status, 504, "{}", attack.body);
    let told = attack.told().await;
    assert_eq!(told.outcome, "deadline");
    assert!(told.message.contains("2000 ms"), "{told:?}");
}

#[tokio::test]
async fn timers_without_end_end_with_the_run() {
    let code = "let turns = 0;
        function again() { turns++; setTimeout(again, 0); }
        export default (request) => {
          if (request.url.endsWith('/turns')) return Response.json(turns);
          again();
          return new Response('done');
        }";
    let attack = Attack::with(&SHORT, code).await;
    assert_eq!((attack.status, attack.body.as_str()), (200, "done"));
    let turns = format!("/run/{OWNER}/hostile/turns");
    let before = attack.town.text(&turns).await;
    others_are_served(&attack.town, "between").await;
    assert_eq!(attack.town.text(&turns).await, before);
}

#[tokio::test]
async fn work_after_the_response_ends_at_the_deadline() {
    let code = "// town: isolation=request
        export default { fetch(request, env, ctx) {
          ctx.waitUntil(new Promise(() => {}));
          return new Response('done');
        } }";
    let attack = Attack::with(&SHORT, code).await;
    assert_eq!((attack.status, attack.body.as_str()), (200, "done"));
    let told = attack.told().await;
    assert_eq!(told.outcome, "deadline");
    assert!(told.message.contains("after its answer"), "{told:?}");
    others_are_served(&attack.town, "at_last").await;
}

#[tokio::test]
async fn an_endless_loop_after_the_response_is_stopped() {
    let code = "export default { fetch(request, env, ctx) {
          ctx.waitUntil(new Promise((done) => setTimeout(done, 10)).then(() => { while (true) {} }));
          return new Response('done');
        } }";
    let attack = Attack::with(&STALLING, code).await;
    assert_eq!((attack.status, attack.body.as_str()), (200, "done"));
    assert_eq!(attack.told().await.outcome, "stall");
    let burns = async || {
        let all = children(attack.town.pid()).into_iter();
        all.filter(|process| process.cpu() > Duration::from_millis(900))
            .count()
            == 0
    };
    within(Duration::from_secs(8), "the process is gone", async || {
        burns().await.then_some(())
    })
    .await;
}

#[tokio::test]
async fn cpu_in_slices_is_counted_over_timers_and_awaits() {
    let code = "import { storage } from 'town:kernel';
        const burn = () => { const end = Date.now() + 60; while (Date.now() < end); };
        export default async () => {
          for (;;) {
            burn();
            await storage.usage();
            burn();
            await new Promise((done) => setTimeout(done, 0));
          }
        }";
    let arguments = ["--cpu-limit", "1", "--time-limit", "30"];
    let attack = Attack::with(&arguments, code).await;
    assert_eq!(attack.status, 504, "{}", attack.body);
    let told = attack.told().await;
    assert_eq!(told.outcome, "cpu", "{told:?}");
    assert!(told.message.contains("1000 ms"), "{told:?}");
}

// ---- Recursion

#[tokio::test]
async fn endless_recursion_ends_the_run_and_says_so() {
    let code = "function f(n) { return f(n + 1) + 1; }
        export default () => new Response(String(f(0)))";
    let attack = Attack::with(&STALLING, code).await;
    assert_eq!(attack.status, 500, "{}", attack.body);
    let told = attack.told().await;
    assert_eq!(told.outcome, "recursion");
    assert!(told.message.contains("5000"), "{told:?}");
}

/// In functions of the program, in built-in functions that call each other, and where deep data is walked.
#[tokio::test]
async fn recursion_is_an_error_that_a_program_may_catch() {
    let code = "const nested = (wrap) => { let it = []; for (let i = 0; i < 1e5; i++) it = wrap(it); return it; };
        const loop = { toString() { return '' + this; } }, cousin = { valueOf() { return `${this}`.length; }, toString: () => 'abc' };
        let finals = 0;
        const f = () => { try { return f() + 1; } finally { finals++; } };
        const later = async (n) => { await null; return n ? later(n - 1) : g(); };
        const g = async () => (await g()) + 1;
        const all = {
          call: f, sort: () => { const s = () => [2, 1].sort(s); return s(); }, later: () => later(3),
          array: () => String(nested((it) => [it])), json: () => JSON.stringify(nested((it) => ({ it }))),
          replacer: () => JSON.stringify(nested((it) => [it]), (_, it) => it), text: () => `${loop}`,
          getter: () => ({ get x() { return this.x; } }).x, proxy: () => { const p = new Proxy({}, { get: (_, k) => p[k] }); return p.x; },
          wasm: () => { const e = new WebAssembly.Instance(MODULE, { a: { f: () => e.f() } }).exports; return e.f(); },
        };
        export default async () => {
          const seen = [+cousin];
          for (const [name, one] of Object.entries(all)) {
            try { await one(); seen.push(name); } catch (error) { seen.push(error instanceof RangeError ? 'R' : String(error)); }
          }
          return new Response(seen.join() + (finals > 1000));
        }";
    let through = r#"(module (import "a" "f" (func $f)) (func (export "f") call $f))"#;
    let code = code.replace("MODULE", &module(through));
    let attack = Attack::with(&["--stall-limit", "20000"], &code).await;
    assert_eq!(
        (attack.status, attack.body.as_str()),
        (200, "3,R,R,R,R,R,R,R,R,R,Rtrue")
    );
}

#[tokio::test]
async fn recursion_that_catches_its_own_end_is_stopped_as_a_stall() {
    let code = "function f() { try { f(); } catch { f(); } finally { f(); } }
        export default () => { f(); return new Response('went on'); }";
    let attack = Attack::with(&STALLING, code).await;
    assert!(attack.status >= 500, "{} {}", attack.status, attack.body);
    assert_eq!(attack.told().await.outcome, "stall");
}

#[tokio::test]
async fn recursion_through_native_functions_and_loops_in_them_leave_the_others_served() {
    let town = battlefield(&STALLING).await;
    for (name, body) in [
        (
            "sort",
            "const f = () => { [2, 1].sort(f); return 0; }; f();",
        ),
        ("replace", "const f = () => 'a'.replace(/a/, f); f();"),
        ("getter", "const o = { get x() { return this.x; } }; o.x;"),
        (
            "proxy",
            "let p = {}; for (let i = 0; i < 1e5; i++) p = new Proxy(p, {}); p.x;",
        ),
        (
            "bind",
            "let f = () => 1; for (let i = 0; i < 1e4; i++) f = f.bind(null); f();",
        ),
        (
            "to_string",
            "const o = { toString() { return `${o}`; } }; `${o}`;",
        ),
        (
            "to_json",
            "const o = { toJSON() { return JSON.stringify(o); } }; JSON.stringify(o);",
        ),
        ("reviver", "const f = () => JSON.parse('[1]', f); f();"),
        (
            "iterator",
            "const o = { *[Symbol.iterator]() { yield* o; } }; [...o];",
        ),
        (
            "reflect",
            "const f = () => Reflect.apply(f, null, []); f();",
        ),
        (
            "construct",
            "class A { constructor() { new A(); } } new A();",
        ),
    ] {
        let code = format!("export default () => {{ {body} return new Response('done'); }}");
        let attack = Attack::on(&town, name, &code).await;
        if attack.status != 200 {
            let told = attack.told().await;
            let known = ["recursion", "crash", "exception", "stall", "memory"];
            assert!(known.contains(&told.outcome.as_str()), "{name}: {told:?}");
        }
    }
    let endless = module(r#"(module (func (export "f") (loop br 0)))"#);
    let code = format!("export default () => new WebAssembly.Instance({endless}).exports.f()");
    let attack = Attack::on(&town, "endless", &code).await;
    assert_eq!(attack.status, 504, "{}", attack.body);
    assert_eq!(attack.told().await.outcome, "stall");
}

// ---- Memory

#[tokio::test]
async fn memory_without_end_is_refused_and_named() {
    let town = battlefield(&LITTLE_MEMORY).await;
    for (name, body) in [
        (
            "arrays",
            "const a = []; for (;;) a.push(new Array(1000).fill(0));",
        ),
        (
            "strings",
            "const a = []; for (let i = 0;; i++) a.push(String(i).repeat(10000));",
        ),
        (
            "maps",
            "const m = new Map(); for (let i = 0;; i++) m.set(i, { i });",
        ),
        ("objects", "let o = null; for (;;) o = { o };"),
        (
            "closures",
            "const a = []; for (let i = 0;; i++) a.push(() => i);",
        ),
    ] {
        let code = format!("export default () => {{ {body} }}");
        let attack = Attack::on(&town, name, &code).await;
        assert_eq!(attack.status, 500, "{name}: {}", attack.body);
        let told = attack.told().await;
        assert_eq!(told.outcome, "memory", "{name}: {told:?}");
        assert!(told.message.contains("64 MB"), "{name}: {told:?}");
    }
}

#[tokio::test]
async fn a_string_or_number_that_doubles_without_end_leaves_the_others_served() {
    let arguments = [
        "--memory-limit",
        "64",
        "--stall-limit",
        "1000",
        "--time-limit",
        "30",
    ];
    let town = battlefield(&arguments).await;
    for (name, body) in [
        ("string", "let s = 'x'; for (;;) s += s;"),
        ("bigint", "let b = 3n; for (;;) b *= b;"),
        ("power", "2n ** (2n ** 40n);"),
        ("shift", "1n << (1n << 62n);"),
        ("pad", "'x'.padEnd(2 ** 31);"),
        ("repeat", "'x'.repeat(2 ** 32);"),
        ("join", "new Array(2 ** 32 - 1).join('x');"),
        ("fill", "new Array(2 ** 32 - 1).fill(0);"),
        ("typed", "new Float64Array(2 ** 32);"),
        ("spread", "const a = Array(1e8); Math.max(...a);"),
    ] {
        let code = format!("export default () => {{ {body} return new Response('done'); }}");
        let attack = Attack::on(&town, name, &code).await;
        assert!(
            attack.status >= 500,
            "{name}: {} {}",
            attack.status,
            attack.body
        );
        let told = attack.told().await;
        let known = ["memory", "exception", "stall"];
        assert!(known.contains(&told.outcome.as_str()), "{name}: {told:?}");
    }
}

#[tokio::test]
async fn buffers_without_end_are_refused_by_an_exception() {
    let code = "const a = []; export default () => { for (;;) a.push(new ArrayBuffer(1 << 20)); }";
    let attack = Attack::with(&LITTLE_MEMORY, code).await;
    assert_eq!(attack.status, 500, "{}", attack.body);
    let told = attack.told().await;
    assert_eq!(told.outcome, "exception", "{told:?}");
    assert!(told.message.starts_with("RangeError: "), "{told:?}");
    assert!(told.message.contains("allocat"), "{told:?}");
}

#[tokio::test]
async fn buffers_that_are_garbage_make_room_for_others() {
    let town = battlefield(&LITTLE_MEMORY).await;
    let growing = module(
        r#"(module (memory (export "m") 16) (memory 1)
          (func (export "grow") (result i32) i32.const 16 memory.grow)
          (func (export "fill") i32.const 0 i32.const 1 i32.const 1048576 memory.fill))"#,
    );
    let instances = format!(
        "const m = {growing}; for (let i = 0; i < 300; i++) new WebAssembly.Instance(m).exports.fill();"
    );
    let growth = format!(
        "const {{ grow, m }} = new WebAssembly.Instance({growing}).exports; while (grow() !== -1);
        try {{ m.grow(64); throw 1; }} catch (error) {{ if (!(error instanceof RangeError)) throw error; }}
        try {{ new WebAssembly.Memory({{ initial: 2000 }}); throw 2; }} catch (error) {{ if (!(error instanceof RangeError)) throw error; }}"
    );
    for (name, body) in [
        ("instances", instances.as_str()),
        ("growth", &growth),
        (
            "large",
            "for (let i = 0; i < 300; i++) new Uint8Array(1 << 20);",
        ),
        (
            "small",
            "for (let i = 0; i < 30_000; i++) new Uint8Array(10_000);",
        ),
    ] {
        let code = format!("export default () => {{ {body} return new Response('done'); }}");
        let attack = Attack::on(&town, name, &code).await;
        assert_eq!(
            (attack.status, attack.body.as_str()),
            (200, "done"),
            "{name}"
        );
    }
}

#[tokio::test]
async fn memory_without_end_in_a_module_is_refused_and_named() {
    let code = "const a = []; for (;;) a.push(new Array(1000).fill(0));
        export default () => new Response()";
    let attack = Attack::with(&LITTLE_MEMORY, code).await;
    assert_eq!(attack.status, 500, "{}", attack.body);
    let told = attack.told().await;
    assert_eq!(told.outcome, "memory", "{told:?}");
}

// ---- Crashes of the process

#[tokio::test]
async fn a_crash_of_the_engine_is_contained_and_reported() {
    let town = battlefield(&STALLING).await;
    for (name, body) in [
        ("parse", "JSON.parse('['.repeat(1e5) + ']'.repeat(1e5));"),
        (
            "stringify",
            "let a = []; for (let i = 0; i < 1e5; i++) a = [a]; JSON.stringify(a);",
        ),
        (
            "clone",
            "let a = []; for (let i = 0; i < 1e5; i++) a = [a]; structuredClone(a);",
        ),
        (
            "log",
            "let a = []; for (let i = 0; i < 1e5; i++) a = [a]; console.log(a);",
        ),
        (
            "flat",
            "let a = []; for (let i = 0; i < 1e5; i++) a = [a]; a.flat(Infinity);",
        ),
        (
            "to_string",
            "let a = []; for (let i = 0; i < 1e5; i++) a = [a]; String(a);",
        ),
        ("eval", "eval('('.repeat(1e5) + ')'.repeat(1e5));"),
        (
            "function",
            "new Function('return ' + '!'.repeat(1e5) + '1')();",
        ),
        ("regexp", "new RegExp('('.repeat(1e5) + ')'.repeat(1e5));"),
        ("template", "eval('`${'.repeat(1e4) + '}`'.repeat(1e4));"),
        ("chain", "eval('a' + '.a'.repeat(1e5));"),
    ] {
        let code = format!("export default () => {{ {body} return new Response('done'); }}");
        let attack = Attack::on(&town, name, &code).await;
        if attack.status != 200 {
            let told = attack.told().await;
            assert!(attack.status >= 500, "{name}: {}", attack.status);
            let known = ["crash", "exception", "recursion", "stall", "memory"];
            assert!(known.contains(&told.outcome.as_str()), "{name}: {told:?}");
            assert!(!told.message.is_empty(), "{name}");
        }
    }
}

#[tokio::test]
async fn source_that_is_nested_too_deeply_is_refused_at_save_with_its_place() {
    let town = battlefield(&STALLING).await;
    for (name, source) in [
        (
            "parentheses",
            format!("{}1{}", "(".repeat(20_000), ")".repeat(20_000)),
        ),
        (
            "arrays",
            format!("{}{}", "[".repeat(20_000), "]".repeat(20_000)),
        ),
        (
            "blocks",
            format!("0;{}{}", "{".repeat(20_000), "}".repeat(20_000)),
        ),
        ("nots", format!("{}1", "!".repeat(200_000))),
        (
            "types",
            format!("0 as {}1{}", "Array<".repeat(20_000), ">".repeat(20_000)),
        ),
        ("sum", format!("1{}", "+1".repeat(200_000))),
    ] {
        let code = format!("export default () => new Response('ran');\nconst x = {source};");
        let made = town.val(name, &code).await;
        let diagnostics = made["diagnostics"].as_array().expect("diagnostics");
        assert_eq!(diagnostics.len(), 1, "{name}: {diagnostics:?}");
        assert_eq!(diagnostics[0]["path"], "main.tsx", "{name}");
        assert_eq!(diagnostics[0]["line"], 2, "{name}: {}", diagnostics[0]);
        assert_eq!(town.run(name).await.0, 500, "{name}");
        others_are_served(&town, name).await;
    }
}

// ---- Logs

#[tokio::test]
async fn a_million_lines_are_counted_where_they_are_not_kept() {
    let code = "export default async () => {
          for (let i = 0; i < 1e6; i++) {
            console.log('line ' + i);
            if (i % 10000 === 0) await new Promise((done) => setTimeout(done, 0));
          }
          return new Response('logged');
        }";
    let arguments = [
        "--time-limit",
        "60",
        "--cpu-limit",
        "60",
        "--stall-limit",
        "20000",
    ];
    let attack = Attack::with(&arguments, code).await;
    assert_eq!((attack.status, attack.body.as_str()), (200, "logged"));
    let id = attack.val["id"].as_str().expect("an id");
    let run = until("the run's record", async || {
        let path = format!("/api/town/vals/{id}/runs");
        let (_, answer) = attack.town.api(Method::GET, &path, None).await;
        answer["data"].get(0).cloned()
    })
    .await;
    let dropped = run["linesDropped"].as_u64().expect("a count");
    assert!(dropped > 900_000 && dropped < 1_000_000, "{run}");
    assert!(lines(&attack.town, &attack.val).await[0].starts_with("line "));
}

#[tokio::test]
async fn lines_before_an_endless_loop_are_kept() {
    let code = "export default () => { console.log('the last words'); for (;;); }";
    let attack = Attack::with(&STALLING, code).await;
    assert_eq!(attack.status, 504, "{}", attack.body);
    logged(&attack.town, &attack.val, "the last words").await;
}

#[tokio::test]
async fn a_giant_line_is_cut() {
    let code = "export default () => {
          console.log('y'.repeat(1000).repeat(5000));
          console.log('after');
          return new Response('logged');
        }";
    let attack = Attack::with(&["--stall-limit", "20000"], code).await;
    assert_eq!((attack.status, attack.body.as_str()), (200, "logged"));
    logged(&attack.town, &attack.val, "after").await;
    let kept = lines(&attack.town, &attack.val).await;
    let giant = kept
        .iter()
        .find(|line| line.starts_with('y'))
        .expect("the line is kept");
    assert!(giant.len() <= 17 << 10, "{} bytes", giant.len());
}

// ---- Bodies

#[tokio::test]
async fn a_response_of_ten_gigabytes_is_only_made_as_far_as_it_is_read() {
    let town = Town::root().await;
    let val = town
        .val(
            "hostile",
            "let made = 0;
            export default (request) => {
              if (request.url.endsWith('/made')) return Response.json(made);
              const piece = new Uint8Array(1 << 20);
              return new Response(new ReadableStream({
                pull(controller) {
                  made++;
                  if (made > 10_000) controller.close(); else controller.enqueue(piece);
                },
                cancel() { console.log('cancelled'); },
              }));
            }",
        )
        .await;
    town.val("warm", r#"export default () => new Response("warm")"#)
        .await;
    let mut response = town.get(&format!("/run/{OWNER}/hostile/")).await;
    let mut read = 0;
    while read < 8 << 20 {
        read += response
            .chunk()
            .await
            .expect("more")
            .expect("no end yet")
            .len();
    }
    others_are_served(&town, "while").await;
    let (_, made) = town.text(&format!("/run/{OWNER}/hostile/made")).await;
    let made: usize = made.parse().expect("a number");
    assert!(
        (8..64).contains(&made),
        "{made} MB were made for 8 that were read"
    );
    drop(response);
    logged(&town, &val, "cancelled").await;
    others_are_served(&town, "after").await;
}

#[tokio::test]
async fn a_request_body_that_is_never_read_holds_nobody_up() {
    let town = Town::start_with(&["--memory-limit", "64"]).await;
    town.val("warm", r#"export default () => new Response("warm")"#)
        .await;
    town.val("hostile", "export default () => new Response('not read')")
        .await;
    let path = format!("/run/{OWNER}/hostile/");
    let body = reqwest::Body::from(vec![b'x'; 80 << 20]);
    let upload = town.bare(Method::POST, &path).body(body).send();
    let (answer, ()) = tokio::join!(upload, others_are_served(&town, "while"));
    // The answer may come before the client has sent all, and end the connection.
    if let Ok(answer) = answer {
        assert_eq!(answer.status().as_u16(), 200);
    }
    others_are_served(&town, "after").await;
    assert_eq!(town.run("hostile").await, (200, "not read".into()));
}

// ---- Programs that start programs

/// A program that starts itself: `?way=deep` one below the other, `?way=wide` many at a time.
const BOMB: &str = r#"
import { loader } from "town:kernel";
const code = `
  import { loader, env } from "town:kernel";
  const again = (env) => loader.load({
    main: "bomb", modules: { bomb: { type: "js", source: env.code } }, loader: {}, env,
  });
  export default async (request) => {
    const width = Number(new URL(request.url).searchParams.get("width"));
    const all = await Promise.allSettled(Array.from({ length: width }, () => again(env).fetch(request)));
    const failed = all.find((one) => one.status === "rejected");
    if (failed) return new Response(failed.reason.outcome ?? String(failed.reason), { status: 500 });
    return all[0].value;
  }`;
export default (request: Request) => loader!.load({
  main: "bomb", modules: { bomb: { type: "js", source: code } }, loader: {}, env: { code },
}).fetch(request);
"#;

#[tokio::test]
async fn programs_below_programs_end_at_the_depth_limit() {
    let town = Town::root().await;
    town.val("warm", r#"export default () => new Response("warm")"#)
        .await;
    town.val("hostile", BOMB).await;
    let path = format!("/run/{OWNER}/hostile/?width=1");
    let (bomb, ()) = tokio::join!(town.text(&path), others_are_served(&town, "while"));
    assert_eq!(bomb, (500, "depth".into()));
    others_are_served(&town, "after").await;
}

#[tokio::test]
async fn a_fork_bomb_leaves_room_for_the_others() {
    let arguments = ["--max-isolates", "32", "--time-limit", "6"];
    let town = Town::start_with(&arguments).await;
    town.val("warm", r#"export default () => new Response("warm")"#)
        .await;
    town.val("hostile", BOMB).await;
    let path = format!("/run/{OWNER}/hostile/?width=4");
    let (bomb, ()) = tokio::join!(town.text(&path), async {
        for round in 0..5 {
            others_are_served(&town, &format!("while_{round}")).await;
        }
    });
    assert!(bomb.0 >= 500, "{bomb:?}");
    others_are_served(&town, "after").await;
}

#[tokio::test]
async fn programs_that_hold_every_process_leave_room_for_the_others() {
    let arguments = ["--max-isolates", "24", "--time-limit", "5"];
    let town = Town::start_with(&arguments).await;
    town.val("warm", r#"export default () => new Response("warm")"#)
        .await;
    let code = r#"import { loader } from "town:kernel";
        const source = "export default () => new Promise(() => {})";
        export default async () => {
          const all = await Promise.allSettled(Array.from({ length: 100 }, (_, i) => loader.load({
            main: "idle", modules: { idle: { type: "js", source } }, env: { i },
          }).fetch("http://idle/")));
          return Response.json([...new Set(all.map((one) => one.reason?.outcome))].sort());
        }"#;
    town.val("hostile", code).await;
    let path = format!("/run/{OWNER}/hostile/");
    let (_, ()) = tokio::join!(town.text(&path), async {
        for round in 0..5 {
            others_are_served(&town, &format!("while_{round}")).await;
        }
    });
    others_are_served(&town, "after").await;
}

#[tokio::test]
async fn more_programs_than_processes_are_served_one_after_the_other() {
    let town = Town::start_with(&["--max-isolates", "12"]).await;
    for number in 0..24 {
        let name = format!("val{number}");
        town.val(
            &name,
            &format!("export default () => new Response('{number}')"),
        )
        .await;
        assert_eq!(town.run(&name).await, (200, number.to_string()));
    }
}

// ---- Kernel calls

#[tokio::test]
async fn thousands_of_open_kernel_calls_are_refused_by_an_exception() {
    let code = "import { storage } from 'town:kernel';
        export default async () => {
          const { revision } = storage;
          const refused = [];
          for (let i = 0; i < 3000; i++) {
            storage.changed(2 ** 52).catch((error) => refused.push(error.message));
          }
          await null;
          return Response.json([refused.length, refused[0]]);
        }";
    let attack = Attack::with(&SHORT, code).await;
    assert_eq!(attack.status, 200, "{}", attack.body);
    let (count, message): (usize, String) =
        serde_json::from_str(&attack.body).expect("count and message");
    assert_eq!(count, 3000 - 1024);
    assert!(message.contains("1024 kernel calls"), "{message}");
}

#[tokio::test]
async fn huge_and_slow_statements_are_refused_by_name() {
    let code = r#"import { storage } from "town:kernel";
        const code = (sql) => storage.execute(sql).then(() => "ok", (error) => error.code);
        export default async () => Response.json([
          await code("SELECT '" + "x".repeat(4_000_000) + "'"),
          await code("SELECT " + "(".repeat(100_000) + "1" + ")".repeat(100_000)),
          await code("SELECT 1" + " UNION SELECT 1".repeat(50_000)),
          await code("WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT count(*) FROM n"),
          await code("SELECT randomblob(1000000000)"),
          await code("ATTACH '/etc/passwd' AS p"),
          await code("PRAGMA journal_mode = DELETE"),
          await code("SELECT load_extension('x')"),
          await code("SELECT writefile('/tmp/x', 'x')"),
          await code("VACUUM INTO '/tmp/escaped.db'"),
          await code("SELECT 1"),
        ]);"#;
    let attack = Attack::with(&["--stall-limit", "1000"], code).await;
    assert_eq!(attack.status, 200, "{}", attack.body);
    let codes: Vec<String> = serde_json::from_str(&attack.body).expect("a list of codes");
    assert_eq!(codes[10], "ok", "{codes:?}");
    for (index, code) in codes[..10].iter().enumerate() {
        assert!(code.starts_with("SQLITE_"), "{index}: {codes:?}");
    }
    assert_eq!(codes[3], "SQLITE_INTERRUPT", "{codes:?}");
}

// ---- Values that bite

#[tokio::test]
async fn responses_that_are_no_responses_are_refused() {
    let town = Town::start_with(&SHORT).await;
    for (name, body, status) in [
        ("proxy", "return new Proxy(new Response('x'), {});", 500),
        (
            "prototype",
            "return Object.create(Response.prototype);",
            500,
        ),
        (
            "thenable",
            "return { then(done) { done(new Response('thenable')); } };",
            200,
        ),
        (
            "thenable_throws",
            "return { get then() { throw new Error('no'); } };",
            500,
        ),
        ("thenable_never", "return { then() {} };", 504),
        (
            "thenable_endless",
            "const t = { then(done) { done(t); } }; return t;",
            504,
        ),
        (
            "getters",
            "const r = new Response('x'); Object.defineProperty(r, 'body', { get() { throw 1; } }); return r;",
            200,
        ),
        (
            "subclass",
            "return new (class extends Response { get status() { return 99999; } })('x');",
            200,
        ),
        (
            "used",
            "const r = new Response('x'); await r.text(); return r;",
            500,
        ),
        (
            "locked",
            "const r = new Response('x'); r.body.getReader(); return r;",
            500,
        ),
        ("symbol", "return Symbol('x');", 500),
        ("nothing", "", 500),
        ("bigint", "return 1n;", 500),
        (
            "patched_promise",
            "Promise.prototype.then = () => 1; return new Response('x');",
            504,
        ),
        (
            "patched_map",
            "Map.prototype.get = Map.prototype.delete = () => { throw 1; }; return new Response('x');",
            200,
        ),
        (
            "patched_array",
            "Array.prototype.push = () => { throw 1; }; Array.isArray = () => 1; return new Response('x');",
            200,
        ),
        (
            "patched_object",
            "Object.defineProperty(Object.prototype, 'stream', { get() { throw 1; } }); return new Response('x');",
            200,
        ),
    ] {
        town.val(name, &format!("export default async () => {{ {body} }}"))
            .await;
        let (got, text) = town.run(name).await;
        if name.starts_with("patched") {
            // It may harm itself in whatever way; what counts is that the others are served.
            assert!(got == 200 || got >= 500, "{name}: {got} {text}");
        } else {
            assert_eq!(got, status, "{name}: {text}");
        }
    }
    town.val("warm", r#"export default () => new Response("warm")"#)
        .await;
    others_are_served(&town, "after").await;
}

#[tokio::test]
async fn errors_that_bite_are_reported_all_the_same() {
    let town = Town::start_with(&SHORT).await;
    for (name, body, status) in [
        (
            "getters",
            "throw { get message() { throw 1; }, get stack() { throw 2; }, get name() { throw 3; } };",
            500,
        ),
        (
            "proxy",
            "throw new Proxy(new Error('x'), { get() { throw 1; } });",
            500,
        ),
        (
            "revoked",
            "const { proxy, revoke } = Proxy.revocable({}, {}); revoke(); throw proxy;",
            500,
        ),
        (
            "deep_getter",
            "const f = () => f(); throw { get message() { return f(); } };",
            500,
        ),
        ("loop_getter", "throw { get message() { for (;;); } };", 504),
        ("symbol", "throw Symbol('x');", 500),
        ("undefined", "throw undefined;", 500),
        ("null", "throw null;", 500),
        ("huge", "throw new Error('x'.repeat(5_000_000));", 500),
        (
            "cause",
            "const e = new Error('x'); e.cause = e; throw e;",
            500,
        ),
        (
            "fake",
            "throw Object.assign(new Error('x'), { name: 'IsolateError', outcome: 'ok' });",
            500,
        ),
    ] {
        let val = town
            .val(name, &format!("export default () => {{ {body} }}"))
            .await;
        let (got, text) = town.run(name).await;
        assert_eq!(got, status, "{name}: {text}");
        let told = failure(&town, &val).await;
        assert!(!told.message.is_empty(), "{name}");
        assert!(
            told.message.len() < 40 << 10,
            "{name}: {} bytes",
            told.message.len()
        );
    }
    town.val("warm", r#"export default () => new Response("warm")"#)
        .await;
    others_are_served(&town, "after").await;
}

#[tokio::test]
async fn a_run_that_went_well_is_told_as_such() {
    let town = Town::root().await;
    let val = town
        .val("good", "export default () => new Response('good')")
        .await;
    assert_eq!(town.run("good").await.0, 200);
    let told = until("the run's trace", async || {
        traces(&town, &val).await.first().cloned()
    })
    .await;
    assert_eq!(
        told,
        Trace {
            outcome: "ok".into(),
            message: String::new()
        }
    );
}
