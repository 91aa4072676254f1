//! Frames: all that crosses the socket between the kernel and a process, as plain data.
//!
//! A frame is its length (four bytes, little-endian) and a postcard body. `Down` goes to the
//! process, `Up` comes from it. The kernel trusts nothing in an `Up` frame but its shape.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize, de::DeserializeOwned};

use crate::eval::compile::{CompileError, Compiled, Options};
use crate::grant::GrantRequest;
use crate::limits::FRAME_BYTES_MAX;
use crate::storage::{BatchMode, ResultSet, Selection, Statement, StorageError, Usage};

/// One run of a program: a request, call or alarm. Unique in the life of the kernel.
pub type RunId = u64;
/// One kernel call of a process, chosen by the process.
pub type CallId = u32;
/// A body under way. Ids of streams to a process are chosen by the kernel, of those from it by it.
pub type StreamId = u32;

/// A header's name and value, as bytes: values need not be UTF-8.
pub type Header = (String, Vec<u8>);

/// To a process.
#[derive(Debug, Serialize, Deserialize)]
pub enum Down {
    /// Become two: a descriptor travels with this frame, the socket of the new process.
    Fork,
    /// Do once what every program does, so that the memory which that writes to is the process's
    /// own before anybody waits.
    Rehearse,
    /// Freeze what modules share, before any program: become the one from which those come that
    /// have modules without authority.
    Harden,
    /// Become a compiler: only `Compile` follows.
    BeCompiler,
    Compile {
        call: CallId,
        source: String,
        options: Options,
    },
    /// Load this program. Answered by `Loaded` or `LoadFailed`.
    Start(Box<Start>),
    /// Serve: no more forks. The last step of the sandbox.
    Seal,
    Fetch {
        run: RunId,
        head: RequestHead,
        body: BodyDown,
        /// What became of the request on its route, for the program to word the answer.
        failure: Option<Failure>,
        revisions: Vec<u64>,
    },
    Call {
        run: RunId,
        name: String,
        #[serde(with = "serde_bytes")]
        args: Vec<u8>,
        revisions: Vec<u64>,
    },
    Alarm {
        run: RunId,
        names: Vec<String>,
        scheduled_ms: i64,
        retries: u32,
        revisions: Vec<u64>,
    },
    Tail {
        run: RunId,
        /// The records as a JSON array, in the words of `kernel.d.ts`.
        json: String,
        revisions: Vec<u64>,
    },
    Answer {
        call: CallId,
        result: Result<Answer, CallError>,
    },
    /// Asks this process's `resolve` of the program it calls by that number.
    Resolve {
        ask: CallId,
        program: u32,
        specifier: String,
        referrer: String,
    },
    Chunk {
        stream: StreamId,
        #[serde(with = "serde_bytes")]
        bytes: Vec<u8>,
    },
    End {
        stream: StreamId,
    },
    Fail {
        stream: StreamId,
        message: String,
    },
    /// The reader of a stream of this process has taken so many bytes.
    Credit {
        stream: StreamId,
        bytes: u32,
    },
    /// Nobody reads this stream of this process any more.
    CancelStream {
        stream: StreamId,
    },
    /// The caller of this run has gone.
    CancelRun {
        run: RunId,
        reason: String,
    },
    Ping {
        number: u32,
    },
}

impl Down {
    /// Whether it is an answer to something the process has asked for, and not new work.
    pub fn answers(&self) -> bool {
        match self {
            Down::Answer { .. }
            | Down::Chunk { .. }
            | Down::End { .. }
            | Down::Fail { .. }
            | Down::Credit { .. }
            | Down::CancelStream { .. }
            | Down::Resolve { .. }
            | Down::Ping { .. } => true,
            Down::Fork
            | Down::Rehearse
            | Down::Harden
            | Down::BeCompiler
            | Down::Compile { .. }
            | Down::Start(_)
            | Down::Seal
            | Down::Fetch { .. }
            | Down::Call { .. }
            | Down::Alarm { .. }
            | Down::Tail { .. }
            | Down::CancelRun { .. } => false,
        }
    }
}

