//! Planning a repair: what there is, what can be kept, and which new files that takes.

use core::ops::RangeInclusive;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use crate::storage::file::birth::Birth;
use crate::storage::file::check::{self, Meter, Progress};
use crate::storage::file::checksum::Salt;
use crate::storage::file::disk::Disk;
use crate::storage::file::journal::SEQUENCES_END;
use crate::storage::file::manifest::Manifest;
use crate::storage::file::names;
use crate::storage::file::open::{self, open_run};
use crate::storage::file::repair::RepairPlan;
use crate::storage::file::repair::gather::{self, Gathered};
use crate::storage::file::repair::losses::Losses;
use crate::storage::file::repair::reading;
use crate::storage::file::repair::source::{self, Source};
use crate::storage::file::repair::survey::{Known, Span, Stretch, Survey, Won};
use crate::storage::file::run::{Key, PageCache, Run, RunSummary, Salvage};
use crate::storage::file::state::State;
use crate::{Answered, Conversation, KeyedRequest, KeyedRequests, MessageNumber, RoomId, StorageError};

/// What was found, and what is to be made of it.
pub(super) struct Findings {
    pub(super) salt: Salt,
    /// The manifest, if it is whole.
    pub(super) manifest: Option<Manifest>,
    /// The birth certificate, if it is whole and of this store.
    pub(super) birth: Option<Birth>,
    /// The sequence at which the new journal may begin.
    pub(super) sequence: u64,
    /// All that is kept but for the messages.
    pub(super) state: State,
    pub(super) kept: BTreeMap<Conversation, Stretch>,
    /// The messages that only the journal has.
    pub(super) of_journal: BTreeSet<Key>,
    /// The runs of the repaired store, oldest first.
    pub(super) runs: Vec<NewRun>,
    /// Whether the repaired store misses messages or rooms that there were.
    pub(super) dropped: bool,
    pub(super) losses: Losses,
}

/// A run of the repaired store.
pub(super) enum NewRun {
    /// A history file that is whole and stays as it is.
    Kept(RunSummary),
    /// The messages of this span, from these history files and perhaps from the journal.
    Written { span: Span, files: Vec<String>, journal: bool },
}

pub(super) fn plan<D: Disk>(
    disk: &D,
    progress: &mut dyn FnMut(Progress),
) -> Result<Option<RepairPlan<D>>, StorageError> {
    let lock = check::hold(disk)?;
    let bytes = bytes_of_all(disk)?;
    let verified = check::verify(disk, &mut |step: Progress| {
        progress(Progress { done: step.done, total: step.total + bytes });
    })?;
    if verified.is_sound() {
        return Ok(None);
    }
    let checked = verified.bytes;
    let mut meter = Meter::go_on(Progress { done: checked, total: checked + bytes }, progress);
    let findings = find(disk, &mut meter)?;
    meter.finish();
    Ok(Some(RepairPlan { disk: disk.clone(), lock, verified, findings }))
}

