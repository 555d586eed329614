//! What the engine's side releases, in words of one form: two runs that say the same have done the same.

use core::fmt;
use core::hash::Hasher as _;
use std::io::Write as _;

use siphasher::sip128::{Hasher128 as _, SipHasher13};
use toom_core::{Audience, Effect, Room, SessionEnd, SessionId, UserName};

use super::items::Output;
use crate::protocol::{NameWord, Push, append_time};
use crate::server::exchange::{ConnectionId, Offer, Release};

/// How much of an output is written down; more of it is there as its digest alone.
const TEXT_BYTES_MAX: usize = 160;

/// Words outputs, one at a time.
#[derive(Debug, Default)]
pub(in crate::server) struct Words(Vec<u8>);

impl Words {
    /// The words of what is released.
    pub(in crate::server) fn of(&mut self, release: &Release) -> Output<'_> {
        self.0.clear();
        let out = &mut self.0;
        match release {
            Release::Reply { connection, ticket, lines } => {
                put(out, format_args!("reply to {}, request {ticket}: ", shown(*connection)));
                out.extend_from_slice(lines);
            }
            Release::End { connection, bye } => {
                put(out, format_args!("end of {}: ", shown(*connection)));
                bye.append_to(out);
            }
            Release::LoggedIn { connection, user } => {
                put(out, format_args!("{} is {user} from now on", shown(*connection)));
            }
            Release::Offer { to, user, offer } => {
                let Offer { user: receiver, file } = &**offer;
                put(out, format_args!("offer of {user}, {}, ", shown(to.connection)));
                put(out, format_args!("request {}, to {receiver}: {} bytes, ", to.ticket, file.bytes));
                put(out, format_args!("{} {} {}", file.hash, file.fingerprint, file.name));
            }
            Release::Effect(effect) => put_effect(out, effect),
        }
        output(out)
    }
}

/// The request that something is released for.
pub(in crate::server) fn asked(release: &Release) -> Option<(ConnectionId, u64)> {
    match release {
        Release::Reply { connection, ticket, .. } => Some((*connection, *ticket)),
        Release::Offer { to, .. } => Some((to.connection, to.ticket)),
        Release::End { .. } | Release::LoggedIn { .. } | Release::Effect(_) => None,
    }
}

/// A connection as people can tell it from others: its place, and its serial number.
pub(in crate::server) fn shown(connection: ConnectionId) -> Shown {
    Shown(connection)
}

/// See [`shown`].
#[derive(Clone, Copy, Debug)]
pub(in crate::server) struct Shown(ConnectionId);

impl fmt::Display for Shown {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "connection {}.{}", self.0.slot(), self.0.session().get() >> 32)
    }
}

fn put(out: &mut Vec<u8>, text: fmt::Arguments<'_>) {
    // Memory takes everything.
    let _ = out.write_fmt(text);
}

fn put_effect(out: &mut Vec<u8>, effect: &Effect) {
    match effect {
        Effect::Deliver { audience, message } => {
            put(out, format_args!("deliver "));
            put_audience(out, audience);
            Push::append_message(out, message.view());
        }
        Effect::RoomOpened { audience, room: Room { id, at, members } } => {
            put(out, format_args!("tell "));
            put_audience(out, audience);
            append_time(out, *at);
            let members = members.iter().map(NameWord::from).collect();
            put(out, format_args!(" "));
            Push::Room { room: *id, members }.append_to(out);
        }
        Effect::SessionEnded { session, reason } => {
            let reason = match reason {
                SessionEnd::LoggedOut => "its user left",
                SessionEnd::AccountRemoved => "its account was removed",
                SessionEnd::Idle => "it was idle",
                _ => "for another reason",
            };
            put(out, format_args!("the session of {} is over: {reason}", of_session(*session)));
        }
    }
}

fn put_audience(out: &mut Vec<u8>, audience: &Audience) {
    let (members, except): (&[UserName], _) = match audience {
        Audience::Everyone { except } => (&[], except),
        Audience::Members { members, except } => (members, except),
    };
    put(out, format_args!("to {}", if members.is_empty() { "everyone" } else { "members" }));
    for member in members {
        put(out, format_args!(" {member}"));
    }
    put(out, format_args!(" but {}: ", of_session(*except)));
}

fn of_session(session: SessionId) -> Shown {
    shown(ConnectionId::of_session(session))
}

/// The words in `text`, shortened.
pub(in crate::server) fn output(text: &[u8]) -> Output<'_> {
    let text = text.strip_suffix(b"\n").unwrap_or(text);
    let Ok(whole) = str::from_utf8(text) else { return Output { text: "", digest: Some(digest(text)) } };
    let end = whole.floor_char_boundary(TEXT_BYTES_MAX);
    let (beginning, rest) = whole.split_at_checked(end).unwrap_or((whole, ""));
    Output { text: beginning, digest: (!rest.is_empty()).then(|| digest(text)) }
}

fn digest(text: &[u8]) -> u128 {
    let mut hasher = SipHasher13::new();
    hasher.write(text);
    hasher.finish128().into()
}
