//! Copies, archives, and what becomes of those from elsewhere.

use std::io::Cursor;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, SystemTime};

use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use town::limits::NAMESPACE_BYTES;
use town::storage::{Imported, Label, Namespace, SqlValue, StorageError, Usage};

use super::{batch, open, run, soon, stores, text, value};

/// A tree of three databases: text, an index for full-text search, free pages; one only has an
/// alarm.
async fn planted(top: &Namespace) {
    batch(
        top,
        &[
            "CREATE TABLE word (id INTEGER PRIMARY KEY, text TEXT)",
            "INSERT INTO word (text) VALUES ('one'), ('two')",
            "CREATE VIRTUAL TABLE search USING fts5 (body)",
            "INSERT INTO search (body) VALUES ('three four')",
            "CREATE TABLE gone (bytes BLOB)",
            "INSERT INTO gone VALUES (randomblob(600000))",
        ],
    )
    .await
    .unwrap();
    run(top, "DELETE FROM gone").await.unwrap();
    let below = top.sub("a/../b").unwrap();
    run(&below, "CREATE TABLE deep (word TEXT)").await.unwrap();
    run(&below, "INSERT INTO deep VALUES ('down')")
        .await
        .unwrap();
    let alarmed = below.sub("alarm").unwrap();
    alarmed.set_alarm(Some(later())).await.unwrap();
}

fn later() -> SystemTime {
    SystemTime::UNIX_EPOCH + Duration::from_secs(4_000_000_000)
}

async fn is_planted(top: &Namespace) {
    let words = value(top, "SELECT group_concat(text) FROM word").await;
    assert_eq!(words, text("one,two"));
    let found = "SELECT count(*) FROM search WHERE search MATCH 'four'";
    assert_eq!(value(top, found).await, SqlValue::Integer(1));
    let below = top.sub("a/../b").unwrap();
    assert_eq!(value(&below, "SELECT word FROM deep").await, text("down"));
    assert_eq!(below.subs("").await.unwrap(), ["alarm"]);
    // It can be written, shrinks, and is counted.
    run(top, "INSERT INTO word (text) VALUES ('more')")
        .await
        .unwrap();
    run(top, "DELETE FROM word WHERE text = 'more'")
        .await
        .unwrap();
}

async fn packed(top: &Namespace, note: Option<&str>) -> Vec<u8> {
    let snapshot = top.snapshot(soon()).await.unwrap();
    let label = Label {
        image: "an image".into(),
        note: note.map(str::to_string),
    };
    let archive = snapshot.archive(label).unwrap();
    let bytes = archive.bytes();
    let mut packed = Vec::new();
    archive.write(&mut packed).unwrap();
    assert_eq!(packed.len() as u64, bytes, "the length is known before");
    packed
}

fn unpacked(into: &Namespace, archive: &[u8]) -> Result<Imported, StorageError> {
    into.import_from(Cursor::new(archive), soon())
}

/// The folder has no copies left in it.
fn nothing_staged(directory: &Path) {
    let staged = std::fs::read_dir(directory.join("staged"));
    let left = staged.map_or(0, Iterator::count);
    assert_eq!(left, 0);
}

#[tokio::test]
async fn a_tree_is_the_same_in_another_folder_and_one_level_down_and_back() {
    let (first, first_folder) = stores();
    planted(&first.root()).await;
    let archive = packed(&first.root(), Some("a note")).await;
    // A root becomes one below,
    let (second, second_folder) = stores();
    run(&second.root(), "CREATE TABLE other (x)").await.unwrap();
    let inner = second.root().sub("inner").unwrap();
    let imported = unpacked(&inner, &archive).unwrap();
    assert_eq!(imported.databases, 3);
    assert_eq!(imported.label.note.as_deref(), Some("a note"));
    assert_eq!(imported.label.image, "an image");
    is_planted(&inner).await;
    assert_eq!(second.alarms().next_due(), Some(later()));
    let due = second.alarms().due(later());
    assert_eq!(due[0].names, ["inner", "a/../b", "alarm"]);
    // which becomes a root again; and all of it is there after a restart.
    let archive = packed(&inner, None).await;
    let third_folder = tempfile::tempdir().unwrap();
    {
        let third = open(third_folder.path());
        unpacked(&third.root(), &archive).unwrap();
        is_planted(&third.root()).await;
    }
    let third = open(third_folder.path());
    is_planted(&third.root()).await;
    assert_eq!(third.alarms().due(later())[0].names, ["a/../b", "alarm"]);
    let usage = third.root().usage();
    let counted = inner.usage();
    // The root's own entry in the index is nobody's to pay.
    assert_eq!(usage.bytes_below, counted.bytes_below);
    for folder in [&first_folder, &second_folder, &third_folder] {
        nothing_staged(folder.path());
    }
}

