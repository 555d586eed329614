//! The server over TLS, seen by a client of rustls that knows lines and nothing else.

use std::io::{ErrorKind, Read as _, Write as _};
use std::net::TcpStream;
use std::sync::Arc;
use std::time::Duration;

use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::version::{TLS12, TLS13};
use rustls::{ClientConfig, ClientConnection, RootCertStore, StreamOwned, SupportedProtocolVersion};
use toom_net::server::{Identity, IdentityError, Rate, RunningServer, ServerLimits};
use toom_net::tls::Fingerprint;

use super::client::{self, Client, Steered, memory, timeless};
use super::limits::expect_counted;

type Tls = StreamOwned<ClientConnection, TcpStream>;

const BOTH: &[&SupportedProtocolVersion] = &[&TLS13, &TLS12];

/// A certificate for 127.0.0.1, and its key, in PEM.
struct Made {
    certificate: String,
    key: String,
}

impl Made {
    fn new() -> Self {
        let names = ["127.0.0.1".to_owned(), "localhost".to_owned()];
        let made = rcgen::generate_simple_self_signed(names).unwrap();
        Self { certificate: made.cert.pem(), key: made.signing_key.serialize_pem() }
    }

    fn identity(&self) -> Identity {
        Identity::from_pem(self.certificate.as_bytes(), self.key.as_bytes()).unwrap()
    }

