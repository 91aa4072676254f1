#[path = "it/durability.rs"]
mod durability;
#[path = "it/grant.rs"]
mod grant;
#[path = "it/hostile.rs"]
mod hostile;
#[path = "it/limits.rs"]
mod limits;
#[path = "it/sandbox.rs"]
mod sandbox;
#[path = "it/streaming.rs"]
mod streaming;
#[path = "it/town.rs"]
mod town;
#[path = "it/watching.rs"]
mod watching;
