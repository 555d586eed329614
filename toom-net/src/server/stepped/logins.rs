//! What a turn of the engine's side had to do with logins, for who counts guesses beside it.

use core::net::IpAddr;

use toom_core::{SessionId, UserName, Verdict};

use crate::server::exchange::{Ask, ConnectionId, Input, Operation, Release};

/// One step of a login, or what the next ones depend on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum LoginStep {
    /// Somebody wants to log in. The password is handed out to be checked, unless there is a refusal.
    Asked { session: SessionId, user: UserName, ip: IpAddr, refusal: Option<Refusal> },
    /// The verdict on a password came in.
    Judged { session: SessionId, verdict: Verdict },
    /// These have accounts from now on, and nobody else.
    Accounts(Vec<UserName>),
}

/// An attempt that was refused without a look at the password.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Refusal {
    /// The code that the peer is told.
    pub(crate) code: Box<str>,
    /// For how many seconds, as the peer is told.
    pub(crate) seconds_left: Option<u64>,
}

impl LoginStep {
    pub(super) fn of(input: &Input) -> Option<Self> {
        match input {
            Input::Ask(Ask { to, operation: Operation::Login { user, ip, .. } }) => Some(Self::Asked {
                session: to.connection.session(),
                user: user.clone(),
                ip: *ip,
                refusal: None,
            }),
            Input::Checked(checked) => {
                Some(Self::Judged { session: checked.connection.session(), verdict: checked.verdict })
            }
            Input::Accounts(accounts) => {
                Some(Self::Accounts(accounts.iter().map(|(name, _)| name.clone()).collect()))
            }
            _ => None,
        }
    }

    /// Takes the answer of the turn: there is one if no password is checked, for a connection logs in once at a time.
    pub(super) fn is_answered(&mut self, releases: &[Release]) {
        let Self::Asked { session, refusal, .. } = self else { return };
        let of = ConnectionId::of_session(*session);
        *refusal = releases.iter().find_map(|release| match release {
            Release::Reply { connection, lines, .. } if *connection == of => Refusal::read(lines),
            _ => None,
        });
    }
}

impl Refusal {
    fn read(lines: &[u8]) -> Option<Self> {
        let line = core::str::from_utf8(lines).ok()?;
        let (_, said) = line.trim_end().split_once("ERR LOGIN ")?;
        let (code, text) = said.split_once(' ')?;
        let seconds_left = text.rsplit_once("seconds left: ").and_then(|(_, seconds)| seconds.parse().ok());
        Some(Self { code: code.into(), seconds_left })
    }
}
