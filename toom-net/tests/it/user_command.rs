//! `toomd user`, run as a program against a folder of the test's own. What a test does not mention must be empty.

use std::fs;
use std::io::Write as _;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};

use tempfile::TempDir;
use toom_core::{Password, Secret};

/// What one run of the program left: its exit code, and all it wrote.
#[derive(Debug, PartialEq, Eq)]
struct Ran {
    code: Option<i32>,
    out: String,
    err: String,
}

struct Folder(TempDir);

impl Folder {
    fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    fn holding(text: &str) -> Self {
        let folder = Self::new();
        fs::write(folder.file(), text).unwrap();
        folder
    }

    fn with_accounts(count: usize) -> Self {
        let lines: Vec<_> = (0..count).map(|number| format!("user-{number} x\n")).collect();
        Self::holding(&lines.concat())
    }

    fn file(&self) -> PathBuf {
        self.0.path().join("credentials.txt")
    }

    fn text(&self) -> String {
        fs::read_to_string(self.file()).unwrap()
    }

    fn names(&self) -> Vec<String> {
        let entries = fs::read_dir(self.0.path()).unwrap();
        entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect()
    }

    fn start(&self, mut command: Command, words: &str, input: &str) -> Child {
        let mut child = command
            .args(words.split(' '))
            .current_dir(self.0.path())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        // A program that needs no input may have ended before it could take this.
        let _ = child.stdin.take().unwrap().write_all(input.as_bytes());
        child
    }

    /// Runs `toomd` in this folder, with `input` on its standard input.
    fn run(&self, words: &str, input: &str) -> Ran {
        end_of(self.start(Command::new(env!("CARGO_BIN_EXE_toomd")), words, input))
    }
}

fn end_of(child: Child) -> Ran {
    let output = child.wait_with_output().unwrap();
    let text = |bytes| String::from_utf8(bytes).unwrap();
    Ran { code: output.status.code(), out: text(output.stdout), err: text(output.stderr) }
}

fn done(err: &str) -> Ran {
    Ran { code: Some(0), out: String::new(), err: err.to_owned() }
}

fn listed(out: &str) -> Ran {
    Ran { code: Some(0), out: out.to_owned(), err: String::new() }
}

fn refused(err: &str) -> Ran {
    Ran { code: Some(1), out: String::new(), err: err.to_owned() }
}

/// Whether `phc` is the hash of `password`: hashed again with its salt it is the same.
fn is_hash_of(phc: &str, password: &str) -> bool {
    let salt = phc.split('$').nth(4).unwrap();
    let salt = unpadded_base64(salt).try_into().unwrap();
    Secret::hash(&Password::new(password), salt).unwrap().phc().unwrap() == phc
}

fn unpadded_base64(text: &str) -> Vec<u8> {
    const ALPHABET: &str = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let (mut bytes, mut bits, mut held) = (Vec::new(), 0, 0_usize);
    for letter in text.chars() {
        held = (held << 6) | ALPHABET.find(letter).unwrap();
        bits += 6;
        if bits >= 8 {
            bits -= 8;
            bytes.push(u8::try_from((held >> bits) & 0xff).unwrap());
        }
    }
    bytes
}

#[test]
fn accounts_are_added_listed_changed_and_removed() {
    let folder = Folder::new();
    let added = done("Luke has an account in credentials.txt now\n");
    assert_eq!(folder.run("user add Luke", " red five \n"), added);
    assert_eq!(folder.run("user add leia", "alderaan\r\n").code, Some(0));
    assert_eq!(folder.run("user list", ""), listed("Luke argon2id\nleia argon2id\n"));
    let first = folder.text();
    let secret =
        |name: &str| folder.text().lines().find_map(|line| line.strip_prefix(name).map(str::to_owned));
    assert!(is_hash_of(&secret("Luke ").unwrap(), " red five "), "{first}");
    assert!(is_hash_of(&secret("leia ").unwrap(), "alderaan"), "{first}");

    let changed = done("luke has a new password in credentials.txt\n");
    assert_eq!(folder.run("user passwd luke", "red six"), changed);
    assert!(is_hash_of(&secret("Luke ").unwrap(), "red six"));
    let removed = done("LEIA has no account in credentials.txt any more\n");
    assert_eq!(folder.run("user remove LEIA", ""), removed);
    assert_eq!(folder.run("user list", ""), listed("Luke argon2id\n"));
    assert_eq!(folder.names(), ["credentials.txt"]);
}

