//! The few calls that a store in a folder makes of its disk, so that a simulated one can take its place.

use std::io;

mod folder;
#[cfg(any(test, feature = "simulation"))]
pub mod simulated;

pub use folder::Folder;

/// A folder of files, none of them in a folder below.
///
/// What an implementation promises is what POSIX file systems promise, and no more: after a power cut, bytes that were not
/// [synced](DiskFile::sync) may be there, wholly, in part, or not at all, in any order; so may names that were made, changed or
/// removed since [`sync_names`](Self::sync_names).
pub trait Disk: Clone + Send + Sync + 'static {
    /// An open file.
    type File: DiskFile;
    /// Holds the folder against other processes until it is dropped.
    type Lock: Send + Sync + 'static;

    /// Holds the folder; `None` if another process does. The file `name` is made if it is not there.
    ///
    /// # Errors
    /// As the file system says.
    fn lock(&self, name: &str) -> io::Result<Option<Self::Lock>>;

    /// The names of all files, in any order.
    ///
    /// # Errors
    /// As the file system says.
    fn names(&self) -> io::Result<Vec<String>>;

    /// Makes the empty file `name`, for reading and writing; one that is there is emptied.
    ///
    /// # Errors
    /// As the file system says.
    fn create(&self, name: &str) -> io::Result<Self::File>;

    /// Opens the file `name`.
    ///
    /// # Errors
    /// As the file system says; [`io::ErrorKind::NotFound`] if there is none.
    fn open(&self, name: &str, access: Access) -> io::Result<Self::File>;

    /// Gives the file `from` the name `to`, in place of a file that has it.
    ///
    /// # Errors
    /// As the file system says.
    fn rename(&self, from: &str, to: &str) -> io::Result<()>;

    /// Removes the file `name`. Who has it open goes on reading it.
    ///
    /// # Errors
    /// As the file system says.
    fn remove(&self, name: &str) -> io::Result<()>;

    /// Makes durable which names there are.
    ///
    /// # Errors
    /// As the file system says. After an error nobody knows which names are durable.
    fn sync_names(&self) -> io::Result<()>;

    /// What a message to people calls the file `name`, such as its path.
    fn shown(&self, name: &str) -> String;
}

/// What a file is opened for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Access {
    /// Reading alone.
    Read,
    /// Reading and writing.
    Write,
}

/// An open file.
#[expect(clippy::len_without_is_empty, reason = "nobody asks whether a file is empty")]
pub trait DiskFile: Send + Sync + 'static {
    /// Its length in bytes.
    ///
    /// # Errors
    /// As the file system says.
    fn len(&self) -> io::Result<u64>;

    /// Fills `buffer` with the bytes from `offset` on.
    ///
    /// # Errors
    /// As the file system says; [`io::ErrorKind::UnexpectedEof`] if the file ends before.
    fn read_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<()>;

    /// Writes all of `bytes` at `offset`.
    ///
    /// # Errors
    /// As the file system says. After an error nobody knows which of them were written.
    fn write_at(&self, bytes: &[u8], offset: u64) -> io::Result<()>;

    /// Makes durable the bytes of the file and its length.
    ///
    /// # Errors
    /// As the file system says. After an error nobody knows what is durable, and a second try that succeeds means nothing: the
    /// system may have thrown away the bytes that it could not write.
    fn sync(&self) -> io::Result<()>;
}

#[cfg(test)]
mod tests;
