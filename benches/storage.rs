//! What a statement costs: through the public door, on the disk of the machine.

use std::path::Path;
use std::time::Duration;

use criterion::{Criterion, criterion_group, criterion_main};
use town::storage::{BatchMode, Deadline, Namespace, SqlValue, Statement, Stores, StoresOptions};

/// Longer than any statement here.
const DEADLINE: Duration = Duration::from_secs(60);

fn statements(criterion: &mut Criterion) {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(1)
        .enable_all()
        .build()
        .expect("a runtime starts");
    // Beside the build, and not in memory, where a commit would cost nothing.
    let directory =
        tempfile::tempdir_in(Path::new(env!("CARGO_MANIFEST_DIR"))).expect("the disk has room");
    let stores =
        Stores::open(directory.path(), &StoresOptions::default()).expect("nobody else has it");
    let root = stores.root();
    let insert = |number: i64| {
        let values = [SqlValue::Integer(number), SqlValue::Text("a name".into())];
        Statement::with("INSERT INTO person (age, name) VALUES (?, ?)", values)
    };
    runtime.block_on(async {
        let table = "CREATE TABLE person (id INTEGER PRIMARY KEY, age INTEGER, name TEXT)";
        execute(&root, Statement::new(table)).await;
        for number in 0..100 {
            execute(&root, insert(number)).await;
        }
    });

    let select = || {
        Statement::with(
            "SELECT age, name FROM person WHERE id = ?",
            [SqlValue::Integer(42)],
        )
    };
    criterion.bench_function("a cached select of one row", |bench| {
        bench.iter(|| runtime.block_on(execute(&root, select())));
    });
    criterion.bench_function("an insert with its commit", |bench| {
        bench.iter(|| runtime.block_on(execute(&root, insert(1))));
    });
    criterion.bench_function("a batch of ten inserts with its commit", |bench| {
        bench.iter(|| {
            let statements = (0..10).map(insert).collect();
            let deadline = Deadline::after(DEADLINE);
            runtime
                .block_on(root.batch(statements, BatchMode::Write, deadline))
                .expect("the statements are right")
        });
    });
    let mut number = 0;
    criterion.bench_function("a new database with its first table", |bench| {
        bench.iter(|| {
            number += 1;
            let sub = root.sub(&number.to_string()).expect("a number is a name");
            runtime.block_on(execute(&sub, Statement::new("CREATE TABLE t (a)")));
        });
    });
}

async fn execute(namespace: &Namespace, statement: Statement) {
    let executed = namespace
        .execute(statement, Deadline::after(DEADLINE))
        .await;
    executed.expect("the statement is right");
}

criterion_group!(benches, statements);
criterion_main!(benches);
