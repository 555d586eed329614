//! An engine and the model, driven through the same steps and compared at each.

use core::fmt::Debug;
use core::num::NonZeroUsize;

use toom_core::{
    Answer, Audience, Config, Digest, Effect, Engine, Mono, Now, Outcome, Page, Password, ReadError, Reading,
    Record, Row, Secret, SessionId, Since, Source, Storage, StorageError, Timestamp, UserName,
};

use crate::history::faulty::{Fault, FaultyStorage};
use crate::history::model::{Line, Model};
use crate::history::schedule::{Deed, Mark, Order, Step, What, Write};

pub(crate) struct World {
    pub(crate) engine: Engine<FaultyStorage>,
    pub(crate) model: Model,
    pub(crate) now: Now,
    /// What an append left on the disk when it failed; seen once the store is opened again.
    limbo: Vec<Record>,
    failed: bool,
    /// All answers so far.
    pub(crate) transcript: Vec<String>,
}

struct Before {
    accepted: usize,
    stamped: Option<Timestamp>,
    history: Option<Digest>,
}

impl World {
    /// Five accounts; `luke`, `leia` and `hans` are logged in as 0, 1 and 2.
    pub(crate) fn new(config: Config, kept_max: Option<usize>) -> Self {
        let engine = Engine::open(FaultyStorage::new(kept_max), config).unwrap();
        let wall = Timestamp::from_unix_micros(1_659_603_741_000_000).unwrap();
        let now = Now { wall, mono: Mono::ZERO };
        let (limbo, transcript) = (Vec::new(), Vec::new());
        let model = Model::new(config, kept_max);
        let mut world = Self { engine, model, now, limbo, failed: false, transcript };
        for name in ["luke", "leia", "hans", "yoda", "obiwan"] {
            world.put_account(&user(name));
        }
        for (id, name) in [(0, "luke"), (1, "leia"), (2, "hans")] {
            world.login(&user(name), SessionId::new(id));
        }
        world
    }

    /// As [`new`](Self::new), with bounds that no schedule meets.
    pub(crate) fn roomy() -> Self {
        Self::new(Config::default(), None)
    }

    pub(crate) fn run(&mut self, steps: &[Step]) {
        for step in steps {
            self.step(step);
        }
    }

    /// Does one step on both and compares what they say.
    pub(crate) fn step(&mut self, step: &Step) {
        self.now = step.tick.after(self.now);
        match &step.deed {
            Deed::Single(order) => drop(self.single(order)),
            Deed::Batch(orders) => drop(self.batch(orders)),
            Deed::DroppedBatch(orders) => self.dropped_batch(orders),
            Deed::Login(name, session) => self.login(name, *session),
            Deed::Logout(session) => {
                let expected = self.model.logout(*session, self.now);
                let answer = self.engine.logout(*session, self.now);
                self.same(&answer, &expected);
            }
            Deed::PutAccount(name) => self.put_account(name),
            Deed::RemoveAccount(name) => {
                let expected = self.model.remove_account(name);
                let answer = self.engine.remove_account(name);
                self.same(&answer, &expected);
            }
            Deed::ActiveUsers(session) => {
                let expected = self.model.active_users(*session, self.now);
                let answer = self.engine.active_users(*session, self.now);
                self.equal(&format!("{answer:?}"), &format!("{expected:?}"));
            }
            Deed::Rooms(session) => {
                let expected = self.model.user(*session, self.now).map(|user| self.model.rooms_of(&user));
                let answer = self.engine.rooms(*session, self.now);
                self.equal(&format!("{answer:?}"), &format!("{expected:?}"));
            }
            Deed::Read { session, what, limit } => self.read(*session, *what, *limit),
            Deed::Expire => {
                let expected = self.model.expire(self.now);
                let answer = self.engine.expire(self.now);
                self.same::<_, ()>(&Ok(answer), &Ok(expected));
            }
            Deed::Guess => self.guess(),
            Deed::Fault(fault) => self.engine.storage().set_fault(Some(*fault)),
            Deed::Reopen => self.reopen(),
            Deed::Recover => self.recover(),
        }
        self.deadlines();
    }

    pub(crate) fn put_account(&mut self, name: &UserName) {
        self.model.put_account(name);
        self.engine.put_account(name.clone(), Secret::plain("secret").unwrap());
    }

