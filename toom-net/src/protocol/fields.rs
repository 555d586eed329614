//! Reading the parts of a line.

use core::str::FromStr;

use toom_core::{Body, BodyError, Conversation, MessageNumber, RoomId, Timestamp, UserName};

use super::{Fingerprint, Leave, NameWord, Named, Piece, TransferId, TransferTicket, Verb, parse_time};

/// The break between lines inside a message, as it travels.
pub(super) const VT: char = '\u{b}';

/// What is left to read of a line. Words are parted by one space or more.
#[derive(Clone, Copy)]
pub(super) struct Fields<'a>(&'a str);

impl<'a> Fields<'a> {
    pub(super) fn new(line: &'a str) -> Self {
        Self(line)
    }

    /// The next word, or `None` at the end.
    pub(super) fn word(&mut self) -> Option<&'a str> {
        let rest = self.0.trim_start_matches(' ');
        let (word, rest) = rest.split_at_checked(rest.find(' ').unwrap_or(rest.len()))?;
        self.0 = rest;
        if word.is_empty() { None } else { Some(word) }
    }

    /// Everything after the one space that follows what was read; `None` where there is not even that space.
    pub(super) fn rest(self) -> Option<&'a str> {
        self.0.strip_prefix(' ')
    }

    /// Whether nothing but spaces is left.
    pub(super) fn is_empty(self) -> bool {
        self.0.trim_start_matches(' ').is_empty()
    }

    pub(super) fn number<T: FromStr>(&mut self) -> Option<T> {
        digits(self.word()?)
    }

    pub(super) fn message_number(&mut self) -> Option<MessageNumber> {
        self.number().and_then(MessageNumber::new)
    }

    pub(super) fn room(&mut self) -> Option<RoomId> {
        self.number().and_then(RoomId::new)
    }

    /// `b`, or a room's number.
    pub(super) fn conversation(&mut self) -> Option<Conversation> {
        match self.word()? {
            "b" => Some(Conversation::Broadcast),
            word => digits(word).and_then(RoomId::new).map(Conversation::Room),
        }
    }

    /// A time that is one word.
    pub(super) fn time(&mut self) -> Option<Timestamp> {
        parse_time(self.word()?).ok()
    }

    pub(super) fn name(&mut self) -> Option<NameWord> {
        NameWord::parse(self.word()?).ok()
    }

    /// All names that are left, at least one.
    pub(super) fn names(&mut self) -> Option<Vec<NameWord>> {
        let mut names = vec![self.name()?];
        while !self.is_empty() {
            names.push(self.name()?);
        }
        Some(names)
    }

    /// A user as a client names it.
    pub(super) fn named(&mut self) -> Option<Named> {
        let word = self.word()?;
        match UserName::parse(word) {
            Ok(name) => Some(Named::User(name)),
            Err(_) => NameWord::cut(word).ok().map(Named::Nobody),
        }
    }

    pub(super) fn transfer(&mut self) -> Option<TransferId> {
        self.number().and_then(TransferId::new)
    }

    pub(super) fn fingerprint(&mut self) -> Option<Fingerprint> {
        Fingerprint::parse(self.word()?).ok()
    }

    pub(super) fn ticket(&mut self) -> Option<TransferTicket> {
        TransferTicket::parse(self.word()?).ok()
    }

    pub(super) fn leave(&mut self) -> Option<Leave> {
        self.number().and_then(Leave::new)
    }

    pub(super) fn piece(&mut self) -> Option<Piece> {
        Piece::decode(self.word()?)
    }

    pub(super) fn verb(&mut self) -> Option<Verb> {
        Verb::parse(self.word()?.as_bytes())
    }
}

/// A number that is written in digits alone.
pub(super) fn digits<T: FromStr>(word: &str) -> Option<T> {
    if word.bytes().all(|b| b.is_ascii_digit()) { word.parse().ok() } else { None }
}

/// A message's text as it travelled.
pub(super) fn body(text: &str) -> Result<Body, BodyError> {
    if text.contains(VT) {
        // A message may hold no VT of its own, and a line holds no LF: nothing is lost in either direction.
        Body::parse(&text.replace(VT, "\n"))
    } else {
        Body::parse(text)
    }
}
