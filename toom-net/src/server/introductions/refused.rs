//! Why a request for a transfer is refused.

use core::time::Duration;

use crate::protocol::Code;
use crate::server::rate::whole_seconds;

/// Why a request for a transfer is refused. Nothing was changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(in crate::server) enum Refused {
    /// Also where there is one that the session has nothing to do with, or where it is not its turn.
    #[error("there is no such transfer, or it is not for you to say that")]
    NoSuchTransfer,
    #[error("no session of that user takes files")]
    NobodyTakes,
    #[error("what happens to an offer is pushed, and this session wants no pushes")]
    NoPushes,
    #[error("this session has as many transfers as it may have")]
    TooMany,
    #[error("this server passes no files on")]
    RelayOff,
    #[error("as many files go through the server as may")]
    TooManyRelays,
    #[error("the other side may be given leave for no more than 16 pieces at a time")]
    TooMuchLeave,
    #[error("the other side takes no more pieces yet, or one before this was refused; seconds left: 1")]
    NotYet,
    #[error("too much goes through the server; seconds left: {}", whole_seconds(*.0))]
    TooFast(Duration),
}

impl Refused {
    pub(in crate::server) fn code(self) -> Code {
        match self {
            Self::NoSuchTransfer | Self::NobodyTakes | Self::NoPushes | Self::RelayOff => Code::Refused,
            Self::TooMany | Self::TooManyRelays | Self::TooMuchLeave => Code::LimitReached,
            Self::NotYet | Self::TooFast(_) => Code::Throttled,
        }
    }
}
