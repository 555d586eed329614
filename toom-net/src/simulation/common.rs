//! What everything in a simulation shares.

use core::net::{IpAddr, Ipv4Addr};
use core::time::Duration;
use std::cell::RefCell;
use std::rc::Rc;

use toom_core::{Mono, Now, Timestamp};

use super::chance::Chance;
use super::log::Log;
use super::network::Network;
use super::report::Counts;
use super::truth::Truth;
use super::weather::Weather;

/// When the simulated world begins: 2022-08-04T09:02:21Z.
const BEGINNING: i64 = 1_659_603_741_000_000;

/// What everything shares.
pub(super) struct Common {
    pub(super) chance: Chance,
    pub(super) weather: Weather,
    pub(super) network: Rc<RefCell<Network>>,
    pub(super) clock: Clock,
    /// When the faults ended, if they did.
    pub(super) calm_since: Option<Mono>,
    pub(super) truth: Truth,
    pub(super) counts: Counts,
    pub(super) log: Log,
}

/// The clocks of the simulated world.
#[derive(Clone, Copy, Debug)]
pub(super) struct Clock {
    elapsed: Duration,
    /// By how much the wall clock is wrong.
    wrong_micros: i64,
}

impl Clock {
    pub(super) fn new() -> Self {
        Self { elapsed: Duration::ZERO, wrong_micros: 0 }
    }

    pub(super) fn mono(self) -> Mono {
        Mono::new(self.elapsed)
    }

    pub(super) fn now(self) -> Now {
        let micros = i64::try_from(self.elapsed.as_micros()).unwrap_or_default();
        let wall = Timestamp::from_unix_micros(BEGINNING + micros + self.wrong_micros);
        Now { wall: wall.unwrap_or(Timestamp::MIN), mono: self.mono() }
    }

    pub(super) fn pass(&mut self, time: Duration) {
        self.elapsed += time;
    }

    pub(super) fn pass_until(&mut self, then: Mono) {
        self.elapsed = self.elapsed.max(then.elapsed());
    }

    /// Sets the wall clock.
    pub(super) fn set_wrong(&mut self, micros: i64) {
        self.wrong_micros = micros;
    }
}

/// Where a peer is.
pub(super) fn address(host: usize) -> IpAddr {
    let host = u8::try_from(host % 250).unwrap_or_default();
    IpAddr::V4(Ipv4Addr::new(192, 0, 2, host))
}

/// The first host from which nobody with an account ever comes.
pub(super) const STRANGE: usize = 100;
