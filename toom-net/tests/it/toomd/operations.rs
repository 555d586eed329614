//! What operators see and do: settings, metrics, readiness, sessions, diagnostics, and the end.

use std::io::ErrorKind;

use super::*;

/// Runs `toomd` with these words to its end: its exit code, what it printed, and what it said.
pub(super) fn ran(folder: &TempDir, words: &[&str]) -> (Option<i32>, String, String) {
    let ran = command(folder, words).output().unwrap();
    let text = |bytes| String::from_utf8(bytes).unwrap();
    (ran.status.code(), text(ran.stdout), text(ran.stderr))
}

/// Asks the admin socket of a server by hand: status and body.
fn asked(server: &Toomd, request: &str) -> (u16, String) {
    let mut stream = std::os::unix::net::UnixStream::connect(server.folder.path().join("admin")).unwrap();
    stream.write_all(request.as_bytes()).unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    let (head, body) = answer.split_once("\r\n\r\n").unwrap();
    (head.split(' ').nth(1).unwrap().parse().unwrap(), body.to_owned())
}

pub(super) fn get(server: &Toomd, path: &str) -> (u16, String) {
    asked(server, &format!("GET {path} HTTP/1.0\r\n\r\n"))
}

/// Asks for the metrics until `line` is among them: they are published when a thread is about to wait.
pub(super) fn expect_metric(server: &Toomd, line: &str) {
    let begun = std::time::Instant::now();
    loop {
        let (status, text) = get(server, "/metrics");
        assert_eq!(status, 200);
        if text.lines().any(|other| other == line) {
            return;
        }
        assert!(begun.elapsed() < Duration::from_secs(20), "{line} is not in {text}");
    }
}

#[test]
fn an_operator_sees_what_is_counted_and_who_is_there_and_ends_sessions() {
    let mut server = Toomd::start("luke pw\nleia pw\n", &["--admin", "./admin"]);
    let (mut luke, mut leia) = (server.log_in("luke"), server.log_in("leia"));
    assert!(leia.ask("BCM hello").starts_with("OK BCM 1 "));
    assert!(luke.line().starts_with("MSG b 1 "));
    assert!(server.connect().ask("LOGIN leia wrong").starts_with("ERR LOGIN bad-credentials "));
    for line in [
        "toomd_sessions 2",
        "toomd_broadcasts_total 1",
        "toomd_deliveries_total 1",
        "toomd_logins_total{result=\"success\"} 2",
        "toomd_logins_total{result=\"bad-credentials\"} 1",
        "toomd_batch_writes_count 1",
        "toomd_transfers 0",
        "toomd_limits_hit_total{limit=\"relays\"} 0",
        "toomd_store_bytes 0",
        "toomd_store_broadcast_floor 1",
    ] {
        expect_metric(&server, line);
    }
    assert_eq!(get(&server, "/healthz"), (200, "ok\n".to_owned()));
    assert_eq!(get(&server, "/readyz"), (200, "ready\n".to_owned()));
    assert_eq!(get(&server, "/").0, 404);

    let (code, printed, _) = ran(&server.folder, &["sessions", "--admin", "./admin"]);
    let lines: Vec<_> = printed.lines().map(|line| line.split(' ').collect::<Vec<_>>()).collect();
    assert_eq!((code, lines.len()), (Some(0), 2), "{printed}");
    assert_eq!((lines[0][0], lines[1][0], lines[0][2]), ("luke", "leia", "127.0.0.1"));
    let (code, printed, said) = ran(&server.folder, &["kick", "--admin", "./admin", "Luke"]);
    assert_eq!((code, printed.as_str(), said.as_str()), (Some(0), "", "ended sessions of Luke: 1\n"));
    assert_eq!(luke.line(), "BYE kicked an operator ended this session");
    assert_eq!(luke.line(), "");
    assert_eq!(leia.ask("ATU"), "OK ATU 0");
    let _luke = server.log_in("luke");
    server.signal("TERM");
    assert!(server.child.wait().unwrap().success());
    assert!(!server.folder.path().join("admin").exists(), "the socket is removed");
    let (code, _, said) = ran(&server.folder, &["sessions", "--admin", "./admin"]);
    assert!(code == Some(1) && said.starts_with("toomd: operators cannot ask at ./admin: "), "{said}");
}

