//! A repair keeps what can be kept, says what it does not, invents nothing, and may be broken off.

mod broken_off;
mod losses;

use std::collections::{BTreeMap, BTreeSet};

use super::model::messages;
use super::sample::{self, Sample, sample};
use super::script::{Draft, Kind, Writer, conversations};
use crate::simulated::{Call, Effort, Fault, SimDisk};
use crate::storage::file::samples::posted;
use crate::{
    Conversation, Disk, Epoch, FileOptions, FileStorage, History, Housekeeping, Losses, MemoryStorage,
    Message, Progress, Record, RepairPlan, Retention, RoomId, Storage, StorageError, Tail, Verified,
};

const RANDOM: [u8; 16] = *b"new epochrandom.";

fn plan(disk: &SimDisk) -> Option<RepairPlan<SimDisk>> {
    RepairPlan::make_on(disk, |_| {}).unwrap()
}

fn verify(disk: &SimDisk) -> Verified {
    FileStorage::verify_on(disk, |_| {}).unwrap()
}

/// Whether the journal may have been damaged.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Journal {
    Whole,
    Damaged,
}

fn journal_of(damaged: &str) -> Journal {
    if damaged.starts_with("journal-") { Journal::Damaged } else { Journal::Whole }
}

/// A disk with the same files, all durable.
fn copy(disk: &SimDisk) -> SimDisk {
    let copy = SimDisk::new();
    for name in disk.names().unwrap() {
        copy.put(&name, &disk.bytes_of(&name).unwrap());
    }
    copy
}

fn files(disk: &SimDisk) -> BTreeMap<String, Vec<u8>> {
    let names = disk.names().unwrap().into_iter().filter(|name| name != "lock");
    names.map(|name| (name.clone(), disk.bytes_of(&name).unwrap())).collect()
}

/// All messages that a store with these losses must have. Where the journal is damaged nobody may know that there were more.
fn expected(memory: &MemoryStorage, losses: &Losses, ends: &[Tail], journal: Journal) -> Vec<Message> {
    let is_untold = |message: &Message| {
        let end = ends.iter().find(|tail| tail.conversation == message.conversation);
        journal == Journal::Damaged && end.is_none_or(|end| message.number > end.number)
    };
    let is_lost = |message: &Message| {
        let of_conversation = losses.messages.iter().filter(|lost| lost.conversation == message.conversation);
        of_conversation
            .flat_map(|lost| lost.unreadable.iter().chain(&lost.given_up))
            .any(|range| range.contains(&message.number))
    };
    let all = conversations().flat_map(|conversation| messages(memory, conversation, None, usize::MAX));
    all.filter(|message| !is_lost(message) && !is_untold(message)).collect()
}

/// Repairs the store, and checks that it is what was planned.
fn repair(disk: &SimDisk, memory: &mut MemoryStorage, journal: Journal, what: &str) -> Losses {
    let before = files(disk);
    let operations = disk.operations();
    let plan = plan(disk).expect("it is damaged");
    assert_eq!(disk.operations(), operations, "{what}: planning wrote something");
    let losses = plan.losses().clone();
    let old_epoch = plan.verified().epoch;
    let repaired = plan.carry_out(RANDOM, |_| {}).unwrap_or_else(|error| panic!("{what}: {error}"));
    let verified = verify(disk);
    assert!(verified.is_sound(), "{what}: {:?}", verified.damage);
    assert_eq!((verified.digest, verified.epoch), (repaired.digest, repaired.epoch), "{what}");
    assert_ne!(verified.epoch, old_epoch, "{what}");
    check_originals(&before, &files(disk), what);
    check_contents(disk, memory, &losses, journal, what);
    losses
}

/// Every file that was there is there still, byte for byte, under its name or set aside.
fn check_originals(before: &BTreeMap<String, Vec<u8>>, after: &BTreeMap<String, Vec<u8>>, what: &str) {
    for (name, bytes) in before {
        let mut kept = after.iter().filter(|(now, _)| {
            *now == name || now.strip_prefix(name.as_str()).is_some_and(|rest| rest.starts_with(".damaged-"))
        });
        assert!(kept.any(|(_, now)| now == bytes), "{what}: {name} is gone");
    }
}