/// From a process.
#[derive(Debug, Serialize, Deserialize)]
pub enum Up {
    /// First frame of every process.
    Born {
        pid: i32,
    },
    /// `pure`: nothing was drawn or asked for while loading, so any instance may share the memory.
    Loaded {
        pure: bool,
        exports: Exports,
    },
    LoadFailed(Failure),
    Compiled {
        call: CallId,
        result: Result<Compiled, CompileError>,
    },
    Response {
        run: RunId,
        status: u16,
        headers: Vec<Header>,
        body: BodyUp,
        cpu_us: u64,
    },
    Returned {
        run: RunId,
        #[serde(with = "serde_bytes")]
        value: Vec<u8>,
        cpu_us: u64,
    },
    Failed {
        run: RunId,
        failure: Failure,
        cpu_us: u64,
    },
    /// The run has ended, its body and what it waits for included.
    Done {
        run: RunId,
        cpu_us: u64,
        /// The most memory that the process has had resident so far, bytes.
        memory_peak: u64,
        lines_dropped: u32,
    },
    Call {
        call: CallId,
        run: RunId,
        body: Call,
    },
    /// The answer to `Down::Resolve`.
    Resolved {
        ask: CallId,
        module: Result<Option<ModuleSpec>, String>,
    },
    Chunk {
        stream: StreamId,
        #[serde(with = "serde_bytes")]
        bytes: Vec<u8>,
    },
    End {
        stream: StreamId,
    },
    Fail {
        stream: StreamId,
        message: String,
    },
    Credit {
        stream: StreamId,
        bytes: u32,
    },
    CancelStream {
        stream: StreamId,
    },
    /// Modules of that name run without authority in this process.
    Library {
        name: String,
    },
    /// What such a module asked for. Run 0: while the program was loading, so in every run.
    Refused {
        run: RunId,
        refusal: Refusal,
    },
    /// This process wants to know that namespace's revision in every later frame.
    Track {
        names: Vec<String>,
    },
    Line {
        run: RunId,
        level: Level,
        text: String,
    },
    Pong {
        number: u32,
        cpu_us: Vec<(RunId, u64)>,
    },
}

/// What a loaded program answers to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Exports {
    pub fetch: bool,
    pub alarm: bool,
    pub tail: bool,
}

/// The head of a request.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct RequestHead {
    pub method: String,
    pub url: String,
    pub headers: Vec<Header>,
}

/// A body on its way to a process. A stream sends nothing before the first credit.
#[derive(Debug, Serialize, Deserialize)]
pub enum BodyDown {
    Empty,
    Bytes(#[serde(with = "serde_bytes")] Vec<u8>),
    Stream(StreamId),
}

/// A body from a process. `Join`: that stream of the kernel's, which the process has not touched.
#[derive(Debug, Serialize, Deserialize)]
pub enum BodyUp {
    Empty,
    Bytes(#[serde(with = "serde_bytes")] Vec<u8>),
    Stream {
        stream: StreamId,
        /// How many bytes it will be, where that is known.
        length: Option<u64>,
    },
    Join(StreamId),
}

/// A program as a process gets it: compiled and closed.
#[derive(Debug, Serialize, Deserialize)]
pub struct Start {
    pub main: String,
    pub modules: Vec<StartModule>,
    pub env: Env,
    pub storage: bool,
    pub loader: bool,
    pub outbound: bool,
    pub resolve: bool,
    pub memory_mb: u64,
    /// Bytes of console lines that one run may send; the kernel counts for itself.
    pub log_bytes: u64,
}

/// Plain data for a program.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub enum Env {
    /// What the kernel itself gives.
    Strings(Vec<(String, String)>),
    /// Structured clone of what a program gives.
    Clone(#[serde(with = "serde_bytes")] Vec<u8>),
}

/// One module of a `Start`.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct StartModule {
    pub specifier: String,
    pub body: ModuleBody,
    pub trust: Trust,
    /// What it imports by other names than their own.
    pub imports: Vec<(String, String)>,
}

/// When a module has the authority of the one that imports it, and who may import it at all.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Trust {
    /// Whatever imports it.
    pub trusted: bool,
    /// Modules of one group pass authority on to each other.
    pub group: Option<String>,
    /// Whether it is there only for modules with authority.
    pub private: bool,
}

impl Trust {
    /// Of a module that shares its importer's authority.
    pub fn full() -> Self {
        Self {
            trusted: true,
            ..Self::default()
        }
    }
}

/// What the engine makes a module from.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub enum ModuleBody {
    Code(String),
    CommonJs(String),
    Json(String),
    Text(String),
    Bytes(#[serde(with = "serde_bytes")] Vec<u8>),
    Redirect(String),
    /// Importing it throws a SyntaxError with this text.
    Broken(String),
}

/// A program as the program that starts it describes it.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct ProgramSpec {
    pub main: String,
    pub modules: Vec<(String, ModuleSpec)>,
    pub env: Env,
    pub grant: GrantRequest,
    pub isolation: Isolation,
    /// The number by which the asking process knows its `resolve` function.
    pub resolve: Option<u32>,
    /// By what records know it, where it is loaded without an id.
    pub record_id: Option<String>,
    /// It is the image's own, whatever overrides that; its system calls are about the program
    /// which the asker knows by this id, and which has the same storage.
    pub repairs: Option<String>,
}

/// What a module without authority asked for and was not given.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Refusal {
    pub what: Refused,
    /// Its name as it was asked for.
    pub name: String,
    /// The module that asked.
    pub module: String,
}

