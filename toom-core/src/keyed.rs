//! Keyed requests: what is remembered so that a repeated request does nothing twice.

use std::collections::{BTreeMap, VecDeque};

use crate::digest::Canonical;
use crate::{
    Conversation, IdempotencyKey, MessageNumber, MessageRef, Record, RoomCreated, RoomId, Seed, Timestamp,
    UserName,
};

/// A request that bore a key and was accepted: who made it, what it was, and what was answered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeyedRequest {
    /// Who made it.
    pub user: UserName,
    /// The key it bore.
    pub key: IdempotencyKey,
    /// When it was accepted.
    pub at: Timestamp,
    /// What it asked for.
    pub request: Fingerprint,
    /// What was answered.
    pub answer: Answered,
}

/// 128 bits that stand for what a request asked for. `Debug` does not show them: who knows them can tell a text that is guessed.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Fingerprint(u128);

impl core::fmt::Debug for Fingerprint {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str("Fingerprint(..)")
    }
}

/// What the first of several equal requests was answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Answered {
    /// A message got this place.
    Posted {
        /// Where it was posted.
        conversation: Conversation,
        /// Its number there.
        number: MessageNumber,
    },
    /// This room was built.
    RoomCreated {
        /// The room.
        room: RoomId,
    },
}

impl Fingerprint {
    /// The fingerprint that [`bits`](Self::bits) came from, for a store that kept them.
    #[must_use]
    pub const fn from_bits(bits: u128) -> Self {
        Self(bits)
    }

    /// The fingerprint's bits, for a store to keep.
    #[must_use]
    pub const fn bits(self) -> u128 {
        self.0
    }

    pub(crate) fn of_post(conversation: Conversation, text: &str) -> Self {
        Self(request(b'P').conversation(conversation).text(text).finish())
    }

    /// The order of `members`, and who stands there twice, is not part of what is asked for.
    pub(crate) fn of_room<'a>(members: impl Iterator<Item = &'a UserName>) -> Self {
        let mut request = request(b'R');
        let mut members: Vec<_> = members.collect();
        members.sort_unstable();
        members.dedup();
        for member in members {
            request.user(member);
        }
        Self(request.finish())
    }
}

fn request(kind: u8) -> Canonical {
    let mut canonical = Canonical::new(Seed::default());
    canonical.number(kind);
    canonical
}

impl KeyedRequest {
    /// The keyed request that `record` came from, if it bore a key.
    #[must_use]
    pub fn of(record: &Record) -> Option<Self> {
        match record {
            Record::Posted(posted) => {
                let key = posted.key.clone()?;
                Some(Self::of_post(posted.message.author.clone(), key, posted.message.view()))
            }
            Record::RoomCreated(created) => Self::of_room(created),
        }
    }

    /// The request of `user`, under `key`, that `message` came from.
    pub(crate) fn of_post(user: UserName, key: IdempotencyKey, message: MessageRef<'_>) -> Self {
        Self {
            user,
            key,
            at: message.at,
            request: Fingerprint::of_post(message.conversation, message.body),
            answer: Answered::Posted { conversation: message.conversation, number: message.number },
        }
    }

    /// Whether it was `message` that was posted for it, if it was one with that number.
    #[cfg(feature = "file")]
    pub(crate) fn asked_for(&self, message: MessageRef<'_>) -> bool {
        let asked = Self::of_post(self.user.clone(), self.key.clone(), message);
        asked.at == self.at && asked.request == self.request
    }

    pub(crate) fn of_room(created: &RoomCreated) -> Option<Self> {
        Some(Self {
            user: created.creator()?.clone(),
            key: created.key.clone()?,
            at: created.at,
            request: Fingerprint::of_room(created.members.iter()),
            answer: Answered::RoomCreated { room: created.room },
        })
    }
}

/// The last [`IdempotencyKey::REMEMBERED`] keyed requests of every user. Stores may keep theirs in one, too.
#[derive(Clone, Debug, Default)]
pub struct KeyedRequests(BTreeMap<UserName, Recent>);

#[derive(Clone, Debug, Default)]
struct Recent {
    by_key: BTreeMap<IdempotencyKey, KeyedRequest>,
    in_order: VecDeque<IdempotencyKey>,
}

impl KeyedRequests {
    /// Remembers `request`, and forgets the oldest of its user if there are too many.
    ///
    /// Requests come in order of time. A key that is used again after it was forgotten is remembered anew.
    pub fn remember(&mut self, request: KeyedRequest) {
        let recent = self.0.entry(request.user.clone()).or_default();
        let key = request.key.clone();
        if recent.by_key.insert(key.clone(), request).is_some() {
            recent.in_order.retain(|older| *older != key);
        }
        recent.in_order.push_back(key);
        if recent.in_order.len() > IdempotencyKey::REMEMBERED
            && let Some(oldest) = recent.in_order.pop_front()
        {
            recent.by_key.remove(&oldest);
        }
    }

    /// What `user` asked for under `key`, if it is remembered.
    #[must_use]
    pub fn find(&self, user: &UserName, key: &IdempotencyKey) -> Option<&KeyedRequest> {
        self.0.get(user)?.by_key.get(key)
    }

    /// All that is remembered, in order of time.
    #[must_use]
    pub fn in_order_of_time(&self) -> Vec<KeyedRequest> {
        let mut all: Vec<_> = self.0.values().flat_map(|recent| recent.by_key.values()).cloned().collect();
        all.sort_unstable_by_key(|request| request.at);
        all
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn debug_of_a_fingerprint_shows_no_bit_of_it() {
        assert_eq!(format!("{:?}", Fingerprint::from_bits(0xfeed)), "Fingerprint(..)");
    }

    fn request(key: usize, at: i64) -> KeyedRequest {
        KeyedRequest {
            user: UserName::parse("luke").unwrap(),
            key: IdempotencyKey::parse(&key.to_string()).unwrap(),
            at: Timestamp::from_unix_micros(at).unwrap(),
            request: Fingerprint::from_bits(0),
            answer: Answered::RoomCreated { room: RoomId::FIRST },
        }
    }

    #[test]
    fn a_key_that_is_remembered_anew_is_as_young_as_its_last_use() {
        let mut keyed = KeyedRequests::default();
        keyed.remember(request(0, 0));
        keyed.remember(request(1, 1));
        keyed.remember(request(0, 2));
        for key in 2..IdempotencyKey::REMEMBERED {
            keyed.remember(request(key, 10));
        }
        assert_eq!(keyed.in_order_of_time().len(), IdempotencyKey::REMEMBERED, "none is forgotten yet");
        keyed.remember(request(1000, 11));
        let kept = |key| keyed.find(&request(key, 0).user, &request(key, 0).key).is_some();
        assert!(!kept(1), "the oldest is forgotten");
        assert!(kept(0) && kept(2) && kept(1000));
    }
}
