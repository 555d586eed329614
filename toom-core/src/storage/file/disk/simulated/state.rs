//! A simulated disk and its process: what each call does to both.

use std::collections::{BTreeMap, BTreeSet};
use std::io;

use super::content::Content;
use super::fault::{Call, Failure, Fault};
use super::image::{FileId, Image};
use super::trace::Trace;

/// All of a disk: what it holds, and what its process has to do with it.
#[derive(Debug, Default)]
pub(super) struct State {
    pub(super) image: Image,
    /// How often each file is open.
    pub(super) open: BTreeMap<FileId, usize>,
    pub(super) locks: BTreeSet<String>,
    pub(super) faults: Vec<Fault>,
    pub(super) bytes_max: Option<usize>,
    pub(super) trace: Option<Trace>,
    pub(super) counts: Counts,
    /// Files of which a sync has failed since the folder was locked.
    pub(super) doubtful: BTreeSet<FileId>,
}

#[derive(Debug, Default)]
pub(super) struct Counts {
    pub(super) calls: BTreeMap<Call, u64>,
    pub(super) operations: u64,
    pub(super) faults_hit: u64,
    pub(super) syncs_repeated: u64,
    pub(super) bytes_written: u64,
    pub(super) bytes_peak: usize,
}

impl State {
    pub(super) fn bytes_used(&self) -> usize {
        self.image.bytes_used(&self.open)
    }

    /// Counts a call: how it fails, if it does.
    fn meet(&mut self, call: Call, file: &str) -> Option<Failure> {
        *self.counts.calls.entry(call).or_default() += 1;
        let mut failure = None;
        self.faults.retain_mut(|fault| {
            let hit = fault.meet(call, file);
            failure = failure.or(hit);
            hit.is_none() || fault.is_forever()
        });
        self.counts.faults_hit += u64::from(failure.is_some());
        failure
    }

    pub(super) fn call(&mut self, call: Call, file: &str) -> io::Result<()> {
        self.meet(call, file).map_or(Ok(()), |failure| Err(failure.error()))
    }

    /// Keeps the state after an operation.
    pub(super) fn keep(&mut self, written: Option<FileId>) {
        self.counts.operations += 1;
        if let Some(trace) = &mut self.trace {
            trace.push(&self.image, written);
        }
    }

    pub(super) fn file(&self, name: &str) -> io::Result<FileId> {
        self.image.names.get(name).copied().ok_or_else(|| io::ErrorKind::NotFound.into())
    }

    pub(super) fn name_of(&self, file: FileId) -> String {
        self.image.files.get(&file).map(|inode| inode.name.clone()).unwrap_or_default()
    }

    pub(super) fn seen(&self, file: FileId) -> &Content {
        &self.image.files.get(&file).expect("a file is kept while it is open").seen
    }

    pub(super) fn write(&mut self, file: FileId, bytes: &[u8], offset: u64) -> io::Result<()> {
        let (start, end) = place(offset, bytes.len())?;
        let name = self.name_of(file);
        let (fits, result) = if let Some(failure) = self.meet(Call::Write, &name) {
            (failure.bytes, Err(failure.error()))
        } else {
            let lacking = self.bytes_lacking(file, end);
            let full = if lacking > 0 { Err(io::ErrorKind::StorageFull.into()) } else { Ok(()) };
            (bytes.len().saturating_sub(lacking), full)
        };
        let bytes = bytes.get(..fits).unwrap_or(bytes);
        if let Some(inode) = self.image.inode(file) {
            inode.write(bytes, start);
        }
        self.counts.bytes_written += bytes.len() as u64;
        self.counts.bytes_peak = self.counts.bytes_peak.max(self.bytes_used());
        self.keep(Some(file));
        result
    }

    /// How many bytes there is no room for when the file grows to `end`.
    fn bytes_lacking(&self, file: FileId, end: usize) -> usize {
        let grown = end.saturating_sub(self.seen(file).len());
        match self.bytes_max {
            Some(max) if grown > 0 => grown.saturating_sub(max.saturating_sub(self.bytes_used())),
            _ => 0,
        }
    }

    pub(super) fn sync(&mut self, file: FileId) -> io::Result<()> {
        let name = self.name_of(file);
        let result = self.call(Call::Sync, &name);
        self.counts.syncs_repeated += u64::from(self.doubtful.contains(&file));
        if let Some(inode) = self.image.inode(file) {
            match result {
                Ok(()) => inode.sync(),
                Err(_) => inode.sync_failed(),
            }
        }
        if result.is_err() {
            self.doubtful.insert(file);
        }
        self.keep(None);
        result
    }
}

/// No file grows beyond this, so that a wrong offset does not take all memory.
const FILE_BYTES_MAX: usize = 1 << 31;

/// Where a write or a read begins and ends.
pub(super) fn place(offset: u64, bytes: usize) -> io::Result<(usize, usize)> {
    let start = usize::try_from(offset).map_err(|_| io::ErrorKind::FileTooLarge)?;
    match start.checked_add(bytes) {
        Some(end) if end <= FILE_BYTES_MAX => Ok((start, end)),
        _ => Err(io::ErrorKind::FileTooLarge.into()),
    }
}
