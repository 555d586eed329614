use std::collections::BTreeSet;
use std::io::ErrorKind;

use super::*;

/// A disk with one file `a` of these bytes, all of it synced.
fn disk_with(bytes: &[u8]) -> (SimDisk, SimFile) {
    let disk = SimDisk::new();
    let file = disk.create("a").unwrap();
    file.write_at(bytes, 0).unwrap();
    file.sync().unwrap();
    disk.sync_names().unwrap();
    (disk, file)
}

/// All crashes of the disk as it is now.
fn crashes(disk: &SimDisk) -> Vec<Crash> {
    disk.record();
    disk.trace().unwrap().crashes(Effort::default()).collect()
}

/// What the crashes leave of the file `a`.
fn outcomes(disk: &SimDisk) -> BTreeSet<Option<Vec<u8>>> {
    let chosen = crashes(disk).into_iter().map(|crash| crash.disk);
    chosen.chain((0..2_000).map(|seed| disk.crash_seeded(seed))).map(|disk| disk.bytes_of("a")).collect()
}

fn names(disk: &SimDisk) -> Vec<String> {
    disk.names().unwrap()
}

#[test]
fn what_is_synced_survives_every_crash_even_where_its_sector_is_written_again() {
    let (disk, file) = disk_with(&[1; 1_500]);
    file.write_at(&[2; 1_000], 1_500).unwrap();
    let outcomes = outcomes(&disk);
    assert!(outcomes.len() > 100);
    assert!(outcomes.iter().flatten().all(|bytes| bytes.starts_with(&[1; 1_500])));
    assert!(!outcomes.contains(&None));
}

#[test]
fn an_unsynced_write_is_lost_kept_torn_or_spoilt() {
    let (disk, file) = disk_with(&[1; 1_024]);
    file.write_at(&[2; 1_024], 0).unwrap();
    let outcomes = outcomes(&disk);
    for (first, second) in [(1, 1), (2, 2), (1, 2), (2, 1), (0, 2), (2, 0), (0xA5, 2), (2, 0xA5), (0, 0)] {
        let bytes = [[first; 512], [second; 512]].concat();
        assert!(outcomes.contains(&Some(bytes)), "{first} and {second} was not seen");
    }
}

#[test]
fn bytes_of_elsewhere_in_the_file_may_take_the_place_of_unsynced_ones() {
    let (disk, file) = disk_with(&[[1; 512], [2; 512], [3; 512]].concat());
    file.write_at(&[4; 512], 1_024).unwrap();
    assert!(outcomes(&disk).contains(&Some([[1; 512], [2; 512], [1; 512]].concat())));
    let (disk, file) = disk_with(&[[1; 512], [2; 512], [3; 512]].concat());
    file.write_at(&[4; 512], 0).unwrap();
    assert!(outcomes(&disk).contains(&Some([[2; 512], [2; 512], [3; 512]].concat())));
}

#[test]
fn a_later_write_may_arrive_without_an_earlier_one() {
    let (disk, file) = disk_with(&[0; 2_048]);
    file.write_at(b"first", 0).unwrap();
    file.write_at(b"second", 1_024).unwrap();
    let mut reordered = vec![0; 2_048];
    reordered[1_024..1_030].copy_from_slice(b"second");
    assert!(outcomes(&disk).contains(&Some(reordered)));
}

#[test]
fn within_a_sector_a_later_write_arrives_with_the_earlier_ones_alone() {
    let (disk, file) = disk_with(&[0; 512]);
    file.write_at(b"first", 0).unwrap();
    file.write_at(b"second", 100).unwrap();
    let seen: BTreeSet<_> = (0..2_000)
        .filter_map(|seed| disk.crash_seeded(seed).bytes_of("a"))
        .map(|bytes| (bytes.starts_with(b"first"), bytes[100..].starts_with(b"second")))
        .collect();
    assert_eq!(seen, [(false, false), (true, false), (true, true)].into());
}

#[test]
fn a_file_that_has_grown_has_the_old_length_the_new_one_or_any_between() {
    let (disk, file) = disk_with(&[1; 10]);
    file.write_at(&[2; 10], 10).unwrap();
    let lengths: BTreeSet<_> = outcomes(&disk).iter().flatten().map(Vec::len).collect();
    assert_eq!(lengths, (10..=20).collect());
}

#[test]
fn the_crashes_of_twelve_sectors_are_all_their_subsets() {
    let (disk, file) = disk_with(&[1; 12 * 512]);
    file.write_at(&[2; 12 * 512], 0).unwrap();
    let bytes = |crash: &Crash| crash.disk.bytes_of("a").unwrap();
    let crashes = crashes(&disk);
    let first_bytes =
        crashes.iter().map(bytes).map(|bytes| bytes.chunks(512).map(|sector| sector[0]).collect());
    let subsets: BTreeSet<Vec<u8>> = first_bytes.collect();
    for other in [0, 1, 0xA5] {
        let of_two = subsets.iter().filter(|subset| subset.iter().all(|byte| [2, other].contains(byte)));
        assert_eq!(of_two.count(), 1 << 12, "the others being {other}");
    }
    // What is misplaced looks as if it were written; all four kinds agree where nothing is lost.
    assert_eq!(crashes.len(), 4 * (1 << 12) - 3);
}

