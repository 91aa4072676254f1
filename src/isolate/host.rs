//! The host: what a process knows besides its JavaScript heap, and the functions the bridge calls.
//!
//! It turns JavaScript values into frames and frames into JavaScript values. It decides nothing.

use std::cell::{Cell, RefCell};
use std::collections::{HashMap, VecDeque};
use std::rc::Rc;

use boa_engine::builtins::promise::ResolvingFunctions;
use boa_engine::object::builtins::{AlignedVec, JsArrayBuffer, JsPromise, JsUint8Array};
use boa_engine::{Context, JsError, JsNativeError, JsObject, JsResult, JsValue, js_string};

use super::executor::Executor;
use super::libraries::Libraries;
use super::lines::Lines;
use super::meter::Meter;
use super::socket::{Socket, SocketError};
use crate::limits::{CALLS_OPEN_MAX, CHUNK_BYTES_MAX, WINDOW_BYTES};
use crate::wire::{Answer, Call, CallError, CallId, RunId, StreamId, Up};

/// Promises that were told as unhandled and may still be handled: each is kept alive for that.
const REJECTIONS_TOLD_MAX: usize = 100;

/// State shared by the event loop and the native functions.
pub struct Host {
    /// The socket to the kernel.
    pub socket: RefCell<Socket>,
    /// The job queues.
    pub executor: Rc<Executor>,
    /// CPU time by run.
    pub meter: Meter,
    /// Console lines by run.
    pub lines: Lines,
    /// Whose modules run without authority, and what they were refused.
    pub libraries: Libraries,
    calls: RefCell<HashMap<CallId, Pending>>,
    calls_made: Cell<CallId>,
    sources: RefCell<HashMap<StreamId, Source>>,
    sinks: RefCell<HashMap<StreamId, Sink>>,
    sinks_made: Cell<StreamId>,
    /// Namespaces whose revision the program looks at, its own first, with the newest known.
    revisions: RefCell<Vec<(Vec<String>, u64)>>,
    impure: Cell<bool>,
    // Rejected and not handled so far, with the run that it happened in.
    rejections: RefCell<Vec<(RunId, JsObject)>>,
    // Told as unhandled, and those of them that somebody has handled since.
    told: RefCell<VecDeque<JsObject>>,
    handled: RefCell<Vec<(RunId, JsObject)>>,
}

/// What becomes of an answer.
pub type Convert = fn(Answer, &mut Context) -> JsResult<JsValue>;

struct Pending {
    run: RunId,
    resolvers: ResolvingFunctions,
    convert: Convert,
    names: Vec<String>,
}

// A body from the kernel. Nothing arrives before the first credit.
#[derive(Default)]
struct Source {
    asked: bool,
    chunks: VecDeque<Vec<u8>>,
    taken: u32,
    end: Option<Result<(), String>>,
    reader: Option<(RunId, ResolvingFunctions)>,
}

// A body to the kernel, and who waits for room in its window.
struct Sink {
    credit: i64,
    writer: Option<(RunId, ResolvingFunctions)>,
}

impl Host {
    /// A host on a socket.
    pub fn new(socket: Socket, executor: Rc<Executor>) -> Rc<Self> {
        Rc::new(Self {
            socket: RefCell::new(socket),
            executor,
            meter: Meter::default(),
            lines: Lines::default(),
            libraries: Libraries::default(),
            calls: RefCell::default(),
            calls_made: Cell::new(0),
            sources: RefCell::default(),
            sinks: RefCell::default(),
            sinks_made: Cell::new(0),
            revisions: RefCell::new(vec![(Vec::new(), 0)]),
            impure: Cell::new(false),
            rejections: RefCell::default(),
            told: RefCell::default(),
            handled: RefCell::default(),
        })
    }

    /// The host of this context.
    pub fn of(context: &Context) -> Rc<Host> {
        context
            .get_data::<Rc<Host>>()
            .expect("the realm was made with a host")
            .clone()
    }

    /// Queues a frame.
    pub fn send(&self, frame: &Up) {
        self.socket.borrow_mut().send(frame);
    }

    /// Whether nothing was asked of the kernel so far.
    pub fn pure(&self) -> bool {
        !self.impure.get()
    }

