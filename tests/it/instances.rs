//! Towns as things: carried away and back, copied, suspended, limited, watched, and seen by nobody
//! but who hosts them.

use std::path::Path;
use std::sync::Arc;

use reqwest::Method;
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::process::Command;

use crate::cron::make_due;
use crate::serving::{eventually, id, line_of, run_of};
use crate::town::{OWNER, TOKEN, Town};

const WORDS: &str = "correct horse battery";

/// Shows all that a val has of its town: its variable, its rows, its blob, the val beside it.
const SHOWS: &str = r#"import { sqlite } from "https://esm.town/v/std/sqlite/main.ts";
import { blob } from "https://esm.town/v/std/blob";
import { word } from "/v/alice/words/main.ts";
export default async (request: Request) => {
  const { pathname } = new URL(request.url);
  if (pathname === "/write") {
    await sqlite.batch(["CREATE TABLE note (text TEXT)", "INSERT INTO note VALUES ('a row')"]);
    await blob.setJSON("kept", { bytes: "x".repeat(5_000_000) });
  }
  const rows = (await sqlite.execute("SELECT text FROM note")).rows;
  const kept = await blob.getJSON("kept") as { bytes: string };
  // Not as it is: what a val answers is in its records.
  return Response.json([Deno.env.get("SEALED")?.toUpperCase(), rows, kept.bytes.length, word, pathname]);
}"#;

const TICKS: &str = "export default () => console.log('ticked');";

/// A town with one of everything that could be lost on the way; the id of its schedule's file.
async fn furnish(town: &Town) -> String {
    town.val_of(
        "words",
        &[("main.ts", "script", "export const word = 'imported';")],
    )
    .await;
    let made = town.val("shows", SHOWS).await;
    let at = format!("/api/v2/vals/{}/environment_variables", id(&made));
    let body = json!({ "key": "SEALED", "value": "a secret" });
    assert_eq!(town.api(Method::POST, &at, Some(body)).await.0, 201);
    let at = format!("/api/town/vals/{}", id(&made));
    let private = town.api(Method::PATCH, &at, Some(json!({ "privacy": "private" })));
    assert_eq!(private.await.0, 200);
    let (status, shown) = town.text(&format!("/run/{OWNER}/shows/write")).await;
    assert_eq!(status, 200, "{shown}");
    let ticks = town
        .val_of("ticks", &[("cron.ts", "interval", TICKS)])
        .await;
    let file = id(&ticks["files"][0]).to_string();
    let at = format!("/api/town/files/{file}/schedule");
    let wish = json!({ "schedule": "0 9 1 1 *", "timeZone": "Europe/Berlin" });
    assert_eq!(town.api(Method::PUT, &at, Some(wish)).await.0, 200);
    file
}

/// What such a town answers, wherever it is.
async fn answers(town: &Town, file: &str) -> Value {
    let shown = town.run("shows").await;
    let anybody = town.text(&format!("/@{OWNER}/shows")).await.0;
    let (_, me) = town.api(Method::GET, "/api/v1/me", None).await;
    let at = format!("/api/town/files/{file}/schedule");
    let (_, schedule) = town.api(Method::GET, &at, None).await;
    let (_, vals) = town.api(Method::GET, "/api/v2/vals", None).await;
    let names = vals["data"].as_array().expect("vals");
    let names: Vec<&Value> = names.iter().map(|val| &val["name"]).collect();
    json!([
        shown,
        anybody,
        me["username"],
        schedule["dueAt"],
        schedule["schedule"],
        names
    ])
}

async fn archive(town: &Town, path: &str, words: Option<&str>) -> Vec<u8> {
    let mut request = town.request(Method::GET, path);
    if let Some(words) = words {
        request = request.header("archive-passphrase", words);
    }
    let answer = request.send().await.expect("an answer");
    assert_eq!(answer.status(), 200);
    assert_eq!(answer.headers()["content-type"], "application/x-tar");
    let length = answer.content_length();
    let bytes = answer.bytes().await.expect("a body").to_vec();
    assert_eq!(length, Some(bytes.len() as u64));
    bytes
}

