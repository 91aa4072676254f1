//! Console lines: how much of them a run may send. What is beyond is counted instead.

use std::cell::{Cell, RefCell};
use std::collections::HashMap;

use crate::wire::RunId;

/// The first lines of a run are sent one by one: a loop without end must not swallow what was said
/// before it. A dozen lines; further ones wait for company.
const EARLY_BYTES: u64 = 1 << 10;

/// The budget of each run that has said anything. The kernel keeps its own count: this one saves it
/// the work of refusing a million lines.
#[derive(Default)]
pub struct Lines {
    budget: Cell<u64>,
    spent: RefCell<HashMap<RunId, (u64, u32)>>,
}

impl Lines {
    /// Bytes a run may send.
    pub fn set_budget(&self, bytes: u64) {
        self.budget.set(bytes);
    }

    /// Whether a run may send a line of that length.
    pub fn spend(&self, run: RunId, bytes: usize) -> bool {
        let mut spent = self.spent.borrow_mut();
        let (used, dropped) = spent.entry(run).or_default();
        if *dropped > 0 || *used + bytes as u64 > self.budget.get() {
            *dropped = dropped.saturating_add(1);
            return false;
        }
        *used += bytes as u64;
        true
    }

    /// Whether a run has said little so far.
    pub fn is_early(&self, run: RunId) -> bool {
        let spent = self.spent.borrow();
        spent
            .get(&run)
            .is_some_and(|(used, _)| *used <= EARLY_BYTES)
    }

    /// Forgets a run; how many of its lines were not sent.
    pub fn close(&self, run: RunId) -> u32 {
        self.spent
            .borrow_mut()
            .remove(&run)
            .map_or(0, |(_, dropped)| dropped)
    }
}
