//! Who makes room.

use core::net::IpAddr;

use super::*;

fn from(hub: &mut Hub, ip: &str) -> ConnectionId {
    hub.open(path(ip.parse::<IpAddr>().unwrap()), NOW)
}

#[test]
fn the_address_that_has_most_strangers_makes_room_first_and_its_oldest_goes() {
    let mut hub = hub(ServerLimits::default());
    let lone = from(&mut hub, "192.0.2.9");
    let crowd: Vec<_> = (0..3).map(|_| from(&mut hub, "192.0.2.1")).collect();
    let pair: Vec<_> = (0..2).map(|_| from(&mut hub, "192.0.2.2")).collect();
    // Of two addresses that have as many, the one whose oldest came first.
    for expected in [crowd[0], crowd[1], pair[0], lone, crowd[2], pair[1]] {
        assert_eq!(hub.oldest_stranger(), Some(expected));
        hub.remove(expected);
    }
    assert_eq!((hub.oldest_stranger(), hub.metrics().strangers), (None, 0));
}

#[test]
fn a_household_of_ipv6_is_one_address() {
    let mut hub = hub(ServerLimits::default());
    let lone = from(&mut hub, "2001:db8:1:3::1");
    let oldest = from(&mut hub, "2001:db8:1:2::1");
    let other = from(&mut hub, "2001:db8:1:2:ffff::9");
    let ip = "2001:db8:1:2::77".parse().unwrap();
    assert_eq!((hub.strangers_of(ip), hub.oldest_stranger_of(ip)), (2, Some(oldest)));
    assert_eq!(hub.oldest_stranger(), Some(oldest));
    hub.remove(oldest);
    assert_eq!((hub.strangers_of(ip), hub.oldest_stranger_of(ip)), (1, Some(other)));
    assert_eq!(hub.oldest_stranger(), Some(lone));
}

#[test]
fn who_is_logged_in_or_has_a_password_checked_makes_no_room_and_who_was_refused_does() {
    let mut hub = hub(ServerLimits::default());
    let luke = log_in(&mut hub, "luke", "on");
    assert_eq!((hub.oldest_stranger(), hub.metrics().strangers), (None, 0));
    let guess = connect(&mut hub);
    assert_eq!(hub.oldest_stranger(), Some(guess));
    feed(&mut hub, guess, "LOGIN luke wrong\n");
    assert_eq!((hub.oldest_stranger(), hub.metrics().strangers), (None, 0));
    reply(&mut hub, guess, 0, "ERR LOGIN\n");
    assert_eq!((hub.oldest_stranger(), hub.metrics().strangers), (Some(guess), 1));
    hub.remove(luke);
    hub.remove(guess);
    assert_eq!((hub.oldest_stranger(), hub.metrics().strangers), (None, 0));
}

#[test]
fn who_makes_room_is_told_why() {
    let mut hub = hub(ServerLimits::default());
    let id = connect(&mut hub);
    hub.turn_out(id, NOW);
    let told = "BYE too-many-connections others want to connect, and nobody logged in here\n";
    assert_eq!(said(&mut hub, id), (told.to_owned(), Rest::End));
    assert!(inputs(&mut hub).is_empty(), "the engine knows nothing of it");
}

proptest! {
    /// It fails if anything is forgotten or remembered that should not be, whoever comes, goes, logs in or is refused.
    #[test]
    fn strangers_are_those_whom_a_plain_list_names(
        steps in prop::collection::vec((0_u8..5, 0_u8..4, any::<prop::sample::Index>()), 1..80),
    ) {
        let mut hub = hub(ServerLimits::default());
        let (mut there, mut ending) = (Vec::<(ConnectionId, u8, bool)>::new(), Vec::new());
        for (step, host, chosen) in steps {
            if step < 2 || there.is_empty() {
                let id = hub.open(path([192, 0, 2, host]), NOW);
                there.push((id, host, true));
            } else {
                let place = chosen.index(there.len());
                let (id, _, stranger) = &mut there[place];
                match step {
                    2 => {
                        hub.remove(*id);
                        there.remove(place);
                    }
                    3 if *stranger && !ending.contains(id) => {
                        feed(&mut hub, *id, "LOGIN luke pw\n");
                        *stranger = false;
                    }
                    _ => {
                        hub.end_when_answered(*id, None, NOW);
                        ending.push(*id);
                    }
                }
            }
            let mut strangers: Vec<_> = there.iter().filter(|(_, _, stranger)| *stranger).collect();
            strangers.sort_by_key(|(id, host, _)| {
                let of_host = there.iter().filter(|other| other.1 == *host && other.2);
                let oldest = of_host.clone().map(|other| other.0).min();
                (core::cmp::Reverse(of_host.count()), oldest, *id)
            });
            prop_assert_eq!(hub.oldest_stranger(), strangers.first().map(|(id, ..)| *id));
            prop_assert_eq!(hub.metrics().strangers, strangers.len() as u64);
            for host in 0..4 {
                let ip = IpAddr::from([192, 0, 2, host]);
                let of_host: Vec<_> = strangers.iter().filter(|(_, other, _)| *other == host).collect();
                prop_assert_eq!(hub.strangers_of(ip), of_host.len());
                prop_assert_eq!(hub.oldest_stranger_of(ip), of_host.iter().map(|(id, ..)| *id).min());
            }
        }
    }
}
