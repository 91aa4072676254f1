//! What a val cannot reach: files, processes and the private network. Tried from JavaScript, and
//! seen from outside.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use reqwest::Method;
use serde_json::Value;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;

use crate::town::{OWNER, Town};
use crate::watching::{Seen, children, failure, logged, sealed, until, within};

// ---- From JavaScript

#[tokio::test]
async fn no_api_reaches_a_file_or_a_process() {
    let town = Town::root().await;
    let code = r#"
        const routes = {
          readFile: () => Deno.readFile("/etc/passwd"),
          readTextFile: () => Deno.readTextFile("/etc/passwd"),
          readTextFileSync: () => Deno.readTextFileSync("/etc/passwd"),
          open: () => Deno.open("/etc/passwd"),
          command: () => new Deno.Command("id").output(),
          listen: () => Deno.listen({ port: 0 }),
          kill: () => Deno.kill(Deno.ppid, "SIGKILL"),
          exit: () => Deno.exit(0),
          dlopen: () => Deno.dlopen("libc.so.6", {}),
          processExit: () => process.exit(0),
          processKill: () => process.kill(process.ppid, 9),
          binding: () => process.binding("fs"),
          mainModule: () => process.mainModule.require("fs"),
          require: () => require("fs"),
          constructor: () => (() => {}).constructor("return require('fs')")(),
          async_constructor: async () => (await (async () => {}).constructor("return await import('node:fs')")()).readFileSync("/etc/passwd"),
          worker: () => new Worker("data:text/javascript,1", { type: "module" }),
          import_file: () => import("file:///etc/passwd"),
          import_path: () => import("/etc/passwd"),
          import_proc: () => import("file:///proc/self/maps"),
          import_node: async () => (await import("node:fs")).readFileSync("/etc/passwd"),
          import_bare: async () => (await import("fs")).promises.readFile("/etc/passwd"),
          import_child: async () => (await import("node:child_process")).execSync("id"),
          import_data: () => import("data:text/javascript,export default 1"),
          import_blob: () => import(URL.createObjectURL(new Blob(["export default 1"]))),
          import_http: () => import("http://127.0.0.1:1/x.js"),
          import_text: () => import("file:///etc/passwd", { with: { type: "text" } }),
          import_json: () => import("/etc/passwd", { with: { type: "json" } }),
          import_up: () => import("../../../../../../etc/passwd"),
          fetch_file: () => fetch("file:///etc/passwd"),
          fetch_unix: () => fetch("unix:///var/run/docker.sock"),
          fetch_ftp: () => fetch("ftp://example.com/"),
          fetch_chrome: () => fetch("about:blank"),
          fetch_js: () => fetch("javascript:1"),
          fetch_town: () => fetch("town:system/main.ts"),
        };
        export default async () => {
          const said = {};
          for (const [name, route] of Object.entries(routes)) {
            try {
              await route();
              said[name] = "REACHED";
            } catch (error) {
              said[name] = `${error.name}: ${error.message}`;
            }
          }
          return Response.json(said);
        }"#;
    town.val("spy", code).await;
    let (status, text) = town.run("spy").await;
    assert_eq!(status, 200, "{text}");
    let said: serde_json::Map<String, Value> = serde_json::from_str(&text).expect("JSON");
    assert_eq!(said.len(), 35, "every route was tried");
    for (route, answer) in &said {
        let answer = answer.as_str().expect("text");
        assert!(
            answer.contains(": ") && answer.len() > 15,
            "{route}: {answer}"
        );
        assert!(!answer.contains("root:"), "{route}: {answer}");
    }
    for (route, rule) in [
        ("readFile", "No such file among the program's modules"),
        ("import_file", "file:///etc/passwd"),
        ("import_node", "ENOENT"),
        ("fetch_file", "file:"),
    ] {
        let answer = said[route].as_str().expect("text");
        assert!(answer.contains(rule), "{route}: {answer}");
    }
}

#[tokio::test]
async fn a_module_that_imports_a_file_does_not_load_and_says_which() {
    let town = Town::root().await;
    for (name, specifier) in [
        ("file", "file:///etc/passwd"),
        ("path", "/etc/passwd"),
        ("up", "../../../../etc/passwd"),
    ] {
        let code = format!(
            "import text from {specifier:?} with {{ type: 'text' }};
            export default () => new Response(text)"
        );
        let val = town.val(name, &code).await;
        let (status, text) = town.run(name).await;
        assert_eq!(status, 500, "{name}: {text}");
        assert!(!text.contains("root:"), "{name}: {text}");
        let told = failure(&town, &val).await;
        assert_eq!(told.outcome, "load", "{name}: {told:?}");
        assert!(told.message.contains("etc/passwd"), "{name}: {told:?}");
    }
}

