//! What the memory of a server holds of passwords, by a core dump of it.

use super::*;
use crate::toomd::operations::ran;

/// How often `marker` is in the memory of a server.
fn hits(dump: &[u8], marker: &str) -> usize {
    memchr::memmem::find_iter(dump, marker).count()
}

/// All the memory that the server can write to.
fn dump(server: &Toomd) -> Vec<u8> {
    let (start, id) = (server.folder.path().join("core"), server.child.id());
    let mut gcore = Command::new("gcore");
    let made = gcore.arg("-o").arg(&start).arg(id.to_string()).output().unwrap();
    assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
    fs::read(format!("{}.{id}", start.display())).unwrap()
}

#[test]
fn no_password_that_was_typed_is_in_a_core_dump() {
    if !asked() {
        return;
    }
    let folder = folder("luke marker-of-a-hash\n");
    assert_eq!(ran(&folder, &["user", "hash"]).0, Some(0));
    let hashed = fs::read_to_string(folder.path().join("credentials.txt")).unwrap();
    write_accounts(&folder, &format!("{hashed}leia marker-in-the-file\n"));
    let server = Toomd::start_in(folder, &[]);
    let (mut luke, mut leia) = (server.connect(), server.connect());
    for peer in [&mut luke, &mut leia] {
        assert_eq!(peer.ask("HELLO live=off"), "OK HELLO");
    }
    assert!(luke.ask("LOGIN luke marker-that-is-wrong").starts_with("ERR LOGIN bad-credentials "));
    // Half of a line waits for its end, and others come in one write.
    luke.0.get_mut().write_all(b"LOGIN luke marker-o").unwrap();
    assert_eq!(leia.ask("PING"), "OK PING");
    assert!(luke.ask("f-a-hash\nPING").starts_with("OK LOGIN "));
    assert_eq!(luke.line(), "OK PING");
    assert!(leia.ask("LOGIN leia marker-in-the-file").starts_with("OK LOGIN "));
    // What was typed is wiped by the time that the next request is answered.
    for peer in [&mut luke, &mut leia] {
        assert_eq!(peer.ask("BCM marker-of-a-text").split(' ').next(), Some("OK"));
    }
    let dump = dump(&server);
    assert_eq!(hits(&dump, "marker-of-a-hash"), 0);
    assert_eq!(hits(&dump, "marker-that-is-wrong"), 0);
    // A password that lies in the file as it is lies in memory as well: so the others would have been found.
    assert!(hits(&dump, "marker-in-the-file") > 0);
}
