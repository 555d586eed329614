//! Posting, rooms, and what is pushed.

use super::client::{Client, memory, timeless};

#[test]
fn the_transcript_of_a_first_chat_plays() {
    let server = memory().start().unwrap();
    let mut hans = Client::log_in(&server, "hans");
    let mut luke = Client::log_in(&server, "luke");
    let mut obiwan = Client::connect(&server);
    assert_eq!(obiwan.ask("HELLO client=test/1 udp=2000"), "OK HELLO");
    let reply = obiwan.ask("LOGIN Obiwan obiwan pw");
    assert_eq!(timeless(&reply), "OK LOGIN 3 T obiwan 127.0.0.1 2000");

    assert_eq!(timeless(&obiwan.ask("BCM hello")), "OK BCM 1 T");
    for other in [&mut hans, &mut luke] {
        assert_eq!(timeless(&other.line()), "MSG b 1 T obiwan hello");
    }
    let rows: Vec<_> = obiwan.ask_rows("ATU").iter().map(|row| timeless(row)).collect();
    assert_eq!(rows, ["ROW hans T", "ROW luke T", "OK ATU 2"]);

    assert_eq!(obiwan.ask("SRB luke"), "OK SRB 1 obiwan luke");
    assert_eq!(luke.line(), "ROOM 1 obiwan luke");
    assert_eq!(timeless(&obiwan.ask("SRM 1 have a nice day")), "OK SRM 1 1 T");
    assert_eq!(timeless(&luke.line()), "MSG 1 1 T obiwan have a nice day");
    hans.expect_quiet();

    let rows: Vec<_> = luke.ask_rows("RDM s 03 Aug 2022 00:00:00").iter().map(|row| timeless(row)).collect();
    assert_eq!(rows, ["ROW 1 1 T obiwan have a nice day", "OK RDM 1"]);
    assert_eq!(obiwan.ask("OUT"), "OK OUT obiwan");
    obiwan.expect_end();
    server.shut_down().unwrap();
}
