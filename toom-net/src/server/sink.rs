//! Where events go.

use core::fmt;
use std::sync::{Arc, Mutex, PoisonError};

use super::Event;

/// Takes events in order, whichever thread tells of them.
#[derive(Clone)]
pub(super) struct EventSink(Arc<Mutex<Take>>);

type Take = dyn FnMut(&Event) + Send;

impl EventSink {
    pub(super) fn new(take: impl FnMut(&Event) + Send + 'static) -> Self {
        Self(Arc::new(Mutex::new(take)))
    }

    pub(super) fn tell(&self, events: impl IntoIterator<Item = Event>) {
        let mut events = events.into_iter().peekable();
        if events.peek().is_some() {
            let mut take = self.0.lock().unwrap_or_else(PoisonError::into_inner);
            events.for_each(|event| take(&event));
        }
    }
}

impl fmt::Debug for EventSink {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("EventSink")
    }
}
