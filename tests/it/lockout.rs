//! Whatever the platform was changed to, its owner gets in and can go back, and no data is lost.

use std::path::Path;

use reqwest::Method;
use serde_json::{Value, json};

use crate::serving::header;
use crate::town::{OWNER, Town};
use crate::watching::until;

const HOME: &str = include_str!("../../bootstrap-vals/pages/home.ts");
/// Where the image's own program answers.
pub(crate) const SAFE: &str = "/@town/safe";

async fn write(town: &Town, path: &str, source: &str) {
    let at = format!("/api/town/system/files/{path}");
    let body = json!({ "source": source });
    assert_eq!(town.api(Method::PUT, &at, Some(body)).await.0, 200);
}

/// What a browser is shown.
async fn page(town: &Town, path: &str, cookie: &str) -> (u16, String) {
    let request = town.bare(Method::GET, path).header("accept", "text/html");
    let response = request.header("cookie", cookie).send().await;
    let response = response.expect("an answer");
    let status = response.status().as_u16();
    (status, response.text().await.expect("a body"))
}

/// Signs in with the token in place of a password; the cookie.
pub(crate) async fn sign_in(town: &Town, prefix: &str) -> String {
    let form = format!("username={OWNER}&password={}", town.token());
    let request = town.bare(Method::POST, &format!("{prefix}/signin"));
    let request = request.header("content-type", "application/x-www-form-urlencoded");
    let response = request.body(form).send().await.expect("an answer");
    assert_eq!(response.status(), 303, "signing in below {prefix:?}");
    let cookie = header(&response, "set-cookie");
    cookie.split(';').next().expect("a cookie").to_string()
}

async fn act(town: &Town, act: &str, cookie: &str) -> u16 {
    let request = town.bare(Method::POST, &format!("{SAFE}/@town/changes"));
    let request = request.header("content-type", "application/x-www-form-urlencoded");
    let request = request.header("cookie", cookie).body(format!("act={act}"));
    request.send().await.expect("an answer").status().as_u16()
}

/// The command on a folder: exit code, standard output and standard error.
async fn command(data: &Path, arguments: &[&str]) -> (Option<i32>, String, String) {
    let mut command = tokio::process::Command::new(env!("CARGO_BIN_EXE_town"));
    command.arg("overrides").args(arguments);
    let output = command.arg("--data").arg(data).env_clear().output().await;
    let output = output.expect("the command runs");
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).expect("text");
    (
        output.status.code(),
        text(output.stdout),
        text(output.stderr),
    )
}

#[tokio::test]
async fn a_town_that_does_not_load_is_repaired_by_its_signed_in_owner_without_a_restart() {
    // Of a root: it is started anew on its folder.
    let town = Town::root().await;
    let val = "export default (r) => new Response(new URL(r.url).pathname)";
    town.val("hello", val).await;
    write(&town, "pages/home.ts", "export const homeRoutes = ;\n").await;
    let (_, data) = town.stop().await;
    let town = Town::start_in(data, &[]).await;
    let (status, crashed) = page(&town, "/", "").await;
    assert_eq!(status, 500);
    let way_back = format!("{}{SAFE}/", town.base);
    for told in [
        "pages/home.ts",
        "line 1",
        "town overrides restore pages/home.ts",
        way_back.as_str(),
    ] {
        assert!(crashed.contains(told), "{told:?} is not in {crashed}");
    }
    assert!(!crashed.contains("homeRoutes"), "no source: {crashed}");
    assert!(town.log().contains(&way_back), "{}", town.log());
    // The same town, without what overrides it: a stranger is one there too.
    assert_eq!(page(&town, &format!("{SAFE}/"), "").await.0, 200);
    assert_eq!(
        page(&town, &format!("{SAFE}/@town/changes"), "").await.0,
        401
    );
    let bare = town.bare(Method::DELETE, &format!("{SAFE}/api/town/system"));
    assert_eq!(bare.send().await.expect("an answer").status(), 401);
    assert_ne!(act(&town, "restore", "").await, 303);
    assert_eq!(page(&town, "/", "").await.0, 500);
    let hello = format!("{SAFE}/run/{OWNER}/hello/x");
    assert_eq!(town.text(&hello).await, (200, "/x".into()));
    let cookie = sign_in(&town, SAFE).await;
    let (status, changes) = page(&town, &format!("{SAFE}/@town/changes"), &cookie).await;
    assert_eq!(status, 200, "{changes}");
    assert!(changes.contains("does not load"), "{changes}");
    assert_eq!(act(&town, "undo", &cookie).await, 303);
    assert_eq!(page(&town, "/", "").await.0, 200, "without a restart");
    let admin = page(&town, "/admin", &cookie).await;
    assert_eq!(
        admin.0, 200,
        "who signed in there is signed in: {}",
        admin.1
    );
    assert_eq!(town.run("hello").await, (200, "/".into()));
    // A val has that path for itself, at its own host.
    let own = format!(
        "http://{OWNER}--hello.{}{SAFE}/y",
        &town.base["http://".len()..]
    );
    assert_eq!(town.text(&own).await, (200, format!("{SAFE}/y")));
    // And nobody says by a header where they are.
    let forged = town.bare(Method::GET, &format!("{SAFE}/signin"));
    let forged = forged
        .header("x-forwarded-prefix", "/elsewhere")
        .send()
        .await;
    let forged = forged.expect("an answer").text().await.expect("a body");
    assert!(
        forged.contains(SAFE) && !forged.contains("/elsewhere"),
        "{forged}"
    );
}

