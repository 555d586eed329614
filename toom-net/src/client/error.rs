//! Why a call failed, and why a connection ended.

use std::io;
use std::sync::Arc;

#[cfg(feature = "client-tls")]
use super::TlsError;
use super::{Bye, RequestTooLong, Violation};
use crate::protocol::Failure;

/// Why a call has no answer.
#[derive(Clone, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum CallError {
    /// The server refused: its code and its words. Nothing was done, but for
    /// [`Code::Unavailable`](crate::protocol::Code::Unavailable).
    #[error(transparent)]
    Refused(#[from] Failure),
    /// The request was not sent.
    #[error(transparent)]
    TooLong(#[from] RequestTooLong),
    /// The connection ended before the reply came. Whether the request was served is unknown; one with a key is safe to
    /// repeat on another connection.
    #[error(transparent)]
    Ended(#[from] Ended),
}

/// Why a connection ended.
#[derive(Clone, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Ended {
    /// This side closed it: by `logout`, or because the last [`Client`](super::Client) was dropped.
    #[error("the connection was closed")]
    Closed,
    /// The server closed it, or the network failed.
    #[error("{}", lost(bye.as_ref(), error.as_deref()))]
    Lost {
        /// The server's reason, if it gave one.
        bye: Option<Bye>,
        /// What the system says; `None` where the far end closed in order.
        error: Option<Arc<io::Error>>,
    },
    /// The server does not keep to the protocol.
    #[error(transparent)]
    Violation(#[from] Violation),
}

/// Why no connection came about.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ConnectError {
    /// The server cannot be reached.
    #[error(transparent)]
    Io(#[from] io::Error),
    /// The server was not there, or not ready, within
    /// [`connect_timeout`](super::Options::connect_timeout).
    #[error("the server did not answer in time")]
    TimedOut,
    /// The server cannot be believed to be the right one, or does not speak TLS.
    #[cfg(feature = "client-tls")]
    #[error(transparent)]
    Tls(#[from] TlsError),
    /// The server refused `HELLO`, or the connection ended before its answer.
    #[error(transparent)]
    Call(#[from] CallError),
}

impl From<Ended> for ConnectError {
    fn from(ended: Ended) -> Self {
        Self::Call(ended.into())
    }
}

fn lost(bye: Option<&Bye>, error: Option<&io::Error>) -> String {
    match (bye, error) {
        (Some(bye), _) => format!("the server closed the connection: {bye}"),
        (None, Some(error)) => format!("the connection was lost: {error}"),
        (None, None) => "the server closed the connection".into(),
    }
}
