//! Kernel calls: what a program asks of the kernel, and what it is answered.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::{BodyDown, BodyUp, Failure, Header, ProgramSpec, RequestHead, StartModule};
use crate::eval::compile::{CompileError, Compiled, Options};
use crate::storage::{BatchMode, ResultSet, Selection, Statement, StorageError, Usage};

/// Which isolate a call is for: by id, or a fresh one.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub enum Target {
    Id(String),
    /// By id, with the program to start where none lives.
    Define(String, Box<ProgramSpec>),
    Load(Box<ProgramSpec>),
}

/// A kernel call. `kernel.d.ts` lists the same names.
#[derive(Debug, Serialize, Deserialize)]
pub enum Call {
    StorageExecute {
        names: Vec<String>,
        statement: Statement,
    },
    StorageBatch {
        names: Vec<String>,
        statements: Vec<Statement>,
        mode: BatchMode,
    },
    StorageSubs {
        names: Vec<String>,
        prefix: String,
    },
    StorageDrop {
        names: Vec<String>,
        name: String,
    },
    StorageChanged {
        names: Vec<String>,
        after: u64,
    },
    StorageUsage {
        names: Vec<String>,
    },
    StorageSetAlarm {
        names: Vec<String>,
        at_ms: Option<i64>,
    },
    StorageExport {
        names: Vec<String>,
        note: Option<String>,
    },
    StorageImport {
        names: Vec<String>,
        name: String,
        body: BodyUp,
    },
    StorageCopy {
        names: Vec<String>,
        name: String,
        from: Vec<String>,
        selection: Selection,
    },
    LoaderCompile {
        source: String,
        options: Options,
        /// What its map calls the source.
        specifier: String,
    },
    IsolateFetch {
        target: Target,
        head: RequestHead,
        body: BodyUp,
        forward: Box<Forward>,
    },
    IsolateCall {
        target: Target,
        name: String,
        #[serde(with = "serde_bytes")]
        args: Vec<u8>,
    },
    IsolateAlarm {
        target: Target,
        names: Vec<String>,
        scheduled_ms: i64,
        retries: u32,
    },
    IsolateCancel {
        id: String,
        reason: String,
    },
    IsolatePrepare {
        target: Target,
    },
    IsolateUsage {
        id: String,
    },
    /// The global `fetch`.
    Fetch {
        head: RequestHead,
        body: BodyUp,
        redirect: Redirect,
    },
    /// A dynamic import of a specifier that the program lacks.
    Resolve {
        specifier: String,
        referrer: String,
    },
    SystemList,
    SystemRead {
        path: String,
    },
    SystemWrite {
        path: String,
        source: String,
        note: Option<String>,
    },
    SystemRestore {
        path: Option<String>,
        note: Option<String>,
    },
    SystemChange(Box<SystemChange>),
    SystemHistory {
        path: Option<String>,
        before: Option<i64>,
        limit: u32,
    },
    SystemText {
        digest: String,
    },
    SystemReload,
    SystemHealth,
}

impl Call {
    /// Its name in `kernel.d.ts`: the interface and the member.
    pub fn name(&self) -> &'static str {
        match self {
            Call::StorageExecute { .. } => "Storage.execute",
            Call::StorageBatch { .. } => "Storage.batch",
            Call::StorageSubs { .. } => "Storage.subs",
            Call::StorageDrop { .. } => "Storage.drop",
            Call::StorageChanged { .. } => "Storage.changed",
            Call::StorageUsage { .. } => "Storage.usage",
            Call::StorageSetAlarm { .. } => "Storage.setAlarm",
            Call::StorageExport { .. } => "Storage.export",
            Call::StorageImport { .. } => "Storage.import",
            Call::StorageCopy { .. } => "Storage.copy",
            Call::LoaderCompile { .. } => "Loader.compile",
            Call::IsolateFetch { .. } => "Isolate.fetch",
            Call::IsolateCall { .. } => "Isolate.call",
            Call::IsolateAlarm { .. } => "Isolate.alarm",
            Call::IsolateCancel { .. } => "Isolate.cancel",
            Call::IsolatePrepare { .. } => "Isolate.prepare",
            Call::IsolateUsage { .. } => "Isolate.usage",
            Call::Fetch { .. } => "fetch",
            Call::Resolve { .. } => "Program.resolve",
            Call::SystemList => "System.list",
            Call::SystemRead { .. } => "System.read",
            Call::SystemWrite { .. } => "System.write",
            Call::SystemRestore { .. } => "System.restore",
            Call::SystemChange(_) => "System.change",
            Call::SystemHistory { .. } => "System.history",
            Call::SystemText { .. } => "System.text",
            Call::SystemReload => "System.reload",
            Call::SystemHealth => "System.health",
        }
    }
}

/// `redirect` of a fetch.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Redirect {
    Follow,
    Manual,
    Error,
}

