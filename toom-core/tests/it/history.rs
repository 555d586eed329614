//! Rooms, messages, keys, batches, stores and sessions: an engine against a flat list of everything that was accepted.

mod determinism;
mod equals_model;
mod failing;
mod faulty;
mod idempotency;
mod limits;
mod model;
mod reading;
mod rooms;
mod schedule;
mod world;
