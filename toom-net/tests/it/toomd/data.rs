//! `toomd` with a history that lasts, and what it makes of it.

use std::fs;
use std::path::Path;
use std::time::{Duration, Instant};

use tempfile::TempDir;

use super::{Peer, Toomd, command, folder};

/// What one run left: its exit code, standard output, and standard error.
pub(super) fn run(folder: &TempDir, words: &str) -> (Option<i32>, String, String) {
    let ran = command(folder, &words.split(' ').collect::<Vec<_>>()).output().unwrap();
    (ran.status.code(), String::from_utf8(ran.stdout).unwrap(), String::from_utf8(ran.stderr).unwrap())
}

/// What `words` say on standard error when they succeed without a word on standard output.
pub(super) fn done(folder: &TempDir, words: &str) -> String {
    let (code, out, talk) = run(folder, words);
    assert_eq!((code, out.as_str()), (Some(0), ""), "{words}: {talk}");
    talk
}

/// What `words` say on standard error when they are refused.
pub(super) fn refused(folder: &TempDir, words: &str) -> String {
    let (code, out, talk) = run(folder, words);
    assert_eq!((code, out.as_str()), (Some(1), ""), "{words}: {talk}");
    talk
}

fn read(folder: &TempDir, path: &str) -> String {
    fs::read_to_string(folder.path().join(path)).unwrap()
}

impl Toomd {
    /// Ends it, as an operator does or as a crash does, and returns its folder.
    pub(super) fn stop(mut self, signal: &str) -> TempDir {
        self.signal(signal);
        let ended = self.child.wait().unwrap();
        assert!(ended.success() || signal == "KILL", "{ended}");
        std::mem::replace(&mut self.folder, tempfile::tempdir().unwrap())
    }
}

/// The rows of an answer, without times.
fn rows(peer: &mut Peer, request: &str) -> Vec<String> {
    let mut rows = Vec::new();
    let mut line = peer.ask(request);
    while let Some(row) = line.strip_prefix("ROW ") {
        let fields: Vec<_> = row.splitn(4, ' ').collect();
        rows.push(format!("{} {} {}", fields[0], fields[1], fields[3]));
        line = peer.line();
    }
    assert!(line.starts_with("OK RDM "), "{line}");
    rows
}

fn say(peer: &mut Peer, requests: &[&str]) {
    for request in requests {
        let answer = peer.ask(request);
        assert!(answer.starts_with("OK "), "{request}: {answer}");
    }
}

/// A folder whose data are those of a small chat.
fn with_history() -> TempDir {
    let server = Toomd::start("obiwan pw\nluke pw\n", &[]);
    let (_luke, mut obiwan) = (server.log_in("luke"), server.log_in("obiwan"));
    say(&mut obiwan, &["BCM hello", "SRB luke", "SRM 1 have\u{b}a nice day", "BCM bye"]);
    server.stop("TERM")
}

#[test]
fn what_was_said_is_there_after_an_end_and_after_a_crash() {
    let mut server = Toomd::start("obiwan pw\nluke pw\n", &["--data", "d"]);
    for (place, signal) in ["TERM", "KILL", "KILL", "INT"].into_iter().enumerate() {
        let (_luke, mut obiwan) = (server.log_in("luke"), server.log_in("obiwan"));
        assert_eq!(rows(&mut obiwan, "RDM b #0").len(), place);
        say(&mut obiwan, &[&format!("BCM {signal}")]);
        server = Toomd::start_in(server.stop(signal), &["--data", "d"]);
    }
    let mut obiwan = server.log_in("obiwan");
    let said = ["b 1 obiwan TERM", "b 2 obiwan KILL", "b 3 obiwan KILL", "b 4 obiwan INT"];
    assert_eq!(rows(&mut obiwan, "RDM b #0"), said);
}

