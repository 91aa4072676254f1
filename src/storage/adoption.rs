//! Adoption: a snapshot or an archive becomes databases of the tree, all of them or none.

use std::io::{self, Read};
use std::sync::Arc;

use bytes::{Buf, Bytes};
use tokio::sync::mpsc;

use super::archive::{self, Label};
use super::namespace::Namespace;
use super::snapshot::{AbandonOnDrop, Snapshot, Staging, room_on_disk};
use super::sqlite::Leash;
use super::{Deadline, StorageError};

/// Chunks of an archive between whoever sends it and whoever writes it down.
const CHUNKS_WAITING: usize = 4;

/// What came of an import.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Imported {
    /// How many databases there are now.
    pub databases: usize,
    /// Their bytes.
    pub bytes: u64,
    /// What the archive says of itself.
    pub label: Label,
}

/// The end of an archive where its bytes go in.
pub type Chunks = mpsc::Sender<Result<Bytes, String>>;

impl Namespace {
    /// Makes this database, which must not be there yet, and those below it from a snapshot.
    pub async fn adopt(&self, snapshot: Snapshot) -> Result<Imported, StorageError> {
        let namespace = self.clone();
        let job = move || namespace.adopt_now(snapshot, Label::default());
        tokio::task::spawn_blocking(job)
            .await
            .map_err(StorageError::failed)?
    }

    /// The same from an archive, whose bytes are put into the channel that `fill` is given. Nothing
    /// of it is there until everything in it was read and looked at.
    pub async fn import<F: Future<Output = ()>>(
        &self,
        fill: impl FnOnce(Chunks) -> F,
        deadline: Deadline,
    ) -> Result<Imported, StorageError> {
        let (sender, chunks) = mpsc::channel(CHUNKS_WAITING);
        let reader = Receiving {
            chunks,
            rest: Bytes::new(),
        };
        let leash = Arc::new(Leash::until(deadline.instant()));
        let abandoning = AbandonOnDrop(leash.clone());
        let namespace = self.clone();
        let job = tokio::task::spawn_blocking(move || namespace.import_now(reader, &leash));
        let (imported, ()) = tokio::join!(job, fill(sender));
        drop(abandoning);
        imported.map_err(StorageError::failed)?
    }

    /// The same from a file.
    pub fn import_from(
        &self,
        reader: impl Read,
        deadline: Deadline,
    ) -> Result<Imported, StorageError> {
        self.import_now(reader, &Arc::new(Leash::until(deadline.instant())))
    }

    fn import_now(&self, reader: impl Read, leash: &Arc<Leash>) -> Result<Imported, StorageError> {
        let shared = self.shared();
        if shared.index.is_taken(self.path()) {
            return Err(StorageError::Exists);
        }
        let allowance = shared.index.allowance(self.path(), self.quotas());
        let staging = Staging::new(shared)?;
        room_on_disk(shared, 0)?;
        let (snapshot, label) = archive::read(reader, staging, allowance.bytes, leash)?;
        self.adopt_now(snapshot, label)
    }

    fn adopt_now(&self, snapshot: Snapshot, label: Label) -> Result<Imported, StorageError> {
        let shared = self.shared();
        for part in &snapshot.parts {
            // The names are those of databases, and not too many levels of them.
            let mut namespace = self.clone();
            for name in &part.names {
                namespace = namespace.sub(name)?;
            }
        }
        shared
            .index
            .adopt(self.path(), &snapshot.parts, self.quotas())?;
        shared.alarms.wake();
        self.announce_below();
        Ok(Imported {
            databases: snapshot.databases(),
            bytes: snapshot.bytes(),
            label,
        })
    }
}

/// Bytes that come in chunks, for who reads them one after the other.
struct Receiving {
    chunks: mpsc::Receiver<Result<Bytes, String>>,
    rest: Bytes,
}

impl Read for Receiving {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        while self.rest.is_empty() {
            match self.chunks.blocking_recv() {
                None => return Ok(0),
                Some(Ok(chunk)) => self.rest = chunk,
                Some(Err(message)) => return Err(io::Error::other(message)),
            }
        }
        let count = self.rest.len().min(into.len());
        self.rest.copy_to_slice(&mut into[..count]);
        Ok(count)
    }
}
