//! The outlines of the files that this program hashed last, so that sending one again begins at once.

use std::sync::{Arc, Mutex, PoisonError};

use super::Stamp;
use crate::outline::{Outline, VALUE_BYTES};

/// The most that all remembered outlines hold together: those of 32 GiB of files.
const BYTES_MAX: usize = 1 << 20;

/// The most files, however small.
const FILES_MAX: usize = 256;

/// The one used last comes last.
static KNOWN: Mutex<Vec<(Stamp, Arc<Outline>)>> = Mutex::new(Vec::new());

/// What is known of the file that bears `stamp`.
pub(super) fn find(stamp: &Stamp) -> Option<Arc<Outline>> {
    let mut known = KNOWN.lock().unwrap_or_else(PoisonError::into_inner);
    let place = known.iter().position(|(kept, _)| kept == stamp)?;
    let found = known.remove(place);
    let outline = Arc::clone(&found.1);
    known.push(found);
    Some(outline)
}

/// Remembers an outline, and forgets those that were not used for longest where it becomes too much.
pub(super) fn keep(stamp: Stamp, outline: &Arc<Outline>) {
    let mut known = KNOWN.lock().unwrap_or_else(PoisonError::into_inner);
    known.retain(|(kept, _)| (kept.device, kept.inode) != (stamp.device, stamp.inode));
    known.push((stamp, Arc::clone(outline)));
    while known.len() > FILES_MAX || bytes(&known) > BYTES_MAX {
        known.remove(0);
    }
}

/// Forgets what was known of that file.
pub(super) fn forget(stamp: &Stamp) {
    KNOWN.lock().unwrap_or_else(PoisonError::into_inner).retain(|(kept, _)| kept != stamp);
}

fn bytes(known: &[(Stamp, Arc<Outline>)]) -> usize {
    known.iter().map(|(_, outline)| outline.values().len() * VALUE_BYTES).sum()
}
