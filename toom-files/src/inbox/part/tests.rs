use std::fs;
use std::os::unix::fs::{PermissionsExt as _, symlink};

use tempfile::TempDir;

use super::*;
use crate::outline::Outliner;
use crate::testing;

const MIB: usize = 1 << 20;

/// A folder, and a file that is offered.
fn offered() -> (TempDir, Inbox, Offer, Outline, Vec<u8>) {
    let folder = testing::folder();
    let inbox = Inbox::new(folder.path(), u64::MAX);
    let content = vec![3; 3 * MIB];
    let mut outliner = Outliner::new(content.len() as u64);
    outliner.update(&content);
    let outline = outliner.finish();
    let offer = Offer { from: "a".to_owned(), name: "b".to_owned(), bytes: 3 << 20, hash: outline.hash() };
    (folder, inbox, offer, outline, content)
}

#[test]
fn a_disk_that_becomes_full_on_the_way_is_named() {
    let (folder, inbox, offer, outline, content) = offered();
    let mut part = Part::open(&inbox, &offer, outline).unwrap();
    part.take(&content[..MIB]).unwrap();
    part.file = fs::OpenOptions::new().write(true).open("/dev/full").unwrap();
    let full = part.take(&content[MIB..]).unwrap_err();
    assert_eq!(full.to_string(), "no space left for a_b");
    assert!(!full.may_resume());
    part.discard();
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0);
}

#[test]
fn what_was_proven_is_not_read_again() {
    let (_folder, inbox, offer, outline, content) = offered();
    let mut part = Part::open(&inbox, &offer, outline.clone()).unwrap();
    part.take(&content[..=MIB]).unwrap();
    let place = part.place.path.join(&part.place.part);
    part.keep();
    // Nobody but this user could do that. It shows that nothing looks.
    fs::OpenOptions::new().write(true).open(&place).unwrap().write_all_at(b"not looked at", 0).unwrap();
    let mut part = Part::open(&inbox, &offer, outline).unwrap();
    assert_eq!((part.first(), part.bytes_resumed()), (1, MIB as u64));
    part.take(&content[MIB..]).unwrap();
    let received = part.finish().unwrap();
    assert!(fs::read(received.path).unwrap().starts_with(b"not looked at"));
}

#[test]
fn a_record_that_is_damaged_or_ahead_of_the_file_is_not_believed() {
    let (_folder, inbox, offer, outline, content) = offered();
    let mut part = Part::open(&inbox, &offer, outline).unwrap();
    part.take(&content[..2 * MIB]).unwrap();
    let (data, side) = (part.place.path.join(&part.place.part), part.place.path.join(&part.place.side));
    part.keep();
    let record = fs::read(&side).unwrap();
    assert_eq!(check(&inbox, &offer).unwrap().bytes_proven, 2 << 20);
    for place in 0..record.len() {
        let mut damaged = record.clone();
        damaged[place] ^= 1;
        fs::write(&side, damaged).unwrap();
        assert_eq!(check(&inbox, &offer).unwrap().bytes_proven, 0, "byte {place}");
    }
    fs::write(&side, &record).unwrap();
    fs::OpenOptions::new().write(true).open(&data).unwrap().set_len(2 * MIB as u64 - 1).unwrap();
    assert_eq!(check(&inbox, &offer).unwrap().bytes_proven, 0);
}

#[test]
fn a_part_file_that_others_have_a_hand_in_is_not_used() {
    let (folder, inbox, offer, outline, _) = offered();
    let place = Place::of(&inbox, &offer).unwrap();
    let path = folder.path().join(&place.part);
    let elsewhere = folder.path().join("elsewhere");
    fs::write(&elsewhere, b"mine").unwrap();
    let refused = |why: &str| {
        let refused = Part::open(&inbox, &offer, outline.clone()).unwrap_err();
        assert!(matches!(refused, ReceiveError::Foreign { .. }), "{why}: {refused}");
        fs::remove_file(&path).unwrap();
    };
    symlink(&elsewhere, &path).unwrap();
    refused("a link");
    fs::hard_link(&elsewhere, &path).unwrap();
    refused("a second name");
    fs::write(&path, b"").unwrap();
    fs::set_permissions(&path, fs::Permissions::from_mode(0o620)).unwrap();
    refused("others may write");
    assert_eq!(fs::read(&elsewhere).unwrap(), b"mine");
}

#[test]
fn neither_way_to_rename_replaces_anything() {
    let (folder, inbox, offer, outline, _) = offered();
    let place = Part::open(&inbox, &offer, outline).unwrap().place;
    fs::write(folder.path().join("taken"), b"mine").unwrap();
    for rename in [Place::rename, Place::rename_by_link] {
        assert_eq!(rename(&place, "taken"), Err(Errno::EXIST));
        assert_eq!(rename(&place, &place.saved), Ok(()));
        assert!(!folder.path().join(&place.part).exists());
        fs::rename(folder.path().join(&place.saved), folder.path().join(&place.part)).unwrap();
    }
    assert_eq!(fs::read(folder.path().join("taken")).unwrap(), b"mine");
}
