use super::*;

#[test]
fn every_promise_is_kept_whatever_happens() {
    let mut counts = Counts::default();
    // From 100 on the store drops old messages.
    for seed in (0..30).chain(100..110) {
        let report = Simulation::new(seed, Options::default()).run();
        counts.add(&report.unwrap_or_else(|failure| panic!("{failure}")).counts);
    }
    println!("{counts}");
    let tried = [
        [counts.edges, counts.blocks_met, counts.bits_flipped],
        [counts.power_cuts_imagined, counts.trespasses, counts.drops],
    ];
    let tried = tried.as_flattened();
    assert!(tried.iter().all(|times| *times > 0), "what never happens shows nothing:\n{counts}");
}

#[test]
fn the_same_seed_does_the_same() {
    for seed in 97..103 {
        let run = || Simulation::new(seed, Options::default()).run().unwrap();
        assert_eq!(run(), run());
    }
}
