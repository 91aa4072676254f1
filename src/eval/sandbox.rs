//! The sandbox: what a process gives up before anything untrusted reaches it.
//!
//! `enter` is for the zygote, once, and all its forks inherit it: no new privileges, another
//! identity, empty namespaces, no files (landlock), few system calls (seccomp). `fork` makes a
//! child that dies with the kernel. `seal` is for the child that will serve: no forks any more.
//! Where the system lacks a layer the process starts without it and says so.

use std::collections::BTreeMap;
use std::io;

use landlock::{
    ABI, Access, AccessFs, AccessNet, CompatLevel, Compatible, Ruleset, RulesetAttr, RulesetStatus,
    Scope,
};
use nix::sched::{CloneFlags, unshare};
use nix::sys::resource::{Resource, setrlimit};
use nix::unistd::{Gid, Uid, setgroups, setresgid, setresuid};
use seccompiler::{
    BpfProgram, SeccompAction, SeccompCmpArgLen, SeccompCmpOp, SeccompCondition, SeccompFilter,
    SeccompRule, apply_filter,
};

/// Who an isolate is where the kernel was started by root: nobody.
const NOBODY: u32 = 65534;

/// Descriptors of an isolate: its socket, the log, and one more while a fork is under way.
const DESCRIPTORS_MAX: u64 = 16;

/// How a fork is made: the new process is a child of the kernel, not of the zygote.
const FORK_FLAGS: u64 = (libc::CLONE_PARENT | libc::SIGCHLD) as u64;

/// Line on standard error that tells the kernel of a missing layer.
pub const MISSING_MARK: &str = "town: sandbox lacks ";

/// Which of the two a process is after a fork.
pub enum Forked {
    Parent,
    Child { pid: i32 },
}

/// Closes the sandbox around this process and all it will fork.
pub fn enter() {
    for (layer, result) in [
        ("limits", limit_resources()),
        ("namespaces", leave_namespaces()),
        ("identity", become_nobody()),
        ("no-new-privileges", forbid_privileges()),
        ("landlock", give_up_files()),
    ] {
        if let Err(error) = result {
            eprintln!("{MISSING_MARK}{layer}: {error}");
        }
    }
    // The last: it forbids the calls that the others need.
    if let Err(error) = allow_few_calls() {
        eprintln!("{MISSING_MARK}seccomp: {error}");
    }
}

/// Makes a child that is a sibling: the kernel is its parent and can wait for it.
pub fn fork() -> io::Result<Forked> {
    // SAFETY: the process has one thread, so the child's copy of every lock is free. A null stack
    // with these flags means fork's semantics: the child has a copy of this one.
    let pid = unsafe { libc::syscall(libc::SYS_clone, FORK_FLAGS, 0usize, 0usize, 0usize, 0usize) };
    match pid {
        0 => {
            die_with_the_kernel();
            // SAFETY: takes no arguments, cannot fail.
            let pid = unsafe { libc::getpid() };
            Ok(Forked::Child { pid })
        }
        pid if pid > 0 => Ok(Forked::Parent),
        _ => Err(io::Error::last_os_error()),
    }
}

/// Forbids what only a process that forks needs.
pub fn seal() {
    if let Err(error) = forbid_forks() {
        crate::isolate::fatal(&format!("the sandbox could not be sealed: {error}"));
    }
}

/// Bounds what the process may allocate beyond what it has now.
pub fn limit_memory(megabytes: u64) {
    // What is shared by all is in memory before; the limit is on data in all.
    let now = data_bytes();
    let limit = now.saturating_add(megabytes << 20);
    if let Err(error) = setrlimit(Resource::RLIMIT_DATA, limit, limit) {
        eprintln!("{MISSING_MARK}memory limit: {error}");
    }
}

// Bytes of private writable memory, as RLIMIT_DATA counts them. Read once, before the sandbox
// closes; what a template adds later is on its own account.
fn data_bytes() -> u64 {
    static AT_START: std::sync::OnceLock<u64> = std::sync::OnceLock::new();
    *AT_START.get_or_init(|| {
        let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
        let line = status.lines().find_map(|line| line.strip_prefix("VmData:"));
        let kilobytes = line.and_then(|line| line.trim().strip_suffix(" kB"));
        // Without /proc: what the zygote was measured to have.
        kilobytes
            .and_then(|kb| kb.trim().parse::<u64>().ok())
            .unwrap_or(64 << 10)
            << 10
    })
}

fn limit_resources() -> io::Result<()> {
    data_bytes();
    for (resource, limit) in [
        (Resource::RLIMIT_CORE, 0),
        (Resource::RLIMIT_FSIZE, 0),
        (Resource::RLIMIT_NOFILE, DESCRIPTORS_MAX),
        (Resource::RLIMIT_MEMLOCK, 0),
        (Resource::RLIMIT_MSGQUEUE, 0),
    ] {
        setrlimit(resource, limit, limit)?;
    }
    Ok(())
}

fn leave_namespaces() -> io::Result<()> {
    let empty = CloneFlags::CLONE_NEWNET
        | CloneFlags::CLONE_NEWIPC
        | CloneFlags::CLONE_NEWUTS
        | CloneFlags::CLONE_NEWNS;
    if unshare(empty).is_ok() {
        return Ok(());
    }
    // Without privileges a namespace of users makes the others possible.
    unshare(empty | CloneFlags::CLONE_NEWUSER)?;
    Ok(())
}

