use std::sync::mpsc;
use std::thread;

use super::*;

fn no_wait() {
    panic!("nobody else edits this file");
}

fn add(path: &Path, name: &str, on_wait: impl FnOnce()) {
    let editor = Editor::open(path, on_wait).unwrap();
    let mut credentials = match editor.read() {
        Err(FileError::Missing { .. }) => Credentials::default(),
        read => read.unwrap(),
    };
    credentials.add(&name.parse().unwrap(), "secret").unwrap();
    editor.write(&credentials).unwrap();
}

fn names_in(folder: &Path) -> Vec<String> {
    let entries = fs::read_dir(folder).unwrap();
    let mut names: Vec<_> = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

#[test]
fn an_edit_replaces_the_file_and_leaves_nothing_else_behind() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("credentials.txt");
    fs::write(folder.path().join("credentials.txt.new"), "left by an edit that was killed").unwrap();
    fs::write(folder.path().join("credentials.txt.lock"), "").unwrap();
    add(&path, "luke", no_wait);
    add(&path, "leia", no_wait);
    assert_eq!(fs::read_to_string(&path).unwrap(), "luke secret\nleia secret\n");
    assert_eq!(names_in(folder.path()), ["credentials.txt"]);
}

#[test]
fn a_second_editor_waits_for_the_end_of_the_first() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("credentials.txt");
    let first = Editor::open(&path, no_wait).unwrap();
    let (waiting, waits) = mpsc::channel();
    let second = thread::spawn({
        let path = path.clone();
        move || add(&path, "leia", || waiting.send(()).unwrap())
    });
    waits.recv().unwrap();
    let mut credentials = Credentials::default();
    credentials.add(&"luke".parse().unwrap(), "secret").unwrap();
    first.write(&credentials).unwrap();
    drop(first);
    second.join().unwrap();
    assert_eq!(fs::read_to_string(&path).unwrap(), "luke secret\nleia secret\n");
}

#[test]
fn of_many_edits_at_once_none_is_lost() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("credentials.txt");
    thread::scope(|scope| {
        for thread in 0..8 {
            let path = &path;
            scope.spawn(move || (0..10).for_each(|edit| add(path, &format!("user-{thread}-{edit}"), || ())));
        }
    });
    assert_eq!(file::read(&path).unwrap().credentials.accounts().count(), 80);
    assert_eq!(names_in(folder.path()), ["credentials.txt"]);
}

#[test]
fn a_write_that_fails_leaves_the_old_file_and_nothing_else() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("credentials.txt");
    let editor = Editor::open(&path, no_wait).unwrap();
    // A folder with something in it stands where the file should go, so that the rename is refused.
    fs::create_dir(&path).unwrap();
    fs::write(path.join("inside"), "").unwrap();
    let refused = editor.write(&Credentials::default());
    drop(editor);
    assert!(matches!(refused, Err(FileError::Io { doing: "replace", .. })), "{refused:?}");
    assert_eq!(names_in(folder.path()), ["credentials.txt"]);
    assert_eq!(names_in(&path), ["inside"]);
}

#[test]
fn what_could_not_be_read_again_is_not_written() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("credentials.txt");
    let editor = Editor::open(&path, no_wait).unwrap();
    let largest = format!("#{}", ".".repeat(FILE_BYTES_MAX - 1));
    editor.write(&Credentials::parse(&largest).unwrap()).unwrap();
    let refused = editor.write(&Credentials::parse(&format!("{largest}.")).unwrap());
    assert!(matches!(refused, Err(FileError::TooLarge { .. })));
    assert_eq!(fs::metadata(&path).unwrap().len(), FILE_BYTES_MAX as u64);
}

#[test]
fn a_folder_that_does_not_exist_is_told() {
    let folder = tempfile::tempdir().unwrap();
    let refused = Editor::open(&folder.path().join("none/credentials.txt"), no_wait);
    assert!(matches!(refused, Err(FileError::Io { doing: "find", .. })), "{refused:?}");
}

