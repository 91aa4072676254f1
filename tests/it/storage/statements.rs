use super::*;
use town::storage::SqlArguments;

#[tokio::test]
async fn a_result_has_columns_types_rows_and_counts() {
    let (stores, _directory) = stores();
    let root = stores.root();
    run(
        &root,
        "CREATE TABLE t (id INTEGER PRIMARY KEY, name text NOT NULL, size REAL)",
    )
    .await
    .unwrap();
    let inserted = run_with(
        &root,
        "INSERT INTO t (name, size) VALUES (?, ?), ('b', NULL)",
        [text("a"), SqlValue::Real(1.5)],
    )
    .await
    .unwrap();
    assert_eq!((inserted.rows_affected, inserted.last_insert_rowid), (2, 2));
    let selected = run(
        &root,
        "SELECT id, name, size, id + 1 AS next FROM t ORDER BY id",
    )
    .await
    .unwrap();
    assert_eq!(selected.columns, ["id", "name", "size", "next"]);
    assert_eq!(selected.column_types, ["INTEGER", "TEXT", "REAL", ""]);
    assert_eq!(
        selected.rows,
        [
            vec![
                SqlValue::Integer(1),
                text("a"),
                SqlValue::Real(1.5),
                SqlValue::Integer(2)
            ],
            vec![
                SqlValue::Integer(2),
                text("b"),
                SqlValue::Null,
                SqlValue::Integer(3)
            ],
        ]
    );
    assert_eq!(selected.rows_affected, 0);
    let returned = run(&root, "UPDATE t SET size = 2 WHERE id = 2 RETURNING size")
        .await
        .unwrap();
    assert_eq!(returned.rows, [vec![SqlValue::Real(2.0)]]);
    assert_eq!(returned.rows_affected, 1);
    let created = run(&root, "CREATE INDEX i ON t (name)").await.unwrap();
    assert_eq!(created.rows_affected, 0);
}

#[tokio::test]
async fn arguments_are_bound_by_place_and_by_name() {
    let (stores, _directory) = stores();
    let root = stores.root();
    let blob = SqlValue::Blob(vec![0, 255]);
    let row = run_with(
        &root,
        "SELECT ?2, ?1",
        [SqlValue::Integer(i64::MIN), blob.clone()],
    )
    .await
    .unwrap();
    assert_eq!(row.rows, [vec![blob, SqlValue::Integer(i64::MIN)]]);

    let named = |sql: &str| Statement {
        sql: sql.to_owned(),
        arguments: SqlArguments::Named(vec![("a".into(), text("x")), ("unused".into(), text("y"))]),
    };
    let (result, _) = root
        .execute(named("SELECT :a, @a, $a"), soon())
        .await
        .unwrap();
    assert_eq!(result.rows, [vec![text("x"), text("x"), text("x")]]);

    let missing = root
        .execute(named("SELECT :a, :b"), soon())
        .await
        .unwrap_err();
    assert_eq!(missing, StorageError::ArgumentMissing { name: ":b".into() });
    let unnamed = root.execute(named("SELECT ?"), soon()).await.unwrap_err();
    assert_eq!(unnamed, StorageError::ArgumentMissing { name: "?1".into() });
    let few = run_with(&root, "SELECT ?, ?", [SqlValue::Null])
        .await
        .unwrap_err();
    assert_eq!(
        few,
        StorageError::ArgumentCount {
            given: 1,
            expected: 2
        }
    );
    let none = run(&root, "SELECT ?").await.unwrap_err();
    assert_eq!(
        none,
        StorageError::ArgumentCount {
            given: 0,
            expected: 1
        }
    );
}

