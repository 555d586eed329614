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
