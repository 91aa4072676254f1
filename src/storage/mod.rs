//! Storage: a tree of SQLite databases, each reachable only from the one above it.
//!
//! This module knows names, quotas, alarms and revisions. What the databases hold is the programs'
//! business, and how SQLite is spoken to is `sqlite`'s.

mod adoption;
mod alarms;
mod archive;
mod error;
mod index;
mod namespace;
mod overrides;
mod quota;
mod snapshot;
mod sqlite;
mod stores;

use std::time::{Duration, Instant};

use serde::{Deserialize, Serialize};

pub use adoption::{Chunks, Imported};
pub use alarms::{Alarm, Alarms, Retry};
pub use archive::Label;
pub use error::{NameError, OpenError, StorageError};
pub use namespace::Namespace;
pub use overrides::{Override, OverrideChange, PastChange, PastWish, text_hash};
pub use snapshot::{Selection, Snapshot};
pub use stores::{Stores, StoresOptions};

/// A value SQLite can hold.
#[derive(Serialize, Deserialize, Clone, PartialEq, Debug)]
pub enum SqlValue {
    /// NULL.
    Null,
    /// INTEGER.
    Integer(i64),
    /// REAL.
    Real(f64),
    /// TEXT. Bytes that are no UTF-8 come out as U+FFFD.
    Text(String),
    /// BLOB.
    Blob(Vec<u8>),
}

/// What is bound to the parameters of a statement.
#[derive(Serialize, Deserialize, Clone, PartialEq, Debug, Default)]
pub enum SqlArguments {
    /// The statement has no parameters.
    #[default]
    None,
    /// In order: exactly as many as the statement has parameters.
    Positional(Vec<SqlValue>),
    /// By name, without the `:`, `@` or `$`. Names the statement lacks are ignored, so that several
    /// statements can share one set.
    Named(Vec<(String, SqlValue)>),
}

/// One SQL statement with its arguments.
#[derive(Serialize, Deserialize, Clone, PartialEq, Debug)]
pub struct Statement {
    /// Exactly one statement; a trailing `;` and comments are fine.
    pub sql: String,
    /// Values of its parameters.
    pub arguments: SqlArguments,
}

impl Statement {
    /// A statement without parameters.
    pub fn new(sql: impl Into<String>) -> Self {
        Statement {
            sql: sql.into(),
            arguments: SqlArguments::None,
        }
    }

    /// A statement whose parameters are given in order.
    pub fn with(sql: impl Into<String>, values: impl Into<Vec<SqlValue>>) -> Self {
        Statement {
            sql: sql.into(),
            arguments: SqlArguments::Positional(values.into()),
        }
    }
}

/// What a statement answered.
#[derive(Serialize, Deserialize, Clone, PartialEq, Debug, Default)]
pub struct ResultSet {
    /// Names of the columns.
    pub columns: Vec<String>,
    /// Their declared types in upper case; empty for an expression.
    pub column_types: Vec<String>,
    /// Rows in the order of `columns`.
    pub rows: Vec<Vec<SqlValue>>,
    /// Rows the statement itself inserted, updated or deleted; not those of its triggers.
    pub rows_affected: u64,
    /// Row id of the latest insert; 0 where the statement only read.
    pub last_insert_rowid: i64,
}

/// How a batch takes its transaction.
#[derive(Serialize, Deserialize, Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum BatchMode {
    /// Takes the write lock at the start.
    #[default]
    Write,
    /// Sees one state of the database and must not write. Never waits for a writer.
    Read,
    /// Takes the write lock at its first write.
    Deferred,
}

/// Changes with every commit to a database and with nothing else. Greater than all before it, also
/// across restarts as long as the clock is not set back. Below 2^53, so that JavaScript can hold
/// it.
pub type Revision = u64;

/// The instant at which a statement is interrupted, waiting for its turn included.
#[derive(Clone, Copy, Debug)]
pub struct Deadline(Instant);

impl Deadline {
    /// That much from now.
    pub fn after(duration: Duration) -> Self {
        Deadline(Instant::now() + duration)
    }

    /// That instant.
    pub fn at(instant: Instant) -> Self {
        Deadline(instant)
    }

    /// The instant.
    pub fn instant(self) -> Instant {
        self.0
    }

    /// Whether it is over.
    pub fn has_passed(self) -> bool {
        Instant::now() >= self.0
    }
}

/// Bytes a database has and may have.
#[derive(Serialize, Deserialize, Clone, Copy, PartialEq, Eq, Debug)]
pub struct Usage {
    /// Of this database.
    pub bytes: u64,
    /// Of all below it together.
    pub bytes_below: u64,
    /// The most that it and those below may have together, as things stand in the databases above.
    pub bytes_max: u64,
}
