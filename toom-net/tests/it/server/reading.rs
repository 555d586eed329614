//! Reading what was missed.

use core::num::NonZeroUsize;

use toom_core::{Epoch, MemoryStorage};

use super::client::{Client, memory, on, time_in, timeless};

#[test]
fn a_time_is_read_strictly_after_in_every_form() {
    let server = memory().start().unwrap();
    let mut hans = Client::log_in(&server, "hans");
    let first = hans.ask("BCM one");
    let second = hans.ask("BCM two");
    let (first, second) = (time_in(&first), time_in(&second));
    assert_eq!(hans.ask_rows(&format!("RDM b {first}")), ["ROW b 2 T hans two", "OK RDM 1"]);
    assert_eq!(hans.ask_rows(&format!("RDM b {second}")), ["OK RDM 0"]);
    let both = ["ROW b 1 T hans one", "ROW b 2 T hans two", "OK RDM 2"];
    for since in ["2022-08-04T09:02:29+02:00", "04 Aug 2022 09:02:29", "4 aug 2022 09:02:29", "#0"] {
        assert_eq!(hans.ask_rows(&format!("rdm B {since}")), both, "{since}");
    }
    for since in ["yesterday", "", "2022-13-04T09:02:29Z", "#x", "#0 0", "#0 1001", "#0 1 1"] {
        let reply = hans.ask(&format!("RDM b {since}"));
        assert!(reply.starts_with("ERR RDM syntax "), "{since}: {reply}");
    }
}

/// Follows `next=` to the end; the rows without their times.
fn follow(client: &mut Client, scope: &str, since: &str, limit: &str) -> Vec<String> {
    let mut since = since.to_owned();
    let mut all = Vec::new();
    loop {
        let mut rows = client.ask_rows(&format!("RDM {scope} {since} {limit}"));
        let last = rows.pop().unwrap();
        let count = rows.iter().filter(|row| !row.contains(" GONE ")).count();
        assert!(last.starts_with(&format!("OK RDM {count}")), "{last}");
        all.append(&mut rows);
        match last.split_once(" next=") {
            Some((_, next)) => next.clone_into(&mut since),
            None => return all,
        }
    }
}

#[test]
fn pages_follow_each_other_without_gap_and_without_double() {
    let server = memory().start().unwrap();
    let mut hans = Client::log_in(&server, "hans");
    let mut luke = Client::log_in(&server, "luke");
    for n in 1..=25 {
        hans.ask(&format!("BCM {n}"));
        assert_eq!(timeless(&luke.line()), format!("MSG b {n} T hans {n}"));
    }
    let all: Vec<_> = (1..=25).map(|n| format!("ROW b {n} T hans {n}")).collect();
    for limit in ["1", "7", "25", "1000", ""] {
        assert_eq!(follow(&mut luke, "b", "#0", limit), all, "{limit}");
        assert_eq!(follow(&mut luke, "b", "#5", limit), all[5..], "{limit}");
    }
    // Without a limit a page has 100 messages.
    for n in 26..=101 {
        hans.ask(&format!("BCM {n}"));
        luke.line();
    }
    let page = luke.ask_rows("RDM b #0");
    assert_eq!(page.len(), 101);
    assert!(page[100].starts_with("OK RDM 100 next="), "{}", page[100]);
}

#[test]
fn all_rooms_are_read_room_by_room_and_nothing_is_left_out_that_comes_meanwhile() {
    let server = memory().start().unwrap();
    let mut hans = Client::log_in(&server, "hans");
    let mut luke = Client::connect(&server);
    luke.ask("HELLO live=off");
    luke.ask("LOGIN luke luke pw");
    let _yoda = Client::log_in(&server, "yoda");
    hans.ask("SRB luke");
    hans.ask("SRB luke yoda");
    for n in 1..=3 {
        hans.ask(&format!("SRM 2 {n}"));
        hans.ask(&format!("SRM 1 {n}"));
    }
    let page = luke.ask_rows("RDM s 2000-01-01T00:00:00Z 4");
    let rows = ["ROW 1 1 T hans 1", "ROW 1 2 T hans 2", "ROW 1 3 T hans 3", "ROW 2 1 T hans 1"];
    assert_eq!(page[..4], rows);
    let (_, next) = page[4].split_once(" next=").unwrap();
    hans.ask("SRM 1 4");
    let rest = follow(&mut luke, "s", next, "4");
    assert_eq!(rest, ["ROW 2 2 T hans 2", "ROW 2 3 T hans 3", "ROW 1 4 T hans 4"]);
    // A cursor of one read is none of another.
    for line in [format!("RDM b {next}"), "RDM s b.1".to_owned(), "RDM 1 r.2.1".to_owned()] {
        let reply = luke.ask(&line);
        assert!(reply.starts_with("ERR RDM syntax "), "{line}: {reply}");
    }
}

#[test]
fn where_messages_are_gone_a_row_says_which() {
    let storage = MemoryStorage::keeping(Epoch::new(1), NonZeroUsize::new(2).unwrap());
    let server = on(storage).start().unwrap();
    let mut hans = Client::log_in(&server, "hans");
    for n in 1..=6 {
        hans.ask(&format!("BCM {n}"));
    }
    let rows = hans.ask_rows("@g RDM b #1");
    assert_eq!(rows, ["@g ROW b GONE 2 4", "@g ROW b 5 T hans 5", "@g ROW b 6 T hans 6", "@g OK RDM 2"]);
}

#[test]
fn a_page_of_the_longest_messages_arrives_whole() {
    let server = memory().start().unwrap();
    let mut hans = Client::log_in(&server, "hans");
    let text = "x".repeat(4096);
    for _ in 0..80 {
        hans.ask(&format!("BCM {text}"));
    }
    let rows = follow(&mut hans, "b", "#0", "1000");
    assert_eq!(rows.len(), 80);
    assert!(rows.iter().all(|row| row.ends_with(&text)));
}
