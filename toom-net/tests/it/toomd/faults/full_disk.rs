//! File systems that are full: a small tmpfs, and a small ext4 on a loop device.

use std::path::{Path, PathBuf};

use super::*;
use crate::toomd::ledger::texts_of;
use crate::toomd::operations::ran;

const REFUSED: &str = "ERR BCM unavailable the server has no room left; nothing was stored";

/// A file system in the data folder of a server to be; gone when this is dropped.
struct Mounted {
    data: PathBuf,
}

fn run(words: &[&str]) {
    let ran = Command::new(words[0]).args(&words[1..]).output().unwrap();
    assert!(ran.status.success(), "{words:?}: {}", String::from_utf8_lossy(&ran.stderr));
}

impl Mounted {
    /// The journal of a store takes 18 MiB of it, and what moves to the history as much again.
    fn of(kind: &'static str, mebibytes: usize, folder: &TempDir) -> Self {
        let data = folder.path().join("toom-data");
        fs::create_dir(&data).unwrap();
        let (size, at) = (format!("{mebibytes}m"), data.to_str().unwrap());
        if kind == "tmpfs" {
            run(&["mount", "-t", "tmpfs", "-o", &format!("size={size}"), "tmpfs", at]);
        } else {
            let image = folder.path().join("image");
            let image = image.to_str().unwrap();
            run(&["truncate", "-s", &size, image]);
            run(&["mkfs.ext4", "-qF", "-O", "^has_journal", image]);
            run(&["mount", "-o", "loop", image, at]);
        }
        Self { data }
    }

    /// Takes all the room that is left.
    fn fill(&self) {
        let mut ballast = fs::File::create(self.ballast()).unwrap();
        for size in [1 << 20, 4096, 1] {
            while ballast.write_all(&vec![1; size]).is_ok() {}
        }
    }

    fn make_room(&self) {
        fs::remove_file(self.ballast()).unwrap();
    }

    fn ballast(&self) -> PathBuf {
        self.data.join("ballast")
    }
}

impl Drop for Mounted {
    fn drop(&mut self) {
        let unmounted = Command::new("umount").arg("-l").arg(&self.data).status();
        assert!(unmounted.is_ok_and(|status| status.success()) || std::thread::panicking());
    }
}

/// A server whose lines nobody reads.
fn start(folder: TempDir) -> Toomd {
    let mut toomd = command(&folder, &["0", "--limit", "posts-per-second=0"]);
    Toomd::started(toomd.stdout(Stdio::null()).spawn().unwrap(), folder)
}

/// Everything in the data folder but for the ballast.
fn held(data: &Path) -> Vec<(PathBuf, Vec<u8>)> {
    let paths = fs::read_dir(data).unwrap().map(|entry| entry.unwrap().path());
    let files = paths.filter(|path| path.is_file() && !path.ends_with("ballast"));
    files.map(|path| (path.clone(), fs::read(path).unwrap())).collect()
}

/// Posts until the store is full: how many were taken.
fn post_until_refused(peer: &mut Peer, post: &str) -> u64 {
    for number in 1.. {
        let answer = peer.ask(post);
        if answer == REFUSED {
            return number - 1;
        }
        assert!(answer.starts_with(&format!("OK BCM {number} ")), "{answer}");
    }
    unreachable!()
}

fn a_full_store_refuses_and_goes_on(kind: &'static str) {
    let folder = folder("luke pw\nleia pw\n");
    let mounted = Mounted::of(kind, 64, &folder);
    let mut server = start(folder);
    let mut luke = server.log_in("luke");
    mounted.fill();
    let post = format!("BCM {}", "x".repeat(4000));
    // The journal has its room beforehand.
    let taken = post_until_refused(&mut luke, &post);

    // Refused again and again, nothing is changed, and nobody hears of it.
    let mut leia = server.log_in("leia");
    for _ in 0..50 {
        assert_eq!(luke.ask(&post), REFUSED, "{kind}");
    }
    assert_eq!(leia.ask("PING"), "OK PING", "nothing was delivered");
    assert_eq!(texts_of(&mut leia, "b", taken - 1).len(), 1, "{kind}");
    assert!(server.said("toomd: storage: ").contains("no room is left"));

    mounted.make_room();
    let begun = Instant::now();
    while luke.ask(&post) == REFUSED {
        assert!(begun.elapsed() < Duration::from_secs(1), "{kind}: there is room, and it is not used");
    }
    assert!(leia.line().starts_with(&format!("MSG b {} ", taken + 1)));
    assert_eq!(texts_of(&mut leia, "b", 0).len() as u64, taken + 1, "{kind}");

    let folder = server.stop("TERM");
    let (code, _, said) = ran(&folder, &["verify"]);
    assert_eq!((code, said.as_str()), (Some(0), ""), "{kind}");
    server = start(folder);
    assert_eq!(texts_of(&mut server.log_in("leia"), "b", 0).len() as u64, taken + 1, "{kind}");
    // The server lets go of it before it is unmounted.
    let _folder = server.stop("TERM");
    drop(mounted);
}

#[test]
fn a_server_on_a_full_tmpfs_refuses_posts_changes_nothing_and_goes_on_when_there_is_room() {
    if asked() {
        a_full_store_refuses_and_goes_on("tmpfs");
    }
}

#[test]
fn a_server_on_a_full_ext4_refuses_posts_changes_nothing_and_goes_on_when_there_is_room() {
    if asked() {
        a_full_store_refuses_and_goes_on("ext4");
    }
}

#[test]
fn a_store_for_which_there_is_no_room_is_not_opened_and_is_once_there_is() {
    if !asked() {
        return;
    }
    let folder = folder("luke pw\n");
    let mounted = Mounted::of("tmpfs", 8, &folder);
    let (code, printed, said) = ran(&folder, &["0"]);
    assert_eq!((code, printed.as_str()), (Some(1), ""));
    let last = said.lines().last().unwrap();
    assert!(last.contains("toom-data") && last.contains("no room is left"), "{said}");
    assert!(last.contains("make some, or raise the quota, and try again"), "{said}");
    let before = held(&mounted.data);
    assert_eq!(ran(&folder, &["0"]).0, Some(1), "and so the next time");
    assert_eq!(held(&mounted.data).len(), before.len());
    run(&["mount", "-o", "remount,size=32m", mounted.data.to_str().unwrap()]);
    let server = start(folder);
    assert!(server.log_in("luke").ask("BCM hello").starts_with("OK BCM 1 "));
    let _folder = server.stop("TERM");
    drop(mounted);
}
