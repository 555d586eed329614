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
    /// It names a number or a cursor, and was not sent before the server came back with a store of another epoch.
    #[error("the server has another history now: numbers of the old one mean nothing any more")]
    OtherEpoch,
    /// It was for a transfer of a file, and the session to which that belonged has ended. It may have been served, and it is not sent again.
    #[error("the session has ended, and its transfers with it")]
    SessionOver,
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
    /// The server does not let the user in again.
    #[error("the server does not let you in again: {0}")]
    Refused(Failure),
    /// The server that was there before, or one in its place, is not believed to be the right one.
    #[cfg(feature = "client-tls")]
    #[error(transparent)]
    Distrusted(TlsError),
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

impl ConnectError {
    /// Why a connection ended before the server had greeted.
    pub(super) fn before_greeting(ended: Ended) -> Self {
        match ended {
            Ended::Lost { bye: None, error: Some(error) } => Self::Io(io::Error::new(error.kind(), error)),
            #[cfg(feature = "client-tls")]
            Ended::Distrusted(error) => Self::Tls(error),
            ended => ended.into(),
        }
    }
}

impl From<ConnectError> for Ended {
    fn from(error: ConnectError) -> Self {
        let lost = |error| Self::Lost { bye: None, error: Some(Arc::new(error)) };
        match error {
            ConnectError::Io(error) => lost(error),
            #[cfg(feature = "client-tls")]
            ConnectError::Tls(error) => Self::Distrusted(error),
            ConnectError::Call(CallError::Ended(ended)) => ended,
            ConnectError::Call(error) => lost(io::Error::other(error)),
            ConnectError::TimedOut => lost(io::ErrorKind::TimedOut.into()),
        }
    }
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
