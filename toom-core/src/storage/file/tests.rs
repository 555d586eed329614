//! The store as a whole.

mod laws;
mod model;
mod repair;
mod sample;
mod script;
mod verify;