#[test]
fn nothing_is_changed_for_a_page_in_a_browser_and_nobody_else_may_ask() {
    use std::os::unix::fs::PermissionsExt as _;
    let server = Toomd::start("luke pw\n", &["--admin", "./admin"]);
    let mut luke = server.log_in("luke");
    let unasked = "POST /kick HTTP/1.0\r\nContent-Type: text/plain\r\nContent-Length: 4\r\n\r\nluke";
    assert_eq!(asked(&server, unasked).0, 403);
    assert_eq!(
        asked(&server, "POST /kick HTTP/1.0\r\nToomd-Admin: 1\r\nContent-Length: 3\r\n\r\na b").0,
        400
    );
    assert_eq!(luke.ask("PING"), "OK PING");
    let mode = fs::metadata(server.folder.path().join("admin")).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
    let refused = ran(&server.folder, &["0", "--admin", "0.0.0.0:0"]);
    assert!(refused.0 == Some(2) && refused.2.contains("only loopback and Unix sockets"), "{}", refused.2);
    // A socket in use is not taken over.
    let second = ran(&server.folder, &["0", "--admin", "./admin"]);
    assert!(second.0 == Some(1) && second.2.contains("operators cannot ask at ./admin"), "{}", second.2);
    assert_eq!(get(&server, "/readyz").0, 200);
}

#[test]
fn settings_are_shown_with_their_origins_and_serve() {
    let folder = folder("luke pw\n");
    fs::write(folder.path().join("toomd.toml"), "attempts = 1\nblock = \"2h\"\n[limits]\nposts-burst = 7\n")
        .unwrap();
    let (code, printed, said) = ran(&folder, &["config", "--config", "toomd.toml", "--limit", "members=9"]);
    assert_eq!((code, said.as_str()), (Some(0), ""));
    let words = |line: &str| line.split_whitespace().collect::<Vec<_>>().join(" ");
    let lines: Vec<_> = printed.lines().map(words).collect();
    for line in [
        "attempts = 1 # toomd.toml, line 1",
        "block = \"2h\" # toomd.toml, line 2",
        "posts-burst = 7 # toomd.toml, line 4",
        "members = 9 # command line",
        "listen = \"127.0.0.1\" # default",
        "# tls-cert is not set # default",
    ] {
        assert!(lines.iter().any(|other| other == line), "{line} is not in {printed}");
    }
    let mut toomd = command(&folder, &["0", "--config", "toomd.toml"]);
    toomd.env("TOOMD_LIMIT_POSTS_PER_SECOND", "1");
    let server = Toomd::started(toomd.spawn().unwrap(), folder);
    let mut peer = server.log_in("luke");
    for number in 1..=7 {
        assert!(peer.ask("BCM hi").starts_with(&format!("OK BCM {number} ")));
    }
    assert!(peer.ask("BCM hi").starts_with("ERR BCM throttled "));
    assert!(server.connect().ask("LOGIN luke wrong").starts_with("ERR LOGIN bad-credentials "));
    assert!(server.connect().ask("LOGIN luke pw").starts_with("ERR LOGIN blocked "));
}

#[test]
fn a_setting_that_is_wrong_is_told_before_anything_is_served() {
    let folder = folder("luke pw\n");
    fs::write(folder.path().join("toomd.toml"), "\nlisten = \"::1\"\nadimn = \"x\"\n").unwrap();
    let told = "toomd: toomd.toml, line 3: there is no setting `adimn`; `admin` is one\n";
    for words in [&["0", "--config", "toomd.toml"][..], &["config", "--config", "toomd.toml"]] {
        assert_eq!(ran(&folder, words), (Some(1), String::new(), told.to_owned()));
    }
}

