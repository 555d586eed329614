//! How a server can break the protocol.

use crate::protocol::{LineTooLong, MAX_LINE, ServerLineError, Verb};

/// What a server sent against the protocol. Nothing that follows it can be trusted, so the connection is given up.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Violation {
    /// The first line is no greeting: another kind of server is listening there.
    #[error("the server does not greet as a TOOM server does")]
    NotAGreeting,
    /// A second greeting.
    #[error("the server greets twice")]
    GreetedTwice,
    /// A line that cannot be understood.
    #[error("from the server: {0}")]
    Line(ServerLineError),
    /// A line of more than [`MAX_LINE`] bytes.
    #[error("from the server: a line of more than {MAX_LINE} bytes")]
    LineTooLong,
    /// A row or a reply, and no request waits for one.
    #[error("the server answers what nobody asked")]
    Unasked,
    /// A reply that bears a tag, to a request that bore none.
    #[error("the server answers with a tag that nobody gave")]
    UnknownTag,
    /// A reply to another verb than the one that waits.
    #[error("the server answers {answered} where {asked} waits")]
    OtherVerb {
        /// The verb that waits for its reply.
        asked: Verb,
        /// The verb that the reply names.
        answered: Verb,
    },
    /// `OK SRM` of another room than the one posted to.
    #[error("the server says that it posted to another room")]
    OtherRoom,
    /// An answer is about another transfer than the request.
    #[error("an answer is about another transfer")]
    OtherTransfer,
    /// A row of a reply that has none.
    #[error("the server answers {0} with a row")]
    UnexpectedRow(Verb),
    /// A row that cannot be understood.
    #[error("the server answers {0} with a malformed row")]
    MalformedRow(Verb),
    /// A row of `RDM` of a conversation that was not asked for, or out of order.
    #[error("the server answers RDM with a row that is out of place")]
    RowOutOfPlace,
    /// More rows than were asked for, or more than [`REPLY_BYTES_MAX`](super::REPLY_BYTES_MAX) of them.
    #[error("the server answers {0} with too many rows")]
    TooManyRows(Verb),
    /// The count at the end of a reply is not that of its rows.
    #[error("the server counts {told} rows and sent {sent}")]
    Miscounted {
        /// What the reply says.
        told: u64,
        /// How many rows came.
        sent: u64,
    },
    /// A push before `OK LOGIN`, or with `live=off`.
    #[error("the server pushes where it must not")]
    UnwantedPush,
    /// A push between the rows of a reply.
    #[error("the server pushes in the middle of a reply")]
    PushInsideReply,
    /// Messages were missed in more rooms than anyone is a member of.
    #[error("the server pushes from too many rooms")]
    TooManyRooms,
}

impl From<ServerLineError> for Violation {
    fn from(error: ServerLineError) -> Self {
        Self::Line(error)
    }
}

impl From<LineTooLong> for Violation {
    fn from(_: LineTooLong) -> Self {
        Self::LineTooLong
    }
}
