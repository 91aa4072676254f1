//! What the seed's text shows runs here, and the faults of its code are none of this one's.

use std::collections::HashMap;
use std::time::Duration;

use reqwest::{Method, Response};

use crate::serving::{endpoint, eventually, header, id, line_of, run_of};
use crate::town::{OWNER, PATIENCE, Town};

/// The example as it is shipped.
const EXAMPLE: &str = include_str!("../../bootstrap-vals/examples/val-town-town.ts");

/// A clock of Server-Sent Events that ticks when `/tick` is asked for, so that a test and not time
/// says when a chunk comes.
const TICKING: &str = r#"let tick = () => {};
export default function (req: Request): Response {
  if (new URL(req.url).pathname === "/tick") { tick(); return new Response("ticked"); }
  let ticks = 0;
  const body = new ReadableStream({
    start(controller) {
      const encoder = new TextEncoder();
      tick = () => controller.enqueue(encoder.encode(`data: ${ticks++}\n\n`));
      tick();
    },
    cancel() { console.log("The reader left"); },
  });
  return new Response(body, { headers: { "content-type": "text/event-stream" } });
}
"#;

/// The next chunk of a stream that is under way.
async fn chunk(response: &mut Response) -> String {
    let chunk = tokio::time::timeout(PATIENCE, response.chunk()).await;
    let chunk = chunk
        .expect("a chunk in time")
        .expect("a whole stream")
        .expect("a chunk");
    String::from_utf8(chunk.to_vec()).expect("text")
}

// ---- The three handlers ----------------------------------------------------------------------

#[tokio::test]
async fn the_arrow_function_of_the_seed_runs_unchanged() {
    let town = Town::root().await;
    let made = town
        .val(
            "one",
            "export default (req: Request) => Response.json(\"I work!\")\n",
        )
        .await;
    let answer = town.get(endpoint(&made)).await;
    assert_eq!(header(&answer, "content-type"), "application/json");
    assert_eq!(answer.text().await.expect("a body"), "\"I work!\"");
}

#[tokio::test]
async fn the_async_function_of_the_seed_runs_unchanged() {
    let town = Town::root().await;
    let code = "export default async function (req: Request): Promise<Response> {\n    \
        return Response.json(await Promise.resolve(new URL(req.url).searchParams.get(\"q\")));\n}\n";
    town.val("two", code).await;
    assert_eq!(
        town.text("/run/alice/two/?q=asked").await,
        (200, "\"asked\"".into())
    );
}

#[tokio::test]
async fn events_arrive_as_they_are_sent_and_the_stream_hears_that_its_reader_left() {
    let town = Town::root().await;
    let made = town.val("ticking", TICKING).await;
    let by_path = format!("{}/run/alice/ticking", town.base);
    for address in [endpoint(&made), &by_path] {
        let mut stream = town.get(&format!("{address}/")).await;
        assert_eq!(header(&stream, "content-type"), "text/event-stream");
        // Nothing asks for the second before the first was read: a buffer would hang here.
        for tick in 0..3 {
            assert_eq!(chunk(&mut stream).await, format!("data: {tick}\n\n"));
            assert_eq!(
                town.text(&format!("{address}/tick")).await,
                (200, "ticked".into())
            );
        }
        assert_eq!(chunk(&mut stream).await, "data: 3\n\n");
        drop(stream);
    }
    eventually("both readers left", async || {
        let at = format!("/api/town/vals/{}/logs", id(&made));
        let (_, lines) = town.api(Method::GET, &at, None).await;
        (lines["data"].as_array()?.len() == 2).then_some(())
    })
    .await;
    let line = line_of(&town, id(&made), "The reader left").await;
    assert_eq!(line["level"], "log");
}

#[tokio::test]
async fn events_of_a_town_three_levels_down_arrive_as_they_are_sent() {
    let town = Town::root().await;
    let inner = town.inside_by_host("one").await.inside_by_host("two").await;
    let inner = inner.inside_by_path("three").await;
    let made = inner.val("ticking", TICKING).await;
    let mut stream = inner.get(endpoint(&made)).await;
    for tick in 0..3 {
        assert_eq!(chunk(&mut stream).await, format!("data: {tick}\n\n"));
        let at = format!("{}/tick", endpoint(&made));
        assert_eq!(inner.text(&at).await, (200, "ticked".into()));
    }
    drop(stream);
    line_of(&inner, id(&made), "The reader left").await;
}

