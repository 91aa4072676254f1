//! A slot: a program under an id in the program that started it, and the processes that run it.
//!
//! Slots nest as programs do: the root's is the top of the tree. A slot keeps a template, which has
//! loaded the program, and forks isolates from it.

mod beside;
mod processes;
mod tail;

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::Duration;

pub use self::beside::Beside;
use self::processes::Running;
use self::tail::{Tail, log_line};
use crate::eval::body::{Body, BodyError};
use crate::eval::forwarding::Answered;
use crate::eval::process::{Owner, Process, Reply, Work};
use crate::eval::program::Prepared;
use crate::eval::record::{Record, RunKind, TailEvent, now_ms};
use crate::eval::route::Routes;
use crate::grant::Grant;
use crate::kernel::{Kernel, Member};
use crate::limits::{SLOTS_MAX, SOCKET_IDLE_MS};
use crate::storage::Namespace;
use crate::watch::Watch;
use crate::wire::{
    Call, CallId, Failure, Isolation, Level, Outcome, ProgramSpec, RequestHead, RunId, Spent,
};

/// What a run may take beyond its deadline while one below it is open, which began later and may be
/// the late one: its own deadline ends it first, and the blame is not its caller's.
const DEADLINE_GRACE: Duration = Duration::from_secs(1);

/// A program, and what runs it.
pub struct Slot {
    /// Itself, for what it starts.
    this: Weak<Slot>,
    pub(crate) kernel: Arc<Kernel>,
    /// The slot of the program that started this one.
    parent: Option<Weak<Slot>>,
    /// The numbers of the slots from the root's down to this one.
    lineage: Arc<[u64]>,
    /// What the parent calls it; `None` for a program that is loaded once, and for the root.
    id: Option<String>,
    /// As it was asked for, to prepare it anew.
    pub(crate) spec: ProgramSpec,
    /// The process that asked, which knows how to resolve what the program lacks.
    pub(crate) asker: Option<Weak<Process>>,
    pub(crate) grant: Grant,
    running: Mutex<Running>,
    below: Mutex<HashMap<String, Arc<Slot>>>,
    tail: Mutex<Tail>,
    used: AtomicU64,
    /// Runs that have ended, of its program and all below it, and their CPU in microseconds.
    runs_ended: AtomicU64,
    cpu_spent_us: AtomicU64,
    pub(crate) watch: Watch,
    pub(in crate::eval) routes: Mutex<Routes>,
    /// Runs that routes spare the program, while they are open.
    pub(in crate::eval) forwarding: AtomicUsize,
}

/// What the caller of a run is told about it besides.
#[derive(Debug, Clone, Copy, Default)]
pub struct Caller {
    /// The run that asks.
    pub run: Option<RunId>,
    /// Times the request has come back to the town.
    pub hops: u32,
    /// The run whose `fetch` has come back to the town.
    pub cause: Option<RunId>,
}

impl Slot {
    /// A slot for a program that is ready to be loaded.
    pub fn new(
        kernel: Arc<Kernel>,
        parent: Option<&Arc<Slot>>,
        id: Option<String>,
        spec: ProgramSpec,
        asker: Option<Weak<Process>>,
        grant: Grant,
        prepared: Prepared,
    ) -> Arc<Self> {
        let mut lineage = parent.map_or_else(Vec::new, |parent| parent.lineage.to_vec());
        lineage.push(kernel.number_of_slot());
        let watch = Watch::default();
        watch.begin(prepared.overridden);
        Arc::new_cyclic(|this| Self {
            this: this.clone(),
            kernel,
            parent: parent.map(Arc::downgrade),
            lineage: lineage.into(),
            id,
            spec,
            asker,
            grant,
            running: Mutex::new(Running {
                prepared: Arc::new(prepared),
                starts: 0,
                template: None,
                isolates: Vec::new(),
            }),
            below: Mutex::default(),
            tail: Mutex::default(),
            used: AtomicU64::new(now_ms()),
            runs_ended: AtomicU64::new(0),
            cpu_spent_us: AtomicU64::new(0),
            watch,
            routes: Mutex::default(),
            forwarding: AtomicUsize::new(0),
        })
    }

