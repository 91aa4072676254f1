//! The image: the bootstrap files compiled into the binary, read-only.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use sha2::{Digest, Sha256};

include!(concat!(env!("OUT_DIR"), "/image.rs"));

/// Where its files are imported from: `town:system/<path>`.
pub const SCHEME: &str = "town:system/";

static BY_PATH: LazyLock<BTreeMap<&'static str, &'static str>> =
    LazyLock::new(|| FILES.iter().copied().collect());

/// The text of a file.
pub fn file(path: &str) -> Option<&'static str> {
    BY_PATH.get(path).copied()
}

/// All paths, sorted.
pub fn paths() -> impl Iterator<Item = &'static str> {
    BY_PATH.keys().copied()
}

/// The content hash of a file, hexadecimal.
pub fn hash(path: &str) -> Option<String> {
    let digest = Sha256::digest(file(path)?);
    Some(digest.iter().map(|byte| format!("{byte:02x}")).collect())
}
