//! The file that is under way: what has come of it, what of that was checked, and the name that it gets in the end.

mod record;
mod syncer;

use std::fs::File;
use std::io;
use std::os::fd::OwnedFd;
use std::os::unix::fs::{FileExt as _, MetadataExt as _};
use std::path::PathBuf;
use std::time::{Duration, Instant};

use rustix::fs::{AtFlags, FlockOperation, Mode, OFlags};
use rustix::io::Errno;

use self::record::Record;
use self::syncer::Syncer;
use super::{Inbox, Offer, Received, Room};
use crate::exchange::receive::ReceiveError;
use crate::outline::{GroupHasher, Groups, Outline};
use crate::saved_name::{numbered, saved_name};

/// How long one who was told to let go of the part file may take.
const LETTING_GO: Duration = Duration::from_secs(2);

/// How many names are tried.
const NAMES_MAX: u32 = 10_000;

/// A file that is under way, locked against everyone else who would write it.
#[derive(Debug)]
pub(super) struct Part {
    place: Place,
    file: File,
    side: File,
    syncer: Syncer,
    outline: Outline,
    first: u64,
    group: u64,
    hasher: GroupHasher,
    offset: u64,
}

/// The folder, and the names in it.
#[derive(Debug)]
struct Place {
    dir: OwnedFd,
    path: PathBuf,
    saved: String,
    part: String,
    side: String,
}

/// Looks whether there is room for the file, and what is there of it.
pub(super) fn check(inbox: &Inbox, offer: &Offer) -> Result<Room, ReceiveError> {
    if offer.bytes > inbox.bytes_max {
        return Err(ReceiveError::TooLarge { bytes: offer.bytes, bytes_max: inbox.bytes_max });
    }
    let place = Place::of(inbox, offer)?;
    let proven = match (place.open_existing(&place.part), place.open_existing(&place.side)) {
        (Ok(Some(part)), Ok(Some(side))) => record::proven(&part, &side, Groups::of(offer.bytes), offer.hash),
        _ => 0,
    };
    place.room(offer.bytes, Groups::of(offer.bytes).start(proven))
}

impl Part {
    /// Opens what is there of the file, or begins it.
    pub(super) fn open(inbox: &Inbox, offer: &Offer, outline: Outline) -> Result<Self, ReceiveError> {
        check(inbox, offer)?;
        let place = Place::of(inbox, offer)?;
        let (file, side) = place.open_locked()?;
        let groups = outline.groups();
        let first = record::proven(&file, &side, groups, outline.hash());
        let offset = groups.start(first);
        let syncer = Syncer::new(first);
        let hasher = GroupHasher::new(groups, first);
        let mut part = Self { place, file, side, syncer, outline, first, group: first, hasher, offset };
        let ready = part.place.room(offer.bytes, offset).and_then(|_| {
            part.file.set_len(offset).map_err(|error| part.place.failed(error))?;
            part.check_group()
        });
        match ready {
            Ok(()) => Ok(part),
            Err(error) => {
                part.keep();
                Err(error)
            }
        }
    }

    /// The first group that is not there.
    pub(super) const fn first(&self) -> u64 {
        self.first
    }

    /// Where it begins.
    pub(super) fn bytes_resumed(&self) -> u64 {
        self.outline.groups().start(self.first)
    }

    /// Hashes and writes what comes next; checks each group at its end.
    pub(super) fn take(&mut self, mut piece: &[u8]) -> Result<(), ReceiveError> {
        while !piece.is_empty() {
            let left = self.outline.groups().start(self.group + 1) - self.offset;
            let left = usize::try_from(left).unwrap_or(usize::MAX);
            let (now, later) = piece.split_at(left.min(piece.len()));
            if now.is_empty() {
                return Err(ReceiveError::Nonsense);
            }
            self.hasher.update(now);
            self.file.write_all_at(now, self.offset).map_err(|error| self.place.failed(error))?;
            self.offset += now.len() as u64;
            self.check_group()?;
            piece = later;
        }
        let synced = self.syncer.tend(&self.file, self.group).map_err(|error| self.place.failed(error))?;
        match synced {
            Some(proven) => self.record(proven).map_err(|error| self.place.failed(error)),
            None => Ok(()),
        }
    }

