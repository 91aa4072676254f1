//! Bodies under way: in pieces, both ways, no faster than they are read, and broken where they break.

use std::time::Duration;

use reqwest::{Method, Response};
use serde_json::Value;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::town::{OWNER, PATIENCE, TOKEN, Town};
use crate::watching::{Seen, children, failure, lines, logged, sealed, traces, until};

/// A val whose stream says what is pushed into it by other requests.
pub const CHANNEL: &str = r#"
let out;
export default async (request) => {
  if (request.method === "POST") {
    out.enqueue(new TextEncoder().encode(await request.text()));
    return new Response("pushed");
  }
  return new Response(new ReadableStream({
    start(controller) { out = controller; controller.enqueue(new TextEncoder().encode("open;")); },
    cancel() { console.log("cancelled"); },
  }), { headers: { "content-type": "text/event-stream" } });
};"#;

pub async fn push(town: &Town, path: &str, text: &str) {
    let request = town.bare(Method::POST, path).body(text.to_string());
    let answer = request.send().await.expect("an answer");
    assert_eq!(answer.text().await.expect("a body"), "pushed");
}

/// Reads until so much has come; chunks may be cut and joined on their way.
pub async fn read(response: &mut Response, expected: &str) {
    let mut text = String::new();
    while text.len() < expected.len() {
        let chunk = tokio::time::timeout(PATIENCE, response.chunk()).await;
        let chunk = chunk
            .expect("it comes at once")
            .expect("no break")
            .expect("no end");
        text += &String::from_utf8_lossy(&chunk);
    }
    assert_eq!(text, expected);
}

#[tokio::test]
async fn each_chunk_arrives_before_the_next_is_made() {
    let town = Town::start().await;
    let val = town.val("channel", CHANNEL).await;
    let path = format!("/run/{OWNER}/channel/");
    let mut response = town.get(&path).await;
    read(&mut response, "open;").await;
    for text in ["one;", "two;", "three;"] {
        push(&town, &path, text).await;
        read(&mut response, text).await;
    }
    drop(response);
    logged(&town, &val, "cancelled").await;
}

#[tokio::test]
async fn each_chunk_arrives_through_three_towns_before_the_next_is_made() {
    let outer = Town::start().await;
    let middle = outer.inside_by_path("middle").await;
    let inner = middle.inside_by_path("inner").await;
    let val = inner.val("channel", CHANNEL).await;
    let path = format!("/run/{OWNER}/channel/");
    let mut response = inner.get(&path).await;
    read(&mut response, "open;").await;
    for text in ["one;", "two;", "three;"] {
        push(&inner, &path, text).await;
        read(&mut response, text).await;
    }
    drop(response);
    logged(&inner, &val, "cancelled").await;
}

#[tokio::test]
async fn a_response_handed_on_unchanged_needs_no_program_it_passed() {
    let town = Town::start().await;
    let code = r#"// town: isolation=request
        import { loader } from "town:kernel";
        const source = `const large = new TextEncoder().encode("x".repeat(4 << 20));
        export default () => new Response(new ReadableStream({
          async pull(controller) {
            await new Promise((done) => setTimeout(done, 20));
            controller.enqueue(new TextEncoder().encode(large.length > 0 ? "tick;" : ""));
          },
        }))`;
        export default (request) => loader.get("child", () => ({
          main: "child", modules: { child: { type: "js", source } },
        })).fetch(request);"#;
    town.val("parent", code).await;
    // What serves the town itself is there before.
    let before = sealed(town.pid());
    let mut response = town.get(&format!("/run/{OWNER}/parent/")).await;
    read(&mut response, "tick;").await;
    // Of those that serve now, the one with its megabytes.
    let serving = sealed(town.pid());
    let child = serving.difference(&before).max_by_key(|process| {
        let resident = process.field("status", "RssAnon");
        let kilobytes = resident.split(' ').next().unwrap_or_default();
        kilobytes.parse().unwrap_or(0_u64)
    });
    let child = child.expect("the child serves");
    let mut all = children(town.pid());
    all.remove(child);
    for process in &all {
        let pid = nix::unistd::Pid::from_raw(process.pid);
        // One that has ended already is as good.
        let _ = nix::sys::signal::kill(pid, nix::sys::signal::Signal::SIGKILL);
    }
    until("the others are gone", async || {
        (!all.iter().any(Seen::lives)).then_some(())
    })
    .await;
    for _ in 0..50 {
        read(&mut response, "tick;").await;
    }
    assert!(child.lives());
}

