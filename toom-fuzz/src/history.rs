//! The schedules and the model with which toom-core tests its engine, as they stand there.

#![expect(
    dead_code,
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a model fails where it panics, and some of it is for tests of toom-core alone"
)]

#[path = "../../toom-core/tests/it/history/faulty.rs"]
pub(crate) mod faulty;
#[path = "../../toom-core/tests/it/history/model.rs"]
mod model;
#[path = "../../toom-core/tests/it/history/schedule.rs"]
pub(crate) mod schedule;
#[path = "../../toom-core/tests/it/history/world.rs"]
pub(crate) mod world;
