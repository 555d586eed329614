use std::io::ErrorKind::WouldBlock;
use std::sync::mpsc::{Receiver, sync_channel};

use toom_core::Epoch;

use super::script::Script;
use super::*;
use crate::protocol::{ClientWord, Greeting, MAX_LINE, TransferId};

const NOW: Mono = Mono::ZERO;

/// A front whose engine's side takes one input at a time.
fn front() -> (Front<Script>, Receiver<Input>) {
    let greeting = Greeting {
        server: ClientWord::parse("toomd/0").unwrap(),
        max_line: MAX_LINE,
        epoch: Epoch::new(7),
        idle: None,
    };
    let limits = ServerLimits::default();
    let (engine, inputs) = sync_channel(1);
    (Front::new(Hub::new(&greeting, TransferId::FIRST, limits), limits, engine), inputs)
}

fn connect(front: &mut Front<Script>) -> (ConnectionId, Script) {
    let (script, ip) = (Script::default(), IpAddr::from([192, 0, 2, 1]));
    front.admit(ip, NOW).unwrap();
    let mut place = None;
    front.open(Path { peer: ip, reached: ip }, NOW, |id| {
        place = Some(id);
        Some(Socket::new(script.clone(), ip, Layer::Plain))
    });
    pass(front);
    assert!(script.taken().starts_with("TOOM 1 "));
    (place.unwrap(), script)
}

fn pass(front: &mut Front<Script>) {
    front.pass(core::iter::empty(), NOW);
}

/// Brings lines, and lets the front read them.
fn bring(front: &mut Front<Script>, (id, script): &(ConnectionId, Script), read: &str) {
    script.bring(Ok(read));
    front.happened(id.slot(), Happened { readable: true, ..Happened::default() });
    front.hub.wake(*id);
    pass(front);
}

#[test]
fn what_the_engine_does_not_take_at_once_it_gets_later_and_in_order() {
    let (mut front, inputs) = front();
    let peers = [connect(&mut front), connect(&mut front), connect(&mut front)];
    for peer in &peers {
        bring(&mut front, peer, "LOGIN luke pw\n");
    }
    let mut asked = Vec::new();
    while let Ok(Input::Ask(ask)) = inputs.try_recv() {
        asked.push(ask.to.connection);
        pass(&mut front);
    }
    assert_eq!(asked, peers.map(|(id, _)| id));
    assert!(!front.is_engine_lost());
}

#[test]
fn an_engine_that_has_ended_is_noticed_when_it_is_to_be_asked() {
    let (mut front, inputs) = front();
    let peer = connect(&mut front);
    drop(inputs);
    bring(&mut front, &peer, "PING\n");
    assert!(!front.is_engine_lost());
    bring(&mut front, &peer, "LOGIN luke pw\n");
    assert!(front.is_engine_lost());
}

#[test]
fn a_connection_that_has_ended_on_both_sides_is_gone_at_once() {
    let (mut front, _inputs) = front();
    let peer = connect(&mut front);
    bring(&mut front, &peer, "OUT\n");
    assert_eq!((peer.1.taken().as_str(), peer.1.has_ended()), ("OK OUT\n", true));
    bring(&mut front, &peer, "whatever\n");
    assert_eq!(front.hub.metrics().open, 1, "the peer still sends");
    bring(&mut front, &peer, "");
    assert_eq!(front.hub.metrics().open, 0);
}

#[test]
fn what_a_peer_does_not_take_waits_until_it_does() {
    let (mut front, _inputs) = front();
    let peer = connect(&mut front);
    peer.1.allow(Ok(3));
    peer.1.allow(Err(WouldBlock));
    bring(&mut front, &peer, "PING\n");
    assert_eq!(peer.1.taken(), "OK ");
    assert_eq!(front.timeout(NOW), Some(ServerLimits::default().login_time), "nothing is due");
    front.happened(peer.0.slot(), Happened { writable: true, ..Happened::default() });
    assert_eq!(front.timeout(NOW), Some(Duration::ZERO));
    pass(&mut front);
    assert_eq!(peer.1.taken(), "PING\n");
}
