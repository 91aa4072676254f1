#[path = "it/hostile.rs"]
mod hostile;
#[path = "it/town.rs"]
mod town;
#[path = "it/watching.rs"]
mod watching;
