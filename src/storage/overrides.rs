//! Overrides of the image, kept in the instance's own database so that they are its storage like
//! everything else.
//!
//! What the files mean, and the image under them, are the kernel's business.

use std::time::{SystemTime, UNIX_EPOCH};

use super::{BatchMode, Deadline, Namespace, SqlValue, Statement, StorageError};
use crate::limits::{OVERRIDE_PATH_BYTES_MAX, OVERRIDE_SOURCE_BYTES_MAX, OVERRIDES_MAX};

const SCHEMA: &str = "
    CREATE TABLE IF NOT EXISTS system_override (
        path TEXT PRIMARY KEY,
        source TEXT,
        image_hash TEXT,
        at INTEGER
    )";

/// A file that takes the place of the image's, or is added to it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Override {
    /// As in `town:system/<path>`.
    pub path: String,
    /// The text in force.
    pub source: String,
    /// What the image's own file was when this was written; none if there was none.
    pub image_hash: Option<String>,
    /// When it was written, in milliseconds since 1970.
    pub at: i64,
}

impl Namespace {
    /// All overrides, by path. None where nothing was ever written.
    pub async fn overrides(&self, deadline: Deadline) -> Result<Vec<Override>, StorageError> {
        // The bound of one result holds several of the largest sources, so one file a statement.
        let sql = "SELECT path, source, image_hash, at FROM system_override \
                   WHERE path > ? AND typeof(path) = 'text' AND typeof(source) = 'text' \
                   ORDER BY path LIMIT 1";
        if !self.has_overrides(deadline).await? {
            return Ok(Vec::new());
        }
        let mut overrides: Vec<Override> = Vec::new();
        loop {
            let after = overrides.last().map_or("", |last| &last.path).to_owned();
            let statement = Statement::with(sql, [SqlValue::Text(after)]);
            let (result, _) = self.execute(statement, deadline).await?;
            let Some(row) = result.rows.into_iter().next() else {
                return Ok(overrides);
            };
            if overrides.len() == OVERRIDES_MAX {
                return Err(StorageError::OverrideTooLarge);
            }
            overrides.extend(of_row(row));
        }
    }

    /// Writes an override in the place of the former one.
    pub async fn write_override(
        &self,
        path: &str,
        source: &str,
        image_hash: Option<&str>,
        deadline: Deadline,
    ) -> Result<(), StorageError> {
        let path_fits = (1..=OVERRIDE_PATH_BYTES_MAX).contains(&path.len());
        if !path_fits || source.len() > OVERRIDE_SOURCE_BYTES_MAX {
            return Err(StorageError::OverrideTooLarge);
        }
        let since = SystemTime::now()
            .duration_since(UNIX_EPOCH)
            .unwrap_or_default();
        let write = Statement::with(
            "INSERT OR REPLACE INTO system_override (path, source, image_hash, at) \
             VALUES (?, ?, ?, ?)",
            [
                SqlValue::Text(path.to_owned()),
                SqlValue::Text(source.to_owned()),
                image_hash.map_or(SqlValue::Null, |hash| SqlValue::Text(hash.to_owned())),
                SqlValue::Integer(i64::try_from(since.as_millis()).unwrap_or(i64::MAX)),
            ],
        );
        let statements = vec![Statement::new(SCHEMA), write];
        self.batch(statements, BatchMode::Write, deadline)
            .await
            .map(|_| ())
    }

    /// Deletes one override or all of them.
    pub async fn restore_override(
        &self,
        path: Option<&str>,
        deadline: Deadline,
    ) -> Result<(), StorageError> {
        if !self.has_overrides(deadline).await? {
            return Ok(());
        }
        let delete = match path {
            None => Statement::new("DELETE FROM system_override"),
            Some(path) => Statement::with(
                "DELETE FROM system_override WHERE path = ?",
                [SqlValue::Text(path.to_owned())],
            ),
        };
        self.execute(delete, deadline).await.map(|_| ())
    }

    async fn has_overrides(&self, deadline: Deadline) -> Result<bool, StorageError> {
        let sql = "SELECT 1 FROM sqlite_schema WHERE type = 'table' AND name = 'system_override'";
        let (result, _) = self.execute(Statement::new(sql), deadline).await?;
        Ok(!result.rows.is_empty())
    }
}

fn of_row(row: Vec<SqlValue>) -> Option<Override> {
    let mut values = row.into_iter();
    let (path, source) = (values.next()?, values.next()?);
    let (SqlValue::Text(path), SqlValue::Text(source)) = (path, source) else {
        return None;
    };
    let image_hash = match values.next()? {
        SqlValue::Text(hash) => Some(hash),
        SqlValue::Null | SqlValue::Integer(_) | SqlValue::Real(_) | SqlValue::Blob(_) => None,
    };
    let at = match values.next()? {
        SqlValue::Integer(at) => at,
        SqlValue::Null | SqlValue::Real(_) | SqlValue::Text(_) | SqlValue::Blob(_) => 0,
    };
    Some(Override {
        path,
        source,
        image_hash,
        at,
    })
}
