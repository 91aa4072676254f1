use super::*;
use std::io::{BufRead, BufReader};
use std::process::Stdio;

/// Where the process that is killed keeps its databases; absent, the test below does nothing.
const DIRECTORY: &str = "TOWN_STORAGE_TEST_DIRECTORY";

/// Not a test of its own: the other side of the next one.
#[tokio::test]
#[ignore = "run by the test that kills it"]
async fn commits_without_end() {
    let Ok(directory) = std::env::var(DIRECTORY) else {
        return;
    };
    let stores = open(Path::new(&directory));
    let sub = stores.root().sub("a").unwrap();
    run(&sub, "CREATE TABLE IF NOT EXISTS t (a)").await.unwrap();
    loop {
        let result = run(
            &sub,
            "INSERT INTO t SELECT coalesce(max(a), 0) + 1 FROM t RETURNING a",
        )
        .await
        .unwrap();
        let SqlValue::Integer(number) = result.rows[0][0] else {
            panic!()
        };
        println!("committed {number}");
    }
}

#[tokio::test]
async fn an_answered_commit_survives_being_killed() {
    let directory = tempfile::tempdir().unwrap();
    let mut answered = 0;
    for round in 0..20 {
        let mut child = process_of("durability::commits_without_end")
            .env(DIRECTORY, directory.path())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let numbers =
            lines.filter_map(|line| line.ok()?.split("committed ").nth(1)?.parse::<i64>().ok());
        // Killed after a different number of commits each time; what is still in the pipe counts too.
        let mut numbers = numbers.inspect(|number| answered = *number);
        numbers.nth(round % 7 + 1).expect("the child commits");
        child.kill().unwrap();
        numbers.last();
        child.wait().unwrap();
        let stores = open(directory.path());
        let sub = stores.root().sub("a").unwrap();
        let SqlValue::Integer(kept) = value(&sub, "SELECT max(a) FROM t").await else {
            panic!()
        };
        assert!(kept >= answered, "{kept} of {answered}");
        // What was being committed when it died may be there or not, and nothing else.
        assert!(kept <= answered + 1, "{kept} of {answered}");
        assert_eq!(
            value(&sub, "SELECT count(*) FROM t").await,
            SqlValue::Integer(kept)
        );
        assert_eq!(value(&sub, "PRAGMA integrity_check").await, text("ok"));
    }
    assert!(answered > 40);
}

#[tokio::test]
async fn databases_without_an_entry_in_the_index_are_removed_at_opening() {
    let (stores, directory) = stores();
    run(&stores.root().sub("a").unwrap(), "CREATE TABLE t (a)")
        .await
        .unwrap();
    drop(stores);
    for name in ["77.db", "77.db-wal", "78.db-shm"] {
        std::fs::write(directory.path().join("below").join(name), "x").unwrap();
    }
    let stores = open(directory.path());
    let mut names: Vec<_> = std::fs::read_dir(directory.path().join("below"))
        .unwrap()
        .map(|file| file.unwrap().file_name().into_string().unwrap())
        .collect();
    names.retain(|name| name.starts_with('7'));
    assert_eq!(names, [""; 0]);
    assert_eq!(
        value(&stores.root().sub("a").unwrap(), "SELECT count(*) FROM t").await,
        SqlValue::Integer(0)
    );
}

#[tokio::test]
async fn databases_keep_a_write_ahead_log() {
    let (stores, directory) = stores();
    run(&stores.root(), "CREATE TABLE t (a)").await.unwrap();
    // Byte 18 and 19 of the header are 2 in WAL mode.
    let header = std::fs::read(directory.path().join("main.db")).unwrap();
    assert_eq!(header[18..20], [2, 2]);
    assert!(
        std::fs::metadata(directory.path().join("main.db-wal"))
            .unwrap()
            .len()
            > 0
    );
}
