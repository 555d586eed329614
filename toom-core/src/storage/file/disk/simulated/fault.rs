//! Calls that fail when a test says so.

use std::io;

/// A kind of call of a disk or a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[expect(missing_docs, reason = "each is the method of this name")]
pub enum Call {
    Lock,
    Names,
    Create,
    Open,
    Rename,
    Remove,
    SyncNames,
    Len,
    Read,
    Write,
    Sync,
}

/// One call that fails, or all from one on. It fails with EIO and does nothing, unless said otherwise.
///
/// A failed [`sync`](crate::DiskFile::sync) gives up the bytes that it should have made durable: they are still read, a power
/// cut may lose them, and no later sync makes them durable. A failed [`sync_names`](crate::Disk::sync_names) makes nothing
/// durable, and a later one does.
#[derive(Clone, Debug)]
pub struct Fault {
    call: Option<Call>,
    files: String,
    /// Calls that still succeed.
    pass: u64,
    forever: bool,
    failure: Failure,
}

#[derive(Clone, Copy, Debug)]
pub(super) struct Failure {
    is_full: bool,
    /// How many bytes of a write are written before it fails.
    pub(super) bytes: usize,
}

impl Fault {
    /// The `n`-th call from now on, 1 for the next, fails.
    #[must_use]
    pub const fn nth(n: u64) -> Self {
        let pass = n.saturating_sub(1);
        Self {
            call: None,
            files: String::new(),
            pass,
            forever: false,
            failure: Failure { is_full: false, bytes: 0 },
        }
    }

    /// Only calls of this kind count, and fail.
    #[must_use]
    pub fn of(self, call: Call) -> Self {
        Self { call: Some(call), ..self }
    }

    /// Only calls about files whose name begins so count, and fail.
    #[must_use]
    pub fn in_files(self, beginning: &str) -> Self {
        Self { files: beginning.to_owned(), ..self }
    }

    /// All later ones fail as well.
    #[must_use]
    pub fn forever(self) -> Self {
        Self { forever: true, ..self }
    }

    /// It fails with [`io::ErrorKind::StorageFull`].
    #[must_use]
    pub fn full(self) -> Self {
        Self { failure: Failure { is_full: true, ..self.failure }, ..self }
    }

    /// It fails after `bytes` of the bytes were written, or all if there are no more.
    #[must_use]
    pub fn torn(self, bytes: usize) -> Self {
        Self { failure: Failure { bytes, ..self.failure }, ..self }
    }

    /// Takes notice of a call: how it fails, if it does.
    pub(super) fn meet(&mut self, call: Call, file: &str) -> Option<Failure> {
        if self.call.is_some_and(|only| only != call) || !file.starts_with(&self.files) {
            return None;
        }
        match self.pass.checked_sub(1) {
            Some(left) => {
                self.pass = left;
                None
            }
            None => Some(self.failure),
        }
    }

    pub(super) const fn is_forever(&self) -> bool {
        self.forever
    }
}

impl Failure {
    pub(super) fn error(self) -> io::Error {
        if self.is_full { io::ErrorKind::StorageFull.into() } else { io::Error::from_raw_os_error(EIO) }
    }
}

/// The same on every Unix.
const EIO: i32 = 5;
