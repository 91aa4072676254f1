//! A process: the kernel's hold on one that loads, forks or serves. It starts runs, follows their
//! bodies, keeps their bounds, and kills.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, AtomicI32, AtomicU32, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError, Weak};
use std::time::{Duration, Instant};

use bytes::Bytes;
use futures_util::StreamExt;
use tokio::sync::{Notify, mpsc, oneshot, watch};

use super::body::{Body, BodyError, BodyStream, Reader, Source};
use super::children::{Children, Exit};
use super::link::{Frames, Link, LinkError};
use super::program::Prepared;
use super::record::{self, Libraries, Record, RunKind, TailEvent};
use super::spare::Spare;
use crate::isolate::EXIT_FATAL;
use crate::limits::{
    CALLS_OPEN_MAX, CHUNK_BYTES_MAX, INLINE_BODY_BYTES_MAX, LINE_BYTES_MAX, Limits, WINDOW_BYTES,
};
use crate::storage::Namespace;
use crate::wire::{
    BodyDown, BodyUp, Call, CallId, Down, Exports, Failure, Header, Level, ModuleSpec, Outcome,
    RequestHead, RunId, StreamId, Up,
};

/// Grace for a process that was told to end and does not.
const END_GRACE: Duration = Duration::from_secs(2);

/// CPU that an event loop must have used while it stood still, of the time it stood, to be at fault
/// itself: it has a core to itself or nearly so.
const STALL_SHARE: f64 = 0.75;

/// How much longer than its limit a loop that gets no CPU may stand still.
const STARVED_FACTOR: u32 = 4;

/// Who a process works for: it answers kernel calls and keeps records.
pub trait Owner: Send + Sync {
    /// Answers a kernel call, at any later time, by `process.answer`.
    fn call(&self, process: &Arc<Process>, run: RunId, call: CallId, body: Call);
    /// A run has ended.
    fn ended(&self, record: Record);
    /// A console line.
    fn line(&self, run: RunId, level: Level, text: String);
    /// The process has gone.
    fn gone(&self, process: &Process);
    /// The namespace that the process's names lead to.
    fn namespace(&self, names: &[String]) -> Option<Namespace>;
}

/// One process.
pub struct Process {
    /// Unique in the life of the kernel.
    pub number: u64,
    link: Arc<Link>,
    children: Children,
    owner: Weak<dyn Owner>,
    program: Arc<Prepared>,
    limits: Limits,
    resident: AtomicU64,
    pid: AtomicI32,
    loaded: watch::Sender<Option<Result<Loaded, Failure>>>,
    runs: Mutex<HashMap<RunId, Run>>,
    from: Mutex<HashMap<StreamId, FromProcess>>,
    to: Mutex<HashMap<StreamId, ToProcess>>,
    streams_made: AtomicU32,
    tracked: Mutex<Vec<Option<Namespace>>>,
    libraries: Mutex<Arc<Libraries>>,
    asks: Mutex<HashMap<CallId, Asker>>,
    asks_made: AtomicU32,
    calls_open: AtomicUsize,
    // Takes no new runs; ends when the last one has.
    retiring: AtomicBool,
    // Why the kernel killed it, or why it died.
    fate: OnceLock<Failure>,
    // Forked from it ahead of being asked for, once it has been asked.
    spare: Arc<Spare>,
    forked: AtomicBool,
    // The process that this one was forked from, whose failure to load is this one's.
    template: Option<Arc<Process>>,
    // Of lines that belong to no run.
    line_bytes_left: AtomicU64,
    watch: Mutex<Watch>,
}

/// Who waits for a module that this process's program was asked for.
type Asker = oneshot::Sender<Result<Option<ModuleSpec>, String>>;

/// What loading came to.
#[derive(Debug, Clone, Copy)]
pub struct Loaded {
    pub pure: bool,
    pub exports: Exports,
}

/// What the watchdog remembers.
struct Watch {
    idle_since: Option<Instant>,
    idle_cpu_us: u64,
    pings: u32,
    pongs: u32,
    pinged_at: Instant,
    pinged_cpu_us: u64,
}

impl Watch {
    // Nothing in an isolate can wait but the event loop, so one that stands still computes: on a
    // crowded machine its own time tells, not the time that others took from it.
    fn stalled(&self, stall: Duration, cpu_us: u64) -> bool {
        let waited = self.pinged_at.elapsed();
        let used = Duration::from_micros(cpu_us.saturating_sub(self.pinged_cpu_us));
        waited > stall && (used > stall.mul_f64(STALL_SHARE) || waited > stall * STARVED_FACTOR)
    }
}

