//! What can go wrong in storage, as plain data that can cross a process boundary.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use crate::limits::{
    BATCH_STATEMENTS_MAX, NAME_BYTES_MAX, NAMESPACE_DEPTH_MAX, OVERRIDE_PATH_BYTES_MAX,
    OVERRIDE_SOURCE_BYTES_MAX, OVERRIDES_MAX, RESULT_BYTES_MAX, SQLITE_HEAP_BYTES_MAX,
    SUBS_LISTED_MAX,
};

/// Why statements were not answered. Whatever they had done is rolled back.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
pub enum StorageError {
    /// SQLite's own error.
    #[error("{message}")]
    Sqlite {
        /// The extended code by name, as `SQLITE_CONSTRAINT_UNIQUE`.
        code: String,
        /// SQLite's words.
        message: String,
        /// Where in the statement, in bytes, if SQLite knows.
        offset: Option<usize>,
        /// Which statement of the batch, from 0.
        statement: usize,
    },
    /// The statement is one that programs may not run.
    #[error("{what} is not available: {advice}")]
    Refused {
        /// What was refused, as `PRAGMA journal_mode`.
        what: String,
        /// What to do instead, or why.
        advice: String,
    },
    /// The text has no statement.
    #[error("There is no statement in the text")]
    Empty,
    /// The text has more than one statement.
    #[error("Only one statement can be executed at a time: give the others to a batch")]
    MultipleStatements,
    /// More or fewer values than parameters.
    #[error("The statement has {expected} parameters and was given {given} values")]
    ArgumentCount {
        /// Values given.
        given: usize,
        /// Parameters of the statement.
        expected: usize,
    },
    /// A parameter without a value.
    #[error("There is no value for the parameter {name}")]
    ArgumentMissing {
        /// The parameter as written, or its number.
        name: String,
    },
    /// A statement that writes in a batch that only reads.
    #[error("A batch of mode read cannot write")]
    ReadOnly,
    /// The deadline came first.
    #[error("The statement was interrupted at its deadline")]
    Deadline,
    /// The quota has no room.
    #[error("The storage is full: {bytes_max} bytes are allowed")]
    Quota {
        /// The quota that was reached: this database's or one of those above it.
        bytes_max: u64,
    },
    /// Results over their bound.
    #[error(
        "The result is over the limit of {RESULT_BYTES_MAX} bytes: select less, or in portions"
    )]
    ResultTooLarge,
    /// Statements over their bound.
    #[error("The batch has {statements} statements, over the limit of {BATCH_STATEMENTS_MAX}")]
    BatchTooLarge {
        /// How many were given.
        statements: usize,
    },
    /// More databases than can be listed.
    #[error("There are more than {SUBS_LISTED_MAX} names: ask with a longer prefix")]
    TooManySubs,
    /// SQLite has used up what it may.
    #[error(
        "The statement needs more memory than the {SQLITE_HEAP_BYTES_MAX} bytes of all databases"
    )]
    Memory,
    /// The database was dropped while the statement ran.
    #[error("The database was dropped meanwhile")]
    Dropped,
    /// Something is there already.
    #[error("There is a database of that name: drop it first, or take another name")]
    Exists,
    /// No archive, or one that was damaged or made to do harm.
    #[error("The archive cannot be taken: {message}")]
    Archive {
        /// What is wrong with it.
        message: String,
    },
    /// As many copies at a time as there may be.
    #[error("Too many copies of databases are under way: try again")]
    Busy,
    /// An override over its bounds.
    #[error(
        "An override has a path of 1 to {OVERRIDE_PATH_BYTES_MAX} bytes and a source of at most \
         {OVERRIDE_SOURCE_BYTES_MAX}, and there are at most {OVERRIDES_MAX}"
    )]
    OverrideTooLarge,
    /// The name of a database to drop is none.
    #[error(transparent)]
    Name(#[from] NameError),
    /// The disk, or a fault of the kernel.
    #[error("The storage failed: {message}")]
    Failed {
        /// For the log.
        message: String,
    },
}

impl StorageError {
    /// A failure of the disk or of the kernel itself.
    pub(super) fn failed(error: impl std::fmt::Display) -> Self {
        StorageError::Failed {
            message: error.to_string(),
        }
    }
}

/// Why a name names no database.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
pub enum NameError {
    /// Empty, or over the bound.
    #[error("A name has 1 to {NAME_BYTES_MAX} bytes, not {bytes}")]
    Length {
        /// Its bytes.
        bytes: usize,
    },
    /// NUL, which ends strings in C.
    #[error("A name cannot contain NUL")]
    Nul,
    /// Too many levels.
    #[error("Databases nest at most {NAMESPACE_DEPTH_MAX} deep")]
    TooDeep,
}

/// Why a directory could not be opened as storage.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// Another process has it.
    #[error("{} is in use by another process", path.display())]
    InUse {
        /// The lock file.
        path: PathBuf,
    },
    /// The file system refused.
    #[error("{}: {source}", path.display())]
    Io {
        /// The file or directory.
        path: PathBuf,
        /// The system's reason.
        source: std::io::Error,
    },
    /// The index of databases cannot be read.
    #[error("{}: {source}", path.display())]
    Index {
        /// The index.
        path: PathBuf,
        /// SQLite's reason.
        source: StorageError,
    },
    /// There are databases, and an index that is new.
    #[error(
        "{} is new, and there are {databases} databases whose names nothing here tells: put it \
         back, or the file below/names, from a copy of this folder",
        path.display()
    )]
    Nameless {
        /// The index.
        path: PathBuf,
        /// How many they are.
        databases: usize,
    },
}
