//! SQLite: opens a database, defends it against the statements given to it, and runs them within
//! bounds. Nothing outside this folder knows rusqlite.

mod codes;
mod copying;
mod defence;
mod functions;
mod run;
mod text;

use std::fs;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Instant;

use rusqlite::config::DbConfig;
use rusqlite::{Connection, OpenFlags};

use crate::limits::{
    BUSY_TIMEOUT, FREE_PAGES_KEPT, FREE_PAGES_PER_STEP, LOG_PAGES_COPIED_FROM, LOG_PAGES_MAX,
    PAGE_CACHE_KIB, RESULT_BYTES_MAX, STATEMENTS_CACHED_MAX,
};
use crate::storage::{BatchMode, ResultSet, Statement, StorageError};

use defence::Guard;
pub(super) use defence::bound_memory;
pub(super) use text::reads_by_its_first_word;

/// Bytes of a page: SQLite's default, and that of the disks below it.
pub(super) const PAGE_BYTES: u64 = 4096;

/// What a connection is opened for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Role {
    /// The one connection of a database that writes. Creates the file.
    Writer,
    /// Reads beside the writer, without waiting for it.
    Reader,
    /// The kernel's own statements: bounded like all others, but neither refused nor defended
    /// against.
    Kernel,
}

/// One connection. Statements come from programs nobody trusts.
pub(super) struct Database {
    connection: Connection,
    guard: Arc<Guard>,
}

/// What a transaction did.
#[derive(Debug)]
pub(super) struct Written {
    /// One for each statement.
    pub(super) results: Vec<ResultSet>,
    /// Whether anything in the database is different now.
    pub(super) changed: bool,
}

/// How long a job may run: shared by the connection that does it and by whoever waits for it.
#[derive(Debug)]
pub(super) struct Leash {
    deadline: Instant,
    abandoned: AtomicBool,
}

impl Leash {
    /// A leash until `deadline`.
    pub(super) fn until(deadline: Instant) -> Self {
        Leash {
            deadline,
            abandoned: AtomicBool::new(false),
        }
    }

    /// Nobody waits any more: the statement is interrupted like at its deadline.
    pub(super) fn abandon(&self) {
        self.abandoned.store(true, Ordering::Relaxed);
    }

    /// Whether the job has to end.
    pub(super) fn has_ended(&self) -> bool {
        self.abandoned.load(Ordering::Relaxed) || Instant::now() >= self.deadline
    }
}

impl Database {
    /// Opens the database in a file.
    pub(super) fn open(path: &Path, role: Role) -> Result<Self, StorageError> {
        let mut flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        match role {
            Role::Writer | Role::Kernel => flags |= OpenFlags::SQLITE_OPEN_CREATE,
            Role::Reader => {}
        }
        let is_new = fs::metadata(path).map_or(true, |file| file.len() == 0);
        let connection = Connection::open_with_flags(path, flags).map_err(StorageError::failed)?;
        let database = Self::prepared(connection, role)?;
        if is_new {
            // Without its first page a database is empty to SQLite, whatever is in its log.
            fs::File::open(path)
                .and_then(|file| file.sync_all())
                .map_err(StorageError::failed)?;
        }
        Ok(database)
    }

    /// An empty database of nobody: what a program sees before it has written anything.
    pub(super) fn empty(role: Role) -> Result<Self, StorageError> {
        let connection = Connection::open_in_memory().map_err(StorageError::failed)?;
        Self::prepared(connection, role)
    }

    fn prepared(mut connection: Connection, role: Role) -> Result<Self, StorageError> {
        let guard = Guard::new(role == Role::Kernel);
        configure(&mut connection, role, &guard).map_err(StorageError::failed)?;
        Ok(Database { connection, guard })
    }

    /// Runs statements that only read, in one transaction if there are several. `None` when one of
    /// them writes; nothing has been run then that matters.
    pub(super) fn read(
        &mut self,
        statements: &[Statement],
        leash: &Arc<Leash>,
    ) -> Result<Option<Vec<ResultSet>>, StorageError> {
        self.guard.hold(leash);
        let several = statements.len() > 1;
        if several {
            self.kernel("BEGIN")?;
        }
        let mut room = RESULT_BYTES_MAX;
        let mut results = Vec::with_capacity(statements.len());
        let mut outcome = Ok(true);
        for (number, statement) in statements.iter().enumerate() {
            match run::read(
                &self.connection,
                &self.guard,
                (number, statement),
                &mut room,
            ) {
                Ok(Some(result)) => results.push(result),
                Ok(None) => outcome = Ok(false),
                Err(error) => outcome = Err(error),
            }
            if !matches!(outcome, Ok(true)) {
                break;
            }
        }
        self.leave()?;
        Ok(outcome?.then_some(results))
    }

