//! Texts of words, some more frequent than others, as people write them: neither a store that compresses nor one that does
//! not is flattered by them.

use rand::{RngExt, SeedableRng, distr::Distribution};
use rand_distr::Zipf;
use rand_xoshiro::SplitMix64;

use super::{BODY_BYTES, SEED};

const WORDS: u16 = 8192;
const SYLLABLES: [&str; 24] = [
    "a", "be", "chi", "da", "en", "fo", "ga", "hör", "in", "ja", "ke", "lu", "ma", "né", "or", "pi", "qua",
    "re", "st", "tu", "um", "vi", "wel", "zo",
];

#[derive(Debug)]
pub(super) struct Words {
    words: Vec<String>,
    frequency: Zipf<f64>,
}

impl Words {
    pub(super) fn new() -> Self {
        let mut random = SplitMix64::seed_from_u64(SEED);
        let syllable = |random: &mut SplitMix64| {
            SYLLABLES.get(random.random_range(0..SYLLABLES.len())).copied().unwrap_or_default()
        };
        let word = |_| (0..random.random_range(1..=4)).map(|_| syllable(&mut random)).collect();
        Self {
            words: (0..WORDS).map(word).collect(),
            frequency: Zipf::new(f64::from(WORDS), 1.0).expect("some words and a positive exponent"),
        }
    }

    /// A text of [`BODY_BYTES`] bytes.
    pub(super) fn text(&self, random: &mut SplitMix64) -> String {
        let mut text = String::with_capacity(2 * BODY_BYTES);
        while text.len() < BODY_BYTES {
            text.push_str(self.word(random));
            text.push(' ');
        }
        text.truncate(text.floor_char_boundary(BODY_BYTES));
        while text.len() < BODY_BYTES {
            text.push('.');
        }
        text
    }

    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "a whole number of 1 or more"
    )]
    fn word(&self, random: &mut SplitMix64) -> &str {
        let rank = self.frequency.sample(random) as usize;
        self.words.get(rank - 1).expect("the law gives 1 to the number of words")
    }
}
