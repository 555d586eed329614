//! The account file as a value.

use core::fmt;
use std::collections::BTreeMap;

use toom_core::{DistinctNames, LooksLike, Password, Secret, UserName};
use zeroize::Zeroizing;

use super::error::{CredentialsError, EditError};
use super::line::{AccountLine, LineError, concat, is_comment, is_writable};

mod blocking;

/// An account file: its accounts, with every comment, blank line and spelling as it was written.
///
/// ```
/// use toom_net::credentials::Credentials;
/// let mut credentials = Credentials::parse("# staff\nobiwan help me\n")?;
/// credentials.add(&"luke".parse()?, "red five")?;
/// assert_eq!(*credentials.to_text(), "# staff\nobiwan help me\nluke red five\n");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// It is wiped when dropped, and `Debug` prints the number of accounts alone.
#[derive(Clone, Default)]
pub struct Credentials {
    /// The file in order. Every part but the last ends a line; a byte order mark is a part of its own.
    parts: Vec<Part>,
    /// Where in `parts` an account stands.
    places: BTreeMap<UserName, usize>,
    /// The names of the accounts, of which no two look alike.
    names: DistinctNames,
}

#[derive(Clone)]
enum Part {
    /// Comments and blank lines, as many as follow each other.
    Verbatim(Zeroizing<String>),
    Account(AccountLine),
}

const BYTE_ORDER_MARK: char = '\u{feff}';

/// What became of an account that was to be hashed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Hashed {
    /// The plain password was replaced by its hash.
    Now,
    /// It was a hash before.
    Before,
}

impl Credentials {
    /// Parses the text of an account file, whose form the [module](super) describes.
    ///
    /// # Errors
    /// [`CredentialsError`] says what is wrong with the first line that is.
    pub fn parse(text: &str) -> Result<Self, CredentialsError> {
        let mut credentials = Self::default();
        let mut lines_of = BTreeMap::new();
        let mut comments_from = 0;
        let mut at = 0;
        if text.starts_with(BYTE_ORDER_MARK) {
            at = BYTE_ORDER_MARK.len_utf8();
            credentials.push_verbatim(text.get(..at));
            comments_from = at;
        }
        let content = text.get(at..).unwrap_or_default();
        for (line, written) in (1..).zip(content.split_inclusive('\n')) {
            let end = at + written.len();
            if !is_comment(written) {
                credentials.push_verbatim(text.get(comments_from..at));
                comments_from = end;
                let account = AccountLine::parse(written).map_err(|error| error.on(line))?;
                if let Some(first_line) = lines_of.insert(account.name.clone(), line) {
                    return Err(CredentialsError::Duplicate { line, name: account.name, first_line });
                }
                credentials.names.insert(account.name.clone()).map_err(|LooksLike { name, other }| {
                    let other_line = lines_of.get(&other).copied().unwrap_or_default();
                    CredentialsError::LooksLike { line, name, other, other_line }
                })?;
                credentials.push_account(account);
            }
            at = end;
        }
        credentials.push_verbatim(text.get(comments_from..));
        Ok(credentials)
    }

    /// The accounts, in the order of the file.
    pub fn accounts(&self) -> impl Iterator<Item = (&UserName, &Secret)> {
        self.lines().map(|account| (&account.name, &account.secret))
    }

    /// Whose passwords lie in the file as they are, in its order.
    pub fn plain(&self) -> impl Iterator<Item = &UserName> {
        self.accounts().filter(|(_, secret)| secret.is_plain()).map(|(name, _)| name)
    }

    /// The name of an account as the file spells it.
    #[must_use]
    pub fn spelling(&self, name: &UserName) -> Option<&UserName> {
        self.places.get_key_value(name).map(|(spelled, _)| spelled)
    }

    /// Adds a line for `name` at the end. `secret` is a hash in PHC format when it begins with `$argon2`, else a plain
    /// password.
    ///
    /// # Errors
    /// [`EditError`] if there is such an account, or one whose name looks like this one, or if a line cannot hold the name or the secret.
    pub fn add(&mut self, name: &UserName, secret: &str) -> Result<(), EditError> {
        if let Some(name) = self.spelling(name) {
            return Err(EditError::Exists { name: name.clone() });
        }
        self.refuse_blocked(name)?;
        self.refuse_look(name)?;
        if name.as_str().starts_with('#') {
            return Err(EditError::NameIsComment { name: name.clone() });
        }
        check_secret(secret)?;
        let end = self.line_end();
        let line = concat(&[name.as_str(), " ", secret, end]);
        let account = AccountLine::parse(&line).map_err(|_| EditError::Unwritable)?;
        self.names.insert(account.name.clone())?;
        self.end_last_line(end);
        self.push_account(account);
        Ok(())
    }