#[test]
fn a_key_means_the_same_request_after_a_restart() {
    let server = Toomd::start("luke pw\n", &["--durability", "buffered"]);
    let first = server.log_in("luke").ask("!k BCM hello");
    let server = Toomd::start_in(server.stop("KILL"), &[]);
    let mut luke = server.log_in("luke");
    assert_eq!(luke.ask("!k BCM hello"), first);
    assert_eq!(rows(&mut luke, "RDM b #0"), ["b 1 luke hello"]);
}

#[test]
fn a_history_in_memory_leaves_nothing_behind() {
    let server = Toomd::start("luke pw\n", &["--memory"]);
    say(&mut server.log_in("luke"), &["BCM hello"]);
    let folder = server.stop("TERM");
    let names: Vec<_> = folder.path().read_dir().unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert_eq!(names, ["credentials.txt"]);
}

#[test]
fn a_folder_is_served_by_one_server_alone() {
    let server = Toomd::start("luke pw\n", &[]);
    for words in ["0", "export", "export --format json", "verify", "repair --yes"] {
        let talk = refused(&server.folder, words);
        assert!(
            talk.lines().last().unwrap().contains("another process has the store open"),
            "{words}: {talk}"
        );
    }
    say(&mut server.log_in("luke"), &["BCM hello"]);
}

#[test]
fn text_logs_go_on_after_a_restart_and_after_a_crash() {
    let words = ["--text-logs", "logs"];
    let mut server = Toomd::start("luke pw\n", &words);
    for signal in ["TERM", "KILL", "TERM"] {
        say(&mut server.log_in("luke"), &["BCM one", "BCM two"]);
        server = Toomd::start_in(server.stop(signal), &words);
    }
    let folder = server.stop("TERM");
    let log = read(&folder, "logs/messagelog.txt");
    let numbers: Vec<_> = log.lines().map(|line| line.split_once(';').unwrap().0).collect();
    assert_eq!(numbers, ["1", "2", "3", "4", "5", "6"]);
}

#[test]
fn a_history_is_exported_as_text_logs_that_are_not_overwritten() {
    let folder = with_history();
    assert_eq!(done(&folder, "export --to logs"), "exported 3 messages and 1 room\n");
    let texts = |name: &str| {
        let log = read(&folder, name);
        log.lines().map(|line| line.splitn(3, "; ").nth(2).unwrap().to_owned()).collect::<Vec<_>>()
    };
    assert_eq!(texts("logs/messagelog.txt"), ["obiwan; hello", "obiwan; bye"]);
    assert_eq!(texts("logs/SR_1_messagelog.txt"), [r"obiwan; have\na nice day"]);
    let talk = refused(&folder, "export --to logs");
    assert!(talk.contains("messagelog.txt is there already"), "{talk}");
}

#[test]
fn an_export_is_imported_as_it_was() {
    let folder = with_history();
    let (code, json, talk) = run(&folder, "export --format json");
    assert_eq!((code, talk.as_str()), (Some(0), "exported 3 messages and 1 room\n"));
    assert_eq!(json.lines().count(), 5);
    done(&folder, "export --format json --to x.json");
    assert_eq!(read(&folder, "x.json"), json);
    assert!(refused(&folder, "export --format json --to x.json").contains("x.json is there already"));
    assert_eq!(done(&folder, "import x.json --data new"), "imported 3 messages and 1 room into new\n");
    assert_eq!(run(&folder, "export --format json --data new").1, json);
    let talk = refused(&folder, "import x.json --data new");
    assert!(talk.contains("new holds rooms or messages already"), "{talk}");
    assert_eq!(run(&folder, "export --format json --data new").1, json);
}

