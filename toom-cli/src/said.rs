//! What there is to tell the user, before it is put into words or into JSON.

use toom_core::Receipt;
use toom_net::client::{ActiveUser, CallError, NewRoom, Pushed};
use toom_net::protocol::{Failure, HistoryRow, LoggedIn, NameWord, Verb};

use crate::command::Reading;
use crate::files::{News, UnderWay};

/// Something to tell.
#[derive(Debug)]
pub enum Said {
    /// The login was accepted.
    LoggedIn(LoggedIn),
    /// What was posted has its number.
    Posted(Receipt),
    /// Who else is active.
    ActiveUsers(Vec<ActiveUser>),
    /// A room was built.
    RoomCreated(NewRoom),
    /// A page of the history.
    History(History),
    /// Something happened to a transfer of a file.
    Transfer(News),
    /// The transfers that are under way.
    Transfers(Vec<UnderWay>),
    /// The commands.
    Help,
    /// Nothing was done, and why.
    Refused(Refusal),
    /// The user has left.
    LoggedOut(Option<NameWord>),
    /// What nobody asked for.
    Pushed(Pushed),
}

/// A page of the history.
#[derive(Debug)]
pub struct History {
    /// What is read.
    pub reading: Reading,
    /// Messages, and marks where messages are gone.
    pub rows: Vec<HistoryRow>,
    /// Its place in what is read.
    pub page: PlaceOfPage,
    /// How many messages there were on this page and those before it.
    pub messages: u64,
}

/// The place of a page in what is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PlaceOfPage {
    /// Whether pages, or at least rows, came before it.
    pub begins: Begins,
    /// Whether there is more.
    pub ends: Ends,
}

/// Whether a page is the first with anything on it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Begins {
    /// Nothing was told before it.
    Here,
    /// It goes on where another ended.
    Before,
}

/// Whether a page is the last.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ends {
    /// There is no more.
    Here,
    /// There may be more.
    Later,
}

/// Why nothing was done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    /// What was asked for, where that is known.
    pub verb: Option<Verb>,
    /// Why, for programs.
    pub code: String,
    /// Why, for people.
    pub text: String,
}

impl Refusal {
    /// What this program refuses itself.
    #[must_use]
    pub fn of_line(text: String) -> Self {
        Self { verb: None, code: "usage".to_owned(), text }
    }

    /// What the server refuses, in `text`.
    #[must_use]
    pub fn of_server(failure: &Failure, text: String) -> Self {
        Self { verb: failure.verb, code: failure.code.as_str().to_owned(), text }
    }
}

impl From<&CallError> for Refusal {
    fn from(error: &CallError) -> Self {
        let text = crate::render::call_error(error);
        match error {
            CallError::Refused(failure) => Self::of_server(failure, text),
            CallError::TooLong(_) => Self { verb: None, code: "too-long".to_owned(), text },
            CallError::OtherEpoch => Self { verb: Some(Verb::Rdm), code: "other-epoch".to_owned(), text },
            _ => Self { verb: None, code: "unavailable".to_owned(), text },
        }
    }
}
