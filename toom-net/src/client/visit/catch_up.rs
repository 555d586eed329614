//! What this visit has seen of every conversation, and how it fetches what it missed.

use std::collections::{BTreeMap, BTreeSet};

use toom_core::{Conversation, MessageNumber, RoomId, Timestamp};

use super::sequence::{Held, Next, Posted, Sequence};
use crate::client::answer::Target;
use crate::client::{NextPage, Page, PushQueue, Violation};
use crate::protocol::{Command, HistoryRow, MessageLine, PageLimit, RoomsSince, Since};

/// How many bytes of messages wait for those before them. Of what comes on top the numbers are kept, and it is fetched later.
const HELD_BYTES_MAX: usize = 1024 * 1024;

/// All conversations of a visit.
#[derive(Debug)]
pub(super) struct CatchUp {
    sequences: BTreeMap<Conversation, Sequence>,
    /// Those of which something may be handed on.
    changed: BTreeSet<Conversation>,
    /// Those in which something is missing or waits.
    behind: BTreeSet<Conversation>,
    held_bytes: usize,
    /// Everything that was posted before was handed on, or is known to be missing.
    since: Timestamp,
    /// When this session began: what is posted later is pushed.
    session: Timestamp,
    /// Whether the broadcast conversation has to be asked for what was missed between two sessions.
    broadcast: Owed,
    /// The same of the rooms.
    rooms: Owed,
    reading: Option<Reading>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Owed {
    No,
    Yes,
}

/// A read, of which one page at a time is asked for.
#[derive(Debug)]
struct Reading {
    target: Target,
    /// Behind which number messages were known to be missing when it began.
    missing: Option<u64>,
    /// The page to ask for next; `None` while one is under way.
    next: Option<NextPage>,
}

impl CatchUp {
    /// A visit that begins with a session of the time `session`.
    pub(super) const fn new(session: Timestamp) -> Self {
        Self {
            sequences: BTreeMap::new(),
            changed: BTreeSet::new(),
            behind: BTreeSet::new(),
            held_bytes: 0,
            since: session,
            session,
            broadcast: Owed::No,
            rooms: Owed::No,
            reading: None,
        }
    }

    /// Goes on in another session: what was posted between the two has to be fetched.
    pub(super) const fn go_on(&mut self, session: Timestamp) {
        self.session = session;
        self.broadcast = Owed::Yes;
        self.rooms = Owed::Yes;
    }

    /// The connection is lost, and the page that was under way with it.
    pub(super) fn stop_reading(&mut self) {
        self.reading = None;
    }

    /// Takes a message that was pushed.
    pub(super) fn take_message(&mut self, message: MessageLine) -> Result<(), Violation> {
        let full = self.held_bytes >= HELD_BYTES_MAX;
        let number = message.number.get();
        self.change(message.conversation, |sequence| {
            sequence.is_pushed();
            if full && sequence.missing_after().is_some() {
                sequence.hear_of(number, number);
            } else {
                sequence.hold(number, Held::Message(message));
            }
        })
    }

    /// Takes note of messages that were not pushed.
    pub(super) fn take_lag(
        &mut self,
        conversation: Conversation,
        first: MessageNumber,
        last: MessageNumber,
    ) -> Result<(), Violation> {
        self.change(conversation, |sequence| {
            sequence.is_pushed();
            sequence.hear_of(first.get(), last.get());
        })
    }

    /// Takes the answer to a post of this client's.
    pub(super) fn take_own(&mut self, posted: Posted) -> Result<(), Violation> {
        let number = posted.receipt.number.get();
        self.change(posted.receipt.conversation, |sequence| sequence.hold(number, Held::Own(Some(posted))))
    }

    /// Takes note of a room that was just built.
    pub(super) fn take_room(&mut self, room: RoomId) -> Result<(), Violation> {
        self.change(Conversation::Room(room), |sequence| sequence.begin_after(0))
    }

    /// Says that a post to `conversation` was refused: what may have waited for its number does not any more.
    pub(super) fn touch(&mut self, conversation: Conversation) {
        if self.behind.remove(&conversation) {
            self.changed.insert(conversation);
        }
    }

    /// The next that can be handed on. `posting` says whether a post to the conversation has no answer yet: it may have an earlier place.
    pub(super) fn next(&mut self, posting: impl Fn(Conversation) -> bool) -> Option<(Conversation, Next)> {
        while let Some(&conversation) = self.changed.first() {
            let owed = self.is_owed(conversation);
            if let Some(sequence) = self.sequences.get_mut(&conversation) {
                if owed == Owed::No && !sequence.has_begun() {
                    if !sequence.can_begin() {
                        if let Some(posted) = sequence.take_own() {
                            return Some((conversation, Next::Own(posted)));
                        }
                    } else if !posting(conversation) {
                        sequence.begin();
                    }
                }
                let before = sequence.held_bytes();
                let next = sequence.next();
                self.held_bytes = self.held_bytes - before + sequence.held_bytes();
                if let Some(next) = next {
                    return Some((conversation, next));
                }
                if sequence.is_behind() {
                    self.behind.insert(conversation);
                } else {
                    self.behind.remove(&conversation);
                }
            }
            self.changed.remove(&conversation);
        }
        None
    }

