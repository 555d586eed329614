//! `toomd --record`, and `toomd replay` of what it wrote.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;

use super::data::{done, refused, run};
use super::*;

const ACCOUNTS: &str = "obiwan pw\nluke pw\n";

/// Two people talk; the wrong password and every text can be looked for.
fn talk(server: &Toomd) {
    let mut luke = server.log_in("luke");
    assert!(luke.ask("LOGIN luke pw").starts_with("ERR LOGIN already-logged-in "));
    let mut obiwan = server.connect();
    assert!(obiwan.ask("LOGIN obiwan not-the-password").starts_with("ERR LOGIN bad-credentials "));
    assert!(obiwan.ask("LOGIN obiwan pw").starts_with("OK LOGIN "));
    for request in ["BCM hello all", "SRB luke", "!k SRM 1 under four eyes", "!k SRM 1 under four eyes"] {
        assert!(obiwan.ask(request).starts_with("OK "), "{request}");
    }
    for (request, rows) in [("RDM b #0", 1), ("RDM s 2020-01-01T00:00:00Z", 1), ("ATU", 1)] {
        for _ in 0..rows {
            assert!(obiwan.ask(request).starts_with("ROW "), "{request}");
            assert!(obiwan.line().starts_with("OK "), "{request}");
        }
    }
}

#[test]
fn a_server_that_is_killed_leaves_a_recording_that_can_be_replayed() {
    let server = Toomd::start(ACCOUNTS, &["--record", "chat.toom", "--memory"]);
    talk(&server);
    // Whatever was answered to a peer before this line was given to the writer; the file has it when the writer has nothing to do.
    let file = server.folder.path().join("chat.toom");
    let begun = Instant::now();
    while !fs::read(&file).unwrap().windows(3).any(|part| part == b"ATU") {
        assert!(begun.elapsed() < Duration::from_secs(20), "the recording is written");
        std::thread::yield_now();
    }
    assert_eq!(fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o600);
    let folder = server.stop("KILL");
    let (code, out, talk) = run(&folder, "replay chat.toom");
    assert_eq!((code, talk.as_str()), (Some(0), ""), "{out}");
    let lines: Vec<_> = out.lines().collect();
    assert!(lines[0].starts_with("recorded by: toomd "), "{out}");
    // Besides ten requests there may be the ends of the two connections.
    let inputs = lines[1].strip_prefix("the same: inputs ").unwrap().split(',').next().unwrap();
    assert!((10..=12).contains(&inputs.parse().unwrap()), "{out}");
    assert!(lines[2].starts_with("end: broken off at byte ") && lines.len() == 3, "{out}");
}

#[test]
fn a_recording_holds_what_was_said_and_no_password_and_goes_on_from_a_history() {
    let server = Toomd::start(ACCOUNTS, &[]);
    talk(&server);
    let folder = server.stop("TERM");
    done(&folder, "user hash");
    let server = Toomd::start_in(folder, &["--record", "chat.toom"]);
    let mut luke = server.log_in("luke");
    let answer = luke.ask("SRB obiwan");
    assert!(answer.starts_with("ERR SRB inactive-user "), "{answer}");
    assert!(luke.ask("SRM 1 more").starts_with("OK SRM 1 2 "));
    server.signal("HUP");
    assert!(server.connect().ask("LOGIN luke not-the-password").starts_with("ERR LOGIN bad-credentials "));
    let folder = server.stop("TERM");
    let (code, out, talk) = run(&folder, "replay chat.toom");
    assert_eq!((code, talk.as_str()), (Some(0), ""), "{out}");
    assert_eq!(out.lines().count(), 2, "{out}");
    let recording = fs::read(folder.path().join("chat.toom")).unwrap();
    let holds = |text: &str| recording.windows(text.len()).any(|part| part == text.as_bytes());
    assert!(holds("more") && holds("luke"));
    let accounts = fs::read_to_string(folder.path().join("credentials.txt")).unwrap();
    let hashes: Vec<_> = accounts.split(['$', '\n', ' ']).filter(|part| part.len() > 20).collect();
    assert_eq!(hashes.len(), 4, "a salt and a hash each: {accounts}");
    for secret in hashes.into_iter().chain(["not-the-password", "argon2"]) {
        assert!(!holds(secret), "{secret}");
    }
}

#[test]
fn a_recording_that_is_damaged_or_none_is_told_and_one_that_is_there_is_not_overwritten() {
    let server = Toomd::start(ACCOUNTS, &["--record", "chat.toom", "--memory"]);
    talk(&server);
    let folder = server.stop("TERM");
    assert!(refused(&folder, "0 --record chat.toom --memory").contains("chat.toom is there already"));
    let path = folder.path().join("chat.toom");
    let mut recording = fs::read(&path).unwrap();
    let last = recording.len() - 1;
    recording[last] ^= 1;
    fs::write(&path, &recording).unwrap();
    let (code, out, talk) = run(&folder, "replay chat.toom");
    assert_eq!(code, Some(1), "{out}{talk}");
    assert!(out.contains("\nthe same: inputs 1"), "{out}");
    assert!(talk.starts_with("toomd: chat.toom is damaged at byte "), "{talk}");
    assert_eq!(
        refused(&folder, "replay credentials.txt"),
        "toomd: credentials.txt: this is no recording of toomd\n"
    );
    assert!(refused(&folder, "replay nothing").starts_with("toomd: nothing: cannot read the recording: "));
}

#[test]
fn a_disk_that_fills_up_ends_the_recording_and_not_the_server() {
    let folder = folder(ACCOUNTS);
    // The file may have four blocks of 512 bytes (of 1 KiB in some shells).
    let words = format!("ulimit -f 4; exec {} 0 --memory --record chat.toom", env!("CARGO_BIN_EXE_toomd"));
    let mut shell = Command::new("sh");
    shell.args(["-c", &words]).current_dir(folder.path()).env("TZ", "UTC");
    let child = shell.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let mut server = Toomd::started(child, folder);
    let mut peer = server.log_in("obiwan");
    for _ in 0..30 {
        assert!(peer.ask(&format!("BCM {}", "x".repeat(200))).starts_with("OK BCM "));
    }
    let said = server.line_said("the recording has ended");
    assert!(said.contains("the recording has ended: "), "{said}");
    assert!(peer.ask("BCM still there").starts_with("OK BCM 31 "));
    let folder = server.stop("TERM");
    let (code, out, _) = run(&folder, "replay chat.toom");
    assert_eq!(code, Some(0), "{out}");
    assert!(out.contains("\nend: broken off at byte "), "{out}");
}
