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

/// What a process has of what all its modules share.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Realm {
    /// All of it may be changed: by a program whose modules all have authority.
    Open,
    /// Nothing of it can be changed.
    Hardened,
}

/// Makes processes. Clone is a handle.
#[derive(Clone)]
pub struct Nursery {
    shared: Arc<Shared>,
}

struct Shared {
    birth: Birth,
    open: Zygote,
    hardened: Zygote,
    orders: mpsc::Sender<Order>,
}

/// A process that forks, and one that it has forked ahead.
struct Zygote {
    link: Mutex<Arc<Link>>,
    spare: Arc<Spare>,
}

impl Zygote {
    fn new(link: Arc<Link>, children: &Children) -> Self {
        Self {
            link: Mutex::new(link),
            spare: Spare::new(children.clone()),
        }
    }

    fn link(&self) -> Arc<Link> {
        lock(&self.link).clone()
    }
}

impl Shared {
    fn zygote(&self, realm: Realm) -> &Zygote {
        match realm {
            Realm::Open => &self.open,
            Realm::Hardened => &self.hardened,
        }
    }
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
        // Where nothing forks, nobody asks for either.
        let mut hardened = link.clone();
        if birth == Birth::Fork {
            orders
                .send(Order::Zygote(theirs))
                .map_err(|_| io::Error::other("the starter has gone"))?;
            hardened = fork_hardened(&link)?;
        }
        let nursery = Self {
            shared: Arc::new(Shared {
                birth,
                open: Zygote::new(link, children),
                hardened: Zygote::new(hardened, children),
                orders,
            }),
        };
        if birth == Birth::Fork {
            nursery.expect_spare(Realm::Open);
            for realm in [Realm::Open, Realm::Hardened] {
                tokio::spawn(nursery.clone().keep_zygote(realm, children.clone()));
            }
        }
        Ok(nursery)
    }

    /// A new process: its link. One that is started by itself hardens its realm when it has to.
    pub fn birth(&self, realm: Realm) -> io::Result<Arc<Link>> {
        match self.shared.birth {
            Birth::Fork => {
                let zygote = self.shared.zygote(realm);
                let spare = zygote.spare.take();
                self.expect_spare(realm);
                spare.map_or_else(|| zygote.link().fork(), Ok)
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

    fn expect_spare(&self, realm: Realm) {
        // Not a handle on itself: the spare would keep what it is part of.
        let shared = Arc::downgrade(&self.shared);
        self.shared.zygote(realm).spare.expect(move || {
            let gone = || io::Error::other("the nursery has gone");
            let zygote = shared.upgrade().ok_or_else(gone)?.zygote(realm).link();
            let link = zygote.fork()?;
            link.send(&Down::Rehearse);
            Ok(link)
        });
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
    async fn keep_zygote(self, realm: Realm, children: Children) {
        let zygote = self.shared.zygote(realm);
        loop {
            let link = zygote.link();
            let started = Instant::now();
            let mut frames = Frames::new(link);
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
            let Ok(next) = self.another(realm) else {
                continue;
            };
            *lock(&zygote.link) = next;
            // What the last one was asked for may never have been made.
            zygote.spare.discard();
        }
    }

    // A zygote in the place of one that has gone.
    fn another(&self, realm: Realm) -> io::Result<Arc<Link>> {
        match realm {
            Realm::Open => {
                let (link, theirs) = Link::pair()?;
                self.order(Order::Zygote(theirs))?;
                Ok(link)
            }
            Realm::Hardened => fork_hardened(&self.shared.open.link()),
        }
    }
}

fn fork_hardened(zygote: &Arc<Link>) -> io::Result<Arc<Link>> {
    let link = zygote.fork()?;
    link.send(&Down::Harden);
    Ok(link)
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
