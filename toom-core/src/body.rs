//! The text of a message.

use core::fmt;
use std::sync::Arc;

/// The text of a message: at least one character that is not white space, at most [`BYTES_MAX`](Self::BYTES_MAX)
/// bytes, no control character but the line break (`\n`). Clones share their text; `Debug` prints the length alone.
#[derive(Clone, PartialEq, Eq)]
pub struct Body(Arc<str>);

impl Body {
    /// The longest body that any engine takes, in bytes of UTF-8. [`Limits`](crate::Limits) may set it lower.
    pub const BYTES_MAX: usize = 8192;

    /// Parses `text`; it is kept as it is, white space at the ends too.
    ///
    /// # Errors
    /// [`BodyError`] says what is wrong with it.
    pub fn parse(text: &str) -> Result<Self, BodyError> {
        if text.len() > Self::BYTES_MAX {
            return Err(BodyError::TooLong { size: text.len(), limit: Self::BYTES_MAX });
        }
        if text.chars().all(char::is_whitespace) {
            return Err(BodyError::Empty);
        }
        if may_hold_control_characters(text)
            && let Some(found) = text.chars().find(|&c| c.is_control() && c != '\n')
        {
            return Err(BodyError::ControlCharacter { found });
        }
        Ok(Self(text.into()))
    }

    /// The text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// Whether it has a byte that only control characters have, or one with which those beyond ASCII begin. It looks at all bytes, so that
/// the compiler takes many at a time.
fn may_hold_control_characters(text: &str) -> bool {
    text.bytes().fold(false, |found, byte| found | matches!(byte, 0..0x20 | 0x7f | 0xc2))
}

impl fmt::Debug for Body {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Body({} bytes)", self.0.len())
    }
}

/// Why a text cannot be a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum BodyError {
    /// Nothing but white space.
    #[error("the message is empty")]
    Empty,
    /// Longer than the limit.
    #[error("the message is {size} bytes, the limit is {limit}")]
    TooLong {
        /// Bytes of the text.
        size: usize,
        /// The most bytes a body may have.
        limit: usize,
    },
    /// A control character (Unicode general category Cc) other than the line break.
    #[error("the message holds the control character U+{:04X}", u32::from(*found))]
    ControlCharacter {
        /// The first such character.
        found: char,
    },
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_body_keeps_its_text_and_its_line_breaks() {
        assert_eq!(Body::parse(" two\nlines ").unwrap().as_str(), " two\nlines ");
    }

    #[test]
    fn white_space_alone_is_no_message() {
        for text in ["", " ", "\n", " \u{3000}\n"] {
            assert_eq!(Body::parse(text), Err(BodyError::Empty), "{text:?}");
        }
    }

    #[test]
    fn control_characters_are_refused_by_name() {
        for found in ['\0', '\t', '\r', '\u{b}', '\u{1b}', '\u{7f}', '\u{85}', '\u{9b}'] {
            assert_eq!(Body::parse(&format!("a{found}b")), Err(BodyError::ControlCharacter { found }));
        }
        assert_eq!(
            BodyError::ControlCharacter { found: '\u{1b}' }.to_string(),
            "the message holds the control character U+001B"
        );
    }

    #[test]
    fn of_all_characters_the_control_characters_but_the_line_break_are_refused_wherever_they_stand() {
        for found in '\0'..='\u{2fff}' {
            let twice = format!("{found}a{found}");
            for text in
                [format!("a{found}"), format!("{found}a"), format!("{}{found}", "é".repeat(40)), twice]
            {
                let is_refused = Body::parse(&text).is_err();
                assert_eq!(is_refused, found.is_control() && found != '\n', "{found:?}");
            }
        }
    }

    #[test]
    fn the_longest_body_is_taken_and_one_byte_more_is_not() {
        assert!(Body::parse(&"x".repeat(Body::BYTES_MAX)).is_ok());
        let size = Body::BYTES_MAX + 1;
        assert_eq!(Body::parse(&"x".repeat(size)), Err(BodyError::TooLong { size, limit: Body::BYTES_MAX }));
    }

    #[test]
    fn debug_prints_the_length_never_the_text() {
        assert_eq!(format!("{:?}", Body::parse("secret").unwrap()), "Body(6 bytes)");
    }
}
