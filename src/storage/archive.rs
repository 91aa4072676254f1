//! An archive: the databases of a snapshot in one file, as plain tar, with a manifest before them.
//!
//! `tar xf` and `sqlite3` open one, and its digests can be compared by anybody. One from elsewhere
//! is believed in nothing: it is read as a stream, in the order and the sizes that its manifest
//! says, into files whose names are numbers of ours.

use std::fs::{File, OpenOptions};
use std::io::{self, Read, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::sync::Arc;

use bytes::Bytes;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use tar::{Archive, Builder, EntryType, Header};
use tokio::sync::mpsc;
use tokio::time::Instant;

use super::StorageError;
use super::alarms::Row;
use super::snapshot::{Part, Snapshot, Staging, hexadecimal};
use super::sqlite::{Database, Leash};
use crate::limits::{
    ARCHIVE_NOTE_BYTES_MAX, MANIFEST_BYTES_MAX, NAMESPACE_BYTES, SNAPSHOT_LIFETIME,
};

const KIND: &str = "town archive";
/// Goes up when older binaries could not read it.
const FORMAT: u32 = 1;
const MANIFEST: &str = "manifest.json";
/// Bytes of a tar archive come in blocks.
const BLOCK: u64 = 512;
/// Bytes of one chunk on its way.
const CHUNK_BYTES: usize = 64 << 10;
/// Chunks between whoever reads the files and whoever sends them.
const CHUNKS_WAITING: usize = 4;
/// Entries that are of no consequence, such as folders: somebody has packed it anew.
const ODDITIES_MAX: u32 = 1000;

/// What an archive says of itself, beside its databases.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Label {
    /// Digest of the image of who made it.
    pub image: String,
    /// A text that travels along: whoever makes the archive writes it for whoever takes it.
    pub note: Option<String>,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Manifest {
    kind: String,
    format: u32,
    /// Milliseconds since 1970.
    created_at: u64,
    image: String,
    note: Option<String>,
    databases: Vec<Listed>,
}

#[derive(Serialize, Deserialize)]
struct Listed {
    names: Vec<String>,
    /// Absent where the database only has an alarm, or others below it.
    file: Option<String>,
    bytes: u64,
    sha256: String,
    alarm: Option<ListedAlarm>,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct ListedAlarm {
    due_at: i64,
    scheduled_at: i64,
    retries: u32,
}

/// A snapshot that can be written as an archive.
pub struct Writing {
    snapshot: Snapshot,
    manifest: Vec<u8>,
}

impl Snapshot {
    /// The snapshot as an archive.
    pub fn archive(self, label: Label) -> Result<Writing, StorageError> {
        let created_at = std::time::SystemTime::now()
            .duration_since(std::time::UNIX_EPOCH)
            .map_or(0, |since| u64::try_from(since.as_millis()).unwrap_or(0));
        let databases = self.parts.iter().enumerate();
        let manifest = Manifest {
            kind: KIND.into(),
            format: FORMAT,
            created_at,
            image: label.image,
            note: label.note,
            databases: databases
                .map(|(number, part)| listed(number, part))
                .collect(),
        };
        let manifest = serde_json::to_vec_pretty(&manifest).map_err(StorageError::failed)?;
        Ok(Writing {
            snapshot: self,
            manifest,
        })
    }
}

fn listed(number: usize, part: &Part) -> Listed {
    Listed {
        names: part.names.clone(),
        file: part.file.is_some().then(|| file_name(number)),
        bytes: part.bytes,
        sha256: part.sha256.clone(),
        alarm: part
            .alarm
            .map(|(due_at, scheduled_at, retries)| ListedAlarm {
                due_at,
                scheduled_at,
                retries,
            }),
    }
}

fn file_name(number: usize) -> String {
    format!("databases/{number}.db")
}

impl Writing {
    /// How many bytes the archive has.
    pub fn bytes(&self) -> u64 {
        let in_blocks = |bytes: u64| BLOCK + bytes.div_ceil(BLOCK) * BLOCK;
        let files = self.snapshot.parts.iter();
        let files = files.filter(|part| part.file.is_some());
        let files: u64 = files.map(|part| in_blocks(part.bytes)).sum();
        in_blocks(self.manifest.len() as u64) + files + 2 * BLOCK
    }

    /// Writes it.
    pub fn write(self, to: impl Write) -> io::Result<()> {
        let mut builder = Builder::new(to);
        builder.append_data(
            &mut header(self.manifest.len() as u64),
            MANIFEST,
            &self.manifest[..],
        )?;
        for (number, part) in self.snapshot.parts.iter().enumerate() {
            let Some(path) = &part.file else { continue };
            let file = File::open(path)?;
            builder.append_data(&mut header(part.bytes), file_name(number), file)?;
        }
        builder.into_inner()?.flush()
    }

    /// Writes it piece by piece, as fast as somebody takes the pieces, and not for ever.
    pub fn stream(self) -> mpsc::Receiver<Result<Bytes, String>> {
        let (chunks, receiver) = mpsc::channel(CHUNKS_WAITING);
        tokio::task::spawn_blocking(move || {
            let sending = Sending {
                chunks: chunks.clone(),
                until: Instant::now() + SNAPSHOT_LIFETIME,
                runtime: tokio::runtime::Handle::current(),
            };
            let buffered = io::BufWriter::with_capacity(CHUNK_BYTES, sending);
            if let Err(error) = self.write(buffered) {
                // Whoever took it has gone, or hears why there is no more.
                let _ = chunks.try_send(Err(error.to_string()));
            }
        });
        receiver
    }
}

fn header(bytes: u64) -> Header {
    let mut header = Header::new_gnu();
    header.set_size(bytes);
    header.set_mode(0o600);
    header.set_entry_type(EntryType::Regular);
    header
}

struct Sending {
    chunks: mpsc::Sender<Result<Bytes, String>>,
    until: Instant,
    runtime: tokio::runtime::Handle,
}

impl Write for Sending {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let some = &bytes[..bytes.len().min(CHUNK_BYTES)];
        let sent = self.chunks.send(Ok(Bytes::copy_from_slice(some)));
        let sent = self
            .runtime
            .block_on(async { tokio::time::timeout_at(self.until, sent).await });
        match sent {
            Ok(Ok(())) => Ok(some.len()),
            Ok(Err(_)) => Err(io::ErrorKind::BrokenPipe.into()),
            Err(_) => Err(io::ErrorKind::TimedOut.into()),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Reads an archive from elsewhere into a folder, and looks at everything in it. `bytes_max`: what
/// there is room for.
pub(super) fn read(
    archive: impl Read,
    staging: Staging,
    bytes_max: u64,
    leash: &Arc<Leash>,
) -> Result<(Snapshot, Label), StorageError> {
    let mut archive = Archive::new(archive);
    // Raw: extensions of tar, which would be read into memory whole, are entries like others.
    let entries = archive.entries().map_err(unreadable)?.raw(true);
    let mut manifest: Option<Manifest> = None;
    let mut parts: Vec<Part> = Vec::new();
    let mut next = 0;
    let mut oddities = 0;
    for entry in entries {
        let mut entry = entry.map_err(unreadable)?;
        if leash.has_ended() {
            return Err(StorageError::Deadline);
        }
        let path = entry.path_bytes().into_owned();
        let path = path.strip_prefix(b"./").unwrap_or(&path).to_vec();
        let kind = entry.header().entry_type();
        if !kind.is_file() {
            oddities += 1;
            if oddities > ODDITIES_MAX || entry.size() > BLOCK * BLOCK {
                return Err(fault("there is more in it than databases"));
            }
            continue;
        }
        let Some(manifest) = &manifest else {
            if path != MANIFEST.as_bytes() {
                return Err(fault("it does not begin with manifest.json"));
            }
            let read = read_manifest(&mut entry)?;
            parts = check(&read, bytes_max)?;
            manifest = Some(read);
            continue;
        };
        while manifest
            .databases
            .get(next)
            .is_some_and(|listed| listed.file.is_none())
        {
            next += 1;
        }
        let Some(part) = parts.get_mut(next) else {
            return Err(fault("there is more in it than its manifest says"));
        };
        let listed = manifest.databases[next].file.as_deref();
        if listed.map(str::as_bytes) != Some(&path[..]) || entry.size() != part.bytes {
            return Err(fault(
                "its files are not those of its manifest, in that order",
            ));
        }
        let file = staging.file(next);
        take(&mut entry, part, &file, leash)?;
        part.file = Some(file);
        next += 1;
    }
    let Some(manifest) = manifest else {
        return Err(fault("it is empty"));
    };
    let missing = manifest.databases.iter().zip(&parts);
    if missing
        .into_iter()
        .any(|(listed, part)| listed.file.is_some() && part.file.is_none())
    {
        return Err(fault("it ends too early"));
    }
    for part in &parts {
        if let Some(file) = &part.file {
            Database::examine(file, leash)?;
        }
    }
    let label = Label {
        image: manifest.image,
        note: manifest.note,
    };
    Ok((Snapshot::of(parts, staging), label))
}

fn read_manifest(entry: &mut impl Read) -> Result<Manifest, StorageError> {
    let mut text = Vec::new();
    let mut bounded = entry.take(MANIFEST_BYTES_MAX + 1);
    bounded.read_to_end(&mut text).map_err(unreadable)?;
    if text.len() as u64 > MANIFEST_BYTES_MAX {
        return Err(fault("its manifest is too long"));
    }
    // The format before all else: a newer manifest may have another shape.
    #[derive(Deserialize)]
    struct Known {
        kind: String,
        format: u32,
    }
    let known: Known =
        serde_json::from_slice(&text).map_err(|_| fault("it has no manifest of a town"))?;
    if known.kind != KIND {
        return Err(fault("it has no manifest of a town"));
    }
    if known.format > FORMAT {
        return Err(fault("a newer town has made it: upgrade this one first"));
    }
    let manifest = serde_json::from_slice(&text);
    manifest.map_err(|error| fault(&format!("its manifest cannot be read: {error}")))
}

// The databases as the manifest has them, before any of their bytes are taken.
fn check(manifest: &Manifest, bytes_max: u64) -> Result<Vec<Part>, StorageError> {
    let mut bytes = 0u64;
    let mut known = std::collections::HashSet::new();
    let mut parts = Vec::with_capacity(manifest.databases.len());
    if manifest.note.as_ref().map_or(0, String::len) > ARCHIVE_NOTE_BYTES_MAX {
        return Err(fault("the text in its manifest is too long"));
    }
    for (number, listed) in manifest.databases.iter().enumerate() {
        let names = &listed.names;
        let in_place = match names.split_last() {
            None => number == 0,
            Some((_, above)) => number > 0 && known.contains(above),
        };
        if !in_place || !known.insert(names.clone()) {
            return Err(fault("its databases are not in order"));
        }
        let named = listed.file.as_ref();
        if named.is_some_and(|file| *file != file_name(number)) {
            return Err(fault(
                "a file in its manifest has another name than its number",
            ));
        }
        let size = if named.is_some() { listed.bytes } else { 0 };
        bytes = bytes.saturating_add(size).saturating_add(NAMESPACE_BYTES);
        let alarm = listed.alarm.as_ref();
        parts.push(Part {
            names: names.clone(),
            file: None,
            bytes: size,
            sha256: listed.sha256.clone(),
            alarm: alarm.map(|alarm| -> Row { (alarm.due_at, alarm.scheduled_at, alarm.retries) }),
        });
    }
    if parts.is_empty() {
        return Err(fault("its manifest names no database"));
    }
    if bytes > bytes_max {
        return Err(StorageError::Quota { bytes_max });
    }
    Ok(parts)
}

fn take(
    entry: &mut impl Read,
    part: &Part,
    path: &std::path::Path,
    leash: &Leash,
) -> Result<(), StorageError> {
    let mut options = OpenOptions::new();
    options.write(true).create_new(true).mode(0o600);
    let mut file = options.open(path).map_err(StorageError::failed)?;
    let mut digest = Sha256::new();
    let mut chunk = vec![0; CHUNK_BYTES];
    let mut left = part.bytes;
    while left > 0 {
        let count = entry.read(&mut chunk).map_err(unreadable)?;
        if count == 0 {
            return Err(fault("it ends too early"));
        }
        if leash.has_ended() {
            return Err(StorageError::Deadline);
        }
        digest.update(&chunk[..count]);
        file.write_all(&chunk[..count])
            .map_err(StorageError::failed)?;
        left = left.saturating_sub(count as u64);
    }
    if hexadecimal(&digest.finalize()) != part.sha256 {
        return Err(fault("a file has another digest than its manifest says"));
    }
    Ok(())
}

fn unreadable(error: io::Error) -> StorageError {
    fault(&format!("it cannot be read: {error}"))
}

fn fault(message: &str) -> StorageError {
    StorageError::Archive {
        message: message.to_string(),
    }
}
