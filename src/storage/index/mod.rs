//! The index: which databases there are, how they are called, how many bytes they have, their
//! alarms.
//!
//! Names live in the index and never in paths, because SQLite opens no path longer than 504 bytes
//! and 32 names of 64 bytes are more. So a file's name is a number that is never used twice, no
//! name can reach anywhere, and dropping a whole tree is one transaction. What is here is also held
//! in memory: about 200 bytes a database, all of it read at opening.

mod files;
mod tree;

use std::collections::HashMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use self::files::{Line, Names, files_below, found_again, remove_files};
use self::tree::Tree;
use super::alarms::{self, Timetable};
use super::quota::{Allowance, Quotas};
use super::snapshot::{Member, Part};
use super::sqlite::{Database, Leash, PAGE_BYTES, Role};
use super::{BatchMode, OpenError, SqlValue, Statement, StorageError};
use crate::limits::{NAMESPACE_BYTES, SUBS_LISTED_MAX};

/// Number of a database. The root's is 0; a number is never used again.
pub(super) type Id = i64;
/// The root's number.
const ROOT: Id = 0;
/// How long the index's own statements may take: they are few and small.
const INDEX_DEADLINE: Duration = Duration::from_secs(60);
/// Numbers in one statement: their text stays below a megabyte.
const IDS_PER_STATEMENT: usize = 50_000;

const SCHEMA: &str = "
    CREATE TABLE IF NOT EXISTS databases (
        id INTEGER PRIMARY KEY AUTOINCREMENT,
        parent INTEGER NOT NULL,
        name TEXT NOT NULL,
        UNIQUE (parent, name)
    ) STRICT";
const ALARMS_SCHEMA: &str = "
    CREATE TABLE IF NOT EXISTS alarms (
        id INTEGER PRIMARY KEY,
        due_ms INTEGER NOT NULL,
        scheduled_ms INTEGER NOT NULL,
        retries INTEGER NOT NULL
    ) STRICT";

/// See the module. Locks are taken in the order of the fields.
pub(super) struct Index {
    directory: PathBuf,
    /// What databases are called, again.
    names: Names,
    /// The index on disk. Held while it is changed, so that changes come one after the other.
    database: Mutex<Database>,
    /// The same in memory. Held for moments only.
    tree: Mutex<Tree>,
    /// The alarms in memory.
    timetable: Mutex<Timetable>,
}

/// A database as the index knows it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Place {
    /// Its number.
    pub(super) id: Id,
    /// Whether it has a file. One that only has an alarm or databases below it has none.
    pub(super) written: bool,
}

impl Index {
    /// Reads the index of a directory, and removes the files of databases it no longer has.
    pub(super) fn open(directory: &Path) -> Result<Self, OpenError> {
        let path = directory.join("index.db");
        let in_index = |source| OpenError::Index {
            path: path.clone(),
            source,
        };
        let mut database = Database::open(&path, Role::Kernel).map_err(in_index)?;
        change(
            &mut database,
            &[Statement::new(SCHEMA), Statement::new(ALARMS_SCHEMA)],
        )
        .map_err(in_index)?;
        let below = directory.join("below");
        let in_files = |source| OpenError::Io {
            path: below.clone(),
            source,
        };
        let files = files_below(&below).map_err(in_files)?;
        let names = Names::of(&below);
        let known = names.read().map_err(in_files)?;
        let mut lines = lines_of(&mut database).map_err(in_index)?;
        let latest = latest_number(&mut database).map_err(in_index)?;
        // Numbers that the index has not given, so it is not the one that these files are of; or
        // files that were moved in when the process ended.
        let strange: Vec<Id> = files.keys().copied().filter(|id| *id > latest).collect();
        if !strange.is_empty() {
            let ids = lines.iter().map(|(id, ..)| *id).chain([ROOT]).collect();
            let (found, nameless) = found_again(&strange, &ids, &known);
            if latest == 0 && !nameless.is_empty() {
                let databases = nameless.len();
                return Err(OpenError::Nameless { path, databases });
            }
            if !found.is_empty() {
                let entries = found
                    .iter()
                    .map(|(id, above, name)| entry(*id, *above, name));
                change(&mut database, &entries.collect::<Vec<_>>()).map_err(in_index)?;
                tracing::warn!(
                    "{} did not know {} databases: they are as before, without their alarms",
                    path.display(),
                    found.len(),
                );
            }
            lines.extend(found);
        }
        names.renew(&known, &lines).map_err(in_files)?;
        let alarms = select(
            &mut database,
            "SELECT id, due_ms, scheduled_ms, retries FROM alarms ORDER BY id",
        )
        .map_err(in_index)?;

        let mut tree = Tree::new();
        // A database is always newer than the one above it, so parents come first.
        for (id, parent, name) in &lines {
            tree.add(*id, *parent, name);
        }
        for id in files.keys().filter(|id| !tree.entries.contains_key(id)) {
            remove_files(&below.join(format!("{id}.db"))).map_err(in_files)?;
        }
        for (id, bytes) in files {
            tree.measure(id, bytes);
        }
        if let Ok(metadata) = fs::metadata(directory.join("main.db")) {
            tree.measure(ROOT, metadata.len());
        }
        let timetable = Timetable::read(alarms);
        Ok(Index {
            directory: directory.to_owned(),
            names,
            database: Mutex::new(database),
            tree: Mutex::new(tree),
            timetable: Mutex::new(timetable),
        })
    }

