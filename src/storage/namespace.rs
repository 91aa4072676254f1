//! Namespaces: handles on databases, from which only those below can be reached.

use std::collections::HashMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::SystemTime;

use tokio::sync::{Mutex as AsyncMutex, OwnedMutexGuard, oneshot, watch};

use super::index::Id;
use super::quota::{Allowance, Quotas};
use super::snapshot::AbandonOnDrop;
use super::sqlite::{Database, Leash, PAGE_BYTES, Role, reads_by_its_first_word};
use super::stores::Shared;
use super::{BatchMode, Deadline, NameError, ResultSet, Revision, Statement, StorageError, Usage};
use crate::limits::{BATCH_STATEMENTS_MAX, INTERRUPT_GRACE, NAME_BYTES_MAX, NAMESPACE_DEPTH_MAX};

/// Free space on the disk below which SQLite's "full" is the disk's and not the quota's.
const DISK_FULL_BELOW_BYTES: u64 = 16 << 20;

/// One database. Names only go down: `sub` is the only way to make a namespace from another, and
/// there is no way up. A handle.
#[derive(Clone)]
pub struct Namespace {
    shared: Arc<Shared>,
    node: Arc<Node>,
    quotas: Quotas,
}

impl Namespace {
    pub(super) fn new(shared: Arc<Shared>, node: Arc<Node>, quotas: Quotas) -> Self {
        Namespace {
            shared,
            node,
            quotas,
        }
    }

    /// The database of that name below this one. It is created by its first write.
    pub fn sub(&self, name: &str) -> Result<Namespace, NameError> {
        if name.is_empty() || name.len() > NAME_BYTES_MAX {
            return Err(NameError::Length { bytes: name.len() });
        }
        if name.contains('\0') {
            return Err(NameError::Nul);
        }
        if self.node.names.len() >= NAMESPACE_DEPTH_MAX {
            return Err(NameError::TooDeep);
        }
        let node = Node::below(&self.node, name, self.shared.latest_revision());
        Ok(Namespace {
            shared: self.shared.clone(),
            node,
            quotas: self.quotas.clone(),
        })
    }

    /// The same database, where it and those below it may have at most that many bytes together,
    /// and never more than before.
    pub fn with_quota(&self, bytes_max: u64) -> Namespace {
        let quotas = self.quotas.narrowed(self.node.names.len(), bytes_max);
        Namespace {
            shared: self.shared.clone(),
            node: self.node.clone(),
            quotas,
        }
    }

    /// What all databases of the tree share.
    pub(super) fn shared(&self) -> &Arc<Shared> {
        &self.shared
    }

    /// What it and those above may have.
    pub(super) fn quotas(&self) -> &Quotas {
        &self.quotas
    }

    /// The turn to write: as long as it is held nobody else does.
    pub(super) async fn writing_turn(&self) -> OwnedMutexGuard<Slot> {
        self.node.writer.clone().lock_owned().await
    }

    /// A reader of its own sees one moment of the database as long as this is held: nobody waits
    /// for it to empty the log.
    pub(super) fn copying(&self) -> Copying {
        self.node.copies.fetch_add(1, Ordering::Relaxed);
        Copying(self.node.copies.clone())
    }

    /// Everything here and below is another now.
    pub(super) fn announce_below(&self) {
        self.node.announce_below(&self.shared);
    }

    /// The names from the root down to this database.
    pub fn path(&self) -> &[String] {
        &self.node.names
    }

    /// The names that lead from this database down to `other`: none for itself, `None` if `other`
    /// is not below.
    pub fn names_below(&self, other: &Namespace) -> Option<Vec<String>> {
        if !Arc::ptr_eq(&self.shared, &other.shared) {
            return None;
        }
        other
            .node
            .names
            .strip_prefix(self.path())
            .map(<[String]>::to_vec)
    }

    /// Runs one statement. Dropping the future interrupts it.
    ///
    /// The revision is one at which the result was true: for a statement that writes, that after
    /// it.
    pub async fn execute(
        &self,
        statement: Statement,
        deadline: Deadline,
    ) -> Result<(ResultSet, Revision), StorageError> {
        let reads = reads_by_its_first_word(&statement.sql);
        let mode = if reads {
            BatchMode::Deferred
        } else {
            BatchMode::Write
        };
        let statements = Arc::new(vec![statement]);
        let (results, revision) = self.run(statements, mode, reads, deadline).await?;
        let result = results.into_iter().next();
        Ok((result.ok_or(StorageError::Empty)?, revision))
    }

