//! Runs one prepared statement: binds, steps, collects, counts.

use rusqlite::limits::Limit;
use rusqlite::types::{ToSqlOutput, ValueRef};
use rusqlite::{CachedStatement, Connection, ToSql};

use super::codes::storage_error;
use super::defence::Guard;
use super::text;
use crate::limits::{RESULT_VALUE_BYTES, SLOW_VALUE_BYTES_MAX, VALUE_BYTES_MAX};
use crate::storage::{ResultSet, SqlArguments, SqlValue, Statement, StorageError};

/// A statement and its place in the batch.
type Numbered<'s> = (usize, &'s Statement);

/// Runs any statement that programs may run.
pub(super) fn any(
    connection: &Connection,
    guard: &Guard,
    numbered: Numbered<'_>,
    room: &mut usize,
) -> Result<ResultSet, StorageError> {
    prepare(connection, guard, numbered)?.answer(connection, guard, numbered, room)
}

/// Runs a statement that only reads. `None`, without running it, if it would write.
pub(super) fn read(
    connection: &Connection,
    guard: &Guard,
    numbered: Numbered<'_>,
    room: &mut usize,
) -> Result<Option<ResultSet>, StorageError> {
    let prepared = prepare(connection, guard, numbered)?;
    if !prepared.statement.readonly() {
        return Ok(None);
    }
    prepared.answer(connection, guard, numbered, room).map(Some)
}

/// A statement ready to run.
struct Prepared<'c> {
    statement: CachedStatement<'c>,
    /// Whether it goes back to the cache after it has succeeded.
    kept: bool,
    /// Whether it uses a function that is slow with long values.
    slow: bool,
}

impl Prepared<'_> {
    fn answer(
        mut self,
        connection: &Connection,
        guard: &Guard,
        numbered: Numbered<'_>,
        room: &mut usize,
    ) -> Result<ResultSet, StorageError> {
        let bound = if self.slow {
            SLOW_VALUE_BYTES_MAX
        } else {
            VALUE_BYTES_MAX
        };
        let bound_values = |bytes| connection.set_limit(Limit::SQLITE_LIMIT_LENGTH, bytes);
        bound_values(bound).map_err(StorageError::failed)?;
        let answer = answer(connection, guard, &mut self.statement, numbered, room);
        bound_values(VALUE_BYTES_MAX).map_err(StorageError::failed)?;
        if !self.kept || self.slow || answer.is_err() {
            self.statement.discard();
        }
        answer
    }
}

fn prepare<'c>(
    connection: &'c Connection,
    guard: &Guard,
    (number, statement): Numbered<'_>,
) -> Result<Prepared<'c>, StorageError> {
    let sql = statement.sql.as_str();
    // SQLite would end the text there and ignore the rest.
    if sql.contains('\0') {
        return Err(StorageError::Refused {
            what: "NUL in a statement".into(),
            advice: "bind the text as an argument".into(),
        });
    }
    if text::is_vacuum(sql) {
        return Err(StorageError::Refused {
            what: "VACUUM".into(),
            advice: "free space is given back after each commit".into(),
        });
    }
    if text::is_blank(sql) {
        return Err(StorageError::Empty);
    }
    let (prepared, slow) = guard.preparing(|| connection.prepare_cached(sql));
    let statement = prepared.map_err(|error| refusal_or(error, guard, number))?;
    Ok(Prepared {
        statement,
        kept: text::is_kept(sql),
        slow,
    })
}

fn answer(
    connection: &Connection,
    guard: &Guard,
    prepared: &mut rusqlite::Statement<'_>,
    (number, statement): Numbered<'_>,
    room: &mut usize,
) -> Result<ResultSet, StorageError> {
    bind(prepared, &statement.arguments, number)?;
    let changes_before = connection.total_changes();
    let readonly = prepared.readonly();
    let rows = collect(prepared, guard, number, room)?;
    // Only now: a statement whose tables have changed is prepared anew by its first step.
    let columns = prepared.columns();
    let (mut names, mut types) = (Vec::new(), Vec::new());
    for column in columns {
        names.push(column.name().to_owned());
        types.push(column.decl_type().unwrap_or("").to_ascii_uppercase());
    }
    let changed = connection.total_changes() != changes_before;
    Ok(ResultSet {
        columns: names,
        column_types: types,
        rows,
        rows_affected: if changed { connection.changes() } else { 0 },
        last_insert_rowid: if readonly {
            0
        } else {
            connection.last_insert_rowid()
        },
    })
}

