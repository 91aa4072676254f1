//! Frames: all that crosses the socket between the kernel and a process, as plain data.
//!
//! A frame is its length (four bytes, little-endian) and a postcard body. `Down` goes to the
//! process, `Up` comes from it. The kernel trusts nothing in an `Up` frame but its shape.

mod call;

use serde::{Deserialize, Serialize, de::DeserializeOwned};

use crate::eval::compile::{CompileError, Compiled, Options};
use crate::grant::GrantRequest;
use crate::limits::FRAME_BYTES_MAX;

pub use call::{
    Answer, Call, CallError, Check, CookieRules, FileChange, FileContent, FileFrom, Forward,
    LocationRule, Redirect, Reload, ResponseRules, RouteSpec, Spent, SystemChange, SystemFile,
    Target,
};

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