fn check_contents(disk: &SimDisk, memory: &mut MemoryStorage, losses: &Losses, journal: Journal, what: &str) {
    let disk = copy(disk);
    let mut store = FileStorage::open_on(disk, sample::options()).unwrap();
    let kept: Vec<_> =
        conversations().flat_map(|conversation| messages(&store, conversation, None, usize::MAX)).collect();
    let (found, was) = (store.recover().unwrap(), memory.recover().unwrap());
    let expected = expected(memory, losses, &found.tails, journal);
    assert!(kept == expected, "{what}: {losses:?}\n{kept:?}\n{expected:?}");
    let is_lost = |room| losses.rooms.iter().any(|lost| lost.contains(&room));
    let mut rooms: Vec<_> = was.rooms.into_iter().filter(|created| !is_lost(created.room)).collect();
    if journal == Journal::Damaged {
        rooms.truncate(found.rooms.len());
    }
    assert_eq!(found.rooms, rooms, "{what}");
    assert!(found.keyed.iter().all(|request| was.keyed.contains(request)), "{what}: a request is invented");
    for tail in &found.tails {
        if let Some(end) = kept.iter().rfind(|message| message.conversation == tail.conversation) {
            assert_eq!((tail.number, tail.at), (end.number, end.at), "{what}");
        }
    }
    for lost in &losses.messages {
        let of_it = kept.iter().filter(|message| message.conversation == lost.conversation);
        let numbers: Vec<_> = of_it.map(|message| message.number).collect();
        let range = numbers.first().zip(numbers.last()).map(|(first, last)| *first..=*last);
        assert_eq!(lost.kept, range, "{what}");
    }
}

#[test]
fn a_sound_store_is_left_alone() {
    let Sample { disk, .. } = sample(40);
    let before = files(&disk);
    assert!(plan(&disk).is_none());
    assert_eq!(files(&disk), before);
}

#[test]
fn after_a_flipped_bit_all_is_kept_that_is_planned_to_be() {
    let Sample { disk, mut memory } = sample(14);
    for (name, whole) in files(&disk) {
        for byte in (0..whole.len()).step_by(7) {
            let disk = copy(&disk);
            let mut bytes = whole.clone();
            bytes[byte] ^= 0x10;
            disk.put(&name, &bytes);
            if verify(&disk).is_sound() {
                assert!(plan(&disk).is_none());
                continue;
            }
            let losses = repair(&disk, &mut memory, journal_of(&name), &format!("{name}, byte {byte}"));
            if name == "manifest" || name == "birth" {
                assert!(losses.is_empty(), "{name} holds nothing that is not elsewhere: {losses:?}");
            }
        }
    }
}

#[test]
fn after_a_cut_all_is_kept_that_is_planned_to_be() {
    let Sample { disk, mut memory } = sample(30);
    for (name, whole) in files(&disk) {
        for length in [0, 1, whole.len() / 3, whole.len() / 2, whole.len() - 1] {
            let disk = copy(&disk);
            disk.put(&name, &whole[..length]);
            if !verify(&disk).is_sound() {
                repair(&disk, &mut memory, journal_of(&name), &format!("{name}, cut at {length}"));
            }
        }
    }
}

#[test]
fn any_missing_file_is_mended_as_far_as_it_can_be() {
    let Sample { disk, mut memory } = sample(40);
    let mut lost = BTreeSet::new();
    for name in files(&disk).into_keys() {
        let disk = copy(&disk);
        disk.remove(&name).unwrap();
        let is_damaged = !verify(&disk).is_sound();
        if is_damaged && !repair(&disk, &mut memory, journal_of(&name), &name).is_empty() {
            lost.insert(name);
        }
    }
    let kinds: BTreeSet<_> = lost.iter().map(|name| name.split('-').next().unwrap()).collect();
    assert_eq!(kinds, ["history", "state"].into(), "what lies there lies nowhere else: {lost:?}");
}

#[test]
fn damage_everywhere_at_once_is_mended_as_far_as_it_can_be() {
    for seed in 0..40 {
        let Sample { disk, mut memory } = sample(40);
        let mut state = seed * 2 + 1_u64;
        for (name, mut bytes) in files(&disk) {
            // A linear congruential generator: what is damaged need only be spread.
            for _ in 0..3 {
                state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
                let at = usize::try_from(state >> 33).unwrap() % bytes.len();
                // Without `birth` nothing could be repaired, and a damaged number of the format passes for a newer one.
                if name != "birth" && !(name == "manifest" && (8..12).contains(&at)) {
                    bytes[at] ^= 0xff;
                }
            }
            disk.put(&name, &bytes);
        }
        repair(&disk, &mut memory, Journal::Damaged, &format!("seed {seed}"));
    }
}