/// A command of the binary; whether it succeeded, and what it said.
async fn command(arguments: &[&str]) -> (bool, String) {
    let output = Command::new(env!("CARGO_BIN_EXE_town"))
        .args(arguments)
        .env_clear()
        .output()
        .await
        .expect("it runs");
    let said = [output.stdout, output.stderr].concat();
    (
        output.status.success(),
        String::from_utf8_lossy(&said).into_owned(),
    )
}

fn text_of(path: &Path) -> &str {
    path.to_str().expect("text")
}

/// A root of an archive, by the command line.
async fn root_of(archive: &[u8], words: Option<&str>) -> Town {
    let folder = Arc::new(TempDir::new().expect("a folder"));
    let file = folder.path().join("town.tar");
    std::fs::write(&file, archive).expect("written");
    let said = folder.path().join("words");
    let data = folder.path().join("data");
    let mut arguments = vec!["import", text_of(&file), "--data", text_of(&data)];
    if let Some(words) = words {
        std::fs::write(&said, words).expect("written");
        arguments.extend(["--passphrase-file", text_of(&said)]);
    }
    let (done, said) = command(&arguments).await;
    assert!(done, "{said}");
    Town::start_in(folder.clone(), &[]).await
}

/// A town inside of an archive, by the API.
async fn inside_of(
    host: &Town,
    name: &str,
    query: &str,
    archive: Vec<u8>,
    words: Option<&str>,
) -> (Town, Value) {
    let path = format!("/api/town/instances/import?name={name}{query}");
    let mut request = host.request(Method::POST, &path).body(archive);
    if let Some(words) = words {
        request = request.header("archive-passphrase", words);
    }
    let answer = request.send().await.expect("an answer");
    let (status, made) = host
        .described(Method::POST, "/api/town/instances/import", answer)
        .await;
    assert_eq!(status, 201, "{made}");
    let url = made["url"].as_str().expect("a url").to_string();
    (host.other(&url, TOKEN), made["val"].clone())
}

#[tokio::test]
async fn a_town_is_the_same_as_a_root_below_another_and_back() {
    let first = Town::start().await;
    let file = furnish(&first).await;
    let before = answers(&first, &file).await;
    assert_eq!(before[0][0], 200, "{before}");
    assert!(
        before[0][1]
            .as_str()
            .is_some_and(|shown| shown.contains("A SECRET")),
        "{before}"
    );
    let sealed = archive(&first, "/api/town/export", Some(WORDS)).await;
    assert!(!contains(&sealed, b"a secret") && !contains(&sealed, WORDS.as_bytes()));

    let second = Town::start().await;
    let (inner, val) = inside_of(&second, "carried", "", sealed.clone(), Some(WORDS)).await;
    assert_eq!(
        answers(&inner, &file).await,
        before,
        "a root one level down"
    );
    let at = format!("/api/town/instances/{}/export", id(&val));
    let back = archive(&second, &at, Some(WORDS)).await;
    let third = root_of(&back, Some(WORDS)).await;
    assert_eq!(answers(&third, &file).await, before, "and a root again");
    // The original has gone on, and was asked for a file that anybody can read.
    assert_eq!(answers(&first, &file).await, before);
    let mut files = tar::Archive::new(&sealed[..]);
    let names: Vec<String> = files
        .entries()
        .expect("a tar")
        .map(|entry| {
            entry
                .expect("an entry")
                .path()
                .expect("a path")
                .display()
                .to_string()
        })
        .collect();
    assert_eq!(names[..2], ["manifest.json", "databases/0.db"]);

    // Wrong words make nothing.
    let request = second.request(Method::POST, "/api/town/instances/import?name=wrong");
    let request = request.header("archive-passphrase", "wrong horse battery");
    let answer = request.body(sealed).send().await.expect("an answer");
    assert_eq!(answer.status(), 422);
    let alias = format!("/api/v2/alias/vals/{OWNER}/wrong");
    assert_eq!(second.api(Method::GET, &alias, None).await.0, 404);
    let answer = second.request(Method::POST, "/api/town/instances/import?name=wrong");
    let answer = answer.body("no archive").send().await.expect("an answer");
    assert_eq!(answer.status(), 422);
}

