//! The store as a whole.

mod laws;
mod model;
mod script;
