//! Records: what a run was, for the program that started it.

use std::sync::{Arc, PoisonError};
use std::time::{SystemTime, UNIX_EPOCH};

use serde_json::{Value, json};

use super::body::{Beginning, Body, Watch};
use crate::limits::{
    RECORD_ANSWER_BYTES_MAX, RECORD_BODY_BYTES_MAX, RECORD_HEADERS_BYTES_MAX, RECORD_LIBRARIES_MAX,
    RECORD_NAME_BYTES_MAX, RECORD_REFUSALS_MAX,
};
use crate::wire::{Failure, Header, Level, Outcome, Refusal, RunId};

/// Headers whose values let whoever reads them act for somebody else.
const SECRET_HEADERS: [&str; 5] = [
    "archive-passphrase",
    "authorization",
    "cookie",
    "proxy-authorization",
    "set-cookie",
];

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
    /// Only where somebody is told of them.
    pub request_headers: Option<Vec<(String, String)>>,
    pub request_body: Option<Watch>,
    pub response_headers: Option<Vec<(String, String)>>,
    pub response_body: Option<Watch>,
    pub lines_dropped: u32,
    /// Whose modules ran without authority, and what they were refused while the program loaded.
    pub libraries: Arc<Libraries>,
    /// What they were refused since.
    pub refused: Vec<Refusal>,
    /// Times the request has left the town and come back.
    pub hops: u32,
}

/// What is known of modules without authority in a process.
#[derive(Debug, Clone, Default)]
pub struct Libraries {
    pub names: Vec<String>,
    pub refused: Vec<Refusal>,
}

/// What a run was asked for by.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RunKind {
    Fetch,
    Call,
    Alarm,
    Tail,
}

/// What `tail` is told.
#[derive(Debug, Clone)]
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
#[derive(Debug, Clone)]
pub struct RunEvent {
    pub id: Option<String>,
    pub ended_ms: u64,
    pub record: Record,
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
            request_headers: None,
            request_body: None,
            response_headers: None,
            response_body: None,
            lines_dropped: 0,
            libraries: Arc::default(),
            refused: Vec::new(),
            hops,
        }
    }

    /// Keeps what it is asked, and the beginning of the body as it passes.
    pub fn note_request(&mut self, headers: &[Header], body: Body) -> Body {
        self.request_headers = Some(told(headers));
        let (body, watch) = body.watched(RECORD_BODY_BYTES_MAX);
        self.request_body = watch;
        body
    }

    /// Keeps what it answers, where somebody is told of it.
    pub fn note_response(&mut self, headers: &[Header], body: Body) -> Body {
        if self.request_headers.is_none() {
            return body;
        }
        self.response_headers = Some(told(headers));
        let (body, watch) = body.watched(RECORD_ANSWER_BYTES_MAX);
        self.response_body = watch;
        body
    }

    /// It has failed; the first failure is kept.
    pub fn fail(&mut self, failure: &Failure) {
        if self.outcome == Outcome::Ok {
            self.outcome = failure.outcome;
            self.error = Some(failure.clone());
        }
    }

    fn refusals(&self) -> impl Iterator<Item = &Refusal> {
        self.libraries.refused.iter().chain(&self.refused)
    }

    /// A module without authority was refused something.
    pub fn refuse(&mut self, refusal: Refusal) {
        keep_refusal(&mut self.refused, refusal);
    }

    /// The event of its end, under the id by which its program is known.
    pub fn into_event(self, id: Option<String>) -> TailEvent {
        TailEvent::Run(Box::new(RunEvent {
            id,
            ended_ms: now_ms(),
            record: self,
        }))
    }
}

impl Libraries {
    /// Modules of that name run without authority.
    pub fn add(&mut self, name: String) {
        if self.names.len() < RECORD_LIBRARIES_MAX && name.len() <= RECORD_NAME_BYTES_MAX {
            self.names.push(name);
        }
    }

    /// One of them was refused something while the program loaded.
    pub fn refuse(&mut self, refusal: Refusal) {
        keep_refusal(&mut self.refused, refusal);
    }
}

fn keep_refusal(list: &mut Vec<Refusal>, refusal: Refusal) {
    let longest = refusal.name.len().max(refusal.module.len());
    if list.len() < RECORD_REFUSALS_MAX && longest <= RECORD_NAME_BYTES_MAX {
        list.push(refusal);
    }
}

