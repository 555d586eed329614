//! Coming and going.

use std::sync::mpsc::channel;
use std::time::Duration;

use toom_core::{Config, Password, Secret};
use toom_net::server::Event;

use super::client::{Client, Steered, accounts, memory, timeless};

#[test]
fn the_server_speaks_first_and_says_who_it_is() {
    let server = memory().start().unwrap();
    let mut client = Client::connect_to(server.local_addr());
    let version = env!("CARGO_PKG_VERSION");
    let greeting = format!("TOOM 1 toomd/{version} max-line=16384 epoch=000000000000002a idle=600");
    assert_eq!(client.line(), greeting);
}

#[test]
fn before_login_the_table_of_what_is_served_holds() {
    let server = memory().start().unwrap();
    let mut client = Client::connect(&server);
    assert_eq!(client.ask("hello client=x/1 udp=1 live=on new=word"), "OK HELLO");
    assert_eq!(client.ask("@t PING a  b"), "@t OK PING a  b");
    assert_eq!(client.ask("PING"), "OK PING");
    assert_eq!(client.ask_rows("HELP").last().unwrap(), "OK HELP 11");
    for verb in ["BCM", "ATU", "SRB", "SRM", "RDM"] {
        let reply = client.ask(&format!("{verb} 1 2 3"));
        assert!(reply.starts_with(&format!("ERR {verb} not-logged-in ")), "{reply}");
    }
    for (line, expected) in [
        ("HELLO live=maybe", "ERR HELLO syntax "),
        ("LOGIN luke", "ERR LOGIN syntax "),
        ("FLY", "ERR - unknown-command "),
        ("UPD luke file", "ERR UPD not-logged-in "),
        ("", "ERR - syntax "),
        ("@ PING", "ERR PING syntax "),
        ("!k PING", "ERR PING syntax "),
    ] {
        let reply = client.ask(line);
        assert!(reply.starts_with(expected), "{line}: {reply}");
    }
    assert_eq!(client.ask("OUT"), "OK OUT");
    client.expect_end();
}

#[test]
fn after_login_hello_and_login_are_refused() {
    let server = memory().start().unwrap();
    let mut luke = Client::log_in(&server, "luke");
    assert!(luke.ask("LOGIN luke luke pw").starts_with("ERR LOGIN already-logged-in "));
    assert!(luke.ask("HELLO").starts_with("ERR HELLO syntax "));
    assert_eq!(luke.ask_rows("ATU now").len(), 1);
}

#[test]
fn the_third_wrong_password_blocks_until_the_time_is_over() {
    let clock = Steered::default();
    let server = memory().clock(clock.clone()).start().unwrap();
    let mut luke = Client::connect(&server);
    for _ in 0..2 {
        assert_eq!(luke.ask("LOGIN luke x"), "ERR LOGIN bad-credentials Invalid Password. Please try again");
    }
    let mut other = Client::connect(&server);
    assert_eq!(
        other.ask("LOGIN luke x"),
        "ERR LOGIN bad-credentials Invalid Password. Your account has been blocked. Please try again later"
    );
    for left in [10, 9, 8] {
        assert_eq!(
            luke.ask("LOGIN luke luke pw"),
            format!(
                "ERR LOGIN blocked Your account is blocked due to multiple login failures. \
                 Please try again later; seconds left: {left}"
            )
        );
        clock.pass(1);
    }
    clock.pass(7);
    assert_eq!(luke.ask_timeless("LOGIN luke luke pw"), "OK LOGIN 1 T luke 127.0.0.1 0");
}

#[test]
fn hashed_passwords_are_checked_while_others_are_served_and_later_lines_wait() {
    let hash = Secret::hash(&Password::new("a long secret"), [7; 16]).unwrap();
    let mut accounts = accounts();
    accounts.push(("leia".parse().unwrap(), hash));
    let server = memory().accounts(accounts).start().unwrap();
    let mut leia = Client::connect(&server);
    leia.send_bytes(b"LOGIN leia wrong\nATU\n@l LOGIN leia a long secret\n@a ATU\nOUT\n");
    assert!(leia.line().starts_with("ERR LOGIN bad-credentials "));
    assert!(leia.line().starts_with("ERR ATU not-logged-in "));
    assert_eq!(timeless(&leia.line()), "@l OK LOGIN 1 T leia 127.0.0.1 0");
    assert_eq!(leia.line(), "@a OK ATU 0");
    assert_eq!(leia.line(), "OK OUT leia");
    // Whoever leaves meanwhile leaves no session behind.
    for _ in 0..3 {
        let mut leia = Client::connect(&server);
        leia.send("LOGIN leia a long secret");
    }
    let mut hans = Client::log_in(&server, "hans");
    loop {
        let rows = hans.ask_rows("ATU");
        if rows == ["OK ATU 0"] {
            break;
        }
        assert_eq!(rows, ["ROW leia T", "OK ATU 1"]);
    }
}

/// The niceness of the threads of this program whose names begin so.
#[cfg(target_os = "linux")]
fn niceness(name: &str) -> Vec<i32> {
    let threads = std::fs::read_dir("/proc/self/task").unwrap();
    // A thread of another test may end meanwhile.
    let stats =
        threads.filter_map(|thread| std::fs::read_to_string(thread.unwrap().path().join("stat")).ok());
    let of_name = stats.filter(|stat| stat.split_once('(').unwrap().1.starts_with(name));
    of_name
        .map(|stat| stat.rsplit_once(')').unwrap().1.split_whitespace().nth(16).unwrap().parse().unwrap())
        .collect()
}