#[test]
fn comments_order_and_what_else_is_in_the_file_are_kept() {
    let folder = Folder::holding("# staff\n\n  luke   red five\n# guests\nhans x\r\nleia y");
    assert_eq!(folder.run("user add yoda", "z\n").code, Some(0));
    assert_eq!(folder.run("user remove hans", "").code, Some(0));
    assert_eq!(folder.run("user passwd luke", "red six\n").code, Some(0));
    let text = folder.text();
    let lines: Vec<_> = text.lines().map(|line| line.split("$argon2id$").next().unwrap()).collect();
    assert_eq!(lines, ["# staff", "", "  luke   ", "# guests", "leia y", "yoda "]);
    assert!(text.ends_with('\n'));
}

#[test]
fn hash_leaves_no_plain_password_and_no_other_change() {
    let folder = Folder::holding("# staff\nluke  red five\n\nleia y\n");
    assert_eq!(folder.run("user list", ""), listed("luke plain\nleia plain\n"));
    assert_eq!(folder.run("user hash", ""), done("hashed 2 passwords in credentials.txt\n"));
    let text = folder.text();
    let lines: Vec<_> = text.lines().collect();
    assert_eq!((lines.len(), lines[0], lines[2]), (4, "# staff", ""));
    assert!(is_hash_of(lines[1].strip_prefix("luke  ").unwrap(), "red five"), "{text}");
    assert!(is_hash_of(lines[3].strip_prefix("leia ").unwrap(), "y"), "{text}");
    assert_eq!(folder.run("user hash", ""), done("credentials.txt holds no plain password\n"));
    assert_eq!(folder.text(), text);
}

#[test]
fn hashing_many_tells_in_a_line_that_it_takes_a_while() {
    let told = done("hashing 21 passwords\nhashed 21 passwords in credentials.txt\n");
    assert_eq!(Folder::with_accounts(21).run("user hash", ""), told);
}

#[test]
fn the_same_password_is_never_hashed_to_the_same_line_twice() {
    let folder = Folder::holding("luke x\nleia x\n");
    assert_eq!(folder.run("user hash", "").code, Some(0));
    let text = folder.text();
    let mut secrets = text.lines().map(|line| line.split_once(' ').unwrap().1);
    assert_ne!(secrets.next(), secrets.next());
}

#[test]
fn a_refused_command_says_why_and_changes_nothing() {
    let text = "Luke red five\n";
    let folder = Folder::holding(text);
    for (words, input, err) in [
        (
            "user add luke",
            "x\n",
            "toomd: credentials.txt: Luke has an account already; `toomd user passwd Luke` gives it another password\n",
        ),
        (
            "user add #1",
            "x\n",
            "toomd: credentials.txt: #1 cannot be written to an account file: a line that begins with # is a comment\n",
        ),
        ("user add leia", "", "toomd: the password is empty; nothing was changed\n"),
        ("user add leia", "\nx\n", "toomd: the password is empty; nothing was changed\n"),
        (
            "user add leia",
            "a\tb\n",
            "toomd: the password holds a control character, which no client can send; nothing was changed\n",
        ),
        ("user passwd luke", "", "toomd: the password is empty; nothing was changed\n"),
        (
            "user passwd leia",
            "x\n",
            "toomd: credentials.txt: leia has no account; `toomd user list` shows those there are\n",
        ),
        (
            "user remove leia",
            "",
            "toomd: credentials.txt: leia has no account; `toomd user list` shows those there are\n",
        ),
    ] {
        assert_eq!(folder.run(words, input), refused(err), "{words}");
    }
    assert_eq!(folder.text(), text);
    assert_eq!(folder.names(), ["credentials.txt"]);
}