    /// Gives the whole file its name, once it is durable.
    pub(super) fn finish(mut self) -> Result<Received, ReceiveError> {
        let synced = self.syncer.wait().and_then(|_| self.file.sync_all());
        let named = synced.map_err(|error| self.place.failed(error)).and_then(|()| self.place.name());
        match named {
            Ok(path) => {
                self.place.remove(&self.place.side);
                // The file is there; that its name outlasts a power cut is up to this.
                rustix::fs::fsync(&self.place.dir).map_err(|error| self.place.failed(error.into()))?;
                Ok(Received { path, bytes_resumed: self.bytes_resumed() })
            }
            Err(error) => {
                self.discard();
                Err(error)
            }
        }
    }

    /// Keeps what was checked for another attempt, if that is anything.
    pub(super) fn keep(mut self) {
        let kept = self.group > 0
            && self.syncer.wait().is_ok()
            && self.file.sync_data().is_ok()
            && self.record(self.group).is_ok();
        if !kept {
            self.discard();
        }
    }

    /// Leaves nothing.
    pub(super) fn discard(&self) {
        self.place.remove(&self.place.part);
        self.place.remove(&self.place.side);
    }

    fn record(&self, proven: u64) -> io::Result<()> {
        Record { bytes: self.outline.groups().bytes(), hash: self.outline.hash(), proven }.write(&self.side)
    }

    /// Checks the group that may have come to its end.
    fn check_group(&mut self) -> Result<(), ReceiveError> {
        let groups = self.outline.groups();
        if self.group < groups.count() && self.offset == groups.start(self.group + 1) {
            if !self.outline.holds(self.group, &self.hasher) {
                let offset = groups.start(self.group);
                return Err(ReceiveError::WrongContent { offset, bytes: groups.start(1) });
            }
            self.group += 1;
            self.hasher = GroupHasher::new(groups, self.group);
        }
        Ok(())
    }
}

impl Place {
    fn of(inbox: &Inbox, offer: &Offer) -> Result<Self, ReceiveError> {
        let folder = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
        let dir = rustix::fs::open(&inbox.dir, folder, Mode::empty())
            .map_err(|error| ReceiveError::Folder { path: inbox.dir.clone(), error: error.into() })?;
        let saved = saved_name(&offer.from, &offer.name);
        let hash = offer.hash.to_string();
        let hash = hash.get(..16).unwrap_or_default();
        let (part, side) = (format!(".{saved}.{hash}.part"), format!(".{saved}.{hash}.proven"));
        Ok(Self { dir, path: inbox.dir.clone(), saved, part, side })
    }

    fn room(&self, bytes: u64, bytes_proven: u64) -> Result<Room, ReceiveError> {
        let status = rustix::fs::fstatvfs(&self.dir).map_err(|error| self.failed(error.into()))?;
        let bytes_free = status.f_bavail.saturating_mul(status.f_frsize);
        let needed = bytes - bytes_proven;
        if needed > bytes_free {
            return Err(ReceiveError::NoSpace { needed, free: bytes_free });
        }
        Ok(Room { bytes_free, bytes_proven })
    }

