//! `--json` and `--follow`: a tool for scripts.

use serde_json::{Value, json};

use crate::support::{Fake, PASSWORD, Peer, Relay, Toom, ended, password_file, port, server, toom};

/// The objects in `lines`, with their times taken out.
fn objects(lines: &str) -> Vec<Value> {
    lines.lines().map(object).collect()
}

fn object(line: &str) -> Value {
    let mut object: Value = serde_json::from_str(line).unwrap();
    for (field, value) in object.as_object_mut().unwrap() {
        if field == "time" || field == "since" {
            let time = value.as_str().unwrap();
            assert!(time.len() == 27 && time.ends_with('Z'), "{time}");
            *value = json!("TIME");
        }
    }
    object
}

/// `toom --json` with `args`, as obiwan.
fn run(port: &str, args: &[&str]) -> (Vec<Value>, Option<i32>) {
    let (_folder, file) = password_file(PASSWORD);
    let first = ["127.0.0.1", port, "--json", "--user", "obiwan", "--password-file", file.to_str().unwrap()];
    let run = ended(toom(&[&first[..], args].concat()), "");
    assert_eq!(run.stderr, "");
    (objects(&run.stdout), run.code)
}

fn login() -> Value {
    json!({ "type": "login", "session": 1, "time": "TIME", "user": "obiwan", "address": "127.0.0.1", "udp": null })
}

#[test]
fn every_reply_is_one_object_a_line() {
    let server = server();
    let commands =
        ["-c", "BCM a \"b\"", "-c", "SRB luke", "-c", "RDM b #0", "-c", "ATU", "-c", "SRM 7 x", "-c", "what"];
    let (objects, code) = run(&port(&server), &commands);
    let unknown = "no such command; the commands are BCM, ATU, SRB, SRM, RDM, UPD, OUT and HELP";
    let expected = [
        login(),
        json!({ "type": "posted", "conversation": "b", "number": 1, "time": "TIME" }),
        json!({ "type": "error", "command": "SRB", "code": "inactive-user", "text": "luke is not active" }),
        json!({
            "type": "message", "conversation": "b", "number": 1, "time": "TIME", "user": "obiwan",
            "text": "a \"b\"", "live": false,
        }),
        json!({ "type": "end", "command": "RDM", "conversation": "b", "count": 1, "complete": true }),
        json!({ "type": "end", "command": "ATU", "count": 0, "complete": true }),
        json!({ "type": "error", "command": "SRM", "code": "no-room", "text": "no such room, or you are not in it" }),
        json!({ "type": "error", "command": null, "code": "usage", "text": unknown }),
        json!({ "type": "bye", "user": "obiwan" }),
    ];
    assert_eq!((objects, code), (expected.to_vec(), Some(1)));
}

#[test]
fn a_history_of_many_pages_has_one_end() {
    let server = server();
    let mut hans = Peer::log_in(&server, "hans");
    for number in 1..=250 {
        assert!(hans.ask(&format!("BCM {number}")).starts_with("OK BCM "));
    }
    let (objects, code) = run(&port(&server), &["-c", "RDM b 1h"]);
    assert_eq!((objects.len(), code), (253, Some(0)));
    for (number, object) in (1..=250).zip(&objects[1..]) {
        assert_eq!((&object["type"], &object["number"]), (&json!("message"), &json!(number)));
    }
    assert_eq!(objects[251]["count"], 250);
}

#[test]
fn what_comes_unasked_is_an_object_too() {
    let fake = Fake::that_answers(&[
        "ROOM 7 luke obiwan\nMSG 7 1 2022-08-04T09:02:29Z luke \u{202e}hi\u{b}there\nLAG b 6 9\nOK ATU 0\n",
        "ROW b GONE 1 4\nOK RDM 0\n",
        "OK OUT obiwan\n",
    ]);
    let (objects, code) = run(&fake.port, &["-c", "ATU", "-c", "RDM b #0"]);
    let expected = [
        json!({ "type": "end", "command": "ATU", "count": 0, "complete": true }),
        json!({ "type": "room", "room": 7, "members": ["luke", "obiwan"], "live": true }),
        json!({
            "type": "message", "conversation": 7, "number": 1, "time": "TIME", "user": "luke",
            "text": "\u{202e}hi\nthere", "live": true,
        }),
        json!({ "type": "missed", "conversation": "b", "first": 6, "last": 9 }),
        json!({ "type": "gone", "conversation": "b", "first": 1, "last": 4 }),
        json!({ "type": "end", "command": "RDM", "conversation": "b", "count": 0, "complete": true }),
        json!({ "type": "bye", "user": "obiwan" }),
    ];
    assert_eq!((&objects[1..], code), (&expected[..], Some(0)));
    assert_eq!(fake.asked(), ["ATU", "RDM b #0", "OUT"]);
}