    /// Where the database's file is.
    pub(super) fn file(&self, id: Id) -> PathBuf {
        if id == ROOT {
            return self.directory.join("main.db");
        }
        self.directory.join("below").join(format!("{id}.db"))
    }

    /// The directory of all files.
    pub(super) fn directory(&self) -> &Path {
        &self.directory
    }

    /// The database of those names, if there is one.
    pub(super) fn find(&self, names: &[String]) -> Option<Place> {
        let tree = self.tree();
        let (found, id) = tree.descend(names);
        (found == names.len()).then(|| Place {
            id,
            written: tree.entries[&id].written,
        })
    }

    /// The database of those names; it and those above it are made if there are none.
    pub(super) fn create(&self, names: &[String], quotas: &Quotas) -> Result<Id, StorageError> {
        let mut database = self.database();
        let (found, above) = self.tree().descend(names);
        let missing = &names[found..];
        if missing.is_empty() {
            return Ok(above);
        }
        let allowance = self.allowance(names, quotas);
        if allowance.bytes < NAMESPACE_BYTES * missing.len() as u64 {
            return Err(StorageError::Quota {
                bytes_max: allowance.bytes_max,
            });
        }
        let mut statements = Vec::with_capacity(missing.len());
        for (number, name) in missing.iter().enumerate() {
            let name = SqlValue::Text(name.clone());
            statements.push(if number == 0 {
                Statement::with(
                    "INSERT INTO databases (parent, name) VALUES (?, ?) RETURNING id",
                    [SqlValue::Integer(above), name],
                )
            } else {
                Statement::with(
                    "INSERT INTO databases (parent, name) VALUES (last_insert_rowid(), ?) \
                     RETURNING id",
                    [name],
                )
            });
        }
        let rows = change(&mut database, &statements)?;
        let mut tree = self.tree();
        let mut lines = Vec::with_capacity(missing.len());
        let mut parent = above;
        for (row, name) in rows.iter().zip(missing) {
            let [SqlValue::Integer(id)] = &row[..] else {
                return Err(StorageError::failed("the index gave no number"));
            };
            tree.add(*id, parent, name);
            lines.push((*id, parent, name.clone()));
            parent = *id;
        }
        drop(tree);
        self.names.add(&lines);
        Ok(parent)
    }

    /// Forgets the database of those names and all below it, with their alarms, and deletes their
    /// files.
    pub(super) fn forget(&self, names: &[String]) -> Result<(), StorageError> {
        let mut database = self.database();
        let (found, id) = self.tree().descend(names);
        if found < names.len() || id == ROOT {
            return Ok(());
        }
        let ids = self.tree().subtree(id);
        let mut statements = Vec::new();
        for some in ids.chunks(IDS_PER_STATEMENT) {
            let list = some.iter().map(Id::to_string).collect::<Vec<_>>().join(",");
            for table in ["databases", "alarms"] {
                statements.push(Statement::with(
                    format!("DELETE FROM {table} WHERE id IN (SELECT value FROM json_each(?))"),
                    [SqlValue::Text(format!("[{list}]"))],
                ));
            }
        }
        change(&mut database, &statements)?;
        self.tree().remove(id, &ids);
        self.timetable().forget(&ids);
        for id in ids {
            remove_files(&self.file(id)).map_err(StorageError::failed)?;
        }
        Ok(())
    }

