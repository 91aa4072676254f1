//! Frames from a process, until it has gone.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use tokio::sync::oneshot;

use super::bodies::ToProcess;
use super::{END_GRACE, Loaded, Process, Reply, lock};
use crate::eval::body::{Body, BodyError};
use crate::eval::children::Exit;
use crate::eval::link::{Frames, LinkError};
use crate::eval::record::Record;
use crate::isolate::EXIT_FATAL;
use crate::limits::{CALLS_OPEN_MAX, LINE_BYTES_MAX};
use crate::storage::Namespace;
use crate::wire::{BodyUp, Failure, Header, Level, Outcome, RunId, Up};

impl Process {
    pub(super) async fn read(self: Arc<Self>, mut frames: Frames) {
        let mut exit = None;
        let why = loop {
            match frames.next().await {
                Ok(Up::Born { pid }) => {
                    self.pid.store(pid, Ordering::Relaxed);
                    exit = Some(self.children.claim(pid));
                    if self.fate.get().is_some() {
                        self.children.kill(pid);
                    }
                }
                Ok(frame) => {
                    if let Err(message) = self.take(frame) {
                        self.kill(Failure::new(Outcome::Crash, message));
                    }
                }
                Err(error) => break error,
            }
        };
        if !matches!(why, LinkError::Closed) {
            self.kill(Failure::new(Outcome::Crash, why.to_string()));
        }
        self.link.close();
        let exit = match exit {
            Some(exit) => tokio::time::timeout(END_GRACE, exit)
                .await
                .ok()
                .and_then(Result::ok),
            None => None,
        };
        if exit.is_none() {
            // It closed its socket and lives on, or never lived.
            self.kill(Failure::new(
                Outcome::Crash,
                "The process closed its connection",
            ));
        }
        if let (None, Some(template)) = (exit, &self.template) {
            // Never born: what became of the template is the reason, once it is known.
            let _ = tokio::time::timeout(END_GRACE, template.loaded()).await;
        }
        self.bury(exit);
    }

    fn bury(&self, exit: Option<Exit>) {
        let fate = self.fate.get_or_init(|| match exit {
            Some(exit) => self.fate_of(exit),
            None => Failure::new(Outcome::Crash, "The process could not be started"),
        });
        let mut fate = fate.clone();
        let loaded = self.template.as_deref().unwrap_or(self).loaded_now();
        if let Some(Err(failure)) = loaded {
            fate = failure;
        }
        self.loaded.send_if_modified(|loaded| {
            let unknown = loaded.is_none();
            if unknown {
                *loaded = Some(Err(fate.clone()));
            }
            unknown
        });
        let runs: Vec<RunId> = lock(&self.runs).keys().copied().collect();
        for run in runs {
            if let (Some(state), Some(exit)) = (lock(&self.runs).get_mut(&run), exit) {
                state.record.memory_peak = exit.memory_peak;
            }
            self.fail_run(run, fate.clone());
        }
        // Out of the lock first: a reader that nobody took looks here for its stream as it goes.
        let from = std::mem::take(&mut *lock(&self.from));
        for stream in from.into_values() {
            // Its reader may have gone.
            let _ = stream
                .chunks
                .send(Err(BodyError::Source(fate.message.clone())));
        }
        let to = std::mem::take(&mut *lock(&self.to));
        for stream in to.into_values() {
            if let ToProcess::Flowing { task, .. } = stream {
                task.abort();
            }
        }
        lock(&self.asks).clear();
        if let Some(owner) = self.owner.upgrade() {
            owner.gone(self);
        }
    }

    fn fate_of(&self, exit: Exit) -> Failure {
        use std::os::unix::process::ExitStatusExt;
        let memory_mb = self.limits.memory_mb;
        match (exit.status.signal(), exit.status.code()) {
            (Some(libc::SIGABRT), _) => Failure::limit(
                Outcome::Memory,
                "memoryMb",
                memory_mb,
                format!("The program needed more than {memory_mb} MB of memory"),
            ),
            (Some(libc::SIGSEGV), _) => Failure::new(
                Outcome::Crash,
                "The sandbox ended the program: SIGSEGV, the native stack was used up",
            ),
            (Some(signal), _) => Failure::new(
                Outcome::Crash,
                format!("The sandbox ended the program: signal {signal}"),
            ),
            (None, Some(EXIT_FATAL)) => Failure::new(
                Outcome::Crash,
                "The program's process met a fault of its own",
            ),
            (None, _) => Failure::new(Outcome::Canceled, "The isolate was ended"),
        }
    }

    pub(super) fn failure(&self) -> Failure {
        let ended = || Failure::new(Outcome::Crash, "The isolate has gone");
        self.fate.get().cloned().unwrap_or_else(ended)
    }