    pub(crate) fn login(&mut self, name: &UserName, session: SessionId) {
        if !self.model.accounts.contains(name) {
            return;
        }
        let (fault, failed) = (self.engine.storage().fault(), &mut self.failed);
        let expected = self.model.login(name, session, self.now, || {
            let fault = if *failed { Some(Fault::FailedLost) } else { fault };
            *failed |= fault.is_some_and(|fault| fault != Fault::Full);
            fault.map_or(Ok(()), Err)
        });
        let password = Password::new("secret");
        let answer = self.engine.authenticate(name, &password, Source::new(1), session, self.now);
        self.same(&answer, &expected);
    }

    /// What the engine says to one order; the model said the same.
    pub(crate) fn single(&mut self, order: &Order) -> Answer {
        let before = self.before_doubt();
        let expected = self.model.write(order, self.now);
        let expected = match self.store(&before) {
            None => expected,
            Some(error) => failed(&expected, &error),
        };
        let (session, key, now) = (order.session, order.key.clone(), self.now);
        let answer = match order.write.clone() {
            Write::Broadcast(body) => Answer::Broadcast(self.engine.broadcast(session, body, key, now)),
            Write::CreateRoom(others) => {
                Answer::CreateRoom(self.engine.create_room(session, &others, key, now))
            }
            Write::PostRoom(room, body) => {
                Answer::PostRoom(self.engine.post_room(session, room, body, key, now))
            }
        };
        self.same_answer(&answer, &expected);
        self.check_history(&before);
        answer
    }

    /// What the engine says to a batch; the model said the same to one after the other.
    pub(crate) fn batch(&mut self, orders: &[Order]) -> Vec<Answer> {
        let before = self.before_doubt();
        let mut expected: Vec<_> = orders.iter().map(|order| self.model.write(order, self.now)).collect();
        if let Some(error) = self.store(&before) {
            expected = expected.iter().map(|answer| failed(answer, &error)).collect();
        }
        let mut batch = self.engine.batch();
        put_in(&mut batch, orders, self.now);
        assert_eq!((batch.len(), batch.is_empty()), (orders.len(), orders.is_empty()));
        let answers = batch.commit();
        assert_eq!(answers.len(), expected.len());
        for (answer, expected) in answers.iter().zip(&expected) {
            self.same_answer(answer, expected);
        }
        self.check_history(&before);
        answers
    }

    fn dropped_batch(&mut self, orders: &[Order]) {
        let before = self.before_doubt();
        let history = self.engine.history_digest();
        for order in orders {
            let _ = self.model.write(order, self.now);
        }
        self.forget(&before);
        let appends = self.engine.storage().appends();
        put_in(&mut self.engine.batch(), orders, self.now);
        assert_eq!(self.engine.storage().appends(), appends);
        assert_eq!(self.engine.history_digest(), history);
    }

    /// Lets the disk have its way with what the model accepted since. `Some` is why none of it counts.
    fn store(&mut self, before: &Before) -> Option<StorageError> {
        if self.model.accepted.len() == before.accepted {
            return None;
        }
        if self.failed {
            self.forget(before);
            return Some(StorageError::NeedsReopen);
        }
        let Some(fault) = self.engine.storage().fault() else {
            self.model.kept = self.model.kept.max(self.model.last_at());
            return None;
        };
        if fault == Fault::Full {
            self.forget(before);
        } else {
            // Its stamps are used up: nobody knows whether it was stored.
            self.failed = true;
            self.model.kept = self.model.kept.min(before.stamped);
            let batch = self.model.accepted.split_off(before.accepted);
            if fault == Fault::FailedKept {
                self.limbo = batch;
            }
        }
        Some(fault.error())
    }

    /// What the model accepted since did not happen.
    fn forget(&mut self, before: &Before) {
        self.model.accepted.truncate(before.accepted);
        self.model.stamped = before.stamped;
    }

    /// What the history was before something that the disk may refuse.
    fn before_doubt(&self) -> Before {
        let doubtful = self.failed || self.engine.storage().fault().is_some();
        let history = doubtful.then(|| self.engine.history_digest());
        Before { accepted: self.model.accepted.len(), stamped: self.model.stamped, history }
    }

    /// What was refused has changed nothing.
    fn check_history(&self, before: &Before) {
        if self.model.accepted.len() == before.accepted
            && let Some(history) = before.history
        {
            assert_eq!(self.engine.history_digest(), history);
        }
    }

    pub(crate) fn reopen(&mut self) {
        self.model.accepted.append(&mut self.limbo);
        self.failed = false;
        self.model.stamped = self.model.stamped.max(self.model.last_at());
        self.model.kept = self.model.last_at().max(self.model.reserved);
        self.model.refused = None;
        let storage = self.engine.storage().open();
        self.engine.reopen(storage).unwrap();
    }

