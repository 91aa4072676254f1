use super::*;

/// A database with something in it, so that statements run on a file.
async fn written() -> (Stores, TempDir, Namespace) {
    let (stores, directory) = stores();
    let root = stores.root();
    batch(&root, &["CREATE TABLE t (a)", "INSERT INTO t VALUES (1)"])
        .await
        .unwrap();
    (stores, directory, root)
}

async fn refused(namespace: &Namespace, sql: &str) -> String {
    match run(namespace, sql).await {
        Err(error @ StorageError::Refused { .. }) => error.to_string(),
        other => panic!("{sql}: {other:?}"),
    }
}

#[tokio::test]
async fn no_statement_reaches_another_file() {
    let (_stores, directory, root) = written().await;
    let elsewhere = directory.path().join("elsewhere.db");
    let path = elsewhere.display();
    refused(&root, &format!("ATTACH '{path}' AS other")).await;
    refused(&root, "ATTACH ':memory:' AS other").await;
    refused(&root, "DETACH main").await;
    refused(&root, &format!("VACUUM INTO '{path}'")).await;
    refused(&root, "/* x */ vacuum").await;
    refused(&root, &format!("SELECT load_extension('{path}')")).await;
    for sql in [
        "SELECT readfile('/etc/passwd')",
        "SELECT writefile('/tmp/x', 'y')",
        "SELECT edit('x')",
    ] {
        assert_eq!(
            code(&run(&root, sql).await.unwrap_err()),
            "SQLITE_ERROR",
            "{sql}"
        );
    }
    // Behind EXPLAIN and inside of views and triggers nothing else holds.
    refused(&root, &format!("EXPLAIN ATTACH '{path}' AS other")).await;
    run(
        &root,
        &format!("CREATE VIEW v AS SELECT load_extension('{path}')"),
    )
    .await
    .ok();
    run(&root, "SELECT * FROM v").await.unwrap_err();
    assert!(!elsewhere.exists());
}

#[tokio::test]
async fn only_harmless_pragmas_run() {
    let (_stores, _directory, root) = written().await;
    for pragma in [
        "journal_mode = DELETE",
        "journal_mode",
        "synchronous = OFF",
        "writable_schema = ON",
        "trusted_schema = ON",
        "temp_store_directory = '/tmp'",
        "temp_store = 1",
        "mmap_size = 1000000",
        "max_page_count = 4294967294",
        "page_size = 512",
        "encoding = 'UTF-16'",
        "auto_vacuum = 0",
        "cache_size = 1000000000",
        "cache_spill = 0",
        "locking_mode = EXCLUSIVE",
        "query_only = OFF",
        "incremental_vacuum",
        "wal_checkpoint",
        "wal_autocheckpoint = 0",
        "journal_size_limit = -1",
        "hard_heap_limit = 0",
        "soft_heap_limit = 0",
        "threads = 8",
        "case_sensitive_like = ON",
        "cell_size_check = OFF",
        "schema_version = 7",
        "database_list",
        "busy_timeout = 100000",
        "legacy_alter_table = ON",
        "recursive_triggers = ON",
        "secure_delete = OFF",
        "data_store_directory",
    ] {
        let name = pragma.split(' ').next().unwrap();
        let message = refused(&root, &format!("PRAGMA {pragma}")).await;
        assert!(message.contains(name), "{message}");
    }
    refused(&root, "SELECT * FROM pragma_database_list").await;
    refused(&root, "EXPLAIN PRAGMA journal_mode = DELETE").await;
    for pragma in [
        "table_info(t)",
        "table_xinfo(t)",
        "table_list",
        "index_list(t)",
        "index_info(i)",
        "index_xinfo(i)",
        "foreign_key_list(t)",
        "foreign_key_check",
        "foreign_keys",
        "foreign_keys = ON",
        "user_version",
        "page_count",
        "page_size",
        "encoding",
        "compile_options",
        "integrity_check",
        "quick_check",
        "optimize",
        "function_list",
        "collation_list",
        "schema_version",
        "data_version",
        "application_id",
        "freelist_count",
        "defer_foreign_keys = ON",
    ] {
        run(&root, &format!("PRAGMA {pragma}"))
            .await
            .unwrap_or_else(|error| panic!("{pragma}: {error}"));
    }
    assert_eq!(
        value(&root, "SELECT name FROM pragma_table_info('t')").await,
        text("a")
    );
    assert_eq!(value(&root, "PRAGMA integrity_check").await, text("ok"));
    run(&root, "PRAGMA user_version = 7").await.unwrap();
    assert_eq!(
        value(&root, "PRAGMA user_version").await,
        SqlValue::Integer(7)
    );
}

