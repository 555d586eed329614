//! No `Debug` of a public type shows a password, the text of a message, or a private key, and no error repeats one.

use core::fmt::Debug;
use core::time::Duration;

use jiff::tz::TimeZone;
use toom_core::{
    Body, Config, Conversation, Engine, Epoch, IdempotencyKey, MemoryStorage, Mono, Now, Password, Reading,
    Secret, SessionId, Since, Source, Timestamp, UserName,
};
use toom_net::archive::EntryLine;
use toom_net::credentials::Credentials;
use toom_net::protocol::{LineBuffer, Request, ServerLine};
use toom_net::server::{Event, EventFormat, Identity, RoomTexts, Server};
use toom_net::shown::OneLine;

const MARKER: &str = "marked_secret";

fn name(raw: &str) -> UserName {
    raw.parse().unwrap()
}

/// Whether `Debug` shows `secret`, as a text or as a list of bytes.
fn shows(value: &impl Debug, secret: &[u8]) -> bool {
    let told = format!("{value:?} {value:#?}");
    let closed_up: String = told.split_whitespace().collect();
    let bytes: Vec<_> = secret.iter().map(u8::to_string).collect();
    closed_up.contains(&bytes.join(",")) || std::str::from_utf8(secret).is_ok_and(|text| told.contains(text))
}

fn hides(value: &impl Debug) {
    assert!(!shows(value, MARKER.as_bytes()), "{value:?}");
}

#[test]
fn no_line_of_the_protocol_shows_what_it_says() {
    for line in ["LOGIN luke", "BCM", "@t !k BCM", "SRM 1", "!k SRM 1"] {
        let line = format!("{line} {MARKER}");
        hides(&Request::parse(line.as_bytes()).unwrap());
        let mut buffer = LineBuffer::new();
        buffer.feed(line.as_bytes());
        hides(&buffer);
    }
    let place = "1 1970-01-01T00:00:00.000000Z luke";
    for line in [format!("MSG b {place} {MARKER}"), format!("ROW 1 {place} {MARKER}")] {
        hides(&ServerLine::parse(line.as_bytes()).unwrap());
    }
    // Errors tell what is wrong, and do not repeat it.
    for line in ["LOGIN", "SRM x", "SRM", "@ LOGIN luke", "LOGIN a\u{202e}b", "FLY", "MSG b x", "ROW"] {
        let line = format!("{line} {MARKER}\u{1}");
        let (request, reply) = (Request::parse(line.as_bytes()), ServerLine::parse(line.as_bytes()));
        hides(&request);
        hides(&reply);
        assert!(request.is_err() && !request.unwrap_err().to_string().contains(MARKER), "{line}");
        assert!(reply.is_err() && !reply.unwrap_err().to_string().contains(MARKER), "{line}");
    }
}

#[test]
fn no_account_shows_its_secret() {
    for secret in [MARKER.to_owned(), Secret::hash(&Password::new(MARKER), [7; 16]).unwrap().phc().unwrap()] {
        let credentials = Credentials::parse(&format!("luke {secret}\n#blocked leia {MARKER}\n# {MARKER}\n"));
        let credentials = credentials.unwrap();
        hides(&credentials);
        assert!(!shows(&credentials, b"argon2id"), "{credentials:?}");
        let accounts: Vec<_> = credentials.accounts().collect();
        hides(&accounts);
        let builder = Server::builder(MemoryStorage::new(Epoch::new(1)));
        hides(&builder.accounts(accounts.into_iter().map(|(name, secret)| (name.clone(), secret.clone()))));
    }
    for wrong in ["luke $argon2", "luke \u{1}", "", "luke x\nluke ", "user1 x\nuserl "] {
        let refused = Credentials::parse(&format!("{wrong}{MARKER}")).unwrap_err();
        hides(&refused);
        assert!(!refused.to_string().contains(MARKER), "{refused}");
    }
}

#[test]
fn neither_the_engine_nor_what_it_gives_shows_a_text_or_a_password() {
    let mut engine = Engine::open(MemoryStorage::new(Epoch::new(1)), Config::default()).unwrap();
    let wall = Timestamp::from_unix_micros(0).unwrap();
    let now = Now { wall, mono: Mono::new(Duration::ZERO) };
    let me = SessionId::new(1);
    engine.put_account(name("luke"), Secret::plain(MARKER).unwrap());
    let challenge = engine.begin_login(&name("luke"), Source::new(0), now).unwrap();
    hides(&challenge);
    let verdict = challenge.verify(&Password::new(MARKER));
    hides(&engine.finish_login(challenge, verdict, me, now).unwrap());
    let key = IdempotencyKey::parse("k").unwrap();
    let posted = engine.broadcast(me, Body::parse(MARKER).unwrap(), Some(key), now).unwrap();
    hides(&posted);
    let since = Since::Number(None);
    let reading = Reading::Conversation { conversation: Conversation::Broadcast, since };
    let page = engine.read_since(me, reading, 10.try_into().unwrap(), now).unwrap();
    assert_eq!(page.messages().next().unwrap().body, MARKER);
    hides(&page);
    hides(&engine);
    hides(&engine.into_storage());
}

#[test]
fn what_is_told_to_operators_shows_its_text_where_it_is_printed_and_nowhere_else() {
    let message = toom_core::Message {
        conversation: Conversation::Broadcast,
        number: toom_core::MessageNumber::FIRST,
        at: Timestamp::from_unix_micros(0).unwrap(),
        author: name("luke"),
        body: Body::parse(MARKER).unwrap(),
    };
    let entry = EntryLine { message: message.view(), zone: &TimeZone::UTC };
    assert!(entry.to_string().contains(MARKER));
    hides(&entry);
    hides(&toom_net::archive::Entry::parse(&entry.to_string()).unwrap());
    let event = Event::Posted(message);
    let format = EventFormat { zone: TimeZone::UTC, room_texts: RoomTexts::Shown };
    let line = format.line(&event).unwrap();
    assert!(line.to_string().contains(MARKER));
    hides(&line);
    hides(&event);
    hides(&OneLine(MARKER));
}

#[test]
fn an_identity_does_not_show_its_private_key() {
    let made = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
    let der = made.signing_key.serialize_der();
    let pem = made.signing_key.serialize_pem();
    let identity = Identity::from_pem(made.cert.pem().as_bytes(), pem.as_bytes()).unwrap();
    // The private number of a P-256 key in PKCS #8 stands behind the first 36 bytes.
    assert!(!shows(&identity, &der[36..44]), "{identity:?}");
    assert!(!format!("{identity:?}").contains(pem.lines().nth(1).unwrap()));
}
