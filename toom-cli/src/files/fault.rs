//! Why a part of a transfer did not come to its end.

use toom_files::{Reason, ReceiveError, SendError, SourceError};
use toom_net::client::CallError;
use toom_net::protocol::EndCode;

use super::{Ending, Over};
use crate::said::Refusal;

/// What the user is told where the session ended that a transfer needed.
const NO_SERVER: &str = "the connection to the server was lost";

/// Why a part of a transfer did not come to its end.
#[derive(Debug)]
pub(super) enum Fault {
    /// UDP does not get through.
    Unreachable,
    /// The way to the other side is gone. The server may know more.
    Gone(Over),
    /// This is why.
    Known(Over),
}

impl From<Over> for Fault {
    fn from(over: Over) -> Self {
        Self::Known(over)
    }
}

impl From<Fault> for Over {
    fn from(fault: Fault) -> Self {
        match fault {
            Fault::Gone(over) | Fault::Known(over) => over,
            Fault::Unreachable => Self::failed("UDP does not get through"),
        }
    }
}

impl From<SourceError> for Fault {
    fn from(error: SourceError) -> Self {
        match error {
            SourceError::Cancelled => Self::Gone(Over::cancelled()),
            error => Self::Known(Over::failed(&error)),
        }
    }
}

impl From<SendError> for Fault {
    fn from(error: SendError) -> Self {
        match error {
            SendError::Unreachable(_) => Self::Unreachable,
            SendError::Cancelled => Self::Gone(Over::cancelled()),
            SendError::CancelledByPeer | SendError::Refused(Reason::Cancelled) => Self::Known(there()),
            SendError::Lost(_) => Self::Gone(Over::failed(&error)),
            error => Self::Known(Over::failed(&error)),
        }
    }
}

impl From<ReceiveError> for Fault {
    fn from(error: ReceiveError) -> Self {
        match error {
            ReceiveError::Cancelled => Self::Gone(Over::cancelled()),
            ReceiveError::CancelledByPeer | ReceiveError::Refused(Reason::Cancelled) => Self::Known(there()),
            ReceiveError::Lost(_) => Self::Gone(Over::failed(&error)),
            error => Self::Known(Over::failed(&error)),
        }
    }
}

impl From<CallError> for Fault {
    fn from(error: CallError) -> Self {
        Self::Known(match &error {
            CallError::Refused(_) => Over::new(Ending::Refused, Refusal::from(&error).text),
            CallError::SessionOver | CallError::Ended(_) => lost(),
            _ => Over::failed(&Refusal::from(&error).text),
        })
    }
}

/// The session ended.
pub(super) fn lost() -> Over {
    Over::failed(NO_SERVER)
}

fn there() -> Over {
    Over::new(Ending::CancelledThere, "")
}

/// What the server says of the end of a transfer with `user`.
pub(super) fn ended(code: &EndCode, text: String, user: &str) -> Over {
    match code {
        EndCode::Refused => Over::new(Ending::Refused, text),
        EndCode::Cancelled => there(),
        EndCode::Taken => Over::new(Ending::CancelledThere, "another session of yours has answered"),
        EndCode::Gone => Over::failed(&format!("the session of {user} has ended")),
        EndCode::Timeout => Over::failed("it took too long"),
        code if text.is_empty() => Over::failed(code.as_str()),
        _ => Over::failed(&text),
    }
}