    /// Runs statements in one transaction. `settle` is told the size the database will have and may
    /// refuse it; it is told the former size if the commit then fails.
    pub(super) fn write(
        &mut self,
        statements: &[Statement],
        mode: BatchMode,
        pages_max: u32,
        leash: &Arc<Leash>,
        settle: &mut dyn FnMut(u32) -> Result<(), StorageError>,
    ) -> Result<Written, StorageError> {
        self.guard.hold(leash);
        self.guard.forget_log();
        let outcome = self.transact(statements, mode, pages_max, settle);
        let left = self.leave();
        let results = outcome?;
        left?;
        let changed = self.guard.log_pages() > 0;
        Ok(Written { results, changed })
    }

    fn transact(
        &mut self,
        statements: &[Statement],
        mode: BatchMode,
        pages_max: u32,
        settle: &mut dyn FnMut(u32) -> Result<(), StorageError>,
    ) -> Result<Vec<ResultSet>, StorageError> {
        let mut room = RESULT_BYTES_MAX;
        let mut results = Vec::with_capacity(statements.len());
        // Foreign keys cannot be switched within a transaction, and a schema cannot be migrated
        // without: such pragmas at the head of a batch hold for the whole of it and no longer.
        let head = statements
            .iter()
            .take_while(|statement| text::sets_foreign_keys(&statement.sql));
        let head = head.count();
        for (number, statement) in statements.iter().enumerate() {
            if number == head {
                self.begin(mode, pages_max)?;
            }
            results.push(run::any(
                &self.connection,
                &self.guard,
                (number, statement),
                &mut room,
            )?);
        }
        if self.connection.is_autocommit() {
            return Ok(results);
        }
        // Whoever waited has been told that it failed, or will be.
        if self.guard.has_ended() {
            return Err(StorageError::Deadline);
        }
        settle(self.pages()?)?;
        if let Err(error) = self.kernel("COMMIT") {
            // The size can only be smaller again than what was just allowed.
            settle(self.guard.pages_committed()).ok();
            return Err(error);
        }
        Ok(results)
    }

    fn begin(&self, mode: BatchMode, pages_max: u32) -> Result<(), StorageError> {
        match mode {
            BatchMode::Write => self.kernel("BEGIN IMMEDIATE")?,
            BatchMode::Read | BatchMode::Deferred => self.kernel("BEGIN")?,
        }
        self.guard.set_pages_committed(self.pages()?);
        self.number(&format!("PRAGMA max_page_count = {}", pages_max.max(1)))?;
        Ok(())
    }

    /// Ends what statements may have left behind: a transaction, foreign keys switched off.
    fn leave(&self) -> Result<(), StorageError> {
        self.guard.release();
        let rolled_back = if self.connection.is_autocommit() {
            Ok(())
        } else {
            self.kernel("ROLLBACK")
        };
        self.connection
            .set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_FKEY, true)
            .map_err(StorageError::failed)?;
        rolled_back
    }

    /// Gives free pages back to the disk, in steps, until few are left or the leash ends.
    pub(super) fn shrink(
        &mut self,
        leash: &Leash,
        settle: &mut dyn FnMut(u32) -> Result<(), StorageError>,
    ) -> Result<(), StorageError> {
        loop {
            let free = self.number("PRAGMA freelist_count")?;
            if free <= i64::from(FREE_PAGES_KEPT) || leash.has_ended() {
                return Ok(());
            }
            let step = (free - i64::from(FREE_PAGES_KEPT)).min(i64::from(FREE_PAGES_PER_STEP));
            self.kernel(&format!("PRAGMA incremental_vacuum({step})"))?;
            settle(self.pages()?)?;
        }
    }

    /// Copies the write-ahead log back into the database when it has grown. `true`: it has grown so
    /// much that it must be emptied by `empty_log`.
    pub(super) fn copy_log(&mut self) -> Result<bool, StorageError> {
        if self.guard.log_pages() >= LOG_PAGES_COPIED_FROM {
            self.kernel("PRAGMA wal_checkpoint(PASSIVE)")?;
        }
        Ok(self.guard.log_pages() >= LOG_PAGES_MAX)
    }

    /// Empties the write-ahead log. To be called while nobody reads.
    pub(super) fn empty_log(&mut self) -> Result<(), StorageError> {
        self.kernel("PRAGMA wal_checkpoint(TRUNCATE)")
    }

    /// Whether nothing was ever written: neither a schema nor one of the numbers beside it.
    pub(super) fn is_blank(&self) -> Result<bool, StorageError> {
        for number in ["schema_version", "user_version", "application_id"] {
            if self.number(&format!("PRAGMA {number}"))? != 0 {
                return Ok(false);
            }
        }
        Ok(true)
    }

    /// Pages of the database, those of the running transaction included.
    pub(super) fn pages(&self) -> Result<u32, StorageError> {
        let pages = self.number("PRAGMA page_count")?;
        u32::try_from(pages).map_err(StorageError::failed)
    }

    /// Runs the kernel's own text to its end. Prepared anew each time: what the kernel may do must
    /// never be found in the cache by a program.
    fn kernel(&self, sql: &str) -> Result<(), StorageError> {
        self.guard
            .trusting(|| {
                let mut statement = self.connection.prepare(sql)?;
                let mut rows = statement.raw_query();
                while rows.next()?.is_some() {}
                Ok(())
            })
            .map_err(|error| codes::storage_error(error, 0))
    }

    fn number(&self, sql: &str) -> Result<i64, StorageError> {
        self.guard
            .trusting(|| self.connection.query_row(sql, [], |row| row.get(0)))
            .map_err(|error| codes::storage_error(error, 0))
    }
}