fn contains(bytes: &[u8], part: &[u8]) -> bool {
    memchr::memmem::find(bytes, part).is_some()
}

#[tokio::test]
async fn a_stopped_town_is_carried_by_the_command_line_and_without_words_its_secret_stays() {
    // Of a root: its folder is looked at, or started anew on.
    let town = Town::root().await;
    let file = furnish(&town).await;
    let before = answers(&town, &file).await;
    let running = town.data();
    let elsewhere = TempDir::new().expect("a folder");
    let archive = elsewhere.path().join("town.tar");
    let (done, said) = command(&["export", text_of(&archive), "--data", text_of(&running)]).await;
    assert!(!done && said.contains("/api/town/export"), "{said}");
    let (_, folder) = town.stop().await;
    let data = folder.path().join("data");
    let (done, said) = command(&["export", text_of(&archive), "--data", text_of(&data)]).await;
    assert!(done && said.contains("without the secret"), "{said}");
    let (done, said) = command(&["import", text_of(&archive), "--data", text_of(&data)]).await;
    assert!(!done && said.contains("not empty"), "{said}");
    let nowhere = elsewhere.path().join("nowhere");
    let (done, said) = command(&["export", text_of(&archive), "--data", text_of(&nowhere)]).await;
    assert!(!done && said.contains("no folder of a town"), "{said}");
    let bytes = std::fs::read(&archive).expect("the archive");
    std::fs::write(&archive, &bytes[..bytes.len() / 2]).expect("written");
    let (done, said) = command(&["import", text_of(&archive), "--data", text_of(&nowhere)]).await;
    assert!(!done && !nowhere.exists(), "{said}");

    // All but what is sealed; and that too, once the secret is there.
    let other = root_of(&bytes, None).await;
    assert_eq!(
        other.run("shows").await.0,
        500,
        "nothing opens what is sealed"
    );
    let (_, folder) = other.stop().await;
    let secret = folder.path().join("data").join("secret");
    std::fs::copy(data.join("secret"), secret).expect("the secret");
    let other = Town::start_in(folder, &[]).await;
    assert_eq!(answers(&other, &file).await, before);
}