    /// Whether no program has started it.
    pub fn is_first(&self) -> bool {
        self.parent.is_none()
    }

    // ---- Programs below

    /// The slot of that id below this one.
    pub fn below(&self, id: &str) -> Option<Arc<Slot>> {
        lock(&self.below).get(id).cloned()
    }

    /// Puts a slot below this one. When there are too many, the one used longest ago goes.
    pub fn put_below(&self, id: String, slot: Arc<Slot>) -> Arc<Slot> {
        let mut below = lock(&self.below);
        if let Some(known) = below.get(&id) {
            // Somebody was faster.
            return known.clone();
        }
        if below.len() >= SLOTS_MAX {
            let idle = below.iter().filter(|(_, slot)| slot.runs_open() == 0);
            let oldest = idle.min_by_key(|(_, slot)| slot.used.load(Ordering::Relaxed));
            if let Some(oldest) = oldest.map(|(id, _)| id.clone())
                && let Some(slot) = below.remove(&oldest)
            {
                slot.retire();
            }
        }
        below.insert(id, slot.clone());
        slot
    }

    /// The program that this one repairs, where its asker has started it.
    pub fn repaired(&self) -> Option<Arc<Slot>> {
        let id = self.spec.repairs.as_deref()?;
        self.parent.as_ref()?.upgrade()?.below(id)
    }

    /// Ends the slot of that id, its processes, and all below it.
    pub fn cancel_below(&self, id: &str, reason: &str) {
        let slot = lock(&self.below).remove(id);
        if let Some(slot) = slot {
            slot.kill(&Failure::new(Outcome::Canceled, reason));
        }
    }

    /// Ends the slots below that have this database, or one below it, as theirs.
    pub fn cancel_having(&self, database: &Namespace, reason: &str) {
        let having: Vec<Arc<Slot>> = lock(&self.below)
            .extract_if(|_, slot| {
                let own = slot.grant.storage();
                own.is_some_and(|own| own.path().starts_with(database.path()))
            })
            .map(|(_, slot)| slot)
            .collect();
        for slot in having {
            slot.kill(&Failure::new(Outcome::Canceled, reason));
        }
    }

    /// Runs open in all its processes, or handed on past them.
    pub fn runs_open(&self) -> usize {
        let isolates: usize = lock(&self.running)
            .isolates
            .iter()
            .map(|isolate| isolate.runs_open())
            .sum();
        isolates + self.forwarding.load(Ordering::Relaxed)
    }

    pub(in crate::eval) fn itself(&self) -> Weak<Slot> {
        self.this.clone()
    }

    // Whether programs that it started by an id have runs open.
    fn waits_below(&self) -> bool {
        lock(&self.below).values().any(|slot| slot.runs_open() > 0)
    }

    /// Lets its processes finish what they have and end.
    pub fn retire(&self) {
        let (template, isolates) = self.take_processes();
        template
            .iter()
            .chain(&isolates)
            .for_each(|process| process.retire());
        for slot in lock(&self.below).drain().map(|(_, slot)| slot) {
            slot.retire();
        }
    }

    /// Ends its processes now, and those below.
    pub fn kill(&self, failure: &Failure) {
        let (template, isolates) = self.take_processes();
        template
            .iter()
            .chain(&isolates)
            .for_each(|process| process.kill(failure.clone()));
        for slot in lock(&self.below).drain().map(|(_, slot)| slot) {
            slot.kill(failure);
        }
    }

    // ---- Runs

