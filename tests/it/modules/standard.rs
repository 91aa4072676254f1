//! The standard library: vals of `std`, on the storage of the val and of its author.

use reqwest::Method;
use serde_json::{Value, json};

use crate::serving::{checks, endpoint, header, id};
use crate::town::Town;

checks! {
    blobs_are_kept_for_the_author_and_for_the_val,
    sql_runs_on_the_database_of_the_author_and_of_the_val,
    blobs_and_sql_of_the_author_are_there_by_the_api,
    a_val_knows_its_files_and_addresses,
    a_function_is_an_endpoint_by_rpc,
    the_standard_library_is_changed_from_inside,
    a_visitor_signs_in_to_a_val_with_their_account_of_the_town,
    what_fails_in_a_visitors_browser_is_in_the_log_of_the_val,
}

/// What a val answers, as JSON.
async fn answer(town: &Town, name: &str) -> Value {
    let (status, text) = town.run(name).await;
    assert_eq!(status, 200, "{text}");
    serde_json::from_str(&text).expect("JSON")
}

pub async fn blobs_are_kept_for_the_author_and_for_the_val(town: &Town) {
    let code = r#"import { blob, ValTownBlobNotFoundError } from "https://esm.town/v/std/blob";
import { blob as own } from "https://esm.town/v/std/blob/main.ts";
const text = async (response) => (await response).text();
export default async () => {
  await blob.set("blobs/text", "word");
  await blob.setJSON("blobs/json", { deep: [1, null] });
  await blob.set("blobs/bytes", new Uint8Array([0, 255]));
  await blob.set("blobs/stream", new Blob(["a", "b"]).stream());
  await blob.copy("blobs/text", "blobs/copied");
  await blob.move("blobs/copied", "blobs/moved");
  const bytes = new Uint8Array(4 * 1024 * 1024 + 3);
  bytes[0] = 6;
  bytes[bytes.length - 1] = 7;
  await own.set("large", bytes);
  const large = new Uint8Array(await (await own.get("large")).arrayBuffer());
  const missing = await blob.get("blobs/none").catch((error) => [error instanceof ValTownBlobNotFoundError, error.name]);
  const longKey = await blob.set("k".repeat(513), "").catch((error) => error.message);
  await blob.set("blobs/gone", "x");
  await blob.delete("blobs/gone");
  await blob.delete("blobs/gone");
  return Response.json({
    text: await text(blob.get("blobs/text")), moved: await text(blob.get("blobs/moved")), json: await blob.getJSON("blobs/json"),
    noJson: (await blob.getJSON("blobs/none")) === undefined, stream: await text(blob.get("blobs/stream")),
    bytes: [...new Uint8Array(await (await blob.get("blobs/bytes")).arrayBuffer())],
    large: [large.length, large[0], large.at(-1)], missing, longKey,
    keys: (await blob.list("blobs/")).map(({ key, size, lastModified }) => [key, size, Number.isNaN(Date.parse(lastModified))]),
    own: (await own.list()).map((entry) => entry.key),
  });
}"#;
    town.val("blobs", code).await;
    let seen = answer(town, "blobs").await;
    assert_eq!(seen["text"], "word");
    assert_eq!(seen["moved"], "word");
    assert_eq!(seen["json"], json!({ "deep": [1, null] }));
    assert_eq!(seen["noJson"], true);
    assert_eq!(seen["stream"], "ab");
    assert_eq!(seen["bytes"], json!([0, 255]));
    assert_eq!(seen["large"], json!([4 * 1024 * 1024 + 3, 6, 7]));
    assert_eq!(seen["missing"], json!([true, "ValTownBlobNotFoundError"]));
    assert!(
        seen["longKey"].as_str().expect("a message").contains("512"),
        "{seen}"
    );
    let keys = json!([
        ["blobs/bytes", 2, false],
        ["blobs/json", 17, false],
        ["blobs/moved", 4, false],
        ["blobs/stream", 2, false],
        ["blobs/text", 4, false],
    ]);
    assert_eq!(seen["keys"], keys);
    assert_eq!(seen["own"], json!(["large"]));
    // Another val of the same author has the author's, and none of the first val's.
    let reader = r#"import { blob } from "https://esm.town/v/std/blob";
import { blob as own } from "https://esm.town/v/std/blob/main.ts";
export default async () => Response.json([await blob.getJSON("blobs/json"), await own.list()])"#;
    town.val("blobReader", reader).await;
    assert_eq!(
        answer(town, "blobReader").await,
        json!([{ "deep": [1, null] }, []])
    );
}