#[cfg(target_os = "linux")]
#[test]
fn password_checks_and_pages_leave_the_processor_to_those_who_serve_everybody() {
    let hash = Secret::hash(&Password::new("a long secret"), [7; 16]).unwrap();
    let server = memory().accounts([("leia".parse().unwrap(), hash)]).start().unwrap();
    let mut leia = Client::connect(&server);
    // Answered by the thread that checks passwords, and by the one that reads.
    assert!(leia.ask("LOGIN leia a long secret").starts_with("OK LOGIN "));
    assert_eq!(leia.ask("RDM b #0"), "OK RDM 0");
    let own = niceness("toom-io").into_iter().max();
    assert_eq!(own, niceness("toom-engine").into_iter().max());
    for patient in ["toom-check-", "toom-reader"] {
        assert_eq!(niceness(patient).into_iter().max(), own.map(|own| (own + 10).min(19)), "{patient}");
    }
}

#[test]
fn sessions_of_one_account_have_a_limit() {
    let mut config = Config::default();
    config.limits.sessions_per_account_max = 1;
    let server = memory().config(config).start().unwrap();
    let _one = Client::log_in(&server, "luke");
    let mut two = Client::connect(&server);
    let reply = two.ask("LOGIN luke luke pw");
    assert!(reply.starts_with("ERR LOGIN limit-reached "), "{reply}");
    assert_eq!(two.ask_timeless("LOGIN hans hans pw"), "OK LOGIN 2 T hans 127.0.0.1 0");
}

#[test]
fn accounts_can_be_changed_while_the_server_runs() {
    let server = memory().start().unwrap();
    let mut hans = Client::log_in(&server, "hans");
    let mut luke = Client::log_in(&server, "luke");
    let mut accounts = accounts();
    accounts.retain(|(name, _)| name.as_str() != "luke");
    accounts.push(("leia".parse().unwrap(), Secret::plain("leia pw").unwrap()));
    server.handle().set_accounts(accounts);
    assert_eq!(luke.line(), "BYE removed the account was removed");
    luke.expect_end();
    let mut leia = Client::log_in(&server, "leia");
    assert!(leia.ask("SRB luke").starts_with("ERR SRB unknown-user luke "));
    leia.ask("BCM hi");
    assert_eq!(timeless(&hans.line()), "MSG b 1 T leia hi");
}

#[test]
fn a_shutdown_answers_what_came_and_says_goodbye_to_everyone() {
    let server = memory().start().unwrap();
    let mut luke = Client::log_in(&server, "luke");
    let mut stranger = Client::connect(&server);
    let address = server.local_addr();
    assert_eq!(luke.ask_timeless("BCM last"), "OK BCM 1 T");
    server.shut_down().unwrap();
    for client in [&mut luke, &mut stranger] {
        assert_eq!(client.line(), "BYE shutdown the server shuts down");
        client.expect_end();
    }
    assert!(std::net::TcpStream::connect(address).is_err(), "nobody listens any more");
}

#[test]
fn a_server_that_is_dropped_shuts_down() {
    let server = memory().start().unwrap();
    let mut luke = Client::log_in(&server, "luke");
    drop(server);
    assert_eq!(luke.rest(), ["BYE shutdown the server shuts down"]);
}

#[test]
fn a_server_that_is_stopped_from_elsewhere_ends() {
    let server = memory().start().unwrap();
    let handle = server.handle();
    let stopper = std::thread::spawn(move || handle.stop());
    server.wait().unwrap();
    stopper.join().unwrap();
}

#[test]
fn two_servers_cannot_listen_on_one_port() {
    let server = memory().start().unwrap();
    let second = memory().listen(server.local_addr()).start().unwrap_err();
    assert!(
        second.to_string().starts_with(&format!("cannot listen on {}: ", server.local_addr())),
        "{second}"
    );
}

#[test]
fn the_operator_is_told_what_happens_in_order() {
    let (events, told) = channel();
    let server = memory().on_event(move |event| events.send(event.clone()).unwrap()).start().unwrap();
    let mut hans = Client::log_in(&server, "hans");
    let luke = Client::log_in(&server, "luke");
    hans.ask("BCM hello");
    hans.ask_rows("ATU");
    hans.ask("SRB luke");
    hans.ask("SRM 1 psst");
    hans.ask_rows("RDM b #0");
    hans.ask("OUT");
    drop(luke);
    let what = |event: Event| match event {
        Event::Running => "running".to_owned(),
        Event::Waiting => "waiting".to_owned(),
        Event::Posted(message) => format!("{} {}", message.author, message.body.as_str()),
        Event::ListedUsers { user } => format!("{user} ATU"),
        Event::RoomCreated(room) => format!("room {}", room.id),
        Event::Read { user } => format!("{user} RDM"),
        Event::LoggedIn(opened) => format!("{} login from {}", opened.user, opened.ip),
        Event::LoggedOut { user, .. } => format!("{user} logout"),
        other => panic!("{other:?}"),
    };
    let expected = [
        "running",
        "waiting",
        "hans login from 127.0.0.1",
        "luke login from 127.0.0.1",
        "hans hello",
        "hans ATU",
        "room 1",
        "hans psst",
        "hans RDM",
        "hans logout",
        "luke logout",
    ];
    for expected in expected {
        assert_eq!(what(told.recv_timeout(Duration::from_secs(20)).unwrap()), expected);
    }
    server.shut_down().unwrap();
    assert!(told.recv().is_err());
}
