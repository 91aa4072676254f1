//! The watchdog: whether a process keeps its bounds, seen from outside.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use super::{Process, lock};
use crate::wire::{Down, Failure, Outcome, RunId, StreamId};

/// CPU that an event loop must have used while it stood still, of the time it stood, to be at fault
/// itself: it has a core to itself or nearly so.
const STALL_SHARE: f64 = 0.75;

/// How much longer than its limit a loop that gets no CPU may stand still.
const STARVED_FACTOR: u32 = 4;

/// What the watchdog remembers.
pub(super) struct Watch {
    pub(super) idle_since: Option<Instant>,
    pub(super) idle_cpu_us: u64,
    pub(super) pings: u32,
    pub(super) pongs: u32,
    pub(super) pinged_at: Instant,
    pub(super) pinged_cpu_us: u64,
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

impl Process {
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

    pub(super) fn pong(&self, number: u32, cpu_us: &[(RunId, u64)]) {
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
}
