//! What a failed call of the disk means to who uses the store.

use std::io;
use std::sync::Arc;

use crate::StorageError;

/// A call that puts new bytes or names on the disk failed. For want of room it may be tried again; after anything else nobody
/// knows what was written.
pub(super) fn of_write(thing: String, action: &'static str, error: io::Error) -> StorageError {
    match error.kind() {
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded | io::ErrorKind::FileTooLarge => {
            StorageError::Full { thing, action }
        }
        _ => failed(thing, action, error),
    }
}

/// Any other call failed. A sync belongs here whatever its error says: for want of room, too, it leaves behind nobody knows what.
pub(super) fn failed(thing: String, action: &'static str, error: io::Error) -> StorageError {
    StorageError::Failed { thing, action, reason: Arc::new(error) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_write_without_room_is_harmless_and_every_other_failure_is_not() {
        let no_room = [io::ErrorKind::StorageFull, io::ErrorKind::QuotaExceeded, io::ErrorKind::FileTooLarge];
        for kind in no_room {
            assert!(of_write("journal-1".into(), "append", kind.into()).is_harmless(), "{kind:?}");
            assert!(!failed("journal-1".into(), "sync", kind.into()).is_harmless(), "{kind:?}");
        }
        let error = of_write("journal-1".into(), "append", io::ErrorKind::TimedOut.into());
        assert_eq!(error.to_string(), "journal-1: cannot append: timed out");
    }
}
