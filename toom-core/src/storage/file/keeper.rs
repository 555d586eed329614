//! What happens behind the journal: memtables become runs, runs are merged, old ones are dropped. Only the keeper changes which
//! files are live.

use std::collections::BTreeSet;
use std::sync::Arc;

use crate::StorageError;
use crate::storage::file::control::Control;
use crate::storage::file::disk::Disk;
use crate::storage::file::fault::{failed, of_write};
use crate::storage::file::journal::JournalStart;
use crate::storage::file::manifest::Manifest;
use crate::storage::file::memtable::Memtable;
use crate::storage::file::names;
use crate::storage::file::open::{self, open_run};
use crate::storage::file::retention::Retention;
use crate::storage::file::run::{Merge, PageCache, Progress, Run, RunSummary, RunWriter};
use crate::storage::file::runs::Runs;
use crate::storage::file::state::{State, StateFile};
use crate::storage::file::tiers::{Bounds, Extent};
use crate::storage::file::view::{FileReader, Frozen};

/// A file is synced whenever so much of it was written, so that no append waits long behind a sync. With four times as much, the slowest
/// of a thousand appends takes 9 times the median, not 7.
const SYNC_BYTES: u64 = 512 << 10;
/// A state file is not written anew before it has grown by such a part of a journal file: by 1 MiB, by default.
const STATE_PART: u64 = 8;

/// Keeps the files of a store.
pub(super) struct Keeper<D: Disk> {
    disk: D,
    reader: FileReader<D::File>,
    control: Arc<Control>,
    cache: Arc<PageCache>,
    manifest: Manifest,
    retention: Retention,
    bounds: Bounds,
    merging: Option<Merging<D::File>>,
}

/// A merge under way.
struct Merging<F> {
    id: u64,
    inputs: BTreeSet<u64>,
    merge: Merge<F>,
}

/// How much is to be done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Effort {
    /// What cannot be left: journal files are waited for, and runs become too many.
    Due,
    /// That, and what makes reads quicker: for when nobody appends.
    All,
}

/// What a step came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Step {
    Worked,
    Idle,
}

/// What a keeper is made of.
pub(super) struct Parts<D: Disk> {
    pub(super) disk: D,
    pub(super) reader: FileReader<D::File>,
    pub(super) control: Arc<Control>,
    pub(super) cache: Arc<PageCache>,
    pub(super) manifest: Manifest,
    pub(super) retention: Retention,
    /// How large a run becomes that one journal file was.
    pub(super) unit: u64,
}

impl<D: Disk> Keeper<D> {
    pub(super) fn new(parts: Parts<D>) -> Self {
        let Parts { disk, reader, control, cache, manifest, retention, unit } = parts;
        let bounds =
            Bounds { unit, bytes_max: retention.file_bytes_max(), span_max: retention.file_span_max() };
        Self { disk, reader, control, cache, manifest, retention, bounds, merging: None }
    }

    /// Makes `manifest` the one that counts when a store is opened or closed, and a run of what the journal held.
    pub(super) fn take_over(&mut self, manifest: Manifest) -> Result<(), StorageError> {
        let mut view = self.reader.view_mut();
        if view.active.is_empty() {
            drop(view);
            return self.commit(manifest);
        }
        // Readers see it until it is a run.
        let memtable = core::mem::take(&mut view.active);
        let frozen = Arc::new(Frozen { memtable, file: None, next: manifest.journal });
        view.frozen.push(Arc::clone(&frozen));
        drop(view);
        self.store(&frozen.memtable, manifest)
    }

    /// Removes what was written for a manifest that never counted, or belongs to one that counts no more.
    pub(super) fn remove_orphans(&self) -> Result<(), StorageError> {
        let live = self.manifest.live_names();
        for name in open::names(&self.disk)? {
            let is_new = [names::MANIFEST_NEW, names::STAMPS_NEW].contains(&name.as_str());
            let is_ours = names::id(&name).is_some() || is_new;
            if is_ours && !live.contains(&name) {
                let removed = self.disk.remove(&name);
                removed.map_err(|error| failed(self.disk.shown(&name), "remove it", error))?;
            }
        }
        Ok(())
    }

    /// Makes runs of everything in memory. The journal goes on at `next`.
    pub(super) fn close(&mut self, next: JournalStart) -> Result<(), StorageError> {
        if let Some(merging) = self.merging.take() {
            self.remove(&names::history(merging.id));
        }
        loop {
            let oldest = self.reader.view().frozen.first().cloned();
            let Some(frozen) = oldest else { break };
            self.flush(&frozen)?;
        }
        let manifest = Manifest { journal: next, closed: true, ..self.manifest.clone() };
        self.take_over(manifest)
    }