#[tokio::test]
async fn an_upload_streams_through_a_val_with_little_memory() {
    const PIECE: usize = 1 << 20;
    const PIECES: usize = 150;
    let town = Town::start_with(&["--memory-limit", "64", "--stall-limit", "20000"]).await;
    for (name, code) in [
        ("joined", "export default (request) => new Response(request.body)"),
        (
            "pumped",
            "export default (request) => new Response(request.body.pipeThrough(new TransformStream({
               transform(chunk, controller) { controller.enqueue(chunk); },
             })))",
        ),
        (
            "read",
            "export default async (request) => {
               let bytes = 0;
               for await (const chunk of request.body) bytes += chunk.length;
               return new Response(String(bytes));
             }",
        ),
    ] {
        town.val(name, code).await;
        let pieces = (0..PIECES).map(|index| {
            let byte = u8::try_from(index).expect("few pieces");
            Ok::<_, std::io::Error>(vec![byte; PIECE])
        });
        let body = reqwest::Body::wrap_stream(futures_util::stream::iter(pieces));
        let request = town.bare(Method::POST, &format!("/run/{OWNER}/{name}/")).body(body);
        let mut response = request.send().await.expect("an answer");
        assert_eq!(response.status().as_u16(), 200, "{name}");
        if name == "read" {
            assert_eq!(response.text().await.expect("a body"), (PIECES * PIECE).to_string());
            continue;
        }
        let mut offset = 0;
        while let Some(chunk) = response.chunk().await.expect("no break") {
            for byte in chunk.iter().step_by(997) {
                assert!(usize::from(*byte).abs_diff(offset / PIECE) <= 1, "{name} at {offset}");
            }
            offset += chunk.len();
        }
        assert_eq!(offset, PIECES * PIECE, "{name}");
    }
}

#[tokio::test]
async fn an_upload_waits_for_a_val_that_reads_slowly() {
    let town = Town::start_with(&["--memory-limit", "64"]).await;
    let code = r#"let reader; let bytes = 0;
        export default async (request) => {
          if (request.method === "POST") {
            reader = request.body.getReader();
            await new Promise((done) => { globalThis.goOn = done; });
            for (;;) {
              const { done, value } = await reader.read();
              if (done) return Response.json(bytes);
              bytes += value.length;
            }
          }
          globalThis.goOn?.();
          return new Response(String(reader !== undefined));
        };"#;
    town.val("slow", code).await;
    let path = format!("/run/{OWNER}/slow/");
    let sent = std::sync::Arc::new(std::sync::atomic::AtomicUsize::new(0));
    let count = sent.clone();
    let pieces = (0..200).map(move |_| {
        count.fetch_add(1, std::sync::atomic::Ordering::SeqCst);
        Ok::<_, std::io::Error>(vec![1u8; 256 << 10])
    });
    let body = reqwest::Body::wrap_stream(futures_util::stream::iter(pieces));
    let upload = tokio::spawn(town.bare(Method::POST, &path).body(body).send());
    until("the val has the request", async || {
        // This also lets it go on; but only the next line asks for that.
        (sent.load(std::sync::atomic::Ordering::SeqCst) > 2).then_some(())
    })
    .await;
    // What is under way is in sockets and windows: some megabytes, and not all fifty.
    let mut before = 0;
    let stopped_at = until("the client is held up", async || {
        let now = sent.load(std::sync::atomic::Ordering::SeqCst);
        let still = now == before;
        before = now;
        tokio::time::sleep(Duration::from_millis(200)).await;
        (still && now == sent.load(std::sync::atomic::Ordering::SeqCst)).then_some(now)
    })
    .await;
    assert!(
        stopped_at < 120,
        "{stopped_at} of 200 pieces were sent to a val that reads nothing"
    );
    until("it goes on", async || {
        (town.run("slow").await.1 == "true").then_some(())
    })
    .await;
    let answer = upload.await.expect("no panic").expect("an answer");
    assert_eq!(
        answer.text().await.expect("a body"),
        (200 * (256 << 10)).to_string()
    );
}