    /// Serves a request, or lets a route take it past the program. Where most fail since the
    /// program was changed, who cannot be shown a page by it is shown the one for failures.
    pub async fn fetch(&self, head: RequestHead, body: Body, caller: Caller) -> Answered {
        let reads_pages = reads_pages(&head);
        let answered = self.pass(head, body, caller).await;
        let outcome = answered.as_ref().map(|(status, ..)| *status);
        if self.watch.note(outcome) && self.parent.is_none() {
            tracing::error!(
                "most requests fail since the image was last overridden; {}",
                self.kernel.advice()
            );
        }
        if outcome.is_ok_and(|status| status == 500) && reads_pages && self.watch.is_failing() {
            let message = "Most requests fail since the program was changed";
            return Err(Failure::new(Outcome::Exception, message));
        }
        answered
    }

    async fn pass(&self, head: RequestHead, body: Body, caller: Caller) -> Answered {
        let body_bytes = self.grant.limits().body_bytes;
        let body = body
            .bounded(body_bytes, None)
            .map_err(|error| over_body_limit(body_bytes, &error))?;
        if let Some((route, target)) = self.route(&head) {
            return self.forward(&route, &target, head, body, caller).await;
        }
        let mut record = self.kernel.record(caller, RunKind::Fetch);
        record.method = Some(head.method.clone());
        record.url = Some(head.url.clone());
        let body = self.note_request(&mut record, &head, body);
        let work = Work::Fetch {
            head,
            body,
            failure: None,
        };
        self.respond(record, work).await
    }

    // Nobody is told of what the first program does.
    pub(in crate::eval) fn note_request(
        &self,
        record: &mut Record,
        head: &RequestHead,
        body: Body,
    ) -> Body {
        if self.parent.is_none() {
            return body;
        }
        record.note_request(&head.headers, body)
    }

    /// Has the program answer a request.
    pub(in crate::eval) async fn respond(&self, record: Record, work: Work) -> Answered {
        let limits = self.grant.limits();
        match self.run(record, work).await? {
            Reply::Response {
                status,
                headers,
                body,
            } => {
                let idle = Duration::from_millis(if status == 101 {
                    SOCKET_IDLE_MS
                } else {
                    limits.deadline_ms
                });
                let body = body
                    .bounded(limits.body_bytes, Some(idle))
                    .map_err(|error| over_body_limit(limits.body_bytes, &error))?;
                Ok((status, headers, body))
            }
            Reply::Value(_) => Err(Failure::new(
                Outcome::Crash,
                "The process answered with something else",
            )),
        }
    }

    /// Calls an export.
    pub async fn call(&self, work: Work, caller: Caller) -> Result<Vec<u8>, Failure> {
        let record = self.kernel.record(caller, RunKind::of(&work));
        match self.run(record, work).await? {
            Reply::Value(value) => Ok(value),
            Reply::Response { .. } => Err(Failure::new(
                Outcome::Crash,
                "The process answered with something else",
            )),
        }
    }

    async fn run(&self, record: Record, work: Work) -> Result<Reply, Failure> {
        let limits = self.grant.limits();
        let run = record.run;
        let process = match self.isolate() {
            Ok(process) => process,
            Err(failure) => {
                let mut record = record;
                record.fail(&failure);
                self.report(record);
                return Err(failure);
            }
        };
        let deadline = Duration::from_millis(limits.deadline_ms);
        let isolation = self.prepared().isolation;
        let once = self.id.is_none() && self.parent.is_some();
        let single = isolation == Isolation::Request || once;
        // Dropping it tells the process that the caller has gone, so it outlives the deadline's
        // word.
        let mut started = std::pin::pin!(process.run(record, work));
        // A process for one run is closed to others at once and ends after it.
        if once {
            lock(&self.running)
                .isolates
                .retain(|isolate| !Arc::ptr_eq(isolate, &process));
        }
        let answered = match tokio::time::timeout(deadline, started.as_mut()).await {
            Err(_) if self.waits_below() => {
                tokio::time::timeout(DEADLINE_GRACE, started.as_mut()).await
            }
            answered => answered,
        };
        match answered {
            Ok(result) => {
                if single {
                    process.retire();
                }
                result
            }
            Err(_) => {
                let failure = Failure::limit(
                    Outcome::Deadline,
                    "deadlineMs",
                    limits.deadline_ms,
                    format!("No answer within {} ms", limits.deadline_ms),
                );
                process.cancel_run(run, failure.clone());
                // It may go on computing for nobody.
                process.retire();
                Err(failure)
            }
        }
    }

