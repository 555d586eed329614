//! The crate as its users see it: two endpoints on loopback, with a network between them that misbehaves on demand.

#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "this is all tests, helpers too"
)]

mod arrival;
mod cancel;
mod introduction;
mod killed;
mod proxy;
mod relay;
mod weather;
mod world;
