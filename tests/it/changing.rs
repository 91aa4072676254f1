//! The platform is changed the way its owner would: forked, tried, installed, merged with a newer
//! image, and brought back.

use std::fs;
use std::path::{Path, PathBuf};

use reqwest::Method;
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::serving::{id, save};
use crate::town::{OWNER, Town};

const HOME: &str = include_str!("../../bootstrap-vals/pages/home.ts");

pub(crate) async fn post(town: &Town, path: &str, body: Value) -> (u16, Value) {
    let path = format!("/api/town/system/{path}");
    town.api(Method::POST, &path, Some(body)).await
}

pub(crate) async fn get(town: &Town, path: &str) -> Value {
    let path = format!("/api/town/system/{path}");
    let (status, body) = town.api(Method::GET, &path, None).await;
    assert_eq!(status, 200, "{path}: {body}");
    body
}

pub(crate) async fn ok(town: &Town, path: &str, body: Value) -> Value {
    let (status, answer) = post(town, path, body).await;
    assert!(status < 300, "{path} answered {status}: {answer}");
    answer
}

/// The text of a file of a val.
pub(crate) async fn content(town: &Town, val: &Value, path: &str) -> String {
    let at = format!("/api/v2/vals/{}/files/content?path={path}", id(val));
    let answer = town.request(Method::GET, &at).send().await;
    answer.expect("an answer").text().await.expect("a body")
}

fn paths(list: &Value) -> Vec<&str> {
    let list = list.as_array().expect("a list").iter();
    list.map(|file| file["path"].as_str().expect("a path"))
        .collect()
}

/// A fork of the front page that says `title`, and what the API says of it.
pub(crate) async fn fork_home(town: &Town, name: &str, title: &str) -> Value {
    let body = json!({ "paths": ["pages/home.ts"], "name": name });
    let fork = ok(town, "forks", body).await;
    let text = content(town, &fork, "pages/home.ts").await;
    let changed = text.replace("<h1>Val Town Town</h1>", &format!("<h1>{title}</h1>"));
    assert_ne!(changed, text, "the fork has the line of the image: {text}");
    save(town, id(&fork), "pages/home.ts", &changed).await;
    fork
}

#[tokio::test]
async fn a_fork_is_tried_apart_and_installed_by_its_version() {
    let town = Town::start().await;
    let fork = fork_home(&town, "front", "Mine").await;
    assert_eq!(fork["diagnostics"], json!([]), "a fork compiles as it is");
    let source = json!({ "val": format!("{OWNER}/front") });
    let trial = ok(&town, "trials", source.clone()).await;
    assert_eq!(trial["files"], json!(["pages/home.ts"]));
    let url = trial["url"].as_str().expect("a url");
    assert!(town.text(url).await.1.contains("<h1>Mine</h1>"));
    let me = town.bare(Method::GET, &format!("{url}/api/v1/me"));
    let me = me.bearer_auth(trial["token"].as_str().expect("a token"));
    assert_eq!(me.send().await.expect("an answer").status(), 200);
    assert!(town.text("/").await.1.contains("<h1>Val Town Town</h1>"));
    let listed = get(&town, "trials").await;
    assert_eq!(listed["data"][0]["id"], trial["val"]["id"]);
    let trial = format!("/api/town/system/trials/{}", id(&trial["val"]));
    assert_eq!(town.api(Method::DELETE, &trial, None).await.0, 204);
    assert_eq!(town.get(url).await.status(), 404, "it is gone at once");
    assert_eq!(get(&town, "trials").await["data"], json!([]));
    // One that stays, of the same fork.
    let wish = json!({ "name": "forked", "from": format!("{OWNER}/front") });
    let (status, forked) = town
        .api(Method::POST, "/api/town/instances", Some(wish))
        .await;
    assert_eq!(status, 201, "{forked}");
    let forked = town.other(
        forked["url"].as_str().expect("a url"),
        forked["token"].as_str().expect("a token"),
    );
    assert!(forked.text("/").await.1.contains("<h1>Mine</h1>"));
    let from = get(&forked, "differences").await["data"][0]["cause"]["val"].clone();
    assert_eq!(from, "alice/front");

    // Version 0 is the image's own text: there is nothing to install.
    let (status, refused) = post(&town, "install", json!({ "val": id(&fork), "version": 0 })).await;
    assert_eq!((status, &refused["code"]), (409, &json!("nothing")));
    let installed = ok(&town, "install", source).await;
    let expected = json!([{ "path": "pages/home.ts", "act": "write" }]);
    assert_eq!(
        (&installed["files"], &installed["version"]),
        (&expected, &json!(1))
    );
    assert!(town.text("/").await.1.contains("<h1>Mine</h1>"));
    let differences = get(&town, "differences").await;
    let [only] = differences["data"].as_array().expect("a list").as_slice() else {
        panic!("one file differs: {differences}");
    };
    let lines = only["hunks"][0]["lines"].as_array().expect("lines");
    let marked = lines
        .iter()
        .filter(|line| !line.as_str().expect("text").starts_with(' '));
    assert_eq!(marked.count(), 2, "a fork keeps every other line: {only}");
    let cause = &only["cause"];
    assert_eq!(
        (&cause["val"], &cause["version"], &cause["by"]),
        (&json!("alice/front"), &json!(1), &json!(OWNER))
    );

    let history = get(&town, "history").await;
    let number = &history["data"][0]["number"];
    let back = ok(&town, "rollback", json!({ "before": number })).await;
    assert_eq!(
        back["files"],
        json!([{ "path": "pages/home.ts", "act": "restore" }])
    );
    assert!(town.text("/").await.1.contains("<h1>Val Town Town</h1>"));
    let again = get(&town, "history").await["data"][0]["number"].clone();
    ok(
        &town,
        "rollback",
        json!({ "before": again, "path": "pages/home.ts" }),
    )
    .await;
    assert!(
        town.text("/").await.1.contains("<h1>Mine</h1>"),
        "forth again"
    );
}