    pub(crate) fn prepared(&self) -> Arc<Prepared> {
        lock(&self.running).prepared.clone()
    }

    fn member(&self) -> Member {
        Member {
            owner: self.this.clone(),
            lineage: self.lineage.clone(),
        }
    }

    /// Waits until the program has loaded, without a request.
    pub async fn ready(&self) -> Result<(), Failure> {
        let process = self.isolate()?;
        let template = lock(&self.running).template.clone();
        if let Some(template) = template {
            return template.loaded().await.map(drop);
        }
        process.loaded().await.map(drop)
    }

    // ---- What it costs

    /// What its program and all below it have and have spent since it was started.
    pub fn spent(&self) -> Spent {
        let number = self.lineage.last().copied().unwrap_or_default();
        Spent {
            isolates: self.kernel.isolates_of(number),
            runs: self.runs_ended.load(Ordering::Relaxed),
            cpu_us: self.cpu_spent_us.load(Ordering::Relaxed),
        }
    }

    fn charge(&self, cpu_us: u64) {
        self.runs_ended.fetch_add(1, Ordering::Relaxed);
        self.cpu_spent_us.fetch_add(cpu_us, Ordering::Relaxed);
        let mut above = self.parent.as_ref().and_then(Weak::upgrade);
        while let Some(slot) = above {
            slot.runs_ended.fetch_add(1, Ordering::Relaxed);
            slot.cpu_spent_us.fetch_add(cpu_us, Ordering::Relaxed);
            above = slot.parent.as_ref().and_then(Weak::upgrade);
        }
    }
}

impl Drop for Slot {
    fn drop(&mut self) {
        let (template, isolates) = self.take_processes();
        template
            .iter()
            .chain(&isolates)
            .for_each(|process| process.retire());
    }
}

impl Owner for Slot {
    fn call(&self, process: &Arc<Process>, run: RunId, call: CallId, body: Call) {
        if let Some(slot) = self.this.upgrade() {
            crate::dispatch::dispatch(slot, process.clone(), run, call, body);
        }
    }

    fn ended(&self, record: Record) {
        self.kernel.forget_run(record.run);
        self.charge(record.cpu_us);
        self.report(record);
    }

    fn line(&self, run: RunId, level: Level, text: String) {
        match self.parent.as_ref().and_then(Weak::upgrade) {
            Some(parent) => parent.tell(TailEvent::Log {
                run,
                id: self.record_id(),
                at_ms: now_ms(),
                level,
                text,
            }),
            None => log_line(level, &text),
        }
    }

    fn gone(&self, process: &Process) {
        self.kernel.released(process.number);
        let mut running = lock(&self.running);
        running
            .isolates
            .retain(|isolate| isolate.number != process.number);
        if running
            .template
            .as_ref()
            .is_some_and(|template| template.number == process.number)
        {
            running.template = None;
        }
    }

    fn namespace(&self, names: &[String]) -> Option<Namespace> {
        self.grant.namespace(names).ok()
    }
}

fn reads_pages(head: &RequestHead) -> bool {
    let accept = head.headers.iter().find(|(name, _)| name == "accept");
    accept.is_some_and(|(_, value)| value.windows(9).any(|part| part == b"text/html"))
}

fn over_body_limit(body_bytes: u64, error: &BodyError) -> Failure {
    let message = error.to_string();
    Failure::limit(Outcome::Body, "bodyBytes", body_bytes, message)
}

fn no_process(error: std::io::Error) -> Failure {
    Failure::new(Outcome::Overload, format!("No process: {error}"))
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
