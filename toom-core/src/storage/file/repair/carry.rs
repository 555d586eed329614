//! Carrying a repair out: new files first, then the manifest that makes them count, then the old files out of the way.

use crate::storage::file::birth::Birth;
use crate::storage::file::check::{self, Meter, Progress};
use crate::storage::file::disk::{Disk, DiskFile};
use crate::storage::file::fault::{failed, of_write};
use crate::storage::file::journal::JournalStart;
use crate::storage::file::manifest::Manifest;
use crate::storage::file::names;
use crate::storage::file::open;
use crate::storage::file::options::Random;
use crate::storage::file::repair::RepairPlan;
use crate::storage::file::repair::aside;
use crate::storage::file::repair::gather;
use crate::storage::file::repair::plan::{Findings, NewRun};
use crate::storage::file::repair::reading;
use crate::storage::file::repair::source::{self, Source};
use crate::storage::file::repair::survey::Span;
use crate::storage::file::run::{Chunk, RunSummary, RunWriter, Salvage};
use crate::storage::file::stamps;
use crate::storage::file::state::StateFile;
use crate::{Epoch, MessageRef, StorageError, Verified};

/// A file is synced whenever so much of it was written.
const SYNC_BYTES: u64 = 8 << 20;

pub(super) fn carry_out<D: Disk>(
    plan: RepairPlan<D>,
    random: Random,
    progress: &mut dyn FnMut(Progress),
) -> Result<Verified, StorageError> {
    let RepairPlan { disk, lock, findings, .. } = plan;
    let _lock = lock.map_or_else(|| open::lock(&disk), Ok)?;
    let mut work =
        Work { disk: &disk, findings: &findings, next_id: next_id(&disk, &findings)?, made: Vec::new() };
    let ready = work.make(random, progress);
    let (manifest, verified) = ready.inspect_err(|_| work.undo())?;
    manifest.store(&disk)?;
    aside::set_aside(&disk, manifest)?;
    Ok(verified)
}

/// The number of the next file: no file that was ever here has it or a higher one.
fn next_id<D: Disk>(disk: &D, findings: &Findings) -> Result<u64, StorageError> {
    let names = open::names(disk)?;
    let originals =
        names.iter().map(|name| name.split_once(".damaged-").map_or(name.as_str(), |(name, _)| name));
    let used = originals.filter_map(names::id).max().map_or(0, |id| id + 1);
    Ok(findings.manifest.as_ref().map_or(1, |manifest| manifest.next_id).max(used))
}

struct Work<'a, D> {
    disk: &'a D,
    findings: &'a Findings,
    next_id: u64,
    /// The names of the files that were made.
    made: Vec<String>,
}

