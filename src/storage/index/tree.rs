//! The tree of databases in memory: who is below whom, and how many bytes each has.

use std::collections::{BTreeMap, HashMap};

use super::{Id, ROOT};
use crate::limits::NAMESPACE_BYTES;

/// All databases, the root among them.
pub(super) struct Tree {
    pub(super) entries: HashMap<Id, Entry>,
}

/// A database.
pub(super) struct Entry {
    pub(super) parent: Id,
    pub(super) name: String,
    pub(super) children: BTreeMap<String, Id>,
    /// Whether it has a file.
    pub(super) written: bool,
    /// Of this database.
    pub(super) bytes: u64,
    /// Of this database and all below it.
    pub(super) bytes_total: u64,
}

impl Entry {
    fn new(parent: Id, name: String) -> Self {
        Entry {
            parent,
            name,
            children: BTreeMap::new(),
            written: false,
            bytes: 0,
            bytes_total: 0,
        }
    }
}

impl Tree {
    /// The root alone.
    pub(super) fn new() -> Self {
        Self {
            entries: HashMap::from([(ROOT, Entry::new(ROOT, String::new()))]),
        }
    }

    /// As far down the names as there are databases: how many names that is, and the last one's
    /// number.
    pub(super) fn descend(&self, names: &[String]) -> (usize, Id) {
        let mut at = ROOT;
        for (depth, name) in names.iter().enumerate() {
            let Some(child) = self.entries[&at].children.get(name) else {
                return (depth, at);
            };
            at = *child;
        }
        (names.len(), at)
    }

    /// Bytes at every level down the names, as far as there are databases.
    pub(super) fn totals(&self, names: &[String]) -> Vec<u64> {
        let mut at = ROOT;
        let mut totals = vec![self.entries[&at].bytes_total];
        for name in names {
            let Some(child) = self.entries[&at].children.get(name) else {
                break;
            };
            at = *child;
            totals.push(self.entries[&at].bytes_total);
        }
        totals
    }

    pub(super) fn add(&mut self, id: Id, parent: Id, name: &str) {
        let Some(above) = self.entries.get_mut(&parent) else {
            return;
        };
        above.children.insert(name.to_owned(), id);
        self.entries.insert(id, Entry::new(parent, name.to_owned()));
        self.set_bytes(id, NAMESPACE_BYTES);
    }

    pub(super) fn measure(&mut self, id: Id, file_bytes: u64) {
        let Some(entry) = self.entries.get_mut(&id) else {
            return;
        };
        entry.written = file_bytes > 0;
        self.set_bytes(id, NAMESPACE_BYTES + file_bytes);
    }

    /// Notes how many bytes a database has, and those above it with it.
    pub(super) fn set_bytes(&mut self, id: Id, bytes: u64) {
        let before = self.entries.get(&id).map_or(0, |entry| entry.bytes);
        let mut at = id;
        while let Some(entry) = self.entries.get_mut(&at) {
            if at == id {
                entry.bytes = bytes;
            }
            entry.bytes_total = entry
                .bytes_total
                .saturating_sub(before)
                .saturating_add(bytes);
            if at == ROOT {
                return;
            }
            at = entry.parent;
        }
    }

    pub(super) fn subtree(&self, id: Id) -> Vec<Id> {
        let mut ids = vec![id];
        let mut next = 0;
        while let Some(id) = ids.get(next) {
            ids.extend(self.entries[id].children.values().copied());
            next += 1;
        }
        ids
    }

    pub(super) fn remove(&mut self, id: Id, subtree: &[Id]) {
        // From below, so that every total above loses each database's own bytes once.
        for id in subtree.iter().rev() {
            self.set_bytes(*id, 0);
        }
        let entry = subtree
            .iter()
            .rev()
            .filter_map(|id| self.entries.remove(id))
            .last();
        let Some(entry) = entry else { return };
        debug_assert_eq!(subtree.first(), Some(&id));
        if let Some(above) = self.entries.get_mut(&entry.parent) {
            above.children.remove(&entry.name);
        }
    }
}
