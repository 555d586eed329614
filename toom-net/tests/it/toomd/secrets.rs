//! What a server leaves of secrets: in files, by their modes, and in its diagnostics.

use std::os::unix::fs::{FileTypeExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};

use rustix::process::{Resource, getrlimit, setrlimit};

use super::data::refused;
use super::operations::ran;
use super::*;

/// `toomd`, started by someone whose new files are open to all.
fn careless(folder: &TempDir, words: &[&str]) -> Command {
    let mut toomd = Command::new("sh");
    toomd.args(["-c", "umask 000; exec \"$0\" \"$@\"", env!("CARGO_BIN_EXE_toomd")]).args(words);
    toomd.current_dir(folder.path()).env("TZ", "UTC");
    toomd.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::piped());
    toomd
}

/// Everything in a folder and those below it.
fn all_in(folder: &Path) -> Vec<PathBuf> {
    let entries: Vec<_> = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    let below = entries.iter().filter(|path| path.is_dir()).flat_map(|path| all_in(path));
    below.collect::<Vec<_>>().into_iter().chain(entries.clone()).collect()
}

/// Whether somebody else may do something with it.
fn is_open(path: &Path) -> bool {
    fs::metadata(path).unwrap().permissions().mode() & 0o077 != 0
}

#[test]
fn whatever_the_umask_nobody_else_can_read_or_write_what_a_server_and_its_commands_make() {
    let folder = folder("luke pw\nleia pw\n");
    let serve = ["0", "--admin", "./admin", "--text-logs", "logs"];
    let server = Toomd::started(careless(&folder, &serve).spawn().unwrap(), folder);
    let (_leia, mut luke) = (server.log_in("leia"), server.log_in("luke"));
    for request in ["BCM hello", "SRB leia", "SRM 1 secret"] {
        assert!(luke.ask(request).starts_with("OK "), "{request}");
    }
    let socket = server.folder.path().join("admin");
    assert!(fs::metadata(&socket).unwrap().file_type().is_socket() && !is_open(&socket));
    // What it made is told after the end as well: the history files are made then.
    let folder = server.stop("TERM");
    let secured = careless(&folder, &["0", "--tls-self-signed", "--data", "other"]).spawn().unwrap();
    let folder = Toomd::started(secured, folder).stop("TERM");
    for words in [
        &["export", "--to", "texts"][..],
        &["export", "--format", "json", "--to", "x.json"],
        &["import", "x.json", "--data", "copy"],
        &["user", "hash"],
    ] {
        assert!(careless(&folder, words).status().unwrap().success(), "{words:?}");
    }
    let made = all_in(folder.path());
    for name in ["credentials.txt", "toom-data", "manifest", "birth", "journal-1", "messagelog.txt", "x.json"]
    {
        assert!(made.iter().any(|path| path.ends_with(name)), "{name} is not among {made:?}");
    }
    assert!(made.iter().any(|path| path.extension().is_some_and(|kind| kind == "pem")), "{made:?}");
    assert!(made.iter().any(|path| path.file_name().unwrap().to_str().unwrap().starts_with("history-")));
    let open: Vec<_> = made.iter().filter(|path| is_open(path)).collect();
    assert!(open.is_empty(), "others can use {open:?}");
}

#[test]
fn a_server_does_not_start_on_accounts_or_data_that_others_may_write_and_keeps_the_accounts_it_has() {
    let mut server = Toomd::start("luke pw\n", &[]);
    let accounts = server.folder.path().join("credentials.txt");
    let open = |path: &Path, mode| fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
    fs::write(&accounts, "luke another\nleia pw\n").unwrap();
    open(&accounts, 0o606);
    server.signal("HUP");
    let complaint = server.said("toomd: other users");
    assert!(complaint.ends_with("the accounts stay as they were"), "{complaint}");
    let _luke = server.log_in("luke");
    assert!(server.connect().ask("LOGIN leia pw").starts_with("ERR LOGIN bad-credentials "));
    let folder = server.stop("TERM");

    let told = refused(&folder, "0");
    assert!(
        told.contains("may write credentials.txt") && told.contains("chmod 600 credentials.txt"),
        "{told}"
    );
    // As a checkout leaves it.
    open(&accounts, 0o644);
    let server = Toomd::start_in(folder, &[]);
    let notice = "toomd: credentials.txt is open to other users of this machine; `chmod 600 credentials.txt`";
    assert!(server.notices.iter().any(|line| line.starts_with(notice)), "{:?}", server.notices);
    let _leia = server.log_in("leia");
    let folder = server.stop("TERM");

    open(&folder.path().join("toom-data"), 0o777);
    let told = refused(&folder, "0");
    assert!(told.contains("may write to toom-data") && told.contains("chmod 700 toom-data"), "{told}");
}

#[test]
fn the_system_writes_no_core_dump_of_a_server() {
    // The usual limit is 0 already, and the server would have it from here.
    let mut granted = getrlimit(Resource::Core);
    granted.current = granted.maximum;
    setrlimit(Resource::Core, granted).unwrap();
    let server = Toomd::start("luke pw\n", &["--memory"]);
    let limits = fs::read_to_string(format!("/proc/{}/limits", server.child.id())).unwrap();
    let line = limits.lines().find(|line| line.starts_with("Max core file size")).unwrap();
    assert_eq!(line.split_whitespace().nth(4), Some("0"), "{line}");
}

#[test]
fn at_the_level_that_tells_most_there_is_no_secret_and_no_text_in_the_diagnostics() {
    let folder = folder("luke plain-marker\nleia hashed-marker\n");
    assert_eq!(ran(&folder, &["user", "hash"]).0, Some(0));
    let kept = fs::read_to_string(folder.path().join("credentials.txt")).unwrap();
    write_accounts(&folder, &kept.replace(&kept[..kept.find("\nleia").unwrap()], "luke plain-marker"));
    let mut server = Toomd::start_in(folder, &["--log-level", "debug", "--admin", "./admin"]);
    let (mut luke, mut leia) = (server.connect(), server.connect());
    assert!(luke.ask("LOGIN luke wrong-marker").starts_with("ERR "));
    assert!(luke.ask("LOGIN luke plain-marker").starts_with("OK "));
    assert!(leia.ask("LOGIN leia hashed-marker").starts_with("OK "));
    for request in
        ["!key-marker BCM text-marker", "SRB leia", "SRM 1 room-marker", "@tag-marker PING ping-marker"]
    {
        assert!(luke.ask(request).contains("OK "), "{request}");
    }
    for request in
        ["LOGIN", "LOGIN luke again-marker", "garbage-marker", "SRM 99 lost-marker", "BCM \u{1}bad-marker"]
    {
        assert!(luke.ask(request).starts_with("ERR "), "{request}");
    }
    server.signal("HUP");
    server.said("toomd: read credentials.txt again");
    server.signal("TERM");
    let mut said = server.notices.concat();
    server.talk.read_to_string(&mut said).unwrap();
    assert!(said.contains("a session has begun"), "{said}");
    assert!(!said.contains("-marker"), "{said}");
    // Operators see broadcasts, and nothing else.
    let events = server.ended().1;
    let shown: Vec<_> = events.iter().filter(|line| line.contains("-marker")).collect();
    assert_eq!(shown, ["luke broadcasted BCM \"text-marker\" at <time>"]);
}
