//! The clocks of a server.

use std::time::{Instant, SystemTime};

use toom_core::{Mono, Now, Timestamp};

/// Where a server gets the time from. Tests can steer it.
pub trait Clock: Send + Sync + 'static {
    /// Both clocks, read now.
    fn now(&self) -> Now;
}

/// The clocks of the machine: what its wall clock shows, and how long ago the server was started.
#[derive(Clone, Copy, Debug)]
pub struct SystemClock {
    started: Instant,
}

impl SystemClock {
    /// Monotonic time counts from here.
    #[must_use]
    pub fn start() -> Self {
        Self { started: Instant::now() }
    }
}

impl Clock for SystemClock {
    fn now(&self) -> Now {
        let wall = Timestamp::from_system_time(SystemTime::now());
        Now { wall, mono: Mono::new(self.started.elapsed()) }
    }
}
