use proptest::prelude::*;

use super::*;

const UNBOUNDED: Bounds = Bounds { unit: 8, bytes_max: u64::MAX, span_max: u64::MAX };

fn sized(sizes: &[u64]) -> Vec<Extent> {
    let extent = |(place, bytes): (usize, &u64)| {
        let first_at = i64::try_from(place).unwrap() * 10;
        Extent { bytes: *bytes, first_at, last_at: first_at + 9 }
    };
    sizes.iter().enumerate().map(extent).collect()
}

fn merge(runs: &mut Vec<Extent>, range: Range<usize>) -> u64 {
    let merged = runs[range.clone()].iter().copied().reduce(Extent::joined).unwrap();
    runs.splice(range, [merged]);
    merged.bytes
}

#[test]
fn neighbours_are_left_alone_until_there_are_enough_in_one_tier() {
    for sizes in [&[][..], &[8], &[8, 8, 8], &[32, 8, 8, 8], &[128, 32, 32, 8, 8]] {
        assert_eq!(UNBOUNDED.next_merge(&sized(sizes)), None, "{sizes:?}");
    }
}

#[test]
fn enough_neighbours_of_one_tier_are_merged_and_smaller_ones_among_them() {
    for (sizes, expected) in [
        (&[8, 8, 8, 8][..], 0..4),
        (&[32, 8, 8, 8, 8], 1..5),
        (&[128, 8, 1, 8, 2, 8], 1..6),
        (&[8, 8, 8, 8, 128], 0..4),
    ] {
        assert_eq!(UNBOUNDED.next_merge(&sized(sizes)), Some(expected), "{sizes:?}");
    }
}

#[test]
fn a_merge_that_would_complete_the_tier_above_takes_that_in() {
    assert_eq!(UNBOUNDED.next_merge(&sized(&[512, 32, 32, 32, 8, 8, 8, 8])), Some(1..8));
    assert_eq!(UNBOUNDED.next_merge(&sized(&[128, 128, 128, 32, 32, 32, 8, 8, 8, 8])), Some(0..10));
}

#[test]
fn nothing_is_merged_beyond_the_bounds() {
    let bounds = Bounds { bytes_max: 16, ..UNBOUNDED };
    assert_eq!(bounds.next_merge(&sized(&[8; 12])), None, "two fit, and four are asked for");
    let bounds = Bounds { bytes_max: 33, ..UNBOUNDED };
    assert_eq!(bounds.next_merge(&sized(&[8; 12])), Some(8..12));
    let bounds = Bounds { span_max: 39, ..UNBOUNDED };
    assert_eq!(bounds.next_merge(&sized(&[8; 12])), Some(8..12));
    let bounds = Bounds { span_max: 38, ..UNBOUNDED };
    assert_eq!(bounds.next_merge(&sized(&[8; 12])), None);
}

#[test]
fn what_is_young_is_tidied_into_an_older_run_once_it_is_a_fourth_of_it() {
    for (sizes, expected) in [
        (&[][..], None),
        (&[8], None),
        (&[8, 2], Some(0..2)),
        (&[8, 1], None),
        (&[160, 8, 1, 1], Some(1..4)),
        (&[160, 8, 16, 16], Some(0..4)),
        (&[160, 8, 1], None),
    ] {
        assert_eq!(UNBOUNDED.next_tidying(&sized(sizes)), expected, "{sizes:?}");
    }
}

#[test]
fn nothing_is_tidied_beyond_the_bounds() {
    let bounds = Bounds { bytes_max: 24, ..UNBOUNDED };
    assert_eq!(bounds.next_tidying(&sized(&[8; 5])), Some(2..5));
    assert_eq!(bounds.next_tidying(&sized(&[8, 8, 24])), None, "the youngest is as large as one may be");
    let bounds = Bounds { span_max: 19, ..UNBOUNDED };
    assert_eq!(bounds.next_tidying(&sized(&[8; 5])), Some(3..5));
}

proptest! {
    #[test]
    fn the_runs_of_a_tidied_store_shrink_fourfold_and_a_message_is_rewritten_a_few_times_more(
        flushes in 1_usize..600,
    ) {
        let mut runs: Vec<Extent> = Vec::new();
        let mut written = 0;
        for flush in 0..flushes {
            let at = i64::try_from(flush).unwrap();
            runs.push(Extent { bytes: 8, first_at: at, last_at: at });
            while let Some(range) = UNBOUNDED.next_merge(&runs).or_else(|| UNBOUNDED.next_tidying(&runs)) {
                written += merge(&mut runs, range);
            }
            let shrink = runs.windows(2).all(|pair| pair[0].bytes > pair[1].bytes * TIDY_PART);
            prop_assert!(shrink, "{runs:?}");
        }
        let most = 6 * (flushes as u64).ilog2().max(1);
        prop_assert!(written <= flushes as u64 * 8 * u64::from(most), "{written} bytes written, {flushes} flushes");
    }

    #[test]
    fn a_store_that_grows_has_few_runs_and_rewrites_a_message_once_a_tier(flushes in 1_usize..3000) {
        let mut runs: Vec<Extent> = Vec::new();
        let mut written = 0;
        let mut most = 0;
        for flush in 0..flushes {
            let at = i64::try_from(flush).unwrap();
            runs.push(Extent { bytes: 8, first_at: at, last_at: at });
            while let Some(range) = UNBOUNDED.next_merge(&runs) {
                written += merge(&mut runs, range);
            }
            most = most.max(runs.len());
        }
        let tiers = u64::from(UNBOUNDED.tier(flushes as u64 * 8)) + 1;
        prop_assert!(most as u64 <= (FAN_IN as u64 - 1) * tiers, "{most} runs in {tiers} tiers");
        prop_assert!(written <= flushes as u64 * 8 * tiers, "{written} bytes written");
        prop_assert_eq!(runs.iter().map(|run| run.bytes).sum::<u64>(), flushes as u64 * 8);
    }

    #[test]
    fn whatever_the_sizes_merging_comes_to_an_end_within_the_bounds(
        sizes in prop::collection::vec(1_u64..5000, 0..60),
        bytes_max in 8_u64..20_000,
    ) {
        let bounds = Bounds { bytes_max, ..UNBOUNDED };
        let mut runs = sized(&sizes);
        for _ in 0..sizes.len() {
            let Some(range) = bounds.next_merge(&runs) else { return Ok(()) };
            prop_assert!(range.len() >= FAN_IN, "{:?}", range);
            prop_assert!(merge(&mut runs, range) <= bytes_max);
        }
        prop_assert!(bounds.next_merge(&runs).is_none());
    }
}
