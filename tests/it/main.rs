//! The integration tests: one binary, a line per theme. Each starts real towns on free ports.

mod serving;
mod town;
