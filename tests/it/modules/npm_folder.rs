//! What `npm ci` has installed in `tests/npm`: real packages, and Deno.

use std::path::PathBuf;

/// A path below `tests/npm/node_modules`.
pub fn installed(path: &str) -> PathBuf {
    let root = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/npm");
    let found = root.join("node_modules").join(path);
    assert!(
        found.exists(),
        "{path} is not installed: run `npm ci` in tests/npm, as scripts/test does"
    );
    found
}
