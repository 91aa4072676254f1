//! Records of runs and console lines: found, followed, sent again, stopped.

use reqwest::Method;
use serde_json::{Value, json};

use crate::serving::{eventually, id, line_of, run_of};
use crate::town::{OWNER, Town};

async fn list(town: &Town, path: &str) -> Vec<Value> {
    let (status, answer) = town.api(Method::GET, path, None).await;
    assert_eq!(status, 200, "{path}: {answer}");
    answer["data"].as_array().expect("a list").clone()
}

async fn whole(town: &Town, val: &str, run: &str) -> Value {
    let at = format!("/api/town/vals/{val}/runs/{run}");
    let (status, run) = town.api(Method::GET, &at, None).await;
    assert_eq!(status, 200, "{run}");
    run
}

#[tokio::test]
async fn a_run_is_recorded_with_its_request_found_by_what_it_was_and_sent_again() {
    let town = Town::start().await;
    let code = r#"export default async (request: Request) => {
      const body = await request.text();
      const { pathname } = new URL(request.url);
      console.log("said", pathname, body.length, request.headers.get("x-kept"), request.headers.get("authorization"));
      if (pathname === "/bad") throw new Error("Needle in the stack");
      return new Response("<" + body + ">", { status: pathname === "/503" ? 503 : 201, headers: { "x-back": "yes", "set-cookie": "a=b" } });
    }"#;
    let made = town.val("recorded", code).await;
    let val = id(&made);
    let visit = async |path: &str, body: Vec<u8>| {
        let at = format!("/run/{OWNER}/recorded{path}");
        let request = town.bare(Method::POST, &at).header("x-kept", "this");
        let request = request.header("authorization", "Bearer secret").body(body);
        request.send().await.expect("an answer").status().as_u16()
    };
    assert_eq!(visit("/one", "héllo".into()).await, 201);
    assert_eq!(visit("/bad", b"x".to_vec()).await, 500);
    assert_eq!(visit("/503", vec![0xff, 0]).await, 503);
    assert_eq!(visit("/long", vec![b'x'; 10_000]).await, 201);
    assert_eq!(
        town.get(&format!("/run/{OWNER}/recorded/get"))
            .await
            .status(),
        201
    );
    let path_of = |path: &'static str| {
        move |run: &Value| run["url"].as_str().is_some_and(|url| url.ends_with(path))
    };

    let one = run_of(&town, val, path_of("/one")).await;
    let one = whole(&town, val, id(&one)).await;
    let headers = one["requestHeaders"].as_array().expect("headers");
    assert!(headers.contains(&json!(["x-kept", "this"])), "{headers:?}");
    assert!(
        headers.contains(&json!(["authorization", "(not kept)"])),
        "{headers:?}"
    );
    let back = one["responseHeaders"].as_array().expect("headers");
    assert!(
        back.contains(&json!(["x-back", "yes"]))
            && back.contains(&json!(["set-cookie", "(not kept)"])),
        "{back:?}"
    );
    assert_eq!(
        one["requestBody"],
        json!({ "text": "héllo", "length": 6, "whole": true })
    );
    assert_eq!(
        one["responseBody"],
        json!({ "text": "<héllo>", "length": 8, "whole": true })
    );
    assert_eq!(one["logs"].as_array().map(Vec::len), Some(1), "{one}");
    assert_eq!(
        (&one["type"], &one["status"]),
        (&json!("http"), &json!(201))
    );
    for (path, body) in [
        (
            "/503",
            json!({ "base64": "/wA=", "length": 2, "whole": true }),
        ),
        (
            "/long",
            json!({ "text": "x".repeat(4096), "length": 10_000, "whole": false }),
        ),
        ("/get", Value::Null),
    ] {
        let run = run_of(&town, val, path_of(path)).await;
        let run = whole(&town, val, id(&run)).await;
        assert_eq!(run["requestBody"], body, "{path}");
    }

    let runs = format!("/api/town/vals/{val}/runs");
    let bad = run_of(&town, val, path_of("/bad")).await;
    for (query, found) in [
        ("outcome=failed", 2),
        ("outcome=exception", 1),
        ("outcome=ok", 4),
        ("status=5", 1),
        ("status=201", 3),
        ("method=get", 1),
        ("method=post&outcome=ok", 3),
        ("type=http", 5),
        ("type=interval", 0),
        ("path=main.tsx", 5),
        ("path=other.tsx", 0),
        ("version=0", 5),
        ("version=1", 0),
        ("search=needle+IN", 1),
        ("search=%2Flong", 1),
        ("since=2020-01-01T00:00:00Z", 5),
        ("until=2020-01-01T00:00:00Z", 0),
    ] {
        let listed = list(&town, &format!("{runs}?{query}")).await;
        assert_eq!(listed.len(), found, "{query}: {listed:?}");
    }
    let first = list(&town, &format!("{runs}?after=0&limit=1")).await;
    assert_eq!(first.len(), 1);
    assert!(path_of("/one")(&first[0]), "after: the oldest first");
    let logs = format!("/api/town/vals/{val}/logs");
    line_of(&town, val, "/get").await;
    for (query, found) in [
        ("search=%2FBAD", 1),
        ("level=log", 5),
        ("level=error", 0),
        (&format!("run={}", id(&bad)), 1),
        ("search=secret", 0),
    ] {
        // What the val prints of a secret is its own business.
        let found = if query == "search=secret" { 4 } else { found };
        let listed = list(&town, &format!("{logs}?{query}")).await;
        assert_eq!(listed.len(), found, "{query}: {listed:?}");
    }
    for path in [
        format!("{runs}?since=yesterday"),
        format!("{runs}?status=0"),
        format!("{logs}?search={}", "x".repeat(513)),
    ] {
        assert_eq!(town.api(Method::GET, &path, None).await.0, 400, "{path}");
    }

    let resend = async |run: &Value| {
        let at = format!("{runs}/{}/resend", id(run));
        town.api(Method::POST, &at, None).await
    };
    let (status, answer) = resend(&one).await;
    assert_eq!((status, &answer["status"]), (200, &json!(201)), "{answer}");
    assert_eq!(
        answer["body"],
        json!({ "text": "<héllo>", "length": 8, "whole": true })
    );
    assert_eq!(
        line_of(&town, val, "said /one 5 this null").await["level"],
        "log"
    );
    let long = run_of(&town, val, path_of("/long")).await;
    let (status, answer) = resend(&long).await;
    assert_eq!((status, &answer["code"]), (422, &json!("not_recorded")));

    let traces = "/api/v1/telemetry/traces?limit=100";
    let traces = list(&town, traces).await;
    let text = serde_json::to_string(&traces).expect("JSON");
    assert!(
        text.contains("http.request.header.x-kept") && text.contains("http.response.header.x-back"),
        "{text}"
    );
}

