//! A disk of which a bit flips: whatever was told is there, or the store says that it is damaged, and where.

use toom_core::simulated::SimDisk;
use toom_core::{Disk as _, FileStorage, Storage as _, StorageError};

use super::common::Common;
use super::report::{Broken, Kept, broken, demand};
use super::truth::Found;

/// How the names of the files begin in which a batch lies first.
const JOURNAL: &str = "journal-";

/// How the names of the files begin in which it lies later.
const HISTORY: &str = "history-";

/// What lies in each file of the journal.
pub(super) type Journal = Vec<(String, Vec<u8>)>;

/// A bit of a file.
struct Flip {
    file: String,
    at: usize,
    bit: usize,
    /// Whether it lies in the last batch that was told: damaged, that looks like one that was torn while it was written.
    place: Place,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Place {
    LastBatch,
    Anywhere,
}

/// What lies in the journal now.
pub(super) fn journal(disk: &SimDisk) -> Kept<Journal> {
    let names = files(disk)?.into_iter().filter(|name| name.starts_with(JOURNAL));
    let with_bytes = |name: String| {
        let bytes = disk.bytes_of(&name).unwrap_or_default();
        (name, bytes)
    };
    Ok(names.map(with_bytes).collect())
}

/// Flips a bit of what the last batch wrote, on a copy of the disk; `before` is what the journal was before it.
pub(super) fn of_last_batch(disk: &SimDisk, before: &Journal, common: &mut Common) -> Kept {
    for (file, now) in journal(disk)? {
        let old = before.iter().find(|(name, _)| *name == file).map(|(_, bytes)| bytes.as_slice());
        let old = old.unwrap_or_default().iter().map(Some).chain(core::iter::repeat(None));
        let mut changed = now.iter().zip(old).enumerate().filter(|(_, (new, old))| Some(*new) != *old);
        let Some((first, _)) = changed.next() else { continue };
        let last = changed.last().map_or(first, |(last, _)| last);
        let at = common.chance.between(first, last);
        let bit = common.chance.below(8);
        return flip(disk, &Flip { file, at, bit, place: Place::LastBatch }, common);
    }
    Ok(())
}

/// Flips any bit, on a copy of the disk.
pub(super) fn anywhere(disk: &SimDisk, common: &mut Common) -> Kept {
    let names = files(disk)?;
    let Some(file) = common.chance.pick(&names).cloned() else { return Ok(()) };
    let bytes = disk.bytes_of(&file).unwrap_or_default();
    // Most of a journal is empty.
    let used: Vec<_> = bytes.iter().enumerate().filter(|(_, byte)| **byte != 0).map(|(at, _)| at).collect();
    let Some(at) = common.chance.pick(&used).copied() else { return Ok(()) };
    let bit = common.chance.below(8);
    flip(disk, &Flip { file, at, bit, place: Place::Anywhere }, common)
}

/// How large each file of the history is.
pub(super) fn history(disk: &SimDisk) -> Kept<Vec<u64>> {
    let names = files(disk)?.into_iter().filter(|name| name.starts_with(HISTORY));
    Ok(names.map(|name| disk.bytes_of(&name).unwrap_or_default().len() as u64).collect())
}

fn files(disk: &SimDisk) -> Kept<Vec<String>> {
    disk.kill().names().map_err(|error| Broken(format!("a sound disk lists its files: {error}")))
}

fn flip(disk: &SimDisk, flip: &Flip, common: &mut Common) -> Kept {
    let Flip { file, at, bit, place } = flip;
    common.counts.bits_flipped += 1;
    let copy = disk.kill();
    copy.set_bytes_max(None);
    let mut bytes = copy.bytes_of(file).unwrap_or_default();
    if let Some(byte) = bytes.get_mut(*at) {
        *byte ^= 1 << bit;
    }
    copy.put(file, &bytes);
    let what = format!("bit {bit} of byte {at} of {file} flips ({place:?})");
    common.log.note(format_args!("{what}, on a copy"));
    match found_on(&copy, common) {
        Ok((found, is_cut)) => {
            let held = common.truth.holds(&found).or_else(|Broken(lost)| {
                demand(is_cut, || format!("damage is told, never passed over: {what}, and {lost}"))?;
                common.truth.holds_all_but_the_last_batch(&found)
            });
            held.map(drop)
        }
        Err(error) if *place == Place::LastBatch => {
            broken(format!("a last batch that is damaged is cut like one that was torn: {what}, and {error}"))
        }
        Err(StorageError::Corrupt { thing, .. } | StorageError::NewerFormat { thing, .. })
            if thing == *file =>
        {
            Ok(())
        }
        Err(error) => broken(format!("damage is told where it is: {what}, and {error}")),
    }
}

/// What the store on a disk holds, and whether it says that it cut the end of its journal.
fn found_on(disk: &SimDisk, common: &Common) -> Result<(Found, bool), StorageError> {
    let mut storage = FileStorage::open_on(disk.clone(), common.weather.options())?;
    let is_cut = storage.opened().cut.is_some();
    let rooms = storage.recover()?.rooms;
    Ok((Found::read(rooms, &storage)?, is_cut))
}
