//! A run of the engine on the store in memory, told line by line: what was asked, every answer with its effects, and digests of the state.

use core::error::Error;
use core::fmt::{Debug, Write as _};
use core::num::NonZeroUsize;
use core::time::Duration;

use toom_core::{
    Body, Config, Conversation, Engine, Epoch, IdempotencyKey, MemoryStorage, MessageNumber, Mono, Now,
    Password, Policy, Reading, RoomId, Row, Secret, Seed, SessionId, Since, Source, Timestamp, UserName,
};

use crate::chance::Chance;

const STEPS: u32 = 3000;
const SESSIONS: u64 = 6;
/// As their accounts spell them; the last has wide letters, which are compared as narrow ones.
const USERS: [&str; 4] = ["Obiwan", "luke", "Žofie", "Ｌｅｉａ"];
/// What passwords are checked against at the end: 19 MiB of memory and two passes.
const SALT: [u8; 16] = *b"salt of the test";

struct Run {
    engine: Engine<MemoryStorage>,
    chance: Chance,
    now: Now,
    told: String,
}

/// Runs it.
///
/// # Errors
/// If a name is refused or the store in memory fails: neither happens.
pub(crate) fn run() -> Result<String, Box<dyn Error>> {
    let wall = Timestamp::from_unix_micros(1_659_603_741_000_000).ok_or("the year 2022 is a time")?;
    let kept = NonZeroUsize::MIN.saturating_add(99);
    let mut run = Run {
        engine: Engine::open(MemoryStorage::keeping(Epoch::new(1), kept), config())?,
        chance: Chance::new(4),
        now: Now { wall, mono: Mono::ZERO },
        told: String::new(),
    };
    run.put_accounts()?;
    for step in 1..=STEPS {
        run.step()?;
        if step % 500 == 0 {
            run = run.recovered()?;
        }
    }
    run.check_hashes()?;
    Ok(run.told)
}

fn config() -> Config {
    let policy = Policy { session_idle: Some(Duration::from_secs(10)), ..Policy::default() };
    Config { policy, seed: Seed::new([7; 16]), ..Config::default() }
}

impl Run {
    fn put_accounts(&mut self) -> Result<(), Box<dyn Error>> {
        for name in USERS {
            self.engine.put_account(name.parse()?, Secret::plain("right")?);
        }
        Ok(())
    }

    /// Time passes, or the wall clock goes back; then somebody does something.
    fn step(&mut self) -> Result<(), Box<dyn Error>> {
        let wall = self.now.wall.unix_micros() + i64::from(self.chance.below(30)) - 8;
        self.now.wall = Timestamp::from_unix_micros(wall).ok_or("the year 2022 is a time")?;
        self.now.mono = self.now.mono.after(Duration::from_millis(self.chance.below(700).into()));
        let session = self.session();
        match self.chance.below(20) {
            16..20 => self.log_in(session)?,
            0..5 => {
                let (body, key) = (self.body()?, self.key()?);
                let answer = self.engine.broadcast(session, body, key, self.now);
                self.tell("broadcast", answer);
            }
            5..8 => {
                let (others, key) = ([self.user()?, self.user()?], self.key()?);
                let answer = self.engine.create_room(session, &others, key, self.now);
                self.tell("create_room", answer);
            }
            8..12 => {
                let (room, body, key) = (self.room()?, self.body()?, self.key()?);
                let answer = self.engine.post_room(session, room, body, key, self.now);
                self.tell("post_room", answer);
            }
            12..14 => self.read(session)?,
            14 => {
                let users = self.engine.active_users(session, self.now);
                let rooms = self.engine.rooms(session, self.now);
                let ended = self.engine.expire(self.now);
                self.tell("look about", (users, rooms, ended, self.engine.next_deadline()));
            }
            _ => {
                let answer = self.engine.logout(session, self.now);
                self.tell("logout", answer);
            }
        }
        let digest = self.engine.digest();
        self.tell("digest", digest);
        Ok(())
    }

