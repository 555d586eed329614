//! Changing an account file: one editor at a time, and the whole file or nothing.

use std::ffi::OsString;
use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use super::error::FileError;
use super::file::{self, FILE_BYTES_MAX};
use super::text::Credentials;

/// The right to change an account file, until it is dropped.
///
/// It holds a lock on `FILE.lock` beside the file, so that what one editor reads no other changes before it writes. Readers
/// need no lock: they see the old file or the new one. A symbolic link is followed, and what it leads to is replaced.
#[derive(Debug)]
pub struct Editor {
    /// The file as it was named, which is how errors name it.
    named: PathBuf,
    /// The file itself, behind all links.
    path: PathBuf,
    _lock: Lock,
}

impl Editor {
    /// Begins to edit `path`, which need not exist yet. When another editor is at work, calls `on_wait` once and waits for
    /// its end.
    ///
    /// # Errors
    /// [`FileError`] if the folder does not exist or the lock cannot be made.
    pub fn open(path: &Path, on_wait: impl FnOnce()) -> Result<Self, FileError> {
        let target = behind_links(path)?;
        let lock = Lock::acquire(beside(&target, ".lock"), on_wait)?;
        Ok(Self { named: path.to_owned(), path: target, _lock: lock })
    }

    /// Reads the file.
    ///
    /// # Errors
    /// [`FileError`], as for [`read`](super::read).
    pub fn read(&self) -> Result<Credentials, FileError> {
        file::read_named(&self.path, &self.named).map(|loaded| loaded.credentials)
    }

    /// Replaces the file by `credentials`, all or nothing and durably. Its mode is 0600 whatever it was, its owner stays.
    ///
    /// # Errors
    /// [`FileError`]; the file is then the old one, unless all that failed was to make the new one durable.
    pub fn write(&self, credentials: &Credentials) -> Result<(), FileError> {
        let text = credentials.to_text();
        if text.len() > FILE_BYTES_MAX {
            return Err(FileError::TooLarge { path: self.named.clone() });
        }
        let failed = |doing| move |error| FileError::Io { path: self.named.clone(), doing, error };
        let new = beside(&self.path, ".new");
        let written = create(&new, &self.path, text.as_bytes()).and_then(|()| fs::rename(&new, &self.path));
        if let Err(error) = written {
            // The reason is told; a file that stays behind is replaced by the next edit.
            let _ = fs::remove_file(&new);
            return Err(failed("replace")(error));
        }
        sync_folder(&self.path).map_err(failed("make durable the change of"))
    }
}

/// The file that `path` leads to; the path itself, in its folder's true name, where there is no file yet.
fn behind_links(path: &Path) -> Result<PathBuf, FileError> {
    let failed = |error| FileError::Io { path: path.to_owned(), doing: "find", error };
    match path.canonicalize() {
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            if path.symlink_metadata().is_ok() {
                return Err(FileError::DanglingLink { path: path.to_owned() });
            }
            let name = path.file_name().ok_or(error).map_err(failed)?;
            Ok(folder_of(path).canonicalize().map_err(failed)?.join(name))
        }
        found => found.map_err(failed),
    }
}

fn folder_of(path: &Path) -> &Path {
    match path.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        _ => Path::new("."),
    }
}

/// `path` with `suffix` behind its name.
fn beside(path: &Path, suffix: &str) -> PathBuf {
    let mut name = OsString::from(path);
    name.push(suffix);
    PathBuf::from(name)
}

/// Creates `new`, for its owner alone, as the successor of `old`, and syncs it. What an interrupted edit left there goes:
/// the lock says that nobody is writing it.
fn create(new: &Path, old: &Path, bytes: &[u8]) -> io::Result<()> {
    match fs::remove_file(new) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    let mut file = private().write(true).create_new(true).open(new)?;
    keep_owner(&file, old)?;
    file.write_all(bytes)?;
    file.sync_all()
}

#[cfg(unix)]
fn private() -> OpenOptions {
    use std::os::unix::fs::OpenOptionsExt as _;
    let mut options = OpenOptions::new();
    options.mode(0o600);
    options
}

#[cfg(not(unix))]
fn private() -> OpenOptions {
    OpenOptions::new()
}

/// Gives `file` the owner of `old`, and the mode 0600 whatever the umask: the server must be able to read what root edits.
#[cfg(unix)]
fn keep_owner(file: &File, old: &Path) -> io::Result<()> {
    use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _, fchown};
    file.set_permissions(fs::Permissions::from_mode(0o600))?;
    match fs::metadata(old) {
        Ok(old) if old.uid() != file.metadata()?.uid() => fchown(file, Some(old.uid()), None),
        _ => Ok(()),
    }
}

#[cfg(not(unix))]
fn keep_owner(_: &File, _: &Path) -> io::Result<()> {
    Ok(())
}

#[cfg(unix)]
fn sync_folder(path: &Path) -> io::Result<()> {
    File::open(folder_of(path))?.sync_all()
}

#[cfg(not(unix))]
fn sync_folder(_: &Path) -> io::Result<()> {
    Ok(())
}

/// A lock file that goes when the lock does.
#[derive(Debug)]
struct Lock {
    path: PathBuf,
    _file: File,
}

impl Lock {
    fn acquire(path: PathBuf, on_wait: impl FnOnce()) -> Result<Self, FileError> {
        let mut on_wait = Some(on_wait);
        let mut attempt = || -> io::Result<Option<File>> {
            let file = private().write(true).create(true).truncate(false).open(&path)?;
            match file.try_lock() {
                Ok(()) => {}
                Err(TryLockError::Error(error)) => return Err(error),
                Err(TryLockError::WouldBlock) => {
                    if let Some(on_wait) = on_wait.take() {
                        on_wait();
                    }
                    file.lock()?;
                }
            }
            Ok(is_still_at(&file, &path)?.then_some(file))
        };
        loop {
            match attempt() {
                Ok(Some(file)) => return Ok(Self { path, _file: file }),
                // The editor before us removed this lock file; another stands there or none.
                Ok(None) => {}
                Err(error) => return Err(FileError::Io { path, doing: "lock", error }),
            }
        }
    }
}

impl Drop for Lock {
    fn drop(&mut self) {
        // Before it is unlocked, so that whoever locks it next finds it gone. Where it cannot be removed it lies
        // there unlocked, and does no harm.
        let _ = fs::remove_file(&self.path);
    }
}

#[cfg(unix)]
fn is_still_at(file: &File, path: &Path) -> io::Result<bool> {
    use std::os::unix::fs::MetadataExt as _;
    let ours = file.metadata()?;
    match fs::symlink_metadata(path) {
        Ok(there) => Ok((there.dev(), there.ino()) == (ours.dev(), ours.ino())),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
        Err(error) => Err(error),
    }
}

/// Here a file that is open cannot be replaced by another.
#[cfg(not(unix))]
fn is_still_at(_: &File, _: &Path) -> io::Result<bool> {
    Ok(true)
}

#[cfg(test)]
mod tests;
