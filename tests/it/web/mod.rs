//! The web APIs as programs see them: each test runs a script of assertions in a context of its
//! own, with everything installed that an isolate has.

mod abort;
mod base64;
mod blob;
mod bodies;
mod bridge;
mod clone;
mod compression;
mod console;
mod crypto;
mod encoding;
mod event_source;
mod events;
mod fetching;
mod file_reader;
mod form_data;
mod fuzz;
mod headers;
mod key_pairs;
mod messages;
mod page;
mod performance;
mod pipes;
mod requests;
mod streams;
mod timers;
mod together;
mod url;
mod url_pattern;
mod wasm;

use page::{Page, check};
