//! Who may connect at all.

use core::net::IpAddr;
use std::collections::HashMap;
use std::hash::{BuildHasher as _, RandomState};

use toom_core::Mono;

use super::metrics::ConnectionMetrics;
use super::rate::{Bucket, whole_seconds};
use super::{Loopback, ServerLimits};
use crate::protocol::{ByeCode, Push};

/// How many buckets there are for the rate of connections: as many addresses can be told from each other. More of them share
/// buckets, which no one can choose.
const BUCKETS: usize = 16_384;

/// Counts the open connections, in all and of each address, and how fast they come.
#[derive(Debug)]
pub(super) struct Admission {
    all: usize,
    of_address: HashMap<u128, usize>,
    rates: Box<[Bucket]>,
    seed: RandomState,
}

/// Why a peer may not connect.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum Refused {
    #[error("the server has as many connections as it may have")]
    All,
    #[error("your address has as many connections as it may have")]
    Address,
    #[error("your address connects too often; seconds left: {seconds}")]
    Rate { seconds: u64 },
}

impl Refused {
    /// What the peer is told.
    pub(super) fn bye(self) -> Push {
        let code = match self {
            Self::All | Self::Address => ByeCode::TooManyConnections,
            Self::Rate { .. } => ByeCode::Throttled,
        };
        Push::Bye { code, text: self.to_string().into() }
    }

    pub(super) fn count(self, counts: &mut ConnectionMetrics) {
        *match self {
            Self::All => &mut counts.refused_all,
            Self::Address => &mut counts.refused_address,
            Self::Rate { .. } => &mut counts.refused_rate,
        } += 1;
    }
}

impl Default for Admission {
    fn default() -> Self {
        Self {
            all: 0,
            of_address: HashMap::new(),
            rates: vec![Bucket::default(); BUCKETS].into(),
            seed: RandomState::new(),
        }
    }
}

impl Admission {
    /// Counts that a peer at `ip` connects, whether it may or not.
    pub(super) fn knock(&mut self, ip: IpAddr, limits: &ServerLimits, now: Mono) -> Result<(), Refused> {
        if counts(ip, limits) { self.spend(household(ip), limits, now) } else { Ok(()) }
    }

    /// Whether there are as many connections as there may be.
    pub(super) fn is_full(&self, limits: &ServerLimits) -> bool {
        self.all >= limits.connections_max
    }

    /// Whether the address of `ip` has as many connections as it may have, or as many as it may have of those that are not logged in,
    /// which are `strangers`.
    pub(super) fn is_address_full(&self, ip: IpAddr, strangers: usize, limits: &ServerLimits) -> bool {
        let count = || self.of_address.get(&household(ip)).copied().unwrap_or_default();
        counts(ip, limits)
            && (strangers >= limits.strangers_per_address_max.get()
                || count() >= limits.connections_per_address_max)
    }

    /// Counts a connection from `ip` in.
    pub(super) fn enter(&mut self, ip: IpAddr, limits: &ServerLimits) {
        if counts(ip, limits) {
            *self.of_address.entry(household(ip)).or_default() += 1;
        }
        self.all += 1;
    }

    /// A refusal by the rate costs the address nothing.
    fn spend(&mut self, household: u128, limits: &ServerLimits, now: Mono) -> Result<(), Refused> {
        let place = usize::try_from(self.seed.hash_one(household) % BUCKETS as u64);
        let bucket = place.ok().and_then(|place| self.rates.get_mut(place));
        let taken = bucket.map_or(Ok(()), |bucket| bucket.take(limits.connections_per_address, now));
        taken.map_err(|left| Refused::Rate { seconds: whole_seconds(left) })
    }

    /// Counts a connection out that was counted in.
    pub(super) fn leave(&mut self, ip: IpAddr, limits: &ServerLimits) {
        self.all = self.all.saturating_sub(1);
        if counts(ip, limits)
            && let Some(count) = self.of_address.get_mut(&household(ip))
        {
            *count -= 1;
            if *count == 0 {
                self.of_address.remove(&household(ip));
            }
        }
    }
}

fn counts(ip: IpAddr, limits: &ServerLimits) -> bool {
    limits.loopback == Loopback::Counted || !ip.to_canonical().is_loopback()
}

/// One number for each IPv4 address, and for each first half of an IPv6 address: a household holds all of the other half.
pub(super) fn household(ip: IpAddr) -> u128 {
    match ip.to_canonical() {
        IpAddr::V4(ip) => u128::from(u32::from(ip)),
        IpAddr::V6(ip) => u128::from(ip) >> 64 << 64,
    }
}

#[cfg(test)]
mod tests {
    use core::num::NonZeroUsize;
    use core::time::Duration;

    use super::*;
    use crate::server::Rate;

    fn ip(text: &str) -> IpAddr {
        text.parse().unwrap()
    }

    #[test]
    fn an_ipv6_household_is_one_address_and_an_ipv4_address_is_one_however_written() {
        assert_eq!(household(ip("2001:db8:1:2::1")), household(ip("2001:db8:1:2:ffff::9")));
        assert_ne!(household(ip("2001:db8:1:2::1")), household(ip("2001:db8:1:3::1")));
        assert_eq!(household(ip("192.0.2.1")), household(ip("::ffff:192.0.2.1")));
        assert_ne!(household(ip("192.0.2.1")), household(ip("192.0.2.2")));
    }

