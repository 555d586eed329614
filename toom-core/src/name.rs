//! User names.

use core::cmp::Ordering;
use core::fmt;
use core::hash::{Hash, Hasher};
use std::sync::Arc;

use precis_profiles::UsernameCaseMapped;
use precis_profiles::precis_core::profile::PrecisFastInvocation;

/// A user's name: kept as it was written, compared as PRECIS `UsernameCaseMapped` says ([RFC 8265, section 3.3]).
///
/// `Obiwan` and `obiwan` are one user. A name holds no space and no control character. Clones share their text.
///
/// ```
/// use toom_core::UserName;
/// let shown = UserName::parse("Obiwan")?;
/// assert_eq!(shown, UserName::parse("obiwan")?);
/// assert_eq!(shown.as_str(), "Obiwan");
/// # Ok::<(), toom_core::UserNameError>(())
/// ```
///
/// [RFC 8265, section 3.3]: https://www.rfc-editor.org/rfc/rfc8265#section-3.3
#[derive(Clone)]
pub struct UserName(Arc<Inner>);

struct Inner {
    shown: Box<str>,
    key: Box<str>,
}

impl UserName {
    /// The longest name, in characters (Unicode scalar values).
    pub const CHARS_MAX: usize = 32;

    /// Parses `raw`: 1 to [`CHARS_MAX`](Self::CHARS_MAX) characters that `UsernameCaseMapped` allows.
    ///
    /// # Errors
    /// [`UserNameError`] says which of the two it is not.
    pub fn parse(raw: &str) -> Result<Self, UserNameError> {
        // Checked before PRECIS sees the text, so that a long one costs nothing.
        if raw.chars().take(Self::CHARS_MAX + 1).count() > Self::CHARS_MAX {
            return Err(UserNameError::TooLong { limit: Self::CHARS_MAX });
        }
        let key = UsernameCaseMapped::enforce(raw).map_err(|_| UserNameError::NotAllowed)?;
        // Idempotent names only: RFC 8264, section 7, has applications refuse what changes when enforced again.
        if UsernameCaseMapped::enforce(key.as_ref()).as_deref() != Ok(key.as_ref()) {
            return Err(UserNameError::NotAllowed);
        }
        Ok(Self(Arc::new(Inner { shown: raw.into(), key: key.into() })))
    }

    /// The name as it was written.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0.shown
    }

    /// The form by which names are compared.
    #[must_use]
    pub fn key(&self) -> &str {
        &self.0.key
    }
}

impl PartialEq for UserName {
    fn eq(&self, other: &Self) -> bool {
        self.0.key == other.0.key
    }
}

impl Eq for UserName {}

impl PartialOrd for UserName {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for UserName {
    fn cmp(&self, other: &Self) -> Ordering {
        self.0.key.cmp(&other.0.key)
    }
}

impl Hash for UserName {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.0.key.hash(state);
    }
}

impl fmt::Display for UserName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl fmt::Debug for UserName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "UserName({:?})", self.as_str())
    }
}

impl core::str::FromStr for UserName {
    type Err = UserNameError;

    fn from_str(raw: &str) -> Result<Self, UserNameError> {
        Self::parse(raw)
    }
}

/// Why a text is no user name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum UserNameError {
    /// More characters than a name may have.
    #[error("a user name has at most {limit} characters")]
    TooLong {
        /// The most characters a name may have.
        limit: usize,
    },
    /// Empty, or with a character that RFC 8265 forbids in names, such as a space.
    #[error("a user name is one word of letters, digits and signs, without spaces or control characters")]
    NotAllowed,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_compared_without_case_and_width_and_shown_as_written() {
        let name = UserName::parse("ＬＵＫＥ").unwrap();
        assert_eq!(name, UserName::parse("luke").unwrap());
        assert_eq!(name.as_str(), "ＬＵＫＥ");
        assert_eq!(name.key(), "luke");
        assert_ne!(name, UserName::parse("leia").unwrap());
    }

    #[test]
    fn what_could_be_taken_for_something_else_is_no_name() {
        let rlo = "a\u{202e}b";
        let zero_width_joiner = "a\u{200d}b";
        for raw in ["", " ", "a b", "a\nb", "a\u{b}b", "a\0b", rlo, zero_width_joiner, "\u{3000}", "ﬁ"] {
            assert_eq!(UserName::parse(raw), Err(UserNameError::NotAllowed), "{raw:?}");
        }
    }

    #[test]
    fn a_name_of_32_characters_is_allowed_and_one_of_33_is_not() {
        assert!(UserName::parse(&"é".repeat(32)).is_ok());
        assert_eq!(UserName::parse(&"é".repeat(33)), Err(UserNameError::TooLong { limit: 32 }));
    }

    proptest::proptest! {
        #[test]
        fn the_compared_form_is_itself_a_name_of_the_same_user(raw in "\\PC{1,12}") {
            if let Ok(name) = UserName::parse(&raw) {
                let again = UserName::parse(name.key());
                proptest::prop_assert_eq!(again.as_ref().map(UserName::key), Ok(name.key()));
            }
        }
    }
}
