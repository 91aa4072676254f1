//! What was compiled, by content: in memory, and in a folder, so that a town's start does not
//! compile again what the one before did.
//!
//! The folder may be deleted at any time, and shared by towns. What stands in it is believed as the
//! databases beside it are: whoever may write there owns the town. A digest only tells a file that
//! was cut off.

use std::collections::HashMap;
use std::fs;
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::SystemTime;

use sha2::{Digest, Sha256};

use super::compile::{Compiled, Options, Positions};
use crate::limits::{COMPILED_CACHE_BYTES, COMPILED_FOLDER_BYTES};

/// Tells apart what different compilers made of the same source; `build.rs` has it.
const COMPILER: &str = env!("TOWN_COMPILER");

const DIGEST_BYTES: usize = 32;

/// What came of one source: the code, and its positions in the source.
pub struct Output {
    pub compiled: Compiled,
    positions: OnceLock<Positions>,
}

/// The digest of a source, its options and the compiler.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Key([u8; DIGEST_BYTES]);

/// Both levels. Clone is a handle.
#[derive(Clone)]
pub struct CompileCache {
    shared: Arc<Shared>,
}

struct Shared {
    memory: Mutex<Memory>,
    folder: PathBuf,
    bytes_in_folder: AtomicU64,
    files_made: AtomicU64,
}

#[derive(Default)]
struct Memory {
    outputs: HashMap<Key, (u64, Arc<Output>)>,
    bytes: usize,
    uses: u64,
}

impl Output {
    pub fn new(compiled: Compiled) -> Self {
        Self {
            compiled,
            positions: OnceLock::new(),
        }
    }

    /// Where its code comes from; parsed when it is first asked for, which is after a failure.
    pub fn positions(&self) -> &Positions {
        self.positions.get_or_init(|| {
            let parsed = Positions::parse(&self.compiled.map, &self.compiled.code);
            parsed.unwrap_or_else(|error| {
                tracing::error!("the compiler made a map that is not understood: {error}");
                Positions::default()
            })
        })
    }

    // The code, its map, and the map once more as positions.
    fn weight(&self) -> usize {
        self.compiled.code.len() + 2 * self.compiled.map.len()
    }
}

impl Key {
    /// Of a source that is to be compiled so.
    pub fn new(source: &str, options: &Options) -> Self {
        let mut hash = Sha256::new();
        hash.update([options.kind as u8, u8::from(options.runs_here)]);
        for part in [
            COMPILER,
            options.jsx_import_source.as_deref().unwrap_or(""),
            source,
        ] {
            hash.update((part.len() as u64).to_le_bytes());
            hash.update(part);
        }
        Self(hash.finalize().into())
    }

    fn file_name(&self) -> String {
        self.0.iter().map(|byte| format!("{byte:02x}")).collect()
    }
}

impl CompileCache {
    /// A cache over a folder, which is made. One that cannot be made or written is reported and
    /// done without.
    pub fn new(folder: PathBuf) -> Self {
        let bytes = fs::create_dir_all(&folder).and_then(|()| trim(&folder, COMPILED_FOLDER_BYTES));
        let bytes = bytes.unwrap_or_else(|error| {
            let folder = folder.display();
            tracing::warn!("compiled code cannot be kept in {folder}: {error}");
            0
        });
        Self {
            shared: Arc::new(Shared {
                memory: Mutex::default(),
                folder,
                bytes_in_folder: AtomicU64::new(bytes),
                files_made: AtomicU64::new(0),
            }),
        }
    }

    /// What was compiled before.
    pub async fn find(&self, key: Key) -> Option<Arc<Output>> {
        if let Some(output) = self.lock().find(&key) {
            return Some(output);
        }
        let path = self.shared.folder.join(key.file_name());
        let compiled = tokio::task::spawn_blocking(move || read(&path)).await;
        let output = Arc::new(Output::new(compiled.ok()??));
        self.lock().keep(key, output.clone());
        Some(output)
    }

    /// Keeps what was compiled now.
    pub fn keep(&self, key: Key, output: Arc<Output>) {
        self.lock().keep(key, output.clone());
        let shared = self.shared.clone();
        tokio::task::spawn_blocking(move || {
            if let Err(error) = shared.write(key, &output.compiled) {
                tracing::debug!("compiled code was not kept: {error}");
            }
        });
    }

