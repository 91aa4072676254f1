//! What runs came to, on its way to the program that started theirs: in batches, or to the log.

use std::collections::VecDeque;
use std::sync::{Arc, Weak};
use std::time::Duration;

use super::{Caller, Slot, lock};
use crate::eval::process::Work;
use crate::eval::record::{Record, RunKind, TailEvent, digits};
use crate::limits::{TAIL_BATCH_BYTES, TAIL_BATCH_EVENTS, TAIL_BATCH_MS, TAIL_EVENTS_MAX};
use crate::wire::{Level, Outcome};

#[derive(Default)]
pub(super) struct Tail {
    events: VecDeque<TailEvent>,
    dropped: u64,
    flushing: bool,
}

impl Slot {
    pub(super) fn report(&self, record: Record) {
        self.kernel.counts.note_run(record.outcome);
        if record.kind == RunKind::Tail {
            if let Some(error) = &record.error {
                tracing::warn!("tail failed: {}\n{}", error.message, error.stack);
            }
            return;
        }
        match self.parent.as_ref().and_then(Weak::upgrade) {
            Some(parent) => parent.tell(record.into_event(self.record_id())),
            None => log_record(&record),
        }
    }

    // By what its parent's records know it.
    pub(super) fn record_id(&self) -> Option<String> {
        self.id.clone().or_else(|| self.spec.record_id.clone())
    }

    // Records of what runs below wait for company, and then for this program's `tail`.
    pub(super) fn tell(self: &Arc<Self>, event: TailEvent) {
        let mut tail = lock(&self.tail);
        if tail.events.len() >= TAIL_EVENTS_MAX {
            tail.dropped += 1;
            return;
        }
        tail.events.push_back(event);
        if !tail.flushing {
            tail.flushing = true;
            tokio::spawn(self.clone().flush_tail());
        }
    }

    pub(super) async fn flush_tail(self: Arc<Self>) {
        loop {
            tokio::time::sleep(Duration::from_millis(TAIL_BATCH_MS)).await;
            let events: Vec<TailEvent> = {
                let mut tail = lock(&self.tail);
                if tail.events.is_empty() {
                    tail.flushing = false;
                    return;
                }
                if tail.dropped > 0 {
                    tracing::warn!("{} records of runs were dropped", tail.dropped);
                    tail.dropped = 0;
                }
                let mut bytes = 0;
                let joins = |event: &&TailEvent| {
                    let joins = bytes < TAIL_BATCH_BYTES;
                    bytes += event.text_bytes();
                    joins
                };
                let first = tail.events.iter().take(TAIL_BATCH_EVENTS);
                let count = first.take_while(joins).count();
                tail.events.drain(..count).collect()
            };
            if !self.hears() {
                continue;
            }
            // Its failure is in the log; the records are lost, as the manual says they may be.
            let _ = self.call(Work::Tail { events }, Caller::default()).await;
        }
    }

    // Whether the program exports `tail`, as far as that is known.
    pub(super) fn hears(&self) -> bool {
        let running = lock(&self.running);
        let known = running.template.iter().chain(&running.isolates);
        let mut loaded = known.filter_map(|process| process.loaded_now());
        loaded
            .find_map(Result::ok)
            .is_none_or(|loaded| loaded.exports.tail)
    }
}

fn log_record(record: &Record) {
    // Whoever asked has left, or somebody stopped it: the record says so, and nothing is wrong.
    if record.outcome == Outcome::Canceled {
        return;
    }
    if let Some(error) = &record.error {
        let url = record.url.as_deref().unwrap_or("");
        tracing::error!(
            "{} {url}: {}\n{}",
            digits(record.run),
            error.message,
            error.stack
        );
    }
}

pub(super) fn log_line(level: Level, text: &str) {
    match level {
        Level::Debug => tracing::debug!("{text}"),
        Level::Info | Level::Log => tracing::info!("{text}"),
        Level::Warn => tracing::warn!("{text}"),
        Level::Error => tracing::error!("{text}"),
    }
}
