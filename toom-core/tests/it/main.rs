//! Properties of the engine and its stores, through the public API alone. `docs/testing.md` says what each of them catches.
#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test fails where it panics")]

#[cfg(feature = "file")]
mod fixture;
mod history;
#[cfg(feature = "file")]
mod killed;
mod lockout;
