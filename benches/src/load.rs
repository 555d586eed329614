//! Load on a server: many receivers, some posters, and a check that every message arrived everywhere, once and in order.
//!
//! `toom-load` is the program. It drives a `toomd` in a process of its own, so that the server's time and memory are told apart
//! from those of the load, which is one thread with one event loop.

mod error;
mod fleet;
mod login;
mod peers;
mod percentiles;
mod process;
mod scan;
mod stream;

pub use error::LoadError;
pub use fleet::{Fleet, Lag, Pace, Plan, Posted};
pub use login::{Entered, enter};
pub use percentiles::Percentiles;
pub use process::{Door, Encryption, ServerProcess, Usage, allow_open_files};
