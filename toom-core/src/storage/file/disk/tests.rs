//! What holds of every disk, of the real one and of its twin.

use std::io::ErrorKind;

use super::simulated::SimDisk;
use super::{Access, Disk, DiskFile, Folder};

macro_rules! laws {
    ($($law:ident)*) => {
        mod folder {
            $(#[test] fn $law() {
                let home = tempfile::tempdir().unwrap();
                super::$law(&super::Folder::open(home.path().join("data")).unwrap());
            })*
        }
        mod simulated {
            $(#[test] fn $law() { super::$law(&super::SimDisk::new()); })*
        }
    };
}

laws! {
    bytes_are_read_where_they_were_written
    a_read_beyond_the_end_is_an_error
    a_file_that_is_created_again_is_empty
    a_file_opened_for_reading_cannot_be_written
    a_file_that_is_not_there_is_not_found
    a_rename_takes_the_place_of_the_file_that_had_the_name
    a_removed_file_can_still_be_read_by_who_has_it_open
    a_folder_is_held_once_until_the_lock_is_dropped
    a_lock_keeps_its_file
    a_write_beyond_all_bounds_is_an_error_and_changes_nothing
}

fn sorted_names(disk: &impl Disk) -> Vec<String> {
    let mut names = disk.names().unwrap();
    names.sort();
    names
}

fn bytes_are_read_where_they_were_written(disk: &impl Disk) {
    let file = disk.create("a").unwrap();
    file.write_at(b"world", 6).unwrap();
    file.write_at(b"hello", 0).unwrap();
    file.sync().unwrap();
    disk.sync_names().unwrap();
    let mut bytes = [0xFF; 11];
    file.read_at(&mut bytes, 0).unwrap();
    assert_eq!((&bytes, file.len().unwrap()), (b"hello\0world", 11));
}

fn a_read_beyond_the_end_is_an_error(disk: &impl Disk) {
    let file = disk.create("a").unwrap();
    file.write_at(b"four", 0).unwrap();
    for offset in [1, 4, 5, 1 << 40, i64::MAX as u64, u64::MAX - 3, u64::MAX] {
        assert_eq!(
            file.read_at(&mut [0; 4], offset).unwrap_err().kind(),
            ErrorKind::UnexpectedEof,
            "{offset}"
        );
    }
    file.read_at(&mut [0; 4], 0).unwrap();
}

fn a_file_that_is_created_again_is_empty(disk: &impl Disk) {
    disk.create("a").unwrap().write_at(b"old", 0).unwrap();
    assert_eq!(disk.create("a").unwrap().len().unwrap(), 0);
}

fn a_file_opened_for_reading_cannot_be_written(disk: &impl Disk) {
    disk.create("a").unwrap();
    assert!(disk.open("a", Access::Read).unwrap().write_at(b"x", 0).is_err());
    disk.open("a", Access::Write).unwrap().write_at(b"x", 0).unwrap();
}

fn a_file_that_is_not_there_is_not_found(disk: &impl Disk) {
    for error in [
        disk.open("a", Access::Read).map(drop).unwrap_err(),
        disk.open("a", Access::Write).map(drop).unwrap_err(),
        disk.rename("a", "b").unwrap_err(),
        disk.remove("a").unwrap_err(),
    ] {
        assert_eq!(error.kind(), ErrorKind::NotFound);
    }
    assert!(disk.names().unwrap().is_empty());
}

fn a_rename_takes_the_place_of_the_file_that_had_the_name(disk: &impl Disk) {
    disk.create("old").unwrap().write_at(b"old", 0).unwrap();
    disk.create("new").unwrap().write_at(b"new", 0).unwrap();
    disk.rename("new", "old").unwrap();
    let mut bytes = [0; 3];
    disk.open("old", Access::Read).unwrap().read_at(&mut bytes, 0).unwrap();
    assert_eq!((&bytes, sorted_names(disk)), (b"new", vec!["old".to_owned()]));
}

fn a_removed_file_can_still_be_read_by_who_has_it_open(disk: &impl Disk) {
    let file = disk.create("a").unwrap();
    file.write_at(b"here", 0).unwrap();
    disk.remove("a").unwrap();
    disk.sync_names().unwrap();
    let mut bytes = [0; 4];
    file.read_at(&mut bytes, 0).unwrap();
    assert_eq!((&bytes, sorted_names(disk)), (b"here", vec![]));
}

fn a_folder_is_held_once_until_the_lock_is_dropped(disk: &impl Disk) {
    let lock = disk.lock("lock").unwrap();
    assert!(lock.is_some());
    assert!(disk.clone().lock("lock").unwrap().is_none());
    drop(lock);
    assert!(disk.lock("lock").unwrap().is_some());
}

fn a_lock_keeps_its_file(disk: &impl Disk) {
    disk.create("lock").unwrap().write_at(b"mine", 0).unwrap();
    drop(disk.lock("lock").unwrap().unwrap());
    assert_eq!(
        (sorted_names(disk), disk.open("lock", Access::Read).unwrap().len().unwrap()),
        (vec!["lock".to_owned()], 4)
    );
}

fn a_write_beyond_all_bounds_is_an_error_and_changes_nothing(disk: &impl Disk) {
    let file = disk.create("a").unwrap();
    for offset in [i64::MAX as u64, u64::MAX] {
        assert!(file.write_at(b"four", offset).is_err(), "{offset}");
    }
    assert_eq!(file.len().unwrap(), 0);
}
