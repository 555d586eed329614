//! The store as a whole.

mod broken_off;
mod laws;
mod model;
mod repair;
mod sample;
mod script;
mod verify;