#[tokio::test]
async fn a_host_clones_suspends_limits_and_deletes_and_its_guest_is_told_what_concerns_it() {
    let town = Town::start().await;
    let inner = town.inside_by_host("guest").await;
    let file = furnish(&inner).await;
    let before = answers(&inner, &file).await;
    let (_, listed) = town.api(Method::GET, "/api/town/instances", None).await;
    let guest = listed["data"][0].clone();
    assert_eq!(
        (&guest["name"], &guest["suspendedAt"]),
        (&json!("guest"), &Value::Null)
    );
    let at = format!("/api/town/instances/{}", id(&guest));
    // What the kernel counts is of all towns, and none of a guest's business.
    let counters = inner.request(Method::GET, "/api/town/metrics");
    let counters = counters.send().await.expect("an answer");
    let counters = counters.text().await.expect("a body");
    assert!(
        counters.contains("town_storage_bytes ") && !counters.contains("town_runs"),
        "{counters}"
    );

    // A copy has what the original had, and goes its own way.
    let body = json!({ "name": "copy" });
    let (status, made) = town
        .api(Method::POST, &format!("{at}/clone"), Some(body))
        .await;
    assert_eq!(status, 201, "{made}");
    let copy = town.other(made["url"].as_str().expect("a url"), inner.token());
    assert_eq!(answers(&copy, &file).await, before);
    let alias = format!("/api/v2/alias/vals/{OWNER}/words");
    let (_, words) = copy.api(Method::GET, &alias, None).await;
    let gone = format!("/api/v2/vals/{}", id(&words));
    assert_eq!(copy.api(Method::DELETE, &gone, None).await.0, 204);
    assert_eq!(answers(&inner, &file).await, before);

    // The host sees how much, and that it was visited; the guest sees its limits and nothing else.
    let seen = eventually("its use", async || {
        let (_, seen) = town.api(Method::GET, &at, None).await;
        (seen["usage"]["runs"].as_u64()? > 3 && seen["usage"]["lastActivityAt"].is_string())
            .then_some(seen)
    })
    .await;
    let usage = &seen["usage"];
    assert!(usage["storageBytes"].as_u64() > Some(5_000_000), "{usage}");
    assert!(usage["isolates"].as_u64() >= Some(1), "{usage}");
    run_of(&town, id(&guest), |run| run["status"] == 200).await;
    let body =
        json!({ "limits": { "storageBytes": 20_000_000, "depth": 1, "deadlineMs": 30_000 } });
    let (status, limited) = town.api(Method::PATCH, &at, Some(body)).await;
    assert_eq!(status, 200, "{limited}");
    let (_, told) = inner.api(Method::GET, "/api/town/usage", None).await;
    assert_eq!(
        (&told["storageBytesMax"], &told["limits"]),
        (&json!(20_000_000), &limited["limits"])
    );
    assert_eq!(
        answers(&inner, &file).await,
        before,
        "its vals are one level down"
    );
    let big = r#"import { storage } from "town:kernel";
      export default () => storage.execute("CREATE TABLE big AS SELECT zeroblob(8000000) AS x UNION ALL SELECT zeroblob(8000000) UNION ALL SELECT zeroblob(8000000)")
        .then(() => new Response("written"), (error) => new Response(error.code));"#;
    inner.val("big", big).await;
    assert_eq!(inner.run("big").await.1, "SQLITE_FULL");
    let before = answers(&inner, &file).await;
    for (wrong, says) in [
        (json!({ "limits": { "wishes": 3 } }), "wishes"),
        (json!({ "limits": { "cpuMs": -1 } }), "whole number"),
        (json!({ "suspended": "yes" }), "true or false"),
    ] {
        let (status, error) = town.api(Method::PATCH, &at, Some(wrong)).await;
        assert_eq!(status, 400);
        assert!(
            error["message"]
                .as_str()
                .is_some_and(|message| message.contains(says)),
            "{error}"
        );
    }
    let (_, of_guest) = inner.api(Method::GET, "/api/town/instances", None).await;
    assert_eq!(of_guest["data"], json!([]));

    // Suspended: by host and by path, with words, and back as it was.
    let (_, suspended) = town
        .api(Method::PATCH, &at, Some(json!({ "suspended": true })))
        .await;
    assert!(suspended["suspendedAt"].is_string(), "{suspended}");
    for address in [
        format!("{}/", inner.base),
        format!("/run/{OWNER}/guest/healthz"),
    ] {
        let (status, words) = town.text(&address).await;
        assert_eq!(status, 503, "{words}");
        assert!(words.contains("suspended"), "{words}");
    }
    assert_eq!(copy.text("/").await.0, 200, "its copy is not");
    let (_, resumed) = town
        .api(Method::PATCH, &at, Some(json!({ "suspended": false })))
        .await;
    assert_eq!(resumed["suspendedAt"], Value::Null);
    assert_eq!(answers(&inner, &file).await, before);

    // The same by forms.
    let form = async |path: &str, cookie: &str, fields: &str| {
        let request = town.bare(Method::POST, path).body(fields.to_string());
        let request = request
            .header("content-type", "application/x-www-form-urlencoded")
            .header("origin", &town.base)
            .header("cookie", cookie);
        request.send().await.expect("an answer")
    };
    let signed_in = format!("username={OWNER}&password={TOKEN}");
    let signed_in = form("/signin", "", &signed_in).await;
    let cookie = signed_in.headers()["set-cookie"].to_str().expect("text");
    let cookie = cookie.split(';').next().expect("a cookie").to_string();
    let page = async |path: &str| {
        let request = town.bare(Method::GET, path).header("cookie", &cookie);
        request
            .send()
            .await
            .expect("an answer")
            .text()
            .await
            .expect("a page")
    };
    let shown = page("/instances").await;
    assert!(
        shown.contains("copy</a>") && shown.contains("guest</a>"),
        "{shown}"
    );
    let path = format!("/instances/{}", id(&guest));
    for (act, status, state) in [("suspend", 503, "suspended"), ("resume", 200, "serves")] {
        let done = form(&path, &cookie, &format!("act={act}")).await;
        assert_eq!(done.status(), 303);
        assert!(page(&path).await.contains(state), "{act}");
        assert_eq!(town.text(&format!("{}/", inner.base)).await.0, status);
    }
    let exported = form(&path, &cookie, "act=export&passphrase=short").await;
    assert_eq!(exported.status(), 400);
    let exported = form(&path, &cookie, "act=export&passphrase=").await;
    assert_eq!(exported.headers()["content-type"], "application/x-tar");

    // Deleted, and brought back with all that was in it.
    assert_eq!(town.api(Method::DELETE, &at, None).await.0, 204);
    assert_eq!(town.text(&format!("{}/", inner.base)).await.0, 404);
    let restore = format!("/api/town/deleted-vals/{}/restore", id(&guest));
    assert_eq!(
        town.api(Method::POST, &restore, Some(json!({}))).await.0,
        200
    );
    assert_eq!(answers(&inner, &file).await, before);
}

