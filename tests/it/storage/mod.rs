//! The storage through its public door.

mod alarms;
mod archives;
mod bounds;
mod defence;
mod durability;
mod overrides;
mod statements;
mod tree;

use std::path::Path;
use std::process::Command;
use std::time::Duration;

use tempfile::TempDir;
use town::storage::{
    BatchMode, Deadline, Namespace, ResultSet, SqlValue, Statement, StorageError, Stores,
    StoresOptions,
};

/// Longer than any statement that is meant to end by itself.
fn soon() -> Deadline {
    Deadline::after(Duration::from_secs(60))
}

fn open(directory: &Path) -> Stores {
    Stores::open(directory, &StoresOptions::default()).unwrap()
}

/// A tree of its own, and the directory that goes with it.
fn stores() -> (Stores, TempDir) {
    let directory = tempfile::tempdir().unwrap();
    (open(directory.path()), directory)
}

/// This binary as the process of one ignored test, named from here.
fn process_of(test: &str) -> Command {
    let (_crate, here) = module_path!().split_once("::").unwrap();
    let mut command = Command::new(std::env::current_exe().unwrap());
    command.args([
        "--exact",
        &format!("{here}::{test}"),
        "--ignored",
        "--nocapture",
    ]);
    command
}

async fn run(namespace: &Namespace, sql: &str) -> Result<ResultSet, StorageError> {
    namespace
        .execute(Statement::new(sql), soon())
        .await
        .map(|(result, _)| result)
}

async fn run_with(
    namespace: &Namespace,
    sql: &str,
    values: impl Into<Vec<SqlValue>>,
) -> Result<ResultSet, StorageError> {
    namespace
        .execute(Statement::with(sql, values), soon())
        .await
        .map(|(result, _)| result)
}

async fn batch(namespace: &Namespace, sql: &[&str]) -> Result<Vec<ResultSet>, StorageError> {
    let statements = sql.iter().map(|sql| Statement::new(*sql)).collect();
    namespace
        .batch(statements, BatchMode::Write, soon())
        .await
        .map(|(results, _)| results)
}

/// The one value of a statement's one row.
async fn value(namespace: &Namespace, sql: &str) -> SqlValue {
    let result = run(namespace, sql).await.unwrap();
    assert_eq!(result.rows.len(), 1, "{sql}");
    result.rows[0][0].clone()
}

fn text(text: &str) -> SqlValue {
    SqlValue::Text(text.to_owned())
}

fn code(error: &StorageError) -> &str {
    match error {
        StorageError::Sqlite { code, .. } => code,
        other => panic!("not an error of SQLite: {other:?}"),
    }
}
