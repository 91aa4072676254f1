//! Overrides of the image in a folder that no kernel is serving: listed and restored without
//! loading anything of what they say.

use std::fmt::Write as _;
use std::path::Path;
use std::time::Duration;

use crate::config::OverridesAct;
use crate::image;
use crate::root::PLAIN_PREFIX;
use crate::storage::{Deadline, OpenError, StorageError, Stores, StoresOptions};

/// How long a statement may take; nothing else uses the folder.
const PATIENCE: Duration = Duration::from_mins(1);

/// What history says of a change that was made here.
const NOTE: &str = "town overrides restore";

/// Why nothing was done.
#[derive(Debug, thiserror::Error)]
pub enum RepairError {
    #[error("{0} holds no data of a town")]
    NoData(String),
    #[error(
        "the data cannot be opened: {0}\nA town that is serving it is repaired at the address of \
         its front page with {PLAIN_PREFIX}/ behind it, where it runs without what overrides the \
         image: sign in there, or call DELETE {PLAIN_PREFIX}/api/town/system/files/<path> with \
         the token of its owner. Or stop it, and repeat this command"
    )]
    Open(#[from] OpenError),
    #[error(transparent)]
    Storage(#[from] StorageError),
    #[error("{0} is not overridden; `town overrides list` shows what is")]
    NotOverridden(String),
}

/// Does what is asked, and tells of it in lines.
///
/// # Errors
///
/// Where the folder cannot be opened, or there is nothing to restore.
pub async fn run(act: OverridesAct) -> Result<String, RepairError> {
    match act {
        OverridesAct::List(folder) => list(&folder.data).await,
        OverridesAct::Restore { path, folder, .. } => restore(&folder.data, path.as_deref()).await,
    }
}

async fn list(data: &Path) -> Result<String, RepairError> {
    let overrides = open(data)?.root().overrides(deadline()).await?;
    let mut said = String::new();
    for file in &overrides {
        let now = image::hash(&file.path);
        let kind = match (&now, &file.image_hash) {
            (None, _) => "added",
            (Some(now), Some(then)) if now == then => "override",
            (Some(_), _) => "override, of another image",
        };
        let _ = writeln!(said, "{}\t{kind}", file.path);
    }
    if overrides.is_empty() {
        said.push_str("Nothing overrides the image.\n");
    }
    Ok(said)
}

async fn restore(data: &Path, path: Option<&str>) -> Result<String, RepairError> {
    let root = open(data)?.root();
    let before = root.overrides(deadline()).await?;
    let paths = before.iter().map(|file| file.path.as_str());
    let gone: Vec<&str> = paths
        .filter(|known| path.is_none_or(|path| path == *known))
        .collect();
    if let (Some(path), true) = (path, gone.is_empty()) {
        return Err(RepairError::NotOverridden(path.to_owned()));
    }
    root.restore_overrides(path, Some(NOTE), deadline()).await?;
    let said: String = gone
        .iter()
        .map(|path| format!("{path}\trestored\n"))
        .collect();
    Ok(if said.is_empty() {
        "Nothing overrides the image.\n".into()
    } else {
        said
    })
}

fn open(data: &Path) -> Result<Stores, RepairError> {
    // A mistyped path must not become an empty folder.
    if !data.join("lock").exists() {
        return Err(RepairError::NoData(data.display().to_string()));
    }
    Ok(Stores::open(data, &StoresOptions::default())?)
}

fn deadline() -> Deadline {
    Deadline::after(PATIENCE)
}