    /// The host starts anew: accounts come from its file, nobody is logged in.
    pub(crate) fn recover(&mut self) {
        let healthy = self.limbo.is_empty().then(|| self.engine.history_digest());
        self.model.accepted.append(&mut self.limbo);
        self.failed = false;
        self.model.sessions.clear();
        self.model.kept = self.model.last_at().max(self.model.reserved);
        self.model.stamped = self.model.kept;
        self.model.refused = None;
        let storage = self.engine.storage().open();
        self.engine = Engine::open(storage, self.model.config).unwrap();
        assert!(
            healthy.is_none_or(|before| before == self.engine.history_digest()),
            "recovery changed something"
        );
        for name in self.model.accounts.clone() {
            self.engine.put_account(name, Secret::plain("secret").unwrap());
        }
    }

    fn guess(&mut self) {
        let (name, password) = (user("nobody"), Password::new("guess"));
        let answer = self.engine.authenticate(&name, &password, Source::new(9), SessionId::new(99), self.now);
        self.transcript.push(format!("{answer:?}"));
    }

    fn read(&mut self, session: SessionId, what: What, limit: NonZeroUsize) {
        let reading = self.reading(what);
        let expected =
            self.model.user(session, self.now).map_err(ReadError::from).and_then(|me| match reading {
                Reading::Conversation { conversation, since } => self.model.read(&me, conversation, since),
                Reading::Rooms { since } => Ok(self.model.read_rooms(&me, since)),
                Reading::Next(_) => unreachable!("no schedule begins with a cursor"),
            });
        let mut lines = Vec::new();
        let (mut next, mut pages) = (Some(reading), 0);
        while let Some(reading) = next {
            match self.page(session, reading, limit) {
                Err(error) => {
                    self.equal(&format!("{error:?}"), &format!("{:?}", expected.unwrap_err()));
                    return;
                }
                Ok(page) => {
                    assert!(
                        page.is_end() || page.rows().next().is_some(),
                        "a page of nothing is not the end"
                    );
                    assert!(pages == 0 || page.rows().next().is_some(), "more was promised than there is");
                    assert!(page.is_end() || self.is_full(&page, limit), "a page ends early");
                    lines.extend(page.rows().map(owned));
                    next = behind(&page, &mut pages);
                }
            }
        }
        let expected = expected.unwrap();
        assert_eq!(lines, expected);
        self.transcript.push(format!("{lines:?}"));
    }

    fn is_full(&self, page: &Page, limit: NonZeroUsize) -> bool {
        let limits = self.model.config.limits;
        let bytes: usize = page.messages().map(|message| message.body.len()).sum();
        page.messages().count() == limit.min(limits.page_messages_max).get() || bytes >= limits.page_bytes_max
    }

    /// Reads one page three ways, which must agree, and checks its bounds.
    pub(crate) fn page(
        &mut self,
        session: SessionId,
        reading: Reading,
        limit: NonZeroUsize,
    ) -> Result<Page, ReadError> {
        let now = self.now;
        let page = self.engine.read_since(session, reading, limit, now)?;
        let messages: Vec<_> = page.messages().collect();

        let limits = self.model.config.limits;
        assert!(messages.len() <= limit.min(limits.page_messages_max).get(), "more than was asked for");
        if let [before @ .., _] = &*messages {
            let bytes: usize = before.iter().map(|message| message.body.len()).sum();
            assert!(bytes < limits.page_bytes_max, "the page was full before its last message");
        }
        let mut lent = Vec::new();
        let end = self.engine.read_since_with(session, reading, limit, now, |row| lent.push(owned(row)))?;
        let reader = self.engine.storage().reader();
        let mut elsewhere = Vec::new();
        let plan = self.engine.plan_read(session, reading, limit, now)?;
        let end_elsewhere = plan.read(&reader, |row| elsewhere.push(owned(row)))?;
        assert_eq!(lent, page.rows().map(owned).collect::<Vec<_>>());
        assert_eq!(elsewhere, lent);
        assert_eq!((end.count, end.next), (messages.len(), page.next()));
        assert_eq!(end_elsewhere, end);
        Ok(page)
    }

    pub(crate) fn reading(&self, what: What) -> Reading {
        match what {
            What::Conversation(conversation, mark) => {
                Reading::Conversation { conversation, since: Since::Time(self.time(mark)) }
            }
            What::ConversationAfter(conversation, number) => {
                Reading::Conversation { conversation, since: Since::Number(number) }
            }
            What::Rooms(mark) => Reading::Rooms { since: self.time(mark) },
        }
    }

