//! The secret of a folder: made at the first start, kept in a file beside the databases, for the
//! root program alone.
//!
//! It is outside every database, so that a copy of one does not open what was sealed with it.

use std::fmt::Write as _;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;

/// The variable by which the root program is given it, and by which an operator who keeps it
/// elsewhere gives it to us.
pub const VARIABLE: &str = "TOWN_SECRET";

const FILE: &str = "secret";
// As many as the keys that are derived from it.
const BYTES: usize = 32;

/// Reads the secret of a folder, which is made if there is none.
///
/// # Errors
///
/// Where the file cannot be read or written, or is empty: a secret that was lost is not replaced.
pub fn of(directory: &Path) -> io::Result<String> {
    let path = directory.join(FILE);
    match fs::read_to_string(&path) {
        Ok(text) if text.trim().is_empty() => {
            let message = format!("{} is empty", path.display());
            Err(io::Error::new(io::ErrorKind::InvalidData, message))
        }
        Ok(text) => Ok(text.trim().to_string()),
        Err(error) if error.kind() == io::ErrorKind::NotFound => make(directory),
        Err(error) => Err(error),
    }
}

fn make(directory: &Path) -> io::Result<String> {
    let bytes: [u8; BYTES] = rand::random();
    let mut secret = String::with_capacity(2 * BYTES);
    for byte in bytes {
        let _ = write!(secret, "{byte:02x}"); // A String takes everything.
    }
    put(directory, &secret)?;
    Ok(secret)
}

/// Gives a folder its secret. A crash leaves the whole file or none: it gets its name once it is on
/// the disk.
///
/// # Errors
///
/// Where the file cannot be written.
pub fn put(directory: &Path, secret: &str) -> io::Result<()> {
    let path = directory.join(FILE);
    let unfinished = path.with_extension("new");
    let mut options = OpenOptions::new();
    options.write(true).create(true).truncate(true).mode(0o600);
    let mut file = options.open(&unfinished)?;
    writeln!(file, "{secret}")?;
    file.sync_all()?;
    fs::rename(&unfinished, path)?;
    File::open(directory)?.sync_all()
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;

    #[test]
    fn a_folder_keeps_its_secret_and_shows_it_to_nobody_else() {
        let [one, other] = [(); 2].map(|()| tempfile::tempdir().expect("a folder"));
        let secret = of(one.path()).expect("made");
        assert_eq!(secret.len(), 2 * BYTES);
        assert_eq!(of(one.path()).expect("read"), secret);
        assert_ne!(of(other.path()).expect("made"), secret);
        let mode = fs::metadata(one.path().join(FILE)).expect("a file");
        assert_eq!(mode.permissions().mode() & 0o777, 0o600);
    }

    #[test]
    fn a_secret_that_was_lost_is_not_replaced() {
        let folder = tempfile::tempdir().expect("a folder");
        fs::write(folder.path().join(FILE), "\n").expect("written");
        let error = of(folder.path()).expect_err("refused");
        assert_eq!(error.kind(), io::ErrorKind::InvalidData);
    }
}