impl TailEvent {
    /// About how much text is in it.
    pub fn text_bytes(&self) -> usize {
        match self {
            TailEvent::Log { text, .. } => text.len(),
            TailEvent::Run(event) => {
                let headers = |list: &Option<Vec<(String, String)>>| {
                    let list = list.iter().flatten();
                    list.map(|(name, value)| name.len() + value.len())
                        .sum::<usize>()
                };
                let record = &event.record;
                let failure = record.error.as_ref();
                let bodies = record.request_body.iter().chain(&record.response_body);
                headers(&record.request_headers)
                    + headers(&record.response_headers)
                    + record.url.as_ref().map_or(0, String::len)
                    + failure.map_or(0, |error| error.message.len() + error.stack.len())
                    + bodies.map(|watch| seen(watch).bytes.len()).sum::<usize>()
                    + record
                        .libraries
                        .names
                        .iter()
                        .map(String::len)
                        .sum::<usize>()
                    + record.refusals().map(refusal_bytes).sum::<usize>()
            }
        }
    }

    fn json(&self) -> Value {
        match self {
            TailEvent::Run(event) => event.json(),
            TailEvent::Log {
                run,
                id,
                at_ms,
                level,
                text,
            } => json!({
                "type": "log", "run": digits(*run), "id": id, "at": at_ms, "level": level.word(),
                "text": text,
            }),
        }
    }
}

impl RunEvent {
    fn json(&self) -> Value {
        let record = &self.record;
        #[allow(
            clippy::cast_precision_loss,
            reason = "CPU times are far below 2^53 us"
        )]
        let cpu_ms = record.cpu_us as f64 / 1000.0;
        json!({
            "type": "run", "id": self.id, "run": digits(record.run),
            "parent": record.parent.map(digits),
            "kind": record.kind.word(), "startedAt": record.started_ms, "endedAt": self.ended_ms,
            "cpuMs": cpu_ms, "memoryPeak": record.memory_peak, "outcome": record.outcome.word(),
            "error": record.error.as_ref().map(failure_json), "method": record.method,
            "url": record.url, "status": record.status, "requestHeaders": record.request_headers,
            "requestBody": record.request_body.as_ref().map(|watch| body_json(&seen(watch))),
            "responseHeaders": record.response_headers,
            "responseBody": record.response_body.as_ref().map(|watch| body_json(&seen(watch))),
            "linesDropped": record.lines_dropped, "libraries": record.libraries.names,
            "refused": record.refusals().map(refusal_json).collect::<Vec<_>>(),
        })
    }
}

/// The records as JSON, in the words of `kernel.d.ts`.
pub fn json(events: &[TailEvent]) -> String {
    Value::Array(events.iter().map(TailEvent::json).collect()).to_string()
}

fn refusal_bytes(refusal: &Refusal) -> usize {
    refusal.name.len() + refusal.module.len()
}

fn refusal_json(refusal: &Refusal) -> Value {
    json!({ "what": refusal.what.word(), "name": refusal.name, "module": refusal.module })
}

fn failure_json(failure: &Failure) -> Value {
    let mut shown = json!({ "message": failure.message, "stack": failure.stack });
    if let Some((limit, value)) = &failure.limit {
        shown["limit"] = json!(limit);
        shown["value"] = json!(value);
    }
    shown
}

fn body_json(body: &Beginning) -> Value {
    let whole = body.length == body.bytes.len() as u64;
    // What is cut may end within a character.
    let text = match std::str::from_utf8(&body.bytes) {
        Ok(text) => Some(text),
        Err(error) if !whole && error.error_len().is_none() => {
            std::str::from_utf8(&body.bytes[..error.valid_up_to()]).ok()
        }
        Err(_) => None,
    };
    match text {
        Some(text) => json!({ "text": text, "length": body.length, "whole": whole }),
        None => {
            let base64 = base64_simd::STANDARD.encode_to_string(&body.bytes);
            json!({ "base64": base64, "length": body.length, "whole": whole })
        }
    }
}

fn seen(watch: &Watch) -> Beginning {
    let seen = watch.lock().unwrap_or_else(PoisonError::into_inner);
    seen.clone()
}

/// Headers as a record keeps them: so many, and without secrets.
fn told(headers: &[Header]) -> Vec<(String, String)> {
    let mut left = RECORD_HEADERS_BYTES_MAX;
    let mut list = Vec::with_capacity(headers.len());
    for (name, value) in headers {
        let value = if SECRET_HEADERS.contains(&name.as_str()) {
            "(not kept)".into()
        } else {
            String::from_utf8_lossy(value)
        };
        let Some(room) = left.checked_sub(name.len() + value.len()) else {
            break;
        };
        left = room;
        list.push((name.clone(), value.into_owned()));
    }
    list
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
