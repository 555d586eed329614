//! The server over real TCP, seen by a client that knows lines and nothing else.

pub(crate) mod client;
mod hostile;
mod limits;
mod reading;
mod sessions;
mod storage;
mod talk;
#[cfg(feature = "tls")]
mod tls;
