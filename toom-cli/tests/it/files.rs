//! Files from one user to another: the part of `toom` that does it, without a terminal, against a server, a network and disks.

mod programs;
mod someone;

use std::net::UdpSocket;

use toom_cli::files::{Answer, Direction, Ending, FilesError, Over, Stage, Taking, What};
use toom_core::UserName;

use crate::support::{Relay, server};
use someone::{Someone, Way};

fn over(ending: Ending, why: &str) -> What {
    What::Over(Over { ending, why: why.to_owned() })
}

fn from(name: &str) -> Taking {
    Taking::From(vec![UserName::parse(name).unwrap()])
}

#[tokio::test]
async fn a_file_arrives_whole_after_a_yes_and_both_sides_hear_each_step() {
    let server = server();
    let mut obiwan = Someone::log_in(&server, "obiwan", Taking::Ask).await;
    let mut luke = Someone::log_in(&server, "luke", Taking::Ask).await;
    let content = obiwan.write("film one.mp4", 3 << 20);
    obiwan.send("luke", "film one.mp4");
    let asked = luke.next().await;
    let about = &asked.about;
    assert_eq!((about.number, about.direction, about.user.as_str()), (1, Direction::In, "obiwan"));
    assert_eq!((about.name.as_str(), about.bytes), ("obiwan_film one.mp4", 3 << 20));
    assert!(matches!(asked.what, What::Asked { bytes_free: 1.., bytes_proven: 0 }), "{asked:?}");
    assert_eq!(obiwan.next().await.what, What::Offered);
    assert_eq!(obiwan.files.under_way()[0].stage, Stage::Offered);
    assert_eq!(luke.files.under_way()[0].stage, Stage::Asked);
    assert_eq!(luke.saved(), [""; 0], "nothing is written before a yes");
    luke.files.answer(1, Answer::Yes).unwrap();
    assert_eq!(luke.files.answer(1, Answer::No), Err(FilesError::NotAsked(1)));
    assert_eq!((luke.next().await.what, obiwan.next().await.what), (What::Accepted, What::Accepted));
    let (What::Done(sent), What::Done(received)) = (obiwan.end().await, luke.end().await) else { panic!() };
    assert_eq!((sent.path, sent.bytes_resumed, received.bytes_resumed), (None, 0, 0));
    assert_eq!(received.path, Some(luke.folder.path().join("obiwan_film one.mp4")));
    assert_eq!(luke.read("obiwan_film one.mp4"), content);
    assert_eq!((obiwan.files.under_way(), luke.files.under_way()), (vec![], vec![]));
}

#[tokio::test]
async fn a_no_writes_nothing_and_the_sender_hears_it() {
    let server = server();
    let mut obiwan = Someone::log_in(&server, "obiwan", Taking::Ask).await;
    let mut luke = Someone::log_in(&server, "luke", Taking::Ask).await;
    obiwan.write("notes", 10);
    obiwan.send("luke", "notes");
    assert!(matches!(luke.next().await.what, What::Asked { .. }));
    luke.files.answer(1, Answer::No).unwrap();
    assert_eq!(luke.end().await, over(Ending::Refused, ""));
    assert_eq!(obiwan.end().await, over(Ending::Refused, "it was not wanted"));
    assert_eq!(luke.saved(), [""; 0]);
}

#[tokio::test]
async fn whoever_takes_no_files_is_not_asked() {
    let server = server();
    let mut obiwan = Someone::log_in(&server, "obiwan", Taking::Never).await;
    let luke = Someone::log_in(&server, "luke", Taking::Never).await;
    obiwan.write("notes", 10);
    obiwan.send("luke", "notes");
    assert!(matches!(obiwan.end().await, What::Over(Over { ending: Ending::Refused, .. })));
    assert_eq!(luke.files.under_way(), []);
}

