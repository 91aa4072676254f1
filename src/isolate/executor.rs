//! The job queues of the engine: promise jobs, timers and futures, run by the process's event loop.
//!
//! Every job remembers for which run it was queued, so that a console line or a kernel call made
//! in it is that run's.

use std::cell::{Cell, RefCell};
use std::collections::{BTreeMap, VecDeque};
use std::rc::Rc;
use std::time::{Duration, Instant};

use boa_engine::job::PromiseJob;
use boa_engine::job::{GenericJob, IntervalJob, Job, JobExecutor, NativeAsyncJob, TimeoutJob};
use boa_engine::{Context, JsError, JsObject, JsResult};

use super::meter::Meter;
use crate::wire::RunId;

/// The queues.
#[derive(Default)]
pub struct Executor {
    promises: RefCell<VecDeque<Queued<PromiseJob>>>,
    generic: RefCell<VecDeque<Queued<GenericJob>>>,
    futures: RefCell<VecDeque<(RunId, NativeAsyncJob)>>,
    timers: RefCell<BTreeMap<(Instant, u64), Queued<Timer>>>,
    timers_queued: Cell<u64>,
    run: Cell<RunId>,
    frame: RefCell<Frame>,
}

/// What travels with every callback from where it was registered to where it runs: the program's
/// own, for `AsyncLocalStorage`.
pub type Frame = Option<JsObject>;

/// A job, with the run and the frame it was queued in.
struct Queued<T> {
    run: RunId,
    frame: Frame,
    job: T,
}

enum Timer {
    Once(TimeoutJob),
    Every(IntervalJob),
}

impl Timer {
    fn cancelled(&self) -> bool {
        match self {
            Timer::Once(job) => job.cancelled(),
            Timer::Every(job) => job.cancelled(),
        }
    }
}

impl Executor {
    /// The run that the code now running belongs to; 0: none.
    pub fn run(&self) -> RunId {
        self.run.get()
    }

    /// Sets the run for the code that runs next; returns the one before.
    pub fn enter(&self, run: RunId) -> RunId {
        self.run.replace(run)
    }

    /// The frame of the code now running.
    pub fn frame(&self) -> Frame {
        self.frame.borrow().clone()
    }

    /// Sets the frame for the code that runs next.
    pub fn set_frame(&self, frame: Frame) {
        *self.frame.borrow_mut() = frame;
    }

    fn begin<T>(&self, queued: Queued<T>) -> (RunId, T) {
        self.run.set(queued.run);
        self.set_frame(queued.frame);
        (queued.run, queued.job)
    }

    /// Runs promise and generic jobs until there are none. The first error that JavaScript cannot
    /// catch ends it, with the run it happened in.
    pub fn run_ready(&self, context: &mut Context) -> Result<(), (RunId, JsError)> {
        loop {
            let next = self.promises.borrow_mut().pop_front();
            if let Some(queued) = next {
                let (run, job) = self.begin(queued);
                job.call(context).map_err(|error| (run, error))?;
                continue;
            }
            let next = self.generic.borrow_mut().pop_front();
            let Some(queued) = next else { break };
            let (run, job) = self.begin(queued);
            job.call(context).map_err(|error| (run, error))?;
        }
        self.run.set(0);
        self.set_frame(None);
        context.clear_kept_objects();
        Ok(())
    }

    /// Takes the futures that were queued since the last call.
    pub fn take_futures(&self) -> Vec<(RunId, NativeAsyncJob)> {
        self.futures.borrow_mut().drain(..).collect()
    }

    /// Gives back futures that were taken.
    pub fn put_back(&self, futures: Vec<(RunId, NativeAsyncJob)>) {
        self.futures.borrow_mut().extend(futures);
    }

    /// Runs the timers that are due, each with its promise jobs. Returns whether there were any.
    pub fn run_timers(
        &self,
        meter: &Meter,
        context: &mut Context,
    ) -> Result<bool, (RunId, JsError)> {
        let now = Instant::now();
        let mut ran = false;
        loop {
            let due = {
                let mut timers = self.timers.borrow_mut();
                match timers.first_key_value() {
                    Some(((at, _), _)) if *at <= now => timers.pop_first(),
                    _ => None,
                }
            };
            let Some((_, queued)) = due else { break };
            if queued.job.cancelled() {
                continue;
            }
            ran = true;
            let (run, timer) = self.begin(queued);
            meter.begin(run);
            match timer {
                Timer::Once(job) => {
                    job.call(context).map_err(|error| (run, error))?;
                }
                Timer::Every(job) => {
                    job.call(context).map_err(|error| (run, error))?;
                    self.queue_timer(run, duration(job.interval().as_millis()), Timer::Every(job));
                }
            }
            self.run_ready(context)?;
            meter.end();
        }
        Ok(ran)
    }

    /// How long until the next timer is due.
    pub fn next_timer(&self) -> Option<Duration> {
        let mut timers = self.timers.borrow_mut();
        while let Some(entry) = timers.first_entry() {
            if !entry.get().job.cancelled() {
                return Some(entry.key().0.saturating_duration_since(Instant::now()));
            }
            entry.remove();
        }
        None
    }

    /// Drops the timers and jobs of a run that has ended or was cancelled.
    pub fn forget(&self, run: RunId) {
        self.timers
            .borrow_mut()
            .retain(|_, queued| queued.run != run);
    }

    fn queued<T>(&self, run: RunId, job: T) -> Queued<T> {
        Queued {
            run,
            frame: self.frame(),
            job,
        }
    }

    fn queue_timer(&self, run: RunId, delay: Duration, timer: Timer) {
        let number = self.timers_queued.get();
        self.timers_queued.set(number + 1);
        self.timers
            .borrow_mut()
            .insert((Instant::now() + delay, number), self.queued(run, timer));
    }
}

// `setTimeout` takes at most 2^31 - 1 ms; what is longer comes from inside and means "never soon".
fn duration(milliseconds: u64) -> Duration {
    Duration::from_millis(milliseconds.min(i32::MAX as u64))
}

impl JobExecutor for Executor {
    fn enqueue_job(self: Rc<Self>, job: Job, _context: &mut Context) {
        let run = self.run.get();
        match job {
            Job::PromiseJob(job) => {
                let queued = self.queued(run, job);
                self.promises.borrow_mut().push_back(queued);
            }
            Job::AsyncJob(job) => self.futures.borrow_mut().push_back((run, job)),
            Job::TimeoutJob(job) => {
                let delay = duration(job.timeout().as_millis());
                self.queue_timer(run, delay, Timer::Once(job));
            }
            Job::IntervalJob(job) => {
                let delay = duration(job.interval().as_millis());
                self.queue_timer(run, delay, Timer::Every(job));
            }
            Job::GenericJob(job) => {
                let queued = self.queued(run, job);
                self.generic.borrow_mut().push_back(queued);
            }
            // Finalization callbacks may be left out by the standard's own words, and a process
            // that lives for one request has no use for them.
            Job::FinalizationRegistryCleanupJob(_) => {}
            _ => {}
        }
    }

    fn run_jobs(self: Rc<Self>, context: &mut Context) -> JsResult<()> {
        self.run_ready(context).map_err(|(_, error)| error)
    }
}