    /// The database of those names and all below it, from the top down. One that is not there yet
    /// is one without anything in it.
    pub(super) fn members(&self, names: &[String]) -> Vec<Member> {
        let tree = self.tree();
        let timetable = self.timetable();
        let (found, top) = tree.descend(names);
        if found < names.len() {
            return vec![Member {
                names: Vec::new(),
                id: ROOT,
                written: false,
                bytes: 0,
                alarm: None,
            }];
        }
        let mut members = Vec::new();
        let mut waiting = std::collections::VecDeque::from([(Vec::new(), top)]);
        while let Some((names, id)) = waiting.pop_front() {
            let entry = &tree.entries[&id];
            for (name, child) in &entry.children {
                let mut below: Vec<String> = names.clone();
                below.push(name.clone());
                waiting.push_back((below, *child));
            }
            members.push(Member {
                names,
                id,
                written: entry.written,
                bytes: entry.bytes,
                alarm: timetable.row(id),
            });
        }
        members
    }

    /// Whether there is anything by those names.
    pub(super) fn is_taken(&self, names: &[String]) -> bool {
        let tree = self.tree();
        let (found, id) = tree.descend(names);
        let entry = &tree.entries[&id];
        // The root always is there.
        found == names.len() && (id != ROOT || entry.written || !entry.children.is_empty())
    }

    /// Makes databases of files: the first one gets those names, the others are below it. The files
    /// are moved; all of them are there afterwards, or none.
    pub(super) fn adopt(
        &self,
        names: &[String],
        parts: &[Part],
        quotas: &Quotas,
    ) -> Result<(), StorageError> {
        if let Some((_, above)) = names.split_last() {
            self.create(above, quotas)?;
        }
        let mut database = self.database();
        if self.is_taken(names) {
            return Err(StorageError::Exists);
        }
        let bytes: u64 = parts.iter().map(|part| NAMESPACE_BYTES + part.bytes).sum();
        let allowance = self.allowance(names, quotas);
        if bytes > allowance.bytes {
            return Err(StorageError::Quota {
                bytes_max: allowance.bytes_max,
            });
        }
        let numbered = self.numbered(&mut database, names, parts)?;
        let outcome = self
            .move_in(&numbered)
            .and_then(|()| change(&mut database, &entries_of(&numbered)).map(drop));
        if let Err(error) = outcome {
            for (id, ..) in &numbered {
                // Files without an entry are removed at the next start, too.
                let _ = remove_files(&self.file(*id));
            }
            return Err(error);
        }
        let lines = numbered.iter().filter(|(id, ..)| *id != ROOT);
        let lines: Vec<Line> = lines
            .map(|(id, above, name, _)| (*id, *above, name.clone()))
            .collect();
        self.names.add(&lines);
        let mut tree = self.tree();
        let mut timetable = self.timetable();
        for (id, parent, name, part) in numbered {
            if id != ROOT {
                tree.add(id, parent, &name);
            }
            if part.file.is_some() {
                tree.measure(id, part.bytes);
            }
            if let Some(row) = part.alarm {
                timetable.put(id, row);
            }
        }
        Ok(())
    }

