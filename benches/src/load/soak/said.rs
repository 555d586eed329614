//! What the server says, as far as the soak looks at it. It is read by splitting at spaces, not by the server's own codec.

use super::super::LoadError;

/// The number that stands for the broadcast conversation; rooms begin with 1.
pub(super) const BROADCAST: u32 = 0;

/// A message, as `MSG` and `ROW` tell it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Told<'a> {
    pub(super) conversation: u32,
    pub(super) number: u64,
    pub(super) time: &'a str,
    pub(super) author: &'a str,
    pub(super) text: &'a str,
}

/// Messages of one conversation, from the first to the last.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Stretch {
    pub(super) conversation: u32,
    pub(super) first: u64,
    pub(super) last: u64,
}

/// One line of the server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Said<'a> {
    /// `MSG …`.
    Message(Told<'a>),
    /// `LAG …`.
    Lag(Stretch),
    /// `ROOM <room> …`: the room.
    Room(u32),
    /// `ROW …` with a message.
    Row(Told<'a>),
    /// `ROW <conversation> GONE …`.
    Gone(Stretch),
    /// `OK <verb> …`: the verb and what follows.
    Done(&'a str, &'a str),
    /// `ERR <verb> …`: the verb and what follows.
    Refused(&'a str, &'a str),
    /// `BYE …`: why.
    Bye(&'a str),
    /// The greeting, and rows that are no messages.
    Else,
}

impl<'a> Said<'a> {
    /// # Errors
    /// If it is nothing that a server says.
    pub(super) fn parse(line: &'a [u8]) -> Result<Self, LoadError> {
        let text = str::from_utf8(line).map_err(|_| LoadError::unexpected(line))?;
        Self::known(text).ok_or_else(|| LoadError::unexpected(line))
    }

    fn known(line: &'a str) -> Option<Self> {
        // Bytes that mean nothing may begin as a tag does: then what answers them bears it.
        let untagged = if line.starts_with('@') { line.split_once(' ')?.1 } else { line };
        let (word, rest) = untagged.split_once(' ')?;
        Some(match word {
            "MSG" => Self::Message(Told::parse(rest)?),
            "ROW" => match (Told::parse(rest), rest.split_once(" GONE ")) {
                (Some(told), _) => Self::Row(told),
                (None, Some((conversation, numbers))) => {
                    Self::Gone(Stretch::parse(&format!("{conversation} {numbers}"))?)
                }
                (None, None) => Self::Else,
            },
            "LAG" => Self::Lag(Stretch::parse(rest)?),
            "ROOM" => Self::Room(rest.split(' ').next()?.parse().ok()?),
            "OK" | "ERR" => {
                let (verb, rest) = rest.split_once(' ').unwrap_or((rest, ""));
                if word == "OK" { Self::Done(verb, rest) } else { Self::Refused(verb, rest) }
            }
            "BYE" => Self::Bye(rest.split(' ').next()?),
            "TOOM" => Self::Else,
            _ => return None,
        })
    }
}

impl<'a> Told<'a> {
    fn parse(rest: &'a str) -> Option<Self> {
        let mut words = rest.splitn(5, ' ');
        let conversation = conversation(words.next()?)?;
        let number = words.next()?.parse().ok()?;
        Some(Self { conversation, number, time: words.next()?, author: words.next()?, text: words.next()? })
    }
}

impl Stretch {
    fn parse(rest: &str) -> Option<Self> {
        let mut words = rest.split(' ');
        let conversation = conversation(words.next()?)?;
        let (first, last) = (words.next()?.parse().ok()?, words.next()?.parse().ok()?);
        (first <= last && words.next().is_none()).then_some(Self { conversation, first, last })
    }
}

fn conversation(word: &str) -> Option<u32> {
    if word == "b" { Some(BROADCAST) } else { word.parse().ok().filter(|room| *room != BROADCAST) }
}

/// How a conversation is called in requests.
pub(super) fn word(conversation: u32) -> String {
    if conversation == BROADCAST { "b".to_owned() } else { conversation.to_string() }
}

/// The seconds with which the text of a refusal ends.
pub(super) fn seconds_left(text: &str) -> u64 {
    text.rsplit(' ').next().and_then(|word| word.parse().ok()).unwrap_or(1)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(text: &str) -> Told<'_> {
        Told { conversation: 3, number: 12, time: "t", author: "luke", text }
    }

    #[test]
    fn lines_are_what_they_begin_with() {
        let stretch = |conversation| Stretch { conversation, first: 3, last: 12 };
        for (line, said) in [
            ("MSG 3 12 t luke GONE 1 2", Said::Message(told("GONE 1 2"))),
            ("ROW 3 12 t luke a b ", Said::Row(told("a b "))),
            ("ROW 3 GONE 3 12", Said::Gone(stretch(3))),
            ("ROW luke 2022-08-04T08:51:01.000000Z", Said::Else),
            ("LAG b 3 12", Said::Lag(stretch(BROADCAST))),
            ("ROOM 7 hans luke", Said::Room(7)),
            ("OK BCM 3 t", Said::Done("BCM", "3 t")),
            ("OK OUT", Said::Done("OUT", "")),
            ("ERR - syntax no", Said::Refused("-", "syntax no")),
            ("@GZw ERR - syntax no", Said::Refused("-", "syntax no")),
            ("BYE login-timeout too late", Said::Bye("login-timeout")),
            ("TOOM 1 toomd/0.1.0 epoch=1", Said::Else),
        ] {
            assert_eq!(Said::known(line), Some(said), "{line}");
        }
    }

    #[test]
    fn what_no_server_says_is_refused() {
        for line in
            ["", "MSG", "MSG b 1 t luke", "MSG 0 1 t luke x", "LAG b 3", "LAG b 3 2", "LAG b 3 4 5", "HI x"]
        {
            assert_eq!(Said::known(line), None, "{line}");
        }
        assert!(Said::parse(b"OK \xff").is_err());
    }
}
