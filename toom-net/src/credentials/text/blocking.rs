//! Accounts that an operator has blocked: their lines stay as comments, so a server does not know them.

use toom_core::UserName;

use super::super::error::EditError;
use super::super::line::{AccountLine, concat};
use super::{Credentials, Part};

/// What makes a comment of the line of an account that is blocked.
const MARK: &str = "#blocked ";

impl Credentials {
    /// Makes a comment of the line of `name`, from which [`unblock`](Self::unblock) makes an account again.
    ///
    /// # Errors
    /// [`EditError`] if there is no such account, or if it is blocked already.
    pub fn block(&mut self, name: &UserName) -> Result<(), EditError> {
        self.refuse_blocked(name)?;
        let unknown = || EditError::Unknown { name: name.clone() };
        let place = self.places.get(name).copied().ok_or_else(unknown)?;
        let texts = self.parts.iter().map(Part::text).enumerate();
        let marked = texts.flat_map(|(at, text)| [if at == place { MARK } else { "" }, text]);
        *self = reparsed(&marked.collect::<Vec<_>>());
        Ok(())
    }

    /// Makes an account of a line that [`block`](Self::block) made a comment of.
    ///
    /// # Errors
    /// [`EditError`] if there is no such line, or another account of that name or of one that looks like it.
    pub fn unblock(&mut self, name: &UserName) -> Result<(), EditError> {
        if let Some(name) = self.spelling(name) {
            return Err(EditError::Exists { name: name.clone() });
        }
        let mut found = None;
        let mut unmark = |line| match blocked(line) {
            Some((account, rest)) if account == *name && found.is_none() => {
                found = Some(account);
                rest
            }
            _ => line,
        };
        let lines = self.parts.iter().flat_map(|part| part.text().split_inclusive('\n'));
        let unmarked: Vec<_> = lines.map(&mut unmark).collect();
        let name = found.ok_or_else(|| EditError::NotBlocked { name: name.clone() })?;
        if let Some(other) = self.names.like(&name) {
            return Err(EditError::LooksLike { other: other.clone(), name });
        }
        *self = reparsed(&unmarked);
        Ok(())
    }

    /// Whose lines are comments, in the order of the file.
    #[must_use]
    pub fn blocked(&self) -> Vec<UserName> {
        let comments = self.parts.iter().filter(|part| matches!(part, Part::Verbatim(_)));
        let lines = comments.flat_map(|part| part.text().split_inclusive('\n'));
        lines.filter_map(|line| blocked(line).map(|(name, _)| name)).collect()
    }

    pub(super) fn refuse_blocked(&self, name: &UserName) -> Result<(), EditError> {
        match self.blocked().into_iter().find(|blocked| blocked == name) {
            Some(name) => Err(EditError::Blocked { name }),
            None => Ok(()),
        }
    }
}

/// A file in which lines of accounts became comments, or comments lines of accounts that no other line names or resembles.
fn reparsed(parts: &[&str]) -> Credentials {
    Credentials::parse(&concat(parts)).expect("every line was parsed before")
}

/// Whose account the line is that a comment was made of, and the line.
fn blocked(line: &str) -> Option<(UserName, &str)> {
    let rest = line.strip_prefix(MARK)?;
    AccountLine::parse(rest).ok().map(|account| (account.name, rest))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn name(text: &str) -> UserName {
        text.parse().unwrap()
    }

    #[test]
    fn who_is_blocked_has_no_account_and_has_the_same_one_again_afterwards() {
        for text in [
            "luke red five\nleia pw\n",
            "# staff\nleia pw\n\n  Luke  red five  \r\n# end",
            "leia pw\nluke red five",
            "\u{feff}luke red five\nleia pw\n",
        ] {
            let mut credentials = Credentials::parse(text).unwrap();
            credentials.block(&name("LUKE")).unwrap();
            assert_eq!(credentials.accounts().map(|(name, _)| name.as_str()).collect::<Vec<_>>(), ["leia"]);
            assert_eq!(credentials.blocked(), [name("luke")]);
            let blocked = credentials.to_text();
            assert_eq!(Credentials::parse(&blocked).unwrap().blocked(), [name("luke")], "{text:?}");
            for refused in [
                credentials.block(&name("luke")),
                credentials.add(&name("luke"), "another"),
                credentials.unblock(&name("leia")),
                credentials.unblock(&name("yoda")),
                credentials.block(&name("yoda")),
            ] {
                refused.unwrap_err();
            }
            assert_eq!(*credentials.to_text(), *blocked, "a refusal changes nothing");
            credentials.unblock(&name("luke")).unwrap();
            assert_eq!(*credentials.to_text(), text);
        }
    }

    #[test]
    fn a_blocked_name_keeps_its_like_out_and_no_others() {
        let mut credentials = Credentials::parse("luke red five\n").unwrap();
        credentials.block(&name("luke")).unwrap();
        let refused = credentials.add(&name("1uke"), "another");
        assert!(matches!(refused, Err(EditError::LooksLike { .. })), "{refused:?}");
        credentials.add(&name("yoda"), "another").unwrap();
    }

    #[test]
    fn a_comment_that_is_no_account_is_left_alone() {
        let text = "#blocked luke\n# blocked luke pw\n#blocked \nleia pw\n";
        let mut credentials = Credentials::parse(text).unwrap();
        assert_eq!(credentials.blocked(), []);
        let refused = credentials.unblock(&name("luke")).unwrap_err();
        assert!(matches!(refused, EditError::NotBlocked { .. }), "{refused}");
        credentials.add(&name("luke"), "pw").unwrap();
    }

    #[test]
    fn whose_name_looks_like_another_by_now_does_not_come_back() {
        let text = "#blocked Ivan one\nlvan two\n";
        let mut credentials = Credentials::parse(text).unwrap();
        for spelled in ["Ivan", "ivan"] {
            let refused = credentials.unblock(&name(spelled)).unwrap_err();
            assert_eq!(refused, EditError::LooksLike { name: name("Ivan"), other: name("lvan") });
        }
        assert_eq!(*credentials.to_text(), text);
    }

    #[test]
    fn a_name_that_looks_like_that_of_a_blocked_account_is_not_added() {
        let text = "#blocked user1 one\n";
        let mut credentials = Credentials::parse(text).unwrap();
        let refused = credentials.add(&name("userl"), "two").unwrap_err();
        assert_eq!(refused, EditError::LooksLike { name: name("userl"), other: name("user1") });
        assert_eq!(*credentials.to_text(), text);
    }

    #[test]
    fn of_two_lines_for_one_name_one_comes_back() {
        let mut credentials = Credentials::parse("#blocked luke one\n#blocked luke two\n").unwrap();
        credentials.unblock(&name("luke")).unwrap();
        assert_eq!(*credentials.to_text(), "luke one\n#blocked luke two\n");
    }
}
