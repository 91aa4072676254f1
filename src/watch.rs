//! How a program fares since it was loaded: whether most of what it is asked fails, where before it
//! did not.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use serde::Serialize;

use crate::wire::{Failure, Outcome};

/// Requests before anything is said: fewer may be one visitor and one broken page.
const REQUESTS_MIN: u32 = 5;

/// Counts are halved here, so that they tell of late and not of ever.
const REQUESTS_KEPT: u32 = 256;

/// How long a change is suspected.
const SUSPICION: Duration = Duration::from_mins(15);

/// Counts the requests of a program, apart for the one that it took the place of.
#[derive(Default)]
pub struct Watch {
    counts: Mutex<Counts>,
}

#[derive(Default)]
struct Counts {
    before: Tally,
    now: Tally,
    // None: nothing of it is other than it has always been.
    changed: Option<Changed>,
    // Why it did not load when it was last asked.
    stopped: Option<Failure>,
}

struct Changed {
    at: SystemTime,
    since: Instant,
    told: bool,
}

/// Requests, and how many of them failed.
#[derive(Debug, Clone, Copy, Default)]
struct Tally {
    requests: u32,
    failures: u32,
}

/// What is known of a program that was changed.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Fares {
    /// When it began to serve, in milliseconds since 1970.
    pub since: u64,
    pub requests: u32,
    pub failures: u32,
    /// Most fail, and before the change they did not.
    pub failing: bool,
}

impl Watch {
    /// Another program serves from now on. `overridden`: it is not the image's.
    pub fn begin(&self, overridden: bool) {
        let mut counts = self.counts();
        counts.before = counts.now;
        counts.now = Tally::default();
        counts.stopped = None;
        counts.changed = overridden.then(|| Changed {
            at: SystemTime::now(),
            since: Instant::now(),
            told: false,
        });
    }

    /// A request was answered. True once: when it is to be told that most fail.
    pub fn note(&self, answered: Result<u16, &Failure>) -> bool {
        let failed = match answered {
            // Somebody else's limits are not its fault.
            Ok(status) => status >= 500 && status != 503,
            Err(failure) => !matches!(
                failure.outcome,
                Outcome::Overload | Outcome::Canceled | Outcome::Body
            ),
        };
        let mut counts = self.counts();
        counts.now.add(failed);
        match answered {
            Err(failure) if failure.outcome == Outcome::Load => {
                counts.stopped = Some(failure.clone());
            }
            _ if counts.stopped.is_some() => counts.stopped = None,
            _ => {}
        }
        let failing = counts.failing();
        match &mut counts.changed {
            Some(changed) if failing && !changed.told => {
                changed.told = true;
                true
            }
            Some(_) | None => false,
        }
    }

    /// What is known; none where the program is the image's own.
    pub fn fares(&self) -> Option<Fares> {
        let counts = self.counts();
        let changed = counts.changed.as_ref()?;
        let since = changed.at.duration_since(UNIX_EPOCH).unwrap_or_default();
        Some(Fares {
            since: u64::try_from(since.as_millis()).unwrap_or(u64::MAX),
            requests: counts.now.requests,
            failures: counts.now.failures,
            failing: counts.failing(),
        })
    }

    /// Whether most requests fail since something of the image was overridden.
    pub fn is_failing(&self) -> bool {
        self.counts().failing()
    }

    /// Why the program did not load when it was last asked.
    pub fn stopped(&self) -> Option<Failure> {
        self.counts().stopped.clone()
    }

    fn counts(&self) -> MutexGuard<'_, Counts> {
        self.counts.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Counts {
    fn failing(&self) -> bool {
        let Some(changed) = &self.changed else {
            return false;
        };
        let suspected = changed.told || changed.since.elapsed() < SUSPICION;
        suspected && self.now.mostly() && !self.before.mostly()
    }
}

impl Tally {
    fn add(&mut self, failed: bool) {
        if self.requests >= REQUESTS_KEPT {
            self.requests /= 2;
            self.failures /= 2;
        }
        self.requests += 1;
        self.failures += u32::from(failed);
    }

    fn mostly(self) -> bool {
        self.requests >= REQUESTS_MIN && self.failures * 2 >= self.requests
    }
}
