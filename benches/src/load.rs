//! Load on a server: many receivers, some posters, and a check that every message arrived everywhere, once and in order.
//!
//! `toom-load` is the program. It drives a server in a process of its own, so that the server's time and memory are told apart
//! from those of the load, which is one thread with one event loop.

mod dialect;
mod error;
mod fan_out;
mod fleet;
mod floor;
mod latency;
mod login;
mod peers;
mod percentiles;
mod process;
mod scan;
mod server;
mod soak;
mod strangers;
mod stream;
mod table;

pub use error::LoadError;
pub use fan_out::{FanOut, Figures};
pub use fleet::{Fleet, Lag, Pace, Plan, Posted};
pub use floor::relay;
pub use latency::{Latencies, LatencyBench};
pub use login::{Entered, enter};
pub use percentiles::Percentiles;
pub use process::{Usage, allow_open_files};
pub use server::{Door, Encryption, Ground, Server, ServerProcess, Store};
pub use soak::Soak;
pub use strangers::{Held, Strangers};
pub use table::Tables;
