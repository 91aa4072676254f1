//! CPU time by run: each turn of the event loop is charged to the run whose frame or timer began
//! it.

use std::cell::{Cell, RefCell};
use std::collections::HashMap;

use nix::sys::resource::{UsageWho, getrusage};
use nix::sys::time::TimeValLike;
use nix::time::{ClockId, clock_gettime};

use crate::wire::RunId;

/// The most memory that this process has had resident so far, bytes; 0 where that is not known.
pub fn memory_peak() -> u64 {
    let usage = getrusage(UsageWho::RUSAGE_SELF);
    let kilobytes = usage.map_or(0, |usage| usage.max_rss());
    u64::try_from(kilobytes).unwrap_or(0) << 10
}

/// Microseconds of CPU, by run.
#[derive(Default)]
pub struct Meter {
    // Holds the open runs only: what goes on after a run has ended is the process's own.
    spent_us: RefCell<HashMap<RunId, u64>>,
    // What runs had used when work came for them that counts anew.
    renewed_us: RefCell<HashMap<RunId, u64>>,
    turn: Cell<(RunId, u64)>,
}

impl Meter {
    /// A run is served from now on.
    pub fn open(&self, run: RunId) {
        self.spent_us.borrow_mut().entry(run).or_default();
        self.charge_to(run);
    }

    /// A turn begins; 0: for a run that is not known yet.
    pub fn begin(&self, run: RunId) {
        self.turn.set((run, now_us()));
    }

    /// The turn is for this run, if nobody has said so before.
    pub fn charge_to(&self, run: RunId) {
        let (known, since) = self.turn.get();
        if known == 0 {
            self.turn.set((run, since));
        }
    }

    /// The turn has ended.
    pub fn end(&self) {
        let (run, since) = self.turn.replace((0, 0));
        if let Some(spent) = self.spent_us.borrow_mut().get_mut(&run) {
            *spent += now_us().saturating_sub(since);
        }
    }

    /// What a run has used so far, the turn under way included.
    pub fn spent_us(&self, run: RunId) -> u64 {
        let before = self.spent_us.borrow().get(&run).copied().unwrap_or(0);
        let (current, since) = self.turn.get();
        before
            + if current == run {
                now_us().saturating_sub(since)
            } else {
                0
            }
    }

    /// What a run uses from here on is all that counts against its limit.
    pub fn renew(&self, run: RunId) {
        if self.spent_us.borrow().contains_key(&run) {
            let spent = self.spent_us(run);
            self.renewed_us.borrow_mut().insert(run, spent);
        }
    }

    /// The last word on a run.
    pub fn close(&self, run: RunId) -> u64 {
        let spent = self.spent_us(run);
        self.spent_us.borrow_mut().remove(&run);
        self.renewed_us.borrow_mut().remove(&run);
        let (current, _) = self.turn.get();
        if current == run {
            self.turn.set((0, 0));
        }
        spent
    }

    /// All runs, with what counts against their limit.
    pub fn all_us(&self) -> Vec<(RunId, u64)> {
        let renewed = self.renewed_us.borrow();
        let counts = |(run, spent): (&RunId, &u64)| {
            let before = renewed.get(run).copied().unwrap_or(0);
            (*run, spent.saturating_sub(before))
        };
        self.spent_us.borrow().iter().map(counts).collect()
    }
}

fn now_us() -> u64 {
    clock_gettime(ClockId::CLOCK_THREAD_CPUTIME_ID).map_or(0, |time| {
        u64::try_from(time.num_microseconds()).unwrap_or(0)
    })
}