// A server that counts who reaches it.
async fn listener(on: &str) -> (u16, Arc<AtomicUsize>) {
    let listener = TcpListener::bind((on, 0)).await.expect("a port");
    let port = listener.local_addr().expect("an address").port();
    let reached = Arc::new(AtomicUsize::new(0));
    let count = reached.clone();
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            count.fetch_add(1, Ordering::SeqCst);
            let mut head = [0; 1024];
            let _ = stream.read(&mut head).await;
            let answer = "HTTP/1.1 200 OK\r\ncontent-length: 6\r\nconnection: close\r\n\r\nsecret";
            let _ = stream.write_all(answer.as_bytes()).await;
        }
    });
    (port, reached)
}

/// Fetches what it is told to in a body, and says what came of each.
const FETCHER: &str = r#"export default async (request) => {
  const said = {};
  for (const url of await request.json()) {
    try {
      said[url] = `REACHED ${await (await fetch(url)).text()}`;
    } catch (error) {
      said[url] = `${error.name}: ${error.message}`;
    }
  }
  return Response.json(said);
}"#;

async fn fetched(town: &Town, urls: &[String]) -> serde_json::Map<String, Value> {
    let body = serde_json::to_string(urls).expect("JSON");
    let request = town
        .bare(Method::POST, &format!("/run/{OWNER}/fetcher/"))
        .body(body);
    let response = request.send().await.expect("an answer");
    let text = response.text().await.expect("a body");
    serde_json::from_str(&text).unwrap_or_else(|_| panic!("no JSON: {text}"))
}

#[tokio::test]
async fn private_addresses_are_refused_by_name_of_the_rule() {
    let (port, reached) = listener("127.0.0.1").await;
    let town = Town::root().await;
    town.val("fetcher", FETCHER).await;
    let urls: Vec<String> = [
        "127.0.0.1",
        "127.1",
        "2130706433",
        "0x7f000001",
        "017700000001",
        "0177.0.0.1",
        "127.255.1.2",
        "0.0.0.0",
        "0",
        "[::1]",
        "[::]",
        "[::ffff:127.0.0.1]",
        "[::ffff:7f00:1]",
        "[::127.0.0.1]",
        "[64:ff9b::7f00:1]",
        "[2002:7f00:1::]",
        "[fe80::1]",
        "[fd00::1]",
        "[fec0::1]",
        "[ff02::1]",
        "10.0.0.1",
        "172.16.0.1",
        "172.31.255.255",
        "192.168.0.1",
        "169.254.169.254",
        "100.100.100.200",
        "192.0.0.192",
        "198.18.0.1",
        "224.0.0.1",
        "240.0.0.1",
        "255.255.255.255",
        "127.0.0.1.",
        "①②⑦.0.0.1",
    ]
    .iter()
    .map(|host| format!("http://{host}:{port}/"))
    .collect();
    let said = fetched(&town, &urls).await;
    assert_eq!(said.len(), urls.len());
    for (url, answer) in &said {
        let answer = answer.as_str().expect("text");
        assert!(answer.starts_with("NotAllowedError: "), "{url}: {answer}");
        assert!(
            answer.contains("--allow-private-network"),
            "{url}: {answer}"
        );
    }
    let names: Vec<String> = ["localhost", "LOCALHOST"]
        .iter()
        .map(|host| format!("http://{host}:{port}/"))
        .collect();
    for (url, answer) in &fetched(&town, &names).await {
        let answer = answer.as_str().expect("text");
        assert!(answer.contains("no public address"), "{url}: {answer}");
    }
    assert_eq!(reached.load(Ordering::SeqCst), 0, "nobody was reached");
}

#[tokio::test]
async fn private_addresses_are_reached_where_the_operator_allows_it() {
    let (port, reached) = listener("127.0.0.1").await;
    let town = Town::start_with(&["--allow-private-network"]).await;
    town.val("fetcher", FETCHER).await;
    let urls = [
        format!("http://127.0.0.1:{port}/"),
        format!("http://2130706433:{port}/"),
    ];
    for (url, answer) in &fetched(&town, &urls).await {
        assert_eq!(answer, "REACHED secret", "{url}");
    }
    assert_eq!(reached.load(Ordering::SeqCst), 2);
}

