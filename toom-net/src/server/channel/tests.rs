use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::version::{TLS12, TLS13};
use rustls::{ClientConfig, ClientConnection, RootCertStore, SupportedProtocolVersion};
use std::io::{Read as _, Write as _};

use super::*;
use crate::server::Identity;
use crate::server::tls::{Served, config};
use crate::tls::provider;

/// Both ends of a connection, and what the server's end works with.
struct Pair {
    client: ClientConnection,
    channel: Channel,
    records: Vec<u8>,
    plain: Vec<u8>,
    spare: Vec<u8>,
}

impl Pair {
    fn new(version: &'static SupportedProtocolVersion) -> Self {
        let made = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
        let (certificate, key) = (made.cert.pem(), made.signing_key.serialize_pem());
        let identity = Identity::from_pem(certificate.as_bytes(), key.as_bytes()).unwrap();
        let mut roots = RootCertStore::empty();
        roots.add(CertificateDer::from_pem_slice(certificate.as_bytes()).unwrap()).unwrap();
        let builder = ClientConfig::builder_with_provider(provider()).with_protocol_versions(&[version]);
        let asks = builder.unwrap().with_root_certificates(roots).with_no_client_auth();
        let name = ServerName::try_from("localhost").unwrap();
        Self {
            client: ClientConnection::new(Arc::new(asks), name).unwrap(),
            channel: Channel::new(config(Served::new(identity))).unwrap(),
            records: Vec::new(),
            plain: Vec::new(),
            spare: Vec::new(),
        }
    }

    /// One on which the handshake is done, both ends having said all they had to.
    fn open(version: &'static SupportedProtocolVersion) -> Self {
        let mut pair = Self::new(version);
        while !pair.channel.is_open() || pair.client.is_handshaking() {
            let said = pair.said();
            pair.channel.keep(&said);
            pair.channel.shake().unwrap();
            pair.hear();
        }
        pair
    }

    /// What the client has to send.
    fn said(&mut self) -> Vec<u8> {
        let mut said = Vec::new();
        while self.client.wants_write() {
            self.client.write_tls(&mut said).unwrap();
        }
        said
    }

    fn say(&mut self, lines: &[u8]) -> Vec<u8> {
        self.client.writer().write_all(lines).unwrap();
        self.said()
    }

    /// The client takes what waits, and gives what it holds.
    fn hear(&mut self) -> Vec<u8> {
        let sealed = self.channel.sealed().to_vec();
        self.channel.sent(sealed.len());
        self.channel.give_back(&mut self.spare);
        let mut waiting = &mut sealed.as_slice();
        while !waiting.is_empty() {
            self.client.read_tls(&mut waiting).unwrap();
            self.client.process_new_packets().unwrap();
        }
        let mut heard = Vec::new();
        // That nothing more has come yet is no end.
        let _ = self.client.reader().read_to_end(&mut heard);
        heard
    }

    fn open_records(&mut self, read: &[u8]) -> Result<(), TlsFailed> {
        self.channel.open(read, &mut self.records, &mut self.plain)
    }

    fn seal(&mut self, plain: &[u8]) {
        self.channel.seal(plain, &mut self.spare).unwrap();
    }
}

/// A text that differs everywhere.
fn text(bytes: usize) -> Vec<u8> {
    (0..bytes).map(|n| b'a' + u8::try_from(n % 23).unwrap()).collect()
}

#[test]
fn records_may_be_cut_anywhere_and_come_many_at_once() {
    for version in [&TLS13, &TLS12] {
        let mut pair = Pair::open(version);
        let (one, two) = (text(40_000), text(700));
        let mut records = pair.say(&one);
        records.extend(pair.say(&two));
        for piece in records.chunks(9000) {
            pair.open_records(piece).unwrap();
        }
        assert_eq!(pair.channel.kept_bytes(), 0);
        assert!(pair.plain == [one, two].concat(), "{version:?}");
        pair.plain.clear();
        let records = pair.say(b"PING\n");
        for byte in &records {
            pair.open_records(&[*byte]).unwrap();
        }
        assert_eq!(pair.plain, b"PING\n");
    }
}

