//! What survives: saves that were answered survive a kill, requests under way survive a stop.

use std::path::Path;
use std::process::Stdio;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use reqwest::Method;
use serde_json::json;
use tempfile::TempDir;
use tokio::process::Command;

use crate::town::{OWNER, PATIENCE, TOKEN, Town};
use crate::watching::{Seen, children, until, within};

/// Towns that are killed over and over, each in a folder of its own.
const LANES: usize = 4;

/// Kills of each town: a hundred in all.
const KILLS_PER_LANE: usize = 25;

/// Vals that are saved to at the same time.
const WRITERS: usize = 3;

/// A save that was answered.
#[derive(Debug, Clone)]
struct Saved {
    val: String,
    version: u64,
    content: String,
}

#[tokio::test]
async fn a_hundred_kills_lose_no_answered_save() {
    futures_util::future::join_all((0..LANES).map(one_lane)).await;
}

async fn one_lane(lane: usize) {
    let folder = Arc::new(TempDir::new().expect("a temporary folder"));
    let mut town = Town::start_in(folder.clone(), &[]).await;
    let mut vals = Vec::new();
    for writer in 0..WRITERS {
        let code = "export default () => new Response('first')";
        let made = town.val(&format!("val{writer}"), code).await;
        vals.push(made["id"].as_str().expect("an id").to_string());
    }
    let saved: Arc<Mutex<Vec<Saved>>> = Arc::default();
    for round in 0..KILLS_PER_LANE {
        let before = saved.lock().expect("no panics").len();
        // Killed in the middle of saves, at another point each time.
        let enough = before + 1 + (lane + round) % 7;
        let writers = vals.iter().map(|val| write(&town, val, round, &saved));
        let writers = futures_util::future::join_all(writers);
        let killed = until("enough saves", async || {
            (saved.lock().expect("no panics").len() >= enough).then_some(())
        });
        tokio::select! {
            _ = writers => panic!("a writer gave up before the kill: {}", town.log()),
            () = killed => {}
        }
        let processes = children(town.pid());
        town.kill().await;
        integrity(&folder.path().join("data"));
        within(Duration::from_secs(10), "no orphans", async || {
            (!processes.iter().any(Seen::lives)).then_some(())
        })
        .await;
        town = Town::start_in(folder.clone(), &[]).await;
        let new: Vec<Saved> = saved.lock().expect("no panics")[before..].to_vec();
        assert!(new.len() >= enough - before);
        for save in &new {
            present(&town, save).await;
        }
    }
    let all = saved.lock().expect("no panics").clone();
    for save in all.iter().step_by(all.len() / 20 + 1) {
        present(&town, save).await;
    }
    assert_eq!(town.run("val0").await.0, 200);
}

// Saves one version after the other, until the town is gone.
async fn write(town: &Town, val: &str, round: usize, saved: &Mutex<Vec<Saved>>) {
    for number in 0.. {
        let content = format!("export default () => new Response('{round}.{number}')");
        let path = format!("/api/v2/vals/{val}/files?path=main.tsx");
        let body = json!({ "content": content }).to_string();
        let request = town
            .request(Method::PUT, &path)
            .header("content-type", "application/json");
        let Ok(response) = request.body(body).send().await else {
            return;
        };
        if response.status().as_u16() != 200 {
            return;
        }
        let tag = response
            .headers()
            .get("etag")
            .and_then(|tag| tag.to_str().ok());
        let version = tag
            .and_then(|tag| tag.trim_matches('"').parse().ok())
            .expect("a version");
        let save = Saved {
            val: val.to_string(),
            version,
            content,
        };
        saved.lock().expect("no panics").push(save);
    }
}

async fn present(town: &Town, save: &Saved) {
    let Saved {
        val,
        version,
        content,
    } = save;
    let path = format!("/api/v2/vals/{val}/files/content?path=main.tsx&version={version}");
    let response = town
        .request(Method::GET, &path)
        .send()
        .await
        .expect("an answer");
    assert_eq!(response.status().as_u16(), 200, "{save:?}");
    assert_eq!(&response.text().await.expect("a body"), content, "{save:?}");
}

