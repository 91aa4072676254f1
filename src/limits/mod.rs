//! Limits: every bound of the kernel, by name, with its reason.
//!
//! `Limits` are the ones a program may ask for and an operator may move; the constants are the
//! rest.

mod compile;
mod storage;

pub use compile::*;
pub use storage::*;

use serde::{Deserialize, Serialize};

/// What one program may use. Each is a maximum; `narrowed` takes the smaller of two.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Limits {
    /// Wall time of a request until its response begins, and again until its next chunk; of a call
    /// or alarm as a whole. Milliseconds.
    pub deadline_ms: u64,
    /// CPU time of one run, milliseconds.
    pub cpu_ms: u64,
    /// How long the event loop may stand still, milliseconds.
    pub stall_ms: u64,
    /// Memory of one isolate beyond what every isolate shares, MiB.
    pub memory_mb: u64,
    /// Bytes of a request's and of a response's body.
    pub body_bytes: u64,
    /// Bytes of console lines that one run may keep.
    pub log_bytes: u64,
    /// Requests that one isolate serves at a time.
    pub requests_open: u32,
    /// Isolates of one program at a time.
    pub isolates: u32,
    /// Bytes in storage, all namespaces below included.
    pub storage_bytes: u64,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            // A page that takes longer has lost its visitor; the field's platforms allow 60 s.
            deadline_ms: 60_000,
            // React's server renderer needs 20 ms a page; five hundred times that is a mistake.
            cpu_ms: 10_000,
            // Ten times the slowest legitimate synchronous work seen (264 ms: a cold React page).
            stall_ms: 3_000,
            // A JSON body of 8 MiB, the largest file of a program, takes about 130 MB to parse.
            memory_mb: 256,
            // The field's figure for a request body is 100 MB; a response may be a gigabyte file.
            body_bytes: 1 << 30,
            // About a thousand ordinary lines.
            log_bytes: 256 << 10,
            requests_open: 256,
            isolates: 4,
            storage_bytes: 1 << 30,
        }
    }
}

/// What a program asks for; `None` means "as much as I may".
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct LimitsRequest {
    pub deadline_ms: Option<u64>,
    pub cpu_ms: Option<u64>,
    pub stall_ms: Option<u64>,
    pub memory_mb: Option<u64>,
    pub body_bytes: Option<u64>,
    pub log_bytes: Option<u64>,
    pub requests_open: Option<u32>,
    pub isolates: Option<u32>,
    pub storage_bytes: Option<u64>,
}

impl Limits {
    /// The smaller of each.
    pub fn narrowed(&self, asked: &LimitsRequest) -> Self {
        let least = |mine: u64, asked: Option<u64>| asked.map_or(mine, |asked| asked.min(mine));
        let least_count =
            |mine: u32, asked: Option<u32>| asked.map_or(mine, |a| a.min(mine).max(1));
        Self {
            deadline_ms: least(self.deadline_ms, asked.deadline_ms),
            cpu_ms: least(self.cpu_ms, asked.cpu_ms),
            stall_ms: least(self.stall_ms, asked.stall_ms),
            memory_mb: least(self.memory_mb, asked.memory_mb),
            body_bytes: least(self.body_bytes, asked.body_bytes),
            log_bytes: least(self.log_bytes, asked.log_bytes),
            requests_open: least_count(self.requests_open, asked.requests_open),
            isolates: least_count(self.isolates, asked.isolates),
            storage_bytes: least(self.storage_bytes, asked.storage_bytes),
        }
    }
}

/// How many levels of programs may be below the root: a town in a town in a town, and room.
pub const DEPTH_MAX: u8 = 16;

/// Times a request may leave a town and come back to it: the field's figure.
pub const HOPS_MAX: u32 = 15;

/// One frame between the kernel and a process: the largest program (64 MiB of files), and its
/// frame.
pub const FRAME_BYTES_MAX: usize = 80 << 20;

/// Frames above this size wait for their share of `LARGE_FRAMES_BYTES_MAX`.
pub const LARGE_FRAME_BYTES: usize = 1 << 20;

/// What all large frames together may hold of the kernel's memory.
pub const LARGE_FRAMES_BYTES_MAX: usize = 256 << 20;

/// One chunk of a body in a frame: the size of a socket's buffer, so that a chunk is one write.
pub const CHUNK_BYTES_MAX: usize = 64 << 10;

/// Bytes of a body that may be under way to a reader who has not read them yet.
pub const WINDOW_BYTES: u32 = 256 << 10;

/// A request body of known length up to this travels in the frame of its request.
pub const INLINE_BODY_BYTES_MAX: u64 = 32 << 10;