#[test]
fn what_is_sealed_waits_in_order_until_all_of_it_was_sent_and_gives_its_memory_back_then() {
    let mut pair = Pair::open(&TLS13);
    pair.seal(b"OK ");
    pair.seal(b"PING\n");
    let all = pair.channel.sealed().to_vec();
    pair.channel.sent(7);
    pair.channel.give_back(&mut pair.spare);
    assert_eq!(pair.channel.sealed(), &all[7..]);
    let (taken, rest) = (pair.channel.sealed().len(), &all[..7]);
    pair.client.read_tls(&mut [rest, &all[7..]].concat().as_slice()).unwrap();
    pair.client.process_new_packets().unwrap();
    pair.channel.sent(taken);
    pair.channel.give_back(&mut pair.spare);
    assert_eq!((pair.channel.outgoing.capacity(), pair.channel.sealed()), (0, &[][..]));
    pair.seal(b"more\n");
    assert_eq!(pair.hear(), b"OK PING\nmore\n");
}

#[test]
fn lines_that_come_with_the_end_of_the_handshake_are_there_once_it_is_done() {
    for version in [&TLS13, &TLS12] {
        let mut pair = Pair::new(version);
        pair.client.writer().write_all(b"LOGIN luke secret\n").unwrap();
        while !pair.channel.is_open() {
            let said = pair.said();
            pair.channel.keep(&said);
            pair.channel.shake().unwrap();
            pair.hear();
        }
        // In version 1.2 the client waits for the server's last word.
        let rest = pair.said();
        let mut early = Vec::new();
        pair.channel.take_early(&mut early);
        assert_eq!(early.is_empty(), !rest.is_empty(), "{version:?}");
        pair.open_records(&rest).unwrap();
        early.extend_from_slice(&pair.plain);
        assert_eq!(early, b"LOGIN luke secret\n", "{version:?}");
        pair.channel.take_early(&mut early);
        assert_eq!(early.len(), 18, "once");
    }
}

#[test]
fn a_peer_that_asks_for_new_keys_gets_them_before_what_is_said_next() {
    let mut pair = Pair::open(&TLS13);
    for number in 0..3 {
        pair.client.refresh_traffic_keys().unwrap();
        let asked = pair.say(b"PING\n");
        pair.open_records(&asked).unwrap();
        let line = format!("OK PING {number}\n");
        pair.seal(line.as_bytes());
        assert_eq!(pair.hear(), line.as_bytes());
    }
    assert_eq!(pair.plain, b"PING\n".repeat(3));
}

#[test]
fn the_end_is_said_once_and_understood() {
    let mut pair = Pair::open(&TLS13);
    pair.channel.seal_end().unwrap();
    let said = pair.channel.sealed().len();
    pair.channel.seal_end().unwrap();
    assert_eq!(pair.channel.sealed().len(), said);
    assert!(said > 0);
    assert!(!pair.channel.peer_has_ended());
    pair.client.send_close_notify();
    let end = pair.said();
    pair.open_records(&end).unwrap();
    assert!(pair.channel.peer_has_ended());
}

#[test]
fn of_a_handshake_no_more_is_read_than_may_be_kept_and_one_that_is_longer_fails() {
    let mut pair = Pair::new(&TLS13);
    let mut buffer = [0; 10_000];
    assert_eq!(pair.channel.room(&mut buffer).len(), HANDSHAKE_BYTES_MAX);
    assert_eq!(pair.channel.room(&mut buffer[..9]).len(), 9);
    // A record of a handshake that says it is 16,000 bytes long.
    let mut record = vec![0x16, 3, 1, 0x3e, 0x80];
    record.resize(HANDSHAKE_BYTES_MAX - 1, 0);
    pair.channel.keep(&record);
    assert_eq!(pair.channel.room(&mut buffer).len(), 1);
    assert_eq!((pair.channel.shake(), pair.channel.kept_bytes()), (Ok(()), HANDSHAKE_BYTES_MAX - 1));
    pair.channel.keep(&[0]);
    assert_eq!(pair.channel.room(&mut buffer).len(), 0);
    assert_eq!(pair.channel.shake(), Err(TlsFailed));
}

#[test]
fn what_is_no_tls_fails_and_is_told_so() {
    let mut pair = Pair::open(&TLS13);
    assert_eq!(pair.open_records(b"LOGIN luke secret\n"), Err(TlsFailed));
    assert!(!pair.channel.sealed().is_empty(), "an alert");
    assert!(!pair.records.windows(6).any(|bytes| bytes == b"secret"), "wiped");
}

#[test]
fn debug_shows_no_keys_and_no_lines() {
    let pair = Pair::open(&TLS13);
    assert_eq!(format!("{:?}", pair.channel), "Channel { is_open: true, .. }");
}
