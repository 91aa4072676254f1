//! The compiler, from outside: what comes out is run by the engine.

mod engine;
mod errors;
mod jsx;
mod lowering;
mod nesting;
mod outline;
mod positions;
mod property;
mod types;