    /// Makes a kernel call. The promise settles with what `convert` makes of the answer.
    pub fn call(
        &self,
        body: Call,
        names: Vec<String>,
        convert: Convert,
        context: &mut Context,
    ) -> JsResult<JsValue> {
        self.impure.set(true);
        if self.calls.borrow().len() >= CALLS_OPEN_MAX {
            return Err(JsNativeError::range()
                .with_message(format!("More than {CALLS_OPEN_MAX} kernel calls are open"))
                .into());
        }
        let call = self.calls_made.get().wrapping_add(1);
        self.calls_made.set(call);
        let run = self.executor.run();
        let (promise, resolvers) = JsPromise::new_pending(context);
        self.calls.borrow_mut().insert(
            call,
            Pending {
                run,
                resolvers,
                convert,
                names,
            },
        );
        self.send(&Up::Call { call, run, body });
        Ok(promise.into())
    }

    /// An answer has come.
    pub fn answer(
        &self,
        call: CallId,
        result: Result<Answer, CallError>,
        context: &mut Context,
    ) -> JsResult<()> {
        let Some(pending) = self.calls.borrow_mut().remove(&call) else {
            return Ok(());
        };
        if let Ok(Answer::Rows { revision, .. } | Answer::Revision(revision)) = &result {
            self.note_revision(&pending.names, *revision);
        }
        self.executor.enter(pending.run);
        let settled = match result {
            Ok(answer) => (pending.convert)(answer, context),
            Err(error) => Err(super::errors::call_error(error, context)),
        };
        settle(&pending.resolvers, settled, context)
    }

    // ---- Rejections

    /// A promise was rejected and nobody listens yet.
    pub fn note_rejection(&self, promise: JsObject) {
        self.rejections
            .borrow_mut()
            .push((self.executor.run(), promise));
    }

    /// Somebody listens after all.
    pub fn forget_rejection(&self, promise: &JsObject) {
        self.rejections
            .borrow_mut()
            .retain(|(_, known)| !JsObject::equals(known, promise));
        let mut told = self.told.borrow_mut();
        let known = told
            .iter()
            .position(|known| JsObject::equals(known, promise));
        if let Some(promise) = known.and_then(|at| told.remove(at)) {
            let run = self.executor.run();
            self.handled.borrow_mut().push((run, promise));
        }
    }

    /// The program was told of a promise that nobody listens to.
    pub fn note_told(&self, promise: JsObject) {
        let mut told = self.told.borrow_mut();
        if told.len() >= REJECTIONS_TOLD_MAX {
            told.pop_front();
        }
        told.push_back(promise);
    }

    /// The promises that somebody listens to after the program was told that nobody did.
    pub fn take_handled(&self) -> Vec<(RunId, JsPromise)> {
        promises(&self.handled)
    }

    /// The promises that nobody listens to.
    pub fn take_rejections(&self) -> Vec<(RunId, JsPromise)> {
        promises(&self.rejections)
    }

    // ---- Revisions

    /// The newest known revision of that namespace; from now on the kernel tells it.
    pub fn revision(&self, names: &[String]) -> u64 {
        let mut revisions = self.revisions.borrow_mut();
        if let Some((_, revision)) = revisions.iter().find(|(known, _)| known == names) {
            return *revision;
        }
        revisions.push((names.to_vec(), 0));
        self.send(&Up::Track {
            names: names.to_vec(),
        });
        0
    }

    /// The kernel has told the revisions of the tracked namespaces, in the order of tracking.
    pub fn note_revisions(&self, told: &[u64]) {
        for ((_, known), told) in self.revisions.borrow_mut().iter_mut().zip(told) {
            *known = (*known).max(*told);
        }
    }

    fn note_revision(&self, names: &[String], revision: u64) {
        let mut revisions = self.revisions.borrow_mut();
        if let Some((_, known)) = revisions.iter_mut().find(|(known, _)| known == names) {
            *known = (*known).max(revision);
        }
    }

    // ---- Bodies from the kernel

    /// Makes a stream known.
    pub fn open_source(&self, stream: StreamId) {
        self.sources.borrow_mut().insert(stream, Source::default());
    }

