//! A second process that wants the folder of a server.

use std::time::SystemTime;

use super::operations::ran;
use super::*;

/// Names, lengths and times of change of the files of the data folder.
fn files(folder: &TempDir) -> Vec<(String, u64, SystemTime)> {
    let entries = fs::read_dir(folder.path().join("toom-data")).unwrap().map(Result::unwrap);
    let file = |entry: fs::DirEntry| {
        let metadata = entry.metadata().unwrap();
        (entry.file_name().into_string().unwrap(), metadata.len(), metadata.modified().unwrap())
    };
    let mut files: Vec<_> = entries.map(file).collect();
    files.sort();
    files
}

#[test]
fn a_second_server_is_refused_at_once_and_writes_nothing() {
    let server = Toomd::start("luke pw\n", &[]);
    assert!(server.log_in("luke").ask("BCM hello").starts_with("OK BCM 1 "));
    let before = files(&server.folder);
    let mut quickest = Duration::MAX;
    for _ in 0..10 {
        let begun = Instant::now();
        let (code, printed, said) = ran(&server.folder, &["0"]);
        quickest = quickest.min(begun.elapsed());
        assert_eq!((code, printed.as_str()), (Some(1), ""));
        let said = said.lines().last().unwrap();
        assert!(
            said.contains("toom-data") && said.ends_with("another process has the store open"),
            "which folder, and why: {said}"
        );
    }
    // The quickest, for other tests want the processor too.
    assert!(quickest < Duration::from_millis(100), "{quickest:?}");
    assert_eq!(files(&server.folder), before);
}

#[test]
fn the_folder_of_a_server_that_was_killed_is_free_at_once() {
    let server = Toomd::start("luke pw\n", &[]);
    assert!(server.log_in("luke").ask("BCM hello").starts_with("OK BCM 1 "));
    let again = Toomd::start_in(server.stop("KILL"), &[]);
    assert!(again.log_in("luke").ask("BCM hello").starts_with("OK BCM 2 "));
}
