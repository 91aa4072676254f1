//! The command line and its environment variables.

use std::net::SocketAddr;
use std::path::PathBuf;

use clap::{Args, Parser, Subcommand};

use crate::eval::nursery::Birth;
use crate::limits::{DEPTH_MAX, Limits};

/// A self-hosted town of small TypeScript modules that runs itself.
#[derive(Debug, Parser)]
#[command(name = "town", version, args_conflicts_with_subcommands = true)]
pub struct CommandLine {
    #[command(subcommand)]
    command: Option<Command>,
    #[command(flatten)]
    serve: Config,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Serve the town (what `town` alone does).
    Serve(Config),
    /// Serve it from a folder of bootstrap vals, again after each change there.
    Dev(Config),
    /// Write a stopped town into one file. Of one that runs its owner gets it at /api/town/export.
    Export(Carry),
    /// Make a folder for a town of a file that `export` wrote, here or in any town.
    Import(Carry),
    /// What overrides the image in a folder that no town is serving.
    Overrides(Overrides),
}

/// What the command line asks for.
#[derive(Debug)]
pub enum Task {
    Serve(Box<Config>),
    Export(Carry),
    Import(Carry),
    Overrides(OverridesAct),
}

#[derive(Debug, Args)]
struct Overrides {
    #[command(subcommand)]
    act: OverridesAct,
}

/// What to do about overrides of the image.
#[derive(Debug, Clone, Subcommand)]
pub enum OverridesAct {
    /// List them.
    List(Folder),
    /// Bring back the image's files.
    Restore {
        /// As `list` shows it.
        #[arg(required_unless_present = "all")]
        path: Option<String>,
        /// Every file.
        #[arg(long, conflicts_with = "path")]
        all: bool,
        #[command(flatten)]
        folder: Folder,
    },
}

/// Where the state is.
#[derive(Debug, Clone, Args)]
pub struct Folder {
    /// Where all state is kept.
    #[arg(
        long,
        env = "TOWN_DATA",
        value_name = "DIR",
        default_value = "./town-data"
    )]
    pub data: PathBuf,
}

/// Which folder, and which file.
#[derive(Debug, Args)]
pub struct Carry {
    /// The archive.
    pub file: PathBuf,

    /// Where all state is kept; of an import a folder that is empty or not there yet.
    #[arg(
        long,
        env = "TOWN_DATA",
        value_name = "DIR",
        default_value = "./town-data"
    )]
    pub data: PathBuf,

    /// A file with the words that seal the town's secret in the archive. Without them the secret
    /// stays out of it, and whoever imports it needs the folder's file `secret` as well.
    #[arg(long, value_name = "FILE")]
    pub passphrase_file: Option<PathBuf>,

    /// The town's secret, where it is kept elsewhere than in the folder.
    #[arg(long, env = "TOWN_SECRET", hide_env_values = true)]
    pub secret: Option<String>,
}

impl CommandLine {
    /// What to do, and how.
    pub fn into_task(self) -> Task {
        let config = match self.command {
            Some(Command::Overrides(overrides)) => return Task::Overrides(overrides.act),
            Some(Command::Serve(config)) => config,
            Some(Command::Dev(mut config)) => {
                let here = || PathBuf::from("bootstrap-vals");
                config.bootstrap_vals.get_or_insert_with(here);
                config
            }
            Some(Command::Export(carry)) => return Task::Export(carry),
            Some(Command::Import(carry)) => return Task::Import(carry),
            None => self.serve,
        };
        Task::Serve(Box::new(config))
    }
}

