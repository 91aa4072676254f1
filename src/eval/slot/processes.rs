//! The processes of a slot: which of them takes the next run, and when there is another.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use super::{Slot, lock, no_process};
use crate::eval::process::Process;
use crate::eval::program::Prepared;
use crate::eval::record::now_ms;
use crate::wire::{Down, Failure, Isolation, Outcome};

/// An isolate with more open runs than this gets a sibling where the limits allow one: beyond it
/// requests wait for each other's JavaScript.
const RUNS_BEFORE_SIBLING: usize = 4;

/// The longest program that is loaded without a template: 5 ms of parsing, about what the forks
/// cost.
const START_AT_ONCE_BYTES_MAX: usize = 8 << 10;

/// What serves, and what it is made of.
pub(super) struct Running {
    pub(super) prepared: Arc<Prepared>,
    /// Processes started for it so far.
    pub(super) starts: u64,
    pub(super) template: Option<Arc<Process>>,
    pub(super) isolates: Vec<Arc<Process>>,
}

impl Slot {
    /// The process that should take the next run.
    pub(super) fn isolate(&self) -> Result<Arc<Process>, Failure> {
        self.used.store(now_ms(), Ordering::Relaxed);
        let limits = self.grant.limits();
        let open_max = limits.requests_open as usize;
        let too_many = || {
            let max = u64::from(limits.requests_open);
            Failure::limit(
                Outcome::Overload,
                "requestsOpen",
                max,
                "Too many requests are open",
            )
        };
        let mut running = lock(&self.running);
        running.isolates.retain(|isolate| !isolate.ended());
        match running.prepared.isolation {
            Isolation::Shared => {
                let serving = || running.isolates.iter().filter(|isolate| isolate.alive());
                if let Some(least) = serving().min_by_key(|isolate| isolate.runs_open()) {
                    let open = least.runs_open();
                    let room = serving().count() < limits.isolates as usize;
                    if open < RUNS_BEFORE_SIBLING.min(open_max) || (!room && open < open_max) {
                        least.touch();
                        return Ok(least.clone());
                    }
                    if !room {
                        return Err(too_many());
                    }
                }
            }
            // Each is there for one run, until the last byte of its answer.
            Isolation::Request if running.isolates.len() >= open_max => return Err(too_many()),
            Isolation::Request => {}
        }
        let process = self.start(&mut running)?;
        running.isolates.push(process.clone());
        Ok(process)
    }

    fn start(&self, running: &mut Running) -> Result<Arc<Process>, Failure> {
        running.starts += 1;
        let template = if self.kernel.nursery.forks() && !self.starts_at_once(running) {
            Some(self.template(running)?)
        } else {
            None
        };
        self.kernel.admit(&self.lineage)?;
        let link = match &template {
            Some(template) => template.fork(running.prepared.isolation == Isolation::Request),
            None => self.kernel.nursery.birth(running.prepared.realm),
        };
        let link = link.map_err(no_process)?;
        if template.is_none() {
            link.send_encoded(running.prepared.start.clone());
            link.send(&Down::Seal);
        }
        let prepared = running.prepared.clone();
        Ok(self
            .kernel
            .attach(link, self.member(), prepared, self.grant.limits(), template))
    }

    // A small program that nobody has asked for before loads in the process that serves it: most
    // are asked for once, and a template would double the work and the memory of that.
    fn starts_at_once(&self, running: &Running) -> bool {
        running.starts == 1
            && running.template.is_none()
            && running.prepared.isolation == Isolation::Shared
            && running.prepared.start.len() <= START_AT_ONCE_BYTES_MAX
            && self
                .kernel
                .templates
                .find(&running.prepared.digest)
                .is_none()
    }

    // The process to fork: ours, one that any instance may share, or a new one.
    fn template(&self, running: &mut Running) -> Result<Arc<Process>, Failure> {
        if let Some(template) = running
            .template
            .as_ref()
            .filter(|template| template.alive())
        {
            return Ok(template.clone());
        }
        let digest = running.prepared.digest;
        let template = match self.kernel.templates.find(&digest) {
            Some(template) => template,
            None => self.load(&running.prepared)?,
        };
        running.template = Some(template.clone());
        Ok(template)
    }

    // A process that loads the program.
    pub(super) fn load(&self, prepared: &Arc<Prepared>) -> Result<Arc<Process>, Failure> {
        self.kernel.admit(&self.lineage)?;
        let link = self.kernel.nursery.birth(prepared.realm);
        let link = link.map_err(no_process)?;
        link.send_encoded(prepared.start.clone());
        let template =
            self.kernel
                .attach_template(link, self.member(), prepared.clone(), self.grant.limits());
        self.kernel
            .templates
            .keep(prepared.digest, template.clone());
        Ok(template)
    }

    pub(super) fn take_processes(&self) -> (Option<Arc<Process>>, Vec<Arc<Process>>) {
        let mut running = lock(&self.running);
        (
            running.template.take(),
            std::mem::take(&mut running.isolates),
        )
    }
}
