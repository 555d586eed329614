use super::*;

#[test]
fn every_promise_is_kept_whatever_happens() {
    let mut counts = Counts::default();
    // From 100 on the store drops old messages, and from 200 on clients send files.
    for seed in (0..25).chain(100..110).chain(200..210) {
        let report = Simulation::new(seed, Options::default()).run();
        counts.add(&report.unwrap_or_else(|failure| panic!("{failure}")).counts);
    }
    println!("{counts}");
    let tried = [
        [counts.edges, counts.blocks_met, counts.bits_flipped],
        [counts.power_cuts_imagined, counts.trespasses, counts.drops],
        [counts.told_gone, counts.files_offered, counts.pieces_relayed],
    ];
    let tried = tried.as_flattened();
    assert!(tried.iter().all(|times| *times > 0), "what never happens shows nothing:\n{counts}");
}

#[test]
fn the_same_seed_does_the_same() {
    for seed in [98, 99, 100, 200, 300, 301] {
        let run = || Simulation::new(seed, Options::default()).run().unwrap();
        assert_eq!(run(), run());
    }
}