#[test]
fn a_folder_that_is_a_file_is_told_before_anything_is_locked() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("file");
    fs::write(&file, "").unwrap();
    let refused = Editor::open(&file.join("credentials.txt"), no_wait);
    assert!(matches!(refused, Err(FileError::Io { doing: "find", .. })), "{refused:?}");
}

#[test]
fn what_stands_where_the_new_file_is_to_be_is_not_taken_for_one_that_is_there_already() {
    let folder = tempfile::tempdir().unwrap();
    let (old, new) = (folder.path().join("credentials.txt"), folder.path().join("credentials.txt.new"));
    fs::create_dir(&new).unwrap();
    let refused = create(&new, &old, b"luke secret\n").unwrap_err();
    assert_ne!(refused.kind(), io::ErrorKind::AlreadyExists, "{refused}");
}

#[cfg(unix)]
mod unix {
    use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _, chown, symlink};

    use super::*;

    #[test]
    fn the_file_is_for_its_owner_alone_also_where_it_was_not_before() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("credentials.txt");
        add(&path, "luke", no_wait);
        assert_eq!(fs::metadata(&path).unwrap().mode() & 0o7777, 0o600);
        fs::set_permissions(&path, fs::Permissions::from_mode(0o666)).unwrap();
        add(&path, "leia", no_wait);
        assert_eq!(fs::metadata(&path).unwrap().mode() & 0o7777, 0o600);
    }

    #[test]
    fn a_link_stays_and_what_it_leads_to_is_replaced() {
        let folder = tempfile::tempdir().unwrap();
        let (link, target) = (folder.path().join("link"), folder.path().join("elsewhere/accounts"));
        fs::create_dir(folder.path().join("elsewhere")).unwrap();
        symlink("elsewhere/accounts", &link).unwrap();
        let refused = Editor::open(&link, no_wait);
        assert!(matches!(refused, Err(FileError::DanglingLink { .. })), "{refused:?}");

        fs::write(&target, "luke secret\n").unwrap();
        add(&link, "leia", no_wait);
        assert!(fs::symlink_metadata(&link).unwrap().is_symlink());
        assert_eq!(fs::read_to_string(&target).unwrap(), "luke secret\nleia secret\n");
    }

    #[test]
    fn root_leaves_the_file_to_its_owner() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("credentials.txt");
        fs::write(&path, "luke secret\n").unwrap();
        let owner = match chown(&path, Some(12345), None) {
            Ok(()) => 12345,
            // Not root: the owner can be none but ourselves.
            Err(_) => fs::metadata(&path).unwrap().uid(),
        };
        add(&path, "leia", no_wait);
        assert_eq!(fs::metadata(&path).unwrap().uid(), owner);
    }

    #[test]
    fn what_an_editor_makes_is_for_its_owner_alone_from_the_first_moment() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("new");
        let file = private().write(true).create_new(true).open(path).unwrap();
        assert_eq!(file.metadata().unwrap().mode() & 0o077, 0);
    }

    #[test]
    fn a_lock_counts_only_while_its_file_is_the_one_that_others_find() {
        let folder = tempfile::tempdir().unwrap();
        let (path, other) = (folder.path().join("lock"), folder.path().join("other"));
        let ours = File::create(&path).unwrap();
        assert!(is_still_at(&ours, &path).unwrap());
        fs::remove_file(&path).unwrap();
        assert!(!is_still_at(&ours, &path).unwrap(), "nobody finds it");
        File::create(&other).unwrap();
        fs::rename(other, &path).unwrap();
        assert!(!is_still_at(&ours, &path).unwrap(), "another lies there");
        // Where it cannot be seen nobody knows.
        assert!(is_still_at(&ours, &path.join("below")).is_err());
    }

    #[test]
    fn the_folder_that_is_synced_is_that_of_the_file() {
        let folder = tempfile::tempdir().unwrap();
        assert!(sync_folder(&folder.path().join("credentials.txt")).is_ok());
        assert!(sync_folder(&folder.path().join("none/credentials.txt")).is_err());
    }
}
