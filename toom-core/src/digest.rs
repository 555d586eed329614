//! One way to turn values into bytes and the bytes into 128 bits: request fingerprints, state digests, and the
//! places of strangers in bounded tables.

pub(crate) mod history;

use core::hash::Hasher;

use siphasher::sip128::{Hasher128, SipHasher24};

use crate::{Conversation, UserName};

/// 128 bits that stand for a state: equal states have equal digests on every machine and in every version that
/// writes the same format; different states have different ones but for one chance in 2¹²⁸.
///
/// It is a check against mistakes, not against an opponent (SipHash-2-4-128 with a known key).
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Digest(u128);

impl Digest {
    /// The digest's bits.
    #[must_use]
    pub const fn bits(self) -> u128 {
        self.0
    }
}

impl core::fmt::Display for Digest {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        write!(f, "{:032x}", self.0)
    }
}

impl core::fmt::Debug for Digest {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        write!(f, "Digest({self})")
    }
}

/// What the keyed tables are keyed with: 16 bytes that the host draws at random and keeps to itself, so that nobody
/// can choose names or addresses that share a place with another's.
#[derive(Clone, Copy, Default, PartialEq, Eq)]
pub struct Seed([u8; 16]);

impl Seed {
    /// The seed of these random bytes.
    #[must_use]
    pub const fn new(random: [u8; 16]) -> Self {
        Self(random)
    }

    /// The bytes, for who writes down what an engine was opened with. Who has them can choose names that share a place.
    #[must_use]
    pub const fn bytes(self) -> [u8; 16] {
        self.0
    }
}

impl core::fmt::Debug for Seed {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str("Seed(..)")
    }
}

/// Takes values in canonical form: integers little-endian, texts behind their length.
pub(crate) struct Canonical(SipHasher24);

impl Canonical {
    pub(crate) fn new(seed: Seed) -> Self {
        Self(SipHasher24::new_with_key(&seed.0))
    }

    pub(crate) fn number(&mut self, value: impl Into<u128>) -> &mut Self {
        self.0.write(&value.into().to_le_bytes());
        self
    }

    pub(crate) fn text(&mut self, value: &str) -> &mut Self {
        self.number(value.len() as u64);
        self.0.write(value.as_bytes());
        self
    }

    pub(crate) fn user(&mut self, user: &UserName) -> &mut Self {
        self.text(user.key())
    }

    pub(crate) fn conversation(&mut self, conversation: Conversation) -> &mut Self {
        match conversation {
            Conversation::Broadcast => self.number(0_u32),
            Conversation::Room(room) => self.number(room.number()),
        }
    }

    pub(crate) fn finish(&self) -> u128 {
        self.0.finish128().into()
    }

    pub(crate) fn digest(&self) -> Digest {
        Digest(self.finish())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_digest_is_shown_as_its_bits_in_32_digits() {
        let digest = Digest(0xabc);
        assert_eq!(digest.bits(), 0xabc);
        assert_eq!(digest.to_string(), "00000000000000000000000000000abc");
        assert_eq!(format!("{digest:?}"), "Digest(00000000000000000000000000000abc)");
    }

    #[test]
    fn a_seed_gives_its_bytes_to_who_asks_for_them_and_debug_shows_none() {
        let seed = Seed::new(*b"sixteen at chanc");
        assert_eq!(&seed.bytes(), b"sixteen at chanc");
        assert_eq!(format!("{seed:?}"), "Seed(..)");
    }
}
