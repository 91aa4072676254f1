//! Bodies on their way to a process and from it: joined where nobody reads them in between, else
//! pumped within their windows.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Weak};

use bytes::Bytes;
use futures_util::StreamExt as _;
use tokio::sync::{Notify, mpsc};

use super::{Process, lock};
use crate::eval::body::{Body, BodyError, BodyStream, Reader, Source};
use crate::limits::{CHUNK_BYTES_MAX, INLINE_BODY_BYTES_MAX, WINDOW_BYTES};
use crate::wire::{BodyDown, BodyUp, Down, StreamId};

pub(super) struct FromProcess {
    pub(super) chunks: mpsc::UnboundedSender<Result<Bytes, BodyError>>,
    // Until somebody takes it.
    reader: Option<BodyStream>,
    // Bytes that may still come before credit is given.
    window: i64,
}

pub(super) enum ToProcess {
    // Not asked for: may still be joined to another body.
    Waiting(Body),
    Flowing {
        credit: Arc<Credit>,
        task: tokio::task::AbortHandle,
    },
}

#[derive(Default)]
pub(super) struct Credit {
    bytes: AtomicU64,
    more: Notify,
}

impl Process {
    /// A body on its way here: short ones at once, others when they are asked for.
    pub fn body_down(&self, body: Body) -> BodyDown {
        match body {
            Body::Empty => BodyDown::Empty,
            Body::Bytes(bytes) if bytes.len() as u64 <= INLINE_BODY_BYTES_MAX => {
                BodyDown::Bytes(bytes.to_vec())
            }
            other => self.body_down_lazy(other),
        }
    }

    /// The same for a body that the program will most likely hand on untouched.
    pub fn body_down_lazy(&self, body: Body) -> BodyDown {
        if matches!(body, Body::Empty) {
            return BodyDown::Empty;
        }
        let stream = self.streams_made.fetch_add(1, Ordering::Relaxed);
        lock(&self.to).insert(stream, ToProcess::Waiting(body));
        BodyDown::Stream(stream)
    }

    /// A body that the process speaks of.
    pub fn body_up(self: &Arc<Self>, body: BodyUp) -> Body {
        match body {
            BodyUp::Empty => Body::Empty,
            BodyUp::Bytes(bytes) => Body::Bytes(bytes.into()),
            BodyUp::Join(stream) => match lock(&self.to).remove(&stream) {
                Some(ToProcess::Waiting(body)) => body,
                Some(ToProcess::Flowing { .. }) | None => Body::Empty,
            },
            BodyUp::Stream { stream, length } => {
                self.from_process(stream);
                let mut from = lock(&self.from);
                let reader = from
                    .get_mut(&stream)
                    .and_then(|stream| stream.reader.take());
                if from
                    .get(&stream)
                    .is_some_and(|stream| stream.chunks.is_closed())
                {
                    from.remove(&stream);
                }
                reader.map_or(Body::Empty, |chunks| Body::Stream { chunks, length })
            }
        }
    }

    // Makes a stream from the process known, at its first mention.
    pub(super) fn from_process(self: &Arc<Self>, stream: StreamId) {
        lock(&self.from).entry(stream).or_insert_with(|| {
            let (chunks, receiver) = mpsc::unbounded_channel();
            let source = FromSource {
                process: Arc::downgrade(self),
                stream,
            };
            let reader: BodyStream = Box::pin(Reader::new(receiver, source));
            FromProcess {
                chunks,
                reader: Some(reader),
                window: i64::from(WINDOW_BYTES),
            }
        });
    }

    pub(super) fn chunk(self: &Arc<Self>, stream: StreamId, bytes: Vec<u8>) -> Result<(), String> {
        self.from_process(stream);
        let mut from = lock(&self.from);
        let Some(known) = from.get_mut(&stream) else {
            return Ok(());
        };
        known.window -= i64::try_from(bytes.len()).unwrap_or(i64::MAX);
        // One chunk may begin within the window and end beyond it.
        if known.window < -(CHUNK_BYTES_MAX as i64) {
            return Err("The process sent more of a body than was asked for".into());
        }
        // A reader that has gone has cancelled the stream.
        let _ = known.chunks.send(Ok(bytes.into()));
        Ok(())
    }

    pub(super) fn end_stream(&self, stream: StreamId, error: Option<BodyError>) {
        let mut from = lock(&self.from);
        let Some(known) = from.get_mut(&stream) else {
            return;
        };
        if let Some(error) = error {
            let _ = known.chunks.send(Err(error));
        }
        if known.reader.is_none() {
            from.remove(&stream);
        } else {
            // Nobody has taken the reader yet; a closed channel is the end all the same.
            let (closed, _) = mpsc::unbounded_channel();
            known.chunks = closed;
        }
    }

    pub(super) fn taken(&self, stream: StreamId, bytes: u32) {
        if let Some(known) = lock(&self.from).get_mut(&stream) {
            known.window += i64::from(bytes);
            self.link.send(&Down::Credit { stream, bytes });
        }
    }

    // The process asks for more of a body.
    pub(super) fn flow(self: &Arc<Self>, stream: StreamId, bytes: u32) {
        let mut to = lock(&self.to);
        match to.remove(&stream) {
            Some(ToProcess::Waiting(body)) => {
                let credit = Arc::new(Credit::default());
                credit.bytes.store(u64::from(bytes), Ordering::Relaxed);
                let task = tokio::spawn(self.clone().pump(
                    stream,
                    body.into_stream(),
                    credit.clone(),
                ));
                to.insert(
                    stream,
                    ToProcess::Flowing {
                        credit,
                        task: task.abort_handle(),
                    },
                );
            }
            Some(ToProcess::Flowing { credit, task }) => {
                credit.bytes.fetch_add(u64::from(bytes), Ordering::Relaxed);
                credit.more.notify_one();
                to.insert(stream, ToProcess::Flowing { credit, task });
            }
            None => {}
        }
    }

    async fn pump(self: Arc<Self>, stream: StreamId, mut body: BodyStream, credit: Arc<Credit>) {
        loop {
            while credit.bytes.load(Ordering::Relaxed) == 0 {
                credit.more.notified().await;
            }
            match body.next().await {
                Some(Ok(chunk)) => {
                    for piece in chunk.chunks(CHUNK_BYTES_MAX) {
                        self.link.send(&Down::Chunk {
                            stream,
                            bytes: piece.to_vec(),
                        });
                    }
                    let length = chunk.len() as u64;
                    let _ = credit
                        .bytes
                        .fetch_update(Ordering::Relaxed, Ordering::Relaxed, |c| {
                            Some(c.saturating_sub(length))
                        });
                }
                Some(Err(error)) => {
                    let message = error.to_string();
                    self.link.send(&Down::Fail { stream, message });
                    break;
                }
                None => {
                    self.link.send(&Down::End { stream });
                    break;
                }
            }
        }
        lock(&self.to).remove(&stream);
    }
}

struct FromSource {
    process: Weak<Process>,
    stream: StreamId,
}

impl Source for FromSource {
    fn taken(&self, bytes: u32) {
        if let Some(process) = self.process.upgrade() {
            process.taken(self.stream, bytes);
        }
    }

    fn cancelled(&self) {
        if let Some(process) = self.process.upgrade()
            && lock(&process.from).remove(&self.stream).is_some()
        {
            process.link.send(&Down::CancelStream {
                stream: self.stream,
            });
        }
    }
}