impl<D: Disk> Work<'_, D> {
    /// Makes all new files, and the manifest that they are to count by.
    fn make(
        &mut self,
        random: Random,
        progress: &mut dyn FnMut(Progress),
    ) -> Result<(Manifest, Verified), StorageError> {
        let Self { disk, findings, .. } = *self;
        let bytes = self.bytes_to_read()?;
        let mut meter = Meter::new(bytes * 2, progress);
        let runs = self.runs(&mut meter)?;
        let state_id = self.take_id(names::state);
        let state = StateFile::create(disk, findings.salt, state_id, &findings.state)?;
        let [epoch, chain] = random.halves();
        let manifest = Manifest {
            epoch: Epoch::new(epoch),
            salt: findings.salt,
            journal: JournalStart { first: findings.sequence, chain },
            journal_files: std::collections::BTreeMap::new(),
            state: Some(state.summary()),
            next_id: self.next_id,
            dropped: findings.dropped,
            sets_aside: true,
            closed: false,
            runs,
        };
        self.keep_small_files(&manifest)?;
        aside::sync_names(disk)?;
        let verified = check::check(disk, &manifest, Verified::default(), &mut |step: Progress| {
            let share = u128::from(bytes) * u128::from(step.done) / u128::from(step.total.max(1));
            progress(Progress { done: bytes + u64::try_from(share).unwrap_or(bytes), total: bytes * 2 });
        })?;
        match verified.damage.first() {
            None => Ok((manifest, verified)),
            Some(error) => Err(error.clone()),
        }
    }

    fn runs(&mut self, meter: &mut Meter<'_>) -> Result<Vec<RunSummary>, StorageError> {
        let findings = self.findings;
        let journal = gather::load_journal(self.disk)?;
        let first = findings.manifest.as_ref().map_or(0, |manifest| manifest.journal.first);
        let gathered = gather::gather(self.disk, findings.salt, first, &journal)?;
        let mut posted = gathered.posted;
        posted.retain(|(key, _)| findings.of_journal.contains(key));
        let mut runs = Vec::new();
        for run in &findings.runs {
            let (span, files, journal) = match run {
                NewRun::Kept(summary) => {
                    runs.push(*summary);
                    continue;
                }
                NewRun::Written { span, files, journal } => (span, files, journal),
            };
            let mut sources = Vec::new();
            for name in files {
                let opened = reading::open(self.disk, name)?;
                sources.extend(
                    opened.map(|(file, bytes)| Source::History(Salvage::new(file, findings.salt, bytes))),
                );
            }
            if *journal {
                sources.push(Source::Journal(&posted));
            }
            runs.extend(self.run(*span, &mut sources, meter)?);
        }
        Ok(runs)
    }

    /// Writes a run of what is kept of `sources` in the time `span`; `None` if that is nothing.
    fn run(
        &mut self,
        span: Span,
        sources: &mut [Source<'_, D::File>],
        meter: &mut Meter<'_>,
    ) -> Result<Option<RunSummary>, StorageError> {
        let id = self.take_id(names::history);
        let name = names::history(id);
        let shown = self.disk.shown(&name);
        let file = self.disk.create(&name).map_err(|error| of_write(shown.clone(), "make it", error))?;
        let mut writer = RunWriter::new(file, shown, self.findings.salt, id, SYNC_BYTES);
        let mut chunk: Option<Chunk> = None;
        let start = meter.done();
        let reach = |done| meter.reach(start + done);
        source::merge(sources, reach, |_, message| {
            let stretch = self.findings.kept.get(&message.conversation);
            let is_kept = stretch
                .is_some_and(|kept| kept.first <= message.number && message.number <= kept.last.number);
            if !is_kept || !span.contains(message.at) {
                return Ok(());
            }
            if let Some(full) = chunk.take_if(|chunk| !goes_on(chunk, message)) {
                writer.push(&full)?;
            }
            let open = chunk.get_or_insert_with(|| Chunk::new(message.conversation, message.number));
            open.push(message.at, message.author, message.body);
            Ok::<_, StorageError>(())
        })?;
        chunk.map_or(Ok(()), |last| writer.push(&last))?;
        let summary = writer.finish()?;
        Ok((summary.messages > 0).then_some(summary))
    }

    /// Keeps a copy of the manifest, which is about to be replaced, makes a new birth certificate if the old one is damaged, and sets aside
    /// what does not say any more up to where stamps are used.
    fn keep_small_files(&mut self, manifest: &Manifest) -> Result<(), StorageError> {
        let taken = open::names(self.disk)?;
        let is_there = |name: &str| taken.iter().any(|taken| taken == name);
        if is_there(names::MANIFEST) {
            let bytes = reading::load(self.disk, names::MANIFEST)?;
            let name = names::damaged(names::MANIFEST, &taken);
            let shown = self.disk.shown(&name);
            let copy = self.disk.create(&name).map_err(|error| of_write(shown.clone(), "make it", error))?;
            self.made.push(name);
            copy.write_at(&bytes, 0).map_err(|error| of_write(shown.clone(), "write it", error))?;
            copy.sync().map_err(|error| failed(shown, "sync it", error))?;
        }
        if self.findings.birth.is_none() {
            if is_there(names::BIRTH) {
                aside::rename(self.disk, names::BIRTH, &taken)?;
                // Else a power cut could keep the new one and not that the old one has another name.
                aside::sync_names(self.disk)?;
            }
            Birth { epoch: manifest.epoch, salt: manifest.salt }.store(self.disk)?;
        }
        match stamps::load(self.disk) {
            Err(StorageError::Corrupt { .. }) => aside::rename(self.disk, names::STAMPS, &taken)?,
            told => drop(told?),
        }
        Ok(())
    }

    fn bytes_to_read(&self) -> Result<u64, StorageError> {
        let files = self.findings.runs.iter().flat_map(|run| match run {
            NewRun::Kept(_) => &[][..],
            NewRun::Written { files, .. } => files,
        });
        files.map(|name| Ok(reading::open(self.disk, name)?.map_or(0, |(_, bytes)| bytes))).sum()
    }

    fn take_id(&mut self, name: impl Fn(u64) -> String) -> u64 {
        let id = self.next_id;
        self.next_id += 1;
        self.made.push(name(id));
        id
    }

    /// Gives back the room of files that do not count. If that fails they take it up until the store is opened.
    fn undo(&self) {
        for name in &self.made {
            let _ = self.disk.remove(name);
        }
    }
}

fn goes_on(chunk: &Chunk, message: MessageRef<'_>) -> bool {
    chunk.view().conversation() == message.conversation
        && chunk.view().last_number() == message.number.preceding()
        && chunk.has_room_for(message.author, message.body)
}