#[tokio::test]
async fn no_transaction_is_left_open() {
    let (_stores, _directory, root) = written().await;
    for sql in [
        "BEGIN",
        "begin immediate",
        "COMMIT",
        "END",
        "ROLLBACK",
        "SAVEPOINT a",
        "RELEASE a",
        "ROLLBACK TO a",
    ] {
        assert!(refused(&root, sql).await.contains("batch"), "{sql}");
        // What the kernel itself runs all the time must not be found in any cache.
        let error = batch(&root, &["INSERT INTO t VALUES (2)", sql])
            .await
            .unwrap_err();
        assert!(
            matches!(error, StorageError::Refused { .. }),
            "{sql}: {error:?}"
        );
    }
    assert_eq!(
        value(&root, "SELECT count(*) FROM t").await,
        SqlValue::Integer(1)
    );
}

#[tokio::test]
async fn the_schema_and_shadow_tables_cannot_be_written() {
    let (_stores, _directory, root) = written().await;
    run(&root, "CREATE VIRTUAL TABLE search USING fts5(body)")
        .await
        .unwrap();
    for sql in [
        "UPDATE sqlite_master SET sql = 'x'",
        "INSERT INTO sqlite_schema VALUES ('table', 'x', 'x', 0, 'x')",
        "DELETE FROM sqlite_master",
        "UPDATE search_data SET block = x'00'",
        "DROP TABLE search_data",
        "CREATE TABLE sqlite_own (a)",
        "SELECT sqlite_rename_table('main','x','y','z','a','b',1)",
    ] {
        run(&root, sql).await.expect_err(sql);
    }
    assert_eq!(value(&root, "PRAGMA integrity_check").await, text("ok"));
}

#[tokio::test]
async fn temporary_tables_old_modules_and_endless_functions_are_refused() {
    let (_stores, _directory, root) = written().await;
    refused(&root, "CREATE TEMP TABLE x (a)").await;
    refused(&root, "CREATE TEMP VIEW x AS SELECT 1").await;
    refused(
        &root,
        "CREATE TEMP TRIGGER x AFTER INSERT ON t BEGIN SELECT 1; END",
    )
    .await;
    refused(&root, "CREATE VIRTUAL TABLE x USING fts3(a)").await;
    refused(&root, "SELECT fts3_tokenizer('simple')").await;
    run(&root, "CREATE VIRTUAL TABLE search USING fts5(body)")
        .await
        .unwrap();
    for function in [
        "highlight(search, 0, '[', ']')",
        "snippet(search, 0, '[', ']', '', 9)",
    ] {
        let sql = format!("SELECT {function} FROM search WHERE search MATCH 'x'");
        refused(&root, &sql).await;
    }
}

#[tokio::test]
async fn memory_bombs_are_errors() {
    let (_stores, _directory, root) = written().await;
    for sql in [
        "SELECT randomblob(2000000000)",
        "SELECT zeroblob(2000000000)",
        "SELECT hex(zeroblob(8000000))",
        "SELECT printf('%.*c', 2000000000, 'x')",
        "SELECT replace(hex(zeroblob(1000000)), '0', '0123456789')",
        "SELECT group_concat(hex(zeroblob(1000000))) FROM json_each('[1,2,3,4,5,6,7,8,9]')",
        "WITH RECURSIVE n(x) AS (SELECT 'x' UNION ALL SELECT x || x FROM n) SELECT length(x) FROM n",
    ] {
        assert_eq!(
            code(&run(&root, sql).await.unwrap_err()),
            "SQLITE_TOOBIG",
            "{sql}"
        );
    }
    let large = SqlValue::Blob(vec![0; 9 << 20]);
    assert_eq!(
        code(&run_with(&root, "SELECT ?", [large]).await.unwrap_err()),
        "SQLITE_TOOBIG"
    );
    assert_eq!(value(&root, "SELECT 1").await, SqlValue::Integer(1));
}

