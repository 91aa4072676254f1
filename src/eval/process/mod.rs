//! A process: the kernel's hold on one that loads, forks or serves. It starts runs, follows their
//! bodies, keeps their bounds, and kills.

mod bodies;
mod frames;
mod watchdog;

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, AtomicI32, AtomicU32, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError, Weak};
use std::time::{Duration, Instant};

use tokio::sync::{Notify, oneshot, watch};

use self::bodies::{FromProcess, ToProcess};
use self::watchdog::Watch;
use crate::eval::body::Body;
use crate::eval::children::Children;
use crate::eval::link::{Frames, Link};
use crate::eval::program::Prepared;
use crate::eval::record::{self, Libraries, Record, RunKind, TailEvent};
use crate::eval::spare::Spare;
use crate::limits::Limits;
use crate::storage::Namespace;
use crate::wire::{
    Call, CallId, Down, Exports, Failure, Header, Level, ModuleSpec, Outcome, RequestHead, RunId,
    StreamId,
};

/// Grace for a process that was told to end and does not.
const END_GRACE: Duration = Duration::from_secs(2);

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

    /// Whether it is known to have come to its end.
    pub fn ended(&self) -> bool {
        self.fate.get().is_some()
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
