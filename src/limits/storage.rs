//! Every bound of the storage, by name and with its reason.

use std::time::Duration;

/// Levels of databases below the root. A town in a town uses about three levels each.
pub const NAMESPACE_DEPTH_MAX: usize = 32;
/// Bytes of one name: a UUID, a hash in hexadecimal or `owner/name` fit.
pub const NAME_BYTES_MAX: usize = 64;
/// Names one call of `subs` lists: about 10 MB in memory, and a longer list is of no use to
/// anybody.
pub const SUBS_LISTED_MAX: usize = 100_000;
/// What a database costs beside its pages: its row in the index, its entry in memory. Charged to
/// the quota, so that empty databases and alarms are bounded too.
pub const NAMESPACE_BYTES: u64 = 512;

/// Databases kept open. A closed one takes 1 to 10 ms to open, and an open one 0.2 MB with empty
/// caches and 2 MB with full ones, so that this many stay at a quarter of `SQLITE_HEAP_BYTES_MAX`.
pub const OPEN_DATABASES_MAX: usize = 64;
/// Prepared statements kept for a connection: more than the platform's own programs use.
pub const STATEMENTS_CACHED_MAX: usize = 128;
/// Page cache of one connection, in KiB. The system's own file cache is behind it.
pub const PAGE_CACHE_KIB: i32 = 1024;
/// Memory of all of SQLite together: sorts, temporary tables and journals live there, never in
/// files. Beyond it a statement fails with `SQLITE_NOMEM` instead of the process.
pub const SQLITE_HEAP_BYTES_MAX: i64 = 512 << 20;

/// Bytes of one statement's text: a schema with its seed data, not a backup.
pub const SQL_BYTES_MAX: i32 = 1 << 20;
/// Bytes of one value and of one row, also of those a statement makes on its way: the largest file
/// of a program (8 MiB), and what a row has beside it.
pub const VALUE_BYTES_MAX: i32 = (8 << 20) + (64 << 10);
/// The same where a statement uses a function that takes time by the square of its arguments, as
/// `json_patch` does: below 2 s a call, and no deadline interrupts it.
pub const SLOW_VALUE_BYTES_MAX: i32 = 128 << 10;
/// Bytes of the pattern of LIKE and GLOB, for the same reason: 1.5 s with the longest value. Longer
/// than what is typed into any search box.
pub const LIKE_PATTERN_BYTES_MAX: i32 = 100;
/// Bytes of the results of one statement, or of one batch together. Twice the largest value.
pub const RESULT_BYTES_MAX: usize = 16 << 20;
/// What each value of a result is counted as, beside its text or bytes.
pub const RESULT_VALUE_BYTES: usize = 16;
/// Statements in one batch: a migration or an import in portions.
pub const BATCH_STATEMENTS_MAX: usize = 1000;
/// Columns of a table or result: half of SQLite's own bound.
pub const COLUMNS_MAX: i32 = 1000;
/// Depth of an expression: written by hand it is below 20, generated below 100; each level is
/// stack.
pub const EXPRESSION_DEPTH_MAX: i32 = 200;
/// Terms of a UNION.
pub const COMPOUND_SELECT_MAX: i32 = 200;
/// Instructions of a compiled statement, about 8 MB: an INSERT of 5,000 rows of 20 columns has
/// 100,000.
pub const STATEMENT_OPERATIONS_MAX: i32 = 250_000;
/// Arguments of a function: `json_object` of 100 keys.
pub const FUNCTION_ARGUMENTS_MAX: i32 = 200;
/// Parameters of a statement: SQLite's own default.
pub const VARIABLES_MAX: i32 = 32_766;
/// Triggers that fire triggers.
pub const TRIGGER_DEPTH_MAX: i32 = 32;
/// Tables, indexes, views and triggers of one database: each is parsed at every opening.
pub const SCHEMA_OBJECTS_MAX: i32 = 10_000;

/// Instructions of a running statement between two looks at the clock: about 20 us.
pub const OPERATIONS_PER_CHECK: i32 = 1000;
/// How long after the deadline an interrupted statement may take to end. One that is still in the
/// middle of a single call of a function then is left to itself: its caller is answered, its
/// database waits.
pub const INTERRUPT_GRACE: Duration = Duration::from_secs(1);
/// How long a connection waits for its sibling. Only recovery and truncation ever make one wait.
pub const BUSY_TIMEOUT: Duration = Duration::from_secs(5);
/// Pages in the write-ahead log from which they are copied back: 4 MB, SQLite's own default.
pub const LOG_PAGES_COPIED_FROM: i32 = 1000;
/// Pages in the log from which readers are made to wait, so that readers without a gap between them
/// cannot make it grow for ever: 32 MB.
pub const LOG_PAGES_MAX: i32 = 8000;
/// Free pages a database keeps for its next rows (256 KB); the others go back to the disk.
pub const FREE_PAGES_KEPT: u32 = 64;
/// Free pages given back in one transaction: 4 MB, some milliseconds.
pub const FREE_PAGES_PER_STEP: u32 = 1000;

/// Wait before the second delivery of an alarm; it doubles with each further one.
pub const ALARM_RETRY_FIRST: Duration = Duration::from_secs(2);
/// The longest wait between two deliveries of an alarm.
pub const ALARM_RETRY_LONGEST: Duration = Duration::from_secs(3600);
/// Deliveries that may fail before an alarm is given up: about a day in all.
pub const ALARM_RETRIES_MAX: u32 = 30;

/// Bytes of one file that overrides the image: several times the longest of the image itself.
pub const OVERRIDE_SOURCE_BYTES_MAX: usize = 2 << 20;
/// Bytes of an override's path.
pub const OVERRIDE_PATH_BYTES_MAX: usize = 512;
/// Files of the image that may be overridden or added.
pub const OVERRIDES_MAX: usize = 10_000;

/// Copies of databases at a time, in all the town: a download keeps its copy until it has ended.
pub const SNAPSHOTS_MAX: usize = 8;
/// How long writers are kept waiting until all have finished, before a snapshot is given up: less
/// than the time that a statement has.
pub const SNAPSHOT_PAUSE: Duration = Duration::from_secs(2);
/// Databases of a snapshot that are held by a reader of their own while they are copied; of more
/// than that, the smallest are copied while writers wait. As many as are kept open besides.
pub const SNAPSHOT_READERS_MAX: usize = 64;
/// Pages copied between two looks at the deadline: 4 MB.
pub const SNAPSHOT_STEP_PAGES: i32 = 1000;
/// What a copy leaves free on the disk, for all who write meanwhile.
pub const SNAPSHOT_DISK_LEFT_BYTES: u64 = 64 << 20;
/// How long a copy is kept for a reader that takes it slowly.
pub const SNAPSHOT_LIFETIME: Duration = Duration::from_secs(3600);
/// Bytes of an archive's manifest: about 200 for each database, so 100,000 of them.
pub const MANIFEST_BYTES_MAX: u64 = 32 << 20;
/// Bytes of the text that travels with an archive.
pub const ARCHIVE_NOTE_BYTES_MAX: usize = 64 << 10;

/// Overrides that are changed at once: more than the image has files of text, in one transaction of
/// at most four statements each.
pub const OVERRIDE_CHANGES_MAX: usize = 240;
/// Bytes of what is said about a change.
pub const OVERRIDE_NOTE_BYTES_MAX: usize = 4 << 10;
/// Changes of overrides that are remembered.
pub const OVERRIDE_HISTORY_MAX: usize = 1_000;