#[tokio::test]
async fn an_install_that_does_not_load_or_answer_changes_nothing_and_says_why() {
    let town = Town::start().await;
    let inner = town.inside_by_path("inner").await;
    let account = include_str!("../../bootstrap-vals/pages/account.ts");
    let routes = include_str!("../../bootstrap-vals/pages/routes.ts");
    let cases = [
        (
            "pages/home.ts",
            format!("{HOME}\nconst x = ;"),
            "load",
            "pages/home.ts:",
        ),
        (
            "pages/account.ts",
            account.replace("signInForm(request, town, new", "broken(request, town, new"),
            "check",
            "/signin",
        ),
        (
            "pages/routes.ts",
            routes.replace("/healthz", "/health"),
            "check",
            "/healthz",
        ),
    ];
    for (number, (path, text, code, told)) in cases.iter().enumerate() {
        for town in [&town, &inner] {
            let name = format!("broken{number}");
            ok(town, "forks", json!({ "paths": [path], "name": name })).await;
            let alias = format!("/api/v2/alias/vals/{OWNER}/{name}");
            let (_, fork) = town.api(Method::GET, &alias, None).await;
            save(town, id(&fork), path, text).await;
            for act in ["trials", "install"] {
                let (status, refused) = post(town, act, json!({ "val": id(&fork) })).await;
                let seen = (status, refused["code"].as_str());
                assert_eq!(seen, (422, Some(*code)), "{act} of {path}: {refused}");
                let told_of = refused.to_string();
                assert!(told_of.contains(told), "{told} is not in {told_of}");
            }
            assert_eq!(get(town, "differences").await["data"], json!([]));
            assert_eq!(get(town, "history").await["data"], json!([]));
            assert_eq!(get(town, "trials").await["data"], json!([]));
            assert_eq!(town.get("/").await.status(), 200);
        }
    }
}

#[tokio::test]
async fn the_whole_platform_can_be_forked_and_each_file_comes_back_as_it_was() {
    let town = Town::start().await;
    let fork = ok(&town, "forks", json!({})).await;
    assert_eq!(fork["name"], "system");
    let files = fork["files"].as_array().expect("files");
    assert!(files.len() > 150, "{} files", files.len());
    // The whole of it, byte by byte what the image has, wherever a path was rewritten.
    let all: Vec<&str> = files
        .iter()
        .filter_map(|file| file["path"].as_str())
        .collect();
    let some = [
        "main.ts",
        "pages/home.ts",
        "lib/mount.ts",
        "run/program.ts",
        "std/sqlite/main.ts",
        "modules/at.ts",
    ];
    assert!(some.iter().all(|path| all.contains(path)));
    let body = json!({ "val": id(&fork), "paths": some });
    let installed = ok(&town, "install", body).await;
    for file in installed["files"].as_array().expect("files") {
        assert_eq!(file["act"], "restore", "{file} is as in the image");
    }
    assert_eq!(get(&town, "differences").await["data"], json!([]));
}

/// A folder that stands for the image, to be changed.
pub(crate) struct Image {
    folder: TempDir,
}

impl Image {
    pub(crate) fn new() -> Self {
        let folder = TempDir::new().expect("a temporary folder");
        copy(
            &Path::new(env!("CARGO_MANIFEST_DIR")).join("bootstrap-vals"),
            folder.path(),
        );
        Self { folder }
    }

    pub(crate) fn path(&self) -> &str {
        self.folder.path().to_str().expect("a path of text")
    }

    /// Changes a file, as a newer binary would have it.
    pub(crate) fn change(&self, path: &str, from: &str, to: &str) {
        let at: PathBuf = self.folder.path().join(path);
        let text = fs::read_to_string(&at).expect("a file");
        let changed = text.replacen(from, to, 1);
        assert_ne!(text, changed, "{path} has {from:?}");
        fs::write(at, changed).expect("it can be written");
    }
}

fn copy(from: &Path, to: &Path) {
    for entry in fs::read_dir(from).expect("a folder") {
        let entry = entry.expect("an entry");
        let to = to.join(entry.file_name());
        if entry.file_type().expect("a type").is_dir() {
            fs::create_dir(&to).expect("a folder");
            copy(&entry.path(), &to);
        } else {
            fs::copy(entry.path(), to).expect("a copy");
        }
    }
}

