//! Who checks that what was acknowledged is in the history: all of it, once, in order.

use core::time::Duration;
use std::collections::BTreeMap;

use super::super::LoadError;
use super::part::{Part, Pushes, Talk, World, out_of_place, sent_away};
use super::reading::{Reading, Reason};
use super::said::{Said, Told, word};
use super::tally::Count;

/// When everything is read again. After each restart it is, too.
const EVERY: Duration = Duration::from_mins(1);

/// A member of every room, which reads everything that the history holds from the beginning.
#[derive(Debug)]
pub(super) struct Checker {
    account: usize,
    reading: Reading,
    entered: bool,
    /// The conversations that are being read.
    orders: BTreeMap<u32, Order>,
    /// The share of the history that retention must have left, in bytes of texts.
    kept_bytes_min: u64,
}

/// What a conversation has to keep to.
#[derive(Debug, Default)]
struct Order {
    /// The sequence of the last message of each author.
    sequences: BTreeMap<String, u64>,
    /// The time of the last message.
    time: String,
    /// Whether messages before those that were read are gone.
    begins_late: bool,
}

impl Checker {
    pub(super) fn new(account: usize, kept_bytes_min: u64) -> Self {
        let orders = BTreeMap::new();
        Self { account, reading: Reading::default(), entered: false, orders, kept_bytes_min }
    }

    /// Reads everything, unless it is at it.
    fn check(&mut self, talk: &mut Talk<'_>) {
        if !self.reading.is_empty() {
            return;
        }
        for conversation in talk.world.ledger.conversations() {
            self.orders.insert(conversation, Order::default());
            let last = talk.world.ledger.acknowledged(conversation);
            self.reading.ask(conversation, 0, Reason::Check(last), talk);
        }
    }

    /// Everything was read.
    fn conclude(&self, talk: &mut Talk<'_>) -> Result<(), LoadError> {
        let world = &mut *talk.world;
        world.checks += 1;
        world.tally.add(Count::Checked, 1);
        let gone = world.ledger.gone();
        world.tally.add(Count::Dropped, gone - world.tally.of(Count::Dropped));
        let kept = world.ledger.kept_bytes();
        if gone > 0 && kept < self.kept_bytes_min {
            let allowed = self.kept_bytes_min;
            return Err(LoadError::Broken(format!(
                "retention left {kept} bytes of texts, and must leave {allowed}"
            )));
        }
        Ok(())
    }
}

impl Order {
    /// Takes the next message of the conversation. Each author counts the own ones, so none can be lost or doubled unseen.
    fn take(&mut self, told: &Told<'_>) -> Result<(), LoadError> {
        let wrong = |what: &str| {
            let (number, conversation) = (told.number, word(told.conversation));
            Err(LoadError::Broken(format!("message {number} of {conversation} by {} {what}", told.author)))
        };
        let Some(sequence) = told.text.split(' ').next().and_then(|word| word.parse().ok()) else {
            return wrong("has no sequence");
        };
        let expected = match self.sequences.insert(told.author.to_owned(), sequence) {
            Some(before) => before + 1,
            // Where messages are gone, nobody knows where an author was.
            None if self.begins_late => sequence,
            None => 1,
        };
        if sequence != expected {
            return wrong(&format!("is the author's {sequence}, and {expected} was the next"));
        }
        if *told.time <= *self.time {
            return wrong("is not later than the one before");
        }
        self.time.clear();
        self.time.push_str(told.time);
        Ok(())
    }
}

impl Part for Checker {
    fn begin(&mut self, talk: &mut Talk<'_>) {
        talk.log_in(self.account, Pushes::Off);
        talk.due_in(EVERY);
    }

    fn hear(&mut self, said: &Said<'_>, talk: &mut Talk<'_>) -> Result<(), LoadError> {
        match *said {
            Said::Else | Said::Done("HELLO" | "PING", _) => Ok(()),
            Said::Done("LOGIN", _) => {
                talk.entered();
                self.entered = true;
                self.check(talk);
                Ok(())
            }
            Said::Refused("LOGIN", rest) => talk.refused(rest),
            Said::Row(_) | Said::Gone(_) | Said::Done("RDM", _) => {
                match said {
                    Said::Row(told) => self.orders.entry(told.conversation).or_default().take(told)?,
                    Said::Gone(gone) => {
                        self.orders
                            .insert(gone.conversation, Order { begins_late: true, ..Order::default() });
                    }
                    _ => {}
                }
                let ended = self.reading.hear(said, talk)?.is_some();
                if ended && self.reading.is_empty() { self.conclude(talk) } else { Ok(()) }
            }
            _ => Err(out_of_place("the checker", said)),
        }
    }

    fn act(&mut self, talk: &mut Talk<'_>) -> Result<(), LoadError> {
        talk.due_in(EVERY);
        if self.entered {
            self.check(talk);
        }
        Ok(())
    }

    fn closed(&mut self, _talk: &mut Talk<'_>) -> Result<(), LoadError> {
        Err(sent_away("the checker"))
    }

    fn lost(&mut self, _world: &mut World) {
        self.entered = false;
        self.reading.clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn take(begins_late: bool, texts: &[(&str, &str)]) -> Result<(), LoadError> {
        let mut order = Order { begins_late, ..Order::default() };
        texts.iter().zip(["a", "b", "c"]).try_for_each(|((author, text), time)| {
            order.take(&Told { conversation: 1, number: 1, time, author, text })
        })
    }

    #[test]
    fn what_an_author_counts_has_no_gap_and_nothing_twice() {
        take(false, &[("luke", "1 x"), ("hans", "1 x"), ("luke", "2 x")]).unwrap();
        take(true, &[("luke", "7 x"), ("hans", "3 x"), ("luke", "8 x")]).unwrap();
        for texts in [[("luke", "1 x"), ("luke", "3 x")], [("luke", "1 x"), ("luke", "1 x")]] {
            assert!(take(false, &texts).is_err(), "{texts:?}");
        }
        assert!(take(false, &[("luke", "2 x")]).is_err(), "the first is missing");
        assert!(take(true, &[("luke", "x")]).is_err(), "no sequence");
    }

    #[test]
    fn times_increase() {
        let mut order = Order::default();
        let told = Told { conversation: 1, number: 1, time: "b", author: "luke", text: "1 x" };
        order.take(&told).unwrap();
        assert!(order.take(&Told { text: "2 x", ..told }).is_err());
    }
}
