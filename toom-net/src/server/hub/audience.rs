//! Who is pushed to.

use std::collections::HashMap;

use toom_core::{Audience, SessionId, UserName};

use crate::server::exchange::ConnectionId;

/// The connections that want to be told of what happens: all in one list, and those of each user.
#[derive(Debug, Default)]
pub(super) struct Listeners {
    all: Vec<ConnectionId>,
    entries: HashMap<ConnectionId, Entry>,
    of_user: HashMap<UserName, Vec<ConnectionId>>,
}

#[derive(Debug)]
struct Entry {
    /// Its place in the list of all.
    place: usize,
    user: UserName,
}

impl Listeners {
    pub(super) fn insert(&mut self, id: ConnectionId, user: UserName) {
        self.remove(id);
        self.of_user.entry(user.clone()).or_default().push(id);
        self.entries.insert(id, Entry { place: self.all.len(), user });
        self.all.push(id);
    }

    pub(super) fn remove(&mut self, id: ConnectionId) {
        let Some(Entry { place, user }) = self.entries.remove(&id) else { return };
        self.all.swap_remove(place);
        if let Some(moved) = self.all.get(place).and_then(|moved| self.entries.get_mut(moved)) {
            moved.place = place;
        }
        if let Some(ids) = self.of_user.get_mut(&user) {
            ids.retain(|other| *other != id);
            if ids.is_empty() {
                self.of_user.remove(&user);
            }
        }
    }

    pub(super) fn all(&self) -> &[ConnectionId] {
        &self.all
    }

    pub(super) fn contains(&self, id: ConnectionId) -> bool {
        self.entries.contains_key(&id)
    }

    /// Those of a user.
    pub(super) fn of(&self, user: &UserName) -> &[ConnectionId] {
        self.of_user.get(user).map(Vec::as_slice).unwrap_or_default()
    }

    /// Visits each connection that an effect is for, at a cost that grows with their number alone.
    pub(super) fn each(&self, audience: &Audience, mut visit: impl FnMut(ConnectionId)) {
        let mut visit_others = |ids: &[ConnectionId], except: SessionId| {
            ids.iter().filter(|id| id.session() != except).for_each(|id| visit(*id));
        };
        match audience {
            Audience::Everyone { except } => visit_others(&self.all, *except),
            Audience::Members { members, except } => {
                let lists = members.iter().filter_map(|member| self.of_user.get(member));
                lists.for_each(|ids| visit_others(ids, *except));
            }
        }
    }
}
