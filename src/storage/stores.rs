//! The tree of databases below one directory, opened by one process at a time.

use std::fs::{self, DirBuilder, File, OpenOptions, TryLockError};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{SystemTime, UNIX_EPOCH};

use tokio::sync::Semaphore;

use super::alarms::Alarms;
use super::index::Index;
use super::namespace::{Namespace, Node};
use super::quota::Quotas;
use super::snapshot::clear_staged;
use super::{OpenError, Revision, sqlite};
use crate::limits::{OPEN_DATABASES_MAX, SNAPSHOTS_MAX};

/// How a directory is opened.
#[derive(Debug, Clone, Default)]
pub struct StoresOptions {
    /// The most bytes all databases may have together. None: as many as the disk has.
    pub bytes_max: Option<u64>,
}

/// The tree of databases below one directory. A handle.
#[derive(Clone)]
pub struct Stores {
    shared: Arc<Shared>,
    root: Arc<Node>,
    quotas: Quotas,
}

/// What all databases of a tree share.
pub(super) struct Shared {
    pub(super) index: Arc<Index>,
    pub(super) alarms: Alarms,
    opened: Mutex<Opened>,
    /// The latest revision given to any commit.
    revision: AtomicU64,
    /// How many folders of copies there may be.
    pub(super) staging: Arc<Semaphore>,
    /// Holds the lock on the directory as long as anything uses it.
    _lock: File,
}

/// Databases that are open, with the time of their latest use.
#[derive(Default)]
struct Opened {
    uses: u64,
    nodes: Vec<(u64, Arc<Node>)>,
}

impl Stores {
    /// Opens the directory, which is created if need be, and keeps every other process out of it.
    pub fn open(directory: &Path, options: &StoresOptions) -> Result<Self, OpenError> {
        let failed = |path: &Path| {
            let path = path.to_owned();
            move |source| OpenError::Io { path, source }
        };
        let below = directory.join("below");
        // Nobody else on this machine may read what programs store.
        let mut private = DirBuilder::new();
        private.recursive(true).mode(0o700);
        private.create(&below).map_err(failed(&below))?;
        // An absolute path, lest a change of the working directory lead elsewhere.
        let directory = fs::canonicalize(directory).map_err(failed(directory))?;
        let lock = locked(&directory.join("lock"))?;
        // A file is only as durable as the entry that names it.
        let synced = File::open(&directory).and_then(|opened| opened.sync_all());
        synced.map_err(failed(&directory))?;

        clear_staged(&directory).map_err(failed(&directory))?;

        sqlite::bound_memory();
        let index = Arc::new(Index::open(&directory)?);
        // Greater than every revision before: no process commits more than once a microsecond.
        let shared = Shared {
            alarms: Alarms::new(index.clone()),
            index,
            opened: Mutex::default(),
            revision: AtomicU64::new(microseconds_now()),
            staging: Arc::new(Semaphore::new(SNAPSHOTS_MAX)),
            _lock: lock,
        };
        let root = Node::root(shared.latest_revision());
        let quotas = Quotas::of_root(options.bytes_max.unwrap_or(u64::MAX));
        Ok(Stores {
            shared: Arc::new(shared),
            root,
            quotas,
        })
    }

    /// The database above all others.
    pub fn root(&self) -> Namespace {
        Namespace::new(self.shared.clone(), self.root.clone(), self.quotas.clone())
    }

    /// The alarms of all databases.
    pub fn alarms(&self) -> Alarms {
        self.shared.alarms.clone()
    }
}

impl Shared {
    /// A revision greater than all before.
    pub(super) fn next_revision(&self) -> Revision {
        let now = microseconds_now();
        let next = |latest: u64| now.max(latest + 1);
        let before = self
            .revision
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, |latest| {
                Some(next(latest))
            });
        before.map_or(now, next)
    }

    /// The revision of the latest commit to any database.
    pub(super) fn latest_revision(&self) -> Revision {
        self.revision.load(Ordering::Relaxed)
    }

    /// Notes that a database is in use and closes the one that has been idle longest if there are
    /// too many. When all are busy there may be more for a while, as many as there are busy
    /// threads.
    pub(super) fn touch(&self, node: &Arc<Node>) {
        let mut closed = Vec::new();
        let mut opened = self.opened.lock().unwrap_or_else(PoisonError::into_inner);
        opened.uses += 1;
        let uses = opened.uses;
        match opened
            .nodes
            .iter_mut()
            .find(|(_, known)| Arc::ptr_eq(known, node))
        {
            Some((used, _)) => *used = uses,
            None => opened.nodes.push((uses, node.clone())),
        }
        if opened.nodes.len() > OPEN_DATABASES_MAX {
            opened.nodes.sort_unstable_by_key(|(used, _)| *used);
            let mut excess = opened.nodes.len() - OPEN_DATABASES_MAX;
            opened.nodes.retain(|(_, candidate)| {
                if excess == 0 || Arc::ptr_eq(candidate, node) {
                    return true;
                }
                let Some(connections) = candidate.take_idle() else {
                    return true;
                };
                excess -= 1;
                closed.push((connections, candidate.clone()));
                false
            });
        }
        // Closing writes to the disk; nobody else has to wait for that.
        drop(opened);
        drop(closed);
    }

    /// Closes the databases below a dropped one that nobody is using; the others are closed by
    /// their next use.
    pub(super) fn close_below(&self, names: &[String]) {
        let mut closed = Vec::new();
        let mut opened = self.opened.lock().unwrap_or_else(PoisonError::into_inner);
        opened.nodes.retain(|(_, candidate)| {
            if !candidate.names().starts_with(names) {
                return true;
            }
            let Some(connections) = candidate.take_idle() else {
                return true;
            };
            closed.push((connections, candidate.clone()));
            false
        });
        drop(opened);
        drop(closed);
    }
}

fn locked(path: &Path) -> Result<File, OpenError> {
    let file = OpenOptions::new()
        .write(true)
        .create(true)
        .truncate(false)
        .mode(0o600)
        .open(path);
    let file = file.map_err(|source| OpenError::Io {
        path: path.to_owned(),
        source,
    })?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(TryLockError::WouldBlock) => Err(OpenError::InUse {
            path: path.to_owned(),
        }),
        Err(TryLockError::Error(source)) => Err(OpenError::Io {
            path: path.to_owned(),
            source,
        }),
    }
}

fn microseconds_now() -> u64 {
    let since = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap_or_default();
    u64::try_from(since.as_micros()).unwrap_or(0)
}
