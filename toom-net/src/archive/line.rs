//! One line of a text log: a number, a time, who, and what was said.
//!
//! What would break the line, steer a terminal or be there without being seen is written as [`OneLine`](crate::shown::OneLine)
//! writes it: `\n` for a line break, `\u{202e}`. A backslash that would read as the beginning of such a thing is written `\u{5c}`, and
//! every other one as it is: so a line says exactly one text, and lines that know nothing of this keep theirs, but for a `\n` or
//! `\u{…}` in them.

use core::fmt::{self, Write as _};

use jiff::civil::DateTime;
use jiff::fmt::strtime;
use jiff::tz::TimeZone;
use toom_core::{Body, BodyError, MessageNumber, MessageRef, UserName, UserNameError};

use crate::shown::{Spoken, is_shown_as_code};

/// The longest line that [`EntryLine`] writes is shorter than this, in bytes: a body of signs that are written as codes.
pub(super) const LINE_BYTES_MAX: usize = 4 * Body::BYTES_MAX;

/// A message as a line of a text log, without an end, by its `Display`: `3; 04 Aug 2022 09:02:29; obiwan; hello`.
#[derive(Clone, Copy, Debug)]
pub struct EntryLine<'a> {
    /// The message.
    pub message: MessageRef<'a>,
    /// Where its time is read.
    pub zone: &'a TimeZone,
}

impl fmt::Display for EntryLine<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let MessageRef { number, at, author, body, .. } = self.message;
        write!(f, "{number}; {}; {author}; ", Spoken { at, zone: self.zone })?;
        let mut rest = body;
        while let Some(at) = rest.find(|c| c == '\\' || is_shown_as_code(c)) {
            let (plain, tail) = rest.split_at(at);
            f.write_str(plain)?;
            let mut chars = tail.chars();
            let special = chars.next();
            rest = chars.as_str();
            match special {
                Some('\n') => f.write_str("\\n")?,
                Some('\\') if !rest.starts_with('n') && !rest.starts_with("u{") => f.write_char('\\')?,
                Some(c) => write!(f, "{}", c.escape_unicode())?,
                None => {}
            }
        }
        f.write_str(rest)
    }
}

/// What a line of a text log says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// The number of the message.
    pub number: MessageNumber,
    /// What a clock on the wall showed.
    pub clock: DateTime,
    /// Who posted it.
    pub author: UserName,
    /// What.
    pub body: Body,
}

/// Why a line is none of a text log.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum EntryError {
    /// Fewer than four fields, or none of them a number.
    #[error("a line is expected such as `3; 04 Aug 2022 09:02:29; obiwan; hello`")]
    Form,
    /// The second field is no time.
    #[error("`{found}` is no time such as 04 Aug 2022 09:02:29")]
    Time {
        /// What stands there, or its beginning.
        found: String,
    },
    /// The third field cannot be a name.
    #[error(transparent)]
    Author(#[from] UserNameError),
    /// The fourth field cannot be a message.
    #[error(transparent)]
    Body(#[from] BodyError),
}

impl Entry {
    /// Reads a line without its end.
    ///
    /// # Errors
    /// [`EntryError`] says what is wrong with it.
    pub fn parse(line: &str) -> Result<Self, EntryError> {
        let (number, rest) = line.split_once("; ").ok_or(EntryError::Form)?;
        let number = number_of(number).ok_or(EntryError::Form)?;
        let (clock, rest) = rest.split_once("; ").ok_or(EntryError::Form)?;
        // A name may hold a semicolon, but no space.
        let (author, body) = rest.split_once(' ').ok_or(EntryError::Form)?;
        let author = author.strip_suffix(';').ok_or(EntryError::Form)?;
        let clock = clock_of(clock)?;
        let (author, body) = (UserName::from_record(author)?, Body::parse(&read_escapes(body))?);
        Ok(Self { number, clock, author, body })
    }
}

/// The number at the beginning of a line, which says where the line stands in its conversation.
pub(super) fn number_at_start(line: &str) -> Option<MessageNumber> {
    number_of(line.split_once("; ")?.0)
}

fn number_of(digits: &str) -> Option<MessageNumber> {
    let plain = digits.bytes().all(|byte| byte.is_ascii_digit());
    digits.parse().ok().filter(|_| plain).and_then(MessageNumber::new)
}

fn clock_of(text: &str) -> Result<DateTime, EntryError> {
    let wrong = || EntryError::Time { found: text.chars().take(40).flat_map(char::escape_default).collect() };
    strtime::parse("%d %b %Y %H:%M:%S", text).and_then(|parsed| parsed.to_datetime()).map_err(|_| wrong())
}

/// Takes `\n` and `\u{…}` for what they stand for; every other backslash is one.
fn read_escapes(text: &str) -> String {
    let mut read = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((plain, escape)) = rest.split_once('\\') {
        read.push_str(plain);
        let (c, behind) = read_escape(escape).unwrap_or(('\\', escape));
        read.push(c);
        rest = behind;
    }
    read + rest
}

/// The character that what follows a backslash stands for, and what comes behind it.
fn read_escape(text: &str) -> Option<(char, &str)> {
    if let Some(behind) = text.strip_prefix('n') {
        return Some(('\n', behind));
    }
    let (digits, behind) = text.strip_prefix("u{")?.split_once('}')?;
    let plain = (1..=6).contains(&digits.len()) && digits.bytes().all(|byte| byte.is_ascii_hexdigit());
    let code = u32::from_str_radix(digits, 16).ok().filter(|_| plain)?;
    Some((char::from_u32(code)?, behind))
}

#[cfg(test)]
mod tests;