    /// A client's side that trusts this certificate.
    fn client(&self, versions: &[&'static SupportedProtocolVersion]) -> ClientConnection {
        let mut roots = RootCertStore::empty();
        roots.add(CertificateDer::from_pem_slice(self.certificate.as_bytes()).unwrap()).unwrap();
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let config = ClientConfig::builder_with_provider(provider).with_protocol_versions(versions).unwrap();
        let config = config.with_root_certificates(roots).with_no_client_auth();
        ClientConnection::new(Arc::new(config), ServerName::try_from("127.0.0.1").unwrap()).unwrap()
    }

    fn connect_with(
        &self,
        server: &RunningServer,
        versions: &[&'static SupportedProtocolVersion],
    ) -> Client<Tls> {
        let stream = client::connect(server.local_addr());
        let mut client = Client::over(StreamOwned::new(self.client(versions), stream));
        let greeting = client.line();
        assert!(greeting.starts_with("TOOM 1 toomd/"), "{greeting}");
        client
    }

    fn log_in(&self, server: &RunningServer, name: &str) -> Client<Tls> {
        let mut client = self.connect_with(server, BOTH);
        let reply = client.ask(&format!("LOGIN {name} {name} pw"));
        assert!(reply.starts_with("OK LOGIN "), "{reply}");
        client
    }
}

fn start() -> (RunningServer, Made) {
    let made = Made::new();
    (memory().tls(made.identity()).start().unwrap(), made)
}

/// Everything that comes, whether the stream is ended in order or cut.
fn all_of(mut stream: TcpStream) -> Vec<u8> {
    let mut all = Vec::new();
    match stream.read_to_end(&mut all) {
        Ok(_) => {}
        Err(error) => assert_eq!(error.kind(), ErrorKind::ConnectionReset),
    }
    all
}

#[test]
fn a_chat_is_the_same_over_either_version() {
    for version in [&TLS13, &TLS12] {
        let (server, made) = start();
        let mut luke = made.log_in(&server, "luke");
        let mut hans = made.connect_with(&server, &[version]);
        assert_eq!(hans.inner().conn.protocol_version(), Some(version.version));
        assert!(hans.ask("LOGIN hans hans pw").starts_with("OK LOGIN 2 "));
        assert_eq!(hans.ask_timeless("BCM hello"), "OK BCM 1 T");
        assert_eq!(timeless(&luke.line()), "MSG b 1 T hans hello");
        // The end is told in order: rustls gives an error for a stream that is cut.
        assert_eq!(hans.ask("OUT"), "OK OUT hans");
        hans.expect_end();
        server.shut_down().unwrap();
        assert_eq!(luke.line(), "BYE shutdown the server shuts down");
        luke.expect_end();
    }
}

#[test]
fn a_client_that_ends_in_order_is_answered_to_the_end() {
    let (server, made) = start();
    let mut luke = made.log_in(&server, "luke");
    luke.send_bytes(b"BCM one\nRDM b #0\nBCM half");
    luke.inner().conn.send_close_notify();
    luke.inner().flush().unwrap();
    let said: Vec<_> = luke.rest().iter().map(|line| timeless(line)).collect();
    assert_eq!(said, ["OK BCM 1 T", "ROW b 1 T luke one", "OK RDM 1"]);
}

#[test]
fn long_answers_come_whole_whatever_the_sizes_of_records() {
    let (server, made) = start();
    let mut luke = made.log_in(&server, "luke");
    let mut hans = made.log_in(&server, "hans");
    let text = "x".repeat(4096);
    for number in 1..=100 {
        assert_eq!(hans.ask_timeless(&format!("BCM {text}")), format!("OK BCM {number} T"));
        assert_eq!(timeless(&luke.line()), format!("MSG b {number} T hans {text}"));
    }
    let rows = luke.ask_rows("RDM b #0 30");
    assert_eq!(rows.len(), 31);
    assert!(rows.iter().take(30).all(|row| row.ends_with(&text)));
    for line in b"PING a b\r\nPING c\n".chunks(1) {
        luke.send_bytes(line);
    }
    assert_eq!(luke.line(), "OK PING a b");
    assert_eq!(luke.line(), "OK PING c");
}

#[test]
fn who_does_not_read_over_tls_gets_lag_and_then_the_rest() {
    let made = Made::new();
    let limits = ServerLimits { outbox_bytes_max: 20_000, posts: Rate::UNBOUNDED, ..ServerLimits::default() };
    let server = memory().limits(limits).tls(made.identity()).start().unwrap();
    let mut stalled = made.log_in(&server, "yoda");
    let mut hans = made.log_in(&server, "hans");
    let text = "x".repeat(4000);
    let count = 4000;
    for _ in 1..=count {
        assert!(hans.ask(&format!("BCM {text}")).starts_with("OK BCM "));
    }
    let (mut last, mut lags) = (0, 0);
    while last < count {
        let line = stalled.line();
        let words: Vec<_> = line.split(' ').take(4).collect();
        let number = |word: &str| word.parse::<i32>().unwrap();
        let is_lag = words[0] == "LAG";
        assert_eq!((words[1], number(words[2])), ("b", last + 1), "{line}");
        last = number(words[if is_lag { 3 } else { 2 }]);
        lags += i32::from(is_lag);
    }
    assert!(lags > 0, "the test sends too little");
    stalled.expect_quiet();
}

#[test]
fn new_keys_on_the_way_change_nothing() {
    let (server, made) = start();
    let mut luke = made.log_in(&server, "luke");
    for round in 0..20 {
        luke.inner().conn.refresh_traffic_keys().unwrap();
        assert_eq!(luke.ask(&format!("PING {round}")), format!("OK PING {round}"));
    }
}

#[test]
fn what_is_no_handshake_is_refused_in_the_words_of_tls_and_leaves_the_others_served() {
    let (server, made) = start();
    let mut luke = made.log_in(&server, "luke");
    let rubbish: [&[u8]; 6] = [
        b"LOGIN luke luke pw\n",
        b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n",
        &[0; 10_000],
        &[0x16; 10_000],
        // A record that says it is longer than any may be.
        b"\x16\x03\x01\xff\xff",
        // A ClientHello of one byte.
        b"\x16\x03\x01\x00\x05\x01\x00\x00\x01\x00",
    ];
    for bytes in rubbish {
        let mut stream = client::connect(server.local_addr());
        // The server may close on the way.
        let _ = stream.write_all(bytes);
        let answer = all_of(stream);
        assert!(answer.is_empty() || answer[..3] == [0x15, 3, 3], "{bytes:?}: {answer:?}");
    }
    expect_counted(&server, |counts| counts.handshakes_failed == 6);
    let mut hans = made.log_in(&server, "hans");
    assert!(hans.ask("BCM all is well").starts_with("OK BCM 1 "));
    assert!(luke.line().ends_with(" hans all is well"));
}

#[test]
fn rubbish_in_place_of_a_record_ends_that_session_alone() {
    let (server, made) = start();
    let mut luke = made.log_in(&server, "luke");
    let mut hans = made.log_in(&server, "hans");
    // What it should have sent is encrypted.
    hans.inner().sock.write_all(b"BCM in the open\nBCM in the open\n").unwrap();
    let all = all_of(hans.inner().sock.try_clone().unwrap());
    assert!(!all.is_empty(), "an alert");
    while luke.ask_rows("ATU").len() > 1 {}
    luke.expect_quiet();
}

#[test]
fn of_those_who_are_not_logged_in_only_a_few_may_be_in_the_middle_of_a_long_record() {
    let made = Made::new();
    let limits = ServerLimits { early_long_lines_max: 2, ..ServerLimits::default() };
    let server = memory().limits(limits).tls(made.identity()).start().unwrap();
    let mut luke = made.log_in(&server, "luke");
    // Longer than a line may be before the login, and in one record.
    let request = format!("PING {}\n", "x".repeat(8000));
    let half = || {
        let mut peer = made.connect_with(&server, BOTH);
        let mut record = Vec::new();
        peer.inner().conn.writer().write_all(request.as_bytes()).unwrap();
        peer.inner().conn.write_tls(&mut record).unwrap();
        let rest = record.split_off(4000);
        peer.inner().sock.write_all(&record).unwrap();
        (peer, rest)
    };
    let mut begun: Vec<_> = (0..3).map(|_| half()).collect();
    expect_counted(&server, |counts| counts.early_long_lines == 1);
    let told = begun.iter_mut().map(|(peer, rest)| {
        // One of them is closed already.
        let _ = peer.inner().sock.write_all(rest);
        peer.line()
    });
    let mut told: Vec<_> = told.collect();
    told.sort();
    let answer = format!("OK {}", request.trim_end());
    assert_eq!(told, ["BYE throttled too many long lines come before LOGIN", &answer, &answer]);
    assert_eq!(luke.ask(request.trim_end()), answer);
}

#[test]
fn older_versions_are_refused_by_name() {
    let (server, _) = start();
    for minor in [0, 1, 2] {
        // The ClientHello of SSL 3.0, TLS 1.0 or TLS 1.1, which offers ECDHE-RSA with AES-128, and signatures by ECDSA.
        let mut hello = vec![3, minor];
        hello.extend([7; 32]);
        hello.extend([0, 0, 2, 0xc0, 0x13, 1, 0, 0, 8, 0, 13, 0, 4, 0, 2, 4, 3]);
        let length = u8::try_from(hello.len()).unwrap();
        let mut record = vec![0x16, 3, minor.min(1), 0, length + 4, 1, 0, 0, length];
        record.extend(hello);
        let mut stream = client::connect(server.local_addr());
        stream.write_all(&record).unwrap();
        let alert = all_of(stream);
        // A fatal alert, protocol_version.
        assert_eq!(alert, [0x15, 3, 3, 0, 2, 2, 70], "3.{minor}");
    }
}

#[test]
fn a_handshake_that_is_begun_and_not_ended_is_cut_when_a_login_would_be() {
    let made = Made::new();
    let clock = Steered::default();
    let server = memory().tls(made.identity()).clock(clock.clone()).start().unwrap();
    let silent = client::connect(server.local_addr());
    let mut half = client::connect(server.local_addr());
    let mut hello = Vec::new();
    made.client(BOTH).write_tls(&mut hello).unwrap();
    half.write_all(&hello[..hello.len() / 2]).unwrap();
    let mut answered = client::connect(server.local_addr());
    answered.write_all(&hello).unwrap();
    let mut start = [0; 3];
    answered.read_exact(&mut start).unwrap();
    assert_eq!(start, [0x16, 3, 3], "a ServerHello");

    clock.pass(31);
    // The server looks at its clock when something happens.
    drop(client::connect(server.local_addr()));
    assert_eq!(all_of(silent), b"");
    assert_eq!(all_of(half), b"");
    all_of(answered);
    server.shut_down().unwrap();
}

#[test]
fn a_server_shuts_down_without_waiting_for_handshakes() {
    let made = Made::new();
    let limits = ServerLimits { closing_time: Duration::from_hours(1), ..ServerLimits::default() };
    let server = memory().limits(limits).tls(made.identity()).start().unwrap();
    let silent = client::connect(server.local_addr());
    let mut luke = made.log_in(&server, "luke");
    let reading = std::thread::spawn(move || luke.rest());
    server.shut_down().unwrap();
    assert_eq!(reading.join().unwrap(), ["BYE shutdown the server shuts down"]);
    assert_eq!(all_of(silent), b"");
}

#[test]
fn a_crowd_of_slow_handshakes_does_not_delay_messages() {
    // A signature with it takes milliseconds.
    let certificate = include_str!("../../data/rsa4096-cert.pem").to_owned();
    let made = Made { certificate, key: include_str!("../../data/rsa4096-key.pem").to_owned() };
    let server = memory().tls(made.identity()).start().unwrap();
    let mut luke = made.log_in(&server, "luke");
    let mut hans = made.log_in(&server, "hans");
    let crowd: Vec<_> = (0..400)
        .map(|_| {
            let mut stream = client::connect(server.local_addr());
            let mut hello = Vec::new();
            made.client(&[&TLS13]).write_tls(&mut hello).unwrap();
            (stream.write_all(&hello).unwrap(), stream).1
        })
        .collect();
    for number in 1..=50 {
        assert_eq!(hans.ask_timeless("BCM hello"), format!("OK BCM {number} T"));
        assert_eq!(timeless(&luke.line()), format!("MSG b {number} T hans hello"));
    }
    let unanswered = crowd.iter().filter(|stream| {
        stream.set_nonblocking(true).unwrap();
        matches!(stream.peek(&mut [0]), Err(error) if error.kind() == ErrorKind::WouldBlock)
    });
    assert!(unanswered.count() > 0, "every handshake was done before 50 messages were");
}

#[test]
fn another_identity_is_proved_to_new_connections_and_old_ones_stay() {
    let (server, old) = start();
    let mut luke = old.log_in(&server, "luke");
    let new = Made::new();
    server.handle().set_identity(new.identity());
    let mut hans = new.log_in(&server, "hans");
    let shown = Fingerprint::of(&hans.inner().conn.peer_certificates().unwrap()[0]);
    assert_eq!(shown, new.identity().fingerprint());
    assert_ne!(shown, old.identity().fingerprint());
    hans.ask("BCM hello");
    assert!(luke.line().ends_with(" hans hello"));
}

#[test]
fn no_session_is_resumed_so_that_a_key_that_was_replaced_is_of_no_use() {
    let (server, made) = start();
    let mut roots = RootCertStore::empty();
    roots.add(CertificateDer::from_pem_slice(made.certificate.as_bytes()).unwrap()).unwrap();
    for version in [&TLS13, &TLS12] {
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let config =
            ClientConfig::builder_with_provider(provider).with_protocol_versions(&[version]).unwrap();
        let config = Arc::new(config.with_root_certificates(roots.clone()).with_no_client_auth());
        for _ in 0..2 {
            let name = ServerName::try_from("127.0.0.1").unwrap();
            let connection = ClientConnection::new(Arc::clone(&config), name).unwrap();
            let stream = client::connect(server.local_addr());
            let mut client = Client::over(StreamOwned::new(connection, stream));
            assert!(client.line().starts_with("TOOM 1 "));
            client.expect_quiet();
            let kind = client.inner().conn.handshake_kind();
            assert_eq!(kind, Some(rustls::HandshakeKind::Full));
        }
    }
}

#[test]
fn what_cannot_be_an_identity_is_refused_with_the_reason() {
    let (one, other) = (Made::new(), Made::new());
    let refused = |certificate: &str, key: &str| {
        Identity::from_pem(certificate.as_bytes(), key.as_bytes()).unwrap_err()
    };
    assert!(matches!(refused("", &one.key), IdentityError::NoCertificate));
    assert!(matches!(refused(&one.key, &one.key), IdentityError::NoCertificate));
    assert!(matches!(refused(&one.certificate, ""), IdentityError::KeyPem(_)));
    assert!(matches!(refused(&one.certificate, &one.certificate), IdentityError::KeyPem(_)));
    assert!(matches!(refused(&one.certificate, &other.key), IdentityError::Key(_)));
    let cut = &one.certificate[..one.certificate.len() / 2];
    assert!(matches!(refused(cut, &one.key), IdentityError::CertificatePem(_)));
}
