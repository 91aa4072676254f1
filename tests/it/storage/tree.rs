use super::*;
use proptest::prelude::*;
use std::os::unix::fs::PermissionsExt;
use town::storage::{NameError, OpenError};

fn files(directory: &Path) -> Vec<String> {
    let mut names = Vec::new();
    for folder in [directory.to_owned(), directory.join("below")] {
        for file in std::fs::read_dir(folder).unwrap() {
            let name = file.unwrap().file_name().into_string().unwrap();
            names.extend((name.ends_with(".db") && name != "index.db").then_some(name));
        }
    }
    names.sort();
    names
}

#[tokio::test]
async fn a_database_is_created_by_its_first_write_and_by_nothing_else() {
    let (stores, directory) = stores();
    let sub = stores.root().sub("a").unwrap();
    assert_eq!(
        code(&run(&sub, "SELECT * FROM t").await.unwrap_err()),
        "SQLITE_ERROR"
    );
    assert_eq!(
        code(&run(&sub, "INSERT INTO t VALUES (1)").await.unwrap_err()),
        "SQLITE_ERROR"
    );
    assert_eq!(value(&sub, "SELECT 1 + 1").await, SqlValue::Integer(2));
    assert!(
        run(&sub, "SELECT * FROM sqlite_schema")
            .await
            .unwrap()
            .rows
            .is_empty()
    );
    run(&sub, "DROP TABLE IF EXISTS t").await.unwrap();
    run(&sub, "PRAGMA foreign_keys = ON").await.unwrap();
    batch(&sub, &["CREATE TABLE t (a)", "nonsense"])
        .await
        .unwrap_err();
    assert!(sub.subs("").await.unwrap().is_empty());
    assert_eq!(sub.usage().bytes, 0);
    assert!(files(directory.path()).is_empty());
    assert!(stores.root().subs("").await.unwrap().is_empty());

    let result = batch(&sub, &["CREATE TABLE t (a)", "INSERT INTO t VALUES (1)"])
        .await
        .unwrap();
    assert_eq!(
        (result[1].rows_affected, result[1].last_insert_rowid),
        (1, 1)
    );
    assert_eq!(
        value(&sub, "SELECT count(*) FROM t").await,
        SqlValue::Integer(1)
    );
    assert_eq!(stores.root().subs("").await.unwrap(), ["a"]);
    assert_eq!(files(directory.path()), ["1.db"]);
}

#[tokio::test]
async fn databases_have_their_names_without_the_index_and_are_not_deleted_without_either() {
    let (stores, directory) = stores();
    let deep = stores.root().sub("a").unwrap().sub("b\n\"c").unwrap();
    run(&deep, "CREATE TABLE t AS SELECT 7 AS a").await.unwrap();
    let gone = stores.root().sub("gone").unwrap();
    run(&gone, "CREATE TABLE t (a)").await.unwrap();
    stores.root().drop_sub("gone").await.unwrap();
    let lose = |names: &[&str]| {
        for name in names {
            std::fs::remove_file(directory.path().join(name)).unwrap();
        }
    };
    drop((deep, gone, stores));

    lose(&["index.db"]);
    let stores = open(directory.path());
    assert_eq!(stores.root().subs("").await.unwrap(), ["a"]);
    let deep = stores.root().sub("a").unwrap().sub("b\n\"c").unwrap();
    assert_eq!(value(&deep, "SELECT a FROM t").await, SqlValue::Integer(7));
    // Numbers go on where they were.
    let next = stores.root().sub("next").unwrap();
    run(&next, "CREATE TABLE t (a)").await.unwrap();
    assert_eq!(files(directory.path()), ["2.db", "3.db"]);
    drop((deep, next, stores));

    lose(&["index.db", "below/names"]);
    let refused = Stores::open(directory.path(), &StoresOptions::default());
    let refused = refused.err().expect("it knows no name");
    assert!(
        matches!(refused, OpenError::Nameless { databases: 2, .. }),
        "{refused}"
    );
    assert_eq!(files(directory.path()), ["2.db", "3.db"]);
}

