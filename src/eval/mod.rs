//! Eval: starting programs in processes of their own, and talking to them.

pub mod body;
pub mod children;
pub mod compile;
pub mod compile_cache;
pub mod compiler;
pub mod forwarding;
pub mod link;
pub mod nursery;
pub mod process;
pub mod program;
pub mod record;
pub mod route;
pub mod sandbox;
pub mod slot;
pub mod spare;
pub mod templates;