/// How to serve.
#[derive(Debug, Clone, Args)]
pub struct Config {
    /// Where all state is kept; created if absent, for one process at a time.
    #[arg(
        long,
        env = "TOWN_DATA",
        value_name = "DIR",
        default_value = "./town-data"
    )]
    pub data: PathBuf,

    /// The address to listen on; port 0 takes a free one.
    #[arg(
        long,
        env = "TOWN_LISTEN",
        value_name = "ADDR",
        default_value = "127.0.0.1:8787"
    )]
    pub listen: SocketAddr,

    /// The public origin; programs get subdomains of its host. [default: http://localhost:PORT]
    #[arg(long, env = "TOWN_BASE_URL", value_name = "URL")]
    pub base_url: Option<url::Url>,

    /// Ignore overrides of the image in the root instance.
    #[arg(long, env = "TOWN_SAFE_MODE")]
    pub safe_mode: bool,

    /// Let programs fetch loopback, private and link-local addresses.
    #[arg(long, env = "TOWN_ALLOW_PRIVATE_NETWORK")]
    pub allow_private_network: bool,

    /// Processes at a time, templates and isolates together. An idle one needs about a megabyte.
    #[arg(
        long,
        env = "TOWN_MAX_ISOLATES",
        value_name = "N",
        default_value_t = 1024
    )]
    pub max_isolates: usize,

    /// Memory of one isolate beyond what all share, MiB.
    #[arg(long, env = "TOWN_MEMORY_LIMIT", value_name = "MB")]
    #[arg(default_value_t = Limits::default().memory_mb)]
    pub memory_limit: u64,

    /// Seconds until a request must be answered.
    #[arg(long, env = "TOWN_TIME_LIMIT", value_name = "S")]
    #[arg(default_value_t = Limits::default().deadline_ms / 1000)]
    pub time_limit: u64,

    /// Seconds of CPU for one run.
    #[arg(long, env = "TOWN_CPU_LIMIT", value_name = "S")]
    #[arg(default_value_t = Limits::default().cpu_ms / 1000)]
    pub cpu_limit: u64,

    /// Milliseconds a program's event loop may stand still.
    #[arg(long, env = "TOWN_STALL_LIMIT", value_name = "MS")]
    #[arg(default_value_t = Limits::default().stall_ms)]
    pub stall_limit: u64,

    /// Bytes of all storage together.
    #[arg(long, env = "TOWN_STORAGE_LIMIT", value_name = "BYTES", default_value_t = 64 << 30)]
    pub storage_limit: u64,

    /// Requests served at a time; further ones get 503.
    #[arg(
        long,
        env = "TOWN_MAX_REQUESTS",
        value_name = "N",
        default_value_t = 1024
    )]
    pub max_requests: usize,

    /// Levels of programs below the root.
    #[arg(long, env = "TOWN_MAX_DEPTH", value_name = "N", default_value_t = DEPTH_MAX)]
    pub max_depth: u8,

    /// A folder that takes the image's place, read again after each change there; for those who
    /// develop it. `town dev` takes ./bootstrap-vals.
    #[arg(long, env = "TOWN_BOOTSTRAP_VALS", value_name = "DIR")]
    pub bootstrap_vals: Option<PathBuf>,

    /// Where compiled code is kept from one start to the next; may be deleted at any time, and
    /// shared by towns of one owner. [default: the folder `compiled` in the data]
    #[arg(long, env = "TOWN_CACHE", value_name = "DIR")]
    pub cache: Option<PathBuf>,

    /// How processes are made: forked from a prepared one, or started as programs.
    #[arg(long, env = "TOWN_BIRTH", value_enum, default_value_t = Birth::Fork)]
    pub birth: Birth,
}

impl Config {
    /// Where compiled code is kept.
    pub fn cache(&self) -> PathBuf {
        let own = || self.data.join("compiled");
        self.cache.clone().unwrap_or_else(own)
    }

    /// The limits of the root program.
    pub fn limits(&self) -> Limits {
        Limits {
            deadline_ms: self.time_limit.saturating_mul(1000),
            cpu_ms: self.cpu_limit.saturating_mul(1000),
            stall_ms: self.stall_limit,
            memory_mb: self.memory_limit,
            storage_bytes: self.storage_limit,
            ..Limits::default()
        }
    }
}
