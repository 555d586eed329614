//! What a user of the crate and of its programs sees, from outside.

#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "this is all tests, helpers too"
)]

#[cfg(feature = "client")]
mod client;
#[cfg(feature = "toomd")]
mod documents;
#[cfg(feature = "toomd")]
mod secrecy;
mod server;
#[cfg(all(unix, feature = "toomd"))]
mod toomd;
#[cfg(feature = "toomd")]
mod user_command;