pub async fn sql_runs_on_the_database_of_the_author_and_of_the_val(town: &Town) {
    let code = r#"import { sqlite } from "https://esm.town/v/std/sqlite";
import { sqlite as own } from "https://esm.town/v/std/sqlite/main.ts";
import { sqlite as same } from "https://esm.town/v/std/sqlite/global.ts";
export default async () => {
  await sqlite.batch(["DROP TABLE IF EXISTS word", "CREATE TABLE word (id INTEGER PRIMARY KEY, text TEXT)"]);
  const made = await sqlite.execute({ sql: "INSERT INTO word (text) VALUES (:text)", args: { text: "one" } });
  await same.execute({ sql: "INSERT INTO word (text) VALUES (?)", args: ["two"] });
  const failed = await sqlite.batch(["INSERT INTO word (text) VALUES ('three')", "INSERT INTO missing VALUES (1)"])
    .catch((error) => error.message);
  const readOnly = await sqlite.batch(["DELETE FROM word"], "read").catch(() => "refused");
  await own.execute("CREATE TABLE IF NOT EXISTS mine (a, b)");
  await own.execute("DELETE FROM mine");
  await own.execute("INSERT INTO mine VALUES (1, 'x')");
  const mine = await own.execute("SELECT a, b, a + 1 AS c FROM mine");
  const row = mine.rows[0];
  return Response.json({
    words: await sqlite.execute("SELECT id, text FROM word"), made: [made.rowsAffected, made.lastInsertRowid], failed, readOnly,
    mine, places: [row[0], row[2], row.length, Array.prototype.slice.call(row)],
    apart: await own.execute("SELECT * FROM word").catch((error) => error.message),
  });
}"#;
    town.val("sql", code).await;
    let seen = answer(town, "sql").await;
    assert_eq!(seen["words"]["columns"], json!(["id", "text"]));
    assert_eq!(seen["words"]["columnTypes"], json!(["INTEGER", "TEXT"]));
    assert_eq!(
        seen["words"]["rows"],
        json!([[1, "one"], [2, "two"]]),
        "none of the failed batch"
    );
    assert_eq!(seen["made"], json!([1, 1]));
    let failed = seen["failed"].as_str().expect("a message");
    assert!(failed.contains("missing"), "{failed}");
    assert_eq!(seen["readOnly"], "refused");
    assert_eq!(seen["mine"]["rows"], json!([{ "a": 1, "b": "x", "c": 2 }]));
    assert_eq!(seen["places"], json!([1, 2, 3, [1, "x", 2]]));
    assert!(
        seen["apart"]
            .as_str()
            .expect("a message")
            .contains("no such table: word")
    );
}

