//! The first program: the one that serves and, beside it, the image's own, which nothing overrides.
//!
//! The second is there so that nobody is locked out by what they have changed. It answers below
//! one path of the town's own host, on the same data, and what it reloads is the first.

use std::sync::{Arc, OnceLock, PoisonError, RwLock};
use std::time::Duration;

use tokio::sync::OnceCell;

use crate::eval::body::Body;
use crate::eval::process::{Process, Reply, Work};
use crate::eval::program::{Overrides, Prepared, System};
use crate::eval::record::RunKind;
use crate::eval::slot::{Beside, Caller, Slot};
use crate::grant::{Grant, GrantRequest};
use crate::kernel::Kernel;
use crate::watch::Fares;
use crate::wire::{Check, Env, Failure, Header, Isolation, Outcome, ProgramSpec, RequestHead};

/// The first module of the root program.
const ROOT_MAIN: &str = "town:system/main.ts";

/// Below this path of the town's own host the image's program answers.
pub const PLAIN_PREFIX: &str = "/@town/safe";

/// By which a program is told where it is reached.
const MOUNT_HEADERS: [&str; 3] = [
    "x-forwarded-host",
    "x-forwarded-proto",
    "x-forwarded-prefix",
];

/// How long a program that does not serve yet may take for one of the requests that try it.
const CHECK_PATIENCE: Duration = Duration::from_secs(10);

/// The slots of the first program.
#[derive(Default)]
pub struct Root {
    env: OnceLock<Vec<(String, String)>>,
    serving: RwLock<Option<Result<Arc<Slot>, Failure>>>,
    plain: OnceCell<Arc<Slot>>,
}

impl Root {
    /// What serves, or why nothing does.
    pub fn serving(&self) -> Result<Arc<Slot>, Failure> {
        let serving = self.serving.read().unwrap_or_else(PoisonError::into_inner);
        let starting = || Failure::new(Outcome::Overload, "The town is starting");
        serving.clone().unwrap_or_else(|| Err(starting()))
    }

    /// The image's own program, where it was asked for.
    pub fn plain(&self) -> Option<&Arc<Slot>> {
        self.plain.get()
    }

    fn set(&self, root: Result<Arc<Slot>, Failure>) {
        *self.serving.write().unwrap_or_else(PoisonError::into_inner) = Some(root);
    }

    fn is_plain(&self, slot: &Slot) -> bool {
        self.plain()
            .is_some_and(|plain| std::ptr::eq(Arc::as_ptr(plain), slot))
    }
}

/// A program that has loaded and answered what it was asked, and does not serve yet.
pub struct Candidate<'a> {
    kernel: &'a Kernel,
    slot: Arc<Slot>,
    // None: the slot is new, and is what is to serve.
    beside: Option<Beside>,
    // Nothing runs in whose place it could serve: what starts next is that program anyway.
    only_tried: bool,
}

impl Candidate<'_> {
    /// Lets it serve.
    pub fn adopt(self) {
        match self.beside {
            None => self.kernel.root.set(Ok(self.slot)),
            Some(beside) if self.only_tried => beside.discard(),
            Some(beside) => self.slot.adopt(beside),
        }
    }

    /// Does without it.
    pub fn discard(self) {
        match self.beside {
            None => self.slot.retire(),
            Some(beside) => beside.discard(),
        }
    }
}

impl Kernel {
    /// Starts the first program. One that does not load leaves a kernel that says so to every
    /// request.
    pub(crate) async fn start_root(self: &Arc<Self>, env: Vec<(String, String)>) {
        // Nobody else sets it.
        let _ = self.root.env.set(env);
        let overrides = if self.config.safe_mode {
            Overrides::None
        } else {
            Overrides::of(&self.root_grant())
        };
        let root = self.new_root(&overrides).await;
        if let Err(failure) = &root {
            tracing::error!(
                "the root program does not load: {}\n{}\n{}",
                failure.message,
                failure.stack,
                self.advice()
            );
        }
        self.root.set(root);
    }

    /// Where the image's own program answers.
    pub fn plain_address(&self) -> String {
        format!("{}{PLAIN_PREFIX}/", self.base)
    }

    pub(crate) fn advice(&self) -> String {
        format!(
            "the image's own program answers at {}; `town overrides list` and `town overrides \
             restore` work on the stopped town; --safe-mode ignores all overrides of the image",
            self.plain_address()
        )
    }

    /// Hands a request from outside to the root program or, below its path, to the image's own.
    pub async fn handle(
        self: &Arc<Self>,
        head: RequestHead,
        body: Body,
        caller: Caller,
    ) -> Result<(u16, Vec<Header>, Body), Failure> {
        if let Some(head) = self.head_for_plain(&head) {
            return self.plain_slot().await?.fetch(head, body, caller).await;
        }
        self.root.serving()?.fetch(head, body, caller).await
    }

