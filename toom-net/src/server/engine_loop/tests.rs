mod ending;
mod login;
mod store;

use core::ops::ControlFlow;
use core::time::Duration;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use proptest::prelude::*;
use toom_core::{
    Body, CheckMemory, Config, Conversation, Epoch, History, IdempotencyKey, MemoryReader, MemoryStorage,
    MessageNumber, MessageRef, Password, Policy, Reading, Record, Recovered, SessionEnd, StorageError,
    Timestamp,
};

use super::*;
use crate::marker::{MARKER, is_shown};
use crate::protocol::{ContentHash, FileName, FileOffer, Fingerprint};
use crate::server::exchange::{Checked, Offer};

/// A store in memory that counts its appends and fails when it is told to.
#[derive(Debug)]
pub(in crate::server) struct Store {
    memory: MemoryStorage,
    appends: Arc<AtomicUsize>,
    fail: Arc<AtomicUsize>,
}

impl Store {
    /// One that does what `fail` says.
    pub(in crate::server) fn new(memory: MemoryStorage, fail: Arc<AtomicUsize>) -> Self {
        Self { memory, appends: Arc::default(), fail }
    }
}

const WORKS: usize = 0;
pub(in crate::server) const FULL: usize = 1;
pub(in crate::server) const BROKEN: usize = 2;

impl History for Store {
    fn locate(&self, of: Conversation, since: Timestamp) -> Result<Option<MessageNumber>, StorageError> {
        self.memory.locate(of, since)
    }

    fn read(
        &self,
        of: Conversation,
        after: Option<MessageNumber>,
        limit: usize,
        visit: impl FnMut(MessageRef<'_>) -> ControlFlow<()>,
    ) -> Result<(), StorageError> {
        History::read(&self.memory, of, after, limit, visit)
    }

    fn floor(&self, of: Conversation) -> Result<MessageNumber, StorageError> {
        self.memory.floor(of)
    }
}

impl Store {
    fn refusal(&self) -> Option<StorageError> {
        let thing = || "secret/path".to_owned();
        match self.fail.load(Ordering::Relaxed) {
            WORKS => None,
            FULL => Some(StorageError::Full { thing: thing(), action: "append" }),
            _ => Some(StorageError::Corrupt { thing: thing(), offset: 0, what: "broken" }),
        }
    }
}

impl Storage for Store {
    type Reader = MemoryReader;

    fn epoch(&self) -> Epoch {
        self.memory.epoch()
    }

    fn append(&mut self, records: &[Record]) -> Result<(), StorageError> {
        self.appends.fetch_add(1, Ordering::Relaxed);
        self.refusal().map_or_else(|| self.memory.append(records), Err)
    }

    fn recover(&mut self) -> Result<Recovered, StorageError> {
        self.memory.recover()
    }

    fn reserve_stamps(&mut self, until: Timestamp) -> Result<(), StorageError> {
        self.refusal().map_or_else(|| self.memory.reserve_stamps(until), Err)
    }

    fn reader(&self) -> MemoryReader {
        self.memory.reader()
    }
}

struct Server {
    engine: EngineLoop<Store>,
    appends: Arc<AtomicUsize>,
    fail: Arc<AtomicUsize>,
    reader: MemoryReader,
    tickets: u64,
}

const NAMES: [&str; 4] = ["obiwan", "hans", "luke", "yoda"];

fn id(slot: u32) -> ConnectionId {
    ConnectionId::new(slot, 1)
}

fn at(seconds: u64) -> Now {
    let wall = Timestamp::from_unix_micros(1_659_603_749_000_000).unwrap();
    Now { wall, mono: Mono::new(Duration::from_secs(seconds)) }
}

impl Server {
    fn with(config: Config, secret: impl Fn(&str) -> Secret) -> Self {
        let memory = MemoryStorage::new(Epoch::new(1));
        let (reader, fail) = (memory.reader(), Arc::default());
        let store = Store::new(memory, Arc::clone(&fail));
        let appends = Arc::clone(&store.appends);
        let mut engine = EngineLoop::new(Engine::open(store, config).unwrap(), 3);
        let accounts = NAMES.iter().map(|name| (name.parse().unwrap(), secret(name))).collect();
        engine.set_accounts(accounts, &mut Turn::default());
        Self { engine, appends, fail, reader, tickets: 0 }
    }

    fn new() -> Self {
        Self::with(Config::default(), |_| Secret::plain("pw").unwrap())
    }

    /// A server on which `NAMES` are logged in, on connections 0 to 3.
    fn with_everyone() -> Self {
        let mut server = Self::new();
        for (slot, name) in (0..).zip(NAMES) {
            let said = server.run([server.login(slot, name, "pw")]);
            assert_eq!(said.len(), 2, "{said:?}");
        }
        server
    }

