//! The image: the bootstrap files compiled into the binary, read-only.
//!
//! Who develops them may have them read from a folder instead, again after each change.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::{LazyLock, PoisonError, RwLock};
use std::time::SystemTime;
use std::{fs, io};

use sha2::{Digest, Sha256};

include!(concat!(env!("OUT_DIR"), "/image.rs"));

/// Where its files are imported from: `town:system/<path>`.
pub const SCHEME: &str = "town:system/";

// Names are read in the order of paths, and rarely change: a map that is shared whole.
type Files = BTreeMap<&'static str, &'static [u8]>;

static FILES_IN_FORCE: LazyLock<RwLock<&'static Files>> =
    LazyLock::new(|| RwLock::new(Box::leak(Box::new(FILES.iter().copied().collect()))));

fn files() -> &'static Files {
    *FILES_IN_FORCE
        .read()
        .unwrap_or_else(PoisonError::into_inner)
}

/// The text of a file; `None` also where it is no text.
pub fn file(path: &str) -> Option<&'static str> {
    std::str::from_utf8(bytes(path)?).ok()
}

/// The bytes of a file.
pub fn bytes(path: &str) -> Option<&'static [u8]> {
    files().get(path).copied()
}

/// All paths, sorted.
pub fn paths() -> impl Iterator<Item = &'static str> {
    files().keys().copied()
}

/// The content hash of a file, hexadecimal.
pub fn hash(path: &str) -> Option<String> {
    let digest = Sha256::digest(bytes(path)?);
    Some(digest.iter().map(|byte| format!("{byte:02x}")).collect())
}

/// The digest of all of them, hexadecimal: what an image is known by.
pub fn digest() -> String {
    let mut digest = Sha256::new();
    for (path, bytes) in files() {
        // Lengths, lest one list of files read like another.
        digest.update(path.len().to_le_bytes());
        digest.update(path);
        digest.update(bytes.len().to_le_bytes());
        digest.update(bytes);
    }
    let digest = digest.finalize();
    digest.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// A folder that stands for the image.
#[derive(Debug)]
pub struct Folder {
    path: PathBuf,
    // Paths, times and sizes when it was last read.
    seen: Vec<(PathBuf, SystemTime, u64)>,
}

impl Folder {
    /// Reads a folder in the place of the image.
    ///
    /// # Errors
    ///
    /// Where it cannot be read, or has no `main.ts`.
    pub fn open(path: PathBuf) -> io::Result<Self> {
        if !path.join("main.ts").is_file() {
            let message = format!("{} has no main.ts", path.display());
            return Err(io::Error::new(io::ErrorKind::NotFound, message));
        }
        let mut folder = Self {
            path,
            seen: Vec::new(),
        };
        folder.refresh()?;
        Ok(folder)
    }

    /// Reads it again where something in it has changed; says whether. What was read before stays
    /// in memory, so this is for development.
    pub fn refresh(&mut self) -> io::Result<bool> {
        let mut now = Vec::new();
        walk(&self.path, &mut now)?;
        now.sort();
        if now == self.seen {
            return Ok(false);
        }
        let mut files = Files::new();
        for (path, ..) in &now {
            let Some(name) = path.strip_prefix(&self.path).ok().and_then(Path::to_str) else {
                continue;
            };
            files.insert(
                Box::leak(name.into()),
                Box::leak(fs::read(path)?.into_boxed_slice()),
            );
        }
        *FILES_IN_FORCE
            .write()
            .unwrap_or_else(PoisonError::into_inner) = Box::leak(Box::new(files));
        self.seen = now;
        Ok(true)
    }
}

fn walk(folder: &Path, found: &mut Vec<(PathBuf, SystemTime, u64)>) -> io::Result<()> {
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        let name = entry.file_name();
        if name.to_string_lossy().starts_with('.') || name == "node_modules" {
            continue;
        }
        let about = entry.metadata()?;
        if about.is_dir() {
            walk(&entry.path(), found)?;
        } else {
            found.push((entry.path(), about.modified()?, about.len()));
        }
    }
    Ok(())
}