#[tokio::test]
async fn the_command_lists_and_restores_overrides_of_a_town_that_is_stopped() {
    // Of a root: the command has its folder.
    let town = Town::root().await;
    write(&town, "main.ts", "nonsense(").await;
    write(&town, "pages/word.ts", "export const word = 1;\n").await;
    let folder = town.data();
    let (code, _, told) = command(&folder, &["list"]).await;
    assert_eq!(code, Some(1), "{told}");
    assert!(told.contains("in use") && told.contains(SAFE), "{told}");
    let (_, data) = town.stop().await;
    let (code, list, _) = command(&folder, &["list"]).await;
    let expected = "main.ts\toverride\npages/word.ts\tadded\n";
    assert_eq!((code, list.as_str()), (Some(0), expected));
    assert_ne!(command(&folder, &["restore"]).await.0, Some(0), "of what?");
    let (code, _, told) = command(&folder, &["restore", "lib/html.ts"]).await;
    assert_eq!(code, Some(1), "{told}");
    let (code, said, _) = command(&folder, &["restore", "main.ts"]).await;
    assert_eq!((code, said.as_str()), (Some(0), "main.ts\trestored\n"));
    let town = Town::start_in(data, &[]).await;
    assert_eq!(town.get("/").await.status(), 200);
    let (_, history) = town
        .api(Method::GET, "/api/town/system/history", None)
        .await;
    assert_eq!(history["data"][0]["cause"]["by"], "town overrides restore");
    let (_, _data) = town.stop().await;
    let (code, said, _) = command(&folder, &["restore", "--all"]).await;
    assert_eq!(
        (code, said.as_str()),
        (Some(0), "pages/word.ts\trestored\n")
    );
    let (_, list, _) = command(&folder, &["list"]).await;
    assert_eq!(list, "Nothing overrides the image.\n");
    let nowhere = folder.join("nowhere");
    assert_eq!(command(&nowhere, &["list"]).await.0, Some(1));
    assert!(!nowhere.exists());
}

#[tokio::test]
async fn an_override_after_which_pages_fail_is_noticed_and_undone() {
    // Of a root: the log is the operator's. That of a town inside shows it on its pages, see below.
    let town = Town::root().await;
    for _ in 0..6 {
        assert_eq!(page(&town, "/", "").await.0, 200);
    }
    let health = async || {
        town.api(Method::GET, "/api/town/system/health", None)
            .await
            .1
    };
    assert_eq!(health().await["fares"], Value::Null);
    // It loads, and what is asked of it before it serves is well.
    let broken = broken_home();
    let body = json!({ "paths": ["pages/home.ts"], "name": "home" });
    let (_, fork) = town
        .api(Method::POST, "/api/town/system/forks", Some(body))
        .await;
    crate::serving::save(&town, crate::serving::id(&fork), "pages/home.ts", &broken).await;
    let body = json!({ "val": "alice/home" });
    let (status, installed) = town
        .api(Method::POST, "/api/town/system/install", Some(body))
        .await;
    assert_eq!(status, 200, "{installed}");
    for _ in 0..12 {
        assert_eq!(page(&town, "/", "").await.0, 500);
    }
    let fares = health().await["fares"].clone();
    assert_eq!(fares["failing"], json!(true), "{fares}");
    let (status, shown) = page(&town, "/", "").await;
    let way_back = format!("{}{SAFE}/", town.base);
    assert!(status == 500 && shown.contains(&way_back), "{shown}");
    until("the log tells of it", async || {
        town.log().contains("most requests fail").then_some(())
    })
    .await;
    let cookie = sign_in(&town, SAFE).await;
    let (_, changes) = page(&town, &format!("{SAFE}/@town/changes"), &cookie).await;
    assert!(changes.contains("requests fail"), "{changes}");
    assert_eq!(act(&town, "undo", &cookie).await, 303);
    assert_eq!(page(&town, "/", "").await.0, 200);
    assert_eq!(
        health().await["fares"],
        Value::Null,
        "it is the image's again"
    );
}

/// A front page that throws, in a program that loads and answers what is asked of it before.
fn broken_home() -> String {
    let list = "export const homeRoutes: Route[] = [";
    let first = "\n  [\"GET\", \"/\", () => { throw new Error(\"broken page\"); }],";
    let broken = HOME.replace(list, &format!("{list}{first}"));
    assert_ne!(broken, HOME);
    broken
}