    fn ask(&self, slot: u32, operation: Operation) -> Input {
        let to = ReplyTo { connection: id(slot), ticket: self.tickets, tag: None };
        Input::Ask(Ask { to, operation })
    }

    fn login(&self, slot: u32, user: &str, password: &str) -> Input {
        let (user, password) = (user.parse().unwrap(), Password::new(password));
        self.ask(slot, Operation::Login { user, password, ip: [192, 0, 2, 1].into(), udp: None })
    }

    fn broadcast(&self, slot: u32, text: &str) -> Input {
        self.ask(slot, Operation::Broadcast { key: None, body: Body::parse(text).unwrap() })
    }

    fn create_room(&self, slot: u32, users: &[&str]) -> Input {
        let users = users.iter().map(|user| user.parse().unwrap()).collect();
        self.ask(slot, Operation::CreateRoom { key: None, users })
    }

    fn read(&self, slot: u32) -> Input {
        let since = toom_core::Since::Number(None);
        let reading = Reading::Conversation { conversation: Conversation::Broadcast, since };
        self.ask(slot, Operation::Read { reading, limit: core::num::NonZeroUsize::MAX })
    }

    fn turn(&mut self, inputs: impl IntoIterator<Item = Input>, now: Now) -> Turn {
        let mut turn = Turn::default();
        self.engine.turn(inputs, now, &mut turn);
        turn
    }

