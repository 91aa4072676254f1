//! Snapshots: copies of a database and all below it, as they were at one moment.
//!
//! While the moment is taken no database of the tree is written: every one's turn to write is held.
//! The largest are then held at that moment by a reader of their own and copied while they are
//! written again; of the others, copying takes no longer than the pause allows.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::{self, DirBuilder, File};
use std::io::{self, Read};
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Instant;

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use tokio::sync::{OwnedMutexGuard, OwnedSemaphorePermit};

use super::alarms::Row;
use super::index::Id;
use super::namespace::{Copying, Namespace, Slot};
use super::sqlite::{Database, Leash, Role};
use super::stores::Shared;
use super::{Deadline, StorageError};
use crate::limits::{SNAPSHOT_DISK_LEFT_BYTES, SNAPSHOT_PAUSE, SNAPSHOT_READERS_MAX};

/// Bytes read at a time for a digest.
const DIGEST_STEP_BYTES: usize = 256 << 10;

/// Copies of databases in a folder of their own, which goes with the value.
pub struct Snapshot {
    /// From the top down.
    pub(super) parts: Vec<Part>,
    _folder: Staging,
}

/// One database of a snapshot.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Part {
    /// The way down from the top: none for the top itself.
    pub(super) names: Vec<String>,
    /// Where the copy is; none where nothing was ever written.
    pub(super) file: Option<PathBuf>,
    /// Of the file.
    pub(super) bytes: u64,
    /// SHA-256 of the file, hexadecimal; empty where there is none.
    pub(super) sha256: String,
    /// Its alarm.
    pub(super) alarm: Option<Row>,
}

/// A database of the tree, as the index has it.
pub(super) struct Member {
    pub(super) names: Vec<String>,
    pub(super) id: Id,
    pub(super) written: bool,
    pub(super) bytes: u64,
    pub(super) alarm: Option<Row>,
}

/// A folder for files that are in no tree yet. It goes with the value.
pub(super) struct Staging {
    path: PathBuf,
    _permit: OwnedSemaphorePermit,
}

impl Staging {
    /// A new folder, unless there are too many already.
    pub(super) fn new(shared: &Shared) -> Result<Self, StorageError> {
        let permit = shared.staging.clone().try_acquire_owned();
        let permit = permit.map_err(|_| StorageError::Busy)?;
        let path = shared
            .index
            .directory()
            .join(STAGED)
            .join(shared.next_revision().to_string());
        let made = DirBuilder::new().recursive(true).mode(0o700).create(&path);
        made.map_err(StorageError::failed)?;
        Ok(Staging {
            path,
            _permit: permit,
        })
    }

    /// Where the file of that number is.
    pub(super) fn file(&self, number: usize) -> PathBuf {
        self.path.join(format!("{number}.db"))
    }
}

impl Drop for Staging {
    fn drop(&mut self) {
        if let Err(error) = fs::remove_dir_all(&self.path) {
            tracing::warn!(%error, "copies of databases could not be removed");
        }
    }
}

/// The folder of all of them, below that of the databases.
const STAGED: &str = "staged";

/// Removes what a crash has left.
pub(super) fn clear_staged(directory: &Path) -> io::Result<()> {
    match fs::remove_dir_all(directory.join(STAGED)) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}

impl Snapshot {
    /// Of parts that were staged.
    pub(super) fn of(parts: Vec<Part>, folder: Staging) -> Self {
        Snapshot {
            parts,
            _folder: folder,
        }
    }

    /// How many databases there are.
    pub fn databases(&self) -> usize {
        self.parts.len()
    }

    /// Bytes of all of them.
    pub fn bytes(&self) -> u64 {
        self.parts.iter().map(|part| part.bytes).sum()
    }
}

/// What a copy leaves out.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Selection {
    /// Databases directly below the top, with all below them.
    pub without: BTreeSet<String>,
    /// All alarms: the copy is not called until it sets some itself.
    pub silent: bool,
}

impl Selection {
    fn has(&self, names: &[String]) -> bool {
        names
            .first()
            .is_none_or(|name| !self.without.contains(name))
    }
}

/// The turns to write that are held, by the way down to the database of each.
type Turns = BTreeMap<Vec<String>, OwnedMutexGuard<Slot>>;

/// What a moment is made of.
struct Moment {
    members: Vec<Member>,
    turns: Turns,
    copying: Vec<Copying>,
}

impl Namespace {
    /// Copies this database and all below it as they are at one moment. Alarms are those of that
    /// moment too. Dropping the future gives up.
    pub async fn snapshot(&self, deadline: Deadline) -> Result<Snapshot, StorageError> {
        self.snapshot_of(&Selection::default(), deadline).await
    }