    /// How much is in memory that no journal file is waited for: whoever appends changes it.
    pub(super) fn bytes_in_memory(&self) -> usize {
        self.reader.view().active.bytes()
    }

    /// Does the most urgent piece of work, of some milliseconds: what holds up appends comes first.
    pub(super) fn step(&mut self, effort: Effort) -> Result<Step, StorageError> {
        let oldest = self.reader.view().frozen.first().cloned();
        if let Some(frozen) = oldest {
            self.flush(&frozen)?;
            return Ok(Step::Worked);
        }
        if let Some(merging) = self.merging.take() {
            self.go_on(merging)?;
            return Ok(Step::Worked);
        }
        if self.drop_outlived()? || self.begin_merge(effort)? {
            return Ok(Step::Worked);
        }
        Ok(Step::Idle)
    }

    /// Makes the oldest frozen memtable a run, and frees its journal file.
    fn flush(&mut self, frozen: &Frozen) -> Result<(), StorageError> {
        let manifest = Manifest { journal: frozen.next, ..self.manifest.clone() };
        self.store(&frozen.memtable, manifest)?;
        frozen.file.into_iter().for_each(|file| self.control.release(file));
        Ok(())
    }

    /// Makes a run of the messages of `memtable`, which is the oldest frozen one if there is any, adds the rest to the state file, and makes
    /// `manifest` with both the one that counts.
    fn store(&mut self, memtable: &Memtable, mut manifest: Manifest) -> Result<(), StorageError> {
        let run = self.write_run(memtable, &mut manifest)?;
        let state = self
            .write_state(memtable, &mut manifest)
            .inspect_err(|error| self.undo_run(run.as_ref(), error))?;
        manifest.state = Some(state.summary());
        let old_state = self.manifest.state;
        self.commit(manifest).inspect_err(|error| self.undo_run(run.as_ref(), error))?;

        let mut view = self.reader.view_mut();
        let list = view.runs.list().iter().cloned().chain(run.map(Arc::new)).collect();
        view.runs = Runs::new(list, self.manifest.dropped);
        view.state = Some(Arc::new(state));
        if !view.frozen.is_empty() {
            view.frozen.remove(0);
        }
        drop(view);
        if let Some(old) = old_state.filter(|old| Some(old.id) != self.manifest.state.map(|new| new.id)) {
            self.remove(&names::state(old.id));
        }
        Ok(())
    }

    fn write_run(
        &self,
        memtable: &Memtable,
        manifest: &mut Manifest,
    ) -> Result<Option<Run<D::File>>, StorageError> {
        if memtable.chunks().next().is_none() {
            return Ok(None);
        }
        let id = manifest.take_id();
        let write = || {
            let mut writer = self.run_writer(id)?;
            memtable.chunks().try_for_each(|chunk| writer.push(chunk))?;
            self.open_run(writer.finish()?)
        };
        let run = write().inspect_err(|error| self.undo(&names::history(id), error))?;
        manifest.runs.push(*run.summary());
        Ok(Some(run))
    }

    fn write_state(
        &self,
        memtable: &Memtable,
        manifest: &mut Manifest,
    ) -> Result<StateFile<D::File>, StorageError> {
        let current = self.reader.view().state.clone();
        if let Some(current) = &current
            && !current.is_outgrown(self.bounds.unit / STATE_PART)
        {
            return current.append(memtable);
        }
        let mut state = current.map_or_else(|| Ok(State::default()), |current| current.load())?;
        state.add(memtable);
        let id = manifest.take_id();
        let made = StateFile::create(&self.disk, manifest.salt, id, &state);
        made.inspect_err(|error| self.undo(&names::state(id), error))
    }

    fn begin_merge(&mut self, effort: Effort) -> Result<bool, StorageError> {
        let runs = self.reader.view().runs.clone();
        let extents: Vec<_> = runs.list().iter().map(|run| Extent::of(run.summary())).collect();
        let due = self.bounds.next_merge(&extents);
        let chosen = match effort {
            Effort::Due => due,
            Effort::All => due.or_else(|| self.bounds.next_tidying(&extents)),
        };
        let Some(inputs) = chosen.and_then(|range| runs.list().get(range)) else { return Ok(false) };
        let id = self.manifest.take_id();
        let merge = self.run_writer(id).and_then(|writer| Merge::new(inputs.to_vec(), writer));
        self.merging = Some(Merging {
            id,
            inputs: inputs.iter().map(|run| run.summary().id).collect(),
            merge: merge.inspect_err(|error| self.undo(&names::history(id), error))?,
        });
        Ok(true)
    }

