//! What spoils a run.

use std::io;
use std::path::PathBuf;

/// Why a run gave no figures.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum LoadError {
    /// There is no server to start.
    #[error("{0} is missing: build it with `cargo build --release --bin toomd`")]
    NoServer(PathBuf),
    /// A server to compare with is not installed.
    #[error("{0} is not in the search path: install the package {0}")]
    NoRival(&'static str),
    /// A connection costs more memory than it may.
    #[error("{bytes} bytes of the server's memory a connection, and {allowed} are allowed")]
    Memory {
        /// How many it costs.
        bytes: u64,
        /// How many it may.
        allowed: u64,
    },
    /// The server goes on working though nothing is asked of it.
    #[error("the server does not come to rest")]
    Restless,
    /// Other servers are measured in memory and without TLS.
    #[error("--tls and --store file are for toomd alone")]
    ToomOnly,
    /// The server ended, or said something else, before it listened.
    #[error("the server did not come to listen")]
    NotListening,
    /// The system refused something.
    #[error("{doing}: {error}")]
    System {
        /// What was tried.
        doing: &'static str,
        /// What the system said.
        #[source]
        error: io::Error,
    },
    /// The hard limit of open files is too low.
    #[error(
        "{needed} open files are needed and {allowed} allowed: raise the hard limit (`ulimit -Hn`, as root)"
    )]
    OpenFiles {
        /// How many the run needs.
        needed: u64,
        /// How many the hard limit allows.
        allowed: u64,
    },
    /// Not the line that had to come.
    #[error("the server said {0:?}")]
    Unexpected(String),
    /// A connection ended.
    #[error("the server closed a connection")]
    Closed,
    /// A message came twice, late, or not at all.
    #[error("receiver {receiver}: message {came} came, and {expected} was the next")]
    OutOfOrder {
        /// Which receiver.
        receiver: usize,
        /// The number that came.
        came: u64,
        /// The number that had to come.
        expected: u64,
    },
    /// The server left messages out.
    #[error("receiver {receiver} was too slow: LAG from {first} to {last}; a smaller --window helps")]
    Lagged {
        /// Which receiver.
        receiver: usize,
        /// The first number left out.
        first: u64,
        /// The last.
        last: u64,
    },
    /// The server did what it promises not to do, or not what it promises.
    #[error("a promise was broken: {0}")]
    Broken(String),
    /// A bar of a run was missed.
    #[error("missed: {0}")]
    Missed(String),
    /// The server went silent.
    #[error("nothing came for {seconds} seconds: {arrived} of {expected} deliveries arrived")]
    Silent {
        /// For how long.
        seconds: u64,
        /// How many messages arrived at receivers.
        arrived: u64,
        /// How many had to.
        expected: u64,
    },
}

impl LoadError {
    /// For `map_err`: what was being done.
    pub(super) fn while_doing(doing: &'static str) -> impl Fn(io::Error) -> Self {
        move |error| Self::System { doing, error }
    }

    pub(super) fn unexpected(line: &[u8]) -> Self {
        Self::Unexpected(String::from_utf8_lossy(line).into_owned())
    }
}