#[tokio::test]
async fn names_are_checked() {
    let (stores, _directory) = stores();
    let root = stores.root();
    assert_eq!(root.sub("").unwrap_err(), NameError::Length { bytes: 0 });
    assert_eq!(
        root.sub(&"ä".repeat(33)).unwrap_err(),
        NameError::Length { bytes: 66 }
    );
    assert_eq!(root.sub("a\0b").unwrap_err(), NameError::Nul);
    let mut deep = root.clone();
    for _ in 0..32 {
        deep = deep.sub(&"ä".repeat(32)).unwrap();
    }
    assert_eq!(deep.sub("x").unwrap_err(), NameError::TooDeep);
    // The deepest and longest of all is a database like any other.
    run(&deep, "CREATE TABLE t (a)").await.unwrap();
    assert_eq!(root.names_below(&deep).unwrap().len(), 32);
    assert_eq!(deep.names_below(&root), None);
    assert_eq!(deep.names_below(&deep), Some(vec![]));
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, ..ProptestConfig::default() })]

    #[test]
    fn every_name_is_a_database_of_its_own_inside_the_directory(
        paths in prop::collection::hash_set(
            prop::collection::vec(prop_oneof!["[./~%a-c\\\\]{1,4}", "\\PC{1,16}", "(\\.\\.|main|below|\\./x)"], 1..4),
            1..5,
        ),
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let outer = tempfile::tempdir().unwrap();
            let directory = outer.path().join("town");
            let at = |stores: &Stores, path: &[String]| {
                path.iter().fold(stores.root(), |above, name| above.sub(name).unwrap())
            };
            let stores = open(&directory);
            for (number, path) in paths.iter().enumerate() {
                let sql = format!("CREATE TABLE only_{number} (a)");
                run(&at(&stores, path), &sql).await.unwrap();
            }
            drop(stores);
            let stores = open(&directory);
            for (number, path) in paths.iter().enumerate() {
                let found = value(&at(&stores, path), "SELECT group_concat(name) FROM sqlite_schema").await;
                assert_eq!(found, text(&format!("only_{number}")));
                let above = at(&stores, &path[..path.len() - 1]);
                let last = path.last().unwrap();
                assert!(above.subs(last).await.unwrap().contains(last));
            }
            let outside: Vec<_> = std::fs::read_dir(outer.path()).unwrap().collect();
            assert_eq!(outside.len(), 1);
            assert_eq!(files(&directory).len(), paths.len());
        });
    }
}

#[tokio::test]
async fn subs_are_listed_by_prefix_in_order() {
    let (stores, _directory) = stores();
    let root = stores.root();
    for name in ["b", "ab", "a", "ä", "a%", "abc"] {
        run(&root.sub(name).unwrap(), "CREATE TABLE t (a)")
            .await
            .unwrap();
    }
    run(
        &root.sub("only").unwrap().sub("below").unwrap(),
        "CREATE TABLE t (a)",
    )
    .await
    .unwrap();
    assert_eq!(
        root.subs("").await.unwrap(),
        ["a", "a%", "ab", "abc", "b", "only", "ä"]
    );
    assert_eq!(root.subs("ab").await.unwrap(), ["ab", "abc"]);
    assert_eq!(root.subs("%").await.unwrap(), [""; 0]);
}

