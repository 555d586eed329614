//! Why `toomd` ended without doing what it was asked for: one line each, which says what was wrong, where, and what to do.

use std::io;
use std::net::IpAddr;
use std::path::PathBuf;

use toom_core::{SecretError, StorageError};
use toom_net::archive::{ExportError, ImportError, TextLogsError};
use toom_net::credentials::{EditError, FileError};
use toom_net::server::{IdentityError, RecordingError, ServerError};

#[derive(Debug, thiserror::Error)]
pub(crate) enum Failure {
    #[error(transparent)]
    File(#[from] FileError),
    #[error("{path}: {error}")]
    Edit { path: PathBuf, error: EditError },
    #[error(
        "{count} of the passwords in {path} are plain text, and {listen} can be reached from other machines; \
         hash them with `toomd user hash --credentials {path}`, or say --allow-plain-passwords"
    )]
    PlainPasswords { path: PathBuf, count: usize, listen: IpAddr },
    #[error(
        "other users of this machine may write {path}, and so make accounts of their own; if its lines are as they \
         should be, `chmod 600 {path}`"
    )]
    AccountsOfOthers { path: PathBuf },
    #[error(
        "other users of this machine may write to {path}, and so put files of their own there; if all that is in it is \
         yours, `chmod 700 {path}`"
    )]
    DataOfOthers { path: PathBuf },
    #[error("{0}; nothing was changed")]
    Password(#[from] SecretError),
    #[error("the two passwords differ; nothing was changed")]
    PasswordsDiffer,
    #[error("the password holds a control character, which no client can send; nothing was changed")]
    ControlCharacter,
    #[error("cannot read the password: {0}; nothing was changed")]
    NoPassword(io::Error),
    #[error("the operating system gives no random bytes for a salt: {0}; nothing was changed")]
    NoRandomBytes(getrandom::Error),
    #[error("cannot write to standard output: {0}")]
    Output(io::Error),
    #[error(transparent)]
    Data(StorageError),
    #[error(
        "{error}; a store needs room for what is in its journal when it is opened: make some, or raise the quota, and try \
         again. Nothing that was acknowledged is lost"
    )]
    NoRoom { error: StorageError },
    #[error("there is no store in {path}; --data names another folder")]
    NoStore { path: PathBuf },
    #[error("the store in {path} is damaged; `toomd repair --data {path}` shows what can be kept")]
    Damaged { path: PathBuf },
    #[error("nothing was changed; `toomd repair --data {path} --yes` repairs the store")]
    NotRepaired { path: PathBuf },
    #[error(transparent)]
    Export(#[from] ExportError),
    #[error(transparent)]
    Import(#[from] ImportError),
    #[error(
        "{path} holds rooms or messages already, and only an empty store can be filled; --data names another"
    )]
    NotEmpty { path: PathBuf },
    #[error("{error}; {path} holds a part of what was to be imported: remove it, and import again")]
    Unfinished { path: PathBuf, error: ImportError },
    #[error("text logs: {0}")]
    TextLogs(#[from] TextLogsError),
    #[error("{path}: {error}")]
    Recording { path: PathBuf, error: RecordingError },
    #[error("{path} is damaged at byte {offset}: {what}; what stands before that was replayed")]
    RecordingDamaged { path: PathBuf, offset: u64, what: &'static str },
    #[error("something else came of {path} than was recorded")]
    ReplayParted { path: PathBuf },
    #[error(transparent)]
    Server(#[from] ServerError),
    #[error("the operating system gives no random bytes: {0}")]
    NoRandomSeed(getrandom::Error),
    #[error("{place}: {problem}")]
    Setting { place: String, problem: String },
    #[error("cannot read the configuration file {path}: {error}")]
    ConfigFile { path: PathBuf, error: io::Error },
    #[error("operators cannot ask at {address}: {problem}")]
    Admin { address: String, problem: String },
    #[error("cannot watch for signals: {0}")]
    Signals(io::Error),
    #[error("cannot start a thread: {0}")]
    Thread(io::Error),
    #[error(
        "{listen} can be reached from other machines, which could read and change what is said; \
         give --tls-cert and --tls-key, or --tls-self-signed, or say --insecure"
    )]
    Insecure { listen: IpAddr },
    #[error("cannot read {path}: {error}")]
    CertificateFile { path: PathBuf, error: io::Error },
    #[error("cannot use {certificate} with {key}: {error}")]
    Identity { certificate: PathBuf, key: PathBuf, error: IdentityError },
    #[error("cannot make a certificate: {0}")]
    NoCertificate(rcgen::Error),
    #[error("cannot keep the certificate in {path}: {error}")]
    CertificateNotKept { path: PathBuf, error: io::Error },
    #[error("interrupted")]
    Interrupted,
}

impl Failure {
    /// What came of writing to standard output. Whoever reads there and goes has seen enough.
    pub(crate) fn of_output(written: io::Result<()>) -> Result<(), Self> {
        match written {
            Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
            written => written.map_err(Self::Output),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reader_that_goes_is_no_failure_and_a_full_disk_is_one() {
        assert!(Failure::of_output(Ok(())).is_ok());
        assert!(Failure::of_output(Err(io::ErrorKind::BrokenPipe.into())).is_ok());
        let full = Failure::of_output(Err(io::ErrorKind::StorageFull.into()));
        assert!(matches!(full, Err(Failure::Output(_))), "{full:?}");
    }
}
