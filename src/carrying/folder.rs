//! A whole folder as an archive, and a new folder of one: what the command line does.

use std::fs::{self, File, OpenOptions};
use std::io::{self, BufReader, BufWriter};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};
use std::time::Duration;

use super::sealing::{self, PASSPHRASE_LENGTH_MIN};
use crate::config::Carry;
use crate::image;
use crate::secret;
use crate::storage::{Deadline, Label, OpenError, StorageError, Stores, StoresOptions};

/// Nobody waits for a page here: as long as the largest town takes.
const PATIENCE: Duration = Duration::from_secs(24 * 60 * 60);

/// Why nothing was carried.
#[derive(Debug, thiserror::Error)]
pub enum CarryError {
    #[error("{0}; a town that runs gives its owner the same at /api/town/export")]
    Running(OpenError),
    #[error("{0}")]
    Open(OpenError),
    #[error("{0} is no folder of a town")]
    NoTown(PathBuf),
    #[error("{0} is not empty: a town is imported into a folder of its own")]
    NotEmpty(PathBuf),
    #[error("{0}: {1}")]
    Io(PathBuf, io::Error),
    #[error("{0}")]
    Storage(#[from] StorageError),
    #[error("the passphrase in {0} is too short: it needs {PASSPHRASE_LENGTH_MIN} characters")]
    Passphrase(PathBuf),
    #[error("the archive has a sealed secret: say where its words are, by --passphrase-file")]
    PassphraseNeeded,
    #[error("the words are not those that the secret was sealed with")]
    WrongPassphrase,
    #[error("the secret could not be sealed")]
    Sealing,
}

/// Writes a folder that no town runs on into a file; what to say of it.
///
/// # Errors
///
/// Where the folder is none or in use, or the file cannot be written.
pub async fn export_folder(carry: &Carry) -> Result<String, CarryError> {
    if !carry.data.join("main.db").is_file() {
        return Err(CarryError::NoTown(carry.data.clone()));
    }
    let passphrase = passphrase(carry)?;
    let stores = Stores::open(&carry.data, &StoresOptions::default()).map_err(|error| {
        let in_use = matches!(error, OpenError::InUse { .. });
        if in_use {
            CarryError::Running(error)
        } else {
            CarryError::Open(error)
        }
    })?;
    let note = match &passphrase {
        None => None,
        Some(words) => {
            let kept = || secret::of(&carry.data);
            let secret = carry.secret.clone().map_or_else(kept, Ok);
            let secret = secret.map_err(|error| CarryError::Io(carry.data.clone(), error))?;
            Some(sealing::seal(&secret, words).ok_or(CarryError::Sealing)?)
        }
    };
    let snapshot = stores.root().snapshot(Deadline::after(PATIENCE)).await?;
    let databases = snapshot.databases();
    let image = image::digest();
    let archive = snapshot.archive(Label { image, note })?;
    let bytes = archive.bytes();
    let at = |error| CarryError::Io(carry.file.clone(), error);
    let unfinished = unfinished(&carry.file);
    let mut options = OpenOptions::new();
    options.write(true).create(true).truncate(true).mode(0o600);
    let file = options.open(&unfinished).map_err(at)?;
    let written = archive.write(BufWriter::new(&file));
    let finished = written.and_then(|()| file.sync_all());
    let named = finished.and_then(|()| fs::rename(&unfinished, &carry.file));
    if named.is_err() {
        let _ = fs::remove_file(&unfinished); // The first error is the one to tell.
    }
    named.map_err(at)?;
    let sealed = match passphrase {
        Some(_) => "with the secret, sealed",
        None => "without the secret: keep the file `secret` of the folder beside it",
    };
    let file = carry.file.display();
    Ok(format!(
        "{databases} databases, {bytes} bytes in {file}, {sealed}"
    ))
}

/// Makes a folder of a file; what to say of it.
///
/// # Errors
///
/// Where the folder has something in it, or the file is no whole archive: then it is left empty.
pub fn import_folder(carry: &Carry) -> Result<String, CarryError> {
    let occupied = fs::read_dir(&carry.data).is_ok_and(|mut files| files.next().is_some());
    if occupied {
        return Err(CarryError::NotEmpty(carry.data.clone()));
    }
    let passphrase = passphrase(carry)?;
    let file = File::open(&carry.file);
    let file = file.map_err(|error| CarryError::Io(carry.file.clone(), error))?;
    let imported = make_folder(carry, file, passphrase.as_deref());
    if imported.is_err() {
        // Nothing was in it before.
        let _ = fs::remove_dir_all(&carry.data);
    }
    imported
}

fn make_folder(carry: &Carry, file: File, passphrase: Option<&str>) -> Result<String, CarryError> {
    let stores = Stores::open(&carry.data, &StoresOptions::default()).map_err(CarryError::Open)?;
    let root = stores.root();
    let imported = root.import_from(BufReader::new(file), Deadline::after(PATIENCE))?;
    let note = imported.label.note.unwrap_or_default();
    let secret = match (sealing::is_in(&note), passphrase) {
        (false, _) => None,
        (true, None) => return Err(CarryError::PassphraseNeeded),
        (true, Some(words)) => {
            Some(sealing::open(&note, words).ok_or(CarryError::WrongPassphrase)?)
        }
    };
    let kept = match secret {
        Some(secret) => {
            secret::put(&carry.data, &secret)
                .map_err(|error| CarryError::Io(carry.data.clone(), error))?;
            "with its secret"
        }
        None => "without its secret: put the file `secret` of the first folder there",
    };
    let (databases, bytes) = (imported.databases, imported.bytes);
    let folder = carry.data.display();
    Ok(format!(
        "{databases} databases, {bytes} bytes in {folder}, {kept}"
    ))
}

fn passphrase(carry: &Carry) -> Result<Option<String>, CarryError> {
    let Some(path) = &carry.passphrase_file else {
        return Ok(None);
    };
    let text = fs::read_to_string(path);
    let text = text.map_err(|error| CarryError::Io(path.clone(), error))?;
    let words = text.trim();
    if words.chars().count() < PASSPHRASE_LENGTH_MIN {
        return Err(CarryError::Passphrase(path.clone()));
    }
    Ok(Some(words.to_string()))
}

// A crash leaves the file that was there before.
fn unfinished(file: &Path) -> PathBuf {
    let mut name = file.as_os_str().to_owned();
    name.push(".new");
    name.into()
}