// Every database of the folder as the kill left it, looked at in a copy.
fn integrity(data: &Path) {
    let copy = TempDir::new().expect("a temporary folder");
    let mut looked_at = 0;
    for folder in [data.to_path_buf(), data.join("below")] {
        for entry in std::fs::read_dir(&folder).into_iter().flatten().flatten() {
            let name = entry.file_name().to_string_lossy().into_owned();
            if entry.path().is_file() && !name.ends_with("-shm") {
                std::fs::copy(entry.path(), copy.path().join(&name)).expect("a copy");
            }
        }
    }
    for entry in std::fs::read_dir(copy.path()).expect("a folder").flatten() {
        if entry
            .path()
            .extension()
            .is_none_or(|extension| extension != "db")
        {
            continue;
        }
        let database = rusqlite::Connection::open(entry.path()).expect("it opens");
        let verdict: String = database
            .query_row("PRAGMA integrity_check", [], |row| row.get(0))
            .unwrap_or_else(|error| panic!("{:?}: {error}", entry.path()));
        assert_eq!(verdict, "ok", "{:?}", entry.path());
        looked_at += 1;
    }
    assert!(looked_at >= 2, "the index and the root's database");
}

#[tokio::test]
async fn a_second_town_on_the_same_folder_gets_a_clear_error() {
    let town = Town::root().await;
    let second = Command::new(env!("CARGO_BIN_EXE_town"))
        .args(["serve", "--listen", "127.0.0.1:0", "--data"])
        .arg(town.data())
        .env_clear()
        .env("TOWN_OWNER", OWNER)
        .env("TOWN_TOKEN", TOKEN)
        .stdin(Stdio::null())
        .kill_on_drop(true)
        .output();
    let second = tokio::time::timeout(PATIENCE, second)
        .await
        .expect("it ends")
        .expect("it runs");
    assert_eq!(second.status.code(), Some(1));
    assert_eq!(second.stdout, b"", "it is never ready");
    let said = String::from_utf8_lossy(&second.stderr);
    let folder = town.data().display().to_string();
    assert!(said.contains(&folder), "{said}");
    assert!(
        said.contains("in use") || said.contains("another"),
        "{said}"
    );
    town.val("fine", "export default () => new Response('fine')")
        .await;
    assert_eq!(town.run("fine").await, (200, "fine".into()));
}

#[tokio::test]
async fn a_stop_lets_a_response_under_way_end() {
    let town = Town::root().await;
    let code = "export default () => {
          let number = 0;
          return new Response(new ReadableStream({
            async pull(controller) {
              await new Promise((done) => setTimeout(done, number === 0 ? 0 : 150));
              controller.enqueue(new TextEncoder().encode(`${number++};`));
              if (number === 10) controller.close();
            },
          }));
        }";
    town.val("slow", code).await;
    let mut response = town.get(&format!("/run/{OWNER}/slow/")).await;
    let mut text = response
        .chunk()
        .await
        .expect("a chunk")
        .expect("not the end")
        .to_vec();
    assert_eq!(text, b"0;");
    let processes = children(town.pid());
    let rest = async {
        while let Some(chunk) = response.chunk().await.expect("it is not broken off") {
            text.extend(chunk);
        }
    };
    let ((code, _), ()) = tokio::join!(town.stop(), rest);
    assert_eq!(String::from_utf8_lossy(&text), "0;1;2;3;4;5;6;7;8;9;");
    assert_eq!(code, Some(0));
    within(Duration::from_secs(10), "no orphans", async || {
        (!processes.iter().any(Seen::lives)).then_some(())
    })
    .await;
}

#[tokio::test]
async fn a_stop_waits_for_nobody_who_never_ends() {
    let town = Town::root().await;
    let code = "export default () => new Response(new ReadableStream({
          start(controller) { controller.enqueue(new Uint8Array(1)); },
        }))";
    town.val("endless", code).await;
    let mut response = town.get(&format!("/run/{OWNER}/endless/")).await;
    assert!(response.chunk().await.expect("a chunk").is_some());
    let (code, _) = town.stop().await;
    assert_eq!(code, Some(0));
}

#[tokio::test]
async fn what_a_val_stored_is_there_after_a_stop_and_a_start() {
    let town = Town::root().await;
    let code = "import { storage } from 'town:kernel';
        export default async () => {
          await storage.execute('CREATE TABLE IF NOT EXISTS visit (at INTEGER PRIMARY KEY)');
          await storage.execute('INSERT INTO visit DEFAULT VALUES');
          const { rows } = await storage.execute('SELECT count(*) FROM visit');
          return Response.json(rows[0][0]);
        }";
    town.val("counter", code).await;
    assert_eq!(town.run("counter").await, (200, "1".into()));
    let (status, folder) = town.stop().await;
    assert_eq!(status, Some(0));
    let town = Town::start_in(folder, &[]).await;
    assert_eq!(town.run("counter").await, (200, "2".into()));
    let folder = town.kill().await;
    let town = Town::start_in(folder, &[]).await;
    assert_eq!(town.run("counter").await, (200, "3".into()));
}