/// The kinds of what is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Refused {
    /// A variable that the program has, or by `*` all of them.
    Env,
    File,
    /// The capabilities, by `town:kernel`.
    Kernel,
    /// A module that is private to the program.
    Private,
    /// What a trusted module has elsewhere: it was imported, and runs without.
    Trusted,
    /// To hand authority over.
    Authority,
}

impl Refused {
    /// The word in `kernel.d.ts`.
    pub fn word(self) -> &'static str {
        match self {
            Refused::Env => "env",
            Refused::File => "file",
            Refused::Kernel => "kernel",
            Refused::Private => "private",
            Refused::Trusted => "trusted",
            Refused::Authority => "authority",
        }
    }
}

/// How requests share processes.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Isolation {
    #[default]
    Shared,
    Request,
}

/// One module as given.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub enum ModuleSpec {
    Source {
        kind: ModuleKind,
        source: String,
        trust: Trust,
        jsx_import_source: Option<String>,
        imports: Vec<(String, String)>,
    },
    Bytes {
        #[serde(with = "serde_bytes")]
        bytes: Vec<u8>,
        trust: Trust,
    },
    Redirect(String),
}

/// The `type` of a module.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum ModuleKind {
    Ts,
    Tsx,
    Js,
    Jsx,
    Cjs,
    Json,
    Text,
}

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

/// How a run ended. The words of `kernel.d.ts`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Outcome {
    Ok,
    Exception,
    Load,
    Crash,
    Canceled,
    Overload,
    Deadline,
    Cpu,
    Stall,
    Memory,
    Recursion,
    Body,
    Depth,
}

impl Outcome {
    /// The word in `kernel.d.ts`.
    pub fn word(self) -> &'static str {
        match self {
            Outcome::Ok => "ok",
            Outcome::Exception => "exception",
            Outcome::Load => "load",
            Outcome::Crash => "crash",
            Outcome::Canceled => "canceled",
            Outcome::Overload => "overload",
            Outcome::Deadline => "deadline",
            Outcome::Cpu => "cpu",
            Outcome::Stall => "stall",
            Outcome::Memory => "memory",
            Outcome::Recursion => "recursion",
            Outcome::Body => "body",
            Outcome::Depth => "depth",
        }
    }
}

/// A run that gave no answer, for the eyes of the program's owner.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Failure {
    pub outcome: Outcome,
    pub message: String,
    pub stack: String,
    /// The limit that was reached, by its name in `Limits`, and its value.
    pub limit: Option<(String, u64)>,
}

impl Failure {
    /// A failure that is not a limit.
    pub fn new(outcome: Outcome, message: impl Into<String>) -> Self {
        Self {
            outcome,
            message: message.into(),
            stack: String::new(),
            limit: None,
        }
    }

    /// A limit was reached.
    pub fn limit(outcome: Outcome, limit: &str, value: u64, message: impl Into<String>) -> Self {
        Self {
            outcome,
            message: message.into(),
            stack: String::new(),
            limit: Some((limit.to_string(), value)),
        }
    }
}

/// A console level.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Level {
    Debug,
    Info,
    Log,
    Warn,
    Error,
}

impl Level {
    /// The word in `kernel.d.ts`.
    pub fn word(self) -> &'static str {
        match self {
            Level::Debug => "debug",
            Level::Info => "info",
            Level::Log => "log",
            Level::Warn => "warn",
            Level::Error => "error",
        }
    }
}

/// A frame that is not one.
#[derive(Debug, thiserror::Error)]
pub enum FrameError {
    #[error("A frame of {0} bytes is over the limit of {FRAME_BYTES_MAX}")]
    TooLarge(usize),
    #[error("A frame could not be read: {0}")]
    Malformed(#[from] postcard::Error),
}

/// Appends a frame to `out`.
pub fn encode<T: Serialize>(frame: &T, out: &mut Vec<u8>) -> Result<(), FrameError> {
    let start = out.len();
    out.extend_from_slice(&[0; 4]);
    *out = postcard::to_extend(frame, std::mem::take(out))?;
    let length = out.len() - start - 4;
    if length > FRAME_BYTES_MAX {
        out.truncate(start);
        return Err(FrameError::TooLarge(length));
    }
    let header = u32::try_from(length)
        .expect("FRAME_BYTES_MAX fits")
        .to_le_bytes();
    out[start..start + 4].copy_from_slice(&header);
    Ok(())
}

/// The length of the first frame in `bytes`, once its header is there.
pub fn frame_length(bytes: &[u8]) -> Result<Option<usize>, FrameError> {
    let Some(header) = bytes.first_chunk::<4>() else {
        return Ok(None);
    };
    let length = u32::from_le_bytes(*header) as usize;
    if length > FRAME_BYTES_MAX {
        return Err(FrameError::TooLarge(length));
    }
    Ok(Some(length))
}

/// Reads the body of a frame.
pub fn decode<T: DeserializeOwned>(body: &[u8]) -> Result<T, FrameError> {
    Ok(postcard::from_bytes(body)?)
}
