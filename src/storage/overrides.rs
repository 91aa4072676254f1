//! Overrides of the image, kept in the instance's own database so that they are its storage like
//! everything else, and the history of them.
//!
//! What the files mean, and the image under them, are the kernel's business.

use std::time::{SystemTime, UNIX_EPOCH};

use sha2::{Digest, Sha256};

use super::{BatchMode, Deadline, Namespace, ResultSet, SqlValue, Statement, StorageError};
use crate::limits::{
    OVERRIDE_CHANGES_MAX, OVERRIDE_HISTORY_MAX, OVERRIDE_NOTE_BYTES_MAX, OVERRIDE_PATH_BYTES_MAX,
    OVERRIDE_SOURCE_BYTES_MAX, OVERRIDES_MAX,
};

// Texts are kept once, by their hash: what each override was made from, and all that history has.
const SCHEMA: [&str; 4] = [
    "CREATE TABLE IF NOT EXISTS system_override (
        path TEXT PRIMARY KEY,
        source TEXT,
        image_hash TEXT,
        at INTEGER
    )",
    "CREATE TABLE IF NOT EXISTS system_change (
        number INTEGER PRIMARY KEY AUTOINCREMENT,
        path TEXT,
        source_hash TEXT,
        image_hash TEXT,
        note TEXT,
        at INTEGER
    )",
    "CREATE INDEX IF NOT EXISTS system_change_path ON system_change (path, number)",
    "CREATE TABLE IF NOT EXISTS system_text (hash TEXT PRIMARY KEY, text TEXT) WITHOUT ROWID",
];

/// A file that takes the place of the image's, or is added to it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Override {
    /// As in `town:system/<path>`.
    pub path: String,
    /// The text in force.
    pub source: String,
    /// What the image's own file was that this was made from; none if there was none.
    pub image_hash: Option<String>,
    /// When it was written, in milliseconds since 1970.
    pub at: i64,
    /// What was said when it was written.
    pub note: Option<String>,
}

/// What is to become of one path.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OverrideChange {
    pub path: String,
    /// The text to be in force; none restores the image's.
    pub source: Option<String>,
    /// The text of the image that it was made from.
    pub image: Option<String>,
}

/// A change that was made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PastChange {
    /// Grows by time; changes of one moment that were made together are neighbours.
    pub number: i64,
    pub path: String,
    /// Of the text that came into force; none where the image's was restored.
    pub source_hash: Option<String>,
    pub image_hash: Option<String>,
    pub note: Option<String>,
    pub at: i64,
}

/// Which changes to list.
#[derive(Debug, Clone, Default)]
pub struct PastWish {
    pub path: Option<String>,
    /// Only those with a lower number.
    pub before: Option<i64>,
    pub limit: u32,
}

impl Namespace {
    /// All overrides, by path. None where nothing was ever written.
    pub async fn overrides(&self, deadline: Deadline) -> Result<Vec<Override>, StorageError> {
        let tables = self.override_tables(deadline).await?;
        if !tables.iter().any(|name| name == "system_override") {
            return Ok(Vec::new());
        }
        let note = if tables.iter().any(|name| name == "system_change") {
            "(SELECT note FROM system_change c WHERE c.path = o.path ORDER BY number DESC LIMIT 1)"
        } else {
            "NULL"
        };
        // The bound of one result holds several of the largest sources, so one file a statement.
        let sql = format!(
            "SELECT path, source, image_hash, at, {note} FROM system_override o \
             WHERE path > ? AND typeof(path) = 'text' AND typeof(source) = 'text' \
             ORDER BY path LIMIT 1"
        );
        let mut overrides: Vec<Override> = Vec::new();
        loop {
            let after = overrides.last().map_or("", |last| &last.path).to_owned();
            let statement = Statement::with(sql.as_str(), [SqlValue::Text(after)]);
            let (result, _) = self.execute(statement, deadline).await?;
            let Some(row) = result.rows.into_iter().next() else {
                return Ok(overrides);
            };
            if overrides.len() == OVERRIDES_MAX {
                return Err(StorageError::OverrideTooLarge);
            }
            overrides.extend(override_of(row));
        }
    }

