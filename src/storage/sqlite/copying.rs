//! Copies of whole databases, and a hard look at files that come from elsewhere.

use std::fs::File;
use std::io::Read;
use std::path::Path;
use std::sync::Arc;

use rusqlite::backup::{Backup, StepResult};
use rusqlite::{Connection, OpenFlags};

use super::{Database, Leash, PAGE_BYTES, Role, codes};
use crate::limits::SNAPSHOT_STEP_PAGES;
use crate::storage::{BatchMode, Statement, StorageError};

/// Bytes of a file's header, as its format has it.
const HEADER_BYTES: usize = 100;
/// Virtual tables looked at with one database in memory each.
const VIRTUAL: &str = "SELECT sql FROM sqlite_schema WHERE sql LIKE '%virtual%'";

impl Database {
    /// From here on this connection sees the database as it is now.
    pub(in crate::storage) fn hold_moment(&self) -> Result<(), StorageError> {
        self.kernel("BEGIN")?;
        // The first read takes the moment.
        self.number("PRAGMA schema_version").map(drop)
    }

    /// Copies the database, as this connection sees it, into a new file.
    pub(in crate::storage) fn copy_to(
        &self,
        path: &Path,
        leash: &Leash,
    ) -> Result<(), StorageError> {
        let flags = OpenFlags::SQLITE_OPEN_READ_WRITE
            | OpenFlags::SQLITE_OPEN_CREATE
            | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let mut copy = Connection::open_with_flags(path, flags).map_err(StorageError::failed)?;
        // Whoever gives the file its name brings it to the disk first.
        copy.execute_batch("PRAGMA synchronous = OFF")
            .map_err(StorageError::failed)?;
        copy.query_row("PRAGMA journal_mode = OFF", [], |_| Ok(()))
            .map_err(StorageError::failed)?;
        let backup = Backup::new(&self.connection, &mut copy).map_err(StorageError::failed)?;
        loop {
            match backup
                .step(SNAPSHOT_STEP_PAGES)
                .map_err(StorageError::failed)?
            {
                StepResult::Done => return Ok(()),
                StepResult::More if leash.has_ended() => return Err(StorageError::Deadline),
                StepResult::More => {}
                _ => return Err(StorageError::failed("the database is busy")),
            }
        }
    }

    /// Whether a file from elsewhere is a database as programs make them here: nothing in it that
    /// they could not have made, and nothing damaged. Leaves it ready to be used.
    pub(in crate::storage) fn examine(path: &Path, leash: &Arc<Leash>) -> Result<(), StorageError> {
        check_header(path)?;
        let database = Database::open(path, Role::Writer).map_err(not_a_database)?;
        database.guard.hold(leash);
        let outcome = database.examine_open(leash);
        database.guard.release();
        match outcome {
            Err(StorageError::Sqlite { code, .. }) if code == "SQLITE_INTERRUPT" => {
                Err(StorageError::Deadline)
            }
            other => other.map_err(not_a_database),
        }
    }

    fn examine_open(&self, leash: &Arc<Leash>) -> Result<(), StorageError> {
        // Before anything that would wake one: a virtual table is code of its module.
        for sql in self.texts(VIRTUAL)? {
            // As a program would have to write it, so what is refused to programs is refused here,
            // by the same parser.
            let mut empty = Database::empty(Role::Writer)?;
            let statement = [Statement::new(sql)];
            empty.write(
                &statement,
                BatchMode::Write,
                u32::MAX - 1,
                leash,
                &mut |_| Ok(()),
            )?;
        }
        self.kernel("PRAGMA cell_size_check = ON")?;
        let found = self.texts("PRAGMA integrity_check(1)")?;
        match found.first().map(String::as_str) {
            Some("ok") => Ok(()),
            other => Err(archive(other.unwrap_or("it cannot be checked"))),
        }
    }

    fn texts(&self, sql: &str) -> Result<Vec<String>, StorageError> {
        let read = || {
            let mut statement = self.connection.prepare(sql)?;
            let rows = statement.query_map([], |row| row.get(0))?;
            rows.collect::<rusqlite::Result<Vec<String>>>()
        };
        self.guard
            .trusting(read)
            .map_err(|error| codes::storage_error(error, 0))
    }
}

// How pages are kept cannot be changed in a file that has some, and accounting relies on it.
fn check_header(path: &Path) -> Result<(), StorageError> {
    let mut header = [0; HEADER_BYTES];
    let mut file = File::open(path).map_err(StorageError::failed)?;
    let length = file.metadata().map_err(StorageError::failed)?.len();
    file.read_exact(&mut header)
        .map_err(|_| archive("a file is too short for a database"))?;
    let number = |at: usize| {
        let bytes = header[at..].first_chunk::<4>();
        bytes.map_or(0, |bytes| u32::from_be_bytes(*bytes))
    };
    let page = u64::from(u16::from_be_bytes([header[16], header[17]]));
    let as_made_here = header.starts_with(b"SQLite format 3\0")
        && page == PAGE_BYTES
        && header[20] == 0 // Reserved bytes of each page.
        && u64::from(number(28)) * PAGE_BYTES == length
        && number(52) != 0 // Pages that are free can go back to the disk,
        && number(64) != 0 // in steps.
        && number(56) <= 1; // UTF-8.
    if as_made_here {
        Ok(())
    } else {
        Err(archive("a file is not a database as a town keeps them"))
    }
}

fn not_a_database(error: StorageError) -> StorageError {
    match error {
        StorageError::Archive { .. } | StorageError::Deadline | StorageError::Memory => error,
        other => archive(&format!("a database is not what it should be: {other}")),
    }
}

fn archive(message: &str) -> StorageError {
    StorageError::Archive {
        message: message.to_string(),
    }
}