#[tokio::test]
async fn a_redirect_to_a_private_address_is_refused() {
    let (port, reached) = listener("127.0.0.1").await;
    let town = Town::root().await;
    town.val("fetcher", FETCHER).await;
    let code = "export default (request) =>
        Response.redirect(new URL(request.url).searchParams.get('to'), 302)";
    let made = town.val("away", code).await;
    let endpoint = made["files"][0]["links"]["endpoint"]
        .as_str()
        .expect("an endpoint");
    let endpoint = endpoint.trim_end_matches('/');
    let private = format!("{endpoint}/?to=http://127.0.0.1:{port}/");
    let file = format!("{endpoint}/?to=file:///etc/passwd");
    let said = fetched(&town, &[private.clone(), file.clone()]).await;
    let answer = said[&private].as_str().expect("text");
    assert!(answer.contains("--allow-private-network"), "{answer}");
    let answer = said[&file].as_str().expect("text");
    assert!(answer.contains("file:"), "{answer}");
    assert_eq!(reached.load(Ordering::SeqCst), 0, "nobody was reached");
}

#[tokio::test]
async fn a_request_that_goes_round_and_round_is_refused() {
    let town = Town::root().await;
    let code = "export default (request) => fetch(request.url)";
    let val = town.val("round", code).await;
    let endpoint = val["files"][0]["links"]["endpoint"]
        .as_str()
        .expect("an endpoint");
    let (status, text) = town.text(endpoint).await;
    assert!(status >= 500, "{status} {text}");
    town.val("other", "export default () => new Response('other')")
        .await;
    assert_eq!(town.run("other").await, (200, "other".into()));
}

// ---- From outside

// A town with all kinds of processes: the zygote, the compiler, templates and isolates.
async fn peopled() -> (Town, Vec<Seen>) {
    let town = Town::root().await;
    // For one request, so it has a template as well.
    let never = "// town: isolation=request
        export default () => { console.log('here'); return new Promise(() => {}); }";
    let val = town.val("busy", never).await;
    town.val("idle", "export default () => new Response('idle')")
        .await;
    assert_eq!(town.run("idle").await.0, 200);
    let request = town.bare(Method::GET, &format!("/run/{OWNER}/busy/"));
    tokio::spawn(request.send());
    logged(&town, &val, "here").await;
    let all: Vec<Seen> = children(town.pid()).into_iter().collect();
    assert!(
        all.len() >= 7,
        "a zygote, a compiler, two templates and three isolates: {all:?}"
    );
    (town, all)
}

fn is_root() -> bool {
    nix::unistd::geteuid().is_root()
}

#[tokio::test]
async fn every_process_is_confined() {
    let (town, all) = peopled().await;
    let own = std::fs::read_link("/proc/self/ns/net").expect("a network namespace");
    for process in &all {
        let field = |name: &str| process.field("status", name);
        assert_eq!(field("NoNewPrivs"), "1", "{process:?}");
        assert_eq!(field("Seccomp"), "2", "{process:?}");
        assert_eq!(field("Threads"), "1", "{process:?}");
        assert_eq!(
            u64::from_str_radix(&field("CapEff"), 16),
            Ok(0),
            "{process:?}"
        );
        if is_root() {
            assert_eq!(field("Uid"), "65534\t65534\t65534\t65534", "{process:?}");
            assert_eq!(field("Gid"), "65534\t65534\t65534\t65534", "{process:?}");
            assert_eq!(field("Groups"), "", "{process:?}");
            assert_eq!(
                u64::from_str_radix(&field("CapPrm"), 16),
                Ok(0),
                "{process:?}"
            );
            let net = std::fs::read_link(format!("/proc/{}/ns/net", process.pid));
            assert_ne!(net.expect("it has one"), own, "{process:?}");
        }
        for limit in ["Max core file size", "Max file size", "Max locked memory"] {
            let values = process.field("limits", limit);
            let mut values = values.split_whitespace();
            assert_eq!(values.next(), Some("0"), "{limit} of {process:?}");
            assert_eq!(values.next(), Some("0"), "{limit} of {process:?}");
        }
        assert!(children(process.pid).is_empty(), "{process:?} has children");
    }
    drop(town);
}

#[tokio::test]
async fn a_process_has_its_socket_and_nothing_else_open() {
    let (town, all) = peopled().await;
    for process in &all {
        let folder = std::fs::read_dir(format!("/proc/{}/fd", process.pid)).expect("it lives");
        let mut open: Vec<String> = folder
            .flatten()
            .filter_map(|entry| std::fs::read_link(entry.path()).ok())
            .map(|target| target.to_string_lossy().into_owned())
            .map(|target| target.split(':').next().unwrap_or_default().to_string())
            .collect();
        open.sort();
        assert_eq!(
            open,
            ["/dev/null", "/dev/null", "pipe", "socket"],
            "{process:?}"
        );
    }
    drop(town);
}

