//! HTTP: requests in, requests out, and the pages of last resort.

pub mod inbound;
pub mod outbound;
mod pages;
mod rules;
mod socket;