    /// Runs statements in one transaction, all or none of them. Dropping the future interrupts it.
    pub async fn batch(
        &self,
        statements: Vec<Statement>,
        mode: BatchMode,
        deadline: Deadline,
    ) -> Result<(Vec<ResultSet>, Revision), StorageError> {
        if statements.len() > BATCH_STATEMENTS_MAX {
            return Err(StorageError::BatchTooLarge {
                statements: statements.len(),
            });
        }
        if statements.is_empty() {
            return Ok((Vec::new(), self.revision()));
        }
        let reads = mode == BatchMode::Read;
        self.run(Arc::new(statements), mode, reads, deadline).await
    }

    /// Names of the databases directly below that begin with `prefix`, in the order of their bytes.
    pub async fn subs(&self, prefix: &str) -> Result<Vec<String>, StorageError> {
        self.shared.index.subs(self.path(), prefix)
    }

    /// Deletes the database of that name, everything below it and their alarms. Statements that are
    /// running there end or fail; handles stay good, for a new and empty database.
    pub async fn drop_sub(&self, name: &str) -> Result<(), StorageError> {
        let dropped = self.sub(name)?;
        blocking(move || {
            dropped.shared.index.forget(dropped.path())?;
            dropped.shared.close_below(dropped.path());
            dropped.node.announce_below(&dropped.shared);
            Ok(())
        })
        .await
    }

    /// Changes with every commit to this database, not with those to databases below.
    pub fn revision(&self) -> Revision {
        *self.node.revision.borrow()
    }

    /// Waits for a revision greater than `after`.
    pub async fn changed(&self, after: Revision) -> Revision {
        let mut revisions = self.node.revision.subscribe();
        match revisions.wait_for(|revision| *revision > after).await {
            Ok(revision) => *revision,
            // The sender is in the node, which this handle holds.
            Err(_) => self.revision(),
        }
    }

    /// Bytes of this database, of those below, and the most they may have.
    pub fn usage(&self) -> Usage {
        let (bytes, total) = self.shared.index.bytes(self.path());
        let allowance = self.shared.index.allowance(self.path(), &self.quotas);
        let bytes_max = total.saturating_add(allowance.bytes);
        Usage {
            bytes,
            bytes_below: total - bytes,
            bytes_max,
        }
    }

    /// Sets the one alarm of this database, or removes it. It is on disk when this resolves.
    pub async fn set_alarm(&self, at: Option<SystemTime>) -> Result<(), StorageError> {
        let namespace = self.clone();
        blocking(move || {
            let index = &namespace.shared.index;
            let id = match (index.find(namespace.path()), at) {
                (Some(place), _) => place.id,
                (None, None) => return Ok(()),
                (None, Some(_)) => index.create(namespace.path(), &namespace.quotas)?,
            };
            namespace.shared.alarms.set(id, at)
        })
        .await
    }

    /// On the reading connection if that will do, otherwise on the writing one.
    async fn run(
        &self,
        statements: Arc<Vec<Statement>>,
        mode: BatchMode,
        reads: bool,
        deadline: Deadline,
    ) -> Result<(Vec<ResultSet>, Revision), StorageError> {
        if reads {
            // Before the read: a commit during it must leave the caller's cache out of date.
            let revision = self.revision();
            let read = self.read(statements.clone(), deadline).await?;
            if let Some(results) = read {
                return Ok((results, revision));
            }
            if mode == BatchMode::Read {
                return Err(StorageError::ReadOnly);
            }
        }
        self.write(statements, mode, deadline).await
    }

    async fn read(
        &self,
        statements: Arc<Vec<Statement>>,
        deadline: Deadline,
    ) -> Result<Option<Vec<ResultSet>>, StorageError> {
        let namespace = self.clone();
        let job = move |slot: &mut Slot, leash: &Arc<Leash>| {
            let found = namespace.shared.index.find(namespace.path());
            let id = found.filter(|place| place.written).map(|place| place.id);
            // Taken out while it works, so that a panic closes it rather than leave it half done.
            let mut connection = namespace
                .connection(slot.take(), id, Role::Reader)
                .map_err(|error| namespace.dropped_or(id, error))?;
            let outcome = connection.database.read(&statements, leash);
            *slot = Some(connection);
            outcome.map_err(|error| namespace.dropped_or(id, error))
        };
        self.on(&self.node.reader, deadline, job, |_| ()).await
    }

    async fn write(
        &self,
        statements: Arc<Vec<Statement>>,
        mode: BatchMode,
        deadline: Deadline,
    ) -> Result<(Vec<ResultSet>, Revision), StorageError> {
        let namespace = self.clone();
        let job = move |slot: &mut Slot, leash: &Arc<Leash>| {
            namespace.write_now(slot, &statements, mode, leash)
        };
        let reader = self.node.reader.clone();
        let copies = self.node.copies.clone();
        let afterwards = move |slot: &mut Slot| {
            let Some(connection) = slot else { return };
            let result = connection.database.copy_log().and_then(|too_long| {
                if !too_long || copies.load(Ordering::Relaxed) > 0 {
                    return Ok(());
                }
                let _nobody_reads = reader.blocking_lock();
                connection.database.empty_log()
            });
            if let Err(error) = result {
                // The log stays as long as it is; the next commit tries again.
                tracing::warn!(%error, "the log of a database could not be copied");
            }
        };
        self.on(&self.node.writer, deadline, job, afterwards).await
    }