    // Numbers for databases to come, with the one above each. Nobody else gets them meanwhile: the
    // index is held.
    fn numbered<'a>(
        &self,
        database: &mut Database,
        names: &[String],
        parts: &'a [Part],
    ) -> Result<Vec<Numbered<'a>>, StorageError> {
        let mut next = latest_number(database)?;
        let mut known: HashMap<&[String], Id> = HashMap::new();
        let mut numbered = Vec::with_capacity(parts.len());
        for part in parts {
            let (parent, name) = match part.names.split_last() {
                Some((name, above)) => {
                    let parent = known.get(above);
                    let parent = parent.ok_or_else(|| StorageError::failed("no place for it"))?;
                    (*parent, name.clone())
                }
                None => match names.split_last() {
                    Some((name, above)) => (self.tree().descend(above).1, name.clone()),
                    None => (ROOT, String::new()),
                },
            };
            let id = if part.names.is_empty() && names.is_empty() {
                ROOT
            } else {
                next += 1;
                next
            };
            known.insert(&part.names, id);
            numbered.push((id, parent, name, part));
        }
        Ok(numbered)
    }

    // Moves the files to where the index will have them, on the disk before it says so.
    fn move_in(&self, numbered: &[Numbered<'_>]) -> Result<(), StorageError> {
        for (id, .., part) in numbered {
            if let Some(file) = &part.file {
                let synced = fs::File::open(file).and_then(|file| file.sync_all());
                synced.map_err(StorageError::failed)?;
                fs::rename(file, self.file(*id)).map_err(StorageError::failed)?;
            }
        }
        for folder in [self.directory.clone(), self.directory.join("below")] {
            let synced = fs::File::open(folder).and_then(|folder| folder.sync_all());
            synced.map_err(StorageError::failed)?;
        }
        Ok(())
    }

    /// Names directly below, in the order of their bytes.
    pub(super) fn subs(&self, names: &[String], prefix: &str) -> Result<Vec<String>, StorageError> {
        let tree = self.tree();
        let (found, id) = tree.descend(names);
        if found < names.len() {
            return Ok(Vec::new());
        }
        let from = tree.entries[&id].children.range(prefix.to_owned()..);
        let matching = from
            .map(|(name, _)| name)
            .take_while(|name| name.starts_with(prefix));
        let listed: Vec<String> = matching.take(SUBS_LISTED_MAX + 1).cloned().collect();
        if listed.len() > SUBS_LISTED_MAX {
            return Err(StorageError::TooManySubs);
        }
        Ok(listed)
    }

    /// The way down to a database, if there still is one.
    pub(super) fn names(&self, id: Id) -> Option<Vec<String>> {
        let tree = self.tree();
        let mut names = Vec::new();
        let mut at = id;
        while at != ROOT {
            let entry = tree.entries.get(&at)?;
            names.push(entry.name.clone());
            at = entry.parent;
        }
        names.reverse();
        Some(names)
    }

    /// What the database of those names may still have added to it.
    pub(super) fn allowance(&self, names: &[String], quotas: &Quotas) -> Allowance {
        quotas.allowance(&self.tree().totals(names))
    }

    /// Bytes of the database itself and of it and all below it together.
    pub(super) fn bytes(&self, names: &[String]) -> (u64, u64) {
        let tree = self.tree();
        let (found, id) = tree.descend(names);
        if found < names.len() {
            return (0, 0);
        }
        let entry = &tree.entries[&id];
        (entry.bytes, entry.bytes_total)
    }

    /// Notes that a database has that many pages now, unless a quota has no room for the new ones.
    pub(super) fn charge(
        &self,
        names: &[String],
        id: Id,
        pages: u32,
        quotas: &Quotas,
    ) -> Result<(), StorageError> {
        let mut tree = self.tree();
        let bytes = NAMESPACE_BYTES + u64::from(pages) * PAGE_BYTES;
        let entry = tree.entries.get(&id).ok_or(StorageError::Dropped)?;
        let allowance = quotas.allowance(&tree.totals(names));
        if bytes.saturating_sub(entry.bytes) > allowance.bytes {
            return Err(StorageError::Quota {
                bytes_max: allowance.bytes_max,
            });
        }
        tree.set_bytes(id, bytes);
        Ok(())
    }

    /// Notes that a database has a file with something in it.
    pub(super) fn mark_written(&self, id: Id) {
        if let Some(entry) = self.tree().entries.get_mut(&id) {
            entry.written = true;
        }
    }

    /// Changes the alarm of a database that still is there: on disk by what `decide` says, then in
    /// memory by `act`.
    pub(super) fn change_alarm<T>(
        &self,
        id: Id,
        decide: impl FnOnce(&mut Timetable) -> Option<(Statement, T)>,
        act: impl FnOnce(&mut Timetable, T),
    ) -> Result<(), StorageError> {
        let mut database = self.database();
        if !self.tree().entries.contains_key(&id) {
            return Ok(());
        }
        let Some((statement, decided)) = decide(&mut self.timetable()) else {
            return Ok(());
        };
        change(&mut database, &[statement])?;
        act(&mut self.timetable(), decided);
        Ok(())
    }

    /// The alarms in memory.
    pub(super) fn timetable(&self) -> MutexGuard<'_, Timetable> {
        locked(&self.timetable)
    }

    fn database(&self) -> MutexGuard<'_, Database> {
        locked(&self.database)
    }

    fn tree(&self) -> MutexGuard<'_, Tree> {
        locked(&self.tree)
    }
}

/// A database to come: its number, that of the one above it, its name, and what it is made of.
type Numbered<'a> = (Id, Id, String, &'a Part);

