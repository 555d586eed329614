//! The folders of the stores, and what the disk and this process still have to do.

use std::fs::{self, File};
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::thread::sleep;
use std::time::Duration;

use rustix::fs::syncfs;
use rustix::time::{ClockId, clock_gettime};

use crate::Failure;

/// How long background work is watched, and how little of that time it may take to count as done.
const WATCHED: Duration = Duration::from_millis(20);
const IDLE: Duration = Duration::from_millis(1);
/// A store that never rests is measured as it is.
const WAITS_MAX: usize = 1500;

/// Makes `folder` and those it lies in.
pub(super) fn make(folder: &Path) -> Result<(), Failure> {
    fs::create_dir_all(folder).map_err(file(folder, "make it"))
}

/// Removes `folder` with all that is in it, if it is there.
pub(super) fn remove(folder: &Path) -> Result<(), Failure> {
    match fs::remove_dir_all(folder) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(file(folder, "remove it")(error)),
        _ => Ok(()),
    }
}

/// The bytes that the files in `folder` take on disk: holes in them take none.
pub(super) fn bytes(folder: &Path) -> Result<u64, Failure> {
    let list = || -> io::Result<u64> {
        let mut bytes = 0;
        let mut folders = vec![folder.to_owned()];
        while let Some(folder) = folders.pop() {
            for entry in fs::read_dir(folder)? {
                let entry = entry?;
                let metadata = entry.metadata()?;
                if metadata.is_dir() {
                    folders.push(entry.path());
                } else {
                    bytes += metadata.blocks() * 512;
                }
            }
        }
        Ok(bytes)
    };
    list().map_err(file(folder, "add up its files"))
}

/// Waits until the file system of `folder` has written what it was given, and the stores' threads rest.
pub(super) fn settle(folder: &Path) -> Result<(), Failure> {
    File::open(folder).and_then(|opened| Ok(syncfs(opened)?)).map_err(file(folder, "sync it"))?;
    for _ in 0..WAITS_MAX {
        let before = processor_time();
        sleep(WATCHED);
        if processor_time().saturating_sub(before) < IDLE {
            break;
        }
    }
    Ok(())
}

fn processor_time() -> Duration {
    Duration::try_from(clock_gettime(ClockId::ProcessCPUTime)).unwrap_or_default()
}

fn file(path: &Path, doing: &'static str) -> impl FnOnce(io::Error) -> Failure {
    let path = path.to_owned();
    move |error| Failure::File { path, doing, error }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_hole_takes_no_room_and_a_folder_counts_with_all_that_is_in_it() {
        let folder = tempfile::tempdir().unwrap();
        let inner = folder.path().join("a/b");
        make(&inner).unwrap();
        File::create(folder.path().join("hole")).unwrap().set_len(1 << 30).unwrap();
        assert!(bytes(folder.path()).unwrap() < 1 << 20);
        fs::write(inner.join("full"), vec![1; 3 << 20]).unwrap();
        settle(folder.path()).unwrap();
        let found = bytes(folder.path()).unwrap();
        assert!((3 << 20..4 << 20).contains(&found), "{found}");
        remove(&inner).unwrap();
        remove(&inner).unwrap();
        assert!(bytes(folder.path()).unwrap() < 1 << 20);
    }
}