    /// Whether nobody has pulled from that stream.
    pub fn untouched(&self, stream: StreamId) -> bool {
        self.sources
            .borrow()
            .get(&stream)
            .is_some_and(|source| !source.asked)
    }

    /// Forgets a stream that the kernel joins to another.
    pub fn give_up(&self, stream: StreamId) {
        self.sources.borrow_mut().remove(&stream);
    }

    /// A promise of the next chunk, or of `undefined` at the end.
    pub fn pull(&self, stream: StreamId, context: &mut Context) -> JsResult<JsValue> {
        let mut sources = self.sources.borrow_mut();
        let Some(source) = sources.get_mut(&stream) else {
            return Ok(JsPromise::resolve(JsValue::undefined(), context)?.into());
        };
        if !source.asked {
            source.asked = true;
            self.send(&Up::Credit {
                stream,
                bytes: WINDOW_BYTES,
            });
        }
        if let Some(chunk) = source.chunks.pop_front() {
            source.taken += u32::try_from(chunk.len()).unwrap_or(u32::MAX);
            if source.taken > WINDOW_BYTES / 2 && source.end.is_none() {
                self.send(&Up::Credit {
                    stream,
                    bytes: source.taken,
                });
                source.taken = 0;
            }
            let chunk = uint8_array(chunk, context)?;
            return Ok(JsPromise::resolve(chunk, context)?.into());
        }
        if let Some(end) = source.end.take() {
            sources.remove(&stream);
            return match end {
                Ok(()) => Ok(JsPromise::resolve(JsValue::undefined(), context)?.into()),
                Err(message) => {
                    let error = JsNativeError::typ().with_message(message);
                    Ok(JsPromise::reject(error, context)?.into())
                }
            };
        }
        let (promise, resolvers) = JsPromise::new_pending(context);
        source.reader = Some((self.executor.run(), resolvers));
        Ok(promise.into())
    }

    /// Nobody wants the rest of that stream.
    pub fn cancel_source(&self, stream: StreamId) {
        if self.sources.borrow_mut().remove(&stream).is_some() {
            self.send(&Up::CancelStream { stream });
        }
    }

    /// A chunk, the end or the failure of a stream from the kernel.
    pub fn feed(
        &self,
        stream: StreamId,
        event: SourceEvent,
        context: &mut Context,
    ) -> JsResult<()> {
        let reader = {
            let mut sources = self.sources.borrow_mut();
            let Some(source) = sources.get_mut(&stream) else {
                return Ok(());
            };
            match event {
                SourceEvent::Chunk(bytes) => source.chunks.push_back(bytes),
                SourceEvent::End => source.end = Some(Ok(())),
                SourceEvent::Fail(message) => source.end = Some(Err(message)),
            }
            source.reader.take()
        };
        let Some((run, resolvers)) = reader else {
            return Ok(());
        };
        self.executor.enter(run);
        let next = self.pull(stream, context)?;
        resolvers
            .resolve
            .call(&JsValue::undefined(), &[next], context)?;
        Ok(())
    }

    // ---- Bodies to the kernel

    /// A new stream to the kernel.
    pub fn open_sink(&self) -> StreamId {
        let stream = self.sinks_made.get().wrapping_add(1);
        self.sinks_made.set(stream);
        let sink = Sink {
            credit: i64::from(WINDOW_BYTES),
            writer: None,
        };
        self.sinks.borrow_mut().insert(stream, sink);
        stream
    }

    /// Sends a chunk. `undefined` where there is room for another, else a promise of room, which
    /// is of `false` when nobody reads any more.
    pub fn write(
        &self,
        stream: StreamId,
        bytes: &[u8],
        context: &mut Context,
    ) -> JsResult<JsValue> {
        let mut sinks = self.sinks.borrow_mut();
        let Some(sink) = sinks.get_mut(&stream) else {
            return Ok(JsPromise::resolve(false, context)?.into());
        };
        for piece in bytes.chunks(CHUNK_BYTES_MAX) {
            sink.credit -= i64::try_from(piece.len()).unwrap_or(i64::MAX);
            self.send(&Up::Chunk {
                stream,
                bytes: piece.to_vec(),
            });
        }
        if sink.credit > 0 {
            return Ok(JsValue::undefined());
        }
        let (promise, resolvers) = JsPromise::new_pending(context);
        sink.writer = Some((self.executor.run(), resolvers));
        Ok(promise.into())
    }

