//! What fuzzing found interesting, or wrong, replayed: `fuzz/corpus` has a folder for each target.
#![expect(clippy::unwrap_used, clippy::panic, reason = "a test fails where it panics")]

use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use toom_fuzz::{Law, TARGETS};

fn fuzz() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../fuzz")
}

/// The names of what is in a folder, in order.
fn names(folder: &Path) -> Vec<String> {
    let entries = fs::read_dir(folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display()));
    let mut names: Vec<_> = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

/// Hands every input of the corpus of `target` to its law.
fn replay(target: &str) {
    let (_, law) = TARGETS.iter().find(|(name, _)| *name == target).unwrap();
    let folder = fuzz().join("corpus").join(target);
    let inputs = names(&folder);
    assert!(inputs.len() >= 6, "{} inputs are no corpus", inputs.len());
    let mut slowest = (Duration::ZERO, "");
    for input in &inputs {
        let bytes = fs::read(folder.join(input)).unwrap();
        let start = Instant::now();
        hand(*law, &bytes, input);
        slowest = slowest.max((start.elapsed(), input));
    }
    println!("{target}: {} inputs, the slowest, {}, in {:?}", inputs.len(), slowest.1, slowest.0);
}

fn hand(law: Law, bytes: &[u8], input: &str) {
    let outcome = std::panic::catch_unwind(|| law(bytes));
    assert!(outcome.is_ok(), "the input {input} breaks the law");
}

macro_rules! replays {
    ($($target:ident)*) => {
        $(
            #[test]
            fn $target() {
                replay(stringify!($target));
            }
        )*

        /// A target without a replay, or a law without a target, would go unnoticed.
        #[test]
        fn every_law_has_a_target_a_corpus_and_a_replay() {
            let laws: Vec<_> = TARGETS.iter().map(|(name, _)| (*name).to_owned()).collect();
            assert_eq!(laws, [$(stringify!($target)),*]);
            assert_eq!(names(&fuzz().join("corpus")), laws);
            let targets: Vec<_> = laws.iter().map(|name| format!("{name}.rs")).collect();
            assert_eq!(names(&fuzz().join("fuzz_targets")), targets);
        }
    };
}

mod replayed {
    use super::*;

    replays!(credentials file_names import journal operations recording reply request run terminal);
}
