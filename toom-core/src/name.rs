//! User names.

use core::cmp::Ordering;
use core::fmt;
use core::hash::{Hash, Hasher};
use std::sync::Arc;

use precis_profiles::UsernameCaseMapped;
use precis_profiles::precis_core::profile::PrecisFastInvocation;

use crate::look;

/// A user's name: kept as it was written, compared as PRECIS `UsernameCaseMapped` says ([RFC 8265, section 3.3]).
///
/// `Obiwan` and `obiwan` are one user. A name holds no space and no control character, and its letters belong to one script: in
/// `аlice` the first letter is Cyrillic, and it is no name. Two names of one script each can still look alike:
/// [`DistinctNames`](crate::DistinctNames) finds those. Clones share their text.
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

    /// Parses `raw`: 1 to [`CHARS_MAX`](Self::CHARS_MAX) characters that `UsernameCaseMapped` allows, of one script.
    ///
    /// What one script is, [UTS 39, section 5.1] says: Japanese, Korean and Chinese names may mix the scripts that those languages mix, and
    /// digits, signs and marks go with any.
    ///
    /// # Errors
    /// [`UserNameError`] says which of these it is not.
    ///
    /// [UTS 39, section 5.1]: https://www.unicode.org/reports/tr39/#Mixed_Script_Detection
    pub fn parse(raw: &str) -> Result<Self, UserNameError> {
        let name = Self::from_record(raw)?;
        if look::is_of_one_script(name.key()) { Ok(name) } else { Err(UserNameError::MixedScripts) }
    }

    /// Parses a name that was recorded, for a store or an import: its scripts are not looked at. A history must stay readable also where
    /// what may become a name is decided anew, as newer tables of Unicode do.
    ///
    /// # Errors
    /// [`UserNameError`], but never [`MixedScripts`](UserNameError::MixedScripts).
    pub fn from_record(raw: &str) -> Result<Self, UserNameError> {
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

    /// Whether people could take this name for `other`, as it is written or in lower case. Every name looks like itself.
    #[must_use]
    pub fn looks_like(&self, other: &Self) -> bool {
        let others = look::looks(other);
        look::looks(self).iter().any(|look| others.contains(look))
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
    /// With letters of scripts that are not written together, so that some of them may be taken for others.
    #[error("the letters of a user name belong to one script, and some of these only look as if they did")]
    MixedScripts,
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
        assert_eq!(format!("{name:?}"), "UserName(\"ＬＵＫＥ\")");
    }

    #[test]
    fn names_of_one_user_have_one_hash_and_those_of_others_another() {
        let hash = |raw| {
            let mut hasher = std::hash::DefaultHasher::new();
            UserName::parse(raw).unwrap().hash(&mut hasher);
            hasher.finish()
        };
        assert_eq!(hash("ＬＵＫＥ"), hash("luke"));
        assert_ne!(hash("leia"), hash("luke"));
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
        fn the_compared_form_is_itself_a_name_of_the_same_user(
            raw in "\\PC{1,3}|[!-~\u{c0}-\u{24f}]{1,12}|[\u{370}-\u{3ff}]{1,4}|[\u{400}-\u{52f}]{1,12}|[\u{3041}-\u{30ff}\u{ff21}-\u{ff5a}]{1,4}",
        ) {
            for parse in [UserName::parse, UserName::from_record] {
                if let Ok(name) = parse(&raw) {
                    let again = parse(name.key());
                    proptest::prop_assert_eq!(again.as_ref().map(UserName::key), Ok(name.key()));
                }
            }
        }
    }
}