// ---- The example -----------------------------------------------------------------------------

#[tokio::test]
async fn the_example_lists_its_handlers_and_saves_what_is_typed() {
    let town = Town::root().await;
    let made = town.val("vtt", EXAMPLE).await;
    assert_eq!(made["diagnostics"], serde_json::json!([]));
    for address in [
        format!("{}/", endpoint(&made)),
        format!("{}/run/alice/vtt/", town.base),
    ] {
        let (status, page) = town.text(&address).await;
        assert_eq!(status, 200, "{page}");
        let base = url::Url::parse(&address).expect("an address");
        for row in [29, 30, 31, 37] {
            let link = page.split("href=\"").find(|rest| {
                rest.split('"')
                    .next()
                    .is_some_and(|to| to.ends_with(&format!("/handler/{row}/")))
            });
            let link = link.expect("a link").split('"').next().expect("an address");
            let to = base.join(link).expect("an address");
            let answer = town.get(to.as_str()).await;
            assert_eq!(answer.status(), 200, "{to}");
        }
        let action = page
            .split("action=\"")
            .nth(1)
            .expect("a form")
            .split('"')
            .next();
        let action = base.join(action.expect("an address")).expect("an address");
        let form = "id=&code=export+default+%28%29+%3D%3E+new+Response%28%22typed+%3Ci%3E%22%29";
        let post = town.bare(Method::POST, action.as_str());
        let post = post.header("content-type", "application/x-www-form-urlencoded");
        let answer = post.body(form).send().await.expect("an answer");
        assert_eq!(answer.status(), 303);
        let edit = action
            .join(header(&answer, "location"))
            .expect("an address");
        let (status, page) = town.text(edit.as_str()).await;
        assert_eq!(status, 200);
        assert!(
            page.contains("typed &#60;i"),
            "what was typed, escaped: {page}"
        );
        let number = edit
            .query()
            .expect("a query")
            .split('=')
            .nth(1)
            .expect("an id");
        let run = base
            .join(&format!("handler/{number}/"))
            .expect("an address");
        assert_eq!(town.text(run.as_str()).await, (200, "typed <i>".into()));
        let again = format!("id={number}&code=export+default+()+%3D%3E+new+Response('changed')");
        let post = town.bare(Method::POST, action.as_str()).body(again);
        assert_eq!(post.send().await.expect("an answer").status(), 303);
        assert_eq!(town.text(run.as_str()).await, (200, "changed".into()));
    }
}

#[tokio::test]
async fn the_example_shows_what_its_handlers_printed_and_how_they_ran() {
    let town = Town::root().await;
    town.val("vtt", EXAMPLE).await;
    let form = "id=50&code=export+default+()+%3D%3E+%7B+console.log('printed%3Cb%3E')%3B+throw+new+Error('broken')+%7D";
    let post = town.bare(Method::POST, "/run/alice/vtt/save").body(form);
    assert_eq!(post.send().await.expect("an answer").status(), 303);
    let (status, text) = town.text("/run/alice/vtt/handler/50/x").await;
    assert_eq!((status, text.contains("broken")), (500, false), "{text}");
    let page = eventually("the run on the page", async || {
        let (_, page) = town.text("/run/alice/vtt/").await;
        (page.contains("printed") && page.contains("broken")).then_some(page)
    })
    .await;
    assert!(
        page.contains("/handler/50 log: printed&#60;b&#62;"),
        "{page}"
    );
    assert!(page.contains("/handler/50 run: GET "), "{page}");
    assert!(page.contains(" exception "), "{page}");
}

