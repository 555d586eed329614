//! Who may guess a password, and how often: random schedules of guesses, clocks and account changes.
#![expect(clippy::unchecked_time_subtraction, reason = "a test fails where it panics")]

mod against_model;
mod blocks;
mod budget;
mod guesses;
mod model;
mod nobodies;
mod order;
mod owner;
mod schedule;
mod world;