    pub(super) fn take(self: &Arc<Self>, frame: Up) -> Result<(), String> {
        match frame {
            Up::Born { .. } | Up::Compiled { .. } => {}
            Up::Loaded { pure, exports } => {
                self.measure();
                let loaded = Loaded { pure, exports };
                self.loaded.send_replace(Some(Ok(loaded)));
            }
            Up::LoadFailed(failure) => {
                let failure = self.mapped(failure);
                self.loaded.send_replace(Some(Err(failure)));
            }
            Up::Response {
                run,
                status,
                headers,
                body,
                cpu_us,
            } => {
                self.respond(run, status, headers, body, cpu_us);
            }
            Up::Returned { run, value, cpu_us } => {
                let reply = self.note(run, |record| record.cpu_us = cpu_us);
                if let Some(reply) = reply {
                    let _ = reply.send(Ok(Reply::Value(value)));
                }
            }
            Up::Failed {
                run,
                failure,
                cpu_us,
            } => {
                let failure = self.mapped(failure);
                let reply = self.note(run, |record| {
                    record.cpu_us = cpu_us;
                    record.fail(&failure);
                });
                if failure.outcome != Outcome::Exception {
                    // Nothing that runs there can be relied on any more.
                    let _ = self.fate.set(failure.clone());
                }
                if let Some(reply) = reply {
                    let _ = reply.send(Err(failure));
                }
            }
            Up::Done {
                run,
                cpu_us,
                memory_peak,
                lines_dropped,
            } => {
                let state = lock(&self.runs).remove(&run);
                if let Some(mut state) = state {
                    state.record.cpu_us = cpu_us;
                    state.record.memory_peak = memory_peak;
                    state.record.lines_dropped += lines_dropped;
                    self.finish(state.record);
                }
                self.end_if_done();
            }
            Up::Call { call, run, body } => {
                if self.calls_open.fetch_add(1, Ordering::Relaxed) >= CALLS_OPEN_MAX {
                    return Err(format!(
                        "The process had more than {CALLS_OPEN_MAX} calls open"
                    ));
                }
                if let Some(owner) = self.owner.upgrade() {
                    owner.call(self, run, call, body);
                }
            }
            Up::Resolved { ask, module } => {
                if let Some(asker) = lock(&self.asks).remove(&ask) {
                    let _ = asker.send(module);
                }
            }
            Up::Chunk { stream, bytes } => return self.chunk(stream, bytes),
            Up::End { stream } => {
                self.from_process(stream);
                // Dropping the sender is the end; a reader that was not taken keeps it.
                self.end_stream(stream, None);
            }
            Up::Fail { stream, message } => {
                self.end_stream(stream, Some(BodyError::Source(message)));
            }
            Up::Credit { stream, bytes } => self.flow(stream, bytes),
            Up::CancelStream { stream } => {
                let stream = lock(&self.to).remove(&stream);
                if let Some(ToProcess::Flowing { task, .. }) = stream {
                    task.abort();
                }
            }
            Up::Library { name } => Arc::make_mut(&mut lock(&self.libraries)).add(name),
            Up::Refused { run: 0, refusal } => {
                Arc::make_mut(&mut lock(&self.libraries)).refuse(refusal);
            }
            Up::Refused { run, refusal } => {
                if let Some(state) = lock(&self.runs).get_mut(&run) {
                    state.record.refuse(refusal);
                }
            }
            Up::Track { names } => {
                let owner = self.owner.upgrade();
                let namespace = owner.and_then(|owner| owner.namespace(&names));
                lock(&self.tracked).push(namespace);
            }
            Up::Line { run, level, text } => self.line(run, level, text),
            Up::Pong { number, cpu_us } => self.pong(number, &cpu_us),
        }
        Ok(())
    }

    fn mapped(&self, mut failure: Failure) -> Failure {
        failure.stack = self.program.author_positions(&failure.stack);
        failure.message = self.program.author_positions(&failure.message);
        failure
    }

    fn note(
        &self,
        run: RunId,
        change: impl FnOnce(&mut Record),
    ) -> Option<oneshot::Sender<Result<Reply, Failure>>> {
        let mut runs = lock(&self.runs);
        let state = runs.get_mut(&run)?;
        change(&mut state.record);
        state.reply.take()
    }

    fn respond(
        self: &Arc<Self>,
        run: RunId,
        status: u16,
        headers: Vec<Header>,
        body: BodyUp,
        cpu_us: u64,
    ) {
        let stream = match &body {
            BodyUp::Stream { stream, .. } => Some(*stream),
            BodyUp::Empty | BodyUp::Bytes(_) | BodyUp::Join(_) => None,
        };
        let mut body = self.body_up(body);
        if let Some(state) = lock(&self.runs).get_mut(&run) {
            state.body = stream;
        }
        let reply = self.note(run, |record| {
            record.status = Some(status);
            record.cpu_us = cpu_us;
            let whole = std::mem::replace(&mut body, Body::Empty);
            body = record.note_response(&headers, whole);
        });
        if let Some(reply) = reply {
            // A caller that has gone drops the body, and so its source hears of it.
            let _ = reply.send(Ok(Reply::Response {
                status,
                headers,
                body,
            }));
        }
    }

    pub(super) fn line(&self, run: RunId, level: Level, mut text: String) {
        if text.len() > LINE_BYTES_MAX {
            let end = (0..=LINE_BYTES_MAX)
                .rev()
                .find(|end| text.is_char_boundary(*end));
            text.truncate(end.unwrap_or(0));
        }
        let bytes = text.len() as u64;
        let room = match lock(&self.runs).get_mut(&run) {
            Some(state) if bytes <= state.line_bytes_left => {
                state.line_bytes_left -= bytes;
                true
            }
            Some(state) => {
                state.line_bytes_left = 0;
                state.record.lines_dropped += 1;
                false
            }
            // What runs after its run has ended, or before any.
            None => {
                let spend = |left: u64| left.checked_sub(bytes);
                let order = Ordering::Relaxed;
                self.line_bytes_left
                    .fetch_update(order, order, spend)
                    .is_ok()
            }
        };
        if let (true, Some(owner)) = (room, self.owner.upgrade()) {
            owner.line(run, level, self.program.author_positions(&text));
        }
    }

    pub(super) fn revisions(&self) -> Vec<u64> {
        lock(&self.tracked)
            .iter()
            .map(|namespace| namespace.as_ref().map_or(0, Namespace::revision))
            .collect()
    }
}