    /// An answer that waits for its turn, and is not to wait for it any more.
    pub(super) fn take_own_answer(&mut self) -> Option<Posted> {
        let mut waiting = self.changed.iter().chain(&self.behind);
        waiting.find_map(|place| self.sequences.get_mut(place)?.take_own())
    }

    /// Whether there is something to ask for.
    pub(super) fn wants_page(&self) -> bool {
        match &self.reading {
            Some(reading) => reading.next.is_some(),
            None => self.target().is_some(),
        }
    }

    /// Whether a page is under way.
    pub(super) fn awaits_page(&self) -> bool {
        self.reading.as_ref().is_some_and(|reading| reading.next.is_none())
    }

    /// What to ask for; then [`awaits_page`](Self::awaits_page), until [`take_page`](Self::take_page).
    pub(super) fn ask(&mut self) -> Option<Command> {
        if let Some(reading) = &mut self.reading {
            return reading.next.take().map(NextPage::into_command);
        }
        let target = self.target()?;
        let mut missing = None;
        let command = match target {
            Target::Rooms => {
                Command::ReadRooms { since: RoomsSince::Time(self.since), limit: PageLimit::default() }
            }
            Target::Conversation(conversation) => {
                let sequence = self.sequences.get(&conversation);
                missing = sequence.and_then(Sequence::missing_after);
                let since = sequence.and_then(Sequence::since).unwrap_or(Since::Time(self.since));
                Command::ReadConversation { conversation, since, limit: PageLimit::default() }
            }
        };
        self.reading = Some(Reading { target, missing, next: None });
        Some(command)
    }

    fn target(&self) -> Option<Target> {
        if self.broadcast == Owed::Yes {
            return Some(Target::Conversation(Conversation::Broadcast));
        }
        if self.rooms == Owed::Yes {
            return Some(Target::Rooms);
        }
        let missing = |place: &&Conversation| {
            let sequence = self.sequences.get(place);
            sequence.is_some_and(|sequence| sequence.missing_after().is_some() || sequence.wants_beginning())
        };
        self.behind.iter().find(missing).copied().map(Target::Conversation)
    }

    /// Takes the page that was asked for. A refusal is a page that is empty and the last.
    pub(super) fn take_page(&mut self, page: Page) -> Result<(), Violation> {
        for row in page.rows {
            let (conversation, first, held) = match row {
                HistoryRow::Message(message) => {
                    (message.conversation, message.number.get(), Held::Message(message))
                }
                HistoryRow::Gone { conversation, first, last } => {
                    (conversation, first.get(), Held::Gone(last.get()))
                }
            };
            self.change(conversation, |sequence| {
                sequence.begin_after(first - 1);
                sequence.hold(first, held);
            })?;
        }
        match (page.next, &mut self.reading) {
            (Some(next), Some(reading)) => reading.next = Some(next),
            _ => self.finish_reading(),
        }
        Ok(())
    }

    fn finish_reading(&mut self) {
        let Some(reading) = self.reading.take() else { return };
        match reading.target {
            Target::Rooms => self.rooms = Owed::No,
            Target::Conversation(Conversation::Broadcast) => self.broadcast = Owed::No,
            Target::Conversation(Conversation::Room(_)) => {}
        }
        if (self.broadcast, self.rooms) == (Owed::No, Owed::No) {
            self.since = self.session;
        }
        if let Target::Conversation(conversation) = reading.target
            && let Some(sequence) = self.sequences.get_mut(&conversation)
        {
            let before = sequence.held_bytes();
            if sequence.wants_beginning() {
                sequence.begin();
            }
            if reading.missing.is_some() && sequence.missing_after() == reading.missing {
                // It was read to the end, and what is known to exist did not come.
                sequence.give_up();
            }
            self.held_bytes = self.held_bytes - before + sequence.held_bytes();
        }
        self.changed.append(&mut self.behind);
    }

    const fn is_owed(&self, conversation: Conversation) -> Owed {
        match conversation {
            Conversation::Broadcast => self.broadcast,
            Conversation::Room(_) => self.rooms,
        }
    }

    fn change(
        &mut self,
        conversation: Conversation,
        change: impl FnOnce(&mut Sequence),
    ) -> Result<(), Violation> {
        if self.sequences.len() >= PushQueue::LAGGING_MAX && !self.sequences.contains_key(&conversation) {
            return Err(Violation::TooManyRooms);
        }
        let sequence = self.sequences.entry(conversation).or_default();
        let before = sequence.held_bytes();
        change(sequence);
        self.held_bytes = self.held_bytes - before + sequence.held_bytes();
        self.changed.insert(conversation);
        Ok(())
    }
}
