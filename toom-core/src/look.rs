//! What names look like: the scripts of their letters, and which of them people would take for each other.
//!
//! The rules are those of [UTS 39](https://www.unicode.org/reports/tr39/): two texts look alike if their *skeletons* are the same.

use std::collections::BTreeMap;

use unicode_security::MixedScript as _;

use crate::UserName;

/// Whether the letters of `key` belong to one script, or to scripts that one language mixes.
pub(crate) fn is_of_one_script(key: &str) -> bool {
    key.is_single_script()
}

/// What a name looks like: as it is written, and in the form by which it is compared. `Ivan` looks like `lvan`, and `ivan` does not.
pub(crate) fn looks(name: &UserName) -> [Box<str>; 2] {
    [skeleton(name.as_str()), skeleton(name.key())]
}

/// The skeleton of UTS 39, section 4; what cannot be seen is no part of it.
fn skeleton(text: &str) -> Box<str> {
    unicode_security::skeleton(text).collect()
}

/// Names of which no two look alike.
///
/// A host that lets people choose their names asks it before it puts an account in:
///
/// ```
/// use toom_core::{DistinctNames, UserName};
///
/// let mut names = DistinctNames::default();
/// names.insert("user1".parse()?)?;
/// let taken = names.insert("userl".parse()?).unwrap_err();
/// assert_eq!(taken.to_string(), "userl looks like user1");
/// names.insert("user2".parse()?)?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, Default)]
pub struct DistinctNames {
    by_look: BTreeMap<Box<str>, UserName>,
}

/// Two names look alike.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{name} looks like {other}")]
pub struct LooksLike {
    /// The name that was to be taken in.
    pub name: UserName,
    /// The one that is there.
    pub other: UserName,
}

impl DistinctNames {
    /// Takes `name` in. The same name, in another spelling, takes the place of the one that is there.
    ///
    /// # Errors
    /// [`LooksLike`] if another name looks like it; nothing is changed then.
    pub fn insert(&mut self, name: UserName) -> Result<(), LooksLike> {
        if let Some(other) = self.like(&name) {
            return Err(LooksLike { other: other.clone(), name });
        }
        self.remove(&name);
        for look in looks(&name) {
            self.by_look.insert(look, name.clone());
        }
        Ok(())
    }

    /// The name that is not `name` and looks like it.
    #[must_use]
    pub fn like(&self, name: &UserName) -> Option<&UserName> {
        looks(name).iter().filter_map(|look| self.by_look.get(look)).find(|other| *other != name)
    }

    /// Forgets `name`, in whatever spelling.
    pub fn remove(&mut self, name: &UserName) {
        let [_, key_look] = looks(name);
        // Every spelling has the same key, and so this look of its own.
        if let Some(known) = self.by_look.get(&key_look).filter(|known| *known == name).cloned() {
            for look in looks(&known) {
                self.by_look.remove(&look);
            }
        }
    }
}

#[cfg(test)]
mod tests;