fn find<D: Disk>(disk: &D, meter: &mut Meter<'_>) -> Result<Findings, StorageError> {
    let manifest = whole(Manifest::load(disk))?.flatten();
    let (salt, birth) = match (&manifest, Birth::load(disk)) {
        (Some(manifest), birth) => (manifest.salt, whole(birth)?.filter(|birth| birth.salt == manifest.salt)),
        (None, birth) => birth.map(|birth| (birth.salt, Some(birth)))?,
    };
    let first = manifest.as_ref().map_or(0, |manifest| manifest.journal.first);
    let journal = gather::load_journal(disk)?;
    let gathered = gather::gather(disk, salt, first, &journal)?;
    let dropped = manifest.as_ref().is_some_and(|manifest| manifest.dropped);

    let files = history_files(disk, manifest.as_ref())?;
    let known = known(disk, salt, &files, &gathered)?;
    let mut survey = Survey::new(&gathered.rooms, known.clone(), dropped, files.len());
    let mut sources = Vec::new();
    for name in &files {
        sources.extend(
            reading::open(disk, name)?.map(|(file, bytes)| Source::History(Salvage::new(file, salt, bytes))),
        );
    }
    sources.push(Source::Journal(&gathered.posted));
    let start = meter.done();
    let reach = |done| meter.reach(start + done);
    let mut answered = answered_by_posts(&gathered.keyed);
    let take = |source, message: crate::MessageRef<'_>| {
        if let Some(requests) = answered.get_mut(&(message.conversation, message.number)) {
            requests.retain(|request| request.asked_for(message));
        }
        survey.take(source, message);
        Ok::<_, StorageError>(())
    };
    source::merge(&mut sources, reach, take)?;
    survey.finish();
    let Survey { kept, lost, won, of_journal, .. } = survey;

    let runs = new_runs(disk, salt, &files, &won, &kept)?;
    let rooms = lost_rooms(&gathered, known.keys().chain(kept.keys()).chain(lost.keys()), dropped);
    // The old journal is set aside: where its numbers are used up, they may begin anew.
    let behind = gathered.sequence.max(first).saturating_add(2);
    let sequence = if behind < SEQUENCES_END { behind } else { 1 };
    let (state, keyed) = new_state(gathered, &kept, &answered);
    let misses_messages = state.ends.keys().any(|conversation| {
        kept.get(conversation).is_none_or(|stretch| stretch.first != MessageNumber::FIRST)
    });
    let misses_rooms =
        state.rooms.iter().zip(1_u32..).any(|(created, number)| created.room.number() != number);
    let dropped = dropped || misses_messages || misses_rooms;
    let losses = Losses { messages: lost.into_values().collect(), rooms, keyed };
    Ok(Findings { salt, manifest, birth, sequence, state, kept, of_journal, runs, dropped, losses })
}

/// `None` for what is damaged.
fn whole<T>(loaded: Result<T, StorageError>) -> Result<Option<T>, StorageError> {
    match loaded {
        Ok(loaded) => Ok(Some(loaded)),
        Err(StorageError::Corrupt { .. }) => Ok(None),
        Err(error) => Err(error),
    }
}

fn bytes_of_all<D: Disk>(disk: &D) -> Result<u64, StorageError> {
    let names = open::names(disk)?;
    let ours = names.iter().filter(|name| names::is_history(name));
    ours.map(|name| Ok(reading::open(disk, name)?.map_or(0, |(_, bytes)| bytes))).sum()
}

/// All history files that there are: first those that the manifest names, then the others, the youngest first.
fn history_files<D: Disk>(disk: &D, manifest: Option<&Manifest>) -> Result<Vec<String>, StorageError> {
    let mut files: Vec<_> = open::names(disk)?.into_iter().filter(|name| names::is_history(name)).collect();
    let named = manifest.map(Manifest::live_names).unwrap_or_default();
    files.sort_by_key(|name| (!named.contains(name), core::cmp::Reverse(names::id(name))));
    Ok(files)
}

/// What the ends and the indexes tell of each conversation.
fn known<D: Disk>(
    disk: &D,
    salt: Salt,
    files: &[String],
    gathered: &Gathered<'_>,
) -> Result<BTreeMap<Conversation, Known>, StorageError> {
    let mut known: BTreeMap<Conversation, Known> = BTreeMap::new();
    for (conversation, end) in &gathered.ends {
        known.entry(*conversation).or_default().last = Some(end.number);
    }
    for name in files {
        if let Some(run) = open_as_told(disk, salt, name)? {
            run.claims(|first, last| known.entry(first.0).or_default().claim(first, last));
        }
    }
    Ok(known)
}

/// The run in the file `name`, if its end is whole and tells that it is the one.
fn open_as_told<D: Disk>(disk: &D, salt: Salt, name: &str) -> Result<Option<Run<D::File>>, StorageError> {
    let Some((file, _)) = reading::open(disk, name)? else { return Ok(None) };
    let told = Run::told(&file, salt).filter(|told| Some(told.id) == names::id(name));
    let cache = Arc::new(PageCache::new(0));
    told.map(|told| whole(open_run(disk, salt, told, &cache))).transpose().map(Option::flatten)
}