    /// Writes and restores several files, all or none, and remembers it. `note` is for whoever
    /// reads the history.
    pub async fn change_overrides(
        &self,
        changes: &[OverrideChange],
        note: Option<&str>,
        deadline: Deadline,
    ) -> Result<(), StorageError> {
        let fits = changes.len() <= OVERRIDE_CHANGES_MAX
            && note.is_none_or(|note| note.len() <= OVERRIDE_NOTE_BYTES_MAX)
            && changes.iter().all(change_fits);
        if !fits {
            return Err(StorageError::OverrideTooLarge);
        }
        if changes.is_empty() {
            return Ok(());
        }
        let mut statements: Vec<Statement> = SCHEMA.into_iter().map(Statement::new).collect();
        let note = optional(note.map(str::to_owned));
        for change in changes {
            statements.extend(change_statements(change, &note));
        }
        statements.extend(pruning());
        self.batch(statements, BatchMode::Write, deadline)
            .await
            .map(|_| ())
    }

    /// Restores one file or all of them.
    pub async fn restore_overrides(
        &self,
        path: Option<&str>,
        note: Option<&str>,
        deadline: Deadline,
    ) -> Result<(), StorageError> {
        let known = self.overrides(deadline).await?;
        let paths = known.into_iter().map(|known| known.path);
        let wanted = paths.filter(|known| path.is_none_or(|path| path == known));
        let changes: Vec<OverrideChange> = wanted
            .map(|path| OverrideChange {
                path,
                source: None,
                image: None,
            })
            .collect();
        for group in changes.chunks(OVERRIDE_CHANGES_MAX) {
            self.change_overrides(group, note, deadline).await?;
        }
        Ok(())
    }

    /// Changes that were made, the latest first.
    pub async fn past_overrides(
        &self,
        wish: &PastWish,
        deadline: Deadline,
    ) -> Result<Vec<PastChange>, StorageError> {
        if !self.has_past(deadline).await? {
            return Ok(Vec::new());
        }
        let statement = Statement::with(
            "SELECT number, path, source_hash, image_hash, note, at FROM system_change \
             WHERE number < ?1 AND (?2 IS NULL OR path = ?2) ORDER BY number DESC LIMIT ?3",
            [
                SqlValue::Integer(wish.before.unwrap_or(i64::MAX)),
                optional(wish.path.clone()),
                SqlValue::Integer(i64::from(wish.limit)),
            ],
        );
        let (result, _) = self.execute(statement, deadline).await?;
        Ok(result.rows.into_iter().filter_map(past_of).collect())
    }

    /// A text that an override was made from or that history has, by its hash.
    pub async fn override_text(
        &self,
        hash: &str,
        deadline: Deadline,
    ) -> Result<Option<String>, StorageError> {
        if !self.has_past(deadline).await? {
            return Ok(None);
        }
        let statement = Statement::with(
            "SELECT text FROM system_text WHERE hash = ?",
            [SqlValue::Text(hash.to_owned())],
        );
        let (result, _) = self.execute(statement, deadline).await?;
        Ok(first_of(result).and_then(text))
    }

    async fn has_past(&self, deadline: Deadline) -> Result<bool, StorageError> {
        let tables = self.override_tables(deadline).await?;
        Ok(tables.iter().any(|name| name == "system_change"))
    }

    async fn override_tables(&self, deadline: Deadline) -> Result<Vec<String>, StorageError> {
        let sql = "SELECT name FROM sqlite_schema WHERE type = 'table' \
                   AND name IN ('system_override', 'system_change')";
        let (result, _) = self.execute(Statement::new(sql), deadline).await?;
        let names = result
            .rows
            .into_iter()
            .filter_map(|row| row.into_iter().next());
        Ok(names.filter_map(text).collect())
    }
}

