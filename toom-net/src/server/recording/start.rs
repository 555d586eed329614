//! What an engine was opened with, as items and back: its rules, bounds and seed, and what the store knew.

use core::num::{NonZeroU32, NonZeroUsize};

use toom_core::{
    Answered, Attempts, Config, Epoch, Fingerprint, KeyedRequest, Limits, Members, MessageNumber, Policy,
    Recovered, RoomCreated, RoomId, Secret, Seed, Tail, UserName,
};

use super::inputs::{conversation, key, name, room_number, time};
use super::items::{self, Item, Items, Opened, SecretKind};

/// Writes what `recovered` holds.
pub(super) fn push_recovered(items: &mut Items, recovered: &Recovered) {
    for RoomCreated { room, at, members, key } in &recovered.rooms {
        items.push(&Item::Room {
            room: room.number(),
            at: at.unix_micros(),
            members: members.iter().map(UserName::as_str).collect(),
            key: key.as_ref().map(toom_core::IdempotencyKey::as_str),
        });
    }
    for Tail { conversation, number, at } in &recovered.tails {
        let (room, at) = (room_number(*conversation), at.unix_micros());
        items.push(&Item::Tail { room, number: number.get(), at });
    }
    for request in &recovered.keyed {
        let answered = match request.answer {
            Answered::Posted { conversation, number } => {
                items::Answered::Posted { room: room_number(conversation), number: number.get() }
            }
            Answered::RoomCreated { room } => items::Answered::RoomCreated { room: room.number() },
        };
        items.push(&Item::Keyed(items::Keyed {
            user: request.user.as_str(),
            key: request.key.as_str(),
            at: request.at.unix_micros(),
            request: request.request.bits(),
            answered,
        }));
    }
    if let Some(until) = recovered.stamps_reserved {
        items.push(&Item::Reserved { until: until.unix_micros() });
    }
}

/// Adds to `recovered` what an item says; `None`: it says nothing of the kind.
pub(in crate::server) fn recover(item: &Item<'_>, recovered: &mut Recovered) -> Option<()> {
    match item {
        Item::Room { room, at, members, key: of } => recovered.rooms.push(RoomCreated {
            room: RoomId::new(*room)?,
            at: time(*at)?,
            members: members.iter().map(|member| name(member)).collect::<Option<_>>()?,
            key: key(*of)?,
        }),
        Item::Tail { room, number, at } => recovered.tails.push(Tail {
            conversation: conversation(*room),
            number: MessageNumber::new(*number)?,
            at: time(*at)?,
        }),
        Item::Keyed(request) => recovered.keyed.push(KeyedRequest {
            user: name(request.user)?,
            key: key(Some(request.key))??,
            at: time(request.at)?,
            request: Fingerprint::from_bits(request.request),
            answer: match request.answered {
                items::Answered::Posted { room, number } => {
                    Answered::Posted { conversation: conversation(room), number: MessageNumber::new(number)? }
                }
                items::Answered::RoomCreated { room } => Answered::RoomCreated { room: RoomId::new(room)? },
            },
        }),
        Item::Reserved { until } => recovered.stamps_reserved = Some(time(*until)?),
        _ => return None,
    }
    Some(())
}

pub(super) fn opened(config: &Config, epoch: Epoch, checks_max: usize) -> Opened<'static> {
    let Config { policy, limits, seed } = config;
    let Policy { attempts, block, members, session_idle } = *policy;
    Opened {
        version: env!("CARGO_PKG_VERSION"),
        epoch: epoch.get(),
        seed: seed.bytes(),
        attempts: attempts.get(),
        block,
        inactive_members: members == Members::Exist,
        session_idle,
        limits: limits_item(*limits),
        checks_max: checks_max as u64,
    }
}

/// The rules, bounds and seed of an engine; `None` if they are those of none.
pub(in crate::server) fn config(opened: &Opened<'_>) -> Option<Config> {
    let policy = Policy {
        attempts: Attempts::new(opened.attempts)?,
        block: opened.block,
        members: if opened.inactive_members { Members::Exist } else { Members::Active },
        session_idle: opened.session_idle,
    };
    Some(Config { policy, limits: limits(&opened.limits)?, seed: Seed::new(opened.seed) })
}

fn limits_item(limits: Limits) -> items::Limits {
    items::Limits {
        body_bytes_max: limits.body_bytes_max as u64,
        members_max: limits.members_max as u64,
        rooms_per_user_max: limits.rooms_per_user_max as u64,
        sessions_max: limits.sessions_max as u64,
        sessions_per_account_max: limits.sessions_per_account_max as u64,
        page_messages_max: limits.page_messages_max.get() as u64,
        page_bytes_max: limits.page_bytes_max as u64,
        familiar_sources_max: limits.familiar_sources_max as u64,
        familiar_for: limits.familiar_for,
        source_failures_max: limits.source_failures_max.get(),
        source_refill: limits.source_refill,
        check_timeout: limits.check_timeout,
    }
}

/// Every field is named: a bound that is new does not compile before it is recorded.
fn limits(item: &items::Limits) -> Option<Limits> {
    let count = |number: u64| usize::try_from(number).ok();
    Some(Limits {
        body_bytes_max: count(item.body_bytes_max)?,
        members_max: count(item.members_max)?,
        rooms_per_user_max: count(item.rooms_per_user_max)?,
        sessions_max: count(item.sessions_max)?,
        sessions_per_account_max: count(item.sessions_per_account_max)?,
        page_messages_max: count(item.page_messages_max).and_then(NonZeroUsize::new)?,
        page_bytes_max: count(item.page_bytes_max)?,
        familiar_sources_max: count(item.familiar_sources_max)?,
        familiar_for: item.familiar_for,
        source_failures_max: NonZeroU32::new(item.source_failures_max)?,
        source_refill: item.source_refill,
        check_timeout: item.check_timeout,
    })
}

/// How a secret lies there.
pub(super) fn kind(secret: &Secret) -> SecretKind {
    if secret.is_plain() { SecretKind::Plain } else { SecretKind::Hashed }
}

/// A secret of that kind, another one for each version, that no password was ever made for.
pub(in crate::server) fn stand_in(kind: SecretKind, version: u64) -> Secret {
    let made = match kind {
        SecretKind::Plain => Secret::plain(&format!("version {version}")),
        SecretKind::Hashed => {
            let mut salt = [0; 16];
            let (digits, _) = salt.split_at_mut(8);
            digits.copy_from_slice(&version.to_le_bytes());
            let salt = data_encoding::BASE64_NOPAD.encode(&salt);
            let hash = data_encoding::BASE64_NOPAD.encode(&[0; 32]);
            Secret::parse(&format!("$argon2id$v=19$m=8,t=1,p=1${salt}${hash}"))
        }
    };
    made.expect("the text is a short password, or a hash in its one form")
}