    fn lock(&self) -> MutexGuard<'_, Memory> {
        let memory = &self.shared.memory;
        memory.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Shared {
    // Others see the whole file or none.
    fn write(&self, key: Key, compiled: &Compiled) -> io::Result<()> {
        let body = postcard::to_stdvec(compiled).map_err(io::Error::other)?;
        let number = self.files_made.fetch_add(1, Ordering::Relaxed);
        let name = format!(".{}-{number}", std::process::id());
        let draft = self.folder.join(name);
        let written = fs::File::create(&draft).and_then(|mut file| {
            file.write_all(&Sha256::digest(&body))?;
            file.write_all(&body)?;
            fs::rename(&draft, self.folder.join(key.file_name()))
        });
        if written.is_err() {
            let _ = fs::remove_file(&draft);
        }
        written?;
        let bytes = (DIGEST_BYTES + body.len()) as u64;
        let before = self.bytes_in_folder.fetch_add(bytes, Ordering::Relaxed);
        if before + bytes > COMPILED_FOLDER_BYTES {
            // Further than to the bound, so that it is not done at each file from now on.
            let left = trim(&self.folder, COMPILED_FOLDER_BYTES / 4 * 3)?;
            self.bytes_in_folder.store(left, Ordering::Relaxed);
        }
        Ok(())
    }
}

impl Memory {
    fn find(&mut self, key: &Key) -> Option<Arc<Output>> {
        self.uses += 1;
        let uses = self.uses;
        let (used, output) = self.outputs.get_mut(key)?;
        *used = uses;
        Some(output.clone())
    }

    fn keep(&mut self, key: Key, output: Arc<Output>) {
        self.bytes += output.weight();
        self.uses += 1;
        if let Some((_, before)) = self.outputs.insert(key, (self.uses, output)) {
            self.bytes -= before.weight();
        }
        while self.bytes > COMPILED_CACHE_BYTES && self.outputs.len() > 1 {
            let oldest = self.outputs.iter().min_by_key(|(_, (used, _))| *used);
            let Some(oldest) = oldest.map(|(key, _)| *key) else {
                return;
            };
            if let Some((_, output)) = self.outputs.remove(&oldest) {
                self.bytes -= output.weight();
            }
        }
    }
}

fn read(path: &Path) -> Option<Compiled> {
    let bytes = fs::read(path).ok()?;
    let (digest, body) = bytes.split_at_checked(DIGEST_BYTES)?;
    let whole = Sha256::digest(body).as_slice() == digest;
    let compiled = postcard::from_bytes(body).ok();
    compiled.filter(|_| whole)
}

// Removes the oldest files until no more than `bytes_max` are left, and says how many that are.
fn trim(folder: &Path, bytes_max: u64) -> io::Result<u64> {
    let mut files: Vec<(SystemTime, u64, PathBuf)> = Vec::new();
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        // Another town may have removed it.
        let Ok(facts) = entry.metadata() else {
            continue;
        };
        files.push((facts.modified()?, facts.len(), entry.path()));
    }
    let mut bytes: u64 = files.iter().map(|(_, bytes, _)| bytes).sum();
    files.sort();
    for (_, length, path) in files {
        if bytes <= bytes_max {
            break;
        }
        let _ = fs::remove_file(path);
        bytes -= length;
    }
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::super::compile::{Options, SourceKind};
    use super::*;

    fn compiled(code: &str) -> Compiled {
        Compiled {
            code: code.into(),
            map: r#"{"mappings":"AAAA"}"#.into(),
            imports: Vec::new(),
            exports: Vec::new(),
        }
    }

    fn key(source: &str) -> Key {
        let options = Options {
            kind: SourceKind::Ts,
            jsx_import_source: None,
            runs_here: true,
        };
        Key::new(source, &options)
    }

    #[tokio::test]
    async fn what_one_cache_wrote_another_reads_and_a_damaged_file_is_nothing() {
        let folder = tempfile::tempdir().expect("a folder");
        let first = CompileCache::new(folder.path().into());
        let written = first.shared.write(key("1"), &compiled("one"));
        written.expect("it is written");
        let second = CompileCache::new(folder.path().into());
        let found = second.find(key("1")).await.expect("it is found");
        assert_eq!(found.compiled.code, "one");
        assert!(second.find(key("2")).await.is_none());

        let path = folder.path().join(key("1").file_name());
        let bytes = fs::read(&path).expect("the file");
        fs::write(&path, &bytes[..bytes.len() - 1]).expect("it is cut off");
        let third = CompileCache::new(folder.path().into());
        assert!(third.find(key("1")).await.is_none());
    }

    #[test]
    fn the_oldest_files_go_first() {
        let folder = tempfile::tempdir().expect("a folder");
        for (name, age) in [("new", 0), ("old", 100), ("older", 200)] {
            let file = fs::File::create(folder.path().join(name)).expect("a file");
            file.set_len(10).expect("a length");
            let then = SystemTime::now() - std::time::Duration::from_secs(age);
            file.set_modified(then).expect("a time");
        }
        assert_eq!(trim(folder.path(), 25).expect("trimmed"), 20);
        assert!(!folder.path().join("older").exists());
        assert_eq!(trim(folder.path(), 25).expect("trimmed"), 20);
        assert!(folder.path().join("old").exists());
    }
}