/// The hash by which a text is known, hexadecimal.
pub fn text_hash(text: &str) -> String {
    let digest = Sha256::digest(text.as_bytes());
    digest.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn change_fits(change: &OverrideChange) -> bool {
    let short = |text: &Option<String>| {
        text.as_ref()
            .is_none_or(|text| text.len() <= OVERRIDE_SOURCE_BYTES_MAX)
    };
    (1..=OVERRIDE_PATH_BYTES_MAX).contains(&change.path.len())
        && short(&change.source)
        && short(&change.image)
}

fn change_statements(change: &OverrideChange, note: &SqlValue) -> Vec<Statement> {
    let path = SqlValue::Text(change.path.clone());
    let now = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap_or_default();
    let at = SqlValue::Integer(i64::try_from(now.as_millis()).unwrap_or(i64::MAX));
    let hash = |text: &Option<String>| optional(text.as_deref().map(text_hash));
    let (source_hash, image_hash) = (hash(&change.source), hash(&change.image));
    let keep = |hash: &SqlValue, text: &Option<String>| {
        text.clone().map(|text| {
            Statement::with(
                "INSERT OR IGNORE INTO system_text (hash, text) VALUES (?, ?)",
                [hash.clone(), SqlValue::Text(text)],
            )
        })
    };
    // What is not there is not restored.
    let past = Statement::with(
        "INSERT INTO system_change (path, source_hash, image_hash, note, at) \
         SELECT ?1, ?2, ?3, ?4, ?5 WHERE ?2 IS NOT NULL \
         OR EXISTS (SELECT 1 FROM system_override WHERE path = ?1)",
        [
            path.clone(),
            source_hash.clone(),
            image_hash.clone(),
            note.clone(),
            at.clone(),
        ],
    );
    let present = match &change.source {
        None => Statement::with("DELETE FROM system_override WHERE path = ?", [path]),
        Some(source) => Statement::with(
            "INSERT OR REPLACE INTO system_override (path, source, image_hash, at) \
             VALUES (?, ?, ?, ?)",
            [path, SqlValue::Text(source.clone()), image_hash.clone(), at],
        ),
    };
    let mut statements = vec![past, present];
    statements.extend(keep(&source_hash, &change.source));
    statements.extend(keep(&image_hash, &change.image));
    statements
}

// The oldest changes are forgotten, and texts that nothing names any more.
fn pruning() -> [Statement; 2] {
    let oldest = i64::try_from(OVERRIDE_HISTORY_MAX).unwrap_or(i64::MAX);
    [
        Statement::with(
            "DELETE FROM system_change \
             WHERE number <= (SELECT max(number) FROM system_change) - ?",
            [SqlValue::Integer(oldest)],
        ),
        Statement::new(
            "DELETE FROM system_text WHERE hash NOT IN (
                SELECT source_hash FROM system_change WHERE source_hash IS NOT NULL
                UNION SELECT image_hash FROM system_change WHERE image_hash IS NOT NULL
                UNION SELECT image_hash FROM system_override WHERE image_hash IS NOT NULL)",
        ),
    ]
}

fn optional(text: Option<String>) -> SqlValue {
    text.map_or(SqlValue::Null, SqlValue::Text)
}

fn first_of(result: ResultSet) -> Option<SqlValue> {
    result.rows.into_iter().next()?.into_iter().next()
}

fn text(value: SqlValue) -> Option<String> {
    match value {
        SqlValue::Text(text) => Some(text),
        SqlValue::Null | SqlValue::Integer(_) | SqlValue::Real(_) | SqlValue::Blob(_) => None,
    }
}

fn integer(value: SqlValue) -> Option<i64> {
    match value {
        SqlValue::Integer(number) => Some(number),
        SqlValue::Null | SqlValue::Real(_) | SqlValue::Text(_) | SqlValue::Blob(_) => None,
    }
}

fn override_of(row: Vec<SqlValue>) -> Option<Override> {
    let mut values = row.into_iter();
    Some(Override {
        path: text(values.next()?)?,
        source: text(values.next()?)?,
        image_hash: text(values.next()?),
        at: integer(values.next()?).unwrap_or(0),
        note: text(values.next()?),
    })
}

fn past_of(row: Vec<SqlValue>) -> Option<PastChange> {
    let mut values = row.into_iter();
    Some(PastChange {
        number: integer(values.next()?)?,
        path: text(values.next()?)?,
        source_hash: text(values.next()?),
        image_hash: text(values.next()?),
        note: text(values.next()?),
        at: integer(values.next()?).unwrap_or(0),
    })
}