#[tokio::test]
async fn a_run_lists_the_runs_it_has_caused() {
    let town = Town::start().await;
    let called = town
        .val(
            "called",
            "export default () => { console.log('inner'); return new Response('in'); }",
        )
        .await;
    let code = r#"export default async (request: Request) => {
      const there = request.url.replace("--calling.", "--called.");
      return new Response(await (await fetch(there)).text() + await (await fetch(there)).text());
    }"#;
    let calling = town.val("calling", code).await;
    assert_eq!(town.run("calling").await, (200, "inin".into()));
    let run = run_of(&town, id(&calling), |run| run["status"] == 200).await;
    let run = eventually("both", async || {
        let run = whole(&town, id(&calling), id(&run)).await;
        (run["children"].as_array()?.len() == 2).then_some(run)
    })
    .await;
    let child = &run["children"][0];
    assert_eq!(
        (&child["valId"], &child["parent"]),
        (&called["id"], &run["id"]),
        "{run}"
    );
    let child = whole(&town, id(&called), id(child)).await;
    assert_eq!(child["logs"][0]["text"], "inner");
}

#[tokio::test]
async fn runs_and_lines_are_followed_as_they_come() {
    let town = Town::start().await;
    let made = town
        .val("followed", "export default (r: Request) => { console.log(new URL(r.url).search); return new Response(''); }")
        .await;
    town.val(
        "other",
        "export default () => { console.log('not mine'); return new Response(''); }",
    )
    .await;
    let at = format!("/api/town/vals/{}/stream", id(&made));
    assert_eq!(town.get(&at).await.status(), 401);
    let mut stream = town
        .request(Method::GET, &at)
        .send()
        .await
        .expect("a stream");
    assert_eq!(stream.headers()["content-type"], "text/event-stream");
    let mut seen = String::new();
    let mut read_until = async |words: &str| -> String {
        while !seen.contains(words) {
            let chunk = stream.chunk().await.expect("a chunk").expect("no end");
            seen.push_str(std::str::from_utf8(&chunk).expect("text"));
        }
        seen.clone()
    };
    read_until("retry").await;
    let visit = async |path: &str| town.get(&format!("/run/{OWNER}/{path}")).await.status();
    visit("followed/?one").await;
    visit("other/").await;
    visit("followed/?two").await;
    let text = read_until("?two\"").await;
    assert!(
        text.contains("event: log\n") && text.contains("?one"),
        "{text}"
    );
    let text = read_until("event: run").await;
    assert!(!text.contains("not mine"), "{text}");
    drop(stream);

    // Who comes back says where it was and misses nothing.
    let mark = text.find("event: log").expect("a line");
    let last = text[mark..].lines().nth(1).expect("an id");
    let last = last.strip_prefix("id: ").expect("an id");
    visit("followed/?three").await;
    let request = town.request(Method::GET, &at).header("last-event-id", last);
    let mut stream = request.send().await.expect("a stream");
    let mut seen = String::new();
    while !(seen.contains("?two") && seen.contains("?three")) {
        let chunk = stream.chunk().await.expect("a chunk").expect("no end");
        seen.push_str(std::str::from_utf8(&chunk).expect("text"));
    }
    assert!(!seen.contains("\"text\":\"?one\""), "{seen}");

    let mut open = Vec::new();
    let refused = eventually("too many", async || {
        let answer = town
            .request(Method::GET, &at)
            .send()
            .await
            .expect("an answer");
        let status = answer.status().as_u16();
        open.push(answer);
        (status != 200).then_some(status)
    })
    .await;
    assert_eq!(
        (refused, open.len() <= 40),
        (429, true),
        "streams are bounded"
    );
}

