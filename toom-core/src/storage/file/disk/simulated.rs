//! A disk in memory that fails when it is told to, and that loses in a power cut what a disk may lose.
//!
//! [`SimDisk`] keeps apart what the running process sees and what is durable. [`SimDisk::crash`] makes the disk that a power cut
//! leaves: all that was synced, and of the rest what the caller chooses, or chance. [`SimDisk::record`] keeps every
//! state that the disk goes through, and [`Trace`] goes through the crashes of each of them.
//!
//! What a power cut leaves:
//! * Synced bytes and names stay, also in a sector of 512 bytes of which another part was written later.
//! * Of each sector with unsynced writes: what was durable, what any of the writes made it, or with its unsynced bytes
//!   zero, 0xA5, or other bytes of the same file. Each sector for itself, so writes arrive in any order and in any part.
//! * Of each file that has grown: the length that was durable, the new one, or any between.
//! * Each unsynced change of a name is made or not, whatever becomes of the others and of the bytes of the file.

use std::fmt;
use std::io;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

mod content;
mod crash;
mod fault;
mod image;
mod state;
mod trace;

use self::content::Content;
use self::crash::{Draws, Manner, Plan};
use self::image::{FileId, Image, NameChange};
use self::state::{State, place};
use super::{Access, Disk, DiskFile};

pub use crash::{Choice, Fate};
pub use fault::{Call, Fault};
pub use trace::{Case, Crash, Effort, Trace};

/// A folder in memory. Clones are the same folder.
#[derive(Clone, Default)]
pub struct SimDisk {
    state: Arc<Mutex<State>>,
}

/// A file of a [`SimDisk`].
#[derive(Debug)]
pub struct SimFile {
    disk: SimDisk,
    file: FileId,
    access: Access,
}

/// Holds a [`SimDisk`] until it is dropped.
#[derive(Debug)]
pub struct SimLock {
    disk: SimDisk,
    name: String,
}

impl fmt::Debug for SimDisk {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let state = self.state();
        let files = state.image.names.iter().map(|(name, file)| (name, state.image.files.get(file)));
        f.debug_map().entries(files.map(|(name, inode)| (name, inode.map(|inode| &inode.seen)))).finish()
    }
}

/// What a test sets.
impl SimDisk {
    /// An empty disk of any size.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    fn of(image: Image, bytes_max: Option<usize>) -> Self {
        let state = State { image, bytes_max, ..State::default() };
        Self { state: Arc::new(Mutex::new(state)) }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Adds a fault. Each counts calls for itself, from now on.
    pub fn inject(&self, fault: Fault) {
        self.state().faults.push(fault);
    }

    /// Takes away all faults. What they did stays done.
    pub fn heal(&self) {
        self.state().faults.clear();
    }

    /// Sets the room for the bytes of all files together; `None` for any. A write that needs more fills the room and fails.
    pub fn set_bytes_max(&self, bytes_max: Option<usize>) {
        self.state().bytes_max = bytes_max;
    }

    /// From now on keeps every state, for [`trace`](Self::trace); what was kept before is forgotten.
    pub fn record(&self) {
        let mut state = self.state();
        state.trace = Some(Trace::new(state.counts.operations, &state.image, state.bytes_max));
    }

    /// The states since [`record`](Self::record); `None` if it was not called.
    #[must_use]
    pub fn trace(&self) -> Option<Trace> {
        self.state().trace.clone()
    }

    /// The disk that a power cut leaves now. `pick` is asked for one of so many again and again, counted from 0: 0
    /// is what was synced.
    #[must_use]
    pub fn crash(&self, pick: &mut impl FnMut(usize) -> usize) -> Self {
        let Self { state } = self.kill();
        let state = state.lock().unwrap_or_else(PoisonError::into_inner);
        let plan = Plan::new(&state.image);
        Self::of(plan.image(&plan.choose(Manner::Each, pick)), state.bytes_max)
    }

    /// The disk that a power cut leaves now, as chance will have it.
    #[must_use]
    pub fn crash_seeded(&self, seed: u64) -> Self {
        let mut draws = Draws::new(seed);
        self.crash(&mut |options| draws.below(options))
    }

    /// The disk that the end of the process leaves now: all that was written is seen, and what was not synced is not durable.
    #[must_use]
    pub fn kill(&self) -> Self {
        let state = self.state();
        Self::of(state.image.clone(), state.bytes_max)
    }

    /// Puts a file there, durably, in place of one that has the name, whatever the faults: as damage or as another program would.
    pub fn put(&self, name: &str, bytes: &[u8]) {
        let mut state = self.state();
        state.image.create_with(name, Content::from(bytes));
        let State { image, open, .. } = &mut *state;
        image.sync_names(open);
    }
}

/// What a test asks.
impl SimDisk {
    /// The bytes of a file as they are seen; `None` if it is not there.
    #[must_use]
    pub fn bytes_of(&self, name: &str) -> Option<Vec<u8>> {
        let state = self.state();
        let file = state.image.names.get(name)?;
        state.image.files.get(file).map(|inode| inode.seen.to_vec())
    }

    /// How many calls of a kind there were.
    #[must_use]
    pub fn calls(&self, call: Call) -> u64 {
        self.state().counts.calls.get(&call).copied().unwrap_or(0)
    }

