//! What can be wrong with an account file; the words stand here and nowhere else. None of them holds a secret.

use std::io;
use std::path::PathBuf;

use toom_core::{LooksLike, SecretError, UserName, UserNameError};

use super::file::FILE_BYTES_MAX;

/// Why a text is no account file. Lines count from 1.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum CredentialsError {
    /// A single word.
    #[error("line {line}: a name and a secret are expected, with a space between; a comment begins with #")]
    Malformed {
        /// The line.
        line: usize,
    },
    /// The first word is no user name.
    #[error("line {line}: {error}; correct the name or put a # before the line")]
    Name {
        /// The line.
        line: usize,
        /// What is wrong with the name.
        error: UserNameError,
    },
    /// The secret cannot be one.
    #[error("line {line}: {error}; give {name} another with `toomd user passwd`, or put a # before the line")]
    Secret {
        /// The line.
        line: usize,
        /// Whose secret it is.
        name: UserName,
        /// What is wrong with it.
        error: SecretError,
    },
    /// A control character inside a secret.
    #[error("line {line}: the password of {name} holds a control character, which no client can send")]
    ControlCharacter {
        /// The line.
        line: usize,
        /// Whose secret it is.
        name: UserName,
    },
    /// A second line for one user; names are compared as RFC 8265 says.
    #[error("line {line}: {name} has an account on line {first_line} already; remove one of the two")]
    Duplicate {
        /// The line.
        line: usize,
        /// The name as the second line has it.
        name: UserName,
        /// The line of the first.
        first_line: usize,
    },
    /// A name that people would take for that of another account.
    #[error(
        "line {line}: {name} looks like {other} on line {other_line}; rename one of the two, or put a # before its line"
    )]
    LooksLike {
        /// The line.
        line: usize,
        /// The name that it has.
        name: UserName,
        /// The other account.
        other: UserName,
        /// The line of that.
        other_line: usize,
    },
}

/// Why an edit was refused. Nothing was changed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum EditError {
    /// The name has an account.
    #[error("{name} has an account already; `toomd user passwd {name}` gives it another password")]
    Exists {
        /// The name as the file spells it.
        name: UserName,
    },
    /// People would take the name for that of another account.
    #[error("{name} looks like {other}, which has an account already; choose another name")]
    LooksLike {
        /// The name.
        name: UserName,
        /// The other account, which may be blocked.
        other: UserName,
    },
    /// The name has no account.
    #[error("{name} has no account; `toomd user list` shows those there are")]
    Unknown {
        /// The name that was asked for.
        name: UserName,
    },
    /// The account is blocked.
    #[error("the account of {name} is blocked; `toomd user unblock {name}` ends that")]
    Blocked {
        /// The name as the file spells it.
        name: UserName,
    },
    /// No account of that name is blocked.
    #[error("no account of {name} is blocked; `toomd user list` shows those that are")]
    NotBlocked {
        /// The name that was asked for.
        name: UserName,
    },
    /// The line would read as a comment.
    #[error("{name} cannot be written to an account file: a line that begins with # is a comment")]
    NameIsComment {
        /// The name.
        name: UserName,
    },
    /// The secret cannot be one.
    #[error(transparent)]
    Secret(#[from] SecretError),
    /// A plain password that a line cannot hold.
    #[error("a plain password neither begins nor ends with white space nor holds a control character")]
    Unwritable,
}

impl From<LooksLike> for EditError {
    fn from(LooksLike { name, other }: LooksLike) -> Self {
        Self::LooksLike { name, other }
    }
}

/// Why an account file could not be read or replaced.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum FileError {
    /// No such file.
    #[error("there is no account file {path}; `toomd user add NAME --credentials {path}` creates it")]
    Missing {
        /// The file.
        path: PathBuf,
    },
    /// A symbolic link whose target does not exist.
    #[error("{path} is a symbolic link to nothing; create the file it names, or remove the link")]
    DanglingLink {
        /// The link.
        path: PathBuf,
    },
    /// More bytes than are read.
    #[error("{path} is larger than {FILE_BYTES_MAX} bytes; is it an account file?")]
    TooLarge {
        /// The file.
        path: PathBuf,
    },
    /// Not text.
    #[error("{path}, line {line}: this is not UTF-8; save the file in that encoding")]
    NotUtf8 {
        /// The file.
        path: PathBuf,
        /// The line, from 1.
        line: usize,
    },
    /// A line is wrong.
    #[error("{path}, {error}")]
    Content {
        /// The file.
        path: PathBuf,
        /// What is wrong with which line.
        error: CredentialsError,
    },
    /// The operating system refused.
    #[error("cannot {doing} {path}: {error}")]
    Io {
        /// The file or folder.
        path: PathBuf,
        /// What was being done.
        doing: &'static str,
        /// Its reason.
        error: io::Error,
    },
}