#[tokio::test]
async fn the_example_runs_itself_three_levels_deep() {
    let town = Town::root().await;
    town.val("vtt", EXAMPLE).await;
    let mut mount = "/run/alice/vtt".to_string();
    for level in 1..=3 {
        mount += "/handler/37";
        let (status, page) = town.text(&format!("{mount}/")).await;
        assert_eq!(status, 200, "{mount}: {page}");
        assert!(page.contains("<h1>Val Town Town</h1>"), "{mount}: {page}");
        // Its links are below itself, and its rows its own.
        assert!(
            page.contains(&format!("href=\"{mount}/handler/30/\"")),
            "{mount}: {page}"
        );
        let code = format!("id=40&code=export+default+()+%3D%3E+new+Response('level+{level}')");
        let post = town.bare(Method::POST, &format!("{mount}/save")).body(code);
        assert_eq!(
            post.send().await.expect("an answer").status(),
            303,
            "{mount}"
        );
    }
    let mut mount = "/run/alice/vtt".to_string();
    assert_eq!(town.text(&format!("{mount}/handler/40/")).await.0, 404);
    for level in 1..=3 {
        mount += "/handler/37";
        let expected = (200, format!("level {level}"));
        assert_eq!(town.text(&format!("{mount}/handler/40/")).await, expected);
    }
    let mut stream = town
        .get("/run/alice/vtt/handler/37/handler/37/handler/30/")
        .await;
    assert_eq!(header(&stream, "content-type"), "text/event-stream");
    assert!(chunk(&mut stream).await.starts_with("data: 20"));
    assert!(
        chunk(&mut stream).await.starts_with("data: 20"),
        "it goes on"
    );
}

// ---- The faults of the seed's code -----------------------------------------------------------

// The seed's `setTimeout(worker.terminate, ...)` is an unbound method: it throws, and with it goes
// the platform.
#[tokio::test]
async fn a_val_that_times_out_leaves_the_town_and_what_is_under_way() {
    let town = Town::start_with(&["--time-limit", "2"]).await;
    let streaming = town.val("ticking", TICKING).await;
    town.val("warm", "export default () => new Response('warm')")
        .await;
    let late = town
        .val("late", "export default () => new Promise(() => {})")
        .await;
    let mut stream = town.get(endpoint(&streaming)).await;
    assert_eq!(chunk(&mut stream).await, "data: 0\n\n");
    let pid = town.pid();
    let (late_at, both) = (endpoint(&late).to_string(), [0, 1]);
    let late_answers = futures_util::future::join_all(both.map(|_| town.text(&late_at)));
    let keep_ticking = async {
        // The stream's own deadline is for its next chunk.
        let tick = format!("{}/tick", endpoint(&streaming));
        let mut tick_number = 1;
        let mut ticks = async || {
            assert_eq!(town.text(&tick).await.0, 200);
            assert_eq!(chunk(&mut stream).await, format!("data: {tick_number}\n\n"));
            tick_number += 1;
            tokio::time::sleep(Duration::from_millis(100)).await;
        };
        loop {
            ticks().await;
        }
    };
    let answers = tokio::select! {
        answers = late_answers => answers,
        () = keep_ticking => unreachable!("it ticks for ever"),
    };
    for (status, text) in answers {
        assert_eq!((status, text.as_str()), (504, "This val took too long\n"));
    }
    assert_eq!(town.run("warm").await, (200, "warm".into()));
    town.val("fresh", "export default () => new Response('fresh')")
        .await;
    assert_eq!(town.run("fresh").await, (200, "fresh".into()));
    assert_eq!(town.get("/").await.status(), 200);
    assert_eq!(town.pid(), pid);
    let run = run_of(&town, id(&late), |run| run["outcome"] == "deadline").await;
    assert_eq!(
        (&run["error"]["limit"], &run["error"]["value"]),
        (&"deadlineMs".into(), &2000.into())
    );
}

