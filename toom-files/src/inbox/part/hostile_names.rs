//! Whatever a file is called, and whoever it is from: it becomes one new file, directly in the folder, for its owner alone.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _, symlink};
use std::path::Path;

use proptest::prelude::*;

use super::*;
use crate::outline::Outliner;
use crate::testing;

/// What those have tried who wanted to leave a folder, to hide, to overwrite, to steer, or to be taken for something else.
fn corpus() -> Vec<String> {
    const BASES: [&str; 20] = [
        "passwd",
        ".bashrc",
        "CON",
        "nul.txt",
        "a.txt",
        "-rf",
        "~",
        "*",
        "",
        " ",
        "a b",
        "film.mp4",
        "..",
        ".",
        "COM1",
        "lpt9.log",
        "index.html",
        "ü😀",
        "$(reboot)",
        "taken",
    ];
    const WAYS: [&str; 10] = [
        "{}",
        "../{}",
        "../../../../etc/{}",
        "/etc/{}",
        "..\\..\\{}",
        "C:\\Windows\\{}",
        "{}/",
        "\u{202e}{}",
        "{}\0",
        "\u{1b}[2J{}\n",
    ];
    let mut names: Vec<_> =
        WAYS.iter().flat_map(|way| BASES.iter().map(|base| way.replace("{}", base))).collect();
    names.push("x".repeat(300));
    names.push(format!("{}.{}", "ü".repeat(150), "y".repeat(150)));
    names.push("/".repeat(300));
    names.push("../".repeat(100));
    names
}

/// The path, the inode and the content of every file below a folder; links are not followed.
fn files_in(folder: &Path) -> BTreeMap<PathBuf, (u64, Vec<u8>)> {
    let mut found = BTreeMap::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let status = path.symlink_metadata().unwrap();
        if status.is_dir() {
            found.extend(files_in(&path));
        } else {
            let content = if status.is_symlink() { Vec::new() } else { fs::read(&path).unwrap() };
            found.insert(path, (status.ino(), content));
        }
    }
    found
}

fn receive(inbox: &Inbox, from: &str, name: &str) -> PathBuf {
    let content = b"new";
    let mut outliner = Outliner::new(content.len() as u64);
    outliner.update(content);
    let outline = outliner.finish();
    let offer = Offer {
        from: from.to_owned(),
        name: name.to_owned(),
        bytes: content.len() as u64,
        hash: outline.hash(),
    };
    let mut part = Part::open(inbox, &offer, outline).unwrap();
    part.take(content).unwrap();
    part.finish().unwrap().path
}

/// Receives a file, and looks at everything that there is before and afterwards.
fn expect_one_new_file(world: &Path, inbox: &Inbox, from: &str, name: &str) {
    let before = files_in(world);
    let path = receive(inbox, from, name);
    let mut after = files_in(world);
    let what = format!("{from:?} sends {name:?}, saved as {}", path.display());
    assert_eq!(path.parent(), Some(inbox.dir.as_path()), "{what}");
    assert_eq!(after.remove(&path).map(|(_, content)| content), Some(b"new".to_vec()), "{what}");
    assert!(after == before, "{what}: something else is changed");
    let status = path.symlink_metadata().unwrap();
    assert_eq!((status.is_file(), status.permissions().mode() & 0o777), (true, 0o600), "{what}");
    let saved = path.file_name().unwrap().to_str().unwrap();
    assert!(!saved.starts_with(['.', '-']) && saved.len() < 256, "{what}");
}

/// A folder with a folder for downloads, and beside it what must not be touched.
fn world() -> (tempfile::TempDir, Inbox) {
    let world = testing::folder();
    let downloads = world.path().join("downloads");
    fs::create_dir(&downloads).unwrap();
    for name in ["passwd", ".bashrc", "a.txt", "taken"] {
        fs::write(world.path().join(name), "old").unwrap();
    }
    (world, Inbox::new(downloads, u64::MAX))
}

#[test]
fn every_name_of_the_corpus_becomes_one_new_private_file_in_the_folder_and_touches_nothing_else() {
    let (world, inbox) = world();
    let names = corpus();
    assert!(names.len() >= 200);
    for name in &names {
        expect_one_new_file(world.path(), &inbox, "yoda", name);
    }
    assert_eq!(fs::read_dir(&inbox.dir).unwrap().count(), names.len(), "each is a file of its own");
}

#[test]
fn a_file_or_a_link_that_bears_the_name_is_neither_replaced_nor_followed() {
    let (world, inbox) = world();
    let outside = world.path().join("taken");
    symlink(&outside, inbox.dir.join("yoda_a.txt")).unwrap();
    symlink(world.path().join("not there"), inbox.dir.join("yoda_b.txt")).unwrap();
    fs::write(inbox.dir.join("yoda_c.txt"), "old").unwrap();
    fs::create_dir(inbox.dir.join("yoda_d.txt")).unwrap();
    for name in ["a.txt", "b.txt", "c.txt", "d.txt"] {
        expect_one_new_file(world.path(), &inbox, "yoda", name);
        assert!(inbox.dir.join(format!("yoda_{}", name.replace('.', " (2)."))).is_file(), "{name}");
    }
    assert_eq!(fs::read(outside).unwrap(), b"old");
    assert!(!world.path().join("not there").exists());
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1000))]
    #[test]
    fn whatever_a_file_is_called_it_becomes_one_new_private_file_in_the_folder(
        from in any::<String>(),
        name in "(\\.\\./|/|\\\\|\\PC|[\u{1}-\u{20}\u{7f}-\u{9f}\u{200b}-\u{202e}]){0,40}",
    ) {
        let (world, inbox) = world();
        expect_one_new_file(world.path(), &inbox, &from, &name);
    }
}