pub async fn blobs_and_sql_of_the_author_are_there_by_the_api(town: &Town) {
    let code = r#"import { blob } from "https://esm.town/v/std/blob";
import { blob as own } from "https://esm.town/v/std/blob/main.ts";
import { sqlite } from "https://esm.town/v/std/sqlite";
export default async () => {
  await blob.set("api/kept", "by the val");
  await own.set("inner", "of the val");
  await sqlite.execute("CREATE TABLE IF NOT EXISTS byApi (word)");
  return Response.json(1);
}"#;
    let made = town.val("keeper", code).await;
    answer(town, "keeper").await;
    let get = async |path: &str| town.api(Method::GET, path, None).await;
    assert_eq!(
        get("/api/v1/blob/api%2Fkept").await,
        (200, json!("by the val"))
    );
    let own = format!("/api/v2/blob/inner?val_id={}", id(&made));
    assert_eq!(get(&own).await, (200, json!("of the val")));
    assert_eq!(get("/api/v1/blob/inner").await.0, 404);
    let post = town
        .request(Method::POST, "/api/v1/blob/api/posted")
        .body("posted");
    let posted = post.send().await.expect("an answer");
    assert_eq!(posted.status(), 201);
    let (_, listed) = get("/api/v1/blob?prefix=api/").await;
    let keys: Vec<&Value> = listed
        .as_array()
        .expect("a list")
        .iter()
        .map(|blob| &blob["key"])
        .collect();
    assert_eq!(keys, ["api/kept", "api/posted"]);
    let at = "/api/v1/blob/api/posted";
    assert_eq!(town.api(Method::DELETE, at, None).await.0, 204);
    assert_eq!(town.api(Method::DELETE, at, None).await.0, 404);
    assert_eq!(
        town.bare(Method::GET, "/api/v1/blob")
            .send()
            .await
            .expect("an answer")
            .status(),
        401
    );
    let sql = async |path: &str, body: Value| {
        town.api(Method::POST, &format!("/api/v1/sqlite/{path}"), Some(body))
            .await
    };
    let statement =
        json!({ "statement": { "sql": "INSERT INTO byApi VALUES (:w)", "args": { "w": "x" } } });
    assert_eq!(sql("execute", statement).await.0, 200);
    let batch = json!({ "statements": ["SELECT word FROM byApi", { "sql": "SELECT ?", "args": [2] }], "mode": "read" });
    let (status, results) = sql("batch", batch).await;
    assert_eq!(status, 200, "{results}");
    assert_eq!(results[0]["rows"], json!([["x"]]));
    assert_eq!(results[1]["rows"], json!([[2]]));
    let (status, failed) = sql("execute", json!({ "statement": "SELECT * FROM nothing" })).await;
    assert_eq!(
        (status, &failed["code"]),
        (400, &json!("SQLITE_ERROR")),
        "{failed}"
    );
    assert_eq!(sql("execute", json!({ "statement": 1 })).await.0, 400);
    assert_eq!(
        sql("batch", json!({ "statements": [], "mode": "sideways" }))
            .await
            .0,
        400
    );
}

pub async fn a_val_knows_its_files_and_addresses(town: &Town) {
    let code = r#"import { getContentType, httpEndpoint, isMain, listFiles, listFilesByPath, parseVal, readFile, serveFile, staticHTTPServer }
  from "https://esm.town/v/std/utils@85-main/index.ts";
const serve = staticHTTPServer(import.meta.url);
export default async (request) => {
  if (new URL(request.url).pathname !== "/") return serve(request);
  const { username, name, version, branch, path } = parseVal();
  const script = await serveFile("/static/page.ts", import.meta.url);
  return Response.json({
    is: [username, name, version, branch, path], main: [isMain(import.meta.url), isMain("x")],
    text: await readFile("/static/page.ts"), script: [script.headers.get("content-type"), await script.text()],
    files: (await listFiles()).map((file) => file.path), below: (await listFilesByPath("static")).map((file) => file.path),
    endpoint: await httpEndpoint("/main.ts"), types: [getContentType("a.html"), getContentType("a.png")],
    sdk: [process.env.VAL_TOWN_API_KEY === process.env.valtown, process.env.VAL_TOWN_BASE_URL === process.env.VALTOWN_API_URL],
  });
}"#;
    let files = [
        ("main.ts", "http", code),
        ("static/page.ts", "script", "export const n: number = 1;"),
        ("static/index.css", "file", "a { color: red }"),
    ];
    let made = town.val_of("knowing", &files).await;
    let seen = answer(town, "knowing").await;
    assert_eq!(
        seen["is"],
        json!(["alice", "knowing", 0, "main", "main.ts"])
    );
    assert_eq!(seen["main"], json!([true, false]));
    assert_eq!(seen["text"], "export const n: number = 1;");
    assert_eq!(seen["script"][0], "text/javascript; charset=utf-8");
    let script = seen["script"][1].as_str().expect("a text");
    assert!(
        script.contains("n = 1") && !script.contains("number"),
        "{script}"
    );
    assert_eq!(seen["below"], json!(["static/index.css", "static/page.ts"]));
    let files: Vec<&str> = seen["files"]
        .as_array()
        .expect("a list")
        .iter()
        .filter_map(Value::as_str)
        .collect();
    assert!(
        files.contains(&"main.ts") && files.contains(&"static/index.css"),
        "{files:?}"
    );
    assert_eq!(
        seen["types"],
        json!(["text/html; charset=utf-8", "image/png"])
    );
    assert_eq!(
        seen["sdk"],
        json!([true, true]),
        "what Val Town's SDK looks for"
    );
    let main = made["files"]
        .as_array()
        .expect("a list")
        .iter()
        .find(|file| file["path"] == "main.ts");
    assert!(
        seen["endpoint"]
            .as_str()
            .expect("a link")
            .contains("alice--knowing"),
        "{seen} {main:?}"
    );
    let css = town.get("/run/alice/knowing/static/index.css").await;
    assert_eq!(css.headers()["content-type"], "text/css; charset=utf-8");
    assert_eq!(css.text().await.expect("a body"), "a { color: red }");
    assert_eq!(
        town.text("/run/alice/knowing/none.txt").await,
        (404, "Failed to fetch file".into())
    );
}

