//! The integration tests: one binary, a line per theme. Those of whole towns start real
//! ones on free ports.

mod compile; // The compiler: what comes out is run by the engine.
mod serving;
mod storage; // The storage, through its public door.
mod town;
mod web; // The web APIs, as programs see them.