#[tokio::test]
async fn bodies_that_nobody_reads_do_not_fill_the_kernel() {
    let town = Town::start_with(&["--stall-limit", "20000"]).await;
    let resident = || {
        let statm = std::fs::read_to_string(format!("/proc/{}/statm", town.pid()));
        let statm = statm.expect("it runs");
        let pages = statm
            .split(' ')
            .nth(1)
            .and_then(|pages| pages.parse::<usize>().ok());
        pages.expect("a number") * 4096
    };
    for (name, response) in [
        ("bytes", "new Response(big)"),
        (
            "stream",
            "new Response(new ReadableStream({ start(c) { c.enqueue(big); c.close(); } }))",
        ),
    ] {
        let code = format!("const big = new Uint8Array(6 << 20); export default () => {response}");
        let val = town.val(name, &code).await;
        let before = resident();
        let path = format!("/run/{OWNER}/{name}/");
        // 180 MB, of which a client's and a town's sockets take little.
        let mut all = futures_util::future::join_all((0..30).map(|_| town.get(&path))).await;
        for response in &mut all {
            let status = response.status().as_u16();
            let chunk = response.chunk().await.expect("no break").expect("no end");
            let text = String::from_utf8_lossy(&chunk);
            assert_eq!(
                status,
                200,
                "{name}: {text} {:?}",
                traces(&town, &val).await
            );
        }
        let grown = resident().saturating_sub(before) >> 20;
        assert!(grown < 60, "{name}: {grown} MB wait in the kernel");
        let last = all.pop().expect("thirty");
        let rest = last.bytes().await.expect("it goes on where it is read");
        assert!(rest.len() > 4 << 20, "{name}: {}", rest.len());
    }
}

#[tokio::test]
async fn a_body_that_fails_breaks_the_connection() {
    let town = Town::start().await;
    let code = r#"export default () => {
          let pulls = 0;
          return new Response(new ReadableStream({
            pull(controller) {
              if (pulls++ === 0) controller.enqueue(new TextEncoder().encode("begun;"));
              else throw new Error("the source broke");
            },
          }));
        }"#;
    let val = town.val("breaks", code).await;
    // It may break before anything was sent at all.
    let request = town.bare(Method::GET, &format!("/run/{OWNER}/breaks/"));
    if let Ok(mut response) = request.send().await {
        let mut text = Vec::new();
        let end = loop {
            match response.chunk().await {
                Ok(Some(chunk)) => text.extend(chunk),
                other => break other,
            }
        };
        assert!(
            end.is_err(),
            "it must not look complete: {:?}",
            String::from_utf8_lossy(&text)
        );
        assert!(text.is_empty() || text == b"begun;");
    }
    let told = until("the owner is told", async || {
        let all = lines(&town, &val).await;
        all.into_iter()
            .find(|line| line.contains("the source broke"))
    })
    .await;
    assert!(told.contains("main.tsx:6"), "with its place: {told}");
}

#[tokio::test]
async fn a_val_that_dies_breaks_the_connections_of_its_bodies() {
    let town = Town::start_with(&["--stall-limit", "1000"]).await;
    let code = r#"export default (request) => {
          if (request.url.endsWith("/die")) for (;;);
          return new Response(new ReadableStream({
            start(controller) { controller.enqueue(new TextEncoder().encode("begun;")); },
          }));
        }"#;
    town.val("dies", code).await;
    let mut response = town.get(&format!("/run/{OWNER}/dies/")).await;
    read(&mut response, "begun;").await;
    assert_eq!(town.text(&format!("/run/{OWNER}/dies/die")).await.0, 504);
    assert!(response.chunk().await.is_err(), "it must not look complete");
}

#[tokio::test]
async fn a_body_that_pauses_too_long_is_broken_off() {
    let town = Town::start_with(&["--time-limit", "4"]).await;
    let code = r#"export default () => new Response(new ReadableStream({
          start(controller) { controller.enqueue(new TextEncoder().encode("begun;")); },
          cancel() { console.log("cancelled"); },
        }))"#;
    let val = town.val("pauses", code).await;
    let mut response = town.get(&format!("/run/{OWNER}/pauses/")).await;
    read(&mut response, "begun;").await;
    assert!(response.chunk().await.is_err(), "it must not look complete");
    logged(&town, &val, "cancelled").await;
}

