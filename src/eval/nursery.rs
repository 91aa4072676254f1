//! The nursery: where processes come from. By fork of the zygote, or by starting the binary anew.

use std::io;
use std::os::fd::OwnedFd;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, mpsc};
use std::time::{Duration, Instant};

use super::children::Children;
use super::link::{Frames, Link};
use super::spare::Spare;
use crate::wire::{Down, Up};

/// A zygote that dies sooner than this after its start is not started again at once.
const ZYGOTE_LIFE_MIN: Duration = Duration::from_secs(1);

/// How processes are made.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum Birth {
    /// Forked from a process that has everything in memory: a millisecond.
    Fork,
    /// Started as a program each: where forking is not wanted.
    Exec,
}

/// Makes processes. Clone is a handle.
#[derive(Clone)]
pub struct Nursery {
    shared: Arc<Shared>,
}

struct Shared {
    birth: Birth,
    zygote: Mutex<Arc<Link>>,
    spare: Arc<Spare>,
    orders: mpsc::Sender<Order>,
}

enum Order {
    Spawn(OwnedFd, mpsc::Sender<io::Result<i32>>),
    Zygote(OwnedFd),
}

impl Nursery {
    /// Starts the thread that starts and buries processes, and the zygote. Must be called within
    /// the async runtime.
    pub fn start(birth: Birth, children: &Children) -> io::Result<Self> {
        let (orders, inbox) = mpsc::channel();
        let (link, theirs) = Link::pair()?;
        // The thread outlives everything else: the parent-death signal of the children is its end.
        let starter = children.clone();
        std::thread::Builder::new()
            .name("starter".into())
            .spawn(move || {
                while let Ok(order) = inbox.recv() {
                    match order {
                        Order::Spawn(socket, reply) => {
                            let _ = reply.send(starter.spawn(&socket));
                        }
                        Order::Zygote(socket) => {
                            if let Err(error) = starter.spawn(&socket) {
                                tracing::error!("the zygote could not be started: {error}");
                            }
                        }
                    }
                }
            })?;
        let reaper = children.clone();
        std::thread::Builder::new()
            .name("reaper".into())
            .spawn(move || reaper.reap())?;
        let shared = Arc::new(Shared {
            birth,
            zygote: Mutex::new(link.clone()),
            spare: Spare::new(children.clone()),
            orders,
        });
        let nursery = Self { shared };
        if birth == Birth::Fork {
            nursery.order(Order::Zygote(theirs))?;
            nursery.expect_spare();
            tokio::spawn(nursery.clone().keep_zygote(link, children.clone()));
        }
        Ok(nursery)
    }

    /// A new process: its link.
    pub fn birth(&self) -> io::Result<Arc<Link>> {
        match self.shared.birth {
            Birth::Fork => {
                let spare = self.shared.spare.take();
                self.expect_spare();
                spare.map_or_else(|| self.zygote().fork(), Ok)
            }
            Birth::Exec => {
                let (link, theirs) = Link::pair()?;
                let (reply, answer) = mpsc::channel();
                self.order(Order::Spawn(theirs, reply))?;
                answer.recv().map_err(io::Error::other)??;
                Ok(link)
            }
        }
    }

    fn expect_spare(&self) {
        // Not a handle on itself: the spare would keep what it is part of.
        let shared = Arc::downgrade(&self.shared);
        self.shared.spare.expect(move || {
            let gone = || io::Error::other("the nursery has gone");
            let zygote = lock(&shared.upgrade().ok_or_else(gone)?.zygote).clone();
            let link = zygote.fork()?;
            link.send(&Down::Rehearse);
            Ok(link)
        });
    }

    fn zygote(&self) -> Arc<Link> {
        lock(&self.shared.zygote).clone()
    }

    /// Whether a process that has loaded its program can be forked.
    pub fn forks(&self) -> bool {
        self.shared.birth == Birth::Fork
    }

    fn order(&self, order: Order) -> io::Result<()> {
        self.shared
            .orders
            .send(order)
            .map_err(|_| io::Error::other("the starter has gone"))
    }

    // Reads what the zygote says, which is little, and starts another when it dies.
    async fn keep_zygote(self, first: Arc<Link>, children: Children) {
        let mut link = first;
        loop {
            let started = Instant::now();
            let mut frames = Frames::new(link.clone());
            let mut exit = None;
            while let Ok(frame) = frames.next().await {
                if let Up::Born { pid } = frame {
                    exit = Some(children.claim(pid));
                }
            }
            tracing::error!("the zygote has gone; starting another");
            if let Some(exit) = exit
                && let Ok(exit) = exit.await
            {
                tracing::error!("the zygote ended with {:?}", exit.status);
            }
            let left = ZYGOTE_LIFE_MIN.saturating_sub(started.elapsed());
            tokio::time::sleep(left).await;
            let Ok((next, theirs)) = Link::pair() else {
                continue;
            };
            link = next;
            *lock(&self.shared.zygote) = link.clone();
            // What the last one was asked for may never have been made.
            self.shared.spare.discard();
            if self.order(Order::Zygote(theirs)).is_err() {
                return;
            }
        }
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
