//! What waits to be written, shared by the threads that tell of it and the one that writes.

use core::ops::ControlFlow;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use toom_core::{Conversation, MessageNumber, SessionId};

use crate::server::{Event, OpenSession};

/// How far each conversation goes that the files lack messages of, and which sessions have begun and ended.
#[derive(Debug, Default)]
pub(super) struct Pending {
    /// Whether the file of sessions is not what it should be, whatever has changed since.
    pub(super) users_due: bool,
    pub(super) sessions: Changes,
    pub(super) ends: BTreeMap<Conversation, MessageNumber>,
}

/// No more than an entry for each session that is open or known to the file.
#[derive(Debug, Default)]
pub(super) struct Changes {
    /// Sessions that the file lacks, with their place in the order of logins.
    pub(super) opened: BTreeMap<SessionId, (u64, OpenSession)>,
    /// Sessions that the file has too many.
    pub(super) ended: BTreeSet<SessionId>,
}

#[derive(Debug)]
pub(super) struct Shared {
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Debug, Default)]
struct State {
    pending: Pending,
    logins: u64,
    ending: bool,
}

impl Pending {
    pub(super) fn is_empty(&self) -> bool {
        self.ends.is_empty() && !self.has_users()
    }

    /// Whether the file of sessions is to be written.
    pub(super) fn has_users(&self) -> bool {
        self.users_due || !self.sessions.opened.is_empty() || !self.sessions.ended.is_empty()
    }

    fn lacks(&mut self, conversation: Conversation, end: MessageNumber) {
        let known = self.ends.entry(conversation).or_insert(end);
        *known = end.max(*known);
    }
}

impl Changes {
    fn end(&mut self, session: SessionId) {
        if self.opened.remove(&session).is_none() {
            self.ended.insert(session);
        }
    }
}

impl Shared {
    pub(super) fn new(ends: BTreeMap<Conversation, MessageNumber>) -> Self {
        // Of an earlier server that was not asked to end, sessions may stand in the file.
        let pending = Pending { users_due: true, ends, ..Pending::default() };
        Self { state: Mutex::new(State { pending, ..State::default() }), changed: Condvar::new() }
    }

    pub(super) fn tell(&self, event: &Event) {
        let mut state = self.lock();
        match event {
            Event::Posted(message) => state.pending.lacks(message.conversation, message.number),
            Event::LoggedIn(opened) => {
                state.logins += 1;
                let place = state.logins;
                state.pending.sessions.opened.insert(opened.session, (place, opened.clone()));
            }
            Event::LoggedOut { session, .. } => state.pending.sessions.end(*session),
            _ => return,
        }
        drop(state);
        self.changed.notify_one();
    }

    /// There will come no more.
    pub(super) fn end(&self) {
        self.lock().ending = true;
        self.changed.notify_one();
    }

    /// Waits for something to write; `None` when there will be nothing more.
    pub(super) fn wait(&self) -> Option<Pending> {
        let idle = |state: &mut State| state.pending.is_empty() && !state.ending;
        let state = self.changed.wait_while(self.lock(), idle);
        let pending = core::mem::take(&mut state.unwrap_or_else(PoisonError::into_inner).pending);
        (!pending.is_empty()).then_some(pending)
    }

    /// Takes back what could not be written, and rests. Breaks where that was the last try.
    pub(super) fn put_back(&self, left: Pending, rest: Duration) -> ControlFlow<()> {
        let mut state = self.lock();
        if state.ending && !left.is_empty() {
            return ControlFlow::Break(());
        }
        state.pending.users_due |= left.users_due;
        for (conversation, end) in left.ends {
            state.pending.lacks(conversation, end);
        }
        let rested = self.changed.wait_timeout_while(state, rest, |state| !state.ending);
        drop(rested.unwrap_or_else(PoisonError::into_inner));
        ControlFlow::Continue(())
    }

    // What is done under the lock cannot be left half done.
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