#[tokio::test]
async fn alarms_of_a_town_that_is_suspended_are_kept_until_it_is_back() {
    // A town whose schedule was due while it was down, carried into another that holds it.
    // Of a root: its folder is looked at, or started anew on.
    let first = Town::root().await;
    let file = furnish(&first).await;
    let (_, folder) = first.stop().await;
    make_due(&folder, &file, std::time::Duration::from_secs(60)).await;
    let archive = folder.path().join("town.tar");
    let words = folder.path().join("words");
    std::fs::write(&words, WORDS).expect("written");
    let data = folder.path().join("data");
    let arguments = [
        "export",
        text_of(&archive),
        "--data",
        text_of(&data),
        "--passphrase-file",
        text_of(&words),
    ];
    let (done, said) = command(&arguments).await;
    assert!(done && said.contains("sealed"), "{said}");
    let bytes = std::fs::read(&archive).expect("the archive");
    // Of a root: its folder is looked at, or started anew on.
    let host = Town::root().await;
    let (inner, val) = inside_of(&host, "held", "&suspended=true", bytes, Some(WORDS)).await;
    assert_eq!(host.text(&format!("{}/", inner.base)).await.0, 503);
    eventually("the alarm is held", async || {
        let flags = rusqlite::OpenFlags::SQLITE_OPEN_READ_ONLY;
        let main =
            rusqlite::Connection::open_with_flags(host.data().join("main.db"), flags).ok()?;
        let sql = "SELECT count(*) FROM held_alarm WHERE val_id = ?";
        let held: u32 = main.query_row(sql, [id(&val)], |row| row.get(0)).ok()?;
        (held == 1).then_some(())
    })
    .await;
    let at = format!("/api/town/instances/{}", id(&val));
    assert_eq!(
        host.api(Method::PATCH, &at, Some(json!({ "suspended": false })))
            .await
            .0,
        200
    );
    let alias = format!("/api/v2/alias/vals/{OWNER}/ticks");
    let ticks = id(&inner.api(Method::GET, &alias, None).await.1).to_string();
    line_of(&inner, &ticks, "ticked").await;
}