#[test]
fn of_too_many_crashes_so_many_are_drawn_the_same_for_the_same_seed() {
    let (disk, file) = disk_with(&vec![1; 100 * 512]);
    file.write_at(&vec![2; 100 * 512], 0).unwrap();
    disk.record();
    let drawn = |seed| {
        let effort = Effort { drawn: 300, seed, ..Effort::default() };
        disk.trace()
            .unwrap()
            .crashes(effort)
            .map(|crash| crash.disk.bytes_of("a").unwrap())
            .collect::<Vec<_>>()
    };
    assert_eq!(drawn(7), drawn(7));
    assert_ne!(drawn(7), drawn(8));
    assert_eq!(drawn(7).len(), 300);
    assert!(drawn(7).contains(&vec![1; 100 * 512]) && drawn(7).contains(&vec![2; 100 * 512]));
}

#[test]
fn the_first_two_that_are_drawn_have_lost_all_and_nothing() {
    let (disk, file) = disk_with(&[]);
    file.write_at(&vec![1; 100 * 512], 0).unwrap();
    file.write_at(&vec![2; 100 * 512], 0).unwrap();
    disk.create("b").unwrap();
    disk.record();
    let effort = Effort { drawn: 2, ..Effort::default() };
    let left: Vec<_> = disk.trace().unwrap().crashes(effort).map(|crash| crash.disk).collect();
    assert_eq!((left[0].bytes_of("a").unwrap(), names(&left[0])), (vec![], vec!["a".to_owned()]));
    assert_eq!((left[1].bytes_of("a"), names(&left[1])), (disk.bytes_of("a"), names(&disk)));
}

#[test]
fn some_of_those_that_are_drawn_have_lost_one_sector_alone() {
    let (disk, file) = disk_with(&vec![1; 100 * 512]);
    file.write_at(&vec![2; 100 * 512], 0).unwrap();
    for name in 0..20 {
        disk.create(&format!("b{name}")).unwrap();
    }
    disk.record();
    let effort = Effort { drawn: 30, ..Effort::default() };
    let lost_one = |crash: Crash| {
        let bytes = crash.disk.bytes_of("a").unwrap();
        bytes.iter().filter(|byte| **byte != 2).count() == 512 && names(&crash.disk) == names(&disk)
    };
    assert!(disk.trace().unwrap().crashes(effort).any(lost_one));
}

#[test]
fn a_failed_sync_gives_up_bytes_that_are_still_read_and_a_second_sync_does_not_bring_them_back() {
    let (disk, file) = disk_with(b"old");
    disk.inject(Fault::nth(1).of(Call::Sync));
    file.write_at(b"new", 0).unwrap();
    assert!(file.sync().is_err());
    file.sync().unwrap();
    assert_eq!((disk.bytes_of("a").unwrap(), disk.syncs_repeated()), (b"new".to_vec(), 1));
    assert!(outcomes(&disk).is_superset(&[Some(b"old".to_vec()), Some(b"new".to_vec())].into()));
}

#[test]
fn what_is_written_anew_after_a_failed_sync_is_made_durable_by_the_next() {
    let (disk, file) = disk_with(&[1; 1_024]);
    disk.inject(Fault::nth(1).of(Call::Sync));
    file.write_at(&[2; 1_024], 0).unwrap();
    assert!(file.sync().is_err());
    file.write_at(&[3; 512], 0).unwrap();
    file.sync().unwrap();
    let outcomes = outcomes(&disk);
    assert!(outcomes.len() > 1);
    assert!(outcomes.iter().flatten().all(|bytes| bytes.starts_with(&[3; 512])));
    assert!(outcomes.contains(&Some([[3; 512], [1; 512]].concat())));
}

#[test]
fn a_sync_after_the_folder_was_given_up_and_held_again_is_no_repeated_one() {
    let (disk, file) = disk_with(b"old");
    let lock = disk.lock("lock").unwrap();
    disk.inject(Fault::nth(1).of(Call::Sync));
    assert!(file.sync().is_err());
    drop(lock);
    let _lock = disk.lock("lock").unwrap();
    file.sync().unwrap();
    assert_eq!(disk.syncs_repeated(), 0);
}