pub async fn a_function_is_an_endpoint_by_rpc(town: &Town) {
    let code = r#"import { rpc } from "https://esm.town/v/std/rpc?v=5";
import { delay } from "https://esm.town/v/std/delay";
export default rpc(async (a, b) => { await delay(0); return a + b; })"#;
    town.val("added", code).await;
    assert_eq!(
        town.text("/run/alice/added/?args=[2,3]").await,
        (200, "5".into())
    );
    let post = town
        .bare(Method::POST, "/run/alice/added/")
        .body(r#"{"args":["a","b"]}"#);
    assert_eq!(
        post.send()
            .await
            .expect("an answer")
            .text()
            .await
            .expect("a body"),
        "\"ab\""
    );
    assert_eq!(town.text("/run/alice/added/?args=no").await.0, 400);
}

pub async fn the_standard_library_is_changed_from_inside(town: &Town) {
    let at = "/api/town/system/files/std/delay/main.ts";
    let source = json!({ "source": "/** Changed. */\nexport const delay = () => 'changed';" });
    assert_eq!(town.api(Method::PUT, at, Some(source)).await.0, 200);
    let code = r#"import { delay } from "https://esm.town/v/std/delay"; export default () => new Response(String(delay(0)))"#;
    town.val("delays", code).await;
    assert_eq!(town.run("delays").await, (200, "changed".into()));
    assert_eq!(town.api(Method::DELETE, at, None).await.0, 204);
    town.val("delaysAgain", code).await;
    assert_eq!(
        town.run("delaysAgain").await,
        (200, "[object Promise]".into())
    );
}

pub async fn a_visitor_signs_in_to_a_val_with_their_account_of_the_town(town: &Town) {
    let code = r#"import { getOAuthUserData, oauthMiddleware } from "https://esm.town/v/std/oauth";
export default oauthMiddleware(async (request) => new Response((await getOAuthUserData(request))?.username ?? "nobody"));"#;
    let made = town.val("signing", code).await;
    let other = town.val("signingToo", code).await;
    let get = async |url: &str, cookie: &str| {
        let request = town.bare(Method::GET, url).header("cookie", cookie);
        request.send().await.expect("an answer")
    };
    let cookie_of = |response: &reqwest::Response, name: &str| {
        let lines = response.headers().get_all("set-cookie").iter();
        let line = lines
            .filter_map(|line| line.to_str().ok())
            .find(|line| line.starts_with(name));
        let line = line.unwrap_or_else(|| panic!("no cookie {name}"));
        line.split(';').next().expect("a pair").to_string()
    };
    let begun = get(&format!("{}/auth/login", endpoint(&made)), "").await;
    assert_eq!(begun.status(), 302);
    let state = cookie_of(&begun, "oauth_state=");
    let authorize = header(&begun, "location").to_string();
    assert!(
        authorize.starts_with(&format!("{}/oauth/authorize?", town.base)),
        "{authorize}"
    );
    // Who is not signed in is asked to, first.
    let stranger = get(&authorize, "").await;
    assert!(
        header(&stranger, "location").contains("/signin?next="),
        "{stranger:?}"
    );
    let form = |path: &str, cookie: &str, body: String| {
        let request = town
            .bare(Method::POST, path)
            .header("cookie", cookie.to_string());
        let request = request.header("content-type", "application/x-www-form-urlencoded");
        request
            .header("origin", town.base.clone())
            .body(body)
            .send()
    };
    let signed = form(
        "/signin",
        "",
        format!("username=alice&password={}", town.token()),
    )
    .await;
    let session = cookie_of(&signed.expect("an answer"), "town");
    let asked = get(&authorize, &session).await;
    assert_eq!(asked.status(), 200);
    let page = asked.text().await.expect("a body").replace("&amp;", "&");
    assert!(page.contains("alice/signing"), "{page}");
    let begin = page.find(endpoint(&made)).expect("the way back");
    let callback = page[begin..].split('"').next().expect("a link").to_string();
    assert!(
        callback.starts_with(&format!("{}/auth/callback?code=", endpoint(&made))),
        "{callback}"
    );
    assert_eq!(get(&callback, "").await.status(), 400, "begun elsewhere");
    let stolen = callback.replace(endpoint(&made), endpoint(&other));
    assert_eq!(
        get(&stolen, &state).await.status(),
        400,
        "another val's state and code"
    );
    let done = get(&callback, &state).await;
    assert_eq!(done.status(), 302);
    let who = cookie_of(&done, "oauth_session=");
    let name = async |val: &Value, cookie: &str| {
        get(endpoint(val), cookie)
            .await
            .text()
            .await
            .expect("a body")
    };
    assert_eq!(name(&made, &who).await, "alice");
    assert_eq!(
        name(&other, &who).await,
        "nobody",
        "a cookie of another val"
    );
    assert_eq!(name(&made, &who.replace('=', "=A")).await, "nobody");
    let elsewhere = format!(
        "{}/oauth/authorize?redirect_uri=https://evil.test/auth/callback",
        town.base
    );
    assert_eq!(get(&elsewhere, &session).await.status(), 404);
}

pub async fn what_fails_in_a_visitors_browser_is_in_the_log_of_the_val(town: &Town) {
    let made = town
        .val("caught", "export default () => new Response('')")
        .await;
    let script = town.get("/v/std/catch").await;
    let kind = script.headers()["content-type"]
        .to_str()
        .expect("text")
        .to_string();
    assert!(kind.starts_with("text/javascript"), "{kind}");
    let text = script.text().await.expect("a body");
    assert!(
        text.contains("/api/town/browser-errors") && !text.contains("export"),
        "{text}"
    );
    // As the script tells it: by nobody in particular, from a page on any origin.
    let tell = async |page: &str| {
        let body = json!({ "page": page, "message": "It broke", "stack": "Error: It broke\n    at page.js:1:2" });
        let request = town.bare(Method::POST, "/api/town/browser-errors");
        request
            .body(body.to_string())
            .send()
            .await
            .expect("an answer")
            .status()
            .as_u16()
    };
    assert_eq!(tell(&format!("{}/there?x=1", endpoint(&made))).await, 204);
    assert_eq!(tell(&format!("{}/run/alice/caught/", town.base)).await, 204);
    assert_eq!(tell("https://elsewhere.test/").await, 404);
    let runs = format!("/api/town/vals/{}/runs?search=it+broke", id(&made));
    let (_, runs) = town.api(Method::GET, &runs, None).await;
    assert_eq!(runs["data"].as_array().map(Vec::len), Some(2), "{runs}");
    assert_eq!(
        (&runs["data"][0]["kind"], &runs["data"][0]["outcome"]),
        (&json!("browser"), &json!("exception"))
    );
    let mut refused = 0;
    for _ in 0..60 {
        refused = tell(endpoint(&made).to_string().as_str()).await;
    }
    assert_eq!(refused, 429, "nobody fills the log this way");
}