    /// Ends a stream to the kernel, well or not.
    pub fn close_sink(&self, stream: StreamId, failure: Option<String>) {
        if self.sinks.borrow_mut().remove(&stream).is_some() {
            match failure {
                None => self.send(&Up::End { stream }),
                Some(message) => self.send(&Up::Fail { stream, message }),
            }
        }
    }

    /// The kernel's reader has taken so many bytes.
    pub fn credit(&self, stream: StreamId, bytes: u32, context: &mut Context) -> JsResult<()> {
        let writer = {
            let mut sinks = self.sinks.borrow_mut();
            let Some(sink) = sinks.get_mut(&stream) else {
                return Ok(());
            };
            sink.credit += i64::from(bytes);
            if sink.credit > 0 {
                sink.writer.take()
            } else {
                None
            }
        };
        self.wake(writer, true, context)
    }

    /// Nobody reads that stream any more. Returns whether it was open.
    pub fn drop_sink(&self, stream: StreamId, context: &mut Context) -> JsResult<bool> {
        let Some(sink) = self.sinks.borrow_mut().remove(&stream) else {
            return Ok(false);
        };
        self.wake(sink.writer, false, context)?;
        Ok(true)
    }

    fn wake(
        &self,
        writer: Option<(RunId, ResolvingFunctions)>,
        room: bool,
        context: &mut Context,
    ) -> JsResult<()> {
        if let Some((run, resolvers)) = writer {
            self.executor.enter(run);
            resolvers
                .resolve
                .call(&JsValue::undefined(), &[room.into()], context)?;
        }
        Ok(())
    }

    /// Writes what is queued.
    pub fn flush(&self) -> Result<(), SocketError> {
        self.socket.borrow_mut().flush()
    }

    /// Whether so many bytes went through the socket since this was last true.
    pub fn has_carried(&self, bytes: usize) -> bool {
        self.socket.borrow_mut().has_carried(bytes)
    }
}

fn promises(list: &RefCell<Vec<(RunId, JsObject)>>) -> Vec<(RunId, JsPromise)> {
    let taken = std::mem::take(&mut *list.borrow_mut());
    taken
        .into_iter()
        .filter_map(|(run, promise)| Some((run, JsPromise::from_object(promise).ok()?)))
        .collect()
}

/// What comes on a stream from the kernel.
pub enum SourceEvent {
    Chunk(Vec<u8>),
    End,
    Fail(String),
}

fn settle(
    resolvers: &ResolvingFunctions,
    result: JsResult<JsValue>,
    context: &mut Context,
) -> JsResult<()> {
    let undefined = JsValue::undefined();
    match result {
        Ok(value) => resolvers.resolve.call(&undefined, &[value], context)?,
        Err(error) => {
            let error = error.into_opaque(context)?;
            resolvers.reject.call(&undefined, &[error], context)?
        }
    };
    Ok(())
}

/// A `Uint8Array` over these bytes.
pub fn uint8_array(bytes: Vec<u8>, context: &mut Context) -> JsResult<JsValue> {
    let block = AlignedVec::from_iter(0, bytes);
    let buffer = JsArrayBuffer::from_byte_block(block, context)?;
    Ok(JsUint8Array::from_array_buffer(buffer, context)?.into())
}

/// The bytes of a `Uint8Array`.
pub fn bytes_of(value: &JsValue, context: &mut Context) -> JsResult<Vec<u8>> {
    let object = value
        .as_object()
        .ok_or_else(|| type_error("A Uint8Array is needed"))?;
    JsUint8Array::from_object(object.clone())?.to_vec(context)
}

/// A TypeError.
pub fn type_error(message: impl Into<String>) -> JsError {
    JsNativeError::typ().with_message(message.into()).into()
}

/// A property read as text; absent is `None`.
pub fn text_property(
    object: &JsObject,
    key: &str,
    context: &mut Context,
) -> JsResult<Option<String>> {
    let value = object.get(js_string!(key), context)?;
    if value.is_null_or_undefined() {
        return Ok(None);
    }
    Ok(Some(value.to_string(context)?.to_std_string_lossy()))
}
