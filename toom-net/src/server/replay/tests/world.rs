//! A server's engine that is recorded, and what peers do to it.

use core::num::NonZeroUsize;
use std::collections::BTreeSet;

use toom_core::{
    Body, Conversation, IdempotencyKey, Mono, Now, Password, Reading, RoomId, Secret, Since, UserName,
    Verdict,
};

use super::*;
use crate::protocol::{ContentHash, FileName, FileOffer, Fingerprint};
use crate::server::exchange::{Ask, Check, ConnectionId, Input, Offer, Operation as Asked, ReplyTo};

pub(super) const NAMES: [&str; 4] = ["obiwan", "hans", "luke", "yoda"];
pub(super) const PASSWORD: &str = "the-right-password";
pub(super) const WRONG: &str = "the-wrong-password";
pub(super) const SECRET_AFTERWARDS: &str = "the-changed-password";
pub(super) const HASH: &str = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8";

/// What somebody does, on one of a few connections.
#[derive(Clone, Copy, Debug)]
pub(super) enum Act {
    /// On a connection, as one of `NAMES`, with the right password or a wrong one.
    Login(u32, usize, bool),
    /// A check that was begun on a connection ends.
    Checked(u32, bool),
    Broadcast(u32, &'static str, Option<&'static str>),
    CreateRoom(u32, &'static [usize]),
    Post(u32, u32, &'static str),
    /// Everything after a number.
    ReadBroadcast(u32, u64),
    /// Room 1.
    ReadRoom(u32),
    /// What was said to everyone since the time of the first message.
    ReadSinceFirst(u32),
    ReadRooms(u32),
    Users(u32),
    Offer(u32, usize),
    Logout(u32),
    Gone(u32),
    Kick(usize),
    /// One of the sets of accounts.
    Accounts(usize),
}

pub(super) struct World {
    engine: EngineLoop<Store>,
    memory: MemoryReader,
    fail: Arc<AtomicUsize>,
    config: Config,
    witness: Witness,
    frames: FrameWriter<Vec<u8>>,
    checks: Vec<Check>,
    /// Connections that log in in this turn.
    logging_in: BTreeSet<ConnectionId>,
    /// How many connections had each place before.
    serials: [u32; 6],
    tickets: u64,
    mono: Duration,
}

/// Everybody with a plain password; then `luke` gone, `hans` with another one, and `yoda` with a hash.
fn accounts(set: usize) -> Vec<(UserName, Secret)> {
    let name = |place: usize| NAMES[place].parse().unwrap();
    let plain = |text| Secret::plain(text).unwrap();
    let hashed = Secret::parse(&format!("$argon2id$v=19$m=8,t=1,p=1$c29tZSByYW5kb20gc2E${HASH}")).unwrap();
    match set {
        0 => (0..4).map(|place| (name(place), plain(PASSWORD))).collect(),
        _ => vec![(name(0), plain(PASSWORD)), (name(1), plain(SECRET_AFTERWARDS)), (name(3), hashed)],
    }
}

impl World {
    pub(super) fn new(config: Config) -> Self {
        Self::on(MemoryStorage::new(Epoch::new(7)), config)
    }

    fn on(memory: MemoryStorage, config: Config) -> Self {
        let (reader, fail) = (memory.reader(), Arc::default());
        let mut store = Store::new(memory, Arc::clone(&fail));
        let (epoch, recovered) = (store.epoch(), store.recover().unwrap());
        let mut engine = EngineLoop::new(Engine::open(store, config).unwrap(), 2);
        engine.set_accounts(accounts(0), &mut Turn::default());
        let opening = Opening { config, epoch, checks_max: 2, recovered, accounts: accounts(0) };
        let mut witness = Witness::with_states(Duration::ZERO, 0);
        witness.opens(&opening, engine.digest());
        let frames = FrameWriter::new(Vec::new()).unwrap();
        let checks = Vec::new();
        Self {
            engine,
            memory: reader,
            fail,
            config,
            witness,
            frames,
            checks,
            logging_in: BTreeSet::new(),
            serials: [1; 6],
            tickets: 0,
            mono: Duration::ZERO,
        }
    }

    /// Another server on what this one has stored.
    pub(super) fn restarted(self) -> Self {
        let mut memory = MemoryStorage::new(Epoch::new(7));
        memory.append(&self.engine_records()).unwrap();
        Self::on(memory, self.config)
    }

    /// What a store would have after a restart, made of what can be read of it.
    fn engine_records(&self) -> Vec<toom_core::Record> {
        let room = RoomId::FIRST;
        let names: Vec<UserName> = NAMES[..2].iter().map(|name| name.parse().unwrap()).collect();
        let at = Timestamp::from_unix_micros(1).unwrap();
        let created = toom_core::RoomCreated { room, at, members: names.into(), key: None };
        let mut records = vec![toom_core::Record::RoomCreated(created)];
        for conversation in [Conversation::Broadcast, Conversation::Room(room)] {
            let push = |message: toom_core::MessageRef<'_>| {
                let key =
                    (conversation == Conversation::Broadcast).then(|| IdempotencyKey::parse("k").unwrap());
                let (author, body) = (message.author.parse().unwrap(), Body::parse(message.body).unwrap());
                let toom_core::MessageRef { conversation, number, at, .. } = message;
                let message = toom_core::Message { conversation, number, at, author, body };
                records.push(toom_core::Record::Posted(toom_core::Posted { message, key }));
                core::ops::ControlFlow::Continue(())
            };
            toom_core::History::read(&self.memory, conversation, None, usize::MAX, push).unwrap();
        }
        records
    }

    /// From now on the store works (0), is full (1), or fails (2).
    pub(super) fn fail(&self, how: usize) {
        self.fail.store(how, Ordering::Relaxed);
    }

    /// A turn `seconds` after the one before.
    pub(super) fn turn(&mut self, seconds: u64, acts: impl IntoIterator<Item = Act>) {
        self.turn_after(Duration::from_secs(seconds), acts);
    }

    pub(super) fn turn_after(&mut self, pause: Duration, acts: impl IntoIterator<Item = Act>) {
        self.mono = self.mono.saturating_add(pause);
        self.logging_in.clear();
        let inputs: Vec<_> = acts.into_iter().filter_map(|act| self.input(act)).collect();
        self.run(inputs);
        // What waits has its turn before anything else comes.
        while self.engine.has_deferred() {
            self.run(Vec::new());
        }
    }

    fn run(&mut self, inputs: Vec<Input>) {
        let wall = Timestamp::from_unix_micros(1_659_603_749_000_000 + self.tickets.cast_signed()).unwrap();
        let now = Now { wall, mono: Mono::new(self.mono) };
        let mut turn = Turn::default();
        let witness = &mut self.witness;
        self.engine.turn(inputs.into_iter().inspect(|input| witness.takes(input)), now, &mut turn);
        self.witness.turned(now, &turn, &self.engine);
        self.write(None);
        for read in turn.reads {
            let (reply, trouble) = read.run(&self.memory);
            self.write(witness::page(&reply, trouble.is_none()));
        }
        self.checks.extend(turn.checks);
    }

    fn write(&mut self, bodies: Option<Vec<Vec<u8>>>) {
        let bodies = bodies.unwrap_or_else(|| self.witness.take());
        for body in bodies {
            self.frames.push(&body).unwrap();
        }
    }

    /// The whole recording.
    pub(super) fn end(mut self) -> Vec<u8> {
        self.run(vec![Input::Stop]);
        self.write(Some(witness::end(items::End::Stopped)));
        self.frames.into_inner()
    }

    fn input(&mut self, act: Act) -> Option<Input> {
        let conversation = Conversation::Broadcast;
        let key = |key: Option<&str>| key.map(|key| IdempotencyKey::parse(key).unwrap());
        let body = |text| Body::parse(text).unwrap();
        let limit = NonZeroUsize::MIN.saturating_add(6);
        Some(match act {
            // A connection waits for the verdict before it goes on.
            Act::Login(slot, ..)
                if self.checks.iter().any(|check| check.connection == self.id(slot))
                    || !self.logging_in.insert(self.id(slot)) =>
            {
                return None;
            }
            Act::Login(slot, name, right) => {
                let password = Password::new(if right { PASSWORD } else { WRONG });
                let (user, ip) = (NAMES[name].parse().unwrap(), [192, 0, 2, 1].into());
                self.ask(slot, Asked::Login { user, password, ip, udp: None })
            }
            Act::Checked(slot, right) => {
                let place = self.checks.iter().position(|check| check.connection.slot() == slot as usize)?;
                let verdict = if right { Verdict::Right } else { Verdict::Wrong };
                Input::Checked(self.checks.remove(place).judged(verdict))
            }
            Act::Broadcast(slot, text, of) => {
                self.ask(slot, Asked::Broadcast { key: key(of), body: body(text) })
            }
            Act::CreateRoom(slot, names) => {
                let users = names.iter().map(|name| NAMES[*name].parse().unwrap()).collect();
                self.ask(slot, Asked::CreateRoom { key: None, users })
            }
            Act::Post(slot, room, text) => {
                let room = RoomId::new(room).unwrap();
                self.ask(slot, Asked::PostRoom { key: None, room, body: body(text) })
            }
            Act::ReadBroadcast(slot, after) => {
                let since = Since::Number(toom_core::MessageNumber::new(after));
                let reading = Reading::Conversation { conversation, since };
                self.ask(slot, Asked::Read { reading, limit })
            }
            Act::ReadRoom(slot) => {
                let (conversation, since) = (Conversation::Room(RoomId::FIRST), Since::Number(None));
                let reading = Reading::Conversation { conversation, since };
                self.ask(slot, Asked::Read { reading, limit })
            }
            Act::ReadSinceFirst(slot) => {
                let mut first = None;
                let see = |message: toom_core::MessageRef<'_>| {
                    first = Some(message.at);
                    core::ops::ControlFlow::Break(())
                };
                toom_core::History::read(&self.memory, conversation, None, 1, see).unwrap();
                let reading = Reading::Conversation { conversation, since: Since::Time(first?) };
                self.ask(slot, Asked::Read { reading, limit })
            }
            Act::ReadRooms(slot) => {
                let reading = Reading::Rooms { since: Timestamp::MIN };
                self.ask(slot, Asked::Read { reading, limit })
            }
            Act::Users(slot) => self.ask(slot, Asked::ActiveUsers),
            Act::Offer(slot, name) => {
                let (hash, fingerprint) = (ContentHash::new([1; 32]), Fingerprint::new([2; 32]));
                let file = FileOffer { bytes: 9, hash, fingerprint, name: FileName::parse("a b").unwrap() };
                self.ask(slot, Asked::Offer(Box::new(Offer { user: NAMES[name].parse().unwrap(), file })))
            }
            Act::Logout(slot) => self.ask(slot, Asked::Logout),
            Act::Gone(slot) => {
                let gone = self.id(slot);
                self.serials[slot as usize] += 1;
                Input::Gone(gone)
            }
            Act::Kick(name) => Input::Kick(NAMES[name].parse().unwrap()),
            Act::Accounts(set) => Input::Accounts(accounts(set)),
        })
    }

    fn ask(&mut self, slot: u32, operation: Asked) -> Input {
        self.tickets += 1;
        let to = ReplyTo { connection: self.id(slot), ticket: self.tickets, tag: None };
        Input::Ask(Ask { to, operation })
    }

    /// The connection that has a place now.
    fn id(&self, slot: u32) -> ConnectionId {
        ConnectionId::new(slot, self.serials[slot as usize])
    }
}
