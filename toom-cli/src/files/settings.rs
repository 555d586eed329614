//! Which files are taken, and where they go.

use core::str::FromStr;
use std::path::PathBuf;

use bytesize::ByteSize;
use clap::Args;
use toom_core::UserName;

/// The arguments that say which files are taken.
#[derive(Clone, Debug, Args)]
pub struct FilesArgs {
    /// Whether to take files: ask each time, never, or without asking from the users named (from luke,yoda); ask on a terminal, else never
    #[arg(long, value_name = "ask|never|from USER,...")]
    pub accept_files: Option<Taking>,
    /// Take no file that is larger, for example 500MB or 2GiB
    #[arg(long, value_name = "SIZE", default_value = "1GiB")]
    pub max_file_size: ByteSize,
    /// Put files into DIR; the current folder when left out
    #[arg(long, value_name = "DIR")]
    pub download_dir: Option<PathBuf>,
}

/// Whose files are taken.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Taking {
    /// The user is asked about each.
    Ask,
    /// Nobody's.
    Never,
    /// Those of these users, without a question. Files of others are refused.
    From(Vec<UserName>),
}

/// What is no answer to whose files are taken.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TakingError {
    /// It is none of the three.
    #[error("`ask`, `never` or `from USER,USER` is expected")]
    Form,
    /// No user can have this name.
    #[error("no user can have the name {0}")]
    Name(String),
}

impl FromStr for Taking {
    type Err = TakingError;

    /// The users stand behind `from`, with commas or blanks between them.
    fn from_str(text: &str) -> Result<Self, TakingError> {
        let mut words = text.split([' ', ',']).filter(|word| !word.is_empty());
        let first = words.next().unwrap_or_default();
        let user = |word: &str| UserName::parse(word).map_err(|_| TakingError::Name(word.to_owned()));
        let users = words.map(user).collect::<Result<Vec<_>, _>>()?;
        match (first, users.is_empty()) {
            ("ask", true) => Ok(Self::Ask),
            ("never", true) => Ok(Self::Never),
            ("from", false) => Ok(Self::From(users)),
            _ => Err(TakingError::Form),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_are_taken_on_a_question_never_or_from_users_that_are_named() {
        let user = |name: &str| UserName::parse(name).unwrap();
        assert_eq!("ask".parse(), Ok(Taking::Ask));
        assert_eq!("never".parse(), Ok(Taking::Never));
        for text in ["from luke,yoda", "from luke yoda", "from luke, yoda"] {
            assert_eq!(text.parse(), Ok(Taking::From(vec![user("luke"), user("yoda")])), "{text}");
        }
        for text in ["", "from", "ask luke", "always", "from,", "luke"] {
            assert_eq!(text.parse::<Taking>(), Err(TakingError::Form), "{text:?}");
        }
        assert_eq!("from a\u{7}b".parse::<Taking>(), Err(TakingError::Name("a\u{7}b".to_owned())));
    }
}