#[tokio::test]
async fn a_copy_goes_its_own_way_and_what_is_there_is_not_replaced() {
    let (stores, folder) = stores();
    let root = stores.root();
    let first = root.sub("first").unwrap();
    planted(&first).await;
    let second = root.sub("second").unwrap();
    let before = second.revision();
    // Whoever has looked there has to look again.
    assert!(run(&second, "SELECT * FROM word").await.is_err());
    let snapshot = first.snapshot(soon()).await.unwrap();
    assert_eq!(second.adopt(snapshot).await.unwrap().databases, 3);
    assert!(second.revision() > before);
    is_planted(&second).await;
    run(&second, "DELETE FROM word").await.unwrap();
    is_planted(&first).await;
    let snapshot = first.snapshot(soon()).await.unwrap();
    let error = second.adopt(snapshot).await.unwrap_err();
    assert_eq!(error, StorageError::Exists);
    let archive = packed(&first, None).await;
    assert_eq!(unpacked(&second, &archive), Err(StorageError::Exists));
    // What is dropped makes room for another.
    root.drop_sub("second").await.unwrap();
    unpacked(&second, &archive).unwrap();
    is_planted(&second).await;
    // A database that nobody has written is one, too.
    let nothing = root.sub("nothing").unwrap();
    let archive = packed(&nothing, None).await;
    let again = root.sub("nothing again").unwrap();
    assert_eq!(unpacked(&again, &archive).unwrap().databases, 1);
    nothing_staged(folder.path());
}

/// Two databases that are written one after the other: the second is never ahead in a snapshot.
#[tokio::test]
async fn a_snapshot_is_of_one_moment_while_others_write() {
    let (stores, _folder) = stores();
    let top = stores.root().sub("top").unwrap();
    // More than are held at the moment, so that some are copied within it.
    let names: Vec<String> = (0..70).map(|number| format!("{number:02}")).collect();
    for name in &names {
        let below = top.sub(name).unwrap();
        batch(&below, &["CREATE TABLE n (x)", "INSERT INTO n VALUES (0)"])
            .await
            .unwrap();
    }
    let ended = Arc::new(AtomicBool::new(false));
    let writing = tokio::spawn({
        let (top, names, ended) = (top.clone(), names.clone(), ended.clone());
        async move {
            let mut rounds = 0;
            while !ended.load(Ordering::Relaxed) {
                for name in [&names[0], &names[35], &names[69]] {
                    let below = top.sub(name).unwrap();
                    run(&below, "UPDATE n SET x = x + 1").await.unwrap();
                }
                rounds += 1;
            }
            rounds
        }
    });
    for round in 0..3 {
        let copy = stores.root().sub(&format!("copy {round}")).unwrap();
        let snapshot = top.snapshot(soon()).await.unwrap();
        copy.adopt(snapshot).await.unwrap();
        let mut seen = Vec::new();
        for name in [&names[0], &names[35], &names[69]] {
            let below = copy.sub(name).unwrap();
            let SqlValue::Integer(x) = value(&below, "SELECT x FROM n").await else {
                panic!("a number");
            };
            seen.push(x);
        }
        let [first, second, third] = seen[..] else {
            panic!("three")
        };
        assert!(
            first >= second && second >= third && first - third <= 1,
            "{seen:?}"
        );
    }
    ended.store(true, Ordering::Relaxed);
    assert!(writing.await.unwrap() > 0);
}

/// An archive of one database made by hand.
fn archive_of(manifest: &Value, files: &[(&str, &[u8])]) -> Vec<u8> {
    let mut builder = tar::Builder::new(Vec::new());
    let mut add = |name: &str, bytes: &[u8]| {
        let mut header = tar::Header::new_gnu();
        header.set_size(bytes.len() as u64);
        header.set_mode(0o600);
        // By hand: the library would not write such names.
        header.as_mut_bytes()[..name.len()].copy_from_slice(name.as_bytes());
        header.set_cksum();
        builder.append(&header, bytes).unwrap();
    };
    add("manifest.json", manifest.to_string().as_bytes());
    for (name, bytes) in files {
        add(name, bytes);
    }
    builder.into_inner().unwrap()
}

