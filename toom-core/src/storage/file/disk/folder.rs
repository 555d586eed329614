//! The disk of a real machine: a directory.
#![expect(clippy::disallowed_types, reason = "the one place where files are real")]

use std::fs::{self, DirBuilder, File, OpenOptions, TryLockError};
use std::io;
use std::os::unix::fs::{DirBuilderExt, FileExt, OpenOptionsExt};
use std::path::{Component, Path, PathBuf};

use super::{Access, Disk, DiskFile};

/// A directory of the file system. Nobody but its owner can look into what it makes: directories have the mode 0700, files 0600.
///
/// There is one on Unix only: elsewhere the feature `file` does not build.
#[derive(Clone, Debug)]
pub struct Folder {
    path: PathBuf,
}

impl Folder {
    /// Opens the directory `path`; it is made, and so are those above it, where they are not there.
    ///
    /// # Errors
    /// As the file system says; [`io::ErrorKind::NotADirectory`] if something else has the name.
    pub fn open(path: impl Into<PathBuf>) -> io::Result<Self> {
        let path = path.into();
        make_directory(&path)?;
        Ok(Self { path })
    }

    /// The directory `path`, which must be there. Nothing is written.
    ///
    /// # Errors
    /// As the file system says; [`io::ErrorKind::NotADirectory`] if something else has the name.
    pub fn existing(path: impl Into<PathBuf>) -> io::Result<Self> {
        let path = path.into();
        if fs::metadata(&path)?.is_dir() {
            Ok(Self { path })
        } else {
            Err(io::ErrorKind::NotADirectory.into())
        }
    }

    /// Where the directory is.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The path of the file `name`, which cannot lead out of the directory.
    fn path_of(&self, name: &str) -> io::Result<PathBuf> {
        let mut parts = Path::new(name).components();
        match (parts.next(), parts.next()) {
            (Some(Component::Normal(part)), None) if part == name => Ok(self.path.join(part)),
            _ => Err(io::Error::new(io::ErrorKind::InvalidInput, "not the name of a file in a directory")),
        }
    }
}

impl Disk for Folder {
    type File = File;
    type Lock = File;

    /// Where nothing can be written, a lock file that is there is enough.
    fn lock(&self, name: &str) -> io::Result<Option<File>> {
        let path = self.path_of(name)?;
        let mut options = OpenOptions::new();
        let made = options.write(true).create(true).truncate(false).mode(0o600).open(&path);
        let file =
            made.or_else(|error| if is_unwritable(&error) { File::open(&path) } else { Err(error) })?;
        match file.try_lock() {
            Ok(()) => Ok(Some(file)),
            Err(TryLockError::WouldBlock) => Ok(None),
            Err(TryLockError::Error(error)) => Err(error),
        }
    }

    /// Names that are not UTF-8, directories, links and devices are left out: a store makes none of them.
    fn names(&self) -> io::Result<Vec<String>> {
        let mut names = Vec::new();
        for entry in fs::read_dir(&self.path)? {
            let entry = entry?;
            if entry.file_type()?.is_file() {
                names.extend(entry.file_name().into_string().ok());
            }
        }
        Ok(names)
    }

    fn create(&self, name: &str) -> io::Result<File> {
        let mut options = OpenOptions::new();
        options.read(true).write(true).create(true).truncate(true).mode(0o600).open(self.path_of(name)?)
    }

    fn open(&self, name: &str, access: Access) -> io::Result<File> {
        let write = access == Access::Write;
        OpenOptions::new().read(true).write(write).open(self.path_of(name)?)
    }

    fn rename(&self, from: &str, to: &str) -> io::Result<()> {
        fs::rename(self.path_of(from)?, self.path_of(to)?)
    }

    fn remove(&self, name: &str) -> io::Result<()> {
        fs::remove_file(self.path_of(name)?)
    }

    fn sync_names(&self) -> io::Result<()> {
        sync_directory(&self.path)
    }

    fn shown(&self, name: &str) -> String {
        self.path.join(name).display().to_string()
    }
}

impl DiskFile for File {
    fn len(&self) -> io::Result<u64> {
        Ok(self.metadata()?.len())
    }

    fn read_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<()> {
        // Beyond this the system says that the call is wrong, and not that the file has ended.
        let end = offset.checked_add(buffer.len() as u64).and_then(|end| i64::try_from(end).ok());
        end.ok_or(io::ErrorKind::UnexpectedEof)?;
        self.read_exact_at(buffer, offset)
    }

    fn write_at(&self, bytes: &[u8], offset: u64) -> io::Result<()> {
        self.write_all_at(bytes, offset)
    }

    /// `fdatasync`, which makes the length durable as well: without it the bytes could not be found again.
    fn sync(&self) -> io::Result<()> {
        self.sync_data()
    }
}

/// Makes the directory `path` and those above it, durably.
fn make_directory(path: &Path) -> io::Result<()> {
    let above = match path.parent() {
        None => return Ok(()),
        Some(above) if above.as_os_str().is_empty() => Path::new("."),
        Some(above) => above,
    };
    let create = || DirBuilder::new().mode(0o700).create(path);
    let kind = |made: &io::Result<()>| made.as_ref().err().map(io::Error::kind);
    let mut made = create();
    if kind(&made) == Some(io::ErrorKind::NotFound) {
        make_directory(above)?;
        made = create();
    }
    match kind(&made) {
        Some(io::ErrorKind::AlreadyExists) => {
            if !fs::metadata(path)?.is_dir() {
                return Err(io::ErrorKind::NotADirectory.into());
            }
            // Who made it may have been killed before this. Where the directory above is not ours to open, it was not us.
            unless_denied(sync_directory(above))
        }
        _ => made.and_then(|()| sync_directory(above)),
    }
}

fn unless_denied(done: io::Result<()>) -> io::Result<()> {
    match done {
        Err(error) if error.kind() == io::ErrorKind::PermissionDenied => Ok(()),
        done => done,
    }
}

/// Whether something may be there to be read that could not be opened for writing.
fn is_unwritable(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::ReadOnlyFilesystem | io::ErrorKind::PermissionDenied)
}

fn sync_directory(path: &Path) -> io::Result<()> {
    File::open(path)?.sync_all()
}

#[cfg(test)]
mod tests;
