//! Names of things that are numbers.

use core::fmt;
use core::num::{NonZeroU32, NonZeroU64};

/// A room's number: 1, 2, 3, … in the order in which rooms were built.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RoomId(NonZeroU32);

impl RoomId {
    /// The first room of an engine.
    pub const FIRST: Self = Self(NonZeroU32::MIN);

    /// The room numbered `number`; `None` for 0.
    #[must_use]
    pub const fn new(number: u32) -> Option<Self> {
        match NonZeroU32::new(number) {
            Some(number) => Some(Self(number)),
            None => None,
        }
    }

    /// The room's number, 1 or more.
    #[must_use]
    pub const fn number(self) -> u32 {
        self.0.get()
    }

    /// The room built next; `None` after the last that can be numbered.
    #[must_use]
    pub const fn next(self) -> Option<Self> {
        match self.0.checked_add(1) {
            Some(number) => Some(Self(number)),
            None => None,
        }
    }
}

impl fmt::Display for RoomId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// A message's place in its conversation: 1, 2, 3, … without gaps, for ever.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct MessageNumber(NonZeroU64);

impl MessageNumber {
    /// The first message of a conversation.
    pub const FIRST: Self = Self(NonZeroU64::MIN);

    /// The message numbered `number`; `None` for 0.
    #[must_use]
    pub const fn new(number: u64) -> Option<Self> {
        match NonZeroU64::new(number) {
            Some(number) => Some(Self(number)),
            None => None,
        }
    }

    /// The number, 1 or more.
    #[must_use]
    pub const fn get(self) -> u64 {
        self.0.get()
    }

    /// The number that follows `last`: the first one where there is none.
    ///
    /// A conversation cannot reach the last number of 2⁶⁴ − 1, so this saturates there.
    #[must_use]
    pub const fn following(last: Option<Self>) -> Self {
        match last {
            Some(last) => Self(last.0.saturating_add(1)),
            None => Self::FIRST,
        }
    }

    /// The number before this one; `None` before the first.
    #[must_use]
    pub const fn preceding(self) -> Option<Self> {
        Self::new(self.0.get() - 1)
    }
}

impl fmt::Display for MessageNumber {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// A sequence of messages: what is said to everyone, or one room.
///
/// The broadcast conversation comes before every room, rooms come in order of number.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Conversation {
    /// What is said to everyone.
    Broadcast,
    /// A room.
    Room(RoomId),
}

/// One login of an account. The host picks the id, any that no open session has.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SessionId(u64);

impl SessionId {
    /// The session that the host calls `id`.
    #[must_use]
    pub const fn new(id: u64) -> Self {
        Self(id)
    }

    /// The id that the host gave.
    #[must_use]
    pub const fn get(self) -> u64 {
        self.0
    }
}

/// Where login attempts come from: an address, as the host counts addresses.
///
/// Any number will do, as long as one source keeps its number. For IP peers it is the IPv4 address, or the first 64 bits
/// of the IPv6 address, because one household holds a whole /64.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Source(u128);

impl Source {
    /// The source that the host numbers `address`.
    #[must_use]
    pub const fn new(address: u128) -> Self {
        Self(address)
    }

    /// The number that the host gave.
    #[must_use]
    pub const fn get(self) -> u128 {
        self.0
    }
}

/// A store's birth mark. Message numbers and cursors remembered under another epoch mean nothing any more.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Epoch(u64);

impl Epoch {
    /// The epoch `mark`, which the host draws at random when it makes a store.
    #[must_use]
    pub const fn new(mark: u64) -> Self {
        Self(mark)
    }

    /// The birth mark.
    #[must_use]
    pub const fn get(self) -> u64 {
        self.0
    }
}

impl fmt::Display for Epoch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:016x}", self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_epoch_is_shown_in_16_digits() {
        assert_eq!(Epoch::new(0xab).to_string(), "00000000000000ab");
    }
}
