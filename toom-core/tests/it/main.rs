//! Properties of the engine, through its public API alone. `docs/testing.md` says what each of them catches.
#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test fails where it panics")]

mod determinism;
mod equals_model;
mod failing;
mod faulty;
mod idempotency;
mod limits;
mod lockout;
mod model;
mod reading;
mod rooms;
mod schedule;
mod world;