    fn write_now(
        &self,
        slot: &mut Slot,
        statements: &[Statement],
        mode: BatchMode,
        leash: &Arc<Leash>,
    ) -> Result<(Vec<ResultSet>, Revision), StorageError> {
        let index = &self.shared.index;
        let found = index.find(self.path()).filter(|place| place.written);
        let id = match found {
            Some(place) => place.id,
            None => {
                // What fails or changes nothing must not leave a database behind, so the first
                // statements are tried on one in memory.
                let mut draft = Database::empty(Role::Writer)?;
                let pages_max = self.pages_max(0, self.allowance());
                let written = draft
                    .write(statements, mode, pages_max, leash, &mut |_| Ok(()))
                    .map_err(|error| self.quota_or(error))?;
                if draft.is_blank()? {
                    return Ok((written.results, self.revision()));
                }
                index.create(self.path(), &self.quotas)?
            }
        };
        let mut connection = self
            .connection(slot.take(), Some(id), Role::Writer)
            .map_err(|error| self.dropped_or(Some(id), error))?;
        let database = &mut connection.database;
        let mut settle = |pages| index.charge(self.path(), id, pages, &self.quotas);
        let outcome = database.pages().and_then(|pages| {
            let pages_max = self.pages_max(pages, self.allowance());
            database.write(statements, mode, pages_max, leash, &mut settle)
        });
        let outcome = outcome
            .map_err(|error| self.quota_or(error))
            .map(|written| {
                if !written.changed {
                    return (written.results, self.revision());
                }
                index.mark_written(id);
                let revision = self.node.announce(&self.shared);
                if let Err(error) = database.shrink(leash, &mut settle) {
                    // The pages stay free and are used by the next rows; the next commit tries
                    // again.
                    tracing::warn!(%error, "free pages could not be given back");
                }
                (written.results, revision)
            });
        *slot = Some(connection);
        outcome.map_err(|error| self.dropped_or(Some(id), error))
    }

    /// What fails because its file has gone says so, whatever SQLite made of it.
    fn dropped_or(&self, id: Option<Id>, error: StorageError) -> StorageError {
        let still_there = self.shared.index.find(self.path()).map(|place| place.id);
        if id.is_some() && id != still_there {
            StorageError::Dropped
        } else {
            error
        }
    }

    fn allowance(&self) -> Allowance {
        self.shared.index.allowance(self.path(), &self.quotas)
    }

    /// Pages the database may have, given those it has.
    fn pages_max(&self, pages: u32, allowance: Allowance) -> u32 {
        let more = u32::try_from(allowance.bytes / PAGE_BYTES).unwrap_or(u32::MAX);
        pages.saturating_add(more).min(u32::MAX - 1)
    }

    /// SQLite has one code for a full database and a full disk.
    fn quota_or(&self, error: StorageError) -> StorageError {
        let StorageError::Sqlite { code, .. } = &error else {
            return error;
        };
        if code != "SQLITE_FULL" {
            return error;
        }
        let disk = nix::sys::statvfs::statvfs(self.shared.index.directory());
        let free = disk.map_or(0, |disk| disk.blocks_available() * disk.fragment_size());
        if free < DISK_FULL_BELOW_BYTES {
            return error;
        }
        StorageError::Quota {
            bytes_max: self.allowance().bytes_max,
        }
    }

    /// The connection of a slot if it is one to database `id`, or a new one.
    fn connection(
        &self,
        held: Slot,
        id: Option<Id>,
        role: Role,
    ) -> Result<Connection, StorageError> {
        if let Some(connection) = held
            && connection.id == id
        {
            self.shared.touch(&self.node);
            return Ok(connection);
        }
        let database = match id {
            Some(id) => Database::open(&self.shared.index.file(id), role)?,
            None => Database::empty(role)?,
        };
        self.shared.touch(&self.node);
        Ok(Connection { id, database })
    }

