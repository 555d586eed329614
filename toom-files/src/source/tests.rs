use std::fs;
use std::io::Write as _;

use super::*;
use crate::testing;

#[tokio::test]
async fn a_file_that_was_hashed_is_not_hashed_again_until_it_changes() {
    let folder = testing::folder();
    let path = folder.path().join("notes");
    fs::write(&path, vec![7; 3 << 20]).unwrap();
    let first = Source::open(&path, &Transfer::new()).await.unwrap();

    let again = Transfer::new();
    let second = Source::open(&path, &again).await.unwrap();
    assert_eq!(again.bytes_done(), 0, "nothing was read");
    assert_eq!(second.hash(), first.hash());

    fs::OpenOptions::new().append(true).open(&path).unwrap().write_all(b"more").unwrap();
    assert!(first.has_changed());
    let changed = Transfer::new();
    let third = Source::open(&path, &changed).await.unwrap();
    assert_eq!((changed.bytes_done(), third.bytes()), ((3 << 20) + 4, (3 << 20) + 4));
    assert_ne!(third.hash(), first.hash());
}

#[tokio::test]
async fn what_is_no_regular_file_is_refused_at_once() {
    let folder = testing::folder();
    let pipe = folder.path().join("pipe");
    rustix::fs::mknodat(rustix::fs::CWD, &pipe, rustix::fs::FileType::Fifo, Mode::RUSR, 0).unwrap();
    for path in [folder.path(), &pipe, Path::new("/dev/null")] {
        let refused = Source::open(path, &Transfer::new()).await.unwrap_err();
        assert_eq!(refused.to_string(), format!("{} is not a regular file", path.display()));
    }
    let missing = Source::open(folder.path().join("none"), &Transfer::new()).await.unwrap_err();
    assert!(missing.to_string().ends_with("No such file or directory (os error 2)"), "{missing}");
}

#[tokio::test]
async fn hashing_ends_when_it_is_cancelled() {
    let folder = testing::folder();
    let path = folder.path().join("long");
    fs::File::create(&path).unwrap().set_len(1 << 40).unwrap();
    let transfer = Transfer::new();
    transfer.cancel();
    let cancelled = Source::open(&path, &transfer).await.unwrap_err();
    assert!(matches!(cancelled, SourceError::Cancelled), "{cancelled}");
}