#[tokio::test]
async fn a_batch_is_all_or_nothing_and_says_which_statement_failed() {
    let (stores, _directory) = stores();
    let root = stores.root();
    batch(
        &root,
        &["CREATE TABLE t (a UNIQUE)", "INSERT INTO t VALUES (1)"],
    )
    .await
    .unwrap();
    let error = batch(
        &root,
        &["INSERT INTO t VALUES (2)", "INSERT INTO t VALUES (1)"],
    )
    .await
    .unwrap_err();
    let StorageError::Sqlite {
        code,
        message,
        statement,
        ..
    } = error
    else {
        panic!("{error:?}")
    };
    assert_eq!((code.as_str(), statement), ("SQLITE_CONSTRAINT_UNIQUE", 1));
    assert_eq!(message, "UNIQUE constraint failed: t.a");
    assert_eq!(
        value(&root, "SELECT count(*) FROM t").await,
        SqlValue::Integer(1)
    );
    // A conflict that ends the transaction by itself leaves the connection usable, too.
    batch(
        &root,
        &[
            "INSERT INTO t VALUES (2)",
            "INSERT OR ROLLBACK INTO t VALUES (1)",
        ],
    )
    .await
    .unwrap_err();
    assert_eq!(
        value(&root, "SELECT count(*) FROM t").await,
        SqlValue::Integer(1)
    );
    batch(
        &root,
        &["INSERT INTO t VALUES (2)", "INSERT INTO t VALUES (3)"],
    )
    .await
    .unwrap();
    assert_eq!(
        value(&root, "SELECT count(*) FROM t").await,
        SqlValue::Integer(3)
    );
}

#[tokio::test]
async fn a_batch_of_mode_read_cannot_write() {
    let (stores, _directory) = stores();
    let root = stores.root();
    run(&root, "CREATE TABLE t (a)").await.unwrap();
    let statements = || {
        vec![
            Statement::new("SELECT 1"),
            Statement::new("INSERT INTO t VALUES (1)"),
        ]
    };
    let error = root
        .batch(statements(), BatchMode::Read, soon())
        .await
        .unwrap_err();
    assert_eq!(error, StorageError::ReadOnly);
    assert_eq!(
        value(&root, "SELECT count(*) FROM t").await,
        SqlValue::Integer(0)
    );
    root.batch(statements(), BatchMode::Deferred, soon())
        .await
        .unwrap();
    assert_eq!(
        value(&root, "SELECT count(*) FROM t").await,
        SqlValue::Integer(1)
    );
}

#[tokio::test]
async fn an_error_has_sqlites_code_message_and_offset() {
    let (stores, _directory) = stores();
    let error = run(&stores.root(), "SELECT missing").await.unwrap_err();
    let expected = StorageError::Sqlite {
        code: "SQLITE_ERROR".into(),
        message: "no such column: missing".into(),
        offset: Some(7),
        statement: 0,
    };
    assert_eq!(error, expected);
    let wire = serde_json::to_string(&error).unwrap();
    assert_eq!(
        serde_json::from_str::<StorageError>(&wire).unwrap(),
        expected
    );
    let wire = postcard::to_allocvec(&error).unwrap();
    assert_eq!(
        postcard::from_bytes::<StorageError>(&wire).unwrap(),
        expected
    );
}

#[tokio::test]
async fn one_statement_at_a_time() {
    let (stores, _directory) = stores();
    let root = stores.root();
    let several = run(&root, "CREATE TABLE a (x); CREATE TABLE b (x)")
        .await
        .unwrap_err();
    assert_eq!(several, StorageError::MultipleStatements);
    assert!(several.to_string().contains("batch"));
    assert_eq!(
        run(&root, " -- nothing\n;").await.unwrap_err(),
        StorageError::Empty
    );
    assert!(matches!(
        run(&root, "SELECT 1\0; SELECT 2").await,
        Err(StorageError::Refused { .. })
    ));
    assert_eq!(
        value(&root, "SELECT 1; -- and no more\n /* x */ ; ").await,
        SqlValue::Integer(1)
    );
    assert_eq!(
        value(&root, "SELECT count(*) FROM sqlite_schema").await,
        SqlValue::Integer(0)
    );
}

