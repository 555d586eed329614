//! The session that the project's behaviour page shows, between several programs at once.

use std::net::UdpSocket;

use crate::support::{Ended, PASSWORD, Peer, Toom, masked, port, server};

/// What obiwan's `toom` prints, with the prompts and what is typed left out.
const PRINTED: &str = "\
4; TIME; obiwan;127.0.0.1;UDP_PORT
Welcome to TOOM!
Broadcast message, #3 broadcast at TIME
hans, active since TIME.
luke, active since TIME.
yoda, active since TIME.
Separate chat room has been created, room ID:1, users in this room:obiwan, luke
Message #1 sent to separate room 1 at TIME
Messages in separate rooms since TIME
room-1: #1;obiwan;have a nice day at TIME
obiwan broadcasted BCM \"hello\" at TIME
hans broadcasted BCM \"hello\" at TIME
obiwan broadcasted BCM \"hello\" at TIME
Bye,obiwan
";

/// One that nobody had a moment ago.
fn free_udp_port() -> String {
    UdpSocket::bind("[::]:0").unwrap().local_addr().unwrap().port().to_string()
}

#[test]
fn four_users_chat_and_each_sees_what_is_meant_for_them() {
    let server = server();
    let port = port(&server);
    let mut earlier = Peer::log_in(&server, "obiwan");
    assert!(earlier.ask("BCM hello").starts_with("OK BCM 1 "));
    assert_eq!(earlier.ask("OUT"), "OK OUT obiwan");
    let mut hans = Toom::log_in(&port, "hans");
    let luke = Toom::log_in(&port, "luke");
    let mut yoda = Peer::log_in(&server, "yoda");
    assert_eq!(masked(&hans.ask("BCM hello")), "Broadcast message, #2 broadcast at TIME");
    assert_eq!(masked(&luke.line()), "hans broadcasted BCM \"hello\" at TIME");
    assert!(yoda.line().starts_with("MSG b 2 "));

    let udp = free_udp_port();
    let mut obiwan = Toom::start(&["127.0.0.1", &port, &udp, "--accept-files", "ask"]);
    for line in ["obiwan", PASSWORD, "BCM hello", "ATU", "SRB luke", "SRM 1 have a nice day"] {
        obiwan.say(line);
    }
    for line in ["RDM s 1h", "RDM b 03 Aug 2022 00:00:00", "OUT"] {
        obiwan.say(line);
    }
    let Ended { code, stdout, stderr } = obiwan.end();
    assert_eq!(masked(&stdout).replacen(&format!(";{udp}\n"), ";UDP_PORT\n", 1), PRINTED);
    assert_eq!((code, stderr.as_str()), (Some(0), ""));

    assert_eq!(masked(&luke.line()), "obiwan broadcasted BCM \"hello\" at TIME");
    assert_eq!(
        luke.line(),
        "You are in a new separate chat room, room ID:1, users in this room:obiwan, luke"
    );
    assert_eq!(masked(&luke.line()), "room-1: #1;obiwan;have a nice day at TIME");
    assert_eq!(masked(&hans.line()), "obiwan broadcasted BCM \"hello\" at TIME");
    assert!(yoda.line().starts_with("MSG b 3 "));

    // Those who are not in the room learn nothing of it.
    assert_eq!(hans.ask("RDM s 1h"), "no new message");
    assert_eq!(hans.ask("SRM 1 hello?"), "no such room, or you are not in it");
    assert_eq!(yoda.ask("RDM 1 #0"), yoda.ask("RDM 9 #0"));
    assert_eq!(hans.end(), Ended { code: Some(1), stdout: "Bye,hans\n".to_owned(), stderr: String::new() });
    let ended = Ended { code: Some(0), stdout: "Bye,luke\n".to_owned(), stderr: String::new() };
    assert_eq!(luke.end(), ended);
}
