//! The verbs of requests.

use core::fmt;

/// What a request asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum Verb {
    /// Says what the client is, and how it wants to be served.
    Hello,
    /// Logs in.
    Login,
    /// Posts to everyone.
    Bcm,
    /// Lists the other active users.
    Atu,
    /// Builds a room.
    Srb,
    /// Posts to a room.
    Srm,
    /// Reads what was posted.
    Rdm,
    /// Sends a file to another user's client.
    Upd,
    /// Asks for an answer.
    Ping,
    /// Lists the commands.
    Help,
    /// Ends the session.
    Out,
}

impl Verb {
    /// Every verb, in the order of `HELP`.
    pub const ALL: [Self; 11] = [
        Self::Hello,
        Self::Login,
        Self::Bcm,
        Self::Atu,
        Self::Srb,
        Self::Srm,
        Self::Rdm,
        Self::Upd,
        Self::Ping,
        Self::Help,
        Self::Out,
    ];

    /// The verb as replies write it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Hello => "HELLO",
            Self::Login => "LOGIN",
            Self::Bcm => "BCM",
            Self::Atu => "ATU",
            Self::Srb => "SRB",
            Self::Srm => "SRM",
            Self::Rdm => "RDM",
            Self::Upd => "UPD",
            Self::Ping => "PING",
            Self::Help => "HELP",
            Self::Out => "OUT",
        }
    }

    /// The right form of the request, for people.
    #[must_use]
    pub const fn form(self) -> &'static str {
        match self {
            Self::Hello => "HELLO [client=NAME/VERSION] [udp=PORT] [live=on|off]",
            Self::Login => "LOGIN <user> <password>",
            Self::Bcm => "BCM <text>",
            Self::Atu => "ATU",
            Self::Srb => "SRB <user> [<user> ...]",
            Self::Srm => "SRM <room> <text>",
            Self::Rdm => "RDM b|s|<room> <since> [<limit>]",
            Self::Upd => "UPD OFFER|ACCEPT|REFUSE|CANCEL|DONE|RELAY|MORE|DATA <words>",
            Self::Ping => "PING [<text>]",
            Self::Help => "HELP",
            Self::Out => "OUT",
        }
    }

    /// What the request does, in a few words for people.
    #[must_use]
    pub const fn purpose(self) -> &'static str {
        match self {
            Self::Hello => "says what your client is; before LOGIN",
            Self::Login => "logs you in",
            Self::Bcm => "posts to everyone",
            Self::Atu => "lists the other active users",
            Self::Srb => "builds a room of you and the users you name",
            Self::Srm => "posts to a room",
            Self::Rdm => {
                "reads everyone's messages (b), those of all your rooms (s) or of one room, since a time, #number or cursor"
            }
            Self::Upd => "brings two clients together that send a file; made for programs",
            Self::Ping => "asks for an answer",
            Self::Help => "shows this list",
            Self::Out => "logs you out",
        }
    }

    /// Whether it is served before `LOGIN`; the others get `not-logged-in`.
    #[must_use]
    pub const fn is_served_before_login(self) -> bool {
        matches!(self, Self::Hello | Self::Login | Self::Ping | Self::Help | Self::Out)
    }

    /// Reads a verb in either case.
    pub(super) fn parse(word: &[u8]) -> Option<Self> {
        Self::ALL.into_iter().find(|verb| word.eq_ignore_ascii_case(verb.as_str().as_bytes()))
    }
}

impl fmt::Display for Verb {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}