#[tokio::test]
async fn an_isolate_that_serves_can_make_no_process() {
    // The last filter is laid over the first: two where others have one.
    let (town, all) = peopled().await;
    let filters: Vec<String> = all
        .iter()
        .map(|process| process.field("status", "Seccomp_filters"))
        .collect();
    if filters.iter().all(|count| count.is_empty()) {
        return; // An old kernel that does not count them.
    }
    let sealed = filters.iter().filter(|count| count.as_str() == "2").count();
    // Isolates of the platform and of the two vals.
    assert!(sealed >= 3, "{filters:?}");
    assert!(
        filters.iter().all(|count| count == "1" || count == "2"),
        "{filters:?}"
    );
    drop(town);
}

#[tokio::test]
async fn the_health_page_lists_no_missing_layer_here() {
    let town = Town::root().await;
    let (status, text) = town.text("/healthz").await;
    assert_eq!(status, 200);
    let health: Value = serde_json::from_str(&text).expect("JSON");
    assert_eq!(health["ok"], true);
    let missing = health["sandboxMissing"].as_array().expect("a list");
    if is_root() {
        assert!(missing.is_empty(), "{missing:?}");
    }
}

#[tokio::test]
async fn no_process_outlives_a_killed_town() {
    let (town, all) = peopled().await;
    assert!(all.iter().all(Seen::lives));
    town.kill().await;
    within(Duration::from_secs(10), "their end", async || {
        (!all.iter().any(Seen::lives)).then_some(())
    })
    .await;
}

#[tokio::test]
async fn a_killed_isolate_takes_only_its_own_requests_along() {
    let town = Town::root().await;
    let code = "export default (request) => {
          if (request.url.endsWith('/wait')) {
            console.log('waiting');
            return new Promise(() => {});
          }
          return new Response('served');
        }";
    let before = sealed(town.pid());
    let val = town.val("killed", code).await;
    town.val("warm", "export default () => new Response('warm')")
        .await;
    let waiting = town.bare(Method::GET, &format!("/run/{OWNER}/killed/wait"));
    let waiting = tokio::spawn(waiting.send());
    logged(&town, &val, "waiting").await;
    // Its isolate; of the platform there may be another as well.
    let serving = sealed(town.pid());
    assert!(serving.difference(&before).next().is_some());
    serving.difference(&before).for_each(kill);
    let answer = waiting.await.expect("no panic").expect("an answer");
    assert_eq!(answer.status().as_u16(), 500);
    let told = failure(&town, &val).await;
    assert_eq!(told.outcome, "crash", "{told:?}");
    assert!(told.message.contains("signal 9"), "{told:?}");
    assert_eq!(town.run("killed").await, (200, "served".into()));
    assert_eq!(town.run("warm").await, (200, "warm".into()));
}

#[tokio::test]
async fn whatever_process_is_killed_the_town_recovers() {
    let town = Town::root().await;
    town.val("warm", "export default () => new Response('warm')")
        .await;
    assert_eq!(town.run("warm").await.0, 200);
    let mut all: Vec<Seen> = children(town.pid()).into_iter().collect();
    all.sort_by_key(|process| process.started);
    assert!(all.len() >= 4, "a zygote and three that serve: {all:?}");
    for (number, process) in all.iter().enumerate() {
        kill(process);
        let name = format!("after_{number}");
        // Making it needs a compiler, running it a zygote.
        let body = serde_json::json!({ "name": name, "files": [{
            "path": "main.ts", "type": "http", "content": format!("export default () => new Response('{number}')"),
        }] });
        until("a new val can be made", async || {
            let (status, _) = town
                .api(Method::POST, "/api/town/vals", Some(body.clone()))
                .await;
            (status == 201 || status == 409).then_some(())
        })
        .await;
        until("it is served", async || {
            (town.run(&name).await == (200, number.to_string())).then_some(())
        })
        .await;
        until("the others are served", async || {
            (town.run("warm").await == (200, "warm".into())).then_some(())
        })
        .await;
        assert_eq!(town.text("/").await.0, 200);
    }
}

fn kill(process: &Seen) {
    let pid = nix::unistd::Pid::from_raw(process.pid);
    // One that died of another's death is as good.
    let _ = nix::sys::signal::kill(pid, nix::sys::signal::Signal::SIGKILL);
}
