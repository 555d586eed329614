//! A server with little memory and many hostile peers, in a memory cgroup.

use std::path::PathBuf;

use super::*;
use crate::toomd::hostile::{PROMPTLY, open_many_files, peer_from, slowest_answer};
use crate::toomd::operations::ran;

/// What goal 10 grants.
const BYTES_MAX: u64 = 128 << 20;
const PEERS: usize = 2000;

/// A memory cgroup of this test's own, removed when it is dropped.
struct Group {
    path: PathBuf,
    files: Files,
}

/// The names of its files, in the two versions of cgroups.
struct Files {
    limit: &'static str,
    peak: &'static str,
}

impl Group {
    fn make() -> Self {
        let first = PathBuf::from("/sys/fs/cgroup/memory");
        let (above, files) = if first.is_dir() {
            (first, Files { limit: "memory.limit_in_bytes", peak: "memory.max_usage_in_bytes" })
        } else {
            ("/sys/fs/cgroup".into(), Files { limit: "memory.max", peak: "memory.peak" })
        };
        let path = above.join(format!("toom-test-{}", std::process::id()));
        fs::create_dir(&path).unwrap();
        let group = Self { path, files };
        group.write(group.files.limit, &BYTES_MAX.to_string());
        group
    }

    fn write(&self, file: &str, text: &str) {
        fs::write(self.path.join(file), text).unwrap();
    }

    fn peak(&self) -> u64 {
        fs::read_to_string(self.path.join(self.files.peak)).unwrap().trim().parse().unwrap()
    }
}

impl Drop for Group {
    fn drop(&mut self) {
        // A process that has just ended may still be counted.
        for _ in 0..1000 {
            if fs::remove_dir(&self.path).is_ok() {
                return;
            }
            std::thread::sleep(Duration::from_millis(2));
        }
    }
}

#[test]
fn two_thousand_hostile_peers_do_not_push_a_server_beyond_128_mib() {
    if !asked() {
        return;
    }
    open_many_files();
    let group = Group::make();
    let folder = folder("luke pw\nleia pw\nyoda pw\n");
    assert_eq!(ran(&folder, &["user", "hash"]).0, Some(0));
    let words =
        ["--limit", "posts-per-second=0", "--limit", "sessions-per-account=1000", "--limit", "login-time=1h"];
    // Its memory counts from the beginning.
    let mut toomd = Command::new("sh");
    toomd.args(["-c", "echo $$ >\"$1\"; shift; exec \"$0\" \"$@\"", env!("CARGO_BIN_EXE_toomd")]);
    toomd.arg(group.path.join("cgroup.procs")).arg("0").args(words);
    toomd.current_dir(folder.path()).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::piped());
    let mut server = Toomd::started(toomd.spawn().unwrap(), folder);
    let mut luke = server.log_in("luke");

    // Some log in and never read, the others stay silent, begin a line, guess, or send garbage.
    let stalled: Vec<_> = (0..PEERS / 20).map(|_| server.log_in("yoda")).collect();
    let mut strangers = Vec::new();
    for number in stalled.len()..PEERS {
        let mut stream = TcpStream::connect(("127.0.0.1", server.port)).unwrap();
        let sent = match number % 4 {
            0 => Vec::new(),
            1 => [b"LOGIN luke ".as_slice(), &[b'x'; 16_000]].concat(),
            2 => format!("LOGIN user{number} wrong\n").into_bytes(),
            _ => [[b'y'; 8_000].as_slice(), b"\n"].concat().repeat(20),
        };
        // Whoever is cut off meanwhile has had its turn.
        stream.set_write_timeout(Some(Duration::from_millis(100))).unwrap();
        let _ = stream.write_all(&sent);
        strangers.push(stream);
    }
    let text = "x".repeat(4000);
    for number in 1..=3000 {
        assert!(luke.ask(&format!("BCM {text}")).starts_with(&format!("OK BCM {number} ")));
    }
    assert!(slowest_answer(&mut luke, 200) < PROMPTLY);
    // From where no one has guessed: the guesses above may have used up what their address is granted.
    let mut leia = peer_from(&server, [127, 0, 0, 9]);
    assert!(leia.ask("LOGIN leia pw").starts_with("OK LOGIN "));
    assert_eq!(leia.ask("RDM b #2999").split(' ').next(), Some("ROW"));
    assert_eq!(server.child.try_wait().unwrap(), None, "it has not been killed for want of memory");
    assert!(server.resident_kib() * 1024 < BYTES_MAX);
    assert!(group.peak() <= BYTES_MAX);
    drop((stalled, strangers));
    server.signal("TERM");
    assert!(server.child.wait().unwrap().success());
}
