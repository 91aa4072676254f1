//! What code of others may do in a program, and what it takes to have it done as them.

mod calls; // API Mode: vals called over HTTP.
mod people;