struct Run {
    reply: Option<oneshot::Sender<Result<Reply, Failure>>>,
    record: Record,
    line_bytes_left: u64,
    // Told when nobody waits for it any more: its kernel calls are for nobody then.
    cancelled: Arc<Notify>,
    // The body of its response, while that is under way.
    body: Option<StreamId>,
    // Since when it has answered, body and all.
    answered_since: Option<Instant>,
}

/// What a run answered.
pub enum Reply {
    Response {
        status: u16,
        headers: Vec<Header>,
        body: Body,
    },
    Value(Vec<u8>),
}

struct FromProcess {
    chunks: mpsc::UnboundedSender<Result<Bytes, BodyError>>,
    // Until somebody takes it.
    reader: Option<BodyStream>,
    // Bytes that may still come before credit is given.
    window: i64,
}

enum ToProcess {
    // Not asked for: may still be joined to another body.
    Waiting(Body),
    Flowing {
        credit: Arc<Credit>,
        task: tokio::task::AbortHandle,
    },
}

#[derive(Default)]
struct Credit {
    bytes: AtomicU64,
    more: Notify,
}

/// What to run.
pub enum Work {
    Fetch {
        head: RequestHead,
        body: Body,
        /// It was handed on by a route and came back so.
        failure: Option<Failure>,
    },
    Call {
        name: String,
        args: Vec<u8>,
    },
    Alarm {
        names: Vec<String>,
        scheduled_ms: i64,
        retries: u32,
    },
    Tail {
        events: Vec<TailEvent>,
    },
}

impl Process {
    /// Takes over a process on its link.
    pub fn attach(
        number: u64,
        link: Arc<Link>,
        children: Children,
        owner: Weak<dyn Owner>,
        program: Arc<Prepared>,
        limits: Limits,
        template: Option<Arc<Process>>,
    ) -> Arc<Self> {
        let line_bytes = limits.log_bytes;
        let own = owner.upgrade().and_then(|owner| owner.namespace(&[]));
        let process = Arc::new(Self {
            number,
            link: link.clone(),
            spare: Spare::new(children.clone()),
            forked: AtomicBool::new(false),
            children,
            owner,
            program,
            limits,
            resident: AtomicU64::new(0),
            pid: AtomicI32::new(0),
            loaded: watch::Sender::new(None),
            runs: Mutex::default(),
            from: Mutex::default(),
            to: Mutex::default(),
            streams_made: AtomicU32::new(0),
            tracked: Mutex::new(vec![own]),
            libraries: Mutex::default(),
            asks: Mutex::default(),
            asks_made: AtomicU32::new(0),
            calls_open: AtomicUsize::new(0),
            retiring: AtomicBool::new(false),
            fate: OnceLock::new(),
            template,
            line_bytes_left: AtomicU64::new(line_bytes),
            watch: Mutex::new(Watch {
                idle_since: Some(Instant::now()),
                idle_cpu_us: 0,
                pings: 0,
                pongs: 0,
                pinged_at: Instant::now(),
                pinged_cpu_us: 0,
            }),
        });
        tokio::spawn(process.clone().read(Frames::new(link)));
        process
    }

    /// The link, to send it frames that are not about a run.
    pub fn link(&self) -> &Arc<Link> {
        &self.link
    }

    /// Waits until the program has loaded, or has not.
    pub async fn loaded(&self) -> Result<Loaded, Failure> {
        let mut loaded = self.loaded.subscribe();
        let result = loaded.wait_for(Option::is_some).await;
        match result.as_deref() {
            Ok(Some(result)) => result.clone(),
            Ok(None) | Err(_) => Err(self.failure()),
        }
    }

    /// What loading came to, if it has ended.
    pub fn loaded_now(&self) -> Option<Result<Loaded, Failure>> {
        self.loaded.borrow().clone()
    }

    /// Whether any instance may fork it: nothing in it is of one instance only.
    pub fn shared(&self) -> bool {
        matches!(self.loaded_now(), Some(Ok(loaded)) if loaded.pure)
    }

    /// Whether it can take a run.
    pub fn alive(&self) -> bool {
        self.fate.get().is_none() && !self.retiring.load(Ordering::Relaxed)
    }

