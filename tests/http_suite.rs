//! Temporary.
#![allow(dead_code)]
#[path = "it/town.rs"] mod town;
#[path = "it/serving.rs"] mod serving;
#[path = "it/api.rs"] mod api;
#[path = "it/nesting.rs"] mod nesting;
#[path = "it/seed.rs"] mod seed;
#[path = "it/overriding.rs"] mod overriding;
#[path = "it/errors.rs"] mod errors;