/// Set in the process in which memory runs out; absent, the test of that process does nothing.
const OUT_OF_MEMORY: &str = "TOWN_STORAGE_TEST_OUT_OF_MEMORY";

/// Not a test of its own: the other side of the next one, whose memory would be everybody's.
#[tokio::test]
#[ignore = "run by the test that gives it a process"]
async fn sorts_without_end() {
    if std::env::var_os(OUT_OF_MEMORY).is_none() {
        return;
    }
    let (_stores, _directory, root) = written().await;
    let sql = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n LIMIT 1000)
               SELECT i FROM n ORDER BY zeroblob(1000000) || i";
    assert_eq!(run(&root, sql).await.unwrap_err(), StorageError::Memory);
    // And whoever needs little is served again.
    run(&root, "INSERT INTO t VALUES (2)").await.unwrap();
    assert_eq!(
        value(&root, "SELECT count(*) FROM t").await,
        SqlValue::Integer(2)
    );
    println!("out of memory and alive");
}

#[test]
fn sorting_without_end_uses_up_sqlites_memory_and_not_the_machines() {
    let child = process_of("defence::sorts_without_end")
        .env(OUT_OF_MEMORY, "1")
        .output()
        .unwrap();
    let told = String::from_utf8_lossy(&child.stdout);
    assert!(
        child.status.success() && told.contains("out of memory and alive"),
        "{told}"
    );
}

#[tokio::test]
async fn statements_over_their_limits_are_errors() {
    let (_stores, _directory, root) = written().await;
    let many = |what: &str, between: &str, count: usize| vec![what; count].join(between);
    for sql in [
        format!("SELECT '{}'", "x".repeat(1 << 20)),
        format!("SELECT {}", many("1", ",", 1001)),
        format!("SELECT {}1{}", "(-".repeat(300), ")".repeat(300)),
        format!("SELECT {}", many("1", "+", 300)),
        many("SELECT 1", " UNION ALL ", 201),
        format!("SELECT max({})", many("1", ",", 201)),
        "SELECT ?32767".to_owned(),
        format!("SELECT 'x' LIKE '{}'", "%x".repeat(300)),
    ] {
        run(&root, &sql)
            .await
            .expect_err(sql.get(..40).unwrap_or(&sql));
    }
    batch(&root, &[
        "CREATE TABLE loop (n)",
        "CREATE TRIGGER again AFTER UPDATE ON loop WHEN new.n < 100 BEGIN UPDATE loop SET n = n + 1; END",
        "INSERT INTO loop VALUES (0)",
    ])
    .await
    .unwrap();
    // A row for a big INSERT is within the limits.
    let rows = many("(1, 2, 3, 4, 5, 6, 7, 8, 9, 10)", ",", 3000);
    batch(
        &root,
        &[
            "CREATE TABLE wide (a, b, c, d, e, f, g, h, i, j)",
            &format!("INSERT INTO wide VALUES {rows}"),
        ],
    )
    .await
    .unwrap();
}

#[tokio::test]
async fn functions_of_two_long_arguments_take_linear_time() {
    let (_stores, _directory, root) = written().await;
    let quickly = || Deadline::after(Duration::from_secs(30));
    let (long, needle) = ("x".repeat(3_000_000), format!("{}y", "x".repeat(1_500_000)));
    for function in [
        "instr(?1, ?2)",
        "replace(?1, ?2, '')",
        "trim(?1, ?2)",
        "ltrim(?1, ?2)",
        "rtrim(?1, ?2)",
        "unhex(?1, ?2)",
    ] {
        let sql = format!("SELECT length({function})");
        let statement = Statement::with(sql, [text(&long), text(&needle)]);
        root.execute(statement, quickly())
            .await
            .unwrap_or_else(|error| panic!("{function}: {error}"));
    }
}

