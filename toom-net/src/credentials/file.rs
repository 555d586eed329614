//! Reading an account file.

use std::fs::{File, Metadata};
use std::io::{self, Read as _};
use std::path::Path;

use zeroize::Zeroizing;

use super::error::FileError;
use super::text::Credentials;

/// The largest account file, in bytes: 16 MiB, room for 100,000 accounts with hashes.
pub const FILE_BYTES_MAX: usize = 16 * 1024 * 1024;

/// An account file that was read.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Loaded {
    /// What it holds.
    pub credentials: Credentials,
    /// What other users of this machine may do with the file; an [`Editor`](super::Editor) ends that with its first change.
    pub others: Others,
}

/// What users of this machine may do with a file that is not theirs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Others {
    /// Neither read nor write it.
    Nothing,
    /// Read it; or write it as members of a group that bears the number of the file's owner. Where each user has such a
    /// group, and nobody else is in it, the usual umask lets it write.
    Read,
    /// Write it.
    Write,
}

/// Reads the account file `path`.
///
/// # Errors
/// [`FileError`] names the file and, where there is one, the line.
pub fn read(path: &Path) -> Result<Loaded, FileError> {
    read_named(path, path)
}

/// Reads the account file `file`, which people know as `path`.
pub(super) fn read_named(file: &Path, path: &Path) -> Result<Loaded, FileError> {
    let failed = |doing| move |error| FileError::Io { path: path.to_owned(), doing, error };
    let file = File::open(file).map_err(|error| match error.kind() {
        io::ErrorKind::NotFound => FileError::Missing { path: path.to_owned() },
        _ => failed("open")(error),
    })?;
    let metadata = file.metadata().map_err(failed("read"))?;
    let bytes = read_bounded(&file, &metadata).map_err(failed("read"))?;
    if bytes.len() > FILE_BYTES_MAX {
        return Err(FileError::TooLarge { path: path.to_owned() });
    }
    let text = std::str::from_utf8(&bytes).map_err(|error| {
        let before = bytes.iter().take(error.valid_up_to());
        FileError::NotUtf8 { path: path.to_owned(), line: 1 + before.filter(|byte| **byte == b'\n').count() }
    })?;
    let credentials =
        Credentials::parse(text).map_err(|error| FileError::Content { path: path.to_owned(), error })?;
    Ok(Loaded { credentials, others: others(&metadata) })
}

/// Reads one byte more than is allowed at most, into a buffer that a file of the size told does not make grow.
fn read_bounded(file: &File, metadata: &Metadata) -> io::Result<Zeroizing<Vec<u8>>> {
    let limit = FILE_BYTES_MAX + 1;
    let told = usize::try_from(metadata.len()).unwrap_or(limit);
    // `read_to_end` grows a full buffer before it sees the end.
    let mut bytes = Zeroizing::new(Vec::with_capacity(told.min(limit) + 64));
    file.take(limit as u64).read_to_end(&mut bytes)?;
    Ok(bytes)
}

#[cfg(unix)]
fn others(metadata: &Metadata) -> Others {
    use std::os::unix::fs::MetadataExt as _;
    if metadata.is_file() {
        of_mode(metadata.mode(), metadata.gid() != metadata.uid())
    } else {
        Others::Nothing
    }
}

#[cfg(unix)]
const fn of_mode(mode: u32, foreign_group: bool) -> Others {
    if mode & 0o066 == 0 {
        Others::Nothing
    } else if mode & 0o002 != 0 || (foreign_group && mode & 0o020 != 0) {
        Others::Write
    } else {
        Others::Read
    }
}

#[cfg(not(unix))]
fn others(_: &Metadata) -> Others {
    Others::Nothing
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read_bytes(bytes: &[u8]) -> Result<Loaded, FileError> {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("credentials.txt");
        std::fs::write(&path, bytes).unwrap();
        read(&path)
    }

    #[test]
    fn a_missing_file_is_told_with_its_name_and_what_creates_it() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("credentials.txt");
        let told = read(&path).unwrap_err().to_string();
        assert!(told.contains(&format!("no account file {}", path.display())), "{told}");
        assert!(told.contains("toomd user add NAME --credentials"), "{told}");
    }

    #[test]
    fn what_is_wrong_inside_is_told_with_file_and_line() {
        let told = read_bytes(b"# a\nluke x\nonly\n").unwrap_err().to_string();
        assert!(told.contains("credentials.txt, line 3: a name and a secret"), "{told}");
        let told = read_bytes(b"# a\nluke \xff\n").unwrap_err().to_string();
        assert!(told.contains("credentials.txt, line 2: this is not UTF-8"), "{told}");
    }

    #[test]
    fn a_file_of_the_largest_size_is_read_and_one_byte_more_is_refused() {
        let mut bytes = b"luke x\n#".to_vec();
        bytes.resize(FILE_BYTES_MAX, b'.');
        assert_eq!(read_bytes(&bytes).unwrap().credentials.accounts().count(), 1);
        bytes.push(b'.');
        assert!(matches!(read_bytes(&bytes), Err(FileError::TooLarge { .. })));
    }

    #[test]
    fn a_folder_is_refused_with_the_reason_of_the_system() {
        let folder = tempfile::tempdir().unwrap();
        assert!(matches!(read(folder.path()), Err(FileError::Io { .. })));
    }

    #[cfg(unix)]
    #[test]
    fn what_others_may_do_with_a_file_is_told() {
        use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("credentials.txt");
        std::fs::write(&path, "luke x\n").unwrap();
        let metadata = std::fs::metadata(&path).unwrap();
        // A group of the owner's own is no other user.
        let group = if metadata.gid() == metadata.uid() { Others::Read } else { Others::Write };
        for (mode, others) in [
            (0o600, Others::Nothing),
            (0o400, Others::Nothing),
            (0o640, Others::Read),
            (0o604, Others::Read),
            (0o660, group),
            (0o664, group),
            (0o602, Others::Write),
            (0o666, Others::Write),
        ] {
            std::fs::set_permissions(&path, std::fs::Permissions::from_mode(mode)).unwrap();
            assert_eq!(read(&path).unwrap().others, others, "{mode:o}");
        }
    }

    #[cfg(unix)]
    #[test]
    fn who_may_write_is_told_from_who_may_read() {
        for (mode, own_group, foreign_group) in [
            (0o100_600, Others::Nothing, Others::Nothing),
            (0o100_711, Others::Nothing, Others::Nothing),
            (0o100_640, Others::Read, Others::Read),
            (0o100_604, Others::Read, Others::Read),
            (0o100_620, Others::Read, Others::Write),
            (0o100_660, Others::Read, Others::Write),
            (0o100_602, Others::Write, Others::Write),
        ] {
            assert_eq!(of_mode(mode, false), own_group, "{mode:o}");
            assert_eq!(of_mode(mode, true), foreign_group, "{mode:o}");
        }
    }

    /// Only root can give a file to somebody; where the tests are run by others this shows nothing.
    #[cfg(unix)]
    #[test]
    fn a_group_that_is_not_the_owners_own_is_others() {
        use std::os::unix::fs::PermissionsExt as _;
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("credentials.txt");
        std::fs::write(&path, "luke x\n").unwrap();
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o660)).unwrap();
        for (owner, group, others) in [(7, 7, Others::Read), (7, 8, Others::Write)] {
            if std::os::unix::fs::chown(&path, Some(owner), Some(group)).is_ok() {
                assert_eq!(read(&path).unwrap().others, others, "{owner}:{group}");
            }
        }
    }
}