fn collect(
    prepared: &mut rusqlite::Statement<'_>,
    guard: &Guard,
    number: usize,
    room: &mut usize,
) -> Result<Vec<Vec<SqlValue>>, StorageError> {
    let mut collected = Vec::new();
    let mut rows = prepared.raw_query();
    while let Some(row) = rows
        .next()
        .map_err(|error| refusal_or(error, guard, number))?
    {
        let count = row.as_ref().column_count();
        let mut values = Vec::with_capacity(count);
        for index in 0..count {
            let value = row
                .get_ref(index)
                .map_err(|error| storage_error(error, number))?;
            let bytes = RESULT_VALUE_BYTES + bytes_of(value);
            *room = room
                .checked_sub(bytes)
                .ok_or(StorageError::ResultTooLarge)?;
            values.push(owned(value));
        }
        // A row without columns is impossible, but a bound must not depend on that.
        *room = room
            .checked_sub(RESULT_VALUE_BYTES)
            .ok_or(StorageError::ResultTooLarge)?;
        collected.push(values);
    }
    Ok(collected)
}

fn bind(
    prepared: &mut rusqlite::Statement<'_>,
    arguments: &SqlArguments,
    number: usize,
) -> Result<(), StorageError> {
    let expected = prepared.parameter_count();
    match arguments {
        SqlArguments::None if expected == 0 => Ok(()),
        SqlArguments::None => Err(StorageError::ArgumentCount { given: 0, expected }),
        SqlArguments::Positional(values) => {
            if values.len() != expected {
                return Err(StorageError::ArgumentCount {
                    given: values.len(),
                    expected,
                });
            }
            for (index, value) in values.iter().enumerate() {
                bind_one(prepared, index + 1, value, number)?;
            }
            Ok(())
        }
        SqlArguments::Named(values) => {
            for index in 1..=expected {
                let name = prepared.parameter_name(index).map(str::to_owned);
                let missing = || StorageError::ArgumentMissing {
                    name: parameter(name.as_deref(), index),
                };
                let bare = name
                    .as_deref()
                    .and_then(|name| name.get(1..))
                    .ok_or_else(missing)?;
                let (_, value) = values
                    .iter()
                    .find(|(key, _)| key == bare)
                    .ok_or_else(missing)?;
                bind_one(prepared, index, value, number)?;
            }
            Ok(())
        }
    }
}

fn parameter(name: Option<&str>, index: usize) -> String {
    name.map_or_else(|| format!("?{index}"), str::to_owned)
}

fn bind_one(
    prepared: &mut rusqlite::Statement<'_>,
    index: usize,
    value: &SqlValue,
    number: usize,
) -> Result<(), StorageError> {
    prepared
        .raw_bind_parameter(index, value)
        .map_err(|error| storage_error(error, number))
}

impl ToSql for SqlValue {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        Ok(ToSqlOutput::Borrowed(match self {
            SqlValue::Null => ValueRef::Null,
            SqlValue::Integer(integer) => ValueRef::Integer(*integer),
            SqlValue::Real(real) => ValueRef::Real(*real),
            SqlValue::Text(text) => ValueRef::Text(text.as_bytes()),
            SqlValue::Blob(bytes) => ValueRef::Blob(bytes),
        }))
    }
}

fn bytes_of(value: ValueRef<'_>) -> usize {
    match value {
        ValueRef::Null | ValueRef::Integer(_) | ValueRef::Real(_) => 0,
        ValueRef::Text(bytes) | ValueRef::Blob(bytes) => bytes.len(),
    }
}

fn owned(value: ValueRef<'_>) -> SqlValue {
    match value {
        ValueRef::Null => SqlValue::Null,
        ValueRef::Integer(integer) => SqlValue::Integer(integer),
        ValueRef::Real(real) => SqlValue::Real(real),
        ValueRef::Text(bytes) => SqlValue::Text(String::from_utf8_lossy(bytes).into_owned()),
        ValueRef::Blob(bytes) => SqlValue::Blob(bytes.to_vec()),
    }
}

/// What the authorizer said, which is clearer than SQLite's "not authorized".
fn refusal_or(error: rusqlite::Error, guard: &Guard, number: usize) -> StorageError {
    guard
        .refusal()
        .unwrap_or_else(|| storage_error(error, number))
}
