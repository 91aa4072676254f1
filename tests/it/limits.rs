//! What a program asks for its children is kept: limits, isolation, calls, alarms and modules.

use serde_json::{Value, json};

use crate::town::Town;
use crate::watching::{lines, logged, until};

/// Runs a child and tells how it went.
const PROBE: &str = r#"
import { loader, storage } from "town:kernel";
const child = (source, more = {}) => loader.load({
  main: "child.ts", modules: { "child.ts": { type: "ts", source } }, ...more,
});
async function told(promise) {
  try {
    const response = await promise;
    return { text: await response.text() };
  } catch (error) {
    const { name, message, outcome, limit, value, stack } = error;
    return { name, message, outcome, limit, value, stack, isError: error instanceof Error };
  }
}
const visit = (isolate, init) => told(isolate.fetch(new Request("http://child/", init)));
"#;

// What a val that begins as above answers, as JSON.
async fn answer(town: &Town, name: &str, code: &str) -> Value {
    town.val(name, &format!("{PROBE}\n{code}")).await;
    let (status, text) = town.run(name).await;
    assert_eq!(status, 200, "{name}: {text}");
    serde_json::from_str(&text).unwrap_or_else(|_| panic!("{name}: no JSON: {text}"))
}

fn assert_limit(told: &Value, outcome: &str, limit: &str, value: u64) {
    assert_eq!(told["name"], "IsolateError", "{told}");
    assert_eq!(told["isError"], true, "{told}");
    assert_eq!(told["outcome"], outcome, "{told}");
    assert_eq!(told["limit"], limit, "{told}");
    assert_eq!(told["value"], value, "{told}");
    assert!(
        !told["message"].as_str().expect("a message").is_empty(),
        "{told}"
    );
    assert!(told["stack"].is_string(), "{told}");
}

#[tokio::test]
async fn each_limit_that_a_program_asks_for_is_kept_and_named() {
    let town = Town::root().await;
    let code = r#"
const busy = "const end = Date.now() + 20; while (Date.now() < end);";
export default async () => Response.json(Object.fromEntries(await Promise.all(Object.entries({
  deadline: visit(child("export default () => new Promise(() => {})", { limits: { deadlineMs: 300 } })),
  load: visit(child("await new Promise(() => {}); export default 1", { limits: { deadlineMs: 300 } })),
  cpu: visit(child(`export default async () => {
    for (;;) { ${busy} await new Promise((done) => setTimeout(done, 1)); }
  }`, { limits: { cpuMs: 200 } })),
  stall: visit(child("export default () => { for (;;); }", { limits: { stallMs: 300 } })),
  memory: visit(child(
    "export default () => { const a = []; for (;;) a.push(new Array(1000).fill(1)); }",
    { limits: { memoryMb: 16 } },
  )),
  bodyIn: visit(child("export default async (r) => new Response(await r.text())", { limits: { bodyBytes: 1000 } }),
    { method: "POST", body: "x".repeat(1001) }),
  bodyOut: visit(child("export default () => new Response('x'.repeat(1001))", { limits: { bodyBytes: 1000 } })),
  bodyFits: visit(child("export default () => new Response('x'.repeat(1000))", { limits: { bodyBytes: 1000 } })),
}).map(async ([name, promise]) => [name, await promise]))));"#;
    let all = answer(&town, "limits", code).await;
    assert_limit(&all["deadline"], "deadline", "deadlineMs", 300);
    assert_limit(&all["load"], "deadline", "deadlineMs", 300);
    assert_limit(&all["cpu"], "cpu", "cpuMs", 200);
    assert_limit(&all["stall"], "stall", "stallMs", 300);
    assert_limit(&all["memory"], "memory", "memoryMb", 16);
    assert_limit(&all["bodyIn"], "body", "bodyBytes", 1000);
    assert_limit(&all["bodyOut"], "body", "bodyBytes", 1000);
    assert_eq!(all["bodyFits"]["text"], "x".repeat(1000));
}

#[tokio::test]
async fn a_program_cannot_ask_for_more_than_its_own_limits() {
    let town = Town::start_with(&["--stall-limit", "700"]).await;
    let code = r#"
const greedy = { deadlineMs: 1e9, stallMs: 1e9, cpuMs: 1e9, memoryMb: 1e6 };
export default async () =>
  Response.json(await visit(child("export default () => { for (;;); }", { limits: greedy })));"#;
    assert_limit(
        &answer(&town, "greedy", code).await,
        "stall",
        "stallMs",
        700,
    );
}