    /// The part file and the one beside it, which nobody else has.
    fn open_locked(&self) -> Result<(File, File), ReceiveError> {
        let until = Instant::now() + LETTING_GO;
        loop {
            let file = self.open_or_create(&self.part)?;
            let locked = match rustix::fs::flock(&file, FlockOperation::NonBlockingLockExclusive) {
                Ok(()) => true,
                Err(Errno::WOULDBLOCK) => false,
                Err(error) => return Err(self.failed(error.into())),
            };
            // Whoever had it before may have renamed or removed it.
            if locked && self.is_still(&file) {
                return Ok((file, self.open_or_create(&self.side)?));
            }
            if Instant::now() >= until {
                return Err(ReceiveError::Busy);
            }
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    fn is_still(&self, file: &File) -> bool {
        let there = rustix::fs::statat(&self.dir, &self.part, AtFlags::SYMLINK_NOFOLLOW);
        matches!((there, file.metadata()), (Ok(there), Ok(here)) if (there.st_dev, there.st_ino) == (here.dev(), here.ino()))
    }

    fn open_or_create(&self, name: &str) -> Result<File, ReceiveError> {
        loop {
            if let Some(file) = self.open_existing(name)? {
                return Ok(file);
            }
            let fresh = OFlags::RDWR | OFlags::CREATE | OFlags::EXCL | OFlags::NOFOLLOW | OFlags::CLOEXEC;
            match rustix::fs::openat(&self.dir, name, fresh, Mode::RUSR | Mode::WUSR) {
                Ok(file) => return Ok(file.into()),
                // Someone was faster.
                Err(Errno::EXIST) => {}
                Err(error) => return Err(self.failed(error.into())),
            }
        }
    }

    /// Nobody else may have a hand in what was checked and is then taken for good.
    fn open_existing(&self, name: &str) -> Result<Option<File>, ReceiveError> {
        let foreign = || ReceiveError::Foreign { name: name.to_owned() };
        let existing = OFlags::RDWR | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC;
        let file = match rustix::fs::openat(&self.dir, name, existing, Mode::empty()) {
            Ok(file) => File::from(file),
            Err(Errno::NOENT) => return Ok(None),
            Err(Errno::LOOP | Errno::ISDIR | Errno::NXIO | Errno::ACCESS) => return Err(foreign()),
            Err(error) => return Err(self.failed(error.into())),
        };
        let status = file.metadata().map_err(|error| self.failed(error))?;
        let ours = status.is_file()
            && status.nlink() <= 1
            && status.uid() == rustix::process::geteuid().as_raw()
            && Mode::from_raw_mode(status.mode()).intersection(Mode::RWXG | Mode::RWXO).is_empty();
        if ours { Ok(Some(file)) } else { Err(foreign()) }
    }

    /// Gives the part file a name that nothing else has.
    fn name(&self) -> Result<PathBuf, ReceiveError> {
        for number in 1..=NAMES_MAX {
            let name = if number == 1 { self.saved.clone() } else { numbered(&self.saved, number) };
            match self.rename(&name) {
                Ok(()) => return Ok(self.path.join(name)),
                Err(Errno::EXIST) => {}
                Err(error) => return Err(self.failed(error.into())),
            }
        }
        Err(self.failed(Errno::EXIST.into()))
    }

    /// Renames the part file, but never over anything.
    fn rename(&self, name: &str) -> rustix::io::Result<()> {
        #[cfg(target_os = "linux")]
        match rustix::fs::renameat_with(
            &self.dir,
            &self.part,
            &self.dir,
            name,
            rustix::fs::RenameFlags::NOREPLACE,
        ) {
            // Not every file system can.
            Err(Errno::INVAL | Errno::NOSYS) => {}
            renamed => return renamed,
        }
        self.rename_by_link(name)
    }

    /// The same in two steps, which every file system with links can.
    fn rename_by_link(&self, name: &str) -> rustix::io::Result<()> {
        rustix::fs::linkat(&self.dir, &self.part, &self.dir, name, AtFlags::empty())?;
        rustix::fs::unlinkat(&self.dir, &self.part, AtFlags::empty())
    }

    fn remove(&self, name: &str) {
        // What cannot be removed is found, and used or overwritten, by the next attempt.
        let _ = rustix::fs::unlinkat(&self.dir, name, AtFlags::empty());
    }

    fn failed(&self, error: io::Error) -> ReceiveError {
        let name = self.saved.clone();
        match Errno::from_io_error(&error) {
            Some(Errno::NOSPC | Errno::DQUOT) => ReceiveError::DiskFull { name },
            _ => ReceiveError::Store { name, error },
        }
    }
}

#[cfg(test)]
mod hostile_names;
#[cfg(test)]
mod tests;
