//! The kernel: owns the disk, the processes and the root program, and hands each request to it.
//!
//! It does not look at a request: which program answers is the root program's business.

use std::collections::HashMap;
use std::io;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::{Duration, UNIX_EPOCH};

use crate::config::Config;
use crate::counts::Counts;
use crate::eval::children::Children;
use crate::eval::compile_cache::CompileCache;
use crate::eval::compiler::Compiler;
use crate::eval::link::Link;
use crate::eval::nursery::Nursery;
use crate::eval::process::{Owner, Process, Work};
use crate::eval::program::{Overrides, Prepared, Visible};
use crate::eval::record::{Record, RunKind};
use crate::eval::slot::{Caller, Slot};
use crate::eval::templates::Templates;
use crate::grant::{Grant, GrantError};
use crate::http::outbound::Outside;
use crate::image::Folder;
use crate::limits::{IDLE_CPU_MS_MAX, ISOLATE_IDLE_MS, Limits, WATCH_MS};
use crate::root::Root;
use crate::secret;
use crate::storage::{Alarm, OpenError, Stores, StoresOptions};
use crate::wire::{Failure, Outcome, ProgramSpec, RunId};

/// A process that was just made or chosen has its run soon.
const CHOSEN_GRACE: Duration = Duration::from_millis(20);

/// How often a folder that stands for the image is looked at.
const FOLDER_LOOK: Duration = Duration::from_millis(300);

/// Everything.
pub struct Kernel {
    pub(crate) config: Config,
    /// The public origin, without a slash at its end.
    pub(crate) base: String,
    pub(crate) stores: Stores,
    pub(crate) children: Children,
    pub(crate) nursery: Nursery,
    pub(crate) compiler: Compiler,
    pub(crate) templates: Templates,
    pub(crate) outside: Outside,
    pub(crate) root: Root,
    pub(crate) counts: Counts,
    processes: Mutex<HashMap<u64, Living>>,
    processes_made: AtomicU64,
    slots_made: AtomicU64,
    // Runs that came back to the town, with how often.
    // Of requests that have come back to the town: how often, and whose `fetch` it was.
    returns: Mutex<HashMap<RunId, (u32, Option<RunId>)>>,
}

// A process, and the slot it serves for, which so lives as long as it; a template serves nobody.
struct Living {
    process: Arc<Process>,
    serves: Option<Arc<dyn Owner>>,
    lineage: Arc<[u64]>,
}

/// Whose process it is.
pub(crate) struct Member {
    pub owner: Weak<dyn Owner>,
    /// The numbers of the slots from the root's down to the owner's.
    pub lineage: Arc<[u64]>,
}

/// Why the kernel did not start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    #[error("the data cannot be opened: {0}")]
    Storage(#[from] OpenError),
    #[error("the sandbox cannot be started: {0}")]
    Sandbox(io::Error),
    #[error("the bootstrap vals cannot be read: {0}")]
    Image(io::Error),
    #[error("the secret of the data cannot be read: {0}")]
    Secret(io::Error),
}

impl Kernel {
    /// Opens the data and starts the root program. A program that does not load leaves a kernel
    /// that says so to every request.
    pub async fn start(config: Config, base: String) -> Result<Arc<Self>, StartError> {
        let bytes_max = Some(config.storage_limit);
        let stores = Stores::open(&config.data, &StoresOptions { bytes_max })?;
        let children = Children::default();
        let nursery = Nursery::start(config.birth, &children).map_err(StartError::Sandbox)?;
        let cache = CompileCache::new(config.cache());
        let kernel = Arc::new(Self {
            compiler: Compiler::new(nursery.clone(), children.clone(), cache),
            config,
            base,
            stores,
            children,
            nursery,
            templates: Templates::default(),
            outside: Outside::default(),
            root: Root::default(),
            counts: Counts::default(),
            processes: Mutex::default(),
            processes_made: AtomicU64::new(0),
            slots_made: AtomicU64::new(0),
            returns: Mutex::default(),
        });
        if let Some(path) = &kernel.config.bootstrap_vals {
            let folder = Folder::open(path.clone()).map_err(StartError::Image)?;
            tokio::spawn(kernel.clone().follow(folder));
        }
        let mut env: Vec<(String, String)> = std::env::vars()
            .filter(|(name, _)| name.starts_with("TOWN_"))
            .collect();
        if !env.iter().any(|(name, _)| name == secret::VARIABLE) {
            let secret = secret::of(&kernel.config.data).map_err(StartError::Secret)?;
            env.push((secret::VARIABLE.into(), secret));
        }
        kernel.start_root(env).await;
        tokio::spawn(kernel.clone().watch());
        tokio::spawn(kernel.clone().deliver_alarms());
        Ok(kernel)
    }