fn entries_of(numbered: &[Numbered<'_>]) -> Vec<Statement> {
    let mut statements = Vec::new();
    for (id, parent, name, part) in numbered {
        if *id != ROOT {
            statements.push(entry(*id, *parent, name));
        }
        if part.alarm.is_some() {
            statements.push(alarms::statement(*id, part.alarm));
        }
    }
    statements
}

fn entry(id: Id, parent: Id, name: &str) -> Statement {
    Statement::with(
        "INSERT INTO databases (id, parent, name) VALUES (?, ?, ?)",
        [
            SqlValue::Integer(id),
            SqlValue::Integer(parent),
            SqlValue::Text(name.to_owned()),
        ],
    )
}

/// The latest number that was given, 0 for none.
fn latest_number(database: &mut Database) -> Result<Id, StorageError> {
    let latest = "SELECT coalesce(max(seq), 0) FROM sqlite_sequence WHERE name = 'databases'";
    let rows = database.read(&[Statement::new(latest)], &leash())?;
    let row = rows.and_then(|sets| sets.into_iter().next());
    let row = row.and_then(|set| set.rows.into_iter().next());
    match row.as_deref() {
        Some([SqlValue::Integer(latest)]) => Ok(*latest),
        _ => Err(StorageError::failed("the index gave no number")),
    }
}

/// All databases of the index, by number.
fn lines_of(database: &mut Database) -> Result<Vec<Line>, StorageError> {
    let rows = select(
        database,
        "SELECT id, parent, name FROM databases ORDER BY id",
    )?;
    let lines = rows.into_iter().filter_map(|row| match &row[..] {
        [
            SqlValue::Integer(id),
            SqlValue::Integer(parent),
            SqlValue::Text(name),
        ] => Some((*id, *parent, name.clone())),
        _ => None,
    });
    Ok(lines.collect())
}

/// All rows of a query by number, in portions below the bound of one result.
fn select(database: &mut Database, sql: &str) -> Result<Vec<Vec<SqlValue>>, StorageError> {
    let sql = sql.replace("ORDER BY id", "WHERE id > ? ORDER BY id LIMIT 10000");
    let mut rows = Vec::new();
    let mut after = i64::MIN;
    loop {
        let statement = Statement::with(sql.clone(), [SqlValue::Integer(after)]);
        let results = database.read(&[statement], &leash())?.unwrap_or_default();
        let Some(result) = results.into_iter().next() else {
            return Ok(rows);
        };
        let Some(SqlValue::Integer(last)) = result.rows.last().and_then(|row| row.first()) else {
            return Ok(rows);
        };
        after = *last;
        rows.extend(result.rows);
    }
}

/// Changes the index in one transaction. The first row of each result, if any.
fn change(
    database: &mut Database,
    statements: &[Statement],
) -> Result<Vec<Vec<SqlValue>>, StorageError> {
    let written = database.write(
        statements,
        BatchMode::Write,
        u32::MAX - 1,
        &leash(),
        &mut |_| Ok(()),
    )?;
    database.copy_log()?;
    let firsts = written
        .results
        .into_iter()
        .filter_map(|result| result.rows.into_iter().next());
    Ok(firsts.collect())
}

fn leash() -> Arc<Leash> {
    Arc::new(Leash::until(Instant::now() + INDEX_DEADLINE))
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    // Whoever panicked holding one of these had not begun to change what it protects.
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_sibling_was_charged_meanwhile_counts() {
        let directory = tempfile::tempdir().unwrap();
        fs::create_dir(directory.path().join("below")).unwrap();
        let index = Index::open(directory.path()).unwrap();
        let quotas = Quotas::of_root(10 * PAGE_BYTES);
        let names = ["one", "two"].map(|name| vec![name.to_owned()]);
        let ids = [&names[0], &names[1]].map(|names| index.create(names, &quotas).unwrap());
        // Both have begun to write, each with room for eight pages.
        index.charge(&names[0], ids[0], 8, &quotas).unwrap();
        let error = index.charge(&names[1], ids[1], 8, &quotas).unwrap_err();
        assert_eq!(
            error,
            StorageError::Quota {
                bytes_max: 10 * PAGE_BYTES
            }
        );
        // The first one's commit has failed after all.
        index.charge(&names[0], ids[0], 0, &quotas).unwrap();
        index.charge(&names[1], ids[1], 8, &quotas).unwrap();
        index.forget(&names[1]).unwrap();
        let error = index.charge(&names[1], ids[1], 8, &quotas).unwrap_err();
        assert_eq!(error, StorageError::Dropped);
        assert_eq!(index.bytes(&[]), (0, NAMESPACE_BYTES));
    }
}
