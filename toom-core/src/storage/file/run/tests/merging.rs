//! A merge holds what its runs held.

use super::*;

fn merged(runs: Vec<Arc<Run<Bytes>>>) -> Result<Run<Bytes>, StorageError> {
    let (file, writer) = writer(99);
    let mut merge = Merge::new(runs, writer)?;
    while merge.step()? == Progress::More {}
    opened(file, merge.finish()?)
}

/// The runs of a history that was cut at these places.
fn runs(history: &[Said], cuts: &[usize]) -> Vec<Arc<Run<Bytes>>> {
    let mut cuts: Vec<_> =
        cuts.iter().map(|cut| cut % (history.len() + 1)).chain([0, history.len()]).collect();
    cuts.sort_unstable();
    cuts.windows(2).zip(1..).map(|(cut, id)| Arc::new(run(&history[cut[0]..cut[1]], id))).collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn a_merge_holds_what_its_runs_held(
        said in proptest::collection::vec((0_u32..5, prop_oneof![8 => 1_usize..400, 1 => 1000_usize..8000]), 0..150),
        cuts in proptest::collection::vec(0_usize..1000, 0..6),
    ) {
        let history = history(said);
        let runs = runs(&history, &cuts);
        let blocks_before: usize = runs.iter().map(|run| checked(run).unwrap().1).sum();
        let merged = merged(runs).unwrap();
        let (told, blocks) = checked(&merged).unwrap();
        prop_assert_eq!(told, clustered(&history));
        prop_assert!(blocks <= blocks_before);
        let summary = merged.summary();
        if let Some((first, last)) = history.first().zip(history.last()) {
            prop_assert_eq!((summary.first_at, summary.last_at), (first.at, last.at));
        }
    }
}

#[test]
fn a_merge_of_many_steps_and_pages_holds_what_its_runs_held() {
    let history = history((0..3000).map(|i| (i % 700, 2500)));
    let merged = merged(runs(&history, &[500, 1000, 2200])).unwrap();
    assert!(merged.summary().bytes > 4 << 20 && merged.fences.len() > 3);
    assert_eq!(checked(&merged).unwrap().0, clustered(&history));
}

#[test]
fn small_blocks_of_a_conversation_become_one() {
    let history = history((0..40).map(|i| (i % 10, 30)));
    let runs = runs(&history, &[10, 20, 30]);
    assert_eq!(runs.iter().map(|run| checked(run).unwrap().1).sum::<usize>(), 40);
    assert_eq!(checked(&merged(runs).unwrap()).unwrap().1, 10);
}

#[test]
fn a_run_of_full_blocks_is_copied_byte_for_byte() {
    let history = history((0..200).map(|_| (0, 100)));
    let original = run(&history, 99);
    let merged = merged(vec![Arc::new(run(&history, 99))]).unwrap();
    assert_eq!(merged.summary(), original.summary());
    assert_eq!(merged.file.copy(), original.file.copy());
}

#[test]
fn damage_of_a_run_ends_the_merge_before_it_is_copied() {
    let history = history((0..30).map(|i| (i % 3, 300)));
    for byte in [0, 40, 3000] {
        let runs = runs(&history, &[15]);
        runs[1].file.0.write().unwrap()[byte] ^= 1;
        let error = merged(runs).unwrap_err();
        assert!(matches!(&error, StorageError::Corrupt { thing, .. } if thing == "history-2"), "{error}");
    }
}

#[test]
fn runs_between_which_messages_are_missing_are_not_merged() {
    let history = history((0..30).map(|_| (0, 30)));
    let error = merged(vec![Arc::new(run(&history[..10], 1)), Arc::new(run(&history[11..], 2))]).unwrap_err();
    assert!(matches!(&error, StorageError::Corrupt { thing, .. } if thing == "history-2"), "{error}");
    let error = merged(vec![Arc::new(run(&history[10..], 2)), Arc::new(run(&history[..10], 1))]).unwrap_err();
    assert!(matches!(error, StorageError::Corrupt { .. }), "{error}");
}

#[test]
fn a_step_of_a_merge_goes_through_a_mebibyte() {
    let blocks_of_a_mebibyte = (1 << 20) / block::BLOCK_BYTES;
    let history = in_blocks(0, vec![block::BLOCK_BYTES; 2 * blocks_of_a_mebibyte]);
    let (file, writer) = writer(99);
    let mut merge = Merge::new(vec![Arc::new(run(&history, 1))], writer).unwrap();
    let steps =
        core::iter::from_fn(|| Some(merge.step().unwrap())).take_while(|step| *step == Progress::More);
    assert_eq!(steps.count(), 2);
    assert_eq!(checked(&opened(file, merge.finish().unwrap()).unwrap()).unwrap().0, history);
}

#[test]
fn a_block_that_is_half_full_is_copied_and_a_smaller_one_is_joined_with_the_next() {
    let half = block::BLOCK_BYTES / 2;
    for (bytes, blocks) in [(half - 8, 1), (half, 2)] {
        let history = in_blocks(0, [bytes, 80]);
        let merged = merged(runs(&history, &[1])).unwrap();
        assert_eq!(checked(&merged).unwrap(), (history, blocks), "a block of {bytes} bytes");
    }
}
