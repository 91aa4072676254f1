//! Records: what a run was, for the program that started it.

use std::time::{SystemTime, UNIX_EPOCH};

use serde::{Deserialize, Serialize};

use crate::wire::{Failure, Level, Outcome, RunId};

/// One run.
#[derive(Debug, Clone)]
pub struct Record {
    pub run: RunId,
    pub parent: Option<RunId>,
    pub kind: RunKind,
    pub started_ms: u64,
    pub cpu_us: u64,
    pub memory_peak: u64,
    pub outcome: Outcome,
    pub error: Option<Failure>,
    pub method: Option<String>,
    pub url: Option<String>,
    pub status: Option<u16>,
    pub lines_dropped: u32,
    /// Times the request has left the town and come back.
    pub hops: u32,
}

/// What a run was asked for by.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum RunKind {
    Fetch,
    Call,
    Alarm,
    Tail,
}

/// What `tail` is told.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub enum TailEvent {
    Run(Box<RunEvent>),
    Log {
        run: RunId,
        id: Option<String>,
        at_ms: u64,
        level: Level,
        text: String,
    },
}

/// A run that has ended, under the id by which its program is known.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct RunEvent {
    pub run: RunId,
    pub parent: Option<RunId>,
    pub id: Option<String>,
    pub kind: RunKind,
    pub started_ms: u64,
    pub ended_ms: u64,
    pub cpu_us: u64,
    pub memory_peak: u64,
    pub outcome: Outcome,
    pub error: Option<Failure>,
    pub method: Option<String>,
    pub url: Option<String>,
    pub status: Option<u16>,
    pub lines_dropped: u32,
}

impl RunKind {
    /// The word in `kernel.d.ts`.
    pub fn word(self) -> &'static str {
        match self {
            RunKind::Fetch => "fetch",
            RunKind::Call => "call",
            RunKind::Alarm => "alarm",
            RunKind::Tail => "tail",
        }
    }
}

impl Record {
    /// A run that begins now.
    pub fn begin(run: RunId, parent: Option<RunId>, kind: RunKind, hops: u32) -> Self {
        Self {
            run,
            parent,
            kind,
            started_ms: now_ms(),
            cpu_us: 0,
            memory_peak: 0,
            outcome: Outcome::Ok,
            error: None,
            method: None,
            url: None,
            status: None,
            lines_dropped: 0,
            hops,
        }
    }

    /// It has failed; the first failure is kept.
    pub fn fail(&mut self, failure: &Failure) {
        if self.outcome == Outcome::Ok {
            self.outcome = failure.outcome;
            self.error = Some(failure.clone());
        }
    }

    /// The event of its end, under the id by which its program is known.
    pub fn into_event(self, id: Option<String>) -> TailEvent {
        TailEvent::Run(Box::new(RunEvent {
            run: self.run,
            parent: self.parent,
            id,
            kind: self.kind,
            started_ms: self.started_ms,
            ended_ms: now_ms(),
            cpu_us: self.cpu_us,
            memory_peak: self.memory_peak,
            outcome: self.outcome,
            error: self.error,
            method: self.method,
            url: self.url,
            status: self.status,
            lines_dropped: self.lines_dropped,
        }))
    }
}

/// A run's number as programs see it.
pub fn digits(run: RunId) -> String {
    format!("{run:016x}")
}

/// Milliseconds since 1970.
pub fn now_ms() -> u64 {
    let elapsed = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap_or_default();
    u64::try_from(elapsed.as_millis()).unwrap_or(u64::MAX)
}
