//! Calls of the system that fail under a server: nothing that was acknowledged is lost, what was refused is not there, and no sync is tried
//! again. The same is tried in the process itself, for every call, in `toom-core/src/storage/file/tests`; here it is the program, with its
//! threads and sockets.

use super::*;
use strace::Fault;
use trial::Trial;

mod strace;
mod trial;

/// All numbers up to the last, or some of them: the first ones, and then fewer and fewer.
fn some(last: usize) -> Vec<usize> {
    let chosen =
        |nth: &usize| tries_all() || *nth <= 3 || [5, 8, 12, 18, 27, 40, 60, 90, 135, 200].contains(nth);
    (1..=last).filter(chosen).collect()
}

/// Fails the n-th of these calls, for each n, until none is left that could fail: in a store that is there, and in one that is made.
fn each_fails(call: &'static str, what: &str, last: usize) {
    let mut trial = Trial::new();
    for nth in some(last) {
        let fault = Fault::at(call, what, nth);
        let mut fresh = Trial::new();
        let injected = [trial.suffer(&fault), fresh.suffer(&fault)].map(|ended| ended.struck());
        if injected == [false; 2] {
            assert!(nth > 1, "{fault:?}: no such call was made");
            return;
        }
    }
}

/// How often a file was synced after a sync of it had failed.
fn repeated_syncs(trace: &str) -> usize {
    let mut failed = Vec::new();
    let mut under_way: Vec<(&str, &str)> = Vec::new();
    let mut repeated = 0;
    for line in trace.lines() {
        let (thread, call) = line.split_once(' ').unwrap();
        let file = if let Some((_, rest)) = call.split_once('<').filter(|_| !call.contains("resumed>")) {
            let (file, _) = rest.split_once('>').unwrap();
            repeated += usize::from(failed.contains(&file));
            under_way.retain(|(other, _)| *other != thread);
            under_way.push((thread, file));
            file
        } else {
            under_way.iter().find(|(other, _)| *other == thread).map(|(_, file)| *file).unwrap_or_default()
        };
        if call.ends_with("(INJECTED)") {
            failed.push(file);
        }
    }
    repeated
}

#[test]
fn the_count_of_repeated_syncs_counts_those_of_the_same_file_only() {
    let line = |file: &str, end: &str| format!("1 fdatasync(5</d/{file}>) = {end}\n");
    let failed = "-1 EIO (Input/output error) (INJECTED)";
    let trace = [line("a", "0"), line("a", failed), line("b", "0")].concat();
    assert_eq!(repeated_syncs(&trace), 0);
    assert_eq!(repeated_syncs(&format!("{trace}{}", line("a", "0"))), 1);
    let torn = format!(
        "1 fdatasync(5</d/a> <unfinished ...>\n2 fdatasync(6</d/b>) = 0\n1 <... fdatasync resumed>) = {failed}\n"
    );
    assert_eq!(repeated_syncs(&format!("{torn}{}", line("b", "0"))), 0);
    assert_eq!(repeated_syncs(&format!("{torn}{}", line("a", "0"))), 1);
}

#[test]
fn a_sync_that_fails_is_not_tried_again_and_costs_nothing_that_was_acknowledged() {
    if !asked() {
        return;
    }
    let mut trial = Trial::new();
    let mut injected = 0;
    for nth in 1..=30 {
        if tries_all() || nth % 3 == 1 || nth < 12 {
            let ended = trial.suffer(&Fault::at("fdatasync", "error=EIO", nth));
            injected += usize::from(ended.struck());
            assert_eq!(repeated_syncs(&ended.trace), 0, "the {nth}th: {}", ended.trace);
        }
    }
    assert!(injected >= 8, "{injected}");
}

#[test]
fn a_call_of_the_store_that_fails_costs_nothing_that_was_acknowledged() {
    if !asked() {
        return;
    }
    for call in ["fsync", "pwrite64", "rename", "unlink", "mkdir", "openat", "pread64", "getdents64"] {
        each_fails(call, "error=EIO", 60);
    }
}

#[test]
fn a_server_that_may_open_no_more_files_loses_nothing_that_it_acknowledged() {
    if asked() {
        each_fails("openat", "error=EMFILE", 60);
    }
}

#[test]
fn a_disk_that_is_full_from_some_write_on_costs_nothing_that_was_acknowledged() {
    if !asked() {
        return;
    }
    let mut trial = Trial::new();
    for nth in some(60) {
        for fault in
            [Fault::from("pwrite64", "error=ENOSPC", nth), Fault::at("pwrite64", "error=ENOSPC", nth)]
        {
            trial.suffer(&fault);
        }
    }
}

#[test]
fn a_call_that_is_interrupted_is_made_again_and_nobody_notices() {
    if !asked() {
        return;
    }
    let mut trial = Trial::new();
    for (call, nth) in [("pwrite64", 1), ("pwrite64", 3), ("openat", 30), ("fdatasync", 1)] {
        let ended = trial.suffer(&Fault::at(call, "error=EINTR", nth));
        assert!(ended.struck(), "{call} {nth}");
        assert!(ended.status.success(), "{call} {nth}: {} {}", ended.status, ended.said);
        assert!(!ended.said.contains("storage:"), "{call} {nth}: {}", ended.said);
    }
}

#[test]
fn a_server_that_is_killed_at_any_call_of_its_store_loses_nothing_that_it_acknowledged() {
    if !asked() {
        return;
    }
    for call in ["openat", "pwrite64", "fdatasync", "fsync", "rename", "unlink", "close"] {
        each_fails(call, "signal=SIGKILL", 200);
    }
}
