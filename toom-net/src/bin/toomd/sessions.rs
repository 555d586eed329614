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

#[cfg(test)]
mod tests {
    use toom_core::Timestamp;

    use super::*;

    fn session(number: u64, user: &str) -> OpenSession {
        OpenSession {
            session: SessionId::new(number),
            at: Timestamp::from_unix_micros(i64::try_from(100 - number).unwrap() * 1_000_000).unwrap(),
            user: user.parse().unwrap(),
            ip: [192, 0, 2, 1].into(),
            udp: None,
        }
    }

    #[test]
    fn who_came_is_there_until_they_go_and_the_oldest_is_first() {
        let sessions = Sessions::default();
        for (number, user) in [(1, "luke"), (2, "yoda"), (3, "luke")] {
            sessions.tell(&Event::LoggedIn(session(number, user)));
        }
        let of = |user: &str| sessions.of(&user.parse().unwrap());
        assert_eq!((of("luke"), of("yoda"), of("hans")), (2, 1, 0));
        sessions.tell(&Event::LoggedOut { session: SessionId::new(2), user: "yoda".parse().unwrap() });
        assert_eq!((of("luke"), of("yoda")), (2, 0));
        let lines =
            [97, 99].map(|second| format!("luke 1970-01-01T00:01:{}.000000Z 192.0.2.1 0\n", second - 60));
        assert_eq!(sessions.lines(), lines.concat());
    }
}
