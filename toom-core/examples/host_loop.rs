//! A host: requests come from many threads, one thread owns the engine, drains what is there, stores it with one append,
//! and then carries out the effects.
//!
//! `cargo run -p toom-core --example host_loop`

#![expect(clippy::disallowed_methods, reason = "the clocks and the threads are the host's")]

use std::collections::BTreeMap;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread;
use std::time::{Instant, SystemTime};

use toom_core::{
    Answer, Body, Config, Effect, Engine, Epoch, MemoryStorage, Message, Mono, Now, Password, Secret,
    SessionId, Source, Timestamp, UserName,
};

/// What a user's thread asks for: here only to say something to everyone.
struct Request {
    session: SessionId,
    body: Body,
}

/// Where each session's deliveries go. A server would have sockets here, and a bound.
type Inboxes = BTreeMap<SessionId, Sender<Message>>;

struct Host {
    engine: Engine<MemoryStorage>,
    inboxes: Inboxes,
    started: Instant,
}

impl Host {
    fn now(&self) -> Now {
        let wall = Timestamp::from_system_time(SystemTime::now());
        Now { wall, mono: Mono::new(self.started.elapsed()) }
    }

    fn log_in(
        &mut self,
        name: &UserName,
        session: SessionId,
    ) -> Result<Receiver<Message>, Box<dyn std::error::Error>> {
        self.engine.put_account(name.clone(), Secret::plain("a password")?);
        let now = self.now();
        let _ = self.engine.authenticate(name, &Password::new("a password"), Source::new(0), session, now)?;
        let (inbox, deliveries) = channel();
        self.inboxes.insert(session, inbox);
        Ok(deliveries)
    }

    /// Waits for a request, takes what else is there, and stores all of it at once. Nobody is told of anything before.
    fn turn(&mut self, requests: &Receiver<Request>) -> Option<usize> {
        let first = requests.recv().ok()?;
        let now = self.now();
        let mut batch = self.engine.batch();
        for Request { session, body } in std::iter::once(first).chain(requests.try_iter().take(1000)) {
            batch.broadcast(session, body, None, now);
        }
        let size = batch.len();
        for answer in batch.commit() {
            match answer {
                Answer::Broadcast(Ok(outcome)) => self.carry_out(outcome.effects),
                refused => eprintln!("refused: {refused:?}"),
            }
        }
        Some(size)
    }

    fn carry_out(&mut self, effects: Vec<Effect>) {
        for effect in effects {
            match effect {
                Effect::Deliver { audience, message } => {
                    for session in self.engine.audience(&audience) {
                        if let Some(inbox) = self.inboxes.get(&session) {
                            // Whoever dropped the other end has left.
                            let _ = inbox.send(message.clone());
                        }
                    }
                }
                Effect::SessionEnded { session, .. } => {
                    self.inboxes.remove(&session);
                }
                Effect::RoomOpened { .. } => {}
            }
        }
    }
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let engine = Engine::open(MemoryStorage::new(Epoch::new(1)), Config::default())?;
    let mut host = Host { engine, inboxes: Inboxes::new(), started: Instant::now() };
    let (to_host, requests) = channel();
    let mut users = Vec::new();
    for id in 1..=4 {
        let session = SessionId::new(id);
        let deliveries = host.log_in(&format!("user{id}").parse()?, session)?;
        let to_host = to_host.clone();
        users.push(thread::spawn(move || {
            for n in 1..=100 {
                let body = Body::parse(&format!("{n} of user{id}")).expect("not empty");
                to_host.send(Request { session, body }).expect("the host listens");
            }
            drop(to_host);
            deliveries.iter().count()
        }));
    }
    drop(to_host);

    let batches: Vec<usize> = std::iter::from_fn(|| host.turn(&requests)).collect();
    drop(host); // closes the inboxes
    println!("{} messages in {} batches", batches.iter().sum::<usize>(), batches.len());
    for user in users {
        assert_eq!(user.join().expect("no panic"), 300, "everybody got what the three others said");
    }
    println!("each of the four got the 300 messages of the three others");
    Ok(())
}
