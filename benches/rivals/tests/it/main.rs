//! A whole run on little data, as its user starts it.

use std::path::Path;
use std::process::{Command, Output};

use toom_rivals::goals::GOALS;

fn run(dir: &Path, args: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_toom-rivals"))
        .arg("--dir")
        .arg(dir)
        .args(args)
        .output()
        .expect("the program was built for this test")
}

#[rustfmt::skip]
const LITTLE: [&str; 16] = [
    "--messages", "3000", "--rooms", "20", "--rounds", "1", "--turn-pages", "20", "--turn-batches", "5",
    "--sustained", "512", "--kill-batches", "3", "--cache-mib", "1",
];

#[test]
fn a_run_measures_every_store_loses_nothing_to_a_kill_and_leaves_nothing_behind() {
    let dir = tempfile::tempdir().unwrap();
    let (table, chart) = (dir.path().join("table.md"), dir.path().join("chart.svg"));
    let files =
        ["--many-rooms", "200", "--markdown", table.to_str().unwrap(), "--svg", chart.to_str().unwrap()];
    let output = run(dir.path(), &[&LITTLE[..], &files].concat());
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));

    let printed = String::from_utf8(output.stdout).unwrap();
    assert_eq!(std::fs::read_to_string(&table).unwrap(), printed);
    let head: Vec<&str> = printed.lines().next().unwrap().split(" | ").collect();
    assert_eq!(printed.lines().count(), 2 + 18);
    for (place, store) in (1..).zip(["TOOM", "SQLite", "redb", "LMDB", "fjall"]) {
        assert_eq!(head[place], store);
        for row in printed.lines().skip(2) {
            assert_ne!(row.split(" | ").nth(place), Some("–"), "{store}: {row}");
        }
    }
    let judged = printed.lines().filter(|row| row.ends_with("| met |") || row.ends_with("| missed |"));
    assert_eq!(judged.count(), GOALS.len());
    assert!(std::fs::read_to_string(&chart).unwrap().starts_with("<svg"));
    let left: Vec<_> = std::fs::read_dir(dir.path()).unwrap().map(|entry| entry.unwrap().path()).collect();
    assert_eq!(left.len(), 2, "{left:?}");
}

#[test]
fn only_what_is_asked_for_is_measured() {
    let dir = tempfile::tempdir().unwrap();
    let output = run(dir.path(), &[&LITTLE[..], &["--stores", "lmdb,vector"]].concat());
    let printed = String::from_utf8(output.stdout).unwrap();
    assert!(printed.starts_with("| measure | LMDB | bare vector | goal |"), "{printed}");
}

#[test]
fn an_unknown_store_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    let output = run(dir.path(), &["--stores", "paper"]);
    assert_eq!(output.status.code(), Some(2));
    assert!(String::from_utf8_lossy(&output.stderr).contains("paper"));
}
