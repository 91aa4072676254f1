//! Where the modules of vals come from: the standard library, addresses, packages, other towns.

pub mod elsewhere;
mod host;
mod https;
pub mod npm_folder;
mod standard;