#[tokio::test]
async fn the_owner_of_a_town_inside_another_is_shown_the_way_back_and_takes_it() {
    let town = Town::start().await;
    let echo = "export default (r) => new Response(new URL(r.url).pathname)";
    town.val("echo", echo).await;
    let own = town.text(&format!("/run/{OWNER}/echo{SAFE}/x")).await;
    assert_eq!(own, (200, format!("{SAFE}/x")), "no town, no such path");
    let by_host = town.inside_by_host("one").await;
    let by_path = town.inside_by_path("two").await;
    let deeper = by_host.inside_by_host("three").await;
    for inner in [&by_host, &by_path, &deeper] {
        let at = &inner.base;
        println!("{at}");
        inner.val("hello", echo).await;
        for _ in 0..6 {
            assert_eq!(page(inner, "/", "").await.0, 200);
        }
        // It loads, and then most of what is asked of it fails.
        write(inner, "pages/home.ts", &broken_home()).await;
        let reload = "/api/town/system/reload";
        assert_eq!(inner.api(Method::POST, reload, None).await.0, 200);
        for _ in 0..12 {
            assert_eq!(page(inner, "/", "").await.0, 500);
        }
        let (_, shown) = page(inner, "/", "").await;
        let prefix = url::Url::parse(at)
            .expect("a base")
            .path()
            .trim_end_matches('/')
            .to_string();
        let way_back = format!("{prefix}{SAFE}/");
        assert!(
            shown.contains(&way_back) && shown.contains("failed"),
            "{shown}"
        );
        assert!(!shown.contains("broken page"), "no word of the program's");
        let cookie = sign_in(inner, SAFE).await;
        let (status, changes) = page(inner, &format!("{SAFE}/@town/changes"), &cookie).await;
        assert!(
            status == 200 && changes.contains("requests fail"),
            "{changes}"
        );
        assert!(
            changes.contains(&format!("{way_back}@town/changes")),
            "{changes}"
        );
        assert_eq!(act(inner, "undo", &cookie).await, 303);
        assert_eq!(page(inner, "/", "").await.0, 200);
        assert_eq!(
            page(inner, "/settings", &cookie).await.0,
            200,
            "signed in there"
        );
        // A change through the way back that would break it is refused as ever.
        let body = json!({ "source": "nonsense(" });
        let path = "/api/town/system/files/main.ts";
        assert_eq!(safely(inner, Method::PUT, path, Some(body)).await, 200);
        assert_eq!(safely(inner, Method::POST, reload, None).await, 422);
        assert_eq!(page(inner, "/", "").await.0, 200);
        // It stops, and does not load again.
        rest(&town, inner, &by_host).await;
        let hello = format!("{SAFE}/run/{OWNER}/hello/x");
        if std::ptr::eq(inner, &by_path) {
            // Nobody has asked for it: there is nothing to swap.
            assert_eq!(safely(inner, Method::POST, reload, None).await, 422);
        } else {
            let (status, shown) = page(inner, "/", "").await;
            assert_eq!(status, 500);
            for told in ["does not load", "main.ts", "line 1", way_back.as_str()] {
                assert!(shown.contains(told), "{told:?} is not in {shown}");
            }
            let (_, changes) = page(inner, &format!("{SAFE}/@town/changes"), &cookie).await;
            assert!(changes.contains("does not load"), "{changes}");
        }
        assert_eq!(inner.text(&hello).await, (200, "/x".into()));
        assert_eq!(
            page(inner, &format!("{SAFE}/@town/changes"), "").await.0,
            401
        );
        assert_eq!(act(inner, "restore", &cookie).await, 303);
        assert_eq!(
            page(inner, "/", "").await.0,
            200,
            "without a word to its host"
        );
        assert_eq!(inner.run("hello").await, (200, "/".into()));
    }
}

/// Ends the program of a town: its host suspends it, and lets it go on.
async fn rest(town: &Town, inner: &Town, between: &Town) {
    let host = if inner.base.contains("three") {
        between
    } else {
        town
    };
    let name = inner.base.trim_end_matches('/');
    let (_, list) = host.api(Method::GET, "/api/town/instances", None).await;
    let list = list["data"].as_array().expect("a list").clone();
    let of = |found: &&Value| name.contains(found["name"].as_str().expect("a name"));
    let found = list.iter().find(of).expect("the town").clone();
    let at = format!("/api/town/instances/{}", crate::serving::id(&found));
    for suspended in [true, false] {
        let body = json!({ "suspended": suspended });
        assert_eq!(host.api(Method::PATCH, &at, Some(body)).await.0, 200);
    }
}

/// The API of the image's own program: it answers whatever the town was made into.
pub(crate) async fn safely(town: &Town, method: Method, path: &str, body: Option<Value>) -> u16 {
    let mut request = town.request(method, &format!("{SAFE}{path}"));
    if let Some(body) = body {
        let body = body.to_string();
        request = request
            .header("content-type", "application/json")
            .body(body);
    }
    request.send().await.expect("an answer").status().as_u16()
}
