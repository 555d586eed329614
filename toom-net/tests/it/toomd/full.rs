//! A server whose store has no room left.

use rustix::process::{Pid, Resource, Rlimit, getrlimit, prlimit};

use super::ledger::texts_of;
use super::operations::{expect_metric, get, ran};
use super::*;

/// Lets no file of a running server grow beyond `bytes`: the system refuses such writes as it does where the disk is full.
fn allow(server: &Toomd, bytes: Option<u64>) {
    let pid = Pid::from_raw(server.child.id().try_into().unwrap());
    let limit = Rlimit { current: bytes, maximum: getrlimit(Resource::Fsize).maximum };
    prlimit(pid, Resource::Fsize, limit).unwrap();
}

#[test]
fn a_store_without_room_refuses_posts_and_nothing_else_and_takes_them_when_there_is_room_again() {
    let mut server = Toomd::start("luke pw\nleia pw\n", &["--admin", "./admin"]);
    let (mut luke, mut leia) = (server.log_in("luke"), server.log_in("leia"));
    assert!(leia.ask("BCM one").starts_with("OK BCM 1 "));
    assert!(luke.line().starts_with("MSG b 1 "));
    assert_eq!(get(&server, "/readyz"), (200, "ready\n".to_owned()));

    allow(&server, Some(0));
    let refused = "unavailable the server has no room left; nothing was stored";
    assert_eq!(leia.ask("BCM two"), format!("ERR BCM {refused}"));
    assert_eq!(leia.ask("SRB luke"), format!("ERR SRB {refused}"));
    assert_eq!(get(&server, "/readyz"), (503, "the store refuses messages\n".to_owned()));
    assert_eq!(get(&server, "/healthz").0, 200);
    expect_metric(&server, "toomd_append_failures_total 2");
    expect_metric(&server, "toomd_store_refuses 1");
    assert!(server.said("toomd: storage: ").contains("no room is left"));
    // Nobody heard of what was refused, and all else goes on.
    assert!(luke.ask("ATU").starts_with("ROW leia "));
    assert_eq!(luke.line(), "OK ATU 1");
    assert!(luke.ask("RDM b #0").starts_with("ROW b 1 "));
    assert_eq!(luke.line(), "OK RDM 1");
    let _again = server.log_in("luke");

    allow(&server, None);
    assert!(leia.ask("BCM two").starts_with("OK BCM 2 "));
    assert!(luke.line().starts_with("MSG b 2 "));
    assert_eq!(get(&server, "/readyz"), (200, "ready\n".to_owned()));
    expect_metric(&server, "toomd_store_refuses 0");

    server.signal("TERM");
    assert!(server.child.wait().unwrap().success());
    let folder = std::mem::replace(&mut server.folder, tempfile::tempdir().unwrap());
    let again = Toomd::start_in(folder, &[]);
    let mut luke = again.log_in("luke");
    assert!(luke.ask("RDM b #0").ends_with(" leia one"));
    assert!(luke.line().ends_with(" leia two"));
    assert_eq!(luke.line(), "OK RDM 2");
}

/// The system takes what fits of the write that crosses the limit, says so, and refuses the rest.
#[test]
fn a_write_of_which_a_part_is_taken_is_refused_and_costs_nothing_that_was_acknowledged() {
    let mut server = Toomd::start("luke pw\nleia pw\n", &["--limit", "posts-per-second=0"]);
    let mut luke = server.log_in("luke");
    let post = format!("BCM {}", "x".repeat(4000));
    let mut taken = 0;
    for bytes in [30_001, 65_537, 131_073, 199_999] {
        allow(&server, Some(bytes));
        let refused = loop {
            let answer = luke.ask(&post);
            if !answer.starts_with("OK BCM ") {
                break answer;
            }
            taken += 1;
            assert!(taken < 100, "{bytes} bytes are not the end of a file");
        };
        assert_eq!(refused, "ERR BCM unavailable the server has no room left; nothing was stored");
        allow(&server, None);
        taken += 1;
        assert!(luke.ask(&post).starts_with(&format!("OK BCM {taken} ")), "{bytes}");
    }
    let folder = server.stop("KILL");
    assert_eq!(ran(&folder, &["verify"]).0, Some(0));
    server = Toomd::start_in(folder, &[]);
    assert_eq!(texts_of(&mut server.log_in("leia"), "b", 0).len(), taken);
}

/// The lines of trouble waited behind those that standard output did not take.
#[test]
fn trouble_is_told_while_nobody_reads_the_lines_of_events() {
    let mut server = Toomd::start("luke pw\n", &["--limit", "posts-per-second=0"]);
    let mut luke = server.log_in("luke");
    // Far more than a pipe and the queue hold, with nobody reading standard output.
    let burst = format!("BCM {}\n", "x".repeat(2000)).repeat(50);
    for number in 0..6000 {
        if number % 50 == 0 {
            luke.0.get_mut().write_all(burst.as_bytes()).unwrap();
        }
        let answer = luke.line();
        assert!(answer.starts_with("OK BCM "), "{answer}");
    }
    server.said("toomd: standard output takes no lines for now");
    allow(&server, Some(0));
    assert!(luke.ask("BCM more").starts_with("ERR BCM unavailable "));
    assert!(server.said("toomd: storage: ").contains("no room is left"));
}