    /// The same of what is selected.
    pub async fn snapshot_of(
        &self,
        selection: &Selection,
        deadline: Deadline,
    ) -> Result<Snapshot, StorageError> {
        let staging = Staging::new(self.shared())?;
        let moment = self.moment(selection, deadline).await?;
        let bytes = moment.members.iter().map(|member| member.bytes).sum();
        room_on_disk(self.shared(), bytes)?;
        let leash = Arc::new(Leash::until(deadline.instant()));
        let abandoning = AbandonOnDrop(leash.clone());
        let shared = self.shared().clone();
        let job = move || copy_all(&shared, staging, moment, &leash);
        let snapshot = tokio::task::spawn_blocking(job).await;
        drop(abandoning);
        snapshot.map_err(StorageError::failed)?
    }

    // The turn to write of every database there is, so that none is written. One that is made
    // meanwhile is waited for as well; one that is made after the last look is not of the moment,
    // and nothing that is can have heard of it.
    async fn moment(
        &self,
        selection: &Selection,
        deadline: Deadline,
    ) -> Result<Moment, StorageError> {
        let until = deadline.instant().min(Instant::now() + SNAPSHOT_PAUSE);
        let mut turns = Turns::new();
        let mut copying = Vec::new();
        loop {
            let mut members = self.shared().index.members(self.path());
            members.retain(|member| selection.has(&member.names));
            if selection.silent {
                members.iter_mut().for_each(|member| member.alarm = None);
            }
            let mut missing: Vec<Vec<String>> = members
                .iter()
                .filter(|member| !turns.contains_key(&member.names))
                .map(|member| member.names.clone())
                .collect();
            if missing.is_empty() {
                return Ok(Moment {
                    members,
                    turns,
                    copying,
                });
            }
            // In one order, lest two wait for each other.
            missing.sort();
            for names in missing {
                let mut namespace = self.clone();
                for name in &names {
                    namespace = namespace.sub(name)?;
                }
                copying.push(namespace.copying());
                let turn = tokio::time::timeout_at(until.into(), namespace.writing_turn()).await;
                turns.insert(names, turn.map_err(|_| StorageError::Deadline)?);
            }
        }
    }
}

fn copy_all(
    shared: &Shared,
    staging: Staging,
    moment: Moment,
    leash: &Arc<Leash>,
) -> Result<Snapshot, StorageError> {
    let Moment {
        members,
        turns,
        copying,
    } = moment;
    let mut largest: Vec<usize> = (0..members.len())
        .filter(|number| members[*number].written)
        .collect();
    largest.sort_by_key(|number| std::cmp::Reverse(members[*number].bytes));
    let (held, at_once) = largest.split_at(largest.len().min(SNAPSHOT_READERS_MAX));
    let mut readers = Vec::with_capacity(held.len());
    for number in held {
        let file = shared.index.file(members[*number].id);
        let reader = Database::open(&file, Role::Reader)?;
        reader.hold_moment()?;
        readers.push((*number, reader));
    }
    for number in at_once {
        let file = shared.index.file(members[*number].id);
        let reader = Database::open(&file, Role::Reader)?;
        reader.copy_to(&staging.file(*number), leash)?;
    }
    // Whoever writes may go on: what is left to copy is held.
    drop(turns);
    for (number, reader) in readers {
        reader.copy_to(&staging.file(number), leash)?;
    }
    drop(copying);
    let mut parts = Vec::with_capacity(members.len());
    for (number, member) in members.into_iter().enumerate() {
        let file = member.written.then(|| staging.file(number));
        let (bytes, sha256) = match &file {
            Some(file) => digest(file, leash)?,
            None => (0, String::new()),
        };
        parts.push(Part {
            names: member.names,
            file,
            bytes,
            sha256,
            alarm: member.alarm,
        });
    }
    Ok(Snapshot::of(parts, staging))
}

fn digest(path: &Path, leash: &Leash) -> Result<(u64, String), StorageError> {
    let mut file = File::open(path).map_err(StorageError::failed)?;
    let mut digest = Sha256::new();
    let mut bytes = vec![0; DIGEST_STEP_BYTES];
    let mut length = 0;
    loop {
        let count = file.read(&mut bytes).map_err(StorageError::failed)?;
        if count == 0 {
            return Ok((length, hexadecimal(&digest.finalize())));
        }
        if leash.has_ended() {
            return Err(StorageError::Deadline);
        }
        digest.update(&bytes[..count]);
        length += count as u64;
    }
}

/// Bytes as text.
pub(super) fn hexadecimal(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Copies take the disk's room before any quota knows of them.
pub(super) fn room_on_disk(shared: &Shared, bytes: u64) -> Result<(), StorageError> {
    let disk = nix::sys::statvfs::statvfs(shared.index.directory());
    let free = disk.map_or(u64::MAX, |disk| {
        disk.blocks_available() * disk.fragment_size()
    });
    if free < bytes.saturating_add(SNAPSHOT_DISK_LEFT_BYTES) {
        return Err(StorageError::failed("the disk has no room for a copy"));
    }
    Ok(())
}

/// Ends a job when nobody waits for it any more.
pub(super) struct AbandonOnDrop(pub(super) Arc<Leash>);

impl Drop for AbandonOnDrop {
    fn drop(&mut self) {
        self.0.abandon();
    }
}