#[tokio::test]
async fn full_text_search_json_and_rtree_are_there() {
    let (stores, _directory) = stores();
    let root = stores.root();
    batch(
        &root,
        &[
            "CREATE TABLE note (id INTEGER PRIMARY KEY, body TEXT)",
            "CREATE VIRTUAL TABLE note_search USING fts5(body, content='note', content_rowid='id')",
            "CREATE TRIGGER note_added AFTER INSERT ON note BEGIN
            INSERT INTO note_search (rowid, body) VALUES (new.id, new.body); END",
        ],
    )
    .await
    .unwrap();
    run(
        &root,
        "INSERT INTO note (body) VALUES ('a quick fox'), ('a slow dog')",
    )
    .await
    .unwrap();
    let found = "SELECT body FROM note_search WHERE note_search MATCH 'fox' ORDER BY rank";
    assert_eq!(value(&root, found).await, text("a quick fox"));
    run(
        &root,
        "INSERT INTO note_search (note_search) VALUES ('optimize')",
    )
    .await
    .unwrap();
    assert_eq!(
        value(&root, r#"SELECT '{"a":[1,2]}' ->> '$.a[1]'"#).await,
        SqlValue::Integer(2)
    );
    assert_eq!(
        value(&root, "SELECT count(*) FROM json_each('[1,2,3]')").await,
        SqlValue::Integer(3)
    );
    batch(
        &root,
        &[
            "CREATE VIRTUAL TABLE box USING rtree(id, x0, x1)",
            "DROP TABLE note_search",
        ],
    )
    .await
    .unwrap();
}

#[tokio::test]
async fn a_cached_statement_follows_a_changed_table() {
    let (stores, _directory) = stores();
    let root = stores.root();
    batch(&root, &["CREATE TABLE t (a)", "INSERT INTO t VALUES (1)"])
        .await
        .unwrap();
    assert_eq!(run(&root, "SELECT * FROM t").await.unwrap().columns, ["a"]);
    run(&root, "ALTER TABLE t ADD COLUMN b DEFAULT 2")
        .await
        .unwrap();
    let result = run(&root, "SELECT * FROM t").await.unwrap();
    assert_eq!(result.columns, ["a", "b"]);
    assert_eq!(
        result.rows,
        [vec![SqlValue::Integer(1), SqlValue::Integer(2)]]
    );
    batch(
        &root,
        &[
            "ALTER TABLE t RENAME COLUMN b TO c",
            "ALTER TABLE t RENAME TO u",
            "ALTER TABLE u DROP COLUMN c",
        ],
    )
    .await
    .unwrap();
    assert_eq!(run(&root, "SELECT * FROM u").await.unwrap().columns, ["a"]);
}

#[tokio::test]
async fn foreign_keys_hold_unless_a_batch_begins_by_switching_them_off() {
    let (stores, _directory) = stores();
    let root = stores.root();
    batch(
        &root,
        &[
            "CREATE TABLE a (id PRIMARY KEY)",
            "CREATE TABLE b (a REFERENCES a (id))",
        ],
    )
    .await
    .unwrap();
    let orphan = "INSERT INTO b VALUES (1)";
    assert_eq!(
        code(&run(&root, orphan).await.unwrap_err()),
        "SQLITE_CONSTRAINT_FOREIGNKEY"
    );
    run(&root, "PRAGMA foreign_keys = OFF").await.unwrap();
    assert_eq!(
        code(&run(&root, orphan).await.unwrap_err()),
        "SQLITE_CONSTRAINT_FOREIGNKEY"
    );
    batch(&root, &["PRAGMA foreign_keys = OFF", orphan])
        .await
        .unwrap();
    assert_eq!(
        code(&run(&root, orphan).await.unwrap_err()),
        "SQLITE_CONSTRAINT_FOREIGNKEY"
    );
    // Put off to the end, where the commit fails and takes everything back.
    let error = batch(&root, &["PRAGMA defer_foreign_keys = ON", orphan])
        .await
        .unwrap_err();
    assert_eq!(code(&error), "SQLITE_CONSTRAINT_FOREIGNKEY");
    assert_eq!(
        value(&root, "SELECT count(*) FROM b").await,
        SqlValue::Integer(1)
    );
    batch(
        &root,
        &[
            "PRAGMA defer_foreign_keys = ON",
            "INSERT INTO b VALUES (2)",
            "INSERT INTO a VALUES (2)",
        ],
    )
    .await
    .unwrap();
}

#[tokio::test]
async fn a_slow_read_does_not_keep_writes_waiting() {
    let (stores, _directory) = stores();
    let root = stores.root();
    run(&root, "CREATE TABLE t (a)").await.unwrap();
    let slow =
        "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT count(*) FROM n";
    let reading = tokio::spawn({
        let root = root.clone();
        async move { root.execute(Statement::new(slow), soon()).await }
    });
    // Until the read has its connection, a second read would overtake it; the writes need not care.
    for number in 0..20 {
        run_with(
            &root,
            "INSERT INTO t VALUES (?)",
            [SqlValue::Integer(number)],
        )
        .await
        .unwrap();
    }
    assert!(!reading.is_finished());
    reading.abort();
    assert!(reading.await.unwrap_err().is_cancelled());
    // The abandoned statement ends long before its deadline, and the next read gets its turn.
    let quickly = Deadline::after(Duration::from_secs(10));
    root.execute(Statement::new("SELECT 1"), quickly)
        .await
        .unwrap();
}