#[test]
fn a_name_that_was_not_synced_may_be_lost_and_one_that_was_never_is() {
    let (disk, _file) = disk_with(b"a");
    disk.create("b").unwrap();
    let seen: BTreeSet<_> = crashes(&disk).iter().map(|crash| names(&crash.disk)).collect();
    assert_eq!(seen, [vec!["a".to_owned()], vec!["a".to_owned(), "b".to_owned()]].into());
    disk.sync_names().unwrap();
    assert!(crashes(&disk).iter().all(|crash| names(&crash.disk) == ["a", "b"]));
}

#[test]
fn a_removed_file_may_come_back_with_its_bytes() {
    let (disk, _file) = disk_with(b"here");
    disk.remove("a").unwrap();
    assert_eq!(outcomes(&disk), [None, Some(b"here".to_vec())].into());
    disk.sync_names().unwrap();
    assert_eq!(outcomes(&disk), [None].into());
}

#[test]
fn a_rename_may_be_durable_before_the_bytes_that_were_not_synced() {
    let (disk, _file) = disk_with(b"old");
    disk.create("a.new").unwrap().write_at(b"new", 0).unwrap();
    disk.rename("a.new", "a").unwrap();
    assert!(
        outcomes(&disk).is_superset(&[Some(b"old".to_vec()), Some(b"new".to_vec()), Some(vec![])].into())
    );
}

#[test]
fn a_synced_file_that_was_renamed_is_the_old_one_or_the_new_one() {
    let (disk, _file) = disk_with(b"old");
    let new = disk.create("a.new").unwrap();
    new.write_at(b"new", 0).unwrap();
    new.sync().unwrap();
    disk.rename("a.new", "a").unwrap();
    assert_eq!(outcomes(&disk), [Some(b"old".to_vec()), Some(b"new".to_vec())].into());
    disk.sync_names().unwrap();
    assert_eq!(outcomes(&disk), [Some(b"new".to_vec())].into());
}

#[test]
fn a_failed_sync_of_names_makes_none_durable() {
    let (disk, _file) = disk_with(b"a");
    disk.inject(Fault::nth(1).of(Call::SyncNames));
    disk.create("b").unwrap();
    assert!(disk.sync_names().is_err());
    assert!(crashes(&disk).iter().any(|crash| names(&crash.disk) == ["a"]));
}

#[test]
fn a_full_disk_takes_what_fits_and_goes_on_when_there_is_room_again() {
    let (disk, file) = disk_with(b"1234");
    let other = disk.create("b").unwrap();
    other.write_at(b"1234", 0).unwrap();
    disk.set_bytes_max(Some(10));
    assert_eq!(file.write_at(b"5678", 4).unwrap_err().kind(), ErrorKind::StorageFull);
    assert_eq!(disk.bytes_of("a").unwrap(), b"123456");
    file.write_at(b"abcdef", 0).unwrap();
    drop(other);
    disk.remove("b").unwrap();
    file.write_at(b"5678", 4).unwrap();
    assert_eq!(
        (disk.bytes_of("a").unwrap(), disk.bytes_used(), disk.bytes_peak()),
        (b"abcd5678".to_vec(), 8, 10)
    );
}

#[test]
fn a_removed_file_takes_room_while_it_is_open() {
    let (disk, file) = disk_with(b"1234");
    disk.remove("a").unwrap();
    assert_eq!(disk.bytes_used(), 4);
    drop(file);
    assert_eq!(disk.bytes_used(), 0);
}

#[test]
fn the_nth_call_of_a_kind_fails_once() {
    let (disk, file) = disk_with(b"");
    disk.inject(Fault::nth(2).of(Call::Write));
    let written: Vec<_> = (0..4).map(|at| file.write_at(b"x", at).is_ok()).collect();
    assert_eq!((written, disk.faults_hit()), (vec![true, false, true, true], 1));
}

#[test]
fn a_fault_may_last_until_it_is_healed() {
    let (disk, file) = disk_with(b"");
    disk.inject(Fault::nth(2).forever());
    let read: Vec<_> = (0..3).map(|_| file.len().is_ok()).collect();
    assert!(disk.create("b").is_err());
    disk.heal();
    disk.create("b").unwrap();
    assert_eq!((read, disk.faults_hit()), (vec![true, false, false], 3));
}

#[test]
fn a_fault_of_some_files_leaves_others_alone() {
    let (disk, file) = disk_with(b"");
    disk.inject(Fault::nth(1).of(Call::Write).in_files("journal").full());
    file.write_at(b"x", 0).unwrap();
    let journal = disk.create("journal-1").unwrap();
    assert_eq!(journal.write_at(b"x", 0).unwrap_err().kind(), ErrorKind::StorageFull);
}

#[test]
fn a_torn_write_leaves_its_first_bytes_and_fails() {
    let (disk, file) = disk_with(b"old!");
    disk.inject(Fault::nth(1).of(Call::Write).torn(2));
    assert!(file.write_at(b"new", 0).is_err());
    assert_eq!(disk.bytes_of("a").unwrap(), b"ned!");
}

