//! A town in a town: the same program, one level down, and nothing of what is around it. Each test
//! begins with a root and makes its own way down.

use reqwest::Method;
use serde_json::{Value, json};

use crate::serving::{endpoint, eventually, id, run_of};
use crate::town::{OWNER, TOKEN, Town};
use crate::{api, serving, vals};

/// A town whose own front also shows the databases below it, to look at it from within.
const OPEN_TOWN: &str = r#"import town from "town:system/main.ts";
import { storage } from "town:kernel";
export default { ...town, fetch: async (request: Request) =>
  new URL(request.url).pathname === "/subs" ? Response.json(await storage.subs()) : town.fetch(request) };
"#;

async fn every_check(town: &Town) {
    serving::suite(town).await;
    api::suite(town).await;
    vals::suite(town).await;
}

/// A town that many levels below, by a way of getting from one to the next.
async fn below(town: &Town, way: &[&str]) -> Town {
    let mut inner = inside(town, way[0], "level1").await;
    for (level, step) in way.iter().enumerate().skip(1) {
        inner = inside(&inner, step, &format!("level{}", level + 1)).await;
    }
    inner
}

async fn inside(town: &Town, step: &str, name: &str) -> Town {
    match step {
        "host" => town.inside_by_host(name).await,
        _ => town.inside_by_path(name).await,
    }
}

#[tokio::test]
async fn the_suite_passes_one_level_down_by_path() {
    every_check(&below(&Town::root().await, &["path"]).await).await;
}

#[tokio::test]
async fn the_suite_passes_three_levels_down_by_path() {
    every_check(&below(&Town::root().await, &["path", "path", "path"]).await).await;
}

#[tokio::test]
async fn the_suite_passes_three_levels_down_by_host_and_then_by_path() {
    every_check(&below(&Town::root().await, &["host", "host", "path"]).await).await;
}

#[tokio::test]
async fn a_val_of_one_line_is_a_town_and_its_vals_have_addresses_three_levels_down() {
    let town = Town::root().await;
    let line = r#"export { default } from "town:system/main.ts""#;
    let made = town.val("a", line).await;
    let variables = format!("/api/v2/vals/{}/environment_variables", id(&made));
    for (key, value) in [("TOWN_OWNER", OWNER), ("TOWN_TOKEN", "token-of-level-1")] {
        let body = json!({ "key": key, "value": value });
        assert_eq!(town.api(Method::POST, &variables, Some(body)).await.0, 201);
    }
    // Level 2 is made over the API of level 1, and so on, each time by another way.
    let port = url::Url::parse(&town.base)
        .expect("a base")
        .port()
        .expect("a port");
    let make = async |base: &str, token: &str, body: Value| {
        let request = town
            .bare(Method::POST, base)
            .bearer_auth(token)
            .body(body.to_string());
        let answer = request.send().await.expect("an answer");
        assert_eq!(answer.status(), 201, "{base}");
        serde_json::from_str::<Value>(&answer.text().await.expect("a body")).expect("JSON")
    };
    let first = format!("http://alice--a.localhost:{port}");
    let instances = format!("{first}/api/town/instances");
    let second = make(&instances, "token-of-level-1", json!({ "name": "b" })).await;
    let expected = format!("http://alice--b.alice--a.localhost:{port}");
    assert_eq!(second["url"], expected);
    let token = second["token"].as_str().expect("a token");
    let files = json!([{ "path": "main.ts", "type": "http",
        "content": "export default () => new Response('three down')" }]);
    let vals = format!("{}/run/alice/a/run/alice/b/api/town/vals", town.base);
    let third = make(&vals, token, json!({ "name": "hello", "files": files })).await;
    let by_path = format!("{}/run/alice/a/run/alice/b/run/alice/hello", town.base);
    assert_eq!(endpoint(&third), by_path);
    for address in [
        by_path.clone(),
        format!("{by_path}/"),
        format!("http://alice--hello.alice--b.alice--a.localhost:{port}/"),
        format!("http://alice--b.alice--a.localhost:{port}/run/alice/hello/"),
        format!("http://alice--a.localhost:{port}/run/alice/b/run/alice/hello/"),
    ] {
        assert_eq!(
            town.text(&address).await,
            (200, "three down".into()),
            "{address}"
        );
    }
    // Each level has what is its own and no more.
    for (address, status) in [
        (format!("http://alice--hello.localhost:{port}/"), 404),
        (
            format!("http://alice--hello.alice--a.localhost:{port}/"),
            404,
        ),
        (
            format!("http://alice--a.alice--b.alice--a.localhost:{port}/"),
            404,
        ),
        (format!("{}/run/alice/a/run/alice/hello/", town.base), 404),
        (format!("http://alice--b.localhost:{port}/"), 404),
    ] {
        assert_eq!(town.text(&address).await.0, status, "{address}");
    }
}