    /// Since when it has had nothing to do; `None` while it loads or serves, or is about to end.
    pub fn idle_since(&self) -> Option<Instant> {
        let loads = self.template.is_none() && self.loaded_now().is_none();
        if loads || !self.alive() || self.runs_open() > 0 {
            return None;
        }
        lock(&self.watch).idle_since
    }

    /// The link of a new process that has loaded what this one has, sealed. `often`: there will be
    /// more, so one is made ahead.
    pub fn fork(&self, often: bool) -> std::io::Result<Arc<Link>> {
        self.touch();
        let spare = self.spare.take();
        // Whoever came twice comes again.
        if often && self.forked.swap(true, Ordering::Relaxed) {
            let own = self.link.clone();
            self.spare.expect(move || {
                let link = own.fork()?;
                link.send(&Down::Seal);
                link.send(&Down::Rehearse);
                Ok(link)
            });
        }
        if let Some(link) = spare {
            return Ok(link);
        }
        let link = self.link.fork()?;
        link.send(&Down::Seal);
        Ok(link)
    }

    /// Ends a process that was forked ahead and not asked for since.
    pub fn expire_spare(&self, age: Duration) {
        self.spare.expire(age);
    }

    /// It is about to be used.
    pub fn touch(&self) {
        let mut watch = lock(&self.watch);
        if let Some(since) = &mut watch.idle_since {
            *since = Instant::now();
        }
    }

    /// Runs begun and not ended.
    pub fn runs_open(&self) -> usize {
        lock(&self.runs).len()
    }

    /// Resident bytes when it had loaded; 0 before, or where that cannot be known.
    pub fn resident_bytes(&self) -> u64 {
        self.resident.load(Ordering::Relaxed)
    }

    fn measure(&self) {
        let pid = self.pid.load(Ordering::Relaxed);
        let statm = std::fs::read_to_string(format!("/proc/{pid}/statm")).unwrap_or_default();
        let pages = statm
            .split(' ')
            .nth(1)
            .and_then(|pages| pages.parse::<u64>().ok());
        self.resident
            .store(pages.unwrap_or(0) * 4096, Ordering::Relaxed);
    }

    /// CPU time it has used so far, microseconds.
    pub fn cpu_us(&self) -> Option<u64> {
        self.children.cpu_us(self.pid.load(Ordering::Relaxed))
    }

    // ---- Runs

    /// Starts a run and waits for its answer. Dropping the future cancels the run.
    pub async fn run(self: &Arc<Self>, record: Record, work: Work) -> Result<Reply, Failure> {
        let run = record.run;
        let (reply, answer) = oneshot::channel();
        let line_bytes_left = self.limits.log_bytes;
        if let Some(fate) = self.fate.get() {
            return Err(fate.clone());
        }
        {
            let mut watch = lock(&self.watch);
            watch.idle_since = None;
            watch.pings = 0;
            watch.pongs = 0;
        }
        let state = Run {
            reply: Some(reply),
            record,
            line_bytes_left,
            cancelled: Arc::default(),
            body: None,
            answered_since: None,
        };
        lock(&self.runs).insert(run, state);
        let revisions = self.revisions();
        let frame = match work {
            Work::Fetch {
                head,
                body,
                failure,
            } => {
                let body = self.body_down(body);
                Down::Fetch {
                    run,
                    head,
                    body,
                    failure,
                    revisions,
                }
            }
            Work::Call { name, args } => Down::Call {
                run,
                name,
                args,
                revisions,
            },
            Work::Alarm {
                names,
                scheduled_ms,
                retries,
            } => Down::Alarm {
                run,
                names,
                scheduled_ms,
                retries,
                revisions,
            },
            Work::Tail { events } => Down::Tail {
                run,
                json: record::json(&events),
                revisions,
            },
        };
        self.link.send(&frame);
        if let Some(fate) = self.fate.get() {
            // It died while we were at it, perhaps after its runs were told.
            self.fail_run(run, fate.clone());
        }
        let mut guard = CancelOnDrop {
            process: self,
            run,
            armed: true,
        };
        let result = answer.await.unwrap_or_else(|_| Err(self.failure()));
        guard.armed = false;
        result
    }

    /// Ends one run with a failure, as far as its caller is concerned.
    pub fn fail_run(&self, run: RunId, failure: Failure) {
        let taken = lock(&self.runs).remove(&run);
        if let Some(mut state) = taken {
            state.record.fail(&failure);
            if let Some(reply) = state.reply.take() {
                // The caller may have gone.
                let _ = reply.send(Err(failure));
            }
            self.finish(state.record);
        }
    }

