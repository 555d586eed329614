//! `toom demo` where standard input is no terminal.

use crate::support::{ended, masked, toom};

/// The session of the project's behaviour page, to the letter but for the times.
const TRANSCRIPT: &str = "\
Username:obiwan
Password:
4; TIME; obiwan;127.0.0.1;2000
Welcome to TOOM!
Enter one of the following commands (BCM, ATU, SRB, SRM, RDM, OUT, UPD):
BCM hello
Broadcast message, #3 broadcast at TIME
ATU
hans, active since TIME.
luke, active since TIME.
yoda, active since TIME.
SRB luke
Separate chat room has been created, room ID:1, users in this room:obiwan, luke
SRM 1 have a nice day
Message #1 sent to separate room 1 at TIME
RDM s TIME
Messages in separate rooms since TIME
room-1: #1;obiwan;have a nice day at TIME
RDM b TIME
obiwan broadcasted BCM \"hello\" at TIME
hans broadcasted BCM \"hello\" at TIME
obiwan broadcasted BCM \"hello\" at TIME
OUT
Bye,obiwan
";

#[test]
fn the_demo_plays_the_transcript_and_ends() {
    for zone in ["UTC0", "AEST-10AEDT,M10.1.0,M4.1.0/3", "<-12>12"] {
        let mut demo = toom(&["demo"]);
        demo.env("TZ", zone);
        let run = ended(demo, "");
        assert_eq!(masked(&run.stdout), TRANSCRIPT, "{zone}");
        assert_eq!((run.code, run.stderr.as_str()), (Some(0), ""), "{zone}");
    }
}
