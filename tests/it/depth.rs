//! What must be right at every depth: cookies, redirects, addresses of modules, alarms, schedules,
//! mail, lines, streams, sockets, sealed variables. One town and those inside it, down to eight.

use reqwest::Method;
use serde_json::json;

use crate::email::{PRINTS, got, mail_in};
use crate::serving::{endpoint, id, line_of};
use crate::sockets::{self, converse};
use crate::streaming::{CHANNEL, push, read};
use crate::town::{OWNER, Town};

/// Remembers, forgets where it was asked to, and is woken.
const VISITED: &str = r#"import { storage } from "town:kernel";
export default async (request: Request) => {
  const { pathname } = new URL(request.url);
  if (pathname === "/away") return Response.redirect(new URL("/there?seen=1", request.url));
  if (pathname === "/cookie") {
    return new Response(request.headers.get("cookie") ?? "none", { headers: { "set-cookie": "own=yes; Path=/; Domain=localhost" } });
  }
  if (pathname === "/wake") await storage!.setAlarm(new Date());
  return Response.json([pathname, Deno.env.get("SEALED"), new URL(request.url).host]);
};
export function alarm() {
  console.log("woken");
}"#;

async fn everything(town: &Town) {
    let made = town.val("visited", VISITED).await;
    let variables = format!("/api/v2/vals/{}/environment_variables", id(&made));
    let body = json!({ "key": "SEALED", "value": "opened" });
    assert_eq!(town.api(Method::POST, &variables, Some(body)).await.0, 201);
    let at = endpoint(&made).trim_end_matches('/').to_string();
    println!("{at}");

    // A redirect leads to the val again, and what it says it is called is the same by host and path.
    let answer = town.get(&format!("{at}/away")).await;
    assert_eq!(answer.status(), 302);
    let location = answer.headers()["location"]
        .to_str()
        .expect("text")
        .to_string();
    let (status, shown) = town.text(&location).await;
    assert_eq!(status, 200, "{location}");
    let by_path = format!("{}/run/{OWNER}/visited", town.base);
    let answer = town.get(&format!("{by_path}/away")).await;
    let there = answer.headers()["location"].to_str().expect("text");
    assert_eq!(there, format!("{by_path}/there?seen=1"), "it stays by path");
    assert!(shown.contains(r#""/there","opened""#), "{shown}");
    let (_, shown) = town.text(&format!("/run/{OWNER}/visited/")).await;
    assert!(shown.contains("alice--visited."), "{shown}");

    // A cookie stays with its val: no wider than its host, or than its path where that is shared.
    let path = format!("/run/{OWNER}/visited/cookie");
    let answer = town.get(&path).await;
    let cookie = answer.headers()["set-cookie"]
        .to_str()
        .expect("text")
        .to_lowercase();
    assert!(!cookie.contains("domain"), "{cookie}");
    let below = format!(
        "path={}",
        url::Url::parse(&town.base)
            .expect("a base")
            .path()
            .trim_end_matches('/')
    );
    assert!(
        cookie.contains(&format!("{below}/run/alice/visited")),
        "{cookie}"
    );
    // The session of the town's pages is not for it.
    let form = format!("username={OWNER}&password={}", town.token());
    let signed_in = town
        .bare(Method::POST, "/signin")
        .header("content-type", "application/x-www-form-urlencoded")
        .body(form)
        .send()
        .await
        .expect("an answer");
    assert_eq!(signed_in.status(), 303);
    let set = signed_in.headers()["set-cookie"].to_str().expect("text");
    let session = set.split(';').next().expect("a cookie").to_string();
    let with_session = async |path: &str| {
        let request = town.bare(Method::GET, path).header("cookie", &session);
        request
            .send()
            .await
            .expect("an answer")
            .text()
            .await
            .expect("a body")
    };
    let page = with_session("/settings").await;
    assert!(page.contains("Sign out"), "it holds for the pages: {page}");
    assert_eq!(with_session(&path).await, "none");
    let place = signed_in.headers()["location"].to_str().expect("text");
    let prefix = url::Url::parse(&town.base)
        .expect("a base")
        .path()
        .trim_end_matches('/')
        .to_string();
    assert!(place.starts_with(&prefix), "{place} leads out of the town");

    // A module's address gives the module.
    let module = made["files"][0]["links"]["module"]
        .as_str()
        .expect("a link");
    let (status, code) = town.text(module).await;
    assert!(
        status == 200 && code.contains("woken"),
        "{module}: {status}"
    );
    let importing = format!(
        "import * as visited from {module:?}; export default () => new Response(typeof visited.alarm)"
    );
    town.val("importing", &importing).await;
    assert_eq!(town.run("importing").await, (200, "function".into()));

    // What no request brings about, and where its lines go.
    assert_eq!(town.text(&format!("{at}/wake")).await.0, 200);
    line_of(town, id(&made), "woken").await;
    let ticks = [(
        "cron.ts",
        "interval",
        "export default () => console.log('ticked')",
    )];
    let ticks = town.val_of("ticks", &ticks).await;
    let run = format!("/api/town/files/{}/run", id(&ticks["files"][0]));
    assert_eq!(town.api(Method::POST, &run, None).await.1["outcome"], "ok");
    line_of(town, id(&ticks), "ticked").await;
    let mail = town.val_of("mail", &[("email.ts", "email", PRINTS)]).await;
    let (status, answer) = mail_in(town, "?to=alice.mail@x", "Subject: at any depth\n\nt").await;
    assert_eq!(status, 200, "{answer}");
    got(town, id(&mail), "at any depth").await;

    // Bodies that do not end, both ways.
    town.val("channel", CHANNEL).await;
    let path = format!("/run/{OWNER}/channel/");
    let mut response = town.get(&path).await;
    read(&mut response, "open;").await;
    push(town, &path, "one;").await;
    read(&mut response, "one;").await;
    town.val("deno", sockets::DENO).await;
    let mut socket = sockets::open(town, &sockets::path("deno"));
    converse(&mut socket);
}

#[tokio::test]
async fn everything_is_right_at_depth_zero_one_three_and_eight() {
    let root = Town::root().await;
    everything(&root).await;
    let one = root.inside_by_host("one").await;
    everything(&one).await;
    let two = one.inside_by_path("two").await;
    let three = two.inside_by_path("three").await;
    everything(&three).await;
    let mut deep = three;
    for level in ["four", "five", "six", "seven", "eight"] {
        deep = deep.inside_by_path(level).await;
    }
    everything(&deep).await;
    // And as a thing of its own it is the same, one level below the root.
    let words = "correct horse battery";
    let request = deep.request(Method::GET, "/api/town/export");
    let request = request.header("archive-passphrase", words);
    let archive = request.send().await.expect("an answer");
    assert_eq!(archive.status(), 200);
    let archive = archive.bytes().await.expect("a body");
    let import = root.request(Method::POST, "/api/town/instances/import?name=risen");
    let import = import.header("archive-passphrase", words).body(archive);
    let answer = import.send().await.expect("an answer");
    let made: serde_json::Value =
        serde_json::from_str(&answer.text().await.expect("a body")).expect("JSON");
    let risen = root.other(made["url"].as_str().expect("a url"), deep.token());
    let (status, shown) = risen.run("visited").await;
    assert!(
        status == 200 && shown.contains("opened"),
        "{status} {shown}"
    );
    let (_, me) = risen.api(Method::GET, "/api/v1/me", None).await;
    assert_eq!(me["username"], OWNER);
}