#[tokio::test]
async fn a_town_is_made_of_a_fork_and_who_may_do_what_with_it_is_its_hosts_to_say() {
    let town = Town::start().await;
    let fork = r#"import town from "town:system/main.ts";
      export default { ...town, fetch: async (request: Request) => {
        const response = await town.fetch(request);
        response.headers.set("x-fork", "mine");
        return response;
      } };"#;
    town.val("fork", fork).await;
    let body =
        json!({ "name": "forked", "from": format!("{OWNER}/fork"), "limits": { "cpuMs": 5000 } });
    let (status, made) = town
        .api(Method::POST, "/api/town/instances", Some(body))
        .await;
    assert_eq!(status, 201, "{made}");
    let forked = town.other(
        made["url"].as_str().expect("a url"),
        made["token"].as_str().expect("a token"),
    );
    assert_eq!(forked.get("/").await.headers()["x-fork"], "mine");
    forked
        .val("hello", "export default () => new Response('hello')")
        .await;
    assert_eq!(forked.run("hello").await, (200, "hello".into()));

    // Another account of the host: its town, and nobody else's.
    let body = json!({ "username": "bob" });
    let (_, bob) = town.api(Method::POST, "/api/town/users", Some(body)).await;
    let bob = town.other(&town.base, bob["token"].as_str().expect("a token"));
    let (status, bobs) = bob
        .api(
            Method::POST,
            "/api/town/instances",
            Some(json!({ "name": "bobs", "privacy": "private" })),
        )
        .await;
    assert_eq!(status, 201, "{bobs}");
    let mine = format!("/api/town/instances/{}", id(&made["val"]));
    let bobs_at = format!("/api/town/instances/{}", id(&bobs["val"]));
    let (_, listed) = bob.api(Method::GET, "/api/town/instances", None).await;
    assert_eq!(listed["data"].as_array().map(Vec::len), Some(1));
    let (_, listed) = town.api(Method::GET, "/api/town/instances", None).await;
    assert_eq!(
        listed["data"].as_array().map(Vec::len),
        Some(3),
        "its owner hosts all: {listed}"
    );
    let suspending = || Some(json!({ "suspended": true }));
    assert_eq!(bob.api(Method::PATCH, &mine, suspending()).await.0, 403);
    assert_eq!(
        bob.api(Method::GET, &format!("{mine}/export"), None)
            .await
            .0,
        403
    );
    assert_eq!(bob.api(Method::GET, "/api/town/export", None).await.0, 403);
    assert_eq!(bob.api(Method::DELETE, &mine, None).await.0, 403);
    // The owner may limit what bob's town uses, and bob cannot undo it; what is in it is bob's.
    let limits = json!({ "limits": { "storageBytes": 1_000_000 } });
    assert_eq!(town.api(Method::PATCH, &bobs_at, Some(limits)).await.0, 200);
    let (status, _) = bob
        .api(Method::PATCH, &bobs_at, Some(json!({ "limits": null })))
        .await;
    assert_eq!(status, 403);
    assert_eq!(
        town.api(Method::GET, &format!("{bobs_at}/export"), None)
            .await
            .0,
        403
    );
    let body = json!({ "name": "stolen" });
    assert_eq!(
        town.api(Method::POST, &format!("{bobs_at}/clone"), Some(body))
            .await
            .0,
        403
    );
    let body = json!({ "name": "wider" });
    let (_, copy) = bob
        .api(Method::POST, &format!("{bobs_at}/clone"), Some(body))
        .await;
    let copy_at = format!("/api/town/instances/{}", id(&copy["val"]));
    let (_, copy) = bob.api(Method::GET, &copy_at, None).await;
    assert_eq!(
        copy["limits"]["storageBytes"], 1_000_000,
        "a copy is no way around it"
    );
    let (_, nobody) = town.text("/api/town/instances").await;
    assert!(nobody.contains("unauthorized"), "{nobody}");
}