    /// Ends all programs.
    pub fn stop(&self) {
        if let Ok(root) = self.root.serving() {
            root.kill(&Failure::new(Outcome::Canceled, "The town is stopping"));
        }
        if let Some(plain) = self.root.plain() {
            plain.kill(&Failure::new(Outcome::Canceled, "The town is stopping"));
        }
    }

    // ---- Programs

    /// Prepares a program for an instance, with these system files in force.
    pub(crate) async fn prepare(
        &self,
        spec: &ProgramSpec,
        grant: &Grant,
        overrides: &Overrides,
    ) -> Result<Prepared, Failure> {
        let visible = Visible {
            storage: grant.storage().is_some(),
            loader: grant.depth().is_some(),
            outbound: grant.outbound().is_some(),
        };
        Prepared::new(spec, overrides, visible, grant.limits(), &self.compiler).await
    }

    /// A slot for a program below another.
    pub(crate) async fn slot_below(
        self: &Arc<Self>,
        parent: &Arc<Slot>,
        id: Option<String>,
        spec: ProgramSpec,
        asker: &Arc<Process>,
    ) -> Result<Arc<Slot>, Failure> {
        let grant = parent.grant.attenuate(&spec.grant).map_err(|error| {
            let message = error.to_string();
            match error {
                GrantError::TooDeep => Failure::limit(Outcome::Depth, "depth", 0, message),
                GrantError::NoLoader
                | GrantError::NoStorage
                | GrantError::NoPlace
                | GrantError::Mounts(_)
                | GrantError::Name(_) => Failure::new(Outcome::Load, message),
            }
        })?;
        let overrides = match &spec.repairs {
            None => Overrides::of(&grant),
            Some(_) => Overrides::None,
        };
        let prepared = self.prepare(&spec, &grant, &overrides).await?;
        let asker = Some(Arc::downgrade(asker));
        Ok(Slot::new(
            self.clone(),
            Some(parent),
            id,
            spec,
            asker,
            grant,
            prepared,
        ))
    }

    // Reads a folder that stands for the image again when it changes. A program that does not load
    // changes nothing, like any other reload.
    async fn follow(self: Arc<Self>, mut folder: Folder) {
        loop {
            tokio::time::sleep(FOLDER_LOOK).await;
            match folder.refresh() {
                Ok(false) => continue,
                Ok(true) => {}
                Err(error) => {
                    tracing::warn!("the bootstrap vals cannot be read: {error}");
                    continue;
                }
            }
            match self.reload_root().await {
                Ok(()) => tracing::info!("the bootstrap vals have changed and are loaded"),
                Err(failure) => tracing::error!(
                    "the bootstrap vals do not load: {}\n{}",
                    failure.message,
                    failure.stack
                ),
            }
        }
    }

    // ---- Processes

    /// A number for a slot that no other has.
    pub(crate) fn number_of_slot(&self) -> u64 {
        self.slots_made.fetch_add(1, Ordering::Relaxed)
    }

    /// Makes room for one process more of a slot, where that can be done in fairness.
    pub(crate) fn admit(&self, lineage: &[u64]) -> Result<(), Failure> {
        let max = self.config.max_isolates;
        let processes = lock(&self.processes);
        let alive: Vec<&Living> = processes
            .values()
            .filter(|one| one.process.alive())
            .collect();
        if alive.len() < max {
            return Ok(());
        }
        if let Some(idle) = longest_idle(&alive) {
            idle.retire();
            return Ok(());
        }
        let failure =
            |message: String| Failure::limit(Outcome::Overload, "maxIsolates", max as u64, message);
        if let Some(busy) = of_largest_family(&alive, lineage) {
            busy.kill(failure(format!(
                "All {max} processes were busy, most of them with this program and what it started"
            )));
            return Ok(());
        }
        Err(failure(format!("All {max} processes are busy")))
    }