#[tokio::test]
async fn files_of_named_users_are_taken_without_a_question_and_those_of_others_are_not() {
    let server = server();
    let mut obiwan = Someone::log_in(&server, "obiwan", Taking::Never).await;
    let mut yoda = Someone::log_in(&server, "yoda", Taking::Never).await;
    let mut luke = Someone::log_in(&server, "luke", from("YODA")).await;
    obiwan.write("notes", 10);
    obiwan.send("luke", "notes");
    assert_eq!(obiwan.end().await, over(Ending::Refused, "files are not taken from everybody"));
    assert!(matches!(luke.end().await, What::Over(Over { ending: Ending::Refused, .. })));
    let content = yoda.write("notes", 10);
    yoda.send("luke", "notes");
    assert!(matches!(yoda.end().await, What::Done(_)));
    assert!(matches!(luke.end().await, What::Done(_)));
    assert_eq!((luke.saved(), luke.read("yoda_notes")), (vec!["yoda_notes".to_owned()], content));
}

#[tokio::test]
async fn what_is_larger_than_the_limit_is_refused_before_anybody_is_asked() {
    let server = server();
    let mut obiwan = Someone::log_in(&server, "obiwan", Taking::Ask).await;
    let mut luke = Someone::log_in(&server, "luke", Taking::Ask).await;
    obiwan.write("huge", someone::BYTES_MAX + 1);
    obiwan.send("luke", "huge");
    assert_eq!(obiwan.end().await, over(Ending::Refused, "it is larger than what is taken there"));
    assert!(matches!(luke.next().await.what, What::Over(Over { ending: Ending::Refused, .. })));
}

#[tokio::test]
async fn unknown_and_inactive_users_and_files_that_are_none_are_told_and_change_nothing() {
    let server = server();
    let mut obiwan = Someone::log_in(&server, "obiwan", Taking::Ask).await;
    obiwan.write("notes", 10);
    for (user, file, ending, told) in [
        ("vader", "notes", Ending::Refused, "there is no user vader"),
        ("luke", "notes", Ending::Refused, "luke is not active"),
        ("luke", "nothing", Ending::Failed, "No such file"),
        ("luke", ".", Ending::Failed, "is not a regular file"),
    ] {
        obiwan.send(user, file);
        let What::Over(over) = obiwan.end().await else { panic!() };
        assert!(over.ending == ending && over.why.contains(told), "{user} {file}: {over:?}");
    }
    assert_eq!(obiwan.files.cancel(9), Err(FilesError::NoSuch(9)));
    assert_eq!(obiwan.files.under_way(), []);
}

#[tokio::test]
async fn either_side_ends_an_offer() {
    let server = server();
    let mut obiwan = Someone::log_in(&server, "obiwan", Taking::Ask).await;
    let mut luke = Someone::log_in(&server, "luke", Taking::Ask).await;
    obiwan.write("notes", 10);
    obiwan.send("luke", "notes");
    assert!(matches!(luke.next().await.what, What::Asked { .. }));
    obiwan.files.cancel(1).unwrap();
    assert_eq!(obiwan.end().await, over(Ending::Cancelled, ""));
    assert!(matches!(luke.end().await, What::Over(Over { ending: Ending::CancelledThere, .. })));
    obiwan.send("luke", "notes");
    assert!(matches!(luke.next().await.what, What::Asked { .. }));
    luke.files.cancel(2).unwrap();
    assert_eq!(luke.end().await, over(Ending::Cancelled, ""));
    assert!(matches!(obiwan.end().await, What::Over(Over { ending: Ending::CancelledThere, .. })));
}

/// A receiver whose UDP port takes everything and says nothing.
async fn deaf(server: &toom_net::server::RunningServer) -> (Someone, UdpSocket) {
    let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
    let port = socket.local_addr().unwrap().port();
    (Someone::log_in_by(Way { port: Some(port), ..Way::to(server) }, "luke", from("obiwan")).await, socket)
}

#[tokio::test]
async fn where_udp_does_not_get_through_the_file_goes_through_the_server_and_both_sides_are_told() {
    let server = server();
    let mut obiwan = Someone::log_in(&server, "obiwan", Taking::Never).await;
    let (mut luke, _deaf) = deaf(&server).await;
    let content = obiwan.write("notes", 300_000);
    obiwan.send("luke", "notes");
    let (sent, received) = (obiwan.all().await, luke.all().await);
    assert!(matches!(&sent[..], [What::Offered, What::Accepted, What::Relayed, What::Done(_)]), "{sent:?}");
    assert!(matches!(&received[..], [What::Accepted, What::Relayed, What::Done(_)]), "{received:?}");
    assert_eq!(luke.read("obiwan_notes"), content);
}

