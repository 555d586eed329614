//! The store as a whole.

mod bounds;
mod broken_off;
mod closing;
mod crash;
mod damage;
mod faults;
mod laws;
mod model;
mod recording;
mod repair;
mod sample;
mod script;
mod stamps;
mod tidying;
mod truth;
mod verify;
