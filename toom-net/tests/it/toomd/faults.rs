//! Faults that need tools of the system, most of them as root: calls that fail by `strace`, clocks that jump by `faketime`, full file systems,
//! core dumps by `gdb`, memory cgroups. Each module needs one tool; `.ci/faults` runs those whose tool is there.

use std::io::Write as _;

use super::*;

mod calls;
mod clock;
mod core_dump;
mod full_disk;
mod memory;

/// Set by `.ci/faults`, which has seen to it that the tools are there.
const ASKED: &str = "TOOM_FAULTS";

/// Whether a test that needs a tool is to run.
fn asked() -> bool {
    std::env::var_os(ASKED).is_some()
}

#[test]
fn that_they_are_left_out_is_said() {
    if !asked() {
        // Written past the capture of the tests' output.
        let said = "the tests of toomd::faults that need a tool did nothing: .ci/faults runs them";
        writeln!(std::io::stderr(), "\n!!! {said} !!!").unwrap();
    }
}

/// Where many cases are tried, whether this run is to try all of them.
fn tries_all() -> bool {
    std::env::var_os("TOOM_LONG").is_some()
}
