//! Which defences of a process are on: all, but in a debug build that a test has told otherwise.
//!
//! A test of a defence shows the attack succeed without it, or it would show nothing. A release
//! build has no such switch.

/// What can be switched off, by the name that [`WITHOUT`] lists it under.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Defence {
    /// Intrinsics and globals that no program can change.
    Hardening,
    /// Modules without authority.
    Authority,
}

/// The variable that names the defences to leave out, with commas between them.
#[cfg(debug_assertions)]
pub const WITHOUT: &str = "TOWN_TEST_WITHOUT";

/// Whether a defence is on.
#[cfg(debug_assertions)]
pub fn is_on(defence: Defence) -> bool {
    let name = match defence {
        Defence::Hardening => "hardening",
        Defence::Authority => "authority",
    };
    let without = std::env::var(WITHOUT).unwrap_or_default();
    !without.split(',').any(|word| word == name)
}

/// Whether a defence is on.
#[cfg(not(debug_assertions))]
pub fn is_on(_: Defence) -> bool {
    true
}
