//! A store that fails, or is full.

use super::*;

#[test]
fn a_store_that_fails_delivers_nothing_and_is_read_on() {
    let mut server = Server::with_everyone();
    server.run([server.broadcast(0, "one")]);
    server.fail.store(BROKEN, Ordering::Relaxed);
    let inputs = [server.broadcast(0, "two"), server.create_room(1, &["luke"])];
    let turn = server.turn(inputs, at(0));
    let said: Vec<_> = turn.releases.iter().map(shown).collect();
    assert_eq!(said.len(), 2, "{said:?}");
    assert!(said[0].starts_with("0: ERR BCM unavailable it may not have been stored"), "{said:?}");
    assert!(said[1].starts_with("1: ERR SRB unavailable "), "{said:?}");
    assert!(!said.concat().contains("secret/path"));
    assert_eq!(server.engine.metrics().appends_failed, 1);
    assert!(matches!(&turn.events[..], [Event::Trouble { problem }] if problem.contains("secret/path")));
    // The store works again, but nobody knows what it holds.
    server.fail.store(WORKS, Ordering::Relaxed);
    let said = server.run([server.broadcast(0, "three")]);
    assert!(said[0].starts_with("0: ERR BCM unavailable "), "{said:?}");
    assert_eq!(server.run([server.read(1)]), ["1: ROW b 1 obiwan one | OK RDM 1"]);
}

#[test]
fn a_full_store_refuses_and_goes_on_when_it_has_room() {
    let mut server = Server::with_everyone();
    server.fail.store(FULL, Ordering::Relaxed);
    let said = server.run([server.broadcast(0, "one")]);
    assert_eq!(said, ["0: ERR BCM unavailable the server has no room left; nothing was stored"]);
    server.fail.store(WORKS, Ordering::Relaxed);
    assert!(server.engine.metrics().refuses_writes);
    assert_eq!(server.run([server.broadcast(0, "one")]), ["0: OK BCM 1", "deliver 1 one"]);
    assert!(!server.engine.metrics().refuses_writes);
}

#[test]
fn a_store_that_failed_counts_as_failed_until_it_stores_something() {
    let mut server = Server::with_everyone();
    let key = IdempotencyKey::parse("k").unwrap();
    let keyed = |server: &Server| {
        let body = Body::parse("one").unwrap();
        server.ask(0, Operation::Broadcast { key: Some(key.clone()), body })
    };
    assert_eq!(server.run([keyed(&server)]), ["0: OK BCM 1", "deliver 1 one"]);
    server.fail.store(BROKEN, Ordering::Relaxed);
    let said = server.run([server.broadcast(0, "two")]);
    assert!(said[0].starts_with("0: ERR BCM unavailable it may not have been stored"), "{said:?}");
    assert_eq!(server.run([keyed(&server)]), ["0: OK BCM 1"], "what was stored before is answered again");
    let said = server.run([server.create_room(0, &[])]);
    assert!(said[0].starts_with("0: ERR SRB no-members"), "{said:?}");
    assert!(server.engine.metrics().refuses_writes);
}
