//! Children: every process the kernel has, zygote and isolates alike, by number of the system.
//!
//! One thread starts them and lives as long as the kernel, so the parent-death signal of each child
//! means the death of the kernel; another waits for all of them.

use std::collections::HashMap;
use std::io::{BufRead, BufReader, Read};
use std::os::fd::{AsRawFd, OwnedFd};
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::process::{Command, ExitStatus, Stdio};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use nix::errno::Errno;
use nix::sys::resource::{Resource, setrlimit};
use nix::sys::wait::{Id, WaitPidFlag, waitid};
use nix::unistd::Pid;
use tokio::sync::oneshot;

use super::sandbox::MISSING_MARK;
use crate::limits::STACK_BYTES;

/// The first argument by which the binary knows that it is to be a process of the kernel's.
pub const PROCESS_ARGUMENT: &str = "__process";

/// Where a process finds its socket.
pub const SOCKET_FD: i32 = 3;

/// Deaths of processes that have not said their number yet; more than forks can be under way.
const UNCLAIMED_MAX: usize = 4096;

/// Bytes of one line of a process's standard error.
const STDERR_LINE_MAX: u64 = 4096;

/// How a process ended, and what it used.
#[derive(Debug, Clone, Copy)]
pub struct Exit {
    pub status: ExitStatus,
    /// User and system time, microseconds.
    pub cpu_us: u64,
    /// Largest resident set, bytes.
    pub memory_peak: u64,
}

/// The living, the dead nobody has asked for yet, and those who wait.
#[derive(Default)]
struct Register {
    alive: HashMap<i32, Option<oneshot::Sender<Exit>>>,
    dead: HashMap<i32, Exit>,
    missing_layers: Vec<String>,
}

/// All children. Clone is a handle.
#[derive(Clone, Default)]
pub struct Children {
    register: Arc<(Mutex<Register>, Condvar)>,
}