// A Worker that was terminated while it computes goes on burning a core.
#[tokio::test]
async fn a_val_that_computes_for_ever_is_gone_after_its_504() {
    let town = Town::start_with(&["--stall-limit", "800"]).await;
    let made = town
        .val("busy", "export default () => { while (true) {} }")
        .await;
    let before = children(town.pid());
    let mut burners = HashMap::new();
    let watch = async {
        loop {
            for (child, cpu_ms) in children(town.pid()) {
                if cpu_ms > before.get(&child).unwrap_or(&0) + 300 {
                    burners.insert(child, cpu_ms);
                }
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    let (status, text) = tokio::select! {
        answer = town.text(endpoint(&made)) => answer,
        () = watch => unreachable!("it watches for ever"),
    };
    assert_eq!(
        (status, text.as_str()),
        (504, "This val stopped responding\n")
    );
    assert!(!burners.is_empty(), "it was seen to burn");
    eventually("it is gone", async || {
        let left = children(town.pid());
        burners
            .keys()
            .all(|child| !left.contains_key(child))
            .then_some(())
    })
    .await;
    let run = run_of(&town, id(&made), |run| run["outcome"] == "stall").await;
    assert_eq!(
        (&run["error"]["limit"], &run["error"]["value"]),
        (&"stallMs".into(), &800.into())
    );
    assert_eq!(town.get("/").await.status(), 200);
}

// A heap overflow in one Worker ends the process that all of them are in.
#[tokio::test]
async fn a_val_that_fills_its_memory_ends_alone() {
    let town = Town::start_with(&["--memory-limit", "100", "--stall-limit", "30000"]).await;
    town.val("warm", "export default () => new Response('warm')")
        .await;
    assert_eq!(town.run("warm").await, (200, "warm".into()));
    let pid = town.pid();
    let code = "export default () => { const kept = []; while (true) kept.push(new Array(10000).fill(kept.length)); }";
    let made = town.val("greedy", code).await;
    let (status, text) = town.run("greedy").await;
    assert_eq!(
        (status, text.as_str()),
        (500, "This val used too much memory\n")
    );
    assert_eq!(town.run("warm").await, (200, "warm".into()));
    assert_eq!(town.get("/").await.status(), 200);
    assert_eq!(town.pid(), pid);
    let run = run_of(&town, id(&made), |run| run["outcome"] == "memory").await;
    assert_eq!(
        (&run["error"]["limit"], &run["error"]["value"]),
        (&"memoryMb".into(), &100.into())
    );
    // It is no worse for having failed.
    let fixed = "export default () => new Response('fixed')";
    crate::serving::save(&town, id(&made), "main.tsx", fixed).await;
    assert_eq!(town.run("greedy").await, (200, "fixed".into()));
}

/// The living children of a process: number and start, and milliseconds of CPU.
fn children(parent: i32) -> HashMap<(i32, u64), u64> {
    let mut found = HashMap::new();
    for folder in std::fs::read_dir("/proc").expect("/proc").flatten() {
        let Ok(stat) = std::fs::read_to_string(folder.path().join("stat")) else {
            continue;
        };
        // After the name, which is in brackets: state, parent, ... CPU (11, 12), ... start (19).
        let Some((pid, rest)) = stat.split_once(' ') else {
            continue;
        };
        let fields: Vec<&str> = rest
            .rsplit(')')
            .next()
            .unwrap_or("")
            .split_whitespace()
            .collect();
        let number = |index: usize| fields[index].parse::<u64>().expect("a number");
        if fields[0] != "Z" && number(1) == u64::try_from(parent).expect("a pid") {
            let ticks = number(11) + number(12);
            found.insert((pid.parse().expect("a pid"), number(19)), ticks * 10);
        }
    }
    found
}

#[tokio::test]
async fn the_owner_of_a_val_sees_its_runs_on_a_page_and_nobody_else_does() {
    let town = Town::root().await;
    town.val(
        "seen",
        "export default () => { console.log('a <line>'); return new Response('') }",
    )
    .await;
    assert_eq!(town.run("seen").await.0, 200);
    let form = format!("username={OWNER}&password={}", crate::town::TOKEN);
    let signed = town
        .bare(Method::POST, "/signin")
        .body(form)
        .send()
        .await
        .expect("an answer");
    assert_eq!(signed.status(), 303);
    let cookie = header(&signed, "set-cookie")
        .split(';')
        .next()
        .expect("a cookie")
        .to_string();
    eventually("the line on the page", async || {
        let request = town
            .bare(Method::GET, "/@alice/seen/logs")
            .header("cookie", &cookie);
        let page = request
            .send()
            .await
            .expect("an answer")
            .text()
            .await
            .expect("a body");
        page.contains("a &lt;line&gt;").then_some(())
    })
    .await;
    assert_eq!(town.text("/@alice/seen/logs").await.0, 404);
}