    fn time(&self, mark: Mark) -> Timestamp {
        match mark {
            Mark::BeforeAll => Timestamp::MIN,
            Mark::InTheFuture => Timestamp::MAX,
            Mark::Beside { nth, micros } => {
                let near = self.model.accepted.get(nth % self.model.accepted.len().max(1));
                let near = near.map_or(self.now.wall, Record::at);
                Timestamp::from_unix_micros(near.unix_micros() + micros).unwrap()
            }
        }
    }

    /// The engine never wakes its host too late.
    fn deadlines(&self) {
        let deadline = self.engine.next_deadline().map(Mono::elapsed);
        match self.model.next_end() {
            None => assert_eq!(deadline, None),
            Some(end) => {
                assert!(deadline.is_some_and(|deadline| deadline <= end), "{deadline:?} for {end:?}");
            }
        }
    }

    fn same<T: Debug, E: Debug>(&mut self, answer: &Result<Outcome<T>, E>, expected: &Result<Outcome<T>, E>) {
        let answer = tell(answer, &|audience| self.engine.audience(audience));
        let expected = tell(expected, &|audience| self.model.audience(audience));
        self.equal(&answer, &expected);
    }

    fn same_answer(&mut self, answer: &Answer, expected: &Answer) {
        match (answer, expected) {
            (Answer::Broadcast(answer), Answer::Broadcast(expected)) => self.same(answer, expected),
            (Answer::CreateRoom(answer), Answer::CreateRoom(expected)) => self.same(answer, expected),
            (Answer::PostRoom(answer), Answer::PostRoom(expected)) => self.same(answer, expected),
            _ => unreachable!("{answer:?} is no answer to what {expected:?} answers"),
        }
    }

    fn equal(&mut self, answer: &str, expected: &str) {
        assert_eq!(answer, expected, "the engine, and the model");
        self.transcript.push(answer.to_owned());
    }
}

/// An outcome to the letter: spellings, texts, and who hears of it.
pub(crate) fn tell<T: Debug, E: Debug>(
    answer: &Result<Outcome<T>, E>,
    audience: &dyn Fn(&Audience) -> Vec<SessionId>,
) -> String {
    let effect = |effect: &Effect| match effect {
        Effect::Deliver { audience: to, message } => {
            format!("{effect:?} {:?} to {:?}", message.body.as_str(), audience(to))
        }
        Effect::RoomOpened { audience: to, .. } => format!("{effect:?} to {:?}", audience(to)),
        Effect::SessionEnded { .. } => format!("{effect:?}"),
    };
    match answer {
        Ok(outcome) => {
            let effects: Vec<_> = outcome.effects.iter().map(effect).collect();
            format!("{:?} {effects:#?}", outcome.reply)
        }
        Err(error) => format!("{error:?}"),
    }
}

/// How to go on behind a page, if there is more. The pages of one read are counted, so that they come to an end.
pub(crate) fn behind(page: &Page, pages: &mut usize) -> Option<Reading> {
    *pages += 1;
    assert!(*pages < 500, "the pages do not come to an end");
    page.next().map(Reading::Next)
}

pub(crate) fn owned(row: Row<'_>) -> Line {
    match row {
        Row::Message(message) => Line::Message {
            conversation: message.conversation,
            number: message.number.get(),
            at: message.at,
            author: message.author.to_owned(),
            body: message.body.to_owned(),
        },
        Row::Gone { conversation, first, last } => {
            Line::Gone { conversation, first: first.get(), last: last.get() }
        }
    }
}

fn put_in(batch: &mut toom_core::Batch<'_, FaultyStorage>, orders: &[Order], now: Now) {
    for Order { session, key, write } in orders.iter().cloned() {
        match write {
            Write::Broadcast(body) => batch.broadcast(session, body, key, now),
            Write::CreateRoom(others) => batch.create_room(session, &others, key, now),
            Write::PostRoom(room, body) => batch.post_room(session, room, body, key, now),
        }
    }
}

fn failed(answer: &Answer, error: &StorageError) -> Answer {
    match answer {
        Answer::Broadcast(_) => Answer::Broadcast(Err(error.clone().into())),
        Answer::CreateRoom(_) => Answer::CreateRoom(Err(error.clone().into())),
        Answer::PostRoom(_) => Answer::PostRoom(Err(error.clone().into())),
    }
}

pub(crate) fn user(name: &str) -> UserName {
    UserName::parse(name).unwrap()
}
