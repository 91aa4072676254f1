//! Forwarding: a request that a route takes past its program, with the record of the run that the
//! program is spared.

use std::pin::Pin;
use std::sync::atomic::Ordering;
use std::sync::{Arc, PoisonError, Weak};
use std::task::{Context, Poll};

use bytes::Bytes;
use futures_util::{Stream, StreamExt};

use super::body::{Body, BodyError, BodyStream};
use super::process::{Owner, Work};
use super::record::{Record, RunKind};
use super::route::{Route, Routes};
use super::slot::{Caller, Slot};
use crate::storage::Namespace;
use crate::wire::{Failure, Header, Outcome, RequestHead, ResponseRules, RouteSpec};

/// A response: status, headers, body.
pub type Answered = Result<(u16, Vec<Header>, Body), Failure>;

impl Slot {
    /// Lets later requests go to the program of that id below, as the program asks.
    pub fn add_route(
        &self,
        id: String,
        spec: RouteSpec,
        headers: Vec<(String, Option<Vec<u8>>)>,
        rules: ResponseRules,
    ) {
        let route = Route::new(id, spec, headers, rules);
        self.routes().add(route, self.revision());
    }

    /// Where a request goes without asking the program, if it is known.
    pub(super) fn route(&self, head: &RequestHead) -> Option<(Arc<Route>, Arc<Slot>)> {
        let route = self.routes().find(head, self.revision())?;
        let target = self.below(&route.id)?;
        Some((route, target))
    }

    /// Hands a request on. Where that fails the program words the answer.
    pub(super) async fn forward(
        &self,
        route: &Route,
        target: &Slot,
        head: RequestHead,
        body: Body,
        caller: Caller,
    ) -> Answered {
        let mut record = self.kernel.record(caller, RunKind::Fetch);
        record.method = Some(head.method.clone());
        record.url = Some(head.url.clone());
        let body = self.note_request(&mut record, &head, body);
        let caller = Caller {
            run: Some(record.run),
            hops: 0,
            cause: None,
        };
        let mut spared = Spared::begin(self, record);
        let forwarded = route.forward(head.clone());
        // Boxed, since the other may forward it in turn.
        match Box::pin(target.fetch(forwarded, body, caller)).await {
            Ok((status, mut headers, body)) => {
                route.rules.apply(&mut headers);
                let body = spared.answered(status, &headers, body);
                Ok((status, headers, spared.through(body)))
            }
            Err(failure) => {
                let Some(record) = spared.take() else {
                    return Err(failure);
                };
                let work = Work::Fetch {
                    head,
                    body: Body::Empty,
                    failure: Some(failure),
                };
                self.respond(record, work).await
            }
        }
    }

    pub(super) fn routes(&self) -> std::sync::MutexGuard<'_, Routes> {
        self.routes.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn revision(&self) -> u64 {
        self.grant.storage().map_or(0, Namespace::revision)
    }
}

/// The run that a program was spared. It ends when its response has been read, or nobody waits.
struct Spared {
    slot: Weak<Slot>,
    record: Option<Record>,
}

impl Spared {
    fn begin(slot: &Slot, record: Record) -> Self {
        slot.forwarding.fetch_add(1, Ordering::Relaxed);
        Self {
            slot: slot.itself(),
            record: Some(record),
        }
    }

    fn answered(&mut self, status: u16, headers: &[Header], body: Body) -> Body {
        let Some(record) = &mut self.record else {
            return body;
        };
        record.status = Some(status);
        record.note_response(headers, body)
    }

    // What is left to do is another's: the record goes on there.
    fn take(mut self) -> Option<Record> {
        let record = self.record.take();
        self.end();
        record
    }

    fn through(self, body: Body) -> Body {
        match body {
            Body::Stream { chunks, length } => {
                let chunks = Box::pin(Through {
                    stream: chunks,
                    _spared: self,
                });
                Body::Stream { chunks, length }
            }
            Body::Empty | Body::Bytes(_) => body,
        }
    }

    fn end(&self) {
        if let Some(slot) = self.slot.upgrade() {
            slot.forwarding.fetch_sub(1, Ordering::Relaxed);
        }
    }
}

impl Drop for Spared {
    fn drop(&mut self) {
        let Some(mut record) = self.record.take() else {
            return;
        };
        self.end();
        if record.status.is_none() {
            record.fail(&Failure::new(Outcome::Canceled, "The caller has gone"));
        }
        if let Some(slot) = self.slot.upgrade() {
            slot.ended(record);
        }
    }
}

// A body that is under way.
struct Through {
    stream: BodyStream,
    _spared: Spared,
}

impl Stream for Through {
    type Item = Result<Bytes, BodyError>;

    fn poll_next(mut self: Pin<&mut Self>, task: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        self.stream.poll_next_unpin(task)
    }
}