    /// The caller of a run has gone, or its deadline has come.
    pub fn cancel_run(&self, run: RunId, failure: Failure) {
        let reason = failure.message.clone();
        if let Some(state) = lock(&self.runs).get(&run) {
            state.cancelled.notify_waiters();
        }
        let link = self.link.clone();
        link.send(&Down::CancelRun { run, reason });
        self.fail_run(run, failure);
    }

    /// What is told when nobody waits for a run any more; `None` for one that is not open.
    pub fn cancelled(&self, run: RunId) -> Option<Arc<Notify>> {
        lock(&self.runs)
            .get(&run)
            .map(|state| state.cancelled.clone())
    }

    /// Takes no more runs, and ends after the last.
    pub fn retire(self: &Arc<Self>) {
        self.retiring.store(true, Ordering::Relaxed);
        self.spare.discard();
        self.end_if_done();
    }

    /// Ends it now. Runs that are open fail with `failure`.
    pub fn kill(&self, failure: Failure) {
        // A process dies once; the first reason is the true one.
        let _ = self.fate.set(failure);
        let pid = self.pid.load(Ordering::Relaxed);
        if pid == 0 {
            self.link.close();
        } else {
            self.children.kill(pid);
        }
    }

    fn end_if_done(self: &Arc<Self>) {
        if self.retiring.load(Ordering::Relaxed) && self.runs_open() == 0 {
            self.link.close();
            let process = self.clone();
            tokio::spawn(async move {
                tokio::time::sleep(END_GRACE).await;
                process.kill(Failure::new(Outcome::Canceled, "The isolate was ended"));
            });
        }
    }

    fn finish(&self, mut record: Record) {
        record.libraries = lock(&self.libraries).clone();
        let idle = lock(&self.runs).is_empty();
        if idle {
            let pid = self.pid.load(Ordering::Relaxed);
            let mut watch = lock(&self.watch);
            watch.idle_since = Some(Instant::now());
            watch.idle_cpu_us = self.children.cpu_us(pid).unwrap_or(0);
        }
        if let Some(owner) = self.owner.upgrade() {
            owner.ended(record);
        }
    }

    // ---- The watchdog

    /// Looks whether the process keeps its bounds. `idle_max`: how long it may do nothing.
    pub fn check(self: &Arc<Self>, idle_max: Duration, idle_cpu_us_max: u64) {
        if self.fate.get().is_some() {
            return;
        }
        let pid = self.pid.load(Ordering::Relaxed);
        let watch = lock(&self.watch);
        if let Some(since) = watch.idle_since {
            let used = self
                .children
                .cpu_us(pid)
                .unwrap_or(0)
                .saturating_sub(watch.idle_cpu_us);
            if since.elapsed() > idle_max || used > idle_cpu_us_max {
                drop(watch);
                self.retire();
            }
            return;
        }
        if pid == 0 {
            // It waits to be forked from a template, whose loading has bounds of its own.
            return;
        }
        drop(watch);
        self.end_overdue();
        let mut watch = lock(&self.watch);
        let stall = Duration::from_millis(self.limits.stall_ms);
        if watch.pings == watch.pongs {
            watch.pings = watch.pings.wrapping_add(1);
            watch.pinged_at = Instant::now();
            watch.pinged_cpu_us = self.children.cpu_us(pid).unwrap_or(0);
            let number = watch.pings;
            drop(watch);
            self.link.send(&Down::Ping { number });
        } else if watch.stalled(stall, self.children.cpu_us(pid).unwrap_or(0)) {
            drop(watch);
            self.kill(Failure::limit(
                Outcome::Stall,
                "stallMs",
                self.limits.stall_ms,
                format!(
                    "The event loop stood still for more than {} ms",
                    self.limits.stall_ms
                ),
            ));
        }
    }

    // What a run waits for after its answer may take as long as the answer itself.
    fn end_overdue(self: &Arc<Self>) {
        let deadline_ms = self.limits.deadline_ms;
        let open: Vec<StreamId> = lock(&self.from).keys().copied().collect();
        let mut overdue = Vec::new();
        for (run, state) in lock(&self.runs).iter_mut() {
            let streams = state.body.is_some_and(|stream| open.contains(&stream));
            if state.reply.is_some() || streams {
                continue;
            }
            let since = state.answered_since.get_or_insert_with(Instant::now);
            if since.elapsed() > Duration::from_millis(deadline_ms) {
                overdue.push(*run);
            }
        }
        for run in &overdue {
            let message = format!("The run went on for {deadline_ms} ms after its answer");
            let failure = Failure::limit(Outcome::Deadline, "deadlineMs", deadline_ms, message);
            self.cancel_run(*run, failure);
        }
        if !overdue.is_empty() {
            // It may go on computing for nobody.
            self.retire();
        }
    }