#[test]
fn logs_of_the_old_server_are_served_once_they_are_imported() {
    let folder = folder("obiwan pw\nluke pw\n");
    let old = folder.path().join("old");
    fs::create_dir(&old).unwrap();
    write(&old, "messagelog.txt", "1; 04 Aug 2022 09:02:29; obiwan; hello\n");
    write(&old, "SR_1_messagelog.txt", "1; 04 Aug 2022 09:03:07; obiwan; have a nice day\n");
    let talk = done(&folder, "import old --zone UTC --room 1=luke");
    assert_eq!(talk, "imported 2 messages and 1 room into toom-data\n");
    let server = Toomd::start_in(folder, &[]);
    let mut luke = server.log_in("luke");
    assert!(luke.ask("RDM b #0").starts_with("ROW b 1 2022-08-04T09:02:29.000000Z obiwan hello"));
    assert_eq!(luke.line(), "OK RDM 1");
    assert_eq!(rows(&mut luke, "RDM 1 #0"), ["1 1 obiwan have a nice day"]);
}

#[test]
fn of_many_rooms_whose_members_are_guessed_twenty_are_told() {
    let folder = folder("");
    for room in 1..=25 {
        let line = format!("1; 04 Aug 2022 09:02:29; user-{room}; hello\n");
        write(folder.path(), &format!("SR_{room}_messagelog.txt"), &line);
    }
    let talk = done(&folder, "import .");
    assert_eq!(talk.lines().count(), 22, "{talk}");
    assert!(talk.starts_with("toomd: nobody but user-1 spoke in room 1,"), "{talk}");
    assert!(talk.contains("toomd: 5 more rooms have too few members, or the same\n"), "{talk}");
}

fn write(folder: &Path, name: &str, content: &str) {
    fs::write(folder.join(name), content).unwrap();
}

#[test]
fn malformed_logs_are_told_line_by_line_and_nothing_is_made_of_them() {
    let folder = folder("");
    write(
        folder.path(),
        "messagelog.txt",
        "1; 04 Aug 2022 09:02:29; obiwan; hello\nwhat?\n3; now; obiwan; bye\n",
    );
    assert_eq!(
        refused(&folder, "import ."),
        "toomd: ./messagelog.txt, line 2: a line is expected such as `3; 04 Aug 2022 09:02:29; obiwan; hello`\n\
         ./messagelog.txt, line 3: `now` is no time such as 04 Aug 2022 09:02:29\n\
         nothing was imported\n"
    );
    assert!(!folder.path().join("toom-data").exists());
}

#[test]
fn where_no_store_is_nothing_is_exported_and_none_is_made() {
    let folder = folder("");
    for words in
        ["export --data d", "export --data d --format json", "verify --data d", "repair --data d --yes"]
    {
        assert!(refused(&folder, words).contains("there is no store in d"), "{words}");
    }
    assert!(!folder.path().join("d").exists() && !folder.path().join("messagelog.txt").exists());
}

/// What a line of `toomd verify` says of `name`.
fn said_of<'o>(out: &'o str, name: &str) -> &'o str {
    out.lines()
        .find_map(|line| line.strip_prefix(name)?.strip_prefix(": "))
        .unwrap_or_else(|| panic!("{name}: {out}"))
}

#[test]
fn a_sound_store_is_told_by_its_counts_and_its_digest() {
    let folder = with_history();
    let (code, out, talk) = run(&folder, "verify");
    assert_eq!((code, talk.as_str()), (Some(0), ""), "{out}");
    for (name, count) in
        [("rooms", "1"), ("conversations", "2"), ("messages", "3"), ("batches in the journal", "0")]
    {
        assert_eq!(said_of(&out, name), count);
    }
    done(&folder, "export --format json --to x.json");
    done(&folder, "import x.json --data copy");
    let (code, copy, _) = run(&folder, "verify --data copy");
    assert_eq!(code, Some(0));
    assert_eq!(said_of(&copy, "digest"), said_of(&out, "digest"));
}

