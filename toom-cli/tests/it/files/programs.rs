//! The same with `toom` as it is built: lines, objects, exit codes, and a person at a terminal.

use std::net::UdpSocket;
use std::path::Path;

use serde_json::{Value, json};
use tempfile::TempDir;
use toom_net::server::RunningServer;

use crate::support::{PASSWORD, Toom, ended, password_file, port, server, toom};

/// A `toom` that takes what obiwan sends into `folder`, after its login.
fn receiver(server: &RunningServer, folder: &Path, taking: &[&str]) -> Toom {
    let (port, folder) = (port(server), folder.to_str().unwrap());
    let first = ["127.0.0.1", &port, "--json", "--follow", "--download-dir", folder, "--accept-files"];
    let mut toom = Toom::start(&[&first[..], taking].concat());
    toom.say("luke");
    toom.say(PASSWORD);
    let login: Value = serde_json::from_str(&toom.line()).unwrap();
    assert!(login["udp"].as_u64().is_some_and(|port| port > 0), "{login}");
    toom
}

/// The next object, without what differs from run to run.
fn next(toom: &Toom) -> Value {
    masked(serde_json::from_str(&toom.line()).unwrap())
}

fn masked(mut object: Value) -> Value {
    for field in ["seconds", "bytes-free"] {
        if let Some(value) = object.get_mut(field) {
            assert!(value.as_f64().is_some_and(|value| value >= 0.0), "{value}");
            *value = json!("SOME");
        }
    }
    object
}

/// A file to send, and the arguments that send it as obiwan.
fn sender(server: &RunningServer, folder: &TempDir) -> Vec<String> {
    let file = folder.path().join("my film.mp4");
    std::fs::write(&file, "moving pictures").unwrap();
    let port = port(server);
    let command = format!("UPD luke {}", file.display());
    ["127.0.0.1", &port, "--user", "obiwan", "-c", &command, "-c", "ATU"].map(str::to_owned).to_vec()
}

fn send(args: &[String], more: &[&str]) -> crate::support::Ended {
    let (_folder, file) = password_file(PASSWORD);
    let args: Vec<_> = args.iter().map(String::as_str).chain(more.iter().copied()).collect();
    let mut run = toom(&args);
    run.arg("--password-file").arg(file);
    ended(run, "")
}

#[test]
fn each_step_is_an_object_and_the_next_command_waits_for_the_end() {
    let server = server();
    let (there, here) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let luke = receiver(&server, there.path(), &["from", "obiwan"]);
    let run = send(&sender(&server, &here), &["--json"]);
    let sent: Vec<Value> =
        run.stdout.lines().map(|line| masked(serde_json::from_str(line).unwrap())).collect();
    let step = |direction: &str, user: &str, file: &str, state: &str, more: Value| {
        let mut object = json!({
            "type": "transfer", "number": 1, "direction": direction, "user": user, "file": file, "bytes": 15,
            "state": state,
        });
        if let (Some(object), Value::Object(more)) = (object.as_object_mut(), more) {
            object.extend(more);
        }
        object
    };
    let done = |path: Option<&str>| json!({ "seconds": "SOME", "bytes-there": 0, "path": path });
    let out = |state, more| step("out", "luke", "my film.mp4", state, more);
    assert_eq!(sent[1..4], [out("offered", json!({})), out("accepted", json!({})), out("done", done(None)),]);
    assert_eq!((&sent[4]["user"], run.code, run.stderr.as_str()), (&json!("luke"), Some(0), ""));
    let path = there.path().join("obiwan_my film.mp4");
    let into = |state, more| step("in", "obiwan", "obiwan_my film.mp4", state, more);
    assert_eq!(next(&luke), into("accepted", json!({})));
    assert_eq!(next(&luke), into("done", done(path.to_str())));
    assert_eq!(std::fs::read_to_string(path).unwrap(), "moving pictures");
}

#[test]
fn a_script_can_answer_and_a_refusal_gives_1() {
    let server = server();
    let (there, here) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let mut luke = receiver(&server, there.path(), &["ask"]);
    let args = sender(&server, &here);
    let sending = std::thread::spawn(move || send(&args, &[]));
    let asked = next(&luke);
    assert_eq!(
        (&asked["state"], &asked["bytes-there"], &asked["bytes-free"]),
        (&json!("asked"), &json!(0), &json!("SOME"))
    );
    luke.say("UPD REFUSE 1");
    let refused = next(&luke);
    assert_eq!((&refused["state"], &refused["by-other"]), (&json!("refused"), &json!(false)));
    let run = sending.join().unwrap();
    let told: Vec<_> = run.stdout.lines().skip(2).take(2).collect();
    assert_eq!(
        told,
        [
            "UPD 1: my film.mp4, 15 B, is offered to luke",
            "UPD 1: my film.mp4 to luke was not taken: it was not wanted"
        ]
    );
    assert_eq!(run.code, Some(1));
    assert_eq!(std::fs::read_dir(there.path()).unwrap().count(), 0);
}

#[test]
fn line_mode_takes_no_files_unless_it_is_told_to() {
    let server = server();
    let here = tempfile::tempdir().unwrap();
    let luke = Toom::log_in(&port(&server), "luke");
    let run = send(&sender(&server, &here), &[]);
    assert!(run.stdout.contains("UPD 1: my film.mp4 to luke was not taken"), "{}", run.stdout);
    assert_eq!((run.code, luke.end().stdout.as_str()), (Some(1), "Bye,luke\n"));
}

#[test]
fn a_port_that_is_taken_and_a_folder_that_is_none_are_wrong_usage() {
    let server = server();
    let taken = UdpSocket::bind("0.0.0.0:0").unwrap();
    let udp = taken.local_addr().unwrap().port().to_string();
    let run = ended(toom(&["127.0.0.1", &port(&server), &udp, "--accept-files", "ask"]), "luke\nx\n");
    assert!(
        run.stderr.starts_with(&format!("toom: cannot have the UDP port {udp} for files: ")),
        "{}",
        run.stderr
    );
    assert_eq!((run.code, run.stdout.as_str()), (Some(2), ""));
    let folder = tempfile::tempdir().unwrap();
    let none = folder.path().join("none");
    let args =
        ["127.0.0.1", &port(&server), "--accept-files", "ask", "--download-dir", none.to_str().unwrap()];
    let run = ended(toom(&args), "luke\nx\n");
    assert_eq!(run.stderr, format!("toom: --download-dir: there is no folder {}\n", none.display()));
    assert_eq!(run.code, Some(2));
}
