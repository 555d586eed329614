//! Who may connect at all.

use core::net::IpAddr;
use std::collections::HashMap;

use super::{Loopback, ServerLimits};

/// Counts the open connections, in all and of each address.
#[derive(Debug, Default)]
pub(super) struct Admission {
    all: usize,
    of_address: HashMap<u128, usize>,
}

/// There are too many connections already.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum Refused {
    #[error("the server has as many connections as it may have")]
    All,
    #[error("your address has as many connections as it may have")]
    Address,
}

impl Admission {
    /// Counts a connection from `ip` in.
    pub(super) fn enter(&mut self, ip: IpAddr, limits: &ServerLimits) -> Result<(), Refused> {
        if self.all >= limits.connections_max {
            return Err(Refused::All);
        }
        if counts(ip, limits) {
            let count = self.of_address.entry(household(ip)).or_default();
            if *count >= limits.connections_per_address_max {
                return Err(Refused::Address);
            }
            *count += 1;
        }
        self.all += 1;
        Ok(())
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
    use super::*;

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

    #[test]
    fn a_full_address_leaves_room_for_others_until_all_are_too_many() {
        let limits = ServerLimits {
            connections_max: 3,
            connections_per_address_max: 2,
            loopback: Loopback::Counted,
            ..ServerLimits::default()
        };
        let mut admission = Admission::default();
        assert_eq!(admission.enter(ip("127.0.0.1"), &limits), Ok(()));
        assert_eq!(admission.enter(ip("::ffff:127.0.0.1"), &limits), Ok(()));
        assert_eq!(admission.enter(ip("127.0.0.1"), &limits), Err(Refused::Address));
        assert_eq!(admission.enter(ip("192.0.2.1"), &limits), Ok(()));
        assert_eq!(admission.enter(ip("192.0.2.2"), &limits), Err(Refused::All));
        admission.leave(ip("127.0.0.1"), &limits);
        assert_eq!(admission.enter(ip("127.0.0.1"), &limits), Ok(()));
    }

    #[test]
    fn loopback_counts_for_its_address_only_where_that_is_set() {
        let limits = ServerLimits { connections_per_address_max: 0, ..ServerLimits::default() };
        let mut admission = Admission::default();
        for address in ["127.0.0.1", "127.1.2.3", "::1", "::ffff:127.0.0.1"] {
            assert_eq!(admission.enter(ip(address), &limits), Ok(()), "{address}");
        }
        assert_eq!(admission.enter(ip("192.0.2.1"), &limits), Err(Refused::Address));
    }

    #[test]
    fn no_address_is_remembered_that_nobody_is_connected_from() {
        let limits = ServerLimits::default();
        let mut admission = Admission::default();
        for host in 0..100 {
            let ip = IpAddr::from([192, 0, 2, host]);
            admission.enter(ip, &limits).unwrap();
            admission.leave(ip, &limits);
        }
        assert!(admission.of_address.is_empty());
        assert_eq!(admission.all, 0);
    }
}
