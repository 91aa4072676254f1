//! What keeps a statement of an untrusted program within its database, its memory and its time.

use std::sync::atomic::{AtomicBool, AtomicI32, AtomicU32, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use rusqlite::Connection;
use rusqlite::config::DbConfig;
use rusqlite::hooks::{AuthAction, AuthContext, Authorization};
use rusqlite::limits::Limit;

use super::{Leash, Role, functions};
use crate::limits::{
    COLUMNS_MAX, COMPOUND_SELECT_MAX, EXPRESSION_DEPTH_MAX, FUNCTION_ARGUMENTS_MAX,
    LIKE_PATTERN_BYTES_MAX, OPERATIONS_PER_CHECK, SCHEMA_OBJECTS_MAX, SQL_BYTES_MAX,
    SQLITE_HEAP_BYTES_MAX, STATEMENT_OPERATIONS_MAX, TRIGGER_DEPTH_MAX, VALUE_BYTES_MAX,
    VARIABLES_MAX,
};
use crate::storage::StorageError;

/// Pragmas that programs may run, and whether with an argument. All others change how the database
/// is stored, reach outside it, or switch the defence off.
const PRAGMAS: [(&str, Argument); 26] = [
    ("application_id", Argument::Allowed),
    ("collation_list", Argument::Refused),
    ("compile_options", Argument::Refused),
    ("data_version", Argument::Refused),
    ("defer_foreign_keys", Argument::Allowed),
    ("encoding", Argument::Refused),
    ("foreign_key_check", Argument::Allowed),
    ("foreign_key_list", Argument::Allowed),
    ("foreign_keys", Argument::Allowed),
    ("freelist_count", Argument::Refused),
    ("function_list", Argument::Refused),
    ("index_info", Argument::Allowed),
    ("index_list", Argument::Allowed),
    ("index_xinfo", Argument::Allowed),
    ("integrity_check", Argument::Allowed),
    ("module_list", Argument::Refused),
    ("optimize", Argument::Allowed),
    ("page_count", Argument::Refused),
    ("page_size", Argument::Refused),
    ("pragma_list", Argument::Refused),
    ("quick_check", Argument::Allowed),
    ("schema_version", Argument::Refused),
    ("table_info", Argument::Allowed),
    ("table_list", Argument::Allowed),
    ("table_xinfo", Argument::Allowed),
    ("user_version", Argument::Allowed),
];

#[derive(Clone, Copy, PartialEq, Eq)]
enum Argument {
    Allowed,
    Refused,
}

/// Kinds of virtual tables that programs may create. FTS3 and 4 are older and less defended.
const MODULES: [&str; 2] = ["fts5", "rtree"];
/// Functions that reach into the process, and two that no deadline interrupts although some
/// kilobytes keep them busy for minutes: `highlight` copies its growing result at every match,
/// `snippet` compares every match with every other.
const FUNCTIONS_REFUSED: [(&str, &str); 5] = [
    ("load_extension", "it reaches outside"),
    ("fts3_tokenizer", "it reaches outside"),
    ("sqlite_log", "it reaches outside"),
    (
        "highlight",
        "it can take minutes; mark the matches in the program",
    ),
    (
        "snippet",
        "it can take minutes; cut the text in the program",
    ),
];

/// Functions that take time by the square of their arguments, without a look at the deadline. A
/// statement that uses one of them gets `SLOW_VALUE_BYTES_MAX` as the bound of all its values.
const FUNCTIONS_SLOW: [&str; 2] = ["json_patch", "jsonb_patch"];

/// Bounds the memory of all connections together. Sorts, temporary tables and statement journals
/// are in memory, because files would be outside every quota; this is what bounds them.
pub(in crate::storage) fn bound_memory() {
    // SAFETY: a plain call that SQLite allows at any time and from any thread.
    unsafe { rusqlite::ffi::sqlite3_hard_heap_limit64(SQLITE_HEAP_BYTES_MAX) };
}

/// What a connection shares with its callbacks.
#[derive(Debug)]
pub(super) struct Guard {
    /// The kernel's own words are being prepared or run: nothing is refused.
    trusting: AtomicBool,
    /// Why the statement being prepared was refused.
    refusal: Mutex<Option<StorageError>>,
    /// The statement uses a slow function. None while it is not known yet: it is being prepared.
    slow: Mutex<Option<bool>>,
    /// Until when the running job may run; none between jobs.
    leash: Mutex<Option<Arc<Leash>>>,
    /// Pages in the write-ahead log after the latest commit that wrote any.
    log_pages: AtomicI32,
    /// Pages of the database when the running transaction began.
    pages_committed: AtomicU32,
}

impl Guard {
    pub(super) fn new(trusting: bool) -> Arc<Self> {
        Arc::new(Guard {
            trusting: AtomicBool::new(trusting),
            refusal: Mutex::default(),
            slow: Mutex::default(),
            leash: Mutex::default(),
            log_pages: AtomicI32::new(0),
            pages_committed: AtomicU32::new(0),
        })
    }

    /// From here on statements end with the leash.
    pub(super) fn hold(&self, leash: &Arc<Leash>) {
        *locked(&self.leash) = Some(leash.clone());
    }

    /// Statements run to their end again: the kernel's own, between jobs.
    pub(super) fn release(&self) {
        *locked(&self.leash) = None;
    }

    /// Lets the kernel do what programs may not.
    pub(super) fn trusting<T>(&self, act: impl FnOnce() -> T) -> T {
        let before = self.trusting.swap(true, Ordering::Relaxed);
        let result = act();
        self.trusting.store(before, Ordering::Relaxed);
        result
    }

    /// Why the latest statement was refused, once.
    pub(super) fn refusal(&self) -> Option<StorageError> {
        locked(&self.refusal).take()
    }

    /// Prepares a statement: notes whether it is refused, and returns whether it is slow.
    pub(super) fn preparing<T>(&self, prepare: impl FnOnce() -> T) -> (T, bool) {
        *locked(&self.refusal) = None;
        *locked(&self.slow) = None;
        let prepared = prepare();
        (prepared, *locked(&self.slow).get_or_insert(false))
    }

    pub(super) fn log_pages(&self) -> i32 {
        self.log_pages.load(Ordering::Relaxed)
    }

    pub(super) fn forget_log(&self) {
        self.log_pages.store(0, Ordering::Relaxed);
    }

    pub(super) fn pages_committed(&self) -> u32 {
        self.pages_committed.load(Ordering::Relaxed)
    }

    pub(super) fn set_pages_committed(&self, pages: u32) {
        self.pages_committed.store(pages, Ordering::Relaxed);
    }

    /// Whether the running job has to end.
    pub(super) fn has_ended(&self) -> bool {
        locked(&self.leash)
            .as_ref()
            .is_some_and(|leash| leash.has_ended())
    }

    fn authorize(&self, context: AuthContext<'_>) -> Authorization {
        if self.trusting.load(Ordering::Relaxed) {
            return Authorization::Allow;
        }
        match refused(&context.action).or_else(|| self.refused_as_slow(&context.action)) {
            None => Authorization::Allow,
            Some((what, advice)) => {
                let advice = advice.to_owned();
                *locked(&self.refusal) = Some(StorageError::Refused { what, advice });
                Authorization::Deny
            }
        }
    }

    /// A statement kept from earlier may turn out slow when it is prepared anew, because a view has
    /// changed: too late for its bounds.
    fn refused_as_slow(&self, action: &AuthAction<'_>) -> Option<(String, &'static str)> {
        let AuthAction::Function { function_name } = *action else {
            return None;
        };
        if !FUNCTIONS_SLOW
            .iter()
            .any(|name| name.eq_ignore_ascii_case(function_name))
        {
            return None;
        }
        let known = locked(&self.slow).get_or_insert(true).to_owned();
        (!known).then(|| {
            (
                format!("The function {function_name}"),
                "the schema changed; try again",
            )
        })
    }
}

/// Sets everything that defends. The last step of opening: nothing the kernel sets up comes after
/// it.
pub(super) fn defend(
    connection: &mut Connection,
    role: Role,
    guard: &Arc<Guard>,
) -> rusqlite::Result<()> {
    for (limit, bound) in [
        (Limit::SQLITE_LIMIT_ATTACHED, 0),
        (Limit::SQLITE_LIMIT_COLUMN, COLUMNS_MAX),
        (Limit::SQLITE_LIMIT_COMPOUND_SELECT, COMPOUND_SELECT_MAX),
        (Limit::SQLITE_LIMIT_EXPR_DEPTH, EXPRESSION_DEPTH_MAX),
        (Limit::SQLITE_LIMIT_FUNCTION_ARG, FUNCTION_ARGUMENTS_MAX),
        (Limit::SQLITE_LIMIT_LENGTH, VALUE_BYTES_MAX),
        (
            Limit::SQLITE_LIMIT_LIKE_PATTERN_LENGTH,
            LIKE_PATTERN_BYTES_MAX,
        ),
        (Limit::SQLITE_LIMIT_SCHEMA, SCHEMA_OBJECTS_MAX),
        (Limit::SQLITE_LIMIT_SQL_LENGTH, SQL_BYTES_MAX),
        (Limit::SQLITE_LIMIT_TRIGGER_DEPTH, TRIGGER_DEPTH_MAX),
        (Limit::SQLITE_LIMIT_VARIABLE_NUMBER, VARIABLES_MAX),
        (Limit::SQLITE_LIMIT_VDBE_OP, STATEMENT_OPERATIONS_MAX),
        (Limit::SQLITE_LIMIT_WORKER_THREADS, 0),
    ] {
        connection.set_limit(limit, bound)?;
    }
    for (config, on) in [
        (DbConfig::SQLITE_DBCONFIG_DEFENSIVE, true),
        (DbConfig::SQLITE_DBCONFIG_TRUSTED_SCHEMA, false),
        (DbConfig::SQLITE_DBCONFIG_WRITABLE_SCHEMA, false),
        (DbConfig::SQLITE_DBCONFIG_ENABLE_ATTACH_CREATE, false),
        (DbConfig::SQLITE_DBCONFIG_ENABLE_ATTACH_WRITE, false),
        (DbConfig::SQLITE_DBCONFIG_ENABLE_FTS3_TOKENIZER, false),
    ] {
        connection.set_db_config(config, on)?;
    }
    let watching = guard.clone();
    connection.progress_handler(OPERATIONS_PER_CHECK, Some(move || watching.has_ended()))?;
    // Called after every commit that wrote pages, and after no other. It replaces SQLite's own
    // copying of the log, which would delay the answer to whoever's commit was the thousandth.
    let counting = guard.clone();
    connection.wal_hook(Some(move |_: &mut rusqlite::hooks::Wal, pages| {
        counting.log_pages.store(pages, Ordering::Relaxed);
        Ok(())
    }))?;
    if role == Role::Kernel {
        return Ok(());
    }
    functions::bound_patterns(connection)?;
    let authorizing = guard.clone();
    connection.authorizer(Some(move |context: AuthContext<'_>| {
        authorizing.authorize(context)
    }))
}