    /// How many processes serve for a slot and those below it.
    pub(crate) fn isolates_of(&self, slot: u64) -> u64 {
        let processes = lock(&self.processes);
        let alive = processes.values().filter(|one| {
            one.serves.is_some() && one.process.alive() && one.lineage.contains(&slot)
        });
        alive.count() as u64
    }

    /// Takes over a process that will serve.
    pub(crate) fn attach(
        &self,
        link: Arc<Link>,
        member: Member,
        program: Arc<Prepared>,
        limits: &Limits,
        template: Option<Arc<Process>>,
    ) -> Arc<Process> {
        let serves = member.owner.upgrade();
        self.take_over(link, member, serves, program, limits, template)
    }

    /// Takes over a process that will load a program and be forked. It has to have loaded within
    /// the deadline, and to use no more CPU for it than an event loop may stand still.
    pub(crate) fn attach_template(
        &self,
        link: Arc<Link>,
        member: Member,
        program: Arc<Prepared>,
        limits: &Limits,
    ) -> Arc<Process> {
        let process = self.take_over(link, member, None, program, limits, None);
        tokio::spawn(bound_load(process.clone(), limits.clone()));
        process
    }

    fn take_over(
        &self,
        link: Arc<Link>,
        member: Member,
        serves: Option<Arc<dyn Owner>>,
        program: Arc<Prepared>,
        limits: &Limits,
        template: Option<Arc<Process>>,
    ) -> Arc<Process> {
        let number = self.processes_made.fetch_add(1, Ordering::Relaxed);
        let Member { owner, lineage } = member;
        let children = self.children.clone();
        let process = Process::attach(
            number,
            link,
            children,
            owner,
            program,
            limits.clone(),
            template,
        );
        let living = Living {
            process: process.clone(),
            serves,
            lineage,
        };
        lock(&self.processes).insert(number, living);
        process
    }

    /// A process has gone.
    pub(crate) fn released(&self, number: u64) {
        lock(&self.processes).remove(&number);
    }

    /// Processes that live now.
    pub fn processes(&self) -> usize {
        lock(&self.processes).len()
    }

    async fn watch(self: Arc<Self>) {
        let idle_max = Duration::from_millis(ISOLATE_IDLE_MS);
        let mut ticks = tokio::time::interval(Duration::from_millis(WATCH_MS));
        ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        loop {
            ticks.tick().await;
            let (serving, templates): (Vec<_>, Vec<_>) = lock(&self.processes)
                .values()
                .map(|one| (one.serves.is_some(), one.process.clone()))
                .partition(|(serves, _)| *serves);
            for (_, process) in serving {
                process.check(idle_max, IDLE_CPU_MS_MAX * 1000);
            }
            for (_, template) in templates {
                template.expire_spare(idle_max);
            }
        }
    }

    // ---- Runs

    /// A record for a run that begins.
    pub(crate) fn record(&self, caller: Caller, kind: RunKind) -> Record {
        let run = loop {
            // 0 means "no run".
            let run: RunId = rand::random();
            if run != 0 {
                break run;
            }
        };
        let hops = caller
            .hops
            .max(caller.run.map_or(0, |run| self.hops_of(run)));
        // A program that passes on what came back to the town is not who asked for it, and neither
        // is one that it passes it on to.
        let inherited = caller.run.and_then(|run| self.cause_of(run));
        let cause = caller.cause.or(inherited);
        if hops > 0 {
            lock(&self.returns).insert(run, (hops, cause));
        }
        let parent = inherited.or(caller.run).or(caller.cause);
        Record::begin(run, parent, kind, hops)
    }

    /// How often the request of a run has come back to the town.
    pub(crate) fn hops_of(&self, run: RunId) -> u32 {
        lock(&self.returns).get(&run).map_or(0, |(hops, _)| *hops)
    }

