//! The engine beside the naive model.

use core::num::NonZeroUsize;
use core::time::Duration;

use toom_core::{
    Body, Config, Conversation, IdempotencyKey, Limits, Members, MessageNumber, Policy, RoomId, SessionId,
    UserName,
};

use crate::history::faulty::Fault;
use crate::history::schedule::{Deed, Mark, Order, Step, Tick, What, Write};
use crate::history::world::World;

const STEPS_MAX: usize = 200;
const DAY_MICROS: i64 = 86_400_000_000;

/// A schedule of operations on an engine whose disk fails now and then, a few bytes each: it says what the model says, at every
/// step. The first bytes are its limits.
pub fn operations(data: &[u8]) {
    let mut choices = Choices(data);
    let kept_max = Some(choices.below(5)).filter(|kept| *kept > 0);
    let mut world = World::new(choices.config(), kept_max);
    for _ in 0..STEPS_MAX {
        if choices.0.is_empty() {
            break;
        }
        world.step(&choices.step());
    }
}

/// What is chosen, a byte a choice; behind the end, always the first.
struct Choices<'a>(&'a [u8]);

impl Choices<'_> {
    fn byte(&mut self) -> u8 {
        let Some((&byte, rest)) = self.0.split_first() else { return 0 };
        self.0 = rest;
        byte
    }

    fn below(&mut self, count: usize) -> usize {
        usize::from(self.byte()) % count
    }

    fn of<T: Copy>(&mut self, all: &[T]) -> T {
        let chosen = self.below(all.len());
        *all.get(chosen).expect("the remainder is smaller")
    }

    fn config(&mut self) -> Config {
        let session_idle = self.of(&[None, Some(Duration::from_secs(40))]);
        let members = self.of(&[Members::Active, Members::Exist]);
        let page = NonZeroUsize::new(1 + self.below(6)).expect("it is not zero");
        Config {
            policy: Policy { members, session_idle, ..Policy::default() },
            limits: Limits {
                body_bytes_max: 12,
                members_max: 2 + self.below(3),
                rooms_per_user_max: 1 + self.below(4),
                sessions_max: 3 + self.below(5),
                sessions_per_account_max: 1 + self.below(3),
                page_messages_max: page,
                page_bytes_max: 1 + self.below(40),
                ..Limits::default()
            },
            ..Config::default()
        }
    }

    fn step(&mut self) -> Step {
        let wall = self.of(&[0, 1, 1000, 5_000_000, -1, -5_000_000, DAY_MICROS, -DAY_MICROS]);
        let mono = self.of(&[0, 1, 999, 40_000, 39_999, 60_000]);
        Step { tick: Tick { wall, mono: Duration::from_millis(mono) }, deed: self.deed() }
    }

    fn deed(&mut self) -> Deed {
        match self.below(20) {
            0..=4 => Deed::Single(self.order()),
            5 | 6 => Deed::Batch(self.orders()),
            7 => Deed::DroppedBatch(self.orders()),
            8..=10 => Deed::Login(self.name(), self.session()),
            11 => Deed::Logout(self.session()),
            12 => Deed::PutAccount(self.name()),
            13 => Deed::RemoveAccount(self.name()),
            14 => self.asking(),
            15..=17 => Deed::Read { session: self.session(), what: self.what(), limit: self.limit() },
            18 => Deed::Fault(self.of(&[Fault::Full, Fault::FailedKept, Fault::FailedLost])),
            _ => self.of(&[&Deed::Reopen, &Deed::Recover, &Deed::Expire, &Deed::Guess]).clone(),
        }
    }

    fn asking(&mut self) -> Deed {
        let session = self.session();
        if self.below(2) == 0 { Deed::ActiveUsers(session) } else { Deed::Rooms(session) }
    }

    fn orders(&mut self) -> Vec<Order> {
        (0..self.below(8)).map(|_| self.order()).collect()
    }

    fn order(&mut self) -> Order {
        let session = self.session();
        let key = self.of(&[None, None, Some("k1"), Some("k2"), Some("k3")]);
        let write = match self.below(4) {
            0 => Write::Broadcast(self.body()),
            1 => Write::CreateRoom((0..self.below(6)).map(|_| self.name()).collect()),
            _ => Write::PostRoom(self.room(), self.body()),
        };
        Order { session, key: key.map(|raw| IdempotencyKey::parse(raw).expect("it is a key")), write }
    }

    fn session(&mut self) -> SessionId {
        SessionId::new(self.below(8) as u64)
    }

    fn name(&mut self) -> UserName {
        let names = ["luke", "LUKE", "ＬＵＫＥ", "leia", "Leia", "hans", "yoda", "obiwan"];
        UserName::parse(self.of(&names)).expect("it is a name")
    }

    fn room(&mut self) -> RoomId {
        let number = 1 + u32::from(self.byte() % 6);
        RoomId::new(number).expect("it is not zero")
    }

    fn body(&mut self) -> Body {
        // Some are too long for the limit of these engines.
        let text = self.of(&["a", "bb", "two\nlines", "äöü", "twelve bytes", "thirteen byte"]);
        Body::parse(text).expect("it is a text")
    }

    fn conversation(&mut self) -> Conversation {
        if self.below(3) == 0 { Conversation::Broadcast } else { Conversation::Room(self.room()) }
    }

    fn what(&mut self) -> What {
        match self.below(5) {
            0 | 1 => What::Conversation(self.conversation(), self.mark()),
            2 => {
                let conversation = self.conversation();
                What::ConversationAfter(conversation, MessageNumber::new(self.below(9) as u64))
            }
            _ => What::Rooms(self.mark()),
        }
    }

    fn mark(&mut self) -> Mark {
        match self.below(8) {
            0 => Mark::BeforeAll,
            1 => Mark::InTheFuture,
            _ => Mark::Beside { nth: self.below(60), micros: self.of(&[-1, 0, 1]) },
        }
    }

    fn limit(&mut self) -> NonZeroUsize {
        NonZeroUsize::new(1 + self.below(7)).expect("it is not zero")
    }
}
