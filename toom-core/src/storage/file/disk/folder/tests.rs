use std::fs;
use std::io::ErrorKind;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::Path;

use tempfile::TempDir;

use super::Folder;
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
fn bytes_are_read_where_they_were_written() {
    let (_home, folder) = folder();
    let file = folder.create("a").unwrap();
    file.write_at(b"world", 6).unwrap();
    file.write_at(b"hello", 0).unwrap();
    file.sync().unwrap();
    folder.sync_names().unwrap();
    let mut bytes = [0xFF; 11];
    file.read_at(&mut bytes, 0).unwrap();
    assert_eq!((&bytes, file.len().unwrap()), (b"hello\0world", 11));
}

#[test]
fn a_read_beyond_the_end_is_an_error() {
    let (_home, folder) = folder();
    let file = folder.create("a").unwrap();
    file.write_at(b"four", 0).unwrap();
    assert_eq!(file.read_at(&mut [0; 4], 1).unwrap_err().kind(), ErrorKind::UnexpectedEof);
}

#[test]
fn a_file_that_is_created_again_is_empty() {
    let (_home, folder) = folder();
    folder.create("a").unwrap().write_at(b"old", 0).unwrap();
    assert_eq!(folder.create("a").unwrap().len().unwrap(), 0);
}

#[test]
fn a_file_opened_for_reading_cannot_be_written() {
    let (_home, folder) = folder();
    folder.create("a").unwrap();
    assert!(folder.open("a", Access::Read).unwrap().write_at(b"x", 0).is_err());
    folder.open("a", Access::Write).unwrap().write_at(b"x", 0).unwrap();
}

#[test]
fn a_file_that_is_not_there_is_not_found() {
    let (_home, folder) = folder();
    for error in [
        folder.open("a", Access::Read).unwrap_err(),
        folder.open("a", Access::Write).unwrap_err(),
        folder.rename("a", "b").unwrap_err(),
        folder.remove("a").unwrap_err(),
    ] {
        assert_eq!(error.kind(), ErrorKind::NotFound);
    }
    assert!(folder.names().unwrap().is_empty());
}

#[test]
fn a_rename_takes_the_place_of_the_file_that_had_the_name() {
    let (_home, folder) = folder();
    folder.create("old").unwrap().write_at(b"old", 0).unwrap();
    folder.create("new").unwrap().write_at(b"new", 0).unwrap();
    folder.rename("new", "old").unwrap();
    let mut bytes = [0; 3];
    folder.open("old", Access::Read).unwrap().read_at(&mut bytes, 0).unwrap();
    assert_eq!((&bytes, sorted_names(&folder)), (b"new", vec!["old".to_owned()]));
}

#[test]
fn a_removed_file_can_still_be_read_by_who_has_it_open() {
    let (_home, folder) = folder();
    let file = folder.create("a").unwrap();
    file.write_at(b"here", 0).unwrap();
    folder.remove("a").unwrap();
    let mut bytes = [0; 4];
    file.read_at(&mut bytes, 0).unwrap();
    assert_eq!((&bytes, sorted_names(&folder)), (b"here", vec![]));
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
