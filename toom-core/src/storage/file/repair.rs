//! Making a damaged store whole again, of what can still be read.
//!
//! A repair gathers what is readable in every file of the store, named by the manifest or not, each part for itself: blocks of
//! history files, frames of state files and of the journal. Of each conversation it keeps the longest stretch of numbers without
//! a gap, because numbers without gaps are what everything above relies on. It writes new files beside the old ones, checks them, and
//! only then puts a new manifest in place, which tells, too, that the old files are yet to be set aside: whoever opens the store
//! next finishes that, if the repair was broken off.

mod aside;
mod carry;
mod gather;
mod losses;
mod plan;
mod reading;
mod source;
mod survey;

use std::path::Path;

pub(super) use aside::finish;
pub use losses::{Losses, LostMessages};
pub(super) use reading::read_what_is_readable;

use crate::storage::file::check::Progress;
use crate::storage::file::disk::{Disk, Folder};
use crate::storage::file::fault::failed;
use crate::storage::file::options::Random;
use crate::{StorageError, Verified};
use plan::Findings;

/// What a repair would do. Nothing is written before it is [carried out](Self::carry_out), and the store is held meanwhile.
///
/// ```
/// use toom_core::{FileOptions, FileStorage, RepairPlan};
///
/// # let folder = std::env::temp_dir().join(format!("toom-doc-repair-{}", std::process::id()));
/// FileStorage::open(&folder, FileOptions::new([7; 16]))?.close()?;
/// assert!(RepairPlan::make(&folder, |_| {})?.is_none(), "nothing to repair");
///
/// std::fs::remove_file(folder.join("manifest"))?;
/// let plan = RepairPlan::make(&folder, |_| {})?.expect("a manifest is missing");
/// plan.damage().iter().for_each(|error| println!("{error}"));
/// assert!(plan.losses().is_empty(), "nothing was said yet");
/// let random = [9; 16]; // from the system's source of randomness
/// let repaired = plan.carry_out(random, |_| {})?;
/// assert!(repaired.is_sound());
/// FileStorage::open(&folder, FileOptions::new([7; 16]))?.close()?;
/// # std::fs::remove_dir_all(folder)?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct RepairPlan<D: Disk = Folder> {
    disk: D,
    lock: Option<D::Lock>,
    verified: Verified,
    findings: Findings,
}

impl RepairPlan {
    /// Examines the store in the folder `path`, and plans its repair; `None` if there is nothing to repair. It reads the store two to
    /// four times, and needs about as much memory as opening it does.
    ///
    /// # Errors
    /// [`StorageError`] if nothing can be said of it: there is no store, another process has it open, or it is of a newer format. And if
    /// nothing can be repaired, because both `manifest` and `birth` are damaged: without the secret in them no checksum can be checked.
    pub fn make(
        path: impl AsRef<Path>,
        progress: impl FnMut(Progress),
    ) -> Result<Option<Self>, StorageError> {
        let path = path.as_ref();
        let disk = Folder::existing(path)
            .map_err(|error| failed(path.display().to_string(), "open it as a folder", error))?;
        Self::make_on(&disk, progress)
    }
}

impl<D: Disk> RepairPlan<D> {
    /// The same on any disk.
    ///
    /// # Errors
    /// As [`make`](RepairPlan::make).
    pub fn make_on(disk: &D, mut progress: impl FnMut(Progress)) -> Result<Option<Self>, StorageError> {
        plan::plan(disk, &mut progress)
    }

    /// What is damaged, at most the first hundred findings.
    #[must_use]
    pub fn damage(&self) -> &[StorageError] {
        &self.verified.damage
    }

    /// What the check of the damaged store found.
    #[must_use]
    pub fn verified(&self) -> &Verified {
        &self.verified
    }

    /// What will be gone for good.
    ///
    /// Where the manifest is damaged, messages that retention had dropped count as unreadable: nothing else tells them.
    #[must_use]
    pub fn losses(&self) -> &Losses {
        &self.findings.losses
    }

    /// Repairs the store, and tells what it holds then.
    ///
    /// The store gets a new epoch, drawn from `random`, because numbers may be given out again. The old files keep their bytes and are
    /// called `<name>.damaged-<n>` from then on; they are the operator's to remove. If it is broken off at any moment, the store is
    /// either as it was, and may be repaired again, or it is repaired.
    ///
    /// # Errors
    /// [`StorageError`] if a file cannot be read or written, [`StorageError::Full`] if there is no room for the new files.
    pub fn carry_out(
        self,
        random: [u8; 16],
        mut progress: impl FnMut(Progress),
    ) -> Result<Verified, StorageError> {
        carry::carry_out(self, Random(random), &mut progress)
    }
}

impl<D: Disk> core::fmt::Debug for RepairPlan<D> {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("RepairPlan")
            .field("damage", &self.damage())
            .field("losses", self.losses())
            .finish_non_exhaustive()
    }
}
