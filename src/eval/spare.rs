//! A process that was forked before anybody needed it, so that nobody waits for that.

use std::io;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use super::children::Children;
use super::link::{Frames, Link};
use crate::wire::Up;

/// How long after a spare process was taken the next is made: the one that was taken has its first
/// run now, and the machine may have few cores.
const PAUSE: Duration = Duration::from_millis(2);

/// Room for one such process.
pub struct Spare {
    state: Mutex<State>,
    children: Children,
}

enum State {
    None,
    Expected,
    Ready(Arc<Link>, Instant),
}

impl Spare {
    pub fn new(children: Children) -> Arc<Self> {
        Arc::new(Self {
            state: Mutex::new(State::None),
            children,
        })
    }

    /// Takes the process, if there is one and it lives.
    pub fn take(&self) -> Option<Arc<Link>> {
        let mut state = self.lock();
        let State::Ready(link, _) = &*state else {
            return None;
        };
        let link = link.clone();
        *state = State::None;
        if link.open() {
            return Some(link);
        }
        self.bury(link);
        None
    }

    /// Has a process made for the next who asks, unless there is one or it is on its way.
    pub fn expect(self: &Arc<Self>, fork: impl FnOnce() -> io::Result<Arc<Link>> + Send + 'static) {
        {
            let mut state = self.lock();
            if !matches!(*state, State::None) {
                return;
            }
            *state = State::Expected;
        }
        let spare = self.clone();
        tokio::spawn(async move {
            tokio::time::sleep(PAUSE).await;
            // Held while it forks: what is discarded meanwhile must not come after.
            let mut state = spare.lock();
            if matches!(*state, State::Expected) {
                *state = match fork() {
                    Ok(link) => State::Ready(link, Instant::now()),
                    // Whoever asks next is told why.
                    Err(_) => State::None,
                };
            }
        });
    }

    /// Ends the process if nobody has taken it for so long.
    pub fn expire(&self, age: Duration) {
        let mut state = self.lock();
        if let State::Ready(link, made) = &*state
            && made.elapsed() >= age
        {
            self.bury(link.clone());
            *state = State::None;
        }
    }

    /// Ends the process, also one that is on its way.
    pub fn discard(&self) {
        let mut state = self.lock();
        if let State::Ready(link, _) = &*state {
            self.bury(link.clone());
        }
        *state = State::None;
    }

    // Its number has to be claimed, or its end would be taken for that of a later one.
    fn bury(&self, link: Arc<Link>) {
        let children = self.children.clone();
        // Without a runtime the kernel is ending, and everything with it.
        let Ok(runtime) = tokio::runtime::Handle::try_current() else {
            return;
        };
        runtime.spawn(async move {
            if let Ok(Up::Born { pid }) = Frames::new(link.clone()).next().await {
                drop(children.claim(pid));
            }
            link.close();
        });
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Spare {
    fn drop(&mut self) {
        self.discard();
    }
}