    /// Turns until nothing waits, with passwords checked and pages read at once; what was released, as lines.
    fn run(&mut self, inputs: impl IntoIterator<Item = Input>) -> Vec<String> {
        let mut said = Vec::new();
        let mut next: Vec<_> = inputs.into_iter().collect();
        loop {
            let turn = self.turn(std::mem::take(&mut next), at(0));
            said.extend(turn.releases.iter().map(shown));
            said.extend(turn.reads.into_iter().map(|read| shown(&read.run(&self.reader).0)));
            next.extend(
                turn.checks.into_iter().map(|check| Input::Checked(check.run(&mut CheckMemory::new()))),
            );
            if next.is_empty() && !self.engine.has_deferred() {
                return said;
            }
        }
    }
}

/// What is released, in a few words: replies without their times.
fn shown(release: &Release) -> String {
    match release {
        Release::Reply { connection, lines, .. } => {
            let lines = String::from_utf8(lines.clone()).unwrap();
            let time = |word: &&str| !word.starts_with("2022-");
            let lines: Vec<_> = lines
                .lines()
                .map(|line| line.split(' ').filter(time).collect::<Vec<_>>().join(" "))
                .collect();
            format!("{}: {}", connection.slot(), lines.join(" | "))
        }
        Release::LoggedIn { connection, user } => format!("{} is {user}", connection.slot()),
        Release::End { connection, bye } => format!("{} ends: {bye:?}", connection.slot()),
        Release::Offer { to, user, offer } => {
            format!("{}: {user} offers {} {}", to.connection.slot(), offer.user, offer.file.name)
        }
        Release::Effect(Effect::Deliver { message, .. }) => {
            format!("deliver {} {}", message.number, message.body.as_str())
        }
        Release::Effect(Effect::RoomOpened { room, .. }) => format!("opened {}", room.id),
        Release::Effect(Effect::SessionEnded { session, reason }) => {
            format!("{} ended {reason:?}", ConnectionId::of_session(*session).slot())
        }
    }
}

#[test]
fn debug_shows_no_password_and_no_text_on_either_side_of_the_engine() {
    for secret in [Secret::plain(MARKER), Secret::hash(&Password::new(MARKER), [7; 16])] {
        let secret = secret.unwrap();
        let mut server = Server::with(Config::default(), |_| secret.clone());
        let login = server.login(0, "luke", MARKER);
        assert!(!is_shown(&login), "{login:?}");
        let turn = server.turn([login], at(0));
        assert!(!is_shown(&turn) && !is_shown(&server.engine), "{turn:?}");
        let checked = turn
            .checks
            .into_iter()
            .map(|check| Input::Checked(check.run(&mut CheckMemory::new())))
            .collect::<Vec<_>>();
        server.run(checked);
        let input = server.broadcast(0, MARKER);
        assert!(!is_shown(&input), "{input:?}");
        let turn = server.turn([input], at(0));
        assert!(!is_shown(&turn) && !is_shown(&server.engine), "{turn:?}");
        let turn = server.turn([server.read(0)], at(0));
        let pages: Vec<_> = turn.reads.into_iter().map(|read| read.run(&server.reader)).collect();
        assert!(pages.len() == 1 && shown(&pages[0].0).contains(MARKER) && !is_shown(&pages), "{pages:?}");
    }
}

#[test]
fn an_offer_is_handed_on_to_who_is_there_and_refused_for_who_is_not() {
    let mut server = Server::new();
    for (slot, name) in [(0, "obiwan"), (1, "Luke")] {
        let login = server.login(slot, name, "pw");
        server.run([login]);
    }
    let offer = |slot, user: &str| {
        let digits = [0; 32];
        let file = FileOffer {
            bytes: 1,
            hash: ContentHash::new(digits),
            fingerprint: Fingerprint::new(digits),
            name: FileName::parse("film").unwrap(),
        };
        server.ask(slot, Operation::Offer(Box::new(Offer { user: user.parse().unwrap(), file })))
    };
    let offers =
        [offer(0, "LUKE"), offer(0, "yoda"), offer(0, "vader"), offer(2, "luke"), offer(0, "obiwan")];
    assert_eq!(
        server.run(offers),
        [
            "0: obiwan offers luke film",
            "0: ERR UPD inactive-user yoda yoda is not active",
            "0: ERR UPD unknown-user vader there is no user vader",
            "2: ERR UPD not-logged-in not logged in",
            "0: obiwan offers obiwan film",
        ]
    );
}

#[test]
fn writes_that_come_together_share_one_append_and_are_released_in_order() {
    let mut server = Server::with_everyone();
    let inputs = [
        server.broadcast(0, "one"),
        server.create_room(1, &["luke"]),
        server.broadcast(2, "two"),
        server.broadcast(0, "three"),
    ];
    let said = server.run(inputs);
    assert_eq!(server.appends.load(Ordering::Relaxed), 1);
    let counts = server.engine.metrics();
    assert_eq!(
        (counts.batch_writes.sum(), counts.batch_writes.count(), counts.append_time.count()),
        (4, 1, 1)
    );
    assert_eq!((counts.broadcasts, counts.rooms_created, counts.room_posts), (3, 1, 0));
    assert_eq!((counts.logins, counts.sessions), (4, 4));
    assert_eq!(
        said,
        [
            "0: OK BCM 1",
            "deliver 1 one",
            "1: OK SRB 1 hans luke",
            "opened 1",
            "2: OK BCM 2",
            "deliver 2 two",
            "0: OK BCM 3",
            "deliver 3 three"
        ]
    );
}

#[test]
fn a_connection_sees_what_it_wrote_before() {
    let mut server = Server::with_everyone();
    let said =
        server.run([server.broadcast(0, "one"), server.read(0), server.broadcast(0, "two"), server.read(0)]);
    assert_eq!(
        said,
        [
            "0: OK BCM 1",
            "deliver 1 one",
            "0: OK BCM 2",
            "deliver 2 two",
            "0: ROW b 1 obiwan one | OK RDM 1",
            "0: ROW b 1 obiwan one | ROW b 2 obiwan two | OK RDM 2"
        ]
        .map(str::to_owned)
    );
}

#[test]
fn what_waits_for_the_next_turn_holds_up_its_own_connection_alone() {
    let mut server = Server::with_everyone();
    let inputs = [
        server.broadcast(0, "one"),
        server.ask(0, Operation::Logout),
        server.broadcast(0, "too late"),
        server.ask(1, Operation::ActiveUsers),
    ];
    let first: Vec<_> = server.turn(inputs, at(0)).releases.iter().map(shown).collect();
    assert_eq!(first, ["1: ROW luke | ROW obiwan | ROW yoda | OK ATU 3", "0: OK BCM 1", "deliver 1 one"]);
    assert_eq!(server.engine.room(), BATCH_MAX - 2);
    let second: Vec<_> = server.turn([], at(0)).releases.iter().map(shown).collect();
    assert_eq!(second, ["0: OK OUT obiwan", "0 ended LoggedOut", "0: ERR BCM not-logged-in not logged in"]);
}

#[test]
fn no_more_writes_share_an_append_than_a_batch_may_have() {
    let mut server = Server::with_everyone();
    let inputs: Vec<_> = (0..BATCH_MAX + 2).map(|n| server.broadcast(0, &n.to_string())).collect();
    let first = server.turn(inputs, at(0));
    assert_eq!(first.releases.len(), 2 * BATCH_MAX);
    assert!(server.engine.has_deferred());
    let said = server.run([]);
    let last = BATCH_MAX + 2;
    assert_eq!(said[2], format!("0: OK BCM {last}"));
    assert_eq!(server.appends.load(Ordering::Relaxed), 2);
}

#[test]
fn events_are_told_once_and_of_what_was_done_alone() {
    let mut server = Server::with_everyone();
    let key = toom_core::IdempotencyKey::parse("k").unwrap();
    let keyed =
        |text: &str| Operation::Broadcast { key: Some(key.clone()), body: Body::parse(text).unwrap() };
    let inputs = [
        server.ask(0, keyed("one")),
        server.ask(0, keyed("one")),
        server.ask(0, keyed("other")),
        server.ask(1, Operation::ActiveUsers),
        server.read(2),
        server.create_room(3, &["nobody"]),
    ];
    let turn = server.turn(inputs, at(0));
    let events = turn.events.iter().map(|event| match event {
        Event::Posted(message) => format!("posted {}", message.number),
        other => format!("{other:?}"),
    });
    let events: Vec<_> = events.collect();
    assert_eq!(
        events,
        ["ListedUsers { user: UserName(\"hans\") }", "Read { user: UserName(\"luke\") }", "posted 1"]
    );
    let said: Vec<_> = turn.releases.iter().map(shown).collect();
    assert_eq!(
        said[1..],
        [
            "0: OK BCM 1",
            "deliver 1 one",
            "0: OK BCM 1",
            "0: ERR BCM key-reused the key was used for another request",
            "3: ERR SRB unknown-user nobody there is no user nobody"
        ]
    );
}

#[test]
fn a_room_whose_members_do_not_fit_a_line_is_refused() {
    let mut server = Server::new();
    // 150 names of 32 letters of four bytes each: more than a line holds.
    let long = |n: u32| format!("{}{n:03}", "\u{10428}".repeat(29));
    let accounts = (0..150).map(|n| (long(n).parse().unwrap(), Secret::plain("pw").unwrap())).collect();
    server.run([Input::Accounts(accounts)]);
    for n in 0..150 {
        assert_eq!(server.run([server.login(n, &long(n), "pw")]).len(), 2);
    }
    let names: Vec<_> = (1..150).map(long).collect();
    let names: Vec<_> = names.iter().map(String::as_str).collect();
    let said = server.run([server.create_room(0, &names)]);
    assert_eq!(said, ["0: ERR SRB limit-reached the names of the members do not fit a line"]);
    let said = server.run([server.create_room(0, &names[..130])]);
    assert!(said[0].starts_with("0: OK SRB 1 "), "{said:?}");
    assert!(said[0].len() < crate::protocol::MAX_LINE);
}

#[test]
fn a_stop_is_told_when_all_before_it_is_done() {
    let mut server = Server::with_everyone();
    let turn = server.turn([server.broadcast(0, "last"), Input::Stop], at(0));
    assert!(turn.stops);
    assert_eq!(turn.releases.len(), 2);
}

proptest! {
    /// Whatever shares a turn, reads see what their connection wrote before them and nothing that it wrote later.
    /// It fails without the rule that what is no write waits behind a write of its connection, and all the rest behind it.
    #[test]
    fn each_request_is_answered_once_and_reads_see_what_their_connection_wrote_before(
        steps in prop::collection::vec((0..4_u32, any::<bool>(), any::<bool>()), 1..60),
    ) {
        let mut server = Server::with_everyone();
        let mut expected: [Vec<u64>; 4] = Default::default();
        let mut inputs = Vec::new();
        let mut answered: [Vec<u64>; 4] = Default::default();
        let mut written = [0_u64; 4];
        let mut seen: Vec<(usize, u64)> = Vec::new();
        let mut reads: Vec<(usize, u64)> = Vec::new();
        let last = steps.len() - 1;
        for (place, (slot, writes, turns)) in steps.into_iter().enumerate() {
            server.tickets = place as u64;
            let from = slot as usize;
            expected[from].push(server.tickets);
            if writes {
                written[from] += 1;
                inputs.push(server.broadcast(slot, "x"));
            } else {
                reads.push((from, written[from]));
                inputs.push(server.read(slot));
            }
            while (turns || place == last) && (!inputs.is_empty() || server.engine.has_deferred()) {
                let turn = server.turn(std::mem::take(&mut inputs), at(0));
                for release in turn.releases {
                    if let Release::Reply { connection, ticket, .. } = release {
                        answered[connection.slot()].push(ticket);
                    }
                }
                for read in turn.reads {
                    let (from, ticket) = (read.to.connection.slot(), read.to.ticket);
                    answered[from].push(ticket);
                    let Release::Reply { lines, .. } = read.run(&server.reader).0 else { panic!("no reply") };
                    let lines = String::from_utf8(lines).unwrap();
                    let own = lines.lines().filter(|line| line.contains(&format!(" {} x", NAMES[from]))).count();
                    seen.push((from, own as u64));
                }
            }
        }
        for slot in 0..4 {
            answered[slot].sort_unstable();
            let of = |list: &[(usize, u64)]| list.iter().filter(|(from, _)| *from == slot).map(|(_, n)| *n).collect::<Vec<_>>();
            prop_assert_eq!(&answered[slot], &expected[slot]);
            prop_assert_eq!(of(&seen), of(&reads));
        }
    }
}
