use super::*;
use std::time::Instant;

/// Rows of about a page each.
async fn fill(namespace: &Namespace, rows: usize) -> Result<ResultSet, StorageError> {
    let sql = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n LIMIT ?)
               INSERT INTO t SELECT zeroblob(3900) FROM n";
    run_with(namespace, sql, [SqlValue::Integer(rows as i64)]).await
}

async fn with_table(namespace: &Namespace) {
    run(namespace, "CREATE TABLE t (a)").await.unwrap();
}

#[tokio::test]
async fn a_statement_ends_at_its_deadline_and_the_database_goes_on() {
    let (stores, _directory) = stores();
    let root = stores.root();
    with_table(&root).await;
    let endless = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n)";
    for sql in [
        format!("{endless} SELECT count(*) FROM n"),
        format!("{endless} INSERT INTO t SELECT 1 FROM n WHERE i < 0"),
        format!("{endless}, m(a) AS (SELECT a.i FROM n AS a, n AS b) SELECT max(a) FROM m"),
    ] {
        let began = Instant::now();
        let deadline = Deadline::after(Duration::from_millis(100));
        let error = root
            .execute(Statement::new(sql.clone()), deadline)
            .await
            .unwrap_err();
        assert_eq!(error, StorageError::Deadline, "{sql}");
        assert!(began.elapsed() < Duration::from_secs(5), "{sql}");
    }
    run(&root, "INSERT INTO t VALUES (1)").await.unwrap();
    assert_eq!(
        value(&root, "SELECT count(*) FROM t").await,
        SqlValue::Integer(1)
    );
}

#[tokio::test]
async fn waiting_for_a_turn_ends_at_the_deadline() {
    let (stores, _directory) = stores();
    let root = stores.root();
    with_table(&root).await;
    let endless =
        "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT count(*) FROM n";
    let first = root.execute(
        Statement::new(endless),
        Deadline::after(Duration::from_millis(500)),
    );
    let second = root.execute(
        Statement::new("SELECT 1"),
        Deadline::after(Duration::from_millis(50)),
    );
    let (first, second) = tokio::join!(first, second);
    assert_eq!(
        (first.unwrap_err(), second.unwrap_err()),
        (StorageError::Deadline, StorageError::Deadline)
    );
}

#[tokio::test]
async fn results_are_bounded() {
    let (stores, _directory) = stores();
    let root = stores.root();
    with_table(&root).await;
    fill(&root, 5000).await.unwrap();
    assert_eq!(
        run(&root, "SELECT a FROM t").await.unwrap_err(),
        StorageError::ResultTooLarge
    );
    assert_eq!(
        run(&root, "DELETE FROM t RETURNING a").await.unwrap_err(),
        StorageError::ResultTooLarge
    );
    assert_eq!(
        value(&root, "SELECT count(*) FROM t").await,
        SqlValue::Integer(5000)
    );
    let halves = ["SELECT a FROM t LIMIT 2500", "SELECT a FROM t LIMIT 2500"];
    assert_eq!(
        batch(&root, &halves).await.unwrap_err(),
        StorageError::ResultTooLarge
    );
    batch(&root, &halves[..1]).await.unwrap();
    let many = vec!["SELECT 1"; 1001];
    assert_eq!(
        batch(&root, &many).await.unwrap_err(),
        StorageError::BatchTooLarge { statements: 1001 }
    );
}

#[tokio::test]
async fn a_full_database_refuses_rolls_back_and_can_be_emptied() {
    let (stores, _directory) = stores();
    let limited = stores.root().with_quota(400_000);
    with_table(&limited).await;
    fill(&limited, 50).await.unwrap();
    let full = StorageError::Quota { bytes_max: 400_000 };
    assert_eq!(fill(&limited, 100).await.unwrap_err(), full);
    assert_eq!(
        value(&limited, "SELECT count(*) FROM t").await,
        SqlValue::Integer(50)
    );
    let usage = limited.usage();
    assert!(
        usage.bytes > 50 * 4096 && usage.bytes <= 400_000,
        "{usage:?}"
    );
    assert_eq!(usage.bytes_max, 400_000);
    while fill(&limited, 1).await.is_ok() {}
    assert_eq!(fill(&limited, 1).await.unwrap_err(), full);
    run(&limited, "DELETE FROM t").await.unwrap();
    fill(&limited, 50).await.unwrap();
}