#[tokio::test]
async fn requests_beyond_what_an_isolate_may_serve_are_refused_as_overload() {
    let town = Town::root().await;
    let code = r#"
const source = `let open = 0; let release; const gate = new Promise((done) => { release = done; });
  export default async (request) => {
    // Late enough for the third to be refused meanwhile, however busy the machine is.
    if (++open === 2) setTimeout(release, 500);
    await gate;
    return new Response("served");
  }`;
export default async () => {
  const isolate = loader.get("busy", () => ({
    main: "child.ts", modules: { "child.ts": { type: "ts", source } },
    limits: { requestsOpen: 2, isolates: 1 },
  }));
  return Response.json(await Promise.all([visit(isolate), visit(isolate), visit(isolate)]));
};"#;
    let all = answer(&town, "open", code).await;
    let all = all.as_array().expect("a list");
    let served = all.iter().filter(|one| one["text"] == "served").count();
    assert_eq!(served, 2, "{all:?}");
    let refused = all
        .iter()
        .find(|one| one["text"].is_null())
        .expect("one was refused");
    assert_limit(refused, "overload", "requestsOpen", 2);

    // Where each request has a process of its own, one counts until the last byte of its answer.
    let code = r#"
const source = `export default () => new Response(new ReadableStream({ start(to) { to.enqueue(new Uint8Array(1)); } }));`;
export default async () => {
  const isolate = loader.get("single", () => ({
    main: "child.ts", modules: { "child.ts": { type: "ts", source } },
    isolation: "request", limits: { requestsOpen: 2 },
  }));
  const ask = () => isolate.fetch("http://x/");
  const open = [await ask(), await ask()];
  const refused = await visit(isolate);
  await open[0].body.cancel();
  for (;;) {
    const again = await ask().catch(() => null);
    if (again) open.push(again); else continue;
    break;
  }
  isolate.cancel();
  const ended = await Promise.all([1, 2].map((n) => open[n].text().then(() => "went on", () => "ended")));
  return Response.json({ refused, ended });
};"#;
    let single = answer(&town, "single", code).await;
    assert_limit(&single["refused"], "overload", "requestsOpen", 2);
    assert_eq!(single["ended"], json!(["ended", "ended"]));
}

