//! SQLite's errors by name.

use rusqlite::{Error, ffi};

use crate::storage::StorageError;

/// The kernel's error for one of rusqlite's, of a statement by its place in the batch.
pub(super) fn storage_error(error: Error, statement: usize) -> StorageError {
    match error {
        Error::SqliteFailure(failure, message) => {
            let message = message.unwrap_or_else(|| failure.to_string());
            of_sqlite(failure.extended_code, message, None, statement)
        }
        Error::SqlInputError {
            error, msg, offset, ..
        } => of_sqlite(
            error.extended_code,
            msg,
            usize::try_from(offset).ok(),
            statement,
        ),
        Error::MultipleStatement => StorageError::MultipleStatements,
        other => StorageError::failed(other),
    }
}

fn of_sqlite(
    extended: i32,
    message: String,
    offset: Option<usize>,
    statement: usize,
) -> StorageError {
    match extended & 0xff {
        ffi::SQLITE_INTERRUPT => StorageError::Deadline,
        ffi::SQLITE_NOMEM => StorageError::Memory,
        _ => StorageError::Sqlite {
            code: name(extended),
            message,
            offset,
            statement,
        },
    }
}

/// The extended code's name, or the primary code's where the extended one is new to us.
fn name(extended: i32) -> String {
    let named = |code: i32| {
        CODES
            .iter()
            .find(|(known, _)| *known == code)
            .map(|(_, name)| *name)
    };
    let name = named(extended)
        .or_else(|| named(extended & 0xff))
        .unwrap_or("SQLITE_ERROR");
    name.to_owned()
}

macro_rules! codes {
    ($($name:ident)*) => { &[$((ffi::$name, stringify!($name))),*] };
}

/// Every result code that is an error.
const CODES: &[(i32, &str)] = codes! {
    SQLITE_ERROR SQLITE_INTERNAL SQLITE_PERM SQLITE_ABORT SQLITE_BUSY SQLITE_LOCKED
    SQLITE_NOMEM SQLITE_READONLY SQLITE_INTERRUPT SQLITE_IOERR SQLITE_CORRUPT SQLITE_NOTFOUND
    SQLITE_FULL SQLITE_CANTOPEN SQLITE_PROTOCOL SQLITE_EMPTY SQLITE_SCHEMA SQLITE_TOOBIG
    SQLITE_CONSTRAINT SQLITE_MISMATCH SQLITE_MISUSE SQLITE_NOLFS SQLITE_AUTH SQLITE_FORMAT
    SQLITE_RANGE SQLITE_NOTADB SQLITE_ERROR_MISSING_COLLSEQ SQLITE_ERROR_RETRY
    SQLITE_ERROR_SNAPSHOT SQLITE_ERROR_RESERVESIZE SQLITE_ERROR_KEY SQLITE_ERROR_UNABLE
    SQLITE_IOERR_READ SQLITE_IOERR_SHORT_READ SQLITE_IOERR_WRITE SQLITE_IOERR_FSYNC
    SQLITE_IOERR_DIR_FSYNC SQLITE_IOERR_TRUNCATE SQLITE_IOERR_FSTAT SQLITE_IOERR_UNLOCK
    SQLITE_IOERR_RDLOCK SQLITE_IOERR_DELETE SQLITE_IOERR_BLOCKED SQLITE_IOERR_NOMEM
    SQLITE_IOERR_ACCESS SQLITE_IOERR_CHECKRESERVEDLOCK SQLITE_IOERR_LOCK SQLITE_IOERR_CLOSE
    SQLITE_IOERR_DIR_CLOSE SQLITE_IOERR_SHMOPEN SQLITE_IOERR_SHMSIZE SQLITE_IOERR_SHMLOCK
    SQLITE_IOERR_SHMMAP SQLITE_IOERR_SEEK SQLITE_IOERR_DELETE_NOENT SQLITE_IOERR_MMAP
    SQLITE_IOERR_GETTEMPPATH SQLITE_IOERR_CONVPATH SQLITE_IOERR_VNODE SQLITE_IOERR_AUTH
    SQLITE_IOERR_BEGIN_ATOMIC SQLITE_IOERR_COMMIT_ATOMIC SQLITE_IOERR_ROLLBACK_ATOMIC
    SQLITE_IOERR_DATA SQLITE_IOERR_CORRUPTFS SQLITE_IOERR_IN_PAGE SQLITE_IOERR_BADKEY
    SQLITE_IOERR_CODEC SQLITE_LOCKED_SHAREDCACHE SQLITE_LOCKED_VTAB SQLITE_BUSY_RECOVERY
    SQLITE_BUSY_SNAPSHOT SQLITE_BUSY_TIMEOUT SQLITE_CANTOPEN_NOTEMPDIR SQLITE_CANTOPEN_ISDIR
    SQLITE_CANTOPEN_FULLPATH SQLITE_CANTOPEN_CONVPATH SQLITE_CANTOPEN_DIRTYWAL
    SQLITE_CANTOPEN_SYMLINK SQLITE_CORRUPT_VTAB SQLITE_CORRUPT_SEQUENCE SQLITE_CORRUPT_INDEX
    SQLITE_READONLY_RECOVERY SQLITE_READONLY_CANTLOCK SQLITE_READONLY_ROLLBACK
    SQLITE_READONLY_DBMOVED SQLITE_READONLY_CANTINIT SQLITE_READONLY_DIRECTORY
    SQLITE_ABORT_ROLLBACK SQLITE_CONSTRAINT_CHECK SQLITE_CONSTRAINT_COMMITHOOK
    SQLITE_CONSTRAINT_FOREIGNKEY SQLITE_CONSTRAINT_FUNCTION SQLITE_CONSTRAINT_NOTNULL
    SQLITE_CONSTRAINT_PRIMARYKEY SQLITE_CONSTRAINT_TRIGGER SQLITE_CONSTRAINT_UNIQUE
    SQLITE_CONSTRAINT_VTAB SQLITE_CONSTRAINT_ROWID SQLITE_CONSTRAINT_PINNED
    SQLITE_CONSTRAINT_DATATYPE SQLITE_AUTH_USER
};

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_code_has_sqlites_name() {
        assert_eq!(name(2067), "SQLITE_CONSTRAINT_UNIQUE");
        assert_eq!(name(1), "SQLITE_ERROR");
        assert_eq!(name(19 | 200 << 8), "SQLITE_CONSTRAINT");
        assert_eq!(name(77), "SQLITE_ERROR");
    }
}