    fn log_in(&mut self, session: SessionId) -> Result<(), Box<dyn Error>> {
        let user = if self.chance.below(8) == 0 { "nobody".parse()? } else { self.user()? };
        let password = Password::new(if self.chance.below(6) == 0 { "wrong" } else { "right" });
        let source = Source::new(self.chance.below(3).into());
        let answer = self.engine.authenticate(&user, &password, source, session, self.now);
        self.tell("authenticate", answer);
        Ok(())
    }

    /// Reads two pages.
    fn read(&mut self, session: SessionId) -> Result<(), Box<dyn Error>> {
        let ago = i64::from(self.chance.below(5000));
        let since = Timestamp::from_unix_micros(self.now.wall.unix_micros() - ago).ok_or("2022 is a time")?;
        let mut reading = match self.chance.below(4) {
            0 => Reading::Rooms { since },
            1 => conversation(Conversation::Broadcast, Since::Time(since)),
            2 => {
                let after = MessageNumber::new(self.chance.below(400).into());
                conversation(Conversation::Broadcast, Since::Number(after))
            }
            _ => conversation(Conversation::Room(self.room()?), Since::Time(since)),
        };
        for _ in 0..2 {
            let mut rows = String::new();
            let limit = NonZeroUsize::MIN.saturating_add(3);
            let end = self.engine.read_since_with(session, reading, limit, self.now, |row| {
                let text = if let Row::Message(message) = row { message.body } else { "" };
                // Writing to a text does not fail.
                let _ = write!(rows, "{text}{row:?}; ");
            });
            let next = end.as_ref().ok().and_then(|end| end.next);
            self.tell(&rows, end);
            let Some(next) = next else { break };
            reading = Reading::Next(next);
        }
        Ok(())
    }

    /// The engine that its records make.
    fn recovered(mut self) -> Result<Self, Box<dyn Error>> {
        let before = self.engine.history_digest();
        self.engine = Engine::open(self.engine.into_storage(), config())?;
        self.put_accounts()?;
        let after = self.engine.history_digest();
        self.tell("recovered", (before, after, before == after));
        Ok(self)
    }

    /// Logs in with hashed passwords: a right one, a wrong one, and a name that nobody bears.
    fn check_hashes(&mut self) -> Result<(), Box<dyn Error>> {
        let secret = Secret::hash(&Password::new("right"), SALT)?;
        self.tell("hash", secret.phc());
        let user: UserName = "yoda".parse()?;
        self.engine.put_account(user.clone(), secret);
        let nobody: UserName = "nobody".parse()?;
        for (nth, (user, password)) in (9..).zip([(&user, "right"), (&user, "wrong"), (&nobody, "right")]) {
            let (password, session) = (Password::new(password), SessionId::new(nth));
            let answer = self.engine.authenticate(user, &password, Source::new(9), session, self.now);
            self.tell("authenticate", answer);
        }
        Ok(())
    }

    fn session(&mut self) -> SessionId {
        SessionId::new(u64::from(self.chance.below(64)) % SESSIONS)
    }

    fn user(&mut self) -> Result<UserName, Box<dyn Error>> {
        let place = self.chance.below(4) as usize;
        let name = USERS.get(place).ok_or("four users")?;
        // However it is written.
        Ok(if self.chance.below(2) == 0 { name.to_lowercase().parse()? } else { name.parse()? })
    }

    fn room(&mut self) -> Result<RoomId, Box<dyn Error>> {
        Ok(RoomId::new(1 + self.chance.below(8)).ok_or("it is not 0")?)
    }

    fn body(&mut self) -> Result<Body, Box<dyn Error>> {
        Ok(Body::parse(&"hé ".repeat(1 + self.chance.below(20) as usize))?)
    }

    fn key(&mut self) -> Result<Option<IdempotencyKey>, Box<dyn Error>> {
        let drawn = self.chance.below(90);
        Ok((drawn < 30).then(|| IdempotencyKey::parse(&format!("k{drawn}"))).transpose()?)
    }

    fn tell(&mut self, what: &str, answer: impl Debug) {
        // Writing to a text does not fail.
        let _ = writeln!(self.told, "{what}: {answer:?}");
    }
}

fn conversation(conversation: Conversation, since: Since) -> Reading {
    Reading::Conversation { conversation, since }
}