// Sends bytes as they are, and reads what comes until the connection ends.
async fn raw(town: &Town, request: &str) -> String {
    let (address, _) = town.door();
    let mut stream = TcpStream::connect(address).await.expect("connected");
    stream.write_all(request.as_bytes()).await.expect("sent");
    let mut answer = Vec::new();
    let read = tokio::time::timeout(PATIENCE, stream.read_to_end(&mut answer)).await;
    read.expect("it ends").expect("no break");
    String::from_utf8_lossy(&answer).into_owned()
}

#[tokio::test]
async fn a_request_that_breaks_off_is_an_exception_in_the_val() {
    let town = Town::start().await;
    let code = "export default async (request) => {
          try {
            const text = await request.text();
            console.log(`complete: ${text.length}`);
          } catch (error) {
            console.log(`broken: ${error.name}`);
          }
          return new Response('read');
        }";
    let val = town.val("reads", code).await;
    let (address, host) = town.door();
    let mut stream = TcpStream::connect(address).await.expect("connected");
    let head = format!(
        "POST /run/{OWNER}/reads/ HTTP/1.1\r\nhost: {host}\r\n\
         content-length: 100000\r\n\r\n{}",
        "x".repeat(50_000)
    );
    stream.write_all(head.as_bytes()).await.expect("sent");
    drop(stream);
    // The visitor has gone as well, so it is also possible that the run is just cancelled.
    let seen = until("what became of it", async || {
        if let Some(line) = lines(&town, &val).await.into_iter().next() {
            return Some(line);
        }
        let mut all = traces(&town, &val)
            .await
            .into_iter()
            .map(|trace| trace.outcome);
        all.find(|outcome| outcome == "canceled")
    })
    .await;
    let known = ["broken: TypeError", "broken: AbortError", "canceled"];
    assert!(known.contains(&seen.as_str()), "{seen}");
}

#[tokio::test]
async fn a_visitor_who_leaves_before_the_answer_aborts_the_request() {
    let town = Town::start().await;
    let code = "export default (request) => {
          console.log('here');
          request.signal.addEventListener('abort', () => console.log('aborted'));
          return new Promise(() => {});
        }";
    let val = town.val("waits", code).await;
    let visit = tokio::spawn(
        town.bare(Method::GET, &format!("/run/{OWNER}/waits/"))
            .send(),
    );
    logged(&town, &val, "here").await;
    visit.abort();
    logged(&town, &val, "aborted").await;
    let told = failure(&town, &val).await;
    assert_eq!(told.outcome, "canceled", "{told:?}");
}

#[tokio::test]
async fn answers_without_a_body_have_none() {
    let town = Town::start().await;
    let code = r#"export default (request) => {
          const status = Number(new URL(request.url).searchParams.get("status"));
          return new Response(status === 200 ? "body" : null, { status, headers: { "x-mine": "1" } });
        }"#;
    town.val("empty", code).await;
    let host = town.base.trim_start_matches("http://").to_string();
    for (method, status) in [("HEAD", 200), ("GET", 204), ("GET", 304), ("GET", 205)] {
        let request = format!(
            "{method} /run/{OWNER}/empty/?status={status} HTTP/1.1\r\nhost: {host}\r\n\
             connection: close\r\n\r\n"
        );
        let answer = raw(&town, &request).await;
        let (head, body) = answer.split_once("\r\n\r\n").expect("a head");
        assert!(
            head.starts_with(&format!("HTTP/1.1 {status} ")),
            "{method} {status}: {head}"
        );
        assert!(
            head.to_lowercase().contains("\r\nx-mine: 1"),
            "{method} {status}: {head}"
        );
        assert_eq!(body, "", "{method} {status}");
        assert!(
            !head.to_lowercase().contains("transfer-encoding"),
            "{method} {status}: {head}"
        );
    }
}

