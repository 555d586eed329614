//! Where a conversation ends, found by numbers: what lies behind a number can be asked, the last number cannot.

/// How many questions are asked before what was found counts as the end: many more than a server that tells the truth needs.
const QUESTIONS_MAX: u32 = 200;

/// The first leap. What is found in the page behind it ends the search.
const LEAP: u64 = 64;

/// A search for the last message of a conversation.
#[derive(Clone, Copy, Debug)]
pub struct Search {
    /// The greatest number that is known to exist, or to have existed.
    low: u64,
    /// Behind which there is nothing.
    high: Option<u64>,
    leap: u64,
    questions: u32,
}

impl Search {
    /// Begins where `low` is known to exist; 0 always does.
    #[must_use]
    pub const fn new(low: u64) -> Self {
        Self { low, high: None, leap: 0, questions: 0 }
    }

    /// Hears that `number` exists.
    pub fn hear(&mut self, number: u64) {
        self.low = self.low.max(number);
    }

    /// Behind which number to ask.
    #[must_use]
    pub const fn next(&self) -> u64 {
        match self.high {
            None => self.low.saturating_add(self.leap),
            Some(high) => self.low + high.saturating_sub(self.low) / 2,
        }
    }

    /// Takes a page of what lies behind `after`: the last number in it, and whether there is nothing behind that. Gives the last number
    /// of the conversation once it is known.
    pub fn take(&mut self, after: u64, last: Option<u64>, ended: bool) -> Option<u64> {
        self.questions += 1;
        match last {
            Some(last) => {
                self.low = self.low.max(last);
                self.leap = self.leap.saturating_mul(8).max(LEAP);
                if ended {
                    return Some(self.low);
                }
            }
            None => self.high = Some(self.high.map_or(after, |high| high.min(after))),
        }
        let found = self.high.is_some_and(|high| high <= self.low) || self.questions >= QUESTIONS_MAX;
        found.then_some(self.low)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// How many questions it takes to find the end of a conversation of `len` messages, of which the first `gone` are gone.
    fn find(len: u64, gone: u64, low: u64, page: u64) -> (u64, u32) {
        let mut search = Search::new(low.min(len));
        loop {
            let after = search.next();
            let last = (after < len).then(|| (after.max(gone) + page).min(len).max(gone));
            let ended = last.is_none_or(|last| last == len);
            if let Some(found) = search.take(after, last, ended) {
                return (found, search.questions);
            }
        }
    }

    #[test]
    fn a_short_conversation_takes_one_question_and_a_million_messages_a_few() {
        assert_eq!(find(0, 0, 0, 50), (0, 1));
        assert_eq!(find(50, 0, 0, 50), (50, 1));
        assert_eq!(find(1000, 0, 990, 50), (1000, 1));
        let (found, questions) = find(1_000_000, 0, 0, 50);
        assert_eq!(found, 1_000_000);
        assert!(questions < 30, "{questions}");
    }

    #[test]
    fn a_server_that_lies_is_not_asked_for_ever() {
        let mut search = Search::new(0);
        let mut number = 0;
        while search.take(search.next(), Some(number), false).is_none() {
            number = search.next().saturating_add(1);
        }
        assert!(search.questions <= QUESTIONS_MAX);
    }

    proptest! {
        #[test]
        fn the_end_is_found_whatever_is_gone_and_known(len in 0_u64..100_000, gone in 0_u64..100_000, low in 0_u64..100_000, page in 1_u64..60) {
            let (found, questions) = find(len, gone.min(len), low, page);
            prop_assert_eq!(found, len);
            prop_assert!(questions < 60);
        }
    }
}