#[tokio::test]
async fn either_side_ends_a_transfer_that_is_under_way_and_nothing_is_left() {
    let server = server();
    let mut obiwan = Someone::log_in(&server, "obiwan", Taking::Never).await;
    let (mut luke, _deaf) = deaf(&server).await;
    // Through the server it takes long enough to be ended on the way.
    obiwan.write("film", someone::BYTES_MAX);
    for by_sender in [true, false] {
        obiwan.send("luke", "film");
        let number = luke.until_it_moves().await;
        let (files, other) =
            if by_sender { (&obiwan.files, &luke.files) } else { (&luke.files, &obiwan.files) };
        assert_eq!(other.under_way().len(), 1);
        files.cancel(files.under_way()[0].about.number).unwrap();
        let (sent, received) = (obiwan.end().await, luke.end().await);
        let (here, there) = if by_sender { (sent, received) } else { (received, sent) };
        assert_eq!(here, over(Ending::Cancelled, ""), "{number}");
        assert!(matches!(there, What::Over(Over { ending: Ending::CancelledThere, .. })), "{there:?}");
        assert_eq!(luke.everything(), [""; 0]);
    }
}

#[tokio::test]
async fn two_files_go_at_once_in_both_directions() {
    let server = server();
    let mut obiwan = Someone::log_in(&server, "obiwan", from("luke")).await;
    let mut luke = Someone::log_in(&server, "luke", from("obiwan")).await;
    let (one, two) = (obiwan.write("one", 2 << 20), luke.write("two", 2 << 20));
    obiwan.send("luke", "one");
    luke.send("obiwan", "two");
    obiwan.send("luke", "one");
    for someone in [&mut obiwan, &mut luke] {
        for _ in 0..3 {
            let end = someone.end().await;
            assert!(matches!(end, What::Done(_)), "{end:?}");
        }
    }
    assert_eq!((luke.read("obiwan_one"), luke.read("obiwan_one (2)")), (one.clone(), one));
    assert_eq!(obiwan.read("luke_two"), two);
}

#[tokio::test]
async fn a_hostile_name_is_made_harmless_before_anybody_sees_it() {
    let server = server();
    let mut luke = Someone::log_in(&server, "luke", Taking::Ask).await;
    let obiwan = Someone::log_in(&server, "obiwan", Taking::Never).await;
    for (name, saved) in [
        ("../../.bashrc", "obiwan_bashrc"),
        ("..\\evil.exe", "obiwan_evil.exe"),
        ("\u{202e}gpj.exe", "obiwan__gpj.exe"),
        ("/etc/passwd", "obiwan_passwd"),
    ] {
        obiwan.offer_by_hand("luke", name).await;
        let news = luke.next().await;
        assert_eq!(news.about.name, saved, "{name:?}");
        let line = toom_cli::render::transfer(&news);
        assert!(!line.contains(toom_net::shown::is_shown_as_code) && line.contains(saved), "{line:?}");
        luke.files.answer(news.about.number, Answer::No).unwrap();
        luke.end().await;
    }
}

#[tokio::test]
async fn a_relayed_file_whose_session_is_lost_goes_on_where_it_stopped_when_it_is_sent_again() {
    let server = server();
    let link = Relay::to(server.local_addr());
    let (mut luke, _deaf) = deaf(&server).await;
    let way = Way { through: Some(link.port()), ..Way::to(&server) };
    let mut obiwan = Someone::log_in_by(way, "obiwan", Taking::Never).await;
    let content = obiwan.write("film", 6 << 20);
    obiwan.send("luke", "film");
    luke.until_it_has(3 << 20).await;
    link.cut();
    let (sent, received) = (obiwan.end().await, luke.end().await);
    assert_eq!(sent, over(Ending::Failed, "the connection to the server was lost"));
    assert!(matches!(received, What::Over(Over { ending: Ending::Failed, .. })), "{received:?}");
    // What is sent now waits for the connection.
    obiwan.send("luke", "film");
    link.mend();
    let (sent, received) = (obiwan.end().await, luke.end().await);
    let (What::Done(sent), What::Done(received)) = (sent, received) else { panic!() };
    assert!(received.bytes_resumed >= 1 << 20, "{received:?}");
    assert_eq!(sent.bytes_resumed, received.bytes_resumed);
    assert_eq!(luke.read("obiwan_film"), content);
}