#[test]
fn every_call_that_a_disk_has_can_fail() {
    let (disk, file) = disk_with(b"a");
    let fails = |call, act: &dyn Fn() -> bool| {
        disk.inject(Fault::nth(1).of(call));
        assert!(act(), "{call:?} did not fail");
        assert!(disk.calls(call) > 0);
    };
    fails(Call::Lock, &|| disk.lock("lock").is_err());
    fails(Call::Names, &|| disk.names().is_err());
    fails(Call::Create, &|| disk.create("b").is_err());
    fails(Call::Open, &|| disk.open("a", Access::Read).is_err());
    fails(Call::Rename, &|| disk.rename("a", "b").is_err());
    fails(Call::Remove, &|| disk.remove("a").is_err());
    fails(Call::SyncNames, &|| disk.sync_names().is_err());
    fails(Call::Len, &|| file.len().is_err());
    fails(Call::Read, &|| file.read_at(&mut [0], 0).is_err());
    fails(Call::Write, &|| file.write_at(b"b", 0).is_err());
    fails(Call::Sync, &|| file.sync().is_err());
    assert_eq!((names(&disk), disk.bytes_of("a").unwrap()), (vec!["a".to_owned()], b"a".to_vec()));
}

#[test]
fn a_crash_or_the_end_of_the_process_frees_the_folder() {
    let disk = SimDisk::new();
    let _lock = disk.lock("lock").unwrap();
    assert!(disk.crash_seeded(0).lock("lock").unwrap().is_some());
    assert!(disk.kill().lock("lock").unwrap().is_some());
    assert!(disk.lock("lock").unwrap().is_none());
}

#[test]
fn the_end_of_the_process_loses_nothing_and_makes_nothing_durable() {
    let (disk, file) = disk_with(b"old");
    file.write_at(b"new", 0).unwrap();
    let killed = disk.kill();
    assert_eq!(killed.bytes_of("a").unwrap(), b"new");
    assert!(outcomes(&killed).contains(&Some(b"old".to_vec())));
    file.write_at(b"end", 0).unwrap();
    assert_eq!(killed.bytes_of("a").unwrap(), b"new");
}

#[test]
fn a_crashed_disk_goes_on_by_itself() {
    let (disk, _file) = disk_with(b"old");
    let crashed = disk.crash_seeded(0);
    let file = crashed.open("a", Access::Write).unwrap();
    file.write_at(b"new", 0).unwrap();
    file.sync().unwrap();
    assert_eq!(crashed.crash_seeded(1).bytes_of("a").unwrap(), b"new");
    assert_eq!(disk.bytes_of("a").unwrap(), b"old");
}

#[test]
fn a_file_is_put_there_durably() {
    let (disk, _file) = disk_with(b"old");
    disk.put("a", b"damage");
    assert_eq!(outcomes(&disk), [Some(b"damage".to_vec())].into());
}

#[test]
fn a_trace_has_the_crashes_of_each_operation() {
    let (disk, file) = disk_with(b"old");
    let before = disk.operations();
    disk.record();
    file.write_at(b"new", 0).unwrap();
    file.sync().unwrap();
    let trace = disk.trace().unwrap();
    let left = |operations| {
        let crashes =
            trace.crashes(Effort::default()).filter(move |crash| crash.operations == before + operations);
        crashes.map(|crash| crash.disk.bytes_of("a").unwrap()).collect::<BTreeSet<_>>()
    };
    assert_eq!(left(0), [b"old".to_vec()].into());
    assert!(left(1).is_superset(&[b"old".to_vec(), b"new".to_vec()].into()));
    assert_eq!(left(2), [b"new".to_vec()].into());
    assert!(left(3).is_empty());
}

#[test]
fn a_trace_tears_each_write_at_each_byte() {
    let (disk, file) = disk_with(b"old");
    disk.create("b").unwrap().write_at(b"b", 0).unwrap();
    let before = disk.operations();
    disk.record();
    file.write_at(b"new", 0).unwrap();
    file.sync().unwrap();
    file.write_at(b"er", 3).unwrap();
    let torn: Vec<_> = disk.trace().unwrap().torn_writes().collect();
    let left = torn.iter().map(|crash| (crash.operations - before, crash.disk.bytes_of("a").unwrap()));
    let each =
        [(1, &b"old"[..]), (1, b"nld"), (1, b"ned"), (1, b"new"), (3, b"new"), (3, b"newe"), (3, b"newer")];
    assert_eq!(left.collect::<Vec<_>>(), each.map(|(operations, bytes)| (operations, bytes.to_vec())));
    for crash in torn {
        assert_eq!(crash.disk.crash_seeded(1).bytes_of("b").unwrap(), b"b");
    }
}
