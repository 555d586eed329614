//! The TOOM protocol, server and client.

#[cfg(feature = "archive")]
pub mod archive;
#[cfg(feature = "client")]
pub mod client;
pub mod credentials;
#[cfg(test)]
mod marker;
pub mod protocol;
pub mod server;
pub mod shown;
#[cfg(feature = "simulation")]
pub mod simulation;
#[cfg(feature = "tls")]
pub mod tls;