impl Children {
    fn lock(&self) -> MutexGuard<'_, Register> {
        self.register
            .0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }

    /// A process has said its number. The receiver gets its end.
    pub fn claim(&self, pid: i32) -> oneshot::Receiver<Exit> {
        let (sender, receiver) = oneshot::channel();
        let mut register = self.lock();
        if let Some(exit) = register.dead.remove(&pid) {
            // The receiver is here, so this cannot fail.
            let _ = sender.send(exit);
        } else {
            register.alive.insert(pid, Some(sender));
        }
        receiver
    }

    /// Kills a process. The lock keeps its number from being anyone else's meanwhile.
    pub fn kill(&self, pid: i32) {
        let register = self.lock();
        if register.alive.contains_key(&pid) {
            // It may be dying already.
            let _ = nix::sys::signal::kill(Pid::from_raw(pid), nix::sys::signal::Signal::SIGKILL);
        }
    }

    /// CPU time a living process has used so far, microseconds.
    pub fn cpu_us(&self, pid: i32) -> Option<u64> {
        let register = self.lock();
        register.alive.get(&pid)?;
        let mut clock: libc::clockid_t = 0;
        // SAFETY: `clock` is a valid place for the answer.
        if unsafe { libc::clock_getcpuclockid(pid, &raw mut clock) } != 0 {
            return None;
        }
        let time = nix::time::clock_gettime(nix::time::ClockId::from_raw(clock)).ok()?;
        let seconds = u64::try_from(time.tv_sec()).ok()?;
        Some(seconds * 1_000_000 + u64::try_from(time.tv_nsec()).ok()? / 1000)
    }

    /// Layers of the sandbox that the system lacks, as the zygote has told.
    pub fn missing_layers(&self) -> Vec<String> {
        self.lock().missing_layers.clone()
    }

    /// Starts the binary anew as a process on that socket. Must be called on a thread that lives
    /// as long as the kernel.
    pub fn spawn(&self, socket: &OwnedFd) -> std::io::Result<i32> {
        let socket = socket.as_raw_fd();
        let mut command = Command::new("/proc/self/exe");
        command
            .arg(PROCESS_ARGUMENT)
            .env_clear()
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::piped());
        #[cfg(debug_assertions)]
        if let Some(without) = std::env::var_os(crate::isolate::defences::WITHOUT) {
            command.env(crate::isolate::defences::WITHOUT, without);
        }
        // SAFETY: only calls that are safe between fork and exec.
        unsafe {
            command.pre_exec(move || {
                setrlimit(Resource::RLIMIT_STACK, STACK_BYTES, STACK_BYTES)?;
                if libc::dup2(socket, SOCKET_FD) < 0
                    || libc::fcntl(SOCKET_FD, libc::F_SETFD, 0) < 0
                    || libc::syscall(libc::SYS_close_range, SOCKET_FD + 1, u32::MAX, 4) < 0
                {
                    return Err(std::io::Error::last_os_error());
                }
                Ok(())
            });
        }
        let mut register = self.lock();
        let mut child = command.spawn()?;
        let pid = child.id().cast_signed();
        register.alive.insert(pid, None);
        drop(register);
        self.register.1.notify_all();
        if let Some(stderr) = child.stderr.take() {
            let children = self.clone();
            std::thread::Builder::new()
                .name("stderr".into())
                .spawn(move || children.pass_on(stderr))?;
        }
        Ok(pid)
    }

    // What a process and all its forks say on standard error.
    fn pass_on(&self, stderr: std::process::ChildStderr) {
        let mut reader = BufReader::new(stderr);
        let mut line = Vec::new();
        loop {
            line.clear();
            match reader
                .by_ref()
                .take(STDERR_LINE_MAX)
                .read_until(b'\n', &mut line)
            {
                Ok(0) | Err(_) => return,
                Ok(_) => {}
            }
            let text = String::from_utf8_lossy(&line);
            let text = text.trim_end();
            if let Some(missing) = text.strip_prefix(MISSING_MARK) {
                let mut register = self.lock();
                let layer = missing.split(':').next().unwrap_or(missing).to_string();
                if register.missing_layers.contains(&layer) {
                    continue;
                }
                register.missing_layers.push(layer);
                tracing::warn!("the sandbox goes without {missing}");
            } else if !text.is_empty() {
                tracing::debug!("{text}");
            }
        }
    }

    /// Waits for children until the kernel ends.
    pub fn reap(&self) -> ! {
        loop {
            let flags = WaitPidFlag::WEXITED | WaitPidFlag::WNOWAIT;
            match waitid(Id::All, flags) {
                Ok(status) => {
                    let Some(pid) = status.pid() else { continue };
                    self.bury(pid.as_raw());
                }
                Err(Errno::ECHILD) => {
                    let register = self.lock();
                    // Woken by the next start; the timeout covers a fork by the zygote.
                    let pause = Duration::from_millis(50);
                    drop(self.register.1.wait_timeout(register, pause));
                }
                Err(_) => {}
            }
        }
    }

    fn bury(&self, pid: i32) {
        let mut register = self.lock();
        let mut status = 0;
        // SAFETY: a zeroed rusage is a valid one, and both places are valid for the answer.
        let mut usage: libc::rusage = unsafe { std::mem::zeroed() };
        // SAFETY: as above.
        let reaped = unsafe { libc::wait4(pid, &raw mut status, 0, &raw mut usage) };
        if reaped != pid {
            return;
        }
        let time = |t: libc::timeval| {
            u64::try_from(t.tv_sec).unwrap_or(0) * 1_000_000 + u64::try_from(t.tv_usec).unwrap_or(0)
        };
        let exit = Exit {
            status: ExitStatus::from_raw(status),
            cpu_us: time(usage.ru_utime) + time(usage.ru_stime),
            memory_peak: u64::try_from(usage.ru_maxrss).unwrap_or(0) << 10,
        };
        match register.alive.remove(&pid) {
            Some(Some(sender)) => drop(sender.send(exit)),
            Some(None) => {}
            None => {
                if register.dead.len() < UNCLAIMED_MAX {
                    register.dead.insert(pid, exit);
                }
            }
        }
    }
}
