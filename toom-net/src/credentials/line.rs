//! One account's line.

use core::ops::Range;

use toom_core::{Secret, SecretError, UserName, UserNameError};
use zeroize::Zeroizing;

/// An account, and its line letter for letter.
#[derive(Clone)]
pub(super) struct AccountLine {
    pub(super) name: UserName,
    pub(super) secret: Secret,
    /// The line with its end.
    text: Zeroizing<String>,
    /// Where the secret stands in `text`.
    secret_at: Range<usize>,
}

/// Why a line is no account's.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum LineError {
    OneWord,
    Name(UserNameError),
    Secret(UserName, SecretError),
    ControlCharacter(UserName),
}

/// Whether `line` holds no account.
pub(super) fn is_comment(line: &str) -> bool {
    let content = line.trim_start();
    content.is_empty() || content.starts_with('#')
}

/// Whether `secret` is what [`AccountLine::parse`] would find in a line that ends with it.
pub(super) fn is_writable(secret: &str) -> bool {
    secret.trim() == secret && !secret.contains(char::is_control)
}

impl AccountLine {
    /// Parses a line, with or without its end.
    pub(super) fn parse(line: &str) -> Result<Self, LineError> {
        let (name, secret) = line.trim().split_once(char::is_whitespace).ok_or(LineError::OneWord)?;
        let name = UserName::parse(name).map_err(LineError::Name)?;
        let text = secret.trim_start();
        if text.contains(char::is_control) {
            return Err(LineError::ControlCharacter(name));
        }
        match Secret::parse(text) {
            Ok(secret) => {
                let end = line.trim_end().len();
                let secret_at = end.saturating_sub(text.len())..end;
                Ok(Self { name, secret, text: Zeroizing::new(line.to_owned()), secret_at })
            }
            Err(error) => Err(LineError::Secret(name, error)),
        }
    }

    /// The secret as the line has it.
    pub(super) fn secret_text(&self) -> &str {
        self.text.get(self.secret_at.clone()).expect("the range was taken from this very text")
    }

    /// The line with its end.
    pub(super) fn text(&self) -> &str {
        &self.text
    }

    /// The same line with another secret, given as a value and as it is to be written.
    #[must_use]
    pub(super) fn with_secret(&self, secret: Secret, written: &str) -> Self {
        let (head, rest) = self.text.split_at(self.secret_at.start);
        let tail = rest.get(self.secret_at.len()..).unwrap_or_default();
        let text = concat(&[head, written, tail]);
        let secret_at = head.len()..head.len() + written.len();
        Self { name: self.name.clone(), secret, text, secret_at }
    }

    /// The line with `end` behind it.
    #[must_use]
    pub(super) fn with_end(&self, end: &str) -> Self {
        Self { text: concat(&[&self.text, end]), ..self.clone() }
    }
}

/// Joins `parts` in a buffer that never grows, for growing would leave a copy behind.
pub(super) fn concat(parts: &[&str]) -> Zeroizing<String> {
    let mut joined = Zeroizing::new(String::with_capacity(parts.iter().map(|part| part.len()).sum()));
    for part in parts {
        joined.push_str(part);
    }
    joined
}
