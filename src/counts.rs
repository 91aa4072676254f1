//! What the town counts of itself since it started, for whoever operates it.

use std::collections::BTreeMap;
use std::sync::Mutex;
use std::sync::PoisonError;
use std::sync::atomic::{AtomicU64, Ordering};

use serde_json::{Value, json};

use crate::eval::record::now_ms;
use crate::wire::Outcome;

/// Counters that only grow.
pub struct Counts {
    since_ms: u64,
    refused: AtomicU64,
    runs: Mutex<BTreeMap<&'static str, u64>>,
}

impl Default for Counts {
    fn default() -> Self {
        Self {
            since_ms: now_ms(),
            refused: AtomicU64::new(0),
            runs: Mutex::default(),
        }
    }
}

impl Counts {
    /// A request was turned away before any program saw it.
    pub fn note_refusal(&self) {
        self.refused.fetch_add(1, Ordering::Relaxed);
    }

    /// A run of any program has ended.
    pub fn note_run(&self, outcome: Outcome) {
        let mut runs = self.runs.lock().unwrap_or_else(PoisonError::into_inner);
        *runs.entry(outcome.word()).or_default() += 1;
    }

    /// What was counted, in the words of `kernel.d.ts`.
    pub fn told(&self, processes: usize) -> Value {
        json!({
            "since": self.since_ms,
            "refused": self.refused.load(Ordering::Relaxed),
            "processes": processes,
            "runs": *self.runs.lock().unwrap_or_else(PoisonError::into_inner),
        })
    }
}