/// Kernel calls one isolate may have open: ten times what a page of a busy town was seen to use.
pub const CALLS_OPEN_MAX: usize = 1024;

/// Modules of one program: the field's figure for files of a module graph is 2,000.
pub const MODULES_MAX: usize = 10_000;

/// Programs one instance may keep by id; the least recently used idle one goes first.
pub const SLOTS_MAX: usize = 4096;

/// Requests a program lets the kernel hand on without asking it: every program it may keep, reached
/// in two ways.
pub const ROUTES_MAX: usize = 2 * SLOTS_MAX;

/// Lists of headers by which the routes of one program are told apart: it has a few ways to decide.
pub const ROUTE_SHAPES_MAX: usize = 4;

/// Segments of a path among which the end of a route is looked for: three towns deep by path.
pub const ROUTE_SEGMENTS_MAX: usize = 12;

/// Wall time of one compilation. 8 MiB of TypeScript take about 1 s.
pub const COMPILE_DEADLINE_MS: u64 = 15_000;

/// Compiled code kept in memory, by content hash.
pub const COMPILED_CACHE_BYTES: usize = 64 << 20;

/// Compiled code kept in a folder: some hundred times the platform's own.
pub const COMPILED_FOLDER_BYTES: u64 = 512 << 20;

/// Names in request and response headers together: hyper's own limit for HTTP/1.
pub const HEADERS_MAX: usize = 100;

/// Bytes of a request's head; nginx and node take 8 to 16 KiB in one line, this is the sum.
pub const HEAD_BYTES_MAX: usize = 64 << 10;

/// An idle isolate ends after this: the field's figure.
pub const ISOLATE_IDLE_MS: u64 = 10_000;

/// CPU an isolate without open requests may burn before it is ended, milliseconds.
pub const IDLE_CPU_MS_MAX: u64 = 1_000;

/// How often the watchdog looks, milliseconds.
pub const WATCH_MS: u64 = 250;

/// Depth of JavaScript calls: 64 MB of stack hold 10,000; see docs/decisions.
pub const RECURSION_MAX: usize = 5_000;

/// Levels of arrays and objects in a text of JSON: what is read must not be too deep to be written.
pub const JSON_DEPTH_MAX: usize = 5_000;

/// Stack of every process that runs JavaScript or compiles. Deep source needs 22 KB a level.
pub const STACK_BYTES: u64 = 64 << 20;

/// Bytes of a console line; what is beyond is cut.
pub const LINE_BYTES_MAX: usize = 16 << 10;

/// Names of those whose modules ran without authority that a record has: some dozens of packages.
pub const RECORD_LIBRARIES_MAX: usize = 64;

/// What such modules were refused, each once, that a record has.
pub const RECORD_REFUSALS_MAX: usize = 32;

/// Bytes of a name in either list: the longest address that anybody reads.
pub const RECORD_NAME_BYTES_MAX: usize = 512;

/// Bytes of a request's body that its record keeps.
pub const RECORD_BODY_BYTES_MAX: usize = 4 << 10;

/// Bytes of a response's body that its record keeps: most are pages, and there are many.
pub const RECORD_ANSWER_BYTES_MAX: usize = 1 << 10;

/// Bytes of headers, names and values, that a record keeps, of request and response each.
pub const RECORD_HEADERS_BYTES_MAX: usize = 8 << 10;

/// Records that wait for one `tail` delivery; what is beyond is dropped and counted.
pub const TAIL_EVENTS_MAX: usize = 10_000;

/// How long records wait for company before `tail` is called, milliseconds.
pub const TAIL_BATCH_MS: u64 = 100;

/// Records in one call of `tail`.
pub const TAIL_BATCH_EVENTS: usize = 512;

/// Bytes of text in one call of `tail`, from which on no further record joins. JSON may need six
/// for one, and what a database takes as a value is 8 MiB.
pub const TAIL_BATCH_BYTES: usize = 1 << 20;

/// One message of a WebSocket. Half of what a JSON text of it would take is an isolate's memory.
pub const SOCKET_MESSAGE_BYTES_MAX: usize = 16 << 20;

/// How long a WebSocket's program may send nothing: its process sends a ping every 30 s.
pub const SOCKET_IDLE_MS: u64 = 120_000;

/// How long a client may take nothing of what it is sent, while more waits: as long as it may wait
/// for a program. Then its connection is cut, and whatever produced for it is free.
pub const CLIENT_STALL_MS: u64 = 60_000;

/// Redirects that `fetch` follows: the standard's number.
pub const REDIRECTS_MAX: usize = 20;
