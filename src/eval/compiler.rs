//! The compiler's process.
//!
//! The kernel parses no program itself: source goes to a sandboxed process that may die of it.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::sync::oneshot;

use super::children::Children;
use super::compile::{CompileError, Compiled, Options};
use super::compile_cache::{CompileCache, Key, Output};
use super::link::{Frames, Link};
use super::nursery::{Nursery, Realm};
use crate::limits::COMPILE_DEADLINE_MS;
use crate::wire::{CallId, Down, Up};

/// Processes that may end at a source before it is blamed.
const ATTEMPTS_MAX: u32 = 3;

/// Before each further attempt a little more: another zygote needs a moment.
const ATTEMPT_PAUSE: Duration = Duration::from_millis(500);

/// Compiles, and remembers. Clone is a handle.
#[derive(Clone)]
pub struct Compiler {
    shared: Arc<Shared>,
}

struct Shared {
    nursery: Nursery,
    children: Children,
    cache: CompileCache,
    process: Mutex<Option<Arc<Running>>>,
    calls_made: AtomicU32,
}

struct Running {
    link: Arc<Link>,
    pid: Mutex<Option<i32>>,
    waiting: Mutex<HashMap<CallId, oneshot::Sender<Result<Compiled, CompileError>>>>,
}

impl Compiler {
    /// A compiler whose process is started at the first use.
    pub fn new(nursery: Nursery, children: Children, cache: CompileCache) -> Self {
        Self {
            shared: Arc::new(Shared {
                nursery,
                children,
                cache,
                process: Mutex::default(),
                calls_made: AtomicU32::new(0),
            }),
        }
    }

    /// Compiles a source, unless the same one was compiled before.
    pub async fn compile(
        &self,
        source: &str,
        options: &Options,
    ) -> Result<Arc<Output>, CompileError> {
        let key = Key::new(source, options);
        if let Some(output) = self.shared.cache.find(key).await {
            return Ok(output);
        }
        let output = Arc::new(Output::new(self.ask(source, options).await?));
        self.shared.cache.keep(key, output.clone());
        Ok(output)
    }

    // A process that ended may have died of another's source, or before it was born.
    async fn ask(&self, source: &str, options: &Options) -> Result<Compiled, CompileError> {
        for attempt in 0..ATTEMPTS_MAX {
            // Even no pause would wait for the clock's next millisecond.
            if attempt > 0 {
                tokio::time::sleep(ATTEMPT_PAUSE * attempt).await;
            }
            if let Some(result) = self.try_once(source, options).await? {
                return Ok(result);
            }
        }
        Err(internal(
            "the compiler's process ended at this source".into(),
        ))
    }

    // `None`: the process ended.
    async fn try_once(
        &self,
        source: &str,
        options: &Options,
    ) -> Result<Option<Compiled>, CompileError> {
        let call = self.shared.calls_made.fetch_add(1, Ordering::Relaxed);
        let (sender, receiver) = oneshot::channel();
        let running = self.running()?;
        lock(&running.waiting).insert(call, sender);
        // Once it has been replaced nobody tells those who wait.
        let current = lock(&self.shared.process).clone();
        if current.is_none_or(|current| !Arc::ptr_eq(&current, &running)) {
            return Ok(None);
        }
        let frame = Down::Compile {
            call,
            source: source.to_string(),
            options: options.clone(),
        };
        running.link.send(&frame);
        let deadline = Duration::from_millis(COMPILE_DEADLINE_MS);
        match tokio::time::timeout(deadline, receiver).await {
            Ok(Ok(result)) => result.map(Some),
            Ok(Err(_)) => Ok(None),
            Err(_) => {
                self.end(&running);
                Err(internal(format!(
                    "this source took more than {COMPILE_DEADLINE_MS} ms"
                )))
            }
        }
    }

    fn running(&self) -> Result<Arc<Running>, CompileError> {
        let mut process = lock(&self.shared.process);
        if let Some(running) = process.as_ref() {
            return Ok(running.clone());
        }
        let link = self
            .shared
            .nursery
            .birth(Realm::Open)
            .map_err(|error| internal(error.to_string()))?;
        link.send(&Down::BeCompiler);
        let running = Arc::new(Running {
            link: link.clone(),
            pid: Mutex::default(),
            waiting: Mutex::default(),
        });
        *process = Some(running.clone());
        tokio::spawn(self.clone().read(running.clone(), Frames::new(link)));
        Ok(running)
    }

    async fn read(self, running: Arc<Running>, mut frames: Frames) {
        let mut exit = None;
        loop {
            match frames.next().await {
                Ok(Up::Born { pid }) => {
                    *lock(&running.pid) = Some(pid);
                    exit = Some(self.shared.children.claim(pid));
                }
                Ok(Up::Compiled { call, result }) => {
                    if let Some(sender) = lock(&running.waiting).remove(&call) {
                        // Whoever asked may have gone.
                        let _ = sender.send(result);
                    }
                }
                Ok(_) => {}
                Err(_) => break,
            }
        }
        self.end(&running);
        drop(exit);
    }

    // The next source gets a new process.
    fn end(&self, running: &Arc<Running>) {
        let mut process = lock(&self.shared.process);
        if process
            .as_ref()
            .is_some_and(|current| Arc::ptr_eq(current, running))
        {
            *process = None;
        }
        drop(process);
        running.link.close();
        if let Some(pid) = *lock(&running.pid) {
            self.shared.children.kill(pid);
        }
        lock(&running.waiting).clear();
    }
}

fn internal(message: String) -> CompileError {
    CompileError::Internal { message }
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