/// Damages the first messages of the history, and wipes the journal, which may hold them still.
fn damage(folder: &TempDir) {
    let data = folder.path().join("toom-data");
    for entry in data.read_dir().unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_str().unwrap();
        let mut bytes = fs::read(&path).unwrap();
        if name.starts_with("history-") {
            bytes[20] ^= 1;
        } else if name.starts_with("journal-") {
            bytes.fill(0);
        }
        fs::write(&path, bytes).unwrap();
    }
}

#[test]
fn a_damaged_store_is_told_by_what_is_damaged_and_refused() {
    let folder = with_history();
    damage(&folder);
    let (code, out, talk) = run(&folder, "verify");
    assert_eq!(code, Some(1), "{out}");
    assert!(
        talk.starts_with("toomd: the store in toom-data is damaged; `toomd repair --data toom-data`"),
        "{talk}"
    );
    assert!(said_of(&out, "damage").contains("history-") && !out.contains("digest:"), "{out}");
    assert!(refused(&folder, "export --to logs").contains("damaged at byte"));
}

#[test]
fn a_store_is_repaired_when_it_was_shown_what_is_lost_and_that_was_agreed_to() {
    let folder = with_history();
    assert_eq!(done(&folder, "repair"), "the store in toom-data is whole: there is nothing to repair\n");
    damage(&folder);
    let (code, out, talk) = run(&folder, "repair");
    assert_eq!(code, Some(1));
    assert!(talk.starts_with("toomd: nothing was changed; "), "{talk}");
    assert!(
        out.starts_with("damage: ") && out.contains("\nlost: broadcasts, messages 1 to 2: cannot be read\n"),
        "{out}"
    );
    assert!(out.ends_with("\nmessages lost: 2\n"), "{out}");
    assert_eq!(run(&folder, "verify").0, Some(1), "it is as it was");

    let (code, repaired, _) = run(&folder, "repair --yes");
    assert_eq!((code, said_of(&repaired, "messages")), (Some(0), "1"), "{repaired}");
    let (code, verified, _) = run(&folder, "verify");
    assert_eq!((code, said_of(&verified, "digest")), (Some(0), said_of(&repaired, "digest")));
    let names = folder.path().join("toom-data").read_dir().unwrap().map(|entry| entry.unwrap().file_name());
    assert!(
        names.into_iter().any(|name| name.to_str().unwrap().ends_with(".damaged-1")),
        "the old files are kept"
    );
    let server = Toomd::start_in(folder, &[]);
    assert_eq!(rows(&mut server.log_in("luke"), "RDM 1 #0"), ["1 1 obiwan have\u{b}a nice day"]);
}

#[test]
fn old_history_goes_where_that_is_asked_for() {
    let words = ["--keep-bytes", "1MB", "--durability", "buffered"];
    let text = "x".repeat(4000);
    let mut server = Toomd::start("luke pw\n", &words);
    // What one server leaves is one file; the first is not needed any more once the second is large enough.
    for _ in 0..2 {
        let mut luke = server.log_in("luke");
        for _ in 0..300 {
            say(&mut luke, &[&format!("BCM {text}")]);
        }
        server = Toomd::start_in(server.stop("TERM"), &words);
    }
    let mut luke = server.log_in("luke");
    let until = Instant::now() + Duration::from_secs(20);
    while luke.ask("RDM b #0 1") != "ROW b GONE 1 300" {
        assert!(Instant::now() < until, "nothing goes");
        assert!(luke.line().starts_with("OK RDM 1 "));
        std::thread::yield_now();
    }
}

#[test]
fn a_folder_that_was_put_back_gets_a_new_epoch_and_keeps_its_history() {
    let folder = with_history();
    let (_, before, _) = run(&folder, "verify");
    let first = done(&folder, "repair --new-epoch");
    assert!(first.starts_with("the store in toom-data has the epoch "), "{first}");
    assert_ne!(done(&folder, "repair --new-epoch"), first);
    let (_, after, _) = run(&folder, "verify");
    assert_eq!(said_of(&after, "digest"), said_of(&before, "digest"));
}