#[test]
fn a_repair_does_not_wait_for_the_disk_at_every_block() {
    let disk = SimDisk::new();
    let mut store = FileStorage::open_on(disk.clone(), sample::options().journal_bytes(1 << 20)).unwrap();
    let body = "x".repeat(8000);
    let records: Vec<_> = (1..=60).map(|number| posted(number, &body)).collect();
    store.append(&records).unwrap();
    store.close().unwrap();
    let (name, mut bytes) = files(&disk).into_iter().find(|(name, _)| name.starts_with("history-")).unwrap();
    *bytes.last_mut().unwrap() ^= 1;
    disk.put(&name, &bytes);
    let before = disk.calls(Call::Sync);
    plan(&disk).unwrap().carry_out(RANDOM, |_| {}).unwrap();
    let syncs = disk.calls(Call::Sync) - before;
    assert!(syncs < 10, "{syncs} syncs");
    assert!(verify(&disk).is_sound());
}

#[test]
fn what_the_disk_cannot_read_counts_as_damaged() {
    let Sample { disk, mut memory } = sample(40);
    let name = files(&disk).into_keys().find(|name| name.starts_with("history-")).unwrap();
    disk.inject(Fault::nth(1).of(Call::Read).in_files(&name).forever());
    let losses = repair(&disk, &mut memory, Journal::Whole, &name);
    assert!(!losses.is_empty());
}

#[test]
fn a_store_can_be_repaired_again() {
    let Sample { disk, mut memory } = sample(40);
    for number in 1..4 {
        disk.put("manifest", b"TOOM");
        let old = repair(&disk, &mut memory, Journal::Whole, "again");
        assert!(old.is_empty());
        assert!(files(&disk).contains_key(&format!("manifest.damaged-{number}")));
    }
}

#[test]
fn a_store_in_a_folder_is_repaired_and_the_plan_tells_what_is_damaged() {
    let folder = tempfile::tempdir().unwrap();
    let mut store = FileStorage::open(folder.path(), sample::options()).unwrap();
    for records in sample::batches(5) {
        store.append(&records).unwrap();
    }
    store.close().unwrap();
    assert!(RepairPlan::make(folder.path(), |_| {}).unwrap().is_none());
    std::fs::write(folder.path().join("manifest"), b"TOOM").unwrap();
    let plan = RepairPlan::make(folder.path(), |_| {}).unwrap().unwrap();
    let [error] = plan.damage() else { panic!("{plan:?}") };
    assert!(error.to_string().contains("it does not begin as a manifest does"), "{error}");
    assert_eq!(plan.verified().damage.len(), 1);
    assert!(format!("{plan:?}").contains("does not begin as a manifest"), "{plan:?}");
    assert!(plan.carry_out(RANDOM, |_| {}).unwrap().is_sound());
    let mut store = FileStorage::open(folder.path(), sample::options()).unwrap();
    assert_eq!(store.recover().unwrap().rooms.len(), 2);
}

#[test]
fn a_repair_without_room_leaves_the_files_that_there_were_and_no_others() {
    for (disk, _) in damaged() {
        let planned = plan(&disk).unwrap();
        let before = files(&disk);
        let bytes: usize = before.values().map(Vec::len).sum();
        disk.set_bytes_max(Some(bytes + 100));
        let error = planned.carry_out(RANDOM, |_| {}).unwrap_err();
        assert!(error.is_harmless(), "{error}");
        assert_eq!(files(&disk).keys().collect::<Vec<_>>(), before.keys().collect::<Vec<_>>());
    }
}

#[test]
fn the_store_is_held_from_the_plan_on() {
    let Sample { disk, .. } = sample(20);
    disk.put("manifest", b"TOOM");
    let planned = plan(&disk).unwrap();
    let error = FileStorage::open_on(disk.clone(), sample::options()).unwrap_err();
    assert!(matches!(error, StorageError::InUse { .. }), "{error}");
    planned.carry_out(RANDOM, |_| {}).unwrap();
    FileStorage::open_on(disk, sample::options()).unwrap();
}

#[test]
fn progress_rises_to_the_whole() {
    let told = |told: &[Progress]| {
        assert!(told.is_sorted_by_key(|step| step.done), "{told:?}");
        let last = told.last().unwrap();
        assert_eq!(last.done, last.total);
        assert!(told.iter().all(|step| step.total == last.total), "{told:?}");
    };
    for damaged in ["manifest", "history-"] {
        let Sample { disk, .. } = sample(40);
        let name = files(&disk).into_keys().find(|name| name.starts_with(damaged)).unwrap();
        disk.put(&name, b"TOOM");
        let (mut planning, mut carrying) = (Vec::new(), Vec::new());
        let planned = RepairPlan::make_on(&disk, |step| planning.push(step)).unwrap().unwrap();
        told(&planning);
        planned.carry_out(RANDOM, |step| carrying.push(step)).unwrap();
        told(&carrying);
    }
}

