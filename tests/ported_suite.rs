//! Temporary: the ported themes alone.
#[path = "it/compile/mod.rs"]
mod compile;
#[path = "it/storage/mod.rs"]
mod storage;
#[path = "it/web/mod.rs"]
mod web;
