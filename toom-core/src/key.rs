//! Idempotency keys: what makes a request safe to repeat.

use core::fmt;

/// A name that a user gives to one request, so that repeating the request does nothing twice:
/// 1 to [`CHARS_MAX`](Self::CHARS_MAX) of `A-Z a-z 0-9 _ -`.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct IdempotencyKey(Box<str>);

impl IdempotencyKey {
    /// The longest key, in characters.
    pub const CHARS_MAX: usize = 64;

    /// How many keyed requests of one user are remembered, the latest ones.
    pub const REMEMBERED: usize = 256;

    /// Parses `raw`.
    ///
    /// # Errors
    /// [`IdempotencyKeyError`] if it is empty, too long, or holds another character.
    pub fn parse(raw: &str) -> Result<Self, IdempotencyKeyError> {
        let allowed = |b: u8| b.is_ascii_alphanumeric() || b == b'_' || b == b'-';
        if raw.is_empty() || raw.len() > Self::CHARS_MAX || !raw.bytes().all(allowed) {
            return Err(IdempotencyKeyError);
        }
        Ok(Self(raw.into()))
    }

    /// The key's text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for IdempotencyKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "IdempotencyKey({})", self.0)
    }
}

/// The text is no idempotency key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a key is 1 to {} of A-Z a-z 0-9 _ -", IdempotencyKey::CHARS_MAX)]
pub struct IdempotencyKeyError;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_1_to_64_of_the_named_characters() {
        assert_eq!(IdempotencyKey::parse("aZ0_-").unwrap().as_str(), "aZ0_-");
        assert!(IdempotencyKey::parse(&"k".repeat(64)).is_ok());
        for raw in ["", " ", "a b", "é", "a.b", "@"] {
            assert_eq!(IdempotencyKey::parse(raw), Err(IdempotencyKeyError), "{raw:?}");
        }
        assert_eq!(IdempotencyKey::parse(&"k".repeat(65)), Err(IdempotencyKeyError));
    }

    #[test]
    fn debug_shows_a_key() {
        assert_eq!(format!("{:?}", IdempotencyKey::parse("k-1").unwrap()), "IdempotencyKey(k-1)");
    }
}