/// Sorts the sources into runs whose times do not overlap.
fn new_runs<D: Disk>(
    disk: &D,
    salt: Salt,
    files: &[String],
    won: &BTreeMap<usize, Won>,
    kept: &BTreeMap<Conversation, Stretch>,
) -> Result<Vec<NewRun>, StorageError> {
    let mut spans: Vec<_> =
        won.iter().filter_map(|(source, won)| Some((won.span?, *source, won.messages))).collect();
    spans.sort_by_key(|(span, source, _)| (span.first_at, *source));
    let mut groups: Vec<(Span, Vec<(usize, u64)>)> = Vec::new();
    for (span, source, messages) in spans {
        match groups.last_mut() {
            Some((of_all, sources)) if of_all.contains(span.first_at) => {
                of_all.last_at = of_all.last_at.max(span.last_at);
                sources.push((source, messages));
            }
            _ => groups.push((span, vec![(source, messages)])),
        }
    }
    let mut runs = Vec::new();
    for (span, mut sources) in groups {
        if let [(source, messages)] = sources.as_slice()
            && let Some(name) = files.get(*source)
            && let Some(summary) = stays(disk, salt, name, *messages, kept)?
        {
            runs.push(NewRun::Kept(summary));
            continue;
        }
        sources.sort_unstable();
        let names = sources.iter().filter_map(|(source, _)| files.get(*source).cloned());
        let journal = sources.iter().any(|(source, _)| *source == files.len());
        runs.push(NewRun::Written { span, files: names.collect(), journal });
    }
    Ok(runs)
}

/// The run in the file `name`, if it is whole and all its messages are kept.
fn stays<D: Disk>(
    disk: &D,
    salt: Salt,
    name: &str,
    messages: u64,
    kept: &BTreeMap<Conversation, Stretch>,
) -> Result<Option<RunSummary>, StorageError> {
    let Some(run) = open_as_told(disk, salt, name)? else { return Ok(None) };
    let mut all_kept = run.summary().messages == messages;
    run.claims(|(conversation, first), (_, last)| {
        let stretch = kept.get(&conversation);
        all_kept &= stretch.is_some_and(|stretch| stretch.first <= first && last <= stretch.last.number);
    });
    let is_whole = all_kept && whole(run.check(|_| Ok(())))?.is_some();
    Ok(is_whole.then(|| *run.summary()))
}

/// The rooms that there were, as anything tells, and of which there is no record.
fn lost_rooms<'c>(
    gathered: &Gathered<'_>,
    conversations: impl Iterator<Item = &'c Conversation>,
    dropped: bool,
) -> Vec<RangeInclusive<RoomId>> {
    let told = conversations.filter_map(|conversation| match conversation {
        Conversation::Broadcast => None,
        Conversation::Room(room) => Some(*room),
    });
    let answered = gathered.keyed.in_order_of_time().into_iter().map(|request| match request.answer {
        Answered::Posted { conversation: Conversation::Room(room), .. } | Answered::RoomCreated { room } => {
            Some(room)
        }
        Answered::Posted { conversation: Conversation::Broadcast, .. } => None,
    });
    let told: BTreeSet<_> = told.chain(answered.flatten()).collect();
    let mut lost = told.into_iter().filter(|room| !gathered.rooms.contains_key(room));
    if dropped { in_rows(lost) } else { gaps(gathered.rooms.keys().copied(), lost.next_back()) }
}

/// Rooms in order, as ranges.
fn in_rows(rooms: impl Iterator<Item = RoomId>) -> Vec<RangeInclusive<RoomId>> {
    let mut rows: Vec<RangeInclusive<RoomId>> = Vec::new();
    for room in rooms {
        match rows.last_mut() {
            Some(row) if row.end().next() == Some(room) => *row = *row.start()..=room,
            _ => rows.push(room..=room),
        }
    }
    rows
}