#[tokio::test]
async fn a_program_without_a_level_left_cannot_start_another() {
    let town = Town::root().await;
    let code = r#"
const source = `import { loader } from "town:kernel";
  export default async () => {
    if (loader === undefined) return new Response("no loader");
    try {
      const isolate = loader.load({ main: "m", modules: { m: { type: "js", source: "export default () => new Response('ran')" } } });
      return new Response(await (await isolate.fetch("http://x/")).text());
    } catch (error) {
      return Response.json([error.name, error.outcome, error.limit, error.value]);
    }
  }`;
export default async () => Response.json([
  await visit(child(source)),
  await visit(child(source, { loader: { depth: 0 } })),
  await visit(child(source, { loader: { depth: 1 } })),
  await visit(child(source, { loader: {} })),
]);"#;
    let all = answer(&town, "depth", code).await;
    assert_eq!(all[0]["text"], "no loader");
    assert_eq!(all[1]["text"], r#"["IsolateError","depth","depth",0]"#);
    assert_eq!(all[2]["text"], "ran");
    assert_eq!(all[3]["text"], "ran");
}

#[tokio::test]
async fn what_is_omitted_a_program_lacks() {
    let town = Town::root().await;
    let code = r#"
const source = `import * as kernel from "town:kernel";
  export default async () => {
    let fetched = "reached";
    try { await fetch("http://example.com/"); } catch (error) { fetched = error.name; }
    return Response.json({
      storage: typeof kernel.storage, loader: typeof kernel.loader, system: typeof kernel.system,
      env: Object.keys(kernel.env), deno: Deno.env.get("SECRET") ?? null, fetched,
    });
  }`;
export default async () => Response.json(JSON.parse((await visit(child(source))).text));"#;
    let all = answer(&town, "bare", code).await;
    let bare = json!({
        "storage": "undefined", "loader": "undefined", "system": "undefined", "env": [],
        "deno": null, "fetched": "NotAllowedError",
    });
    assert_eq!(all, bare);
}

#[tokio::test]
async fn an_error_of_a_child_has_its_outcome_and_the_authors_place() {
    let town = Town::root().await;
    let code = r#"
const thrower = `interface Unused { a: string }
export default async (request: Request): Promise<Response> => {
  await null;
  throw new RangeError("boom");
}`;
export default async () => Response.json({
  thrown: await visit(child(thrower)),
  syntax: await visit(child("export default () => {\n  const = 1;\n}")),
  missing: await visit(child("import x from './nowhere.ts';\nexport default x")),
  nothing: await visit(child("export const a = 1")),
  crash: await visit(child("export default () => { let a = []; for (let i = 0; i < 1e5; i++) a = [a]; a.flat(Infinity); return new Response('survived'); }")),
});"#;
    let all = answer(&town, "errors", code).await;
    let thrown = &all["thrown"];
    assert_eq!(thrown["outcome"], "exception", "{thrown}");
    assert_eq!(thrown["limit"], Value::Null, "{thrown}");
    assert!(
        thrown["message"]
            .as_str()
            .expect("text")
            .contains("RangeError: boom"),
        "{thrown}"
    );
    assert!(
        thrown["stack"]
            .as_str()
            .expect("text")
            .contains("child.ts:4:"),
        "{thrown}"
    );
    let syntax = &all["syntax"];
    assert_eq!(syntax["outcome"], "load", "{syntax}");
    assert!(
        syntax["message"]
            .as_str()
            .expect("text")
            .contains("child.ts:2:"),
        "{syntax}"
    );
    assert_eq!(all["missing"]["outcome"], "load", "{}", all["missing"]);
    assert!(
        all["missing"]["message"]
            .as_str()
            .expect("text")
            .contains("nowhere.ts"),
        "{all}"
    );
    assert_eq!(all["nothing"]["outcome"], "exception", "{}", all["nothing"]);
    let outcome = all["crash"]["outcome"].as_str();
    assert!(
        all["crash"]["text"] == "survived" || outcome.is_some(),
        "{}",
        all["crash"]
    );
}

#[tokio::test]
async fn a_quota_of_storage_is_kept_and_counts_what_is_below() {
    let town = Town::root().await;
    let code = r#"
const source = `import { storage } from "town:kernel";
  export default async () => {
    const below = storage.sub("below");
    await below.execute("CREATE TABLE t (x)");
    for (let i = 0; i < 1000; i++) {
      try { await below.execute({ sql: "INSERT INTO t VALUES (?)", args: ["x".repeat(10000)] }); }
      catch (error) { return Response.json([error.name, error.code, i, (await storage.usage()).bytesMax]); }
    }
    return new Response("no end");
  }`;
export default async () => Response.json(JSON.parse((await visit(child(source, {
  storage: storage.sub("child"), limits: { storageBytes: 200_000 },
}))).text));"#;
    let all = answer(&town, "quota", code).await;
    assert_eq!(all[0], "SqliteError", "{all}");
    assert_eq!(all[1], "SQLITE_FULL", "{all}");
    assert!(all[2].as_u64().expect("a number") < 40, "{all}");
    assert_eq!(all[3], 200_000, "{all}");
}

#[tokio::test]
async fn lines_over_the_limit_are_dropped_and_counted_and_the_parent_hears_of_each_run() {
    let town = Town::root().await;
    let code = r#"
const source = `export default () => {
  for (let i = 0; i < 10; i++) console.warn("0123456789");
  return new Response("said");
}`;
export default {
  fetch: () => loader.get("chatty", () => ({
    main: "child.ts", modules: { "child.ts": { type: "ts", source } }, limits: { logBytes: 35 },
  })).fetch("http://child/said"),
  tail({ events }) {
    for (const event of events) {
      const { type, id } = event;
      if (type === "log") console.log(JSON.stringify({ type, id, level: event.level, text: event.text }));
      else console.log(JSON.stringify({
        type, id, kind: event.kind, outcome: event.outcome, error: event.error, method: event.method,
        url: event.url, status: event.status, linesDropped: event.linesDropped,
        run: /^[0-9a-f]{16}$/.test(event.run) && /^[0-9a-f]{16}$/.test(event.parent),
        times: event.startedAt <= event.endedAt && event.cpuMs >= 0,
      }));
    }
  },
};"#;
    let val = town.val("tail", &format!("{PROBE}\n{code}")).await;
    assert_eq!(town.run("tail").await, (200, "said".into()));
    let run = json!({
        "type": "run", "id": "chatty", "kind": "fetch", "outcome": "ok", "error": null,
        "method": "GET", "url": "http://child/said", "status": 200, "linesDropped": 7,
        "run": true, "times": true,
    });
    let all: Vec<Value> = until("the run's record", async || {
        let all = lines(&town, &val).await;
        let all: Vec<Value> = all
            .iter()
            .filter_map(|l| serde_json::from_str(l).ok())
            .collect();
        all.iter()
            .any(|event| event["type"] == "run")
            .then_some(all)
    })
    .await;
    let told = all
        .iter()
        .find(|event| event["type"] == "run")
        .expect("found before");
    assert_eq!(*told, run);
    let log = json!({ "type": "log", "id": "chatty", "level": "warn", "text": "0123456789" });
    assert_eq!(
        all.iter().filter(|event| **event == log).count(),
        3,
        "{all:?}"
    );
}

// ---- Isolation

#[tokio::test]
async fn isolates_for_one_request_share_nothing_and_draw_other_numbers() {
    let town = Town::root().await;
    let code = "// town: isolation=request
        let count = 0;
        const early = 1;
        export default () => Response.json([++count, Math.random(), crypto.randomUUID(),
          crypto.getRandomValues(new Uint32Array(2)).join()])";
    town.val("alone", code).await;
    let mut seen = Vec::new();
    for _ in 0..6 {
        let (status, text) = town.run("alone").await;
        assert_eq!(status, 200, "{text}");
        let answer: Value = serde_json::from_str(&text).expect("JSON");
        assert_eq!(answer[0], 1, "no state is left");
        seen.extend([1, 2, 3].map(|index| answer[index].to_string()));
    }
    let all = seen.len();
    seen.sort();
    seen.dedup();
    assert_eq!(seen.len(), all, "no number comes twice");
}

#[tokio::test]
async fn two_programs_of_the_same_source_draw_other_numbers() {
    let town = Town::root().await;
    let code = "const drawn = crypto.randomUUID();
        export default () => new Response(drawn)";
    town.val("one", code).await;
    town.val("two", code).await;
    assert_ne!(town.run("one").await.1, town.run("two").await.1);
}

#[tokio::test]
async fn a_shared_isolate_keeps_its_state() {
    let town = Town::root().await;
    town.val(
        "shared",
        "let count = 0; export default () => Response.json(++count)",
    )
    .await;
    for count in 1..=3 {
        assert_eq!(town.run("shared").await, (200, count.to_string()));
    }
}

// ---- The loader

#[tokio::test]
async fn a_program_is_asked_for_only_when_none_of_its_id_lives() {
    let town = Town::root().await;
    let code = r#"
let asked = 0;
const source = "let count = 0; export default () => Response.json(++count)";
const isolate = (id) => loader.get(id, () => {
  asked++;
  return { main: "child.ts", modules: { "child.ts": { type: "ts", source } } };
});
export default async () => {
  const said = [];
  for (const id of ["a", "a", "b", "a"]) said.push((await visit(isolate(id))).text, asked);
  await isolate("a").cancel("enough");
  said.push((await visit(isolate("a"))).text, asked, (await visit(isolate("b"))).text, asked);
  return Response.json(said);
};"#;
    let all = answer(&town, "asked", code).await;
    assert_eq!(all, json!(["1", 1, "2", 1, "1", 2, "3", 2, "1", 3, "2", 3]));
}

#[tokio::test]
async fn cancel_ends_what_runs_with_its_reason() {
    let town = Town::root().await;
    let code = r#"
const isolate = loader.get("endless", () => ({
  main: "child.ts", modules: { "child.ts": { type: "ts", source: `export default (request) => {
    if (request.url.endsWith("/loop")) setTimeout(() => { for (;;); }, 0);
    console.log("runs");
    return new Promise(() => {});
  }` } },
}));
let seen = 0, wanted, reached;
// The second visit would keep the first from ever being served, so they begin one after the other.
const running = (count) => new Promise((done) => {
  if (seen >= count) return done();
  wanted = count;
  reached = done;
});
export default {
  async fetch() {
    const visits = [visit(isolate)];
    await running(1);
    visits.push(told(isolate.fetch("http://child/loop")));
    await running(2);
    await isolate.cancel("not wanted any more");
    return Response.json(await Promise.all(visits));
  },
  tail({ events }) {
    seen += events.filter((event) => event.text === "runs").length;
    if (seen >= wanted) reached();
  },
};"#;
    let all = answer(&town, "cancel", code).await;
    for told in all.as_array().expect("a list") {
        assert_eq!(told["outcome"], "canceled", "{told}");
        assert!(
            told["message"]
                .as_str()
                .expect("text")
                .contains("not wanted any more"),
            "{told}"
        );
    }
}

#[tokio::test]
async fn calls_carry_structured_clones_both_ways() {
    let town = Town::root().await;
    let code = r#"
const source = `export function describe(map, date, big, set, bytes, error, nothing, cycle, re) {
  return { map: map.get("a").b, date: date.getTime(), big: big + 1n, set: [...set], bytes: bytes.reverse(),
    error: error.name + error.message, nothing, cycle: cycle.self.self === cycle, re: re.source + re.flags };
}
export default { method(x) { return x * 2; } };
export const value = 1;
export function fails() { throw new TypeError("by itself"); }
export function unclonable() { return () => 1; }
export async function later() { await null; return new Map([[1, new Date(5)]]); }`;
const isolate = loader.get("clones", () => ({ main: "child.ts", modules: { "child.ts": { type: "ts", source } } }));
const failing = async (...args) => { try { await isolate.call(...args); return "no error"; } catch (error) { return error.message; } };
export default async () => {
  const cycle = {}; cycle.self = cycle;
  const got = await isolate.call("describe", [
    new Map([["a", { b: 7 }]]), new Date(1234), 2n ** 70n, new Set([1, 2]), new Uint8Array([1, 2, 3]),
    new RangeError("!"), undefined, cycle, /x+/gi,
  ]);
  const later = await isolate.call("later", []);
  return Response.json({
    ...got, big: String(got.big), bytes: [...got.bytes], hasNothing: "nothing" in got,
    method: await isolate.call("method", [21]),
    later: later instanceof Map && later.get(1) instanceof Date && later.get(1).getTime(),
    fails: await failing("fails", []), unclonable: await failing("unclonable", []),
    missing: await failing("nowhere", []), value: await failing("value", []),
    argument: await failing("describe", [() => 1]),
  });
};"#;
    let all = answer(&town, "calls", code).await;
    assert_eq!(all["map"], 7);
    assert_eq!(all["date"], 1234);
    assert_eq!(all["big"], "1180591620717411303425");
    assert_eq!(all["set"], json!([1, 2]));
    assert_eq!(all["bytes"], json!([3, 2, 1]));
    assert_eq!(all["error"], "RangeError!");
    assert_eq!(all["hasNothing"], true);
    assert_eq!(all["cycle"], true);
    assert_eq!(all["re"], "x+gi");
    assert_eq!(all["method"], 42);
    assert_eq!(all["later"], 5);
    assert!(
        all["fails"].as_str().expect("text").contains("by itself"),
        "{all}"
    );
    for refused in ["unclonable", "missing", "value", "argument"] {
        assert_ne!(all[refused], "no error", "{refused}: {all}");
    }
    assert!(
        all["missing"].as_str().expect("text").contains("nowhere"),
        "{all}"
    );
}

#[tokio::test]
async fn a_dynamic_import_asks_the_program_that_started_it() {
    let town = Town::root().await;
    let code = r#"
const source = `export default async () => {
  const said = [];
  for (const name of ["./a.ts", "lib:moved", "lib:none", "lib:fails", "lib:broken", "lib:text"]) {
    try {
      const module = await import(name);
      said.push(module.default ?? module.where);
    } catch (error) { said.push(error.name); }
  }
  said.push((await import("lib:text")).default);
  return Response.json(said);
}`;
const asked = [];
export default async () => {
  const said = await visit(child(source, { resolve(specifier, referrer) {
    asked.push([specifier, referrer]);
    if (specifier.endsWith("a.ts")) return { type: "ts", source: "const where: string = import.meta.url; export default where" };
    if (specifier === "lib:moved") return { redirect: "lib:target" };
    if (specifier === "lib:target") return { type: "js", source: "export const where = import.meta.url" };
    if (specifier === "lib:broken") return { type: "js", source: "export const = 1" };
    if (specifier === "lib:text") return { type: "text", source: "some text" };
    if (specifier === "lib:fails") throw new Error("not today");
  } }));
  return Response.json({ said: said.text ?? said, asked });
};"#;
    let all = answer(&town, "resolves", code).await;
    let said: Value = serde_json::from_str(all["said"].as_str().expect("text")).expect("JSON");
    assert!(said[0].as_str().expect("text").ends_with("a.ts"), "{all}");
    assert_eq!(said[1], "lib:target", "{all}");
    assert_eq!(said[2], "TypeError", "{all}");
    assert_eq!(said[3], "TypeError", "{all}");
    assert_eq!(said[4], "SyntaxError", "{all}");
    assert_eq!(said[5], "some text", "{all}");
    assert_eq!(said[6], "some text", "{all}");
    let asked = all["asked"].as_array().expect("a list");
    assert!(asked.iter().all(|pair| pair[1] == "child.ts"), "{all}");
    let text = asked.iter().filter(|pair| pair[0] == "lib:text").count();
    assert_eq!(text, 1, "a module is asked for once: {all}");
}

// ---- Storage between isolates

#[tokio::test]
async fn a_commit_is_heard_of_in_another_isolate() {
    let town = Town::root().await;
    let code = "// town: isolation=request
        import { storage } from 'town:kernel';
        export default async (request) => {
          const { pathname } = new URL(request.url);
          if (pathname === '/wait') {
            const before = storage.revision;
            console.log('waits');
            const after = await storage.changed(before);
            const { rows } = await storage.execute('SELECT x FROM t');
            return Response.json({ grew: after > before, known: storage.revision >= after, rows });
          }
          if (pathname === '/read') {
            const before = storage.revision;
            await storage.execute('SELECT 1');
            return Response.json(storage.revision === before);
          }
          const before = storage.revision;
          await storage.batch(['CREATE TABLE IF NOT EXISTS t (x)', 'INSERT INTO t VALUES (7)']);
          return Response.json(storage.revision > before);
        }";
    let val = town.val("listens", code).await;
    let owner = crate::town::OWNER;
    let wait = town.bare(reqwest::Method::GET, &format!("/run/{owner}/listens/wait"));
    let wait = tokio::spawn(wait.send());
    logged(&town, &val, "waits").await;
    assert_eq!(town.run("listens").await, (200, "true".into()));
    let answer = wait.await.expect("no panic").expect("an answer");
    let heard: Value = serde_json::from_str(&answer.text().await.expect("a body")).expect("JSON");
    assert_eq!(heard, json!({ "grew": true, "known": true, "rows": [[7]] }));
    let read = town.text(&format!("/run/{owner}/listens/read")).await;
    assert_eq!(read, (200, "true".into()), "reading is no change");
}

// ---- Alarms

#[tokio::test]
async fn an_alarm_of_a_val_reaches_it_and_what_it_started() {
    let town = Town::root().await;
    let code = r#"
const source = `import { storage } from "town:kernel";
  export async function alarm(event) { console.log("child hears " + JSON.stringify(event.names) + (event.scheduledAt instanceof Date)); }
  export default async () => { await storage.setAlarm(new Date()); return new Response("set"); };`;
const below = () => loader.get("below", () => ({
  main: "child.ts", modules: { "child.ts": { type: "ts", source } }, storage: storage.sub("below"),
}));
export default {
  async fetch() {
    await storage.setAlarm(new Date(Date.now() - 1000));
    await below().fetch("http://child/");
    return new Response("set");
  },
  async alarm(event) {
    console.log("hears " + JSON.stringify(event.names) + event.retries + (event.scheduledAt < new Date()));
    if (event.names.length > 0) await below().alarm({ ...event, names: event.names.slice(1) });
  },
  tail({ events }) { for (const event of events) if (event.type === "log") console.log(event.text); },
};"#;
    let val = town.val("alarmed", &format!("{PROBE}\n{code}")).await;
    assert_eq!(town.run("alarmed").await, (200, "set".into()));
    for line in [
        r#"hears []0true"#,
        r#"hears ["below"]0true"#,
        "child hears []true",
    ] {
        logged(&town, &val, line).await;
    }
}

#[tokio::test]
async fn an_alarm_that_fails_is_delivered_again() {
    let town = Town::root().await;
    let code = "import { storage } from 'town:kernel';
        export default {
          async fetch() { await storage.setAlarm(new Date()); return new Response('set'); },
          alarm({ retries }) {
            console.log(`delivery ${retries}`);
            if (retries === 0) throw new Error('not this time');
          },
        };";
    let val = town.val("again", code).await;
    assert_eq!(town.run("again").await, (200, "set".into()));
    logged(&town, &val, "delivery 0").await;
    logged(&town, &val, "delivery 1").await;
}