/// What of an action is refused, and what to do instead. `None`: it is allowed.
fn refused(action: &AuthAction<'_>) -> Option<(String, &'static str)> {
    match *action {
        AuthAction::Attach { .. } | AuthAction::Detach { .. } => Some((
            "ATTACH".into(),
            "a program has its own database and, by `sub`, those below it",
        )),
        AuthAction::Transaction { .. } | AuthAction::Savepoint { .. } => Some((
            "BEGIN, COMMIT, ROLLBACK or SAVEPOINT".into(),
            "give the statements of a transaction to `batch`",
        )),
        AuthAction::CreateTempIndex { .. }
        | AuthAction::CreateTempTable { .. }
        | AuthAction::CreateTempTrigger { .. }
        | AuthAction::CreateTempView { .. }
        | AuthAction::DropTempIndex { .. }
        | AuthAction::DropTempTable { .. }
        | AuthAction::DropTempTrigger { .. }
        | AuthAction::DropTempView { .. } => Some((
            "TEMP".into(),
            "connections are shared and closed at will; use WITH or an ordinary table",
        )),
        AuthAction::CreateVtable { module_name, .. } => {
            let known = MODULES
                .iter()
                .any(|module| module.eq_ignore_ascii_case(module_name));
            (!known).then(|| {
                (
                    format!("The module {module_name}"),
                    "there are fts5 and rtree",
                )
            })
        }
        AuthAction::Function { function_name } => {
            let known = FUNCTIONS_REFUSED
                .iter()
                .find(|(name, _)| name.eq_ignore_ascii_case(function_name));
            known.map(|(name, advice)| (format!("The function {name}"), *advice))
        }
        AuthAction::Pragma {
            pragma_name,
            pragma_value,
        } => refused_pragma(pragma_name, pragma_value),
        AuthAction::AlterTable { .. }
        | AuthAction::Analyze { .. }
        | AuthAction::CreateIndex { .. }
        | AuthAction::CreateTable { .. }
        | AuthAction::CreateTrigger { .. }
        | AuthAction::CreateView { .. }
        | AuthAction::Delete { .. }
        | AuthAction::DropIndex { .. }
        | AuthAction::DropTable { .. }
        | AuthAction::DropTrigger { .. }
        | AuthAction::DropView { .. }
        | AuthAction::DropVtable { .. }
        | AuthAction::Insert { .. }
        | AuthAction::Read { .. }
        | AuthAction::Recursive
        | AuthAction::Reindex { .. }
        | AuthAction::Select
        | AuthAction::Update { .. } => None,
        _ => Some(("This statement".into(), "the kernel does not know it")),
    }
}

fn refused_pragma(name: &str, value: Option<&str>) -> Option<(String, &'static str)> {
    let known = PRAGMAS
        .iter()
        .find(|(known, _)| known.eq_ignore_ascii_case(name));
    match known {
        Some((_, Argument::Allowed)) => None,
        Some((_, Argument::Refused)) if value.is_none() => None,
        Some((_, Argument::Refused)) => {
            Some((format!("Setting PRAGMA {name}"), "it can only be read"))
        }
        None => Some((
            format!("PRAGMA {name}"),
            "the kernel decides how a database is kept",
        )),
    }
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    // What is behind these locks is whole at every instant.
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
