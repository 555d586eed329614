//! Properties of the engine, through its public API alone. `docs/testing.md` says what each of them catches.
#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test fails where it panics")]

mod history;
mod lockout;
