//! What the tests of several modules need.

use tempfile::TempDir;

/// A folder in memory, where there is such a place: a disk that others keep busy takes seconds for a sync.
pub(crate) fn folder() -> TempDir {
    tempfile::tempdir_in("/dev/shm")
        .or_else(|_| tempfile::tempdir())
        .expect("there is a place for temporary files")
}