fn configure(connection: &mut Connection, role: Role, guard: &Arc<Guard>) -> rusqlite::Result<()> {
    connection.busy_timeout(BUSY_TIMEOUT)?;
    connection.set_prepared_statement_cache_capacity(STATEMENTS_CACHED_MAX);
    // A plan holds for whatever is bound. Else most joins with arguments are planned anew at each
    // run, which takes longer than running them.
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_QPSG, true)?;
    if role == Role::Writer || role == Role::Kernel {
        // Both must come before the first page is written. Pages freed by deletes go back by
        // `shrink`.
        connection.execute_batch(&format!("PRAGMA page_size = {PAGE_BYTES}"))?;
        connection.execute_batch("PRAGMA auto_vacuum = INCREMENTAL")?;
        // A new file gets its first page here, which `Database::open` brings to the disk in one go.
        connection.execute_batch("PRAGMA synchronous = OFF")?;
        connection.query_row("PRAGMA journal_mode = WAL", [], |_| Ok(()))?;
    }
    connection.execute_batch(&format!(
        // FULL: the log is on the disk before a commit is answered.
        "PRAGMA synchronous = FULL;
         PRAGMA cache_size = -{PAGE_CACHE_KIB};
         PRAGMA temp_store = MEMORY;
         PRAGMA foreign_keys = ON;
         PRAGMA query_only = {};",
        if role == Role::Reader { "ON" } else { "OFF" }
    ))?;
    // These answer with the value they set.
    connection
        .query_row("PRAGMA mmap_size = 0", [], |_| Ok(()))
        .or_else(no_row)?;
    let log_bytes = LOG_PAGES_COPIED_FROM as u64 * PAGE_BYTES;
    connection.query_row(
        &format!("PRAGMA journal_size_limit = {log_bytes}"),
        [],
        |_| Ok(()),
    )?;
    defence::defend(connection, role, guard)
}

/// In-memory databases have nothing to map and answer nothing.
fn no_row(error: rusqlite::Error) -> rusqlite::Result<()> {
    match error {
        rusqlite::Error::QueryReturnedNoRows => Ok(()),
        other => Err(other),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_connection_is_durable_and_keeps_out_of_other_files() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("test.db");
        for role in [Role::Kernel, Role::Writer, Role::Reader] {
            let database = Database::open(&path, role).unwrap();
            let settings = [
                ("synchronous", 2), // FULL.
                ("temp_store", 2),  // MEMORY.
                ("mmap_size", 0),
                ("auto_vacuum", 2), // INCREMENTAL.
                ("page_size", PAGE_BYTES as i64),
                ("foreign_keys", 1),
                ("trusted_schema", 0),
                ("query_only", i64::from(role == Role::Reader)),
            ];
            for (pragma, expected) in settings {
                let found = database.number(&format!("PRAGMA {pragma}")).unwrap();
                assert_eq!(found, expected, "{role:?} {pragma}");
            }
            let config = DbConfig::SQLITE_DBCONFIG_DEFENSIVE;
            assert!(database.connection.db_config(config).unwrap(), "{role:?}");
        }
    }

    #[test]
    fn a_statement_is_not_planned_anew_for_other_arguments() {
        let database = Database::empty(Role::Kernel).unwrap();
        let schema = "CREATE TABLE one (id PRIMARY KEY, ended);
            CREATE TABLE other (one, kind, ended);
            CREATE INDEX living ON other (one, kind) WHERE ended IS NULL";
        database.connection.execute_batch(schema).unwrap();
        let sql = "SELECT * FROM one o JOIN other t ON t.one = o.id AND t.ended IS NULL
            WHERE o.id = ?1 AND t.kind = ?2";
        let mut statement = database.connection.prepare(sql).unwrap();
        for id in 0..3 {
            assert!(!statement.exists([id, id + 1]).unwrap());
        }
        let planned = statement.get_status(rusqlite::StatementStatus::RePrepare);
        assert_eq!(planned, 0);
    }
}
