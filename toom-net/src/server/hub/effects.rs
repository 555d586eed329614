//! Carrying out what the engine released for others than who asked.

use std::sync::Arc;

use toom_core::{Audience, Effect, Mono, Room, SessionEnd, UserName};

use super::peers::Ending;
use super::{Hub, bye};
use crate::protocol::{ByeCode, Live, NameWord, Push};
use crate::server::exchange::ConnectionId;
use crate::server::outbox::Delivery;

impl Hub {
    pub(super) fn logged_in(&mut self, id: ConnectionId, user: UserName, now: Mono) {
        self.set_early_long_line(id, false);
        let Some(peer) = self.peers.get_mut(id) else { return };
        peer.connection.logged_in();
        if peer.ending == Ending::WhenWritten {
            return;
        }
        if peer.connection.live() == Live::On && peer.ending == Ending::No {
            self.listeners.insert(id, user);
        }
        self.set_deadline(id, Some(now.after(self.limits.idle_time)));
    }

    pub(super) fn take_effect(&mut self, effect: Effect, now: Mono) {
        match effect {
            Effect::Deliver { audience, message } => {
                let mut line = Vec::new();
                Push::append_message(&mut line, message.view());
                let line: Arc<[u8]> = line.into();
                let bytes_max = self.limits.outbox_bytes_max;
                let (peers, dirty, counts) = (&mut self.peers, &mut self.dirty, &mut self.counts);
                self.listeners.each(&audience, |id| {
                    let Some(peer) = peers.get_mut(id) else { return };
                    *match peer.outbox.deliver(message.conversation, message.number, &line, bytes_max) {
                        Delivery::Done => &mut counts.deliveries,
                        Delivery::LeftOut => &mut counts.left_out,
                    } += 1;
                    peer.mark_dirty(dirty);
                });
            }
            Effect::RoomOpened { audience, room } => self.tell_room(&audience, &room, now),
            Effect::SessionEnded { session, reason } => {
                self.session_ended(ConnectionId::of_session(session), reason, now);
            }
        }
    }

    fn tell_room(&mut self, audience: &Audience, room: &Room, now: Mono) {
        let members = room.members.iter().map(NameWord::from).collect();
        let mut line = Vec::new();
        Push::Room { room: room.id, members }.append_to(&mut line);
        let line: Arc<[u8]> = line.into();
        let bytes_max = self.limits.outbox_bytes_max;
        let mut slow = Vec::new();
        let (peers, dirty) = (&mut self.peers, &mut self.dirty);
        self.listeners.each(audience, |id| {
            let Some(peer) = peers.get_mut(id) else { return };
            if peer.outbox.insist(&line, bytes_max).is_err() {
                slow.push(id);
            }
            peer.mark_dirty(dirty);
        });
        self.counts.slow += slow.len() as u64;
        for id in slow {
            self.end_now(id, bye(ByeCode::Slow, "this connection reads too slowly"), now);
        }
    }

    fn session_ended(&mut self, id: ConnectionId, reason: SessionEnd, now: Mono) {
        let bye = match reason {
            SessionEnd::AccountRemoved => Some((ByeCode::Removed, "the account was removed")),
            SessionEnd::Idle => Some((ByeCode::Idle, "nothing was heard for too long")),
            _ => None,
        };
        let bye = bye.map(|(code, text)| Push::Bye { code, text: text.into() });
        self.end_when_answered(id, bye, now);
    }
}