#[tokio::test]
async fn what_is_running_is_stopped() {
    let town = Town::start().await;
    let made = town
        .val(
            "hangs",
            "export default async () => { console.log('begun'); await new Promise(() => {}); }",
        )
        .await;
    let at = format!("/run/{OWNER}/hangs/");
    let visit = tokio::spawn(town.bare(Method::GET, &at).send());
    line_of(&town, id(&made), "begun").await;
    let stop = format!("/api/town/vals/{}/cancel", id(&made));
    let (status, answer) = town.api(Method::POST, &stop, None).await;
    assert_eq!(
        (status, answer),
        (200, json!({ "cancelled": ["main.tsx"] }))
    );
    let visit = visit.await.expect("no panic").expect("an answer");
    assert_eq!(visit.status(), 503);
    let run = run_of(&town, id(&made), |run| run["outcome"] == "canceled").await;
    let error = run["error"]["message"].as_str().expect("words");
    assert!(error.contains("Stopped by its author"), "{error}");
}

#[tokio::test]
async fn records_go_when_they_are_old_or_too_much() {
    let town = Town::start().await;
    let code = r#"import { storage } from "town:kernel";
    import { setRetention, sweeps } from "town:system/model/retention.ts";
    import { forget, keep, logsOf } from "town:system/model/runs.ts";
    import { migrate } from "town:system/model/schema.ts";
    import { changeSettings } from "town:system/model/settings.ts";
    const town: any = { storage };
    const day = 24 * 60 * 60 * 1000;
    const id = "00000000-0000-0000-0000-000000000000";
    const other = "11111111-0000-0000-0000-000000000000";
    const run = (name: string, at: number, val = id) => ({
      type: "run", run: name, id: `${val}@0/main.ts?env=0&owner=${id}`, kind: "fetch", startedAt: at, endedAt: at, cpuMs: 0,
      memoryPeak: 0, outcome: "ok", linesDropped: 0,
    });
    const store = (...events: unknown[]) => keep(town, { json: JSON.stringify(events), events: [] });
    const sweep = async () => {
      const logs = await logsOf(town);
      await logs.batch(await sweeps(town, logs, true));
      return (await logs.execute("SELECT id FROM run ORDER BY position")).rows.join();
    };
    export default async () => {
      await migrate(storage);
      const now = Date.now();
      const seen = [await sweep()];
      await store(run("old", 1), run("week", now - 7 * day), run("new", now));
      seen.push(await sweep());
      await changeSettings(town, { logDays: 5 });
      seen.push(await sweep());
      // One val keeps less than the town, and the others what they had.
      await store(run("kept", now - 3 * day, other), run("dropped", now - 3 * day), run("newer", now));
      await setRetention(town, await logsOf(town), id, 2);
      seen.push(await sweep());
      await (await logsOf(town)).execute("UPDATE amount SET written = written + 20 * 1024 * 1024 * 1024");
      await store(run("newest", now));
      seen.push(await sweep());
      await forget(town, id);
      seen.push(String((await (await logsOf(town)).execute("SELECT count(*) FROM kept")).rows[0]));
      const refused = await setRetention(town, await logsOf(town), id, 6).catch((error) => error.message);
      return Response.json([...seen, refused]);
    };"#;
    town.val("sweeping", code).await;
    let (status, text) = town.run("sweeping").await;
    assert_eq!(status, 200, "{text}");
    let seen: Value = serde_json::from_str(&text).expect("JSON");
    let expected = ["", "week,new", "new", "new,kept,newer", "newest", "0"];
    for (step, names) in expected.iter().enumerate() {
        assert_eq!(seen[step], *names, "{seen}");
    }
    assert!(
        seen[6]
            .as_str()
            .is_some_and(|words| words.contains("from 1 to 5")),
        "{seen}"
    );

    let retention = format!(
        "/api/town/vals/{}/retention",
        id(&town.val("keeping", "export default 1").await)
    );
    let set = async |days: Value| {
        town.api(Method::PUT, &retention, Some(json!({ "days": days })))
            .await
    };
    assert_eq!(
        set(json!(3)).await,
        (200, json!({ "days": 3, "townDays": 10 }))
    );
    assert_eq!(set(json!(11)).await.0, 400);
    assert_eq!(town.api(Method::GET, &retention, None).await.1["days"], 3);
    assert_eq!(set(Value::Null).await.1["days"], Value::Null);
}