/// The numbers that are missing before each of `rooms`, which are in order, and up to `last`. There may be billions.
fn gaps(rooms: impl Iterator<Item = RoomId>, last: Option<RoomId>) -> Vec<RangeInclusive<RoomId>> {
    let mut due = Some(RoomId::FIRST);
    let mut gaps = Vec::new();
    for room in rooms {
        let before = RoomId::new(room.number() - 1);
        gaps.extend(due.zip(before).map(|(due, before)| due..=before));
        due = room.next();
    }
    gaps.extend(due.zip(last).map(|(due, last)| due..=last));
    gaps.retain(|gap| !gap.is_empty());
    gaps
}

/// The keyed requests that were answered with a message.
type AnsweredByPosts = BTreeMap<(Conversation, MessageNumber), Vec<KeyedRequest>>;

fn answered_by_posts(keyed: &KeyedRequests) -> AnsweredByPosts {
    let mut answered = AnsweredByPosts::new();
    for request in keyed.in_order_of_time() {
        if let Answered::Posted { conversation, number } = request.answer {
            answered.entry((conversation, number)).or_default().push(request);
        }
    }
    answered
}

/// The state of the repaired store, and how many keyed requests are not in it: those of which the message is lost, or is another one than
/// was `answered`.
fn new_state(
    gathered: Gathered<'_>,
    kept: &BTreeMap<Conversation, Stretch>,
    answered: &AnsweredByPosts,
) -> (State, u64) {
    let Gathered { rooms, mut ends, keyed, .. } = gathered;
    ends.retain(|conversation, _| match conversation {
        Conversation::Broadcast => true,
        Conversation::Room(room) => rooms.contains_key(room),
    });
    ends.extend(kept.iter().map(|(conversation, stretch)| (*conversation, stretch.last)));
    let (mut remembered, mut forgotten) = (KeyedRequests::default(), 0);
    for request in keyed.in_order_of_time() {
        let is_kept = match request.answer {
            Answered::Posted { conversation, number } => {
                let stretch = kept.get(&conversation);
                stretch.is_some_and(|stretch| stretch.first <= number && number <= stretch.last.number)
                    && answered.get(&(conversation, number)).is_some_and(|those| those.contains(&request))
            }
            Answered::RoomCreated { room } => rooms.get(&room).is_some_and(|room| room.at == request.at),
        };
        if is_kept { remembered.remember(request) } else { forgotten += 1 }
    }
    (State { rooms: rooms.into_values().collect(), ends, keyed: remembered }, forgotten)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rooms(numbers: &[u32]) -> impl DoubleEndedIterator<Item = RoomId> {
        numbers.iter().map(|&number| RoomId::new(number).unwrap())
    }

    fn ranges(ranges: Vec<RangeInclusive<RoomId>>) -> Vec<(u32, u32)> {
        ranges.into_iter().map(|range| (range.start().number(), range.end().number())).collect()
    }

    #[test]
    fn rooms_are_told_as_ranges() {
        assert!(in_rows(rooms(&[])).is_empty());
        assert_eq!(
            ranges(in_rows(rooms(&[2, 3, 4, 6, 9, u32::MAX]))),
            [(2, 4), (6, 6), (9, 9), (u32::MAX, u32::MAX)]
        );
    }

    #[test]
    fn the_rooms_that_are_missing_among_others_are_told_up_to_the_last_that_there_was() {
        let last = |number| RoomId::new(number);
        assert!(gaps(rooms(&[]), None).is_empty());
        assert!(gaps(rooms(&[1, 2]), None).is_empty());
        assert_eq!(ranges(gaps(rooms(&[2, 3, 7]), last(9))), [(1, 1), (4, 6), (8, 9)]);
        assert_eq!(ranges(gaps(rooms(&[1, 7]), last(5))), [(2, 6)]);
    }
}
