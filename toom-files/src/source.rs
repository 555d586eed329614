//! A file that is to be sent.

mod cache;

use std::fs::File;
use std::io;
use std::os::unix::fs::{FileExt as _, MetadataExt as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use rustix::fs::{Mode, OFlags};
use tokio::sync::oneshot;
use tokio::task::spawn_blocking;

use crate::marks::ContentHash;
use crate::outline::{Outline, Outliner};
use crate::saved_name::offered_name;
use crate::transfer::{Stage, Transfer};

/// What is read at once.
const READ_BYTES: usize = 256 << 10;

/// A file that can be sent: opened, and hashed. It may be sent many times, also at once.
#[derive(Clone, Debug)]
pub struct Source {
    file: Arc<File>,
    outline: Arc<Outline>,
    stamp: Stamp,
    name: String,
}

/// Why a file cannot be sent.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SourceError {
    /// There is none, or no right to read it, or no way to.
    #[error("cannot read {}: {error}", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// What the operating system said.
        error: io::Error,
    },
    /// A folder, a pipe, a device.
    #[error("{} is not a regular file", path.display())]
    NotAFile {
        /// What was to be sent.
        path: PathBuf,
    },
    /// It was written to while it was hashed.
    #[error("{} changed while it was read", path.display())]
    Changed {
        /// The file.
        path: PathBuf,
    },
    /// By [`Transfer::cancel`].
    #[error("cancelled")]
    Cancelled,
}

/// What tells that a file is still the one that was hashed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Stamp {
    device: u64,
    inode: u64,
    bytes: u64,
    modified: (i64, i64),
    changed: (i64, i64),
}

impl Source {
    /// Opens and hashes a file, on a thread of its own. A file that was hashed before by this program and has not changed since is
    /// not hashed again.
    ///
    /// # Errors
    ///
    /// Where it cannot be read, is no regular file, or changes meanwhile; and after [`Transfer::cancel`].
    pub async fn open(path: impl AsRef<Path>, transfer: &Transfer) -> Result<Self, SourceError> {
        let path = path.as_ref().to_owned();
        let transfer = transfer.clone();
        // The thread stops at the next piece once nobody waits for it any more.
        let (answer, answered) = oneshot::channel();
        spawn_blocking(move || {
            let source = open(&path, &|| answer.is_closed() || transfer.is_cancelled(), &transfer);
            // Nobody waits: then nobody needs it.
            let _ = answer.send(source);
        });
        answered.await.unwrap_or(Err(SourceError::Cancelled))
    }

    /// The hash of its content.
    #[must_use]
    pub fn hash(&self) -> ContentHash {
        self.outline.hash()
    }

    /// Its length.
    #[must_use]
    pub fn bytes(&self) -> u64 {
        self.outline.groups().bytes()
    }

    /// What it is offered as: its name without the folders, at most 255 bytes, without control characters.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    pub(crate) fn outline(&self) -> &Outline {
        &self.outline
    }

    /// Fills `buffer` with what lies at `offset`; false where the file has become too short.
    pub(crate) fn read_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<bool> {
        match self.file.read_exact_at(buffer, offset) {
            Ok(()) => Ok(true),
            Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => Ok(false),
            Err(error) => Err(error),
        }
    }

    /// Whether the file was written to since it was hashed. Then it is hashed again when it is opened again.
    pub(crate) fn has_changed(&self) -> bool {
        let changed = !Stamp::of(&self.file).is_ok_and(|stamp| stamp.content_is_that_of(&self.stamp));
        if changed {
            self.distrust();
        }
        changed
    }

    /// Forgets the hash: the content turned out not to be that.
    pub(crate) fn distrust(&self) {
        cache::forget(&self.stamp);
    }
}

impl Stamp {
    fn of(file: &File) -> io::Result<Self> {
        let status = file.metadata()?;
        Ok(Self {
            device: status.dev(),
            inode: status.ino(),
            bytes: status.len(),
            modified: (status.mtime(), status.mtime_nsec()),
            changed: (status.ctime(), status.ctime_nsec()),
        })
    }

    /// Leaves out the time of the last change of name, links or rights, which does not touch an open file.
    fn content_is_that_of(&self, other: &Self) -> bool {
        (self.bytes, self.modified) == (other.bytes, other.modified)
    }
}

fn open(path: &Path, stop: &dyn Fn() -> bool, transfer: &Transfer) -> Result<Source, SourceError> {
    let failed = |error: io::Error| SourceError::Read { path: path.to_owned(), error };
    // A pipe without a writer must not hold this up.
    let flags = OFlags::RDONLY | OFlags::NONBLOCK | OFlags::CLOEXEC | OFlags::NOCTTY;
    let file =
        File::from(rustix::fs::open(path, flags, Mode::empty()).map_err(|error| failed(error.into()))?);
    if !file.metadata().map_err(failed)?.is_file() {
        return Err(SourceError::NotAFile { path: path.to_owned() });
    }
    let stamp = Stamp::of(&file).map_err(failed)?;
    let name = offered_name(path);
    transfer.begin(Stage::Hashing, stamp.bytes, 0);
    if let Some(outline) = cache::find(&stamp) {
        return Ok(Source { file: Arc::new(file), outline, stamp, name });
    }
    let changed = || SourceError::Changed { path: path.to_owned() };
    let outline = Arc::new(hash(&file, stamp.bytes, stop, transfer).map_err(|stopped| match stopped {
        Stopped::Cancelled => SourceError::Cancelled,
        Stopped::Shorter => changed(),
        Stopped::Io(error) => failed(error),
    })?);
    if Stamp::of(&file).map_err(failed)? != stamp {
        return Err(changed());
    }
    cache::keep(stamp, &outline);
    Ok(Source { file: Arc::new(file), outline, stamp, name })
}

enum Stopped {
    Cancelled,
    Shorter,
    Io(io::Error),
}

fn hash(file: &File, bytes: u64, stop: &dyn Fn() -> bool, transfer: &Transfer) -> Result<Outline, Stopped> {
    let mut outliner = Outliner::new(bytes);
    let mut buffer = vec![0; READ_BYTES];
    let mut offset = 0;
    while offset < bytes {
        if stop() {
            return Err(Stopped::Cancelled);
        }
        let left = usize::try_from(bytes - offset).unwrap_or(usize::MAX);
        let take = left.min(READ_BYTES);
        let piece = buffer.get_mut(..take).expect("no more than the buffer holds");
        match file.read_at(piece, offset) {
            Ok(0) => return Err(Stopped::Shorter),
            Ok(read) => {
                outliner.update(piece.get(..read).expect("no more is read than was asked for"));
                offset += read as u64;
                transfer.advance(read);
            }
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(Stopped::Io(error)),
        }
    }
    Ok(outliner.finish())
}

#[cfg(test)]
mod tests;
