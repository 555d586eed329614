//! Runs: the files of the history. Each is immutable, holds the messages of one span of time clustered by conversation, and
//! bears its own index.

mod block;
mod bytes;

pub(in crate::storage::file) use block::{BlockView, Chunk};
