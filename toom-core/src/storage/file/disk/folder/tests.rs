use std::fs;
use std::io::{Error, ErrorKind};
use std::os::fd::OwnedFd;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::Path;

use tempfile::TempDir;

use super::{Folder, is_unwritable, unless_denied};
use crate::{Access, Disk, DiskFile};

fn folder() -> (TempDir, Folder) {
    let home = tempfile::tempdir().unwrap();
    let folder = Folder::open(home.path().join("data")).unwrap();
    (home, folder)
}

fn sorted_names(folder: &Folder) -> Vec<String> {
    let mut names = folder.names().unwrap();
    names.sort();
    names
}

fn mode(path: &Path) -> u32 {
    fs::metadata(path).unwrap().permissions().mode() & 0o777
}

#[test]
fn a_folder_is_made_with_those_above_it_for_its_owner_alone() {
    let home = tempfile::tempdir().unwrap();
    let path = home.path().join("above").join("data");
    let folder = Folder::open(&path).unwrap();
    folder.create("a").unwrap();
    let _lock = folder.lock("lock").unwrap();
    assert_eq!(folder.path(), path);
    assert_eq!(
        [mode(&path), mode(path.parent().unwrap()), mode(&path.join("a")), mode(&path.join("lock"))],
        [0o700, 0o700, 0o600, 0o600]
    );
}

#[test]
fn opening_a_folder_again_keeps_what_is_in_it() {
    let (_home, folder) = folder();
    folder.create("a").unwrap().write_at(b"kept", 0).unwrap();
    let again = Folder::open(folder.path()).unwrap();
    let mut bytes = [0; 4];
    again.open("a", Access::Read).unwrap().read_at(&mut bytes, 0).unwrap();
    assert_eq!(&bytes, b"kept");
}

#[test]
fn a_file_in_place_of_the_folder_is_refused() {
    let home = tempfile::tempdir().unwrap();
    let path = home.path().join("data");
    fs::write(&path, "mine").unwrap();
    assert_eq!(Folder::open(&path).unwrap_err().kind(), ErrorKind::NotADirectory);
    assert_eq!(fs::read(&path).unwrap(), b"mine");
}

#[test]
fn only_files_have_names() {
    let (_home, folder) = folder();
    folder.create("a").unwrap();
    fs::create_dir(folder.path().join("directory")).unwrap();
    symlink("a", folder.path().join("link")).unwrap();
    assert_eq!(sorted_names(&folder), ["a"]);
}

#[test]
fn no_name_leads_out_of_the_folder() {
    let (home, folder) = folder();
    fs::write(home.path().join("outside"), "mine").unwrap();
    folder.create("a").unwrap();
    for name in ["../outside", "/outside", "..", ".", "", "./a", "a/", "a/b", "a\0"] {
        assert_eq!(folder.create(name).unwrap_err().kind(), ErrorKind::InvalidInput, "{name:?}");
        assert_eq!(folder.remove(name).unwrap_err().kind(), ErrorKind::InvalidInput, "{name:?}");
        assert_eq!(folder.rename("a", name).unwrap_err().kind(), ErrorKind::InvalidInput, "{name:?}");
        assert_eq!(folder.lock(name).unwrap_err().kind(), ErrorKind::InvalidInput, "{name:?}");
    }
    assert_eq!(fs::read(home.path().join("outside")).unwrap(), b"mine");
}

#[test]
fn a_folder_is_held_once_until_the_lock_is_dropped() {
    let (_home, folder) = folder();
    let lock = folder.lock("lock").unwrap();
    assert!(lock.is_some());
    assert!(Folder::open(folder.path()).unwrap().lock("lock").unwrap().is_none());
    drop(lock);
    assert!(folder.lock("lock").unwrap().is_some());
}

#[test]
fn a_file_is_shown_as_its_path() {
    let (_home, folder) = folder();
    assert_eq!(folder.shown("journal-1"), folder.path().join("journal-1").display().to_string());
}

/// Who calls the system as root is denied nothing, so that is tried without it.
#[test]
fn only_what_is_denied_may_be_another_s() {
    let kinds = [ErrorKind::PermissionDenied, ErrorKind::ReadOnlyFilesystem, ErrorKind::StorageFull];
    let errors = || kinds.map(Error::from);
    assert_eq!(errors().map(|error| is_unwritable(&error)), [true, true, false]);
    assert_eq!(errors().map(|error| unless_denied(Err(error)).is_ok()), [true, false, false]);
    assert!(unless_denied(Ok(())).is_ok());
}

#[test]
fn the_folder_that_a_program_runs_in_is_opened() {
    assert_eq!(Folder::open(".").unwrap().path(), Path::new("."));
}

#[test]
fn the_names_in_a_folder_that_is_gone_are_not_said_to_be_synced() {
    let (home, folder) = folder();
    folder.sync_names().unwrap();
    drop(home);
    assert_eq!(folder.sync_names().unwrap_err().kind(), ErrorKind::NotFound);
}

#[test]
fn what_cannot_be_synced_is_not_said_to_be() {
    let (_home, folder) = folder();
    folder.create("a").unwrap().sync().unwrap();
    let (_reader, writer) = std::io::pipe().unwrap();
    let pipe = super::File::from(OwnedFd::from(writer));
    DiskFile::sync(&pipe).unwrap_err();
}

#[test]
fn a_read_behind_the_end_is_told_as_that_however_far_behind_it_is() {
    let (_home, folder) = folder();
    let file = folder.create("a").unwrap();
    file.write_at(b"kept", 0).unwrap();
    file.read_at(&mut [], 4).unwrap();
    for offset in [1, 4, i64::MAX.cast_unsigned() - 4, i64::MAX.cast_unsigned(), u64::MAX - 1, u64::MAX] {
        let error = file.read_at(&mut [0; 4], offset).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::UnexpectedEof, "at {offset}");
    }
}
