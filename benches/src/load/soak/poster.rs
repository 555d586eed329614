//! Who posts, under a key each time, and asks again under the same key until there is an answer.

use core::time::Duration;
use std::collections::VecDeque;
use std::time::Instant;

use super::super::LoadError;
use super::super::dialect::account;
use super::part::{Part, Pushes, Talk, World, out_of_place, sent_away};
use super::said::{BROADCAST, Said, Told};
use super::tally::Count;

/// How many posts may be unanswered.
const UNANSWERED_MAX: usize = 8;
/// How long an answer may take while the server serves.
const PATIENCE: Duration = Duration::from_mins(1);
/// When a room is asked for again whose members are not all there.
const AGAIN: Duration = Duration::from_secs(1);

/// A peer that posts to everyone and to a room of its own.
#[derive(Debug)]
pub(super) struct Poster {
    account: usize,
    /// Who is in the room beside it.
    members: Vec<usize>,
    room: Option<u32>,
    /// Between two posts, on average.
    interval: Duration,
    /// The sequences of the next texts: to everyone, and to the room.
    sequences: [u64; 2],
    /// What is not answered, in order, the oldest first.
    pending: VecDeque<Pending>,
    entered: bool,
}

#[derive(Debug)]
struct Pending {
    line: String,
    asked: Asked,
    /// When it was sent on this connection.
    sent: Instant,
}

#[derive(Debug)]
enum Asked {
    Room,
    Post { conversation: u32, text: String },
}

impl Poster {
    pub(super) fn new(account: usize, members: Vec<usize>, interval: Duration) -> Self {
        let pending = VecDeque::new();
        Self { account, members, room: None, interval, sequences: [1; 2], pending, entered: false }
    }

    fn ask(&mut self, line: String, asked: Asked, talk: &mut Talk<'_>) {
        talk.say(&line);
        talk.world.unanswered += 1;
        self.pending.push_back(Pending { line, asked, sent: talk.now });
    }

    fn ask_for_room(&mut self, talk: &mut Talk<'_>) {
        let names: Vec<String> = self.members.iter().map(|member| account(*member)).collect();
        self.ask(format!("!room-{} SRB {}", self.account, names.join(" ")), Asked::Room, talk);
    }

    /// One of four is for everyone and short, the others fill the store.
    fn post(&mut self, room: u32, talk: &mut Talk<'_>) {
        let to_all = talk.world.rng.u8(..4) == 0;
        let (conversation, bytes) = if to_all {
            (BROADCAST, talk.world.rng.usize(20..300))
        } else {
            (room, talk.world.rng.usize(2000..4000))
        };
        let Some(sequence) = self.sequences.get_mut(usize::from(!to_all)) else { return };
        let text = text(*sequence, bytes, &mut talk.world.rng);
        let verb = if to_all { "BCM".to_owned() } else { format!("SRM {room}") };
        let line = format!("!{conversation}-{}-{sequence} {verb} {text}", self.account);
        *sequence += 1;
        self.ask(line, Asked::Post { conversation, text }, talk);
    }

    fn hear_done(&mut self, verb: &str, rest: &str, talk: &mut Talk<'_>) -> Result<(), LoadError> {
        let unexpected = || LoadError::Broken(format!("a post was answered OK {verb} {rest}"));
        let pending = self.pending.pop_front().ok_or_else(unexpected)?;
        talk.world.unanswered -= 1;
        match pending.asked {
            Asked::Room if verb == "SRB" => {
                let room =
                    rest.split(' ').next().and_then(|room| room.parse().ok()).ok_or_else(unexpected)?;
                self.room = Some(room);
                talk.world.ledger.open(room);
                Ok(())
            }
            Asked::Post { conversation, text } => {
                let words = match (verb, conversation) {
                    ("BCM", BROADCAST) => Some(rest),
                    ("SRM", room) => rest.strip_prefix(&format!("{room} ")),
                    _ => None,
                };
                let (number, time) = words.and_then(|words| words.split_once(' ')).ok_or_else(unexpected)?;
                let number = number.parse().map_err(|_| unexpected())?;
                let author = &account(self.account);
                let told = Told { conversation, number, time, author, text: &text };
                talk.count(Count::Posted);
                talk.world.ledger.acknowledge(&told)
            }
            Asked::Room => Err(unexpected()),
        }
    }
}

/// A text that begins with its sequence, of about that many bytes.
fn text(sequence: u64, bytes: usize, rng: &mut fastrand::Rng) -> String {
    let mut text = format!("{sequence} ");
    while text.len() < bytes {
        text.push(rng.alphanumeric());
        text.push(if rng.u8(..8) == 0 { 'ü' } else { rng.lowercase() });
    }
    text
}

impl Part for Poster {
    fn begin(&mut self, talk: &mut Talk<'_>) {
        talk.log_in(self.account, Pushes::Off);
        talk.due_in(self.interval);
    }

    fn hear(&mut self, said: &Said<'_>, talk: &mut Talk<'_>) -> Result<(), LoadError> {
        match *said {
            Said::Else | Said::Done("HELLO" | "PING", _) => Ok(()),
            Said::Done("LOGIN", _) => {
                talk.entered();
                self.entered = true;
                for pending in &mut self.pending {
                    talk.manner.out.extend_from_slice(pending.line.as_bytes());
                    talk.manner.out.push(b'\n');
                    pending.sent = talk.now;
                }
                Ok(())
            }
            Said::Refused("LOGIN", rest) => talk.refused(rest),
            Said::Done(verb, rest) => self.hear_done(verb, rest, talk),
            Said::Refused("SRB", rest) if rest.starts_with("inactive-user ") => {
                self.pending.pop_front();
                talk.world.unanswered -= 1;
                talk.due_in(AGAIN);
                Ok(())
            }
            _ => Err(out_of_place(&format!("poster {}", self.account), said)),
        }
    }

    fn act(&mut self, talk: &mut Talk<'_>) -> Result<(), LoadError> {
        let interval = self.interval.as_secs_f64();
        *talk.due = talk.now + talk.seconds(interval * 0.5..interval * 1.5);
        if let Some(oldest) = self.pending.front().filter(|_| self.entered)
            && talk.now.duration_since(oldest.sent) > PATIENCE
        {
            return Err(LoadError::Broken(format!("no answer to {:.60}", oldest.line)));
        }
        if !self.entered || !talk.world.posting || self.pending.len() >= UNANSWERED_MAX {
            return Ok(());
        }
        match self.room {
            Some(room) => self.post(room, talk),
            None if self.pending.is_empty() => self.ask_for_room(talk),
            None => {}
        }
        Ok(())
    }

    fn closed(&mut self, _talk: &mut Talk<'_>) -> Result<(), LoadError> {
        Err(sent_away("a poster"))
    }

    fn lost(&mut self, _world: &mut World) {
        self.entered = false;
    }
}