#[test]
fn a_refused_login_is_an_object_and_gives_1() {
    let server = server();
    let run = ended(toom(&["127.0.0.1", &port(&server), "--json"]), "obiwan\nwrong\n");
    let text = "Invalid Password. Please try again";
    let expected = json!({ "type": "error", "command": "LOGIN", "code": "bad-credentials", "text": text });
    assert_eq!((objects(&run.stdout), run.code), (vec![expected], Some(1)));
}

#[test]
fn a_time_that_came_twice_is_named_on_standard_error_and_read_as_the_first() {
    let server = server();
    let (_folder, file) = password_file(PASSWORD);
    let mut run =
        toom(&["127.0.0.1", &port(&server), "--user", "obiwan", "-c", "RDM b 03 Apr 2022 02:30:00"]);
    run.arg("--password-file").arg(file).env("TZ", "AEST-10AEDT,M10.1.0,M4.1.0/3");
    let run = ended(run, "");
    let told = "toom: that time came twice, since clocks were put back; the first is taken, 2022-04-03T02:30:00+11:00\n";
    assert_eq!((run.stderr.as_str(), run.code), (told, Some(0)));
    assert!(run.stdout.ends_with("no new message\nBye,obiwan\n"), "{}", run.stdout);
}

/// `toom --json --follow`, as obiwan, after its login.
fn follow(port: &str, args: &[&str]) -> Toom {
    let first = ["127.0.0.1", port, "--json", "--follow"];
    let mut toom = Toom::start(&[&first[..], args].concat());
    toom.say("obiwan");
    toom.say(PASSWORD);
    assert_eq!(object(&toom.line()), login());
    toom
}

#[test]
#[cfg(unix)]
fn following_goes_on_after_the_input_and_through_a_loss_until_a_signal_ends_it() {
    use nix::sys::signal::{Signal, kill};

    let server = server();
    let relay = Relay::to(server.local_addr());
    let mut obiwan = follow(&relay.port(), &[]);
    assert_eq!(object(&obiwan.ask("BCM one"))["number"], 1);
    obiwan.end_input();
    let mut hans = Peer::log_in(&server, "hans");
    assert!(hans.ask("BCM two").starts_with("OK BCM 2 "));
    let two = object(&obiwan.line());
    assert_eq!((&two["text"], &two["live"]), (&json!("two"), &json!(true)));
    relay.cut();
    assert_eq!(object(&obiwan.line())["type"], "away");
    assert!(hans.ask("BCM three").starts_with("OK BCM 3 "));
    relay.mend();
    loop {
        let next = object(&obiwan.line());
        if next["type"] != "away" {
            assert_eq!((&next["type"], &next["same-store"]), (&json!("back"), &json!(true)));
            break;
        }
    }
    assert_eq!(object(&obiwan.line())["text"], "three");
    kill(obiwan.pid(), Signal::SIGINT).unwrap();
    let run = obiwan.end();
    let bye = json!({ "type": "bye", "user": "obiwan" });
    assert_eq!((objects(&run.stdout), run.code, run.stderr.as_str()), (vec![bye], Some(0), ""));
}

#[test]
#[cfg(unix)]
fn a_signal_ends_following_with_1_where_something_was_refused() {
    use nix::sys::signal::{Signal, kill};

    let server = server();
    let obiwan = follow(&port(&server), &["-c", "SRM 7 x"]);
    assert_eq!(object(&obiwan.line())["code"], "no-room");
    kill(obiwan.pid(), Signal::SIGTERM).unwrap();
    assert_eq!(obiwan.end().code, Some(1));
}
