//! Whatever is done to a server, doing it again gives the same.

use core::num::{NonZeroU32, NonZeroUsize};

use toom_core::{Attempts, Limits, Members};

use super::*;

fn act() -> impl Strategy<Value = Act> {
    let texts = prop::sample::select(vec!["hello", "two\nlines", "é \u{202e} end", "x"]);
    let keys = prop::option::of(prop::sample::select(vec!["k", "l"]));
    let members = prop::sample::select(vec![&[][..], &[1], &[1, 2], &[0, 3], &[2, 2]]);
    prop_oneof![
        6 => (0..6_u32, 0..4_usize, prop::bool::weighted(0.8)).prop_map(|(on, as_, right)| Act::Login(on, as_, right)),
        4 => (0..6_u32, any::<bool>()).prop_map(|(on, right)| Act::Checked(on, right)),
        6 => (0..6_u32, texts.clone(), keys).prop_map(|(on, text, key)| Act::Broadcast(on, text, key)),
        4 => (0..6_u32, members).prop_map(|(on, names)| Act::CreateRoom(on, names)),
        6 => (0..6_u32, 1..4_u32, texts).prop_map(|(on, room, text)| Act::Post(on, room, text)),
        3 => (0..6_u32, 0..5_u64).prop_map(|(on, after)| Act::ReadBroadcast(on, after)),
        3 => (0..6_u32).prop_map(Act::ReadRooms),
        2 => (0..6_u32).prop_map(Act::Users),
        1 => (0..6_u32, 0..4_usize).prop_map(|(on, to)| Act::Offer(on, to)),
        1 => (0..6_u32).prop_map(Act::Logout),
        1 => (0..6_u32).prop_map(Act::Gone),
        1 => (0..4_usize).prop_map(Act::Kick),
        1 => (0..2_usize).prop_map(Act::Accounts),
    ]
}

/// How long it is to a turn, what happens to the store before, and what is done.
fn turns() -> impl Strategy<Value = Vec<(u64, Option<usize>, Vec<Act>)>> {
    let fail = prop::option::weighted(0.1, prop::sample::select(vec![0, 0, 0, 1, 1, 2]));
    prop::collection::vec((0..40_u64, fail, prop::collection::vec(act(), 0..12)), 1..20)
}

/// Ends of the world, and what lies next to them.
pub(super) fn span() -> impl Strategy<Value = Duration> {
    let seconds = prop::sample::select(vec![0, 1, 60, u64::MAX]);
    (seconds, prop::sample::select(vec![0, 1, 999_999_999]))
        .prop_map(|(seconds, nanos)| Duration::new(seconds, nanos))
}

/// Rules that nobody would make.
fn extreme() -> impl Strategy<Value = Config> {
    let counts = prop::array::uniform8(prop::sample::select(vec![0, 1, 2, 4096, usize::MAX]));
    let rules =
        (1..=5_u8, prop::option::of(span()), any::<bool>(), prop::sample::select(vec![1, 2, u32::MAX]));
    (counts, prop::array::uniform4(span()), rules).prop_map(
        |(counts, spans, (attempts, idle, exist, failures))| {
            let [block, familiar_for, source_refill, check_timeout] = spans;
            let limits = Limits {
                body_bytes_max: counts[0],
                members_max: counts[1],
                rooms_per_user_max: counts[2],
                sessions_max: counts[3],
                sessions_per_account_max: counts[4],
                page_messages_max: NonZeroUsize::MIN.saturating_add(counts[5]),
                page_bytes_max: counts[6],
                familiar_sources_max: counts[7],
                familiar_for,
                source_failures_max: NonZeroU32::MIN.saturating_add(failures - 1),
                source_refill,
                check_timeout,
            };
            let policy = Policy {
                attempts: Attempts::new(attempts).unwrap(),
                block,
                members: if exist { Members::Exist } else { Members::Active },
                session_idle: idle,
            };
            Config { policy, limits, seed: Seed::default() }
        },
    )
}

proptest! {
    #[test]
    fn under_rules_that_nobody_would_make_it_comes_again_too(turns in turns(), pauses in prop::collection::vec(span(), 20), config in extreme()) {
        let mut world = World::new(config);
        for ((_, fail, acts), pause) in turns.into_iter().zip(pauses) {
            if let Some(how) = fail {
                world.fail(how);
            }
            world.turn_after(pause, acts);
        }
        let replayed = replayed(&world.end());
        prop_assert_eq!(replayed.ending, Ending::Stopped);
    }

    #[test]
    fn whatever_is_done_comes_again(turns in turns(), seed in any::<[u8; 16]>(), idle in prop::option::of(5..60_u64)) {
        let policy = Policy { session_idle: idle.map(Duration::from_secs), ..Policy::default() };
        let mut world = World::new(Config { policy, seed: Seed::new(seed), ..Config::default() });
        for (seconds, fail, acts) in turns {
            if let Some(how) = fail {
                world.fail(how);
            }
            world.turn(seconds, acts);
        }
        let recording = world.end();
        let replayed = replayed(&recording);
        prop_assert_eq!(replayed.ending, Ending::Stopped);
        prop_assert_eq!(replayed.counts.pages_passed_over, 0);
        let mut reached = 0;
        replay(&recording[..], |bytes| reached = bytes).unwrap();
        prop_assert!(reached > recording.len() as u64 / 2, "progress ends at the last frame");
    }
}