    /// Waits for a connection's turn, does the job on a thread for blocking work, answers, and does
    /// what can wait until after the answer.
    async fn on<T: Send + 'static>(
        &self,
        slot: &Arc<AsyncMutex<Slot>>,
        deadline: Deadline,
        job: impl FnOnce(&mut Slot, &Arc<Leash>) -> Result<T, StorageError> + Send + 'static,
        afterwards: impl FnOnce(&mut Slot) + Send + 'static,
    ) -> Result<T, StorageError> {
        let turn = tokio::time::timeout_at(deadline.instant().into(), slot.clone().lock_owned());
        let mut slot: OwnedMutexGuard<Slot> = turn.await.map_err(|_| StorageError::Deadline)?;
        let leash = Arc::new(Leash::until(deadline.instant()));
        let abandoning = AbandonOnDrop(leash.clone());
        let (answer, answered) = oneshot::channel();
        tokio::task::spawn_blocking(move || {
            let outcome = if leash.has_ended() {
                Err(StorageError::Deadline)
            } else {
                job(&mut slot, &leash)
            };
            // Nobody waits any more: there is nothing else to do with the answer.
            answer.send(outcome).ok();
            afterwards(&mut slot);
        });
        let latest = deadline.instant() + INTERRUPT_GRACE;
        let outcome = tokio::time::timeout_at(latest.into(), answered).await;
        drop(abandoning);
        match outcome {
            Ok(Ok(outcome)) => outcome,
            // Out of memory in the middle of a row, most likely. The connection is closed.
            Ok(Err(_)) => Err(StorageError::failed("the statement could not be finished")),
            Err(_) => Err(StorageError::Deadline),
        }
    }
}

impl std::fmt::Debug for Namespace {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter
            .debug_struct("Namespace")
            .field("path", &self.path())
            .finish_non_exhaustive()
    }
}

/// A connection, and the number of the database it is to; none: to an empty one in memory.
pub(super) struct Connection {
    id: Option<Id>,
    database: Database,
}

/// Where a connection is kept between jobs.
pub(super) type Slot = Option<Connection>;

/// A place in the tree, whether or not there is a database: what all handles on it share.
pub(super) struct Node {
    names: Vec<String>,
    parent: Option<Arc<Node>>,
    children: Mutex<HashMap<String, Weak<Node>>>,
    revision: watch::Sender<Revision>,
    writer: Arc<AsyncMutex<Slot>>,
    reader: Arc<AsyncMutex<Slot>>,
    /// Copies under way, each with a reader of its own.
    copies: Arc<AtomicUsize>,
}

/// A copy of a database under way.
pub(super) struct Copying(Arc<AtomicUsize>);

impl Drop for Copying {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

impl Node {
    /// The place of the root.
    pub(super) fn root(revision: Revision) -> Arc<Self> {
        Arc::new(Self::new(Vec::new(), None, revision))
    }

    fn new(names: Vec<String>, parent: Option<Arc<Node>>, revision: Revision) -> Self {
        Node {
            names,
            parent,
            children: Mutex::default(),
            revision: watch::Sender::new(revision),
            writer: Arc::default(),
            reader: Arc::default(),
            copies: Arc::default(),
        }
    }

    fn below(parent: &Arc<Node>, name: &str, revision: Revision) -> Arc<Self> {
        let mut children = parent.children();
        if let Some(node) = children.get(name).and_then(Weak::upgrade) {
            return node;
        }
        let mut names = parent.names.clone();
        names.push(name.to_owned());
        let node = Arc::new(Self::new(names, Some(parent.clone()), revision));
        children.insert(name.to_owned(), Arc::downgrade(&node));
        node
    }

    /// The names from the root down to here.
    pub(super) fn names(&self) -> &[String] {
        &self.names
    }

    /// Takes both connections out, to close them, if neither is in use.
    pub(super) fn take_idle(&self) -> Option<(Slot, Slot)> {
        let mut writer = self.writer.try_lock().ok()?;
        let mut reader = self.reader.try_lock().ok()?;
        Some((writer.take(), reader.take()))
    }

    fn announce(&self, shared: &Shared) -> Revision {
        let revision = shared.next_revision();
        self.revision.send_replace(revision);
        revision
    }

    /// What was here and below is gone.
    fn announce_below(&self, shared: &Shared) {
        self.announce(shared);
        let children: Vec<_> = self.children().values().filter_map(Weak::upgrade).collect();
        for child in children {
            child.announce_below(shared);
        }
    }

    fn children(&self) -> MutexGuard<'_, HashMap<String, Weak<Node>>> {
        self.children.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Node {
    fn drop(&mut self) {
        let (Some(parent), Some(name)) = (&self.parent, self.names.last()) else {
            return;
        };
        let mut children = parent.children();
        // Unless another has taken the place meanwhile.
        if children
            .get(name)
            .is_some_and(|node| node.strong_count() == 0)
        {
            children.remove(name);
        }
    }
}

async fn blocking<T: Send + 'static>(
    job: impl FnOnce() -> Result<T, StorageError> + Send + 'static,
) -> Result<T, StorageError> {
    tokio::task::spawn_blocking(job)
        .await
        .map_err(StorageError::failed)?
}
