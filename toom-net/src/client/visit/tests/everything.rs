//! Whatever happens, everything comes out once and in order, and is stored once.

use proptest::collection::vec;
use proptest::prelude::*;

use super::*;

/// Everything at once: own posts, others', rooms, messages that overtake answers, and a client that is too slow for a while.
fn exchange() -> Vec<Step> {
    use Step::{Lag, Lines, Other, Overtaking, Own, TellLag};
    vec![
        Other(B),
        Own(B),
        Lines(2),
        Other(room(1)),
        Overtaking(B),
        Own(B),
        Own(room(1)),
        Lines(3),
        Lag,
        Other(B),
        Other(B),
        Other(room(2)),
        Own(B),
        Other(B),
        Other(B),
        Lines(4),
        TellLag,
        Other(B),
        Own(room(2)),
        Lines(5),
        Other(room(1)),
        Other(room(2)),
        Own(B),
    ]
}

#[test]
fn without_a_cut_everything_comes_out_in_order_of_number() {
    let mut world = World::new([]);
    let own = play(&mut world, &exchange());
    check(&world, own);
    for (conversation, seen) in world.numbers() {
        assert!(seen.is_sorted_by_key(|(number, _)| *number), "{conversation:?}: {seen:?}");
    }
}

#[test]
fn wherever_the_exchange_is_cut_everything_comes_out_once_and_is_stored_once() {
    let mut whole = World::new([]);
    play(&mut whole, &exchange());
    assert!(whole.brought > 30, "{}", whole.brought);
    for lines in 0..whole.brought {
        for bytes in [0, 1, 20] {
            let mut world = World::new([Cut { lines, bytes }]);
            let own = play(&mut world, &exchange());
            check(&world, own);
        }
    }
}

#[test]
fn wherever_the_exchange_is_cut_twice_everything_comes_out_once_and_is_stored_once() {
    for first in 0..50 {
        for more in 1..40 {
            let cuts = [first, first + more].map(|lines| Cut { lines, bytes: 0 });
            let mut world = World::new(cuts);
            let own = play(&mut world, &exchange());
            check(&world, own);
        }
    }
}

fn any_place() -> impl Strategy<Value = Conversation> {
    prop_oneof![Just(B), Just(room(1)), Just(room(2))]
}

fn any_step() -> impl Strategy<Value = Step> {
    prop_oneof![
        3 => any_place().prop_map(Step::Own),
        5 => any_place().prop_map(Step::Other),
        1 => any_place().prop_map(Step::Overtaking),
        1 => Just(Step::Lag),
        1 => Just(Step::TellLag),
        4 => (1_usize..12).prop_map(Step::Lines),
    ]
}

proptest! {
    #[test]
    fn whatever_happens_and_wherever_it_is_cut_everything_comes_out_once(
        steps in vec(any_step(), 0..60),
        cuts in vec((0_usize..40, 0_usize..40), 0..5),
    ) {
        let mut at = 0;
        let cuts: Vec<_> = cuts.into_iter().map(|(more, bytes)| { at += more; Cut { lines: at, bytes } }).collect();
        let mut world = World::new(cuts);
        let own = play(&mut world, &steps);
        check(&world, own);
    }
}