#[tokio::test]
async fn dropping_takes_everything_below_and_nothing_beside() {
    let (stores, directory) = stores();
    let root = stores.root();
    let (a, ab, ax) = (
        root.sub("a").unwrap(),
        root.sub("a").unwrap().sub("b").unwrap(),
        root.sub("ax").unwrap(),
    );
    for namespace in [&a, &ab, &ax] {
        batch(
            namespace,
            &["CREATE TABLE t (a)", "INSERT INTO t VALUES (1)"],
        )
        .await
        .unwrap();
        namespace
            .set_alarm(Some(std::time::UNIX_EPOCH))
            .await
            .unwrap();
    }
    let revision = ab.revision();
    root.drop_sub("a").await.unwrap();
    assert_eq!(root.subs("").await.unwrap(), ["ax"]);
    assert_eq!(files(directory.path()), ["3.db"]);
    assert!(ab.revision() > revision);
    let due = stores.alarms().due(std::time::SystemTime::now());
    assert_eq!(
        due.iter().map(|alarm| &alarm.names[..]).collect::<Vec<_>>(),
        [["ax"]]
    );
    // Handles stay good, for new and empty databases.
    run(&ab, "SELECT * FROM t").await.unwrap_err();
    batch(&ab, &["CREATE TABLE t (a)"]).await.unwrap();
    assert_eq!(
        value(&ab, "SELECT count(*) FROM t").await,
        SqlValue::Integer(0)
    );
    assert_eq!(
        value(&ax, "SELECT count(*) FROM t").await,
        SqlValue::Integer(1)
    );
    root.drop_sub("never").await.unwrap();
    drop((stores, root, a, ab, ax));
    let root = open(directory.path()).root();
    assert_eq!(root.subs("").await.unwrap(), ["a", "ax"]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn dropping_while_statements_run_lets_them_end_or_fail() {
    let (stores, _directory) = stores();
    let root = stores.root();
    let sub = root.sub("a").unwrap();
    run(&sub, "CREATE TABLE t (a)").await.unwrap();
    let writing: Vec<_> = (0..4)
        .map(|_| {
            let sub = sub.clone();
            tokio::spawn(async move {
                for _ in 0..50 {
                    let made = run(&sub, "CREATE TABLE IF NOT EXISTS t (a)").await;
                    let wrote = run(&sub, "INSERT INTO t VALUES (1)").await;
                    for outcome in [made, wrote] {
                        match outcome {
                            Ok(_) | Err(StorageError::Dropped) => {}
                            // Between the two statements the table may go.
                            Err(error) => assert_eq!(code(&error), "SQLITE_ERROR", "{error:?}"),
                        }
                    }
                }
            })
        })
        .collect();
    for _ in 0..10 {
        root.drop_sub("a").await.unwrap();
        tokio::task::yield_now().await;
    }
    for writing in writing {
        writing.await.unwrap();
    }
    root.drop_sub("a").await.unwrap();
    assert_eq!(root.usage().bytes_below, 0);
    run(&sub, "CREATE TABLE t (a)").await.unwrap();
}

#[tokio::test]
async fn the_revision_changes_with_commits_and_with_nothing_else() {
    let (stores, directory) = stores();
    let root = stores.root();
    let mut before = root.revision();
    for sql in [
        "CREATE TABLE t (a UNIQUE)",
        "INSERT INTO t VALUES (1)",
        "UPDATE t SET a = 2",
        "PRAGMA user_version = 3",
        "CREATE INDEX i ON t (a)",
        "WITH x(a) AS (SELECT 5) INSERT INTO t SELECT a FROM x",
        "DELETE FROM t",
    ] {
        let (_, revision) = root.execute(Statement::new(sql), soon()).await.unwrap();
        assert!(revision > before, "{sql}");
        assert_eq!(root.revision(), revision);
        before = revision;
    }
    for sql in [
        "SELECT * FROM t",
        "PRAGMA user_version",
        "DELETE FROM t WHERE a = 9",
        "CREATE TABLE IF NOT EXISTS t (a)",
    ] {
        let (_, revision) = root.execute(Statement::new(sql), soon()).await.unwrap();
        assert_eq!(revision, before, "{sql}");
    }
    batch(
        &root,
        &["INSERT INTO t VALUES (1)", "INSERT INTO t VALUES (1)"],
    )
    .await
    .unwrap_err();
    run(&root.sub("below").unwrap(), "CREATE TABLE t (a)")
        .await
        .unwrap();
    assert_eq!(root.revision(), before);
    assert!(before < 1 << 53);
    drop((stores, root));
    assert!(open(directory.path()).root().revision() > before);
}

#[tokio::test]
async fn changed_resolves_at_the_next_commit() {
    let (stores, _directory) = stores();
    let root = stores.root();
    run(&root, "CREATE TABLE t (a)").await.unwrap();
    let after = root.revision();
    assert_eq!(root.changed(after - 1).await, after);
    let waiting = tokio::spawn({
        let other = stores.root();
        async move { other.changed(after).await }
    });
    run(&root, "SELECT 1").await.unwrap();
    tokio::task::yield_now().await;
    assert!(!waiting.is_finished());
    run(&root, "INSERT INTO t VALUES (1)").await.unwrap();
    assert_eq!(waiting.await.unwrap(), root.revision());
}

#[tokio::test]
async fn a_directory_belongs_to_one_process_and_one_person() {
    let (stores, directory) = stores();
    let second = Stores::open(directory.path(), &StoresOptions::default());
    let Err(OpenError::InUse { path }) = second else {
        panic!("opened twice")
    };
    assert!(path.starts_with(directory.path()));
    let mode = std::fs::metadata(directory.path().join("below"))
        .unwrap()
        .permissions()
        .mode();
    assert_eq!(mode & 0o777, 0o700);
    let namespace = stores.root();
    drop(stores);
    // A handle keeps it.
    assert!(Stores::open(directory.path(), &StoresOptions::default()).is_err());
    drop(namespace);
    open(directory.path());
}

#[tokio::test]
async fn more_databases_than_may_be_open_work_all_the_same() {
    let (stores, _directory) = stores();
    let root = stores.root();
    let subs: Vec<_> = (0..80)
        .map(|number| root.sub(&format!("{number:03}")).unwrap())
        .collect();
    for sub in &subs {
        batch(sub, &["CREATE TABLE t (a)", "INSERT INTO t VALUES (1)"])
            .await
            .unwrap();
    }
    let revisions: Vec<_> = subs.iter().map(Namespace::revision).collect();
    for sub in &subs {
        assert_eq!(
            value(sub, "SELECT count(*) FROM t").await,
            SqlValue::Integer(1)
        );
    }
    assert_eq!(
        revisions,
        subs.iter().map(Namespace::revision).collect::<Vec<_>>()
    );
    let databases = std::fs::read_dir("/proc/self/fd")
        .unwrap()
        .filter_map(|fd| std::fs::read_link(fd.ok()?.path()).ok());
    let inside = root.path().is_empty()
        && databases
            .filter(|path| {
                path.starts_with(_directory.path()) && path.extension().is_some_and(|e| e == "db")
            })
            .count()
            <= 2 * 64 + 2;
    assert!(inside);
}
