//! The store as a whole.

mod laws;
mod model;
mod sample;
mod script;
mod verify;