    fn cause_of(&self, run: RunId) -> Option<RunId> {
        lock(&self.returns).get(&run).and_then(|(_, cause)| *cause)
    }

    /// A run has ended.
    pub(crate) fn forget_run(&self, run: RunId) {
        lock(&self.returns).remove(&run);
    }

    // ---- Alarms

    async fn deliver_alarms(self: Arc<Self>) {
        let alarms = self.stores.alarms();
        loop {
            for alarm in alarms.wait_for_due().await {
                tokio::spawn(self.clone().deliver(alarm));
            }
        }
    }

    async fn deliver(self: Arc<Self>, alarm: Alarm) {
        let delivered = match self.root.serving() {
            Ok(root) => {
                let since = alarm
                    .scheduled_at
                    .duration_since(UNIX_EPOCH)
                    .unwrap_or_default();
                let work = Work::Alarm {
                    names: alarm.names.clone(),
                    scheduled_ms: i64::try_from(since.as_millis()).unwrap_or(i64::MAX),
                    retries: alarm.retries,
                };
                root.call(work, Caller::default()).await.map(drop)
            }
            Err(failure) => Err(failure),
        };
        let names = alarm.names.join("/");
        let alarms = self.stores.alarms();
        let kept = match delivered {
            Ok(()) => alarms.done(alarm).await,
            Err(failure) => {
                tracing::warn!("the alarm of /{names} failed: {}", failure.message);
                alarms.retry_later(alarm).await.map(drop)
            }
        };
        if let Err(error) = kept {
            tracing::error!("the alarm of /{names} could not be kept: {error}");
        }
    }
}

// The process that has been idle longest: one that serves, or else a template.
fn longest_idle(alive: &[&Living]) -> Option<Arc<Process>> {
    let idle = alive.iter().filter_map(|one| {
        let since = one.process.idle_since()?;
        if since.elapsed() < CHOSEN_GRACE {
            return None;
        }
        Some((one.serves.is_none(), since, &one.process))
    });
    let longest = idle.min_by_key(|(template, since, _)| (*template, *since));
    longest.map(|(.., process)| process.clone())
}

// Where all are busy, the largest family has to give up its youngest: of all programs started by
// the same one, that which has the most processes, itself and all below it. Nobody gives way to a
// family that would then be the larger one.
fn of_largest_family(alive: &[&Living], lineage: &[u64]) -> Option<Arc<Process>> {
    let mut within: Vec<&Living> = alive.to_vec();
    for level in 1..=lineage.len() {
        let own = lineage.get(level);
        let mut sizes: HashMap<&u64, usize> = HashMap::new();
        for family in within.iter().filter_map(|one| one.lineage.get(level)) {
            *sizes.entry(family).or_default() += 1;
        }
        let own_size = own.and_then(|own| sizes.get(own)).copied().unwrap_or(0);
        let largest = sizes.into_iter().max_by_key(|(_, size)| *size);
        if let Some((largest, size)) = largest
            && size > own_size + 1
        {
            let serving = within
                .iter()
                .filter(|one| one.serves.is_some() && one.lineage.get(level) == Some(largest));
            return serving
                .max_by_key(|one| one.process.number)
                .map(|one| one.process.clone());
        }
        within.retain(|one| one.lineage.get(level) == own);
    }
    None
}

// What loads must have loaded in time.
async fn bound_load(process: Arc<Process>, limits: Limits) {
    let deadline = Duration::from_millis(limits.deadline_ms);
    let loading = async {
        let mut ticks = tokio::time::interval(Duration::from_millis(WATCH_MS));
        loop {
            ticks.tick().await;
            if process.cpu_us().unwrap_or(0) / 1000 > limits.stall_ms {
                break;
            }
        }
    };
    tokio::select! {
        _ = process.loaded() => {}
        () = tokio::time::sleep(deadline) => process.kill(Failure::limit(
            Outcome::Deadline,
            "deadlineMs",
            limits.deadline_ms,
            format!("The program had not loaded within {} ms", limits.deadline_ms),
        )),
        () = loading => process.kill(Failure::limit(
            Outcome::Stall,
            "stallMs",
            limits.stall_ms,
            format!("The program used more than {} ms of CPU to load", limits.stall_ms),
        )),
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
