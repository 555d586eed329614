//! The TOOM protocol, server and client.
