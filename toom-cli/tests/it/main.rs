//! `toom` as it is built, against servers that keep to the protocol and servers that do not.
#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a test fails where it panics"
)]

mod arguments;
mod demo;
mod documents;
mod exit_codes;
mod files;
#[cfg(unix)]
mod full_screen;
mod hostile;
mod json;
mod line_mode;
mod support;
#[cfg(unix)]
mod terminal;
mod tls;
mod transcript;