    /// How many calls there were that may change what a power cut leaves, the failed ones as well: [`Trace`] counts in these.
    #[must_use]
    pub fn operations(&self) -> u64 {
        self.state().counts.operations
    }

    /// How many calls have failed because of a [`Fault`].
    #[must_use]
    pub fn faults_hit(&self) -> u64 {
        self.state().counts.faults_hit
    }

    /// How many times a file was synced after a sync of it had failed, the folder being held all the time. A store that
    /// knows what a failed sync means leaves this at 0.
    #[must_use]
    pub fn syncs_repeated(&self) -> u64 {
        self.state().counts.syncs_repeated
    }

    /// The bytes that were written, in all.
    #[must_use]
    pub fn bytes_written(&self) -> u64 {
        self.state().counts.bytes_written
    }

    /// The bytes of all files now. Those of a removed file count while it is open.
    #[must_use]
    pub fn bytes_used(&self) -> usize {
        self.state().bytes_used()
    }

    /// The most that [`bytes_used`](Self::bytes_used) has been.
    #[must_use]
    pub fn bytes_peak(&self) -> usize {
        self.state().counts.bytes_peak
    }
}

impl SimDisk {
    fn opened(&self, state: &mut State, file: FileId, access: Access) -> SimFile {
        *state.open.entry(file).or_default() += 1;
        SimFile { disk: self.clone(), file, access }
    }
}

impl Disk for SimDisk {
    type File = SimFile;
    type Lock = SimLock;

    fn lock(&self, name: &str) -> io::Result<Option<SimLock>> {
        let mut state = self.state();
        state.call(Call::Lock, name)?;
        if !state.image.names.contains_key(name) {
            state.image.create(name);
            state.keep(None);
        }
        let free = state.locks.insert(name.to_owned());
        Ok(free.then(|| SimLock { disk: self.clone(), name: name.to_owned() }))
    }

    fn names(&self) -> io::Result<Vec<String>> {
        let mut state = self.state();
        state.call(Call::Names, "")?;
        Ok(state.image.names.keys().cloned().collect())
    }

    /// In place of a file that has the name, and does not empty it: who has that open goes on reading it.
    fn create(&self, name: &str) -> io::Result<SimFile> {
        let mut state = self.state();
        let result = state.call(Call::Create, name);
        let file = result.is_ok().then(|| state.image.create(name));
        state.keep(None);
        result?;
        let file = file.expect("made, since the call did not fail");
        Ok(self.opened(&mut state, file, Access::Write))
    }

    fn open(&self, name: &str, access: Access) -> io::Result<SimFile> {
        let mut state = self.state();
        state.call(Call::Open, name)?;
        let file = state.file(name)?;
        Ok(self.opened(&mut state, file, access))
    }

    fn rename(&self, from: &str, to: &str) -> io::Result<()> {
        let mut state = self.state();
        let result = state.call(Call::Rename, from).and_then(|()| state.file(from)).map(|file| {
            state.image.change(NameChange::Renamed { from: from.to_owned(), to: to.to_owned(), file });
            if let Some(inode) = state.image.inode(file) {
                to.clone_into(&mut inode.name);
            }
        });
        state.keep(None);
        result
    }

    fn remove(&self, name: &str) -> io::Result<()> {
        let mut state = self.state();
        let result = state.call(Call::Remove, name).and_then(|()| state.file(name)).map(|_| {
            state.image.change(NameChange::Removed { name: name.to_owned() });
        });
        state.keep(None);
        result
    }

    fn sync_names(&self) -> io::Result<()> {
        let mut state = self.state();
        let result = state.call(Call::SyncNames, "");
        if result.is_ok() {
            let State { image, open, .. } = &mut *state;
            image.sync_names(open);
        }
        state.keep(None);
        result
    }

    fn shown(&self, name: &str) -> String {
        name.to_owned()
    }
}

impl DiskFile for SimFile {
    fn len(&self) -> io::Result<u64> {
        let mut state = self.disk.state();
        let name = state.name_of(self.file);
        state.call(Call::Len, &name)?;
        Ok(state.seen(self.file).len() as u64)
    }

    fn read_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<()> {
        let mut state = self.disk.state();
        let name = state.name_of(self.file);
        state.call(Call::Read, &name)?;
        let seen = state.seen(self.file);
        match place(offset, buffer.len()) {
            Ok((start, end)) if end <= seen.len() => seen.read(buffer, start),
            _ => return Err(io::ErrorKind::UnexpectedEof.into()),
        }
        Ok(())
    }

    fn write_at(&self, bytes: &[u8], offset: u64) -> io::Result<()> {
        if self.access == Access::Read {
            return Err(io::ErrorKind::PermissionDenied.into());
        }
        self.disk.state().write(self.file, bytes, offset)
    }

    fn sync(&self) -> io::Result<()> {
        self.disk.state().sync(self.file)
    }
}

impl Drop for SimFile {
    fn drop(&mut self) {
        let open = &mut self.disk.state().open;
        if let Some(times) = open.get_mut(&self.file) {
            *times -= 1;
            if *times == 0 {
                open.remove(&self.file);
            }
        }
    }
}

impl Drop for SimLock {
    fn drop(&mut self) {
        let mut state = self.disk.state();
        state.locks.remove(&self.name);
        state.doubtful.clear();
    }
}

#[cfg(test)]
mod tests;
