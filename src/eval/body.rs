//! Bodies: bytes under way, with an end that pulls and an end that waits.

use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use futures_util::{Stream, StreamExt};
use tokio::sync::mpsc;
use tokio::time::{Instant, Sleep};

/// A body. A stream is read to its end or dropped; dropping it tells its source.
pub enum Body {
    Empty,
    Bytes(Bytes),
    Stream {
        chunks: BodyStream,
        /// How many bytes it will be, where whoever makes it knows.
        length: Option<u64>,
    },
}

/// A stream of chunks.
pub type BodyStream = Pin<Box<dyn Stream<Item = Result<Bytes, BodyError>> + Send>>;

/// Why a body has no end.
#[derive(Debug, Clone, thiserror::Error)]
pub enum BodyError {
    #[error("The body is over the limit of {0} bytes")]
    TooLarge(u64),
    #[error("Nothing came for {0} ms, the limit")]
    Idle(u64),
    #[error("{0}")]
    Source(String),
}

impl Body {
    /// The body as a stream.
    pub fn into_stream(self) -> BodyStream {
        match self {
            Body::Empty => Box::pin(futures_util::stream::empty()),
            Body::Bytes(bytes) => Box::pin(futures_util::stream::iter([Ok(bytes)])),
            Body::Stream { chunks, .. } => chunks,
        }
    }

    /// A stream of unknown length.
    pub fn of(chunks: BodyStream) -> Self {
        let length = None;
        Body::Stream { chunks, length }
    }

    /// The same body with an end at `bytes_max`, and with at most `idle` between two chunks.
    pub fn bounded(self, bytes_max: u64, idle: Option<Duration>) -> Result<Body, BodyError> {
        match self {
            Body::Empty => Ok(Body::Empty),
            Body::Bytes(bytes) if bytes.len() as u64 > bytes_max => {
                Err(BodyError::TooLarge(bytes_max))
            }
            Body::Bytes(bytes) => Ok(Body::Bytes(bytes)),
            Body::Stream {
                length: Some(length),
                ..
            } if length > bytes_max => Err(BodyError::TooLarge(bytes_max)),
            Body::Stream { chunks, length } => {
                let bounded = Bounded {
                    stream: chunks,
                    left: bytes_max,
                    bytes_max,
                    idle,
                    timer: None,
                };
                let chunks = Box::pin(bounded);
                Ok(Body::Stream { chunks, length })
            }
        }
    }
}

/// What has passed of a body so far, as far as somebody wanted to keep it.
#[derive(Debug, Clone, Default)]
pub struct Beginning {
    pub bytes: Vec<u8>,
    /// Bytes that passed in all.
    pub length: u64,
}

/// A beginning that is still being written.
pub type Watch = Arc<Mutex<Beginning>>;

impl Body {
    /// The same body, and a place where its first bytes appear as they pass. None: there are none.
    pub fn watched(self, bytes_max: usize) -> (Body, Option<Watch>) {
        let watch = Watch::default();
        match self {
            Body::Empty => (Body::Empty, None),
            Body::Bytes(bytes) => {
                note(&watch, &bytes, bytes_max);
                (Body::Bytes(bytes), Some(watch))
            }
            Body::Stream { chunks, length } => {
                let seen = watch.clone();
                let chunks = Box::pin(chunks.inspect(move |chunk| {
                    if let Ok(chunk) = chunk {
                        note(&seen, chunk, bytes_max);
                    }
                }));
                (Body::Stream { chunks, length }, Some(watch))
            }
        }
    }
}

fn note(watch: &Watch, chunk: &Bytes, bytes_max: usize) {
    let mut seen = watch.lock().unwrap_or_else(PoisonError::into_inner);
    let room = bytes_max.saturating_sub(seen.bytes.len());
    seen.bytes
        .extend_from_slice(&chunk[..room.min(chunk.len())]);
    seen.length += chunk.len() as u64;
}

struct Bounded {
    stream: BodyStream,
    left: u64,
    bytes_max: u64,
    idle: Option<Duration>,
    // Runs only while the source is waited for: a slow reader is not the source's fault.
    timer: Option<Pin<Box<Sleep>>>,
}

impl Stream for Bounded {
    type Item = Result<Bytes, BodyError>;

    fn poll_next(mut self: Pin<&mut Self>, task: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let this = &mut *self;
        match this.stream.poll_next_unpin(task) {
            Poll::Ready(Some(Ok(chunk))) => {
                this.timer = None;
                let length = chunk.len() as u64;
                if length > this.left {
                    this.stream = Box::pin(futures_util::stream::empty());
                    return Poll::Ready(Some(Err(BodyError::TooLarge(this.bytes_max))));
                }
                this.left -= length;
                Poll::Ready(Some(Ok(chunk)))
            }
            Poll::Ready(other) => Poll::Ready(other),
            Poll::Pending => {
                let Some(idle) = this.idle else {
                    return Poll::Pending;
                };
                let timer = this.timer.get_or_insert_with(|| {
                    Box::pin(tokio::time::sleep_until(Instant::now() + idle))
                });
                match timer.as_mut().poll(task) {
                    Poll::Pending => Poll::Pending,
                    Poll::Ready(()) => {
                        this.stream = Box::pin(futures_util::stream::empty());
                        let milliseconds = u64::try_from(idle.as_millis()).unwrap_or(u64::MAX);
                        Poll::Ready(Some(Err(BodyError::Idle(milliseconds))))
                    }
                }
            }
        }
    }
}

/// What a reader tells the source of its body.
pub trait Source: Send + Sync {
    /// So many bytes have been taken.
    fn taken(&self, bytes: u32);
    /// The reader wants no more.
    fn cancelled(&self);
}

/// The reading end of a body that comes in frames.
pub struct Reader<S: Source> {
    chunks: mpsc::UnboundedReceiver<Result<Bytes, BodyError>>,
    source: S,
    ended: bool,
}

impl<S: Source> Reader<S> {
    /// A reader over what arrives on a channel; its length is bounded by the source's window.
    pub fn new(chunks: mpsc::UnboundedReceiver<Result<Bytes, BodyError>>, source: S) -> Self {
        Self {
            chunks,
            source,
            ended: false,
        }
    }
}

impl<S: Source + Unpin> Stream for Reader<S> {
    type Item = Result<Bytes, BodyError>;

    fn poll_next(mut self: Pin<&mut Self>, task: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        match self.chunks.poll_recv(task) {
            Poll::Ready(Some(Ok(chunk))) => {
                self.source
                    .taken(u32::try_from(chunk.len()).unwrap_or(u32::MAX));
                Poll::Ready(Some(Ok(chunk)))
            }
            Poll::Ready(end) => {
                self.ended = true;
                Poll::Ready(end)
            }
            Poll::Pending => Poll::Pending,
        }
    }
}

impl<S: Source> Drop for Reader<S> {
    fn drop(&mut self) {
        if !self.ended {
            self.source.cancelled();
        }
    }
}
