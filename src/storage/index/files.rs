//! The files of databases: which there are, and a second list of what they are called.
//!
//! The index alone knows the names. Were it lost, or an older one put in its place, every database
//! below the root would be a number. So each name is also written to the file `below/names`, a line
//! for each database, when the index has it: what the index does not know is found again there.
//! Nothing waits for it to be on the disk, since what the index has is.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use super::Id;

/// Lines about databases that are gone, before the list is written anew.
const LINES_GONE_MAX: usize = 1000;

/// A database's number, the number of the one above it, and its name.
pub(super) type Line = (Id, Id, String);

/// Bytes of every database file, by number.
pub(super) fn files_below(below: &Path) -> io::Result<HashMap<Id, u64>> {
    let mut files = HashMap::new();
    for file in fs::read_dir(below)? {
        let file = file?;
        let name = file.file_name();
        // The log and its index, `1.db-wal` and `1.db-shm`, go with their database.
        let Some((id, _)) = name.to_str().and_then(|name| name.split_once(".db")) else {
            continue;
        };
        let Ok(id) = id.parse() else { continue };
        let bytes = files.entry(id).or_insert(0);
        if name.to_str().is_some_and(|name| name.ends_with(".db")) {
            *bytes = file.metadata()?.len();
        }
    }
    Ok(files)
}

/// Deletes the files of a database.
pub(super) fn remove_files(path: &Path) -> io::Result<()> {
    for ending in ["", "-wal", "-shm"] {
        let mut path = path.as_os_str().to_owned();
        path.push(ending);
        match fs::remove_file(&path) {
            Ok(()) => {}
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => return Err(error),
        }
    }
    Ok(())
}

/// The second list.
pub(super) struct Names {
    path: PathBuf,
}

impl Names {
    /// That of a directory of databases.
    pub(super) fn of(below: &Path) -> Self {
        Self {
            path: below.join("names"),
        }
    }

    /// All that it tells; a line that was not written to its end tells nothing.
    pub(super) fn read(&self) -> io::Result<HashMap<Id, (Id, String)>> {
        let text = match fs::read(&self.path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(HashMap::new()),
            read => read?,
        };
        let lines = text.split(|byte| *byte == b'\n');
        let lines = lines.filter_map(|line| serde_json::from_slice::<Line>(line).ok());
        Ok(lines
            .map(|(id, parent, name)| (id, (parent, name)))
            .collect())
    }

    /// Adds lines. That it cannot is no reason to refuse a database.
    pub(super) fn add(&self, lines: &[Line]) {
        let mut options = fs::OpenOptions::new();
        let opened = options.append(true).create(true).open(&self.path);
        let written = opened.and_then(|mut file| file.write_all(&text(lines)));
        if let Err(error) = written {
            tracing::warn!("{}: {error}", self.path.display());
        }
    }

    /// Writes the list anew where it lacks one of those lines, or tells of too many others.
    pub(super) fn renew(
        &self,
        known: &HashMap<Id, (Id, String)>,
        lines: &[Line],
    ) -> io::Result<()> {
        let lacks =
            |(id, parent, name): &Line| known.get(id).is_none_or(|(p, n)| (p, n) != (parent, name));
        if known.len() <= lines.len() + LINES_GONE_MAX && !lines.iter().any(lacks) {
            return Ok(());
        }
        let fresh = self.path.with_extension("new");
        let mut file = fs::File::create(&fresh)?;
        file.write_all(&text(lines))?;
        file.sync_all()?;
        fs::rename(fresh, &self.path)
    }
}

// A name may have any character, so each line is JSON.
fn text(lines: &[Line]) -> Vec<u8> {
    let mut text = Vec::new();
    for line in lines {
        if serde_json::to_writer(&mut text, line).is_ok() {
            text.push(b'\n');
        }
    }
    text
}

/// The lines of databases by their numbers, and of those above them that are not known either, from
/// the top down. Beside it the numbers whose names, or whose way up, the list does not tell.
pub(super) fn found_again(
    ids: &[Id],
    known: &HashSet<Id>,
    names: &HashMap<Id, (Id, String)>,
) -> (Vec<Line>, Vec<Id>) {
    let mut found = BTreeMap::new();
    let mut nameless = Vec::new();
    for id in ids {
        let mut way = Vec::new();
        let mut at = *id;
        // One above is older, so its number is less: no list leads in circles.
        while !known.contains(&at)
            && !found.contains_key(&at)
            && let Some((parent, name)) = names.get(&at).filter(|(parent, _)| *parent < at)
        {
            way.push((at, (at, *parent, name.clone())));
            at = *parent;
        }
        if known.contains(&at) || found.contains_key(&at) {
            found.extend(way);
        } else {
            nameless.push(*id);
        }
    }
    (found.into_values().collect(), nameless)
}