#[tokio::test]
async fn a_town_without_an_owner_says_in_its_log_how_to_make_one() {
    let town = Town::root().await;
    let made = town
        .val("fresh", r#"export { default } from "town:system/main.ts""#)
        .await;
    assert_eq!(town.text(endpoint(&made)).await.0, 200);
    let line = serving::line_of(&town, id(&made), "/setup?token=").await;
    let text = line["text"].as_str().expect("a text");
    let link = &text[text.find("http").expect("a link")..];
    assert!(link.starts_with(endpoint(&made)), "{link}");
    assert_eq!(town.text(link).await.0, 200, "{link}");
    let token = link.split("token=").nth(1).expect("a token");
    let form = format!("token={token}&username=carol&password=a-long-password");
    let post = async |form: String| {
        let request = town.bare(Method::POST, &format!("{}/setup", endpoint(&made)));
        let request = request.header("content-type", "application/x-www-form-urlencoded");
        request
            .body(form)
            .send()
            .await
            .expect("an answer")
            .status()
            .as_u16()
    };
    assert_eq!(
        post("token=0&username=mallory&password=a-long-password".into()).await,
        404
    );
    assert_eq!(post(form.clone()).await, 303);
    assert_eq!(post(form).await, 404, "once only");
    assert_eq!(
        town.text(&format!("{}/@carol", endpoint(&made))).await.0,
        200
    );
    assert_eq!(
        town.text("/@carol").await.0,
        404,
        "an account there is none here"
    );
}

#[tokio::test]
async fn a_nested_town_and_its_host_see_nothing_of_each_other() {
    let town = Town::root().await;
    let outer = town
        .val("outerOnly", "export default () => new Response('outer')")
        .await;
    let body = json!({ "username": "outerUser" });
    assert_eq!(
        town.api(Method::POST, "/api/town/users", Some(body))
            .await
            .0,
        201
    );
    let body = json!({ "name": "inner", "main": OPEN_TOWN });
    let (status, instance) = town
        .api(Method::POST, "/api/town/instances", Some(body))
        .await;
    assert_eq!(status, 201, "{instance}");
    let inner_url = instance["url"].as_str().expect("a url").to_string();
    let inner_token = instance["token"].as_str().expect("a token").to_string();
    let request = async |base: &str, token: &str, path: &str| {
        let request = town
            .bare(Method::GET, &format!("{base}{path}"))
            .bearer_auth(token);
        let answer = request.send().await.expect("an answer");
        (
            answer.status().as_u16(),
            answer.text().await.expect("a body"),
        )
    };
    // Tokens of one are none of the other.
    assert_eq!(request(&town.base, TOKEN, "/api/v1/me").await.0, 200);
    assert_eq!(request(&inner_url, &inner_token, "/api/v1/me").await.0, 200);
    assert_eq!(request(&inner_url, TOKEN, "/api/v1/me").await.0, 401);
    assert_eq!(request(&town.base, &inner_token, "/api/v1/me").await.0, 401);
    // A val in the guest, by its API.
    let files = json!([{ "path": "main.ts", "type": "http",
        "content": "export default () => { console.log('inner line'); return new Response('inner') }" }]);
    let body = json!({ "name": "innerOnly", "files": files }).to_string();
    let made = town.bare(Method::POST, &format!("{inner_url}/api/town/vals"));
    let made = made
        .bearer_auth(&inner_token)
        .body(body)
        .send()
        .await
        .expect("an answer");
    assert_eq!(made.status(), 201);
    let made: Value = serde_json::from_str(&made.text().await.expect("a body")).expect("JSON");
    assert_eq!(town.text(endpoint(&made)).await, (200, "inner".into()));
    // Neither lists the other's vals, accounts or runs.
    let vals = "/api/v2/vals?limit=100";
    let (_, guest) = request(&inner_url, &inner_token, vals).await;
    assert!(
        guest.contains("innerOnly") && !guest.contains("outerOnly"),
        "{guest}"
    );
    let (_, host) = request(&town.base, TOKEN, vals).await;
    assert!(
        host.contains("outerOnly") && !host.contains("innerOnly"),
        "{host}"
    );
    let by_id = format!("/api/v2/vals/{}", id(&outer));
    assert_eq!(request(&inner_url, &inner_token, &by_id).await.0, 404);
    let by_id = format!("/api/v2/vals/{}", id(&made));
    assert_eq!(request(&town.base, TOKEN, &by_id).await.0, 404);
    assert_eq!(
        request(&inner_url, &inner_token, "/api/v1/alias/outerUser")
            .await
            .0,
        404
    );
    run_of(&town, id(&instance["val"]), |run| run["status"] == 200).await;
    let lines = eventually("the guest's line in the guest's log", async || {
        let (_, logs) = request(&inner_url, &inner_token, "/api/v1/telemetry/logs").await;
        logs.contains("inner line").then_some(logs)
    });
    lines.await;
    let (_, logs) = request(&town.base, TOKEN, "/api/v1/telemetry/logs?limit=100").await;
    assert!(!logs.contains("inner line"), "{logs}");
    // From within: the databases below are the guest's own.
    let (_, subs) = request(&inner_url, &inner_token, "/subs").await;
    assert!(
        !subs.contains(id(&outer)) && !subs.contains(id(&instance["val"])),
        "{subs}"
    );
    assert!(subs.contains("\"logs\""), "it does see its own: {subs}");
}

#[tokio::test]
async fn deleting_a_town_deletes_its_databases_and_all_below_them() {
    let town = Town::root().await;
    let inner = town.inside_by_host("doomed").await;
    let keeper = r#"import { storage } from "town:kernel";
      export default async () => {
        await storage.sub("deeper").execute("CREATE TABLE IF NOT EXISTS kept (word TEXT)");
        await storage.execute("CREATE TABLE IF NOT EXISTS kept (word TEXT)");
        return new Response("kept");
      }"#;
    inner.val("keeper", keeper).await;
    assert_eq!(inner.run("keeper").await, (200, "kept".into()));
    town.val("survivor", keeper).await;
    assert_eq!(town.run("survivor").await, (200, "kept".into()));
    let alias = format!("/api/v2/alias/vals/{OWNER}/doomed");
    let (_, val) = town.api(Method::GET, &alias, None).await;
    let doomed = databases_below(&town, &format!("val-{}", id(&val)));
    // Its own, its val's, and the one below that.
    assert!(doomed.len() >= 3, "{doomed:?}");
    let files = |ids: &[i64]| -> Vec<std::path::PathBuf> {
        let below = town.data().join("below");
        let all = std::fs::read_dir(below)
            .expect("the folder")
            .map(|file| file.expect("a file").path());
        let of = |file: &std::path::PathBuf| {
            let name = file
                .file_name()
                .and_then(|name| name.to_str())
                .expect("text");
            ids.iter().any(|id| name.starts_with(&format!("{id}.")))
        };
        all.filter(of).collect()
    };
    assert!(files(&doomed).len() >= 3, "{:?}", files(&doomed));
    let at = format!("/api/v2/vals/{}", id(&val));
    assert_eq!(town.api(Method::DELETE, &at, None).await.0, 204);
    let at = format!("/api/town/deleted-vals/{}", id(&val));
    assert_eq!(town.api(Method::DELETE, &at, None).await.0, 204);
    assert_eq!(
        databases_below(&town, &format!("val-{}", id(&val))),
        Vec::<i64>::new()
    );
    eventually("its files are gone", async || {
        files(&doomed).is_empty().then_some(())
    })
    .await;
    assert_eq!(town.text(&inner.base).await.0, 404);
    assert_eq!(town.run("survivor").await, (200, "kept".into()));
    // A town of that name made later begins with nothing.
    let again = town.inside_by_host("doomed").await;
    let (_, vals) = again.api(Method::GET, "/api/v2/vals", None).await;
    assert_eq!(vals["data"], json!([]));
}

/// The numbers of a database of the root's and of all below it, as the index on disk has them.
fn databases_below(town: &Town, name: &str) -> Vec<i64> {
    let index = rusqlite::Connection::open_with_flags(
        town.data().join("index.db"),
        rusqlite::OpenFlags::SQLITE_OPEN_READ_ONLY,
    );
    let index = index.expect("the index");
    let sql = "WITH RECURSIVE b (id) AS (SELECT id FROM databases WHERE parent = 0 AND name = ?
      UNION ALL SELECT d.id FROM databases d JOIN b ON d.parent = b.id) SELECT id FROM b";
    let mut statement = index.prepare(sql).expect("a statement");
    let rows = statement.query_map([name], |row| row.get(0)).expect("rows");
    rows.map(|row| row.expect("a number")).collect()
}

#[tokio::test]
async fn a_program_may_not_be_nested_deeper_than_the_limit() {
    let town = Town::start_with(&["--max-depth", "2"]).await;
    let first = town.inside_by_host("one").await;
    let second = first.inside_by_host("two").await;
    // The second level is the last that runs; it cannot start its vals.
    second
        .val("three", "export default () => new Response('too deep')")
        .await;
    let (status, text) = second.run("three").await;
    assert_eq!(status, 500, "{text}");
    assert!(
        !text.contains("too deep") || text.contains("nested"),
        "{text}"
    );
    assert_eq!(first.get("/").await.status(), 200);
}