#[test]
fn the_file_to_begin_with_is_one() {
    let folder = folder("");
    let example = concat!(env!("CARGO_MANIFEST_DIR"), "/../dist/toomd.toml");
    let (code, printed, said) = ran(&folder, &["config", "--config", example]);
    assert!(code == Some(0) && printed.contains("/run/toomd/admin"), "{said}");
}

#[test]
fn diagnostics_are_json_where_that_is_asked_for_and_hold_no_password_and_no_text() {
    let folder = folder("luke secretpassword\n");
    let words = ["0", "--log-format", "json", "--log-level", "debug", "--admin", "./admin"];
    let mut server = Toomd::started_with(command(&folder, &words).spawn().unwrap(), folder, "\"}");
    let mut luke = server.connect();
    assert!(luke.ask("LOGIN luke wrongpassword").starts_with("ERR "));
    assert!(luke.ask("LOGIN luke secretpassword").starts_with("OK LOGIN "));
    assert!(luke.ask("BCM secrettext").starts_with("OK BCM "));
    server.signal("HUP");
    server.signal("TERM");
    let mut said = server.notices.concat();
    server.talk.read_to_string(&mut said).unwrap();
    for line in said.lines() {
        let object: serde_json::Value = serde_json::from_str(line).unwrap_or_else(|_| panic!("{line}"));
        assert!(object["level"].is_string() && object["message"].is_string(), "{line}");
    }
    assert!(
        said.contains("\"message\":\"a session has begun\",\"user\":\"luke\",\"ip\":\"127.0.0.1\""),
        "{said}"
    );
    for secret in ["secretpassword", "wrongpassword", "secrettext"] {
        assert!(!said.contains(secret), "{said}");
    }
}

#[test]
fn only_what_is_worth_it_is_said() {
    let folder = folder("luke pw\n");
    fs::write(folder.path().join("bad.txt"), "luke\n").unwrap();
    let refused = ran(&folder, &["0", "--log-level", "error", "--credentials", "bad.txt"]);
    assert_eq!(refused.2.lines().count(), 1, "{}", refused.2);
    assert!(refused.2.starts_with("toomd: bad.txt"), "{}", refused.2);
}

#[test]
fn a_second_signal_ends_the_server_at_once() {
    // A peer that does not read the rest keeps a shutdown waiting, here for an hour.
    let words =
        ["--limit", "closing-time=1h", "--limit", "outbox-bytes=100000000", "--limit", "posts-per-second=0"];
    let mut server = Toomd::start("luke pw\nleia pw\n", &words);
    let (_stalled, mut leia) = (server.log_in("luke"), server.log_in("leia"));
    let text = "x".repeat(4000);
    for _ in 0..3000 {
        assert!(leia.ask(&format!("BCM {text}")).starts_with("OK BCM "));
    }
    server.signal("TERM");
    loop {
        let line = leia.line();
        if line.starts_with("BYE shutdown ") || line.is_empty() {
            break;
        }
    }
    assert_eq!(server.child.try_wait().unwrap(), None, "it waits for luke");
    let begun = std::time::Instant::now();
    server.signal("TERM");
    assert!(!server.child.wait().unwrap().success());
    assert!(begun.elapsed() < Duration::from_secs(5), "{:?}", begun.elapsed());
}