/// What a call came to.
#[derive(Debug, Serialize, Deserialize)]
pub enum Answer {
    Nothing,
    Rows {
        sets: Vec<ResultSet>,
        revision: u64,
    },
    Names(Vec<String>),
    Revision(u64),
    Usage(Usage),
    Spent(Spent),
    Compiled(Box<Compiled>),
    /// No program of that id lives: ask again with `Target::Define`.
    NeedProgram,
    Response {
        status: u16,
        headers: Vec<Header>,
        url: String,
        redirected: bool,
        body: BodyDown,
    },
    Value(#[serde(with = "serde_bytes")] Vec<u8>),
    Module(Option<StartModule>),
    /// Databases that came from an archive, and the text that came with them.
    Imported {
        databases: u64,
        bytes: u64,
        note: Option<String>,
    },
    File(Option<SystemFile>),
    /// Plain data as JSON.
    Json(String),
}

impl Target {
    /// What it is known by, unless it is loaded once.
    pub fn id(&self) -> Option<&str> {
        match self {
            Target::Id(id) | Target::Define(id, _) => Some(id),
            Target::Load(_) => None,
        }
    }
}

/// How a request is handed on, and its response handed back.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct Forward {
    /// Request headers that are set or, without a value, removed.
    pub headers: Vec<(String, Option<Vec<u8>>)>,
    pub rules: ResponseRules,
    /// For later requests like it.
    pub route: Option<RouteSpec>,
}

/// What the kernel changes in a response.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct ResponseRules {
    /// Set where the response has none of `defaults_unless`.
    pub defaults: Vec<Header>,
    pub defaults_unless: Vec<String>,
    pub append: Vec<Header>,
    pub cookies: Option<CookieRules>,
    pub location: Option<LocationRule>,
}

/// Where a response redirects to an address that begins so, by whole segments, that is replaced.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct LocationRule {
    pub from: String,
    pub to: String,
}

/// Keeps the cookies of a response to its host, and below a path.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct CookieRules {
    /// Without a slash at its end; empty: any path.
    pub path: String,
    /// A name that is never set.
    pub reserved: Option<String>,
}

/// Which requests are handed on like one that was, without asking the program.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct RouteSpec {
    /// How their URLs begin: an origin, or an origin and whole segments of a path.
    pub from: String,
    /// What takes the place of that beginning.
    pub to: String,
    /// How what follows the beginning does not begin, by whole segments: those are asked about.
    pub except: Option<String>,
    /// Headers they must have with exactly this value or, without one, must not have.
    pub when: Vec<(String, Option<Vec<u8>>)>,
    /// The revision of the program's storage by which it decided so.
    pub revision: u64,
}

/// What a program and all below it have and have spent since it was started.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Spent {
    /// Processes that serve now.
    pub isolates: u64,
    /// Runs that have ended, and their CPU.
    pub runs: u64,
    pub cpu_us: u64,
}

/// A file of the system, as it is in force.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct SystemFile {
    pub content: FileContent,
    pub from: FileFrom,
    /// The image's own text, where another is in force.
    pub image: Option<String>,
    /// Of an override: the image's text that it was made from, if that is known.
    pub base: Option<String>,
    pub note: Option<String>,
}

/// Overrides that are written and restored together, as `kernel.d.ts` has it.
#[derive(Debug, Serialize, Deserialize)]
pub struct SystemChange {
    pub changes: Vec<FileChange>,
    pub note: Option<String>,
    /// Load the program with them first. None: at the next `reload`.
    pub reload: Option<Reload>,
}

/// What is to become of one file of the system.
#[derive(Debug, Serialize, Deserialize)]
pub struct FileChange {
    pub path: String,
    /// None restores the image's.
    pub source: Option<String>,
    /// The image's text that it was made from. None: that of now.
    #[serde(default)]
    pub image: Option<String>,
}

/// How a program that takes another's place is tried before.
#[derive(Debug, Default, Serialize, Deserialize)]
pub struct Reload {
    #[serde(default)]
    pub checks: Vec<Check>,
}

/// A request that has to be answered with a status below 400.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Check {
    pub url: String,
    #[serde(default)]
    pub headers: BTreeMap<String, String>,
}

/// What a file of the system holds.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub enum FileContent {
    Text(String),
    Bytes(#[serde(with = "serde_bytes")] Vec<u8>),
}

/// Where a file of the system comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum FileFrom {
    Image,
    Override,
    Added,
}

/// Why a call failed, as JavaScript is told.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub enum CallError {
    /// The rule that refused it: a `TypeError` or an `Error` named `NotAllowedError`.
    Refused(String),
    /// Wrong arguments.
    Invalid(String),
    Storage(StorageError),
    Isolate(Failure),
    /// A SyntaxError, with its place where it has one.
    Compile(CompileError),
    /// The network's fault: `fetch` rejects with a TypeError.
    Network(String),
    /// The kernel's fault.
    Internal(String),
}