    /// Gives `name` another secret, in the place of the one it has. `secret` is as for [`add`](Self::add).
    ///
    /// # Errors
    /// [`EditError`] if there is no such account, or if a line cannot hold the secret.
    pub fn set_secret(&mut self, name: &UserName, secret: &str) -> Result<(), EditError> {
        let account = self.line_mut(name)?;
        let value = check_secret(secret)?;
        *account = account.with_secret(value, secret);
        Ok(())
    }

    /// Turns the plain password of `name` into its Argon2id hash. `salt` must be random and used once. It takes tens of
    /// milliseconds.
    ///
    /// # Errors
    /// [`EditError`] if there is no such account, or no memory to hash with.
    pub fn hash(&mut self, name: &UserName, salt: [u8; 16]) -> Result<Hashed, EditError> {
        let account = self.line_mut(name)?;
        if !account.secret.is_plain() {
            return Ok(Hashed::Before);
        }
        let secret = Secret::hash(&Password::new(account.secret_text()), salt)?;
        if let Some(phc) = secret.phc() {
            *account = account.with_secret(secret, &phc);
        }
        Ok(Hashed::Now)
    }

    /// Removes the line of `name`.
    ///
    /// # Errors
    /// [`EditError::Unknown`] if there is none.
    pub fn remove(&mut self, name: &UserName) -> Result<(), EditError> {
        let place = self.places.remove(name).ok_or_else(|| EditError::Unknown { name: name.clone() })?;
        self.parts.remove(place);
        self.names.remove(name);
        for later in self.places.values_mut().filter(|later| **later > place) {
            *later -= 1;
        }
        Ok(())
    }

    /// The text of the file. It holds the secrets, and is wiped when dropped.
    #[must_use]
    pub fn to_text(&self) -> Zeroizing<String> {
        concat(&self.parts.iter().map(Part::text).collect::<Vec<_>>())
    }

    fn lines(&self) -> impl Iterator<Item = &AccountLine> {
        self.parts.iter().filter_map(|part| match part {
            Part::Account(account) => Some(account),
            Part::Verbatim(_) => None,
        })
    }

    fn line_mut(&mut self, name: &UserName) -> Result<&mut AccountLine, EditError> {
        match self.places.get(name).and_then(|place| self.parts.get_mut(*place)) {
            Some(Part::Account(account)) => Ok(account),
            _ => Err(EditError::Unknown { name: name.clone() }),
        }
    }

    /// Refuses a name that looks like that of an account, blocked or not.
    fn refuse_look(&self, name: &UserName) -> Result<(), EditError> {
        let blocked = self.blocked();
        let alike = |other: &&UserName| *other != name && other.looks_like(name);
        match self.names.like(name).or_else(|| blocked.iter().find(alike)) {
            Some(other) => Err(EditError::LooksLike { name: name.clone(), other: other.clone() }),
            None => Ok(()),
        }
    }

    fn push_verbatim(&mut self, text: Option<&str>) {
        if let Some(text) = text.filter(|text| !text.is_empty()) {
            self.parts.push(Part::Verbatim(Zeroizing::new(text.to_owned())));
        }
    }

    fn push_account(&mut self, account: AccountLine) {
        self.places.insert(account.name.clone(), self.parts.len());
        self.parts.push(Part::Account(account));
    }

    /// How this file ends its lines.
    fn line_end(&self) -> &'static str {
        let ended = self.parts.iter().rev().map(Part::text).find(|text| text.ends_with('\n'));
        if ended.is_some_and(|text| text.ends_with("\r\n")) { "\r\n" } else { "\n" }
    }

    /// Ends the last line, where the file breaks off without.
    fn end_last_line(&mut self, end: &str) {
        match self.parts.last_mut() {
            Some(Part::Account(account)) if !account.text().ends_with('\n') => {
                *account = account.with_end(end);
            }
            Some(Part::Verbatim(text)) if !text.ends_with('\n') && !is_byte_order_mark(text) => {
                *text = concat(&[text, end]);
            }
            _ => {}
        }
    }
}

impl Part {
    fn text(&self) -> &str {
        match self {
            Self::Verbatim(text) => text,
            Self::Account(account) => account.text(),
        }
    }
}

impl LineError {
    fn on(self, line: usize) -> CredentialsError {
        match self {
            Self::OneWord => CredentialsError::Malformed { line },
            Self::Name(error) => CredentialsError::Name { line, error },
            Self::Secret(name, error) => CredentialsError::Secret { line, name, error },
            Self::ControlCharacter(name) => CredentialsError::ControlCharacter { line, name },
        }
    }
}

impl fmt::Debug for Credentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Credentials({} accounts)", self.places.len())
    }
}

fn is_byte_order_mark(text: &str) -> bool {
    text.strip_prefix(BYTE_ORDER_MARK) == Some("")
}

fn check_secret(secret: &str) -> Result<Secret, EditError> {
    if is_writable(secret) { Ok(Secret::parse(secret)?) } else { Err(EditError::Unwritable) }
}

#[cfg(test)]
mod tests;