#[tokio::test]
async fn a_false_content_length_does_not_deceive_the_visitor() {
    let town = Town::start().await;
    for (name, claimed, body) in [
        ("short", "2", "'hello'"),
        ("long", "2000", "'hello'"),
        ("no_number", "many", "'hello'"),
        ("stream", "2", "new Blob(['hello']).stream()"),
        (
            "chunked",
            "2",
            "new ReadableStream({ start(c) { c.enqueue(new TextEncoder().encode('hello')); c.close(); } })",
        ),
    ] {
        let code = format!(
            "export default () => new Response({body}, {{ headers: {{
               'content-length': '{claimed}', 'transfer-encoding': 'chunked', connection: 'upgrade',
             }} }})"
        );
        town.val(name, &code).await;
        // Twice on one connection: what one answer leaves must not begin the next.
        for _ in 0..2 {
            assert_eq!(town.run(name).await, (200, "hello".into()), "{name}");
        }
    }
}

#[tokio::test]
async fn many_and_long_headers_reach_the_visitor() {
    let town = Town::start().await;
    let code = "export default () => {
          const headers = new Headers({ 'x-long': 'a'.repeat(30_000) });
          for (let i = 0; i < 50; i++) headers.append('set-cookie', `c${i}=1`);
          return new Response('ok', { headers });
        }";
    town.val("headers", code).await;
    let response = town.get(&format!("/run/{OWNER}/headers/")).await;
    assert_eq!(response.status().as_u16(), 200);
    assert_eq!(response.headers()["x-long"].len(), 30_000);
    assert_eq!(response.headers().get_all("set-cookie").iter().count(), 50);
}

#[tokio::test]
async fn a_header_with_a_line_break_is_refused_in_the_val() {
    let town = Town::start().await;
    let code = r#"export default () => {
          for (const value of ["a\r\nx-evil: 1", "a\nb", "a\0b"]) {
            try { new Headers({ "x-mine": value }); return new Response("taken"); } catch {}
          }
          return new Response("refused");
        }"#;
    town.val("splits", code).await;
    assert_eq!(town.run("splits").await, (200, "refused".into()));
}

#[tokio::test]
async fn a_body_over_the_limit_is_refused_with_413() {
    let town = Town::start().await;
    let host = town.base.trim_start_matches("http://").to_string();
    let request = format!(
        "POST / HTTP/1.1\r\nhost: {host}\r\nauthorization: Bearer {TOKEN}\r\n\
         content-length: {}\r\nconnection: close\r\n\r\n",
        (1u64 << 30) + 1
    );
    let answer = raw(&town, &request).await;
    assert!(answer.starts_with("HTTP/1.1 413 "), "{answer}");
    let (_, me) = town.api(Method::GET, "/api/v1/me", None).await;
    assert_eq!(me["username"], Value::from(OWNER));
}

#[tokio::test]
async fn a_client_that_takes_nothing_lets_go_of_the_isolate() {
    let town = Town::start_with(&["--time-limit", "5"]).await;
    let endless = r#"
export default () => new Response(new ReadableStream({
  pull(controller) { controller.enqueue(new Uint8Array(65536)); },
  cancel() { console.log("cancelled"); },
}));"#;
    let val = town.val("endless", endless).await;
    let address = town.base.strip_prefix("http://").expect("plain HTTP");
    let mut stream = TcpStream::connect(address).await.expect("it listens");
    let request = format!("GET /run/{OWNER}/endless/ HTTP/1.1\r\nHost: {address}\r\n\r\n");
    stream.write_all(request.as_bytes()).await.expect("open");
    logged(&town, &val, "cancelled").await;
    drop(stream);
}

#[tokio::test]
async fn bytes_of_any_length_come_with_their_length_at_any_depth() {
    let town = Town::start().await;
    let inner = town.inside_by_path("inner").await;
    let code = "export default (r: Request) => new Response(new Uint8Array(+new URL(r.url).search.slice(1)));";
    for place in [&town, &inner] {
        place.val("zeros", code).await;
        for length in [0_u64, 5, 3_000_001] {
            let path = format!("/run/{OWNER}/zeros/?{length}");
            let answer = place.get(&path).await;
            let told = answer.headers().get("content-length");
            let told = told.map(|told| told.to_str().expect("digits").to_string());
            assert_eq!(told, Some(length.to_string()), "at {}", place.base);
            let body = answer.bytes().await.expect("a body");
            assert_eq!(body.len() as u64, length);
        }
    }
}