/// A store with two history files of so many messages, and nothing else.
fn two_files(messages: [usize; 2], body: &str) -> (SimDisk, Vec<String>) {
    let disk = SimDisk::new();
    let options = FileOptions::new([9; 16]).journal_bytes(3 << 20).housekeeping(Housekeeping::Caller);
    let mut numbers = 1..;
    for messages in messages {
        let mut store = FileStorage::open_on(disk.clone(), options).unwrap();
        let records: Vec<_> = numbers.by_ref().take(messages).map(|number| posted(number, body)).collect();
        store.append(&records).unwrap();
        store.close().unwrap();
    }
    let history = files(&disk).into_keys().filter(|name| name.starts_with("history-")).collect();
    (disk, history)
}

/// Flips a bit in the last page of the index of each of these files: which messages there are is told by nothing but their blocks.
fn damage_indexes(disk: &SimDisk, names: &[String]) {
    for name in names {
        let mut bytes = disk.bytes_of(name).unwrap();
        let last_page = bytes.len() - 200;
        bytes[last_page] ^= 1;
        disk.put(name, &bytes);
    }
}

#[test]
fn a_large_repair_tells_its_progress_evenly_of_all_that_it_reads() {
    let (disk, names) = two_files([700, 600], &"A body that makes a message long. ".repeat(120));
    let bytes: Vec<_> = names.iter().map(|name| disk.bytes_of(name).unwrap().len() as u64).collect();
    assert!(bytes.len() == 2 && bytes.iter().all(|bytes| *bytes > 2 << 20), "{bytes:?}");
    damage_indexes(&disk, &names);
    let (mut planning, mut carrying) = (Vec::new(), Vec::new());
    let planned = RepairPlan::make_on(&disk, |step| planning.push(step)).unwrap().unwrap();
    let verified = planned.verified().bytes;
    planned.carry_out(RANDOM, |step| carrying.push(step)).unwrap();
    let of_both = bytes.iter().sum::<u64>();
    // What was verified is the first part of a plan. Journals are passed in one step, at the end of what is verified.
    for (told, from, total) in [(&planning, verified, verified + of_both), (&carrying, 0, 2 * of_both)] {
        assert!(told.iter().all(|step| step.total == total), "{total}: {told:?}");
        let done: Vec<_> = told.iter().map(|step| step.done).filter(|done| *done >= from).collect();
        let (last, evenly) = done.split_last().unwrap();
        assert_eq!((evenly.first(), *last), (Some(&from), total));
        assert!(evenly.windows(2).all(|two| two[0] <= two[1] && two[1] - two[0] < 2 << 20), "{done:?}");
    }
}

#[test]
fn messages_lie_as_close_together_after_a_repair_as_before() {
    let (disk, names) = two_files([700, 600], "May the Force be with you.");
    let before = names.iter().map(|name| disk.bytes_of(name).unwrap().len()).sum::<usize>();
    damage_indexes(&disk, &names);
    let planned = plan(&disk).unwrap();
    assert!(planned.losses().is_empty(), "{:?}", planned.losses());
    planned.carry_out(RANDOM, |_| {}).unwrap();
    let now = files(&disk)
        .into_iter()
        .filter(|(name, _)| name.starts_with("history-") && !name.contains("damaged"));
    let after = now.map(|(_, bytes)| bytes.len()).sum::<usize>();
    assert_eq!(after, before);
}

/// A store that lost a block, its manifest, or its state file.
fn damaged() -> Vec<(SimDisk, MemoryStorage)> {
    let damage: [fn(&SimDisk); 3] = [
        |disk| {
            let found = files(disk).into_iter().find(|(name, _)| name.starts_with("history-"));
            let (name, mut bytes) = found.unwrap();
            bytes[40] ^= 1;
            disk.put(&name, &bytes);
        },
        |disk| disk.put("manifest", b"TOOM"),
        |disk| {
            let name = files(disk).into_keys().find(|name| name.starts_with("state-")).unwrap();
            disk.remove(&name).unwrap();
            disk.put("birth", &[1; 32]);
        },
    ];
    let make = |damage: fn(&SimDisk)| {
        let Sample { disk, memory } = sample(16);
        damage(&disk);
        (copy(&disk), memory)
    };
    damage.into_iter().map(make).collect()
}