#[tokio::test]
async fn a_quota_counts_what_is_below_and_never_widens() {
    let (stores, _directory) = stores();
    let above = stores.root().sub("above").unwrap().with_quota(1_000_000);
    let (one, two) = (
        above.sub("one").unwrap().with_quota(u64::MAX),
        above.sub("two").unwrap(),
    );
    with_table(&one).await;
    with_table(&two).await;
    fill(&one, 180).await.unwrap();
    assert_eq!(
        fill(&two, 100).await.unwrap_err(),
        StorageError::Quota {
            bytes_max: 1_000_000
        }
    );
    let usage = above.usage();
    assert_eq!(usage.bytes_below, one.usage().bytes + two.usage().bytes);
    assert_eq!(
        two.usage().bytes_max,
        1_000_000 - usage.bytes - one.usage().bytes
    );
    // What one gives back, two may have, beyond the few pages kept.
    run(&one, "DELETE FROM t").await.unwrap();
    assert!(one.usage().bytes < 400_000, "{:?}", one.usage());
    fill(&two, 100).await.unwrap();
    // Dropping frees the rest.
    stores
        .root()
        .sub("above")
        .unwrap()
        .drop_sub("one")
        .await
        .unwrap();
    assert_eq!(above.usage().bytes_below, two.usage().bytes);
    fill(&two, 100).await.unwrap();
    // The handle without the quota has none, and sees the same bytes.
    let free = stores.root().sub("above").unwrap();
    assert_eq!(free.usage().bytes_below, above.usage().bytes_below);
    fill(&free.sub("two").unwrap(), 100).await.unwrap();
    assert_eq!(
        fill(&two, 1).await.unwrap_err(),
        StorageError::Quota {
            bytes_max: 1_000_000
        }
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn siblings_writing_at_once_stay_within_the_quota_together() {
    let (stores, _directory) = stores();
    let above = stores.root().with_quota(2_000_000);
    let subs: Vec<_> = (0..4)
        .map(|number| above.sub(&number.to_string()).unwrap())
        .collect();
    for sub in &subs {
        with_table(sub).await;
    }
    let filling: Vec<_> = subs
        .iter()
        .cloned()
        .map(|sub| {
            tokio::spawn(async move {
                let mut written = 0;
                while fill(&sub, 20).await.is_ok() {
                    written += 1;
                }
                written
            })
        })
        .collect();
    let mut written = 0;
    for filling in filling {
        written += filling.await.unwrap();
    }
    let usage = above.usage();
    assert!(
        written > 15 && usage.bytes + usage.bytes_below <= 2_000_000,
        "{written} {usage:?}"
    );
}

#[tokio::test]
async fn the_quota_of_the_tree_and_the_sizes_survive_reopening() {
    let (stores, directory) = stores();
    let sub = stores.root().sub("a").unwrap().sub("b").unwrap();
    with_table(&sub).await;
    fill(&sub, 100).await.unwrap();
    let before = (sub.usage(), stores.root().usage());
    drop((stores, sub));
    let options = StoresOptions {
        bytes_max: Some(before.1.bytes_below + 50_000),
    };
    let stores = Stores::open(directory.path(), &options).unwrap();
    let sub = stores.root().sub("a").unwrap().sub("b").unwrap();
    assert_eq!(
        (sub.usage().bytes, stores.root().usage().bytes_below),
        (before.0.bytes, before.1.bytes_below)
    );
    fill(&sub, 5).await.unwrap();
    let error = fill(&sub, 50).await.unwrap_err();
    assert_eq!(
        error,
        StorageError::Quota {
            bytes_max: options.bytes_max.unwrap()
        }
    );
}

#[tokio::test]
async fn empty_databases_and_alarms_count_too() {
    let (stores, _directory) = stores();
    let limited = stores.root().with_quota(2000);
    let at = Some(std::time::SystemTime::now());
    let mut made = 0;
    while limited
        .sub(&made.to_string())
        .unwrap()
        .set_alarm(at)
        .await
        .is_ok()
    {
        made += 1;
        assert!(made < 100);
    }
    assert_eq!(limited.subs("").await.unwrap().len(), made);
}

#[tokio::test]
async fn the_log_stays_short_while_somebody_always_reads() {
    let (stores, directory) = stores();
    let root = stores.root();
    with_table(&root).await;
    fill(&root, 2000).await.unwrap();
    let reading = tokio::spawn({
        let root = root.clone();
        async move {
            loop {
                run(
                    &root,
                    "SELECT sum(length(a)), (SELECT count(*) FROM t AS b WHERE b.a > t.a) FROM t",
                )
                .await
                .unwrap();
            }
        }
    });
    let mut longest = 0;
    for _ in 0..12 {
        run(&root, "UPDATE t SET a = randomblob(3900)")
            .await
            .unwrap();
        let log = std::fs::metadata(directory.path().join("main.db-wal")).unwrap();
        longest = longest.max(log.len());
    }
    reading.abort();
    assert!(longest < 12_000 * 4096, "{longest}");
}