#[tokio::test]
async fn a_change_is_developed_installed_carried_over_an_upgrade_and_restored() {
    let image = Image::new();
    let arguments = ["--bootstrap-vals", image.path()];
    let town = Town::start_with(&arguments).await;
    // A route of one's own, and a front page that says so.
    let fork = ok(
        &town,
        "forks",
        json!({ "paths": ["pages/home.ts", "pages/routes.ts"], "name": "mine" }),
    )
    .await;
    let home = content(&town, &fork, "pages/home.ts").await;
    let home = home.replace("<h1>Val Town Town</h1>", "<h1>Mine</h1>");
    save(&town, id(&fork), "pages/home.ts", &home).await;
    let routes = content(&town, &fork, "pages/routes.ts").await;
    let routes = routes
        .replace(
            "const healthRoutes",
            "import { hello } from \"./hello.ts\";\n\nconst healthRoutes",
        )
        .replace(
            "export const pageRoutes: Route[] = [",
            "export const pageRoutes: Route[] = [\n  [\"GET\", \"/hello\", hello],",
        );
    save(&town, id(&fork), "pages/routes.ts", &routes).await;
    let hello = "/** A page of our own. */\n\nexport const hello = () => new Response(\"hello from here\");\n";
    let body = json!({ "type": "script", "content": hello });
    let at = format!("/api/v2/vals/{}/files?path=pages/hello.ts", id(&fork));
    let (status, added) = town.api(Method::POST, &at, Some(body)).await;
    assert_eq!(status, 201, "{added}");
    let trial = ok(&town, "trials", json!({ "val": id(&fork) })).await;
    let url = trial["url"].as_str().expect("a url");
    assert_eq!(
        town.text(&format!("{url}/hello")).await.1,
        "hello from here"
    );
    assert_eq!(town.get("/hello").await.status(), 404);
    let installed = ok(&town, "install", json!({ "val": id(&fork) })).await;
    assert_eq!(
        paths(&installed["files"]),
        ["pages/hello.ts", "pages/home.ts", "pages/routes.ts"]
    );
    assert_eq!(town.text("/hello").await.1, "hello from here");
    town.val("kept", "export default () => new Response('kept')")
        .await;
    let (_, data) = town.stop().await;

    // A newer image: another line of one file, the same line of the other.
    image.change(
        "pages/routes.ts",
        "/healthz\", async",
        "/livez\", () => json(true)],\n  [\"GET\", \"/healthz\", async",
    );
    image.change("pages/home.ts", "<h1>Val Town Town</h1>", "<h1>Newer</h1>");
    let town = Town::start_in(data, &arguments).await;
    assert_eq!(town.text("/hello").await.1, "hello from here");
    assert_eq!(town.get("/livez").await.status(), 404, "not yet");
    let moved = get(&town, "merges").await;
    assert_eq!(paths(&moved["data"]), ["pages/home.ts", "pages/routes.ts"]);
    assert_eq!(
        (
            &moved["data"][0]["conflicts"],
            &moved["data"][1]["conflicts"]
        ),
        (&json!(1), &json!(0))
    );
    let merged = moved["data"][0]["merged"].as_str().expect("text");
    assert!(merged.contains("<<<<<<< this town") && merged.contains(">>>>>>> the image of now"));
    // The same of the fork: what it was made from is remembered there.
    let (status, refused) = post(&town, "install", json!({ "val": id(&fork) })).await;
    assert_eq!(
        (status, &refused["code"]),
        (409, &json!("conflict")),
        "{refused}"
    );
    let taken = ok(&town, "merges", json!({})).await;
    assert_eq!(
        taken,
        json!({ "merged": ["pages/routes.ts"], "conflicts": ["pages/home.ts"] })
    );
    assert_eq!(town.get("/livez").await.status(), 200, "the image's");
    assert_eq!(town.text("/hello").await.1, "hello from here", "and ours");
    // Somebody chooses, and the override is of the image of now.
    let at = "/api/town/system/files/pages/home.ts";
    let chosen = HOME.replace("<h1>Val Town Town</h1>", "<h1>Mine, newer</h1>");
    assert_eq!(
        town.api(Method::PUT, at, Some(json!({ "source": chosen })))
            .await
            .0,
        200
    );
    assert_eq!(post(&town, "reload", json!({})).await.0, 200);
    assert!(town.text("/").await.1.contains("<h1>Mine, newer</h1>"));
    assert_eq!(get(&town, "merges").await["data"], json!([]));
    let restored = town.api(Method::DELETE, "/api/town/system", None).await.0;
    assert_eq!(
        (restored, post(&town, "reload", json!({})).await.0),
        (204, 200)
    );
    assert!(town.text("/").await.1.contains("<h1>Newer</h1>"));
    assert_eq!(town.get("/hello").await.status(), 404);
    assert_eq!(town.run("kept").await, (200, "kept".into()));
}