    fn go_on(&mut self, mut merging: Merging<D::File>) -> Result<(), StorageError> {
        let id = merging.id;
        match merging.merge.step().inspect_err(|error| self.undo(&names::history(id), error))? {
            Progress::More => self.merging = Some(merging),
            Progress::AllRead => {
                let install = merging.merge.finish().and_then(|run| self.install(&merging.inputs, run));
                install.inspect_err(|error| self.undo(&names::history(id), error))?;
            }
        }
        Ok(())
    }

    /// Puts the run `merged` in place of its `inputs`.
    fn install(&mut self, inputs: &BTreeSet<u64>, merged: RunSummary) -> Result<(), StorageError> {
        let merged = Arc::new(self.open_run(merged)?);
        let old = self.reader.view().runs.clone();
        let mut list = Vec::new();
        for run in old.list() {
            if !inputs.contains(&run.summary().id) {
                list.push(Arc::clone(run));
            } else if !list.iter().any(|kept| Arc::ptr_eq(kept, &merged)) {
                list.push(Arc::clone(&merged));
            }
        }
        self.replace_runs(list, self.manifest.dropped)
    }

    fn drop_outlived(&mut self) -> Result<bool, StorageError> {
        let view = self.reader.view();
        let runs = view.runs.clone();
        let newest = view.ends.values().map(|end| end.at).max();
        drop(view);
        let files: Vec<_> =
            runs.list().iter().map(|run| (run.summary().bytes, run.summary().last_at)).collect();
        let gone = newest.map_or(0, |newest| self.retention.outlived(&files, newest));
        if gone == 0 {
            return Ok(false);
        }
        self.replace_runs(runs.list().iter().skip(gone).cloned().collect(), true)?;
        Ok(true)
    }

    /// Makes `list` the runs that count, and removes the files of the others.
    fn replace_runs(&mut self, list: Vec<Arc<Run<D::File>>>, dropped: bool) -> Result<(), StorageError> {
        let runs = list.iter().map(|run| *run.summary()).collect();
        let before = self.manifest.runs.clone();
        self.commit(Manifest { dropped, runs, ..self.manifest.clone() })?;
        self.reader.view_mut().runs = Runs::new(list, dropped);
        for old in before.iter().filter(|old| !self.manifest.runs.contains(old)) {
            self.remove(&names::history(old.id));
        }
        Ok(())
    }

    /// Makes `manifest` the one that counts. The files that it names are synced, and here their names are.
    fn commit(&mut self, manifest: Manifest) -> Result<(), StorageError> {
        let shown = || self.disk.shown(names::MANIFEST);
        self.disk.sync_names().map_err(|error| failed(shown(), "sync the folder of", error))?;
        manifest.store(&self.disk)?;
        self.manifest = manifest;
        Ok(())
    }

    fn run_writer(&self, id: u64) -> Result<RunWriter<D::File>, StorageError> {
        let name = names::history(id);
        let shown = self.disk.shown(&name);
        let file = self.disk.create(&name).map_err(|error| of_write(shown.clone(), "make it", error))?;
        Ok(RunWriter::new(file, shown, self.manifest.salt, id, SYNC_BYTES))
    }

    fn open_run(&self, summary: RunSummary) -> Result<Run<D::File>, StorageError> {
        open_run(&self.disk, self.manifest.salt, summary, &self.cache)
    }

    fn undo_run(&self, run: Option<&Run<D::File>>, error: &StorageError) {
        if let Some(run) = run {
            self.undo(&names::history(run.summary().id), error);
        }
    }

    /// Gives back the room of a file that was not finished for want of it. After other errors nobody knows whether the manifest
    /// names it already: then it is left to who opens the store again.
    fn undo(&self, name: &str, error: &StorageError) {
        if error.is_harmless() {
            self.remove(name);
        }
    }

    /// Removes a file that nothing names. If that fails it takes up room until the store is opened again.
    fn remove(&self, name: &str) {
        let _ = self.disk.remove(name);
    }
}

impl Extent {
    fn of(run: &RunSummary) -> Self {
        Self { bytes: run.bytes, first_at: run.first_at.unix_micros(), last_at: run.last_at.unix_micros() }
    }
}
