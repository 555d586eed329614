//! A repair that is broken off, by the power or by the disk.

use super::*;

/// Whether the disk holds the repaired store; if not it must hold the damaged one, from which the same can be made.
fn is_repaired(disk: &SimDisk, losses: &Losses, what: &str) -> bool {
    match plan(disk) {
        None => true,
        Some(plan) => {
            assert_eq!(plan.losses(), losses, "{what}");
            false
        }
    }
}

#[test]
fn a_power_cut_leaves_the_damaged_store_or_the_repaired_one() {
    for (disk, mut memory) in damaged() {
        let before = files(&disk);
        let planned = plan(&disk).unwrap();
        let losses = planned.losses().clone();
        disk.record();
        let digest = planned.carry_out(RANDOM, |_| {}).unwrap().digest;
        let trace = disk.trace().unwrap();
        let mut seen = BTreeSet::new();
        for crash in trace.crashes(Effort { all_up_to: 32, drawn: 12, seed: 7 }) {
            let what = format!("operation {}, {:?}", crash.operations, crash.case);
            let disk = crash.disk;
            let repaired = is_repaired(&disk, &losses, &what);
            if let Some(plan) = plan(&disk) {
                assert_eq!(plan.carry_out(RANDOM, |_| {}).unwrap().digest, digest, "{what}");
            }
            // Who opens it finishes what is left to do.
            FileStorage::open_on(disk.clone(), sample::options()).unwrap().close().unwrap();
            assert_eq!(verify(&disk).digest, digest, "{what}");
            check_contents(&disk, &mut memory, &losses, Journal::Whole, &what);
            check_originals(&before, &files(&disk), &what);
            seen.insert(repaired);
        }
        assert_eq!(seen.len(), 2, "some crashes were before the new manifest counted, and some after");
    }
}

#[test]
fn a_repair_that_the_disk_fails_leaves_the_damaged_store_or_the_repaired_one() {
    for (original, _) in damaged() {
        let losses = plan(&original).unwrap().losses().clone();
        let mut outcomes = BTreeSet::new();
        for call in 1.. {
            let disk = copy(&original);
            let planned = plan(&disk).unwrap();
            let fault = Fault::nth(call);
            disk.inject(if call % 2 == 0 { fault.full() } else { fault });
            let result = planned.carry_out(RANDOM, |_| {});
            let hit = disk.faults_hit() > 0;
            disk.heal();
            assert!(result.is_ok() || hit);
            outcomes.insert(is_repaired(&disk, &losses, &format!("call {call}")));
            check_originals(&files(&original), &files(&disk), &format!("call {call}"));
            if !hit {
                break;
            }
        }
        assert_eq!(outcomes.len(), 2);
    }
}
