//! A process that is killed with SIGKILL in the midst of appending loses nothing that it acknowledged, whether it syncs or not. That a
//! power cut does cost a store that does not sync its last batches is shown on the simulated disk, and by `.ci/power-cuts`.

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};

use tempfile::TempDir;
use toom_core::Durability;

#[path = "../../examples/acknowledged/writer.rs"]
mod writer;

/// Tells a child process where to write, and that it need not sync.
const FOLDER: &str = "TOOM_TEST_FOLDER";
const BUFFERED: &str = "TOOM_TEST_BUFFERED";
/// Many kills in place of some.
const LONG: &str = "TOOM_LONG";

/// On its own it is what it says; with a folder in the environment it is the process that is killed.
#[test]
fn the_writer_acknowledges_every_batch_that_it_appends() {
    if let Some(folder) = std::env::var_os(FOLDER) {
        let is_buffered = std::env::var_os(BUFFERED).is_some();
        let durability = if is_buffered { Durability::Buffered } else { Durability::Sync };
        writer::write(folder.as_ref(), durability, u64::MAX, &mut std::io::stderr()).unwrap();
    }
    let folder = TempDir::new().unwrap();
    let mut acknowledged = Vec::new();
    writer::write(folder.path(), Durability::Sync, 60, &mut acknowledged).unwrap();
    assert_eq!(acknowledged.lines().count(), 60);
    assert_eq!(writer::check(folder.path()).unwrap(), 60);
}

/// This test binary, writing to `folder` without end.
fn child(folder: &Path, durability: Durability) -> Child {
    let mut command = Command::new(std::env::current_exe().unwrap());
    command.args(["--exact", "killed::the_writer_acknowledges_every_batch_that_it_appends", "--nocapture"]);
    if durability == Durability::Buffered {
        command.env(BUFFERED, "");
    }
    command.env(FOLDER, folder).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::piped());
    command.spawn().unwrap()
}

/// Kills a process that writes to `folder` after about so many acknowledgements: the last number that it acknowledged.
fn killed_after(folder: &Path, durability: Durability, acknowledgements: u64) -> u64 {
    let mut child = child(folder, durability);
    let mut last = 0;
    let mut read = 0;
    for line in BufReader::new(child.stderr.take().unwrap()).lines() {
        let line = line.unwrap();
        last = line.parse().map_err(|_| format!("after {last} acknowledgements: {line}")).unwrap();
        read += 1;
        if read == acknowledgements {
            child.kill().unwrap();
        }
    }
    child.wait().unwrap();
    last
}

fn kills_cost_nothing(durability: Durability) -> Result<(), String> {
    let kills = if std::env::var_os(LONG).is_some() { 200 } else { 5 };
    let (mut folder, mut held) = (TempDir::new().unwrap(), 0);
    for kill in 0..kills {
        if kill % 20 == 0 {
            // All of it is read after each kill.
            (folder, held) = (TempDir::new().unwrap(), 0);
        }
        let acknowledged = killed_after(folder.path(), durability, 1 + kill * 7919 % 300);
        assert!(acknowledged > held, "kill {kill}: it did not go on behind {held}");
        held = writer::check(folder.path()).map_err(|wrong| format!("kill {kill}: {wrong}"))?;
        assert!(
            (acknowledged..=acknowledged + 1).contains(&held),
            "kill {kill}: {acknowledged} batches were acknowledged, and {held} are there"
        );
    }
    Ok(())
}

#[test]
fn a_process_killed_in_mid_load_loses_nothing_that_it_acknowledged() {
    kills_cost_nothing(Durability::Sync).unwrap();
}

#[test]
fn a_process_killed_in_mid_load_loses_nothing_that_it_acknowledged_without_a_sync() {
    kills_cost_nothing(Durability::Buffered).unwrap();
}