#[test]
fn what_needs_accounts_refuses_a_missing_file_and_says_what_creates_it() {
    let folder = Folder::new();
    let missing = refused(
        "toomd: there is no account file c.txt; `toomd user add NAME --credentials c.txt` creates it\n",
    );
    for command in ["list", "hash", "remove luke", "passwd luke"] {
        assert_eq!(folder.run(&format!("user {command} --credentials c.txt"), "x\n"), missing, "{command}");
    }
    assert!(folder.names().is_empty());
}

#[test]
fn a_wrong_line_is_told_by_its_number_and_never_by_its_secret() {
    let text = "luke x\nhunter2\n";
    let folder = Folder::holding(text);
    for command in ["list", "hash", "add leia", "remove luke", "passwd luke"] {
        let ran = folder.run(&format!("user {command}"), "y\n");
        assert_eq!((ran.code, ran.out.as_str()), (Some(1), ""), "{command}");
        assert!(ran.err.starts_with("toomd: credentials.txt, line 2: a name and a secret"), "{ran:?}");
        assert!(!ran.err.contains("hunter2") && ran.err.lines().count() == 1, "{ran:?}");
    }
    assert_eq!(folder.text(), text);
}

#[test]
fn usage_errors_end_with_2_and_help_and_version_with_0() {
    let folder = Folder::new();
    for words in ["user", "user add", "user add a b", "user fly", "2000 6", "--block never", "--listen here"]
    {
        let ran = folder.run(words, "");
        assert_eq!((ran.code, ran.out.as_str()), (Some(2), ""), "{words}");
        assert!(ran.err.contains("Usage: ") || ran.err.contains("try '--help'"), "{ran:?}");
    }
    assert_eq!(folder.run("--version", ""), listed(&format!("toomd {}\n", env!("CARGO_PKG_VERSION"))));
    assert_eq!(folder.run("-V", ""), folder.run("--version", ""));
    let help = folder.run("--help", "");
    assert_eq!((help.code, help.err.as_str()), (Some(0), ""));
    assert!(help.out.contains("--allow-plain-passwords"), "{}", help.out);
    assert_eq!(folder.run("-h", "").code, Some(0));
    assert!(folder.names().is_empty());
}

#[test]
fn of_accounts_that_are_added_at_once_none_is_lost() {
    let folder = Folder::new();
    let add = |number| {
        let toomd = Command::new(env!("CARGO_BIN_EXE_toomd"));
        folder.start(toomd, &format!("user add user-{number}"), "secret\n")
    };
    let children: Vec<_> = (0..12).map(add).collect();
    for child in children {
        let ran = end_of(child);
        assert_eq!(ran.code, Some(0), "{ran:?}");
    }
    assert_eq!(folder.run("user list", "").out.lines().count(), 12);
    assert_eq!(folder.names(), ["credentials.txt"]);
}

#[cfg(unix)]
#[test]
fn the_file_is_for_its_owner_alone_whatever_the_umask() {
    use std::os::unix::fs::PermissionsExt as _;
    for umask in ["000", "022", "077", "277"] {
        let folder = Folder::new();
        let run = |words: &str, input: &str| {
            let mut shell = Command::new("sh");
            shell.args(["-c", &format!("umask {umask}; exec \"$0\" \"$@\""), env!("CARGO_BIN_EXE_toomd")]);
            assert_eq!(end_of(folder.start(shell, words, input)).code, Some(0), "{umask} {words}");
            fs::metadata(folder.file()).unwrap().permissions().mode() & 0o7777
        };
        assert_eq!(run("user add luke", "x\n"), 0o600, "{umask}");
        fs::set_permissions(folder.file(), fs::Permissions::from_mode(0o666)).unwrap();
        assert_eq!(run("user passwd luke", "y\n"), 0o600, "{umask}");
    }
}

#[cfg(unix)]
#[test]
fn a_reader_that_stops_reading_is_no_failure_of_list() {
    let folder = Folder::with_accounts(20_000);
    let mut child = folder.start(Command::new(env!("CARGO_BIN_EXE_toomd")), "user list", "");
    drop(child.stdout.take());
    assert_eq!(end_of(child), listed(""));
}
