//! The kernel of a town: storage, HTTP and sandboxed eval, and nothing else.
//!
//! Reading order: `wire` (what crosses a process boundary), `grant` (what a program may do),
//! `kernel` (who owns what), `eval` (how programs run), `isolate` (the child's side), `dispatch`
//! (kernel calls), `storage`, `http`. Everything that is policy is in `bootstrap-vals/`.

pub mod carrying;
pub mod config;
mod counts;
mod dispatch;
pub mod eval;
pub mod grant;
pub mod http;
pub mod image;
pub mod isolate;
pub mod kernel;
pub mod limits;
pub mod repair;
mod root;
pub mod secret;
pub mod storage;
mod system;
mod watch;
pub mod wire;
