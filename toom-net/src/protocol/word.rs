//! Words: the parts of a line that hold no space and mean something to someone else.

use core::fmt;

use toom_core::UserName;

/// A text that is not the word it stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{rule}")]
pub struct WordError {
    rule: &'static str,
}

impl WordError {
    pub(super) const fn new(rule: &'static str) -> Self {
        Self { rule }
    }
}

macro_rules! word {
    ($(#[$meta:meta])* $name:ident, $max:literal, $rule:literal, $valid:expr) => {
        $(#[$meta])*
        #[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(Box<str>);

        impl $name {
            /// The longest one, in bytes.
            pub const BYTES_MAX: usize = $max;

            /// Parses `raw`.
            ///
            /// # Errors
            /// [`WordError`] tells the rule that it breaks.
            pub fn parse(raw: &str) -> Result<Self, WordError> {
                let valid: fn(&str) -> bool = $valid;
                if raw.is_empty() || raw.len() > Self::BYTES_MAX || !valid(raw) {
                    return Err(WordError { rule: $rule });
                }
                Ok(Self(raw.into()))
            }

            /// The word.
            #[must_use]
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, concat!(stringify!($name), "({:?})"), self.0)
            }
        }
    };
}

word! {
    /// What a client puts before a request to find its reply again: 1 to 64 of `A-Z a-z 0-9 _ -`.
    Tag, 64, "a tag is 1 to 64 of A-Z a-z 0-9 _ -",
    |raw| raw.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'-'))
}

word! {
    /// A place to read on from, as an earlier reply gave it: a letter, then letters, digits, `.`, `_` and `-`. It means
    /// nothing to who holds it, and it cannot be mistaken for a time or a `#number`, which begin otherwise.
    CursorWord, 128, "a cursor is the word after next= in an earlier reply",
    |raw| raw.starts_with(|c: char| c.is_ascii_alphabetic())
        && raw.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'_' | b'-'))
}

word! {
    /// The name of a code, also of one that this version does not know: a lower-case letter, then lower-case letters,
    /// digits and `-`.
    CodeWord, 64, "a code is 1 to 64 of a-z 0-9 -",
    |raw| raw.starts_with(|c: char| c.is_ascii_lowercase())
        && raw.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-')
}

word! {
    /// What a program calls itself, as `NAME/VERSION`: visible ASCII characters.
    ClientWord, 128, "a program's name is NAME/VERSION, at most 128 visible ASCII characters",
    |raw| raw.bytes().all(|b| b.is_ascii_graphic())
}

word! {
    /// A user's name as the far end writes it: at most 33 characters, no space, no control character.
    ///
    /// A server sends [`UserName`]s, and a client shows what it is sent, although its own Unicode tables may be older.
    /// In an error, it is a word that cannot be a user's name, cut after 32 characters and ended by `…` if it was longer.
    NameWord, 132, "a name is one word of at most 33 characters",
    |raw| raw.chars().count() <= UserName::CHARS_MAX + 1 && !raw.contains(|c: char| c == ' ' || c.is_control())
}

impl NameWord {
    /// What is shown of a word that is no name, cut to fit.
    pub(super) fn cut(raw: &str) -> Result<Self, WordError> {
        let Some((end, _)) = raw.char_indices().nth(UserName::CHARS_MAX) else { return Self::parse(raw) };
        Self::parse(raw).or_else(|_| Self::parse(&format!("{}…", raw.get(..end).unwrap_or_default())))
    }

    /// The name as a type that compares names; `None` if this build's Unicode tables do not take it for one.
    #[must_use]
    pub fn to_user_name(&self) -> Option<UserName> {
        UserName::parse(&self.0).ok()
    }
}

impl From<&UserName> for NameWord {
    fn from(name: &UserName) -> Self {
        Self(name.as_str().into())
    }
}
