//! Libraries: whose modules run without authority in this process, and what they were refused. The
//! kernel is told, for the records of runs.

use std::cell::RefCell;
use std::collections::HashMap;

use crate::limits::{RECORD_LIBRARIES_MAX, RECORD_NAME_BYTES_MAX, RECORD_REFUSALS_MAX};
use crate::wire::{Refusal, RunId, Up};

/// What there is to tell of modules without authority.
#[derive(Default)]
pub struct Libraries {
    names: RefCell<Vec<String>>,
    // Of run 0 is what was refused while the program was loading.
    refused: RefCell<HashMap<RunId, Vec<Refusal>>>,
}

impl Libraries {
    /// Modules of that name run without authority: what is to be told, where that is news.
    pub fn add(&self, name: &str) -> Option<Up> {
        let mut names = self.names.borrow_mut();
        if names.len() >= RECORD_LIBRARIES_MAX || names.iter().any(|known| known == name) {
            return None;
        }
        let name = shortened(name.to_string());
        names.push(name.clone());
        Some(Up::Library { name })
    }

    /// One of them was refused something: what is to be told, where that is news in that run.
    pub fn refuse(&self, run: RunId, refusal: Refusal) -> Option<Up> {
        let mut refused = self.refused.borrow_mut();
        let is_known = |run: RunId| {
            let list = refused.get(&run).map_or(&[][..], Vec::as_slice);
            list.len() >= RECORD_REFUSALS_MAX || list.contains(&refusal)
        };
        if is_known(0) || is_known(run) {
            return None;
        }
        let refusal = Refusal {
            what: refusal.what,
            name: shortened(refusal.name),
            module: shortened(refusal.module),
        };
        refused.entry(run).or_default().push(refusal.clone());
        Some(Up::Refused { run, refusal })
    }

    /// Forgets a run.
    pub fn close(&self, run: RunId) {
        if run != 0 {
            self.refused.borrow_mut().remove(&run);
        }
    }

    /// All that a new process has from the one that it was forked from.
    pub fn inherited(&self) -> Vec<Up> {
        let names = self.names.borrow();
        let refused = self.refused.borrow();
        let names = names.iter().cloned().map(|name| Up::Library { name });
        let refused = refused.get(&0).into_iter().flatten().cloned();
        names
            .chain(refused.map(|refusal| Up::Refused { run: 0, refusal }))
            .collect()
    }
}

fn shortened(mut name: String) -> String {
    let end = (0..=RECORD_NAME_BYTES_MAX)
        .rev()
        .find(|&end| name.is_char_boundary(end));
    if name.len() > RECORD_NAME_BYTES_MAX {
        name.truncate(end.unwrap_or(0));
    }
    name
}
