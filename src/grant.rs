//! Grants: what a program may do, as a value.
//!
//! A grant can be narrowed and never widened. The kernel relies on that, so the fields are private
//! and `attenuate` is the only way to make a grant out of another.

use serde::{Deserialize, Serialize};

use crate::limits::{Limits, LimitsRequest};
use crate::storage::{NameError, Namespace};

/// Mounts of a program: each is looked through with every storage call.
const MOUNTS_MAX: usize = 16;

/// What a program may do.
#[derive(Debug, Clone)]
pub struct Grant {
    storage: Option<Namespace>,
    // Databases that appear directly below the program's own, by names of their own.
    mounts: Vec<(String, Namespace)>,
    // Levels of programs that may be below this one; `None`: it cannot start any.
    depth: Option<u8>,
    outbound: Option<Outbound>,
    limits: Limits,
}

/// Which hosts `fetch` may reach.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Outbound {
    // Each list came from one level; a host must be on all of them. None: every host.
    hosts: Vec<Vec<String>>,
    private: bool,
}

/// What a program asks for on behalf of a child. What is omitted, the child lacks.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct GrantRequest {
    /// The way down from the asking program's own namespace.
    pub storage: Option<Vec<String>>,
    /// By the name each has for the child: the way down to further databases.
    pub mounts: Vec<(String, Vec<String>)>,
    pub loader: Option<LoaderRequest>,
    pub outbound: Option<OutboundRequest>,
    pub limits: LimitsRequest,
}

/// Levels of programs that may be below the child; `None`: as many as are left.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct LoaderRequest {
    pub depth: Option<u8>,
}

/// As in `kernel.d.ts`.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct OutboundRequest {
    pub hosts: Option<Vec<String>>,
    pub private: bool,
}

/// Why a grant was not made.
#[derive(Debug, thiserror::Error)]
pub enum GrantError {
    #[error("This program cannot start others: it was started without the loader capability")]
    NoLoader,
    #[error("No program may be below this one: the depth it was given is used up")]
    TooDeep,
    #[error("This program was started without storage")]
    NoStorage,
    #[error("A program without storage has nothing to mount on")]
    NoPlace,
    #[error("A program may have {MOUNTS_MAX} mounts, not {0}")]
    Mounts(usize),
    #[error(transparent)]
    Name(#[from] NameError),
}

impl Grant {
    /// The grant of the root program.
    pub fn root(storage: Namespace, depth: u8, private_network: bool, limits: Limits) -> Self {
        Self {
            storage: Some(storage),
            mounts: Vec::new(),
            depth: Some(depth),
            outbound: Some(Outbound {
                hosts: Vec::new(),
                private: private_network,
            }),
            limits,
        }
    }

    /// Derives the grant of a child.
    pub fn attenuate(&self, request: &GrantRequest) -> Result<Grant, GrantError> {
        let depth_left = self.depth.ok_or(GrantError::NoLoader)?;
        let Some(depth_below) = depth_left.checked_sub(1) else {
            return Err(GrantError::TooDeep);
        };
        let limits = self.limits.narrowed(&request.limits);
        let storage = match &request.storage {
            None => None,
            Some(names) => Some(self.namespace(names)?.with_quota(limits.storage_bytes)),
        };
        if request.mounts.len() > MOUNTS_MAX {
            return Err(GrantError::Mounts(request.mounts.len()));
        }
        if storage.is_none() && !request.mounts.is_empty() {
            return Err(GrantError::NoPlace);
        }
        let mounts = request.mounts.iter().map(|(name, names)| {
            // The names a mount may have are those of databases.
            self.namespace(std::slice::from_ref(name))?;
            Ok((name.clone(), self.namespace(names)?))
        });
        let mounts = mounts.collect::<Result<Vec<_>, GrantError>>()?;
        let depth = request
            .loader
            .as_ref()
            .map(|loader| loader.depth.unwrap_or(depth_below).min(depth_below));
        let outbound = match (&self.outbound, &request.outbound) {
            (Some(mine), Some(asked)) => Some(mine.narrowed(asked)),
            (None, _) | (_, None) => None,
        };
        Ok(Grant {
            storage,
            mounts,
            depth,
            outbound,
            limits,
        })
    }

    /// The program's own namespace.
    pub fn storage(&self) -> Option<&Namespace> {
        self.storage.as_ref()
    }

    /// The database that names lead down to, from the program's own or from a mount.
    pub fn namespace(&self, names: &[String]) -> Result<Namespace, GrantError> {
        let own = self.storage.as_ref().ok_or(GrantError::NoStorage)?;
        let mount = names.first().and_then(|name| self.mount(name));
        let (mut namespace, names) = match mount {
            Some(mount) => (mount.clone(), &names[1..]),
            None => (own.clone(), names),
        };
        for name in names {
            namespace = namespace.sub(name)?;
        }
        Ok(namespace)
    }

    /// What is mounted by that name.
    pub fn mount(&self, name: &str) -> Option<&Namespace> {
        let mut mounts = self.mounts.iter();
        mounts.find(|mount| mount.0 == name).map(|mount| &mount.1)
    }

    /// Whether the program may start others, and how many levels of them.
    pub fn depth(&self) -> Option<u8> {
        self.depth
    }

    /// Which hosts the program may reach.
    pub fn outbound(&self) -> Option<&Outbound> {
        self.outbound.as_ref()
    }

    /// The bounds of the program.
    pub fn limits(&self) -> &Limits {
        &self.limits
    }
}

impl Outbound {
    fn narrowed(&self, asked: &OutboundRequest) -> Outbound {
        let mut hosts = self.hosts.clone();
        if let Some(list) = &asked.hosts {
            hosts.push(list.iter().map(|host| host.to_ascii_lowercase()).collect());
        }
        Outbound {
            hosts,
            private: self.private && asked.private,
        }
    }

    /// Whether a host of that name may be asked. Addresses are judged after resolving it.
    pub fn allows_host(&self, host: &str) -> bool {
        let host = host.to_ascii_lowercase();
        self.hosts
            .iter()
            .all(|list| list.iter().any(|pattern| host_matches(pattern, &host)))
    }

    /// Whether loopback, private and link-local addresses may be reached.
    pub fn allows_private(&self) -> bool {
        self.private
    }
}

fn host_matches(pattern: &str, host: &str) -> bool {
    match pattern.strip_prefix("*.") {
        Some(domain) => host
            .strip_suffix(domain)
            .is_some_and(|rest| rest.ends_with('.') && rest.len() > 1),
        None => pattern == host,
    }
}
