//! Who is logged in, as the events tell it.

use std::collections::BTreeMap;
use std::io::Write as _;
use std::sync::{Arc, Mutex, PoisonError};

use toom_core::{SessionId, UserName};
use toom_net::protocol::append_time;
use toom_net::server::{Event, OpenSession};

/// The sessions that are open. Clones share them.
#[derive(Clone, Debug, Default)]
pub(crate) struct Sessions(Arc<Mutex<BTreeMap<SessionId, OpenSession>>>);

impl Sessions {
    pub(crate) fn tell(&self, event: &Event) {
        match event {
            Event::LoggedIn(session) => drop(self.with(|open| open.insert(session.session, session.clone()))),
            Event::LoggedOut { session, .. } => drop(self.with(|open| open.remove(session))),
            _ => {}
        }
    }

    /// How many sessions a user has.
    pub(crate) fn of(&self, user: &UserName) -> usize {
        self.with(|open| open.values().filter(|session| session.user == *user).count())
    }

    /// A line a session, the oldest first: user, time of the login, address, and UDP port or 0.
    pub(crate) fn lines(&self) -> String {
        let mut open: Vec<_> = self.with(|open| open.values().cloned().collect());
        open.sort_by_key(|session| session.at);
        let mut lines = Vec::new();
        for OpenSession { at, user, ip, udp, .. } in &open {
            lines.extend_from_slice(user.as_str().as_bytes());
            lines.push(b' ');
            append_time(&mut lines, *at);
            let udp = udp.map_or(0, std::num::NonZeroU16::get);
            writeln!(lines, " {ip} {udp}").expect("a vector takes all");
        }
        String::from_utf8_lossy(&lines).into_owned()
    }

    /// Nobody panics while they hold it.
    fn with<T>(&self, look: impl FnOnce(&mut BTreeMap<SessionId, OpenSession>) -> T) -> T {
        look(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}
