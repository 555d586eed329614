//! The TOOM protocol, server and client.

pub mod credentials;
pub mod protocol;