    /// Whether what serves, or fails to, is other than the image.
    pub fn is_overridden(&self) -> bool {
        let serving = self.root.serving();
        serving.map_or(true, |root| root.watch.fares().is_some())
    }

    /// How the program of a slot fares; for one that repairs another, how that one fares.
    pub(crate) fn fares_of(&self, slot: &Slot) -> Option<Fares> {
        if self.root.is_plain(slot) {
            return self.root.serving().ok()?.watch.fares();
        }
        match &slot.spec.repairs {
            None => slot.watch.fares(),
            Some(_) => slot.repaired()?.watch.fares(),
        }
    }

    /// Why the program that should serve does not, for one that repairs it.
    pub(crate) fn stopped_of(&self, slot: &Slot) -> Option<Failure> {
        if self.root.is_plain(slot) {
            return self.root.serving().err();
        }
        slot.repaired()?.watch.stopped()
    }

    // ---- Loading anew

    /// Loads a slot's program anew, with the overrides of now, and swaps it once it has loaded.
    pub(crate) async fn reload(self: &Arc<Self>, slot: &Arc<Slot>) -> Result<(), Failure> {
        let overrides = Overrides::of(&slot.grant);
        self.candidate(slot, &overrides, &[]).await?.adopt();
        Ok(())
    }

    /// Loads the root program anew.
    pub(crate) async fn reload_root(self: &Arc<Self>) -> Result<(), Failure> {
        let overrides = Overrides::of(&self.root_grant());
        let candidate = match self.root.serving() {
            Ok(root) => self.beside(root, &overrides, &[]).await?,
            Err(_) => self.afresh(&overrides, &[]).await?,
        };
        candidate.adopt();
        Ok(())
    }