#[tokio::test]
async fn statements_with_slow_functions_take_short_values_only() {
    let (_stores, _directory, root) = written().await;
    let object = |keys: usize| {
        let keys: Vec<_> = (0..keys).map(|key| format!("\"{key}\":1")).collect();
        text(&format!("{{{}}}", keys.join(",")))
    };
    let patch = "SELECT json_patch(?1, ?1) = ?1";
    let short = run_with(&root, patch, [object(100)]).await.unwrap();
    assert_eq!(short.rows, [[SqlValue::Integer(1)]]);
    let long = run_with(&root, patch, [object(80_000)]).await.unwrap_err();
    assert_eq!(code(&long), "SQLITE_TOOBIG");
    run(&root, "CREATE TABLE long (a)").await.unwrap();
    run_with(&root, "INSERT INTO long VALUES (?)", [object(40_000)])
        .await
        .unwrap();
    let patch = "SELECT length(json_patch(a, a)) FROM long";
    assert_eq!(code(&run(&root, patch).await.unwrap_err()), "SQLITE_TOOBIG");
    // Nor by a view that becomes slow under a statement that is already prepared.
    run(&root, "CREATE VIEW v AS SELECT length(a) FROM long")
        .await
        .unwrap();
    run(&root, "SELECT * FROM v").await.unwrap();
    batch(
        &root,
        &["DROP VIEW v", &format!("CREATE VIEW v AS {patch}")],
    )
    .await
    .unwrap();
    refused(&root, "SELECT * FROM v").await;
    assert_eq!(
        code(&run(&root, "SELECT * FROM v").await.unwrap_err()),
        "SQLITE_TOOBIG"
    );
    // Others are bounded as before.
    let length = "SELECT length(a) > 300000 FROM long";
    assert_eq!(value(&root, length).await, SqlValue::Integer(1));
}

#[tokio::test]
async fn replaced_functions_answer_as_sqlites_own() {
    let (_stores, _directory, root) = written().await;
    for (sql, expected) in [
        ("instr('aäöb', 'b')", SqlValue::Integer(4)),
        ("instr('abc', 'x')", SqlValue::Integer(0)),
        ("instr('abc', '')", SqlValue::Integer(1)),
        ("instr(x'010203', x'03')", SqlValue::Integer(3)),
        ("instr(x'c3a462', 'b')", SqlValue::Integer(2)),
        ("instr(123, 3)", SqlValue::Integer(3)),
        ("instr(NULL, 'a')", SqlValue::Null),
        ("replace('aXbX', 'X', 'yy')", text("ayybyy")),
        ("replace('aaa', 'aa', 'b')", text("ba")),
        ("replace('abc', '', 'x')", text("abc")),
        ("replace('a', 'b', NULL)", SqlValue::Null),
        ("replace(1.5, '.', ',')", text("1,5")),
        ("typeof(replace(12, 1, 2))", text("text")),
        ("trim('xyaxy', 'yx')", text("a")),
        ("ltrim('xyaxy', 'yx')", text("axy")),
        ("rtrim('xyaxy', 'yx')", text("xya")),
        ("trim('ääa', 'ä')", text("a")),
        ("trim('a', '')", text("a")),
        ("trim('  a ')", text("a")),
        ("unhex('61-62', '-')", SqlValue::Blob(b"ab".to_vec())),
        ("unhex('6-1', '-')", SqlValue::Null),
        ("unhex('6', '-')", SqlValue::Null),
        ("unhex('61x', '-')", SqlValue::Null),
    ] {
        assert_eq!(
            value(&root, &format!("SELECT {sql}")).await,
            expected,
            "{sql}"
        );
    }
    batch(
        &root,
        &[
            "CREATE TABLE g (a, b AS (replace(a, 'x', 'y')))",
            "CREATE INDEX gi ON g (instr(a, 'x'))",
        ],
    )
    .await
    .unwrap();
}
