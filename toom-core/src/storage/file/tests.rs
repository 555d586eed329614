//! The store as a whole.

mod closing;
mod laws;
mod model;
mod repair;
mod sample;
mod script;
mod verify;