    fn pong(&self, number: u32, cpu_us: &[(RunId, u64)]) {
        let mut watch = lock(&self.watch);
        if number == watch.pings {
            watch.pongs = number;
        }
        drop(watch);
        let limit_ms = self.limits.cpu_ms;
        let over = cpu_us.iter().any(|(_, used)| used / 1000 > limit_ms);
        if over {
            self.kill(Failure::limit(
                Outcome::Cpu,
                "cpuMs",
                limit_ms,
                format!("A run used more than {limit_ms} ms of CPU"),
            ));
        }
    }

    // ---- Frames from the process

    async fn read(self: Arc<Self>, mut frames: Frames) {
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
        for (_, stream) in lock(&self.from).drain() {
            // Its reader may have gone.
            let _ = stream
                .chunks
                .send(Err(BodyError::Source(fate.message.clone())));
        }
        for (_, stream) in lock(&self.to).drain() {
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

    fn failure(&self) -> Failure {
        let ended = || Failure::new(Outcome::Crash, "The isolate has gone");
        self.fate.get().cloned().unwrap_or_else(ended)
    }

    fn take(self: &Arc<Self>, frame: Up) -> Result<(), String> {
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
                if let Some(ToProcess::Flowing { task, .. }) = lock(&self.to).remove(&stream) {
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

    fn line(&self, run: RunId, level: Level, mut text: String) {
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

    fn revisions(&self) -> Vec<u64> {
        lock(&self.tracked)
            .iter()
            .map(|namespace| namespace.as_ref().map_or(0, Namespace::revision))
            .collect()
    }

    // ---- Answers

    /// Answers a kernel call of this process.
    pub fn answer(
        self: &Arc<Self>,
        call: CallId,
        result: Result<crate::wire::Answer, crate::wire::CallError>,
    ) {
        self.calls_open.fetch_sub(1, Ordering::Relaxed);
        self.link.send(&Down::Answer { call, result });
    }

    /// Asks the program here for a module that another program, which it started, imports.
    pub async fn resolve(
        &self,
        program: u32,
        specifier: String,
        referrer: String,
    ) -> Result<Option<ModuleSpec>, String> {
        let ask = self.asks_made.fetch_add(1, Ordering::Relaxed);
        let (sender, receiver) = oneshot::channel();
        lock(&self.asks).insert(ask, sender);
        self.link.send(&Down::Resolve {
            ask,
            program,
            specifier,
            referrer,
        });
        receiver
            .await
            .unwrap_or_else(|_| Err("The program that knows has gone".into()))
    }

    // ---- Bodies

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
    fn from_process(self: &Arc<Self>, stream: StreamId) {
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

    fn chunk(self: &Arc<Self>, stream: StreamId, bytes: Vec<u8>) -> Result<(), String> {
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

    fn end_stream(&self, stream: StreamId, error: Option<BodyError>) {
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

    fn taken(&self, stream: StreamId, bytes: u32) {
        if let Some(known) = lock(&self.from).get_mut(&stream) {
            known.window += i64::from(bytes);
            self.link.send(&Down::Credit { stream, bytes });
        }
    }

    // The process asks for more of a body.
    fn flow(self: &Arc<Self>, stream: StreamId, bytes: u32) {
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

struct CancelOnDrop<'a> {
    process: &'a Arc<Process>,
    run: RunId,
    armed: bool,
}

impl Drop for CancelOnDrop<'_> {
    fn drop(&mut self) {
        if self.armed {
            let failure = Failure::new(Outcome::Canceled, "The caller has gone");
            self.process.cancel_run(self.run, failure);
        }
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl RunKind {
    /// Which kind of run some work is.
    pub fn of(work: &Work) -> RunKind {
        match work {
            Work::Fetch { .. } => RunKind::Fetch,
            Work::Call { .. } => RunKind::Call,
            Work::Alarm { .. } => RunKind::Alarm,
            Work::Tail { .. } => RunKind::Tail,
        }
    }
}