    /// Comes in, unless there are too many.
    fn enter(admission: &mut Admission, from: &str, limits: &ServerLimits) -> Result<(), Refused> {
        let from = ip(from);
        if admission.is_address_full(from, 0, limits) {
            return Err(Refused::Address);
        }
        if admission.is_full(limits) {
            return Err(Refused::All);
        }
        admission.enter(from, limits);
        Ok(())
    }

    #[test]
    fn a_full_address_leaves_room_for_others_until_all_are_too_many() {
        let limits = ServerLimits {
            connections_max: 3,
            connections_per_address_max: 2,
            loopback: Loopback::Counted,
            ..ServerLimits::default()
        };
        let mut admission = Admission::default();
        assert_eq!(enter(&mut admission, "127.0.0.1", &limits), Ok(()));
        assert_eq!(enter(&mut admission, "::ffff:127.0.0.1", &limits), Ok(()));
        assert_eq!(enter(&mut admission, "127.0.0.1", &limits), Err(Refused::Address));
        assert_eq!(enter(&mut admission, "192.0.2.1", &limits), Ok(()));
        assert_eq!(enter(&mut admission, "192.0.2.2", &limits), Err(Refused::All));
        admission.leave(ip("127.0.0.1"), &limits);
        assert_eq!(enter(&mut admission, "127.0.0.1", &limits), Ok(()));
    }

    #[test]
    fn each_refusal_is_counted_once_and_apart_from_the_others() {
        let mut counts = ConnectionMetrics::default();
        let refusals = [Refused::All, Refused::Address, Refused::Address, Refused::Rate { seconds: 9 }];
        for refused in refusals.iter().chain(&refusals) {
            refused.count(&mut counts);
        }
        assert_eq!((counts.refused_all, counts.refused_address, counts.refused_rate), (2, 4, 2));
    }

    #[test]
    fn an_address_is_full_of_strangers_at_its_limit_and_not_before() {
        let two = NonZeroUsize::MIN.saturating_add(1);
        let limits = ServerLimits { strangers_per_address_max: two, ..ServerLimits::default() };
        let admission = Admission::default();
        assert!(!admission.is_address_full(ip("192.0.2.1"), 1, &limits));
        assert!(admission.is_address_full(ip("192.0.2.1"), 2, &limits));
        assert!(!admission.is_address_full(ip("127.0.0.1"), 2, &limits), "loopback is exempt");
    }

    #[test]
    fn loopback_counts_for_its_address_only_where_that_is_set() {
        let limits = ServerLimits { connections_per_address_max: 0, ..ServerLimits::default() };
        let mut admission = Admission::default();
        for address in ["127.0.0.1", "127.1.2.3", "::1", "::ffff:127.0.0.1"] {
            assert_eq!(enter(&mut admission, address, &limits), Ok(()), "{address}");
        }
        assert!(admission.of_address.is_empty());
        assert_eq!(enter(&mut admission, "192.0.2.1", &limits), Err(Refused::Address));
    }

    #[test]
    fn no_address_is_remembered_that_nobody_is_connected_from() {
        let limits = ServerLimits::default();
        let mut admission = Admission::default();
        for host in 0..100 {
            let ip = IpAddr::from([192, 0, 2, host]);
            admission.enter(ip, &limits);
            admission.leave(ip, &limits);
        }
        assert!(admission.of_address.is_empty());
        assert_eq!(admission.all, 0);
    }

    #[test]
    fn an_address_that_connects_too_often_is_told_when_to_come_again_and_others_are_not_held_up() {
        let limits = ServerLimits {
            connections_per_address: Rate { per_second: 2, burst: 3 },
            ..ServerLimits::default()
        };
        let at = |millis| Mono::new(Duration::from_millis(millis));
        let mut admission = Admission::default();
        // Addresses of one IPv6 household are one.
        for host in ["2001:db8:1:2::1", "2001:db8:1:2::2", "2001:db8:1:2::3"] {
            assert_eq!(admission.knock(ip(host), &limits, at(0)), Ok(()));
        }
        let again = ip("2001:db8:1:2:ffff::4");
        let refused = admission.knock(again, &limits, at(0));
        assert_eq!(refused, Err(Refused::Rate { seconds: 1 }));
        let mut line = Vec::new();
        refused.unwrap_err().bye().append_to(&mut line);
        assert_eq!(line, b"BYE throttled your address connects too often; seconds left: 1\n");
        // In one bucket of 16,384 by chance, but not all three.
        let others = ["192.0.2.1", "192.0.2.2", "192.0.2.3"];
        assert!(others.iter().any(|host| admission.knock(ip(host), &limits, at(0)) == Ok(())));
        assert_eq!(admission.knock(ip("127.0.0.1"), &limits, at(0)), Ok(()), "loopback is exempt");
        assert_eq!(admission.knock(again, &limits, at(500)), Ok(()));
        assert!(admission.knock(again, &limits, at(500)).is_err());
    }

    #[test]
    fn a_flood_from_ever_new_addresses_takes_no_memory() {
        let limits = ServerLimits::default();
        let mut admission = Admission::default();
        for host in 0..100_000_u32 {
            let _ = admission.knock(IpAddr::from(host.to_be_bytes()), &limits, Mono::ZERO);
        }
        assert!(admission.of_address.capacity() == 0 && admission.rates.len() == BUCKETS);
    }
}
