//! For trying the rules alone.
#[path = "it/tidy.rs"]
mod tidy;
