//! Who is logged in.

use std::collections::{BTreeMap, BTreeSet};

use crate::digest::Canonical;
use crate::{ActiveUser, Audience, Mono, NotLoggedIn, SessionId, Timestamp, UserName};
use core::time::Duration;

/// The open sessions, found by id and by user.
#[derive(Debug, Default)]
pub(crate) struct Sessions {
    by_id: BTreeMap<SessionId, Session>,
    /// The ids of each active user's sessions.
    by_user: BTreeMap<UserName, BTreeSet<SessionId>>,
    /// When sessions may have to end, each with the lease it had when it was last looked at.
    leases: BTreeSet<(Mono, SessionId)>,
}

#[derive(Debug)]
struct Session {
    user: UserName,
    at: Timestamp,
    used: Mono,
    /// What stands in `leases` for it.
    lease: Option<Mono>,
}

impl Sessions {
    pub(crate) fn len(&self) -> usize {
        self.by_id.len()
    }

    pub(crate) fn contains(&self, id: SessionId) -> bool {
        self.by_id.contains_key(&id)
    }

    pub(crate) fn count_of(&self, user: &UserName) -> usize {
        self.by_user.get(user).map_or(0, BTreeSet::len)
    }

    pub(crate) fn is_active(&self, user: &UserName) -> bool {
        self.by_user.contains_key(user)
    }

    pub(crate) fn open(
        &mut self,
        id: SessionId,
        user: UserName,
        at: Timestamp,
        idle: Option<Duration>,
        now: Mono,
    ) {
        self.by_user.entry(user.clone()).or_default().insert(id);
        let lease = idle.map(|idle| now.after(idle));
        self.leases.extend(lease.map(|lease| (lease, id)));
        self.by_id.insert(id, Session { user, at, used: now, lease });
    }

    /// The user of an open session, which is in use now: its lease begins anew.
    pub(crate) fn touch(
        &mut self,
        id: SessionId,
        idle: Option<Duration>,
        now: Mono,
    ) -> Result<&UserName, NotLoggedIn> {
        let session = self.by_id.get_mut(&id).ok_or(NotLoggedIn)?;
        if idle.is_some_and(|idle| session.used.after(idle) <= now) {
            return Err(NotLoggedIn);
        }
        session.used = now;
        Ok(&session.user)
    }

    pub(crate) fn end(&mut self, id: SessionId) -> Option<UserName> {
        let user = self.by_id.get(&id)?.user.clone();
        if let Some(ids) = self.by_user.get_mut(&user) {
            ids.remove(&id);
            if ids.is_empty() {
                self.by_user.remove(&user);
            }
        }
        self.forget(id);
        Some(user)
    }

    fn forget(&mut self, id: SessionId) {
        if let Some(lease) = self.by_id.remove(&id).and_then(|session| session.lease) {
            self.leases.remove(&(lease, id));
        }
    }

    /// Ends all sessions of a user, in order of id.
    pub(crate) fn end_all_of(&mut self, user: &UserName) -> BTreeSet<SessionId> {
        let ids = self.by_user.remove(user).unwrap_or_default();
        for id in &ids {
            self.forget(*id);
        }
        ids
    }

    /// Ends the sessions whose lease is over, in the order in which the leases ended.
    pub(crate) fn expire(&mut self, idle: Option<Duration>, now: Mono) -> Vec<SessionId> {
        let mut ended = Vec::new();
        while let Some(&(deadline, id)) = self.leases.first()
            && deadline <= now
        {
            self.leases.pop_first();
            let Some(session) = self.by_id.get_mut(&id) else { continue };
            // A lease that began anew since takes its place among the others, even if it is over as well.
            session.lease = idle.map(|idle| session.used.after(idle)).filter(|lease| *lease > deadline);
            if let Some(lease) = session.lease {
                self.leases.insert((lease, id));
            } else {
                self.end(id);
                ended.push(id);
            }
        }
        ended
    }

    /// When [`expire`](Self::expire) may have something to do.
    pub(crate) fn next_deadline(&self) -> Option<Mono> {
        self.leases.first().map(|(deadline, _)| *deadline)
    }

    /// The active users but `user`, in order of name.
    pub(crate) fn others(&self, user: &UserName) -> Vec<ActiveUser> {
        let others = self.by_user.iter().filter(|(name, _)| *name != user);
        others.filter_map(|(_, ids)| self.earliest(ids)).collect()
    }

    fn earliest(&self, ids: &BTreeSet<SessionId>) -> Option<ActiveUser> {
        let sessions = ids.iter().filter_map(|id| self.by_id.get(id));
        let first = sessions.min_by_key(|session| session.at)?;
        Some(ActiveUser { user: first.user.clone(), since: first.at })
    }

    pub(crate) fn audience(&self, audience: &Audience) -> Vec<SessionId> {
        match audience {
            Audience::Everyone { except } => self.by_id.keys().filter(|id| *id != except).copied().collect(),
            Audience::Members { members, except } => {
                let ids = members.iter().filter_map(|member| self.by_user.get(member)).flatten();
                ids.filter(|id| *id != except).copied().collect()
            }
        }
    }

    pub(crate) fn digest(&self, into: &mut Canonical) {
        into.number(self.by_id.len() as u64);
        for (id, session) in &self.by_id {
            into.number(id.get()).user(&session.user).text(session.user.as_str());
            into.number(session.at.unix_micros().cast_unsigned()).number(session.used.elapsed().as_nanos());
        }
    }
}