#[test]
fn systemd_is_told_when_the_server_is_ready_and_when_it_stops() {
    let folder = folder("luke pw\n");
    let notified = std::os::unix::net::UnixDatagram::bind(folder.path().join("notify")).unwrap();
    notified.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
    let hear = || {
        let mut buffer = [0; 100];
        match notified.recv(&mut buffer) {
            Ok(bytes) => String::from_utf8(buffer[..bytes].to_vec()).unwrap(),
            Err(error) if error.kind() == ErrorKind::WouldBlock => panic!("nothing was told"),
            Err(error) => panic!("{error}"),
        }
    };
    let mut toomd = command(&folder, &["0"]);
    toomd.env("NOTIFY_SOCKET", folder.path().join("notify"));
    let server = Toomd::started(toomd.spawn().unwrap(), folder);
    assert_eq!(hear(), "READY=1\n");
    server.signal("TERM");
    assert_eq!(hear(), "STOPPING=1\n");
    assert_eq!(server.ended().0, Some(0));
}

#[test]
fn who_is_blocked_is_out_at_the_next_signal_and_in_again_after_the_one_that_follows() {
    let mut server = Toomd::start("luke pw\nleia pw\n", &[]);
    let (mut luke, mut leia) = (server.log_in("luke"), server.log_in("leia"));
    assert_eq!(ran(&server.folder, &["user", "block", "luke"]).0, Some(0));
    assert_eq!(ran(&server.folder, &["user", "list"]).1, "leia plain\nluke blocked\n");
    assert_eq!(luke.ask("PING"), "OK PING");
    server.signal("HUP");
    assert!(luke.line().starts_with("BYE removed "));
    server.said("toomd: read credentials.txt again");
    assert!(server.connect().ask("LOGIN luke pw").starts_with("ERR LOGIN bad-credentials "));
    assert_eq!(ran(&server.folder, &["user", "unblock", "luke"]).0, Some(0));
    server.signal("HUP");
    server.said("toomd: read credentials.txt again");
    let _luke = server.log_in("luke");
    assert_eq!(leia.ask("PING"), "OK PING");
}

#[test]
fn accounts_are_added_and_removed_while_the_server_runs() {
    let mut server = Toomd::start("luke pw\nleia pw\n", &[]);
    let (mut luke, mut leia) = (server.log_in("luke"), server.log_in("leia"));
    let mut add = command(&server.folder, &["user", "add", "hans"]);
    let mut adding = add.stdin(Stdio::piped()).spawn().unwrap();
    adding.stdin.take().unwrap().write_all(b"pw\n").unwrap();
    assert!(adding.wait().unwrap().success());
    assert_eq!(ran(&server.folder, &["user", "remove", "luke"]).0, Some(0));
    assert!(server.connect().ask("LOGIN hans pw").starts_with("ERR LOGIN bad-credentials "));
    assert_eq!(luke.ask("PING"), "OK PING", "nothing changes before the signal");
    server.signal("HUP");
    assert_eq!(luke.line(), "BYE removed the account was removed");
    assert_eq!(luke.line(), "");
    server.said("toomd: read credentials.txt again");
    assert!(server.connect().ask("LOGIN luke pw").starts_with("ERR LOGIN bad-credentials "));
    let _hans = server.log_in("hans");
    assert_eq!(leia.ask("PING"), "OK PING");
}

#[test]
fn where_other_machines_can_connect_tls_is_demanded_unless_the_operator_says_otherwise() {
    let folder = folder("");
    let (code, printed, said) = ran(&folder, &["0", "--listen", "0.0.0.0"]);
    assert_eq!((code, printed.as_str()), (Some(1), ""));
    assert!(said.contains("0.0.0.0 can be reached from other machines"), "{said}");
    for words in [&["--insecure"][..], &["--tls-self-signed"]] {
        let words = [&["0", "--listen", "0.0.0.0"], words].concat();
        let mut child = command(&folder, &words).spawn().unwrap();
        let mut lines = BufReader::new(child.stderr.take().unwrap()).lines().map(Result::unwrap);
        assert!(lines.any(|line| line.starts_with("listening on 0.0.0.0:")), "{words:?}");
        child.kill().unwrap();
        child.wait().unwrap();
    }
}