fn become_nobody() -> io::Result<()> {
    if !Uid::effective().is_root() {
        return Ok(());
    }
    setgroups(&[])?;
    let group = Gid::from_raw(NOBODY);
    setresgid(group, group, group)?;
    let nobody = Uid::from_raw(NOBODY);
    setresuid(nobody, nobody, nobody)?;
    Ok(())
}

fn forbid_privileges() -> io::Result<()> {
    nix::sys::prctl::set_no_new_privs()?;
    nix::sys::prctl::set_dumpable(false)?;
    die_with_the_kernel();
    Ok(())
}

fn die_with_the_kernel() {
    // Dropped at every fork and change of identity, so it is asked for again each time. A kernel
    // that died just before is noticed by the closed socket.
    if let Err(error) = nix::sys::prctl::set_pdeathsig(nix::sys::signal::Signal::SIGKILL) {
        eprintln!("{MISSING_MARK}parent-death signal: {error}");
    }
}

fn give_up_files() -> io::Result<()> {
    let abi = ABI::V6;
    let restricted = Ruleset::default()
        .set_compatibility(CompatLevel::BestEffort)
        .handle_access(AccessFs::from_all(abi))
        .and_then(|rules| rules.handle_access(AccessNet::from_all(abi)))
        .and_then(|rules| rules.scope(Scope::from_all(abi)))
        .and_then(Ruleset::create)
        .and_then(landlock::RulesetCreated::restrict_self)
        .map_err(io::Error::other)?;
    match restricted.ruleset {
        RulesetStatus::FullyEnforced => Ok(()),
        RulesetStatus::PartiallyEnforced => Err(io::Error::other("enforced in part")),
        RulesetStatus::NotEnforced => Err(io::Error::other("not known to this system")),
    }
}

fn allow_few_calls() -> io::Result<()> {
    let always: Vec<SeccompRule> = Vec::new();
    let mut rules: BTreeMap<i64, Vec<SeccompRule>> =
        ALLOWED.iter().map(|call| (*call, always.clone())).collect();
    rules.insert(libc::SYS_clone, vec![argument_is(0, FORK_FLAGS)?]);
    // Everything else: refused with an errno. A library that probes for a file goes on without.
    install(
        rules,
        SeccompAction::Errno(libc::EPERM.unsigned_abs()),
        SeccompAction::Allow,
    )
}

fn forbid_forks() -> io::Result<()> {
    let pid = u64::from(std::process::id());
    let mut rules: BTreeMap<i64, Vec<SeccompRule>> = [
        libc::SYS_clone,
        libc::SYS_clone3,
        libc::SYS_recvmsg,
        libc::SYS_seccomp,
        libc::SYS_prctl,
        libc::SYS_prlimit64,
    ]
    .into_iter()
    .map(|call| (call, Vec::new()))
    .collect();
    // `abort` raises its signal this way; no other process may be meant.
    rules.insert(libc::SYS_tgkill, vec![argument_is_not(0, pid)?]);
    install(
        rules,
        SeccompAction::Allow,
        SeccompAction::Errno(libc::EPERM.unsigned_abs()),
    )
}

fn argument_is(index: u8, value: u64) -> io::Result<SeccompRule> {
    condition(index, SeccompCmpOp::Eq, value)
}

fn argument_is_not(index: u8, value: u64) -> io::Result<SeccompRule> {
    condition(index, SeccompCmpOp::Ne, value)
}

fn condition(index: u8, op: SeccompCmpOp, value: u64) -> io::Result<SeccompRule> {
    SeccompCondition::new(index, SeccompCmpArgLen::Qword, op, value)
        .and_then(|condition| SeccompRule::new(vec![condition]))
        .map_err(io::Error::other)
}

fn install(
    rules: BTreeMap<i64, Vec<SeccompRule>>,
    otherwise: SeccompAction,
    matched: SeccompAction,
) -> io::Result<()> {
    let arch = std::env::consts::ARCH
        .try_into()
        .map_err(io::Error::other)?;
    let filter = SeccompFilter::new(rules, otherwise, matched, arch).map_err(io::Error::other)?;
    let program: BpfProgram = filter.try_into().map_err(io::Error::other)?;
    apply_filter(&program).map_err(io::Error::other)
}

/// What an engine, an allocator and a socket need.
const ALLOWED: &[i64] = &[
    libc::SYS_read,
    libc::SYS_readv,
    libc::SYS_write,
    libc::SYS_writev,
    libc::SYS_recvmsg,
    libc::SYS_sendmsg,
    libc::SYS_poll,
    libc::SYS_ppoll,
    libc::SYS_close,
    libc::SYS_mmap,
    libc::SYS_munmap,
    libc::SYS_mremap,
    libc::SYS_mprotect,
    libc::SYS_madvise,
    libc::SYS_brk,
    libc::SYS_futex,
    libc::SYS_clock_gettime,
    libc::SYS_clock_getres,
    libc::SYS_clock_nanosleep,
    libc::SYS_nanosleep,
    libc::SYS_gettimeofday,
    libc::SYS_getrandom,
    libc::SYS_getpid,
    libc::SYS_gettid,
    libc::SYS_getrusage,
    libc::SYS_sched_yield,
    libc::SYS_rt_sigaction,
    libc::SYS_rt_sigprocmask,
    libc::SYS_rt_sigreturn,
    libc::SYS_sigaltstack,
    libc::SYS_restart_syscall,
    libc::SYS_tgkill,
    libc::SYS_prctl,
    libc::SYS_seccomp,
    libc::SYS_prlimit64,
    libc::SYS_exit,
    libc::SYS_exit_group,
];
