//! Keys that make requests safe to repeat.

use core::sync::atomic::{AtomicU64, Ordering};

use toom_core::IdempotencyKey;

/// Makes keys, no two alike: a mark that was drawn once, and a count.
#[derive(Debug)]
pub(super) struct Keys {
    mark: u128,
    next: AtomicU64,
}

impl Keys {
    pub(super) const fn new(mark: u128) -> Self {
        Self { mark, next: AtomicU64::new(0) }
    }

    pub(super) fn next(&self) -> IdempotencyKey {
        let count = self.next.fetch_add(1, Ordering::Relaxed);
        IdempotencyKey::parse(&format!("{:032x}-{count:x}", self.mark))
            .expect("49 hexadecimal digits and a hyphen at most are a key")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_keys_of_one_mark_and_of_two_marks_differ_and_the_longest_is_a_key() {
        let (keys, others) = (Keys::new(1), Keys::new(2));
        let made = [keys.next(), keys.next(), others.next()];
        assert_eq!(made[0].as_str(), "00000000000000000000000000000001-0");
        assert_eq!(made[1].as_str(), "00000000000000000000000000000001-1");
        assert_eq!(made[2].as_str(), "00000000000000000000000000000002-0");
        let longest = Keys { mark: u128::MAX, next: AtomicU64::new(u64::MAX) };
        assert_eq!(longest.next().as_str().len(), 49);
    }
}
