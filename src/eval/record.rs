//! Records: what a run was, for the program that started it.

use std::time::{SystemTime, UNIX_EPOCH};

use serde::Serialize;

use crate::wire::{Failure, Level, Outcome, RunId};

/// One run. As JSON it is a `RunEvent` of `kernel.d.ts`.
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
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum RunKind {
    Fetch,
    Call,
    Alarm,
    Tail,
}

/// What `tail` is told.
#[derive(Debug, Serialize)]
#[serde(tag = "type", rename_all = "lowercase")]
pub enum TailEvent {
    #[serde(rename_all = "camelCase")]
    Run {
        run: String,
        parent: Option<String>,
        id: Option<String>,
        kind: RunKind,
        started_at: u64,
        ended_at: u64,
        cpu_ms: f64,
        memory_peak: u64,
        outcome: Outcome,
        error: Option<TailError>,
        method: Option<String>,
        url: Option<String>,
        status: Option<u16>,
        lines_dropped: u32,
    },
    Log {
        run: String,
        id: Option<String>,
        at: u64,
        level: Level,
        text: String,
    },
}

/// What went wrong in a run.
#[derive(Debug, Serialize)]
pub struct TailError {
    message: String,
    stack: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    limit: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    value: Option<u64>,
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
        #[allow(
            clippy::cast_precision_loss,
            reason = "CPU times are far below 2^53 us"
        )]
        let cpu_ms = self.cpu_us as f64 / 1000.0;
        TailEvent::Run {
            run: digits(self.run),
            parent: self.parent.map(digits),
            id,
            kind: self.kind,
            started_at: self.started_ms,
            ended_at: now_ms(),
            cpu_ms,
            memory_peak: self.memory_peak,
            outcome: self.outcome,
            error: self.error.map(|failure| TailError {
                message: failure.message,
                stack: failure.stack,
                limit: failure.limit.as_ref().map(|(limit, _)| limit.clone()),
                value: failure.limit.map(|(_, value)| value),
            }),
            method: self.method,
            url: self.url,
            status: self.status,
            lines_dropped: self.lines_dropped,
        }
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