fn digest(bytes: &[u8]) -> String {
    let digest = Sha256::digest(bytes);
    digest.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn manifest_of(databases: Value) -> Value {
    json!({ "kind": "town archive", "format": 1, "createdAt": 0, "image": "", "databases": databases })
}

fn listed(names: &[&str], number: usize, bytes: &[u8]) -> Value {
    json!({ "names": names, "file": format!("databases/{number}.db"), "bytes": bytes.len(),
            "sha256": digest(bytes), "alarm": null })
}

/// A database file as a program could not have made it.
fn forged(make: impl FnOnce(&rusqlite::Connection)) -> Vec<u8> {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("forged.db");
    let connection = rusqlite::Connection::open(&path).unwrap();
    connection
        .execute_batch("PRAGMA auto_vacuum = INCREMENTAL; CREATE TABLE t (x)")
        .unwrap();
    make(&connection);
    drop(connection);
    std::fs::read(path).unwrap()
}

#[tokio::test]
async fn a_hostile_archive_is_refused_and_leaves_nothing() {
    let (stores, folder) = stores();
    let root = stores.root();
    run(&root, "CREATE TABLE kept (x)").await.unwrap();
    let good = forged(|_| ());
    let whole = |bytes: &[u8]| {
        archive_of(
            &manifest_of(json!([listed(&[], 0, bytes)])),
            &[("databases/0.db", bytes)],
        )
    };
    let refused = |what: &str, archive: &[u8], says: &str| {
        let place = root.sub("place").unwrap();
        let error = unpacked(&place, archive).expect_err(what);
        let message = error.to_string();
        assert!(message.contains(says), "{what}: {message}");
        let free = |usage: Usage| (usage.bytes, usage.bytes_below);
        assert_eq!(free(place.usage()), (0, 0), "{what}");
        nothing_staged(folder.path());
    };
    let place = |name: &str| root.sub(name).unwrap();
    unpacked(&place("the good one"), &whole(&good)).unwrap();

    // The archive itself.
    refused("nothing", b"", "empty");
    refused("no archive", &[7; 2048], "cannot be read");
    let other = archive_of(&json!({ "kind": "zip", "format": 1 }), &[]);
    refused("another manifest", &other, "no manifest of a town");
    let newer = archive_of(
        &json!({ "kind": "town archive", "format": 99, "new": 1 }),
        &[],
    );
    refused("a newer one", &newer, "upgrade");
    refused(
        "no databases",
        &archive_of(&manifest_of(json!([])), &[]),
        "names no database",
    );
    let cut = whole(&good);
    refused("cut short", &cut[..cut.len() - 4096], "too early");
    let missing = archive_of(&manifest_of(json!([listed(&[], 0, &good)])), &[]);
    refused("without its file", &missing, "too early");
    for name in [
        "../../etc/passwd",
        "/etc/passwd",
        "databases/../0.db",
        "databases/1.db",
    ] {
        let archive = archive_of(
            &manifest_of(json!([listed(&[], 0, &good)])),
            &[(name, &good)],
        );
        refused(name, &archive, "not those of its manifest");
        let mut entry = listed(&[], 0, &good);
        entry["file"] = json!(name);
        let archive = archive_of(&manifest_of(json!([entry])), &[(name, &good)]);
        refused(name, &archive, "another name than its number");
    }
    let mut other = good.clone();
    *other.last_mut().unwrap() ^= 1;
    let archive = archive_of(
        &manifest_of(json!([listed(&[], 0, &good)])),
        &[("databases/0.db", &other)],
    );
    refused("another digest", &archive, "digest");
    let entries = json!([listed(&[], 0, &good), listed(&["a", "b"], 1, &good)]);
    refused(
        "no parent",
        &archive_of(&manifest_of(entries), &[]),
        "not in order",
    );
    let entries = json!([
        listed(&[], 0, &good),
        listed(&["a"], 1, &good),
        listed(&["a"], 2, &good)
    ]);
    refused(
        "twice",
        &archive_of(&manifest_of(entries), &[]),
        "not in order",
    );
    let entries = json!([listed(&[], 0, &good), listed(&[""], 1, &good)]);
    let files: [(&str, &[u8]); 2] = [("databases/0.db", &good), ("databases/1.db", &good)];
    refused(
        "no name",
        &archive_of(&manifest_of(entries), &files),
        "1 to 64 bytes",
    );
    let names: Vec<String> = (0..40).map(|depth| depth.to_string()).collect();
    let deep: Vec<Value> = (0..=40)
        .map(|depth| json!({ "names": names[..depth], "bytes": 0, "sha256": "", "alarm": null }))
        .collect();
    refused(
        "too deep",
        &archive_of(&manifest_of(json!(deep)), &[]),
        "32 deep",
    );
    let mut huge = listed(&[], 0, &good);
    huge["bytes"] = json!(u64::MAX / 2);
    let archive = archive_of(&manifest_of(json!([huge])), &[("databases/0.db", &good)]);
    refused("another size", &archive, "not those of its manifest");

    // What is in the files.
    refused("no database", &whole(&[9; 8192]), "as a town keeps them");
    refused("too short", &whole(b"SQLite format 3\0"), "too short");
    let plain = {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("plain.db");
        let connection = rusqlite::Connection::open(&path).unwrap();
        connection.execute_batch("CREATE TABLE t (x)").unwrap();
        drop(connection);
        std::fs::read(path).unwrap()
    };
    refused(
        "pages that never go back",
        &whole(&plain),
        "as a town keeps them",
    );
    let foreign = forged(|connection| {
        connection
            .execute_batch(
                "PRAGMA writable_schema = ON; INSERT INTO sqlite_schema (type, name, tbl_name, \
                 rootpage, sql) VALUES ('table', 'evil', 'evil', 0, \
                 'CREATE/**/VIRTUAL TABLE evil USING fts3(x)')",
            )
            .unwrap();
    });
    refused("a module that is refused", &whole(&foreign), "fts3");
    let mut damaged = forged(|connection| {
        connection
            .execute_batch("CREATE TABLE u (x); INSERT INTO u VALUES (randomblob(9000))")
            .unwrap();
    });
    let at = damaged.len() - 4096;
    damaged[at..].fill(0xff);
    refused(
        "damaged pages",
        &whole(&damaged),
        "The archive cannot be taken",
    );
    assert_eq!(
        value(&root, "SELECT count(*) FROM kept").await,
        SqlValue::Integer(0)
    );
}

#[tokio::test]
async fn what_is_imported_counts_before_it_is_there() {
    let (stores, folder) = stores();
    let first = stores.root().sub("first").unwrap();
    batch(
        &first,
        &[
            "CREATE TABLE t (x)",
            "INSERT INTO t VALUES (zeroblob(40000))",
        ],
    )
    .await
    .unwrap();
    let archive = packed(&first, None).await;
    let usage = first.usage();
    let (bytes, guest) = (usage.bytes, stores.root().sub("guest").unwrap());
    let narrow = guest.with_quota(NAMESPACE_BYTES + bytes - 1);
    let error = unpacked(&narrow.sub("copy").unwrap(), &archive).unwrap_err();
    assert!(matches!(error, StorageError::Quota { .. }), "{error}");
    let snapshot = first.snapshot(soon()).await.unwrap();
    let error = narrow
        .sub("copy")
        .unwrap()
        .adopt(snapshot)
        .await
        .unwrap_err();
    assert!(matches!(error, StorageError::Quota { .. }), "{error}");
    let enough = guest.with_quota(NAMESPACE_BYTES + bytes);
    unpacked(&enough.sub("copy").unwrap(), &archive).unwrap();
    assert_eq!(guest.usage().bytes_below, bytes);
    nothing_staged(folder.path());
}

#[tokio::test]
async fn copies_that_a_crash_left_are_removed_and_there_are_never_too_many() {
    let folder = tempfile::tempdir().unwrap();
    let left = folder.path().join("staged").join("7");
    std::fs::create_dir_all(&left).unwrap();
    std::fs::write(left.join("0.db"), "left").unwrap();
    let stores = open(folder.path());
    nothing_staged(folder.path());
    let top = stores.root().sub("top").unwrap();
    run(&top, "CREATE TABLE t (x)").await.unwrap();
    let mut held = Vec::new();
    let error = loop {
        match top.snapshot(soon()).await {
            Ok(snapshot) => held.push(snapshot),
            Err(error) => break error,
        }
        assert!(held.len() < 100);
    };
    assert_eq!(error, StorageError::Busy);
    held.clear();
    nothing_staged(folder.path());
    top.snapshot(soon()).await.unwrap();
}