    /// Loads a slot's program with these overrides, and asks it what it has to answer.
    pub(crate) async fn load_with(
        self: &Arc<Self>,
        slot: &Arc<Slot>,
        system: System,
        checks: &[Check],
    ) -> Result<Candidate<'_>, Failure> {
        self.candidate(slot, &Overrides::Given(system), checks)
            .await
    }

    async fn candidate(
        self: &Arc<Self>,
        slot: &Arc<Slot>,
        overrides: &Overrides,
        checks: &[Check],
    ) -> Result<Candidate<'_>, Failure> {
        if !self.root.is_plain(slot) {
            let served = match &slot.spec.repairs {
                None => Some(slot.clone()),
                Some(_) => slot.repaired(),
            };
            let only_tried = served.is_none();
            let slot = served.unwrap_or_else(|| slot.clone());
            let tried = self.beside(slot, overrides, checks).await?;
            return Ok(Candidate {
                only_tried,
                ..tried
            });
        }
        match self.root.serving() {
            Ok(root) => self.beside(root, overrides, checks).await,
            Err(_) => self.afresh(overrides, checks).await,
        }
    }

    async fn beside(
        self: &Arc<Self>,
        slot: Arc<Slot>,
        overrides: &Overrides,
        checks: &[Check],
    ) -> Result<Candidate<'_>, Failure> {
        let prepared = self.prepare(&slot.spec, &slot.grant, overrides).await?;
        let beside = slot.load_beside(prepared).await?;
        if !checks.is_empty() {
            let process = slot.process_beside(&beside)?;
            let checked = self.check(&process, &beside.prepared, checks).await;
            process.retire();
            if let Err(failure) = checked {
                beside.discard();
                return Err(failure);
            }
        }
        Ok(Candidate {
            kernel: self,
            slot,
            beside: Some(beside),
            only_tried: false,
        })
    }

    async fn afresh(
        self: &Arc<Self>,
        overrides: &Overrides,
        checks: &[Check],
    ) -> Result<Candidate<'_>, Failure> {
        let slot = self.new_root(overrides).await?;
        for check in checks {
            let answered = slot.fetch(head_of(check), Body::Empty, Caller::default());
            let answered = tokio::time::timeout(CHECK_PATIENCE, answered).await;
            let status = answered.map(|answered| answered.map(|(status, ..)| status));
            if let Err(failure) = verdict(check, status.unwrap_or_else(|_| Err(too_late()))) {
                slot.retire();
                return Err(failure);
            }
        }
        Ok(Candidate {
            kernel: self,
            slot,
            beside: None,
            only_tried: false,
        })
    }

    async fn check(
        &self,
        process: &Arc<Process>,
        prepared: &Prepared,
        checks: &[Check],
    ) -> Result<(), Failure> {
        for check in checks {
            let work = Work::Fetch {
                head: head_of(check),
                body: Body::Empty,
                failure: None,
            };
            let record = self.record(Caller::default(), RunKind::Fetch);
            let running = tokio::time::timeout(CHECK_PATIENCE, process.run(record, work));
            let status = match running.await {
                Ok(Ok(Reply::Response { status, .. })) => Ok(status),
                Ok(Ok(Reply::Value(_))) => Ok(0),
                Ok(Err(failure)) => Err(Failure {
                    stack: prepared.author_positions(&failure.stack),
                    ..failure
                }),
                Err(_) => Err(too_late()),
            };
            verdict(check, status)?;
        }
        Ok(())
    }

    // ---- Slots

    async fn new_root(self: &Arc<Self>, overrides: &Overrides) -> Result<Arc<Slot>, Failure> {
        let env = self.root.env.get().cloned().unwrap_or_default();
        let mut env: Vec<(String, String)> = env
            .into_iter()
            .filter(|(name, _)| name != "TOWN_BASE_URL")
            .collect();
        env.push(("TOWN_BASE_URL".into(), self.base.clone()));
        self.first_slot(env, overrides).await
    }

    async fn plain_slot(self: &Arc<Self>) -> Result<&Arc<Slot>, Failure> {
        let make = async || {
            // It is told where it is by the headers of each request, as one inside another is.
            let env = self.root.env.get().cloned().unwrap_or_default();
            let env = env
                .into_iter()
                .filter(|(name, _)| name != "TOWN_BASE_URL")
                .collect();
            self.first_slot(env, &Overrides::None).await
        };
        self.root.plain.get_or_try_init(make).await
    }

    async fn first_slot(
        self: &Arc<Self>,
        env: Vec<(String, String)>,
        overrides: &Overrides,
    ) -> Result<Arc<Slot>, Failure> {
        let grant = self.root_grant();
        let spec = ProgramSpec {
            main: ROOT_MAIN.into(),
            modules: Vec::new(),
            env: Env::Strings(env),
            grant: GrantRequest::default(),
            isolation: Isolation::Shared,
            resolve: None,
            record_id: None,
            repairs: None,
        };
        let prepared = self.prepare(&spec, &grant, overrides).await?;
        let slot = Slot::new(self.clone(), None, None, spec, None, grant, prepared);
        slot.ready().await?;
        Ok(slot)
    }

    fn root_grant(&self) -> Grant {
        Grant::root(
            self.stores.root(),
            self.config.max_depth,
            self.config.allow_private_network,
            self.config.limits(),
        )
    }

    // The request as the image's own program sees it: below the path, it is a town at that path.
    fn head_for_plain(&self, head: &RequestHead) -> Option<RequestHead> {
        let (scheme, rest) = head.url.split_once("://")?;
        let (host, path) = rest.split_at(rest.find('/')?);
        let below = path.strip_prefix(PLAIN_PREFIX)?;
        if !(below.is_empty() || below.starts_with(['/', '?'])) || !self.is_own_host(host) {
            return None;
        }
        let slash = if below.starts_with('/') { "" } else { "/" };
        let mut headers: Vec<Header> = head
            .headers
            .iter()
            .filter(|(name, _)| !MOUNT_HEADERS.contains(&name.as_str()))
            .cloned()
            .collect();
        let mount = [host, scheme, PLAIN_PREFIX];
        for (name, value) in MOUNT_HEADERS.into_iter().zip(mount) {
            headers.push((name.into(), value.as_bytes().to_vec()));
        }
        Some(RequestHead {
            method: head.method.clone(),
            url: format!("{scheme}://{host}{slash}{below}"),
            headers,
        })
    }

    // Names below the town's belong to programs; an address names the town itself.
    fn is_own_host(&self, host: &str) -> bool {
        let own = self.base.split_once("://").map(|(_, own)| own);
        let bare = host.trim_start_matches('[').trim_end_matches(']');
        own.is_some_and(|own| own.eq_ignore_ascii_case(host))
            || host.parse::<std::net::SocketAddr>().is_ok()
            || bare.parse::<std::net::IpAddr>().is_ok()
    }
}

fn head_of(check: &Check) -> RequestHead {
    let header = |(name, value): (&String, &String)| (name.clone(), value.as_bytes().to_vec());
    RequestHead {
        method: "GET".into(),
        url: check.url.clone(),
        headers: check.headers.iter().map(header).collect(),
    }
}

fn verdict(check: &Check, status: Result<u16, Failure>) -> Result<(), Failure> {
    let what = match status {
        Ok(status) if (200..400).contains(&status) => return Ok(()),
        Ok(status) => Failure::new(Outcome::Exception, format!("answered {status}")),
        Err(failure) => failure,
    };
    Err(Failure {
        message: format!("GET {}: {}", check.url, what.message),
        ..what
    })
}

fn too_late() -> Failure {
    let patience_ms = u64::try_from(CHECK_PATIENCE.as_millis()).unwrap_or(u64::MAX);
    let message = format!("No answer within {patience_ms} ms");
    Failure::limit(Outcome::Deadline, "deadlineMs", patience_ms, message)
}
